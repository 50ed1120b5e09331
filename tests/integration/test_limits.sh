#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# linux.resources on cgroup v2, seen in the cgroup's files and by what the kernel then does. Each
# test skips where the host has not the controller: the lab (tests/lab) has all of them, and so has a VM's guest.
# vm-smoke: test_limits_are_in_their_files test_memory_limit_kills test_update_by_options
# shellcheck disable=SC2016 # $names in single quotes are the container's shell's
set -eu
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
private_cgroup2 "$@"

# need_controllers NAME...
need_controllers() {
	local name root
	is_root || skip "needs root"
	! is_vm || return 0
	root=$(cgroup2_root)
	[ -n "$root" ] || skip "no cgroup2 on this machine"
	for name in "$@"; do
		grep -qw "$name" "$root/cgroup.controllers" || skip "cgroup v2 has no '$name' controller on this machine"
	done
}

# The directory of container $1's cgroup; in a VM that of the machine.
cgroup_dir() {
	local pid
	pid=$(husk state "$1" | jq -r .pid)
	echo "$(cgroup2_root)$(sed -n 's/^0:://p' "/proc/$pid/cgroup")"
}

# limited JSON: a bundle "b" with these resources, in a cgroup of the test's own name.
limited() {
	[ -d b ] || make_bundle b
	config b --argjson r "$1" --arg path "/$ID" '.linux.resources = $r | .linux.cgroupsPath = $path |
		.process.args = ["/bin/sleep", "1000"]'
	! is_vm || config b '.vm = {"hwConfig": {"memory": 268435456, "vcpus": 2}}' # or it would be the limit
}

# start_limited JSON: the same, started; DIR is its cgroup.
start_limited() {
	limited "$1"
	expect_status 0 husk run --detach --bundle b "$ID"
	DIR=$(cgroup_dir "$ID")
}

# What is in FILE of the container's cgroup: in a VM it is the guest's, and the container looks.
cgroup_file() {
	if is_vm; then husk exec "${OF:-$ID}" cat "/sys/fs/cgroup/$1"; else cat "$DIR/$1"; fi
}

has_cgroup_file() { cgroup_file "$1" >/dev/null 2>&1; }

# expect_file FILE TEXT
expect_file() { assert_eq "$(cgroup_file "$1")" "$2" "$1"; }

# expect_host_file FILE TEXT: of what goes by the host's numbers, and so is limited there in a VM, too, if the host can.
expect_host_file() {
	! is_vm || [ -e "$DIR/$1" ] || return 0
	assert_eq "$(cat "$DIR/$1")" "$2" "$1"
}

# expect_processes N: in the container's cgroup; who looks may be one.
expect_processes() { assert_eq "$(cgroup_file pids.current)" "$(($1 + $(is_vm && echo 1 || echo 0)))" pids.current; }

end() { expect_status 0 husk delete --force "$ID"; }

# The whole disk that the root file system or any other is on.
some_disk() {
	local d
	for d in /sys/block/vd* /sys/block/sd* /sys/block/nvme* /sys/block/loop0; do
		[ ! -e "$d/dev" ] || { cat "$d/dev" && return; }
	done
	return 1
}

# ---- create ----

test_limits_are_in_their_files() {
	need_controllers cpu cpuset memory pids
	start_limited '{"memory": {"limit": 67108864, "reservation": 33554432, "swap": 100663296},
		"cpu": {"shares": 512, "quota": 50000, "period": 200000, "cpus": "0", "mems": "0"}, "pids": {"limit": 77}}'
	expect_file memory.max 67108864
	expect_file memory.low 33554432
	expect_file memory.swap.max 33554432
	expect_file cpu.weight 59
	expect_file cpu.max "50000 200000"
	expect_host_file cpuset.cpus 0
	expect_host_file cpuset.mems 0
	expect_file pids.max 77
	end
}

test_cpu_burst_and_idle() {
	need_controllers cpu
	start_limited '{"cpu": {"quota": 50000, "burst": 20000, "idle": 1, "shares": 100}}'
	has_cgroup_file cpu.idle || skip "this kernel has no cpu.idle"
	expect_file cpu.max "50000 100000"
	expect_file cpu.max.burst 20000
	expect_file cpu.idle 1
	end
}

