#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# exec: one more process in a container, and what it has of the container; terminals of exec and run.
# runs-as: root user
# lab-smoke: test_status_and_signals test_in_a_user_namespace
# vm-smoke: test_status_and_signals test_stdin_and_large_output test_users_and_groups test_console_socket test_run_on_a_terminal
# shellcheck disable=SC2016 # $names in single quotes are jq's or the container's shell's
set -eu
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
private_cgroup2 "$@"

# sleeper [JQ...]: a container that sleeps, started.
sleeper() {
	make_bundle b '.process.args = ["/bin/sleep", "1000"]' # the test's own edits come after
	[ $# = 0 ] || config b "$@"
	expect_status 0 husk run -d -b b "$ID"
}

ends() { expect_status 0 husk delete -f "$ID"; }

husk_failed() { ! is_husk || assert_eq "$STATUS" 255 "status ($ERR)"; }

ODD=33.$$9 # seconds of a sleep that nobody else's process has

is_gone() { ! kill -0 "$1" 2>/dev/null; }

# A program that stands at the other end of a console socket: takes one descriptor, writes $2 to it if
# given, and copies what it says to standard output until it is closed.
console_receiver() { # SOCKET [TEXT]
	python3 - "$@" <<-'PYTHON'
		import os, socket, sys
		s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
		s.bind(sys.argv[1] + ".new")
		s.listen(1)
		os.rename(sys.argv[1] + ".new", sys.argv[1])
		c, _ = s.accept()
		_, fds, _, _ = socket.recv_fds(c, 4096, 1)
		assert len(fds) == 1 and os.isatty(fds[0])
		if len(sys.argv) > 2:
		    os.write(fds[0], sys.argv[2].encode())
		try:
		    while data := os.read(fds[0], 4096):
		        os.write(1, data)
		except OSError:
		    pass
	PYTHON
}

# on_terminal ROWS COLUMNS STEP... -- COMMAND...: on a new terminal of this size. A step is "TEXT=>REPLY":
# when TEXT has come, REPLY is typed ("resize ROWS COLUMNS": so it is done). ^C takes away what was not read yet: the
# end of a line, say, so that TEXT is to have it. Prints all that came; its
# status is the command's.
on_terminal() {
	python3 -c '
import fcntl, os, pty, select, struct, sys, termios, time
rows, columns = int(sys.argv[1]), int(sys.argv[2])
split = sys.argv.index("--")
steps = [s.split("=>") for s in sys.argv[3:split]]
def resize(fd, rows, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
pid, fd = pty.fork()
if pid == 0:
    resize(0, rows, columns)
    os.execvp(sys.argv[split + 1], sys.argv[split + 1:])
seen, new = b"", b""
end = time.time() + 300 + int(os.environ["BOOT_SECONDS"])
while time.time() < end:
    if not select.select([fd], [], [], 0.5)[0]:
        continue
    try:
        data = os.read(fd, 65536)
    except OSError:
        break
    if not data:
        break
    seen, new = seen + data, new + data
    while steps and steps[0][0].encode() in new:
        text, reply = steps.pop(0)
        new = new.split(text.encode(), 1)[1]
        if reply.startswith("resize "):
            resize(fd, *map(int, reply.split()[1:]))
        else:
            os.write(fd, reply.encode().decode("unicode_escape").encode())
else:
    os.kill(pid, 9)
os.write(1, seen.replace(b"\r", b""))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) % 256)
' "$@"
}

# ---- what comes back ----

test_status_and_signals() {
	sleeper
	local n
	for n in 0 1 42 126 127 255; do
		expect_status "$n" husk exec "$ID" sh -c "exit $n"
	done
	for n in 1 9 11 15; do
		expect_status $((128 + n)) husk exec "$ID" sh -c "kill -$n \$\$; sleep 9"
	done
	expect_status 1 husk exec "$ID" sh -c 'echo out; echo err >&2; exit 1'
	assert_eq "$OUT $ERR" 'out err'
	ends
}

test_stdin_and_large_output() {
	sleeper
	head -c 300000 /dev/urandom >data
	husk exec "$ID" cat <data >copy || fail "status of cat"
	cmp data copy || fail "stdin to stdout"
	assert_eq "$(husk exec "$ID" sh -c 'cat; echo end' </dev/null)" end "an empty stdin"
	ends
}

