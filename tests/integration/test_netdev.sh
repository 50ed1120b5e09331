#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# linux.netDevices: interfaces go into the container, by the helper husk-net. All of it happens in
# a network namespace of the tests' own.
# vm-smoke: test_an_interface_moves_with_its_new_name test_it_is_there_for_sysctls_and_hooks
# shellcheck disable=SC2016 # $names in single quotes are jq's or the container's shell's
set -eu
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
ROOT_ONLY="$(test_functions | tr '\n' ' ')"
private_cgroup2 "$@"
if is_root && [ -z "${HUSK_PRIVATE_NET:-}" ] && unshare -n true 2>/dev/null; then
	HUSK_PRIVATE_NET=1 exec unshare -n bash "$0" "$@"
fi

# pair A B: two ends of a cable, new for this test.
pair() {
	local name
	need ip
	[ -n "${HUSK_PRIVATE_NET:-}" ] || skip "no network namespace can be made here"
	for name in "$1" "$2"; do # of the test before, and perhaps about to go with its namespace
		ip link del "$name" 2>/dev/null || true
		wait_for 10 is_gone "$name"
	done
	ip link add "$1" type veth peer name "$2" 2>/dev/null || skip "no veth interfaces on this machine"
}

# For a container's shell: the kernel notes a moment later that a link is up.
AWAIT_UP='await_up() { n=0; until [ "$(cat "/sys/class/net/$1/operstate")" = up ] || [ $((n += 1)) -gt 600 ]; do sleep 0.1; done; }; await_up'

is_gone() { ! ip link show "$1" >/dev/null 2>&1; }

nothing_left() {
	[ -z "$(ls "$ROOT")" ] || fail "left in the state directory: $(ls "$ROOT")"
}

test_an_interface_moves_with_its_new_name() {
	pair va vb
	ip addr add 10.9.0.1/24 dev va
	ip addr add 10.9.0.2/24 dev va
	ip addr add 10.8.0.1/32 peer 10.8.0.2/32 dev va
	ip addr add fd00:9::1/64 dev va nodad
	ip addr add 169.254.7.7/16 dev va scope link
	ip addr add 10.7.0.1/24 dev va valid_lft 1000 preferred_lft 1000
	ip link set va mtu 1400 address 02:00:00:00:00:07
	ip link set vb up
	make_bundle b '.linux.netDevices = {va: {name: "eth7"}}'
	container_sh b "$AWAIT_UP eth7; ip addr show eth7; ip link show va"
	run husk run -b b "$ID"
	assert_match "$OUT" '<BROADCAST,MULTICAST,UP,LOWER_UP.* mtu 1400 ' "the link"
	assert_match "$OUT" 'ether 02:00:00:00:00:07' "the hardware address"
	assert_match "$OUT" 'inet 10\.9\.0\.1/24 scope global eth7'
	assert_match "$OUT" 'inet 10\.9\.0\.2/24 scope global secondary eth7'
	assert_match "$OUT" 'inet 10\.8\.0\.1 peer 10\.8\.0\.2/32 '
	assert_match "$OUT" 'inet6 fd00:9::1/64 scope global'
	! grep -qE '169\.254|10\.7\.0\.1' <<<"$OUT" || fail "an address that is not both permanent and global: $OUT"
	assert_match "$ERR" "'va'|va: not found|can't find device" "the old name"
	is_gone va || fail "the interface is still here"
	wait_for 10 is_gone vb # virtual: it ends with the namespace, soon after
}

test_without_a_name_it_keeps_its_own() {
	pair va vb
	make_bundle b '.linux.netDevices = {va: {}, vb: {name: ""}}'
	container_sh b "ls /sys/class/net; $AWAIT_UP va; cat /sys/class/net/va/operstate"
	expect_output $'lo\nva\nvb\nup' husk run -b b "$ID"
}

test_a_template_gives_the_next_free_name() {
	pair va vb
	make_bundle b '.linux.netDevices = {va: {name: "n%d"}, vb: {name: "n%d"}}'
	container_sh b 'ls /sys/class/net'
	expect_output $'lo\nn0\nn1' husk run -b b "$ID"
}

test_it_is_there_for_sysctls_and_hooks() {
	pair va vb
	make_bundle b '.linux.netDevices = {va: {name: "eth7"}} |
		.linux.sysctl = {"net.ipv4.conf.eth7.forwarding": "1"}' # only with the interface there is such a file
	printf '#!/bin/sh\npid=$(sed -n "s/.*\\"pid\\":[ ]*\\([0-9]*\\).*/\\1/p")\nnsenter -t "$pid" -n ip -br link show eth7 >%s\n' \
		"$T/seen" >hook
	chmod +x hook
	config b --arg hook "$T/hook" --arg path "$PATH" \
		'.hooks.createRuntime = [{path: $hook, env: ["PATH=" + $path]}]'
	container_sh b 'cat /proc/sys/net/ipv4/conf/eth7/forwarding'
	expect_output 1 husk run -b b "$ID"
	assert_match "$(cat seen)" '^eth7'
}

test_create_moves_and_delete_ends_it() {
	pair va vb
	make_bundle b '.process.args = ["/bin/sleep", "1000"] | .linux.netDevices = {va: {name: "eth7"}}'
	expect_status 0 husk create -b b "$ID"
	is_gone va || fail "create did not move it"
	expect_status 0 husk start "$ID"
	expect_status 0 husk exec "$ID" /bin/ls /sys/class/net/eth7
	expect_status 0 husk delete --force "$ID"
	wait_for 5 is_gone vb
}

