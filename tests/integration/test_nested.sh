#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# husk inside a container of husk, alone and as the runtime of a Podman in there: what works, and what the errors say
# where it cannot.
# runs-as: root user
# shellcheck disable=SC2016 # $names in single quotes are the container's shell's
set -eu
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/integration/engine.sh
. "$(dirname "$0")/engine.sh"
ROOT_ONLY="test_with_privilege test_with_privilege_but_no_device_of_its_own test_in_a_user_namespace_of_root"
ROOT_ONLY+=" $(test_functions | grep podman | tr '\n' ' ')"
private_cgroup2 "$@"

ALL='["CAP_CHOWN","CAP_DAC_OVERRIDE","CAP_DAC_READ_SEARCH","CAP_FOWNER","CAP_FSETID","CAP_KILL","CAP_SETGID","CAP_SETUID","CAP_SETPCAP",
	"CAP_NET_BIND_SERVICE","CAP_NET_RAW","CAP_NET_ADMIN","CAP_SYS_CHROOT","CAP_SYS_ADMIN","CAP_SYS_PTRACE","CAP_MKNOD","CAP_AUDIT_WRITE","CAP_SETFCAP"]'

need_static() {
	! has_sanitizers "$HUSK" || skip "husk with the sanitizers is not static, and the rootfs has no libraries"
}

# outer [JQ]: a bundle `b` whose rootfs has husk, and in /inner a bundle of `husk spec`; it may do all. `inner`
# is what it runs, with the words as jq's filter of the inner config.json.
outer() {
	need_static
	make_bundle b '.root.readonly = false'
	cp "$HUSK" b/rootfs/bin/husk
	mkdir -p b/rootfs/inner
	cp -a "$HUSK_TEMPLATE" b/rootfs/inner/rootfs
	config b --argjson all "$ALL" '.process.capabilities = {bounding: $all, effective: $all, permitted: $all}
		| .linux.maskedPaths = [] | .linux.readonlyPaths = [] | .process.noNewPrivileges = false
		| (.mounts[] | select(.type == "cgroup") | .options) -= ["ro"]'
	[ $# = 0 ] || config b "$@"
}

# inner TEXT [JQ...]: the inner container runs this; made on the host, as the outer one has no jq.
inner() {
	local rootless=()
	is_root || rootless=(--rootless)
	[ -z "${INNER_ROOTLESS:-}" ] || rootless=(--rootless)
	rm -f b/rootfs/inner/config.json
	"$HUSK" spec "${rootless[@]}" -b b/rootfs/inner
	jq --arg text "$1" '.process.terminal = false | .process.args = ["/bin/sh", "-c", $text]
		| .linux.uidMappings |= (. // [] | map(.hostID = 0)) | .linux.gidMappings |= (. // [] | map(.hostID = 0))
		| if .linux.uidMappings == [] then del(.linux.uidMappings, .linux.gidMappings) else . end' b/rootfs/inner/config.json >c.json
	jq "${2:-.}" c.json >b/rootfs/inner/config.json
}

run_inner='husk --root /tmp/state run -b /inner in'

# The inner one's view, in words that are the same everywhere.
look='[ "$(cat /proc/1/comm)" = sh ] && echo "pid 1"; [ -c /dev/null ] && echo x >/dev/null && echo null; [ -d /sys/class ] && echo sys; echo $(id -u)'
seen=$'pid 1\nnull\nsys\n0'

test_with_privilege() {
	outer
	inner "$look"
	container_sh b "mkdir -p /tmp/state; $run_inner"
	expect_output "$seen" husk run -b b "$ID"
	# all verbs
	inner 'sleep 1000'
	container_sh b "set -e; cd /inner; h='husk --root /tmp/state'; \$h create in; \$h start in; \$h exec in sh -c 'echo in \$\$'; \$h state in | grep -c running; \$h delete -f in"
	expect_status 0 husk run -b b "$ID"
	assert_match "$OUT" '^in [0-9]+' "exec"
}

# A container that may not make devices binds its own.
test_with_privilege_but_no_device_of_its_own() {
	outer '.process.capabilities |= map_values(map(select(. != "CAP_MKNOD")))'
	inner "$look"
	container_sh b "$run_inner"
	expect_output "$seen" husk run -b b "$ID"
}

# The outer one has a user namespace; the inner one none, or another below it.
test_in_a_user_namespace_of_root() {
	outer '.linux.namespaces += [{"type": "user"}] |
		.linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}] | .linux.gidMappings = .linux.uidMappings'
	chown -R 100000:100000 b/rootfs
	inner "$look"
	container_sh b "$run_inner"
	expect_output "$seen" husk run -b b "$ID"
	INNER_ROOTLESS=1 inner "$look"
	expect_output "$seen" husk run -b b "$ID"
}

