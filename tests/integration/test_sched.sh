#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# How a process shares the machine: scheduler, ioPriority, execCPUAffinity, personality,
# memoryPolicy, intelRdt.
# runs-as: root user
# lab-smoke: test_real_time_in_a_user_namespace
# shellcheck disable=SC2016,SC2034 # $names in single quotes are the container's shell's; ROOT_ONLY is lib.sh's
set -eu
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
private_cgroup2 "$@"

ROOT_ONLY="test_real_time_policies test_a_real_time_user test_real_time_in_a_user_namespace test_deadline"
ROOT_ONLY+=" test_io_priority_of_real_time"
USER_ONLY="test_what_an_ordinary_user_may_not"

# Of /proc/PID/stat (proc_pid_stat(5)): nice, rt_priority, policy.
SHOW='read -r s </proc/self/stat; set -- ${s##*) }; echo "nice ${17} priority ${38} policy ${39}"'

# expect_sched SCHEDULER TEXT [JQ]: what the container's process sees of itself.
expect_sched() {
	[ -d b ] || make_bundle b
	container_sh b "$SHOW" --argjson s "$1" ".process.scheduler = \$s | ${3:-.}"
	expect_output "$2" husk run -b b "$ID"
}

# start_container JQ: one that sleeps.
start_container() {
	make_bundle b '.process.args = ["/bin/sleep", "1000"]'
	config b "$1"
	! is_vm || config b '.vm = {"hwConfig": {"vcpus": 2}}'
	expect_status 0 husk create -b b "$ID"
	expect_status 0 husk start "$ID"
}

