#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# containerd's shim for runc with husk-vm as its binary: containers in machines of their own.
# shellcheck disable=SC2016 # $names in single quotes are the container's shell's
set -eu
# shellcheck source=tests/lab/clients/vm.sh
. "$(dirname "$0")/vm.sh"
# shellcheck source=tests/lab/clients/ctr.sh
. "$(dirname "$0")/ctr.sh"

CTR_SECONDS=1000 # a boot, and more

run_vm() { c run --runtime io.containerd.runc.v2 --runc-binary /usr/local/bin/husk-vm "$@"; }

begin() {
	suite
	prepare_kernel
	trap 'after_half >/dev/null 2>&1' EXIT
}

test_run() {
	begin
	expect_status 3 run_vm --rm --env A=b --cwd /tmp --mount "type=bind,src=/etc,dst=/mnt,options=rbind:ro" "$IMAGE" "$ID" \
		sh -c 'cat /proc/sys/kernel/random/boot_id; echo $A $PWD; cat /mnt/hostname; touch /mnt/x 2>/dev/null || echo ro; exit 3'
	is_a_machines "$(head -n 1 <<<"$OUT")"
	assert_eq "$(tail -n +2 <<<"$OUT")" "b /tmp
$(cat /etc/hostname)
ro"
	run run_vm --rm "$IMAGE" "$ID" no-such-program
	[ "$STATUS" != 0 ] || fail "no failure without a program"
	assert_match "$ERR" "'no-such-program': executable file not found"
	expect_output "" c container ls -q
	assert_no_machine
}

test_tasks() {
	begin
	expect_status 0 run_vm --detach --null-io --memory-limit 268435456 "$IMAGE" "$ID" \
		sh -c 'trap "exit 4" TERM; while :; do sleep 0.1; done'
	wait_for 60 task_is "$ID" RUNNING
	is_a_machines "$(c task exec --exec-id e1 "$ID" cat /proc/sys/kernel/random/boot_id)"
	expect_status 7 c task exec --exec-id e2 --user 1000 "$ID" sh -c 'id -u; exit 7'
	assert_eq "$OUT" 1000
	assert_eq "$(echo typed | c task exec --exec-id e3 "$ID" cat)" typed
	run c task exec --exec-id e4 "$ID" no-such-program
	[ "$STATUS" != 0 ] || fail "no failure of exec without a program"
	assert_eq "$(on_terminal ctr --address "$CTR_DIR/socket" task exec --tty --exec-id e5 "$ID" tty | grep dev)" /dev/pts/0
	[ "$(c task ps "$ID" | wc -l)" -ge 2 ] || fail "ps: $(c task ps "$ID")"
	assert_match "$(c task metrics "$ID")" '^memory.usage'
	expect_status 0 c task kill --signal 15 "$ID"
	wait_for 60 task_is "$ID" STOPPED
	expect_status 0 c task delete "$ID"
	assert_match "$ERR" "exit code 4" "the status that delete tells"
	expect_status 0 c container rm "$ID"
	assert_no_machine
}

test_kill_and_force() {
	begin
	expect_status 0 run_vm --detach --null-io "$IMAGE" "$ID" sleep 1000
	! no_machine || fail "no VM"
	expect_status 0 c task kill --signal 9 "$ID"
	wait_for 60 task_is "$ID" STOPPED
	expect_status 0 c task delete "$ID"
	expect_status 0 c container rm "$ID"
	expect_status 0 run_vm --detach --null-io "$IMAGE" "$ID" sleep 1000
	run c task delete --force "$ID"
	expect_status 0 c container rm "$ID"
	assert_no_machine
}

run_tests "$@"
