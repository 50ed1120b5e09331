#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Many containers under each cgroup manager: LOAD_TOTAL created, started and deleted, LOAD_AT_ONCE alive at
# a time, by LOAD_WORKERS workers. After each turn nothing may be left: cgroups, units, mounts, links,
# processes, state, descriptors. crun takes LOAD_PEER_TURNS turns in between, and husk's best
# turn must be no slower than crun's best; times of a guest mean nothing else.
#   LOAD_TOTAL (1000)   LOAD_AT_ONCE (100)   LOAD_WORKERS (16)   LOAD_PEER_TURNS (2)
set -eu
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/../../integration/lib.sh"
# setup.sh and turns.sh: for their names of this tree
top=$(cd "$(dirname "$0")/../../.." && pwd)
# shellcheck source=tests/bench/setup.sh
. "$top/tests/bench/setup.sh"
# shellcheck source=tests/bench/turns.sh
. "$top/tests/bench/turns.sh"
: "${LOAD_TOTAL:=1000}" "${LOAD_AT_ONCE:=100}" "${LOAD_WORKERS:=16}" "${LOAD_PEER_TURNS:=2}"
HUSK_TEST_SECONDS=${LOAD_SECONDS:-3000} # a test is a thousand containers
cases=(husk crun)

die() { fail "$*"; }

case_words() {
	local path=$T/bin/husk
	[ "$1" = husk ] || path=$(command -v "$1")
	words=("$path" --root "$work/state-$1")
	case $MANAGER in
	systemd) words+=(--systemd-cgroup) ;;
	*) words+=(--cgroup-manager "$MANAGER") ;;
	esac
}

# Beside what turns.sh looks at: units and jobs, processes of a runtime, the dead that nobody waits for, and
# what those hold open who serve all containers. These first, as systemctl is their guest, too.
eval "host_$(declare -f snapshot)"
snapshot() {
	local pid
	for pid in 1 $(pidof dbus-daemon); do
		echo "descriptors of $pid: $(find "/proc/$pid/fd" -mindepth 1 | wc -l)"
	done
	host_snapshot
	ps -e -o comm=,stat= | awk '$1 ~ /^(husk|crun)/ || $1 ~ /^(sleep|busybox)/ && $2 ~ /^Z/ { print "process", $0 }'
	systemctl list-units --all --no-legend --plain '*load-*' | awk '{ print "unit", $1, $4 }'
	systemctl list-jobs --no-legend --plain '*load-*' | awk '{ print "job", $2 }'
}

# Ends what a turn that failed has left.
end_all() {
	local case state
	for case in "${cases[@]}"; do
		case_words "$case"
		for state in "$work/state-$case"/*; do
			[ ! -e "$state" ] || "${words[@]}" delete --force "$(basename "$state")" >/dev/null 2>&1 || true
		done
	done
}

# What is opened or loaded once is no leak.
warm_up() {
	local case
	for case in "${cases[@]}"; do
		case_words "$case"
		mkdir "$work/state-$case"
		"${words[@]}" create --bundle stays "load-$case-0" >/dev/null
		"${words[@]}" delete --force "load-$case-0"
	done
	sleep 2
}

# load MANAGER
load() {
	local i turns=$((LOAD_TOTAL / LOAD_AT_ONCE)) ratio
	[ -n "${HUSK_LAB:-}" ] || skip "not in the lab: a thousand containers, and units of systemd's (natively: make bench-load)"
	need crun jq
	MANAGER=$1 work=$T
	mkdir bin
	cp "$HUSK" "$HUSK_TOP_BUILDDIR/husk-systemd" bin # crun lies on the disk, too
	bundle_make stays
	config_edit stays ".process.args = [\"/bin/sleep\", \"$LOAD_SLEEP\"]"
	trap end_all EXIT
	warm_up
	turns_begin
	for ((i = 0; i < turns; i++)); do
		turn husk whole
		[ $((i * LOAD_PEER_TURNS / turns)) = $(((i + 1) * LOAD_PEER_TURNS / turns)) ] || turn crun whole
	done
	printf '%d containers; a second, husk : crun, best of %d and %d turns:' $((turns * LOAD_AT_ONCE)) "$turns" "$LOAD_PEER_TURNS" >note
	for i in create start delete whole; do
		printf ' %s %s : %s' "$i" "$(rate_best "$i" husk)" "$(rate_best "$i" crun)" >>note
	done
	ratio=$(awk -v a="$(rate_best whole husk)" -v b="$(rate_best whole crun)" 'BEGIN { printf "%.2f", a / b }')
	printf ' = %s' "$ratio" >>note
	awk -v r="$ratio" 'BEGIN { exit !(r >= 1) }' || fail "slower than crun: $(cat note)"
}

whole() { timed "$1" whole "$LOAD_AT_ONCE" at_once "$1"; }

test_cgroupfs() { load cgroupfs; }
test_systemd() { load systemd; }
test_disabled() { load disabled; }

run_tests "$@"