# What engines send when nothing was asked of them.
test_values_that_ask_for_nothing() {
	need_controllers memory pids
	start_limited '{"devices": [{"allow": false, "access": "rwm"}], "memory": {"limit": -1, "swap": 0, "reservation": 0},
		"cpu": {"shares": 0, "quota": 0, "period": 0, "cpus": "", "mems": ""}, "pids": {"limit": -1}, "blockIO": {"weight": 0}}'
	expect_file memory.max max
	expect_file pids.max max
	end
}

test_container_has_the_usual_controllers() {
	need_controllers cpu memory pids io
	start_limited '{}'
	assert_match "$(cgroup_file cgroup.controllers)" '\bmemory\b' controllers
	assert_match "$(cgroup_file cgroup.controllers)" '\bpids\b' controllers
	has_cgroup_file io.max || fail "no io.max"
	end
}

# Cgroups above it, made on the way, pass the controllers on.
test_controllers_come_down_a_deep_path() {
	need_controllers memory pids
	limited '{"pids": {"limit": 9}}'
	config b --arg path "/$ID/a/b/c" '.linux.cgroupsPath = $path'
	expect_status 0 husk run --detach --bundle b "$ID"
	DIR=$(cgroup_dir "$ID")
	assert_match "$DIR" "/$ID/a/b/c\$" "the cgroup"
	expect_file pids.max 9
	end
	rmdir "$(cgroup2_root)/$ID"/{a/b,a,}
}

test_unified() {
	need_controllers memory pids
	start_limited '{"pids": {"limit": 5}, "unified": {"memory.high": "123400192", "pids.max": "55", "cgroup.max.depth": "3"}}'
	expect_file memory.high 123400192
	expect_file pids.max 55
	expect_file cgroup.max.depth 3
	end
	limited '{"unified": {"nonsense.max": "1"}}'
	expect_error "unified\[\"nonsense.max\"\]: cgroup '/' has no controller 'nonsense'" husk run --bundle b "$ID"
	limited '{"unified": {"memory.nonsense": "1"}}'
	expect_error "the kernel has no file 'memory.nonsense'" husk run --bundle b "$ID"
	limited '{"unified": {"../x": "1"}}'
	expect_error "expected the name of a cgroup file" husk run --bundle b "$ID"
}

test_io_max_and_weight() {
	need_controllers io
	local disk
	disk=$(some_disk) || skip "no disk on this machine"
	start_limited "{\"blockIO\": {\"throttleReadBpsDevice\": [{\"major\": ${disk%:*}, \"minor\": ${disk#*:}, \"rate\": 1048576}],
		\"throttleWriteIOPSDevice\": [{\"major\": ${disk%:*}, \"minor\": ${disk#*:}, \"rate\": 120}]}}"
	assert_match "$(cat "$DIR/io.max")" "^$disk rbps=1048576 wbps=max riops=max wiops=120" io.max
	end
	if [ -e "$DIR/../io.weight" ] || [ -e "$DIR/../io.bfq.weight" ]; then
		start_limited '{"blockIO": {"weight": 500}}'
		assert_match "$(cat "$DIR"/io.bfq.weight "$DIR"/io.weight 2>/dev/null)" '\b(500|4950)$' "the weight"
		end
	fi
	limited '{"blockIO": {"throttleReadBpsDevice": [{"major": 4000, "minor": 1, "rate": 1}]}}'
	expect_error "rate: write '4000:1 rbps=1' to io.max: No such device.*whole disk" husk run --bundle b "$ID"
}

test_hugepages() {
	need_controllers hugetlb
	[ -d /sys/kernel/mm/hugepages/hugepages-2048kB ] || skip "no huge pages of 2 MiB on this machine"
	start_limited '{"hugepageLimits": [{"pageSize": "2MB", "limit": 4194304}]}'
	expect_file hugetlb.2MB.max 4194304
	! has_cgroup_file hugetlb.2MB.rsvd.max || expect_file hugetlb.2MB.rsvd.max 4194304
	end
	limited '{"hugepageLimits": [{"pageSize": "3MB", "limit": 4194304}]}'
	expect_error "hugepageLimits\[0\].limit: the kernel has no file 'hugetlb.3MB.max'" husk run --bundle b "$ID"
}

