#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The network of a container in a machine of its own: the guest has the interfaces of the container's network namespace.
# All of it happens in a network namespace of the tests' own, which plays the host and the world.
# runs-as: root user
# shellcheck disable=SC2016 # $names in single quotes are jq's or the container's shell's
set -eu
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/integration/engine.sh
. "$(dirname "$0")/engine.sh"
private_host "$@"

USER_ONLY="test_an_ordinary_users_podman"
ROOT_ONLY=$(test_functions | grep -vx "$USER_ONLY" | tr '\n' ' ')

need_net() {
	need_engine qemu-system-x86_64 ip tc busybox nsenter
	[ -c /dev/net/tun ] || skip "no /dev/net/tun on this machine"
	as_vm
	trap 'jobs -p | xargs -r kill' EXIT
}

# ---- cables ----

# space: a network namespace; its holder's pid is in SPACE.
space() {
	unshare -n sleep 100000 &
	SPACE=$!
	wait_for 60 has_other_network "$SPACE"
	inside ip link set lo up
}
has_other_network() { [ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]; } # PID

inside() { nsenter -t "$SPACE" -n "$@"; }

# cable N NAME [MTU]: from w<N> here to NAME in SPACE, with the addresses 10.77.<N>.1 and 10.77.<N>.2, fd77:<N>::1 and
# fd77:<N>::2; the end here is up.
cable() {
	local n=$1 name=$2 mtu=${3:-1500}
	ip link del "w$n" 2>/dev/null || true # of the test before, and perhaps about to go with its namespace
	wait_for 10 is_gone "w$n"
	ip link add "w$n" type veth peer name "c$n" netns "$SPACE" 2>/dev/null || skip "no veth interfaces on this machine"
	inside ip link set "c$n" name "$name" address "02:00:00:00:0$n:02" mtu "$mtu"
	ip link set "w$n" mtu "$mtu"
	ip addr add "10.77.$n.1/24" dev "w$n"
	ip addr add "fd77:$n::1/64" dev "w$n" nodad
	ip link set "w$n" up
	inside ip addr add "10.77.$n.2/24" brd + dev "$name"
	inside ip addr add "fd77:$n::2/64" dev "$name" nodad
}
is_gone() { ! ip link show "$1" >/dev/null 2>&1; }

# For jq: the container's network namespace is SPACE; it may change its network, and send what ping does.
JOIN='(.linux.namespaces[] | select(.type == "network")).path = $path
	| .root.readonly = false | .process.capabilities[] |= (. + ["CAP_NET_ADMIN", "CAP_NET_RAW"] | unique)'
STAY='trap "exit 4" TERM; touch /tmp/up; while :; do sleep 0.1; done'

# space_bundle DIR [JQ...]: of a container that stays until it is told to end.
space_bundle() {
	local dir=$1
	shift
	make_bundle "$dir" --arg path "/proc/$SPACE/ns/net" "$JOIN"
	container_sh "$dir" "$STAY" "$@"
}

in_guest() { husk exec "$ID" "$@"; }
child_of() { pgrep -P "$(husk state "$ID" | jq .pid)" "$1"; }

start_machine() {
	husk run -d -b b "$ID" >out 2>err </dev/null || fail "$(cat err)"
	assert_eq "$(cat err)" "" "what run says"
}

# An interface, the routes through it and the permanent neighbours, as busybox tells of them here and in there.
FACTS='ip link show dev $0 | grep -o "mtu [0-9]*"; ip addr show dev $0 | sed -n "s,^ *\(link/ether [^ ]*\).*,\1,p" 
	ip addr show dev $0 | sed -n "s,^ *\(inet6* [^ ]* .*scope [a-z]*\( secondary\)*\).*,\1,p" | sort
	{ ip route show; ip -6 route show; } | grep -w "dev $0" | sort; ip neigh show | grep PERMANENT'
facts_here() { inside busybox sh -c "$FACTS" "$1" >"here.$1" || true; }
facts_there() { in_guest sh -c "$FACTS" "$1" >"there.$1" || true; }