test_signals_to_exec_reach_its_process() {
	sleeper
	husk_exec exec "$ID" sh -c 'for s in TERM INT HUP USR1; do trap "echo $s" $s; done; trap "exit 6" USR2
		echo up; while :; do sleep 0.02; done' >out &
	local pid=$! status=0 s
	wait_for 10 grep -q up out
	for s in TERM INT HUP USR1; do
		kill -"$s" "$pid"
		wait_for 10 grep -qx "$s" out
	done
	kill -USR2 "$pid"
	wait "$pid" || status=$?
	assert_eq "$status" 6 "status of exec"
	ends
}

test_programs_that_cannot_run() {
	make_bundle b '.process.args = ["/bin/sleep", "1000"]'
	printf '#!/no/such/shell\n' >b/rootfs/bin/noshell
	printf 'noise' >b/rootfs/bin/noise
	chmod 0755 b/rootfs/bin/noshell b/rootfs/bin/noise
	expect_status 0 husk run -d -b b "$ID"
	local program want
	while read -r program want; do
		expect_error "'$program'.*($want)" husk exec "$ID" "$program"
		husk_failed
		expect_error "'$program'.*($want)" husk exec -d --pid-file "$T/pid" "$ID" "$program"
		husk_failed
		[ ! -e pid ] || fail "a pid file of '$program'"
	done <<-'END'
		missing executable file not found
		/missing no such file
		/etc/passwd permission denied
		/etc permission denied
		/bin/noshell no such file
		/bin/noise exec format error
	END
	expect_error "cwd.*'/missing'.*no such file" husk exec --cwd /missing "$ID" true
	husk_failed
	expect_error "cwd.*'x'.*absolute" husk exec --cwd x "$ID" true
	expect_error "user 'guest'.*digits" husk exec --user guest "$ID" true
	expect_error "user '1:'.*digits" husk exec --user 1: "$ID" true
	expect_error "cgroup" husk exec --cgroup ../.. "$ID" true
	expect_error "preserve-fds" husk exec --preserve-fds 9 "$ID" true
	expect_error "pid-file.*/no/such" husk exec --pid-file /no/such/pid "$ID" sleep "$ODD"
	expect_error "pid-file.*/no/such" husk exec -d --pid-file /no/such/pid "$ID" sleep "$ODD"
	wait_for 10 no_process_of "$ODD" # or a process is left
	expect_error "console-socket.*terminal|tty" husk exec --console-socket "$T/s" "$ID" true
	expect_error "none.*no such file" husk exec -t --console-socket "$T/none" "$ID" true
	expect_error "terminal.*console-socket" husk exec -d -t "$ID" true
	is_status "$ID" running || fail "the container suffered"
	ends
}

test_containers_that_do_not_run() {
	make_bundle b '.process.args = ["/bin/sleep", "0.01"]'
	expect_status 0 husk create -b b "$ID"
	if is_vm; then # it boots with start
		expect_error 'was not started' husk exec "$ID" true
	elif is_root; then
		# runc can, too; an ordinary user has no right to the namespaces of a process that cannot be traced
		expect_output created husk exec "$ID" echo created
	fi
	expect_status 0 husk start "$ID"
	wait_for 10 is_status "$ID" stopped
	expect_error 'container not running|stopped' husk exec "$ID" true
	husk_failed
	expect_status 0 husk delete "$ID"
}

# Whatever the moment: the program runs and is killed with the container, or does not run, with a line.
test_exec_while_the_container_ends() {
	make_bundle b '.process.args = ["/bin/sleep", "1000"]'
	local i pid status
	for i in $(seq "$(rounds 12 3)"); do
		expect_status 0 husk run -d -b b "$ID"
		husk_exec exec "$ID" sleep "$ODD" 2>err &
		pid=$! status=0
		sleep "0.00$((RANDOM % 9))"
		expect_status 0 husk kill "$ID" KILL
		wait "$pid" || status=$?
		case $status in
		137) ;;
		255) assert_eq "$(grep -c '^husk: ' err) $(wc -l <err)" '1 1' "lines of '$(cat err)'" ;;
		*) fail "round $i: status $status: $(cat err)" ;;
		esac
		expect_status 0 husk delete -f "$ID"
	done
	wait_for 10 no_process_of "$ODD" # or a process is left
}

