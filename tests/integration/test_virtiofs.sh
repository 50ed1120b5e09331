#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The file server husk-fsd with a real kernel's virtio-fs: a guest (tests/lab/fs-guest.sh) uses a shared
# directory, and the host looks at what it did.
set -eu
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

programs=$HUSK_TOP_BUILDDIR/tests/integration/virtiofs
SECRET="the-host's-secret"

# guest [VARIABLE=VALUE]... SCRIPT [FILE]...: in $T/share
guest() {
	local settings=()
	while [[ $1 == *=* ]]; do
		settings+=("$1")
		shift
	done
	[ -x "$HUSK_TOP_BUILDDIR/husk-fsd" ] || skip "no husk-fsd in the build tree"
	run env TMPDIR="$T" GUEST_SECONDS="$((HUSK_TEST_SECONDS > 30 ? HUSK_TEST_SECONDS - 20 : HUSK_TEST_SECONDS))" "${settings[@]}" \
		bash "$LIB_DIR/../lab/fs-guest.sh" "$T/share" "$@"
	[ "$STATUS" != 77 ] || skip "${ERR#fs-guest: }"
}

# A guest's script ends well, and says nothing that is not ok.
guest_ok() {
	guest "$@"
	! grep -q '^not ok' <<<"$OUT" || fail "$(grep '^not ok' <<<"$OUT")"
	[ "$STATUS" = 0 ] || fail "status $STATUS: $ERR $OUT"
}

make_share() {
	mkdir -p "$T/share/d"
	printf '%s' "$SECRET" >"$T/secret"
	chmod 644 "$T/secret"
	echo f >"$T/share/f"
	echo here >"$T/share/here"
}

# Nothing beside the share changed, and the secret did not.
outside() { (cd "$T" && find . -mindepth 1 -path ./share -prune -o -path './husk-fs-guest.*' -prune -o ! -name 'std*' -printf '%p %m %U %s %T@\n' | sort); }

test_a_program_finds_what_it_expects() {
	make_share
	echo root >"$T/share/rootonly"
	chmod 600 "$T/share/rootonly"
	echo 'probe /mnt' >"$T/script"
	guest_ok "$T/script" "$programs/probe"
	assert_match "$OUT" '^ok names_have_limits$' "the last probe"
	# what it did, as the host has it
	assert_eq "$(stat -c '%u %g' "$T/share/open/mine")" "1000 1001" "the owner of a user's file"
	assert_eq "$(stat -c '%F %t %T' "$T/share/null")" "character special file 1 3" "a device"
	assert_eq "$(stat -c '%F' "$T/share/socket")" "socket"
	assert_eq "$(stat -c '%F' "$T/share/fifo")" "fifo"
	assert_eq "$(stat -c '%a' "$T/share/suid")" 777 "a set-user-id file that another wrote to"
	assert_eq "$(stat -c '%F %t %T' "$T/share/w1")" "character special file 0 0" "a whiteout"
	assert_eq "$(cat "$T/share/late")" late "a file that got its name late"
	assert_eq "$(stat -c %b "$T/share/room2")" 2048 "blocks of a file with room behind its end"
	assert_eq "$(cat "$T/share/map2")" 0120 "a file with two mappings"
	assert_eq "$(cat "$T/share/map")" HELLO "a file written through a mapping"
	assert_eq "$(cat "$T/share/app")" Xcb "a file that was appended to"
}