test_it_moves_with_a_user_namespace() {
	pair va vb
	ip addr add 10.9.0.1/24 dev va
	make_bundle b '.linux.netDevices = {va: {name: "eth7"}} | .linux.namespaces += [{type: "user"}] |
		.linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings'
	container_sh b 'ip addr show eth7'
	expect_status 0 husk run -b b "$ID"
	assert_match "$OUT" 'inet 10\.9\.0\.1/24'
}

test_it_moves_into_a_joined_namespace() {
	pair va vb
	unshare -n sleep 1000 &
	local pid=$!
	wait_for 5 sh -c "[ \$(readlink /proc/$pid/ns/net) != \$(readlink /proc/self/ns/net) ]"
	make_bundle b
	config b --arg path "/proc/$pid/ns/net" '.linux.netDevices = {va: {name: "eth7"}} |
		.linux.namespaces |= map(if .type == "network" then .path = $path else . end)'
	container_sh b 'cat /sys/class/net/eth7/operstate; ls /proc/sys/net/ipv4/conf | grep eth7'
	expect_status 0 husk run -b b "$ID"
	assert_match "$OUT" '^eth7$'
	nsenter -t "$pid" -n ip link show eth7 >/dev/null || fail "it left the namespace that others hold"
	kill "$pid"
	ip link del vb 2>/dev/null || true
}

# husk runs from a copy of itself then, and finds the helper beside itself all the same.
test_it_moves_where_the_pid_namespace_is_joined() {
	pair va vb
	make_bundle b '.process.args = ["/bin/sleep", "1000"]'
	expect_status 0 husk run --detach --bundle b "$ID"
	make_bundle c --arg path "/proc/$(husk state "$ID" | jq .pid)/ns/pid" '.linux.netDevices = {va: {name: "eth7"}} |
		(.linux.namespaces[] | select(.type == "pid")).path = $path'
	container_sh c 'ls /sys/class/net'
	expect_output $'eth7\nlo' husk run --bundle c "$ID-2"
	expect_status 0 husk delete --force "$ID"
}

test_a_missing_interface_is_named() {
	pair va vb
	ip addr add 10.9.0.1/24 dev va
	ip link set va up
	make_bundle b '.linux.netDevices = {va: {name: "eth7"}, nope0: {}}'
	expect_error "linux.netDevices: .*'nope0': there is no such interface" husk run -b b "$ID"
	nothing_left
	# what was moved before it is back as it was
	assert_match "$(ip addr show va)" 'inet 10\.9\.0\.1/24'
	assert_match "$(ip link show va)" '[<,]UP[,>]'
}

test_a_name_that_is_taken_is_refused() {
	pair va vb
	make_bundle b '.linux.netDevices = {va: {name: "lo"}}'
	expect_error "linux.netDevices: .*'va': .* a 'lo' already" husk create -b b "$ID"
	nothing_left
	is_gone va && fail "the interface is lost"
	config b '.linux.netDevices = {lo: {name: "lo7"}}'
	expect_error "linux.netDevices: .*'lo': .*Invalid argument" husk create -b b "$ID"
	nothing_left
	config b '.linux.netDevices = {va: {name: "x"}, vb: {name: "x"}}'
	expect_error "linux.netDevices.vb: the name 'x' is taken by 'va'" husk create -b b "$ID"
	nothing_left
}

test_without_a_network_namespace_it_is_refused() {
	pair va vb
	make_bundle b '.linux.netDevices = {va: {}} | .linux.namespaces |= map(select(.type != "network"))'
	expect_error "linux.netDevices: a 'network' namespace is required" husk run -b b "$ID"
	nothing_left
	ip link show va >/dev/null || fail "the interface is lost"
}

test_a_missing_helper_is_named() {
	pair va vb
	cp "$HUSK" "$T/husk"
	make_bundle b '.linux.netDevices = {va: {}}'
	HUSK=$T/husk run husk run -b b "$ID"
	[ "$STATUS" != 0 ] || skip "husk-net is installed on this machine"
	assert_match "$ERR" "linux.netDevices: the helper program '.*/husk/husk-net' is missing"
	nothing_left
	printf '#!/bin/sh\nkill -KILL $$\n' >husk-net
	chmod +x husk-net
	HUSK=$T/husk run husk run -b b "$ID"
	assert_match "$ERR" "linux.netDevices: husk-net was killed by signal 9"
	nothing_left
	ip link show va >/dev/null || fail "the interface is lost"
}

test_the_helper_checks_its_arguments() {
	local helper net
	helper=$(dirname "$(realpath "$HUSK")")/husk-net
	[ -x "$helper" ] || skip "no husk-net beside $HUSK"
	exec {net}</proc/self/ns/net
	expect_error '^husk-net: usage: ' "$helper"
	expect_error '^husk-net: usage: ' "$helper" move --netns-fd "$net" a
	expect_error '^husk-net: usage: ' "$helper" move --netns-fd "$net" a b c
	expect_error "^husk-net: --netns-fd: expected a descriptor, got 'x'" "$helper" move --netns-fd x a b
	expect_error '^husk-net: --netns-fd: descriptor 0 is no' "$helper" move --netns-fd 0 a b
	expect_error "^husk-net: no name of an interface: 'a/b'" "$helper" move --netns-fd "$net" a/b c
	expect_error "^husk-net: no name of an interface: 'b c'" "$helper" move --netns-fd "$net" a 'b c'
	expect_error "^husk-net: interface 'nope0': there is no such interface" "$helper" move --netns-fd "$net" nope0 a
	assert_eq "$STATUS" 1 status
}

run_tests "$@"