# The guest's kernel gives itself a link-local address a moment after the link is up; and so does the host's.
same_facts() { # NAME
	facts_here "$1"
	facts_there "$1"
	cmp -s "here.$1" "there.$1"
}
assert_same_facts() {
	local end=$((SECONDS + 60))
	until same_facts "$1"; do
		[ "$SECONDS" -lt "$end" ] || fail "$1 is not the same: $(diff "here.$1" "there.$1" | grep '^[<>]')"
		sleep 0.5
	done
	[ -s "here.$1" ] || fail "there is nothing to compare"
}

taps_are_gone() { ! inside ip link show | grep -q ' husk[0-9]'; }

# No state, and no tap in the namespace of the test.
assert_nothing_left() {
	[ ! -e "$ROOT/$ID" ] || fail "the state is left"
	wait_for 60 taps_are_gone
	! ip link show | grep -q ' husk[0-9]' || fail "a tap in the host's namespace"
}

end_machine() {
	husk delete --force "$ID"
	assert_nothing_left
}

# An answer may be late on a busy machine, and so is the first one.
pings() { busybox ping -c 1 -W 5 "$@"; }
guest_pings() { in_guest ping -c 1 -W 5 "$@"; }

# What a server of HTTP has, on standard output.
fetch() { # HOST PORT PAGE
	LC_ALL=C timeout 200 bash -c 'exec 3<>"/dev/tcp/$1/$2" && printf "GET /%s HTTP/1.0\r\n\r\n" "$3" >&3 && sed "1,/^\r\$/d" <&3' fetch "$@"
}
serves() { [ "$(fetch "$1" "$2" "$3")" = "$4" ]; } # HOST PORT PAGE TEXT

# ---- what the guest has ----

test_the_guest_has_the_interface() {
	need_net
	space
	cable 0 eth0 1400
	inside ip addr add 10.77.0.3/24 brd + dev eth0
	inside ip addr add 10.8.0.1/32 peer 10.8.0.2/32 dev eth0
	inside ip link set eth0 up
	inside ip route add default via 10.77.0.1
	inside ip route add 10.99.0.0/16 via 10.77.0.1 metric 50 mtu 1300
	inside ip -6 route add default via fd77:0::1
	inside ip neigh add 10.77.0.200 lladdr 02:00:00:00:00:c8 dev eth0 nud permanent
	space_bundle b '.linux.sysctl = {"net.ipv4.conf.eth0.forwarding": "1", "net.ipv6.conf.eth0.hop_limit": "33"}'
	start_machine
	assert_eq "$(in_guest ls /sys/class/net | xargs)" "eth0 lo"
	assert_same_facts eth0
	for fact in 'mtu 1400' 'link/ether 02:00:00:00:00:02' 'inet 10.77.0.2/24 brd 10.77.0.255 scope global' \
		'inet 10.77.0.3/24 brd 10.77.0.255 scope global secondary' 'inet 10.8.0.1 peer 10.8.0.2/32 scope global' \
		'inet6 fd77::2/64 scope global' 'default via 10.77.0.1 dev eth0' 'default via fd77::1 dev eth0' \
		'10.77.0.200 dev eth0 lladdr 02:00:00:00:00:c8'; do
		grep -qF "$fact" there.eth0 || fail "no '$fact' in: $(cat there.eth0)"
	done
	assert_eq "$(in_guest cat /proc/sys/net/ipv4/conf/eth0/forwarding /proc/sys/net/ipv6/conf/eth0/hop_limit | xargs)" "1 33" sysctls
	# where an engine looks for the address, it is
	assert_match "$(inside ip addr show eth0)" 'inet 10\.77\.0\.2/24'
	wait_for 60 guest_pings 10.77.0.1
	wait_for 60 guest_pings fd77:0::1
	wait_for 60 pings 10.77.0.2
	wait_for 60 pings 10.77.0.3
	wait_for 60 pings fd77:0::2
	wait_for 60 guest_pings -s 5000 10.77.0.1
	wait_for 60 pings -s 5000 10.77.0.2
	# it is the guest's own: what is changed in there is
	in_guest ip addr add 10.77.0.77/24 dev eth0
	wait_for 60 pings 10.77.0.77
	end_machine
}

