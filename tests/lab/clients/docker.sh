# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# docker.sh: the scenarios of Docker, for test_docker*.sh, which set before they source it
#   DOCKER_DRIVER=cgroupfs or systemd
# One dockerd serves a guest. It knows both runtimes, and its default is changed by SIGHUP for
# each half of a comparison: `docker build` takes the default.
# shellcheck disable=SC2016 # $names in single quotes are the container's shell's
# shellcheck source=tests/lab/clients/compare.sh
. "$(dirname "$0")/compare.sh"

DOCKER_DIR=$CLIENTS/docker
export DOCKER_HOST=unix:///run/husk-docker.sock DOCKER_CONFIG=$DOCKER_DIR/cli DOCKER_BUILDKIT=0

suite() {
	need_lab docker dockerd containerd jq script
	mkdir -p "$DOCKER_DIR"
	[ -e "$DOCKER_DIR/ready" ] || {
		docker_config crun
		docker_start
		image_tar | docker import --change 'CMD ["/bin/sh"]' - test >/dev/null || fail "docker import: no image"
		touch "$DOCKER_DIR/ready"
	}
}

# docker_config RUNTIME: what husk ships, a peer, and a default.
docker_config() {
	jq --arg default "$1" --arg crun "$CLIENTS/peer/crun" --arg driver "$DOCKER_DRIVER" \
		'.runtimes.crun.path = $crun | . + {"default-runtime": $default, "live-restore": true,
		"exec-opts": ["native.cgroupdriver=" + $driver], "storage-driver": "vfs"}' \
		"$HUSK_TOP_BUILDDIR/examples/daemon.json" >"$DOCKER_DIR/daemon.json"
}

# Docker gives each container an oomScoreAdj of 0, which crun leaves as it is: that of the shim, containerd's and one.
docker_start() {
	setsid choom -n -1 -- dockerd --config-file "$DOCKER_DIR/daemon.json" --host "$DOCKER_HOST" --data-root "$DOCKER_DIR/data" \
		--exec-root /run/husk-docker --pidfile "$DOCKER_DIR/pid" >>"$DOCKER_DIR/log" 2>&1 </dev/null &
	wait_for 300 docker version
}

docker_stop() {
	kill "$(cat "$DOCKER_DIR/pid")"
	until_ok 60 sh -c "! test -e $DOCKER_DIR/pid"
}

default_is() { [ "$(docker info --format '{{.DefaultRuntime}}' 2>/dev/null)" = "$1" ]; }

before_half() {
	docker_config "$RUNTIME"
	kill -HUP "$(cat "$DOCKER_DIR/pid")"
	wait_for 60 default_is "$RUNTIME"
	: >"$CLIENTS/calls" # `docker info` asks each runtime for its version
}

after_half() {
	docker ps --all --quiet | xargs -r docker rm --force --volumes
}

quick() { docker run --runtime "$RUNTIME" --network none "$@"; }

inspect() { docker inspect --format "$2" "$1"; }

logged() { docker logs "$1" 2>&1 | grep -q "$2"; }

same_run() {
	must quick --rm test echo hello
	show quick --rm test sh -c 'echo err >&2; exit 3'
	echo typed | must quick --rm -i --env "X=a b" --workdir /tmp --user guest --hostname box test \
		sh -c 'cat; echo "$X|$PWD|$(id)|$(hostname)"'
	must docker ps --all --quiet
}

same_inside() {
	must quick --rm test sh -c "$SHOW_INSIDE"
	must quick --rm --privileged test sh -c 'grep -E "^(Cap|NoNew|Seccomp:)" /proc/self/status; awk "{ print \$5, \$6 }" /proc/self/mountinfo'
}

same_terminal() {
	on_terminal docker run --runtime "$RUNTIME" --network none --rm -it test sh -c "tty; test -t 0 && echo in"
	must quick --detach -t --name one test sh -c "tty; sleep 1000"
	until_ok 60 logged one dev
	on_growing_terminal docker exec -it one sh -c "tty; $SHOW_SIZE"
}

same_exec() {
	must quick --detach --name one --env OUTER=1 test sleep 1000
	must docker exec --env INNER=2 --workdir /tmp --user guest one sh -c 'echo $OUTER $INNER $PWD $(id); grep ^Cap /proc/self/status'
	must docker exec one sh -c 'grep -E "^(Cap|Seccomp:|NoNew)" /proc/self/status; cat /proc/self/cgroup'
	must docker exec --privileged one grep ^Cap /proc/self/status
	show docker exec one sh -c 'exit 7'
	echo typed | must docker exec -i one cat
	show docker exec one no-such-program
	must docker exec --detach one touch /tmp/mark
	until_ok 60 docker exec one test -e /tmp/mark
	must docker top one -o pid,comm | awk '{ print $NF }'
}

same_stop_and_kill() {
	must quick --detach --name polite test sh -c 'trap "exit 5" TERM; echo up; while :; do sleep 0.1; done'
	must quick --detach --name deaf test sleep 1000
	until_ok 60 logged polite up
	must docker stop --time 30 polite
	must docker stop --time 1 deaf
	must inspect polite '{{.State.Status}} {{.State.ExitCode}}'
	must inspect deaf '{{.State.Status}} {{.State.ExitCode}}'
	must docker start deaf
	must docker kill deaf
	must docker wait deaf
	show docker kill deaf
}

