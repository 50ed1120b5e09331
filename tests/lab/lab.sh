#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# lab.sh: a throw-away Debian 12 guest with systemd, cgroup v2 with all controllers and nested
# KVM, under QEMU's TCG.
#   lab.sh build            make the guest's image and save it booted, where this is not done yet
#   lab.sh run CMD [ARG..]  run CMD as root in a fresh guest; its output and exit status are CMD's
#   lab.sh run -            the same with a bash script from standard input
#   lab.sh shell            a root shell in a fresh guest on this terminal (Ctrl-A X ends it)
#   lab.sh clean            remove all images
#
# In the guest are /src (the source tree) and /build (the build tree), both read-only, and
# /scratch, the folder in which CMD starts. Settings (environment):
#   LAB_CACHE    where images are kept    (husk-lab below $XDG_CACHE_HOME or /var/cache)
#   LAB_BUILD    the build tree           ($HUSK_TOP_BUILDDIR, else the source tree)
#   LAB_SCRATCH  a folder of the host for /scratch   (one that ends with the run)
#   LAB_SECONDS  time limit of a run, which then ends with 124    (540)
#   LAB_MEMORY   MiB (2048)    LAB_CPUS  (2)    LAB_NET=1  a network card, user-mode
#
# How it works: image.sh makes a disk, in a folder named by the checksum of what it is made
# from. It is booted once, up to the agent that waits for a command, and the machine is
# saved by migration to a file, beside the disk, by the checksum of its settings. A run restores
# that file over a throw-away copy of the disk.
set -euo pipefail

here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
source_tree=$(cd "$here/../.." && pwd)
: "${LAB_CACHE:=${XDG_CACHE_HOME:-/var/cache}/husk-lab}"
: "${LAB_BUILD:=${HUSK_TOP_BUILDDIR:-$source_tree}}"
: "${LAB_SCRATCH:=}" "${LAB_SECONDS:=540}" "${LAB_MEMORY:=2048}" "${LAB_CPUS:=2}" "${LAB_NET:=0}"

note() { printf 'lab: %s\n' "$*" >&2; }
die() {
	note "$*"
	exit 125
}

# ---- the machine ----

qemu=(
	qemu-system-x86_64 -nodefaults -no-user-config -display none -no-reboot
	-machine "q35,smm=off,vmport=off,hpet=off,sata=off" -accel "tcg,thread=multi,tb-size=256"
	-cpu "max,-la57" -smp "$LAB_CPUS" -m "$LAB_MEMORY" # 'max' has SVM with nested paging
	-device virtio-rng-pci
)
[ "$LAB_NET" = 0 ] && qemu+=(-nic none) || qemu+=(-nic "user,model=virtio-net-pci")
append="console=ttyS0 root=/dev/vda rw quiet mitigations=off nokaslr tsc=reliable no_timer_check
cgroup_no_v1=all systemd.unified_cgroup_hierarchy=1 systemd.show_status=0 audit=0 apparmor=0 selinux=0
random.trust_cpu=on panic=-1"

# disk_words FILE FORMAT [on|off]: the guest's disk; off keeps what it writes.
disk_words() { printf '%s\n' -drive "file=$1,format=$2,if=virtio,snapshot=${3:-on},cache=unsafe,discard=unmap"; }

kernel_words() { printf '%s\n' -kernel "$image/vmlinuz" -initrd "$image/initrd" -append "${append//$'\n'/ } ${1:-}"; }

# agent_words DIR OUT ERR: the agent's ports and shares; DIR is the run's own folder.
agent_words() {
	printf '%s\n' -device virtio-serial-pci \
		-chardev "pipe,id=control,path=$1/control" -device virtserialport,chardev=control,name=lab.control \
		-chardev "file,id=out,path=$2" -device virtserialport,chardev=out,name=lab.out \
		-chardev "file,id=err,path=$3" -device virtserialport,chardev=err,name=lab.err \
		-serial "file:$1/console"
	share_words source "$source_tree" ,readonly=on
	share_words build "$LAB_BUILD" ,readonly=on
	share_words scratch "${LAB_SCRATCH:-$1/scratch}"
	share_words control "$1/share"
}

share_words() { # NAME FOLDER [OPTIONS]
	printf '%s\n' -virtfs "local,path=$2,mount_tag=$1,security_model=none,multidevs=remap${3:-}"
}

# A run's own folder: sets $work.
make_work() {
	work=$(mktemp -d "${TMPDIR:-/tmp}/husk-lab.XXXXXX")
	mkdir "$work/share" "$work/scratch"
	mkfifo "$work/control.in" "$work/control.out" # QEMU reads .in and writes .out
}

end_guest() {
	[ -z "${guest:-}" ] || kill "$guest" 2>/dev/null || true
	rm -rf "${work:-}"
}

# ---- the image and the saved guest ----

checksum() { sha256sum | cut -c 1-16; }

image_key() { (cd "$here" && find image.sh guest -type f -print0 | sort -z | xargs -0 sha256sum) | checksum; }

# All that must be the same on both sides of a migration.
saved_key() { { qemu-system-x86_64 --version && printf '%s\n' "${qemu[@]}" "$append" && agent_words x x x | grep -v path=; } | checksum; }

