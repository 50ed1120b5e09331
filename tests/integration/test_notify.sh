#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SCMP_ACT_NOTIFY: the agent of linux.seccomp.listenerPath, and the flags of filters.
# runs-as: root user
# shellcheck disable=SC2016 # $names in single quotes are jq's or the container's shell's
set -eu
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
ROOT_ONLY="test_real_time_on_one_processor test_every_call_notified_of test_another_user_without_capabilities"
ROOT_ONLY+=" test_a_process_born_out_of_the_sight_of_tracers" # a user cannot join a pid namespace by path alone
private_cgroup2 "$@"

AGENT=$LIB_DIR/notify/agent # beside a copy of the tests, or where it was built
[ -x "$AGENT" ] || AGENT=$HUSK_TOP_BUILDDIR/tests/integration/notify/agent

MKDIR='["mkdir", "mkdirat"]' # one of them is what mkdir(1) calls

# agent [OPTION|CALL=ANSWER]...: starts an agent on $T/agent.sock that writes to $T/seen. The tests are
# run in $T, which may be longer than the address of a socket.
agent() {
	[ -x "$AGENT" ] || skip "no program '$AGENT': make check builds it"
	mkdir -p "$T/seen"
	rm -f "$T/agent.sock"
	setsid "$AGENT" agent.sock "$T/seen" "$@" 2>"$T/agent.err" &
	AGENT_PID=$!
	trap 'kill -KILL -- -$AGENT_PID 2>/dev/null || true' EXIT
	wait_for 5 test -S "$T/agent.sock"
}

end_agent() {
	kill -KILL -- "-$AGENT_PID"
	wait "$AGENT_PID" 2>/dev/null || true
	wait_for 10 group_is_gone "$AGENT_PID" # its children have the listening socket too
}
group_is_gone() { ! kill -0 -- "-$1" 2>/dev/null; }

# The numbers of the calls that connection $1 told of.
calls_of() { sort -n "$T/seen/$1.calls" | uniq; }

# notify_bundle DIR NAMES [JQ...]: the JSON array NAMES is notified of, all else is allowed.
notify_bundle() {
	local dir=$1 names=$2
	shift 2
	make_bundle "$dir" --argjson names "$names" --arg sock "$T/agent.sock" '.linux.seccomp = {
		"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": $sock, "listenerMetadata": "from the test",
		"syscalls": [{"names": $names, "action": "SCMP_ACT_NOTIFY"}]} | .root.readonly = false'
	[ $# = 0 ] || config "$dir" "$@"
}

# told N: husk does not wait until the agent has written down what connection N told.
told() { wait_for 10 test -s "$T/seen/$1.json"; }

# assert_state N STATUS: what connection N told, in the right way.
assert_state() {
	told "$1"
	[ ! -e "$T/seen/$1.bad" ] || fail "connection $1: $(cat "$T/seen/$1.bad")"
	assert_eq "$(jq -c '[.ociVersion, .fds, .metadata, .state.id, .state.status, .state.bundle]' "$T/seen/$1.json")" \
		"[\"1.3.0\",[\"seccompFd\"],\"from the test\",\"$ID\",\"$2\",\"$T/b\"]" "state"
}

# What husk itself calls once the filter is in force, in both orders; and what it once would have used
# to hand the listener over.
HUSK_CALLS='["sendmsg","recvmsg","write","writev","read","close","close_range","execve","execveat","prctl","fcntl",
	"accept4","futex","clone","clone3","wait4","exit","exit_group","rt_sigaction","nanosleep","sched_yield",
	"setresuid","setresgid","setgroups","capset","brk","mmap","munmap","openat","pread64","stat","newfstatat"]'

test_agent_answers() {
	agent umask=value:63 mkdir=errno:13 mkdirat=errno:13
	notify_bundle b '["umask", "mkdir", "mkdirat"]'
	container_sh b 'umask; mkdir /tmp/d'
	run husk run -b b "$ID"
	assert_eq "$OUT" 0077 "what umask(2) gave"
	assert_match "$ERR" "Permission denied" "what mkdir(2) gave"
	assert_state 1 creating
}

test_agent_acts_for_the_container() {
	agent mkdir=mkdir mkdirat=mkdir
	notify_bundle b "$MKDIR"
	container_sh b 'mkdir /tmp/made; ls /tmp'
	expect_output made-by-agent husk run -b b "$ID"
}

