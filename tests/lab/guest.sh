#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# guest.sh: the smallest lab. Boots Debian's stock cloud kernel under QEMU's TCG with an
# initramfs of busybox, husk and a bundle, where cgroup2 has all controllers, and has
# guest-init.sh run containers in it.
#
# Prints the guest's "ok NAME" and "not ok NAME: reason" lines; ends with 0 when all
# are ok, 77 with a reason when this machine lacks something, else 1 with the console's
# tail. Settings (environment):
#   HUSK           the runtime to test (the top build directory's); another OCI runtime will do
#   GUEST_LSM      a security module to boot with, whose labels are tested in place of
#                  the rest: apparmor, selinux (none)
#   GUEST_KERNEL   its kernel          (the newest /boot/vmlinuz-*-cloud-amd64)
#   GUEST_SECONDS  time limit          (300)
#   GUEST_MEMORY   MiB                 (512)
set -euo pipefail

srcdir=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
: "${HUSK_TOP_BUILDDIR:=$(cd "$srcdir/../.." && pwd)}" "${HUSK:=$HUSK_TOP_BUILDDIR/husk}"
: "${GUEST_LSM:=}" "${GUEST_KERNEL:=}" "${GUEST_SECONDS:=300}" "${GUEST_MEMORY:=512}"

skip() {
	printf 'guest: %s\n' "$*" >&2
	exit 77
}

need_program() { # PROGRAM PACKAGE
	command -v "$1" >/dev/null || skip "no program '$1' on this machine (package $2)"
}

check_machine() {
	local program
	[ "$(uname -m)" = x86_64 ] || skip "the guest is for x86_64"
	for program in qemu-system-x86_64 cpio jq busybox timeout; do
		command -v "$program" >/dev/null || skip "no program '$program' on this machine"
	done
	case "$GUEST_LSM" in
	'') ;;
	apparmor) need_program apparmor_parser apparmor ;;
	selinux) need_program checkpolicy checkpolicy ;;
	*) skip "no test of a security module '$GUEST_LSM'" ;;
	esac
	[ -n "$GUEST_KERNEL" ] || GUEST_KERNEL=$(find /boot -name 'vmlinuz-*-cloud-amd64' | sort -V | tail -n 1)
	[ -r "$GUEST_KERNEL" ] || skip "no readable cloud kernel '${GUEST_KERNEL:-/boot/vmlinuz-*-cloud-amd64}' (package linux-image-cloud-amd64)"
}

# install_program FILE TARGET: with the libraries of a dynamic program, such as a sanitizer build.
install_program() {
	local lib
	install -D -m 755 "$1" "$tree$2"
	(ldd "$1" 2>/dev/null | grep -oE '/[^ ]+' || true) | while read -r lib; do
		[ -e "$tree$lib" ] || install -D -m 755 "$lib" "$tree$lib"
	done
}

make_tree() {
	local busybox name
	busybox=$(command -v busybox)
	mkdir -p "$tree"/{bin,dev,proc,sys,run,tmp,new,lib} "$tree"/bundle/rootfs/{bin,dev,etc,proc,sys,tmp}
	cp "$busybox" "$tree/bin/busybox"
	cp "$busybox" "$tree/bundle/rootfs/bin/busybox"
	while read -r name; do
		[ "$name" != busybox ] || continue
		ln -s busybox "$tree/bin/$name"
		ln -s busybox "$tree/bundle/rootfs/bin/$name"
	done < <("$busybox" --list)
	install_program "$(realpath "$(command -v "$HUSK")")" /bin/husk
	install -m 755 "$srcdir/guest-init.sh" "$tree/init"
	install -m 644 "$srcdir/guest-lsm.sh" "$tree/lsm.sh"
	(cd "$tree/bundle" && "$HUSK" spec)
	jq '.process.terminal = false | .hostname = "inner" | del(.linux.resources)' "$tree/bundle/config.json" >"$work/config.json"
	mv "$work/config.json" "$tree/bundle/config.json"
	case "$GUEST_LSM" in
	apparmor) make_apparmor ;;
	selinux) make_selinux ;;
	*) make_bundles ;;
	esac
}

