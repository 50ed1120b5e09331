#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The systemd cgroup manager: scopes, their limits, and that none is left. It needs a
# systemd as the init (the lab has one), and for a user's containers the user's own.
# shellcheck disable=SC2016 # $names in single quotes are another shell's
set -eu
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

CG=/sys/fs/cgroup

need_systemd() {
	[ -d /run/systemd/system ] || skip "systemd is not the init of this machine (the lab has it)"
	[ "$(stat -f -c %T "$CG")" = cgroup2fs ] || skip "no pure cgroup v2 here"
	[ -x "$HUSK_TOP_BUILDDIR/husk-systemd" ] || skip "no husk-systemd: built without libsystemd"
	HUSK_FLAGS=--systemd-cgroup
}

# cgroup_of ID: the folder of its init.
cgroup_of() { cgroup_of_pid "$(husk state "$1" | jq .pid)"; }
cgroup_of_pid() { awk -F: -v cg="$CG" '$1 == 0 { print cg $3 }' "/proc/$1/cgroup"; }
unit_is_gone() { [ -z "$(systemctl list-units --all --no-legend "$1")" ]; }

test_run_is_in_a_scope() {
	need_systemd
	make_bundle b '.process.args = ["/bin/cat", "/proc/self/cgroup"] | .linux.cgroupsPath = "machine.slice:husk-test:'"$ID"'"
		| .linux.namespaces |= map(select(.type != "cgroup"))'
	expect_output "0::/machine.slice/husk-test-$ID.scope" husk run --bundle b "$ID"
	wait_for 5 unit_is_gone "husk-test-$ID.scope"
}

# delete and update ask the systemd that create asked, whatever --rootless says. A helper of the test's
# own stands in, which is found beside husk.
test_whose_systemd_it_is() {
	is_root || skip "for root"
	cp "$HUSK" "$T/husk"
	printf '#!/bin/sh\necho "$*" >>%s\necho no >&2\nexit 1\n' "$T/asked" >"$T/husk-systemd"
	chmod 0755 "$T/husk-systemd"
	make_bundle b
	run "$T/husk" --root "$ROOT" --systemd-cgroup --rootless=true run -b b "$ID"
	assert_match "$(cat asked)" "^start husk-$ID.scope  Slice=system.slice " "what the helper was asked"
}

test_slices_nest_and_there_is_a_default() {
	need_systemd
	make_bundle b '.process.args = ["/bin/cat", "/proc/self/cgroup"] | .linux.cgroupsPath = "husktest-a-b.slice:p:'"$ID"'"
		| .linux.namespaces |= map(select(.type != "cgroup"))'
	expect_output "0::/husktest.slice/husktest-a.slice/husktest-a-b.slice/p-$ID.scope" husk run --bundle b "$ID"
	config b 'del(.linux.cgroupsPath)'
	expect_output "0::/system.slice/husk-$ID.scope" husk run --bundle b "$ID"
	systemctl stop husktest.slice
}

test_limits_are_those_of_the_scope() {
	local cg
	need_systemd
	make_bundle b '.process.args = ["/bin/sleep", "1000"] | .linux.resources += {
		"memory": {"limit": 67108864, "reservation": 33554432}, "pids": {"limit": 33},
		"cpu": {"shares": 512, "quota": 50000, "period": 100000, "cpus": "0"}}'
	expect_status 0 husk run --detach --bundle b "$ID"
	cg=$(cgroup_of "$ID")
	assert_eq "$(cat "$cg/memory.max" "$cg/memory.low" "$cg/pids.max" "$cg/cpu.max" "$cg/cpuset.cpus" | tr '\n' ' ')" \
		"67108864 33554432 33 50000 100000 0 "
	# systemd knows them, so that what it writes anew is the same
	assert_eq "$(systemctl show -p MemoryMax,TasksMax,AllowedCPUs "husk-$ID.scope" | sort | tr '\n' ' ')" \
		"AllowedCPUs=0 MemoryMax=67108864 TasksMax=33 "
	systemctl daemon-reload
	assert_eq "$(cat "$cg/memory.max" "$cg/pids.max" "$cg/cpu.max" | tr '\n' ' ')" "67108864 33 50000 100000 "
	expect_status 0 husk kill "$ID" KILL
	wait_for 5 is_status "$ID" stopped
	expect_status 0 husk delete "$ID"
	wait_for 5 unit_is_gone "husk-$ID.scope"
}

