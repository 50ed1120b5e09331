#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `husk mounts add` and `husk mounts remove`: mounts of a container that runs.
# runs-as: root user
# shellcheck disable=SC2016 # $names in single quotes are jq's or the container's shell's
set -eu
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
ROOT_ONLY="test_a_container_with_a_user_namespace test_idmapped test_paths_in_options_are_the_callers"
ROOT_ONLY+=" test_a_paused_container test_a_created_container test_long_options test_kinds_without_a_user_namespace"
USER_ONLY="test_idmap_of_an_ordinary_user"
private_cgroup2 "$@"

# start_container DIR ID [JQ...]: it sleeps.
start_container() {
	local dir=$1 id=$2
	shift 2
	[ -d "$dir" ] || make_bundle "$dir"
	config "$dir" '.root.readonly = false | .process.args = ["/bin/sleep", "1000"]'
	[ $# = 0 ] || config "$dir" "$@"
	expect_status 0 husk run -d -b "$dir" "$id"
}

in_container() { husk exec "$1" /bin/sh -c "$2"; }

# The mount points of a container and what stands there, sorted.
mounts_of() { husk exec "$1" /bin/sh -c 'cut -d" " -f3- /proc/self/mountinfo' | sort; }

host_mounts() { cut -d' ' -f3- /proc/self/mountinfo | sort; }

# one FILE DESTINATION TYPE SOURCE [OPTION...]: a file with one mount.
one() {
	jq -n --arg to "$2" --arg type "$3" --arg from "$4" --arg options "${*:5}" \
		'{mounts: [{destination: $to, type: $type, source: $from, options: ($options | split(" "))}]}' >"$1"
}

ends() {
	husk delete --force "$ID"
}

test_add_and_remove() {
	mkdir src && echo hello >src/file
	jq -n --arg src "$T/src" '{mounts: [
		{destination: "/made/here", type: "bind", source: $src, options: ["rbind", "ro"]},
		{destination: "/made/one", source: ($src + "/file"), options: ["bind"]},
		{destination: "/tmp", type: "tmpfs", source: "added", options: ["size=64k", "nosuid", "noexec"]},
		{destination: "/tmp/below", type: "tmpfs", source: "below", options: ["ro"]}]}' >m.json
	make_bundle b
	start_container b "$ID"
	local before host
	before=$(mounts_of "$ID")
	host=$(host_mounts)
	expect_output "" husk mounts add "$ID" m.json
	expect_output "hello hello" in_container "$ID" 'echo $(cat /made/here/file) $(cat /made/one)'
	expect_output ro in_container "$ID" 'touch /made/here/x 2>/dev/null || echo ro'
	expect_output ro in_container "$ID" 'touch /tmp/below/x 2>/dev/null || echo ro'
	expect_output "" in_container "$ID" 'touch /tmp/x'
	assert_match "$(mounts_of "$ID")" '/ /tmp rw,nosuid,noexec.* - tmpfs added .*size=64k'
	assert_eq "$(host_mounts)" "$host" "mounts of the host"
	expect_output "" husk mounts remove "$ID" m.json
	assert_eq "$(mounts_of "$ID")" "$before" "mounts when all are removed"
	ends
}

test_spellings_of_the_file() {
	start_container b "$ID"
	one m.json /tmp/a tmpfs tmpfs
	jq .mounts m.json >array.json
	expect_status 0 husk mounts add "$ID" array.json
	expect_status 0 in_container "$ID" 'grep -q " /tmp/a " /proc/self/mounts'
	expect_status 0 husk mounts remove "$ID" array.json
	expect_status 1 in_container "$ID" 'grep -q " /tmp/a " /proc/self/mounts'
	husk mounts add "$ID" - <m.json || fail "from standard input"
	expect_status 0 in_container "$ID" 'grep -q " /tmp/a " /proc/self/mounts'
	echo '[{"destination": "/tmp/a"}]' | husk mounts remove "$ID" - || fail "by its destination alone"
	expect_status 1 in_container "$ID" 'grep -q " /tmp/a " /proc/self/mounts'
	echo '{"mounts": []}' | husk mounts add "$ID" - || fail "an empty list"
	# a relative source is below the bundle, as in config.json
	mkdir b/data && echo mine >b/data/file
	one m.json /tmp/data bind data bind
	expect_status 0 husk mounts add "$ID" m.json
	expect_output mine in_container "$ID" 'cat /tmp/data/file'
	ends
}