make_bundles() {
	# one bundle a program; the rootfs is shared
	# shellcheck disable=SC2016 # the container's shell expands it
	bundle print '["/bin/sh", "-c", "echo pid $$ host $(hostname) cgroup $(cat /proc/self/cgroup)"]'
	bundle fail '["/bin/sh", "-c", "exit 7"]'
	bundle stay '["/bin/sleep", "1000"]'
	# shellcheck disable=SC2016 # $map is jq's
	bundle stay-user '["/bin/sleep", "1000"]' '[{containerID: 0, hostID: 0, size: 65536}] as $map |
		.linux.uidMappings = $map | .linux.gidMappings = $map | .linux.namespaces += [{type: "user"}]'
	bundle one '["/bin/sleep", "1000"]' '.linux.resources.pids.limit = 1'
	bundle one-tracer '["/bin/sleep", "1000"]' '.linux.resources.pids.limit = 1 |
		.process.capabilities |= map_values(. + ["CAP_SYS_PTRACE"])'
	bundle one-joined '["/bin/sleep", "1000"]' '.linux.resources.pids.limit = 1 |
		.linux.namespaces += [{type: "user", path: "/run/user-namespace"}]'
	make_user
}

# An ordinary user of the guest, with one id, and his container in a cgroup that was delegated to him.
make_user() {
	mkdir "$tree/etc" "$tree/bundle-user"
	printf 'root:x:0:0::/:/bin/sh\nuser:x:1000:1000::/:/bin/sh\n' >"$tree/etc/passwd"
	printf 'root:x:0:\nuser:x:1000:\n' >"$tree/etc/group"
	"$HUSK" spec --rootless --bundle "$work"
	jq '.process.terminal = false | .process.args = ["/bin/sleep", "1000"] | .root.path = "/bundle/rootfs" |
		.linux.uidMappings[0].hostID = 1000 | .linux.gidMappings[0].hostID = 1000 | .linux.cgroupsPath = "/guest-user/c" |
		.linux.resources = {pids: {limit: 33}, memory: {limit: 33554432}, cpu: {quota: 50000, period: 100000}}' \
		"$work/config.json" >"$tree/bundle-user/config.json"
	rm "$work/config.json"
}

bundle() { # NAME ARGS [FILTER]: /bundle-NAME with the same rootfs; jq's FILTER changes it
	mkdir "$tree/bundle-$1"
	jq --argjson args "$2" '.process.args = $args | .root.path = "/bundle/rootfs" | '"${3:-.}" "$tree/bundle/config.json" \
		>"$tree/bundle-$1/config.json"
}