two_cpus() {
	if is_vm; then # start_container gives it two
		CPU=(0 1) ALL_CPUS=0-1
		return
	fi
	[ "$(nproc)" -ge 2 ] || skip "one CPU only"
	mapfile -t CPU < <(taskset -cp $$ | sed 's/.*: //' | tr , '\n' |
		while IFS=- read -r a b; do seq "$a" "${b:-$a}"; done)
	ALL_CPUS=$(sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' /proc/self/status)
}

# ---- scheduler and ioPriority ----

test_nice() {
	expect_sched '{"policy": "SCHED_OTHER", "nice": 7}' 'nice 7 priority 0 policy 0'
	expect_sched '{"policy": "SCHED_BATCH", "nice": 19}' 'nice 19 priority 0 policy 3'
	expect_sched '{"policy": "SCHED_IDLE"}' 'nice 0 priority 0 policy 5'
	expect_sched null 'nice 0 priority 0 policy 0'
}

test_real_time_policies() {
	expect_sched '{"policy": "SCHED_FIFO", "priority": 10}' 'nice 0 priority 10 policy 1'
	expect_sched '{"policy": "SCHED_RR", "priority": 1}' 'nice 0 priority 1 policy 2'
	expect_sched '{"policy": "SCHED_OTHER", "nice": -5}' 'nice -5 priority 0 policy 0'
	# in place of the shell, as the policy is not for its children
	make_bundle c '.process.args = ["/bin/awk", "{ print $41 }", "/proc/self/stat"] |
		.process.scheduler = {policy: "SCHED_FIFO", priority: 2, flags: ["SCHED_FLAG_RESET_ON_FORK"]}'
	expect_output 1 husk run -b c "$ID"
	container_sh c 'awk "{ print \$41 }" /proc/self/stat; :'
	expect_output 0 husk run -b c "$ID"
}

# Set before the process becomes one that could not.
test_a_real_time_user() {
	expect_sched '{"policy": "SCHED_FIFO", "priority": 10}' 'nice 0 priority 10 policy 1' \
		'.process.user = {uid: 1000, gid: 1000} | .process.capabilities = {}'
}

# The kernel asks for CAP_SYS_NICE in the first user namespace.
test_real_time_in_a_user_namespace() {
	expect_sched '{"policy": "SCHED_RR", "priority": 3}' 'nice 0 priority 3 policy 2' \
		'.linux.namespaces += [{type: "user"}] |
		.linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings'
	config b '.process.args = ["/bin/sleep", "1000"] | .process.scheduler = {policy: "SCHED_OTHER", nice: -3}'
	expect_status 0 husk create -b b "$ID"
	expect_status 0 husk start "$ID"
	expect_output 'nice -3 priority 0 policy 0' husk exec "$ID" sh -c "$SHOW"
	expect_status 0 husk delete --force "$ID"
}

test_deadline() {
	make_bundle b '.process.args = ["/bin/true"]'
	container_sh b "$SHOW" '.process.scheduler =
		{policy: "SCHED_DEADLINE", runtime: 1000000, deadline: 10000000, period: 20000000}'
	run husk run -b b "$ID"
	if [ "$STATUS" != 0 ] && grep -q 'no processor time is left\|all CPUs' <<<"$ERR"; then
		skip "the kernel gives no deadline here: $ERR"
	fi
	assert_eq "$OUT" 'nice 0 priority 0 policy 6'
}

test_what_an_ordinary_user_may_not() {
	make_bundle b '.process.scheduler = {policy: "SCHED_FIFO", priority: 10}'
	expect_error 'process.scheduler: SCHED_FIFO with priority 10 needs CAP_SYS_NICE' husk run -b b "$ID"
	config b '.process.scheduler = {policy: "SCHED_OTHER", nice: -5}'
	expect_error 'process.scheduler: SCHED_OTHER with nice -5 needs CAP_SYS_NICE or RLIMIT_NICE' husk run -b b "$ID"
	config b 'del(.process.scheduler) | .process.ioPriority = {class: "IOPRIO_CLASS_RT", priority: 0}'
	expect_error 'process.ioPriority: IOPRIO_CLASS_RT needs CAP_SYS_NICE or CAP_SYS_ADMIN' husk run -b b "$ID"
}

test_impossible_schedulers_are_refused() {
	make_bundle b '.process.scheduler = {policy: "SCHED_FIFO"}'
	expect_error 'process.scheduler.priority: SCHED_FIFO needs' husk run -b b "$ID"
	config b '.process.scheduler = {policy: "SCHED_ISO"}'
	expect_error "process.scheduler.policy: Linux has no 'SCHED_ISO'" husk run -b b "$ID"
}

test_io_priority() {
	make_bundle b '.process.args = ["/bin/ionice"] | .process.ioPriority = {class: "IOPRIO_CLASS_BE", priority: 6}'
	expect_output 'best-effort: prio 6' husk run -b b "$ID"
	config b '.process.ioPriority = {class: "IOPRIO_CLASS_IDLE"}'
	expect_status 0 husk run -b b "$ID"
	assert_match "$OUT" '^idle'
}

test_io_priority_of_real_time() {
	make_bundle b '.process.args = ["/bin/ionice"] | .process.ioPriority = {class: "IOPRIO_CLASS_RT", priority: 2}'
	expect_output 'realtime: prio 2' husk run -b b "$ID"
}

# What --process does not say stays as the container has it.
test_exec_has_the_containers_scheduler() {
	start_container '.process.scheduler = {policy: "SCHED_BATCH", nice: 4} |
		.process.ioPriority = {class: "IOPRIO_CLASS_BE", priority: 5}'
	expect_output 'nice 4 priority 0 policy 3' husk exec "$ID" sh -c "$SHOW"
	expect_output 'best-effort: prio 5' husk exec "$ID" ionice
	jq --arg s "$SHOW" '.process | .args = ["sh", "-c", $s + "; ionice"] | del(.scheduler) |
		.ioPriority = {class: "IOPRIO_CLASS_BE", priority: 7}' b/config.json >p.json
	expect_output $'nice 4 priority 0 policy 3\nbest-effort: prio 7' husk exec --process p.json "$ID"
	jq '.scheduler = {policy: "SCHED_OTHER", nice: 9} | del(.ioPriority)' p.json >q.json
	expect_output $'nice 9 priority 0 policy 0\nbest-effort: prio 5' husk exec --process q.json "$ID"
	expect_status 0 husk delete --force "$ID"
}

# ---- execCPUAffinity ----

test_exec_runs_on_its_final_cpus() {
	two_cpus
	start_container ".process.execCPUAffinity = {final: \"${CPU[1]}\"}"
	expect_output "${CPU[1]}" husk exec "$ID" sh -c 'sed -n "s/^Cpus_allowed_list:[[:space:]]*//p" /proc/self/status'
	# not for the container's own process
	expect_output "$ALL_CPUS" husk exec "$ID" sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' /proc/1/status
	jq --arg c "${CPU[0]}" '.process | .args = ["grep", "Cpus_allowed_list", "/proc/self/status"] |
		.execCPUAffinity = {initial: "0-1", final: $c}' b/config.json >p.json
	expect_status 0 husk exec --process p.json "$ID"
	assert_match "$OUT" "[[:space:]]${CPU[0]}\$"
	expect_status 0 husk delete --force "$ID"
}

may_run_on() { [ "$(taskset -cp "$1" | sed 's/.*: //')" = "$2" ]; } # PID CPUS

# husk itself is on the initial CPUs only until the process is there.
test_exec_begins_on_its_initial_cpus() {
	two_cpus
	start_container ".process.execCPUAffinity = {initial: \"${CPU[1]}\"}"
	local all want cg
	all=$(taskset -cp $$ | sed 's/.*: //')
	# being born into a cgroup with the cpuset controller ends what was set before (cpusets(7))
	cg=$(cgroup2_root)$(sed -n 's/^0:://p' "/proc/$(husk state "$ID" | jq .pid)/cgroup")
	want=${CPU[1]}
	[[ $cg != *"$ID"* ]] || want=$(cat "$cg/cpuset.cpus.effective" 2>/dev/null || echo "${CPU[1]}")
	! is_vm || want=$(husk exec "$ID" cat /sys/fs/cgroup/cpuset.cpus.effective 2>/dev/null || echo "${CPU[1]}")
	expect_output "$want" husk exec "$ID" sh -c 'sed -n "s/^Cpus_allowed_list:[[:space:]]*//p" /proc/self/status'
	mkfifo go
	husk_exec exec "$ID" sh -c 'echo up; read x' <go >out &
	exec 9>go
	wait_for 10 grep -q up out
	wait_for 10 may_run_on $! "$all" # what it made may be quicker than husk itself
	echo >&9
	wait $!
	expect_status 0 husk delete --force "$ID"
}

test_cpus_that_are_not_there() {
	start_container '.process.execCPUAffinity = {final: "8000"}'
	expect_error "process.execCPUAffinity.final: none of the CPUs '8000' may be used" husk exec "$ID" true
	jq '.process | .execCPUAffinity = {initial: "8001"}' b/config.json >p.json
	expect_error "process.execCPUAffinity.initial: none of the CPUs '8001' may be used" \
		husk exec --process p.json "$ID"
	expect_status 0 husk delete --force "$ID"
}

# ---- personality and memoryPolicy ----

test_personality() {
	[ "$(uname -m)" = x86_64 ] || skip "tells an i686 by x86_64"
	make_bundle b '.process.args = ["/bin/uname", "-m"] | .linux.personality = {domain: "LINUX32"}'
	expect_output i686 husk run -b b "$ID"
	config b '.linux.personality = {domain: "LINUX"}'
	expect_output x86_64 husk run -b b "$ID"
	config b '.process.args = ["/bin/sleep", "1000"] | .linux.personality = {domain: "LINUX32"}'
	expect_status 0 husk create -b b "$ID"
	expect_status 0 husk start "$ID"
	expect_output i686 husk exec "$ID" uname -m
	expect_status 0 husk delete --force "$ID"
}

test_memory_policy() {
	[ -e /proc/self/numa_maps ] || skip "a kernel without CONFIG_NUMA"
	local text='awk "NR == 1 { print \$2 }" /proc/self/numa_maps'
	make_bundle b
	container_sh b "$text" '.linux.memoryPolicy = {mode: "MPOL_BIND", nodes: "0"}'
	expect_output bind:0 husk run -b b "$ID"
	config b '.linux.memoryPolicy = {mode: "MPOL_INTERLEAVE", nodes: "0-0", flags: ["MPOL_F_STATIC_NODES"]}'
	expect_output interleave=static:0 husk run -b b "$ID"
	config b '.linux.memoryPolicy = {mode: "MPOL_LOCAL"}'
	expect_output local husk run -b b "$ID"
	config b '.linux.memoryPolicy = {mode: "MPOL_DEFAULT"}'
	expect_output default husk run -b b "$ID"
	config b '.linux.memoryPolicy = {mode: "MPOL_BIND", nodes: "1023"}'
	expect_error 'linux.memoryPolicy: set_mempolicy: MPOL_BIND on nodes 1023' husk run -b b "$ID"
	config b '.process.args = ["/bin/sleep", "1000"] | .linux.memoryPolicy = {mode: "MPOL_PREFERRED", nodes: "0"}'
	expect_status 0 husk create -b b "$ID"
	expect_status 0 husk start "$ID"
	expect_status 0 husk exec "$ID" sh -c "$text"
	assert_match "$OUT" '^prefer.*:0$'
	expect_status 0 husk delete --force "$ID"
}

# A filter is for the program: it does not hinder husk.
test_they_are_set_before_the_filter() {
	make_bundle b
	container_sh b 'uname -m' '.process.noNewPrivileges = false |
		.process.scheduler = {policy: "SCHED_OTHER", nice: 3} | .process.ioPriority = {class: "IOPRIO_CLASS_IDLE"} |
		.linux.personality = {domain: "LINUX32"} | .linux.memoryPolicy = {mode: "MPOL_LOCAL"} |
		.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{action: "SCMP_ACT_KILL_PROCESS",
			names: ["sched_setattr", "ioprio_set", "personality", "set_mempolicy", "sched_setaffinity"]}]}'
	expect_status 0 husk run -b b "$ID"
	assert_match "$OUT" '^i.86$|^arm|^aarch64$'
}

# ---- intelRdt ----

test_intel_rdt_without_resctrl() {
	! mountpoint -q /sys/fs/resctrl || skip "this machine has resctrl: its groups are not for tests"
	make_bundle b '.linux.intelRdt = {closID: "husk-test", schemata: ["L3:0=f"], enableMonitoring: true}'
	expect_error 'linux.intelRdt: no resctrl file system is mounted on /sys/fs/resctrl' husk run -b b "$ID"
	expect_error 'linux.intelRdt: no resctrl file system is mounted on /sys/fs/resctrl' husk create -b b "$ID"
}

run_tests "$@"
