#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# husk, or the process that it makes, killed before each of its system calls in turn, or each of them
# made to fail: afterwards, or after `delete --force`, all is as it was before.
#
# strace injects: into the k-th call of one name, which it counts in each process apart. husk itself is
# traced alone. Its child can only be traced together with it, so that its k-th call of a name can be
# hit alone only where nobody else makes k calls of that name: the others are counted as "not alone".
# Those are calls such as the first close and openat, and a child killed before one is as one that is
# killed before the next.
#
# HUSK_CRASH_ALL=1      every call, not a sample of HUSK_CRASH_SAMPLE (5) a round: takes half an hour
# HUSK_CRASH_START=N    the sample's first call (else random, and printed where a test fails)
# HUSK_CRASH_REPORT=F   appends the counts of each round, and each failure that was ignored, to F
# shellcheck disable=SC2016 # $names in single quotes are jq's or the container's shell's
set -eu
: "${HUSK_CRASH_ALL:=}" "${HUSK_CRASH_SAMPLE:=5}" "${HUSK_CRASH_START:=$RANDOM}" "${HUSK_CRASH_REPORT:=/dev/null}"
[ -z "$HUSK_CRASH_ALL" ] || : "${HUSK_TEST_SECONDS:=3600}"
export HUSK_TEST_SECONDS="${HUSK_TEST_SECONDS:-60}" HUSK_CRASH_ALL HUSK_CRASH_SAMPLE HUSK_CRASH_START HUSK_CRASH_REPORT
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
private_cgroup2 "$@"

STRACE_SECONDS=10 # no command takes that long, or it hangs

# Runs the test again, from bundle(), in a network and a mount namespace of its own: nobody else's links,
# sockets and mounts come and go there.
alone() {
	[ -z "${ALONE:-}" ] || return 0
	need strace ip
	strace -o /dev/null true 2>/dev/null || skip "strace may not trace here"
	trap - ERR
	ALONE=1 exec unshare -n -m --propagation private bash "$LIB_DIR/$(basename "$0")" --one "${FUNCNAME[2]}"
}

# ---- what there is ----

# All that a command could leave. leaked_pids finds the processes, strace itself included.
snapshot() {
	echo "== mounts" && cat /proc/self/mountinfo
	echo "== cgroups" && find "$(cgroup2_root)" -type d -path "*$ID*"
	echo "== links" && ip -o link
	echo "== processes" && leaked_pids "$T"
	echo "== sockets" && sed 's/^[^:]*://' /proc/net/unix | sort
	echo "== files" && find "$ROOT" -mindepth 1 ! -path "$ROOT/.seccomp*" && find "$T/b" -printf '%M %U:%G %s %p\n' | sort
	echo "== descriptors" && find "/proc/$$/fd" -mindepth 1 ! -name '[0-2]' -printf '%f %l\n'
}

# Waits until all is as in file $1: what was killed needs a moment.
same_as() {
	local tries
	for tries in 0 01 02 05 1 2 3 5 8; do
		sleep "0.$tries"
		snapshot >now
		! cmp -s "$1" now || return 0
	done
	diff "$1" now >difference || true
	return 1
}

# ---- where to hit ----

