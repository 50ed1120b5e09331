#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# husk on the oldest kernel that it is made for: other files' tests, run under old_kernel, which
# denies what is newer (old_kernel.c says how). The whole suite runs so in `make check-lab`.
# runs-as: root
set -eu
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
private_cgroup2 "$@"

# The filter is installed by CAP_SYS_ADMIN; `run.sh` passes it on to the ordinary user's tests.
ROOT_ONLY=$(sed -n 's/^\(test_[a-z0-9_]*\)() *{.*/\1/p' "$0" | tr '\n' ' ')
OLD_KERNEL=$HUSK_TOP_BUILDDIR/tests/integration/old_kernel

# passes_on KERNEL FILE TEST...: these tests of test_FILE.sh, as KERNEL of old_kernel
passes_on() {
	local kernel=$1 file=$2
	shift 2
	need "$OLD_KERNEL"
	run env TMPDIR="$T" "$OLD_KERNEL" "$kernel" bash "$LIB_DIR/test_$file.sh" "${@/#/test_}"
	[ "$STATUS" = 0 ] || fail "$(grep -A 5 '^not ok' <<<"$OUT" || echo "status $STATUS: $ERR")"
	assert_eq "$(tail -n 1 <<<"$OUT")" "$# passed, 0 failed, 0 skipped" "tests of test_$file.sh"
}

# The filter denies what it is to deny, and no more.
test_filter() {
	need "$OLD_KERNEL"
	expect_output $'futex_waitv: ENOSYS\nMFD_EXEC: EINVAL\nMFD_CLOEXEC: there\nclose_range: there' "$OLD_KERNEL" 5.15 "$OLD_KERNEL" look
	expect_status 0 "$OLD_KERNEL" bare "$OLD_KERNEL" look
	assert_match "$OUT" '^close_range: ENOSYS$'
}

test_lifecycle() {
	passes_on 5.15 lifecycle create_start_state_delete run_detach kill exec exec_user ps pause_resume user mounts \
		masked_and_read_only_paths standard_mounts_and_devices capability_sets seccomp_errno user_namespace_maps_ids \
		hooks_run_in_order_with_the_state terminal no_host_descriptor_gets_in
}

test_exec() {
	passes_on 5.15 exec status_and_signals capabilities_are_the_containers no_descriptor_of_the_host_but_those_passed \
		in_a_user_namespace a_cgroup_below_the_containers exec_on_a_terminal
}

test_mounts() {
	passes_on 5.15 mounts tmpcopyup_copies_the_tree overlay rro_reaches_mounts_below_and_ro_does_not nosymfollow \
		propagation_options_show_in_mountinfo options_of_a_file_system mqueue_is_the_containers_own
	passes_on 5.15 idmap ids_of_the_mounts_own_mappings ridmap_reaches_mounts_below
	passes_on 5.15 time offsets with_a_user_namespace
}

test_scheduling() {
	passes_on 5.15 sched nice deadline io_priority exec_runs_on_its_final_cpus memory_policy
}

# The copies that a container's processes start from need MFD_EXEC on a newer kernel, and must be
# as safe without it.
test_attacks() {
	passes_on 5.15 attacks an_entry_point_that_is_our_own_program exec_is_watched a_mount_target_that_is_exchanged \
		descriptors_of_the_caller_stay_outside the_filter_holds_for_exec_and_hooks
}

# As in an outer container whose filter knows no close_range, keyctl or sendfile.
test_bare() {
	passes_on bare lifecycle create_start_state_delete exec no_host_descriptor_gets_in preserved_descriptors
	passes_on bare exec no_descriptor_of_the_host_but_those_passed
	passes_on bare mounts tmpcopyup_copies_the_tree
	passes_on bare attacks exec_is_watched
}

run_tests "$@"
