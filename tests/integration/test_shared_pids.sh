#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A container that joins the pid namespace of another: it is set up outside of it (birth.h), and then
# is what any container is. What that hides is in test_attacks.sh.
# runs-as: root
# shellcheck disable=SC2016 # $names in single quotes are jq's or the container's shell's
set -eu
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
private_cgroup2 "$@"

# make_pair [JQ...]: the container $ID-1 runs; the bundle c joins its pid namespace.
make_pair() {
	make_bundle b '.process.args = ["/bin/sleep", "1234"]'
	expect_status 0 husk run -d -b b "$ID-1"
	PID=$(husk state "$ID-1" | jq .pid)
	make_bundle c --arg path "/proc/$PID/ns/pid" '(.linux.namespaces[] | select(.type == "pid")).path = $path'
	[ $# = 0 ] || config c "$@"
}

has_one_socket() { [ "$(find "/proc/$1/fd" -type l -lname 'socket:*' | wc -l)" = 1 ]; } # PID

end_pair() { expect_status 0 husk delete -f "$ID-1"; }

test_its_procfs_is_that_of_the_namespace() {
	make_pair
	container_sh c 'tr "\0" " " </proc/1/cmdline; echo; set -- $(cat /proc/$$/stat); echo "$$ $1 $5 $6" | tr " " "\n" | uniq | wc -l'
	expect_output "/bin/sleep 1234 
1" husk run -b c "$ID-2"
	end_pair
}

test_create_start_and_delete() {
	make_pair '.process.args = ["/bin/sleep", "1000"]'
	expect_status 0 husk create --pid-file pid -b c "$ID-2"
	is_status "$ID-2" created || fail "not created"
	local pid
	pid=$(husk state "$ID-2" | jq .pid)
	assert_eq "$(cat pid)" "$pid" "the pid file"
	assert_eq "$(readlink "/proc/$pid/ns/pid")" "$(readlink "/proc/$PID/ns/pid")" "its pid namespace"
	wait_for 10 has_one_socket "$pid" # while it waits: the gate
	expect_status 0 husk start "$ID-2"
	wait_for 10 is_running "$pid" /bin/sleep 1000
	expect_status 0 husk exec "$ID-2" true
	expect_status 0 husk kill "$ID-2" KILL
	wait_for 5 is_status "$ID-2" stopped
	expect_status 0 husk delete "$ID-2"
	is_status "$ID-1" running || fail "the other container ended"
	end_pair
}

alone_in_there() {
	[ "$(readlink /proc/[0-9]*/ns/pid 2>/dev/null | grep -cxF "$(readlink "/proc/$PID/ns/pid")")" = 1 ]
}

# Hooks end before the process is born; it must be written down all the same before it outlives husk, or
# without a cgroup nobody would find it.
test_husk_killed_when_the_process_is_born_leaves_none() {
	need strace
	make_pair '.process.args = ["/bin/sleep", "1000"]'
	printf '#!/bin/sh\ncat >/dev/null\n' >"$T/hook"
	chmod 0755 "$T/hook"
	config c --arg hook "$T/hook" '.hooks = {"createRuntime": [{"path": $hook}]} | .process.args[1] = "4321"'
	run strace -o "$T/calls" -e inject=pidfd_open:delay_enter=500000:when=2 -e inject=renameat:signal=KILL:when=3 \
		"$HUSK" --root "$ROOT" --cgroup-manager=disabled create -b c "$ID-2"
	grep -q "^pidfd_open.*DELAYED" "$T/calls" || fail "husk did not come that far"
	[ "$STATUS" = 137 ] || fail "husk was not killed: status $STATUS"
	wait_for 5 alone_in_there
	expect_status 0 husk delete -f "$ID-2"
	end_pair
}

# say_in_its_place MESSAGE, in the place of the shell: sends the number of a message (sync_type.h) on the sockets of the process that
# was born, as one that traces it could; 0: stops the process, and ends the talk when husk listens.
say_in_its_place() {
	exec python3 - "$PID" "$@" <<-'PYTHON'
		import ctypes, os, signal, socket, struct, sys, time
		first, message = sys.argv[1], int(sys.argv[2])
		libc = ctypes.CDLL(None)
		namespace = os.readlink(f"/proc/{first}/ns/pid")
		def sockets(pid):
		    fds = map(int, os.listdir(f"/proc/{pid}/fd"))
		    return [fd for fd in fds if os.readlink(f"/proc/{pid}/fd/{fd}").startswith("socket:")]
		def born():
		    for pid in filter(str.isdigit, os.listdir("/proc")):
		        try:
		            if pid != first and os.readlink(f"/proc/{pid}/ns/pid") == namespace and sockets(pid):
		                return int(pid)
		        except OSError:
		            pass
		print("looking", flush=True)
		end, pid = time.time() + 120, born()
		while not pid and time.time() < end:
		    pid = born()
		time.sleep(0.2)
		pidfd = os.pidfd_open(pid)
		for fd in sockets(pid):
		    ours = socket.socket(fileno=libc.syscall(438, pidfd, fd, 0))
		    try:
		        if message == 0:
		            os.kill(pid, signal.SIGSTOP)
		            time.sleep(3)
		            ours.shutdown(socket.SHUT_RDWR)
		        else:
		            ours.send(struct.pack("Ii", message, 0))
		        print("said")
		    except OSError:
		        pass
	PYTHON
}

# say_while_held_up MESSAGE: create, which is held up at each pidfd_open so that something can be said; longer and
# longer, as on a busy machine it may take long to find out who was born.
say_while_held_up() {
	local seconds speaker
	for seconds in 1.5 8 40; do
		rm -f hooks
		say_in_its_place "$1" >said 2>&1 &
		speaker=$!
		wait_for 10 grep -q looking said
		run timeout -k 1 170 strace -o "$T/calls" -e trace=pidfd_open -e inject=pidfd_open:delay_enter="${seconds}s" \
			"$HUSK" --root "$ROOT" create -b c "$ID-2"
		[ "$STATUS" != 0 ] || { husk delete --force "$ID-2" && kill "$speaker"; }
		wait "$speaker" || true
		! grep -q said said || return 0
	done
}

test_what_is_born_runs_no_hooks_of_the_host() {
	need strace python3
	make_pair '.process.args = ["/bin/sleep", "1000"]'
	printf '#!/bin/sh\ncat >/dev/null\necho ran >>%s\n' "$T/hooks" >"$T/hook"
	chmod 0755 "$T/hook"
	config c --arg hook "$T/hook" '.hooks = {"createRuntime": [{"path": $hook}]}'
	say_while_held_up 2
	assert_eq "$(cat said)" $'looking\nsaid' "what was said in its place"
	assert_eq "$(cat hooks)" ran "what hooks ran"
	assert_match "$STATUS $ERR" '^1 .*out of turn' "status and error"
	end_pair
}

test_what_is_born_makes_nobody_wait() {
	need strace python3
	make_pair '.process.args = ["/bin/sleep", "1000"]'
	say_while_held_up 0
	assert_match "$(cat said)" said "what was said in its place"
	assert_match "$STATUS $ERR" '^1 .*died' "status and error"
	end_pair
}

# What is in there to open a procfs (mount_proc_context.h) can be stopped by who may signal it: as if it never did.
test_what_opens_the_procfs_is_held_up() {
	need strace
	mkdir p
	! unshare -m mount -t proc -o pidns=/proc/self/ns/pid none p 2>/dev/null || skip "this kernel's procfs has pidns="
	make_pair '.process.args = ["/bin/sleep", "1000"]'
	run timeout -k 1 60 strace -o "$T/calls" -e trace=pidfd_getfd -e inject=pidfd_getfd:error=EBADF \
		"$HUSK" --root "$ROOT" create -b c "$ID-2"
	assert_match "$STATUS $ERR" '^1 .*pid: .*held up' "status and error"
	wait_for 5 alone_in_there
	end_pair
}

test_status_output_and_failures() {
	make_pair '.process.args = ["/bin/sh", "-c", "echo out; exit 7"]'
	run husk run -b c "$ID-2"
	assert_eq "$STATUS $OUT" '7 out' "status and output"
	config c '.process.args = ["/bin/missing"]'
	expect_error 'missing.*(not found|no such file)' husk run -b c "$ID-2"
	config c '.process.args = ["/bin/true"] | .process.cwd = "/etc/passwd"'
	expect_error 'process.cwd' husk run -b c "$ID-2"
	config c '.process.cwd = "/" | .process.noNewPrivileges = false |
		.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["setsid"], "action": "SCMP_ACT_ERRNO"}]}'
	expect_error 'seccomp must allow.*setsid' husk run -b c "$ID-2"
	end_pair
}

