#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Mounts: where they land, what their options do, what the kernel says against them.
# runs-as: root user
# vm-smoke: test_overlay test_overlay_errors test_bind_of_one_file test_a_symlink_to_outside_stays_in_the_root
# shellcheck disable=SC2016 # $names in single quotes are jq's or the container's shell's
set -eu
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
private_cgroup2 "$@"

# mount_at DIR DESTINATION TYPE SOURCE [OPTION...]: one more entry of mounts. No option has blanks.
mount_at() {
	config "$1" --arg to "$2" --arg type "$3" --arg from "$4" --arg options "${*:5}" '.mounts += [
		{"destination": $to, "type": $type, "source": $from, "options": ($options | split(" ") | map(select(. != "")))}]'
}

# The tree in $1 as lines: name, type and mode, owner, size but of directories, time, device, link.
tree_text='cd "$1" || exit 1
	find . | sort | while read -r f; do
	[ -d "$f" ] && [ ! -L "$f" ] && size= || size=%s
	stat -c "%n %f %u:%g $size %Y %t:%T" "$f"; readlink "$f"; done
	find . -type f | sort | xargs md5sum'

# ---- tmpcopyup ----

test_tmpcopyup_copies_the_tree() {
	is_husk || skip "others do it otherwise"
	make_bundle b
	local t=b/rootfs/t
	mkdir -p "$t/sub/deep" "$t/empty"
	echo one >"$t/file"
	echo two >"$t/sub/deep/file"
	head -c 3000000 /dev/urandom >"$t/big"
	ln -s /etc/passwd "$t/absolute"
	ln -s ../../../../../../etc/shadow "$t/sub/outside"
	ln -s nowhere "$t/dangling"
	ln "$t/file" "$t/hard"
	mkfifo -m 0620 "$t/fifo"
	chmod 0640 "$t/file"
	chmod 4711 "$t/sub/deep/file"
	chmod 1770 "$t/sub"
	chmod 0 "$t/empty"
	if is_root; then
		mknod -m 0604 "$t/null" c 1 3
		chown 5:6 "$t/file" "$t/fifo"
		chown -h 7:8 "$t/dangling" "$t/sub"
		chown 9:10 "$t/sub/deep/file" && chmod 6711 "$t/sub/deep/file"
		chown 11:12 "$t" && chmod 0750 "$t"
	fi
	touch -h -d 2001-02-03 "$t/dangling" "$t/file" "$t/fifo"
	touch -d 2002-02-03 "$t/sub/deep" "$t/empty"
	touch -d 2003-02-03 "$t/sub"
	mount_at b /t tmpfs tmpfs tmpcopyup rw nosuid
	config b '.process.args = ["/bin/sh", "-c", $text, "sh", "/t"] |
		.process.capabilities[] += ["CAP_DAC_OVERRIDE"]' --arg text "$tree_text"
	local want as_its_root=()
	is_root || as_its_root=(unshare -r) # as the container sees owners
	want=$("${as_its_root[@]}" "$T/b/rootfs/bin/busybox" sh -c "$tree_text" sh "$t")
	expect_status 0 husk run -b b "$ID"
	# the root's own time is that of the mount
	assert_eq "$(grep -v '^\. ' <<<"$OUT")" "$(grep -v '^\. ' <<<"$want")" "the copy"
	assert_eq "$(grep '^\. ' <<<"$OUT" | cut -d' ' -f1-3)" "$(grep '^\. ' <<<"$want" | cut -d' ' -f1-3)" "its root"
	assert_eq "$(b/rootfs/bin/busybox sh -c 'cat "$1"' sh "$t/sub/deep/file")" two "the rootfs"
}

test_tmpcopyup_leaves_the_rootfs_alone() {
	make_bundle b
	mkdir -p b/rootfs/t/sub
	echo one >b/rootfs/t/file
	mount_at b /t tmpfs tmpfs tmpcopyup
	container_sh b 'cat /t/file; echo changed >/t/file; rm -r /t/sub; echo new >/t/new && cat /t/file /t/new
		touch /x 2>/dev/null && echo writable; true'
	expect_output $'one\nchanged\nnew' husk run -b b "$ID"
	assert_eq "$(cd b/rootfs/t && ls && cat file)" $'file\nsub\none' "the rootfs"
}

