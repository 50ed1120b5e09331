# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# podman.sh: the scenarios of Podman, for test_podman*.sh, which set before they source it
#   PODMAN_AS=root or lab (the guest's ordinary user)
#   PODMAN_MANAGER=cgroupfs or systemd
# shellcheck disable=SC2016 # $names in single quotes are the container's shell's
# shellcheck source=tests/lab/clients/compare.sh
. "$(dirname "$0")/compare.sh"

# Podman 4.3's cgroupfs manager gives a pod a cgroup that denies all devices: no runtime can serve it.
LEFT_OUT=
[ "$PODMAN_MANAGER" = systemd ] || LEFT_OUT+=" pods"
[ "$PODMAN_AS" = root ] || LEFT_OUT+=" systemd_in_a_user_namespace" # his are all in one
# There an ordinary user's container has no cgroup of its own with crun; husk makes one beside Podman's.
[ "$PODMAN_AS-$PODMAN_MANAGER" != lab-cgroupfs ] || LEFT_OUT+=" limits out_of_memory pause stats systemd update"

is_lab() { [ "$PODMAN_AS" = lab ]; }

# Once a guest: the configuration that husk ships, the traps and the image.
suite() {
	need_lab podman conmon script
	mkdir -p /etc/containers
	cp "$HUSK_TOP_BUILDDIR/examples/containers.conf" /etc/containers/containers.conf
	printf '[containers]\nlog_driver = "k8s-file"\n' >>/etc/containers/containers.conf
	POD=(podman --cgroup-manager "$PODMAN_MANAGER")
	! is_lab || {
		in_session
		POD=("${AS_LAB[@]}" "${POD[@]}")
	}
	place "$T/mine"
	[ -e "$CLIENTS/podman-$PODMAN_AS" ] || {
		image_tar | "${POD[@]}" --runtime /usr/local/bin/husk import --change 'CMD ["/bin/sh"]' - test >/dev/null 2>&1 ||
			fail "podman import: no image"
		touch "$CLIENTS/podman-$PODMAN_AS"
	}
}

# place DIR: a folder that belongs to the user.
place() {
	mkdir -p "$1"
	! is_lab || chown lab:lab "$1"
}

# crun by its path, husk by the name in containers.conf.
runtime_word() { [ "$RUNTIME" = husk ] && echo husk || echo "$RUNTIME_PATH"; }

pod() { "${POD[@]}" --runtime "$(runtime_word)" "$@"; }

# quick WORD...: a container without a network, which is the quickest.
quick() { pod run --network none "$@"; }

pod_on_terminal() { on_terminal "${POD[@]}" --runtime "$(runtime_word)" "$@"; }
pod_on_growing_terminal() { on_growing_terminal "${POD[@]}" --runtime "$(runtime_word)" "$@"; }

after_half() {
	case $1 in
	same_pods) pod pod rm --all --force ;;
	same_bridge) pod rm --all --force --time 0 && pod network rm --force own ;;
	same_volumes) pod rm --all --force --time 0 && pod volume rm --all --force ;;
	*) pod rm --all --force --time 0 ;;
	esac
}

# inspect CONTAINER FORMAT
inspect() { pod inspect --format "$2" "$1"; }

# logged CONTAINER TEXT: for until_ok.
logged() { pod logs "$1" 2>&1 | grep -q "$2"; }

# ---- run ----

same_run() {
	must quick --rm test echo hello
	show quick --rm test sh -c 'echo err >&2; exit 3'
	echo typed | must quick --rm -i --env "X=a b" --workdir /tmp --user guest --hostname box test \
		sh -c 'cat; echo "$X|$PWD|$(id)|$(hostname)"'
	show quick --rm test no-such-program
	show quick --rm test /no/such/program
	show quick --rm test /etc/passwd
	show quick --rm --workdir /etc/passwd test true
	show quick --rm --user nobody-knows test true
	must pod ps --all --quiet
}