test_connections_and_bulk() {
	need_net
	space
	cable 0 eth0
	inside ip link set eth0 up
	space_bundle b '.mounts += [{"destination": "/srv", "type": "bind", "source": "srv", "options": ["bind", "ro"]}]'
	mkdir b/srv
	head -c 8000000 /dev/urandom >b/srv/data
	echo "of the guest" >b/srv/page
	start_machine
	# the world to the guest
	husk exec -d "$ID" httpd -p 80 -h /srv </dev/null >/dev/null 2>&1
	wait_for 60 serves 10.77.0.2 80 page "of the guest"
	wait_for 60 serves fd77:0::2 80 page "of the guest"
	fetch 10.77.0.2 80 data >got
	cmp got b/srv/data || fail "of 8 MB from the guest came others"
	# the guest to the world
	mkdir world
	cp b/srv/data world/data
	busybox httpd -f -p 10.77.0.1:8000 -h world &
	wait_for 60 in_guest timeout 60 wget -q -O /tmp/data http://10.77.0.1:8000/data
	wait_for 60 cmp b/rootfs/tmp/data b/srv/data
	# both at once, and what the guest sends by itself
	mkfifo hold # an end of its input would end the connection
	busybox nc -l -p 5000 >sent <>hold &
	local receiver=$!
	fetch 10.77.0.2 80 data >got2 &
	local getter=$!
	wait_for 60 in_guest sh -c 'nc 10.77.0.1 5000 </srv/data'
	wait "$receiver" "$getter"
	cmp sent b/srv/data
	cmp got2 b/srv/data
	end_machine
}

test_two_interfaces_of_which_one_is_down() {
	need_net
	space
	cable 1 net1 1300
	cable 0 eth0
	inside ip link set eth0 up
	inside ip route add default via 10.77.0.1
	inside ip tuntap add dev tun7 mode tun # of no Ethernet: not the guest's
	inside ip link set tun7 up
	space_bundle b
	start_machine
	assert_eq "$(in_guest ls /sys/class/net | xargs)" "eth0 lo net1"
	assert_same_facts eth0
	assert_same_facts net1
	! in_guest ip link show net1 | grep -qE '[<,]UP[,>]' || fail "net1 is up"
	assert_match "$(in_guest ip link show net1)" '02:00:00:00:01:02'
	assert_match "$(in_guest ip addr show net1)" 'inet 10\.77\.1\.2/24'
	wait_for 60 guest_pings 10.77.0.1
	# one that comes later is not seen
	cable 2 eth2
	assert_eq "$(in_guest ls /sys/class/net | xargs)" "eth0 lo net1"
	end_machine
}

test_a_namespace_that_has_a_loopback_only() {
	need_net
	space
	space_bundle b
	start_machine
	assert_eq "$(in_guest ls /sys/class/net)" lo
	in_guest ping -c 1 127.0.0.1 >/dev/null
	taps_are_gone || fail "a tap for nothing"
	! tr '\0' ' ' <"/proc/$(child_of qemu)/cmdline" | grep -q netdev || fail "QEMU has an interface"
	end_machine
}

# As engines do whose hook moves an interface into the namespace of the pid that it is told.
test_a_new_namespace_filled_by_a_hook() {
	need_net
	make_bundle b '.root.readonly = false'
	cat >hook <<-END
		#!/bin/sh
		set -e
		pid=\$(sed -n 's/.*"pid":[ ]*\([0-9]*\).*/\1/p')
		ip link del w0 2>/dev/null || true
		ip link add w0 type veth peer name eth0 netns "\$pid"
		ip addr add 10.77.0.1/24 dev w0
		ip link set w0 up
		nsenter -t "\$pid" -n ip addr add 10.77.0.2/24 dev eth0
		nsenter -t "\$pid" -n ip link set eth0 up
		nsenter -t "\$pid" -n ip route add default via 10.77.0.1
	END
	chmod 755 hook
	config b --arg hook "$T/hook" --arg path "$PATH" '.hooks.prestart = [{path: $hook, env: ["PATH=" + $path]}]'
	container_sh b "$STAY"
	start_machine
	SPACE=$(husk state "$ID" | jq .pid)
	assert_same_facts eth0
	wait_for 60 pings 10.77.0.2
	husk delete --force "$ID"
	wait_for 60 is_gone w0 # its other end went with the namespace
}

