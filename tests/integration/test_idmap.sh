#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Idmapped bind mounts: owners as the container sees them, and what is stored on the host.
# runs-as: root user
# vm-smoke: test_ids_of_the_containers_user_namespace
# shellcheck disable=SC2016 # $names in single quotes are jq's or the container's shell's
set -eu
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
ROOT_ONLY="test_ids_of_the_mounts_own_mappings test_ids_of_the_containers_user_namespace"
ROOT_ONLY+=" test_ids_of_a_joined_user_namespace test_crun_text_in_the_option test_read_only"
ROOT_ONLY+=" test_ridmap_reaches_mounts_below test_different_mappings_in_one_container"
ROOT_ONLY+=" test_a_symlink_below_and_the_source_itself test_errors test_nothing_of_the_host_is_changed"
USER_ONLY="test_an_ordinary_user_is_refused"
private_cgroup2 "$@"

# bind_at DIR DESTINATION SOURCE [OPTION...]
bind_at() {
	config "$1" --arg to "$2" --arg from "$3" --arg options "${*:4}" '.mounts += [
		{"destination": $to, "type": "bind", "source": $from, "options": ($options | split(" "))}]'
}

# map_last DIR FS HOST SIZE: the last mount's own mappings.
map_last() {
	config "$1" --argjson fs "$2" --argjson host "$3" --argjson size "$4" '
		[{"containerID": $fs, "hostID": $host, "size": $size}] as $maps |
		.mounts[-1] += {"uidMappings": $maps, "gidMappings": $maps}'
}

user_namespace='.linux.namespaces += [{"type": "user"}] |
	[{"containerID": 0, "hostID": 100000, "size": 5000}] as $maps |
	.linux.uidMappings = $maps | .linux.gidMappings = $maps'

make_source() {
	mkdir -p src/sub
	echo zero >src/zero
	echo thousand >src/thousand
	echo other >src/other
	chown 1000:1001 src/thousand
	chown 70000:70000 src/other
	chmod 0777 src
}

list='cd /m && stat -c "%n %u:%g" . zero thousand other'

test_ids_of_the_mounts_own_mappings() {
	make_source
	make_bundle b '.process.user = {"uid": 5007, "gid": 5008}'
	bind_at b /m "$T/src" rbind rw idmap
	map_last b 0 5000 2000
	container_sh b "$list; touch new && stat -c %u:%g new"
	expect_output $'. 5000:5000\nzero 5000:5000\nthousand 6000:6001\nother 65534:65534\n5007:5008' husk run -b b "$ID"
	assert_eq "$(stat -c %u:%g src/new src/zero)" $'7:8\n0:0' "on the host"
	config b '.mounts[-1].options = ["bind"]' # the mappings are enough
	container_sh b "rm /m/new; $list"
	expect_output $'. 5000:5000\nzero 5000:5000\nthousand 6000:6001\nother 65534:65534' husk run -b b "$ID"
	config b 'del(.mounts[-1].uidMappings, .mounts[-1].gidMappings)'
	expect_output $'. 0:0\nzero 0:0\nthousand 1000:1001\nother 70000:70000' husk run -b b "$ID"
}

test_ids_of_the_containers_user_namespace() {
	make_source
	make_bundle b "$user_namespace"
	bind_at b /m "$T/src" rbind idmap
	bind_at b /plain "$T/src" rbind
	mkdir b/rootfs/{m,plain}
	container_sh b "$list; touch new; stat -c %u:%g new /plain/new; touch /plain/zero 2>/dev/null || echo no"
	expect_output $'. 0:0\nzero 0:0\nthousand 1000:1001\nother 65534:65534\n0:0\n65534:65534\nno' husk run -b b "$ID"
	assert_eq "$(stat -c %u:%g src/new)" 0:0 "on the host"
}

test_ids_of_a_joined_user_namespace() {
	make_source
	make_bundle a "$user_namespace | .process.args = [\"/bin/sleep\", \"100\"]"
	make_bundle b
	bind_at b /m "$T/src" bind idmap
	mkdir b/rootfs/m
	container_sh b "$list"
	expect_status 0 husk run -d -b a "$ID-a"
	config b --arg path "/proc/$(husk state "$ID-a" | jq .pid)/ns/user" \
		'.linux.namespaces += [{"type": "user", "path": $path}]'
	expect_output $'. 0:0\nzero 0:0\nthousand 1000:1001\nother 65534:65534' husk run -b b "$ID"
	expect_status 0 husk delete --force "$ID-a"
}

test_crun_text_in_the_option() {
	make_source
	make_bundle b
	bind_at b /m "$T/src" bind 'idmap=uids=0-7-1#1000-8-1;gids=0-9-1#1001-10-1'
	container_sh b "$list"
	expect_output $'. 7:9\nzero 7:9\nthousand 8:10\nother 65534:65534' husk run -b b "$ID"
	is_husk || return 0
	! is_vm || return 0 # whose jail has no user namespace that @ could be of
	make_bundle c "$user_namespace"
	bind_at c /m "$T/src" bind 'idmap=uids=@0-7-1#@1000-8-1;gids=@0-9-1#1001-100010-1'
	mkdir c/rootfs/m
	container_sh c "$list"
	expect_output $'. 7:9\nzero 7:9\nthousand 8:10\nother 65534:65534' husk run -b c "$ID"
}