same_inside() {
	must quick --rm test sh -c "$SHOW_INSIDE"
}

# The mount points once each: crun binds an ordinary user's devices twice.
same_inside_privileged() {
	must quick --rm --privileged --cgroupns host test sh -c 'grep -E "^(Cap|NoNew|Seccomp:)" /proc/self/status
		ls /dev | grep -E "^(null|kmsg|fuse|vda|ptmx)"; cut -d" " -f 5 /proc/self/mountinfo | sort -u; ls -d /sys/firmware
		awk "{ print \$5, \$6 }" /proc/self/mountinfo | grep -E " /(proc|sys)"; sed "s,libpod-.*,C," /proc/self/cgroup'
}

same_terminal() {
	# What is written before conmon has seen that somebody is attached is lost, whatever the runtime: a line is awaited.
	echo go | pod_on_terminal run --network none --rm -it test sh -c \
		"read -r go; tty; test -t 0 && test -t 1 && test -t 2 && echo all" | grep -v '^go$'
	printf 'echo got $((6*7))\nexit 4\n' | pod_on_terminal run --network none --rm -it test sh | grep -E '^(got|=)'
	must quick --detach -t --name c test sh -c "tty; ls -l /dev/console | cut -c 1-10; sleep 1000"
	until_ok 60 logged c dev
	must pod logs c
	must pod exec c sh -c "ls /dev/pts"
	pod_on_growing_terminal exec -it c sh -c "tty; $SHOW_SIZE"
}

same_detached() {
	must quick --detach --name c test sh -c 'echo one; echo two >&2; exit 6'
	must pod wait c
	must pod logs c
	must inspect c '{{.State.Status}} {{.State.ExitCode}} {{.OCIRuntime}}'
	show pod start --attach c
	must pod rm c
	must quick --detach --name d --env A=1 test sh -c 'trap "exit 0" TERM; echo up; while :; do sleep 0.2; done'
	until_ok 60 logged d up
	must pod restart --time 20 d
	must inspect d '{{.State.Status}} {{.RestartCount}}'
	must pod ps --format '{{.Names}} {{.State}} {{.Command}}' | sed 's/Up.*ago/up/'
	show pod rm d
	must pod rm --force --time 0 d
	must pod ps --all --quiet
}

same_exec() {
	must quick --detach --name c --env OUTER=1 test sleep 1000
	must pod exec --env INNER=2 --workdir /tmp --user guest c sh -c 'echo $OUTER $INNER $PWD $(id); grep ^Cap /proc/self/status'
	must pod exec c sh -c 'grep -E "^(Cap|Seccomp:|NoNew)" /proc/self/status; cat /proc/self/cgroup; ulimit -n' |
		sed 's,^0::/\.\./podman-.*,0::/,' # crun's, in no cgroup of its own
	must pod exec --privileged c grep -E '^Cap' /proc/self/status
	show pod exec c sh -c 'exit 7'
	echo typed | must pod exec -i c cat
	show pod exec c no-such-program
	show pod exec c /etc/passwd
	show pod exec --workdir /nowhere c true
	must pod exec --detach c sh -c 'echo done >/tmp/mark'
	until_ok 60 pod exec c test -e /tmp/mark
	must pod stop --time 0 c
	show pod exec c true
}

same_stop_and_kill() {
	local started
	must quick --detach --name polite test sh -c 'trap "exit 5" TERM; echo up; while :; do sleep 0.1; done'
	must quick --detach --name deaf test sleep 1000 # pid 1 without a handler hears no TERM
	must quick --detach --name usr1 test sh -c 'trap "echo usr1; exit 9" USR1; echo up; while :; do sleep 0.1; done'
	until_ok 60 logged polite up
	must pod stop --time 30 polite
	started=$SECONDS
	must pod stop --time 3 deaf 2>&1 | grep -v StopSignal
	[ $((SECONDS - started)) -ge 2 ] && echo "the time-out was waited for"
	must inspect polite '{{.State.Status}} {{.State.ExitCode}}'
	must inspect deaf '{{.State.Status}} {{.State.ExitCode}}'
	until_ok 60 logged usr1 up
	must pod kill --signal USR1 usr1
	must pod wait usr1
	must pod logs usr1
	must pod start deaf
	must pod kill deaf
	must pod wait deaf
	show pod kill deaf
}