test_netdevices_enter_under_their_new_name() {
	need_net
	SPACE=$BASHPID
	cable 0 mine 1400
	make_bundle b '.linux.netDevices = {mine: {name: "eth7"}} | .linux.sysctl = {"net.ipv4.conf.eth7.forwarding": "1"}'
	container_sh b "$STAY" '.root.readonly = false'
	expect_status 0 husk create -b b "$ID"
	is_gone mine || fail "create did not move it"
	SPACE=$(husk state "$ID" | jq .pid)
	assert_match "$(inside ip addr show eth7)" 'inet 10\.77\.0\.2/24'
	expect_status 0 husk start "$ID"
	assert_eq "$(in_guest ls /sys/class/net | xargs)" "eth7 lo"
	assert_eq "$(in_guest cat /proc/sys/net/ipv4/conf/eth7/forwarding)" 1
	assert_same_facts eth7
	wait_for 60 pings 10.77.0.2
	husk delete --force "$ID"
	wait_for 60 is_gone w0
}

# ---- who may change it ----

test_without_cap_net_admin() {
	need_net
	space
	cable 0 eth0
	inside ip link set eth0 up
	space_bundle b '.process.capabilities[] -= ["CAP_NET_ADMIN", "CAP_NET_RAW"]'
	start_machine
	run in_guest ip addr add 10.77.0.9/24 dev eth0
	[ "$STATUS" != 0 ] || fail "it has changed its network"
	assert_match "$ERR" 'Operation not permitted'
	in_guest sh -c '! ip link set eth0 down 2>/dev/null' || fail "it has taken the link down"
	in_guest sh -c '! ping -c 1 10.77.0.1 2>/dev/null' || fail "it may send raw packets"
	expect_status 0 husk exec --cap CAP_NET_ADMIN "$ID" ip addr add 10.77.0.9/24 dev eth0
	wait_for 60 pings 10.77.0.9
	end_machine
}

test_with_a_user_namespace() {
	need_net
	make_bundle b '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}]
		| .linux.gidMappings = .linux.uidMappings | .process.capabilities[] |= (. + ["CAP_NET_ADMIN", "CAP_NET_RAW"] | unique)'
	container_sh b 'while :; do sleep 0.1; done'
	chown -R 100000:100000 b/rootfs
	expect_status 0 husk create -b b "$ID"
	SPACE=$(husk state "$ID" | jq .pid)
	cable 0 eth0
	inside ip link set eth0 up
	inside ip route add default via 10.77.0.1
	expect_status 0 husk start "$ID"
	assert_match "$(in_guest cat /proc/self/uid_map)" '^ *0 +100000 +65536$'
	assert_same_facts eth0
	wait_for 60 guest_pings 10.77.0.1
	expect_status 0 in_guest ip addr add 10.77.0.9/24 dev eth0
	wait_for 60 pings 10.77.0.9
	expect_status 0 in_guest ip route add 10.55.0.0/16 via 10.77.0.1
	expect_status 0 in_guest ip link set eth0 mtu 1300
	husk delete --force "$ID"
	wait_for 60 is_gone w0
}

# ---- one namespace ----

test_one_machine_after_another_in_a_namespace() {
	need_net
	space
	cable 0 eth0
	inside ip link set eth0 up
	space_bundle b
	start_machine
	in_guest ip addr add 10.77.0.9/24 dev eth0 # of this one alone, not of the namespace
	wait_for 60 pings 10.77.0.9
	make_bundle c --arg path "/proc/$SPACE/ns/net" "$JOIN"
	expect_error "the network: interface 'eth0': another VM is in this network namespace already" husk run -b c "$ID-2"
	[ ! -e "$ROOT/$ID-2" ] || fail "the state of the one that was refused is left"
	expect_status 0 husk create -b c "$ID-2"
	expect_status 0 husk delete --force "$ID-2"
	wait_for 60 pings 10.77.0.9 # neither has taken anything from the first
	# the one that crashes has no time to clean up
	kill -KILL "$(child_of qemu)"
	wait_for 60 is_status "$ID" stopped
	end_machine
	# the namespace has its interface back
	assert_match "$(inside ip addr show eth0)" 'inet 10\.77\.0\.2/24'
	assert_eq "$(inside tc filter show dev eth0 ingress)" "" "what is left on the interface"
	wait_for 60 pings 10.77.0.2
	start_machine
	assert_same_facts eth0
	wait_for 60 pings 10.77.0.2
	wait_for 60 guest_pings 10.77.0.1
	husk kill "$ID" KILL
	wait_for 60 is_status "$ID" stopped
	husk delete "$ID"
	assert_nothing_left
	assert_eq "$(inside tc filter show dev eth0 ingress)" "" "what is left on the interface"
}