test_read_only() {
	make_source
	make_bundle b '.process.user = {"uid": 5000, "gid": 5000}'
	bind_at b /m "$T/src" bind idmap ro nosuid
	map_last b 0 5000 2000
	container_sh b 'stat -c %u /m/zero; touch /m/x 2>&1; grep " /m " /proc/self/mountinfo'
	expect_status 0 husk run -b b "$ID"
	assert_eq "$(sed -n 1p <<<"$OUT")" 5000
	assert_match "$(sed -n 2p <<<"$OUT")" 'Read-only file system'
	assert_match "$(sed -n 3p <<<"$OUT")" " /m ro,nosuid,$(is_vm || echo '[^ ]*idmapped')" # the host maps a VM's
}

test_ridmap_reaches_mounts_below() {
	make_source
	mkdir below # of the same file system: a tmpfs takes no mappings before Linux 6.3
	mount --bind below src/sub
	touch src/sub/file
	make_bundle b
	bind_at b /m "$T/src" rbind idmap
	map_last b 0 5000 2000
	container_sh b 'stat -c %u /m/zero /m/sub/file'
	expect_output $'5000\n0' husk run -b b "$ID"
	config b '.mounts[-1].options = ["rbind", "ridmap"]'
	expect_output $'5000\n5000' husk run -b b "$ID"
	unmount src/sub
}

test_different_mappings_in_one_container() {
	make_source
	make_bundle b "$user_namespace"
	mkdir b/rootfs/{1,2,3,4}
	bind_at b /1 "$T/src" bind idmap
	bind_at b /2 "$T/src" bind idmap
	map_last b 0 100001 2000
	bind_at b /3 "$T/src" bind idmap
	map_last b 0 100001 2000
	bind_at b /4 "$T/src/zero" bind idmap
	container_sh b 'stat -c %u /1/thousand /2/thousand /3/thousand /4'
	touch b/rootfs/file && config b '.mounts[-1].destination = "/file"'
	container_sh b 'stat -c %u /1/thousand /2/thousand /3/thousand /file'
	expect_output $'1000\n1001\n1001\n0' husk run -b b "$ID"
}

# What the tree leads to is not mapped, the tree is: also with the source read by src-nofollow.
test_a_symlink_below_and_the_source_itself() {
	make_source
	ln -s "$T/src" link
	make_bundle b
	bind_at b /m "$T/link" bind idmap
	map_last b 0 5000 2000
	container_sh b 'stat -c %u /m/thousand'
	expect_output 6000 husk run -b b "$ID"
}

test_errors() {
	is_husk || skip "messages of husk's own"
	make_source
	make_bundle b
	bind_at b /m "$T/src" bind idmap
	expect_error "mounts\[[0-9]+\]\.options: 'idmap' needs mounts\[[0-9]+\]\.uidMappings" husk run -b b "$ID"
	map_last b 0 5000 2000
	config b '.mounts[-1].source = "/proc/sys"'
	expect_error "mounts\[[0-9]+\]: (idmap \('/proc/sys'\): its file system 'proc' cannot be idmapped|source '/proc/sys': a kernel file)" \
		husk run -b b "$ID"
	config b --arg from "$T/none" '.mounts[-1].source = $from'
	expect_error "mounts\[[0-9]+\]\.source: .*/none'.*No such file" husk run -b b "$ID"
	config b --arg from "$T/src" '.mounts[-1].source = $from | del(.mounts[-1].gidMappings)'
	expect_error "mounts\[[0-9]+\]\.gidMappings: required" husk run -b b "$ID"
	config b '.mounts[-1] += {"type": "tmpfs", "options": ["idmap"]}'
	expect_error "gidMappings: required" husk run -b b "$ID"
	map_last b 0 5000 2000
	expect_error "mounts\[[0-9]+\]\.options: 'idmap' is for bind mounts only" husk run -b b "$ID"
	map_last b 0 4294967295 1
	config b '.mounts[-1] += {"type": "bind", "options": ["bind", "idmap"]}'
	expect_error "mounts\[[0-9]+\]\.[ug]idMappings\[0\]" husk run -b b "$ID"
}

test_nothing_of_the_host_is_changed() {
	make_source
	make_bundle b
	bind_at b /m "$T/src" rbind ridmap
	map_last b 0 5000 2000
	local before
	before=$(cat /proc/self/mountinfo; find src -printf '%p %U:%G %m\n')
	expect_status 0 husk run -b b "$ID"
	assert_eq "$(cat /proc/self/mountinfo; find src -printf '%p %U:%G %m\n')" "$before"
}

test_an_ordinary_user_is_refused() {
	make_bundle b
	mkdir src
	bind_at b /m "$T/src" rbind idmap
	expect_error "mounts\[[0-9]+\]: idmap: an ordinary user cannot map" husk run -b b "$ID"
}

run_tests "$@"
