#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# load.sh: many containers at once, and many one after the other: husk, crun and runc in one run.
#
# At once: LOAD_AT_ONCE containers are created by LOAD_WORKERS workers, all are started, all are found
# alive together, all are deleted by force. In sequence: LOAD_SEQUENCE containers of /bin/true are run
# to their end, by one loop, in blocks of LOAD_BLOCK. The runtimes take turns in both, for the machine
# is noisy; printed are containers a second, those of the best and of the median turn. After each turn
# nothing may be left: mounts, cgroups, processes, links, state; else load.sh ends with status 1.
#
# "husk+cgroup" is husk with a cgroup for each container; the others run without, but for runc, which
# has no way to do that. Settings (environment), besides setup.sh's:
#   LOAD_AT_ONCE   (200)    LOAD_WORKERS (8)   LOAD_ROUNDS (3)  turns at once
#   LOAD_SEQUENCE  (2000)   LOAD_BLOCK (100)
set -euo pipefail
export LC_ALL=C

srcdir=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
top=$(cd "$srcdir/../.." && pwd)
: "${LOAD_AT_ONCE:=200}" "${LOAD_WORKERS:=8}" "${LOAD_ROUNDS:=3}" "${LOAD_SEQUENCE:=2000}" "${LOAD_BLOCK:=100}"
export LOAD_AT_ONCE LOAD_WORKERS LOAD_ROUNDS LOAD_SEQUENCE LOAD_BLOCK
# shellcheck source=tests/bench/setup.sh
. "$srcdir/setup.sh"

# case_words CASE: $words becomes the runtime of this case and its global options.
case_words() {
	case $1 in
	husk+cgroup) words=("$HUSK" --root "$work/state-$1") ;;
	*) rt_words "$1" ;;
	esac
}

# Ends what a turn that failed has left, and the mounts.
cleanup() {
	local case id
	set +e
	for case in ${cases[@]+"${cases[@]}"}; do
		case_words "$case"
		for id in "$work/state-$case"/*; do
			"${words[@]}" delete --force "$(basename "$id")" >/dev/null 2>&1
		done
	done
	cd /
	umount -l /mnt
}

# All that a turn could leave.
snapshot() {
	echo "mounts $(wc -l </proc/self/mountinfo)"
	find /sys/fs/cgroup -type d -name 'load-*' 2>/dev/null || true # those of others come and go
	ip -o link | cut -d: -f2
	find "$work" -mindepth 2 -path "$work/state-*"
	pgrep -af 'sleep 3600[.]25' || true
}

# turn CASE FUNCTION: runs it, and sees that nothing is left. The dying need a moment.
turn() {
	local tries
	case_words "$1"
	mkdir -p "$work/state-$1"
	"$2" "$1"
	for tries in 0 1 2 5 10; do
		sleep "$tries"
		snapshot >"$work/now"
		! cmp -s "$work/before" "$work/now" || return 0
	done
	die "$1: left behind: $(diff "$work/before" "$work/now")"
}

# timed CASE PHASE N COMMAND...: notes N containers by the time that the command takes.
timed() {
	local case=$1 phase=$2 n=$3 start=$EPOCHREALTIME end
	shift 3
	"$@"
	end=$EPOCHREALTIME
	say "$phase	$case	$(awk -v n="$n" -v t="$start $end" 'BEGIN { split(t, a, " "); print n / (a[2] - a[1]) }')" >>"$work/rates"
}

# all_ids CASE WORD...: the runtime with these words and each id, by the workers.
all_ids() {
	local case=$1
	shift
	seq "$LOAD_AT_ONCE" | xargs -P "$LOAD_WORKERS" -I @@ "${words[@]}" "$@" "load-$case-@@" >/dev/null
}

at_once() {
	local alive
	timed "$1" create "$LOAD_AT_ONCE" all_ids "$1" create --bundle "$work/stays"
	timed "$1" start "$LOAD_AT_ONCE" all_ids "$1" start
	alive=$("${words[@]}" list | grep -c ' running ')
	[ "$alive" = "$LOAD_AT_ONCE" ] || die "$1: $alive of $LOAD_AT_ONCE containers run"
	timed "$1" delete "$LOAD_AT_ONCE" all_ids "$1" delete --force
}

run_block() {
	local i
	for ((i = 0; i < LOAD_BLOCK; i++)); do
		"${words[@]}" run --bundle "$work/ends" "load-$1-$i" </dev/null >/dev/null
	done
}

in_sequence() { timed "$1" run "$LOAD_BLOCK" run_block "$1"; }

# rates_print: a row a phase, "best / median" of each case.
rates_print() {
	sort -t '	' -k 1,2 -k 3,3g "$work/rates" | awk -F '\t' -v cases="${cases[*]}" '
		{ rate[$1, $2, ++n[$1, $2]] = $3 }
		END {
			n_cases = split(cases, c, " ")
			n_phases = split("create start delete run", phases, " ")
			printf "%-34s", "containers a second, best / median"
			for (i = 1; i <= n_cases; i++) printf "%18s", c[i]
			print ""
			for (p = 1; p <= n_phases; p++) {
				printf "%-34s", phases[p] (phases[p] == "run" ? ", in sequence" : ", at once")
				for (i = 1; i <= n_cases; i++) {
					k = n[phases[p], c[i]]
					printf "%18s", sprintf("%.0f / %.0f", rate[phases[p], c[i], k], rate[phases[p], c[i], int((k + 1) / 2)])
				}
				print ""
			}
		}'
}

main() {
	local case i
	[ $# = 0 ] || die "usage: load.sh"
	need_root_and_tools
	[ "${BENCH_INSIDE:-}" = 1 ] || enter_namespace "$@"

	trap cleanup EXIT
	runtimes_find
	cases=("${runtimes[0]}" husk+cgroup "${runtimes[@]:1}")
	bundle_make stays
	config_edit stays '.process.args = ["/bin/sleep", "3600.25"]'
	bundle_make ends
	: >"$work/rates"
	: >"$work/now"
	snapshot >"$work/before"

	machine_print
	for ((i = 0; i < LOAD_ROUNDS; i++)); do
		for case in "${cases[@]}"; do turn "$case" at_once; done
	done
	for ((i = 0; i < LOAD_SEQUENCE; i += LOAD_BLOCK)); do
		for case in "${cases[@]}"; do turn "$case" in_sequence; done
	done
	say "$LOAD_AT_ONCE at once by $LOAD_WORKERS workers, $LOAD_ROUNDS turns; $LOAD_SEQUENCE in sequence, turns of $LOAD_BLOCK. Nothing is left."
	rates_print
}

main "$@"