test_the_hosts_own_namespace_is_refused() {
	local path
	need_net
	SPACE=$BASHPID
	cable 0 eth0
	inside ip link set eth0 up
	make_bundle b
	for path in "/proc/$BASHPID/ns/net" /proc/1/ns/net; do
		assert_eq "$(readlink "$path")" "$(readlink /proc/self/ns/net)" "the test's idea of its host"
		config b --arg path "$path" '(.linux.namespaces[] | select(.type == "network")).path = $path'
		expect_error "linux.namespaces\\[[0-9]\\].path: '$path' is the host's network namespace" husk create -b b "$ID"
		assert_nothing_left
		[ -z "$(tc qdisc show dev eth0 ingress)" ] || fail "the host's interface was taken: $(tc qdisc show dev eth0 ingress)"
	done
	ip link del w0
}

test_more_interfaces_than_a_machine_may_have() {
	local n
	need_net
	space
	for n in 0 1 2 3 4 5 6 7 8; do cable "$n" "eth$n"; done
	space_bundle b
	expect_error "the network: interface 'eth8': a VM has 8 interfaces at most" husk run -b b "$ID"
	assert_nothing_left
	for n in 0 1 2 3 4 5 6 7 8; do ip link del "w$n"; done
}

# ---- the jail ----

# What stands in QEMU's place prints what it can reach; as it ends at once, that comes with the error.
test_what_the_hypervisor_can_reach() {
	need_net
	space
	cable 0 eth0
	inside ip link set eth0 up
	space_bundle b --arg p "$T/probe" '.vm = {"hypervisor": {"path": $p}}'
	cat >probe <<-END
		#!/bin/sh
		cd /proc/self/fd && set -- * && echo "fds \$*"
		echo "of net/tun" \$(for fd; do readlink "/proc/\$\$/fd/\$fd"; done | grep -c net/tun)
		echo "caps \$(grep -h Cap /proc/self/status | tr -d '\n\t')"
		exit 1
	END
	chmod 755 probe
	run husk run -b b "$ID"
	assert_eq "$STATUS" 1
	# 0, 1, 2, the agent's channel, the tap, and what the shell has the script and the directory open by
	assert_match "$ERR" 'fds 0 1 10 2 3 4( 5)?\|'
	assert_match "$ERR" 'of net/tun 1\|'
	assert_match "$ERR" 'caps CapInh:0000000000000000CapPrm:0000000000000000CapEff:0000000000000000'
	assert_match "$ERR" 'CapBnd:[0-9a-f]{16}CapAmb'
	assert_eq "$((0x$(sed -n 's/.*CapBnd:\([0-9a-f]*\).*/\1/p' <<<"$ERR") & 1 << 12))" 0 "CAP_NET_ADMIN, which nobody has after husk-net ($ERR)"
	assert_nothing_left
	assert_eq "$(inside tc filter show dev eth0 ingress)" "" "what is left on the interface"
}

test_without_a_tun_device() {
	need_net
	space
	cable 0 eth0
	inside ip link set eth0 up
	space_bundle b
	without_tun() { unshare -m --propagation private sh -c 'mount -t tmpfs none /dev/net && exec "$@"' sh "$HUSK" --root "$ROOT" "$@"; }
	expect_error "/dev/net/tun" without_tun run -b b "$ID"
	assert_nothing_left
	# who has no network needs none
	inside ip link del eth0
	container_sh b 'ls /sys/class/net'
	expect_output lo without_tun run -b b "$ID"
	assert_nothing_left
}

# ---- Podman ----