# traced CALL DELAY: run, with each such call of husk's own, but not of the process's, delayed by 0.3 s at its enter or exit.
traced() {
	# shellcheck disable=SC2086 # a list of words
	strace -o calls -e "trace=$1" -e "inject=$1:delay_$2=300000" "$HUSK" --root "$ROOT" $HUSK_FLAGS run -b c "$ID-2"
}

# The process has ended when husk reads why, or would be born before it has its score and its limits.
test_a_husk_that_is_slow() {
	need strace
	make_pair '.process.args = ["/bin/missing"]'
	expect_error 'missing.*(not found|no such file)' traced recvmsg exit
	config c '.process.oomScoreAdj = 77'
	container_sh c 'cat /proc/self/oom_score_adj'
	expect_output 77 traced write enter
	end_pair
}

test_limits_score_scheduler_and_environment() {
	make_pair '.process.oomScoreAdj = 77 | .process.rlimits = [{"type": "RLIMIT_NOFILE", "soft": 33, "hard": 44}] |
		.process.user = {"uid": 1000, "gid": 1001, "umask": 63} | .process.env += ["A=b"] |
		.process.scheduler = {"policy": "SCHED_BATCH", "nice": 5}'
	container_sh c 'echo $(cat /proc/self/oom_score_adj) $(ulimit -n) $(ulimit -Hn) $(id -u):$(id -g) $(umask) $A \
		$(sed "s/.*) //" /proc/self/stat | cut -d" " -f17,39) $(sed -n "s/^NoNewPrivs:[[:space:]]*//p" /proc/self/status)'
	expect_output '77 33 44 1000:1001 0077 b 5 3 1' husk run -b c "$ID-2"
	end_pair
}

