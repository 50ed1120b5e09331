# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034 # OUT, ERR and others are for the tests
# lib.sh: the harness of the integration tests.
#
# A test file sources this, defines functions test_*, and ends with `run_tests "$@"`.
# Each function runs in a bash of its own (set -eEu) with a time limit, in the
# directory $T, which nobody else uses; afterwards nothing of it may be left: no
# process, mount, cgroup or state. Printed are "ok NAME" (and what the test wrote into
# the file "note"), "not ok NAME: reason" or "skip NAME: reason", and last "N passed, N failed, N skipped". Run one file as
#   bash tests/integration/test_lifecycle.sh [test_name ...]
#
# HUSK        the runtime under test (default: husk at the top of the build tree). It may be
#             another OCI runtime, to see whether a test asks for what others do too.
# HUSK_FLAGS  global options added to every command, such as --cgroup-manager=disabled
# HUSK_MUST_RUN=1    a skip is a failure
# HUSK_TEST_USER     the ordinary user of as_user (default husktest, which ./bootstrap makes, with
#                    subordinate ids; where there is none: uid and gid 65534, without)
# HUSK_TEST_SECONDS  time limit of a test (default 600: only what hangs shall meet it)
# HUSK_RUN_PID       a number that no other run has at the time, for names (default: the pid of the test file)
#
# To be set by a test file before run_tests:
# ROOT_ONLY="test_a test_b"   tests that an ordinary user cannot run
# USER_ONLY="test_c"          tests that are for an ordinary user
# A line "# runs-as: root user" in a test file: run.sh, when root, runs it as the ordinary
# user too.

set -eEu -o pipefail
umask 022 # containers with user namespaces must reach their rootfs

LIB_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
: "${HUSK_TOP_BUILDDIR:=$(cd "$LIB_DIR/../.." && pwd)}"
: "${HUSK:=$HUSK_TOP_BUILDDIR/husk}"
: "${HUSK_FLAGS:=}"
: "${HUSK_TEST_USER:=husktest}"
: "${HUSK_TEST_SECONDS:=600}"
: "${HUSK_RUN_PID:=$$}"
: "${ROOT_ONLY:=}" "${USER_ONLY:=}"
# husk makes itself undumpable, which LeakSanitizer cannot work with; the unit tests look for leaks.
: "${ASAN_OPTIONS:=detect_leaks=0}"
BOOT_SECONDS=0 # what a time limit of a test has to be longer by
[[ $HUSK != */husk-vm ]] || BOOT_SECONDS=120
export HUSK HUSK_FLAGS HUSK_TOP_BUILDDIR HUSK_TEST_USER ASAN_OPTIONS BOOT_SECONDS

# ---- what a test says ----

# The test ends here, with this reason.
fail() {
	printf '%s' "$*" >"$T/reason"
	trap - ERR
	exit 1
}

# The test cannot run on this machine.
skip() {
	printf '%s' "$*" >"$T/reason"
	trap - ERR
	exit 77
}

is_root() { [ "$(id -u)" = 0 ]; }

# Is this program built with the sanitizers? (A pipe into grep -q would fail by SIGPIPE now and then.)
has_sanitizers() { grep -q libasan <<<"$(ldd "$1" 2>/dev/null)"; }

# need PROGRAM...: skip without them.
need() {
	local p
	for p in "$@"; do
		command -v "$p" >/dev/null || skip "no program '$p' on this machine"
	done
}

# HUSK asks for VMs from now on. Skips where no guest could be booted; a test that boots one needs QEMU, too.
as_vm() {
	local built agent
	built=$(realpath "$HUSK")
	agent=$(dirname "$built")/husk-agent
	need jq
	[ -x "$agent" ] || skip "no husk-agent beside husk"
	! has_sanitizers "$agent" || skip "husk-agent with the sanitizers is not static, and the guest has no libraries"
	compgen -G '/boot/vmlinuz-*' >/dev/null || skip "no kernel in /boot (package linux-image-cloud-amd64)"
	ln -sf "$built" "$T/husk-vm"
	HUSK=$T/husk-vm
}

# ---- running commands ----

# Runs a command: STATUS, OUT and ERR hold what it did. Never fails itself.
run() {
	STATUS=0
	"$@" >"$T/stdout" 2>"$T/stderr" </dev/null || STATUS=$?
	OUT=$(cat "$T/stdout")
	ERR=$(cat "$T/stderr")
}

