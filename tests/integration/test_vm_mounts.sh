#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `husk mounts` for a VM: what of it is on the host. What the container sees is test_mounts_verb.sh's, by run_vm.sh; but
# for the last test no guest runs, vm/actor.c answers in its place.
# runs-as: root
# shellcheck disable=SC2016 # $names in single quotes are jq's or the container's shell's
set -eu
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
private_cgroup2 "$@"

ACTOR=$HUSK_TOP_BUILDDIR/tests/integration/vm/actor

need_vm() {
	need nsenter
	[ -x "$ACTOR" ] || skip "no program '$ACTOR': make check builds it"
	as_vm
	mkdir -p src/sub && echo one >src/file
	make_bundle b
}

# starts WORD...: a VM in which the actor does so.
starts() {
	need_vm
	cp "$ACTOR" actor
	config b --arg path "$T/actor" --argjson words "$(jq -nc '$ARGS.positional' --args -- up "$@")" \
		'.vm = {hypervisor: {path: $path, parameters: (["--"] + $words)}}'
	run husk run -d -b b "$ID" </dev/null
	[ "$STATUS" = 0 ] || fail "run: $ERR"
	MON=$(husk state "$ID" | jq .pid)
}

# What was added to the jail: "place root options" a line.
in_jail() { sed -n "s|^[0-9]* [0-9]* [0-9:]* \(.*\) /export/$ID/added/\([^ ]*\) \([^ ]*\) .*|\2 \1 \3|p" "/proc/$MON/mountinfo" | sort; }
taken() { jq -r '.[] | join(" ")' "$ROOT/$ID/places"; }
assert_no_places() {
	assert_eq "$(in_jail)" "" "mounts in the jail"
	[ ! -e "$ROOT/$ID/places" ] || assert_eq "$(taken)" "" "places that are taken"
}

# mounts VERB JSON
mounts() { jq -nc --arg t "$T" "$2" | husk mounts "$1" "$ID" -; }
bind() { printf '{destination: "%s", source: ($t + "/src%s"), options: ["%s"]}' "$1" "$2" "${3:-bind}"; } # DESTINATION SUFFIX [OPTION]

# in_mounts_of_the_jail TEXT: what root could do there; the guest's file server has less.
in_mounts_of_the_jail() { nsenter -t "$MON" -m /bin/sh -c "$1" 2>&1; }

test_what_is_added_stands_in_the_jail_alone() {
	local host
	starts
	host=$(cut -d' ' -f3- /proc/self/mountinfo | sort)
	mounts add "[$(bind /a ""), {destination: \"/t\", type: \"tmpfs\"}, $(bind /b /file 'bind", "ro')]"
	assert_match "$(in_jail)" "^d0 .*/src rw[^ ]*
f1 .*/src/file ro[^ ]*$"
	assert_eq "$(taken)" $'d0 /a\nf1 /b'
	assert_eq "$(in_mounts_of_the_jail "cat /export/$ID/added/d0/file /export/$ID/added/f1")" $'one\none'
	assert_eq "$(cut -d' ' -f3- /proc/self/mountinfo | sort)" "$host" "mounts of the host"
	# upon the first; and the last goes first
	mounts add "[$(bind /a /sub)]"
	assert_eq "$(taken)" $'d0 /a\nf1 /b\nd2 /a'
	mounts remove '[{destination: "//a/."}]'
	assert_eq "$(taken)" $'d0 /a\nf1 /b'
	assert_match "$(in_jail)" "^d0 .*/src rw"
	mounts remove '[{destination: "/t"}, {destination: "/a"}, {destination: "/b"}]'
	assert_no_places
	husk delete --force "$ID"
	[ ! -e "$ROOT/$ID" ] || fail "the state is left"
}

# Twice in one file: both go.
test_one_destination_twice() {
	starts
	mounts add "[$(bind /a ""), $(bind /a /sub)]"
	assert_eq "$(taken)" $'d0 /a\nd1 /a'
	mounts remove '[{destination: "/a"}, {destination: "/a"}]'
	assert_no_places
	husk delete --force "$ID"
}