# Nothing stays of a container whose limits were refused, not even the cgroup's parents' children.
test_refused_limits_leave_nothing() {
	need_controllers cpu memory
	limited '{"memory": {"limit": 67108864}, "cpu": {"quota": 1}}'
	expect_error "linux.resources.cpu.quota: write '1 100000' to cpu.max: Invalid argument" husk run --bundle b "$ID"
	expect_output "" husk list -q
	[ ! -e "$(cgroup2_root)/$ID" ] || fail "the cgroup is left"
}

test_limits_of_cgroup_v1_only_are_refused() {
	limited '{"memory": {"swappiness": 10}}'
	expect_error "linux.resources.memory.swappiness: cgroup v2 has no such limit" husk run --bundle b "$ID"
	limited '{"blockIO": {"leafWeight": 10}}'
	expect_error "linux.resources.blockIO.leafWeight: cgroup v2 has no such limit" husk run --bundle b "$ID"
	limited '{"cpu": {"realtimeRuntime": 950000}}'
	expect_error "linux.resources.cpu.realtimeRuntime: cgroup v2 has no such limit" husk run --bundle b "$ID"
	limited '{"memory": {"kernel": 1048576}}'
	is_root || return 0
	config b '.process.args = ["/bin/true"]'
	expect_status 0 husk run --bundle b "$ID"
	assert_match "$ERR" "linux.resources.memory.kernel: cgroup v2 has no such limit: ignoring" warning
}

# hold_in_the_guest COMMAND...: run of b in a VM, whatever the host's cgroups are: there is nothing to warn of.
hold_in_the_guest() {
	config b '.process.args = ["/bin/cat", "/sys/fs/cgroup/memory.max"]'
	expect_output 67108864 "$@"
	assert_eq "$ERR" "" "warnings"
}

test_missing_controller_is_named() {
	is_root || skip "needs root"
	local root
	root=$(cgroup2_root)
	[ -n "$root" ] || skip "no cgroup2 on this machine"
	! grep -qw memory "$root/cgroup.controllers" || skip "this machine has every controller"
	limited '{"memory": {"limit": 67108864}}'
	if is_vm; then
		hold_in_the_guest husk run --bundle b "$ID"
		return
	fi
	expect_error "linux.resources.memory.limit: cgroup '/' has no controller 'memory'" husk run --bundle b "$ID"
	expect_output "" husk list -q
}

# A cgroup with processes gives no controllers to those below it.
test_processes_above_are_named() {
	need_controllers memory
	local above sleeper
	above=$(cgroup2_root)/$ID-above
	mkdir "$above"
	sleep 1000 &
	sleeper=$!
	echo "$sleeper" >"$above/cgroup.procs"
	limited '{"memory": {"limit": 67108864}}'
	config b --arg path "/$ID-above/c" '.linux.cgroupsPath = $path'
	expect_error "memory.limit: the controller 'memory' cannot be enabled below cgroup '/$ID-above': it holds processes" \
		husk run --bundle b "$ID"
	kill -KILL "$sleeper"
	wait "$sleeper" || true
	wait_for 5 rmdir "$above"
}

test_disabled_manager_warns_of_each_limit() {
	limited '{"memory": {"limit": 67108864}, "pids": {"limit": 7}}'
	if is_vm; then
		hold_in_the_guest husk --cgroup-manager disabled run --bundle b "$ID"
		return
	fi
	config b '.process.args = ["/bin/true"]'
	expect_status 0 husk --cgroup-manager disabled run --bundle b "$ID"
	assert_match "$ERR" 'linux.resources.memory.limit: not enforced without a cgroup of its own: ignoring' warning
	assert_match "$ERR" 'linux.resources.pids.limit: not enforced' warning
}

# ---- what the kernel does then ----

test_memory_limit_kills() {
	need_controllers memory
	limited '{"memory": {"limit": 16777216, "swap": 16777216}}'
	# the shell's variable grows until its process is killed
	container_sh b 'x=0123456789abcdef; while :; do x=$x$x; done'
	expect_status 137 husk run --bundle b "$ID"
}

test_pids_limit_stops_forks() {
	need_controllers pids
	limited '{"pids": {"limit": 3}}'
	container_sh b 'sleep 1000 & sleep 1000 & sleep 1000 & sleep 1000 & echo never'
	run husk run --bundle b "$ID"
	[ "$STATUS" != 0 ] || fail "five processes under pids.max 3"
	[[ $OUT != *never* ]] || fail "five processes under pids.max 3"
	assert_match "$ERR" "fork" stderr
}

