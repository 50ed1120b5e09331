# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034 # AWAITED is for the tests
# engine.sh: what the tests under real engines share; sourced after lib.sh.
#
# Engines keep state and start daemons, so a test file runs in namespaces of its own:
# mounts (with a pure cgroup2 and fresh /run, /dev/shm and engine storage), network (only
# lo) and processes. All that an engine makes ends with them; the host sees none of it.

# private_host "$@": at the top of a test file. Runs it again in those namespaces; where they
# cannot be had, goes on without, and need_engine skips.
private_host() {
	[ -z "${HUSK_PRIVATE_HOST:-}" ] || return 0
	is_root || return 0
	unshare --mount --net --pid --fork --propagation private true 2>/dev/null || return 0
	local status=0 before
	CGROUP2_OPTIONS=rw,$(cgroup2_options)
	export CGROUP2_OPTIONS HUSK_RUN_PID # in there pids are small, and the same in each
	before=$(engine_cgroups | tr '\n' ' ')
	# shellcheck disable=SC2016 # expanded by the inner shell
	unshare --mount --net --pid --fork --mount-proc --kill-child --propagation private bash -c '
		set -e
		ip link set lo up
		umount -R /sys/fs/cgroup || true
		mount -t cgroup2 -o "${CGROUP2_OPTIONS%,}" none /sys/fs/cgroup
		for dir in /run /dev/shm /var/lib/containers /var/lib/containerd; do
			[ ! -d "$dir" ] || mount -t tmpfs -o mode=755 none "$dir"
		done
		chmod 1777 /dev/shm
		export HUSK_PRIVATE_HOST=1 HUSK_PRIVATE_CGROUP2=1
		exec bash "$@"' private_host "$0" "$@" || status=$?
	engine_cgroups_remove "$before"
	exit "$status"
}

# The cgroups that Podman and containerd make for their containers' ones and leave behind.
engine_cgroups() {
	local root dir
	root=$(cgroup2_root)
	for dir in libpod_parent default; do
		[ -z "$root" ] || [ ! -d "$root/$dir" ] || echo "$root/$dir"
	done
}

engine_cgroups_remove() { # EXCEPT: those that were there before
	local dir
	for dir in $(engine_cgroups); do
		[[ " $1 " == *" $dir "* ]] || find "$dir" -depth -type d -exec rmdir {} \; 2>/dev/null || true
	done
}

# need_engine PROGRAM...: skip where the programs or the namespaces lack.
need_engine() {
	is_root || skip "needs root"
	need "$@"
	[ -n "${HUSK_PRIVATE_HOST:-}" ] || skip "this machine gives no private mount, network and pid namespaces"
}

# engine_runtime FILE [FLAG...]: a program that runs the runtime under test with these global
# options. Engines do not pass the environment on, and decide on some behaviour by the name.
engine_runtime() {
	local file=$1 real
	shift
	real=$(realpath -s "$(command -v "$HUSK")") # its name decides, too: husk-vm is a link
	mkdir -p "$(dirname "$file")"
	printf '#!/bin/sh\nexport ASAN_OPTIONS=%q\nexec %q %s "$@"\n' "$ASAN_OPTIONS" "$real" "$*" >"$file"
	chmod 755 "$file"
}

# terminal COMMAND...: the command on a new terminal of 33 rows and 77 columns, without
# carriage returns; stdin is typed in. At its end script(1) types a NUL, whose echo is dropped.
terminal() {
	script -qec "stty rows 33 cols 77; $(printf '%q ' "$@")" /dev/null | tr -d '\r' | sed 's/\^@//g'
}

# docker_archive DIR NAME: DIR/image.tar, a Docker archive of the test rootfs by this name.
docker_archive() {
	local dir=$1 name=$2 sum
	mkdir -p "$dir"
	tar -C "$HUSK_TEMPLATE" -cf "$dir/layer.tar" .
	sum=$(sha256sum "$dir/layer.tar" | cut -d' ' -f1)
	jq -n --arg id "sha256:$sum" --arg arch "$(dpkg --print-architecture)" '{architecture: $arch, os: "linux",
		config: {Env: ["PATH=/bin"], Cmd: ["/bin/sh"]}, rootfs: {type: "layers", diff_ids: [$id]}}' >"$dir/config.json"
	jq -n --arg name "$name" '[{Config: "config.json", RepoTags: [$name], Layers: ["layer.tar"]}]' >"$dir/manifest.json"
	tar -C "$dir" -cf "$dir/image.tar" manifest.json config.json layer.tar
}

# What a container writes before conmon has seen that somebody is attached is lost, whatever the runtime. With these
# options of `podman run`, and a line on its standard input, the command begins when that line has come through conmon.
AWAITED=(--interactive --entrypoint '["/bin/sh", "-c", "read -r line && exec \"$@\"", "sh"]')

# podman_conf HUSK: containers.conf with this husk as the runtime.
podman_conf() {
	cat <<-END
		[containers]
		log_driver = "k8s-file"
		[engine]
		runtime = "husk"
		runtime_supports_json = ["husk"]
		runtime_supports_nocgroup = ["husk"]
		cgroup_manager = "cgroupfs"
		events_logger = "file"
		lock_type = "file"
		[engine.runtimes]
		husk = ["$1"]
	END
}
