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
# shellcheck source=tests/bench/turns.sh
. "$srcdir/turns.sh"

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

run_block() {
	local i
	for ((i = 0; i < LOAD_BLOCK; i++)); do
		"${words[@]}" run --bundle "$work/ends" "load-$1-$i" </dev/null >/dev/null
	done
}

in_sequence() { timed "$1" run "$LOAD_BLOCK" run_block "$1"; }

main() {
	local case i
	[ $# = 0 ] || die "usage: load.sh"
	need_root_and_tools
	[ "${BENCH_INSIDE:-}" = 1 ] || enter_namespace "$@"

	trap cleanup EXIT
	runtimes_find
	cases=("${runtimes[0]}" husk+cgroup "${runtimes[@]:1}")
	bundle_make stays
	config_edit stays ".process.args = [\"/bin/sleep\", \"$LOAD_SLEEP\"]"
	bundle_make ends
	turns_begin

	machine_print
	for ((i = 0; i < LOAD_ROUNDS; i++)); do
		for case in "${cases[@]}"; do turn "$case" at_once; done
	done
	for ((i = 0; i < LOAD_SEQUENCE; i += LOAD_BLOCK)); do
		for case in "${cases[@]}"; do turn "$case" in_sequence; done
	done
	say "$LOAD_AT_ONCE at once by $LOAD_WORKERS workers, $LOAD_ROUNDS turns; $LOAD_SEQUENCE in sequence, turns of $LOAD_BLOCK. Nothing is left."
	rates_print create start delete run
}

main "$@"
