#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# runs-as: root user
# husk doctor: what it says is so, and what is taken away is named with what mends it.
set -eu
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
ROOT_ONLY="test_controllers_are_those_of_the_kernel test_no_cgroup2_is_broken"
ROOT_ONLY+=" test_a_capability_that_root_lacks_is_named test_id_tools_without_privilege_are_named"
private_cgroup2 "$@"

# finding WHAT: its line of JSON, "verdict remedy"
finding() { jq -r --arg what "$1" '.[] | select(.what == $what) | "\(.verdict) \(.detail) -> \(.remedy // "")"' <<<"$OUT"; }

test_json_and_table_say_the_same() {
	local table
	run husk doctor
	table=$(grep -c '^[a-z]' <<<"$OUT")
	run husk doctor --format json
	assert_eq "$(jq length <<<"$OUT")" "$table" "findings"
	assert_eq "$(jq -r 'map(select(.verdict | IN("ok", "note", "lacks", "broken") | not)) | length' <<<"$OUT")" 0 "odd verdicts"
	assert_eq "$(jq -r 'map(.area) | unique | join(" ")' <<<"$OUT")" "caller cgroup kernel namespaces"
	assert_eq "$(jq -r 'map(select(.verdict == "lacks" or .verdict == "broken") | select(.remedy | not)) | length' <<<"$OUT")" 0 \
		"lacks without a remedy"
}

# What a container can do here, doctor does not call broken.
test_a_host_that_runs_containers_is_not_broken() {
	make_bundle b
	expect_status 0 husk run --bundle b "$ID"
	expect_status 0 husk doctor --format json
	assert_match "$(finding version)" "^ok $(uname -r) "
	assert_match "$(finding user)" '^ok '
	assert_match "$(finding "system calls")" '^ok all '
}

test_controllers_are_those_of_the_kernel() {
	local cg name
	cg=$(cgroup2_root)
	[ -n "$cg" ] || skip "no cgroup v2 here"
	run husk doctor --format json
	for name in cpu cpuset memory pids io hugetlb rdma; do
		if grep -qw "$name" "$cg/cgroup.controllers"; then
			assert_match "$(finding "$name")" '^ok '
		else
			assert_match "$(finding "$name")" '^lacks .* -> .'
		fi
	done
}

test_no_cgroup2_is_broken() {
	run unshare -m --propagation private sh -c 'umount -R /sys/fs/cgroup; exec "$@"' sh \
		"$HUSK" --root "$ROOT" doctor --format json
	assert_eq "$STATUS" 1 status
	assert_match "$(finding hierarchy)" '^broken no cgroup v2 .* -> mount -t cgroup2 '
}

test_a_user_namespace_limit_is_named() {
	unshare -Ur true 2>/dev/null || skip "no user namespaces for this user"
	run unshare -Ur sh -c 'echo 0 >/proc/sys/user/max_user_namespaces && exec "$@"' sh \
		"$HUSK" --root "$ROOT" doctor --format json
	assert_eq "$STATUS" 1 status
	assert_match "$(finding user)" '^broken cannot be made: .* -> sysctl user.max_user_namespaces='
}

test_a_capability_that_root_lacks_is_named() {
	need setpriv
	run setpriv --bounding-set -mknod,-net_admin "$HUSK" --root "$ROOT" doctor --format json
	assert_eq "$STATUS" 0 status
	assert_match "$(finding capabilities)" '^lacks root lacks CAP_MKNOD: linux.devices -> .'
	assert_match "$(finding capabilities)" '^lacks root lacks CAP_NET_ADMIN: '
	run setpriv --bounding-set -sys_admin "$HUSK" --root "$ROOT" doctor --format json
	assert_eq "$STATUS" 1 "status without CAP_SYS_ADMIN"
	assert_match "$(finding capabilities)" '^broken root lacks CAP_SYS_ADMIN: '
}

test_id_tools_without_privilege_are_named() {
	need newuidmap
	id "$HUSK_TEST_USER" >/dev/null 2>&1 || skip "no user '$HUSK_TEST_USER' (./bootstrap deps)"
	cp "$HUSK" husk-copy
	chmod 0755 husk-copy
	export -f as_user
	# shellcheck disable=SC2016 # expanded by the inner shell
	run unshare -m --propagation private bash -c '
		cp "$(command -v newuidmap)" plain && chmod 0755 plain && mount --bind plain "$(command -v newuidmap)" &&
			as_user "$T/husk-copy" --root "$T/home/state" doctor --format json'
	assert_match "$(finding newuidmap)" '^lacks .* -> chmod u\+s '
	assert_match "$(finding newgidmap)" '^ok '
	assert_match "$(finding /etc/subuid)" '^ok [0-9]+ subordinate ids'
}

test_a_state_directory_that_others_can_write_is_broken() {
	mkdir open
	chmod 0777 open
	run "$HUSK" --root "$T/open" doctor --format json
	assert_eq "$STATUS" 1 status
	assert_match "$(finding "state directory")" '^broken .* -> .*--root'
}

test_bad_options() {
	expect_error "expected table or json, got 'xml'" husk doctor --format xml
	expect_error "unexpected argument 'x'" husk doctor x
}

run_tests "$@"