test_tmpcopyup_leaves_sockets_out() {
	is_husk || skip "others do it otherwise"
	need perl
	make_bundle b
	mkdir b/rootfs/t
	touch b/rootfs/t/file
	(cd b/rootfs/t && perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local => "sock", Listen => 1) or die')
	[ -S b/rootfs/t/sock ]
	mount_at b /t tmpfs tmpfs tmpcopyup
	container_sh b 'ls /t'
	expect_output file husk run -b b "$ID"
}

test_tmpcopyup_keeps_file_capabilities() {
	is_husk || skip "others do it otherwise"
	need setcap
	make_bundle b '.process.args = ["/bin/sleep", "1000"] | .process.noNewPrivileges = false |
		.process.capabilities.bounding += ["CAP_NET_RAW"]'
	mkdir b/rootfs/t
	cp b/rootfs/bin/busybox b/rootfs/t/
	setcap cap_net_raw+ep b/rootfs/t/busybox || skip "this file system holds no file capabilities"
	mount_at b /t tmpfs tmpfs tmpcopyup
	expect_status 0 husk create -b b "$ID"
	expect_status 0 husk start "$ID"
	expect_status 0 husk exec --user 1000:1000 "$ID" /t/busybox grep ^CapEff /proc/self/status
	assert_match "$OUT" '0000000000002000$' "capabilities of the copy's process"
	expect_status 0 husk delete --force "$ID"
}

test_tmpcopyup_of_many_files() {
	make_bundle b
	mkdir -p b/rootfs/t/many
	(cd b/rootfs/t/many && seq 1 3000 | xargs touch && echo last >./3000)
	mount_at b /t tmpfs tmpfs tmpcopyup
	container_sh b 'ls /t/many | wc -l; cat /t/many/3000'
	expect_output $'3000\nlast' husk run -b b "$ID"
}

test_tmpcopyup_keeps_holes() {
	is_husk || skip "others do it otherwise"
	make_bundle b
	mkdir b/rootfs/t
	truncate -s 1G b/rootfs/t/sparse
	echo middle | dd of=b/rootfs/t/sparse bs=1M seek=500 conv=notrunc status=none
	mount_at b /t tmpfs tmpfs tmpcopyup size=4m
	container_sh b 'stat -c %s /t/sparse; dd if=/t/sparse bs=1M skip=500 count=1 2>/dev/null | head -n 1'
	expect_output $'1073741824\nmiddle' husk run -b b "$ID"
}

test_tmpcopyup_depth_is_bounded() {
	is_husk || skip "others do it otherwise"
	make_bundle b
	local path
	path=$(printf 'd/%.0s' $(seq 1 256))
	mkdir -p "b/rootfs/t/$path"
	mount_at b /t tmpfs tmpfs tmpcopyup
	container_sh b 'find /t | wc -l'
	expect_output 257 husk run -b b "$ID"
	mkdir "b/rootfs/t/$path/d"
	expect_error "mounts.*/t.*d/d/d.* more than 256 directories deep" husk run -b b "$ID"
}

test_tmpcopyup_into_a_full_tmpfs_names_the_file() {
	is_husk || skip "others do it otherwise"
	make_bundle b
	mkdir -p b/rootfs/t/sub
	head -c 300000 /dev/zero >b/rootfs/t/sub/big
	mount_at b /t tmpfs tmpfs tmpcopyup size=64k
	expect_error "mounts.*/t.*'sub/big' does not fit.*size=" husk run -b b "$ID"
	config b '.mounts[-1].options = ["tmpcopyup", "nr_inodes=2"]'
	expect_error "'sub.*does not fit.*nr_inodes=" husk run -b b "$ID"
}

test_tmpfs_takes_the_mode_of_its_target() {
	make_bundle b '.root.readonly = false'
	mkdir -m 0711 b/rootfs/plain b/rootfs/given b/rootfs/copied
	mount_at b /plain tmpfs tmpfs
	mount_at b /given tmpfs tmpfs size=1m mode=1700
	mount_at b /copied tmpfs tmpfs tmpcopyup
	mount_at b /missing/dir tmpfs tmpfs tmpcopyup
	container_sh b 'stat -c "%n %a" /plain /given /copied /missing/dir'
	expect_output $'/plain 711\n/given 1700\n/copied 711\n/missing/dir 1777' husk run -b b "$ID"
}

