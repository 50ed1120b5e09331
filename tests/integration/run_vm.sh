#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the tests of what a container is a second time with husk called as husk-vm: as root, and those that are for an
# ordinary user as that user.
#   run_vm.sh [FILE | FILE.TEST]...   these (lifecycle, exec.umask), or all: an hour, each boots a machine
#   run_vm.sh user [FILE | FILE.TEST]...   these, or all that run.sh runs as the ordinary user again, as that user
#   run_vm.sh smoke                   the tests that a file names in a line "# vm-smoke: test_a test_b"
#   run_vm.sh check                   only whether the list of exceptions is sound: nothing is run
#
# The tests that cannot hold in a VM are in vm_exceptions, "FILE.TEST  reason" each, and are not run. Of
# all tests they may be 15 %; one that does not exist is an error.
set -eu -o pipefail
here=$(cd "$(dirname "$0")" && pwd)
: "${HUSK_TEST_SECONDS:=600}" # a test may boot a dozen machines
# shellcheck source=tests/integration/lib.sh
. "$here/lib.sh"
list=${HUSK_VM_EXCEPTIONS:-$here/vm_exceptions}
percent=15

# The container side: what config.json asks for, what the commands do with one container, and who calls them. Only
# these files are about something else than a container that is or is not in a VM:
#   husk's own safety       crash old_kernel doctor deferred
#   parts of the VM mode    agent guest net_tap virtiofs vm vm_crash vm_faults vm_mounts vm_net vm_prepare
#   seen nowhere with VMs   systemd: needs systemd as the init, which the lab has; a VM in its emulated guests would
#                           take longer to boot than a boot may take
files=(annotations attacks cgroup cli containerd events exec idmap labels lifecycle limits mount_options mounts
	mounts_verb nested netdev notify podman robust rootless sched shared_pids time)
# Of them those about what is refused in a VM, as husk-vm(7) says: sockets and pid namespaces of the host.
# What holds in them is run; they are counted apart, and `check` tells both shares.
refused=(notify shared_pids)

die() {
	echo "not ok run_vm: $*"
	echo "0 passed, 1 failed, 0 skipped"
	exit 1
}

tests_of() { sed -n 's/^test_\([A-Za-z0-9_]*\)() *{.*/\1/p' "$here/test_$1.sh"; } # FILE

# Those that are for an ordinary user: test_NAME...
users_tests_of() { sed -n 's/^\(export \)\?USER_ONLY="\(.*\)"$/\2/p' "$here/test_$1.sh"; } # FILE

runs_as_user() { grep -q '^# runs-as: .*user' "$here/test_$1.sh"; } # FILE

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
	count_apart
	[ $(((${#reason[@]} - out_refused) * 100)) -le $(((${#all[@]} - all_refused) * percent)) ] ||
		die "vm_exceptions: $((${#reason[@]} - out_refused)) of $((${#all[@]} - all_refused)) tests are more than $percent %"
}

# Of the files of what is refused whole: all_refused tests, out_refused of them in the list.
count_apart() {
	local name
	all_refused=0 out_refused=0
	for name in "${all[@]}"; do
		[[ " ${refused[*]} " == *" ${name%%.*} "* ]] || continue
		all_refused=$((all_refused + 1))
		[ -z "${reason[$name]:-}" ] || out_refused=$((out_refused + 1))
	done
}

# N of M, and how many that is in a hundred.
share() { echo "$1 of $2 tests ($((($1 * 1000 / $2 + 5) / 10)) %)"; }

# One run of tests, by this command; adds to the counts.
run_and_count() { # FILE COMMAND...
	local file=$1
	shift
	"$@" 2>&1 | tee "$work/out" | grep --line-buffered -vE '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' || true
	if [[ $(tail -n 1 "$work/out") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped$ ]]; then
		passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2])) skipped=$((skipped + BASH_REMATCH[3]))
	else
		echo "not ok vm:$file: ended before its last line"
		failed=$((failed + 1))
	fi
}

# Those of one file that are no exceptions: root's, and from a copy that this user can read the ordinary user's.
run_file() { # FILE TEST...
	local file=$1 name users roots=() others=()
	users=$(users_tests_of "$file")
	if [ -n "$as_user" ]; then
		users=$(runs_as_user "$file" && printf 'test_%s ' "${@:2}") || return 0
	fi
	shift
	for name; do
		[ -z "${reason[$file.$name]:-}" ] || continue
		if [[ " $users " == *" test_$name "* ]]; then others+=("test_$name"); else roots+=("test_$name"); fi
	done
	[ "${#roots[@]}" = 0 ] || run_and_count "$file" env HUSK="$HUSK" HUSK_LABEL=vm: \
		HUSK_TEST_SECONDS="$HUSK_TEST_SECONDS" bash "$here/test_$file.sh" "${roots[@]}"
	[ "${#others[@]}" = 0 ] || run_and_count "$file" as_user HUSK="$work/user/husk-vm" HUSK_LABEL=vm:user: \
		HUSK_MUST_RUN="${HUSK_MUST_RUN:-}" HUSK_TEST_SECONDS="$HUSK_TEST_SECONDS" TMPDIR="$work/user/tmp" \
		bash "$work/user/integration/test_$file.sh" "${others[@]}"
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
	echo "ok run_vm.vm_exceptions ($(share $((${#reason[@]} - out_refused)) $((${#all[@]} - all_refused))) of the container" \
		"side cannot hold in a VM; with ${refused[*]}, of what a VM refuses whole, $(share ${#reason[@]} ${#all[@]}))"
	echo "1 passed, 0 failed, 0 skipped"
	exit 0
fi
need_vm
work=$(mktemp -d "${TMPDIR:-/tmp}/husk-run-vm.XXXXXX")
chmod 0755 "$work"
trap 'rm -rf "$work"' EXIT
ln -s "$HUSK_TOP_BUILDDIR/husk" "$work/husk-vm"
HUSK=$work/husk-vm T=$work
mkdir -m 0755 "$work/user"
user_copy "$work/user"
passed=0 failed=0 skipped=0 as_user=
if [ "${1:-}" = user ]; then
	as_user=1
	shift
fi
if [ "${1:-}" = smoke ]; then run_smoke; else run_words "$@"; fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