# As the jail gives it: binds in a tmpfs, one read-only, one of a single file, a mount below.
test_mounts_below_the_share_hold() {
	make_share
	mkdir -p "$T/share"/{ro,rw,sub,deep} "$T"/{host,deep}
	touch "$T/share/file" "$T/share/rofile"
	echo host >"$T/host/h"
	echo one >"$T/one"
	echo two >"$T/two"
	cat >"$T/script" <<-'EOF'
		check() { if eval "$2"; then echo "ok $1"; else echo "not ok $1"; fi; }
		refused() { ! { eval "$1"; } 2>/tmp/err && grep -q "Read-only" /tmp/err; }
		check ro_read '[ "$(cat /mnt/ro/h)" = host ]'
		check ro_write 'refused "echo x >/mnt/ro/h"'
		check ro_create 'refused "touch /mnt/ro/new"'
		check ro_remove 'refused "rm /mnt/ro/h"'
		check ro_chmod 'refused "chmod 777 /mnt/ro/h"'
		check rw_write 'echo x >/mnt/rw/new'
		check file_read '[ "$(cat /mnt/file)" = one ]'
		check file_write 'echo three >/mnt/file'
		check file_stays '! rm /mnt/file 2>/dev/null'
		check rofile_write 'refused "echo x >/mnt/rofile"'
		check submount 'ls /mnt/sub >/dev/null && grep -q " /mnt/sub virtiofs" /proc/mounts'
		check own_device '[ "$(stat -c %d /mnt)" != "$(stat -c %d /mnt/sub)" ]'
		check sub_write 'echo s >/mnt/sub/s && [ "$(cat /mnt/sub/s)" = s ]'
		check across '! ln /mnt/f /mnt/sub/f 2>/dev/null && mv /mnt/f /mnt/sub/f'
		check below_below '[ "$(cat /mnt/deep/tree/x)" = x ]'
		# forgotten by the guest, and there again
		echo 3 >/proc/sys/vm/drop_caches
		check again '[ "$(cat /mnt/sub/s)" = s ] && [ "$(cat /mnt/ro/h)" = host ]'
	EOF
	cat >"$T/in-mounts" <<-EOF
		set -e
		mount --bind "$T/host" "$T/share/ro"
		mount -o remount,bind,ro "$T/share/ro"
		mount --bind "$T/host" "$T/share/rw"
		mount --bind "$T/one" "$T/share/file"
		mount --bind "$T/two" "$T/share/rofile"
		mount -o remount,bind,ro "$T/share/rofile"
		mount -t tmpfs sub "$T/share/sub"
		mount -t tmpfs deep "$T/share/deep"
		mkdir "$T/share/deep/tree"
		mount -t tmpfs tree "$T/share/deep/tree"
		echo x >"$T/share/deep/tree/x"
		exec "\$@"
	EOF
	guest_ok FSD_PREFIX="unshare -m --propagation private bash $T/in-mounts" "$T/script"
	assert_match "$OUT" '^ok again$' "the last check"
	assert_eq "$(cat "$T/host/h" "$T/host/new" "$T/one" "$T/two")" $'host\nx\nthree\ntwo' "the sources of the binds"
}

test_what_the_host_changes_is_seen() {
	make_share
	echo old >"$T/share/changed"
	echo same >"$T/share/again"
	cat >"$T/script" <<-'EOF'
		[ "$(cat /mnt/changed)" = old ] && echo "ok before"
		cat /mnt/again >/dev/null
		ls /mnt/gone /mnt/d >/dev/null 2>&1
		echo >/mnt/ready
		n=0
		until [ -e /mnt/go ] || [ $n = 1000 ]; do n=$((n + 1)); usleep 100000; done
		usleep 1200000
		[ "$(cat /mnt/changed)" = "new content" ] && echo "ok content"
		[ "$(cat /mnt/again)" = diff ] && echo "ok content of the same size"
		[ -e /mnt/gone ] && echo "ok a new name"
		[ ! -e /mnt/f ] && echo "ok a name that went"
		[ "$(stat -c %a /mnt/here)" = 604 ] && echo "ok a mode"
		[ "$(ls /mnt/d)" = inside ] && echo "ok a listing"
	EOF
	(
		wait_for "$HUSK_TEST_SECONDS" test -e "$T/share/ready"
		echo "new content" >"$T/share/changed"
		echo diff >"$T/share/again"
		touch "$T/share/gone" "$T/share/d/inside"
		rm "$T/share/f"
		chmod 604 "$T/share/here"
		touch "$T/share/go"
	) &
	guest "$T/script"
	wait
	assert_eq "$(grep -c '^ok' <<<"$OUT")" 7 "what was seen ($OUT)"
}

