#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# check.sh [smoke | FILE...]: runs tests in the lab's guests, and sums up.
#   (nothing)  the whole integration suite, as root and as the ordinary user; the same as Linux 5.15
#              (../integration/old_kernel.c); all of clients/test_*.sh and load/test_*.sh
#   smoke      the tests that a file names in a line "# lab-smoke: test_a test_b", in one guest
#   FILE...    these files of tests/integration, tests/lab/clients or tests/lab/load
#
# Each file gets a fresh guest. Settings: LAB_JOBS, how many guests at once (half the processors);
# those of lab.sh, LAB_SECONDS (here 3600) being for each guest; those of
# ../integration/lib.sh, the crash tests' HUSK_CRASH_SECONDS being a quarter of HUSK_TEST_SECONDS; LOAD_*, those of load/test_load.sh.
set -euo pipefail
shopt -s nullglob # there may be no clients
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
source_tree=$(cd "$here/../.." && pwd)
: "${LAB_JOBS:=$((($(nproc) + 1) / 2))}"
: "${LAB_SECONDS:=3600}" "${HUSK_TEST_SECONDS:=600}"
export LAB_SECONDS

work=$(mktemp -d "${TMPDIR:-/tmp}/husk-check-lab.XXXXXX")
trap 'rm -rf "$work"' EXIT

# The part of every script that a guest runs.
prelude() {
	local name
	printf 'cd /tmp\nexport HUSK_TEST_SECONDS=%q HUSK_CRASH_SECONDS=%q HUSK_MUST_RUN=%q\n' \
		"$HUSK_TEST_SECONDS" "$((HUSK_TEST_SECONDS / 4))" "${HUSK_MUST_RUN:-}"
	for name in "${!LOAD_@}"; do printf 'export %s=%q\n' "$name" "${!name}"; done
}

# in_guest NAME SCRIPT: runs it in a guest, leaves what it said in $work/NAME.
in_guest() {
	local name=$1 started=$SECONDS status=0
	{
		prelude
		printf '%s\n' "$2"
	} | "$here/lab.sh" run - >"$work/$name" 2>&1 || status=$?
	# a file that ended before its last line failed too
	if [ "$status" != 77 ] && [ "$status" != 0 ] && ! grep -qE ' [1-9][0-9]* failed, ' "$work/$name" ||
		! grep -qE ' passed, [0-9]+ failed, ' "$work/$name"; then
		printf '%s\n' "not ok $name: no result (status $status)" "0 passed, 1 failed, 0 skipped" >>"$work/$name"
	fi
	printf '== %s: %s s\n' "$name" $((SECONDS - started)) >>"$work/$name"
}

# start NAME SCRIPT: the same in the background, when fewer than LAB_JOBS run.
running=0
names=()
start() {
	if [ "$running" -ge "$LAB_JOBS" ]; then
		wait -n || true
		running=$((running - 1))
	fi
	names+=("$1")
	(in_guest "$@" && cat "$work/$1") &
	running=$((running + 1))
}

# Where a file lies in the guest.
guest_path() { echo "/src/${1#"$source_tree"/}"; }

start_file() { # FILE
	start "$(basename "$1" .sh)" "bash /src/tests/integration/run.sh $(guest_path "$1")"
}

# Files whose tests are about kernel facilities.
old_kernel_files=(attacks exec idmap lifecycle mount_options mounts robust sched time)

start_all() {
	local file
	for file in "$source_tree"/tests/integration/test_*.sh "$here"/{clients,load}/test_*.sh; do
		case $file in
		*/test_guest.sh | */test_old_kernel.sh) ;; # has a guest of its own; below, in full
		*) start_file "$file" ;;
		esac
	done
	for file in "${old_kernel_files[@]}"; do
		start "old_kernel_$file" "HUSK_LABEL=5.15: /build/tests/integration/old_kernel 5.15 \
			bash /src/tests/integration/run.sh /src/tests/integration/test_$file.sh"
	done
}

start_smoke() {
	local file tests script='status=0'$'\n'
	for file in "$source_tree"/tests/integration/test_*.sh "$here"/clients/test_*.sh; do
		tests=$(sed -n 's/^# lab-smoke: //p' "$file")
		[ -z "$tests" ] || script+="bash $(guest_path "$file") $tests || status=1"$'\n'
	done
	start smoke "${script}exit \$status"
}

"$here/lab.sh" build
case ${1:-} in
'') start_all ;;
smoke) start_smoke ;;
*) for file in "$@"; do start_file "$(readlink -f "$file")"; done ;;
esac
wait
cat "${names[@]/#/$work/}" | awk -v all="$SECONDS" '
	/^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ { p += $1; f += $3; s += $5 }
	END { printf "in the lab: %d s\n%d passed, %d failed, %d skipped\n", all, p, f, s; exit f > 0 || p == 0 }'