# The same where the init, which nobody waits for, is dead, and its pid namespace takes no process.
test_exec_into_a_container_that_is_dead_by_now() {
	need strace
	is_husk || skip "for husk alone"
	make_bundle b '.process.args = ["/bin/sleep", "1000"]'
	husk_exec run -b b "$ID" &
	local run=$! status=0
	wait_for 10 is_status "$ID" running
	strace -o calls -e trace=clone3 -e inject=clone3:delay_enter=3000000 "$HUSK" --root "$ROOT" exec "$ID" true 2>err &
	kill -STOP "$run"
	sleep 1 # to get to the call; an exec that comes later finds a stopped container
	expect_status 0 husk kill "$ID" KILL
	wait $! || status=$?
	assert_eq "$status" 255 "status of exec"
	assert_match "$(cat err)" 'container not running' "error of exec"
	kill -CONT "$run"
	wait "$run" || status=$?
	assert_eq "$status" 137 "status of run"
}

# Until the container has its root, nobody else may come in: the program would run with that of the host.
test_no_exec_while_run_sets_the_container_up() {
	need strace
	is_husk || skip "for husk alone"
	make_bundle b '.process.args = ["/bin/sleep", "1000"] | .hostname = "slow"'
	strace -f -o calls -e trace=sethostname -e inject=sethostname:delay_enter=2000000 "$HUSK" --root "$ROOT" run -d -b b "$ID" &
	refused=
	exec_is_let_in() {
		run husk exec "$ID" ls "$T/b/config.json"
		[[ $ERR != *'still being created'* ]] || refused=1
		[ "$STATUS" != 255 ]
	}
	wait_for 60 exec_is_let_in
	assert_eq "$STATUS" 1 "status of ls of a file of the host's ($OUT)"
	[ -n "$refused" ] || printf 'the container was there before exec; ' >note
	ends
	wait $! || fail "run: status $?"
}

# ---- what the process is given ----

test_env_cwd_and_home() {
	sleeper '.process.env = ["PATH=/bin", "A=config", "B=config"] | .process.cwd = "/home"'
	expect_output $'/home\nexec config\n/root' husk exec --env A=exec "$ID" sh -c 'pwd; echo $A $B; echo $HOME'
	expect_output '/tmp' husk exec --cwd /tmp "$ID" pwd
	expect_output '/elsewhere' husk exec -e HOME=/elsewhere "$ID" sh -c 'echo $HOME'
	expect_output 'a=b c' husk exec --env 'X=a=b c' "$ID" sh -c 'echo "$X"'
	# the process is config.json's at the time of create, not today's
	config b '.process.env = ["PATH=/nowhere"]'
	expect_output config husk exec "$ID" sh -c 'echo $B'
	ends
}

test_users_and_groups() {
	sleeper '.process.user.additionalGids = [5]'
	expect_output '1000:1001 /home' husk exec --user 1000:1001 "$ID" sh -c 'echo $(id -u):$(id -g) $HOME'
	expect_output '1000 0' husk exec --user 1000 "$ID" sh -c 'echo $(id -u) $(id -g)'
	expect_output '4321:0 /' husk exec --user 4321 "$ID" sh -c 'echo $(id -u):$(id -g) $HOME'
	expect_status 0 husk exec --additional-gids 77 -g 78 "$ID" grep ^Groups: /proc/self/status
	assert_eq "$(tr -d '\t' <<<"$OUT" | xargs)" 'Groups:5 77 78' groups
	expect_status 0 husk exec --user 1000:1001 "$ID" cat /proc/self/status
	assert_match "$OUT" '^Uid:.1000.1000.1000.1000$'
	assert_match "$OUT" '^Gid:.1001.1001.1001.1001$'
	assert_match "$OUT" '^CapEff:.0000000000000000$' "capabilities of an ordinary user"
	assert_match "$OUT" '^CapInh:.0000000000000000$'
	ends
}

