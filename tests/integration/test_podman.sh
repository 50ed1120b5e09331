#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# husk as Podman's runtime, with --cgroups=disabled: what users of Podman do every day.
# lab-smoke: test_run
# vm-smoke: test_run test_exec
# shellcheck disable=SC2016 # $names in single quotes are the container's shell's
set -eu
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/integration/engine.sh
. "$(dirname "$0")/engine.sh"
private_host "$@"

PODMAN_DIR=/run/husk-podman # below private_host's tmpfs; all tests of this file share it
export CONTAINERS_CONF=$PODMAN_DIR/containers.conf CONTAINERS_STORAGE_CONF=$PODMAN_DIR/storage.conf

podman_configure() {
	engine_runtime "$PODMAN_DIR/bin/husk"
	podman_conf "$PODMAN_DIR/bin/husk" >"$CONTAINERS_CONF"
	cat >"$CONTAINERS_STORAGE_CONF" <<-END
		[storage]
		driver = "vfs"
		graphroot = "$PODMAN_DIR/root"
		runroot = "$PODMAN_DIR/runroot"
	END
}

# Each test begins with it: configuration and image are made once, containers end with the test.
engine() {
	need_engine podman conmon ip
	trap 'pod rm --all --force --time 0 >/dev/null 2>&1' EXIT
	[ ! -e "$PODMAN_DIR/ready" ] || return 0
	podman_configure
	tar -C "$HUSK_TEMPLATE" -c . | podman import - test >/dev/null 2>&1 || fail "podman import: no image"
	touch "$PODMAN_DIR/ready"
}

pod() { podman --tmpdir "$PODMAN_DIR/tmp" "$@"; }

# pod_run WORD...: a container without a network, which is the quickest.
pod_run() { pod run --cgroups=disabled --network none "$@"; }

# says WORD...: the same, of which nothing that the command prints is lost.
says() { pod_run "${AWAITED[@]}" "$@" <<<go; }
networked_says() { pod run --cgroups=disabled "${AWAITED[@]}" "$@" <<<go; }

# In a container: prints the terminal's size, which Podman sets a moment after the start. Without one busybox's
# stty prints nothing, and succeeds.
SHOW_SIZE='for i in $(seq 300); do size=$(stty size 2>/dev/null); [ -z "$size" ] || break; sleep 0.2; done; echo $size'

# What conmon, and the Podman that it calls at the end, do comes a little after what Podman waits for.
container_is() { [ "$(pod inspect --format '{{.State.Status}} {{.State.ExitCode}}' "$1")" = "$2" ]; }
logs_are() { [ "$(pod logs "$1" 2>&1 | sort | xargs)" = "$2" ]; }

# ---- run ----

test_run() {
	engine
	expect_output hello says --rm test echo hello
	expect_status 3 pod_run --rm test sh -c 'exit 3'
	expect_status 0 says --rm test sh -c 'echo err >&2'
	assert_eq "$ERR" err stderr
	assert_eq "$(echo typed | pod_run --rm -i test cat)" typed stdin
	expect_output "" husk list -q
}

test_run_missing_program_is_127() {
	engine
	expect_status 127 pod_run --rm test no-such-program
	expect_status 127 pod_run --rm test /no/such/program
	expect_output "" pod ps --all --quiet
}

test_run_not_executable_is_126() {
	engine
	expect_status 126 pod_run --rm test /etc/passwd
	expect_status 126 pod_run --rm test /etc
}

test_run_on_a_terminal() {
	engine
	need script stty
	# What is written before conmon has seen that somebody is attached is lost, whatever the runtime: a line is awaited.
	assert_eq "$(echo go | terminal podman --tmpdir "$PODMAN_DIR/tmp" run --cgroups=disabled --network none --rm -it test sh -c \
		"read -r go; tty; $SHOW_SIZE; test -t 0 && test -t 1 && test -t 2 && echo all" | tail -n 3)" $'/dev/pts/0\n33 77\nall'
	assert_match "$(printf 'echo got $((6*7))\nexit 4\n' | terminal podman --tmpdir "$PODMAN_DIR/tmp" run \
		--cgroups=disabled --network none --rm -it test sh || echo "status $?")" 'got 42'
}

test_environment_and_directory() {
	engine
	expect_output "a b|/tmp" says --rm --env "X=a b" --workdir /tmp test sh -c 'echo "$X|$PWD"'
	expect_output "x y" says --rm --entrypoint '["/bin/sh", "-c", "read -r line; echo x \"$@\"", "sh"]' test y
}

test_user() {
	engine
	expect_output "1000:1001 2000" says --rm --user guest --group-add 2000 test \
		sh -c 'echo $(id -u):$(id -g) $(id -G | tr " " "\n" | grep 2000)'
	expect_output "77:88" says --rm --user 77:88 test sh -c 'echo $(id -u):$(id -g)'
	expect_output /home says --rm --user guest test sh -c 'echo $HOME'
	expect_output 000 says --rm --user guest test sh -c 'awk "/CapEff/ { print substr(\$2, 1, 3) }" /proc/self/status'
}

