#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# husk under containerd's runc shim, driven by ctr.
#
# ctr's own spec asks for CPU shares. Where cgroup2 has no cpu controller, no runtime
# gives them: there one test looks what crun and runc do, and the others run husk with
# --cgroup-manager disabled. What needs a cgroup (pause, ps) runs with cgroups on a spec
# that asks for no limits.
# lab-smoke: test_run
# shellcheck disable=SC2016 # $names in single quotes are the container's shell's
set -eu
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/integration/engine.sh
. "$(dirname "$0")/engine.sh"
private_host "$@"

CTRD_DIR=/run/husk-containerd # below private_host's tmpfs; all tests of this file share it
IMAGE=test.invalid/test:latest

containerd_start() {
	cat >"$CTRD_DIR/config.toml" <<-END
		version = 2
		root = "$CTRD_DIR/root"
		state = "$CTRD_DIR/state"
		disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]
		[grpc]
		address = "$CTRD_DIR/socket"
	END
	setsid containerd --config "$CTRD_DIR/config.toml" >"$CTRD_DIR/log" 2>&1 </dev/null &
	wait_for 20 ctr --address "$CTRD_DIR/socket" version
}

# Each test begins with it: the daemon and the image are there from the first one on.
engine() {
	need_engine containerd ctr containerd-shim-runc-v2 jq
	trap containers_remove EXIT
	[ ! -e "$CTRD_DIR/ready" ] || return 0
	mkdir -p "$CTRD_DIR"
	engine_runtime "$CTRD_DIR/bin/husk"
	engine_runtime "$CTRD_DIR/no-cgroups/husk" --cgroup-manager disabled
	docker_archive "$CTRD_DIR/image" "$IMAGE"
	containerd_start
	c image import "$CTRD_DIR/image/image.tar" >/dev/null || fail "ctr image import: $(tail -n 3 "$CTRD_DIR/log")"
	touch "$CTRD_DIR/ready"
}

# With a limit of its own: ctr hands TERM on to the container and waits.
c() { timeout -k 1 120 ctr --address "$CTRD_DIR/socket" "$@"; }

containers_remove() {
	local id
	for id in $(c container ls -q 2>/dev/null); do
		c task delete --force "$id" >/dev/null 2>&1 || true
		c container rm "$id" >/dev/null 2>&1 || true
	done
}

run_with() { # RUNTIME_BINARY WORD...
	local binary=$1
	shift
	c run --runtime io.containerd.runc.v2 --runc-binary "$binary" "$@"
}

c_run() { run_with "$CTRD_DIR/no-cgroups/husk" "$@"; }

# The spec of a container that asks cgroups for nothing, on the rootfs of this test.
plain_spec() {
	make_bundle plain '.root.readonly = false | .root.path = $path | del(.linux.resources) |
		.process.args = ["/bin/sleep", "1000"]' --arg path "$T/plain/rootfs"
}

task_status() { c task ls | awk -v id="$1" '$1 == id { print $3 }'; }
task_is() { [ "$(task_status "$1")" = "$2" ]; }

# ---- with the spec that ctr makes ----

test_run_with_cgroups() {
	local peer why=
	engine
	run run_with "$CTRD_DIR/bin/husk" --rm "$IMAGE" "$ID" echo hello
	[ "$STATUS" != 0 ] || assert_eq "$OUT" hello
	[ "$STATUS" != 0 ] || return 0
	local said=$ERR
	for peer in crun runc; do
		[ -x "$(command -v "$peer")" ] || continue
		run run_with "$(command -v "$peer")" --rm "$IMAGE" "$ID-$peer" echo hello
		[ "$STATUS" != 0 ] || fail "$peer can, husk cannot: $said"
		why+="; $peer: ${ERR##*failed: }"
	done
	[ -n "$why" ] || fail "$said"
	assert_match "$said" 'cpu|controller' "husk's error, which must name what lacks"
	skip "no runtime can run ctr's spec with this machine's cgroups${why//$'\n'/ }"
}

test_run() {
	engine
	expect_output hello c_run --rm "$IMAGE" "$ID" echo hello
	expect_status 3 c_run --rm "$IMAGE" "$ID" sh -c 'exit 3'
	expect_status 0 c_run --rm "$IMAGE" "$ID" sh -c 'echo err >&2'
	assert_match "$ERR" err stderr
	expect_output "" c container ls -q
}

