#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# lab-agent.sh: in the lab's guest, says "ready" to the host, waits for "go TIME", runs the
# command that lies in the control share, leaves its exit status there, and powers off.
#
# A saved guest waits in read(1) below: nothing of a run's own may come before it. The shares
# above all: a guest with a mounted 9p file system cannot be saved.
export HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8

# port NAME: by sysfs, as udev's links come late.
port() {
	local file
	while :; do
		for file in /sys/class/virtio-ports/*/name; do
			[ "$(cat "$file" 2>/dev/null)" != "$1" ] || {
				file=${file%/name}
				echo "/dev/${file##*/}"
				return
			}
		done
		sleep 0.1
	done
}

share() { # NAME FOLDER OPTIONS
	mkdir -p "$2"
	mount -t 9p -o "trans=virtio,version=9p2000.L,msize=512000,access=any,$3" "$1" "$2"
}

end() { # STATUS
	echo "$1" >/run/lab/status
	sync -f /run/lab
	echo o >/proc/sysrq-trigger
	sleep 60
}

# What every engine reads first is read now, once for all runs.
warm_up() {
	local program
	for program in podman crun runc conmon containerd dockerd buildah jq strace; do
		"$program" --version
	done
	sync
} >/dev/null 2>&1

control=$(port lab.control) out=$(port lab.out) err=$(port lab.err)
systemctl is-system-running --wait >/dev/null 2>&1
warm_up
exec 3<>"$control"
echo ready >&3
read -r _ now <&3
exec 3>&-
date -s "@$now" >/dev/null
share control /run/lab cache=none || exit 1
{ share source /src ro,cache=loose && share build /build ro,cache=loose && share scratch /scratch cache=none; } || end 125
cd /scratch || end 125
HUSK_LAB=1 HUSK_TOP_SRCDIR=/src HUSK_TOP_BUILDDIR=/build setsid -w /bin/bash /run/lab/command </dev/null >"$out" 2>"$err"
end $?