# The source itself, which may lead anywhere in the jail: it goes, and nobody follows it.
test_a_symlink_is_no_way_out_of_its_place() {
	starts
	ln -s "/export/$ID/rootfs/made" src/link
	mounts add "[$(bind /a /link 'bind", "src-nofollow')]"
	assert_match "$(in_jail)" "^f0 .*/src/link "
	mounts remove '[{destination: "/a"}]'
	assert_no_places
	mounts add "[$(bind /b /file)]"
	assert_match "$(in_jail)" "^f0 .*/src/file "
	[ ! -e b/rootfs/made ] || fail "a file was made where the symlink leads to"
	husk delete --force "$ID"
}

test_the_guest_can_change_nothing_of_the_places() {
	local path
	starts
	mounts add "[$(bind /a "" 'bind", "ro')]"
	for path in "" "/$ID" "/$ID/added" "/$ID/added/d0"; do
		assert_match "$(in_mounts_of_the_jail "mkdir /export$path/new")" "Read-only file system"
		assert_match "$(in_mounts_of_the_jail "ln -s / /export$path/new")" "Read-only file system"
	done
	assert_match "$(in_mounts_of_the_jail "mv /export/$ID /export/other")" "Read-only file system"
	husk delete --force "$ID"
}

test_what_cannot_enter_a_vm() {
	starts
	mkfifo src/fifo
	python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' src/socket 2>/dev/null || rm -f src/socket
	mknod src/disk b 7 200
	refused() { # REGEX MOUNT: after one that is fine
		expect_error "$1" mounts add "[$(bind /a ""), $2]"
		assert_no_places
	}
	[ ! -e src/socket ] || refused "mounts\[1\]: source '$T/src/socket': a socket of the host cannot enter a VM" "$(bind /b /socket)"
	refused "mounts\[1\]: source '$T/src/fifo': a FIFO of the host cannot enter a VM" "$(bind /b /fifo)"
	refused "mounts\[1\]: source '$T/src/disk': a device of the host cannot enter a VM" "$(bind /b /disk)"
	refused "mounts\[1\].source: open '$T/src/none': No such file" "$(bind /b /none)"
	refused "mounts\[1\]: source '/proc/sys': a kernel file system of the host cannot enter a VM" \
		'{destination: "/b", source: "/proc/sys", options: ["rbind"]}'
	refused "mounts\[1\]: binfmt_misc: a kernel file system of the host cannot enter a VM" '{destination: "/b", type: "binfmt_misc"}'
	# what the host alone can mount, and fails to, is told by its destination
	refused "mounts\[1\] \('/b'\): .*nosuchfs" '{destination: "/b", type: "nosuchfs"}'
	husk delete --force "$ID"
}

test_what_the_guest_refuses_is_undone_on_the_host() {
	starts mounts refuse
	expect_error "^husk: the actor says no$" mounts add "[$(bind /a ""), $(bind /b /file)]"
	assert_no_places
	expect_error "^husk: the actor says no$" mounts remove "[$(bind /a "")]"
	husk delete --force "$ID"
}

# It may be hostile, or hang.
test_what_the_guest_keeps_the_host_takes_back() {
	starts mounts keep
	mounts add "[$(bind /a ""), $(bind /b /file)]"
	expect_error "^husk: the actor says no$" mounts remove '[{destination: "/a"}]'
	assert_eq "$(taken)" "f1 /b"
	assert_match "$(in_jail)" "^f1 "
	husk delete --force "$ID"
}