# A log that is a link to /dev/stderr is common in images.
test_pipes_can_be_opened_again() {
	sleeper
	local text='echo out >/dev/stdout; echo err >/dev/stderr; cat /dev/stdin'
	assert_eq "$(echo in | husk exec --user 1000 "$ID" sh -c "$text" 2>&1 | cat)" $'out\nerr\nin' "exec"
	ends
	container_sh b "$text" '.process.user = {uid: 1000, gid: 1001}'
	assert_eq "$(echo in | husk run -b b "$ID" 2>&1 | cat)" $'out\nerr\nin' "run"
	container_sh b 'echo out'
	husk run -b b "$ID" >file
	assert_eq "$(stat -c %u file)" "$(id -u)" "the owner of a file"
}

test_home_is_from_the_containers_passwd() {
	sleeper
	echo 'root:x:0:0::/moved:/bin/sh' >b/rootfs/etc/passwd
	home_is() { [ "$(husk exec "$ID" sh -c 'echo $HOME')" = "$1" ]; }
	wait_for 5 home_is /moved # a VM sees what the host changed after a second
	rm b/rootfs/etc/passwd
	wait_for 5 home_is /
	ln -s /proc/self/environ b/rootfs/etc/passwd
	run husk exec "$ID" sh -c 'echo $HOME'
	[ "$STATUS" = 0 ] && assert_eq "$OUT" / "HOME with a link as passwd"
	ends
}

test_capabilities_are_the_containers() {
	sleeper '.process.capabilities = {"bounding": ["CAP_KILL", "CAP_CHOWN"], "effective": ["CAP_KILL"],
		"permitted": ["CAP_KILL", "CAP_CHOWN"]} | .process.noNewPrivileges = false'
	local caps='cat /proc/self/status | grep ^Cap'
	expect_status 0 husk exec "$ID" sh -c "$caps"
	assert_eq "$(tr -d '\n\t' <<<"$OUT" | sed 's/Cap//g;s/00000000//g')" 'Inh:Prm:00000021Eff:00000021Bnd:00000021Amb:' \
		"sets of a process of uid 0"
	expect_output "$(grep ^CapBnd <<<"$OUT")" husk exec "$ID" grep ^CapBnd /proc/1/status
	expect_status 0 husk exec --cap CAP_NET_RAW --cap CAP_MKNOD "$ID" sh -c "$caps"
	assert_match "$OUT" '^CapBnd:.0000000008002021$'
	assert_match "$OUT" '^CapPrm:.0000000008002021$'
	assert_match "$OUT" '^CapInh:.0000000000000000$'
	assert_match "$OUT" '^CapAmb:.0000000000000000$'
	run husk exec --cap CAP_NOSUCH "$ID" true
	assert_match "$ERR" 'CAP_NOSUCH' "the unknown one is named"
	ends
}

test_no_new_privs_umask_limits_and_score() {
	sleeper '.process.noNewPrivileges = false | .process.user.umask = 63 | .process.oomScoreAdj = 321 |
		.process.rlimits = [{"type": "RLIMIT_NOFILE", "soft": 111, "hard": 222}]'
	expect_output $'0\n0077\n321\n111\n222' husk exec "$ID" sh -c 'grep NoNewPrivs /proc/self/status | cut -f2; umask
		cat /proc/self/oom_score_adj; ulimit -Sn; ulimit -Hn'
	expect_output 1 husk exec --no-new-privs "$ID" sh -c 'grep NoNewPrivs /proc/self/status | cut -f2'
	ends
}

test_a_process_file() {
	sleeper
	jq '.process | .args = ["/bin/sh", "-c", "umask; id -u; echo $V; pwd; ulimit -n; grep ^CapBnd: /proc/self/status | cut -f2
		cat /proc/self/oom_score_adj; grep NoNewPrivs /proc/self/status | cut -f2"] | .env = ["PATH=/bin", "V=w"] |
		.cwd = "/tmp" | .user.umask = 7 | .rlimits = [{"type": "RLIMIT_NOFILE", "soft": 64, "hard": 64}] |
		.capabilities = {"bounding": ["CAP_KILL"]} | .oomScoreAdj = 500 | .noNewPrivileges = true' b/config.json >p.json
	expect_output $'0007\n0\nw\n/tmp\n64\n0000000000000020\n500\n1' husk exec --process p.json "$ID"
	assert_eq "$(echo x | husk exec -p <(jq '.args = ["cat"]' p.json) "$ID")" x "output with the file from a pipe"
	echo '{' >p.json
	expect_error 'process.*p.json.*json' husk exec --process p.json "$ID"
	husk_failed
	echo '{"args": ["true"], "cwd": 3}' >p.json
	expect_error 'process.*p.json.*cwd' husk exec --process p.json "$ID"
	expect_error 'process.*none.*no such file' husk exec --process none "$ID"
	ends
}