test_user_namespace() {
	engine
	expect_output "0 100000 5000" says --rm --uidmap 0:100000:5000 --gidmap 0:100000:5000 test \
		sh -c 'echo $(cat /proc/self/uid_map)'
}

test_hostname() {
	engine
	expect_output box says --rm --hostname box test hostname
}

test_volumes() {
	engine
	mkdir vol
	echo there >vol/file
	expect_output there says --rm -v "$T/vol:/vol:ro" test cat /vol/file
	expect_status 1 pod_run --rm -v "$T/vol:/vol:ro" test sh -c 'echo x 2>/dev/null >/vol/file'
	assert_eq "$(cat vol/file)" there
	expect_status 0 pod_run --rm -v "$T/vol:/deep/in/vol" -v "$T/vol/file:/etc/one" test \
		sh -c 'cat /etc/one && echo new >/deep/in/vol/file'
	assert_eq "$(cat vol/file)" new
	expect_status 0 pod_run --rm -v named:/data test touch /data/a
	expect_output /data/a says --rm -v named:/data test ls /data/a
}

test_read_only_and_tmpfs() {
	engine
	expect_status 1 says --rm --read-only test touch /file
	assert_match "$ERR" 'Read-only file system'
	expect_status 0 says --rm --read-only --tmpfs /mine:size=1m,mode=1777 test \
		sh -c 'touch /tmp/a /mine/a /dev/shm/a && stat -c %a /mine'
	assert_eq "$OUT" 1777
	expect_status 1 pod_run --rm --tmpfs /mine:size=1m test dd if=/dev/zero of=/mine/a bs=1M count=2
	expect_output 4096 says --rm --shm-size 4096k test sh -c 'df -k /dev/shm | awk "NR == 2 { print \$2 }"'
}

test_capabilities() {
	local eff='awk "/CapEff/ { print \$2 }" /proc/self/status'
	engine
	expect_output 0000000000000000 says --rm --cap-drop all test sh -c "$eff"
	expect_output 0000000000000400 says --rm --cap-drop all --cap-add net_bind_service test sh -c "$eff"
	expect_status 1 pod_run --rm --cap-drop chown test chown 1 /etc/passwd
	expect_output 0 says --rm test sh -c 'awk "/CapInh/ { print \$2 + 0 }" /proc/self/status'
}

test_security_options() {
	local show='awk "/^(NoNewPrivs|Seccomp):/ { printf \"%s \", \$2 }" /proc/self/status'
	engine
	expect_output "0 2 " says --rm test sh -c "$show"
	expect_output "1 2 " says --rm --security-opt no-new-privileges test sh -c "$show"
	expect_output "0 0 " says --rm --security-opt seccomp=unconfined test sh -c "$show"
}

test_privileged() {
	engine
	expect_output "0 0 " says --rm --privileged test \
		sh -c 'awk "/^(NoNewPrivs|Seccomp):/ { printf \"%s \", \$2 }" /proc/self/status'
}

test_limits_devices_and_sysctls() {
	local nproc
	engine
	nproc=$(ulimit -Hu) # or Podman would raise it, which this machine may forbid
	[ "$nproc" != unlimited ] || nproc=-1
	expect_output 99 says --rm --ulimit nofile=99:99 --ulimit "nproc=$nproc:$nproc" test sh -c 'ulimit -n'
	expect_output "/dev/mine c" says --rm --device /dev/zero:/dev/mine test \
		sh -c 'test -c /dev/mine && echo /dev/mine c'
	expect_output 7777 says --rm --sysctl net.core.somaxconn=7777 test cat /proc/sys/net/core/somaxconn
}

test_no_network() {
	engine
	expect_output lo networked_says --rm --network none test ls /sys/class/net
}

test_network_of_the_host() {
	engine
	expect_output "$(readlink /proc/self/ns/net)" networked_says --rm --network host test \
		readlink /proc/self/ns/net
}

# The bridge lives in this file's network namespace.
test_bridge_network() {
	engine
	[ -x /usr/lib/podman/netavark ] || [ -x /usr/libexec/podman/netavark ] || skip "no netavark on this machine"
	need iptables
	pod run --cgroups=disabled --detach --name server test nc -l -p 80 -e echo answer >/dev/null ||
		fail "no container on a bridge"
	local addr
	addr=$(pod inspect --format '{{.NetworkSettings.IPAddress}}' server)
	assert_match "$addr" '^10\.' "the container's address"
	assert_eq "$(networked_says --rm test sh -c "
		for try in \$(seq 100); do nc -w 2 $addr 80 </dev/null 2>/dev/null && break; sleep 0.2; done")" answer
}

test_joined_namespaces() {
	engine
	local show='for ns in net ipc; do readlink /proc/self/ns/$ns; done'
	pod_run --detach --name first test sleep 1000 >/dev/null
	expect_output "$(pod exec first sh -c "$show")" networked_says --rm --network container:first \
		--ipc container:first test sh -c "$show"
	expect_status 0 pod stop --time 0 first
}

