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
#   GUEST_KERNEL   its kernel          (the newest /boot/vmlinuz-*-cloud-amd64)
#   GUEST_SECONDS  time limit          (50)
#   GUEST_MEMORY   MiB                 (512)
set -euo pipefail

srcdir=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
: "${HUSK_TOP_BUILDDIR:=$(cd "$srcdir/../.." && pwd)}" "${HUSK:=$HUSK_TOP_BUILDDIR/husk}"
: "${GUEST_KERNEL:=}" "${GUEST_SECONDS:=50}" "${GUEST_MEMORY:=512}"

skip() {
	printf 'guest: %s\n' "$*" >&2
	exit 77
}

check_machine() {
	local program
	[ "$(uname -m)" = x86_64 ] || skip "the guest is for x86_64"
	for program in qemu-system-x86_64 cpio jq busybox timeout; do
		command -v "$program" >/dev/null || skip "no program '$program' on this machine"
	done
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
	(cd "$tree/bundle" && "$HUSK" spec)
	jq '.process.terminal = false | .hostname = "inner" | del(.linux.resources)' "$tree/bundle/config.json" >"$work/config.json"
	mv "$work/config.json" "$tree/bundle/config.json"
	# one bundle a program; the rootfs is shared
	# shellcheck disable=SC2016 # the container's shell expands it
	bundle print '["/bin/sh", "-c", "echo pid $$ host $(hostname) cgroup $(cat /proc/self/cgroup)"]'
	bundle fail '["/bin/sh", "-c", "exit 7"]'
	bundle stay '["/bin/sleep", "1000"]'
}

bundle() { # NAME ARGS: /bundle-NAME with the same rootfs
	mkdir "$tree/bundle-$1"
	jq --argjson args "$2" '.process.args = $args | .root.path = "/bundle/rootfs"' "$tree/bundle/config.json" \
		>"$tree/bundle-$1/config.json"
}

boot() {
	timeout --foreground -k 2 "$GUEST_SECONDS" qemu-system-x86_64 -nodefaults -no-user-config -display none -no-reboot \
		-machine q35,smm=off,vmport=off,hpet=off,sata=off -accel tcg -cpu max,-la57 -smp 1 -m "$GUEST_MEMORY" -nic none \
		-kernel "$GUEST_KERNEL" -initrd "$work/initrd" -serial "file:$work/console" \
		-append "console=ttyS0 quiet panic=-1 mitigations=off nokaslr tsc=reliable no_timer_check audit=0 cgroup_no_v1=all" \
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