# ---- what it has of the container ----

test_namespaces_root_and_cgroup_are_the_containers() {
	sleeper '.hostname = "in-a-husk" | .linux.maskedPaths = ["/etc/group", "/home"] | .linux.readonlyPaths = ["/proc/sys"]'
	local names='for n in cgroup ipc mnt net pid user uts; do readlink /proc/$P/ns/$n; done'
	expect_status 0 husk exec -e P=1 "$ID" sh -c "$names"
	local init=$OUT
	expect_output "$init" husk exec -e P=self "$ID" sh -c "$names"
	expect_output $'in-a-husk\n0\n0' husk exec "$ID" sh -c 'hostname; cat /etc/group | wc -c; ls /home | wc -l'
	expect_output '' husk exec "$ID" sh -c 'echo 1 2>/dev/null >/proc/sys/vm/swappiness && echo wrote; exit 0'
	# same cgroup, and seen as the root of its namespace
	local pid
	expect_status 0 husk exec -d --pid-file "$T/pid" "$ID" sleep 1000
	pid=$(husk state "$ID" | jq .pid)
	assert_eq "$(grep ^0: "/proc/$(cat pid)/cgroup")" "$(grep ^0: "/proc/$pid/cgroup")" "cgroup"
	assert_eq "$(readlink "/proc/$(cat pid)/root" 2>/dev/null)" "$(readlink "/proc/$pid/root" 2>/dev/null)" root
	ends
}

test_seccomp_applies() {
	local nnp
	for nnp in true false; do
		[ "$nnp" = true ] || is_root || break # a filter without it needs privilege
		rm -rf b
		sleeper --argjson nnp "$nnp" '.root.readonly = false | .process.noNewPrivileges = $nnp |
			.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW",
			"syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}]}'
		run husk exec "$ID" sh -c 'mkdir /tmp/d; grep Seccomp: /proc/self/status | cut -f2'
		assert_match "$ERR" 'No space left on device' "mkdir, noNewPrivileges $nnp"
		assert_eq "$OUT" 2 "seccomp mode"
		ends
	done
}

test_no_descriptor_of_the_host_but_those_passed() {
	sleeper
	exec 5<b/config.json 9<"$T"
	run husk exec "$ID" sh -c 'ls /proc/self/fd | wc -l; ls -l /proc/self/fd | grep -c " 5 \| 9 "'
	assert_eq "$OUT" $'4\n0' "descriptors (ls holds one more)"
	exec 5<&- 9<&-
	echo three >f3
	echo four >f4
	exec 3<f3 4<f4 5<b/config.json
	expect_output $'three\nfour\n6' husk exec --preserve-fds 2 "$ID" sh -c 'cat <&3; cat <&4; ls /proc/self/fd | wc -l'
	exec 3<&- 4<&- 5<&-
	ends
}

test_in_a_user_namespace() {
	sleeper '.linux.namespaces += [{"type": "user"}] | .process.oomScoreAdj = 111 |
		.linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 5000}] |
		.linux.gidMappings = [{"containerID": 0, "hostID": 200000, "size": 5000}] |
		.process.rlimits = [{"type": "RLIMIT_NOFILE", "soft": 111, "hard": 222}]'
	expect_output $'0:0 222 111\n0 100000 5000' husk exec "$ID" sh -c 'echo $(id -u):$(id -g) $(ulimit -Hn) $(cat /proc/self/oom_score_adj)
		echo $(cat /proc/self/uid_map)'
	expect_output '1000:1001' husk exec --user 1000:1001 "$ID" sh -c 'echo $(id -u):$(id -g)'
	expect_status 0 husk exec -d --pid-file "$T/pid" --user 7:8 "$ID" sleep 1000
	is_vm || assert_eq "$(stat -c %u:%g "/proc/$(cat pid)")" 100007:200008 "ids on the host"
	expect_status 0 husk exec "$ID" sh -c 'cat /proc/[0-9]*/status'
	assert_match "$OUT" '^Uid:.7.7.7.7$'
	assert_match "$OUT" '^Gid:.8.8.8.8$'
	expect_status 143 husk exec "$ID" sh -c 'kill $$; sleep 9'
	expect_error 'executable file not found' husk exec "$ID" missing
	expect_error 'user.gid.*6000|become group 6000' husk exec --user 0:6000 "$ID" true
	ends
}

