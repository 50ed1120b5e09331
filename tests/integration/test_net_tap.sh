#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# husk-net tap: a guest gets the interfaces of a network namespace. net/receive.c is the other end. Each test has three
# namespaces of its own: the VM's, the guest's (whose kernel is this one), and a peer's with the cables' other ends.
set -eu
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
ROOT_ONLY="$(test_functions | tr '\n' ' ')"

HELPER=$(dirname "$(realpath "$HUSK")")/husk-net
RECEIVE=$HUSK_TOP_BUILDDIR/tests/integration/net/receive
TUN=/dev/net/tun

is_apart() { [ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]; }

# Makes the namespaces: VM, GUEST and PEER are processes in them.
namespaces() {
	local pid
	need ip tc unshare nsenter
	[ -x "$HELPER" ] || skip "no program '$HELPER'"
	[ -x "$RECEIVE" ] || skip "no program '$RECEIVE': make check builds it"
	unshare -n true 2>/dev/null || skip "no network namespace can be made here"
	[ -c "$TUN" ] || skip "no $TUN on this machine"
	trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
	unshare -n sleep 1000 &
	VM=$!
	unshare -n sleep 1000 &
	GUEST=$!
	unshare -n sleep 1000 &
	PEER=$!
	for pid in "$VM" "$GUEST" "$PEER"; do wait_for 5 is_apart "$pid"; done
}

in_vm() { nsenter -t "$VM" -n "$@"; }
in_guest() { nsenter -t "$GUEST" -n "$@"; }
in_peer() { nsenter -t "$PEER" -n "$@"; }

# cable NAME: an interface of the VM's namespace; its other end is the peer's, of the same name, and up. The kernel
# gives them no addresses by itself, of which a test would not know when.
cable() {
	in_peer ip link add "$1" type veth peer name "$1" netns "$VM" 2>/dev/null || skip "no veth interfaces on this machine"
	in_vm ip link set "$1" addrgenmode none 2>/dev/null || true
	in_peer ip link set "$1" addrgenmode none 2>/dev/null || true
	in_peer ip link set "$1" up
}

# two_interfaces NAME: eth0 and NAME, both up, with an address each.
two_interfaces() {
	namespaces
	cable eth0
	cable "$1"
	in_vm ip addr add 10.9.0.2/24 dev eth0
	in_vm ip addr add 10.10.0.2/24 dev "$1"
	in_vm ip link set eth0 up
	in_vm ip link set "$1" up
}

needs_ipv6() { [ -e /proc/sys/net/ipv6 ] || skip "no IPv6 on this machine"; }

# In the VM's namespace, until the helper has ended.
receive() { run in_vm "$RECEIVE" "$HELPER" "$TUN"; }

has_ended() { grep -q '^end ' held; }

