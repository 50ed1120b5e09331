#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# containerd's shim for runc, driven by ctr, with both cgroup drivers: the same with husk as with crun.
# shellcheck disable=SC2016 # $names in single quotes are the container's shell's
set -eu
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/../../integration/lib.sh"
# shellcheck source=tests/lab/clients/ctr.sh
. "$(dirname "$0")/ctr.sh"

# How ctr is told of the runtime and the cgroup driver: sets RUN, to be called with WORDS IMAGE ID COMMAND.
with_driver() { # DRIVER
	RUN=(ctr --address "$CTR_DIR/socket" run --runtime io.containerd.runc.v2 --runc-binary "$RUNTIME_PATH")
	[ "$1" = cgroupfs ] || RUN+=(--runc-systemd-cgroup --cgroup "system.slice:client:c$((++UNITS))")
}
UNITS=0

# Read from outside: ctr's spec has no cgroup file system. crun puts the container into a cgroup below
# the scope, and the limits there; husk into the scope.
limits() { # DRIVER
	local pid dir file
	with_driver "$1"
	must "${RUN[@]}" --detach --null-io --memory-limit 67108864 --cpus 0.5 --cpu-shares 512 "$IMAGE" c sleep 1000
	pid=$(c task ls | awk '$1 == "c" { print $2 }')
	dir=$(sed 's,^0::,/sys/fs/cgroup,' "/proc/$pid/cgroup")
	echo "${dir%/container}"
	for file in memory.max cpu.max; do
		echo "$file $(cat "$dir/$file")"
	done
	with_driver "$1"
	show "${RUN[@]}" --rm --memory-limit 25165824 "$IMAGE" oom dd if=/dev/zero of=/dev/null bs=200M count=1
}

# Below the scope lies crun's "container" again. ctr asks for the terminal's size when a short program has ended.
tasks() { # DRIVER
	with_driver "$1"
	must "${RUN[@]}" --detach --null-io "$IMAGE" c sleep 1000
	must c task exec --exec-id e1 c sh -c 'echo in; id; cat /proc/self/cgroup; exit 0' | sed 's,/container$,,'
	show c task exec --exec-id e2 c sh -c 'exit 7'
	echo typed | must c task exec --exec-id e3 c cat
	show c task exec --exec-id e4 c no-such-program
	on_terminal ctr --address "$CTR_DIR/socket" task exec --tty --exec-id e5 c sh -c "tty; test -t 1 && echo terminal" |
		grep -v 'resize pty'
	must c task ps c | wc -l
	must c task metrics c | awk '{ print $1 }'
	must c task pause c
	task_is c PAUSED && echo paused
	show c task exec --exec-id e6 c true
	must c task resume c
	must c task exec --exec-id e7 c echo awake
	must c task kill --signal 9 c
	until_ok 60 task_is c STOPPED
	show c task delete c
	must c container rm c
	must c container ls -q
}

same_run() {
	with_driver cgroupfs
	must "${RUN[@]}" --rm "$IMAGE" c echo hello
	show "${RUN[@]}" --rm --env X=1 --cwd /tmp "$IMAGE" c sh -c 'echo $X $PWD $(id) >&2; exit 3'
	show "${RUN[@]}" --rm "$IMAGE" c no-such-program
	on_terminal "${RUN[@]}" --rm --tty "$IMAGE" c sh -c "tty; test -t 1 && echo terminal"
	must "${RUN[@]}" --rm --read-only --net-host --mount "type=bind,src=/etc,dst=/mnt,options=rbind:ro" "$IMAGE" c \
		sh -c 'touch /x 2>&1; cat /mnt/hostname; ls /sys/class/net'
}

same_inside() {
	with_driver cgroupfs
	must "${RUN[@]}" --rm "$IMAGE" c sh -c "$SHOW_INSIDE"
}

same_limits() { limits cgroupfs; }
same_limits_systemd() { limits systemd; }
same_tasks() { tasks cgroupfs; }
same_tasks_systemd() { tasks systemd; }

compare_tests -- "$@"