# one_process_starts JQ...: the bundle c, so changed, starts under pids.max 1, which then holds.
one_process_starts() {
	make_bundle c --arg path "/$ID-2" '.linux.resources = {"pids": {"limit": 1}} | .linux.cgroupsPath = $path |
		.process.args = ["/bin/sleep", "1000"]'
	config c "$@"
	expect_status 0 husk run --detach --bundle c "$ID-2"
	DIR=$(cgroup_dir "$ID-2")
	OF=$ID-2 expect_file pids.max 1
	OF=$ID-2 expect_processes 1
	expect_status 0 husk delete --force "$ID-2"
	container_sh c 'sleep 1000 & echo never'
	run husk run --bundle c "$ID-2"
	[[ $STATUS != 0 && $OUT != *never* ]] || fail "two processes under pids.max 1"
	rm -r c
}

# Whoever makes the container's process is none of those that the limit is for.
test_one_process_is_enough_however_it_is_made() {
	need_controllers pids
	local pid user='.linux.namespaces += [{"type": "user"}] | .linux.gidMappings = .linux.uidMappings'
	one_process_starts .
	! is_vm || return 0 # which joins no namespaces
	limited '{}'
	config b '.linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 1000}]' 
	config b "$user"
	expect_status 0 husk run --detach --bundle b "$ID"
	pid=$(husk state "$ID" | jq .pid)
	one_process_starts --arg path "/proc/$pid/ns/user" '.linux.namespaces += [{"type": "user", "path": $path}]'
	one_process_starts --arg path "/proc/$pid/ns/pid" '(.linux.namespaces[] | select(.type == "pid")).path = $path'
	end
}

# As with crun, one that is full can be looked into, but what looks can make no more.
test_exec_into_a_full_container() {
	need_controllers pids
	local jq user='.linux.namespaces += [{"type": "user"}] |
		.linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 1000}] | .linux.gidMappings = .linux.uidMappings'
	limited '{"pids": {"limit": 1}}'
	for jq in . "$user"; do
		config b "$jq"
		expect_status 0 husk run --detach --bundle b "$ID"
		DIR=$(cgroup_dir "$ID")
		expect_status 0 husk exec --detach --pid-file pid "$ID" sleep 1000
		is_vm || grep -qx "$(cat pid)" "$DIR/cgroup.procs" || fail "not in the container's cgroup"
		expect_processes 2
		run husk exec "$ID" sh -c 'sleep 1000 & echo never'
		[[ $STATUS != 0 && $OUT != *never* ]] || fail "a process was made in a full cgroup"
		end
	done
}

test_cpuset_is_seen_inside() {
	need_controllers cpuset
	is_vm || [ "$(nproc)" -gt 1 ] || skip "this machine has one CPU"
	limited '{"cpu": {"cpus": "1"}}'
	container_sh b 'grep Cpus_allowed_list /proc/self/status'
	expect_status 0 husk run --bundle b "$ID"
	assert_match "$OUT" '[[:space:]]1$' "the CPUs"
}

# 512 KiB is the least that crun names for itself.
test_smallest_memory_limit() {
	need_controllers memory
	limited '{"memory": {"limit": 524288}}'
	config b '.process.args = ["/bin/true"]'
	expect_status 0 husk run --bundle b "$ID"
}

test_too_small_a_memory_limit_is_explained() {
	need_controllers memory
	limited '{"memory": {"limit": 4096}}'
	config b '.process.args = ["/bin/true"]'
	expect_error "linux.resources.memory.limit" husk run --bundle b "$ID"
	expect_output "" husk list -q
}

# ---- whose it is ----

