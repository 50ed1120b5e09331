#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Time namespaces: clocks with offsets, joined and shared with exec.
# runs-as: root user
# vm-smoke: test_exec_is_in_it
# shellcheck disable=SC2016 # $names in single quotes are jq's or the container's shell's
set -eu
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
ROOT_ONLY="test_monotonic_clock test_with_a_user_namespace test_with_a_joined_user_namespace test_joined_by_path"
ROOT_ONLY+=" test_hooks_of_the_runtime_see_the_hosts_clocks"
private_cgroup2 "$@"

have_timens() { [ -e /proc/self/ns/time ] || skip "this kernel has no time namespaces"; }

DAY=86400
# time_bundle DIR [JQ...]: boottime is a day on, monotonic two days and a bit.
time_bundle() {
	make_bundle "$1" '.linux.namespaces += [{"type": "time"}] | .linux.timeOffsets = {
		"boottime": {"secs": 86400}, "monotonic": {"secs": 172800, "nanosecs": 500000000}}'
	[ $# = 1 ] || config "$1" "${@:2}"
}

# assert_uptime TEXT OFFSET: TEXT, as in /proc/uptime, is the host's and this many seconds more (what was read before
# the host's, which may be a while on a busy machine, is less); in a VM the guest's, which was just booted.
assert_uptime() {
	local got=${1%%.*} host
	if is_vm; then
		[[ $got -ge $2 && $got -lt $(($2 + 200)) ]] || fail "uptime $got, not $2 and a bit"
		return
	fi
	host=$(cut -d. -f1 /proc/uptime)
	if [ $((got - host)) -gt "$2" ] || [ $((got - host)) -lt $(($2 - 600)) ]; then
		fail "uptime $got, the host's is $host: the difference is not $2"
	fi
}

offsets='cat /proc/self/timens_offsets | tr -s " "'
DAYS=$'monotonic 172800 500000000\nboottime 86400 0'

test_offsets() {
	have_timens
	time_bundle b
	container_sh b "$offsets; readlink /proc/self/ns/time; cat /proc/uptime"
	expect_status 0 husk run -b b "$ID"
	assert_eq "$(head -n 2 <<<"$OUT")" "$DAYS" "offsets"
	assert_uptime "$(sed -n 4p <<<"$OUT")" "$DAY"
	[ "$(sed -n 3p <<<"$OUT")" != "$(readlink /proc/self/ns/time)" ] || fail "it is the host's time namespace"
}

test_negative_and_partial_offsets() {
	have_timens
	local up secs=-50 nanosecs=7
	if is_vm; then # whose clock is near zero: a microsecond back
		secs=-1 nanosecs=999999000
	else
		up=$(cut -d. -f1 /proc/uptime)
		[ "$up" -gt 100 ] || skip "the machine was just started"
	fi
	time_bundle b --argjson s "$secs" --argjson ns "$nanosecs" '.linux.timeOffsets = {"boottime": {"secs": $s, "nanosecs": $ns}}'
	container_sh b "$offsets; cat /proc/uptime"
	expect_status 0 husk run -b b "$ID"
	assert_eq "$(head -n 2 <<<"$OUT")" "monotonic 0 0"$'\n'"boottime $secs $nanosecs" "offsets"
	assert_uptime "$(sed -n 3p <<<"$OUT")" "$((secs + 1))"
}

test_without_offsets() {
	have_timens
	make_bundle b '.linux.namespaces += [{"type": "time"}]'
	container_sh b "$offsets; readlink /proc/self/ns/time"
	expect_status 0 husk run -b b "$ID"
	assert_eq "$(head -n 2 <<<"$OUT")" $'monotonic 0 0\nboottime 0 0' "offsets"
	[ "$(sed -n 3p <<<"$OUT")" != "$(readlink /proc/self/ns/time)" ] || fail "it is the host's time namespace"
}

test_exec_is_in_it() {
	have_timens
	time_bundle b '.process.args = ["/bin/sleep", "1000"]'
	expect_status 0 husk create -b b "$ID"
	expect_status 0 husk start "$ID"
	expect_status 0 husk exec "$ID" /bin/sh -c "$offsets; readlink /proc/self/ns/time; readlink /proc/1/ns/time; cat /proc/uptime"
	assert_eq "$(head -n 2 <<<"$OUT")" "$DAYS" "offsets"
	assert_eq "$(sed -n 3p <<<"$OUT")" "$(sed -n 4p <<<"$OUT")" "time namespaces of exec and init"
	assert_uptime "$(sed -n 5p <<<"$OUT")" "$DAY"
	assert_eq "$(status_of "$ID")" running
	expect_status 0 husk delete --force "$ID"
}