# podman_with DIR: its configuration, and an image `test`.
podman_with() {
	PODMAN_DIR=$1
	need podman conmon
	export CONTAINERS_CONF=$PODMAN_DIR/containers.conf CONTAINERS_STORAGE_CONF=$PODMAN_DIR/storage.conf
	engine_runtime "$PODMAN_DIR/bin/husk-vm"
	podman_conf "$PODMAN_DIR/bin/husk-vm" >"$CONTAINERS_CONF"
	printf '[network]\nnetwork_config_dir = "%s/networks"\n' "$PODMAN_DIR" >>"$CONTAINERS_CONF"
	printf '[storage]\ndriver = "vfs"\ngraphroot = "%s"\nrunroot = "%s"\n' "$PODMAN_DIR/root" "$PODMAN_DIR/runroot" >"$CONTAINERS_STORAGE_CONF"
	tar -C "$HUSK_TEMPLATE" -c . | podman import - test >/dev/null 2>&1 || fail "podman import: no image"
}
test_podmans_bridge_ports_and_names() {
	need_net
	need iptables
	[ -x /usr/lib/podman/netavark ] || [ -x /usr/libexec/podman/netavark ] || skip "no netavark on this machine"
	podman_with /run/husk-net
	trap 'podman rm --all --force --time 0 >/dev/null 2>&1; jobs -p | xargs -r kill' EXIT
	local addr name=server
	podman network create net1 >/dev/null
	podman run --cgroups=disabled --detach --name server --network net1 --publish 8080:80 --cap-add net_raw test \
		sh -c 'echo "of the guest" >/tmp/page; exec httpd -f -p 80 -h /tmp' >out 2>err || fail "no container on a bridge: $(cat err)"
	addr=$(podman inspect server | jq -r '.[0].NetworkSettings.Networks.net1.IPAddress')
	assert_match "$addr" '^10\.' "the container's address"
	wait_for 60 serves "$addr" 80 page "of the guest"
	wait_for 60 serves 127.0.0.1 8080 page "of the guest"
	assert_match "$(podman exec server ip addr show eth0)" "inet ${addr//./\\.}/24"
	[ -x /usr/lib/podman/aardvark-dns ] || [ -x /usr/libexec/podman/aardvark-dns ] || {
		name=$addr
		echo "no aardvark-dns: no name was looked up" >note
	}
	podman run --cgroups=disabled --rm --network net1 "${AWAITED[@]}" test sh -c "
		for try in \$(seq 100); do timeout 20 wget -q -O - http://$name/page && exit; sleep 0.2; done; exit 1" >got 2>err <<<go ||
		fail "from another guest: $(tail -n 1 err)"
	assert_eq "$(cat got)" "of the guest"
	expect_status 0 podman stop --time 1 server
	# a second time it is a namespace of its own again
	expect_status 0 podman start server
	wait_for 60 serves 127.0.0.1 8080 page "of the guest"
}

# The interface is slirp4netns's tap0, by which a port of the host's comes, too. (Podman's own program for ports connects
# to the address from inside of the namespace, which is not the guest.)
test_an_ordinary_users_podman() {
	need qemu-system-x86_64 slirp4netns newuidmap podman
	[ -w /dev/net/tun ] || skip "no /dev/net/tun that this user may open"
	grep -q "^$(id -un):" /etc/subuid || skip "this user has no subordinate ids"
	as_vm
	local port=$((10000 + HUSK_RUN_PID % 20000))
	until is_free_port "$port" && is_free_port "$((port + 1))"; do port=$((port + 2)); done
	RUNROOT=$(mktemp -d /tmp/husk-pod.XXXXXX) # Podman refuses one of more than 50 characters, and slirp4netns a long socket
	export XDG_RUNTIME_DIR=$RUNROOT HOME=$RUNROOT # in the home is what Podman remembers of the former
	users_end() {
		podman rm --all --force --time 0
		podman system migrate # ends the process that holds the user namespace
		unshare --user --map-root-user --map-auto rm -rf "$RUNROOT"
		jobs -p | xargs -r kill
		return 0
	}
	trap 'set +e; users_end >/dev/null 2>&1' EXIT
	podman_with "$RUNROOT"
	mkdir world
	echo "of the world" >world/page
	busybox httpd -f -p "127.0.0.1:$((port + 1))" -h world &
	podman run --cgroups=disabled --detach --name server --network slirp4netns:allow_host_loopback=true,port_handler=slirp4netns --publish "$port:80" test \
		sh -c 'echo "of the guest" >/tmp/page; exec httpd -f -p 80 -h /tmp' >out 2>err || fail "no container: $(cat err)"
	wait_for 60 serves 127.0.0.1 "$port" page "of the guest"
	assert_match "$(podman exec server ip addr show tap0)" 'inet 10\.0\.2\.100/24'
	assert_eq "$(podman exec server timeout 60 wget -q -O - "http://10.0.2.2:$((port + 1))/page")" "of the world"
}

is_free_port() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

run_tests "$@"