# The helper and the init are never in it both when only one may be.
test_a_limit_of_one_process_holds() {
	need_systemd
	make_bundle b '.process.args = ["/bin/sleep", "1000"] | .linux.resources.pids.limit = 1'
	expect_status 0 husk run --detach --bundle b "$ID"
	assert_eq "$(cat "$(cgroup_of "$ID")/pids.max")" 1
	assert_eq "$(systemctl show -P TasksMax "husk-$ID.scope")" 1
	expect_status 0 husk delete --force "$ID"
	wait_for 5 unit_is_gone "husk-$ID.scope"
}

test_every_verb_works_there() {
	local pid
	need_systemd
	make_bundle b '.process.args = ["/bin/sleep", "1000"]'
	expect_status 0 husk create --bundle b "$ID"
	assert_eq "$(wc -l <"$(cgroup_of "$ID")/cgroup.procs")" 1 "processes of a created container"
	expect_status 0 husk start "$ID"
	expect_output x husk exec "$ID" echo x
	pid=$(husk state "$ID" | jq .pid)
	expect_status 0 husk pause "$ID"
	is_status "$ID" paused || fail "not paused"
	expect_status 0 husk resume "$ID"
	assert_eq "$(husk ps --format json "$ID")" "[$pid]"
	expect_status 0 husk kill --all "$ID" KILL
	wait_for 5 is_status "$ID" stopped
	expect_status 0 husk delete "$ID"
	wait_for 5 unit_is_gone "husk-$ID.scope"
}

