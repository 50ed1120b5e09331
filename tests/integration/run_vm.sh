#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the tests of what a container is a second time, as root, with husk called as husk-vm.
#   run_vm.sh [FILE | FILE.TEST]...   these (lifecycle, exec.umask), or all: minutes, each boots a machine
#   run_vm.sh smoke                   the tests that a file names in a line "# vm-smoke: test_a test_b"
#   run_vm.sh check                   only whether the list of exceptions is sound: nothing is run
#
# The tests that cannot hold in a VM are in vm_exceptions, "FILE.TEST  reason" each, and are not run. Of
# all tests they may be 15 %; one that does not exist is an error.
set -eu -o pipefail
here=$(cd "$(dirname "$0")" && pwd)
: "${HUSK_TOP_BUILDDIR:=$(cd "$here/../.." && pwd)}"
export HUSK_TOP_BUILDDIR
: "${HUSK_TEST_SECONDS:=600}" # a test may boot a dozen machines
list=${HUSK_VM_EXCEPTIONS:-$here/vm_exceptions}
percent=15

# The container side: what config.json asks for, and what the commands do with one container. The other files are
# about something else than a container that is or is not in a VM:
#   husk's own safety       crash old_kernel doctor deferred
#   who calls it            rootless (see test_vm.sh for a user's VM), podman containerd systemd (engines; see test_vm.sh), nested
#   parts of the VM mode    agent guest virtiofs vm vm_prepare
#   the host's own things   netdev notify shared_pids mounts_verb: interfaces, sockets, pid namespaces and mounts of the
#                           host, that are put into a container: refused by name in a VM, as husk-vm(7) says
files=(annotations attacks cgroup cli events exec idmap labels lifecycle limits mount_options mounts robust sched time)

die() {
	echo "not ok run_vm: $*"
	echo "0 passed, 1 failed, 0 skipped"
	exit 1
}

# Those of a file that root runs.
tests_of() { # FILE
	local f=$here/test_$1.sh name user
	user=$(sed -n 's/^\(export \)\?USER_ONLY="\(.*\)"$/\2/p' "$f")
	while read -r name; do
		[[ " $user " == *" $name "* ]] || echo "${name#test_}"
	done < <(sed -n 's/^\(test_[A-Za-z0-9_]*\)() *{.*/\1/p' "$f")
}

# Sets all (FILE.TEST) and reason[FILE.TEST].
declare -A reason=()
read_list() {
	local f name why
	all=()
	for f in "${files[@]}"; do
		while read -r name; do all+=("$f.$name"); done < <(tests_of "$f")
	done
	while read -r name why; do
		[[ -n $name && $name != '#'* ]] || continue
		[[ " ${all[*]} " == *" $name "* ]] || die "vm_exceptions: '$name' is no test of the container side"
		[ -z "${reason[$name]:-}" ] || die "vm_exceptions: '$name' is there twice"
		[ "${#why}" -ge 10 ] || die "vm_exceptions: '$name' has no reason"
		reason[$name]=$why
	done <"$list"
	[ $((${#reason[@]} * 100)) -le $((${#all[@]} * percent)) ] ||
		die "vm_exceptions: ${#reason[@]} of ${#all[@]} tests are more than $percent %"
}

# FILE.TEST...: those of one file that are no exceptions, one run.
run_file() { # FILE TEST...
	local file=$1 name tests=()
	shift
	for name; do
		[ -n "${reason[$file.$name]:-}" ] || tests+=("test_$name")
	done
	[ "${#tests[@]}" -gt 0 ] || return 0
	HUSK=$work/husk-vm HUSK_LABEL=vm: HUSK_TEST_SECONDS=$HUSK_TEST_SECONDS bash "$here/test_$file.sh" "${tests[@]}" 2>&1 |
		tee "$work/out" | grep --line-buffered -vE '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' || true
	if [[ $(tail -n 1 "$work/out") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped$ ]]; then
		passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2])) skipped=$((skipped + BASH_REMATCH[3]))
	else
		echo "not ok vm:$file: ended before its last line"
		failed=$((failed + 1))
	fi
}

need_vm() {
	local why=
	[ "$(id -u)" = 0 ] || why="VMs are for root"
	command -v qemu-system-x86_64 >/dev/null || why="no program 'qemu-system-x86_64' on this machine"
	compgen -G '/boot/vmlinuz-*' >/dev/null || why="no kernel in /boot (package linux-image-cloud-amd64)"
	[ -x "$HUSK_TOP_BUILDDIR/husk-agent" ] || why="no husk-agent in the build tree"
	[ -n "$why" ] || return 0
	[ -z "${HUSK_MUST_RUN:-}" ] || die "HUSK_MUST_RUN is set: $why"
	echo "skip run_vm: $why"
	echo "0 passed, 0 failed, 1 skipped"
	exit 77
}

run_words() { # [FILE | FILE.TEST]...
	local word file names
	[ $# -gt 0 ] || set -- "${files[@]}"
	for word; do
		file=${word%%.*}
		[[ " ${files[*]} " == *" $file "* ]] || die "'$file' is no file of the container side"
		mapfile -t names < <(if [ "$word" = "$file" ]; then tests_of "$file"; else echo "${word#*.}"; fi)
		run_file "$file" "${names[@]}"
	done
}

smoke_of() { sed -n 's/^# vm-smoke: //p' "$here/test_$1.sh" | tr ' ' '\n' | sed 's/^test_//'; } # FILE

run_smoke() {
	local file names
	for file in "${files[@]}"; do
		mapfile -t names < <(smoke_of "$file")
		[ "${#names[@]}" = 0 ] || run_file "$file" "${names[@]}"
	done
}

check_smoke() {
	local file name
	for file in "${files[@]}"; do
		while read -r name; do
			[[ " ${all[*]} " == *" $file.$name "* ]] || die "test_$file.sh, vm-smoke: there is no 'test_$name'"
			[ -z "${reason[$file.$name]:-}" ] || die "test_$file.sh, vm-smoke: 'test_$name' is in vm_exceptions"
		done < <(smoke_of "$file")
	done
}

read_list
check_smoke
if [ "${1:-}" = check ]; then
	echo "ok run_vm.vm_exceptions (${#reason[@]} of ${#all[@]} tests of the container side cannot hold in a VM)"
	echo "1 passed, 0 failed, 0 skipped"
	exit 0
fi
need_vm
work=$(mktemp -d "${TMPDIR:-/tmp}/husk-run-vm.XXXXXX")
chmod 0755 "$work"
trap 'rm -rf "$work"' EXIT
ln -s "$HUSK_TOP_BUILDDIR/husk" "$work/husk-vm"
passed=0 failed=0 skipped=0
if [ "${1:-}" = smoke ]; then run_smoke; else run_words "$@"; fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