test_bad_files() {
	start_container b "$ID"
	local before
	before=$(mounts_of "$ID")
	bad() { # REGEX TEXT [VERB]
		printf '%s' "$2" >bad.json
		expect_error "$1" husk mounts "${3:-add}" "$ID" bad.json
		assert_eq "$(mounts_of "$ID")" "$before" "mounts after '$2'"
	}
	bad "^husk: bad.json: .*line 1" '{"mounts": [' # not at its end
	bad "bad.json: mounts: required, but missing" '{"mount": []}'
	bad "bad.json: mounts: expected an array" '{"mounts": {}}'
	bad "bad.json: .*expected an object, got a string" '"mounts"'
	bad "expected an object, got a number" '[7]'
	bad "destination: required" '[{"type": "tmpfs"}]'
	bad "destination: required" '[{"type": "tmpfs"}]' remove
	bad "mounts\[0\].options: 'bnid' is unknown" '[{"destination": "/x", "type": "bind", "source": "/", "options": ["bnid"]}]'
	bad "mounts\[0\].options: 'remount' is not supported" '[{"destination": "/x", "type": "tmpfs", "options": ["remount"]}]'
	bad "mounts\[0\].type: expected a file system" '[{"destination": "/x"}]'
	bad "mounts\[0\].gidMappings: required" \
		'[{"destination": "/x", "type": "bind", "source": "/", "uidMappings": [{"containerID": 0, "hostID": 0, "size": 1}]}]'
	bad "mounts\[0\].source: open '/no/such'" '[{"destination": "/x", "type": "bind", "source": "/no/such"}]'
	bad "mounts\[0\] \('/x'\): type 'nosuchfs'" '[{"destination": "/x", "type": "nosuchfs"}]'
	bad "is the container's root itself" '[{"destination": "/", "type": "tmpfs"}]'
	expect_error "open 'none.json'" husk mounts add "$ID" none.json
	expect_error "expected add or remove, got 'list'" husk mounts list "$ID" bad.json
	expect_error "an argument is missing" husk mounts add "$ID"
	ends
}

test_only_what_runs() {
	one m.json /tmp/a tmpfs tmpfs
	expect_error "container '$ID' does not exist" husk mounts add "$ID" m.json
	make_bundle b
	start_container b "$ID"
	husk kill "$ID" KILL
	wait_for 5 is_status "$ID" stopped
	expect_error "cannot add mounts: container not running" husk mounts add "$ID" m.json
	expect_error "cannot remove mounts: container not running" husk mounts remove "$ID" m.json
	ends
}

test_a_created_container() {
	one m.json /tmp/a tmpfs tmpfs size=64k
	make_bundle b
	container_sh b 'grep -c " /tmp/a " /proc/self/mounts >/tmp/out; sleep 1000' '.root.readonly = false'
	expect_status 0 husk create -b b "$ID"
	expect_status 0 husk mounts add "$ID" m.json
	husk start "$ID"
	wait_for 5 test -s b/rootfs/tmp/out
	assert_eq "$(cat b/rootfs/tmp/out)" 1
	ends
}

test_a_paused_container() {
	one m.json /tmp/a tmpfs tmpfs
	start_container b "$ID"
	expect_status 0 husk pause "$ID"
	expect_status 0 husk mounts add "$ID" m.json
	assert_eq "$(status_of "$ID")" paused
	expect_status 0 husk resume "$ID"
	expect_status 0 in_container "$ID" 'grep -q " /tmp/a " /proc/self/mounts'
	expect_status 0 husk pause "$ID"
	expect_status 0 husk mounts remove "$ID" m.json
	expect_status 0 husk resume "$ID"
	expect_status 1 in_container "$ID" 'grep -q " /tmp/a " /proc/self/mounts'
	ends
}

