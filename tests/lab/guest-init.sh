#!/bin/busybox sh
# shellcheck shell=dash
# SPDX-License-Identifier: Apache-2.0
# guest-init.sh: pid 1 of guest.sh's guest, run by busybox: first in the initramfs,
# whose root cannot be pivoted away from, then again on a tmpfs, as distributions do.
# Prints "GUEST ok NAME" or "GUEST not ok NAME: reason" on the console, "GUEST done"
# at the end, and powers off.
export PATH=/bin HOME=/

ok() { echo "GUEST ok $stage.$1"; }
not_ok() { echo "GUEST not ok $stage.$1: $2"; }

# attempt COMMAND...: $out and $status are what it did. By a file: a created container
# keeps its standard output open, and $( ) would wait for it.
attempt() {
	status=0
	"$@" >/tmp/out 2>&1 </dev/null || status=$?
	out=$(tr '\n' ' ' </tmp/out)
}

# check NAME COMMAND...: ok when the command succeeds
check() {
	local name=$1
	shift
	check_status "$name" 0 "$@"
}

# check_status NAME STATUS COMMAND...
check_status() {
	local name=$1 want=$2
	shift 2
	attempt "$@"
	if [ "$status" = "$want" ]; then ok "$name"; else not_ok "$name" "'$*': status $status, not $want: $out"; fi
}

# check_output NAME PATTERN COMMAND...: it succeeds and its output matches
check_output() {
	local name=$1 want=$2
	shift 2
	attempt "$@"
	# shellcheck disable=SC2254 # a pattern it is
	case "$status $out" in
	"0 "$want) ok "$name" ;;
	*) not_ok "$name" "'$*': status $status, '$out', not '$want'" ;;
	esac
}

mount_system() {
	mount -t devtmpfs dev /dev
	mount -t proc proc /proc
	mount -t sysfs sys /sys
	mount -t cgroup2 cgroup2 /sys/fs/cgroup
	mount -t tmpfs run /run
	mkdir -p /dev/shm /dev/pts
	echo 3 >/proc/sys/kernel/printk
}

unmount_system() {
	local dir
	for dir in /run /sys/fs/cgroup /sys /proc /dev; do umount -l "$dir"; done
}

controllers_enable() {
	local name
	# shellcheck disable=SC2013 # one line of words
	for name in $(cat /sys/fs/cgroup/cgroup.controllers); do
		echo "+$name" >/sys/fs/cgroup/cgroup.subtree_control || return 1
	done
}

is_status() { husk state "$1" | grep -q "\"status\": *\"$2\""; }

wait_status() {
	local n=0
	until is_status "$1" "$2"; do
		n=$((n + 1))
		[ $n -lt 1200 ] || return 1
		usleep 50000
	done
}

pid_of() { husk state "$1" | sed -n 's/.*"pid": *\([0-9]*\).*/\1/p'; }
cgroup_of() { sed -n 's/^0:://p' "/proc/$(pid_of "$1")/cgroup"; }

# Cgroups below the root, except those that the test itself makes.
no_cgroup_left() { [ -z "$(find /sys/fs/cgroup -mindepth 1 -type d -name '*guest-*')" ]; }

nothing_left() {
	no_cgroup_left || return 1
	[ -z "$(husk list -q)" ]
}

in_initramfs() {
	check_output run_without_pivot 'pid 1 host inner cgroup *' husk run --no-pivot --bundle /bundle-print guest-1
	check_status exit_status 7 husk run --no-pivot --bundle /bundle-fail guest-2
	check nothing_left nothing_left
}

on_tmpfs() {
	check_output controllers '*cpu*memory*pids*' cat /sys/fs/cgroup/cgroup.subtree_control
	check_output run 'pid 1 host inner cgroup *' husk run --bundle /bundle-print guest-1
	check_status exit_status 7 husk run --bundle /bundle-fail guest-2
	check create husk create --bundle /bundle-stay guest-3
	check is_created is_status guest-3 created
	check start husk start guest-3
	check is_running is_status guest-3 running
	check has_controllers cat "/sys/fs/cgroup$(cgroup_of guest-3)/memory.current"
	check_output exec 'inner ' husk exec guest-3 hostname
	check_status exec_status 5 husk exec guest-3 sh -c 'exit 5'
	check pause husk pause guest-3
	check is_paused is_status guest-3 paused
	check resume husk resume guest-3
	check kill husk kill guest-3 KILL
	check is_stopped wait_status guest-3 stopped
	check delete husk delete guest-3
	on_one_process
	on_delegated_cgroup
	check nothing_left nothing_left
}

