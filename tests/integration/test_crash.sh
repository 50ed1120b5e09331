#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# husk, or a process that it makes, killed before each of its system calls in turn, or each of them
# made to fail: afterwards, or after `delete --force`, all is as it was before. A command with a call that
# failed succeeds, or fails with one line that says why; it never hangs. A few moments that matter are hit by strace.
# shellcheck disable=SC2016 # $names in single quotes are jq's or the container's shell's
set -eu
# shellcheck source=tests/integration/crash/crash.sh
. "$(dirname "$0")/crash/crash.sh"
private_cgroup2 "$@"

# ---- run and create ----

bundle() {
	alone
	make_bundle b '.process.args = ["/bin/sleep", "1000"]'
	config b "$@"
}

is() { succeeded() { is_status "$ID" "$IS"; }; IS=$1; }

test_run_detached_killed() {
	bundle .
	killed "run -d" 0 run -d -b b "$ID"
	killed "run -d" 1 run -d -b b "$ID"
}

test_run_killed() {
	bundle '.process.args = ["/bin/sleep", "0.02"]'
	killed run 0 run -b b "$ID"
	killed run 1 run -b b "$ID"
}

test_create_killed() {
	bundle .
	killed create 0 create -b b "$ID"
	killed create 1 create -b b "$ID"
}

USERNS='.linux.namespaces += [{"type": "user"}] | .process.user.uid = 1000 |
	.linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 2000}] |
	.linux.gidMappings = [{"containerID": 0, "hostID": 100000, "size": 2000}]'
HOOKS='def h: [{"path": "/bin/true"}]; .hooks = {"prestart": h, "createRuntime": h, "createContainer": h,
	"startContainer": h, "poststart": h, "poststop": h}'

test_create_in_a_user_namespace_with_hooks_killed() {
	bundle "$USERNS | $HOOKS"
	killed "create, user namespace" 0 create -b b "$ID"
	killed "create, user namespace" 1 create -b b "$ID"
}

test_create_without_a_cgroup_killed() {
	bundle .
	killed "create, no cgroup" 0 --cgroup-manager=disabled create -b b "$ID"
	killed "create, no cgroup" 1 --cgroup-manager=disabled create -b b "$ID"
}

test_run_detached_failing() {
	bundle .
	is running
	failing "run -d" 0 strict run -d -b b "$ID"
	failing "run -d" 1 strict run -d -b b "$ID"
}

test_run_failing() {
	bundle '.process.args = ["/bin/sleep", "0.02"]'
	failing run 0 loose run -b b "$ID"
	failing run 1 strict run -b b "$ID"
}

# A process that cannot wait at its gate ends after create has said success; start will tell.
is_created() {
	succeeded() { is_status "$ID" created || { [ "$call" = accept4 ] && is_status "$ID" stopped; }; }
}

test_create_failing() {
	bundle .
	is_created
	failing create 0 strict create -b b "$ID"
	failing create 1 strict create -b b "$ID"
}

test_create_in_a_user_namespace_with_hooks_failing() {
	bundle "$USERNS | $HOOKS"
	is_created
	failing "create, user namespace" 0 strict create -b b "$ID"
	failing "create, user namespace" 1 strict create -b b "$ID"
}

test_create_without_a_cgroup_failing() {
	bundle .
	is_created
	failing "create, no cgroup" 0 strict --cgroup-manager=disabled create -b b "$ID"
}

# ---- what is done to a container ----

created() {
	begin() { "$HUSK" --root "$ROOT" create -b b "$ID" >/dev/null 2>&1 </dev/null; }
}

running() {
	begin() { "$HUSK" --root "$ROOT" run -d -b b "$ID" >/dev/null 2>&1 </dev/null; }
}

paused() {
	begin() {
		"$HUSK" --root "$ROOT" run -d -b b "$ID" >/dev/null 2>&1 </dev/null &&
			"$HUSK" --root "$ROOT" pause "$ID"
	}
}

test_start_killed() {
	bundle "$HOOKS"
	created
	ATTACHED=1
	killed start 0 start "$ID"
	killed start 1 start "$ID"
}

test_start_failing() {
	bundle "$HOOKS"
	created
	is running
	ATTACHED=1
	failing start 0 loose start "$ID"
	failing start 1 loose start "$ID"
}

test_exec_killed() {
	bundle .
	running
	killed exec 0 exec "$ID" sleep 0.02
	killed exec 1 exec "$ID" sleep 0.02
	killed "exec -d" 0 exec -d "$ID" sleep 1000
}

test_exec_failing() {
	bundle .
	running
	failing exec 0 loose exec "$ID" sleep 0.02
	failing exec 1 loose exec "$ID" sleep 0.02
	failing "exec -d" 0 loose exec -d "$ID" sleep 1000
}