# ---- detached containers ----

test_detached_with_logs() {
	engine
	pod_run --detach --name c test sh -c 'echo one; echo two >&2; exit 6' >/dev/null
	expect_output 6 pod wait c
	wait_for 10 logs_are c "one two"
	expect_status 0 pod logs c
	assert_eq "$OUT,$ERR" "one,two" logs
	wait_for 10 container_is c "exited 6"
	expect_status 6 pod start --attach c
	expect_status 0 pod rm c
}

test_create_start_restart() {
	engine
	pod create --cgroups=disabled --network none --name c test sh -c 'trap "exit 0" TERM; echo up; while :; do sleep 0.1; done' >/dev/null
	expect_status 0 pod start c
	wait_for 10 sh -c "podman --tmpdir $PODMAN_DIR/tmp logs c | grep up"
	expect_status 0 pod restart --time 100 c
	expect_output running pod inspect --format '{{.State.Status}}' c
	expect_status 0 pod rm --force --time 5 c
}

test_stop() {
	local start
	engine
	pod_run --detach --name polite test sh -c 'trap "exit 5" TERM; echo up; while :; do sleep 0.05; done' >/dev/null
	wait_for 10 sh -c "podman --tmpdir $PODMAN_DIR/tmp logs polite | grep up"
	expect_status 0 pod stop --time 100 polite
	expect_output 5 pod inspect --format '{{.State.ExitCode}}' polite
	pod_run --detach --name deaf --stop-timeout 300 test sleep 1000 >/dev/null # pid 1 without a handler hears no TERM
	start=$SECONDS
	expect_status 0 pod stop --time 1 deaf
	[ $((SECONDS - start)) -lt 120 ] || fail "stop took $((SECONDS - start)) s"
	expect_output 137 pod inspect --format '{{.State.ExitCode}}' deaf
}

test_kill() {
	engine
	pod_run --detach --name c test sh -c 'trap "echo usr1; exit 9" USR1; echo up; while :; do sleep 0.05; done' >/dev/null
	wait_for 10 sh -c "podman --tmpdir $PODMAN_DIR/tmp logs c | grep up"
	expect_status 0 pod kill --signal USR1 c
	expect_output 9 pod wait c
	wait_for 10 logs_are c "up usr1"
	pod_run --detach --name d test sleep 1000 >/dev/null
	expect_status 0 pod kill d
	expect_output 137 pod wait d
	expect_status 125 pod kill d
}

test_remove_by_force() {
	local pid
	engine
	pod_run --detach --name c test sleep 1000 >/dev/null
	pid=$(pod inspect --format '{{.State.Pid}}' c)
	expect_status 2 pod rm c
	expect_status 0 pod rm --force --time 0 c
	wait_for 10 test ! -e "/proc/$pid" # or the container's process lives on
	expect_output "" pod ps --all --quiet
	expect_output "" "$HUSK" list -q
}

test_init() {
	engine
	command -v catatonit >/dev/null || [ -x /usr/libexec/podman/catatonit ] || skip "no program 'catatonit' on this machine"
	expect_output "/run/podman-init" says --rm --init test sh -c 'tr "\0" "\n" </proc/1/cmdline | head -n 1'
}

test_pod() {
	engine
	expect_status 0 pod pod create --infra=false --name p
	expect_output in-pod says --rm --pod p test echo in-pod
	expect_status 0 pod pod rm --force p
}

# ---- exec ----

test_exec() {
	engine
	pod_run --detach --name c --env OUTER=1 test sleep 1000 >/dev/null
	expect_output hello pod exec c echo hello
	expect_status 7 pod exec c sh -c 'exit 7'
	expect_output "1 2 /tmp 1000" pod exec --env INNER=2 --workdir /tmp --user guest c \
		sh -c 'echo $OUTER $INNER $PWD $(id -u)'
	assert_eq "$(echo typed | pod exec -i c cat)" typed stdin
	expect_status 127 pod exec c no-such-program
	expect_status 126 pod exec c /etc/passwd
	expect_output 0000000000000000 pod exec --user guest c awk '/CapEff/ { print $2 }' /proc/self/status
	expect_output 2 pod exec c awk '/^Seccomp:/ { print $2 }' /proc/self/status
}

test_exec_on_a_terminal() {
	engine
	need script stty
	pod_run --detach --name c test sleep 1000 >/dev/null
	assert_match "$(terminal podman --tmpdir "$PODMAN_DIR/tmp" exec -it c \
		sh -c "tty; $SHOW_SIZE" </dev/null | tr '\n' ' ')" '^/dev/pts/[0-9]+ 33 77 $'
}

test_exec_detached() {
	engine
	pod_run --detach --name c test sleep 1000 >/dev/null
	expect_status 0 pod exec --detach c sh -c 'echo done >/tmp/mark'
	wait_for 10 podman --tmpdir "$PODMAN_DIR/tmp" exec c test -e /tmp/mark
	expect_status 0 pod stop --time 0 c
	expect_status 255 pod exec c true
}

run_tests "$@"