# The container's root may make cgroups in it where it is writable, and never loosens its limits.
test_writable_cgroup_belongs_to_the_containers_user() {
	local map='[{containerID: 0, hostID: 100000, size: 65536}]' owners='stat -c "%u %n" /sys/fs/cgroup /sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/cgroup.type'
	need_controllers
	make_bundle b ".linux.namespaces += [{type: \"user\"}] | .linux.uidMappings = $map | .linux.gidMappings = $map |
		.linux.cgroupsPath = \"/$ID\" | .mounts |= map(select(.type != \"sysfs\") |
			if .type == \"cgroup\" then .options -= [\"ro\"] else . end)"
	chown -R 100000:100000 b/rootfs
	container_sh b "cd /sys/fs/cgroup && mkdir deeper && echo 0 >deeper/cgroup.procs && grep -c deeper /proc/self/cgroup; $owners"
	expect_output $'1\n0 /sys/fs/cgroup\n0 /sys/fs/cgroup/cgroup.procs\n65534 /sys/fs/cgroup/cgroup.type' husk run --bundle b "$ID"
	container_sh b "$owners" '.mounts |= map(if .type == "cgroup" then .options += ["ro"] else . end)'
	expect_output $'65534 /sys/fs/cgroup\n65534 /sys/fs/cgroup/cgroup.procs\n65534 /sys/fs/cgroup/cgroup.type' husk run --bundle b "$ID"
}

# ---- update ----

# The container comes last.
update() { husk update "$@" "$ID"; }

test_update_by_options() {
	need_controllers cpu cpuset memory pids
	start_limited '{}'
	expect_status 0 update --memory 64m --memory-swap 96m --memory-reservation 32MiB --cpu-share 512 --cpu-quota 50000 \
		--cpu-period 200000 --cpuset-cpus 0 --cpuset-mems 0 --pids-limit 77
	expect_file memory.max 67108864
	expect_file memory.swap.max 33554432
	expect_file memory.low 33554432
	expect_file cpu.weight 59
	expect_file cpu.max "50000 200000"
	expect_host_file cpuset.cpus 0
	expect_host_file cpuset.mems 0
	expect_file pids.max 77
	# what is left out stays, and completes what is given
	expect_status 0 update --cpu-quota 20000
	expect_file cpu.max "20000 200000"
	expect_status 0 update --cpu-quota=-1 --pids-limit=-1
	expect_file cpu.max "max 200000"
	expect_file pids.max max
	expect_status 0 update --memory-swap 65m
	expect_file memory.swap.max 1048576
	expect_status 0 update --memory -1
	expect_file memory.max max
	expect_file memory.swap.max max
	expect_status 0 husk exec "$ID" true
	expect_file cpu.max "max 200000"
	end
}

test_update_by_file_and_by_standard_input() {
	need_controllers pids memory
	start_limited '{"pids": {"limit": 5}}'
	echo '{"pids": {"limit": 6}, "unified": {"memory.high": "123400192"}}' >r.json
	expect_status 0 update --resources r.json
	expect_file pids.max 6
	expect_file memory.high 123400192
	echo '{"pids": {"limit": 7}}' | husk update -r - "$ID"
	expect_file pids.max 7
	echo '{"pids": {"limit": 8}}' | husk update --resources=- "$ID"
	expect_file pids.max 8
	# what containerd sends: the whole section
	jq '.linux.resources | .pids.limit = 9' b/config.json | husk update --resources=- "$ID"
	expect_file pids.max 9
	end
}

test_refused_update_changes_nothing() {
	need_controllers cpu memory pids
	start_limited '{"pids": {"limit": 5}, "cpu": {"quota": 50000}}'
	expect_error "cpu.quota: write '1 100000' to cpu.max: Invalid argument; nothing is changed" \
		update --pids-limit 9 --memory 64m --cpu-quota 1
	expect_file pids.max 5
	expect_file memory.max max
	expect_file cpu.max "50000 100000"
	echo '{"pids": {"limit": 9}, "devices": [{"allow": true, "access": "x"}]}' >r.json
	expect_error "devices\[0\].access: expected letters" update -r r.json
	echo '{"pids": {"limit": 9}, "memory": {"limit": "1g"}}' >r.json
	expect_error "memory.limit: expected a number, got a string" update -r r.json
	echo '{"pids": {"limit": 9}' >r.json
	expect_error "." update -r r.json
	echo '[]' >r.json
	expect_error "expected an object" update -r r.json
	expect_error "nonsense" update -r nonsense
	expect_error "option '--memory': expected bytes" update --memory 1x
	expect_error "option '--pids-limit': expected a number" update --pids-limit many
	expect_error "cpu.realtimeRuntime: cgroup v2 has no such limit" update --cpu-rt-runtime 1000
	expect_error "was made without linux.intelRdt" update --l3-cache-schema L3:0=f
	expect_file pids.max 5
	end
}