# A mount of the file fails: those before it are undone, files and directories alike.
test_all_or_nothing() {
	local before
	mkdir src && echo hello >src/file
	jq -n --arg src "$T/src" '{mounts: [
		{destination: "/tmp/a", type: "tmpfs", source: "a"},
		{destination: "/tmp/a/b", type: "bind", source: $src, options: ["rbind"]},
		{destination: "/tmp/file", type: "bind", source: ($src + "/file"), options: ["bind"]},
		{destination: "/tmp/file", type: "tmpfs", source: "fails"}]}' >m.json
	start_container b "$ID"
	before=$(mounts_of "$ID")
	expect_error "mounts\[3\] \('/tmp/file'\): .*directory" husk mounts add "$ID" m.json
	assert_eq "$(mounts_of "$ID")" "$before" "mounts when one failed"
	assert_eq "$(ls src)" file "the source"
	jq '.mounts |= .[:3]' m.json >good.json
	expect_status 0 husk mounts add "$ID" good.json
	before=$(mounts_of "$ID")
	# nothing is removed when one of them is no mount point
	jq '.mounts += [{destination: "/bin"}]' good.json >m.json
	expect_error "mounts\[3\].destination: '/bin' is not a mount point" husk mounts remove "$ID" m.json
	assert_eq "$(mounts_of "$ID")" "$before" "mounts when one cannot be removed"
	ends
}

test_remove_refuses() {
	start_container b "$ID"
	local before
	in_container "$ID" 'ln -s / /tmp/top; ln -s /proc/1/root/dev /tmp/magic; ln -s ../../../../dev/shm /tmp/link; touch /tmp/f
		ln -s /proc /tmp/proc; ln -s /proc/sys /tmp/procsys; ln -s /sys /tmp/sys'
	before=$(mounts_of "$ID")
	removal() { # REGEX DESTINATION
		jq -n --arg to "$2" '[{destination: $to}]' >m.json
		expect_error "mounts\[0\].destination: $1" husk mounts remove "$ID" m.json
		assert_eq "$(mounts_of "$ID")" "$before" "mounts after removal of '$2'"
	}
	removal "'/tmp' is not a mount point in the container" /tmp
	removal "'/tmp/f' is not a mount point in the container" /tmp/f
	removal "open '/tmp/none' in the container" /tmp/none
	removal "'/' is the container's root" /
	removal "'/tmp/top' is the container's root" /tmp/top
	# what makes /proc/sys read-only is a mount, too
	removal "'/tmp/proc' leads to '/proc' by a symlink" /tmp/proc
	removal "'/tmp/procsys' leads to '/proc/sys' by a symlink" /tmp/procsys
	removal "'/tmp/sys' leads to '/sys' by a symlink" /tmp/sys
	removal "open '/tmp/magic' in the container: Too many levels of symbolic links" /tmp/magic
	jq -n '[{destination: "/tmp/link", options: ["dest-nofollow"]}]' >m.json
	expect_error "'/tmp/link' is not a mount point" husk mounts remove "$ID" m.json
	# a symlink is followed as the container sees it
	jq -n '[{destination: "/tmp/link"}]' >m.json
	expect_status 0 husk mounts remove "$ID" m.json
	expect_status 1 in_container "$ID" 'grep -q " /dev/shm " /proc/self/mounts'
	ends
}

# The container swaps the target for symlinks that lead out of it, into procfs and by magic links.
test_symlink_attack_on_the_target() {
	mkdir -p src outside/dir
	echo secret >src/file
	make_bundle b '.root.readonly = false'
	container_sh b "exec 2>/dev/null
		mkdir -p /v/real; touch /v/flag; echo \$\$ >/v/pid
		while [ -e /v/flag ]; do
			for to in $T/outside ../../../../../../..$T/outside /proc/1/cwd/dev /proc/self /proc; do
				mv -T /v/t /v/old 2>/dev/null; ln -sfn \$to /v/t; rm -rf /v/t; mkdir -p /v/t/dir
				ln -sfn \$to /v/t/dir/x; rm -rf /v/t/dir/x /v/old
			done
		done
		sleep 1000"
	expect_status 0 husk run -d -b b "$ID"
	wait_for 5 test -s b/rootfs/v/pid
	local host n=0 i
	host=$(host_mounts)
	one a.json /v/t bind "$T/src" rbind
	one b.json /v/t/dir/x bind "$T/src" rbind
	for ((i = 0; i < 40 || (n == 0 && i < 800); i++)); do
		for f in a.json b.json; do
			if husk mounts add "$ID" "$f" 2>>err; then
				n=$((n + 1))
				# the swapping may have moved on, and have removed it
				husk mounts remove "$ID" "$f" 2>>err || true
			fi
		done
		assert_eq "$(ls -A outside) $(ls -A outside/dir)" "dir " "a directory of the host"
		husk exec "$ID" /bin/sh -c 'grep -q " /proc/.* - " /proc/self/mountinfo && cut -d" " -f4,5 /proc/self/mountinfo' |
			grep -E "^$T/src.* /proc" && fail "a mount in procfs"
	done
	assert_eq "$(host_mounts)" "$host" "mounts of the host"
	[ "$n" -gt 0 ] || fail "no mount ever got there: $(tail -n 3 err)"
	# each of the links by itself, without a race
	rm b/rootfs/v/flag
	for i in /proc/1/root/tmp /proc/self/cwd /proc/1; do
		ln -sfn "$i" b/rootfs/tmp/link
		wait_for 10 link_leads_to "$i"
		one a.json /tmp/link/x bind "$T/src" rbind
		expect_error "mounts\[0\] \('/tmp/link/x'\)" husk mounts add "$ID" a.json
	done
	one a.json /tmp/link/ns bind "$T/src" rbind # it is there
	expect_error "leads into procfs by a symlink" husk mounts add "$ID" a.json
	one a.json /tmp/link/x bind "$T/src" rbind
	mkdir other # no target of the race, whose mounts may still stand in the container
	ln -sfn "$T/other" b/rootfs/tmp/link
	wait_for 10 link_leads_to "$T/other"
	expect_status 0 husk mounts add "$ID" a.json
	assert_eq "$(ls -A other)" "" "a directory of the host"
	test -d "b/rootfs$T/other/x" || fail "not below the container's root"
	ends
}