# ---- cgroups ----

# Not cpu.weight: Debian's crun has an older conversion of shares.
SHOW_LIMITS='cd /sys/fs/cgroup; for f in memory.max memory.low memory.swap.max pids.max cpu.max cpuset.cpus \
	cpu.idle memory.high memory.min memory.oom.group; do echo "$f $(cat $f 2>&1)"; done; cat cgroup.controllers'

same_limits() {
	show quick --rm --memory 64m --memory-reservation 32m --memory-swap 96m --cpus 0.5 --cpu-shares 512 \
		--cpuset-cpus 0 --pids-limit 50 test sh -c "$SHOW_LIMITS"
	show quick --rm test sh -c "$SHOW_LIMITS"
	show quick --rm --pids-limit 5 test sh -c 'for i in 1 2 3 4 5 6 7 8; do sleep 3 & done; wait' 2>&1 | sort -u
	show quick --rm --memory 1t --cpus 500 test true
	show quick --rm --cpuset-cpus 77 test true 2>&1 | sed 's/Error.*/an error/'
}

same_out_of_memory() {
	show quick --name c --memory 24m test sh -c 'dd if=/dev/zero of=/dev/null bs=200M count=1 2>/dev/null; echo "dd: $?"'
	show quick --name d --memory 24m test dd if=/dev/zero of=/dev/null bs=200M count=1
	must inspect c '{{.State.Status}} {{.State.ExitCode}} {{.State.OOMKilled}}'
	must inspect d '{{.State.Status}} {{.State.ExitCode}} {{.State.OOMKilled}}'
}

same_pause() {
	must quick --detach --name c test sleep 1000
	show pod pause c
	must inspect c '{{.State.Status}}'
	show pod exec c true
	show pod pause c
	show pod unpause c
	show pod exec c echo awake
	show pod unpause c
	show pod pause c
	show pod rm --force --time 0 c
}

same_stats() {
	must quick --detach --name c --memory 64m --pids-limit 20 test sleep 1000
	show pod stats --no-stream --format '{{.Name}} {{.PIDs}} {{.MemUsage}}' c | sed -E 's,[0-9.]+[kM]?B /,N /,'
	show pod top c pid user args
	show pod port c
}

same_update() {
	must quick --detach --name c --memory 64m test sh -c 'sleep 1000'
	show pod update --memory 96m --cpus 0.25 c
	show pod update --cpuset-cpus 0 c
	must pod exec c sh -c "$SHOW_LIMITS"
}

same_without_cgroups() {
	must quick --rm --cgroups disabled test sh -c 'echo ran'
	must quick --rm --cgroups no-conmon test sh -c 'echo ran'
	show quick --rm --cgroupns host test sh -c 'sed "s,libpod-.*,C,; s,/run-[^/]*,/RUN,g" /proc/self/cgroup'
	must quick --detach --cgroups disabled --name c test sleep 1000
	must pod exec c echo in
	must pod stop --time 0 c
}

# ---- what a container is given ----

