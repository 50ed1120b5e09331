#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# husk without root of the host: as an ordinary user with subordinate ids, with one id alone, as uid 0 of
# that user's namespace (as rootless Podman starts it), and under rootless Podman itself.
# shellcheck disable=SC2016 # $names in single quotes are the container's or the user's shell's
set -eu
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/integration/engine.sh
. "$(dirname "$0")/engine.sh"
ROOT_ONLY=$(test_functions | tr '\n' ' ') # it becomes the ordinary user itself

# user COMMAND...: as the ordinary user, with the runtime and a bundle `b` of its own in $T/u.
user() {
	as_user HUSK="$RUNTIME" ROOT="$T/u/state" ID="$ID" T="$T/u" "$@"
}

# uid0 COMMAND...: the same user as uid 0 of a user namespace with all its ids, as with `podman unshare`.
uid0() {
	user unshare --user --map-root-user --map-auto --mount "$@"
}

# user_bundle [JQ]: by that user.
user_bundle() {
	id "$HUSK_TEST_USER" >/dev/null 2>&1 || skip "no user '$HUSK_TEST_USER' with subordinate ids"
	need newuidmap newgidmap
	UID_=$(id -u "$HUSK_TEST_USER") GID_=$(id -g "$HUSK_TEST_USER")
	SUBUID=$(sed -n "s/^$HUSK_TEST_USER:\([0-9]*\):.*/\1/p" /etc/subuid)
	SUBGID=$(sed -n "s/^$HUSK_TEST_USER:\([0-9]*\):.*/\1/p" /etc/subgid)
	install -d -o "$UID_" -g "$GID_" u u/state
	copy_husk "$T/u"
	RUNTIME=$HUSK
	user sh -c 'cd "$T" && mkdir b && cp -R --preserve=links,mode "$0" b/rootfs && cd b && "$HUSK" spec --rootless' "$HUSK_TEMPLATE"
	edit '.process.terminal = false | .root.readonly = false'
	[ $# = 0 ] || edit "$1"
	edit "$ROOTLESS"
}

edit() {
	jq "$@" u/b/config.json >u/b/new
	mv u/b/new u/b/config.json
}

program() {
	edit --arg text "$1" '.process.args = ["/bin/sh", "-c", $text]'
}

ranges() {
	edit --argjson uid "$UID_" --argjson gid "$GID_" --argjson subuid "$SUBUID" --argjson subgid "$SUBGID" '
		.linux.uidMappings = [{"containerID": 0, "hostID": $uid, "size": 1}, {"containerID": 1, "hostID": $subuid, "size": 65535}] |
		.linux.gidMappings = [{"containerID": 0, "hostID": $gid, "size": 1}, {"containerID": 1, "hostID": $subgid, "size": 65535}]'
}

H='"$HUSK" --root "$ROOT"'

# ---- an ordinary user ----

test_subordinate_ids() {
	user_bundle
	ranges
	edit '.process.user = {"uid": 1000, "gid": 1001, "additionalGids": [2000]}'
	program 'id -u; id -g; id -G; touch /tmp/mine; echo x >/dev/null; [ -c /dev/null ] && [ -c /dev/tty ] && stat -c %u:%g /tmp/mine'
	chmod 1777 u/b/rootfs/tmp
	expect_output $'1000\n1001\n1001 2000\n1000:1001' user sh -c "$H run -b \$T/b \$ID"
	assert_eq "$(stat -c %u:%g u/b/rootfs/tmp/mine)" "$((SUBUID + 999)):$((SUBGID + 1000))" "on the host"
	program 'sleep 1000'
	expect_status 0 user sh -c "$H run -d -b \$T/b \$ID"
	expect_output $'7\n8' user sh -c "$H exec -u 7:8 \$ID sh -c 'id -u; id -g'"
	expect_output $'0\n0' user sh -c "$H exec -u 0:0 \$ID sh -c 'id -u; touch /root/x; stat -c %u /root/x'"
	user sh -c "$H delete --force \$ID"
}

test_mounts_add_with_subordinate_ids() {
	user_bundle
	ranges
	program 'sleep 1000'
	expect_status 0 user sh -c "$H run -d -b \$T/b \$ID"
	expect_status 0 user sh -c "mkdir \$T/src && echo '[{\"destination\": \"/root/m\", \"type\": \"bind\", \"source\": \"'\$T'/src\", \"options\": [\"bind\"]}]' | $H mounts add \$ID -"
	expect_output "$UID_" stat -c %u u/src
	expect_output 0 user sh -c "$H exec -u 0:0 \$ID stat -c %u /root/m"
	user sh -c "$H delete --force \$ID"
}

# The devices of the host, which stand in for those that no ordinary user can make, are neither setuid nor programs.
test_bound_devices() {
	user_bundle
	ranges
	program 'grep -E " /dev/(null|zero|full|random|urandom|tty) " /proc/self/mountinfo | cut -d" " -f 6 | grep nosuid | grep -c noexec'
	expect_output 6 user sh -c "$H run -b \$T/b \$ID"
}

test_a_terminal() {
	need script
	user_bundle '.process.terminal = true'
	ranges
	program 'tty; echo owner $(stat -c %u $(tty))'
	expect_status 0 user sh -c "script -qec '$H run -b '\$T'/b '\$ID /dev/null </dev/null"
	# at its end of input script(1) types a NUL, whose echo may stand anywhere
	assert_match "$(tr -d '\r' <<<"$OUT" | sed 's/\^@//g')" '^/dev/pts/0$' "tty"
	assert_match "$(tr -d '\r' <<<"$OUT")" 'owner 0$' "its owner"
}

# Neither newuidmap nor newgidmap: one's own id does without, others say what is missing.
test_one_id_without_the_helpers() {
	local pid
	user_bundle
	program 'sleep 1000'
	expect_status 0 user PATH=/nonexistent "$RUNTIME" --root "$T/u/state" run -d -b "$T/u/b" "$ID"
	pid=$(user sh -c "$H state \$ID" | jq .pid)
	assert_eq "$(cat /proc/"$pid"/{uid_map,gid_map,setgroups} | tr -s ' ')" " 0 $UID_ 1"$'\n'" 0 $GID_ 1"$'\ndeny' "its maps"
	expect_output 0 user PATH=/nonexistent "$RUNTIME" --root "$T/u/state" exec "$ID" id -u
	user sh -c "$H delete --force \$ID"
	ranges
	expect_error 'linux.gidMappings: needs newgidmap \(package uidmap\), or a map of your own id alone' \
		user PATH=/nonexistent "$RUNTIME" --root "$T/u/state" run -b "$T/u/b" "$ID"
}

# ---- uid 0 of another's user namespace ----

host_kinds='.linux.namespaces |= map(select(.type != "user")) | del(.linux.uidMappings, .linux.gidMappings)'

own_sysfs='.mounts |= map(select(.destination != "/sys")) +
	[{"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]}]'

test_uid_0_of_a_user_namespace() {
	user_bundle "$host_kinds | .linux.namespaces += [{\"type\": \"network\"}] | $own_sysfs"
	program 'id -u; ls /sys/class/net; ip link show lo | grep -c ,UP; echo x >/dev/null && [ -c /dev/zero ] && hostname; set -- /proc/[0-9]*; echo $*'
	expect_output $'0\nlo\n1\nhusk\n/proc/1' uid0 sh -c "$H run -b \$T/b \$ID"
	program 'sleep 1000'
	expect_status 0 uid0 sh -c "$H create -b \$T/b \$ID && $H start \$ID && $H exec -u 9:9 \$ID sh -c 'echo \$(id -u) >/proc/self/comm' && $H delete --force \$ID"
	# the state directory is of this user
	expect_status 0 uid0 sh -c '"$HUSK" run -d -b $T/b $ID && [ -d $XDG_RUNTIME_DIR/husk/$ID ] && "$HUSK" delete --force $ID'
}

# The network is the caller's, which belongs to the host's user namespace: no new sysfs, but /sys.
test_sysfs_of_a_shared_network() {
	user_bundle "$host_kinds | $own_sysfs"
	program 'ls /sys/class/net | sort | tr "\n" " "; grep -c "^[^ ]* /sys[^ ]* [^ ]* rw" /proc/self/mounts'
	expect_status 1 uid0 sh -c "$H run -b \$T/b \$ID" # of grep: none is writable
	assert_eq "$OUT" "$(find /sys/class/net -mindepth 1 -printf '%f\n' | sort | tr '\n' ' ')0"
	edit '.linux.namespaces |= map(select(.type != "ipc")) |
		.mounts |= map(select(.destination != "/dev/mqueue")) + [{"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue"}]'
	program 'echo ran'
	if [ -d /dev/mqueue ]; then
		expect_output ran uid0 sh -c "$H run -b \$T/b \$ID"
	fi
}

# To a namespace that the host's user namespace owns, its parent could not come back.
test_namespaces_joined_by_uid_0() {
	user_bundle "$host_kinds"
	program 'sleep 1000'
	user cp -R u/b u/b2
	expect_output $'2\n0' uid0 sh -c "
		$H run -d -b \$T/b \$ID || exit 9
		pid=\$($H state \$ID | jq .pid)
		jq --arg p /proc/\$pid/ns '.linux.namespaces |= map(if .type == \"pid\" or .type == \"ipc\" then . + {path: (\$p + \"/\" + .type)} else . end) |
			.process.args = [\"/bin/sh\", \"-c\", \"ls -d /proc/[0-9]* | wc -l; exec true\"]' \$T/b/config.json >\$T/b2/config.json
		$H run -b \$T/b2 \$ID-2 | sed 's/^[3-9]\$/2/'
		echo \$?
		$H delete --force \$ID"
}

test_time_offsets_of_uid_0() {
	[ -e /proc/self/ns/time ] || skip "this kernel has no time namespaces"
	user_bundle "$host_kinds | .linux.namespaces += [{\"type\": \"time\"}] | .linux.timeOffsets = {\"boottime\": {\"secs\": 1000000}}"
	program '[ "$(cut -d. -f1 /proc/uptime)" -gt 1000000 ] && echo later'
	expect_output later uid0 sh -c "$H run -b \$T/b \$ID"
}

# A user namespace of its own inside that one: rootless in rootless.
test_a_user_namespace_below() {
	user_bundle
	edit '.linux.uidMappings = [{"containerID": 0, "hostID": 0, "size": 1000}] | .linux.gidMappings = .linux.uidMappings'
	expect_error 'linux.gidMappings: the kernel refuses the map .*one line of /proc/self/gid_map' uid0 sh -c "$H run -b \$T/b \$ID"
	edit '.linux.uidMappings = [{"containerID": 0, "hostID": 1, "size": 1000}] | .linux.gidMappings = .linux.uidMappings'
	program 'tr -s " " </proc/self/uid_map; id -u; [ -c /dev/null ] && echo x >/dev/null; touch /dev/shm/x && stat -c %u /dev/shm/x'
	expect_output $' 0 1 1000\n0\n0' uid0 sh -c "$H run -b \$T/b \$ID"
	# one more level down
	edit '.linux.uidMappings = [{"containerID": 0, "hostID": 0, "size": 1}] | .linux.gidMappings = .linux.uidMappings'
	program 'tr -s " " </proc/self/uid_map'
	expect_output ' 0 0 1' uid0 unshare --user --map-root-user sh -c "$H run -b \$T/b \$ID"
}

# ---- rootless Podman ----

# Podman refuses a runroot of more than 50 characters, and says so to nobody when conmon calls it at the end of a
# container; the next `podman run` then waits 20 s in vain. So $RUNROOT is not in $T.
pod() {
	user CONTAINERS_CONF="$T/u/containers.conf" podman --root "$T/u/root" --runroot "$RUNROOT" --storage-driver vfs \
		--tmpdir "$T/u/tmp" "$@"
}

pod_run() { pod run --cgroups=disabled --network none "$@"; }

# says WORD...: the same, of which nothing that the command prints is lost.
says() { pod_run "${AWAITED[@]}" "$@" <<<go; }

podman_setup() {
	need podman conmon
	user_bundle
	podman_conf "$RUNTIME" >u/containers.conf
	RUNROOT=$(mktemp -d /tmp/husk-it.XXXXXX)
	chown "$UID_:$GID_" "$RUNROOT"
	cd u # a directory that this user can enter
	# its pause process ends with migrate
	trap 'pod rm --all --force --time 0 >/dev/null 2>&1; pod system migrate >/dev/null 2>&1; rm -rf "$RUNROOT"' EXIT
	tar -C "$HUSK_TEMPLATE" -c . | pod import - test >/dev/null 2>&1 || fail "podman import: no image"
}

test_podman() {
	local kernels=65534
	! is_vm || kernels=0 # whose kernel is the container's own
	podman_setup
	expect_output "0"$'\n'"$kernels" says --rm test sh -c 'id -u; stat -c %u /proc/sys/kernel/hostname'
	expect_output 'uid=1000(guest) gid=1001(guest)' says --rm --user 1000:1001 test sh -c 'id | cut -d" " -f1,2'
	expect_status 7 pod_run --rm test sh -c 'exit 7'
	user mkdir "$T/u/volume"
	expect_output "" pod_run --rm -v "$T/u/volume:/v" --tmpfs /t:ro test sh -c 'touch /v/x && ! touch /t/x 2>/dev/null'
	assert_eq "$(stat -c %u volume/x)" "$UID_" "the owner of what was made in a volume"
	expect_status 0 pod_run -d --name "$ID" test sleep 1000
	expect_output 1000 pod exec -u 1000 "$ID" id -u
	expect_output /dev/null pod exec "$ID" sh -c 'echo x >/dev/null; ls /dev/null'
	expect_status 0 pod stop -t 0 "$ID"
	expect_output 137 pod inspect -f '{{.State.ExitCode}}' "$ID"
}

test_podman_with_all_privileges() {
	podman_setup
	expect_status 0 says --privileged --rm test \
		sh -c 'id -u; echo x >/dev/null && ls /dev/tty; awk "/CapEff/ { print \$2 }" /proc/self/status'
	assert_eq "$OUT" $'0\n/dev/tty\n'"$(uid0 awk '/CapEff/ { print $2 }' /proc/self/status)"
}

# conmon tells Podman of the end, which takes the container away.
test_podman_in_the_background() {
	podman_setup
	expect_status 0 pod_run -d --rm --name "$ID" test sleep 0.1
	wait_for 30 gone
	expect_output "" pod ps --all --quiet
}

gone() { ! pod container exists "$ID"; }

test_podman_with_the_hosts_network() {
	podman_setup
	networked_says() { pod run --cgroups=disabled "${AWAITED[@]}" "$@" <<<go; }
	# of the host: no new sysfs
	expect_output "$(find /sys/class/net -mindepth 1 -printf '%f\n' | sort)" \
		networked_says --network host --rm test ls /sys/class/net
}

run_tests "$@"
