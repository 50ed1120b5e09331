#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Mount options about symlinks (copy-symlink, src-nofollow, dest-nofollow, nosymfollow), and of the superblock.
# runs-as: root user
# vm-smoke: test_copy_symlink_stays_in_the_rootfs
# shellcheck disable=SC2016 # $names in single quotes are jq's or the container's shell's
set -eu
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
ROOT_ONLY="test_rnosymfollow_reaches_mounts_below test_lazytime test_iversion"
private_cgroup2 "$@"

# mount_at DIR DESTINATION TYPE SOURCE [OPTION...]
mount_at() {
	config "$1" --arg to "$2" --arg type "$3" --arg from "$4" --arg options "${*:5}" '.mounts += [
		{"destination": $to, "type": $type, "source": $from, "options": ($options | split(" "))}]'
}

# ---- copy-symlink ----

test_copy_symlink_makes_the_symlink_again() {
	make_bundle b
	ln -s /etc/passwd link
	ln -s nowhere/at/all dangling
	mount_at b /links/l bind "$T/link" bind copy-symlink
	mount_at b /links/d bind "$T/dangling" bind copy-symlink
	container_sh b 'readlink /links/l; readlink /links/d; head -n 1 /links/l; grep -c /links /proc/self/mountinfo; true'
	expect_output $'/etc/passwd\nnowhere/at/all\nroot:x:0:0:root:/root:/bin/sh\n0' husk run -b b "$ID"
	# once more: it is there now
	expect_output $'/etc/passwd\nnowhere/at/all\nroot:x:0:0:root:/root:/bin/sh\n0' husk run -b b "$ID"
}

test_copy_symlink_of_what_is_no_symlink_is_a_mount() {
	make_bundle b
	mkdir src
	echo one >src/file
	mount_at b /m bind "$T/src" rbind copy-symlink
	container_sh b 'cat /m/file; grep -c " /m " /proc/self/mountinfo'
	expect_output $'one\n1' husk run -b b "$ID"
}

test_copy_symlink_replaces_nothing() {
	is_husk || skip "messages of husk's own"
	make_bundle b
	ln -s /etc/passwd link
	echo mine >b/rootfs/file
	ln -s /etc/group b/rootfs/other
	mount_at b /file bind "$T/link" bind copy-symlink
	expect_error "mounts\[[0-9]+\] \('/file'\): something else is there than a symlink to '/etc/passwd'" husk run -b b "$ID"
	config b '.mounts[-1].destination = "/other"'
	expect_error "mounts\[[0-9]+\] \('/other'\): something else is there" husk run -b b "$ID"
	assert_eq "$(cat b/rootfs/file; readlink b/rootfs/other)" $'mine\n/etc/group' "the rootfs"
}

# The way to it is the container's, and may not lead out of it.
test_copy_symlink_stays_in_the_rootfs() {
	make_bundle b
	mkdir outside
	ln -s /etc/passwd link
	ln -s "$T/outside" b/rootfs/escape
	ln -s ../../../../../../../../../../"$T/outside" b/rootfs/dots
	mount_at b /escape/a bind "$T/link" bind copy-symlink
	mount_at b /dots/b bind "$T/link" bind copy-symlink
	container_sh b 'readlink /escape/a && readlink /dots/b'
	run husk run -b b "$ID"
	assert_eq "$(ls -A outside)" "" "files outside of the rootfs"
}

# ---- src-nofollow ----

test_src_nofollow_mounts_the_symlink_itself() {
	make_bundle b
	ln -s /etc/passwd link
	touch b/rootfs/l
	mount_at b /l bind "$T/link" bind src-nofollow
	container_sh b 'readlink /l; head -n 1 /l'
	expect_output $'/etc/passwd\nroot:x:0:0:root:/root:/bin/sh' husk run -b b "$ID"
	config b '.mounts[-1].options = ["bind"]'
	container_sh b 'readlink /l; [ "$(wc -l </l)" -gt 2 ] && echo hosts'
	expect_output hosts husk run -b b "$ID"
}

test_src_nofollow_of_a_file_or_directory() {
	make_bundle b
	mkdir src
	echo one >src/file
	mount_at b /m bind "$T/src" rbind src-nofollow
	mount_at b /f bind "$T/src/file" bind src-nofollow
	container_sh b 'cat /m/file /f'
	expect_output $'one\none' husk run -b b "$ID"
}

# ---- dest-nofollow ----

test_dest_nofollow_mounts_on_the_symlink() {
	make_bundle b
	echo one >file
	echo mine >b/rootfs/target
	ln -s target b/rootfs/l
	mount_at b /l bind "$T/file" bind dest-nofollow
	container_sh b 'cat /l /target; grep -o " /l " /proc/self/mountinfo'
	expect_output $'one\nmine\n /l ' husk run -b b "$ID"
	config b '.mounts[-1].options = ["bind"]'
	container_sh b 'cat /l /target; grep -o " /l " /proc/self/mountinfo; true'
	expect_output $'one\none' husk run -b b "$ID"
}