# The runtime with a state directory of the test's own.
husk() {
	# shellcheck disable=SC2086 # HUSK_FLAGS is a list of words
	"$HUSK" --root "$ROOT" $HUSK_FLAGS "$@"
}

# The same in place of the (sub)shell, so that $! of `husk_exec ... &` is the runtime's pid.
husk_exec() {
	# shellcheck disable=SC2086
	exec "$HUSK" --root "$ROOT" $HUSK_FLAGS "$@"
}

# What only husk promises is not asked of another runtime.
is_husk() { [[ $HUSK =~ /husk(-vm)?$ ]]; }

# husk called as husk-vm (run_vm.sh): each container is in a machine that first has to boot.
is_vm() { [[ $HUSK == */husk-vm ]]; }

# The same with a JSON log in $LOG.
husk_log() {
	# shellcheck disable=SC2086
	"$HUSK" --root "$ROOT" --log "$LOG" --log-format json $HUSK_FLAGS "$@"
}

# expect_status N COMMAND...
expect_status() {
	local want=$1
	shift
	run "$@"
	[ "$STATUS" = "$want" ] || fail "status $STATUS, not $want, of '$*': ${ERR:-$OUT}"
}

# expect_output TEXT COMMAND...: succeeds and prints exactly this.
expect_output() {
	local want=$1
	shift
	expect_status 0 "$@"
	[ "$OUT" = "$want" ] || fail "output '$OUT', not '$want', of '$*'"
}

# expect_error REGEX COMMAND...: fails, with one line on stderr that matches (any case); husk's
# warnings may stand above it.
expect_error() {
	local want=$1
	shift
	run "$@"
	[ "$STATUS" != 0 ] || fail "no failure of '$*'"
	grep -qiE -- "$want" <<<"$ERR" || fail "error '$ERR' does not match '$want'"
	! is_husk || [ "$(grep -cv '^husk: warning: ' <<<"$ERR")" = 1 ] || fail "an error of more than one line: '$ERR'"
}

# assert_eq GOT WANT [WHAT]
assert_eq() {
	[ "$1" = "$2" ] || fail "${3:-value}: got '$1', not '$2'"
}

# assert_match GOT REGEX [WHAT]
assert_match() {
	grep -qE -- "$2" <<<"$1" || fail "${3:-value}: '$1' does not match '$2'"
}

# wait_for SECONDS COMMAND...: until it succeeds. Whatever others do a little later is waited for, and a
# busy machine may take long for what is soon done: less than a minute is a minute.
wait_for() {
	local end=$((SECONDS + ($1 > 60 ? $1 : 60) + BOOT_SECONDS))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || fail "waited in vain for '$*'"
		sleep 0.02
	done
}

# A container that has just ended may hold on to a mount for a moment.
unmount() { # DIR...
	local dir
	for dir in "$@"; do wait_for 10 umount "$dir"; done
}

# is_running PID WORD...: this is its program and its arguments, and no more those of who became it.
is_running() { [ "$(tr '\0' ' ' <"/proc/$1/cmdline")" = "${*:2} " ]; }

# ---- bundles ----

# A rootfs of busybox, made once a run and copied.
make_template() {
	local dir=$1 busybox
	busybox=$(command -v busybox) || return 1
	mkdir -p "$dir"/{bin,dev,etc,proc,sys,tmp,root,home,run}
	cp "$busybox" "$dir/bin/busybox"
	(cd "$dir/bin" && busybox --list | grep -vx busybox | xargs -n 1 ln -s busybox)
	printf 'root:x:0:0:root:/root:/bin/sh\nguest:x:1000:1001:guest:/home:/bin/sh\n' >"$dir/etc/passwd"
	printf 'root:x:0:\nguest:x:1001:\nextra:x:2000:guest\n' >"$dir/etc/group"
}