test_monotonic_clock() {
	have_timens
	need perl
	local dir dirs=() clock='use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC); print int clock_gettime(CLOCK_MONOTONIC)' inside host=0
	for dir in /usr /lib /lib64; do # the host's perl in the container
		[ ! -d "$dir" ] || dirs+=("$dir")
	done
	time_bundle b '.process.args = ["/bin/sleep", "1000"] |
		.mounts += ($dirs | split(" ") | map({destination: ., type: "bind", source: ., options: ["rbind", "ro"]}))' --arg dirs "${dirs[*]}"
	expect_status 0 husk run -d -b b "$ID"
	inside=$(husk exec "$ID" "$(command -v perl)" -e "$clock")
	is_vm || host=$(perl -e "$clock") # the guest's began with the boot
	local between=$((inside - host))
	if [ "$between" -lt $((2 * DAY - ($(rounds 600 0)))) ] || [ "$between" -gt $((2 * DAY + $(rounds 1 600))) ]; then
		fail "the clocks differ by $between s"
	fi
	expect_status 0 husk delete --force "$ID"
}

test_with_a_user_namespace() {
	have_timens
	time_bundle b '.linux.namespaces += [{"type": "user"}] |
		.linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 1000}] |
		.linux.gidMappings = .linux.uidMappings'
	config b '.process.args = ["/bin/sleep", "1000"]'
	expect_status 0 husk run -d -b b "$ID"
	expect_status 0 husk exec "$ID" /bin/sh -c "$offsets; readlink /proc/self/ns/time; readlink /proc/1/ns/time; cat /proc/uptime"
	assert_eq "$(head -n 2 <<<"$OUT")" "$DAYS" "offsets"
	assert_eq "$(sed -n 3p <<<"$OUT")" "$(sed -n 4p <<<"$OUT")" "time namespaces of exec and init"
	assert_uptime "$(sed -n 5p <<<"$OUT")" "$DAY"
	expect_status 0 husk delete --force "$ID"
}

test_with_a_joined_user_namespace() {
	have_timens
	make_bundle a '.linux.namespaces += [{"type": "user"}] | .process.args = ["/bin/sleep", "1000"] |
		.linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 1000}] |
		.linux.gidMappings = .linux.uidMappings'
	expect_status 0 husk run -d -b a "$ID-a"
	time_bundle b
	config b --arg path "/proc/$(husk state "$ID-a" | jq .pid)/ns/user" \
		'.linux.namespaces += [{"type": "user", "path": $path}]'
	container_sh b "$offsets; cat /proc/uptime"
	expect_status 0 husk run -b b "$ID"
	assert_eq "$(head -n 2 <<<"$OUT")" "$DAYS" "offsets"
	assert_uptime "$(sed -n 3p <<<"$OUT")" "$DAY"
	expect_status 0 husk delete --force "$ID-a"
}

test_joined_by_path() {
	have_timens
	time_bundle a '.process.args = ["/bin/sleep", "1000"]'
	expect_status 0 husk run -d -b a "$ID-a"
	local path
	path=/proc/$(husk state "$ID-a" | jq .pid)/ns/time
	make_bundle b --arg path "$path" '.linux.namespaces += [{"type": "time", "path": $path}]'
	container_sh b "$offsets; readlink /proc/self/ns/time; cat /proc/uptime"
	expect_status 0 husk run -b b "$ID"
	assert_eq "$(sed -n 3p <<<"$OUT")" "$(readlink "$path")" "its time namespace"
	assert_uptime "$(sed -n 4p <<<"$OUT")" "$DAY"
	# into a new user namespace: the parent enters it
	config b '.linux.namespaces += [{"type": "user"}] |
		.linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 1000}] |
		.linux.gidMappings = .linux.uidMappings'
	expect_status 0 husk run -b b "$ID"
	assert_eq "$(sed -n 3p <<<"$OUT")" "$(readlink "$path")" "its time namespace"
	expect_status 0 husk delete --force "$ID-a"
}

# husk itself comes back to the host's.
test_hooks_of_the_runtime_see_the_hosts_clocks() {
	have_timens
	time_bundle b --arg out "$T/hook" '.hooks.createRuntime = [{"path": "/bin/sh",
		"args": ["sh", "-c", "cat >/dev/null; readlink /proc/self/ns/time /proc/self/ns/time_for_children >" + $out]}]'
	expect_status 0 husk run -b b "$ID"
	assert_eq "$(cat hook)" "$(readlink /proc/self/ns/time /proc/self/ns/time)"
}

test_errors() {
	have_timens
	is_husk || skip "messages of husk's own"
	time_bundle b '.linux.timeOffsets.boottime.secs = -9000000000'
	expect_error "linux\.timeOffsets: a clock would be below zero" husk run -b b "$ID"
	config b '.linux.timeOffsets.boottime = {"secs": 0, "nanosecs": 1000000000}'
	expect_error "linux\.timeOffsets\.boottime\.nanosecs: expected a number from 0 to 999999999" husk run -b b "$ID"
	config b '.linux.timeOffsets = {"realtime": {"secs": 1}}'
	expect_error "linux\.timeOffsets\.realtime: no such clock" husk run -b b "$ID"
	config b '.linux.timeOffsets = {"boottime": {"secs": 1}} | del(.linux.namespaces[] | select(.type == "time"))'
	expect_error "linux\.timeOffsets: a 'time' namespace is required" husk run -b b "$ID"
	config b '.linux.namespaces += [{"type": "time", "path": "/proc/self/ns/time"}]'
	expect_error "linux\.timeOffsets: the 'time' namespace must be a new one" husk run -b b "$ID"
}

run_tests "$@"
