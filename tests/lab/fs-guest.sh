#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# fs-guest.sh: boots Debian's stock cloud kernel under QEMU's TCG with a directory shared into it
# by virtio-fs, and runs a script there.
#   bash fs-guest.sh DIR SCRIPT [FILE]...
# DIR is the share, at /mnt in the guest (of several servers each has DIR/<its word>, at /mnt/<its word>); SCRIPT is run by busybox sh as root; each FILE (a program,
# with the libraries that it needs) is /bin/<its name> there. Prints what the script prints and ends
# with its status; 77 with a reason when this machine lacks something; 1 when the guest did not get there.
# Settings (environment):
#   FSD            the server: husk (the default, of the build tree), virtiofsd (Debian's), or a path of husk-fsd;
#                  or several such words
#   FSD_ARGS       more arguments for it (them)
#   FSD_PREFIX     a command that it runs under (strace -f -o FILE)
#   GUEST_KERNEL   its kernel   (the newest /boot/vmlinuz-*-cloud-amd64)
#   GUEST_SECONDS  time limit   (300)
#   GUEST_MEMORY   MiB          (512)
#   GUEST_RAW      1: no module is loaded and nothing mounted
set -euo pipefail

srcdir=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
: "${HUSK_TOP_BUILDDIR:=$(cd "$srcdir/../.." && pwd)}"
: "${FSD:=husk}" "${FSD_ARGS:=}" "${FSD_PREFIX:=}" "${GUEST_KERNEL:=}" "${GUEST_SECONDS:=300}" "${GUEST_MEMORY:=512}" "${GUEST_RAW:=}"
debian_virtiofsd=/usr/lib/qemu/virtiofsd

skip() {
	printf 'fs-guest: %s\n' "$*" >&2
	exit 77
}

check_machine() {
	local program
	[ "$(uname -m)" = x86_64 ] || skip "the guest is for x86_64"
	for program in qemu-system-x86_64 cpio busybox timeout; do
		command -v "$program" >/dev/null || skip "no program '$program' on this machine"
	done
	[ -n "$GUEST_KERNEL" ] || GUEST_KERNEL=$(find /boot -name 'vmlinuz-*-cloud-amd64' | sort -V | tail -n 1)
	[ -r "$GUEST_KERNEL" ] || skip "no readable cloud kernel '${GUEST_KERNEL:-/boot/vmlinuz-*-cloud-amd64}' (package linux-image-cloud-amd64)"
	modules=/lib/modules/${GUEST_KERNEL##*/vmlinuz-}
	[ -r "$modules/modules.dep" ] || skip "no modules of the kernel at '$modules'"
	read -ra words <<<"$FSD"
	for program in "${words[@]}"; do
		program=$(server_program "$program")
		[ -x "$program" ] || skip "no file server '$program'"
	done
}

server_program() {
	case $1 in
	husk) echo "$HUSK_TOP_BUILDDIR/husk-fsd" ;;
	virtiofsd) echo "$debian_virtiofsd" ;;
	*) echo "$1" ;;
	esac
}