# Makes what is missing, once, however many ask at a time: sets $image and $saved.
prepare() {
	local program lock
	[ "$(uname -m)" = x86_64 ] || die "the guest is for x86_64"
	[ "$(id -u)" = 0 ] || die "needs root"
	for program in mmdebstrap mke2fs qemu-img qemu-system-x86_64; do
		command -v "$program" >/dev/null || die "no program '$program' (./bootstrap deps installs what the lab needs)"
	done
	image=$LAB_CACHE/$(image_key)
	saved=$image/saved-$(saved_key)
	mkdir -p "$LAB_CACHE"
	exec {lock}>"$LAB_CACHE/lock"
	flock "$lock"
	[ -e "$image/root.img" ] || build_image
	[ -e "$saved/memory" ] || save_guest
	exec {lock}>&-
	touch "$image"
}

build_image() {
	local started=$SECONDS
	note "building the guest's image in $image"
	find "$LAB_CACHE" -mindepth 1 -maxdepth 1 -type d -mtime +7 -exec rm -rf {} + # of days past
	rm -rf "$image.new"
	"$here/image.sh" "$image.new" >"$LAB_CACHE/build.log" 2>&1 || {
		tail -n 30 "$LAB_CACHE/build.log" >&2
		die "no image: the whole of it is in $LAB_CACHE/build.log"
	}
	mv "$image.new" "$image"
	note "built in $((SECONDS - started)) s"
}

save_guest() {
	local started=$SECONDS dir=$saved.new line monitor control
	local -a words
	rm -rf "$dir"
	mkdir "$dir"
	make_work
	trap end_guest EXIT
	mkfifo "$work/monitor"
	exec {monitor}<>"$work/monitor" {control}<>"$work/control.out"
	qemu-img create -q -f qcow2 -F raw -b "$image/root.img" "$dir/disk.qcow2"
	mapfile -t words < <(
		disk_words "$dir/disk.qcow2" qcow2 off
		kernel_words
		agent_words "$work" "$work/out" "$work/err"
	)
	"${qemu[@]}" "${words[@]}" -monitor stdio <"$work/monitor" >"$work/qemu.log" 2>&1 &
	guest=$!
	if ! read -r -t 240 line <&"$control" || [ "$line" != ready ]; then
		tail -n 20 "$work/qemu.log" "$work/console" >&2
		die "the guest did not come up"
	fi
	# not stopped before: it would come back stopped
	printf '%s\n' 'migrate_set_parameter max-bandwidth 20G' "migrate \"exec:cat >$dir/memory\"" 'info migrate' quit >&"$monitor"
	wait "$guest" || true
	guest=
	grep -q 'Migration status: completed' "$work/qemu.log" || {
		cat "$work/qemu.log" >&2
		die "the guest could not be saved"
	}
	exec {monitor}>&- {control}>&-
	end_guest
	trap - EXIT
	mv "$dir" "$saved"
	note "booted and saved a guest in $((SECONDS - started)) s"
}

# ---- a run ----

command_text() { # CMD ARG... or -
	if [ "$1" = - ]; then
		cat
	elif [ $# = 1 ]; then
		printf '%s\n' "$1"
	else
		printf '%q ' "$@"
	fi
}

run_command() {
	local status=0 control out err out_cat err_cat
	local -a words
	make_work
	trap end_guest EXIT
	trap 'exit 143' INT TERM
	command_text "$@" >"$work/share/command"
	exec {control}<>"$work/control.in"
	echo "go $(date +%s.%N)" >&"$control"
	# QEMU opens its outputs by name, and would truncate a file: it gets pipes
	exec {out}> >(exec cat)
	out_cat=$!
	exec {err}> >(exec cat >&2)
	err_cat=$!
	mapfile -t words < <(
		disk_words "$saved/disk.qcow2" qcow2
		kernel_words
		agent_words "$work" "/dev/fd/$out" "/dev/fd/$err"
	)
	timeout -k 5 "$LAB_SECONDS" "${qemu[@]}" "${words[@]}" -incoming "exec:cat $saved/memory" >"$work/qemu.log" 2>&1 </dev/null &
	guest=$!
	exec {out}>&- {err}>&-
	wait "$guest" || status=$?
	guest=
	wait "$out_cat" "$err_cat" || true
	if [ -s "$work/share/status" ]; then
		return "$(cat "$work/share/status")"
	fi
	tail -n 20 "$work/qemu.log" "$work/console" >&2
	[ "$status" != 124 ] || {
		note "no end within $LAB_SECONDS s"
		return 124
	}
	die "the guest ended without a status (QEMU: $status)"
}

open_shell() {
	local -a words
	mapfile -t words < <(
		disk_words "$image/root.img" raw
		kernel_words lab.shell
		share_words source "$source_tree" ,readonly=on
		share_words build "$LAB_BUILD" ,readonly=on
	)
	note "in the guest: mount -t 9p -o trans=virtio,version=9p2000.L,ro source /mnt"
	"${qemu[@]}" "${words[@]}" -serial mon:stdio
}

case ${1:-} in
build) prepare ;;
run)
	[ $# -ge 2 ] || die "run what?"
	shift
	prepare
	run_command "$@"
	;;
shell)
	prepare
	open_shell
	;;
clean) rm -rf "$LAB_CACHE" ;;
*)
	sed -n '5,9s/^# \{0,1\}//p' "$0" >&2
	exit 2
	;;
esac
