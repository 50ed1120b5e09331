#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# husk inside a container of husk: what works there, and what the errors say where it cannot.
# runs-as: root user
# shellcheck disable=SC2016 # $names in single quotes are the container's shell's
set -eu
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
ROOT_ONLY="test_with_privilege test_with_privilege_but_no_device_of_its_own test_in_a_user_namespace_of_root"
private_cgroup2 "$@"

ALL='["CAP_CHOWN","CAP_DAC_OVERRIDE","CAP_DAC_READ_SEARCH","CAP_FOWNER","CAP_FSETID","CAP_KILL","CAP_SETGID","CAP_SETUID","CAP_SETPCAP",
	"CAP_NET_BIND_SERVICE","CAP_NET_RAW","CAP_NET_ADMIN","CAP_SYS_CHROOT","CAP_SYS_ADMIN","CAP_SYS_PTRACE","CAP_MKNOD","CAP_AUDIT_WRITE","CAP_SETFCAP"]'

# outer [JQ]: a bundle `b` whose rootfs has husk, and in /inner a bundle of `husk spec`; it may do all. `inner`
# is what it runs, with the words as jq's filter of the inner config.json.
outer() {
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

run_tests "$@"