# What the server of this word serves, below DIR or /mnt.
below() { [ ${#words[@]} = 1 ] || echo "/${1##*/}"; }

# install_program FILE: with the libraries of a dynamic one.
install_program() {
	local lib
	install -D -m 755 "$1" "$tree/bin/$(basename "$1")"
	(ldd "$1" 2>/dev/null | grep -oE '/[^ ]+' || true) | while read -r lib; do
		[ -e "$tree$lib" ] || install -D -m 755 "$lib" "$tree$lib"
	done
}

# module_files NAME: the module's file and those that it depends on, as they are to be loaded.
module_files() {
	awk -v name="$1" '{
		file = $1; sub(/:$/, "", file); base = file; sub(/.*\//, "", base); sub(/\.ko.*/, "", base)
		if (base == name) { for (i = NF; i > 1; i--) print $i; print file } }' "$modules/modules.dep"
}

make_tree() {
	local name file n=10
	mkdir -p "$tree"/{bin,dev,proc,sys,tmp,mnt,lib,modules}
	for name in "${words[@]}"; do mkdir -p "$tree/mnt$(below "$name")"; done
	install -m 755 "$(command -v busybox)" "$tree/bin/busybox"
	while read -r name; do
		[ "$name" = busybox ] || ln -s busybox "$tree/bin/$name"
	done < <(busybox --list)
	while read -r file; do
		n=$((n + 1))
		install -m 644 "$modules/$file" "$tree/modules/$n-$(basename "$file")"
	done < <({ module_files virtio_pci && module_files virtiofs; } | awk '!seen[$0]++')
	install -m 644 "$script" "$tree/script"
	for file in "$@"; do install_program "$file"; done
	cat >"$tree/init" <<-EOF
		#!/bin/busybox sh
		export PATH=/bin HOME=/
		mount -t devtmpfs dev /dev
		mount -t proc proc /proc
		mount -t sysfs sys /sys
		mount -t tmpfs tmp /tmp
		if [ "$GUEST_RAW" != 1 ]; then
			for m in /modules/*; do insmod \$m || echo "insmod \$m failed"; done
			$(for name in "${words[@]}"; do echo "mount -t virtiofs '${name##*/}' '/mnt$(below "$name")' || echo 'not ok mount'"; done)
		fi
		sh /script
		echo "GUEST-STATUS \$?"
		cd /
		umount /mnt/* /mnt 2>/dev/null
		poweroff -f
	EOF
	chmod 755 "$tree/init"
}

start_server() { # WORD
	local program socket=$work/s-${1##*/} log=$work/${1##*/}.log
	program=$(server_program "$1")
	case $program in
	"$debian_virtiofsd") set -- "$1" --socket-path="$socket" -o source="$share$(below "$1")" ;;
	*) set -- "$1" --root "$share$(below "$1")" --socket "$socket" ;;
	esac
	shift
	# shellcheck disable=SC2086 # lists of words
	$FSD_PREFIX "$program" "$@" $FSD_ARGS </dev/null >"$log" 2>&1 &
	servers+=($!)
	for _ in $(seq 3000); do
		[ ! -S "$socket" ] || return 0
		sleep 0.02
	done
	echo "fs-guest: the file server does not listen: $(cat "$log")" >&2
	exit 1
}

boot() {
	local name devices=()
	for name in "${words[@]##*/}"; do
		devices+=(-chardev "socket,id=$name,path=$work/s-$name"
			-device "vhost-user-fs-pci,chardev=$name,tag=$name,queue-size=1024")
	done
	timeout --foreground -k 2 "$GUEST_SECONDS" qemu-system-x86_64 -nodefaults -no-user-config -display none -no-reboot \
		-machine q35,smm=off,vmport=off,hpet=off,sata=off,memory-backend=mem -accel tcg -cpu max,-la57 -smp 1 -m "$GUEST_MEMORY" \
		-object "memory-backend-memfd,id=mem,size=${GUEST_MEMORY}M,share=on" -nic none "${devices[@]}" \
		-kernel "$GUEST_KERNEL" -initrd "$work/initrd" -serial "file:$work/console" \
		-append "console=ttyS0 quiet panic=-1 mitigations=off nokaslr tsc=reliable no_timer_check audit=0" \
		</dev/null >"$work/qemu.log" 2>&1 &
	qemu=$!
}

# The servers end with their QEMU; without one of them a QEMU would go on.
wait_all() {
	local one_status server
	wait -n -p first "${servers[@]}" "$qemu" || one_status=$?
	if [ "$first" = "$qemu" ]; then
		status=${one_status:-0}
	else
		server_status=${one_status:-0}
		[ "$server_status" = 0 ] || kill "$qemu"
		wait "$qemu" || status=$?
	fi
	for server in "${servers[@]}"; do
		[ "$server" = "$first" ] || wait "$server" || server_status=$?
	done
}

main() {
	local status=0 server_status=0 said first="" servers=() words=() name
	[ $# -ge 2 ] || { sed -n '3,9s/^# \{0,1\}//p' "$0" >&2; exit 2; }
	share=$(readlink -f "$1") script=$2
	shift 2
	check_machine
	work=$(mktemp -d "${TMPDIR:-/tmp}/husk-fs-guest.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	tree=$work/tree
	make_tree "$@"
	(cd "$tree" && find . | cpio --quiet -o -H newc) >"$work/initrd"
	for name in "${words[@]}"; do start_server "$name"; done
	boot
	wait_all
	touch "$work/console"
	tr -d '\r' <"$work/console" | grep -v '^GUEST-STATUS' || true
	said=$(tr -d '\r' <"$work/console" | sed -n 's/^GUEST-STATUS //p')
	[ "$server_status" = 0 ] || echo "fs-guest: the file server ended with status $server_status: $(cat "$work"/*.log)" >&2
	[ "$status" = 0 ] || echo "fs-guest: QEMU's status $status: $(cat "$work/qemu.log")" >&2
	[ -n "$said" ] && [ "$server_status" = 0 ] || exit 1
	exit "$said"
}

main "$@"