# The guest's kernel remembers all of them at once; the server may have 300 descriptors.
test_a_tree_of_more_files_than_descriptors() {
	local i
	need prlimit
	for i in $(seq 40); do
		mkdir -p "$T/share/$i"
		(cd "$T/share/$i" && seq 100 | while read -r f; do echo "$i $f" >"$f"; done)
	done
	cat >"$T/script" <<-'EOF'
		check() { if eval "$2"; then echo "ok $1"; else echo "not ok $1"; fi; }
		check find '[ "$(find /mnt -type f | wc -l)" = 4000 ]'
		check list '[ "$(ls -lR /mnt | grep -c "^-rw-r--r--")" = 4000 ]'
		check read '[ "$(cat /mnt/*/* | sort -u | wc -l)" = 4000 ]'
		check again '[ "$(find /mnt -type f -size -2 | wc -l)" = 4000 ]'
		cd /mnt/7 && mv /mnt/7 /mnt/8/seven && check cwd '[ "$(cat 7)" = "7 7" ]'
		find /mnt/8 -type f >/dev/null
		check moved '[ "$(cat 9)" = "7 9" ] && [ "$(cat /mnt/8/seven/11)" = "7 11" ]'
		exec 5</mnt/9/9 && rm -r /mnt/9 && cat /mnt/1*/* >/dev/null
		check removed '[ "$(cat <&5)" = "9 9" ] && [ ! -e /mnt/9 ]'
	EOF
	guest_ok FSD_PREFIX="prlimit --nofile=300:300" "$T/script"
	assert_eq "$(grep -c '^ok' <<<"$OUT")" 7 "the checks ($OUT)"
}

test_hostile_requests_reach_nothing() {
	local before
	make_share
	ln -s ../secret "$T/share/up"
	echo 'raw requests' >"$T/script"
	before=$(outside)
	guest GUEST_RAW=1 "$T/script" "$programs/raw"
	chmod 755 "$T/share"
	[ "$STATUS" = 0 ] || fail "status $STATUS: $OUT $ERR"
	assert_match "$OUT" '^raw: 0 reached' "what the guest reached"
	assert_eq "$(outside)" "$before" "what is outside of the share"
	assert_eq "$(cat "$T/secret")" "$SECRET" "the secret"
}

test_a_hostile_ring_ends_the_server_with_a_message() {
	make_share
	echo 'raw rings 1' >"$T/script"
	guest GUEST_RAW=1 "$T/script" "$programs/raw"
	assert_eq "$STATUS" 1
	assert_match "$ERR" 'husk-fsd: the guest broke its queue: a chain that does not end' "the server's message"
}

# Without a guest: what the server keeps of what it was started with.
test_the_server_keeps_only_what_it_needs() {
	local pid status
	make_share
	cat >"$T/connect.py" <<-'EOF'
		import socket, sys, time
		s = socket.socket(socket.AF_UNIX)
		s.connect(sys.argv[1])
		time.sleep(1000)
	EOF
	need python3
	"$HUSK_TOP_BUILDDIR/husk-fsd" --root "$T/share" --socket "$T/socket" 2>"$T/fsd.err" &
	pid=$!
	wait_for 10 test -S "$T/socket"
	python3 "$T/connect.py" "$T/socket" &
	wait_for 10 grep -q '^Seccomp:.*2' "/proc/$pid/status"
	status=$(cat "/proc/$pid"/task/*/status)
	# CHOWN DAC_OVERRIDE FOWNER FSETID SETGID SETUID MKNOD SETFCAP
	assert_eq "$(sed -n 's/^CapPrm:\t//p' <<<"$status" | sort -u)" 00000000880000db "permitted capabilities"
	assert_eq "$(sed -n 's/^CapBnd:\t//p' <<<"$status" | sort -u)" 00000000880000db "the bounding set"
	assert_eq "$(sed -n 's/^CapInh:\t//p' <<<"$status" | sort -u)" 0000000000000000 "inheritable capabilities"
	assert_eq "$(sed -n 's/^NoNewPrivs:\t//p' <<<"$status" | sort -u)" 1 "no_new_privs"
	assert_eq "$(sed -n 's/^Seccomp:\t//p' <<<"$status" | sort -u)" 2 "a filter of every thread"
	assert_eq "$(sed -n 's/^Groups:\t *//p' <<<"$status" | sort -u)" "" "supplementary groups"
	[ ! -e "$T/socket" ] || fail "the socket is left"
	kill %2
	wait "$pid" || fail "status $? when its QEMU goes: $(cat "$T/fsd.err")"
}

test_the_servers_options_are_checked() {
	local fsd=$HUSK_TOP_BUILDDIR/husk-fsd
	for args in "" "--root $T" "--socket x" "--root $T --socket x --socket-fd 3" "--root $T --socket x y" "--root $T --socket x --threads 0" "--nope"; do
		# shellcheck disable=SC2086 # words
		run "$fsd" $args
		[ "$STATUS" = 1 ] || fail "status $STATUS of '$args'"
		assert_match "$ERR" '^husk-fsd: usage: ' "the message of '$args'"
	done
	run "$fsd" --root "$T/none" --socket "$T/s"
	assert_match "$ERR" "husk-fsd: --root: open '.*/none': No such file" "a root that is not there"
	run "$fsd" --root "$T" --socket-fd 99
	assert_match "$ERR" "husk-fsd: --socket-fd: descriptor 99: Bad file descriptor" "a descriptor that is none"
	run "$fsd" --root "$T" --socket "$T/s" --threads 65
	assert_match "$ERR" "--threads: expected a number up to 64, got '65'" "too many threads"
}

# shellcheck disable=SC2034 # of lib.sh
ROOT_ONLY="test_a_program_finds_what_it_expects test_mounts_below_the_share_hold test_what_the_host_changes_is_seen
	test_a_tree_of_more_files_than_descriptors test_hostile_requests_reach_nothing test_a_hostile_ring_ends_the_server_with_a_message test_the_server_keeps_only_what_it_needs"
run_tests "$@"