test_update_checks_what_is_in_use() {
	need_controllers memory
	start_limited '{}'
	echo '{"memory": {"limit": 4096, "checkBeforeUpdate": true}}' >r.json
	expect_error "memory.limit: 4096 bytes are not above the [0-9]+ that are in use" update -r r.json
	expect_file memory.max max
	end
}

test_update_of_kernel_memory_is_ignored() {
	need_controllers pids
	start_limited '{}'
	expect_status 0 update --kernel-memory 1m --kernel-memory-tcp 1m --pids-limit 4
	assert_match "$ERR" "--kernel-memory: cgroup v2 has no such limit: ignoring" warning
	expect_file pids.max 4
	end
}

# Works where there is no controller at all. The kernel lets anybody open kmsg to write.
test_update_replaces_device_rules() {
	need_controllers
	local deny='{"allow": false, "access": "rwm"}' open=': >/dev/kmsg'
	limited "{\"devices\": [$deny]}"
	config b '.linux.devices = [{"path": "/dev/kmsg", "type": "c", "major": 1, "minor": 11, "fileMode": 438}]'
	expect_status 0 husk run --detach --bundle b "$ID"
	expect_status 0 husk exec "$ID" sh -c 'echo x >/dev/null'
	run husk exec "$ID" sh -c "$open"
	[ "$STATUS" != 0 ] || fail "a device that is not allowed was opened"
	echo "{\"devices\": [$deny, {\"allow\": true, \"type\": \"c\", \"major\": 1, \"minor\": 11, \"access\": \"w\"}]}" >r.json
	for _ in 1 2 3; do expect_status 0 update -r r.json; done
	expect_status 0 husk exec "$ID" sh -c "$open"
	expect_status 0 husk exec "$ID" sh -c 'echo x >/dev/null'
	echo "{\"devices\": [$deny]}" >r.json
	expect_status 0 update -r r.json
	run husk exec "$ID" sh -c "$open"
	[ "$STATUS" != 0 ] || fail "the old rule still holds"
	echo '{"devices": [{"allow": true, "access": "rwm"}]}' >r.json
	expect_status 0 update -r r.json
	expect_status 0 husk exec "$ID" sh -c "$open"
	end
}

# The last step of all, the schemata, cannot be done: what was changed before it is as it was.
test_update_whose_last_step_fails_takes_all_back() {
	need_controllers hugetlb
	[ -d /sys/kernel/mm/hugepages/hugepages-2048kB ] || skip "no huge pages of 2 MiB on this machine"
	local deny='{"allow": false, "access": "rwm"}' allow='{"allow": true, "access": "rwm"}' open=': >/dev/kmsg'
	local limit='"hugepageLimits": [{"pageSize": "2MB", "limit": 4194304}]'
	limited "{$limit, \"devices\": [$deny]}"
	config b '.linux.devices = [{"path": "/dev/kmsg", "type": "c", "major": 1, "minor": 11, "fileMode": 438}]'
	expect_status 0 husk run --detach --bundle b "$ID"
	DIR=$(cgroup_dir "$ID")
	echo "{${limit/4194304/2097152}, \"devices\": [$allow]}" >r.json
	expect_error "was made without linux.intelRdt" update -r r.json --l3-cache-schema L3:0=f
	expect_file hugetlb.2MB.max 4194304
	run husk exec "$ID" sh -c "$open"
	[ "$STATUS" != 0 ] || fail "the device filter of the update is left"
	expect_status 0 update -r r.json
	expect_file hugetlb.2MB.max 2097152
	expect_status 0 husk exec "$ID" sh -c "$open"
	# now there is no filter to go back to
	echo "{\"devices\": [$deny]}" >r.json
	expect_error "was made without linux.intelRdt" update -r r.json --l3-cache-schema L3:0=f
	expect_status 0 husk exec "$ID" sh -c "$open"
	end
}

