#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# husk-vm, or a process of a VM's jail, killed at any moment: no command waits for ever, and after `delete --force` all is
# as it was before: processes, mounts, cgroups, sockets and files. But for the last tests vm/actor.c stands in the
# hypervisor's place.
# shellcheck disable=SC2016 # $names in single quotes are jq's
set -eu
KEPT="/boot/ /usr/ /lib/ /var/cache/husk/" # what a machine is made of
# shellcheck source=tests/integration/crash/crash.sh
. "$(dirname "$0")/crash/crash.sh"
private_cgroup2 "$@"

ACTOR=$HUSK_TOP_BUILDDIR/tests/integration/vm/actor

# The bundle of a VM, in namespaces of the test's own; and once a container of it, which leaves the jails' directory
# below --root.
bundle() {
	need qemu-system-x86_64
	[ -x "$ACTOR" ] || skip "no program '$ACTOR': make check builds it"
	alone
	as_vm
	make_bundle b --arg path "/$ID" '.process.args = ["/bin/sleep", "1000"] | .linux.cgroupsPath = $path'
	"$HUSK" --root "$ROOT" create -b b "$ID" >/dev/null 2>&1 </dev/null
	"$HUSK" --root "$ROOT" delete --force "$ID"
}

# plays WORD...: what the actor does in the next container.
plays() {
	[ -e actor ] || cp "$ACTOR" actor
	config b --arg path "$T/actor" --argjson words "$(jq -nc '$ARGS.positional' --args -- "$@")" \
		'.vm = {hypervisor: {path: $path, parameters: (["--"] + $words)}}'
}

created() {
	begin() { "$HUSK" --root "$ROOT" create -b b "$ID" >/dev/null 2>&1 </dev/null; }
}

running() {
	begin() { "$HUSK" --root "$ROOT" run -d -b b "$ID" >/dev/null 2>&1 </dev/null; }
}

# ---- husk, and the process that becomes husk-mon: before their system calls ----

test_create_killed() {
	bundle
	plays up
	killed create 0 create -b b "$ID"
	killed create 1 create -b b "$ID"
}

test_start_killed() {
	bundle
	plays up
	created
	ATTACHED=1
	killed start 0 start "$ID"
	killed start 1 start "$ID"
}

test_run_killed() {
	bundle
	plays up
	killed "run -d" 0 run -d -b b "$ID"
	killed "run -d" 1 run -d -b b "$ID"
	plays up exit 0
	killed run 0 run -b b "$ID"
}

test_exec_killed() {
	bundle
	plays up
	running
	killed exec 0 exec "$ID" true
	killed exec 1 exec "$ID" true
	plays hold up
	killed "exec -d" 0 exec -d "$ID" true
}

test_other_commands_killed() {
	bundle
	plays up
	running
	killed "delete -f" 0 delete --force "$ID"
	killed kill 0 kill "$ID" TERM
	killed ps 0 ps "$ID"
	killed update 0 update --pids-limit 50 "$ID"
}

# ---- the jail's processes: at moments of their lives ----

# of NAME: its pid, the first one's: husk-mon's proxies and what it forks begin after it. All processes in here are the
# test's own.
pid_of() { pgrep -ox "$1"; }

# ended WHAT PID: it ends within bounds.
ended() {
	wait_for "$FAULT_SECONDS" not_there "$2"
	wait "$2" 2>/dev/null || true
}
not_there() { [ ! -e "/proc/$1" ] || grep -q '^State:.Z' "/proc/$1/status"; }

# killed_while_it_runs NAME DELAY...: process NAME, or the husk that runs it ("run"), killed so many seconds after it has
# begun, under a run and an exec.
killed_while_it_runs() {
	local name=$1 delay run exec victim
	shift
	for delay; do
		at="$name killed $delay s after its begin"
		husk_exec run -b b "$ID" >out 2>&1 </dev/null &
		run=$!
		(
			wait_for 60 is_status "$ID" running
			husk_exec exec "$ID" true
		) >out2 2>&1 </dev/null &
		exec=$!
		victim=$run
		if [ "$name" != run ]; then
			wait_for 60 pid_of "$name"
			victim=$(pid_of "$name")
		fi
		sleep "$delay"
		kill -KILL "$victim" 2>/dev/null || echo "$at: it had ended" >>wrong
		ended run "$run"
		kill -KILL "$exec" 2>/dev/null || true # it may wait for a container that never ran
		ended exec "$exec"
		echo "$at" >>hits
		! delete_force || same_as before || wrong "$at: $(tr '\n' '|' <difference)"
	done
}

test_a_process_of_the_jail_killed() {
	local name
	bundle
	prepare_round
	plays hold sleep 200 up
	for name in run husk-mon husk-fsd hypervisor; do
		killed_while_it_runs "$name" 0 0.05 0.15 0.3 1
	done
	verdict "jail"
}

# The proxy of an exec'd process: its end is the process's, and nobody else's.
test_a_proxy_killed() {
	bundle
	prepare_round
	plays hold up
	running
	local exec
	begin
	husk_exec exec "$ID" true >out2 2>&1 </dev/null &
	exec=$!
	wait_for 60 proxy_runs
	kill -KILL "$(pgrep -nx husk-mon)"
	STATUS=0
	wait "$exec" || STATUS=$?
	assert_eq "$STATUS" 137 "status of exec"
	is_status "$ID" running || fail "the container is $(status_of "$ID")"
	at="proxy killed"
	clean_after_delete
}
proxy_runs() { [ "$(pgrep -cx husk-mon)" = 2 ]; }

# ---- a real machine ----

test_a_machine_killed_while_it_boots_and_runs() {
	local name
	bundle
	prepare_round
	for name in run husk-mon husk-fsd qemu-system-x86; do
		killed_while_it_runs "$name" 0.2 1.5
	done
	verdict "machine"
}

ROOT_ONLY=$(test_functions | xargs)
export ROOT_ONLY
run_tests "$@"
