#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Annotations of config.json that mean something to husk, and /etc/husk/husk.json.
# runs-as: root user
# shellcheck disable=SC2016,SC2034 # $names in single quotes are another shell's or jq's; ROOT_ONLY is lib.sh's
set -eu
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
private_cgroup2 "$@"

ROOT_ONLY="test_hook_output test_the_containers_own_hook_gets_no_file_of_the_host test_pidfd_receiver test_who_may_write_husk_json"
ROOT_ONLY+=" test_properties_of_a_unit test_properties_with_power_must_be_allowed test_a_cgroup_below_the_scope"
ROOT_ONLY+=" test_what_husk_json_may_hold test_groups_are_kept test_husk_json_is_not_read_without_need"

# annotated JQ_OBJECT [JQ]: a bundle b that has these annotations
annotated() {
	[ -d b ] || make_bundle b
	config b ".annotations = $1 | ${2:-.}"
}

# allowing NAMES COMMAND...: with a /etc/husk/husk.json that allows these, in JSON; $HUSK_JSON in its place, if set
allowing() {
	local names=$1
	shift
	with_husk_json "${HUSK_JSON:-{\"allowedAnnotations\": $names\}}" "$@"
}

allowing_husk() {
	local names=$1
	shift
	# shellcheck disable=SC2086 # words
	allowing "$names" "$HUSK" --root "$ROOT" $HUSK_FLAGS "$@"
}

# What they do where a VM can be had: test_vm.sh. The config of an ordinary user has the host's network.
test_what_asks_for_a_vm() {
	local value
	for value in vm krun; do
		annotated "{\"run.oci.handler\": \"$value\"}" 'del(.linux.namespaces[] | select(.type == "network"))'
		expect_error "linux.namespaces: no 'network': a VM cannot share the host's" husk run -b b "$ID"
	done
	annotated '{"io.husk.isolation": "vm"}'
	expect_error "linux.namespaces: no 'network': a VM cannot share the host's" husk create -b b "$ID"
}

test_a_wall_that_is_unknown_is_refused() {
	annotated '{"run.oci.handler": "wasm"}'
	expect_error "annotations\\[\"run.oci.handler\"\\]: unknown handler 'wasm': expected vm or krun" husk run -b b "$ID"
	annotated '{"io.husk.isolation": "container", "run.oci.handler": ""}'
	expect_status 0 husk run -b b "$ID"
}

test_what_cannot_be_had_is_refused_by_name() {
	local name
	for name in delegate-cgroup seccomp.plugins seccomp.receiver seccomp_bpf_data systemd.force_cgroup_v1 timens_offset; do
		annotated "{\"run.oci.$name\": \"/x\"}"
		expect_error "annotations\\[\"run.oci.$name\"\\]: not supported: " husk run -b b "$ID"
	done
}

test_unknown_ones_are_warned_of_and_others_are_notes() {
	annotated '{"run.oci.no-such": "1", "org.example.key": "vm", "run.oci.systemd.subgroup": ""}'
	expect_status 0 husk run -b b "$ID"
	assert_match "$ERR" 'warning: annotations\["run.oci.no-such"\]: unknown: ignoring'
	assert_eq "$(wc -l <<<"$ERR")" 1 "lines of warnings"
}

test_paths_of_the_host_are_off() {
	local name
	for name in hooks.stdout hooks.stderr pidfd_receiver; do
		annotated "{\"run.oci.$name\": \"$T/file\"}"
		expect_error "annotations\\[\"run.oci.$name\"\\]: names a path of the host, which 'allowedAnnotations' in '/etc/husk/husk.json' does not allow" \
			husk run -b b "$ID"
		annotated "{\"run.oci.$name\": \"file\"}"
		expect_error "annotations\\[\"run.oci.$name\"\\]: expected an absolute path, got 'file'" husk run -b b "$ID"
	done
	[ ! -e "$T/file" ] || fail "the file was made"
}

test_unknown_system_calls() {
	local rules='.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["mkdir", "no_such_call"], action: "SCMP_ACT_ERRNO"}]}'
	annotated '{}' "$rules"
	expect_status 0 husk run -b b "$ID"
	annotated '{"run.oci.seccomp_fail_unknown_syscall": "1"}' "$rules"
	expect_error 'annotations\["run.oci.seccomp_fail_unknown_syscall"\]: linux.seccomp.syscalls\[0\].names\[1\]: unknown system call .no_such_call' \
		husk run -b b "$ID"
	annotated '{"run.oci.seccomp_fail_unknown_syscall": "0"}' "$rules"
	expect_status 0 husk run -b b "$ID"
}