# An ordinary user's container (or root's with a user namespace) with the paths masked that `husk spec` masks: the
# kernel allows no new procfs in it, and husk says so.
test_masked_paths_of_the_outer_one() {
	outer
	if is_root; then
		config b '.linux.namespaces += [{"type": "user"}] |
			.linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}] | .linux.gidMappings = .linux.uidMappings'
		chown -R 100000:100000 b/rootfs
	fi
	config b '.linux.maskedPaths = ["/proc/kcore", "/proc/keys"]'
	INNER_ROOTLESS=1 inner "$look" # a user namespace below, in which the masks cannot be taken away
	container_sh b "$run_inner"
	expect_error "mounts\[0\] \('/proc'\): the kernel allows no new procfs where the one around is partly covered.*linux.maskedPaths" husk run -b b "$ID"
	# the pid namespace shared, the outer procfs does
	INNER_ROOTLESS=1 inner "[ -d /proc/self ] && echo x >/dev/null && echo ran" '.linux.namespaces |= map(select(.type != "pid")) | .linux.maskedPaths = [] | .linux.readonlyPaths = []'
	expect_output ran husk run -b b "$ID"
}

test_rootless_in_rootless() {
	outer
	inner "$look"
	container_sh b "$run_inner"
	expect_output "$seen" husk run -b b "$ID"
}

# The default bundle of `husk spec` has neither CAP_SYS_ADMIN nor, for a user namespace below, CAP_SETFCAP.
test_the_default_bundle() {
	need_static
	make_bundle b '.root.readonly = false'
	cp "$HUSK" b/rootfs/bin/husk
	mkdir -p b/rootfs/inner
	cp -a "$HUSK_TEMPLATE" b/rootfs/inner/rootfs
	inner "$look"
	container_sh b "$run_inner"
	! is_root || container_sh b "${run_inner/husk/husk --cgroup-manager disabled}"
	! is_root || expect_error "clone3 \(an ordinary user needs a 'user' namespace" husk run -b b "$ID"
	INNER_ROOTLESS=1 inner "$look"
	expect_error "linux.uidMappings: the kernel refuses the map .*CAP_SETFCAP" husk run -b b "$ID"
}

# ---- Podman in a container of husk ----