same_volumes() {
	place "$T/vol"
	echo there >"$T/vol/file"
	! is_lab || chown lab:lab "$T/vol/file"
	must quick --rm -v "$T/vol:/vol:ro" test sh -c 'cat /vol/file; touch /vol/x 2>&1; grep " /vol " /proc/self/mountinfo | cut -d" " -f 6'
	must quick --rm -v "$T/vol:/deep/in/vol:rw,noexec,nosuid" -v "$T/vol/file:/etc/one" test \
		sh -c 'cat /etc/one; echo new >/deep/in/vol/file; grep " /deep" /proc/self/mountinfo | cut -d" " -f 6'
	cat "$T/vol/file"
	must quick --rm -v named:/data --mount type=tmpfs,dst=/scratch,tmpfs-size=1m,tmpfs-mode=1777 test \
		sh -c 'touch /data/a; df -k /scratch | awk "NR == 2 { print \$2 }"; stat -c "%a" /scratch'
	must quick --rm -v named:/data test ls /data
	must quick --rm -v named:/etc test sh -c 'ls /etc | head -3'
	must quick --rm -v "$T/vol:/vol:rshared" test sh -c 'grep " /vol " /proc/self/mountinfo | cut -d" " -f 6,7 | sed "s/shared:.*/shared/"'
	show quick --rm -v "$T/none:/vol" test true
}

same_read_only_and_tmpfs() {
	must quick --rm --read-only test sh -c 'touch /file 2>&1; touch /tmp/a /run/a /dev/shm/a && echo ok'
	must quick --rm --read-only --read-only-tmpfs=false --tmpfs /mine:size=1m,mode=1777 test \
		sh -c 'touch /mine/a && stat -c %a /mine; touch /tmp/a 2>&1; dd if=/dev/zero of=/mine/b bs=1M count=2 2>&1 | grep -i space'
	must quick --rm --tmpfs /etc --shm-size 4096k test sh -c 'ls /etc | wc -l; df -k /dev/shm | awk "NR == 2 { print \$2 }"'
}

same_capabilities_and_security() {
	local show='grep -E "^(Cap|NoNew|Seccomp:)" /proc/self/status; mkdir /d 2>&1; true'
	must quick --rm --cap-drop all test sh -c "$show"
	must quick --rm --cap-drop all --cap-add net_bind_service --user guest test sh -c "$show"
	must quick --rm --cap-add sys_admin,net_admin --cap-drop chown test sh -c "$show; chown 1 /etc/passwd 2>&1; true"
	must quick --rm --security-opt no-new-privileges --security-opt seccomp=unconfined test sh -c "$show"
	printf '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO","errnoRet":28}]}' >"$T/mine/profile"
	must quick --rm --security-opt seccomp="$T/mine/profile" test sh -c "$show"
	must quick --rm --security-opt mask=/etc/passwd --security-opt unmask=/proc/kcore test sh -c 'wc -c </etc/passwd; stat -c %s /proc/kcore | cut -c 1-4'
	show quick --rm --security-opt seccomp=/none test true
}

same_namespaces() {
	local show='cat /proc/self/uid_map /proc/self/gid_map; id; stat -c "%u:%g" /proc/1 /etc'
	must quick --rm --uidmap 0:1:5000 --gidmap 0:1:5000 test sh -c "$show"
	if is_lab; then
		must quick --rm --userns keep-id test sh -c "$show"
		must quick --rm --userns nomap test sh -c "$show"
	fi
	show quick --rm --userns host test sh -c "$show"
	must quick --detach --name first test sleep 1000
	must pod run --rm --network container:first --ipc container:first --pid container:first test \
		sh -c 'ps -o comm | grep -c ^sleep; ls /sys/class/net'
	must quick --rm --pid host test sh -c 'test $$ -gt 50 && echo "of the host"'
	must quick --rm --ipc host --uts host test hostname
	show quick --rm --pid container:none test true
}

