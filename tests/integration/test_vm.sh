#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Containers in a machine of their own: husk called as husk-vm, QEMU (TCG where KVM cannot run a kernel), the
# stock cloud kernel. A boot takes seconds, so that one machine serves many checks.
# runs-as: root user
# shellcheck disable=SC2016 # $names in single quotes are jq's or the container's shell's
set -eu
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
private_cgroup2 "$@"

USER_ONLY="test_an_ordinary_user test_an_ordinary_users_podman"
ROOT_ONLY=$(sed -n 's/^\(test_[a-z0-9_]*\)() {$/\1/p' "$0" | grep -v '^test_an_ordinary_user' | tr '\n' ' ')
BUILT=$HUSK
HOST_BOOT=$(cat /proc/sys/kernel/random/boot_id) # two kernels may be of one version

need_vm() {
	need qemu-system-x86_64
	as_vm
}

husk_with() {
	local json=$1
	shift
	# shellcheck disable=SC2086 # words
	with_husk_json "$json" "$HUSK" --root "$ROOT" $HUSK_FLAGS "$@"
}

# No process, mount or state of the container's.
assert_nothing_left() {
	[ ! -e "$ROOT/$ID" ] || fail "the state is left"
	! grep -q "$T/b" /proc/self/mountinfo || fail "a mount is left"
}

test_run_in_a_kernel_of_its_own() {
	need_vm
	make_bundle b '.root.readonly = false | .hostname = "guesthost"
		| .process.env += ["COLOUR=blue"] | .process.user = {"uid": 1000, "gid": 1001, "additionalGids": [2000]}
		| .process.cwd = "/tmp" | .process.rlimits = [{"type": "RLIMIT_NOFILE", "soft": 77, "hard": 99}]
		| .mounts += [{"destination": "/ro", "type": "bind", "source": $t, "options": ["rbind", "ro"]},
			{"destination": "/rw", "type": "bind", "source": "shared", "options": ["bind"]},
			{"destination": "/etc/one", "type": "bind", "source": "one", "options": ["bind", "ro"]}]
		| .hooks.poststop = [{"path": "/bin/sh", "args": ["sh", "-c", "echo gone >>" + $t + "/hooks"]}]
		| .hooks.createRuntime = [{"path": "/bin/sh", "args": ["sh", "-c", "echo made >>" + $t + "/hooks"]}]' --arg t "$T"
	mkdir -m 777 b/shared
	echo single >b/one
	echo outside >file
	chmod 777 b/rootfs/tmp
	container_sh b 'cat /proc/sys/kernel/random/boot_id; hostname; id; pwd; echo $COLOUR; ulimit -n; cat /etc/one; cat /ro/file; cat
		touch /ro/x 2>/dev/null || echo no; echo in >/rw/new; echo here >/tmp/there; grep CapEff /proc/self/status
		echo complaint >&2; exit 7'
	local status=0
	echo typed | husk run -b b "$ID" >out 2>err || status=$?
	assert_eq "$status" 7 status
	assert_eq "$(cat err)" complaint "standard error"
	[ "$(sed -n 1p out)" != "$HOST_BOOT" ] || fail "it ran on the host's kernel"
	assert_eq "$(sed -n '2,$p' out)" "guesthost
uid=1000(guest) gid=1001(guest) groups=2000(extra)
/tmp
blue
77
single
outside
typed
no
CapEff:	0000000000000000"
	assert_eq "$(cat b/shared/new) $(stat -c %u:%g b/shared/new)" "in 1000:1001" "a file that the guest made"
	assert_eq "$(cat b/rootfs/tmp/there)" here
	assert_eq "$(cat hooks)" "made
gone" "hooks on the host"
	assert_nothing_left
}

in_guest() { husk exec "$ID" "$@"; }