# shellcheck disable=SC2016 # $names are jq's and the container's shell's
make_apparmor() {
	local show='["/bin/sh", "-c", "cat /proc/self/attr/current; cat /etc/secret 2>&1; true"]' label userns
	label='.process.apparmorProfile = "husk-guest"'
	userns="$label"' | [{containerID: 0, hostID: 0, size: 65536}] as $map | .linux.uidMappings = $map |
		.linux.gidMappings = $map | .linux.namespaces += [{type: "user"}]'
	apparmor_parser -S -K "$srcdir/guest.apparmor" >"$tree/apparmor.bin" 2>"$work/parser.log" || skip "apparmor_parser: $(cat "$work/parser.log")"
	echo secret >"$tree/bundle/rootfs/etc/secret"
	bundle plain "$show"
	bundle label "$show" "$label"
	bundle label-nnp "$show" "$label | .process.noNewPrivileges = false"
	bundle label-userns "$show" "$userns"
	bundle label-filter "$show" "$label | .process.noNewPrivileges = false | .linux.seccomp = {
		defaultAction: \"SCMP_ACT_ALLOW\", syscalls: [{names: [\"openat2\"], action: \"SCMP_ACT_ERRNO\"}]}"
	bundle unconfined "$show" '.process.apparmorProfile = "unconfined"'
	bundle noexec '["/bin/sh", "-c", "read -r line </proc/self/attr/current; echo $line; /bin/ls 2>&1; true"]' \
		'.process.apparmorProfile = "husk-noexec"'
	bundle hook '["/bin/cat", "/tmp/hook"]' "$label | .hooks.startContainer = [{path: \"/bin/sh\",
		args: [\"sh\", \"-c\", \"cat /proc/self/attr/current >/tmp/hook\"]}] | .root.readonly = false"
	bundle absent '["/bin/true"]' '.process.apparmorProfile = "no-such"'
	bundle other-module '["/bin/true"]' '.process.selinuxLabel = "u:r:t"'
	bundle stay-label '["/bin/sleep", "1000"]' "$label"
	jq '.process | .args = ["cat", "/proc/self/attr/current"]' "$tree/bundle/config.json" >"$tree/bundle-stay-label/exec.json"
	bundle stay-userns '["/bin/sleep", "1000"]' "$userns"
}

# shellcheck disable=SC2016 # the container's shell expands it
make_selinux() {
	local show='["/bin/sh", "-c", "echo $(tr -d \\\\0 </proc/self/attr/current); echo secret >/mnt/f && echo written; cat /mnt/f 2>&1; ls -d /dev/mqueue/. 2>&1; ls /dev/mqueue 2>&1; true"]'
	local label='.process.selinuxLabel = "husk_u:husk_r:inner_t"' mount
	mount='.linux.mountLabel = "husk_u:object_r:mounted_t" |
		.mounts += [{destination: "/mnt", type: "tmpfs", source: "tmpfs"}]'
	checkpolicy -c 33 -U allow -o "$tree/selinux.bin" "$srcdir/guest.selinux" >"$work/policy.log" 2>&1 || skip "checkpolicy: $(cat "$work/policy.log")"
	mkdir "$tree/bundle/rootfs/mnt"
	bundle plain "$show" "$mount"
	bundle label "$show" "$label | $mount"
	bundle label-nnp "$show" "$label | $mount | .process.noNewPrivileges = false"
	bundle mounts '["/bin/cat", "/proc/self/mountinfo"]' "$mount"
	bundle context '["/bin/cat", "/proc/self/mountinfo"]' \
		"$mount | .annotations = {\"run.oci.mount_context_type\": \"rootcontext\"}"
	bundle absent '["/bin/true"]' '.process.selinuxLabel = "husk_u:husk_r:no_t"'
	bundle other-module '["/bin/true"]' '.process.apparmorProfile = "p"'
	bundle stay-label '["/bin/sleep", "1000"]' "$label"
}

boot() {
	local lsm=''
	case "$GUEST_LSM" in
	apparmor) lsm=" apparmor=1 security=apparmor" ;;
	selinux) lsm=" selinux=1 security=selinux" ;;
	esac
	timeout --foreground -k 2 "$GUEST_SECONDS" qemu-system-x86_64 -nodefaults -no-user-config -display none -no-reboot \
		-machine q35,smm=off,vmport=off,hpet=off,sata=off -accel tcg -cpu max,-la57 -smp 1 -m "$GUEST_MEMORY" -nic none \
		-kernel "$GUEST_KERNEL" -initrd "$work/initrd" -serial "file:$work/console" \
		-append "console=ttyS0 quiet panic=-1 mitigations=off nokaslr tsc=reliable no_timer_check audit=0 cgroup_no_v1=all$lsm" \
		</dev/null >"$work/qemu.log" 2>&1
}

main() {
	local status=0
	check_machine
	command -v "$HUSK" >/dev/null || {
		echo "guest: no runtime '$HUSK': build first, or set HUSK" >&2
		exit 1
	}
	work=$(mktemp -d "${TMPDIR:-/tmp}/husk-guest.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	tree=$work/tree
	make_tree
	(cd "$tree" && find . | cpio --quiet -o -H newc) >"$work/initrd"
	boot || status=$?
	touch "$work/console"
	tr -d '\r' <"$work/console" | sed -nE 's/^GUEST ((not )?ok .*)/\1/p'
	if [ "$status" = 0 ] && grep -q '^GUEST done' "$work/console" && ! grep -q '^GUEST not ok' "$work/console"; then
		exit 0
	fi
	if [ "$status" = 124 ]; then
		echo "not ok boot: no end within $GUEST_SECONDS s"
	elif ! grep -q '^GUEST done' "$work/console"; then
		echo "not ok boot: the guest ended before its last check (QEMU's status $status)"
	fi
	{ cat "$work/qemu.log" && tail -n 30 "$work/console"; } >&2
	exit 1
}

main "$@"
