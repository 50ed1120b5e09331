#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The lowest memory.max under which a container of /bin/true runs: husk's beside crun's and runc's, by
# bisection down to a page. It counts as running where it does FLOOR_TIMES times in a row.
# shellcheck disable=SC2016 # $names in single quotes are jq's
set -eu
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/../../integration/lib.sh"
: "${FLOOR_TIMES:=3}" "${FLOOR_SECONDS:=30}" # a runtime that hangs does not run
HUSK_TEST_SECONDS=${LOAD_SECONDS:-3000}
CRUN_PUBLISHED=524288 # "512k" in crun's README
HIGHEST=16384	      # pages

need_memory() {
	is_root || skip "needs root"
	grep -qw memory /sys/fs/cgroup/cgroup.controllers 2>/dev/null || skip "cgroup v2 has no memory controller here (the lab has)"
	make_bundle b 'del(.mounts[] | select(.type == "cgroup"))'
	mkdir bin
	cp "$HUSK" bin
}

# runs RUNTIME BYTES: so many times in a row.
runs() {
	local i
	config b --argjson limit "$2" '.linux.resources.memory.limit = $limit'
	for ((i = 0; i < FLOOR_TIMES; i++)); do
		timeout -k 1 "$FLOOR_SECONDS" "$1" --root "$T/state" run --bundle b "$ID" >/dev/null 2>err </dev/null || {
			"$1" --root "$T/state" delete --force "$ID" >/dev/null 2>&1 || true
			return 1
		}
	done
}

# floor RUNTIME -> bytes. Pages are charged to who touches them first: all files must be in the page cache.
floor() {
	local page low=0 high=$HIGHEST middle
	page=$(getconf PAGESIZE)
	runs "$1" $((high * page)) || fail "$1 runs nothing with $((high * page)) bytes: $(cat err)"
	while [ $((high - low)) -gt 1 ]; do # low does not run, high does
		middle=$(((low + high) / 2))
		if runs "$1" $((middle * page)); then high=$middle; else low=$middle; fi
	done
	echo $((high * page))
}

test_lowest_limit() {
	local runtime bytes husk=
	need_memory
	need crun runc
	for runtime in "$T/bin/husk" crun runc; do
		bytes=$(floor "$runtime")
		printf '%s %d KiB; ' "$(basename "$runtime")" $((bytes / 1024)) >>note
		husk=${husk:-$bytes}
		[ "$runtime" != crun ] || [ "$husk" -le "$bytes" ] || fail "above crun's: $(cat note)"
	done
	[ "$husk" -le "$CRUN_PUBLISHED" ] || fail "above crun's published $CRUN_PUBLISHED: $(cat note)"
}

run_tests "$@"
