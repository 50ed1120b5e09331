#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# runs-as: root user
# vm-smoke: test_stats_are_one_line test_the_end_of_the_container_ends_it
# husk events: statistics once and again, out of memory, and the end of the container.
set -eu
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
ROOT_ONLY="test_stats_are_one_line test_stats_come_at_each_interval test_the_end_of_the_container_ends_it"
ROOT_ONLY+=" test_out_of_memory_is_told test_cpu_time_is_that_of_the_kernel test_a_reader_that_leaves_ends_it"
private_cgroup2 "$@"

# start_sleeper [SCRIPT]: a container that lasts.
start_sleeper() {
	make_bundle b
	container_sh b "${1:-exec sleep 1000}"
	expect_status 0 husk run --detach --bundle b "$ID"
}

# events ARG...: the command in the background, its lines in $T/lines. It watches when this returns.
start_events() {
	husk_exec events "$@" "$ID" >"$T/lines" 2>"$T/events.err" </dev/null &
	EVENTS=$!
	wait_for 10 is_watching
}

# It has the process, and what tells of memory.events where there is such a file; of a VM it asks the monitor.
is_watching() {
	if is_vm; then
		[ -n "$(find "/proc/$EVENTS/fd" -lname 'socket:*')" ]
		return
	fi
	[ -n "$(find "/proc/$EVENTS/fd" -lname '*pidfd*')" ] &&
		{ [ ! -e "$(cgroup_of)/memory.events" ] || grep -qs '^inotify wd' "/proc/$EVENTS/fdinfo"/*; }
}

has_lines() { [ "$(wc -l <"$T/lines")" -ge "$1" ]; }

cgroup_of() { awk -F: '$1 == 0 { print "/sys/fs/cgroup" $3 }' "/proc/$(husk state "$ID" | jq .pid)/cgroup"; }

# What is in this file of the container's cgroup; in a VM it is the guest's.
in_cgroup() {
	if is_vm; then husk exec "$ID" cat "/sys/fs/cgroup/$1"; else cat "$(cgroup_of)/$1"; fi
}

has_in_cgroup() { in_cgroup "$1" >/dev/null 2>&1; }

test_stats_are_one_line() {
	start_sleeper
	expect_status 0 husk events --stats "$ID"
	assert_eq "$(wc -l <"$T/stdout")" 1 lines
	assert_eq "$(jq -r '.type + " " + .id' <<<"$OUT")" "stats $ID"
	assert_eq "$(jq -r '.data | keys | join(" ")' <<<"$OUT")" \
		"blkio cpu cpuset hugetlb intel_rdt memory network_interfaces pids"
	assert_eq "$(jq -r '[.data.cpu.usage.total, .data.memory.usage.usage, .data.pids.current] | map(type) | unique | join(" ")' <<<"$OUT")" number
	if has_in_cgroup pids.current; then
		assert_eq "$(jq .data.pids.current <<<"$OUT")" 1 "processes"
	fi
	if has_in_cgroup memory.current; then
		[ "$(jq .data.memory.usage.usage <<<"$OUT")" -gt 0 ] || fail "no memory used: $OUT"
		assert_eq "$(jq .data.memory.raw.file <<<"$OUT")" "$(jq .data.memory.cache <<<"$OUT")"
	fi
	expect_status 0 husk delete --force "$ID"
}

test_cpu_time_is_that_of_the_kernel() {
	local told seen
	# shellcheck disable=SC2016 # the container's shell expands it
	start_sleeper 'i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; exec sleep 1000'
	wait_for 30 has_process "sleep 1000"
	seen=$(in_cgroup cpu.stat | sed -n 's/^usage_usec //p')
	expect_status 0 husk events --stats "$ID"
	told=$(jq .data.cpu.usage.total <<<"$OUT")
	[ "$told" -ge "$((seen * 1000))" ] || fail "cpu time $told ns, the kernel says $seen us"
	[ "$seen" -gt 1000 ] || fail "no cpu time used: $seen us"
	expect_status 0 husk delete --force "$ID"
}

test_stats_come_at_each_interval() {
	start_sleeper
	start_events --interval 50ms
	wait_for 10 has_lines 3
	kill "$EVENTS"
	wait "$EVENTS" || true
	assert_eq "$(jq -r .type "$T/lines" | sort -u)" stats
	expect_status 0 husk delete --force "$ID"
}

test_the_end_of_the_container_ends_it() {
	local status=0
	start_sleeper
	start_events --interval 1h
	kill -0 "$EVENTS" || fail "it ended by itself: $(cat "$T/events.err")"
	expect_status 0 husk kill "$ID" KILL
	wait "$EVENTS" || status=$?
	assert_eq "$status" 0 "status of events"
	assert_eq "$(cat "$T/lines")" "" "lines"
	expect_status 0 husk delete "$ID"
}

test_a_reader_that_leaves_ends_it() {
	start_sleeper
	run timeout 120 bash -c '"$@" | head -n 1' sh "$HUSK" --root "$ROOT" events --interval 20ms "$ID"
	assert_eq "$STATUS" 0 status
	assert_eq "$(jq -r .type <<<"$OUT")" stats
	expect_status 0 husk delete --force "$ID"
}

test_out_of_memory_is_told() {
	is_vm || grep -qw memory "$(cgroup2_root)/cgroup.controllers" || skip "no memory controller here (the lab has one)"
	make_bundle b '.linux.resources.memory.limit = 8388608 | .linux.resources.memory.swap = 8388608'
	! is_vm || config b '.vm = {"hwConfig": {"memory": 268435456}}'
	# a child of the init is killed, not the init
	container_sh b 'until [ -e /tmp/go ]; do sleep 0.1; done; dd if=/dev/zero of=/dev/null bs=64M count=1; exec sleep 1000'
	expect_status 0 husk run --detach --bundle b "$ID"
	start_events --interval 1h
	touch b/rootfs/tmp/go
	wait_for 30 has_lines 1
	assert_eq "$(cat "$T/lines")" "{\"type\":\"oom\",\"id\":\"$ID\"}"
	expect_status 0 husk events --stats "$ID"
	[ "$(jq .data.memory.event_count.oom_kill <<<"$OUT")" -ge 1 ] || fail "no kill is counted: $OUT"
	kill "$EVENTS"
	wait "$EVENTS" || true
	expect_status 0 husk delete --force "$ID"
}

test_what_cannot_be_watched_is_an_error() {
	expect_error "does not exist" husk events --stats "$ID"
	make_bundle b
	container_sh b 'exec sleep 1000'
	expect_status 0 husk --cgroup-manager disabled run --detach --bundle b "$ID"
	is_vm || expect_error "runs without a cgroup" husk events --stats "$ID" # the guest has cgroups
	expect_status 0 husk kill "$ID" KILL
	wait_for 5 is_status "$ID" stopped
	expect_error "container not running" husk events --stats "$ID"
	expect_status 0 husk delete "$ID"
}

test_bad_intervals() {
	local bad
	for bad in 0 -1s 5 5x 1s2 0s 1000h . s 99999999999999999999s; do
		expect_error "expected a time such as 5s.*got '$bad'" husk events --interval="$bad" "$ID"
	done
}

run_tests "$@"
