#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# husk in a guest of its own (tests/lab/guest.sh): another kernel, all cgroup2
# controllers, and an initramfs as the root.
set -eu
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

# guest LAST [VARIABLE=VALUE]...: a guest whose last check is LAST
guest() {
	local last=$1 limit=$((HUSK_TEST_SECONDS > 20 ? HUSK_TEST_SECONDS - 10 : HUSK_TEST_SECONDS))
	shift
	run env TMPDIR="$T" GUEST_SECONDS="$limit" "$@" bash "$LIB_DIR/../lab/guest.sh"
	[ "$STATUS" != 77 ] || skip "${ERR#guest: }"
	[ "$STATUS" = 0 ] || printf '%s\n%s\n' "$OUT" "$ERR"
	[ "$STATUS" = 0 ] || fail "$(grep '^not ok' <<<"$OUT" || echo "status $STATUS: $ERR")"
	assert_match "$OUT" "^ok $last\$" "the last check"
}

test_guest_runs_containers() { guest tmpfs.nothing_left; }
test_guest_confines_by_apparmor() { guest apparmor.nothing_left GUEST_LSM=apparmor; }
test_guest_labels_by_selinux() { guest selinux.nothing_left GUEST_LSM=selinux; }

run_tests "$@"