test_one_vm_and_every_command() {
	local pid
	need_vm
	make_bundle b '.root.readonly = false'
	container_sh b 'trap "echo term >/tmp/term; exit 3" TERM; trap "echo usr1 >/tmp/usr1" USR1; touch /tmp/up; while :; do sleep 0.1; done'
	SECRET_OF_THE_HOST=x husk create -b b "$ID" >/dev/null 2>&1 </dev/null
	assert_eq "$(husk state "$ID" | jq -r '.isolation + " " + .status')" "vm created"
	expect_error "not started yet" in_guest true
	expect_error "not started yet" husk mounts add "$ID" - <<<'[]'
	husk start "$ID"
	assert_eq "$(husk state "$ID" | jq -r .status)" running
	[ -d "/proc/$(husk state "$ID" | jq -r .pid)" ] || fail "state's pid is no process"
	wait_for 20 test -e b/rootfs/tmp/up
	for pid in "$(husk state "$ID" | jq .pid)" "$(child_of husk-fsd)" "$(child_of qemu)"; do
		assert_eq "$(awk '/^(Seccomp|NoNewPrivs):/ { printf "%s", $2 }' "/proc/$pid/status")" 12 "no_new_privs and filter of $(cat "/proc/$pid/comm")"
		assert_eq "$(tr '\0' '\n' <"/proc/$pid/environ" | sed 's/=.*//' | grep -vxE 'PATH|HOME')" "" "the environment of $(cat "/proc/$pid/comm")"
	done
	assert_eq "$(awk '/^CapEff:/ { print $2 }' "/proc/$(husk state "$ID" | jq .pid)/status")" 0000000000000000 "husk-mon's capabilities"
	assert_eq "$(($(awk '/^CapBnd:/ { print "0x" $2 }' "/proc/$(child_of husk-fsd)/status") & 1 << 12))" 0 "husk-fsd's CAP_NET_ADMIN"

	# exec
	expect_output "$(printf 'x y\n/etc\n1000:1001')" husk exec --cwd /etc --user 1000:1001 -e A="x y" "$ID" sh -c 'echo $A; pwd; echo $(id -u):$(id -g)'
	expect_status 9 in_guest sh -c 'exit 9'
	expect_status 137 in_guest sh -c 'kill -KILL $$'
	expect_error "exec: 'nothing': executable file not found" in_guest nothing
	assert_eq "$(printf 'one\ntwo' | in_guest cat)" "$(printf 'one\ntwo')" "standard input to its end"
	assert_eq "$(head -c 1000000 /dev/zero | in_guest cat | wc -c)" 1000000 "a megabyte there and back"
	in_guest sh -c 'echo err >&2; echo out' >out 2>err
	assert_eq "$(cat out) $(cat err)" "out err"
	in_guest echo lost 2>err >/dev/full
	assert_match "$(cat err)" '^husk-mon: exec: what it writes to its standard output is lost .*: No space left on device$'
	[ "$(in_guest cat /proc/sys/kernel/random/boot_id)" != "$HOST_BOOT" ] || fail "exec is not in the guest"

	# detached: a process of the host's stands for it
	husk exec -d --pid-file pid "$ID" sh -c 'trap "echo hup >/tmp/hup; exit 0" HUP; touch /tmp/ready; while :; do sleep 0.1; done' </dev/null >/dev/null 2>&1
	wait_for 20 test -e b/rootfs/tmp/ready
	kill -HUP "$(cat pid)"
	wait_for 20 test -e b/rootfs/tmp/hup
	husk exec -d --pid-file pid "$ID" sleep 4242 </dev/null >/dev/null 2>&1
	wait_for 20 has_sleeper
	kill -KILL "$(cat pid)"
	wait_for 20 no_sleeper

	# what a process left behind writes to the same outputs, and exec does not wait for it
	mkfifo b/rootfs/tmp/go
	{
		in_guest sh -c '(read -r x </tmp/go; echo late; yes | head -c 1000000) & echo now; exit 3' || echo $? >status
	} | cat >out &
	local reader=$!
	wait_for 20 test -s status
	assert_eq "$(cat status out)" $'3\nnow'
	in_guest sh -c 'echo go >/tmp/go'
	wait "$reader"
	assert_eq "$(head -n 2 out) $(wc -c <out)" $'now\nlate 1000009' "what came of the background"

	# an input is shared with others, as a container shares it
	seq 2000 >lines
	assert_eq "$({ in_guest sh -c 'read -r a; echo $a'; read -r next; echo "$next"; } <lines)" $'1\n2' "a file and who reads on"
	assert_eq "$({ in_guest true; head -n 1; } <lines)" 1 "a file that was not read"
	# shellcheck disable=SC2002 # a pipe it is to be
	assert_eq "$(cat lines | { in_guest true; in_guest sh -c 'read -r a; echo $a'; wc -l; })" $'1\n1999' "a pipe and who reads on"
	assert_eq "$(seq 50000 | in_guest wc -l)" 50000 "a pipe to its end"

	# exec in a cgroup below the container's
	expect_error "--cgroup|none" husk exec --cgroup none "$ID" true
	expect_error "--preserve-fds 1: a descriptor of the host" husk exec --preserve-fds 1 "$ID" true 3</dev/null

	# the rest
	[ "$(husk ps --format json "$ID" | jq length)" -ge 1 ] || fail "ps lists nothing"
	assert_match "$(husk ps "$ID")" '^PID'
	assert_eq "$(husk events --stats "$ID" | jq -r .type)" stats
	husk update --pids-limit 50 "$ID"
	assert_eq "$(husk events --stats "$ID" | jq .data.pids.limit)" 50 "the limit in the guest"
	mkdir shared
	jq -n --arg t "$T" '[{destination: "/tmp/shared", source: ($t + "/shared"), options: ["bind"]}]' >mounts.json
	husk mounts add "$ID" mounts.json
	in_guest sh -c 'echo there >/tmp/shared/file'
	assert_eq "$(cat shared/file)" there "what was written to an added mount"
	husk mounts remove "$ID" mounts.json
	expect_status 1 in_guest test -e /tmp/shared/file
	expect_error "exists|in use" husk run -b b "$ID"
	expect_error "" husk delete "$ID"
	husk kill "$ID" USR1
	wait_for 20 test -e b/rootfs/tmp/usr1
	if [ -z "$(cgroup2_root)" ]; then
		echo "pause: no cgroup2; " >>"$T/note"
	else
		expect_status 0 husk pause "$ID"
		assert_eq "$(husk state "$ID" | jq -r .status)" paused
		expect_status 0 husk resume "$ID"
	fi
	husk kill "$ID" TERM
	wait_for 30 is_status "$ID" stopped
	assert_eq "$(cat b/rootfs/tmp/term)" term
	expect_error "not running" husk kill "$ID" TERM
	husk delete "$ID"
	assert_nothing_left
}
has_sleeper() { [[ $(in_guest ps) == *"sleep 4242"* ]]; }
no_sleeper() { # what is seen, is seen in there
	local seen
	seen=$(in_guest ps) && [[ $seen == *PID* && $seen != *"sleep 4242"* ]]
}