# make_bundle DIR [JQ...]: a rootfs and the config.json of `husk spec`, without a terminal, edited
# by jq with these words.
make_bundle() {
	local dir=$1 rootless=()
	shift
	mkdir -p "$dir"
	cp -a "$HUSK_TEMPLATE" "$dir/rootfs"
	is_root || rootless=(--rootless)
	(cd "$dir" && "$HUSK" spec "${rootless[@]}")
	config "$dir" '.process.terminal = false | .process.args = ["/bin/true"]'
	is_root || config "$dir" "$ROOTLESS"
	[ $# = 0 ] || config "$dir" "$@"
}

# For jq: in a VM the container of `husk spec --rootless` has a network namespace, and no bind of the host's sysfs.
ROOTLESS=.
! is_vm || ROOTLESS='.linux.namespaces |= map(select(.type != "network")) + [{"type": "network"}] | (.mounts[] | select(.destination == "/sys")) =
	{"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]}'

# config DIR JQ...: edits config.json.
config() {
	local dir=$1
	shift
	jq "$@" "$dir/config.json" >"$dir/config.json.new"
	mv "$dir/config.json.new" "$dir/config.json"
}

# container_sh DIR TEXT [JQ...]: the container runs `sh -c TEXT`.
container_sh() {
	local dir=$1 text=$2
	shift 2
	# shellcheck disable=SC2016 # $text is jq's
	config "$dir" --arg text "$text" '.process.args = ["/bin/sh", "-c", $text]'
	[ $# = 0 ] || config "$dir" "$@"
}

# The status that `state` tells.
status_of() { husk state "$1" 2>/dev/null | jq -r .status; }

is_status() { [ "$(status_of "$1")" = "$2" ]; }

# No process, of the host or of the container that runs in a VM, has TEXT in its command line.
no_process_of() { # TEXT
	! grep -lsF -- "$1" /proc/[0-9]*/cmdline >/dev/null || return 1
	! is_vm || ! is_status "$ID" running || ! husk exec "$ID" ps -o args | grep -F -- "$1" >/dev/null
}

# has_process COMMAND: the container has one with this command line; husk's, which becomes one, has it only at its end.
has_process() { husk exec "$ID" ps -o args | grep -xF -- "$1" >/dev/null; }

# rounds N M: N, or M in a VM, where each takes a boot.
rounds() { if is_vm; then echo "$2"; else echo "$1"; fi; }

# copy_husk DIR: the runtime and, for a VM, what it needs beside itself; HUSK is the copy.
copy_husk() {
	local p built
	built=$(dirname "$(realpath "$HUSK")")
	cp "$HUSK" "$1/$(basename "$HUSK")"
	if is_vm; then
		for p in husk-mon husk-fsd husk-net husk-agent husk-prepare; do ln -s "$built/$p" "$1/$p"; done
	fi
	HUSK=$1/$(basename "$HUSK")
}

# ---- other users, other mounts ----

# as_user COMMAND...: as the ordinary user, in a clean environment, without groups or capabilities.
as_user() {
	local uid=65534 gid=65534 home=$T/home
	if id "$HUSK_TEST_USER" >/dev/null 2>&1; then
		uid=$(id -u "$HUSK_TEST_USER") gid=$(id -g "$HUSK_TEST_USER")
	fi
	install -d -o "$uid" -g "$gid" -m 0700 "$home" "$home/run"
	setpriv --reuid "$uid" --regid "$gid" --clear-groups --inh-caps=-all \
		env -i PATH="$PATH" HOME="$home" XDG_RUNTIME_DIR="$home/run" TERM="${TERM:-dumb}" \
		ASAN_OPTIONS="$ASAN_OPTIONS" "$@"
}

# user_copy DIR: in it the runtime with its helpers, the tests as `integration`, and `tmp`, for the ordinary user, who
# may be unable to enter the build tree.
user_copy() {
	local p built
	built=$(dirname "$(realpath "$HUSK")")
	cp "$HUSK" "$1/$(basename "$HUSK")"
	for p in agent fsd mon net prepare; do
		[ ! -x "$built/husk-$p" ] || cp "$built/husk-$p" "$1/"
	done
	mkdir -m 0755 "$1/integration" "$1/tmp"
	cp "$LIB_DIR"/*.sh "$1/integration/"
	for p in notify/agent vm/init; do
		[ ! -x "$HUSK_TOP_BUILDDIR/tests/integration/$p" ] ||
			install -D "$HUSK_TOP_BUILDDIR/tests/integration/$p" "$1/integration/$p"
	done
	chmod -R go+rX "$1"
	chmod 1777 "$1/tmp"
}

# The options of this machine's cgroup2, for another mount of it: they hold for all mounts, and one
# without nsdelegate would take it from the whole machine.
cgroup2_options() {
	awk '$3 == "cgroup2" { print $4; exit }' /proc/self/mounts | tr ',' '\n' |
		grep -xE 'nsdelegate|favordynmods|memory_[a-z_]+' | paste -sd , || true
}

# private_cgroup2 "$@": at the top of a test file. Runs it again in a mount namespace where
# /sys/fs/cgroup is nothing but cgroup2; the root mount namespace stays as it is.
private_cgroup2() {
	[ -z "${HUSK_PRIVATE_CGROUP2:-}" ] || return 0
	[ "$(stat -f -c %T /sys/fs/cgroup)" != cgroup2fs ] || return 0
	is_root || return 0
	unshare -m --propagation private true 2>/dev/null || return 0
	CGROUP2_OPTIONS=rw,$(cgroup2_options)
	export CGROUP2_OPTIONS
	# shellcheck disable=SC2016 # expanded by the inner shell
	exec unshare -m --propagation private bash -c '
		umount -R /sys/fs/cgroup && mount -t cgroup2 -o "${CGROUP2_OPTIONS%,}" none /sys/fs/cgroup || exit 1
		export HUSK_PRIVATE_CGROUP2=1
		exec bash "$@"' private_cgroup2 "$0" "$@"
}

# with_husk_json JSON COMMAND...: where /etc/husk/husk.json says this; with modes and an owner of
# HUSK_JSON_MODE, HUSK_JSON_OWNER, HUSK_DIR_MODE, if set.
# shellcheck disable=SC2016 # $1 is the inner shell's
with_husk_json() {
	local json=$1
	shift
	mkdir -p "$T"/etc/{up/husk,work}
	printf '%s\n' "$json" >"$T/etc/up/husk/husk.json"
	chmod "${HUSK_JSON_MODE:-644}" "$T/etc/up/husk/husk.json"
	chown "${HUSK_JSON_OWNER:-0}" "$T/etc/up/husk/husk.json"
	chmod "${HUSK_DIR_MODE:-755}" "$T/etc/up/husk"
	unshare -m --propagation private sh -c 'mount -t overlay -o "lowerdir=/etc,upperdir=$1/up,workdir=$1/work" etc /etc || exit 99
		shift; exec "$@"' sh "$T/etc" "$@"
}

# ---- leaks ----

cgroup2_root() { awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts; }

# Processes that belong to the test in directory $1: called with it, or with a root file system
# below it. This shell and its parents do not count.
leaked_pids() {
	local dir=$1 tail
	tail=$(basename "$(dirname "$dir")")/$(basename "$dir")
	{
		grep -lsF "$dir/" /proc/[0-9]*/cmdline
		# the mount at "/" comes from the test's directory (or lies over it)
		grep -lsE "^[0-9]+ [0-9]+ [0-9:]+ ([^ ]*/$tail/[^ ]* / |/ / .*/$tail/)" /proc/[0-9]*/mountinfo
	} | sed 's,^/proc/\([0-9]*\)/.*,\1,' | sort -u | grep -vxE "$$|$BASHPID|$PPID" || true
}

leaks() { # DIR ID -> one line a leak
	local dir=$1 id=$2 pid cg
	for pid in $(leaked_pids "$dir"); do
		echo "process $pid ($(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null || true))"
	done
	awk -v dir="$dir/" 'index($5, dir) == 1 { print "mount " $5 }' /proc/self/mountinfo
	cg=$(cgroup2_root)
	[ -z "$cg" ] || find "$cg" -type d -name "*$id*" -printf 'cgroup %p\n' 2>/dev/null || true
	find "$dir/state" -mindepth 1 -maxdepth 1 -name "$id*" -printf 'state %f\n' 2>/dev/null || true
}

# Ends what a failed test left. By pid, and only what belongs to the test's directory.
clean_up() {
	local dir=$1 id=$2 pid s mnt cg
	for s in "$dir"/state/"$id"*; do
		[ ! -e "$s" ] || ROOT="$dir/state" husk delete --force "$(basename "$s")" >/dev/null 2>&1 </dev/null || true
	done
	for pid in $(leaked_pids "$dir"); do
		kill -KILL "$pid" 2>/dev/null || true
	done
	while read -r mnt; do
		umount -l "$mnt" 2>/dev/null || true
	done < <(awk -v dir="$dir/" 'index($5, dir) == 1 { print $5 }' /proc/self/mountinfo | sort -r)
	cg=$(cgroup2_root)
	[ -z "$cg" ] || find "$cg" -depth -type d -name "*$id*" -exec rmdir {} \; 2>/dev/null || true
}

# ---- the runner ----

# Runs one function, in this process: T, ROOT, LOG and ID are the test's own.
run_one() {
	local name=$1
	trap 'printf "line %s: %s (called in lines %s)" "$LINENO" "$BASH_COMMAND" "${BASH_LINENO[*]}" >"$T/reason"' ERR
	cd "$T"
	"$name"
}

run_and_report() { # FUNCTION
	local name=$1 label status=0 reason note left end
	label="$LABEL${name#test_}"
	T=$(mktemp -d "$BASE/$name.XXXXXX")
	chmod 0755 "$T"
	ROOT=$T/state LOG=$T/log.json ID=it-$HUSK_RUN_PID-$((++COUNT))
	mkdir "$ROOT"
	export T ROOT LOG ID HUSK_TEMPLATE
	timeout -k 5 "$HUSK_TEST_SECONDS" bash "$0" --one "$name" >"$T/out" 2>&1 </dev/null || status=$?
	reason=$(cat "$T/reason" 2>/dev/null || echo "status $status")
	[ "$status" != 124 ] || reason="no end within $HUSK_TEST_SECONDS s (last: $reason)"
	left=
	end=$((SECONDS + 30)) # the dying need a moment
	while left=$(leaks "$T" "$ID") && [ -n "$left" ] && [ "$SECONDS" -lt "$end" ]; do
		sleep 0.1
	done
	if [ -n "$left" ]; then
		clean_up "$T" "$ID"
		if [ "$status" = 0 ]; then
			status=1 reason="left behind: ${left//$'\n'/, }"
		fi
	fi
	if [ "$status" = 77 ] && [ -n "${HUSK_MUST_RUN:-}" ]; then
		status=1 reason="skipped, but HUSK_MUST_RUN is set: $reason"
	fi
	note=$(cat "$T/note" 2>/dev/null || true)
	note=${note:+ (${note%; })}
	case $status in
	0) echo "ok $label$note" && PASSED=$((PASSED + 1)) ;;
	77) echo "skip $label: $reason" && SKIPPED=$((SKIPPED + 1)) ;;
	*)
		echo "not ok $label: ${reason//$'\n'/ }"
		[ ! -s "$T/out" ] || tail -n 30 "$T/out" | sed 's/^/    /'
		FAILED=$((FAILED + 1))
		;;
	esac
	rm -rf "$T"
}