test_tmpcopyup_gives_the_root_its_owner() {
	is_husk || skip "others do it otherwise"
	make_bundle b
	mkdir b/rootfs/{a,b,c}
	chown 5:6 b/rootfs/{a,b,c}
	mount_at b /a tmpfs tmpfs tmpcopyup
	mount_at b /b tmpfs tmpfs tmpcopyup size=1m uid=9
	mount_at b /c tmpfs tmpfs tmpcopyup gid=9 size=1m
	container_sh b 'stat -c %u:%g /a /b /c'
	expect_output $'5:6\n9:6\n5:9' husk run -b b "$ID"
}

test_tmpcopyup_read_only() {
	is_husk || skip "others do it otherwise"
	make_bundle b
	mkdir b/rootfs/t
	echo one >b/rootfs/t/file
	mount_at b /t tmpfs tmpfs tmpcopyup ro
	container_sh b 'cat /t/file; touch /t/x 2>/dev/null || echo read-only'
	expect_output $'one\nread-only' husk run -b b "$ID"
	config b '.mounts[-1].options = ["tmpcopyup", "rro"]'
	expect_output $'one\nread-only' husk run -b b "$ID"
}

test_tmpcopyup_where_a_symlink_leads() {
	make_bundle b
	mkdir b/rootfs/real
	echo real >b/rootfs/real/file
	ln -s ../../../real b/rootfs/t
	mount_at b /t tmpfs tmpfs tmpcopyup
	container_sh b 'cat /t/file; echo x >/real/file; cat /t/file'
	expect_output $'real\nx' husk run -b b "$ID"
	assert_eq "$(cat b/rootfs/real/file)" real
}

test_tmpcopyup_is_for_tmpfs() {
	is_husk || skip "others do it otherwise"
	make_bundle b
	mount_at b /t bind "$T" rbind tmpcopyup
	expect_error "mounts\[[0-9]+\]\.options: 'tmpcopyup' is for tmpfs only" husk run -b b "$ID"
}

test_tmpcopyup_while_the_tree_changes() {
	is_husk || skip "others do it otherwise"
	make_bundle b
	echo secret >secret
	mkdir b/rootfs/t
	mount_at b /t tmpfs tmpfs tmpcopyup
	container_sh b 'if [ -f /t/x ] && [ ! -L /t/x ]; then cat /t/x; fi; ls /t/d 2>/dev/null; true'
	(
		cd b/rootfs/t
		while [ ! -e "$T/stop" ]; do
			ln -s "$T/secret" x && rm x
			echo mine >x && ln -s "$T/secret" y && mv y x && rm x
			mkfifo x && rm x
			mkdir d && rmdir d && ln -s "$T" d && rm d
		done
	) 2>/dev/null &
	local changer=$! i
	for i in $(seq "$(rounds 25 3)"); do
		run timeout $((120 + BOOT_SECONDS)) "$HUSK" --root "$ROOT" run -b b "$ID"
		if [ "$STATUS" != 0 ] || ! [[ $OUT =~ ^(mine)?$ ]]; then
			touch stop
			fail "run $i: status $STATUS, '$OUT', '$ERR'"
		fi
	done
	touch stop
	wait "$changer" || true
}

# openat2(2) says EAGAIN while something moves, and on a busy machine the next try may come late.
test_a_path_that_moves_for_a_moment() {
	need strace
	is_husk || skip "for husk alone"
	make_bundle b
	run strace -f -o calls -e trace=openat2 -e inject=openat2:error=EAGAIN:delay_exit=700000:when=1..2 \
		"$HUSK" --root "$ROOT" run -b b "$ID"
	grep -q EAGAIN calls || skip "strace gave no error"
	assert_eq "$STATUS" 0 "status ($ERR)"
}

# ---- overlay ----

# overlay_type TEXT: how an overlay with these words shows in the container; a VM's is mounted on the host.
overlay_type() { if is_vm; then echo 'virtiofs '; else echo "overlay $1"; fi; }

