#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Docker with husk-vm as a runtime, as husk ships it in daemon.json: containers in machines of their own.
# shellcheck disable=SC2016,SC2034 # $names in single quotes are the container's shell's; DOCKER_DRIVER is docker.sh's
set -eu
# shellcheck source=tests/lab/clients/vm.sh
. "$(dirname "$0")/vm.sh"
DOCKER_DRIVER=cgroupfs
# shellcheck source=tests/lab/clients/docker.sh
. "$(dirname "$0")/docker.sh"

run_vm() { docker run --runtime husk-vm --network none "$@"; }

begin() {
	suite
	prepare_kernel
	trap 'after_half >/dev/null 2>&1' EXIT
}

state_is() { [ "$(inspect "$1" '{{.State.Status}}')" = "$2" ]; }

test_run() {
	begin
	mkdir vol
	echo there >vol/file
	expect_status 3 run_vm --rm --memory 256m --cpus 1 --pids-limit 50 -v "$T/vol:/vol:ro" --user guest --hostname box -e "A=b c" test \
		sh -c 'cat /proc/sys/kernel/random/boot_id /vol/file; hostname; id -u; echo $A; cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/memory.max; exit 3'
	is_a_machines "$(head -n 1 <<<"$OUT")"
	assert_eq "$(tail -n +2 <<<"$OUT")" "there
box
1000
b c
50
268435456"
	assert_eq "$(on_terminal docker run --runtime husk-vm --network none --rm -it test tty </dev/null | grep dev)" /dev/pts/0
	assert_no_machine
}

# A bridge network and a published port, as by themselves.
test_network() {
	begin
	expect_status 0 docker run --runtime husk-vm --detach --name web --publish 127.0.0.1:8080:80 test nc -ll -p 80 -e echo answer
	local addr
	addr=$(inspect web '{{.NetworkSettings.IPAddress}}')
	wait_for 60 answers "$addr" 80
	wait_for 60 answers 127.0.0.1 8080
	expect_output answer docker run --rm test nc -w 20 "$addr" 80
	expect_output answer docker run --runtime husk-vm --rm test nc -w 20 "$addr" 80
	assert_match "$(docker stats --no-stream --format '{{.NetIO}}' web)" '^[0-9.]+k?B / [0-9.]+k?B' "the traffic"
	expect_status 0 docker rm --force web
	assert_no_machine
}

answers() { [ "$(busybox nc -w 20 "$1" "$2" </dev/null 2>/dev/null)" = answer ]; } # ADDRESS PORT

test_a_life() {
	begin
	expect_status 0 run_vm --detach --name one test sh -c 'trap "exit 5" TERM; echo up; while :; do sleep 0.1; done'
	wait_for 60 logged one up
	is_a_machines "$(docker exec one cat /proc/sys/kernel/random/boot_id)"
	expect_status 7 docker exec --user guest one sh -c 'id -u; exit 7'
	assert_eq "$OUT" 1000
	assert_eq "$(echo typed | docker exec -i one cat)" typed
	expect_status 126 docker exec one no-such-program
	expect_status 0 docker exec --detach one touch /tmp/mark
	wait_for 60 docker exec one test -e /tmp/mark
	assert_match "$(docker stats --no-stream --format '{{.MemUsage}}' one)" '^[0-9.]+MiB /'
	expect_status 0 docker update --pids-limit 30 one
	expect_output 30 docker exec one cat /sys/fs/cgroup/pids.max
	expect_status 0 docker stop --time 120 one
	assert_eq "$(inspect one '{{.State.Status}} {{.State.ExitCode}}')" "exited 5"
	expect_status 0 docker start one
	expect_status 0 docker kill one
	wait_for 60 state_is one exited
	assert_eq "$(inspect one '{{.State.ExitCode}}')" 137
	expect_status 0 docker rm one
	assert_no_machine
}

run_tests "$@"
