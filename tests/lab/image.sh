#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# image.sh DIR: makes the disk of the lab's guest in DIR: root.img, vmlinuz and initrd.
#
# Debian 12 from the archives that this machine's own apt uses for it, plus the files of
# guest/, which lie as they do in the guest, plus what guest/.../lab-setup.sh does there.
set -euo pipefail
guest=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)/guest
suite=bookworm
disk_size=12G # of a sparse file

packages=(
	systemd systemd-sysv systemd-container libpam-systemd dbus dbus-user-session udev kmod initramfs-tools
	linux-image-amd64 # the cloud kernels have no 9p
	crun runc podman conmon containerd docker.io buildah
	netavark aardvark-dns slirp4netns fuse-overlayfs passt uidmap iptables nftables catatonit ca-certificates
	busybox-static jq strace bsdutils bsdextrautils procps psmisc iproute2 iputils-ping file
	attr acl libcap2-bin util-linux passwd login mount fuse3 python3
	qemu-system-x86 seabios cpio e2fsprogs
)

# The lines of sources.list that apt was given for Debian's suite here.
sources() {
	apt-get indextargets --format "deb \$(SITE) \$(RELEASE) \$(COMPONENT)" "Created-By: Packages" "Origin: Debian" |
		grep -E " $suite(-updates|-security)? main\$" | sort -u
}

dir=$1
mapfile -t lines < <(sources)
[ "${#lines[@]}" -gt 0 ] || {
	echo "lab: this machine's apt has no source for Debian's $suite (apt-get update?)" >&2
	exit 1
}
mkdir -p "$dir"
unset APT_CONFIG # it would aim mmdebstrap's apt at another root
export GUEST=$guest
include=$(printf '%s,' "${packages[@]}")
# INITRD=No: the kernel package makes no initramfs; lab-setup.sh does, when its settings are there
# shellcheck disable=SC2016 # $1 and $GUEST are the hooks' shell's
INITRD=No mmdebstrap --mode=root --variant=essential --include="${include%,}" \
	--aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Languages "none"' \
	--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
	--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt=force-unsafe-io \
	--customize-hook='cp -r "$GUEST/." "$1/"' --customize-hook='chroot "$1" /usr/local/sbin/lab-setup.sh' \
	"$suite" "$dir/root" "${lines[@]}"
cp "$dir"/root/boot/vmlinuz-* "$dir/vmlinuz"
cp "$dir"/root/boot/initrd.img-* "$dir/initrd"
mke2fs -q -t ext4 -m 0 -E lazy_itable_init=1 -O ^has_journal -d "$dir/root" "$dir/root.img" "$disk_size"
rm -rf "${dir:?}/root"