# Two layers in a tmpfs: whatever $T is on, it can be an upper layer.
make_layers() {
	mkdir ov
	mount -t tmpfs none ov
	mkdir -p ov/low1 ov/low2 ov/up ov/work
	echo low1 >ov/low1/one
	echo low2 >ov/low2/one
	echo low2 >ov/low2/two
}

test_overlay() {
	make_layers
	make_bundle b
	mkdir b/rootfs/o
	mount_at b /o overlay overlay "lowerdir=$T/ov/low1:$T/ov/low2" "upperdir=$T/ov/up" "workdir=$T/ov/work" nosuid
	container_sh b 'cat /o/one /o/two; echo up >/o/new; rm /o/two; grep " /o " /proc/self/mountinfo'
	expect_status 0 husk run -b b "$ID"
	assert_match "$OUT" " /o rw,nosuid,relatime - $(overlay_type 'overlay rw,.*lowerdir=')" mountinfo
	assert_eq "$(head -n 2 <<<"$OUT")" $'low1\nlow2' "the layers"
	assert_eq "$(cat ov/up/new ov/low2/two)" $'up\nlow2' "the upper layer"
	unmount ov
}

# A lowerdir above 255 bytes: with $1 layers.
long_overlay() {
	local layers=$1 long dir lower=
	make_layers
	long=$(printf 'x%.0s' $(seq 1 100))
	for dir in $(seq 1 "$layers"); do
		mkdir "ov/$long$dir"
		echo "$dir" >"ov/$long$dir/f$dir"
		lower+=:$T/ov/$long$dir
	done
	make_bundle b
	mkdir b/rootfs/o
	mount_at b /o overlay none "lowerdir=${lower#:}" "upperdir=$T/ov/up" "workdir=$T/ov/work" \
		sync nosuid nodev noexec noatime "${@:2}"
}

test_overlay_with_a_long_lowerdir() {
	long_overlay 5
	container_sh b 'cat /o/f1 /o/f5; echo up >/o/new && cat /o/new; grep " /o" /proc/self/mountinfo; ls /o
		cp /bin/busybox /o/echo; /o/echo ran 2>/dev/null || echo noexec'
	expect_status 0 husk run -b b "$ID"
	assert_match "$OUT" " /o rw,nosuid,nodev,noexec,noatime - $(overlay_type 'none rw,sync,')" mountinfo
	assert_eq "$(grep -c ' /o' <<<"$OUT")" 1 "mounts on /o"
	assert_eq "$(grep -v ' /o' <<<"$OUT" | tr '\n' ' ')" '1 5 up f1 f2 f3 f4 f5 new noexec ' "the layers"
	assert_eq "$(cat ov/up/new)" up "the upper layer"
	[ ! -e b/rootfs/o/m ] || fail "something was left on the target"
	unmount ov
}

test_overlay_with_a_long_lowerdir_read_only_and_shared() {
	long_overlay 5 ro rshared
	config b '.linux.rootfsPropagation = "rshared"'
	container_sh b 'cat /o/f1; touch /o/x 2>/dev/null || echo read-only; grep " /o" /proc/self/mountinfo'
	expect_status 0 husk run -b b "$ID"
	assert_eq "$(head -n 2 <<<"$OUT")" $'1\nread-only'
	assert_match "$OUT" " /o ro,nosuid,nodev,noexec,noatime shared:[0-9]+ - $(overlay_type none)" mountinfo
	assert_eq "$(grep -c ' /o' <<<"$OUT")" 1 "mounts on /o"
	unmount ov
}

test_overlay_options_have_an_end() {
	is_husk || skip "messages of husk's own"
	long_overlay 40
	expect_error 'mounts.*/o.*4095' husk run -b b "$ID"
	unmount ov
}

test_overlay_errors() {
	is_husk || skip "messages of husk's own"
	make_layers
	make_bundle b
	mkdir b/rootfs/o
	mount_at b /o overlay overlay "lowerdir=$T/ov/none" "upperdir=$T/ov/up" "workdir=$T/ov/work"
	expect_error 'mounts.*/o.*(overlay|lowerdir).*No such file' husk run -b b "$ID"
	config b --arg l "lowerdir=$T/ov/$(printf 'x%.0s' $(seq 1 250))" '.mounts[-1].options[0] = $l'
	expect_error 'mounts.*/o.*(overlay|lowerdir).*No such file' husk run -b b "$ID"
	unmount ov
}

