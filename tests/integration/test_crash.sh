#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# husk, or a process that it makes, killed before each of its system calls in turn, or each of them
# made to fail: afterwards, or after `delete --force`, all is as it was before. A command with a call that
# failed succeeds, or fails with one line that says why; it never hangs.
#
# crash/fault.c hits the calls, and counts those of each process apart: process 0 is husk, 1 the first
# that it makes. A few moments that matter are hit by strace.
#
# HUSK_CRASH_ALL=1      every call, not a sample of HUSK_CRASH_SAMPLE (6) a round
# HUSK_CRASH_START=N    the sample's first call (0, so that the result is no matter of luck; or "random", which is
#                       printed with each result)
# HUSK_CRASH_SECONDS=N  a command that takes longer hangs (60)
# HUSK_CRASH_REPORT=F   appends the counts of each round, and each failure that was ignored, to F
# shellcheck disable=SC2016 # $names in single quotes are jq's or the container's shell's
set -eu
: "${HUSK_CRASH_ALL:=}" "${HUSK_CRASH_SAMPLE:=6}" "${HUSK_CRASH_START:=0}" "${HUSK_CRASH_REPORT:=/dev/null}"
[ "$HUSK_CRASH_START" != random ] || HUSK_CRASH_START=$RANDOM
[ -z "$HUSK_CRASH_ALL" ] || : "${HUSK_TEST_SECONDS:=3600}"
export HUSK_TEST_SECONDS="${HUSK_TEST_SECONDS:-600}" HUSK_CRASH_ALL HUSK_CRASH_SAMPLE HUSK_CRASH_START HUSK_CRASH_REPORT
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
private_cgroup2 "$@"

FAULT=$HUSK_TOP_BUILDDIR/tests/integration/crash/fault
FAULT_SECONDS=${HUSK_CRASH_SECONDS:-60} # no command takes that long, or it hangs

# Runs the test again, from bundle(), in pid, network and mount namespaces of its own: nobody else's
# processes, links, sockets and mounts come and go there. A mount that others have may vanish with its
# directory, so all but those of the system, and what the test itself is made of, go first.
alone() {
	[ -z "${ALONE:-}" ] || return 0
	need unshare
	[ -x "$FAULT" ] || skip "tests/integration/crash/fault is not built (make check builds it)"
	trap - ERR
	ALONE=1 exec unshare -n -m -p -f --kill-child --mount-proc --propagation private bash "$LIB_DIR/$(basename "$0")" --one "${FUNCNAME[2]}"
}