test_a_cgroup_below_the_containers() {
	[[ $HUSK_FLAGS != *disabled* ]] || skip "cgroups are disabled by HUSK_FLAGS"
	# made by the container's root, as in a VM the cgroup is the guest's
	sleeper '(.mounts[] | select(.type == "cgroup") | .options) -= ["ro"]'
	expect_status 0 husk exec "$ID" mkdir /sys/fs/cgroup/sub
	expect_output 0::/sub husk exec --cgroup sub "$ID" grep ^0:: /proc/self/cgroup
	expect_error 'cgroup.*none' husk exec --cgroup none "$ID" true
	husk_failed
	for name in ../x .. sub/../.. /../x; do
		expect_error 'cgroup' husk exec --cgroup "$name" "$ID" true
	done
	ends
}

test_a_paused_container() {
	[[ $HUSK_FLAGS != *disabled* ]] || skip "cgroups are disabled by HUSK_FLAGS"
	sleeper
	expect_status 0 husk pause "$ID"
	expect_error 'paused' husk exec "$ID" true
	husk_failed
	# it starts, and stands still until resume
	husk_exec exec --ignore-paused "$ID" echo thawed >out &
	local pid=$!
	sleep 0.3
	assert_eq "$(cat out)" '' "output while paused"
	expect_error 'is paused|cannot pause' husk pause "$ID"
	expect_status 0 husk resume "$ID"
	wait "$pid" || fail "status of exec"
	assert_eq "$(cat out)" thawed
	expect_error 'not paused' husk resume "$ID"
	ends
}

test_many_at_once() {
	sleeper
	seq 40 | xargs -P 8 -I @@ "$HUSK" --root "$ROOT" ${HUSK_FLAGS:+$HUSK_FLAGS} exec "$ID" sh -c 'echo @@; exit 0' >out || fail "a status"
	assert_eq "$(sort -n out | xargs)" "$(seq 40 | xargs)" "output of 40"
	ends
}

test_exec_that_is_killed_leaves_its_process() {
	sleeper
	husk_exec exec --pid-file "$T/pid" "$ID" sleep 101 &
	local pid=$!
	wait_for 10 test -s pid
	wait_for 10 has_process "sleep 101"
	kill -KILL "$pid"
	wait "$pid" 2>/dev/null || true
	kill -0 "$(cat pid)" || fail "the process went with it"
	has_process "sleep 101" || fail "the process went with it"
	ends
	wait_for 10 is_gone "$(cat pid)" # or the process outlived its container
}

# ---- terminals ----

test_exec_on_a_terminal() {
	need python3
	sleeper
	local status=0 h="$HUSK --root $ROOT $HUSK_FLAGS"
	# shellcheck disable=SC2086 # words
	on_terminal 33 77 -- $h exec -t "$ID" sh -c 'stty size; test -t 0 -a -t 1 -a -t 2 && tty; cat </dev/tty >/dev/null & exit 7' >out || status=$?
	assert_eq "$status" 7 "status ($(cat out))"
	assert_match "$(sed -n 1p out)" '^33 77$' size
	assert_match "$(sed -n 2p out)" '^/dev/pts/[0-9]+$'
	# ^C is a signal to the program, and what is typed reaches it
	status=0
	# shellcheck disable=SC2086
	on_terminal 24 80 'ready=>hello\n' $'got hello\r\n=>\x03' -- $h exec --tty "$ID" \
		sh -c 'trap "echo int; exit 9" INT; echo ready; read x; echo "got $x"; while :; do sleep 0.02; done' >out || status=$?
	assert_eq "$status" 9 "status ($(cat out))"
	assert_match "$(cat out)" '^(\^C)?int$' "the program's word on ^C"
	ends
}