test_groups_are_kept() {
	local show='s/^Groups:[[:space:]]*\([0-9 ]*[0-9]\) *$/\1/p'
	local groups='{"run.oci.keep_original_groups": "1"}' map='[{"containerID": 0, "hostID": 0, "size": 65536}]'
	container() { setpriv --groups 4242,4243 "$HUSK" --root "$ROOT" "$@"; }
	annotated '{}' ".process.args = [\"sed\", \"-n\", \"${show//\\/\\\\}\", \"/proc/self/status\"]"
	expect_output '' container run -b b "$ID"
	annotated "$groups"
	expect_output '4242 4243' container run -b b "$ID"
	config b --argjson m "$map" '.linux.uidMappings = $m | .linux.gidMappings = $m | .linux.namespaces += [{type: "user"}]'
	expect_output '4242 4243' container run -b b "$ID"
	config b '.process.args = ["/bin/sleep", "1000"] | .linux.namespaces -= [{type: "user"}] | del(.linux.uidMappings, .linux.gidMappings)'
	expect_status 0 container create -b b "$ID"
	expect_status 0 husk start "$ID"
	expect_output '4242 4243' container exec "$ID" sed -n "$show" /proc/self/status
	expect_status 0 husk delete -f "$ID"
}

hook() { printf '{"path": "/bin/sh", "args": ["sh", "-c", "echo out %s; echo err %s >&2"]}' "$1" "$1"; }

test_hook_output() {
	local kind hooks='{}'
	for kind in prestart createRuntime createContainer poststart poststop; do
		hooks=$(jq -c --arg k "$kind" --argjson h "$(hook "$kind")" '.[$k] = [$h]' <<<"$hooks")
	done
	annotated "{\"run.oci.hooks.stdout\": \"$T/out\", \"run.oci.hooks.stderr\": \"$T/err\"}" ".hooks = $hooks | .process.args = [\"/bin/true\"]"
	echo before >"$T/out"
	expect_status 0 allowing_husk '["run.oci.hooks.stdout", "run.oci.hooks.stderr"]' run -b b "$ID"
	assert_eq "$(tr '\n' ' ' <"$T/out")" 'before out prestart out createRuntime out createContainer out poststart out poststop ' "standard output"
	assert_eq "$(tr '\n' ' ' <"$T/err")" 'err prestart err createRuntime err createContainer err poststart err poststop ' "standard error"
	assert_eq "$(stat -c %a "$T/err")" 600 "the file's mode"
	expect_error 'run.oci.hooks.stdout.*does not allow' allowing_husk '["run.oci.hooks.stderr"]' run -b b "$ID"
	config b '.hooks = {createRuntime: [{path: "/bin/false"}]}'
	expect_error 'ended with status 1: see the file of run.oci.hooks.stderr' \
		allowing_husk '["run.oci.hooks.stdout", "run.oci.hooks.stderr"]' run -b b "$ID"
}

test_the_containers_own_hook_gets_no_file_of_the_host() {
	annotated "{\"run.oci.hooks.stdout\": \"$T/out\"}" ".hooks = {startContainer: [$(hook startContainer)]}"
	expect_status 0 allowing_husk '["run.oci.hooks.stdout"]' run -b b "$ID"
	[ ! -s "$T/out" ] || fail "it wrote '$(cat "$T/out")'"
}

test_pidfd_receiver() {
	command -v python3 >/dev/null || skip "no python3"
	annotated "{\"run.oci.pidfd_receiver\": \"$T/s\"}"
	python3 - "$T/s" >pidfd <<-'EOF2' &
		import os, socket, sys
		s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
		s.bind(sys.argv[1] + ".new")
		s.listen(1)
		os.rename(sys.argv[1] + ".new", sys.argv[1])
		c, _ = s.accept()
		_, fds, _, _ = socket.recv_fds(c, 4096, 1)
		print([l for l in open("/proc/self/fdinfo/%d" % fds[0]) if l.startswith("Pid:")][0])
	EOF2
	wait_for 10 test -S "$T/s"
	expect_status 0 allowing_husk '["run.oci.pidfd_receiver"]' create -b b --pid-file pid "$ID"
	wait
	assert_eq "$(sed -n 's/^Pid:[[:space:]]*//p' pidfd)" "$(cat pid)" "the process"
	expect_status 0 husk delete -f "$ID"
	rm "$T/s"
	expect_error 'annotations\["run.oci.pidfd_receiver"\]: .*no such file' allowing_husk '["run.oci.pidfd_receiver"]' run -b b "$ID"
}

test_who_may_write_husk_json() {
	local names='["run.oci.hooks.stdout"]'
	annotated "{\"run.oci.hooks.stdout\": \"$T/out\"}"
	expect_status 0 allowing_husk "$names" run -b b "$ID"
	HUSK_JSON_MODE=664 expect_error "'/etc/husk/husk.json' has mode 0664: expected one that root alone may write" allowing_husk "$names" run -b b "$ID"
	HUSK_JSON_MODE=646 expect_error "'/etc/husk/husk.json' has mode 0646" allowing_husk "$names" run -b b "$ID"
	HUSK_JSON_OWNER=12 expect_error "'/etc/husk/husk.json' belongs to user 12: expected root" allowing_husk "$names" run -b b "$ID"
	HUSK_DIR_MODE=777 expect_error "'/etc/husk' has mode 0777" allowing_husk "$names" run -b b "$ID"
}