# hold [--guest]: the same, and the VM lives until `let_go`. What came is in OUT and ERR.
hold() {
	local guest=()
	[ $# = 0 ] || guest=(--guest "/proc/$GUEST/ns/net")
	nsenter -t "$VM" -n "$RECEIVE" "${guest[@]}" --hold "$HELPER" "$TUN" >held 2>held.err &
	HELD=$!
	wait_for 60 has_ended
	OUT=$(cat held)
	ERR=$(cat held.err)
}

has_no_tap() { ! in_vm ip link show husk0 >/dev/null 2>&1; }

let_go() {
	kill "$HELD"
	wait "$HELD" || true
	wait_for 10 has_no_tap
}

# guest_takes_all: of `hold --guest`.
guest_takes_all() {
	assert_match "$OUT" '^end 0$' "the helper ($ERR)"
	! grep -q '^refused' <<<"$OUT" || fail "the guest's kernel refuses some: $OUT"
}

# Each line of standard input is one of OUT, in this order.
expect_lines() {
	local want rest=$OUT
	while read -r want; do
		grep -qxE -- "$want" <<<"$rest" || fail "no line '$want' (left of the order) in: $OUT"
		rest=$(sed -E "0,\\@^($want)\$@d" <<<"$rest")
	done
}

# Answers one ping, and one alone.
reaches() { # in_...|COMMAND ADDRESS
	wait_for 60 "$1" busybox ping -c 1 -W 5 "$2"
	run "$1" busybox ping -c 2 -W 60 "$2"
	assert_eq "$STATUS" 0 "ping of $2 ($OUT)"
	! grep -q DUP <<<"$OUT" || fail "two answers to one ping of $2: $OUT"
}

filters() { in_vm tc filter show dev "$1" ingress; }

test_ipv4_addresses() {
	namespaces
	cable eth0
	in_vm ip link set eth0 mtu 1400 address 02:00:00:00:00:07
	in_vm ip addr add 10.9.0.2/24 brd + dev eth0
	in_vm ip addr add 10.9.0.3/24 dev eth0
	in_vm ip addr add 10.8.0.1/32 peer 10.8.0.2/32 dev eth0
	in_vm ip addr add 169.254.7.7/16 dev eth0 scope link
	in_vm ip addr add 10.7.0.1/24 dev eth0 valid_lft 10000 preferred_lft 5000
	in_vm ip link set eth0 up
	hold --guest
	guest_takes_all
	expect_lines <<-'EOF'
		link eth0 02:00:00:00:00:07 1400
		address 169.254.7.7/16 local 169.254.7.7 scope 253 flags 0x0
		address 10.9.0.2/24 local 10.9.0.2 broadcast 10.9.0.255 scope 0 flags 0x0
		address 10.8.0.2/32 local 10.8.0.1 scope 0 flags 0x0
		address 10.7.0.1/24 local 10.7.0.1 scope 0 flags 0x0 preferred (4[0-9]{3}|5000) valid (9[0-9]{3}|10000)
		address 10.9.0.3/24 local 10.9.0.3 scope 0 flags 0x0
		up
		end 0
	EOF
	assert_eq "$(wc -l <<<"$OUT")" 8 "lines of '$OUT'"
	assert_eq "$(in_guest ip -4 addr show eth0 | grep inet)" "$(in_vm ip -4 addr show eth0 | grep inet)" "the guest's"
	assert_eq "$(in_guest ip -4 route)" "$(in_vm ip -4 route)" "the guest's routes"
	assert_match "$(in_guest ip link show eth0)" 'UP.* mtu 1400 '
}

test_ipv4_routes() {
	namespaces
	cable eth0
	in_vm ip addr add 10.9.0.2/24 dev eth0
	in_vm ip addr add 10.9.0.3/24 dev eth0
	in_vm ip link set eth0 up
	in_vm ip route add 169.254.1.1 dev eth0 scope link
	in_vm ip route add default via 169.254.1.1
	in_vm ip route add 10.20.0.0/16 via 10.9.0.1 metric 77
	in_vm ip route add 10.21.0.0/16 via 192.0.2.1 dev eth0 onlink
	in_vm ip route add 10.22.0.0/16 via 10.9.0.1 src 10.9.0.3 proto static
	in_vm ip route add 10.23.0.0/16 via 10.9.0.1 mtu 1300 advmss 1000
	in_vm ip route add 10.24.0.0/16 via inet6 fe80::5 dev eth0
	in_vm ip route add 192.168.5.0/24 dev eth0
	in_vm ip route add 192.168.6.0/24 dev eth0 table 100
	in_vm ip route add local 192.168.7.0/24 dev eth0 table main
	in_vm ip route add blackhole 192.168.8.0/24
	hold --guest
	guest_takes_all
	expect_lines <<-'EOF'
		up
		route 169.254.1.1/32 scope 253 protocol 3 flags 0x0
		route 192.168.5.0/24 scope 253 protocol 3 flags 0x0
		route 0.0.0.0/0 via 169.254.1.1 scope 0 protocol 3 flags 0x0
		route 10.20.0.0/16 via 10.9.0.1 metric 77 scope 0 protocol 3 flags 0x0
		route 10.21.0.0/16 via 192.0.2.1 scope 0 protocol 3 flags 0x4
		route 10.22.0.0/16 via 10.9.0.1 source 10.9.0.3 scope 0 protocol 4 flags 0x0
	EOF
	assert_eq "$(in_guest ip -4 route)" "$(in_vm ip -4 route | grep -vE '^(local|blackhole)')" "the guest's routes"
	assert_eq "$(grep -c ^route <<<"$OUT")" 8 "routes in '$OUT'" # the kernel's own come with the addresses
	assert_eq "$ERR" '' "warnings"
}

test_routes_that_are_left_out_are_named() {
	two_interfaces eth1
	in_vm ip route add 10.20.0.0/16 nexthop via 10.9.0.1 nexthop via 10.9.0.5
	in_vm ip nexthop add id 7 via 10.9.0.1 dev eth0
	in_vm ip route add 10.21.0.0/16 nhid 7
	in_vm ip route add 10.22.0.0/16 via 10.9.0.1 src 10.10.0.2
	in_vm ip route add default via 10.9.0.1
	hold --guest
	guest_takes_all
	assert_match "$ERR" "^husk-net: warning: interface 'eth0': route 10.20.0.0/16: it has more than one next hop: leaving it out$"
	assert_match "$ERR" "^husk-net: warning: interface 'eth0': route 10.21.0.0/16: it has a next hop object: leaving it out$"
	assert_match "$ERR" "^husk-net: warning: interface 'eth0': route 10.22.0.0/16: its source .*: leaving the source out$"
	assert_eq "$(wc -l <<<"$ERR")" 3 "lines of '$ERR'"
	expect_lines <<-'EOF'
		link eth0 .*
		route 0.0.0.0/0 via 10.9.0.1 .*
		route 10.22.0.0/16 via 10.9.0.1 scope .*
		link eth1 .*
		address 10.10.0.2/24 .*
	EOF
	assert_eq "$(grep -c ^route <<<"$OUT")" 2 "routes in '$OUT'"
}

test_ipv6() {
	namespaces
	needs_ipv6
	cable eth0
	in_vm ip link set eth0 up
	in_vm ip addr add fe80::7/64 dev eth0 nodad
	in_vm ip addr add fd00:9::2/64 dev eth0 nodad
	in_vm ip addr add fd00:5::2/64 dev eth0 # the namespace's kernel asks, or did
	in_vm ip addr add fd00:8::1 peer fd00:8::2/128 dev eth0 nodad
	in_vm ip addr add fd00:7::2/64 dev eth0 nodad valid_lft 10000 preferred_lft 5000
	# shellcheck disable=SC2016
	in_vm sh -c 'echo 2 >/proc/sys/net/ipv6/conf/eth0/use_tempaddr'
	in_vm ip addr add fd00:6::2/64 dev eth0 nodad mngtmpaddr
	in_vm ip -6 route add fd00:20::/64 dev eth0
	in_vm ip -6 route add default via fe80::1 dev eth0 metric 100
	in_vm ip -6 route add fd00:21::/48 via fd00:9::1 pref high
	in_vm ip -6 route add fd00:22::/48 via fd00:9::1 src fd00:9::2
	in_vm ip -6 route add fd00:23::/48 via fd00:9::1 expires 10000
	assert_match "$(in_vm ip -6 addr show eth0)" 'fd00:6:.* temporary ' "an address for privacy"
	hold --guest
	guest_takes_all
	expect_lines <<-'EOF'
		link eth0 .*
		address fd00:9::2/64 scope 0 flags 0x2
		address fd00:5::2/64 scope 0 flags 0x2
		address fd00:6::2/64 scope 0 flags 0x102
		up
		address fd00:8::2/128 local fd00:8::1 scope 0 flags 0x2
		address fd00:7::2/64 scope 0 flags 0x2 preferred (4[0-9]{3}|5000) valid (9[0-9]{3}|10000)
		route fd00:20::/64 metric 1024 scope 0 protocol 3 flags 0x0
		route fd00:21::/48 via fd00:9::1 metric 1024 .*
		route fd00:22::/48 via fd00:9::1 source fd00:9::2 metric 1024 .*
		route fd00:23::/48 via fd00:9::1 metric 1024 scope 0 protocol 3 flags 0x0 expires (9[0-9]{3}|10000)
		route ::/0 via fe80::1 metric 100 scope 0 protocol 3 flags 0x0
	EOF
	assert_eq "$(grep -c ^address <<<"$OUT")" 6 "addresses in '$OUT'"
	assert_match "$(sed /^up/q <<<"$OUT")" '^address fe80::7/64 scope 253 flags 0x2$'
	wait_for 10 has_peers_route in_vm # a little later than the address
	wait_for 10 has_peers_route in_guest
	assert_eq "$(routes6 in_guest)" "$(routes6 in_vm)" "the guest's routes"
	# the guest's kernel adds an address of the link of its own
	! in_guest ip -6 addr show eth0 | grep -qE ' (fd|fe80::7/).*tentative' ||
		fail "asks whether an address is free: $(in_guest ip -6 addr show)"
}

has_peers_route() { "$1" ip -6 route | grep -q '^fd00:8::2 '; }

# Without how long they last.
routes6() { "$1" ip -6 route | sed -E 's/ expires [0-9]+sec//' | sort; }

test_neighbours() {
	namespaces
	cable eth0
	in_vm ip addr add 10.9.0.2/24 dev eth0
	in_vm ip link set eth0 up
	in_vm ip neigh add 169.254.1.1 lladdr ee:ee:ee:ee:ee:ee dev eth0 nud permanent
	in_vm ip neigh add 10.9.0.8 lladdr ee:ee:ee:ee:ee:08 dev eth0 nud reachable
	in_vm ip neigh add 10.9.0.9 lladdr ee:ee:ee:ee:ee:09 dev eth0 nud noarp
	in_vm ip neigh add 224.0.0.9 lladdr 01:00:5e:00:00:09 dev eth0 nud permanent
	in_vm ip neigh add proxy 10.9.0.10 dev eth0
	[ ! -e /proc/sys/net/ipv6 ] || in_vm ip neigh add fe80::9 lladdr ee:ee:ee:ee:ee:99 dev eth0 nud permanent
	hold --guest
	guest_takes_all
	assert_match "$OUT" '^neighbour 169.254.1.1 at ee:ee:ee:ee:ee:ee state 0x80$'
	[ ! -e /proc/sys/net/ipv6 ] || assert_match "$OUT" '^neighbour fe80::9 at ee:ee:ee:ee:ee:99 state 0x80$'
	! grep -qE '^neighbour (10|224)' <<<"$OUT" || fail "others, too: $OUT"
	assert_match "$(in_guest ip neigh)" '169.254.1.1 dev eth0 lladdr ee:ee:ee:ee:ee:ee PERMANENT'
}

test_frames_go_both_ways() {
	two_interfaces net1
	in_peer ip addr add 10.9.0.1/24 dev eth0
	in_peer ip addr add 10.10.0.1/24 dev net1
	hold --guest
	guest_takes_all
	in_guest ip addr add 10.9.0.77/24 dev eth0 # nobody else has it
	in_guest ip addr add 10.10.0.77/24 dev net1
	reaches in_peer 10.9.0.77
	reaches in_peer 10.10.0.77
	reaches in_guest 10.9.0.1
	reaches in_guest 10.10.0.1
	reaches in_peer 10.9.0.2 # which the namespace has as well
	[ -e /proc/sys/net/ipv6 ] || return 0
	in_peer ip addr add fd00:9::1/64 dev eth0 nodad
	in_guest ip addr add fd00:9::77/64 dev eth0 nodad
	reaches in_peer fd00:9::77
	reaches in_guest fd00:9::1
}

test_the_tap() {
	namespaces
	cable eth0
	in_vm ip link set eth0 mtu 9000 up
	hold
	run in_vm ip -d link show husk0
	assert_match "$OUT" '[<,]UP[,>].* mtu 9000 '
	assert_match "$OUT" 'tun type tap pi off vnet_hdr on persist off'
	[ ! -e /proc/sys/net/ipv6 ] || assert_match "$OUT" 'addrgenmode none'
	assert_eq "$(in_vm ip addr show husk0 | grep -c inet)" 0 "its addresses"
	let_go
	in_vm ip link set eth0 mtu 600 # too little for IPv6
	hold
	assert_match "$OUT" '^link eth0 .* 600$'
	assert_match "$(in_vm ip link show husk0)" 'UP.* mtu 600 '
}

test_an_interface_that_is_down() {
	namespaces
	cable eth0
	in_vm ip addr add 10.9.0.2/24 dev eth0
	hold --guest
	guest_takes_all
	expect_lines <<-'EOF'
		link eth0 .*
		address 10.9.0.2/24 .*
		end 0
	EOF
	assert_eq "$(wc -l <<<"$OUT")" 3 "lines of '$OUT'"
	! in_guest ip link show eth0 | grep -q '[<,]UP[,>]' || fail "the guest's is up"
}

test_a_second_vm_is_refused() {
	local before
	namespaces
	cable eth0
	in_vm ip addr add 10.9.0.2/24 dev eth0
	in_vm ip link set eth0 up
	in_peer ip addr add 10.9.0.1/24 dev eth0
	hold --guest
	guest_takes_all
	before=$(filters eth0)
	receive
	assert_match "$OUT" "^failure 16 interface 'eth0': another VM is in this network namespace already: its interface 'husk0'$"
	assert_match "$OUT" '^end 1$'
	assert_eq "$(wc -l <<<"$OUT")" 2 "lines of '$OUT'"
	assert_eq "$(filters eth0)" "$before" "the filter of the first"
	in_guest ip addr add 10.9.0.77/24 dev eth0
	reaches in_peer 10.9.0.77
}

# By whatever there is, in use or not.
test_a_taps_name_is_taken() {
	namespaces
	cable eth0
	in_vm ip tuntap add mode tap name husk0
	receive
	assert_match "$OUT" "^failure 16 interface 'eth0': another VM is .* its interface 'husk0'$"
	in_vm ip tuntap del mode tap name husk0
	wait_for 10 has_no_tap
	cable husk0
	receive
	assert_match "$OUT" "^failure 16 interface 'eth0': another VM is .* its interface 'husk0'$"
	assert_eq "$(filters eth0)" '' "filters"
}

test_a_later_vm_takes_over() {
	namespaces
	cable eth0
	in_vm ip addr add 10.9.0.2/24 dev eth0
	in_vm ip link set eth0 up
	in_peer ip addr add 10.9.0.1/24 dev eth0
	hold --guest
	let_go
	assert_match "$(filters eth0)" 'Egress Redirect to device \*' "what the first left"
	hold --guest
	guest_takes_all
	assert_eq "$(filters eth0 | grep -c mirred)" 1 "filters of '$(filters eth0)'"
	in_guest ip addr add 10.9.0.77/24 dev eth0
	reaches in_peer 10.9.0.77
}

test_release_gives_the_frames_back() {
	local before
	namespaces
	cable eth0
	cable eth1
	in_vm ip addr add 10.9.0.2/24 dev eth0
	in_vm ip link set eth0 up
	in_peer ip addr add 10.9.0.1/24 dev eth0
	expect_status 0 "$HELPER" release "/proc/$VM/ns/net" # nothing was taken yet
	in_vm tc qdisc add dev eth1 ingress
	in_vm tc filter add dev eth1 ingress prio 9 protocol all u32 match u32 0 0 flowid 1:1
	hold
	before=$(filters eth0)
	expect_status 0 "$HELPER" release "/proc/$VM/ns/net"
	assert_eq "$(filters eth0)" "$before" "the filter of a VM that lives"
	let_go
	expect_status 0 "$HELPER" release "/proc/$VM/ns/net"
	assert_eq "$(filters eth0)" '' "filters"
	assert_match "$(filters eth1)" 'pref 9 ' "another's filter"
	! filters eth1 | grep -q mirred || fail "eth1 keeps its filter: $(filters eth1)"
	reaches in_peer 10.9.0.2 # the namespace itself
	expect_status 0 "$HELPER" release "$T/no-such-namespace"
	expect_error "^husk-net: enter the network namespace '/dev/null'" "$HELPER" release /dev/null
}

test_a_clsact_qdisc_stays() {
	namespaces
	cable eth0
	in_vm ip addr add 10.9.0.2/24 dev eth0
	in_vm ip link set eth0 up
	in_peer ip addr add 10.9.0.1/24 dev eth0
	in_vm tc qdisc add dev eth0 clsact 2>/dev/null || skip "no clsact on this machine"
	in_vm tc filter add dev eth0 ingress prio 9 protocol all u32 match u32 0 0 flowid 1:1
	hold --guest
	guest_takes_all
	assert_match "$(in_vm tc qdisc show dev eth0)" clsact
	assert_match "$(filters eth0)" 'pref 9 '
	in_guest ip addr add 10.9.0.77/24 dev eth0
	reaches in_peer 10.9.0.77
}

test_anothers_filter_is_not_replaced() {
	namespaces
	cable eth0
	in_vm tc qdisc add dev eth0 ingress
	in_vm tc filter add dev eth0 ingress prio 1 protocol ip u32 match u32 0 0 flowid 1:1
	expect_filter_kept
	in_vm tc filter del dev eth0 ingress prio 1
	in_vm tc filter add dev eth0 ingress prio 1 protocol all bpf da bytecode '1,6 0 0 0,' 2>/dev/null ||
		skip "no bpf filters on this machine (those of u32 were tried)"
	expect_filter_kept
}

expect_filter_kept() {
	local before
	before=$(filters eth0)
	receive
	assert_match "$OUT" "^failure 22 interface 'eth0': its ingress has a filter of priority 1 that is not husk's: "
	assert_match "$OUT" '^end 1$'
	assert_eq "$(filters eth0)" "$before" "the filter"
	has_no_tap || fail "the tap is still there"
}

test_without_an_interface() {
	namespaces
	in_vm ip link set lo up
	TUN=/dev/null receive
	assert_eq "$OUT$ERR" 'end 0'
}

test_without_tun() {
	namespaces
	cable eth0
	TUN=/dev/null receive
	assert_match "$OUT" "^failure 19 interface 'eth0': .*load the kernel's module 'tun'$"
	assert_match "$OUT" '^end 1$'
	assert_eq "$ERR$(filters eth0)" '' "what is left"
}

test_which_interfaces_count() {
	namespaces
	cable eth0
	in_vm ip link add br0 type bridge 2>/dev/null || skip "no bridges on this machine"
	in_vm ip link set br0 addrgenmode none 2>/dev/null || true
	in_vm ip link set lo up
	in_vm ip tuntap add mode tun name tun0
	in_vm ip tuntap add mode tap name tap0
	in_vm ip tuntap add mode tap name husk7 # a tap of ours
	in_vm ip link add mine type gretap local 10.0.0.1 remote 10.0.0.2 2>/dev/null && in_vm ip link del mine ||
		echo "no GRE: its interface without a hardware address was not there" >note
	cable husk9
	receive
	assert_eq "$(sed -n 's/^link \([^ ]*\) .*/\1/p' <<<"$OUT" | xargs)" 'eth0 br0 tap0 husk9'
	assert_match "$OUT" '^end 0$'
}

test_eight_interfaces() {
	local i
	namespaces
	for i in 1 2 3 4 5 6 7 8; do cable "eth$i"; done
	hold --guest
	guest_takes_all
	assert_eq "$(grep -c '^link' <<<"$OUT")" 8
	in_vm ip link show husk7 >/dev/null || fail "no eighth tap"
	let_go
	cable eth9
	receive
	assert_match "$OUT" "^failure 7 interface 'eth9': a VM has 8 interfaces at most, and this network namespace 9$"
	assert_match "$OUT" '^end 1$'
	! grep -q '^link' <<<"$OUT" || fail "some were sent: $OUT"
}

# 20000 routes of some 50 bytes. The interface before is its namespace's again, too.
test_too_much_for_a_guest() {
	namespaces
	cable eth0
	cable eth1
	in_vm ip addr add 10.9.0.2/16 dev eth1
	in_vm ip link set eth0 up
	in_vm ip link set eth1 up
	for i in {0..24999}; do echo "route add 10.$((100 + i / 250)).$((i % 250)).0/24 via 10.9.0.1"; done >routes.txt
	in_vm ip -batch routes.txt
	receive
	assert_match "$OUT" "^failure 7 interface 'eth1': a VM takes 1048576 bytes of addresses, routes and neighbours"
	assert_match "$OUT" '^end 1$'
	assert_match "$OUT" '^link eth0 '
	assert_eq "$(filters eth0)$(filters eth1)" '' "filters"
}

# As in a VM's jail.
test_in_a_user_namespace() {
	namespaces
	# shellcheck disable=SC2016 # the inner shell's
	run unshare --user --map-root-user --net sh -c 'ip link add eth0 type veth peer name eth1 &&
		ip link set eth0 up addrgenmode none && ip addr add 10.9.0.2/24 dev eth0 && exec "$@"' husk-net "$RECEIVE" "$HELPER" "$TUN"
	[ "$STATUS" = 0 ] || skip "no network in a user namespace here: $ERR"
	assert_match "$OUT" '^link eth0 '
	assert_match "$OUT" '^address 10.9.0.2/24 '
	assert_match "$OUT" '^end 0$'
}

test_the_helper_checks_its_arguments() {
	[ -x "$HELPER" ] || skip "no program '$HELPER'"
	expect_error '^husk-net: usage: husk-net move .*, husk-net tap ' "$HELPER" nope
	expect_error '^husk-net: usage: husk-net tap ' "$HELPER" tap
	expect_error '^husk-net: usage: husk-net tap ' "$HELPER" tap --tun-fd 0 --socket-fd 1 2
	expect_error "^husk-net: --tun-fd: expected a descriptor, got 'x'" "$HELPER" tap --tun-fd x --socket-fd 1
	expect_error '^husk-net: --socket-fd: descriptor 0 is no socket of packets' "$HELPER" tap --tun-fd 0 --socket-fd 0
	assert_eq "$STATUS" 1 status
}

run_tests "$@"
