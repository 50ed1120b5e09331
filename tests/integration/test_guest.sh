#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# husk in a guest of its own (tests/lab/guest.sh): another kernel, all cgroup2
# controllers, and an initramfs as the root.
set -eu
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

test_guest_runs_containers() {
	local limit=$((HUSK_TEST_SECONDS > 20 ? HUSK_TEST_SECONDS - 10 : HUSK_TEST_SECONDS))
	TMPDIR=$T GUEST_SECONDS=$limit run bash "$LIB_DIR/../lab/guest.sh"
	[ "$STATUS" != 77 ] || skip "${ERR#guest: }"
	[ "$STATUS" = 0 ] || printf '%s\n%s\n' "$OUT" "$ERR"
	[ "$STATUS" = 0 ] || fail "$(grep '^not ok' <<<"$OUT" || echo "status $STATUS: $ERR")"
	assert_match "$OUT" '^ok tmpfs.nothing_left$' "the last check"
}

run_tests "$@"