# The system calls of each process in the trace $1, up to the execve of the container's program:
# "P N NAME K". P is 0 for the first process, 1 for its child ...; K says which call of that name it
# is, or is "-" where another process makes as many.
calls() {
	awk '
	$2 !~ /^[a-z0-9_]+\(/ { next }
	{
		pid = $1
		name = $2
		sub(/\(.*/, "", name)
		if (!(pid in number)) { number[pid] = n; id[n++] = pid }
		total[pid, name]++
		if (ended[pid]) next
		call[pid, ++calls[pid]] = name
		if (name == "execve" && calls[pid] > 1) ended[pid] = 1
	}
	END {
		for (p = 0; p < n; p++) {
			delete made
			for (i = 1; i <= calls[id[p]]; i++) {
				name = call[id[p], i]
				k = ++made[name]
				for (q = 1; p > 0 && q <= n; q++) if (q - 1 != p && total[id[q - 1], name] >= made[name]) k = "-"
				print p, i, name, k
			}
		}
	}' "$1"
}

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

# reference COMMAND...: `calls` gets where the command, and what it makes, can be hit.
reference() {
	begin
	strace -D -f -o trace "$HUSK" --root "$ROOT" "$@" >/dev/null 2>&1 </dev/null || true
	"$HUSK" --root "$ROOT" delete --force "$ID"
	same_as before || fail "left without any injection: $(cat difference)"
	calls trace >all.calls
}

# Each verb's own: what there must be before it. Sets up the container, or nothing.
begin() { :; }

# hit P NAME K WHAT COMMAND...: STATUS, ERR, TOOK. P 0 is husk itself. Where the child is traced
# too, strace must not be husk's parent: it stays with the child when husk has ended.
hit() {
	local p=$1 name=$2 k=$3 what=$4 flags=(-D -f) start=$SECONDS
	shift 4
	[ "$p" != 0 ] || flags=()
	run timeout -k 1 "$STRACE_SECONDS" strace "${flags[@]}" -o "$T/trace" -e "inject=$name:$what:when=$k" \
		"$HUSK" --root "$ROOT" "$@"
	TOOK=$((SECONDS - start))
}

# Once strace has ended.
was_hit() { grep -qE '\(INJECTED\)|killed by SIGKILL' trace; }

report() { echo "$*" >>"$HUSK_CRASH_REPORT"; }

# Notes what went wrong, and cleans up, so that the round goes on.
wrong() {
	echo "$*" >>wrong
	report "  WRONG: $*"
	clean_up "$T" "$ID" >/dev/null 2>&1 || true
	rm -rf "${ROOT:?}/$ID"
	find "$(cgroup2_root)" -depth -type d -path "*$ID*" -exec rmdir {} \; 2>/dev/null || true
}

# It takes no more than two seconds, and gives no error.
delete_force() {
	local start=$SECONDS
	run timeout -k 1 "$STRACE_SECONDS" "$HUSK" --root "$ROOT" delete --force "$ID"
	[ "$STATUS" = 0 ] || { wrong "$at: delete --force: status $STATUS: $ERR" && return 1; }
	[ $((SECONDS - start)) -le 2 ] || { wrong "$at: delete --force took $((SECONDS - start)) s" && return 1; }
}

clean_after_delete() {
	delete_force || fail "$(cat wrong)"
	same_as before || fail "$at: left: $(cat difference)"
}

verdict() { # NAME
	report "$1: $(wc -l <hits) injections, $(wc -l <wrong) wrong, $(wc -l <missed) calls not alone"
	[ ! -s wrong ] || fail "$1, HUSK_CRASH_START=$HUSK_CRASH_START: $(wc -l <wrong) wrong: $(head -n 5 wrong)"
	[ -s hits ] || fail "$1: nothing was hit"
}

prepare_round() {
	local file
	for file in wrong hits missed all all.calls out out2 stdout stderr difference; do
		: >"$file"
	done
	snapshot >before
	snapshot >before # now with the files of the test itself
}

# killed NAME P COMMAND...: process P of the command killed before each of its calls.
killed() {
	local name=$1 p=$2 n call k at line lines ready
	shift 2
	prepare_round
	reference "$@"
	ready=$(awk -v p="$p" '$1 == p && $3 == "sendmsg" { n = $2 } END { print n + 0 }' all.calls)
	awk -v p="$p" '$1 == p && $4 != "-"' all.calls >all
	awk -v p="$p" '$1 == p && $4 == "-"' all.calls >missed
	mapfile -t lines < <(sample all)
	for line in "${lines[@]}"; do
		read -r _ n call k <<<"$line"
		at="$name, process $p killed before call $n ($call)"
		begin || wrong "$at: cannot begin"
		hit "$p" "$call" "$k" signal=KILL "$@"
		[ "$TOOK" -lt "$STRACE_SECONDS" ] || wrong "$at: no end within $STRACE_SECONDS s"
		if [ "$p" != 0 ] && [ "$STATUS" = 0 ] && [ "$n" -le "$ready" ]; then # later it was alive, as far as husk knows
			wrong "$at: husk says success"
		fi
		if [ "$p" != 0 ] && [ "$(grep -cv '^husk: warning: ' <<<"$ERR")" -gt 1 ]; then
			wrong "$at: more than one line: $ERR"
		fi
		! delete_force || same_as before || wrong "$at: $(tr '\n' '|' <difference)"
		! was_hit || echo "$at" >>hits
	done
	verdict "$name, process $p killed"
}

# What cannot fail, or does what it is for even where it says that it failed; the libc's own start and
# end; wait4, which is called with WNOHANG, and fcntl with F_SETFD; and memory, whose lack ends husk by abort(). EAGAIN of flock
# says that another has the lock.
CANNOT_FAIL='^(execve|exit|exit_group|close|brk|mmap|munmap|mremap|mprotect|madvise|arch_prctl|set_tid_address|set_robust_list|rseq|getpid|getppid|gettid|geteuid|getuid|getegid|getgid|umask|getrandom|rt_sigreturn|rt_sigaction|rt_sigprocmask|clock_gettime|setsid|prlimit64|wait4|fcntl)$'

# failing NAME P STRICT COMMAND...: each call of process P made to fail in turn. With STRICT, a command
# that fails leaves nothing; without, what `delete --force` finds.
failing() {
	local name=$1 p=$2 strict=$3 n call k at error line lines
	shift 3
	! ldd "$HUSK" 2>/dev/null | grep -q libasan || skip "the sanitizers' run-time makes system calls of its own, which would fail too"
	prepare_round
	reference "$@"
	awk -v p="$p" -v cannot="$CANNOT_FAIL" '$1 == p && $3 !~ cannot && $4 != "-" {
		split("ENOMEM EINTR EAGAIN ENOSPC", e)
		for (i = 1; i <= 4; i++) if (e[i] != "EAGAIN" || $3 != "flock") print e[i], $0 }' all.calls >all
	awk -v p="$p" -v cannot="$CANNOT_FAIL" '$1 == p && $3 !~ cannot && $4 == "-"' all.calls >missed
	mapfile -t lines < <(sample all)
	for line in "${lines[@]}"; do
		read -r error _ n call k <<<"$line"
		at="$name, process $p, call $n ($call) fails with $error"
		begin || wrong "$at: cannot begin"
		hit "$p" "$call" "$k" "error=$error" "$@"
		judge "$strict"
		! was_hit || echo "$at" >>hits
	done
	verdict "$name, process $p, failing calls"
}

judge() { # STRICT
	if [ "$(grep -c '(INJECTED)' trace)" -gt 1 ]; then # husk's own calls, too, as it undid what it had done
		echo "$at" >>missed
	elif [ "$TOOK" -ge "$STRACE_SECONDS" ]; then
		wrong "$at: no end within $STRACE_SECONDS s"
	elif [ "$STATUS" = 0 ]; then
		report "  ignored: $at${ERR:+: $ERR}"
	elif [ "$STATUS" -gt 128 ] && [ "$STATUS" != 255 ]; then
		wrong "$at: status $STATUS: $ERR"
	elif [ "$(grep -cv '^husk: warning: ' <<<"$ERR")" != 1 ] || [[ $ERR != *husk:* ]]; then
		wrong "$at: not one line: '$ERR'"
	elif [ "$1" = strict ] && ! same_as "$AFTER_FAILURE"; then
		wrong "$at: left by the failure ($ERR): $(tr '\n' '|' <difference)"
	fi
	! delete_force || same_as before || wrong "$at: $(tr '\n' '|' <difference)"
}
AFTER_FAILURE=before

# ---- run and create ----

bundle() {
	alone
	make_bundle b '.process.args = ["/bin/sleep", "100"]'
	config b "$@"
}

test_run_detached_killed() {
	bundle .
	killed "run -d" 0 run -d -b b "$ID"
	killed "run -d" 1 run -d -b b "$ID"
}

test_run_killed() {
	bundle '.process.args = ["/bin/sleep", "0.02"]'
	killed run 0 run -b b "$ID"
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
	"poststart": h, "poststop": h}'

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
	failing "run -d" 0 strict run -d -b b "$ID"
	failing "run -d" 1 strict run -d -b b "$ID"
}