# ---- read-only, flags ----

test_rro_reaches_mounts_below_and_ro_does_not() {
	mkdir -p src/sub
	mount -t tmpfs none src/sub
	make_bundle b
	mkdir b/rootfs/{a,b}
	mount_at b /a bind "$T/src" rbind rro
	mount_at b /b bind "$T/src" rbind ro
	container_sh b 'for f in /a/x /a/sub/x /b/x /b/sub/x; do
		if touch $f 2>/dev/null; then echo "$f rw"; else echo "$f ro"; fi; done'
	expect_output $'/a/x ro\n/a/sub/x ro\n/b/x ro\n/b/sub/x rw' husk run -b b "$ID"
	unmount src/sub
}

test_tmpfs_ro_takes_mounts_below_it() {
	mkdir src
	echo one >src/file
	make_bundle b
	mkdir b/rootfs/t
	mount_at b /t tmpfs tmpfs ro
	mount_at b /t/made/dir bind "$T/src" bind
	mount_at b /t/made/file bind "$T/src/file" bind
	container_sh b 'cat /t/made/dir/file /t/made/file; touch /t/x 2>/dev/null || echo read-only; touch /t/made/dir/new'
	expect_output $'one\none\nread-only' husk run -b b "$ID"
	[ -e src/new ] || fail "the bind below is not writable"
}

test_nodev_noexec_nosuid_take_effect() {
	mkdir src
	cp "$HUSK_TEMPLATE/bin/busybox" src/id
	chown 1:1 src/id
	chmod 4755 src/id
	mknod src/null c 1 3
	make_bundle b '.process.noNewPrivileges = false'
	mount_at b /home/open bind "$T/src" bind suid dev exec
	mount_at b /home/shut bind "$T/src" bind nosuid nodev
	mount_at b /home/noexec bind "$T/src" bind noexec
	mkdir -p b/rootfs/home/{open,shut,noexec}
	container_sh b '/home/open/id -u; /home/shut/id -u; /home/noexec/id -u 2>/dev/null || echo no exec
		echo x 2>/dev/null >/home/open/null && echo dev; echo x 2>/dev/null >/home/shut/null || echo no dev'
	expect_output $'1\n0\nno exec\ndev\nno dev' husk run -b b "$ID"
}

test_nosymfollow() {
	mkdir src
	echo one >src/file
	ln -s file src/link
	make_bundle b
	mkdir b/rootfs/m
	mount_at b /m bind "$T/src" bind nosymfollow
	container_sh b 'cat /m/file; cat /m/link 2>/dev/null || echo not followed'
	expect_output $'one\nnot followed' husk run -b b "$ID"
}

test_remount_on_a_bind_is_warned_of_elsewhere_refused() {
	is_husk || skip "messages of husk's own"
	mkdir src
	make_bundle b
	mkdir b/rootfs/m
	mount_at b /m bind "$T/src" bind remount ro
	container_sh b 'touch /m/x 2>/dev/null || echo read-only'
	expect_output read-only husk run -b b "$ID"
	assert_match "$ERR" "'remount' has no effect here: ignoring"
	config b '.mounts[-1] = {"destination": "/m", "type": "tmpfs", "source": "tmpfs", "options": ["remount"]}'
	expect_error "'remount' is not supported" husk run -b b "$ID"
}

# ---- propagation ----

# field MOUNTPOINT: its optional fields in $OUT, numbers dropped.
fields_of() {
	awk -v p="$1" '$5 == p { s = ""; for (i = 7; $i != "-"; i++) s = s (s ? " " : "") $i; gsub(/:[0-9]+/, "", s); print s }' \
		<<<"$OUT"
}

