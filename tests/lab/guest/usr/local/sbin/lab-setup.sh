#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# lab-setup.sh: run once by image.sh in the guest's tree, after the packages are installed
# and the files beside this one copied: users, services, initramfs.
set -eu

# root and the ordinary user log in without a password
passwd -d root >/dev/null
useradd --create-home --shell /bin/bash --uid 1000 lab
# as `bootstrap check` makes it on a machine
useradd --system --user-group --no-create-home --home-dir /var/tmp/husktest --shell /usr/sbin/nologin husktest
for file in /etc/subuid /etc/subgid; do
	printf 'lab:100000:65536\nhusktest:1000000:65536\n' >"$file"
done
mkdir -p /var/lib/systemd/linger
touch /var/lib/systemd/linger/lab

echo 0123456789abcdef0123456789abcdef >/etc/machine-id # empty, it would cost a first boot
: >/etc/fstab                                          # the kernel's command line has the root
systemctl enable lab-agent.service
# Daemons that a test starts when it wants them.
systemctl disable containerd.service docker.service docker.socket podman.socket podman.service \
	podman-auto-update.timer podman-auto-update.service podman-restart.service nftables.service
# What only costs time in a guest that lives for minutes.
systemctl mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service \
	fstrim.timer systemd-tmpfiles-clean.timer systemd-timesyncd.service systemd-random-seed.service \
	systemd-update-utmp.service systemd-journal-flush.service systemd-pstore.service systemd-fsck-root.service \
	systemd-binfmt.service getty@tty1.service modprobe@drm.service modprobe@efi_pstore.service
update-initramfs -c -k all