test_state_of_create_and_exec() {
	agent
	notify_bundle b "$MKDIR" '.annotations = {"org.example": "x"}'
	container_sh b 'exec sleep 1000'
	expect_status 0 husk create -b b "$ID"
	assert_state 1 creating
	assert_eq "$(jq -c '[.pid == .state.pid, .pid, .state.annotations]' "$T/seen/1.json")" \
		"[true,$(husk state "$ID" | jq .pid),{\"org.example\":\"x\"}]" "state"
	expect_status 0 husk start "$ID"
	expect_status 0 husk exec "$ID" mkdir /tmp/d
	assert_state 2 running
	assert_eq "$(jq -c '[.pid == .state.pid, .state.pid]' "$T/seen/2.json")" \
		"[false,$(husk state "$ID" | jq .pid)]" "state of exec"
	[ -s "$T/seen/2.calls" ] || fail "exec's process notified nobody"
	[ ! -s "$T/seen/1.calls" ] || fail "the init's listener was told of exec's calls"
	expect_status 0 husk delete --force "$ID"
}

test_metadata_is_optional() {
	agent
	notify_bundle b "$MKDIR" 'del(.linux.seccomp.listenerMetadata)'
	expect_status 0 husk run -b b "$ID"
	told 1
	assert_eq "$(jq 'has("metadata")' "$T/seen/1.json")" false "metadata"
}

test_nothing_that_husk_calls_waits_for_itself() {
	agent --wait=300
	notify_bundle b "$HUSK_CALLS"
	container_sh b 'echo hello'
	for no_new in true false; do
		config b --argjson nnp "$no_new" '.process.noNewPrivileges = $nnp'
		expect_output hello husk run -b b "$ID"
	done
	assert_match "$(calls_of 1)" '^46$' "numbers of calls, sendmsg among them"
}

test_create_start_and_exec_wait_for_nothing_either() {
	agent
	notify_bundle b "$HUSK_CALLS"
	container_sh b 'exec sleep 1000'
	for no_new in true false; do
		config b --argjson nnp "$no_new" '.process.noNewPrivileges = $nnp'
		expect_status 0 husk create -b b "$ID"
		expect_status 0 husk start "$ID"
		expect_output hello husk exec "$ID" echo hello
		expect_status 0 husk delete --force "$ID"
	done
}

# Each call that the profile of docker names, notified of.
test_every_call_notified_of() {
	agent
	notify_bundle b "$(jq -c '[.linux.seccomp.syscalls[].names[]] | unique' "$LIB_DIR/../fixtures/docker-config.json")"
	container_sh b 'echo hello'
	for no_new in true false; do
		config b --argjson nnp "$no_new" '.process.noNewPrivileges = $nnp'
		expect_output hello husk run -b b "$ID"
	done
}

test_another_user_without_capabilities() {
	agent
	notify_bundle b "$HUSK_CALLS" '.process.user = {"uid": 1000, "gid": 1001} | .process.capabilities = {} |
		.process.rlimits = []'
	container_sh b 'id -u'
	for no_new in true false; do
		config b --argjson nnp "$no_new" '.process.noNewPrivileges = $nnp'
		expect_output 1000 husk run -b b "$ID"
	done
}

test_terminal_and_hooks() {
	agent
	notify_bundle b "$HUSK_CALLS"
	printf '#!/bin/sh\ncat >/dev/null\necho %s >>/tmp/hooks\n' started >b/rootfs/bin/hook
	printf '#!/bin/sh\ncat >/dev/null\nexit 0\n' >"$T/hook"
	chmod 0755 b/rootfs/bin/hook "$T/hook"
	config b --arg hook "$T/hook" '.hooks = {"startContainer": [{"path": "/bin/hook"}],
		"createRuntime": [{"path": $hook}], "prestart": [{"path": $hook}], "poststart": [{"path": $hook}]}'
	container_sh b 'cat /tmp/hooks'
	for no_new in true false; do
		config b --argjson nnp "$no_new" '.process.noNewPrivileges = $nnp'
		rm -f b/rootfs/tmp/hooks
		expect_output started husk run -b b "$ID"
	done
}