test_propagation_options_show_in_mountinfo() {
	mkdir src
	mount -t tmpfs none src
	mount --make-shared src
	make_bundle b
	local o
	for o in rshared rslave rprivate default; do
		mkdir "b/rootfs/$o"
		mount_at b "/$o" bind "$T/src" rbind "${o#default}"
	done
	config b '.linux.rootfsPropagation = "rslave" | .process.args = ["/bin/cat", "/proc/self/mountinfo"]'
	expect_status 0 husk run -b b "$ID"
	assert_match "$(fields_of /rshared)" '^shared' rshared
	assert_eq "$(fields_of /rslave)" master rslave
	assert_eq "$(fields_of /rprivate)" '' rprivate
	assert_eq "$(fields_of /default)" master "the default"
	unmount src
}

test_mounts_of_the_host_appear_by_propagation() {
	mkdir src
	mount -t tmpfs none src
	mount --make-shared src
	mkdir src/late
	make_bundle b '.linux.rootfsPropagation = "rslave"'
	mkdir b/rootfs/{slave,private}
	mount_at b /slave bind "$T/src" rbind rslave
	mount_at b /private bind "$T/src" rbind rprivate
	container_sh b 'touch /slave/up; while [ ! -e /slave/go ]; do sleep 0.02; done; ls /slave/late /private/late'
	husk run -b b "$ID" >out &
	wait_for 10 test -e src/up
	mount -t tmpfs none src/late
	touch src/late/appeared src/go
	wait $!
	assert_eq "$(tr '\n' ' ' <out)" '/private/late:  /slave/late: appeared ' "what the container saw"
	unmount src/late src
}

test_mounts_of_the_container_reach_the_host_only_when_shared() {
	mkdir src
	mount -t tmpfs none src
	mount --make-shared src
	mkdir src/inner
	make_bundle b '.process.capabilities[] += ["CAP_SYS_ADMIN"]'
	mkdir b/rootfs/m
	mount_at b /m bind "$T/src" rbind rshared
	container_sh b 'mount -t tmpfs none /m/inner && touch /m/inner/from-inside'
	expect_status 0 husk run -b b "$ID"
	[ ! -e src/inner/from-inside ] || fail "rshared alone let a mount out"
	config b '.linux.rootfsPropagation = "rshared"'
	expect_status 0 husk run -b b "$ID"
	[ -e src/inner/from-inside ] || fail "a shared mount did not come out"
	unmount src/inner src
}

# As everything is shared where systemd is the init.
test_a_shared_rootfs_may_stay_shared() {
	local propagation
	make_bundle b
	mount --bind b/rootfs b/rootfs
	mount --make-shared b/rootfs
	mkdir b/rootfs/below
	mount -t tmpfs none b/rootfs/below
	container_sh b 'grep -E " /(below)? (rw|ro)" /proc/self/mountinfo'
	for propagation in rshared shared rslave rprivate; do
		config b --arg p "$propagation" '.linux.rootfsPropagation = $p'
		expect_status 0 husk run -b b "$ID"
		case $propagation in
		rshared | shared) assert_match "$(grep ' / ' <<<"$OUT")" ' shared:[0-9]+ ' "the root, $propagation" ;;
		rslave) assert_match "$(grep ' /below ' <<<"$OUT")" ' master:[0-9]+ ' "below, $propagation" ;;
		*) [[ "$OUT" != *shared:* && "$OUT" != *master:* ]] || fail "private, but: $OUT" ;;
		esac
	done
	unmount b/rootfs/below b/rootfs
}

# ---- targets ----

test_bind_of_one_file() {
	echo one >file
	make_bundle b '.root.readonly = false'
	echo image >b/rootfs/etc/there
	mount_at b /etc/there bind "$T/file" bind
	mount_at b /new/dir/file bind "$T/file" bind ro
	container_sh b 'cat /etc/there /new/dir/file; echo two >/etc/there; echo x 2>/dev/null >/new/dir/file; cat /new/dir/file'
	expect_output $'one\none\ntwo' husk run -b b "$ID"
	assert_eq "$(cat b/rootfs/etc/there file)" $'image\ntwo'
	[ -f b/rootfs/new/dir/file ] || fail "the missing target was not made as a file"
}