# type_when TEXT SCREEN: types a line when TEXT is on it, and stays until the status is, or the screen gone.
type_when() {
	: >>"$2"
	while [ -e "$2" ] && ! grep -q "$1" "$2"; do sleep 0.2; done
	printf 'typed\n'
	while [ -e "$2" ] && ! grep -q '^status' "$2"; do sleep 0.2; done
}

# CONTROLLER FILE TEXT: of the jail's cgroup, where this host has the controller.
assert_host_limit() {
	if [ -e "$CGROUP/$2" ]; then
		assert_eq "$(cat "$CGROUP/$2")" "$3" "$2 on the host"
	else
		printf "no %s on this host; " "$1" >>"$T/note"
	fi
}

# The jail is made by create; its machine boots at start.
test_limits_of_the_jail() {
	as_vm
	make_bundle b --arg path "/$ID" '.vm = {"hypervisor": {"path": "/bin/true"}} | .linux.cgroupsPath = $path | .linux.resources = {
		"memory": {"limit": 268435456, "swap": 268435456}, "pids": {"limit": 40},
		"cpu": {"quota": 50000, "period": 200000, "shares": 512, "cpus": "0"}}'
	husk create -b b "$ID" >out 2>&1 </dev/null || fail "create: $(cat out)"
	assert_eq "$(cat out)" "" "what create says"
	if [ -n "$(cgroup2_root)" ]; then
		CGROUP=$(cgroup2_root)/$ID
		# QEMU's emulation takes 128 MiB more
		local beside=160
		[[ $(husk vm info) == *"usable for a kernel: yes"* ]] || beside=288
		assert_host_limit memory memory.max $((beside * 1048576 + 268435456))
		assert_host_limit memory memory.swap.max 0
		assert_host_limit pids pids.max 257
		assert_host_limit cpu cpu.max "50000 200000"
		assert_host_limit cpuset cpuset.cpus 0
	else
		printf "no cgroup2; " >>"$T/note"
	fi
	husk delete --force "$ID"
	# nobody has a cgroup: not a word of limits that the guest has all the same
	expect_status 0 husk --cgroup-manager disabled create -b b "$ID" </dev/null
	assert_eq "$ERR" "" "what create says without cgroups"
	husk delete --force "$ID"
	assert_nothing_left
}