# Nothing of the delivery is left in the program: descriptors, children, ignored signals.
test_program_starts_clean() {
	agent
	notify_bundle b "$MKDIR"
	container_sh b 'ls -l /proc/self/fd | grep -c seccomp; cat /proc/$$/status | grep SigIgn
		sh -c "exit 7"; echo $?; cat /proc/$$/status | grep Seccomp_filters'
	for no_new in true false; do
		config b --argjson nnp "$no_new" '.process.noNewPrivileges = $nnp'
		expect_status 0 husk run -b b "$ID"
		assert_eq "$(sed -n 1p <<<"$OUT")" 0 "listeners among its descriptors"
		assert_match "$OUT" '^7$' "status of its child"
		# SIGQUIT is the shell's own doing; 32 and 33 are the C library's (posix_spawn(3) leaves them ignored)
		ignored=$((0x$(sed -n 's/^SigIgn:[[:space:]]*//p' <<<"$OUT") & ~0x180000004))
		assert_eq "$ignored" 0 "ignored signals"
		assert_match "$OUT" 'Seccomp_filters:.1$' "filters"
	done
}

# A program that waits for no child would show the carrier as a zombie.
test_no_process_is_left_beside_the_program() {
	agent
	notify_bundle b "$MKDIR" '.process.args = ["ls", "/proc"]'
	for no_new in true false; do
		config b --argjson nnp "$no_new" '.process.noNewPrivileges = $nnp'
		expect_status 0 husk run -b b "$ID"
		assert_eq "$(grep -xE '[0-9]+' <<<"$OUT")" 1 "processes"
	done
}

# Who may trace in the container's pid namespace: the process is then born there last (birth.h), and
# what delivers the listener must not be there at all.
test_a_process_born_out_of_the_sight_of_tracers() {
	agent
	notify_bundle b "$HUSK_CALLS" '.process.capabilities |= map_values(. + ["CAP_SYS_PTRACE"])'
	container_sh b 'exec sleep 1000'
	for no_new in true false; do
		config b --argjson nnp "$no_new" '.process.noNewPrivileges = $nnp'
		expect_status 0 husk create -b b "$ID"
		expect_status 0 husk start "$ID"
		expect_output hello husk exec "$ID" echo hello
		cp -a b b2
		config b2 --arg path "/proc/$(husk state "$ID" | jq .pid)/ns/pid" '.process.args = ["/bin/echo", "joined"] |
			(.linux.namespaces[] | select(.type == "pid")).path = $path'
		expect_output joined husk run -b b2 "$ID-2"
		rm -rf b2
		expect_status 0 husk delete --force "$ID"
	done
}

test_agent_gone() {
	agent --drop
	notify_bundle b "$MKDIR"
	container_sh b 'exec mkdir /tmp/d'
	run husk run -b b "$ID"
	assert_match "$ERR" "Function not implemented" "what mkdir(2) gave"
	config b '.linux.seccomp.syscalls[0].names = ["sendmsg"]' # what husk says READY with
	expect_error "the container's process died during set-up" husk run -b b "$ID"
}

test_no_agent() {
	notify_bundle b "$MKDIR"
	expect_error "linux.seccomp.listenerPath: connect to the agent at '$T/agent.sock': No such file" \
		husk run -b b "$ID"
	agent
	end_agent
	expect_error "linux.seccomp.listenerPath: connect .*: Connection refused" husk create -b b "$ID"
	[ ! -e "$ROOT/$ID" ] || fail "the state is left"
	agent
	container_sh b 'exec sleep 1000'
	expect_status 0 husk run -d -b b "$ID"
	end_agent
	expect_error "linux.seccomp.listenerPath: connect .*: Connection refused" husk exec "$ID" true
	expect_status 0 husk delete --force "$ID"
}

test_deaf_agent() {
	agent --deaf
	notify_bundle b "$MKDIR"
	expect_status 0 husk run -b b "$ID" # its queue has one place
	SECONDS=0
	expect_error "linux.seccomp.listenerPath: '.*' accepted no connection within 10 s" husk run -b b "$ID"
	[ "$SECONDS" -ge 9 ] || fail "it did not wait"
}