test_hooks() {
	make_pair '.process.args = ["/bin/sleep", "1000"] | .root.readonly = false' --arg t "$T"
	local kind
	for kind in prestart createRuntime createContainer poststart poststop; do
		config c --arg k "$kind" --arg t "$T" '.hooks[$k] = [{"path": "/bin/sh", "args": ["sh", "-c", "jq -c \"[.status, .pid > 1]\" >\($t)/\($k)"]}]'
	done
	config c '.hooks.startContainer = [{"path": "/bin/sh", "args": ["sh", "-c", "cat >/tmp/start; tr \"\\0\" \" \" </proc/1/cmdline >/tmp/one"]}]'
	expect_status 0 husk create -b c "$ID-2"
	expect_status 0 husk start "$ID-2"
	assert_eq "$(cat prestart createRuntime createContainer poststart | xargs)" \
		'[creating,true] [creating,true] [creating,true] [running,true]' "what the hooks were told"
	assert_eq "$(jq .pid c/rootfs/tmp/start)" "$(husk state "$ID-2" | jq .pid)" "the pid that startContainer was told"
	assert_match "$(cat c/rootfs/tmp/one)" 'sleep 1234' "the pid namespace of startContainer"
	expect_status 0 husk delete -f "$ID-2"
	[ -s poststop ] || fail "poststop did not run"
	end_pair
}

test_a_terminal() {
	need script
	make_pair '.process.terminal = true'
	container_sh c 'tty; ps -o pid,tty,args | grep -c "[t]ty;"; stty size; echo x >/dev/tty'
	run script -qec "stty rows 40 cols 123; '$HUSK' --root '$ROOT' $HUSK_FLAGS run -b '$T/c' '$ID-2'" /dev/null
	OUT=$(tr -d '\r' <<<"${OUT//^@/}") # what script types when its input ends
	assert_eq "$STATUS" 0 "status ($OUT)"
	assert_match "$OUT" '/dev/pts/0$' "its terminal"
	assert_match "$OUT" '^40 123$' "its size"
	assert_match "$OUT" '^x$' "its controlling terminal"
	end_pair
}

test_preserved_descriptors() {
	make_pair
	container_sh c 'cat <&3; for f in /proc/$$/fd/*; do readlink $f; done | grep -v "^pipe:\|file$\|null$\|/stdout$\|/stderr$" || :'
	echo text >file
	exec 3<file 4</
	expect_output text husk run --preserve-fds 1 -b c "$ID-2"
	end_pair
}

run_tests "$@"