# The shim may look at the counter of kills after the cgroup has gone, with whichever runtime: Docker then says
# false, now and then.
out_of_memory() {
	local state
	for _ in 1 2 3 4 5 6 7 8; do
		quick --name oom --memory 24m test dd if=/dev/zero of=/dev/null bs=200M count=1 || true
		state=$(inspect oom '{{.State.ExitCode}} {{.State.OOMKilled}}')
		docker rm -f oom >/dev/null
		[ "${state#* }" != true ] || break
	done
	echo "$state"
}

same_limits() {
	local show='cd /sys/fs/cgroup; for f in memory.max memory.low memory.swap.max pids.max cpu.max cpuset.cpus; do
		echo "$f $(cat $f 2>&1)"; done'
	must quick --rm --memory 64m --memory-reservation 32m --memory-swap 96m --cpus 0.5 --cpu-shares 512 \
		--cpuset-cpus 0 --pids-limit 50 test sh -c "$show"
	show out_of_memory
	must quick --detach --name one --memory 64m --pids-limit 20 test sleep 1000
	must docker stats --no-stream --format '{{.Name}} {{.PIDs}} {{.MemUsage}}' one | sed -E 's,[0-9.]+[KM]iB /,N /,'
	must docker pause one
	must inspect one '{{.State.Status}}'
	show docker exec one true
	must docker unpause one
	must docker exec one echo awake
}

# For test_update of both files: Debian's crun refuses what Docker gives it ("cannot set kernel memory").
expect_update() {
	suite
	RUNTIME=husk
	expect_status 0 quick --detach --name one --memory 64m --pids-limit 20 test sleep 1000
	expect_status 0 docker update --memory 96m --memory-swap 128m --cpus 0.25 --pids-limit 30 one
	expect_output $'100663296\n33554432\n25000 100000\n30' docker exec one sh -c \
		'cd /sys/fs/cgroup; cat memory.max memory.swap.max cpu.max pids.max'
	after_half
}

same_given() {
	mkdir -p "$T/vol"
	echo there >"$T/vol/file"
	must quick --rm -v "$T/vol:/vol:ro" -v named:/data --tmpfs /mine:size=1m --read-only test \
		sh -c 'cat /vol/file; touch /vol/x /data/x /mine/x /x 2>&1; ls /data /mine'
	must quick --rm --cap-drop all --cap-add net_bind_service --security-opt no-new-privileges \
		--security-opt seccomp=unconfined --init test sh -c 'grep -E "^(Cap|NoNew|Seccomp:)" /proc/self/status; cat /proc/1/comm'
	must quick --rm --device /dev/zero:/dev/mine:r --ulimit nofile=99:99 --sysctl net.core.somaxconn=77 test \
		sh -c 'head -c 3 /dev/mine | wc -c; (echo x >/dev/mine) 2>&1; ulimit -n; cat /proc/sys/net/core/somaxconn'
}

same_network() {
	must docker run --runtime "$RUNTIME" --detach --name server --publish 127.0.0.1:8080:80 test \
		sh -c 'while :; do nc -l -p 80 -e echo answer; done'
	until_ok 60 sh -c 'busybox nc -w 2 127.0.0.1 8080 </dev/null | grep answer'
	must docker run --runtime "$RUNTIME" --rm test ping -c 1 -W 5 \
		"$(inspect server '{{.NetworkSettings.IPAddress}}')" | grep -c 'time='
	must docker run --runtime "$RUNTIME" --rm --network container:server --pid container:server test sh -c 'ps -o comm | grep -c ^nc'
}

same_build() {
	mkdir -p "$T/context"
	printf '%s\n' 'FROM test' 'RUN echo built >/made && id -u && grep -E "^(CapEff|Seccomp:)" /proc/self/status' \
		'CMD ["cat", "/made"]' >"$T/context/Dockerfile"
	must docker build --network none --no-cache --tag made "$T/context" | grep -E '^(0|Cap|Secc)'
	must quick --rm made
	printf 'FROM test\nRUN exit 3\n' >"$T/context/Dockerfile"
	show docker build --network none --no-cache "$T/context" | grep -o 'non-zero code: .*'
}

# Containers outlive the daemon, which then knows them again.
same_daemon_restart() {
	must quick --detach --name one test sh -c 'trap "exit 6" TERM; echo up; while :; do sleep 0.1; done'
	must quick --detach --name short test sh -c 'while ! test -e /gone; do sleep 0.1; done; exit 4'
	until_ok 60 logged one up
	pid=$(inspect one '{{.State.Pid}}')
	docker_stop
	touch "/proc/$(pgrep -f 'test -e /gone' | head -n 1)/root/gone" # ends while no daemon looks
	docker_start
	[ "$(inspect one '{{.State.Pid}}')" = "$pid" ] && echo "the same process"
	must docker exec one echo inside
	until_ok 60 sh -c 'docker inspect --format "{{.State.Status}}" short | grep exited'
	must inspect short '{{.State.ExitCode}}'
	must docker stop --time 30 one
	must inspect one '{{.State.Status}} {{.State.ExitCode}}'
}