test_exec_without_a_terminal_of_its_own() {
	need python3
	sleeper
	# standard input and output are pipes: still a terminal inside; nothing of the output is lost, though the
	# program ends while the pipe (64k) is full
	husk exec -t "$ID" sh -c 'test -t 1 && seq 11500' | { sleep 0.3 && cat; } | tr -d '\r' >out
	seq 11500 | cmp - out || fail "output to a slow reader: $(wc -l <out) lines"
	ends
}

test_console_socket() {
	need python3
	sleeper
	console_receiver "$T/s" $'typed\n' >out &
	local receiver=$!
	wait_for 10 test -S s
	expect_status 0 husk exec -d -t --console-socket "$T/s" --pid-file "$T/pid" "$ID" sh -c 'read x; echo "read $x from $(tty)"'
	wait "$receiver" || fail "the receiver"
	assert_match "$(tr -d '\r' <out)" '^read typed from /dev/pts/[0-9]+$' "what the terminal said"
	rm s
	# not detached: waits, with the status
	console_receiver "$T/s" >out &
	receiver=$!
	wait_for 10 test -S s
	expect_status 5 husk exec -t --console-socket "$T/s" "$ID" sh -c 'echo hi; sleep 0.1; exit 5'
	assert_eq "$OUT" '' "husk's own output"
	wait "$receiver" || fail "the receiver"
	assert_eq "$(tr -d '\r' <out)" hi
	ends
	# create, too
	rm s
	make_bundle c '.process.terminal = true | .process.consoleSize = {"height": 30, "width": 90}'
	container_sh c 'stty size; test -t 0 && tty'
	console_receiver "$T/s" >out &
	receiver=$!
	wait_for 10 test -S s
	expect_status 0 husk create --console-socket "$T/s" -b c "$ID"
	expect_status 0 husk start "$ID"
	wait "$receiver" || fail "the receiver"
	assert_eq "$(tr -d '\r' <out)" $'30 90\n/dev/pts/0' "what the terminal said"
	wait_for 10 is_status "$ID" stopped
	expect_status 0 husk delete "$ID"
}

test_run_on_a_terminal() {
	need python3
	local status=0 h="$HUSK --root $ROOT $HUSK_FLAGS"
	make_bundle b '.process.terminal = true'
	container_sh b 'trap "echo int; exit 9" INT; trap "stty size" WINCH; stty size; tty; while :; do sleep 0.02; done'
	# shellcheck disable=SC2086
	on_terminal 33 77 '/dev/pts/0=>resize 40 100' $'40 100\r\n=>\x03' -- $h run -b b "$ID" >out || status=$?
	assert_eq "$status" 9 "status ($(cat out))"
	assert_eq "$(grep -v '^$' out | sed 's/^\^C//' | xargs)" '33 77 /dev/pts/0 40 100 int' "all that was seen"
	# the caller's terminal is as it was
	container_sh b 'exit 0'
	# shellcheck disable=SC2086,SC2016
	on_terminal 24 80 -- sh -c 'a=$(stty -g); "$@"; [ "$a" = "$(stty -g)" ] && echo same' sh $h run -b b "$ID" >out
	assert_eq "$(cat out)" same "settings of the caller's terminal"
}

test_run_on_a_terminal_with_a_slow_reader() {
	make_bundle b '.process.terminal = true | .process.args = ["/bin/seq", "11500"]'
	husk run -b b "$ID" | { sleep 0.3 && cat; } | tr -d '\r' >out
	seq 11500 | cmp - out || fail "output to a slow reader: $(wc -l <out) lines"
	# one that goes away is a terminal that hangs up
	run sh -c "timeout -s KILL 120 '$HUSK' --root '$ROOT' $HUSK_FLAGS run -b b '$ID' | head -n 1"
	assert_eq "$(tr -d '\r' <<<"$OUT")" 1
	[ -z "$(husk list -q)" ] || fail "run did not end: $(husk list)"
}

# An ordinary user has one id and no cgroup of its own; nor may it join users or groups.
export ROOT_ONLY="test_users_and_groups test_pipes_can_be_opened_again test_in_a_user_namespace test_a_cgroup_below_the_containers test_a_paused_container"
run_tests "$@"
