#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# bench.sh [--markdown]: husk, the floor program, crun and runc, interleaved in one run.
#
# It prints minimum and median of each command's wall time, the ratios that husk's
# targets name, system calls, instructions and peak memory. --markdown prints the
# tables as Markdown. Needs root, busybox-static, jq; strace, valgrind or perf for
# their columns. Everything runs in a mount namespace of its own with a pure cgroup2
# view and all that is made goes with it. Settings (environment):
#   HUSK           the husk to measure        (the top build directory's)
#   BENCH_N        rounds back to back        (100)
#   BENCH_IDLE_N   rounds with idle between   (20)
#   BENCH_IDLE_MS  the idle time, ms          (100)
#   BENCH_PEERS    runtimes to compare with   (crun runc)
#   BENCH_CHECK    1: exit with 1 when a target is missed
set -euo pipefail
export LC_ALL=C

srcdir=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
top=$(cd "$srcdir/../.." && pwd)
: "${BENCH_N:=100}" "${BENCH_IDLE_N:=20}" "${BENCH_IDLE_MS:=100}" "${BENCH_CHECK:=0}"
profile=$top/tests/fixtures/docker-config.json
markdown=0

# shellcheck source=tests/bench/setup.sh
. "$srcdir/setup.sh"
export BENCH_N BENCH_IDLE_N BENCH_IDLE_MS BENCH_CHECK

# tool_path NAME: one of our own programs, from the build tree or compiled now.
tool_path() {
	local out=$work/$1
	if [ -x "$HUSK_TOP_BUILDDIR/tests/bench/$1" ]; then
		say "$HUSK_TOP_BUILDDIR/tests/bench/$1"
		return
	fi
	"${CC:-cc}" -std=gnu17 -D_GNU_SOURCE -O2 -static -iquote "$top/libcontainer/base" -o "$out" "$srcdir/$1.c"
	say "$out"
}

cleanup() {
	local name
	set +e
	for name in ${runtimes[@]+"${runtimes[@]}"}; do
		rt_words "$name"
		"${words[@]}" delete --force "bench-$name" >/dev/null 2>&1
		"${words[@]}" delete --force "count-$name" >/dev/null 2>&1
	done
	cd /
	umount -l /mnt
}

# ---- measuring ----

# compare NAME JOB_FUNCTION [WORD...]: runs the jobs back to back and with idle between,
# together with that of these words. Appends to $work/times.
compare() {
	local key=$1 job=$2 jobs=("${@:3}") name
	for name in "${runtimes[@]}"; do
		rt_words "$name"
		jobs+=(:: "$name")
		"$job" "$name"
	done
	"$runloop" -n "$BENCH_N" "${jobs[@]}" | sed "s/^/$key\tbusy\t/" >>"$work/times"
	"$runloop" -n "$BENCH_IDLE_N" -i "$BENCH_IDLE_MS" "${jobs[@]}" | sed "s/^/$key\tidle\t/" >>"$work/times"
}

# The job functions add the runtime's command to $jobs.
job_run() { jobs+=("${words[@]}" run --bundle "$work/plain" "run-$1"); }
job_run_seccomp() { jobs+=("${words[@]}" run --bundle "$work/seccomp" "run-$1"); }
job_exec() { jobs+=("${words[@]}" exec "bench-$1" /bin/true); }
job_state() { jobs+=("${words[@]}" state "bench-$1"); }
job_cycle() {
	local pid_file=$work/pid-$1
	jobs+=("${words[@]}" create --bundle "$work/plain" --pid-file "$pid_file" "run-$1" ',,')
	jobs+=("${words[@]}" start "run-$1" ',,' @reap "$pid_file" ',,' "${words[@]}" delete "run-$1")
}

# containers_start: bench-NAME, a container that stays, for exec and state.
containers_start() {
	local name
	bundle_make stays
	config_edit stays '.process.args = ["/bin/sleep", "3600"]'
	for name in "${runtimes[@]}"; do
		rt_words "$name"
		"${words[@]}" run --detach --bundle "$work/stays" "bench-$name" </dev/null >/dev/null
	done
}

# syscalls_count WORD...: prints the system calls of a command and its children.
syscalls_count() {
	strace -f -c -o "$work/strace" "$@" </dev/null >/dev/null || return 1
	awk '$NF == "total" { print ($4 ~ /^[0-9]+$/ ? $4 : "-") }' "$work/strace"
}