same_devices_limits_sysctls() {
	must quick --rm --device /dev/zero:/dev/mine:r --device /dev/fuse test \
		sh -c 'ls -l /dev/mine /dev/fuse | awk "{ print \$1, \$5, \$6, \$NF }"; head -c 3 /dev/mine | wc -c; (echo x >/dev/mine) 2>&1'
	show quick --rm --device /dev/none test true
	must quick --rm --ulimit nofile=99:99 --ulimit core=0 test sh -c 'ulimit -n; ulimit -c'
	must quick --rm --sysctl net.ipv4.ip_unprivileged_port_start=7 --sysctl kernel.shm_rmid_forced=1 test \
		cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/shm_rmid_forced
	show quick --rm --device-cgroup-rule 'c 1:5 rw' --oom-score-adj 300 test cat /proc/self/oom_score_adj
	must quick --rm --device /dev/null:/dev/x test sh -c 'mknod /dev/vda b 254 0 2>&1; true'
}

same_init() {
	must quick --rm --init test sh -c 'tr "\0" " " </proc/1/cmdline; echo; ls -l /run/podman-init | cut -c 1-10'
	must quick --rm --init --pid private test sh -c '(sleep 0.1 &) ; sleep 1; ps | grep -c Z'
}

same_rootfs() {
	rm -rf "$T/mine/root"
	cp -a "$HUSK_TEMPLATE" "$T/mine/root"
	! is_lab || chown -R lab:lab "$T/mine/root"
	must pod run --network none --rm --rootfs "$T/mine/root" sh -c 'echo ran >/here; ls /'
	must cat "$T/mine/root/here"
	must pod run --network none --rm --rootfs "$T/mine/root:O" sh -c 'rm /here; ls /'
	must pod run --network none --rm --read-only --rootfs "$T/mine/root" sh -c '(echo x >/here) 2>&1; true'
}

same_health() {
	must quick --detach --name c --health-cmd 'test -e /tmp/well' --health-interval disable --health-retries 1 test sleep 1000
	show pod healthcheck run c
	must pod exec c touch /tmp/well
	show pod healthcheck run c
	must inspect c '{{.State.Health.Status}} {{.State.Health.FailingStreak}}'
}

# ---- systemd as the first process ----

# The guest's own systemd, with nothing to start but one service that has limits.
systemd_root() { # DIR
	rm -rf "$1"
	mkdir -p "$1"/{etc/systemd/system,usr,run,tmp,proc,sys,dev,var/log,root}
	ln -s usr/bin usr/sbin usr/lib usr/lib64 "$1"
	cp /etc/passwd /etc/group /etc/nsswitch.conf /etc/ld.so.cache /etc/os-release /etc/machine-id "$1/etc"
	printf '%s\n' '[Unit]' 'DefaultDependencies=no' 'Requires=limited.service' 'AllowIsolate=yes' \
		>"$1/etc/systemd/system/default.target"
	printf '%s\n' '[Unit]' 'DefaultDependencies=no' 'Conflicts=shutdown.target' '[Service]' 'ExecStart=/bin/sleep 1000' \
		'TasksMax=9' 'MemoryMax=32M' >"$1/etc/systemd/system/limited.service"
	! is_lab || chown -R lab:lab "$1"
}

# It makes cgroups in the container's own, where exec must still get in.
same_systemd() {
	systemd_root "$T/mine/root"
	must quick --detach --name c --systemd always --volume /usr:/usr:ro --rootfs "$T/mine/root" /lib/systemd/systemd
	until_ok 60 pod exec c systemctl is-active limited.service
	must pod exec c sh -c 'exec 2>&1; cat /proc/1/comm /proc/1/cgroup /proc/self/cgroup; cd /sys/fs/cgroup
		stat -c "%U %a" . cgroup.procs; cat cgroup.subtree_control system.slice/limited.service/cgroup.controllers
		cat system.slice/limited.service/pids.max system.slice/limited.service/memory.max
		grep -E " /(run|tmp|sys/fs/cgroup|var/log/journal) " /proc/self/mountinfo | cut -d" " -f 5,6'
	must pod exec c systemctl show --property ControlGroup,TasksMax,MemoryMax limited.service
	must pod exec c systemd-run --quiet --wait --pipe sh -c 'echo from a unit; cat /proc/self/cgroup' | sed 's/run-u[0-9]*/UNIT/'
	show pod top c args
	show pod pause c
	show pod unpause c
	must pod stop --time 60 c
	must inspect c '{{.State.Status}} {{.State.ExitCode}}'
}