# As a mask, say. In a VM the guest's kernel opens it as its own.
test_bind_of_a_device() {
	make_bundle b '.mounts += [{"destination": "/etc/passwd", "type": "bind", "source": "/dev/null", "options": ["bind", "ro"]},
		{"destination": "/etc/zero", "type": "bind", "source": "/dev/zero", "options": ["bind"]}]'
	container_sh b 'cat /etc/passwd; head -c 3 /etc/zero | od -An -tx1; echo gone >/etc/zero; stat -c "%F %t:%T" /etc/passwd'
	expect_output $' 00 00 00\ncharacter special file 1:3' husk run -b b "$ID"
}

test_bind_of_a_file_on_a_directory_and_the_reverse() {
	echo one >file
	mkdir dir
	make_bundle b
	mount_at b /etc bind "$T/file" bind
	expect_error '/etc.*directory' husk run -b b "$ID"
	config b --arg t "$T" '.mounts[-1] = {"destination": "/etc/passwd", "type": "bind", "source": ($t + "/dir"), "options": ["bind"]}'
	expect_error '/etc/passwd.*not a directory' husk run -b b "$ID"
}

test_a_missing_target_is_made() {
	mkdir src
	make_bundle b
	mount_at b /not/there/yet bind "$T/src" bind
	container_sh b 'touch /not/there/yet/x; stat -c %a /not/there'
	expect_output 755 husk run -b b "$ID"
	[ -e src/x ]
}

test_a_dangling_symlink_on_the_way_stays_in_the_root() {
	mkdir src
	make_bundle b
	rmdir b/rootfs/run
	mkdir b/rootfs/var
	ln -s /run b/rootfs/var/run
	ln -s "$T/outside" b/rootfs/var/abs
	ln -s ../../../../../../../../../../../.."$T/outside2" b/rootfs/var/rel
	mount_at b /var/run/secrets bind "$T/src" bind
	mount_at b /var/abs/x bind "$T/src" bind
	mount_at b /var/rel/x bind "$T/src" bind
	container_sh b 'touch /run/secrets/a; ls /var/abs/x /var/rel/x'
	expect_status 0 husk run -b b "$ID"
	[ -e src/a ] || fail "the mount is not where the symlink leads"
	local d
	for d in /run/secrets "$T/outside" "$T/outside2"; do
		[ -d "b/rootfs$d" ] || fail "'$d' was not made in the rootfs"
	done
	for d in outside outside2 /run/secrets/a; do
		[ ! -e "$d" ] || fail "'$d' was made on the host"
	done
}

test_a_symlink_to_outside_stays_in_the_root() {
	mkdir src host
	echo inside >src/file
	make_bundle b
	mkdir "b/rootfs/real"
	ln -s /../../../../../../../../../real b/rootfs/up
	ln -s "$T/host" b/rootfs/host
	mount_at b /up bind "$T/src" bind
	mount_at b /host bind "$T/src" bind
	container_sh b 'cat /real/file /up/file /host/file'
	expect_output $'inside\ninside\ninside' husk run -b b "$ID"
	assert_eq "$(ls host)" '' "the host's directory"
}

test_a_symlink_into_procfs_or_sysfs_is_refused() {
	mkdir src
	make_bundle b
	ln -s /proc/self b/rootfs/p
	ln -s /sys/kernel b/rootfs/s
	mount_at b /p/attr bind "$T/src" bind
	expect_error '/p/attr.*(proc|inside)' husk run -b b "$ID"
	is_husk || return 0
	config b '.mounts[-1].destination = "/s"'
	expect_error "'/s' leads into sysfs by a symlink" husk run -b b "$ID"
}

test_proc_on_a_symlink_is_refused() {
	make_bundle b
	rmdir b/rootfs/proc
	mkdir b/rootfs/elsewhere
	ln -s elsewhere b/rootfs/proc
	expect_error '/proc.*(symlink|not a directory|ordinary directory)' husk run -b b "$ID"
}

# ---- the standard file systems ----

test_cgroup_mount() {
	make_bundle b
	container_sh b 'grep " /sys/fs/cgroup " /proc/self/mountinfo; cat /sys/fs/cgroup/cgroup.procs
		mkdir /sys/fs/cgroup/x 2>/dev/null || echo read-only'
	expect_status 0 husk run -b b "$ID"
	assert_match "$OUT" ' / /sys/fs/cgroup ro,nosuid,nodev,noexec,relatime .*- cgroup2 ' mountinfo
	assert_match "$OUT" '^1$' "process 1 in its cgroup"
	assert_match "$OUT" '^read-only$'
}