# instructions_tool: $counter becomes perf, callgrind or none.
instructions_tool() {
	counter=none
	if perf stat -x, -e instructions:u -o "$work/perf" true 2>/dev/null && grep -q '^[0-9]' "$work/perf"; then
		counter=perf
	elif command -v valgrind >/dev/null; then
		counter=callgrind
	fi
}

# instructions_count WORD...: user-space instructions; under callgrind only where
# nothing is cloned into new namespaces.
instructions_count() {
	case $counter in
	perf)
		perf stat -x, -e instructions:u -o "$work/perf" -- "$@" </dev/null >/dev/null
		awk -F, '/^[0-9]/ { print $1 }' "$work/perf"
		;;
	callgrind)
		valgrind --tool=callgrind --callgrind-out-file=/dev/null --log-file="$work/callgrind" "$@" \
			</dev/null >/dev/null 2>&1 || true
		awk '/Collected :/ { print $NF }' "$work/callgrind"
		;;
	esac
}

# counts_take: appends "what runtime value" to $work/counts.
counts_take() {
	local name
	bundle_make small
	cp "$(tool_path nothing)" "$work/small/rootfs/bin/nothing"
	config_edit small '.process.args = ["/bin/nothing"]'
	instructions_tool
	count syscalls_run floor syscalls_count "$floor" "$work/plain/rootfs"
	for name in "${runtimes[@]}"; do
		rt_words "$name"
		count syscalls_run "$name" syscalls_count "${words[@]}" run --bundle "$work/plain" "count-$name"
		count syscalls_seccomp "$name" syscalls_count "${words[@]}" run --bundle "$work/seccomp" "count-$name"
		count syscalls_exec "$name" syscalls_count "${words[@]}" exec "bench-$name" /bin/true
		count syscalls_state "$name" syscalls_count "${words[@]}" state "bench-$name"
		if [ $counter = perf ]; then
			count instructions_run "$name" instructions_count "${words[@]}" run --bundle "$work/plain" "count-$name"
		fi
		count instructions_state "$name" instructions_count "${words[@]}" state "bench-$name"
		count instructions_version "$name" instructions_count "${program[$name]}" --version
		count rss_run "$name" rss_measure "${words[@]}" run --bundle "$work/small" "count-$name"
		count rss_state "$name" rss_measure "${words[@]}" state "bench-$name"
	done
}

rss_measure() { "$runloop" -n 5 :: x "$@" | cut -f5; }

# count WHAT RUNTIME COMMAND...
count() {
	local what=$1 name=$2 value
	shift 2
	value=$("$@") || value=-
	say "$what	$name	${value:--}" >>"$work/counts"
}

# ---- printing ----

# tables_print: all tables from $work/times and $work/counts.
tables_print() {
	awk -F '\t' -v markdown="$markdown" -v columns="floor ${runtimes[*]}" -v idle_ms="$BENCH_IDLE_MS" \
		-v counter="$counter" -f "$srcdir/tables.awk" "$work/times" "$work/counts"
}

main() {
	case ${1:-} in
	--markdown) markdown=1 ;;
	'') ;;
	*) die "usage: bench.sh [--markdown]" ;;
	esac
	need_root_and_tools
	[ "${BENCH_INSIDE:-}" = 1 ] || enter_namespace "$@"

	trap cleanup EXIT
	runtimes_find
	runloop=$(tool_path runloop)
	floor=$(tool_path floor)
	bundle_make plain
	bundle_make seccomp
	# shellcheck disable=SC2016 # jq expands it
	config_edit seccomp '.linux.seccomp = $p[0].linux.seccomp' --slurpfile p "$profile"
	: >"$work/times"
	: >"$work/counts"

	compare run job_run :: floor "$floor" "$work/plain/rootfs"
	rt_words "${runtimes[0]}" # once more without a profile, whose cost is the difference
	compare seccomp job_run_seccomp :: plain "${words[@]}" run --bundle "$work/plain" run-plain
	compare cycle job_cycle
	containers_start
	compare exec job_exec
	compare state job_state
	counts_take
	machine_print
	say "Rounds: $BENCH_N back to back, $BENCH_IDLE_N with $BENCH_IDLE_MS ms idle; the runtimes take turns in each."
	say "Cgroups are disabled, but for runc, which has no way to do without."
	tables_print || [ "$BENCH_CHECK" != 1 ]
}

main "$@"