test_dest_nofollow_of_what_is_no_symlink() {
	make_bundle b
	mkdir -p src b/rootfs/there
	echo one >src/file
	mount_at b /there bind "$T/src" rbind dest-nofollow
	mount_at b /new/dir bind "$T/src" rbind dest-nofollow
	mount_at b /new/file bind "$T/src/file" bind dest-nofollow
	mount_at b /tmp tmpfs tmpfs dest-nofollow size=64k
	container_sh b 'cat /there/file /new/dir/file /new/file; df -k /tmp | tail -n 1 | tr -s " " | cut -d" " -f2'
	expect_output $'one\none\none\n64' husk run -b b "$ID"
}

test_dest_nofollow_needs_the_same_kind() {
	is_husk || skip "messages of husk's own"
	make_bundle b
	mkdir src
	touch file
	ln -s tmp b/rootfs/l
	mount_at b /l bind "$T/src" rbind dest-nofollow
	expect_error "mounts\[[0-9]+\] \('/l'\): '/l' must be a directory" husk run -b b "$ID"
	config b --arg from "$T/file" '.mounts[-1] += {"source": $from, "destination": "/tmp"}'
	expect_error "mounts\[[0-9]+\] \('/tmp'\): '/tmp' is a directory, the source .* is not" husk run -b b "$ID"
}

test_both_ends_are_symlinks() {
	make_bundle b
	ln -s /etc/group link
	ln -s /etc/passwd b/rootfs/l
	mount_at b /l bind "$T/link" bind src-nofollow dest-nofollow
	container_sh b 'readlink /l; head -n 1 /l; head -n 1 /etc/passwd'
	expect_output $'/etc/group\nroot:x:0:\nroot:x:0:0:root:/root:/bin/sh' husk run -b b "$ID"
}

# ---- nosymfollow ----

test_nosymfollow() {
	make_bundle b
	mkdir src
	echo one >src/file
	ln -s file src/link
	mount_at b /m bind "$T/src" rbind nosymfollow
	container_sh b 'cat /m/file; cat /m/link 2>/dev/null || echo no; readlink /m/link'
	expect_output $'one\nno\nfile' husk run -b b "$ID"
	config b '.mounts[-1].options = ["rbind", "nosymfollow", "symfollow"]'
	expect_output $'one\none\nfile' husk run -b b "$ID"
}

test_rnosymfollow_reaches_mounts_below() {
	make_bundle b
	mkdir -p src/sub
	mount -t tmpfs none src/sub
	echo one >src/sub/file
	ln -s file src/sub/link
	mount_at b /m bind "$T/src" rbind nosymfollow
	container_sh b 'cat /m/sub/link || echo no'
	expect_output one husk run -b b "$ID"
	config b '.mounts[-1].options = ["rbind", "rnosymfollow"]'
	container_sh b 'cat /m/sub/link 2>/dev/null || echo no'
	expect_output no husk run -b b "$ID"
	unmount src/sub
}

# ---- flags of the superblock ----

test_lazytime() {
	make_bundle b
	mount_at b /m tmpfs tmpfs lazytime size=64k
	container_sh b 'grep " /m " /proc/self/mountinfo'
	expect_status 0 husk run -b b "$ID"
	assert_match "$OUT" ' - tmpfs tmpfs rw,lazytime,size=64k' mountinfo
	config b '.mounts[-1].options = ["lazytime", "nolazytime"]'
	expect_status 0 husk run -b b "$ID"
	! grep -q lazytime <<<"$OUT" || fail "mountinfo: $OUT"
}

# mountinfo does not show it: what mount(2) was called with, by the runtime, or in a VM by the guest's kernel.
iversion_of() { # OPTION...: the bundle's mount has these; IVERSION: yes or no
	mount_at b /m tmpfs tmpfs "$@"
	container_sh b 'grep " /m " /proc/self/mountinfo; touch /m/x; cat /t/trace 2>/dev/null || :'
	if is_vm; then
		config b '.vm = {"kernel": {"parameters": ["trace_event=syscalls:sys_enter_mount"]}} |
			.mounts += [{"destination": "/t", "type": "tracefs", "source": "tracefs", "options": ["ro"]}]'
		expect_status 0 husk run -b b "$ID"
		grep 'sys_mount(' <<<"$OUT" >trace || fail "the guest's trace has no mount(2): $OUT"
		IVERSION=$(grep -q 'sys_mount(.*flags: 800000,' trace && echo yes || echo no) # MS_I_VERSION
	else
		expect_status 0 strace -f -o trace -e trace=mount "$HUSK" --root "$ROOT" run -b b "$ID"
		IVERSION=$(grep -q 'mount("tmpfs", .*"tmpfs", MS_I_VERSION, "size=64k")' trace && echo yes || echo no)
	fi
}

test_iversion() {
	is_vm || need strace
	is_husk || skip "others call mount(2) otherwise"
	make_bundle b
	iversion_of iversion size=64k nosuid
	assert_match "$OUT" ' /m rw,nosuid,relatime - tmpfs tmpfs rw,size=64k'
	assert_eq "$IVERSION" yes "$(cat trace): iversion"
	rm -rf b
	make_bundle b
	iversion_of iversion noiversion size=64k
	assert_match "$OUT" ' /m rw,relatime - tmpfs tmpfs rw,size=64k'
	assert_eq "$IVERSION" no "$(cat trace): iversion"
}

run_tests "$@"