test_limits_in_the_guest_and_their_update() {
	local c
	need_vm
	make_bundle b --arg path "/$ID" '.process.args = ["/bin/sleep", "1000"] | .linux.cgroupsPath = $path
		| .mounts += [{"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["ro"]}]
		| .linux.resources = {"memory": {"limit": 201326592}, "pids": {"limit": 40},
			"cpu": {"quota": 150000, "period": 100000, "cpus": "0", "mems": "0"},
			"blockIO": {"throttleReadBpsDevice": [{"major": 8, "minor": 0, "rate": 1048576}]}}'
	[ ! -e "$(cgroup2_root)/io.stat" ] || config b 'del(.linux.resources.blockIO)'
	husk run -d -b b "$ID" >out 2>err </dev/null || fail "$(cat err)"
	held() { husk exec "$ID" sh -c 'cd /sys/fs/cgroup; echo $(cat memory.max pids.max cpu.max) $(nproc)'; }
	assert_eq "$(held)" "201326592 40 150000 100000 2" "limits in the guest"
	for c in cpuset cpu io memory hugetlb pids; do
		assert_match " $(husk exec "$ID" cat /sys/fs/cgroup/cgroup.controllers) " " $c "
	done
	expect_error "memory.limit: 268435456 bytes: the machine of container '$ID' has 201326592, and gets no more" husk update --memory 256m "$ID"
	husk update --memory 150m --cpu-quota 60000 --cpuset-cpus 0 --pids-limit 50 "$ID"
	assert_eq "$(held)" "157286400 50 60000 100000 2" "limits in the guest after an update"
	CGROUP=$(cgroup2_root)/$ID
	[ ! -d "$CGROUP" ] || assert_host_limit cpu cpu.max "60000 100000"
	# refused by the one, it changes nothing in the other
	if [ -e "$CGROUP/cpuset.cpus" ]; then
		expect_error "cpu.cpus" husk update --memory 140m --pids-limit 60 --cpuset-cpus 4000 "$ID"
		assert_eq "$(held)" "157286400 50 60000 100000 2" "limits in the guest after an update that the host refused"
	fi
	expect_error "memory.swap" husk update --cpu-quota 70000 --memory 140m --memory-swap 130m "$ID"
	assert_eq "$(held)" "157286400 50 60000 100000 2" "limits in the guest after an update that the guest refused"
	[ ! -d "$CGROUP" ] || assert_host_limit cpu cpu.max "60000 100000"
	husk delete --force "$ID"
	assert_nothing_left
}

# Programs of the image's run where the kernel calls for one: an unknown executable makes it run /sbin/modprobe. The
# initrd is unpacked before husk's: its module is loaded, its init is not run.
test_an_image_and_an_initrd() {
	local kernel module
	need_vm
	PATH=$PATH:/usr/sbin:/sbin need mkfs.ext4 busybox
	kernel=$(find /boot -name 'vmlinuz-[0-9]*' | sort -V | tail -n 1)
	module=$(find "/lib/modules/${kernel#/boot/vmlinuz-}" -name 'loop.ko*' | head -n 1)
	[ -n "$module" ] || skip "the kernel has no module 'loop'"
	make_bundle b --arg t "$T" --arg k "$kernel" '.root.readonly = false | .vm = {"kernel": {"path": $k, "initrd": ($t + "/initrd")},
		"image": {"path": ($t + "/image"), "format": "raw"}}'
	mkdir -p i/modules
	cp "$module" "i/modules/zz-$(basename "$module")"
	printf '#!/bin/sh\necho theirs\n' >i/init
	(cd i && find . | busybox cpio -o -H newc 2>/dev/null) | gzip >initrd
	chmod 777 b/rootfs/tmp
	cp -a b/rootfs tree
	rm -f tree/sbin/modprobe
	mkdir -p tree/sbin
	printf '#!/bin/sh\necho "$(cat /marker) $*" >>/run/husk-fs/%s/rootfs/tmp/proof\n' "$ID" >tree/sbin/modprobe
	chmod 755 tree/sbin/modprobe
	echo 'of the image' >tree/marker
	truncate -s 40M image
	PATH=$PATH:/usr/sbin:/sbin mkfs.ext4 -q -d tree image >mkfs 2>&1 || fail "mkfs.ext4: $(cat mkfs)"
	sha256sum image >sum
	container_sh b 'printf "\001\002\003\004" >/tmp/x; chmod 755 /tmp/x; /tmp/x 2>/dev/null; cat /proc/partitions; grep ^loop /proc/modules; cat /marker 2>/dev/null; exit 4'
	run husk run -b b "$ID"
	assert_eq "$STATUS" 4 "status: $ERR"
	assert_match "$OUT" ' vda$'
	assert_match "$OUT" '^loop '
	! grep -q 'of the image' <<<"$OUT" || fail "the container's root is the image"
	assert_match "$(cat b/rootfs/tmp/proof)" '^of the image .*binfmt-'
	sha256sum -c --quiet sum || fail "the image was written"
	# what is none
	truncate -s 1M empty
	config b --arg t "$T" '.vm.image.path = $t + "/empty"'
	expect_error "vm.image: mount it as one of .*ext4" husk run -b b "$ID"
	chmod 600 empty
	expect_error "vm.image.path: '.*empty': expected a file that everybody may read" husk run -b b "$ID"
	config b --arg t "$T" '.vm.image.path = $t'
	expect_error "vm.image.path: '$T' is no regular file" husk run -b b "$ID"
	echo text >initrd
	config b 'del(.vm.image)'
	expect_error "initrd: '$T/initrd' is no initramfs" husk run -b b "$ID"
	assert_nothing_left
}

# As ./bootstrap unpacks one: the kernel packed with zstd, modules with xz, and most of what a guest needs built in.
test_a_kernel_of_another_series() {
	local kernel version
	need_vm
	kernel=$(find /var/cache/husk-kernels -path '*/boot/vmlinuz-*' 2>/dev/null | sort -V | tail -n 1)
	[ -n "$kernel" ] || skip "no kernel below /var/cache/husk-kernels (./bootstrap deps unpacks one)"
	version=${kernel##*/vmlinuz-}
	expect_status 0 "$HUSK" vm prepare --modules "${kernel%/boot/*}/lib/modules/$version" "$kernel"
	make_bundle b --arg k "$kernel" '.root.readonly = false | .vm = {kernel: {path: $k}}
		| .linux.resources = {memory: {limit: 268435456}, pids: {limit: 40}}'
	container_sh b 'uname -r; grep -c " virtiofs " /proc/self/mounts; trap "exit 3" TERM; while :; do sleep 0.1; done'
	husk run -d -b b "$ID" >out 2>err </dev/null || fail "$(cat err)"
	wait_for 20 sh -c '[ "$(wc -l <out)" = 2 ]'
	assert_eq "$(head -n 1 out)" "$version"
	assert_eq "$(head -c 300000 /dev/zero | husk exec "$ID" sh -c 'cat >/tmp/x; wc -c </tmp/x') $(stat -c %s b/rootfs/tmp/x)" "300000 300000"
	expect_status 9 husk exec --user 1000 "$ID" sh -c 'exit 9'
	husk update --pids-limit 50 --memory 200m "$ID"
	assert_eq "$(husk events --stats "$ID" | jq -c '[.data.pids.limit, .data.memory.usage.limit]')" "[50,209715200]" "limits in the guest"
	husk kill "$ID" TERM
	wait_for 30 is_status "$ID" stopped
	husk delete "$ID"
	assert_nothing_left
}

test_a_terminal() {
	need_vm
	need script
	make_bundle b '.process.terminal = true'
	container_sh b 'stty size; tty; echo $(read x; echo got $x); exit 5'
	mkfifo keys # an end of them would be typed, too
	script -qec "stty rows 33 cols 77; $HUSK --root $ROOT $HUSK_FLAGS run -b b $ID; echo status \$?" /dev/null <keys >out 2>&1 &
	exec 7>keys
	sleep 1
	printf 'typed\n' >&7
	wait_for 300 grep -q 'status' out
	exec 7>&-
	assert_match "$(tr -d '\r' <out)" '^33 77$'
	assert_match "$(tr -d '\r' <out)" '^/dev/pts/0$'
	assert_match "$(tr -d '\r' <out)" '^got typed$'
	assert_match "$(tr -d '\r' <out)" '^status 5$'
	assert_nothing_left
}

test_an_output_that_nobody_reads() {
	need_vm
	make_bundle b '.process.user = {"uid": 1000, "gid": 1000}'
	container_sh b 'echo first >/dev/stdout; yes; echo $? >&2'
	(husk run -b b "$ID" 2>err || true) | head -n 1 >first
	assert_eq "$(cat first)" first "the line that was read"
	assert_eq "$(cat err)" 141 "status of its writer"
	assert_nothing_left
}

test_which_wall() {
	need_vm
	make_bundle b
	container_sh b 'cat /proc/sys/kernel/random/boot_id'
	# plain by annotation, although called as husk-vm; a pod's pause container, too
	config b '.annotations = {"io.husk.isolation": "container"}'
	expect_output "$HOST_BOOT" husk run -b b "$ID"
	config b '.annotations = {"io.kubernetes.cri.container-type": "sandbox"}'
	expect_output "$HOST_BOOT" husk run -b b "$ID"
	HUSK=$BUILT
	config b '.annotations = {}'
	expect_output "$HOST_BOOT" husk run -b b "$ID"
	assert_eq "$(husk features | jq -r '.annotations["io.husk.isolation"]')" container
	assert_eq "$("$T/husk-vm" features | jq -r '.annotations["io.husk.isolation"]')" vm
	assert_eq "$(husk_with '{"isolation": "vm"}' features | jq -r '.annotations["io.husk.isolation"]')" vm
	config b '.annotations = {"run.oci.handler": "krun"}'
	expect_status 0 husk run -b b "$ID"
	[ "$OUT" != "$HOST_BOOT" ] || fail "the annotation made no VM"
}

# Engines make it, and look for it by the pid.
test_a_network_namespace_by_path() {
	local other
	need_vm
	unshare -n sleep 1000 &
	other=$!
	wait_for 60 has_other_network "$other"
	make_bundle b --arg path "/proc/$other/ns/net" \
		'.linux.namespaces = [.linux.namespaces[] | select(.type != "network")] + [{"type": "network", "path": $path}] |
		.process.args = ["/bin/sleep", "1000"]'
	husk create -b b "$ID" >/dev/null 2>&1 </dev/null
	assert_eq "$(readlink "/proc/$(husk state "$ID" | jq .pid)/ns/net")" "$(readlink "/proc/$other/ns/net")" "the jail's network"
	husk start "$ID"
	assert_eq "$(readlink "/proc/$(child_of qemu)/ns/net")" "$(readlink "/proc/$other/ns/net")" "the hypervisor's network"
	husk delete --force "$ID"
	kill "$other"
	wait "$other" || true
	assert_nothing_left
}
has_other_network() { [ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]; } # PID

test_what_cannot_be_had() {
	need_vm
	make_bundle b
	mkfifo b/fifo
	expect_error "--preserve-fds 1: a descriptor of the host" husk run --preserve-fds 1 -b b "$ID" 3</dev/null
	config b '.mounts += [{"destination": "/f", "type": "bind", "source": "fifo", "options": ["bind"]}]'
	expect_error "mounts\\[[0-9]+\\]: source '.*fifo': a FIFO of the host cannot enter a VM" husk run -b b "$ID"
	config b 'del(.mounts[-1]) | .vm = {"kernel": {"path": "/no/kernel"}}'
	expect_error "/no/kernel" husk run -b b "$ID"
	echo 'no kernel at all' >none
	config b --arg k "$T/none" '.vm = {"kernel": {"path": $k}}'
	expect_error "none" husk run -b b "$ID"
	config b '.vm = {"hypervisor": {"path": "/no/qemu"}}'
	expect_error "vm.hypervisor.path: '/no/qemu'" husk run -b b "$ID"
	config b 'del(.vm)'
	expect_error "no QEMU: expected '/usr/bin/qemu-system-x86_64' .*install" unshare -m --propagation private sh -c \
		'mount --bind /dev/null /usr/bin/qemu-system-x86_64 && exec "$@"' sh "$HUSK" --root "$ROOT" run -b b "$ID"
	config b '.vm = {"image": {"path": "/i", "format": "qcow2"}}'
	expect_error "vm.image.format: 'qcow2'" husk run -b b "$ID"
	config b 'del(.vm) | .linux.resources.memory.limit = 1048576'
	expect_error "linux.resources.memory.limit: 1048576 bytes: a VM needs" husk run -b b "$ID"
	assert_nothing_left
}

# What stands in QEMU's place prints what it can reach; as it ends at once, that comes with the error.
test_what_the_hypervisor_can_reach() {
	need_vm
	make_bundle b '.mounts += [{"destination": "/s", "type": "bind", "source": $t, "options": ["rbind"]}] | .vm = {"hypervisor": {"path": $p}}' --arg t "$T" --arg p "$T/probe"
	cat >probe <<-END
		#!/bin/sh
		cd /proc/self/fd && set -- * && echo "fds \$*"
		echo "ids \$(id -u):\$(id -g) caps \$(grep -h Cap /proc/self/status | tr -d '\n\t')"
		cd /proc && echo "pids" [0-9]* "nnp \$(grep NoNewPrivs /proc/self/status | tr -d '\n\t')"
		echo "root" /* "mounts" \$(cut -d ' ' -f 5 /proc/self/mountinfo | sort -u) "export \$(cat /export/$ID/rootfs/etc/passwd 2>&1)"
		exit 1
	END
	chmod 755 probe
	local host=
	host=$(sleep 0.1 & echo $!)
	run husk run -b b "$ID"
	assert_eq "$STATUS" 1
	# 0, 1, 2, the agent's channel, and what the shell has the script and the directory open by
	assert_match "$ERR" 'fds 0 1 10 2 3( 4)?\|'
	assert_match "$ERR" 'ids 65534:65534 caps CapInh:0000000000000000CapPrm:0000000000000000CapEff:0000000000000000CapBnd:[0-9a-f]*CapAmb:0000000000000000'
	assert_match "$ERR" 'pids 1 2( [0-9])* nnp NoNewPrivs:1'
	assert_match "$ERR" 'root /added /bin /dev /export /lib( /lib64)? /proc /run /sbin /usr /vm mounts'
	assert_match "$ERR" "mounts / /bin /dev( /dev/kvm)? /dev/pts /export /export/$ID/added /export/$ID/mounts/[0-9]+ /export/$ID/rootfs /lib( /lib64)? /proc /run /sbin /usr /vm /vm/husk-fsd /vm/husk-mon /vm/husk-net /vm/hypervisor /vm/initrd /vm/kernel export"
	assert_match "$ERR" 'export cat: .*Permission denied'
	! grep -q "pids.* $host " <<<"$ERR" || fail "it sees the host's processes"
	assert_nothing_left
}

# What is no machine: a clear error, in time.
test_a_hypervisor_that_ends_or_is_silent() {
	need_vm
	make_bundle b '.vm = {"hypervisor": {"path": "/bin/true"}}'
	expect_error "the VM did not start: the machine powered off or was reset before the container ran" husk run -b b "$ID"
	config b '.vm = {"hypervisor": {"path": "/bin/false"}}'
	expect_error "the hypervisor '/bin/false' ended with status 1" husk run -b b "$ID"
	printf '#!/bin/sh\necho waiting\nexec sleep 1000\n' >silent
	printf '#!/bin/sh\nhead -c 100000 /dev/urandom >&3\nexec sleep 1000\n' >babble
	chmod 755 silent babble
	config b --arg p "$T/silent" '.vm = {"hypervisor": {"path": $p}}'
	local began=$SECONDS
	expect_error "the agent said nothing within 2000 ms.*waiting" husk_with '{"vm": {"bootSeconds": 2}}' run -b b "$ID"
	[ $((SECONDS - began)) -lt 120 ] || fail "it took $((SECONDS - began)) s"
	config b --arg p "$T/babble" '.vm = {"hypervisor": {"path": $p}}'
	expect_error "the VM did not start: .*(agent sent|flags|bytes)" husk run -b b "$ID"
	# start tells it as well, and delete --force cleans the wreck
	husk create -b b "$ID" >/dev/null 2>&1 </dev/null
	expect_error "the VM did not start" husk start "$ID"
	husk delete --force "$ID"
	assert_nothing_left
}

# fd N of the jail's processes: the pid on the host of the child of husk-mon with this name
child_of() { pgrep -P "$(husk state "$ID" | jq .pid)" "$1"; }

start_sleeper() {
	make_bundle b '.process.args = ["/bin/sleep", "1000"]'
	husk run -d -b b "$ID" >out 2>err </dev/null
}

test_a_machine_that_is_killed() {
	need_vm
	start_sleeper
	husk exec "$ID" sleep 1000 >exec.out 2>&1 </dev/null &
	local exec_pid=$! status=0
	sleep 1
	kill -KILL "$(child_of qemu)"
	wait_for 15 is_status "$ID" stopped
	assert_match "$(cat err)" "husk-mon: the VM failed: the hypervisor .* was killed by signal 9"
	wait "$exec_pid" || status=$?
	[ "$status" != 0 ] || fail "exec ended with 0"
	expect_error "not running" husk exec "$ID" true
	husk delete "$ID"
	assert_nothing_left
}

test_a_file_server_that_is_killed() {
	need_vm
	start_sleeper
	kill -KILL "$(child_of husk-fsd)"
	wait_for 15 is_status "$ID" stopped
	assert_match "$(cat err)" "husk-mon: the VM failed: the file server was killed by signal 9"
	husk delete --force "$ID"
	assert_nothing_left
}

test_a_guest_that_panics() {
	need_vm
	make_bundle b 'del(.linux.readonlyPaths) | del(.linux.maskedPaths)
		| .mounts |= map(if .destination == "/proc" then .options = ["rw"] else . end)'
	container_sh b 'echo before; echo c >/proc/sysrq-trigger; sleep 1000'
	run husk run -b b "$ID"
	assert_eq "$STATUS $OUT" "125 before"
	assert_match "$ERR" "husk-mon: the VM failed: the machine powered off or was reset while the container ran"
	assert_match "$ERR" "sysrq triggered crash"
	assert_nothing_left
}

# Podman's settings, with husk-vm as a runtime.
podman_conf() {
	cat >containers.conf <<-END
		[containers]
		log_driver = "k8s-file"
		[engine]
		runtime_supports_json = ["husk-vm", "husk"]
		runtime_supports_nocgroup = ["husk-vm", "husk"]
		cgroup_manager = "cgroupfs"
		events_logger = "file"
		lock_type = "file"
		[engine.runtimes]
		husk-vm = ["$HUSK"]
		husk = ["$BUILT"]
	END
}

test_podman() {
	need_vm
	need podman
	local conf=(--root "$T/podman" --runroot "$T/podman-run" --storage-driver vfs --runtime husk-vm)
	make_bundle b
	export CONTAINERS_CONF=$T/containers.conf
	podman_conf
	expect_status 3 podman "${conf[@]}" run --rm --cgroups=disabled --network none --rootfs "$T/b/rootfs" sh -c 'cat /proc/sys/kernel/random/boot_id; exit 3'
	[ "$OUT" != "$HOST_BOOT" ] || fail "Podman's container is no VM: $OUT"
	# one by an annotation, beside plain ones
	conf[-1]=husk
	# it begins at once, and what it writes before conmon has seen that somebody is attached is lost: a line is awaited
	plain() {
		podman "${conf[@]}" run --rm --interactive --cgroups=disabled --network none --ulimit nofile=99:99 --ulimit nproc=1000:1000 \
			--rootfs "$T/b/rootfs" sh -c 'read -r go; cat /proc/sys/kernel/random/boot_id' <<<go
	}
	expect_output "$HOST_BOOT" plain
	expect_status 0 podman "${conf[@]}" run --rm --cgroups=disabled --network none --annotation run.oci.handler=vm --rootfs "$T/b/rootfs" cat /proc/sys/kernel/random/boot_id
	[ "$OUT" != "$HOST_BOOT" ] || fail "Podman's annotation made no VM: $OUT"
	conf[-1]=husk-vm
	podman "${conf[@]}" run -d --name "$ID" --cgroups=disabled --network none -v "$T/b:/vol:ro" --user 1000 --rootfs "$T/b/rootfs" sh -c 'trap "exit 4" TERM; trap "echo usr1" USR1; echo up $(id -u) $(ls /vol); while :; do sleep 0.1; done' >/dev/null
	wait_for 60 podman_says "up 1000 config.json rootfs" "${conf[@]}"
	assert_eq "$(podman "${conf[@]}" exec "$ID" sh -c 'echo exec $(id -u)')" "exec 1000"
	podman "${conf[@]}" kill --signal USR1 "$ID" >/dev/null
	wait_for 60 podman_says usr1 "${conf[@]}"
	podman "${conf[@]}" stop -t 120 "$ID" >/dev/null
	assert_eq "$(podman "${conf[@]}" inspect "$ID" | jq '.[0].State.ExitCode')" 4
	podman "${conf[@]}" rm -f "$ID" >/dev/null
	# shellcheck disable=SC2094
	type_when ready screen | script -qec "podman ${conf[*]} run --rm -it --cgroups=disabled --network none --rootfs $T/b/rootfs sh -c 'echo ready; read x; echo got \$x; tty'; echo status \$?" /dev/null >screen 2>&1 &
	wait_for 300 grep -q '^status' screen
	wait # who types looks at the screen once more
	assert_match "$(tr -d '\r' <screen)" '^got typed$'
	assert_match "$(tr -d '\r' <screen)" '^status 0$'
}
podman_says() { [[ $(podman "${@:2}" logs "$ID" 2>&1) == *"$1"* ]]; } # TEXT OPTION...

# In a user namespace of one id: the jail's programs and the guest's files are the user's.
test_an_ordinary_user() {
	need_vm
	ls /boot/vmlinuz-* >/dev/null
	make_bundle b '.root.readonly = false | .mounts |= map(select(.destination != "/sys"))
		| .mounts += [{"destination": "/vol", "type": "bind", "source": "vol", "options": ["bind", "ro"]}]
		| .linux.namespaces += [{"type": "network"}]'
	mkdir b/vol
	echo outside >b/vol/file
	container_sh b 'cat /proc/sys/kernel/random/boot_id; id -u; cat /vol/file; echo no 2>/dev/null >/vol/new || echo readonly; echo in >/tmp/new; grep CapEff /proc/self/status; cat; exit 6'
	local status=0
	echo typed | husk run -b b "$ID" >out 2>err || status=$?
	assert_eq "$status" 6 "status: $(cat err)"
	assert_eq "$(cat err)" "" "standard error"
	[ "$(sed -n 1p out)" != "$HOST_BOOT" ] || fail "it ran on the host's kernel"
	assert_eq "$(sed -n '2,$p' out | grep -v CapEff)" "0
outside
readonly
typed"
	assert_eq "$(cat b/rootfs/tmp/new) $(stat -c %u b/rootfs/tmp/new)" "in $(id -u)" "a file that the guest made"
	# in the background
	config b '.process.args = ["/bin/sleep", "1000"]'
	husk run -d -b b "$ID" >out 2>err </dev/null || fail "$(cat err)"
	assert_eq "$(husk exec "$ID" sh -c 'echo $$ >/tmp/pid; id -u')" 0
	# another mount
	jq -n --arg t "$T" '[{destination: "/tmp/m", source: ($t + "/b/vol"), options: ["bind", "ro"]},
		{destination: "/tmp/m/file", source: ($t + "/err"), options: ["bind"]}]' >m.json
	husk mounts add "$ID" m.json
	assert_eq "$(husk exec "$ID" sh -c 'echo mine >/tmp/m/file; echo no 2>/dev/null >/tmp/m/new || echo readonly')$(cat err)" readonlymine
	husk mounts remove "$ID" m.json
	expect_status 1 husk exec "$ID" test -e /tmp/m/file
	local qemu
	qemu=$(pgrep -P "$(husk state "$ID" | jq .pid)" qemu)
	assert_eq "$(awk '/^Cap(Prm|Eff):/ { print $2 }' "/proc/$qemu/status" | sort -u)" 0000000000000000 "the hypervisor's capabilities"
	husk kill "$ID" KILL
	wait_for 20 is_status "$ID" stopped
	husk delete "$ID"
	assert_nothing_left
}

# Its /dev/kvm may not be everybody's: then QEMU, which is nobody in a namespace of many ids, cannot have it.
test_kvm_that_qemu_may_not_open() {
	need_vm
	need newuidmap setpriv
	id "$HUSK_TEST_USER" >/dev/null 2>&1 || skip "no user '$HUSK_TEST_USER'"
	[[ $(husk vm info) == *"usable for a kernel: yes"* ]] || skip "no KVM that a kernel can use"
	local uid subuid
	uid=$(id -u "$HUSK_TEST_USER")
	subuid=$(awk -F: -v u="$HUSK_TEST_USER" '$1 == u && $3 >= 65536 { print $2; exit }' /etc/subuid)
	[ -n "$subuid" ] || skip "user '$HUSK_TEST_USER' has no subordinate ids"
	mkdir dev
	mount -t tmpfs -o dev tmpfs dev
	mknod -m 600 dev/kvm c 10 232
	chown "$uid" dev/kvm
	mount --bind dev/kvm /dev/kvm
	make_bundle b --argjson uid "$uid" --argjson gid "$(id -g "$HUSK_TEST_USER")" --argjson sub "$subuid" '
		.linux.namespaces += [{"type": "user"}] | .mounts |= map(select(.destination != "/sys"))
		| .linux.uidMappings = [{"containerID": 0, "hostID": $uid, "size": 1}, {"containerID": 1, "hostID": $sub, "size": 65535}]
		| .linux.gidMappings = [{"containerID": 0, "hostID": $gid, "size": 1}, {"containerID": 1, "hostID": $sub, "size": 65535}]'
	chmod 755 "$T"
	chown -R "$uid" b
	as_husk() { as_user "$HUSK" --root "$T/home/state" --cgroup-manager disabled "$@"; }
	[[ $(as_husk vm info) == *"usable for a kernel: yes"* ]] || skip "a KVM that is now and then too slow: $(as_husk vm info | grep '^kvm')"
	warned() { # a busy machine may find KVM too slow, and say nothing
		run as_husk create -b b "$ID"
		[ "$STATUS" != 0 ] || as_husk delete --force "$ID"
		[[ $STATUS = 0 && $ERR == *"warning: /dev/kvm: its mode 0600 keeps out user 65534 "*": emulating"* ]]
	}
	wait_for 60 warned
	chmod 666 dev/kvm
	run as_husk create -b b "$ID"
	assert_eq "$STATUS $ERR" "0 "
	as_husk delete --force "$ID"
	umount /dev/kvm dev
}

# In the user namespace that Podman makes, of many ids.
test_an_ordinary_users_podman() {
	need_vm
	need podman newuidmap
	grep -q "^$(id -un):" /etc/subuid || skip "this user has no subordinate ids"
	make_bundle b
	export CONTAINERS_CONF=$T/containers.conf
	podman_conf
	local runroot
	runroot=$(mktemp -d /tmp/husk-pod.XXXXXX) # Podman refuses one of more than 50 characters
	# shellcheck disable=SC2064 # the path as it is now
	trap "podman unshare rm -rf $runroot; podman system migrate >/dev/null 2>&1" EXIT
	expect_status 3 podman --root "$T/podman" --runroot "$runroot" --storage-driver vfs --runtime husk-vm run --rm --cgroups=disabled --network none \
		--rootfs "$T/b/rootfs" sh -c 'cat /proc/sys/kernel/random/boot_id; id -u; touch /tmp/x; chown 33 /tmp/x; stat -c %u /tmp/x; exit 3'
	[ "$(head -n 1 <<<"$OUT")" != "$HOST_BOOT" ] || fail "Podman's container is no VM: $OUT"
	assert_eq "$(sed -n '2,$p' <<<"$OUT")" "0
33"
	[ "$(stat -c %u b/rootfs/tmp/x)" -gt "$(id -u)" ] || fail "the file is $(stat -c %u b/rootfs/tmp/x)'s"
	podman unshare rm -rf "$T/b/rootfs/tmp/x" "$T/podman"
}

run_tests "$@"