test_run_failing() {
	bundle '.process.args = ["/bin/sleep", "0.02"]'
	failing run 0 loose run -b b "$ID"
}

test_create_failing() {
	bundle "$USERNS"
	failing create 0 strict create -b b "$ID"
	failing create 1 strict create -b b "$ID"
}

# ---- start, exec, delete ----

created() {
	begin() { "$HUSK" --root "$ROOT" create -b b "$ID" >/dev/null 2>&1 </dev/null; }
}

running() {
	begin() { "$HUSK" --root "$ROOT" run -d -b b "$ID" >/dev/null 2>&1 </dev/null; }
}

test_start_killed() {
	bundle .
	created
	killed start 0 start "$ID"
}

test_start_failing() {
	bundle .
	created
	failing start 0 loose start "$ID"
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
}

test_delete_killed() {
	bundle .
	running
	killed "delete -f" 0 delete --force "$ID"
	created
	killed "delete" 0 delete "$ID"
}

test_delete_failing() {
	bundle .
	running
	failing "delete -f" 0 loose delete --force "$ID"
}

# ---- certain moments ----

# The child says that it is ready while husk is still on its way to write its pid down; then husk is
# killed. Without a cgroup, nothing but that pid would find the child.
test_create_killed_when_its_child_is_ready() {
	bundle .
	prepare_round
	run strace -o "$T/trace" -e inject=renameat:delay_enter=400000:when=1 -e inject=setns:signal=KILL:when=1 \
		"$HUSK" --root "$ROOT" --cgroup-manager=disabled create -b b "$ID"
	was_hit || fail "not killed: $STATUS $ERR"
	at="killed before the pid is written"
	clean_after_delete
}