link_leads_to() { [ "$(in_container "$ID" 'readlink /tmp/link')" = "$1" ]; } # in a VM it is so a little later

# No process of husk is ever seen by the container.
test_the_container_sees_no_process() {
	start_container b "$ID" --arg n "$(rounds 3000 300)" '.process.args = ["/bin/sh", "-c",
		"mkdir -p /many; cd /many; i=0; while [ $i -lt \($n) ]; do : >$i; i=$((i+1)); done; echo done >/tmp/made;
		while :; do for p in /proc/[0-9]*; do [ $p = /proc/1 ] || echo $p >>/tmp/seen; done; echo x >>/tmp/rounds; done"]'
	wait_for 20 test -s b/rootfs/tmp/made
	one m.json /many tmpfs tmpfs tmpcopyup
	wait_for 5 test -s b/rootfs/tmp/rounds
	: >b/rootfs/tmp/rounds
	for _ in 1 2 3; do
		expect_status 0 husk mounts add "$ID" m.json
	done
	wait_for 5 test -s b/rootfs/tmp/rounds
	[ ! -e b/rootfs/tmp/seen ] || fail "seen: $(sort -u b/rootfs/tmp/seen)"
	ends
}

user_namespace='.linux.namespaces += [{"type": "user"}] |
	[{"containerID": 0, "hostID": 100000, "size": 5000}] as $maps |
	.linux.uidMappings = $maps | .linux.gidMappings = $maps'

test_a_container_with_a_user_namespace() {
	mkdir src && touch src/file && chown 100000:100001 src/file
	make_bundle b "$user_namespace"
	mkdir b/rootfs/t && chown 100000:100000 b/rootfs/t
	start_container b "$ID"
	jq -n --arg src "$T/src" '{mounts: [
		{destination: "/t/tmpfs", type: "tmpfs", source: "t", options: ["uid=7"]},
		{destination: "/t/src", type: "bind", source: $src, options: ["rbind"]},
		{destination: "/t/sys", type: "sysfs", source: "sysfs", options: ["ro"]},
		{destination: "/t/mq", type: "mqueue", source: "mqueue"},
		{destination: "/t/pts", type: "devpts", source: "devpts", options: ["newinstance"]},
		{destination: "/t/cgroup", type: "cgroup", source: "cgroup", options: ["ro"]},
		{destination: "/t/idmapped", type: "bind", source: $src, options: ["bind", "idmap"]}]}' >m.json
	expect_status 0 husk mounts add "$ID" m.json
	expect_output $'0:1\n65534:65534\n7' in_container "$ID" \
		'stat -c %u:%g /t/src/file; stat -c %u:%g /t/idmapped/file; stat -c %u /t/tmpfs'
	# the container's own network, not the host's
	expect_output lo in_container "$ID" 'ls /t/sys/class/net'
	assert_eq "$(stat -c %u:%g b/rootfs/t/tmpfs)" 100000:100000 "a target that was made"
	expect_status 0 husk mounts remove "$ID" m.json
	expect_output 0 in_container "$ID" 'grep -c " /t/" /proc/self/mounts || true'
	ends
}