# podman_outer [JQ]: a bundle `b` whose rootfs is this machine's / below an overlay, so that Podman and what it needs
# are there. /inner has husk, a rootfs, and Podman's configuration; all that Podman writes goes to tmpfs in there.
podman_outer() {
	need podman conmon
	mkdir b o
	mount -t tmpfs -o mode=755 none o
	trap 'umount -l b/rootfs o 2>/dev/null' EXIT
	mkdir -p b/rootfs o/work o/upper/inner
	cp -a "$HUSK_TEMPLATE" o/upper/inner/rootfs
	install -m 755 "$HUSK" o/upper/inner/husk
	podman_files o/upper/inner
	mount -t overlay -o lowerdir=/,upperdir=o/upper,workdir=o/work none b/rootfs 2>/dev/null ||
		skip "this machine makes no overlay of /"
	mkdir -p b/rootfs/tmp b/rootfs/run b/rootfs/var/lib/containers b/rootfs/etc/cni
	"$HUSK" spec -b b
	config b --argjson all "$ALL" '.process.terminal = false | .root.readonly = false | .process.noNewPrivileges = false
		| .process.capabilities = {bounding: $all, effective: $all, permitted: $all}
		| .process.env += ["HOME=/tmp", "CONTAINERS_CONF=/inner/containers.conf", "CONTAINERS_STORAGE_CONF=/inner/storage.conf",
			"ASAN_OPTIONS=" + env.ASAN_OPTIONS]
		| .linux.maskedPaths = [] | .linux.readonlyPaths = []
		| .mounts += (["/tmp", "/run", "/var/lib/containers", "/etc/cni"] | map({destination: ., type: "tmpfs", source: "tmpfs"}))
		| (.mounts[] | select(.type == "cgroup") | .options) -= ["ro"]'
	[ $# = 0 ] || config b "$@"
}

podman_files() { # DIR, which is /inner in there
	podman_conf /inner/husk >"$1/containers.conf"
	cat >"$1/storage.conf" <<-END
		[storage]
		driver = "vfs"
		graphroot = "/run/store"
		runroot = "/run/runstore"
	END
	tar -C "$HUSK_TEMPLATE" -cf "$1/image.tar" .
}

# What runs in the outer container: one container of a directory, one of an image. Each line tells what worked. What
# a container writes before conmon has seen that somebody is attached is lost: a line from there is awaited.
podman_within='
	set -e
	run="podman run --cgroups=disabled --network none"
	echo go | $run --interactive --rm --rootfs /inner/rootfs sh -c "read -r go; echo \$(cat /proc/1/comm /proc/self/uid_map); echo x >/dev/null && echo rootfs"
	$run --rm --rootfs /inner/rootfs sh -c "exit 7" || echo status $?
	podman import /inner/image.tar localhost/test >/dev/null 2>&1
	$run -d --name in localhost/test sleep 1000 >/dev/null
	podman exec in sh -c "echo exec \$(id -u) \$(cat /proc/1/comm)"
	podman exec -u 1000:1001 in id -un
	podman stop -t 0 in >/dev/null
	podman inspect -f "ended {{.State.ExitCode}}" in
	podman rm in >/dev/null
	/inner/husk list -q'

expect_podman_within() { # MAP HUSK...: the ids of the inner container; what runs the outer one
	local map=$1
	shift
	container_sh b "$podman_within"
	expect_output "sh $map"$'\nrootfs\nstatus 7\nexec 0 sleep\nguest\nended 137' "$@" run -b b "$ID"
}

test_podman_with_privilege() {
	podman_outer
	expect_podman_within "$(awk '{ print $1, $2, $3 }' /proc/self/uid_map)" husk
}

# Without CAP_SYS_ADMIN Podman makes itself a user namespace of all the ids that it has.
test_podman_without_privilege() {
	local size
	podman_outer '.process.capabilities |= map_values(map(select(. != "CAP_SYS_ADMIN")))'
	read -r _ _ size </proc/self/uid_map
	expect_podman_within "0 0 1 1 1 $((size - 1))" husk
}

# Where it is uid 0 in a user namespace that it did not make.
test_podman_in_a_user_namespace_of_root() {
	podman_outer '.linux.namespaces += [{"type": "user"}] |
		.linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}] | .linux.gidMappings = .linux.uidMappings'
	chown -R 100000:100000 b/rootfs/inner
	expect_podman_within "0 100000 65536" husk
}

test_podman_in_a_container_of_an_ordinary_user() {
	local first
	id "$HUSK_TEST_USER" >/dev/null 2>&1 || skip "no user '$HUSK_TEST_USER' with subordinate ids"
	first=$(sed -n "s/^$HUSK_TEST_USER:\([0-9]*\):.*/\1/p" /etc/subuid)
	[ "$first" = "$(sed -n "s/^$HUSK_TEST_USER:\([0-9]*\):.*/\1/p" /etc/subgid)" ] ||
		skip "the subordinate uids and gids of '$HUSK_TEST_USER' differ"
	need newuidmap newgidmap
	podman_outer --argjson first "$first" '.linux.namespaces |= map(select(.type != "cgroup")) + [{"type": "user"}]
		| .linux.uidMappings = [{"containerID": 0, "hostID": $first, "size": 65536}] | .linux.gidMappings = .linux.uidMappings'
	chown -R "$first:$first" b/rootfs/inner
	expect_podman_within "0 $first 65536" as_user "$HUSK" --root "$T/home/run/state"
}

run_tests "$@"