# The same for a child that is slow, so that husk is killed with its pid written and no READY read.
test_create_killed_before_its_child_is_ready() {
	bundle .
	prepare_round
	run strace -o "$T/trace" -e inject=recvmsg:signal=KILL:when=1 \
		"$HUSK" --root "$ROOT" --cgroup-manager=disabled create -b b "$ID"
	was_hit || fail "not killed: $STATUS $ERR"
	at="killed before READY is read"
	clean_after_delete
}

# A child that is held up does not outlive husk, even where delete cannot find it.
test_a_stopped_child_dies_with_husk() {
	bundle .
	prepare_round
	run strace -D -f -o "$T/trace" -e inject=renameat:delay_enter=400000:when=1 -e inject=setns:signal=KILL:when=1 \
		-e inject=sethostname:signal=STOP \
		"$HUSK" --root "$ROOT" --cgroup-manager=disabled create -b b "$ID"
	at="killed while the child is stopped"
	clean_after_delete
	was_hit || fail "not killed"
	grep -q 'sethostname' trace || fail "the child had not come that far"
}

# A creation that is refused a cgroup because it is in use, killed anywhere: `delete --force` of it must
# not end those who use it.
test_a_killed_creation_does_not_harm_another() {
	bundle --arg path "/$ID" '.linux.cgroupsPath = $path'
	"$HUSK" --root "$ROOT" run -d -b b "$ID-first"
	prepare_round
	local other line lines n call k at pid
	other=$ID-first
	pid=$("$HUSK" --root "$ROOT" state "$other" | jq .pid)
	strace -f -o trace "$HUSK" --root "$ROOT" run -d -b b "$ID" >/dev/null 2>&1 </dev/null && fail "one cgroup for two"
	calls trace >all
	mapfile -t lines < <(sample all)
	for line in "${lines[@]}"; do
		read -r _ n call k <<<"$line"
		at="creation refused, killed before call $n ($call)"
		hit 0 "$call" "$k" signal=KILL run -d -b b "$ID"
		delete_force || true
		[ -e "/proc/$pid/root/bin/busybox" ] || fail "$at: delete --force ended another container"
		same_as before || fail "$at: $(cat difference)"
		! was_hit || echo "$at" >>hits
	done
	verdict "creation refused"
	expect_status 0 "$HUSK" --root "$ROOT" delete --force "$other"
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