test_sysfs_read_only() {
	make_bundle b
	container_sh b 'grep " /sys " /proc/self/mountinfo; mkdir /sys/x 2>/dev/null; echo 1 2>/dev/null >/sys/kernel/profiling ||
		echo read-only; ls /sys/class/net'
	expect_status 0 husk run -b b "$ID"
	assert_match "$OUT" ' /sys ro,nosuid,nodev,noexec,relatime .*- sysfs ' mountinfo
	assert_match "$OUT" '^read-only$'
	assert_match "$OUT" '^lo$' "sysfs of its own network namespace"
}

test_mqueue_is_the_containers_own() {
	make_bundle b
	container_sh b 'grep -c " /dev/mqueue rw,nosuid,nodev,noexec,relatime .*- mqueue " /proc/self/mountinfo; ls /dev/mqueue | wc -l
		touch /dev/mqueue/q && ls /dev/mqueue'
	expect_output $'1\n0\nq' husk run -b b "$ID"
}

test_devpts_options() {
	make_bundle b
	container_sh b 'grep " /dev/pts " /proc/self/mountinfo; ls /dev/pts; stat -c %a /dev/pts/ptmx; readlink /dev/ptmx'
	expect_status 0 husk run -b b "$ID"
	assert_match "$OUT" ' /dev/pts rw,nosuid,noexec,relatime .*- devpts devpts rw,(gid=5,)?mode=620,ptmxmode=666'
	assert_eq "$(tail -n 3 <<<"$OUT" | tr '\n' ' ')" 'ptmx 666 pts/ptmx ' "a new instance"
}

test_options_of_a_file_system() {
	make_bundle b
	mkdir b/rootfs/t
	mount_at b /t tmpfs name size=1m nr_inodes=10 mode=0711
	container_sh b 'grep " /t " /proc/self/mountinfo'
	expect_status 0 husk run -b b "$ID"
	assert_match "$OUT" '- tmpfs name rw,size=1024k,nr_inodes=10,mode=711'
}

# ---- errors ----

test_errors_name_the_option_and_carry_the_kernels_words() {
	is_husk || skip "messages of husk's own"
	make_bundle b
	mkdir b/rootfs/t
	mount_at b /t tmpfs tmpfs nosuchoption=1
	expect_error "mounts\[7\] \('/t'\): option 'nosuchoption': Invalid argument \(tmpfs: Unknown parameter 'nosuchoption'\)" \
		husk run -b b "$ID"
	config b '.mounts[-1].options = ["size=many"]'
	expect_error "mounts\[7\] \('/t'\): option 'size': Invalid argument \(tmpfs: Bad value for 'size'\)" husk run -b b "$ID"
	config b '.mounts[-1].options = ["flagonly"]'
	expect_error "option 'flagonly': .*Unknown parameter" husk run -b b "$ID"
	config b '.mounts[-1].type = "nosuchfs" | .mounts[-1].options = []'
	expect_error "mounts\[7\] \('/t'\): type 'nosuchfs': No such device" husk run -b b "$ID"
}

# An ordinary user makes no mounts for a test, no device nodes, and has one id.
export ROOT_ONLY="test_tmpcopyup_keeps_file_capabilities test_tmpcopyup_gives_the_root_its_owner
	test_overlay test_overlay_with_a_long_lowerdir test_overlay_with_a_long_lowerdir_read_only_and_shared
	test_overlay_options_have_an_end test_overlay_errors test_rro_reaches_mounts_below_and_ro_does_not
	test_nodev_noexec_nosuid_take_effect test_propagation_options_show_in_mountinfo
	test_mounts_of_the_host_appear_by_propagation test_mounts_of_the_container_reach_the_host_only_when_shared
	test_a_shared_rootfs_may_stay_shared test_cgroup_mount test_sysfs_read_only test_devpts_options
	test_errors_name_the_option_and_carry_the_kernels_words"
ROOT_ONLY=${ROOT_ONLY//$'\n\t'/ }
run_tests "$@"