# A helper that asked for more, or stayed connected, would cost systemd for each of many containers.
test_one_message_makes_a_scope() {
	local helper
	need_systemd
	need strace
	make_bundle b
	expect_status 0 strace -f -qq -e trace=execve,sendmsg -o trace "$HUSK" --root "$ROOT" --systemd-cgroup \
		run --bundle b "$ID"
	helper=$(awk '/execve\(.*"husk-systemd"/ { print $1; exit }' trace)
	[ -n "$helper" ] || fail "no helper was started"
	# the first is the handshake (D-Bus specification, "Authentication Protocol")
	assert_eq "$(grep -c "^$helper .*sendmsg(" trace)" 2 "messages of the helper"
	wait_for 5 unit_is_gone "husk-$ID.scope"
}

test_the_same_name_again_at_once() {
	need_systemd
	make_bundle b
	expect_status 0 husk run --bundle b "$ID"
	expect_status 0 husk run --bundle b "$ID"
	expect_status 0 husk run --bundle b "$ID"
	wait_for 5 unit_is_gone "husk-$ID.scope"
}

test_a_scope_in_use_is_not_taken() {
	need_systemd
	make_bundle b '.process.args = ["/bin/sleep", "1000"] | .linux.cgroupsPath = "system.slice:x:'"$ID"'"'
	expect_status 0 husk run --detach --bundle b "$ID"
	expect_error "unit 'x-$ID.scope' exists already" husk run --bundle b "$ID-2"
	is_status "$ID" running || fail "the first one does not run any more"
	expect_error "does not exist" husk state "$ID-2"
	expect_status 0 husk delete --force "$ID"
}

test_a_start_that_fails_leaves_no_scope() {
	need_systemd
	make_bundle b '.process.args = ["/nowhere"]'
	expect_error "no such file" husk run --bundle b "$ID"
	wait_for 5 unit_is_gone "husk-$ID.scope"
	config b '.process.args = ["/bin/true"] | .linux.resources.unified = {"memory.high": "nonsense"}'
	expect_error "memory.high" husk run --bundle b "$ID"
	wait_for 5 unit_is_gone "husk-$ID.scope"
}

test_husk_killed_in_between_leaves_no_scope() {
	local n pid
	need_systemd
	make_bundle b '.process.args = ["/bin/sleep", "1000"]'
	for n in 0.01 0.03 0.05 0.08 0.12 0.2; do
		husk_exec create --bundle b "$ID" >/dev/null 2>&1 &
		pid=$!
		sleep "$n"
		kill -KILL "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
		expect_status 0 husk delete --force "$ID"
		wait_for 5 unit_is_gone "husk-$ID.scope"
	done
}

test_paths_of_another_form_are_refused() {
	need_systemd
	make_bundle b '.linux.cgroupsPath = "/a/b"'
	expect_error "linux.cgroupsPath: expected 'slice:prefix:name'.*got '/a/b'" husk run --bundle b "$ID"
	config b '.linux.cgroupsPath = "nonsense:p:n"'
	expect_error "'nonsense' is no name of a slice" husk run --bundle b "$ID"
}

test_annotations_are_properties_of_the_scope() {
	need_systemd
	make_bundle b '.process.args = ["/bin/sleep", "1000"] | .annotations = {"org.systemd.property.TimeoutStopSec": "7",
		"org.systemd.property.CPUWeight": "uint64 77", "org.systemd.property.Description": "'"'a \\\"b\\\"'"'",
		"org.systemd.property.After": "['"'basic.target'"']", "org.systemd.property.SendSIGHUP": "true",
		"org.systemd.property.KillSignal": "15", "org.systemd.property.Slice": "'"'machine.slice'"'"}'
	expect_error "Slice.*'allowedAnnotations'" husk run --detach --bundle b "$ID"
	config b 'del(.annotations["org.systemd.property.Slice"])'
	expect_status 0 husk run --detach --bundle b "$ID"
	assert_eq "$(systemctl show -p TimeoutStopUSec,CPUWeight,Description,SendSIGHUP,KillSignal "husk-$ID.scope" | sort | tr '\n' ' ')" \
		'CPUWeight=77 Description=a "b" KillSignal=15 SendSIGHUP=yes TimeoutStopUSec=7s '
	assert_match "$(systemctl show -P After "husk-$ID.scope")" basic.target After
	expect_status 0 husk delete --force "$ID"
	config b '.annotations = {"org.systemd.property.NoSuchProperty": "1"}'
	expect_error "NoSuchProperty" husk run --bundle b "$ID"
	expect_output "" husk list -q
}

test_a_cgroup_below_the_scope_is_the_containers() {
	local cg
	need_systemd
	make_bundle b '.process.args = ["/bin/sleep", "1000"] | .linux.resources = {"pids": {"limit": 1}, "memory": {"limit": 67108864}} |
		.annotations = {"run.oci.systemd.subgroup": "inner"}'
	expect_status 0 husk run --detach --bundle b "$ID"
	cg=$(cgroup_of "$ID")
	assert_match "$cg" "/system.slice/husk-$ID.scope/inner$"
	assert_eq "$(cat "$cg/pids.max" "$cg/memory.max" | tr '\n' ' ')" "1 67108864 "
	expect_status 0 husk update --pids-limit 5 "$ID"
	assert_eq "$(cat "$cg/pids.max")" 5
	expect_output "0::/" husk exec "$ID" cat /proc/self/cgroup
	expect_status 0 husk pause "$ID"
	expect_status 0 husk resume "$ID"
	expect_status 0 husk delete --force "$ID"
	wait_for 5 unit_is_gone "husk-$ID.scope"
	wait_for 5 test ! -e "$(dirname "$cg")" # the scope's cgroup
}