# husk dies while the child waits for an answer to a call of husk's own.
test_husk_killed_while_the_agent_is_mute() {
	local no_new pid
	agent --mute
	notify_bundle b '["sendmsg", "setresuid"]'
	for no_new in true false; do
		config b --argjson nnp "$no_new" '.process.noNewPrivileges = $nnp'
		rm -f "$T"/seen/*
		husk_exec create -b b "$ID" </dev/null >/dev/null 2>&1 &
		pid=$!
		wait_for 10 sh -c "cat '$T'/seen/*.json"
		sleep 0.2
		is_status "$ID" creating || fail "it is $(status_of "$ID")"
		kill -KILL "$pid"
		wait "$pid" || true
		expect_status 0 husk delete --force "$ID"
	done
}

test_a_kept_filter_notifies_too() {
	agent mkdir=errno:13 mkdirat=errno:13
	notify_bundle b "$MKDIR"
	container_sh b 'mkdir /tmp/d'
	for i in 1 2; do
		run husk run -b b "$ID"
		assert_match "$ERR" "Permission denied" "what mkdir(2) gave in round $i"
	done
	assert_eq "$(find "$ROOT/.seccomp" -type f | wc -l)" 1 "kept filters"
}

test_flags_one_by_one() {
	local flag
	agent mkdir=errno:13 mkdirat=errno:13
	notify_bundle b "$MKDIR"
	container_sh b 'mkdir /tmp/d; grep Seccomp_filters /proc/self/status'
	for flag in $(husk features | jq -r '.linux.seccomp.knownFlags[]'); do
		husk features | jq -e --arg f "$flag" '.linux.seccomp.supportedFlags | index($f)' >/dev/null ||
			continue
		config b --arg flag "$flag" '.linux.seccomp.flags = [$flag]'
		for no_new in true false; do
			config b --argjson nnp "$no_new" '.process.noNewPrivileges = $nnp'
			run husk run -b b "$ID"
			assert_match "$ERR" "Permission denied" "what mkdir(2) gave with $flag"
			assert_match "$OUT" 'Seccomp_filters:.1$' "filters with $flag"
		done
	done
	config b '.linux.seccomp.flags = ["SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG",
		"SECCOMP_FILTER_FLAG_SPEC_ALLOW"]'
	run husk run -b b "$ID"
	assert_match "$ERR" "Permission denied" "what mkdir(2) gave with all at once"
}

# A rule that names no call of this machine still has an agent.
test_unknown_calls_alone() {
	agent
	notify_bundle b '["call_of_the_next_century"]'
	expect_status 0 husk run -b b "$ID"
	assert_state 1 creating
}

test_real_time_on_one_processor() {
	need taskset chrt
	chrt -f 1 true 2>/dev/null || skip "no real-time policy here"
	agent
	notify_bundle b "$HUSK_CALLS" '.process.scheduler = {"policy": "SCHED_FIFO", "priority": 5}'
	container_sh b 'echo hello'
	for no_new in true false; do
		config b --argjson nnp "$no_new" '.process.noNewPrivileges = $nnp'
		expect_output hello taskset -c 0 "$HUSK" --root "$ROOT" run -b b "$ID"
	done
}

test_refusals() {
	notify_bundle b "$MKDIR" 'del(.linux.seccomp.listenerPath)'
	expect_error "linux.seccomp.listenerPath: required, as linux.seccomp.syscalls\[0\].action is SCMP_ACT_NOTIFY" \
		husk run -b b "$ID"
	config b '.linux.seccomp = {"defaultAction": "SCMP_ACT_NOTIFY", "listenerPath": "/nowhere"}'
	expect_error "linux.seccomp.defaultAction: SCMP_ACT_NOTIFY" husk run -b b "$ID"
}

test_a_relative_path_is_refused() {
	notify_bundle b "$MKDIR" '.linux.seccomp.listenerPath = "agent.sock"'
	expect_error "linux.seccomp.listenerPath: expected an absolute path, got 'agent.sock'" husk run -b b "$ID"
}

# The specification has it so: without SCMP_ACT_NOTIFY the path is not used.
test_path_without_notify() {
	make_bundle b '.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/nowhere", "syscalls": [
		{"names": ["uname"], "action": "SCMP_ACT_ERRNO"}]}'
	expect_status 0 husk run -b b "$ID"
	config b 'del(.linux.seccomp.listenerPath) | .linux.seccomp.listenerMetadata = "m"'
	expect_status 0 husk run -b b "$ID"
}

run_tests "$@"