unmount_others() {
	local mnt
	while read -r mnt; do
		umount -l "$mnt" 2>/dev/null || true
	done < <(awk -v dirs="$T/ $HUSK $LIB_DIR/ $FAULT" '
		BEGIN { n = split(dirs, dir) }
		$5 !~ "^/(proc|sys|dev)?(/|$)" || $5 ~ "^/(mnt|media)/" {
			for (i = 1; i <= n; i++) if (index(dir[i], $5 "/") == 1) next
			print $5
		}' /proc/self/mountinfo | sort -r)
}

# ---- what there is ----

# All that a command could leave. By the shell's own means as far as it goes: it is asked hundreds of
# times.
snapshot() {
	local line
	echo "== mounts" && echo "$(</proc/self/mountinfo)"
	echo "== cgroups"
	find "$CGROUPS" -type d -path "*$ID*" 2>/dev/null || true # those of others come and go
	echo "== links" && while read -r line; do echo "${line%%:*}"; done </proc/net/dev
	echo "== processes" && for line in /proc/[0-9]*; do [ "${line#/proc/}" = "$BASHPID" ] || echo "$line"; done
	echo "== sockets" && echo "$(</proc/net/unix)"
	echo "== descriptors" && echo "/proc/$$/fd"/*
	echo "== files" && find "$ROOT" "$T/b" ! -path "$ROOT/.seccomp*" -printf '%M %U:%G %p\n'
}

# Waits until all is as in file $1: what was killed needs a moment.
same_as() {
	local nap=0 end=$((SECONDS + 30))
	while [ "$SECONDS" -lt "$end" ]; do
		sleep "0.0$nap"
		snapshot >now
		[ "$(<"$1")" != "$(<now)" ] || return 0
		[ "$nap" = 9 ] || nap=$((nap + 1))
	done
	diff "$1" now >difference || true
	return 1
}

# ---- where to hit ----

# sample FILE: every line, or some of them: evenly, from a random one on.
sample() {
	if [ -n "$HUSK_CRASH_ALL" ]; then
		cat "$1"
		return
	fi
	awk -v want="$HUSK_CRASH_SAMPLE" -v start="$HUSK_CRASH_START" '{ line[NR - 1] = $0 }
		END {
			step = int(NR / want)
			step = step > 0 ? step : 1
			for (i = start % step; i < NR; i += step) print line[i]
		}' "$1"
}

# ---- one hit ----

# Each verb's own: what there must be before it. Sets up the container, or nothing.
begin() { :; }

# Each verb's own: is what it says it has done done?
succeeded() { :; }

# And where it says that it failed: is it not done, or undone?
failed() { :; }

# fault_husk OPTION... -- COMMAND...: STATUS, OUT, ERR; the file "trace".
fault_husk() {
	local options=(-o trace -t "$FAULT_SECONDS")
	[ -z "$ATTACHED" ] || options+=(-a "$("$HUSK" --root "$ROOT" state "$ID" | jq .pid)")
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	run "$FAULT" "${options[@]}" "$HUSK" --root "$ROOT" "$@"
}
ATTACHED= # else the container's process is there before the verb, and is process 1

# reference COMMAND...: `calls` gets where the command, and what it makes, can be hit.
reference() {
	begin
	fault_husk -- "$@"
	[ "$STATUS" != 77 ] || skip "crash/fault is not for this machine's architecture"
	[ "$STATUS" = 0 ] || fail "status $STATUS without any injection: $ERR"
	cp trace calls
	"$HUSK" --root "$ROOT" delete --force "$ID"
	same_as before || fail "left without any injection: $(cat difference)"
}

was_hit() { grep -q ' ' trace; }

report() { echo "$*" >>"$HUSK_CRASH_REPORT"; }

# Notes what went wrong, and cleans up, so that the round goes on.
wrong() {
	echo "$*" >>wrong
	report "  WRONG: $*"
	clean_up "$T" "$ID" >/dev/null 2>&1 || true
	rm -rf "${ROOT:?}/$ID"
	find "$CGROUPS" -depth -type d -path "*$ID*" -exec rmdir {} \; 2>/dev/null || true
}

# It gives no error. SLOW: it took about the five seconds for which it would wait for a cgroup.
delete_force() {
	local start=$SECONDS
	run timeout -k 1 "$FAULT_SECONDS" "$HUSK" --root "$ROOT" delete --force "$ID"
	[ $((SECONDS - start)) -le 4 ] || SLOW=1
	[ "$STATUS" = 0 ] || { wrong "$at: delete --force: status $STATUS: $ERR" && return 1; }
}

# soon COMMAND...: a hit, again while delete --force is slow after it, as a busy machine may stand still once.
soon() {
	local tries
	for tries in 1 2 3; do
		SLOW=
		"$@"
		[ -n "$SLOW" ] || return 0
		report "  slow: $at, try $tries"
	done
	wrong "$at: delete --force took 5 s or more, three times"
}

clean_after_delete() {
	delete_force || fail "$(cat wrong)"
	same_as before || fail "$at: left: $(cat difference)"
}

# What the harness prints with the test's name.
verdict() { # NAME
	local points
	points=$(wc -l <hits)
	report "$1: $points points of $(wc -l <all), $(wc -l <wrong) wrong"
	[ ! -s wrong ] || fail "$1, HUSK_CRASH_START=$HUSK_CRASH_START: $(wc -l <wrong) wrong of $points: $(head -n 5 wrong)"
	[ -s hits ] || fail "$1: nothing was hit"
	[ -s note ] || [ -n "$HUSK_CRASH_ALL" ] || printf 'HUSK_CRASH_START=%s; ' "$HUSK_CRASH_START" >note
	printf '%s: %s points, 0 wrong; ' "$1" "$points" >>note
}

prepare_round() {
	local file
	CGROUPS=$(cgroup2_root)
	[ -e before ] || unmount_others
	for file in wrong hits all calls trace out out2 stdout stderr difference now; do
		: >"$file"
	done
	snapshot >before
	snapshot >before # now with the files of the test itself
}

# killed NAME P COMMAND...: process P of the command killed before each of its calls.
killed() {
	local name=$1 p=$2 n call at line lines ready
	shift 2
	prepare_round
	reference "$@"
	# the message that it is ready; to start, that it has read the GO
	ready=$(awk -v p="$p" -v call="$([ -n "$ATTACHED" ] && echo recvmsg || echo sendmsg)" '
		$1 == p && $3 == call { n = $2 } END { print n + 0 }' calls)
	awk -v p="$p" '$1 == p' calls >all
	mapfile -t lines < <(sample all)
	for line in "${lines[@]}"; do
		read -r _ n call <<<"$line"
		at="$name, process $p killed before call $n ($call)"
		soon killed_at "$@"
	done
	verdict "$name, process $p killed"
}

killed_at() { # of killed(), at call $n
	begin || wrong "$at: cannot begin"
	fault_husk -p "$p" -n "$n" -- "$@"
	[ "$STATUS" != 124 ] || wrong "$at: no end within $FAULT_SECONDS s"
	if [ "$p" != 0 ] && [ "$STATUS" = 0 ] && [ "$n" -le "$ready" ]; then # later it was alive, as far as husk knows
		wrong "$at: husk says success"
	fi
	if [ "$p" != 0 ] && [ "$(grep -cv '^husk: warning: ' <<<"$ERR")" -gt 1 ]; then
		wrong "$at: more than one line: $ERR"
	fi
	! was_hit || echo "$at" >>hits
	! delete_force || same_as before || wrong "$at: $(tr '\n' '|' <difference)"
}

# Left out are calls that cannot fail (a close that is not made would keep the descriptor, which Linux never
# does), and those of libc before main(), which end with mprotect. EAGAIN of
# flock says that another has the lock.
CANNOT_FAIL='^(exit|exit_group|close|umask|get(pid|ppid|tid|uid|euid|gid|egid))$'

# failing NAME P STRICT COMMAND...: each call of process P made to fail in turn. With "strict", a command
# that fails leaves nothing; with "loose", what `delete --force` finds.
failing() {
	local name=$1 p=$2 strict=$3 n call at error line lines
	shift 3
	! has_sanitizers "$HUSK" || skip "the sanitizers' run-time makes system calls of its own, which would fail too"
	prepare_round
	reference "$@"
	awk -v p="$p" -v cannot="$CANNOT_FAIL" 'p == 0 && !main { main = $3 == "mprotect"; next }
		$1 == p && $3 !~ cannot {
		split("ENOMEM EINTR EAGAIN ENOSPC", e)
		for (i = 1; i <= 4; i++) if (e[i] != "EAGAIN" || $3 != "flock") print e[i], $0 }' calls >all
	mapfile -t lines < <(sample all)
	for line in "${lines[@]}"; do
		read -r error _ n call <<<"$line"
		at="$name, process $p, call $n ($call) fails with $error"
		soon failing_at "$@"
	done
	verdict "$name, process $p failing"
}

failing_at() { # of failing(), at call $n
	begin || wrong "$at: cannot begin"
	fault_husk -p "$p" -n "$n" -e "$error" -- "$@"
	! was_hit || echo "$at" >>hits
	judge "$strict"
}

judge() { # STRICT
	if [ "$STATUS" = 124 ]; then
		wrong "$at: no end within $FAULT_SECONDS s"
	elif [ "$STATUS" = 0 ]; then
		report "  ignored: $at${ERR:+: $ERR}"
		succeeded || wrong "$at: says success, but it is not done"
	elif [ "$STATUS" -gt 128 ] && [ "$STATUS" != 255 ]; then
		wrong "$at: status $STATUS: $ERR"
	elif [ "$(grep -cv '^husk: warning: ' <<<"$ERR")" != 1 ] || [[ $ERR != *husk:* ]]; then
		wrong "$at: not one line: '$ERR'"
	elif ! failed; then
		wrong "$at: says failure ($ERR), but it is done"
	elif [ "$1" = strict ] && ! same_as before; then
		wrong "$at: left by the failure ($ERR): $(tr '\n' '|' <difference)"
	fi
	! delete_force || same_as before || wrong "$at: $(tr '\n' '|' <difference)"
}

# ---- run and create ----

bundle() {
	alone
	make_bundle b '.process.args = ["/bin/sleep", "100"]'
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
	killed "exec -d" 0 exec -d "$ID" sleep 100
}

test_exec_failing() {
	bundle .
	running
	failing exec 0 loose exec "$ID" sleep 0.02
	failing exec 1 loose exec "$ID" sleep 0.02
	failing "exec -d" 0 loose exec -d "$ID" sleep 100
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
	wait_for 10 is_status "$ID" running
	husk_exec exec "$ID" sleep 99 >out2 2>&1 &
	exec=$!
	wait_for 10 sh -c "'$HUSK' --root '$ROOT' ps '$ID' | grep -q 'sleep 99'"
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
	wait_for 10 is_status "$ID" running
	husk_exec exec "$ID" sleep 99 >out2 2>&1 &
	exec=$!
	wait_for 10 sh -c "'$HUSK' --root '$ROOT' ps '$ID' | grep -q 'sleep 99'"
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