# What it enabled above stays, as another container may rely on it by then; it limits nobody.
test_controllers_that_a_refused_update_enabled_limit_nothing() {
	need_controllers hugetlb
	[ -d /sys/kernel/mm/hugepages/hugepages-2048kB ] || skip "no huge pages of 2 MiB on this machine"
	local above beside
	above=$(cgroup2_root)/$ID-above
	limited '{}'
	config b --arg path "/$ID-above/c" '.linux.cgroupsPath = $path'
	expect_status 0 husk run --detach --bundle b "$ID"
	DIR=$above/c beside=$above/beside
	mkdir "$beside"
	echo -hugetlb >"$above/cgroup.subtree_control"
	[ ! -e "$DIR/hugetlb.2MB.max" ] || fail "the controller is still there"
	echo '{"hugepageLimits": [{"pageSize": "2MB", "limit": 2097152}]}' >r.json
	expect_error "was made without linux.intelRdt" update -r r.json --l3-cache-schema L3:0=f
	assert_match "$(cat "$above/cgroup.subtree_control")" '\bhugetlb\b' "what children of the cgroup above have"
	expect_file hugetlb.2MB.max max
	assert_match "$(cat "$beside/hugetlb.2MB.max")" '^(max|9[0-9]{18})$' "the limit of another"
	end
	rmdir "$beside" "$above"
}

test_update_of_what_cannot_be() {
	expect_error "container 'nothing' does not exist" husk update --pids-limit 4 nothing
	need_controllers
	limited '{}'
	config b '.process.args = ["/bin/true"]'
	expect_status 0 husk run --keep --bundle b "$ID"
	expect_error "container not running" update --pids-limit 4
	end
	expect_status 0 husk --cgroup-manager disabled create --bundle b "$ID"
	expect_error "$(is_vm && echo "was not started" || echo "runs without a cgroup")" update --pids-limit 4
	end
}

# ---- whoever is in the cgroup ends with the container ----

# start_without_pid_namespace COMMAND: a container whose processes do not end with its init.
start_without_pid_namespace() {
	limited '{}'
	container_sh b "$1" 'del(.linux.namespaces[] | select(.type == "pid")) | .root.readonly = false |
		.mounts |= map(select(.type != "proc"))'
}

no_process_in() { ! grep -q 1 <<<"$(sed -n 's/populated //p' "$1/cgroup.events" 2>/dev/null)"; }

test_kill_ends_all_without_a_pid_namespace() {
	need_controllers
	start_without_pid_namespace 'sleep 1000 & sleep 1000'
	expect_status 0 husk run --detach --bundle b "$ID"
	DIR=$(cgroup_dir "$ID")
	wait_for 10 sh -c "[ \$(wc -l <'$DIR/cgroup.procs') -ge 2 ]"
	expect_status 0 husk kill "$ID" KILL
	wait_for 10 no_process_in "$DIR"
	expect_status 0 husk delete "$ID"
}

test_kill_reaches_what_an_ended_init_left() {
	need_controllers
	start_without_pid_namespace 'sleep 1000 & exit 0'
	expect_status 0 husk run --detach --bundle b "$ID"
	wait_for 10 is_status "$ID" stopped
	DIR=$(cgroup2_root)/$ID
	expect_error "container not running" husk kill "$ID" TERM
	assert_eq "$(wc -l <"$DIR/cgroup.procs")" 1 "processes that are left"
	expect_status 0 husk kill "$ID" KILL
	wait_for 10 no_process_in "$DIR"
	expect_error "container not running" husk kill "$ID" KILL
	expect_status 0 husk delete "$ID"
}

test_delete_and_run_end_what_is_left() {
	need_controllers
	start_without_pid_namespace 'sleep 1000 & exit 0'
	expect_status 0 husk run --bundle b "$ID"
	[ ! -e "$(cgroup2_root)/$ID" ] || fail "the cgroup is left after run"
	expect_status 0 husk run --detach --bundle b "$ID"
	wait_for 10 is_status "$ID" stopped
	expect_status 0 husk delete "$ID"
	[ ! -e "$(cgroup2_root)/$ID" ] || fail "the cgroup is left after delete"
	start_without_pid_namespace 'sleep 1000 & sleep 1000'
	expect_status 0 husk run --detach --bundle b "$ID"
	expect_status 0 husk pause "$ID"
	end
	[ ! -e "$(cgroup2_root)/$ID" ] || fail "the cgroup is left after delete --force"
}