test_run_options() {
	mkdir vol
	echo there >vol/file
	engine
	expect_output "b|/tmp" c_run --rm --env A=b --cwd /tmp "$IMAGE" "$ID" sh -c 'echo "$A|$PWD"'
	expect_output there c_run --rm --mount "type=bind,src=$T/vol,dst=/vol,options=rbind:ro" "$IMAGE" "$ID" cat /vol/file
	expect_status 1 c_run --rm --mount "type=bind,src=$T/vol,dst=/vol,options=rbind:ro" "$IMAGE" "$ID" touch /vol/new
	expect_status 1 c_run --rm --read-only "$IMAGE" "$ID" touch /new
	expect_output 2 c_run --rm --seccomp "$IMAGE" "$ID" awk '/^Seccomp:/ { print $2 }' /proc/self/status
}

test_network_of_the_host() {
	engine
	expect_output "$(readlink /proc/self/ns/net)" c_run --rm --net-host "$IMAGE" "$ID" readlink /proc/self/ns/net
}

test_run_on_a_terminal() {
	engine
	need script stty
	assert_match "$(terminal ctr --address "$CTRD_DIR/socket" run --runtime io.containerd.runc.v2 \
		--runc-binary "$CTRD_DIR/no-cgroups/husk" --rm -t "$IMAGE" "$ID" sh -c 'tty; test -t 1 && echo all' </dev/null |
		tr '\n' ' ')" '^/dev/pts/0 all $'
}

test_missing_program() {
	engine
	run c_run --rm "$IMAGE" "$ID" no-such-program
	[ "$STATUS" != 0 ] || fail "no error"
	assert_match "$ERR" 'OCI runtime create failed.*(executable file.*not found|no such file or directory|No such file)'
	expect_output "" c task ls -q
}

test_detached_exec_kill_delete() {
	engine
	expect_status 0 c_run --detach "$IMAGE" "$ID" sleep 1000
	assert_eq "$(task_status "$ID")" RUNNING
	expect_output hello c task exec --exec-id e1 "$ID" echo hello
	expect_status 7 c task exec --exec-id e2 "$ID" sh -c 'exit 7'
	expect_output "/tmp 1000" c task exec --exec-id e3 --cwd /tmp --user 1000 "$ID" sh -c 'echo $PWD $(id -u)'
	assert_eq "$(echo typed | c task exec --exec-id e4 "$ID" cat)" typed stdin
	run c task exec --exec-id e5 "$ID" no-such-program
	[ "$STATUS" != 0 ] || fail "no error of an exec without a program"
	expect_status 0 c task kill --signal SIGKILL "$ID"
	wait_for 10 task_is "$ID" STOPPED
	expect_status 0 c task delete "$ID"
	assert_match "$ERR" 137 "the container's status, which delete tells"
	expect_status 0 c container rm "$ID"
}

test_delete_by_force() {
	engine
	expect_status 0 c_run --detach "$IMAGE" "$ID" sleep 1000
	local pid
	pid=$(c task ls | awk -v id="$ID" '$1 == id { print $2 }')
	run c task delete --force "$ID"
	wait_for 10 test ! -e "/proc/$pid" # or the container's process lives on
	expect_output "" c task ls -q
}

# ---- with cgroups, and a spec without limits ----

# A task with cgroups that is running; skips where no runtime can start it.
task_start() {
	plain_spec
	run run_with "$CTRD_DIR/bin/husk" --detach --config "$T/plain/config.json" "$ID"
	[ "$STATUS" != 0 ] || return 0
	local said=$ERR peer why=
	for peer in crun runc; do
		[ -x "$(command -v "$peer")" ] || continue
		run run_with "$(command -v "$peer")" --detach --config "$T/plain/config.json" "$ID-$peer"
		[ "$STATUS" != 0 ] || fail "$peer can, husk cannot: $said"
		why+="; $peer: ${ERR##*failed: }"
	done
	[ -n "$why" ] || fail "$said"
	skip "no runtime can use this machine's cgroups under containerd${why//$'\n'/ }"
}

test_pause_and_resume() {
	engine
	task_start
	expect_status 0 c task pause "$ID"
	assert_eq "$(task_status "$ID")" PAUSED
	expect_status 0 c task resume "$ID"
	assert_eq "$(task_status "$ID")" RUNNING
}

test_ps() {
	engine
	task_start
	expect_status 0 c task exec --detach --exec-id more "$ID" sleep 999
	wait_for 10 sh -c "[ \$(ctr --address '$CTRD_DIR/socket' task ps '$ID' | wc -l) = 3 ]"
	expect_status 0 c task ps "$ID"
	assert_eq "$(wc -l <<<"$OUT")" 3 "a header and two processes"
}

test_kill_all() {
	engine
	task_start
	expect_status 0 c task exec --detach --exec-id more "$ID" sleep 999
	expect_status 0 c task kill --all --signal SIGKILL "$ID"
	wait_for 10 task_is "$ID" STOPPED
}

run_tests "$@"