test_a_guest_that_does_not_answer() {
	local began
	starts mounts ignore
	# a signal waits until nothing is half done: 70 s
	began=$SECONDS
	jq -nc --arg t "$T" "[$(bind /a "")]" >m.json
	"$HUSK" --root "$ROOT" mounts add "$ID" m.json 2>/dev/null &
	local pid=$!
	wait_for 10 is_taken d0
	kill -TERM "$pid"
	wait "$pid" || true
	assert_no_places
	[ $((SECONDS - began)) -lt 115 ] || fail "it took $((SECONDS - began)) s"
	# one that cannot wait leaves a place, which nobody else gets
	"$HUSK" --root "$ROOT" mounts add "$ID" m.json 2>/dev/null &
	pid=$!
	wait_for 10 is_taken d0
	kill -KILL "$pid"
	wait "$pid" || true
	assert_eq "$(taken)" "d0 /a"
	expect_error "does not answer" mounts remove '[{destination: "/a"}]'
	assert_no_places
	husk delete --force "$ID"
}
is_taken() { [[ $(in_jail) == "$1 "* ]]; }

test_a_vm_has_so_many_and_no_more() {
	starts
	expect_error "mounts\[64\]: 64 mounts that were added come from the host: a VM can have no more" \
		mounts add "[range(65) | $(bind '/a\(.)' "")]"
	assert_no_places
	mounts add "[range(64) | $(bind '/a\(.)' "")]"
	assert_eq "$(in_jail | wc -l)" 64
	expect_error "mounts\[0\]: 64 mounts that were added" mounts add "[$(bind /b "")]"
	mounts add '[{destination: "/t", type: "tmpfs"}]' # which takes none
	mounts remove '[{destination: "/a7"}]'
	mounts add "[$(bind /b /file)]"
	assert_match "$(taken | tail -n 1)" "^f7 /b$"
	mounts remove "[range(64) | select(. != 7) | {destination: \"/a\(.)\"}]"
	assert_eq "$(taken)" "f7 /b"
	husk delete --force "$ID"
}

# File systems that are mounted nowhere any more, and still held by the file server.
held() {
	local known
	known=" $(cut -d' ' -f1 "/proc/$FSD/mountinfo" | tr '\n' ' ') "
	sed -n 's/^mnt_id:[[:space:]]*//p' /proc/"$FSD"/fdinfo/* | sort -u | while read -r id; do
		# sockets, pipes and the like are on mounts of the kernel's own
		[[ $known == *" $id "* ]] || echo "$id"
	done
}
nothing_more_held() { [ "$(held)" = "$BEFORE" ]; }

test_in_a_guest() {
	need qemu-system-x86_64
	need_vm
	config b '.process.args = ["/bin/sleep", "1000"] | .root.readonly = false'
	run husk run -d -b b "$ID" </dev/null
	[ "$STATUS" = 0 ] || fail "run: $ERR"
	MON=$(husk state "$ID" | jq .pid)
	FSD=$(tr ' ' '\n' <"/proc/$MON/task/$MON/children" | while read -r p; do
		[ -z "$p" ] || ! grep -q husk-fsd "/proc/$p/comm" || echo "$p"
	done)
	BEFORE=$(held)
	mkdir other && echo two >other/file
	mount -t tmpfs below src/sub && echo deep >src/sub/deep
	mounts add "[$(bind /a "" rbind), $(bind /b /file 'bind", "ro')]"
	expect_output $'one\ndeep\none' husk exec "$ID" cat /a/file /a/sub/deep /b
	husk exec "$ID" sh -c 'echo new >/a/made; cat /a/made /a/sub/* >/dev/null; ls -R /a >/dev/null'
	assert_eq "$(cat src/made)" new "what the container wrote"
	expect_error "Read-only" husk exec "$ID" sh -c 'echo no >/b'
	mounts remove '[{destination: "/a"}, {destination: "/b"}]'
	wait_for 30 nothing_more_held
	# the same place has another directory, at once
	mounts add '[{destination: "/a", source: ($t + "/other"), options: ["bind"]}]'
	assert_eq "$(taken)" "d0 /a"
	expect_output two husk exec "$ID" cat /a/file
	mounts remove '[{destination: "/a"}]'
	# what the guest refuses is not there
	expect_error "mounts\[1\] \('/bin/busybox/x'\)" mounts add "[$(bind /a ""), $(bind /bin/busybox/x "")]"
	assert_no_places
	wait_for 30 nothing_more_held
	umount src/sub
	husk delete --force "$ID"
}

run_tests "$@"