test_idmapped() {
	mkdir src && touch src/file && chmod 0777 src
	start_container b "$ID"
	jq -n --arg src "$T/src" '[{containerID: 0, hostID: 5000, size: 100}] as $maps |
		[{destination: "/tmp/src", type: "bind", source: $src, options: ["bind"], uidMappings: $maps, gidMappings: $maps}]' >m.json
	expect_status 0 husk mounts add "$ID" m.json
	expect_output 5000:5000 in_container "$ID" 'stat -c %u:%g /tmp/src/file'
	ends
}

test_idmap_of_an_ordinary_user() {
	mkdir src
	start_container b "$ID"
	one m.json /tmp/x bind "$T/src" bind idmap
	expect_error "mounts\[0\]: idmap: an ordinary user cannot map" husk mounts add "$ID" m.json
	ends
}

# A new procfs shows the container's pid namespace (Linux 6.17), a new sysfs its network.
test_procfs_and_sysfs() {
	make_bundle b
	start_container b "$ID" '.linux.namespaces |= map(select(.type != "network")) + [{"type": "network"}]'
	one m.json /tmp/proc proc proc nosuid
	run husk mounts add "$ID" m.json
	if [ "$STATUS" != 0 ]; then
		assert_match "$ERR" "Linux 6.17"
		expect_status 1 in_container "$ID" 'grep -q " /tmp/proc " /proc/self/mounts'
		ends
		skip "this kernel has no procfs option pidns"
	fi
	expect_output 1000 in_container "$ID" 'tr "\0" "\n" </tmp/proc/1/cmdline | tail -n 1'
	expect_output few in_container "$ID" '[ -d /tmp/proc/$$ ] && [ "$(ls -d /tmp/proc/[0-9]* | wc -l)" -lt 6 ] && echo few'
	one m.json /tmp/sys sysfs sysfs ro
	expect_status 0 husk mounts add "$ID" m.json
	expect_output lo in_container "$ID" 'ls /tmp/sys/class/net'
	ends
}

test_kinds_without_a_user_namespace() {
	start_container b "$ID"
	jq -n '[{destination: "/tmp/mq", type: "mqueue", source: "mqueue"},
		{destination: "/tmp/cgroup", type: "cgroup2", source: "cgroup", options: ["ro"]},
		{destination: "/tmp/pts", type: "devpts", source: "devpts"}]' >m.json
	expect_status 0 husk mounts add "$ID" m.json
	# its own cgroup is the root of what it sees
	expect_output yes in_container "$ID" '[ -e /tmp/cgroup/cgroup.events ] && grep -q "^1$" /tmp/cgroup/cgroup.procs && echo yes'
	ends
}

# Layers of an overlay are directories of the host, whatever the container has at that path.
test_paths_in_options_are_the_callers() {
	mkdir lower && echo host >lower/file
	make_bundle b '.root.readonly = false'
	mkdir -p "b/rootfs$T/lower" && echo container >"b/rootfs$T/lower/file"
	start_container b "$ID"
	one m.json /tmp/o overlay overlay "lowerdir=$T/lower:$T/lower"
	mkdir lower2
	one m.json /tmp/o overlay overlay "lowerdir=$T/lower:$T/lower2" ro
	expect_status 0 husk mounts add "$ID" m.json
	expect_output host in_container "$ID" 'cat /tmp/o/file'
	ends
}

# Options that only mount(2) takes, and nothing of the way there is seen in the container or on the host.
test_long_options() {
	local layers=$T/l i host
	for i in $(seq 30); do
		mkdir "l$i"
		layers+="$i:$T/l"
	done
	echo top >l1/file
	start_container b "$ID"
	host=$(host_mounts)
	one m.json /tmp/o overlay overlay "lowerdir=${layers%:*}" ro
	expect_status 0 husk mounts add "$ID" m.json
	expect_output top in_container "$ID" 'cat /tmp/o/file'
	expect_output 1 in_container "$ID" 'grep -c " /tmp/" /proc/self/mounts'
	assert_eq "$(host_mounts)" "$host" "mounts of the host"
	ends
}

run_tests "$@"