# Root of a user namespace owns the container's cgroup, or his systemd could not begin.
same_systemd_in_a_user_namespace() {
	systemd_root "$T/mine/root"
	chown -R 1000:1000 "$T/mine/root"
	must quick --detach --name c --systemd always --uidmap 0:1000:60000 --gidmap 0:1000:60000 --volume /usr:/usr:ro \
		--rootfs "$T/mine/root" /lib/systemd/systemd
	until_ok 60 pod exec c systemctl is-active limited.service
	must pod exec c sh -c 'cd /sys/fs/cgroup; stat -c "%U %n" . * | grep -v nobody; cat system.slice/limited.service/pids.max 2>&1 || true'
	must pod stop --time 60 c
}

# ---- together ----

same_pods() {
	must pod pod create --name p --hostname podded
	must pod run --detach --pod p --name server test nc -l -p 80 -e echo answer
	must pod run --rm --pod p test sh -c 'hostname; for try in 1 2 3 4 5 6 7 8; do nc -w 2 127.0.0.1 80 </dev/null 2>/dev/null && break; sleep 0.3; done'
	must pod pod ps --format '{{.Name}} {{.Status}} {{.NumberOfContainers}}'
	must pod pod pause p
	must pod ps --format '{{.Names}} {{.State}}' --filter name=server
	must pod pod unpause p
	must pod pod stop --time 0 p
	must pod pod ps --format '{{.Name}} {{.Status}}'
	must pod pod rm --force p
}

# The ordinary user's goes through slirp4netns.
same_network() {
	must pod run --detach --name server --publish 127.0.0.1:8080:80 test sh -c 'while :; do nc -l -p 80 -e echo answer; done'
	until_ok 60 sh -c 'busybox nc -w 2 127.0.0.1 8080 </dev/null | grep answer'
	must pod run --rm test sh -c 'ls /sys/class/net; ip route | cut -d" " -f 1,2; wc -l </etc/resolv.conf; grep -c . /etc/hosts'
	must pod run --rm --network host test sh -c 'ls /sys/class/net'
	if ! is_lab; then
		must pod run --rm test ping -c 1 -W 5 "$(pod inspect --format '{{.NetworkSettings.IPAddress}}' server)" | grep -c 'time='
	fi
}

# A network of the user's own, whose members find each other by name.
same_bridge() {
	must pod network create --subnet 10.99.0.0/24 own
	must pod run --detach --network own --name server test nc -l -p 80 -e echo answer
	must pod run --rm --network own test sh -ec 'ip addr show eth0 | grep -o "inet 10.99.0."; nslookup server | grep -c "^Address.*10.99.0."
		nc -w 5 server 80 </dev/null'
	show pod run --rm --network none test sh -c 'nc -w 1 10.99.0.2 80 </dev/null 2>&1'
	must pod rm --force --time 0 server
	must pod network rm own
}

same_build() {
	printf '%s\n' 'FROM test' 'RUN echo built >/made && id -u && grep -E "^(CapEff|Seccomp:)" /proc/self/status' \
		'RUN --mount=type=tmpfs,target=/t touch /t/x && ls /t' 'USER guest' 'RUN id -un' 'CMD ["cat", "/made"]' >"$T/mine/Containerfile"
	show pod build --isolation oci --network none --no-cache --tag made "$T/mine" | grep -vE '^(-->|Success|[0-9a-f]{64}$|ID64)'
	must quick --rm made
	printf 'FROM test\nRUN exit 3\n' >"$T/mine/Containerfile"
	show pod build --isolation oci --network none --no-cache "$T/mine" | sed 's/.*\(exit status 3\).*/\1/'
	must pod rmi --force made | grep -c Untagged
}