# In the order in which the file defines them.
test_functions() {
	sed -n 's/^\(test_[A-Za-z0-9_]*\)() *{.*/\1/p' "$0"
}

# run_tests [NAME...]: all tests of this file, or these. Ends the script.
run_tests() {
	local name tests
	if [ "${1:-}" = --one ]; then
		run_one "$2"
		exit 0
	fi
	[ -x "$HUSK" ] || {
		echo "not ok $(basename "$0"): no runtime '$HUSK': build first, or set HUSK"
		echo "0 passed, 1 failed, 0 skipped"
		exit 1
	}
	PASSED=0 FAILED=0 SKIPPED=0 COUNT=0
	LABEL=$(basename "$0" .sh)
	LABEL=${HUSK_LABEL:-}${LABEL#test_}.
	BASE=$(mktemp -d "${TMPDIR:-/tmp}/husk-it.XXXXXX")
	chmod 0755 "$BASE"
	trap 'rm -rf "$BASE"' EXIT
	HUSK_TEMPLATE=$BASE/template
	make_template "$HUSK_TEMPLATE" || {
		echo "not ok ${LABEL}setup: no busybox on this machine (package busybox-static)"
		echo "0 passed, 1 failed, 0 skipped"
		exit 1
	}
	mapfile -t tests < <(if [ $# -gt 0 ]; then printf '%s\n' "$@"; else test_functions; fi)
	for name in "${tests[@]}"; do
		if is_root && [[ " $USER_ONLY " == *" $name "* ]]; then
			continue
		fi
		if ! is_root && [[ " $ROOT_ONLY " == *" $name "* ]]; then
			[ -z "${HUSK_LABEL:-}" ] || continue # root ran it already
			echo "skip $LABEL${name#test_}: needs root"
			SKIPPED=$((SKIPPED + 1))
			[ -z "${HUSK_MUST_RUN:-}" ] || FAILED=$((FAILED + 1))
			continue
		fi
		run_and_report "$name"
	done
	echo "$PASSED passed, $FAILED failed, $SKIPPED skipped"
	[ "$FAILED" = 0 ] && [ $((PASSED + SKIPPED)) -gt 0 ] && exit 0
	exit 1
}