# Whoever else ends what is left may remove the cgroup (systemd does) while delete is about to kill.
test_delete_while_the_cgroup_goes() {
	need strace
	is_husk || skip "for husk alone"
	start_without_pid_namespace 'sleep 1000 & exit 0'
	expect_status 0 husk run --detach --bundle b "$ID"
	wait_for 10 is_status "$ID" stopped
	DIR=$(cgroup2_root)/$ID
	strace -o calls -e trace=write -e inject=write:delay_enter=3000000:when=1 "$HUSK" --root "$ROOT" delete "$ID" 2>err &
	sleep 1 # to get there; a delete that comes later finds nobody to kill
	kill -KILL "$(cat "$DIR/cgroup.procs")" || true # a delete that was faster has done so
	cgroup_is_gone() { [ ! -e "$DIR" ] || rmdir "$DIR"; }
	wait_for 10 cgroup_is_gone
	wait $! || fail "delete: $(cat err)"
}

# ---- ordinary users ----

test_without_a_cgroup_a_user_is_told_what_is_not_enforced() {
	is_root || skip "needs root"
	as_user true
	copy_husk "$T"
	cd "$T/home"
	as_user sh -c 'mkdir b && cp -a "$1" b/rootfs && cd b && "$2" spec --rootless' sh "$HUSK_TEMPLATE" "$HUSK"
	config b '.process.terminal = false | .process.args = ["/bin/true"] |
		.linux.resources = {"pids": {"limit": 33}, "memory": {"limit": 67108864}} | '"$ROOTLESS"
	! is_vm || config b '.vm = {"hwConfig": {"memory": 268435456}}'
	chmod 0644 b/config.json
	if is_vm; then
		hold_in_the_guest as_user "$HUSK" --root "$T/home/state" run --bundle "$T/home/b" "$ID"
		return
	fi
	expect_status 0 as_user "$HUSK" --root "$T/home/state" run --bundle "$T/home/b" "$ID"
	assert_match "$ERR" "running without a cgroup" warning
	assert_match "$ERR" "linux.resources.pids.limit: not enforced without a cgroup of its own: ignoring" warning
	assert_match "$ERR" "linux.resources.memory.limit: not enforced" warning
}

test_a_user_in_a_cgroup_of_others_is_told_the_way() {
	is_root || skip "needs root"
	local own
	own=$(cgroup2_root)/$ID
	mkdir "$own"
	chown -R "$HUSK_TEST_USER" "$own"
	chmod 0755 "$T"
	as_user cp -r "$HUSK_TEMPLATE" "$T/home/rootfs"
	as_user sh -c 'cd && "$0" spec --rootless && jq --arg path "/$1/c" ".process.terminal = false |
		.linux.cgroupsPath = \$path | $2" config.json >new && mv new config.json' "$HUSK" "$ID" "$ROOTLESS"
	expect_error 'systemd-run --user --scope' as_user sh -c 'cd && exec "$0" --root "$PWD/state" run "$1"' "$HUSK" "$ID"
	[ ! -e "$own/c" ] || fail "its cgroup was left"
	rmdir "$own"
}

# In the session of a user of the lab, whose cgroup is delegated.
test_limits_hold_in_a_delegated_cgroup() {
	local own
	need as-lab-user.sh systemd-run
	own=$(as-lab-user.sh sh -c 'echo "/user.slice/user-$(id -u).slice/user@$(id -u).service"')
	as-lab-user.sh sh -c 'mkdir -p b && cp -a "$1" b/rootfs && cd b && rm -f config.json && "$2" spec --rootless &&
		jq --arg path "$3" "$4" config.json >c && mv c config.json' sh "$HUSK_TEMPLATE" "$HUSK" "$own/mine/$ID" \
		'.process.terminal = false | .process.args = ["/bin/sleep", "1000"] | .linux.cgroupsPath = $path |
		.linux.resources = {"pids": {"limit": 33}, "memory": {"limit": 67108864}, "devices": [{"allow": false}]}'
	DIR=$(cgroup2_root)$own/mine/$ID
	expect_status 0 as-lab-user.sh systemd-run --user --scope -q sh -c "$HUSK run -d -b b $ID </dev/null >/dev/null 2>&1"
	expect_file pids.max 33
	expect_file memory.max 67108864
	expect_status 0 as-lab-user.sh "$HUSK" update --pids-limit 44 "$ID"
	expect_file pids.max 44
	expect_status 0 as-lab-user.sh "$HUSK" delete --force "$ID"
	[ ! -e "$DIR" ] || fail "the cgroup is left"
}

run_tests "$@"