# The kernel takes no process at all, systemd does not: nothing of the update stays.
test_an_update_that_systemd_refuses_changes_nothing() {
	local cg open=': >/dev/kmsg'
	need_systemd
	make_bundle b '.process.args = ["/bin/sleep", "1000"] | .linux.resources = {"pids": {"limit": 9}, "memory": {"limit": 67108864},
		"devices": [{"allow": false, "access": "rwm"}]} |
		.linux.devices = [{"path": "/dev/kmsg", "type": "c", "major": 1, "minor": 11, "fileMode": 438}]'
	expect_status 0 husk run --detach --bundle b "$ID"
	cg=$(cgroup_of "$ID")
	echo '{"unified": {"pids.max": "0"}, "memory": {"limit": 33554432}, "devices": [{"allow": true, "access": "rwm"}]}' >r.json
	expect_error "TasksMax|out of range" husk update -r r.json "$ID"
	assert_eq "$(cat "$cg/pids.max" "$cg/memory.max" | tr '\n' ' ')" "9 67108864 "
	expect_status 1 husk exec "$ID" sh -c "$open"
	# and what it was told is told anew, when a step after that fails
	echo '{"pids": {"limit": 5}, "memory": {"limit": 33554432}, "devices": [{"allow": true, "access": "rwm"}]}' >r.json
	expect_error "was made without linux.intelRdt" husk update -r r.json --l3-cache-schema L3:0=f "$ID"
	assert_eq "$(cat "$cg/pids.max" "$cg/memory.max" | tr '\n' ' ')" "9 67108864 "
	assert_eq "$(systemctl show -p MemoryMax,TasksMax "husk-$ID.scope" | sort | tr '\n' ' ')" "MemoryMax=67108864 TasksMax=9 "
	expect_status 1 husk exec "$ID" sh -c "$open"
	expect_status 0 husk update -r r.json "$ID"
	expect_status 0 husk exec "$ID" sh -c "$open"
	expect_status 0 husk delete --force "$ID"
}

# user_bundle FILTER: of the lab's user, in ~/bundle, with husk beside its helper in $T.
user_bundle() {
	need_systemd
	command -v as-lab-user.sh >/dev/null || skip "no user with a session of its own (the lab has one)"
	cp -r "$HUSK_TEMPLATE" rootfs
	cp "$HUSK" "$HUSK_TOP_BUILDDIR/husk-systemd" .
	chmod -R go+rX .
	expect_status 0 as-lab-user.sh bash -c 'rm -rf bundle && mkdir bundle && cd bundle && cp -r "$0/rootfs" . &&
		"$0/husk" spec --rootless && jq --arg id "$1" ".process.terminal = false | $2" config.json >new &&
		mv new config.json' "$T" "$ID" "$1"
}

# What runs in the container sees the cgroups of the host.
SEES_CGROUPS='.linux.namespaces |= map(select(.type != "cgroup")) | .mounts |= map(select(.destination != "/sys/fs/cgroup"))
	| (.mounts[] | select(.destination == "/sys")) = {destination: "/sys", type: "none", source: "/sys", options: ["rbind", "ro"]}'

# user_husk WORD...: below a cgroup of the user's.
user_husk() { as-lab-user.sh sh -c 'cd bundle && exec "$@"' sh "$T/husk" --systemd-cgroup "$@"; }
# login_husk WORD...: from a cgroup that is not, as after a login by ssh or su.
login_husk() {
	setpriv --reuid=lab --regid=lab --init-groups env HOME=/home/lab XDG_RUNTIME_DIR=/run/user/1000 \
		sh -c 'cd /home/lab/bundle && exec "$@"' sh "$T/husk" --systemd-cgroup "$@"
}