# Here process 1 is the one that enters the user namespace, and makes process 2 there.
test_exec_in_a_user_namespace() {
	bundle "$USERNS"
	running
	killed "exec, user namespace" 0 exec "$ID" sleep 0.02
	killed "exec, user namespace" 1 exec "$ID" sleep 0.02
	killed "exec, user namespace" 2 exec "$ID" sleep 0.02
	failing "exec, user namespace" 0 loose exec "$ID" sleep 0.02
	failing "exec, user namespace" 1 loose exec "$ID" sleep 0.02
	failing "exec, user namespace" 2 loose exec "$ID" sleep 0.02
}

test_delete_killed() {
	bundle "$HOOKS"
	running
	killed "delete -f" 0 delete --force "$ID"
	created
	killed "delete" 0 delete "$ID"
}

test_delete_failing() {
	bundle "$HOOKS"
	running
	succeeded() { [ ! -e "$ROOT/$ID" ]; }
	failing "delete -f" 0 loose delete --force "$ID"
	created
	failing "delete" 0 loose delete "$ID"
}

test_kill() {
	bundle .
	running
	succeeded() { wait_for 2 is_status "$ID" stopped; }
	killed "kill" 0 kill "$ID" KILL
	failing "kill" 0 loose kill "$ID" KILL
	killed "kill --all" 0 kill --all "$ID" KILL
	failing "kill --all" 0 loose kill --all "$ID" KILL
}

test_pause_and_resume() {
	bundle .
	running
	is paused
	killed pause 0 pause "$ID"
	failing pause 0 loose pause "$ID"
	paused
	is running
	killed resume 0 resume "$ID"
	failing resume 0 loose resume "$ID"
}

has_mount() { grep -q ' /tmp ' "/proc/$("$HUSK" --root "$ROOT" state "$ID" | jq .pid)/mountinfo"; }

# Where the answer of the process that does it is lost, husk says that, and cannot know more.
is_answer() { [ "$call" = recvmsg ] || [ "$call" = sendmsg ]; }

test_mounts() {
	bundle .
	running
	echo '[{"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"}]' >mounts.json
	killed "mounts add" 0 mounts add "$ID" mounts.json
	killed "mounts add" 1 mounts add "$ID" mounts.json
	succeeded() { has_mount; }
	failed() { is_answer || ! has_mount; }
	failing "mounts add" 0 loose mounts add "$ID" mounts.json
	failing "mounts add" 1 loose mounts add "$ID" mounts.json
	begin() {
		"$HUSK" --root "$ROOT" run -d -b b "$ID" >/dev/null 2>&1 </dev/null &&
			"$HUSK" --root "$ROOT" mounts add "$ID" mounts.json
	}
	succeeded() { ! has_mount; }
	failed() { is_answer || has_mount; }
	killed "mounts remove" 0 mounts remove "$ID" mounts.json
	killed "mounts remove" 1 mounts remove "$ID" mounts.json
	failing "mounts remove" 0 loose mounts remove "$ID" mounts.json
	failing "mounts remove" 1 loose mounts remove "$ID" mounts.json
}

# ---- certain moments ----

need_strace() {
	need strace
	strace -o /dev/null true 2>/dev/null || skip "strace may not trace here"
}

was_killed() { grep -q 'killed by SIGKILL' trace; }

# The child says that it is ready while husk is still on its way to write its pid down; then husk is
# killed. Without a cgroup, nothing but that pid would find the child.
test_create_killed_when_its_child_is_ready() {
	bundle .
	need_strace
	prepare_round
	at="killed before the pid is written"
	soon killed_when_ready
	[ ! -s wrong ] || fail "$(<wrong)"
}

killed_when_ready() {
	run strace -o "$T/trace" -e inject=renameat:delay_enter=400000:when=1 -e inject=setns:signal=KILL:when=1 \
		"$HUSK" --root "$ROOT" --cgroup-manager=disabled create -b b "$ID"
	was_killed || fail "not killed: $STATUS $ERR"
	clean_after_delete
}

# A container that was told to run, and is killed before its program does, ends as any other.
test_run_killed_before_its_program_runs() {
	bundle '.process.args = ["/bin/true"]'
	prepare_round
	local n
	reference run -b b "$ID"
	n=$(awk '$1 == 1 && $3 == "recvmsg" { print $2; exit }' calls) # the GO
	fault_husk -p 1 -n "$n" -- run -b b "$ID"
	was_hit || fail "call $n was not there"
	assert_eq "$STATUS $ERR" '137 ' "status and error"
	same_as before || fail "left: $(cat difference)"
}