# one_process NAME BUNDLE: starts where one process may be, and that is full; exec looks into it all the same
one_process() {
	check "$1_start" husk run --detach --bundle "/bundle-$2" guest-4
	check_output "$1_is_full" '1 1 *' cat "/sys/fs/cgroup$(cgroup_of guest-4)/pids.max" "/sys/fs/cgroup$(cgroup_of guest-4)/pids.current"
	check "$1_exec" husk exec guest-4 true
	check "$1_delete" husk delete --force guest-4
}

on_one_process() {
	one_process one_process one
	check user_namespace husk run --detach --bundle /bundle-stay-user guest-5
	: >/run/user-namespace
	mount --bind "/proc/$(pid_of guest-5)/ns/user" /run/user-namespace
	one_process one_process_of_a_joined_namespace one-joined
	umount /run/user-namespace
	check user_namespace_delete husk delete --force guest-5
	# where processes may trace, that of exec is born in there last (birth.h), and cannot be moved in
	check tracers_start husk run --detach --bundle /bundle-one-tracer guest-4
	check_fails tracers_exec "*a limit on processes is reached: pids.max of the container's cgroup*" husk exec guest-4 true
	check tracers_delete husk delete --force guest-4
}

# A cgroup of the user's own, as systemd or an administrator would give it, in which he has a session.
delegate() {
	local cg=/sys/fs/cgroup/guest-user
	mkdir -p $cg/session /tmp/user && chown 1000:1000 /tmp/user $cg $cg/cgroup.procs $cg/cgroup.subtree_control
}

user_husk() { # WORD...: none has blanks
	# shellcheck disable=SC2016 # the inner shell expands it
	sh -c 'echo $$ >/sys/fs/cgroup/guest-user/session/cgroup.procs && exec su user -c "exec husk --root /tmp/user $*"' sh "$@"
}

on_delegated_cgroup() {
	local cg=/sys/fs/cgroup/guest-user/c
	check user_has_a_cgroup delegate
	check user_run user_husk run --detach --bundle /bundle-user guest-6
	check_output user_limits '33 33554432 50000 100000 ' cat $cg/pids.max $cg/memory.max $cg/cpu.max
	check_output user_exec '0::/ ' user_husk exec guest-6 cat /proc/self/cgroup
	check user_update user_husk update --pids-limit 44 --memory 24m guest-6
	check_output user_updated '44 25165824 50000 100000 ' cat $cg/pids.max $cg/memory.max $cg/cpu.max
	check_fails user_update_refused '*cpu.max*nothing is changed*' user_husk update --pids-limit 55 --cpu-quota 1 guest-6
	check_output user_nothing_changed '44 50000 100000 ' cat $cg/pids.max $cg/cpu.max
	check_output user_stats '*"limit":44*' user_husk events --stats guest-6
	check_status user_out_of_memory 137 user_husk exec guest-6 tail /dev/zero
	check_output user_is_told_of_it '*"oom_kill":1*' user_husk events --stats guest-6
	check user_pause user_husk pause guest-6
	check_output user_paused '*"paused"*' user_husk state guest-6
	check user_resume user_husk resume guest-6
	check user_delete user_husk delete --force guest-6
	check user_leaves_nothing rmdir /sys/fs/cgroup/guest-user/session /sys/fs/cgroup/guest-user
}

# The same tree on a tmpfs, which pivot_root can leave.
move_to_tmpfs() {
	unmount_system
	mount -t tmpfs -o mode=755 root /new
	mkdir /new/dev /new/proc /new/sys /new/run /new/tmp /new/new
	cp -a /bin /bundle* /init /lib /lsm.sh /new/
	for dir in /etc /lib64 /usr /*.bin; do [ ! -e "$dir" ] || cp -a "$dir" /new/; done
	cp -a /dev/console /new/dev/
	exec switch_root /new /init again
}

# shellcheck source=tests/lab/guest-lsm.sh
. /lsm.sh
mount_system 2>/dev/null
lsm=$(sed -n 's/.* security=\([a-z]*\).*/\1/p' /proc/cmdline) # guest.sh's GUEST_LSM
check_mounts() { [ -d /proc/1 ] && [ -e /sys/fs/cgroup/cgroup.controllers ] && controllers_enable; }
if [ "${1:-}" != again ]; then
	stage=initramfs
	check cgroup2_with_controllers check_mounts
	[ -n "$lsm" ] || in_initramfs
	move_to_tmpfs
	not_ok switch_root "switch_root failed"
else
	stage=${lsm:-tmpfs}
	check cgroup2_with_controllers check_mounts
	case "$lsm" in
	apparmor) on_apparmor ;;
	selinux) on_selinux ;;
	*) on_tmpfs ;;
	esac
	echo "GUEST done"
fi
poweroff -f
