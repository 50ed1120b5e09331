# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034 # HUSK_CRASH_* are for the test files, too
# crash.sh: rounds of hits for the crash tests, which source it in lib.sh's place: a command, or a process that it makes,
# killed before its system calls, or a call made to fail; and whether all is as it was before.
#
# fault.c hits the calls, and counts those of each process apart: process 0 is husk, 1 the first
# that it makes.
#
# HUSK_CRASH_ALL=1      every call, not a sample of HUSK_CRASH_SAMPLE (6) a round
# HUSK_CRASH_START=N    the sample's first call (0, so that the result is no matter of luck; or "random", which is
#                       printed with each result)
# HUSK_CRASH_SECONDS=N  a command that takes longer hangs (60)
# HUSK_CRASH_REPORT=F   appends the counts of each round, and each failure that was ignored, to F
: "${HUSK_CRASH_ALL:=}" "${HUSK_CRASH_SAMPLE:=6}" "${HUSK_CRASH_START:=0}" "${HUSK_CRASH_REPORT:=/dev/null}"
[ "$HUSK_CRASH_START" != random ] || HUSK_CRASH_START=$RANDOM
[ -z "$HUSK_CRASH_ALL" ] || : "${HUSK_TEST_SECONDS:=3600}"
export HUSK_TEST_SECONDS="${HUSK_TEST_SECONDS:-600}" HUSK_CRASH_ALL HUSK_CRASH_SAMPLE HUSK_CRASH_START HUSK_CRASH_REPORT
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

FAULT=$HUSK_TOP_BUILDDIR/tests/integration/crash/fault
FAULT_SECONDS=${HUSK_CRASH_SECONDS:-60} # no command takes that long, or it hangs
: "${KEPT:=}"                           # files whose mounts a test file needs, besides its own

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
	done < <(awk -v dirs="$T/ $HUSK $LIB_DIR/ $FAULT $KEPT" '
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
	echo "== files" && find "$ROOT" "$T/b" ! -path "$ROOT/.seccomp*" ! -path "$ROOT/.jail*" -printf '%M %U:%G %p\n'
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