test_what_husk_json_may_hold() {
	annotated "{\"run.oci.hooks.stdout\": \"$T/out\"}"
	at='annotations\["run.oci.hooks.stdout"\]: /etc/husk/husk.json: '
	! is_vm || at='/etc/husk/husk.json: ' # what it says of VMs is read before
	HUSK_JSON='[]' expect_error "${at}expected an object, got an array" allowing_husk '' run -b b "$ID"
	HUSK_JSON='{"allowedAnnotation": []}' expect_error "${at}allowedAnnotation: unknown key: expected allowedAnnotations, isolation or vm" allowing_husk '' run -b b "$ID"
	HUSK_JSON='{"allowedAnnotations": "x"}' expect_error "${at}allowedAnnotations: expected an array, got a string" allowing_husk '' run -b b "$ID"
	HUSK_JSON='{"allowedAnnotations": ["run.oci.handler"]}' \
		expect_error "${at}allowedAnnotations\\[0\\]: 'run.oci.handler' is no annotation that has to be allowed" allowing_husk '' run -b b "$ID"
	HUSK_JSON='{' expect_error "${at}line 2" allowing_husk '' run -b b "$ID"
	HUSK_JSON="{\"allowedAnnotations\": [$(printf '%070000d' 0)]}" expect_error "read '/etc/husk/husk.json' \\(at most 65536 bytes\\)" \
		allowing_husk '' run -b b "$ID"
}

test_husk_json_is_not_read_without_need() {
	annotated '{"run.oci.keep_original_groups": "1", "io.husk.isolation": "container"}'
	HUSK_JSON='{' expect_status 0 allowing_husk '' run -b b "$ID"
}

# husk with a helper of the test's own, which writes down what it is asked, a word a line, and fails.
stand_in_for_systemd() {
	copy_husk "$T"
	printf '#!/bin/sh\nprintf "%%s\\n" "$@" >%s/asked\necho no >&2\nexit 1\n' "$T" >"$T/husk-systemd"
	chmod 0755 "$T/husk-systemd"
	HUSK_FLAGS=--systemd-cgroup
}

test_properties_of_a_unit() {
	stand_in_for_systemd
	local p=org.systemd.property.
	annotated "{\"${p}TimeoutStopSec\": \"7\", \"${p}CollectMode\": \"'inactive'\", \"${p}After\": \"['a.service']\", \"other\": \"'x'\"}"
	expect_error "husk-systemd|no" husk run -b b "$ID"
	assert_eq "$(tail -n 3 asked | tr '\n' ' ')" "@TimeoutStopSec=7 @CollectMode='inactive' @After=['a.service'] " "what systemd is asked"
	rm asked
	annotated "{\"${p}TimeoutStopSec\": \"soon\"}"
	expect_error "annotations\\[\"${p}TimeoutStopSec\"\\]: expected a value in GVariant's text format.*got 'soon'" husk run -b b "$ID"
	annotated "{\"${p}TimeoutStopSec\": \"'7'\"}"
	expect_error "annotations\\[\"${p}TimeoutStopSec\"\\]: expected a number of seconds" husk run -b b "$ID"
	annotated "{\"${p}Timeout-Stop\": \"7\"}"
	expect_error "annotations\\[\"${p}Timeout-Stop\"\\]: expected the name of a property" husk run -b b "$ID"
	[ ! -e asked ] || fail "systemd was asked: $(cat asked)"
	# without systemd they are anybody's notes, as with runc
	HUSK_FLAGS='' expect_status 0 husk run -b b "$ID"
}

test_properties_with_power_must_be_allowed() {
	stand_in_for_systemd
	local name=org.systemd.property.Wants
	annotated "{\"$name\": \"['other.service']\"}"
	expect_error "annotations\\[\"$name\"\\]: acts on more of the host .* '/etc/husk/husk.json' does not allow" husk run -b b "$ID"
	[ ! -e asked ] || fail "systemd was asked: $(cat asked)"
	expect_error "husk-systemd|no" allowing_husk "[\"$name\"]" run -b b "$ID"
	assert_eq "$(tail -n 1 asked)" "@Wants=['other.service']" "what systemd is asked"
}

test_a_cgroup_below_the_scope() {
	local name
	stand_in_for_systemd
	annotated '{"run.oci.systemd.subgroup": "a/b"}'
	expect_error "husk-systemd|no" husk run -b b "$ID"
	assert_eq "$(sed -n 3p asked)" /a/b "what systemd is asked"
	rm asked
	for name in .. ../a a/../b a//b /a a/ . a/./b $'a\\nb' "$(printf '%0256d' 0)"; do
		annotated "{\"run.oci.systemd.subgroup\": \"$name\"}"
		expect_error 'annotations\["run.oci.systemd.subgroup"\]: expected the name of a cgroup below' husk run -b b "$ID"
	done
	[ ! -e asked ] || fail "systemd was asked: $(cat asked)"
	HUSK_FLAGS='' expect_status 0 husk run -b b "$ID"
}

run_tests "$@"
