#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `husk vm prepare` and `husk vm info`: a stock kernel made ready for VMs, its cache, and what is refused.
# runs-as: root user
# shellcheck disable=SC2016 # $names in single quotes are the inner shell's
set -eu
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
ROOT_ONLY="test_a_kernel_for_root_alone test_no_space test_the_cache_of_another test_users_see_roots_cache test_without_kvm test_kvm_that_is_none"
USER_ONLY="test_users_own_cache test_no_permission"

: "${VM_PREPARE:=$(dirname "$HUSK")/husk-prepare}" "${VM_INIT:=$HUSK_TOP_BUILDDIR/tests/integration/vm/init}"
[ -x "$VM_INIT" ] || VM_INIT=$LIB_DIR/vm/init

# A husk whose helpers are of the test's own: it looks for them beside itself. Its agent is init.c's
# program; the cache is below the test's directory.
set_up() {
	local newest
	[ "$(uname -m)" = x86_64 ] || skip "the guest's kernel is for x86-64"
	is_husk || skip "only husk has it"
	newest=$(find /boot -name 'vmlinuz-[0-9]*' | sort -V | tail -n 1)
	KERNEL=${VM_KERNEL:-$newest}
	[ -r "$KERNEL" ] || skip "no readable kernel in /boot (package linux-image-cloud-amd64)"
	VERSION=${KERNEL#/boot/vmlinuz-}
	[ -d "/lib/modules/$VERSION" ] || skip "no modules of $KERNEL"
	mkdir bin
	cp "$HUSK" bin/husk
	cp "$VM_PREPARE" bin/husk-prepare
	cp "$VM_INIT" bin/husk-agent
	HUSK=$T/bin/husk CACHE=$T/cache
	# what passes for a kernel, and takes little time; it has no PVH entry
	cp "$VM_INIT" small
	printf 'Linux version 6.1.0-small (x) ' >>small
}

prepare() { husk vm prepare --cache "$CACHE" "$@"; }
info() { husk vm info --cache "$CACHE" --format json "$@" | jq -r "$FIELD"; }
FIELD=.prepared.directory

# ENTRY: prepared, and all of it there.
prepare_one() {
	expect_status 0 prepare "$@"
	ENTRY=$OUT
	assert_match "$ENTRY" "^$CACHE/[0-9a-f]{64}\$" "the directory"
	assert_eq "$(ls "$ENTRY")" "$(printf 'initrd\nkernel\nmanifest.json\nvmlinux')" "its files"
}

prepare_small() { prepare_one --modules none "$T/small"; }

# Nothing but what is named is in the cache, and nothing half-made.
assert_cache() {
	assert_eq "$(find "$CACHE" -mindepth 1 -maxdepth 1 ! -name lock -printf '%f\n')" "$(printf '%s\n' "$@")" "the cache"
}

boot() { # ENTRY: what the guest says, in OUT
	local seconds=$((HUSK_TEST_SECONDS > 20 ? HUSK_TEST_SECONDS - 10 : HUSK_TEST_SECONDS))
	timeout --foreground -k 2 "$seconds" qemu-system-x86_64 -nodefaults -no-user-config -display none -no-reboot \
		-machine q35,smm=off,vmport=off,hpet=off,sata=off -accel tcg -cpu max,-la57 -smp 1 -m 256 -nic none \
		-kernel "$1/kernel" -initrd "$1/initrd" -serial "file:$T/console" \
		-device virtio-serial-pci -chardev null,id=agent -device virtserialport,chardev=agent,name=husk.agent \
		-append "console=ttyS0 quiet panic=-1 tsc=reliable no_timer_check" </dev/null >qemu.log 2>&1 ||
		fail "QEMU: status $?: $(cat qemu.log; tail -n 5 "$T/console")"
	OUT=$(tr -d '\r' <"$T/console" | grep '^GUEST' || true)
}

test_a_guest_boots_it() {
	need qemu-system-x86_64 jq
	set_up
	prepare_one
	boot "$ENTRY"
	echo "$OUT"
	assert_match "$OUT" "^GUEST kernel $VERSION\$"
	! grep 'not loaded' <<<"$OUT" || fail "a module was not loaded"
	assert_match "$OUT" "^GUEST loaded $(info | xargs -I{} jq '.inputs | length - 2' {}/manifest.json) of"
	assert_match "$OUT" "^GUEST drivers: .*virtio_console.*virtiofs"
	assert_match "$OUT" "^GUEST ports: vport" "the agent's port"
	assert_match "$OUT" "^GUEST top: dev init modules proc .*run sys"
	assert_match "$OUT" "^GUEST has virtiofs\$"
	assert_match "$OUT" "^GUEST has overlay\$"
	assert_match "$OUT" "^GUEST done\$"
}

test_once_is_enough() {
	need jq
	set_up
	assert_match "$(FIELD=.prepared.why info)" "nothing of it in '$CACHE'"
	prepare_one
	local first=$ENTRY before
	before=$(stat -c '%i %Y %n' "$ENTRY"/*)
	prepare_one
	assert_eq "$ENTRY" "$first"
	assert_eq "$(stat -c '%i %Y %n' "$ENTRY"/*)" "$before" "the files after a second time"
	assert_eq "$(info)" "$ENTRY" "what info finds"
	assert_eq "$(FIELD=.kernel.version info)" "$VERSION"
	assert_eq "$(FIELD=.kernel.path info)" "$KERNEL" "the newest kernel"
	expect_output "$ENTRY" prepare "$KERNEL"
	ln -s "$KERNEL" link
	expect_output "$ENTRY" prepare link
	assert_cache "$(basename "$ENTRY")"
}

# As some distributions install it; QEMU is nobody.
test_a_kernel_for_root_alone() {
	set_up
	chmod 0600 small
	prepare_small
	assert_eq "$(stat -c '%a %u %g' "$ENTRY"/{initrd,kernel,vmlinux})" "$(printf '440 0 65534\n440 0 65534\n440 0 65534')" "who may read the files"
	chmod 0644 small
	rm -r "$ENTRY"
	prepare_small
	assert_eq "$(stat -c '%a %u %g' "$ENTRY"/{initrd,kernel,vmlinux})" "$(printf '444 0 0\n444 0 0\n444 0 0')" "who may read the files"
}

# The lock is held by another: it is waited for.
test_two_at_once() {
	set_up
	local pids=() pid i
	mkdir "$CACHE"
	T=$T flock "$CACHE/lock" sh -c ': >"$T/held"; until [ -e "$T/go" ]; do sleep 0.1; done' &
	wait_for 10 test -e held
	for i in 1 2 3 4; do
		prepare --modules none small >"out.$i" 2>"err.$i" &
		pids+=($!)
	done
	sleep 1.5
	assert_eq "$(ls -A "$CACHE")" lock "the cache while another holds the lock"
	touch go
	for pid in "${pids[@]}"; do
		wait "$pid" || fail "one failed: $(cat err.*)"
	done
	wait
	assert_eq "$(sort -u out.? | wc -l)" 1 "directories"
	assert_eq "$(cat err.?)" "" "standard error"
	assert_cache "$(basename "$(cat out.1)")"
}

# damage WORDS COMMAND...: it is seen and mended.
damage() {
	local words=$1
	shift
	"$@"
	run prepare --modules none small
	[ "$STATUS" = 0 ] || fail "not mended after '$*': $ERR"
	assert_match "$ERR" "warning: the prepared kernel '$ENTRY' was damaged: .*$words" "the warning after '$*'"
	assert_eq "$OUT" "$ENTRY"
	diff <(cd "$ENTRY" && sha256sum initrd kernel vmlinux) sums || fail "content after '$*'"
	run prepare --modules none small
	assert_eq "$STATUS $ERR" "0 " "the next time after '$*'"
	assert_cache "$(basename "$ENTRY")"
}

flip() { # FILE: another byte, the same size and time
	touch -r "$1" time
	chmod u+w "$1"
	printf 'X' | dd of="$1" bs=1 seek=1000 conv=notrunc status=none
	touch -r time "$1"
}

test_a_damaged_one_is_made_anew() {
	need jq
	set_up
	prepare_small
	(cd "$ENTRY" && sha256sum initrd kernel vmlinux) >sums
	flip "$ENTRY/initrd"
	assert_eq "$(info small)" "$ENTRY" "what a look at sizes and times says"
	damage "content of 'initrd' has changed" true
	damage "content of 'vmlinux' has changed" flip "$ENTRY/vmlinux"
	chmod u+w "$ENTRY/vmlinux"
	truncate -s 1000 "$ENTRY/vmlinux"
	assert_match "$(FIELD=.prepared.why info small)" "'$ENTRY': 'vmlinux' has changed"
	damage "has changed" true
	damage "'initrd' has changed" touch "$ENTRY/initrd"
	damage "'initrd' is gone" rm -f "$ENTRY/initrd"
	damage "manifest.json" rm "$ENTRY/manifest.json"
	damage "manifest.json: line [0-9]+, column [0-9]+: not valid JSON" truncate -s 100 "$ENTRY/manifest.json"
	damage "format: expected 1, got 99" sed -i 's/"format": 1/"format": 99/' "$ENTRY/manifest.json"
	damage "Not a directory" sh -c 'rm -rf "$0" && echo >"$0"' "$ENTRY"
	mkdir other && echo mine >other/file
	damage "" sh -c 'rm -rf "$0" && ln -s "$1" "$0"' "$ENTRY" "$T/other"
	assert_eq "$(cat other/file)" mine "what a symlink in the cache leads to"
}

# Of whatever kernel: a start would trust its size and time.
test_another_that_is_damaged_goes() {
	set_up
	prepare_small
	local first=$ENTRY
	cp small second
	prepare_one --modules none second
	flip "$first/initrd"
	# a start of a VM, which calls it so, has no time for others
	expect_output "$ENTRY" bin/husk-prepare --cache "$CACHE" --agent "$T/bin/husk-agent" --modules none "$T/second"
	[ -e "$first" ] || fail "a start looked at another kernel"
	run prepare --modules none second
	assert_eq "$STATUS $OUT" "0 $ENTRY"
	assert_eq "$ERR" "husk: warning: removed a damaged kernel from the cache: $(basename "$first"): the content of 'initrd' has changed"
	assert_cache "$(basename "$ENTRY")"
	run prepare --modules none second
	assert_eq "$STATUS $ERR" "0 " "the next time"
}

test_what_is_half_made_goes() {
	set_up
	mkdir -p "$CACHE/.new-1"
	chmod 0755 "$CACHE"
	echo half >"$CACHE/.new-1/vmlinux"
	prepare_small
	assert_cache "$(basename "$ENTRY")"
}

# Another agent or kernel is another key, and what it takes the place of goes.
test_what_changes() {
	need jq
	set_up
	prepare_small
	local first=$ENTRY
	printf 'x' >>bin/husk-agent
	assert_match "$(FIELD=.prepared.why info small)" "'$T/bin/husk-agent' has changed"
	prepare_small
	[ "$ENTRY" != "$first" ] || fail "the same directory for another agent"
	assert_cache "$(basename "$ENTRY")"
	first=$ENTRY
	touch small # the same bytes, as a package that is installed again
	assert_match "$(FIELD=.prepared.why info small)" "'$T/small' has changed"
	prepare_small
	assert_eq "$ENTRY" "$first"
	assert_eq "$(info small)" "$ENTRY" "found again after the times were learnt"
	# two kernels stay beside each other, until one is gone
	cp small second
	prepare_one --modules none second
	[ "$ENTRY" != "$first" ] || fail "the same directory for another kernel"
	expect_status 0 test -d "$first"
	rm small
	printf 'y' >>second
	prepare_one --modules none second
	assert_cache "$(basename "$ENTRY")"
}

# A copy of the modules that a guest needs, for depmod's tables to be made anew.
copy_modules() { # DIR
	local m
	need depmod
	mkdir -p "$1/lib/modules/$VERSION"
	for m in $(jq -r '.inputs[2:][].path' "$ENTRY/manifest.json"); do
		install -D -m 644 "$m" "$1$m"
	done
	cp "/lib/modules/$VERSION"/modules.{builtin,builtin.modinfo,order} "$1/lib/modules/$VERSION/"
	depmod -b "$1" "$VERSION"
}

test_packed_modules() {
	need jq xz
	PATH=$PATH:/usr/sbin:/sbin
	set_up
	prepare_one --modules "/lib/modules/$VERSION" small
	cp "$ENTRY/initrd" plain
	copy_modules "$T/m"
	find m -name '*.ko' -exec xz --check=crc32 {} +
	depmod -b "$T/m" "$VERSION"
	prepare_one --modules "m/lib/modules/$VERSION" small
	assert_match "$(jq -r '.inputs[2].path' "$ENTRY/manifest.json")" "^$T/m/.*\.ko\.xz\$"
	cmp plain "$ENTRY/initrd" || fail "not what the modules are unpacked"
}

test_modules_that_are_missing() {
	need jq
	PATH=$PATH:/usr/sbin:/sbin
	set_up
	prepare_one --modules "/lib/modules/$VERSION" small
	local dir=m/lib/modules/$VERSION good=$ENTRY
	copy_modules "$T/m"
	expect_error "modules '$T/nowhere': No such file" prepare --modules nowhere small
	rm "$dir/kernel/fs/fuse/virtiofs.ko"
	expect_error "module 'virtiofs': open '$T/$dir/kernel/fs/fuse/virtiofs.ko': No such file" prepare --modules "$dir" small
	echo 'no module' >"$dir/kernel/fs/fuse/virtiofs.ko"
	expect_error "module 'virtiofs' \(.*virtiofs.ko'\): no kernel module for x86-64" prepare --modules "$dir" small
	rm "$dir/kernel/fs/fuse/virtiofs.ko"
	depmod -b "$T/m" "$VERSION"
	expect_error "no module 'virtiofs', neither in '$T/$dir' nor built in: expected one with CONFIG_VIRTIO_FS" \
		prepare --modules "$dir" small
	rm "$dir/modules.dep.bin"
	expect_error "modules.dep.bin': expected the tables that depmod\(8\) makes" prepare --modules "$dir" small
	assert_cache "$(basename "$good")" # none of these has touched it
	# what is of use, but not needed
	copy_modules "$T/n"
	find n -name 'overlay.ko' -delete
	depmod -b "$T/n" "$VERSION"
	prepare_one --modules "n/lib/modules/$VERSION" small
	assert_eq "$(jq -c .absent "$ENTRY/manifest.json")" '["overlay"]'
	# a kernel that has all built in
	prepare_small
	assert_eq "$(jq '.inputs | length' "$ENTRY/manifest.json")" 2
}

test_bad_kernels() {
	set_up
	bad() { # REGEX [KERNEL]
		expect_error "$1" prepare "${@:2}"
		[ ! -e "$CACHE" ] || assert_cache
	}
	bad "kernel 'none': No such file" none
	echo 'no kernel' >text
	bad "kernel '$T/text': no kernel for x86-64: expected a bzImage \(vmlinuz\) or an ELF vmlinux" text
	: >empty
	bad "no kernel for x86-64" empty
	bad "'$T/bin' is no regular file" bin
	mkfifo fifo
	bad "'$T/fifo' is no regular file" fifo
	bad "'/dev/zero' is no regular file" /dev/zero
	head -c 8M "$KERNEL" >short
	bad "kernel '$T/short': a bzImage that is cut: its payload" short
	cp "$KERNEL" damaged
	dd if=/dev/urandom of=damaged bs=64k seek=20 count=10 conv=notrunc status=none
	bad "kernel '$T/damaged': (the [a-z0-9]+ data is damaged or cut|an ELF file)" damaged
	cp bin/husk-agent elf
	bad "kernel '$T/elf': an ELF program without the words 'Linux version'" elf
	truncate -s 200M large
	bad "'$T/large' has more than 134217728 bytes" large
	# a version of which there are no modules
	LC_ALL=C sed "s/$VERSION/9${VERSION:1}/" "$KERNEL" >other
	bad "no directory of modules for version '9${VERSION:1}': expected '/lib/modules/9" other
}

test_bad_agents() {
	set_up
	bad() { # REGEX
		expect_error "the guest's first program.*$1" prepare --modules none small
		[ ! -e "$CACHE" ] || assert_cache
	}
	cp /bin/ls bin/husk-agent
	bad "'$T/bin/husk-agent': a dynamic program: expected a static one"
	echo '#!/bin/sh' >bin/husk-agent
	bad "no ELF file"
	cp "$VM_INIT" bin/husk-agent
	truncate -s 65M bin/husk-agent
	bad "has more than 67108864 bytes"
	rm bin/husk-agent
	bad "open '.*/husk-agent': No such file"
	rm bin/husk-prepare
	[ -e /usr/local/libexec/husk/husk-prepare ] || expect_error "the helper program '.*husk-prepare' is missing" prepare small
}

test_no_space() {
	set_up
	mkdir "$CACHE"
	unshare -m --propagation private bash -c '
		mount -t tmpfs -o size=20m,mode=0755 none "$2" || exit 77
		"$1" vm prepare --cache "$2" >"$3/out" 2>"$3/err" && exit 3
		ls -A "$2" >"$3/left"' sh "$HUSK" "$CACHE" "$T" || fail "status $?"
	assert_match "$(cat err)" "^husk: .*cache '$CACHE': write [0-9]+ bytes to 'vmlinux': No space left on device\$"
	assert_eq "$(cat out)" ""
	assert_eq "$(cat left)" lock "what is left"
}

test_the_cache_of_another() {
	set_up
	install -d -o 65534 "$CACHE"
	expect_error "the cache '$CACHE': expected a directory that only you \(uid 0\) can write" prepare --modules none small
	chown 0 "$CACHE"
	chmod 0777 "$CACHE"
	expect_error "only you" prepare --modules none small
	chmod 0755 "$CACHE"
	prepare_small
	chmod 0777 "$CACHE" # what is there by now may be anybody's
	assert_match "$(FIELD=.prepared.why info small)" "nothing of it"
}

test_no_permission() {
	set_up
	mkdir closed
	chmod 0555 closed
	CACHE=$T/closed/cache
	expect_error "make the directory '$CACHE': Permission denied" prepare --modules none small
	CACHE=$T/cache
	chmod 0 small
	expect_error "only root may read it: 'husk vm prepare' as root makes it ready for all" prepare small
}

test_users_own_cache() {
	need jq
	set_up
	assert_match "$(env -u XDG_CACHE_HOME HOME="$T/home" "$HUSK" vm prepare --modules none small)" "^$T/home/.cache/husk/[0-9a-f]{64}\$"
	assert_eq "$(stat -c %a home/.cache home/.cache/husk)" "$(printf '700\n700')" "modes"
	assert_match "$(XDG_CACHE_HOME=$T/xdg "$HUSK" vm prepare --modules none small)" "^$T/xdg/husk/[0-9a-f]{64}\$"
	assert_match "$(XDG_CACHE_HOME=relative HOME=$T/home "$HUSK" vm prepare --modules none small)" "^$T/home/.cache/husk/"
	expect_error "expected an absolute path in .HOME or .XDG_CACHE_HOME" env -u XDG_CACHE_HOME -u HOME "$HUSK" vm prepare --modules none small
}

test_users_see_roots_cache() {
	need jq
	set_up
	export T
	chmod 0755 . bin
	unshare -m --propagation private bash -c '
		. "$1"
		mount -t tmpfs -o mode=0755 none /var/cache || exit 77
		"$HUSK" vm prepare --modules none "$T/small" >"$T/out" || exit 3
		as_user "$HUSK" vm info --format json "$T/small" >"$T/info"
		XDG_CACHE_HOME=$T/elsewhere "$HUSK" vm prepare --modules none "$T/small" >"$T/again"' sh "$LIB_DIR/lib.sh" || fail "status $?"
	assert_match "$(cat out)" '^/var/cache/husk/[0-9a-f]{64}$'
	assert_eq "$(jq -r .prepared.directory info)" "$(cat out)" "what an ordinary user finds"
	assert_eq "$(cat again)" "$(cat out)" "root's cache, whatever the environment says"
}

test_info_in_words() {
	set_up
	prepare_one
	run husk vm info --cache "$CACHE"
	assert_match "$OUT" "^kernel +$KERNEL \($VERSION\)\$"
	assert_match "$OUT" "^prepared +$ENTRY\$"
	assert_match "$OUT" "^modules +.*virtiofs"
	assert_match "$OUT" "^agent +$T/bin/husk-agent\$"
	assert_match "$OUT" "^kvm +usable for a kernel: (yes|no: .+)"
	rm bin/husk-agent
	expect_status 1 husk vm info --cache "$CACHE"
	assert_match "$OUT" "^agent +none: .*husk-agent': No such file"
	expect_status 1 husk vm info --cache "$CACHE" none
	assert_match "$OUT" "^kernel +none: kernel 'none': No such file"
}

# The guests that try KVM end in time, and the verdict goes with what they took.
test_kvm_is_tried() {
	need jq
	set_up
	local start=$SECONDS kvm ns
	kvm=$(FIELD=.kvm info)
	[ $((SECONDS - start)) -lt 60 ] || fail "it took $((SECONDS - start)) s"
	if [ "$(jq .present <<<"$kvm")" = false ]; then
		assert_match "$kvm" "there is no /dev/kvm"
		echo "no /dev/kvm here" >note
	elif ns=$(jq -e .longModeNs <<<"$kvm"); then
		assert_eq "$(jq .usable <<<"$kvm")" "$([ "$ns" -lt 250 ] && echo true || echo false)" "the verdict at $ns ns"
		echo "$ns ns an instruction" >note
	else
		assert_eq "$(jq .usable <<<"$kvm")" false
		jq -r .why <<<"$kvm" >note
	fi
}

masked_kvm() { # SOURCE: kvm of `info` with it in the place of /dev/kvm
	unshare -m --propagation private bash -c 'mount --bind "$3" /dev/kvm && "$1" vm info --cache "$2" --format json' \
		sh "$HUSK" "$CACHE" "$1" | jq -c .kvm
}

test_kvm_that_is_none() {
	need jq
	set_up
	[ -e /dev/kvm ] || skip "no /dev/kvm here"
	assert_match "$(masked_kvm /dev/null)" '"present":true,"usable":false,"why":"KVM_GET_API_VERSION: Inappropriate ioctl'
}

test_without_kvm() {
	need jq
	set_up
	unshare -m --propagation private bash -c 'mount -t tmpfs none /dev && mknod /dev/null c 1 3 &&
		"$1" vm info --cache "$2" --format json >"$3"' sh "$HUSK" "$CACHE" "$T/info" || true
	assert_eq "$(jq -c .kvm info)" '{"present":false,"usable":false,"why":"there is no /dev/kvm"}'
}

test_wrong_words() {
	set_up
	expect_error "expected prepare or info, got 'list'; see 'husk vm --help'" husk vm list
	expect_error "an argument is missing" husk vm
	expect_error "unexpected argument 'b'" husk vm prepare a b
	expect_error "'--format' is of vm info" husk vm prepare --format json
	expect_error "'--modules' is of vm prepare" husk vm info --modules none
	expect_error "expected table or json, got 'xml'" husk vm info --format xml
	expect_error "usage: husk-prepare" bin/husk-prepare --cache
	expect_error "expected absolute paths" bin/husk-prepare --cache c --agent /a /k
}

run_tests "$@"