# Never silent: what was asked for is named. Where systemd answers and refuses, and where the helper fails, it is an error.
test_a_user_without_a_systemd_is_told() {
	is_root || skip "needs root"
	[ -x "$HUSK_TOP_BUILDDIR/husk-systemd" ] || skip "no husk-systemd: built without libsystemd"
	as_user true
	chmod 0755 "$T"
	cp "$HUSK" "$HUSK_TOP_BUILDDIR/husk-systemd" "$T"
	as_user sh -c 'cp -a "$1" "$2/home/rootfs" && cd "$2/home" && "$2/husk" spec --rootless' sh "$HUSK_TEMPLATE" "$T"
	config home '.process.terminal = false | .process.args = ["true"]'
	chmod 0644 home/config.json
	lonely_husk() { as_user env -u XDG_RUNTIME_DIR -u DBUS_SESSION_BUS_ADDRESS "$T/husk" --root "$T/home/state" --systemd-cgroup "$@"; }
	expect_status 0 lonely_husk run -b home "$ID"
	assert_match "$ERR" "^husk: warning: linux.cgroupsPath: .*connect to the user's systemd.*: running without a cgroup" warning
	config home '.linux.resources = {"pids": {"limit": 33}, "memory": {"limit": 67108864}}'
	expect_status 0 lonely_husk run -b home "$ID"
	assert_match "$ERR" "linux.resources.pids.limit: not enforced without a cgroup of its own: ignoring" warning
	assert_match "$ERR" "linux.resources.memory.limit: not enforced" warning
	expect_error "connect to the user's systemd" lonely_husk --rootless=false run -b home "$ID"
	printf '#!/bin/sh\necho "husk-systemd: the unit exists already" >&2\nexit 1\n' >"$T/husk-systemd"
	expect_error "the unit exists already" lonely_husk run -b home "$ID"
	rm "$T/husk-systemd"
	expect_error "the helper program .* is missing" lonely_husk run -b home "$ID"
}

test_a_user_has_scopes_of_their_own_systemd() {
	user_bundle '.linux.resources.memory.limit = 67108864 | '"$SEES_CGROUPS"' |
		.process.args = ["sh", "-c", "p=$(sed s/^0::// /proc/self/cgroup); echo $p; cat /sys/fs/cgroup$p/memory.max"]'
	run user_husk run "$ID"
	assert_eq "$STATUS $ERR" "0 " "status and errors"
	assert_match "$(sed -n 1p <<<"$OUT")" "^/user.slice/user-[0-9]+.slice/user@[0-9]+.service/user.slice/husk-$ID.scope$"
	assert_eq "$(sed -n 2p <<<"$OUT")" 67108864 "its limit"
}

# The kernel lets them put nobody into the scope (EACCES): systemd does.
test_a_user_outside_of_their_own_cgroups_has_scopes() {
	local cg
	user_bundle '.linux.resources = {"memory": {"limit": 67108864}, "pids": {"limit": 9}} | .process.args = ["sleep", "1000"]'
	expect_status 0 login_husk run --detach "$ID" </dev/null
	assert_eq "$ERR" "" "errors"
	cg=$(cgroup_of_pid "$(login_husk state "$ID" | jq .pid)")
	assert_match "$cg" "/user@1000.service/user.slice/husk-$ID.scope$" "its cgroup"
	assert_eq "$(cat "$cg/memory.max" "$cg/pids.max" | tr '\n' ' ')" "67108864 9 " "its limits"
	assert_eq "$(wc -l <"$cg/cgroup.procs")" 1 "processes in it"
	expect_output "0::/" login_husk exec "$ID" cat /proc/self/cgroup
	expect_status 0 login_husk exec --detach --pid-file /home/lab/exec.pid "$ID" sleep 1000
	assert_eq "$(cgroup_of_pid "$(cat /home/lab/exec.pid)")" "$cg" "the cgroup of exec"
	expect_status 0 login_husk update --pids-limit 11 "$ID"
	assert_eq "$(cat "$cg/pids.max")" 11
	expect_status 0 login_husk delete --force "$ID"
	[ ! -e "$cg" ] || fail "the cgroup is left"
}

run_tests "$@"