# A look at what lies under a mount's target that fails is no leave to mount there.
test_a_guard_that_fails_lets_nothing_through() {
	bundle '.mounts += [{"destination": "/way/sys", "type": "tmpfs", "source": "tmpfs"}]'
	ln -s proc b/rootfs/way
	prepare_round
	local n call line lines
	fault_husk -- run -b b "$ID"
	[[ $ERR == *"leads into procfs"* ]] || fail "without any injection: $STATUS $ERR"
	mapfile -t lines < <(awk '$1 == 1 && $3 ~ /^f?statfs$|^f?stat$|^newfstatat$|^statx$/' trace)
	[ "${#lines[@]}" -gt 3 ] || fail "process 1 looks at nothing: $(<trace)"
	for line in "${lines[@]}"; do
		read -r _ n call <<<"$line"
		fault_husk -p 1 -n "$n" -e ENOMEM -- run -b b "$ID"
		[ "$STATUS" = 1 ] || fail "call $n ($call) fails: status $STATUS: $ERR"
	done
}

# The same for a child that is slow, so that husk is killed with its pid written and no READY read.
test_create_killed_before_its_child_is_ready() {
	bundle .
	need_strace
	prepare_round
	at="killed before READY is read"
	soon killed_before_ready
	[ ! -s wrong ] || fail "$(<wrong)"
}

killed_before_ready() {
	run strace -o "$T/trace" -e inject=recvmsg:signal=KILL:when=1 \
		"$HUSK" --root "$ROOT" --cgroup-manager=disabled create -b b "$ID"
	was_killed || fail "not killed: $STATUS $ERR"
	clean_after_delete
}

# A child that is held up does not outlive husk, even where delete cannot find it.
test_a_stopped_child_dies_with_husk() {
	bundle .
	need_strace
	prepare_round
	at="killed while the child is stopped"
	local seconds
	for seconds in 0.4 4 40; do # on a busy machine the child may take longer than husk is held up
		soon killed_with_a_stopped_child
		[ ! -s wrong ] || fail "$(<wrong)"
		! grep -q 'sethostname' trace || return 0
	done
	fail "the child had not come that far"
}

killed_with_a_stopped_child() {
	run strace -D -f -o "$T/trace" -e inject=renameat:delay_enter="${seconds}s":when=1 -e inject=setns:signal=KILL:when=1 \
		-e inject=sethostname:signal=STOP \
		"$HUSK" --root "$ROOT" --cgroup-manager=disabled create -b b "$ID"
	clean_after_delete
	wait_for 10 was_killed # strace goes on beside it
}

# A creation that is refused a cgroup because it is in use, killed anywhere: `delete --force` of it must
# not end those who use it.
test_a_killed_creation_does_not_harm_another() {
	bundle --arg path "/$ID" '.linux.cgroupsPath = $path'
	"$HUSK" --root "$ROOT" run -d -b b "$ID-first"
	prepare_round
	local other line lines n call at pid
	other=$ID-first
	pid=$("$HUSK" --root "$ROOT" state "$other" | jq .pid)
	fault_husk -- run -d -b b "$ID"
	assert_eq "$STATUS" 1 "status of one cgroup for two"
	cp trace all
	mapfile -t lines < <(sample all)
	for line in "${lines[@]}"; do
		read -r _ n call <<<"$line"
		at="creation refused, killed before call $n ($call)"
		soon killed_when_refused
	done
	verdict "creation refused"
	expect_status 0 "$HUSK" --root "$ROOT" delete --force "$other"
}

killed_when_refused() {
	fault_husk -p 0 -n "$n" -- run -d -b b "$ID"
	delete_force || true
	[ -e "/proc/$pid/root/bin/busybox" ] || fail "$at: delete --force ended another container"
	same_as before || fail "$at: $(cat difference)"
	! was_hit || echo "$at" >>hits
}

# husk killed while the container runs: it goes on, and can be deleted. With an exec in it.
test_run_and_exec_killed_while_they_wait() {
	bundle .
	prepare_round
	local run exec
	husk_exec run -b b "$ID" >out 2>&1 &
	run=$!
	wait_for 10 has_process "/bin/sleep 1000"
	husk_exec exec "$ID" sleep 99 >out2 2>&1 &
	exec=$!
	wait_for 10 has_process "sleep 99"
	kill -KILL "$exec" "$run"
	wait "$exec" "$run" 2>/dev/null || true
	is_status "$ID" running || fail "status: $(status_of "$ID")"
	at="husk killed"
	clean_after_delete
}

# The init killed under a run and an exec that wait.
test_an_init_killed_under_run_and_exec() {
	bundle .
	prepare_round
	local run exec status=0
	husk_exec run -b b "$ID" >out 2>&1 &
	run=$!
	wait_for 10 has_process "/bin/sleep 1000"
	husk_exec exec "$ID" sleep 99 >out2 2>&1 &
	exec=$!
	wait_for 10 has_process "sleep 99"
	kill -KILL "$("$HUSK" --root "$ROOT" state "$ID" | jq .pid)"
	wait "$exec" || status=$?
	assert_eq "$status" 137 "status of exec"
	status=0
	wait "$run" || status=$?
	assert_eq "$status" 137 "status of run"
	same_as before || fail "left: $(cat difference)"
}

ROOT_ONLY=$(test_functions | xargs)
export ROOT_ONLY
run_tests "$@"
