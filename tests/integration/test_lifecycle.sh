#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The lifecycle verbs, and what one container gets of its config.json.
# runs-as: root user
# lab-smoke: test_create_start_state_delete test_run_detach test_kill test_exec test_pause_resume test_rlimits test_user_namespace_maps_ids test_terminal
# vm-smoke: test_create_start_state_delete test_kill test_exec test_pause_resume test_hooks_run_in_order_with_the_state test_user_namespace_maps_ids test_seccomp_errno test_masked_and_read_only_paths test_capability_sets test_terminal
# shellcheck disable=SC2016 # $names in single quotes are jq's or the container's shell's
set -eu
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
private_cgroup2 "$@"

# ---- verbs ----

test_run_gives_the_exit_status() {
	make_bundle b
	expect_status 0 husk run -b b "$ID"
	container_sh b 'exit 3'
	expect_status 3 husk run --bundle b "$ID"
	container_sh b 'echo out; echo err >&2; exit 255'
	expect_status 255 husk run --bundle "$T/b" "$ID"
	assert_eq "$OUT" out stdout
	assert_eq "$ERR" err stderr
}

test_run_gives_128_plus_the_signal() {
	make_bundle b '.process.args = ["/bin/sleep", "1000"]'
	husk run -b b "$ID" &
	wait_for 10 is_status "$ID" running
	expect_status 0 husk kill "$ID" KILL
	local status=0
	wait $! || status=$?
	assert_eq "$status" 137 "status of run"
	container_sh b 'trap "exit 5" TERM; echo up; while :; do sleep 0.05; done'
	husk_exec run -b b "$ID" >out &
	local pid=$!
	wait_for 10 grep -q up out
	kill -TERM "$pid" # forwarded
	status=0
	wait "$pid" || status=$?
	assert_eq "$status" 5 "status of run, TERM sent to the runtime"
}

test_run_passes_stdin() {
	make_bundle b '.process.args = ["/bin/cat"]'
	assert_eq "$(echo hello | husk run -b b "$ID")" hello
}

# Resident, with all of its text that the kernel maps around what is used: see src/husk.lds.
test_run_takes_a_megabyte() {
	is_husk || skip "for husk alone"
	! has_sanitizers "$HUSK" || skip "not of the sanitizers' husk"
	[ "$(getconf PAGESIZE)" = 4096 ] || skip "the figure is for pages of 4 KiB"
	make_bundle b '.process.args = ["/bin/sleep", "1000"]'
	husk_exec run -b b "$ID" &
	local pid=$! kib
	wait_for 10 is_status "$ID" running
	kib=$(awk '$1 == "Rss:" { print $2 }' "/proc/$pid/smaps_rollup")
	expect_status 0 husk kill "$ID" KILL
	wait "$pid" || [ $? = 137 ] || fail "run ended otherwise"
	[ "$kib" -le 976 ] || fail "husk run takes $kib KiB, more than 1.00 MB: look at its pages in smaps, and at src/husk.lds"
	printf "%s KiB" "$kib" >note
}

test_create_start_state_delete() {
	make_bundle b '.process.args = ["/bin/sleep", "1000"] | .annotations = {"org.example.key": "value"}'
	expect_status 0 husk create --bundle b "$ID"
	expect_status 0 husk state "$ID"
	jq -e --arg id "$ID" --arg bundle "$T/b" '.status == "created" and .id == $id and .pid > 0 and
		.bundle == $bundle and (.ociVersion | startswith("1.")) and
		.annotations["org.example.key"] == "value"' <<<"$OUT" >/dev/null || fail "state: $OUT"
	[ -d "/proc/$(jq .pid <<<"$OUT")" ] || fail "no process of state's pid"
	expect_status 0 husk start "$ID"
	wait_for 10 is_status "$ID" running
	expect_error 'created|running|state' husk start "$ID"
	expect_status 0 husk kill "$ID" 9
	wait_for 10 is_status "$ID" stopped
	expect_status 0 husk state "$ID"
	expect_status 0 husk delete "$ID"
	expect_error 'does not exist|no such file' husk state "$ID"
}

test_create_runs_nothing_before_start() {
	make_bundle b '.root.readonly = false'
	container_sh b 'echo ran >/tmp/ran'
	expect_status 0 husk create -b b "$ID"
	sleep 0.1
	[ ! -e b/rootfs/tmp/ran ] || fail "the program ran before start"
	expect_status 0 husk start "$ID"
	wait_for 10 test -e b/rootfs/tmp/ran
	wait_for 10 is_status "$ID" stopped
	expect_status 0 husk delete "$ID"
}

test_pid_file() {
	make_bundle b '.process.args = ["/bin/sleep", "1000"]'
	expect_status 0 husk create -b b --pid-file "$T/pid" "$ID"
	assert_eq "$(cat pid)" "$(husk state "$ID" | jq -r .pid)" "pid file"
	expect_status 0 husk delete --force "$ID"
}

test_run_detach() {
	make_bundle b '.process.args = ["/bin/sleep", "1000"]'
	expect_status 0 husk run --detach --pid-file "$T/pid" -b b "$ID"
	is_status "$ID" running || fail "status: $(status_of "$ID")"
	expect_status 0 husk delete -f "$ID"
	[ ! -e "/proc/$(cat pid)/root/bin/busybox" ] || fail "still there after delete -f"
}

test_delete_wants_a_stopped_container() {
	make_bundle b '.process.args = ["/bin/sleep", "1000"]'
	expect_status 0 husk run -d -b b "$ID"
	expect_error 'stopped|running' husk delete "$ID"
	is_status "$ID" running || fail "delete without --force did harm"
	expect_status 0 husk delete --force "$ID"
}

test_delete_of_a_missing_container() {
	expect_error 'does not exist|no such file' husk delete "$ID"
	expect_status 0 husk delete --force "$ID"
}

test_kill() {
	make_bundle b
	container_sh b 'trap "echo usr1; exit 7" USR1; echo up; while :; do sleep 0.05; done'
	husk run -b b "$ID" >out &
	wait_for 10 grep -q up out
	! is_husk || expect_error 'signal' husk kill "$ID" NOSUCH
	expect_status 0 husk kill "$ID" SIGUSR1
	local status=0
	wait $! || status=$?
	assert_eq "$status" 7 "status of run"
	expect_error 'container not running|no such process|does not exist' husk kill "$ID" KILL
}

test_kill_of_a_stopped_container() {
	make_bundle b
	expect_status 0 husk run -d -b b "$ID"
	wait_for 10 is_status "$ID" stopped
	expect_error 'container not running|no such process|does not exist' husk kill "$ID" KILL
	expect_status 0 husk delete "$ID"
}

# Whoever waits for the end of a container may remove the cgroup (systemd does) before kill is done with it.
test_kill_while_the_cgroup_goes() {
	is_husk || skip "for husk alone"
	[ -z "$HUSK_FLAGS" ] || skip "not with $HUSK_FLAGS"
	need strace
	make_bundle b '.process.args = ["/bin/sleep", "1000"]'
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		expect_status 0 husk run -d -b b "$ID"
		strace -o calls -e trace=pread64 -e inject=pread64:delay_exit=1000000:when=1 \
			"$HUSK" --root "$ROOT" kill "$ID" KILL 2>err &
		wait_for 10 is_status "$ID" stopped
		expect_status 0 husk delete "$ID"
		wait $! || fail "kill: $(cat err)"
		! grep -q '"populated 1.*DELAYED' calls || return 0
	done
	skip "the container was dead too soon each time"
}

test_kill_all_while_the_cgroup_goes() {
	is_husk || skip "for husk alone"
	[ -z "$HUSK_FLAGS" ] || skip "not with $HUSK_FLAGS"
	need strace
	make_bundle b '.process.args = ["/bin/sleep", "1000"]'
	local sig seconds
	for sig in KILL TERM; do
		for seconds in 1 10 60; do # on a busy machine delete may take longer than kill is held up
			rm -f calls
			expect_status 0 husk run -d -b b "$ID"
			strace -o calls -e trace=openat2 -e inject=openat2:delay_exit="${seconds}000000":when=1 \
				"$HUSK" --root "$ROOT" kill --all "$ID" "$sig" 2>err &
			wait_for 10 grep -q "[\"/]$ID\".*= [0-9]* (DELAYED)" calls
			expect_status 0 husk delete --force "$ID"
			! wait $! || continue
			break
		done
		assert_match "$(cat err)" 'container not running' "error of SIG$sig"
	done
}

test_list() {
	make_bundle b '.process.args = ["/bin/sleep", "1000"]'
	expect_status 0 husk create -b b "$ID-1"
	expect_status 0 husk run -d -b b "$ID-2"
	expect_status 0 husk list -q
	assert_eq "$(sort <<<"$OUT" | tr '\n' ' ')" "$ID-1 $ID-2 " "list -q"
	expect_status 0 husk list --format json
	assert_eq "$(jq -r 'sort_by(.id) | map(.status) | join(" ")' <<<"$OUT")" "created running" "list --format json"
	expect_status 0 husk list
	assert_match "$OUT" "^$ID-1 +[0-9]+ +created +$T/b" "table"
	expect_status 0 husk delete -f "$ID-1"
	expect_status 0 husk delete -f "$ID-2"
}

test_exec() {
	make_bundle b '.process.args = ["/bin/sleep", "1000"] | .process.env += ["FROM_CONFIG=1"]'
	expect_status 0 husk run -d -b b "$ID"
	expect_output "hi" husk exec "$ID" /bin/echo hi
	expect_status 9 husk exec "$ID" sh -c 'exit 9'
	expect_output "/tmp 2" husk exec --cwd /tmp --env A=2 "$ID" /bin/sh -c 'echo $(pwd) $A'
	! is_husk || expect_output "1 2" husk exec --env A=2 "$ID" sh -c 'echo $FROM_CONFIG $A'
	expect_status 137 husk exec "$ID" sh -c 'kill -KILL $$'
	assert_eq "$(echo in | husk exec "$ID" cat)" in "stdin of exec"
	expect_status 0 husk exec "$ID" sh -c 'for p in 1 self; do readlink /proc/$p/ns/mnt; done'
	assert_eq "$(sort -u <<<"$OUT" | wc -l)" 1 "mount namespaces"
	expect_status 0 husk delete -f "$ID"
}

test_exec_process_file_and_pid_file() {
	make_bundle b '.process.args = ["/bin/sleep", "1000"]'
	expect_status 0 husk run -d -b b "$ID"
	jq '.process | .args = ["/bin/sh", "-c", "echo $V $(pwd); exit 4"] | .env += ["V=w"] | .cwd = "/home"' \
		b/config.json >p.json
	expect_status 4 husk exec --process p.json "$ID"
	assert_eq "$OUT" "w /home"
	expect_status 0 husk exec --detach --pid-file "$T/pid" "$ID" sleep 101
	is_vm || wait_for 10 is_running "$(cat pid)" sleep 101
	kill -0 "$(cat pid)" || fail "no process has the pid"
	wait_for 10 has_process "sleep 101"
	expect_status 0 husk delete -f "$ID"
}

test_exec_user() {
	make_bundle b '.process.args = ["/bin/sleep", "1000"]'
	expect_status 0 husk run -d -b b "$ID"
	expect_output "1000:1001" husk exec --user 1000:1001 "$ID" sh -c 'echo $(id -u):$(id -g)'
	expect_status 0 husk delete -f "$ID"
}

test_exec_errors() {
	make_bundle b '.process.args = ["/bin/sleep", "1000"]'
	expect_error 'does not exist|no such file' husk exec "$ID" true
	expect_status 0 husk run -d -b b "$ID"
	expect_error 'executable file.* not found|no such file' husk exec "$ID" no-such-program
	! is_husk || assert_eq "$STATUS" 255 "status of exec without a program"
	expect_status 0 husk delete -f "$ID"
}

test_ps() {
	[[ $HUSK_FLAGS != *disabled* ]] || skip "cgroups are disabled by HUSK_FLAGS"
	make_bundle b
	container_sh b 'sleep 101 & sleep 102; exit 0'
	expect_status 0 husk run -d -b b "$ID"
	wait_for 10 sh -c "'$HUSK' --root '$ROOT' ps --format json '$ID' | jq -e 'length == 3'"
	expect_status 0 husk ps "$ID"
	assert_match "$OUT" "$(is_vm && echo '^PID$' || echo 'sleep 102')" "ps table" # no ps(1) knows the guest's processes
	expect_status 0 husk delete -f "$ID"
}

test_pause_resume() {
	[[ $HUSK_FLAGS != *disabled* ]] || skip "cgroups are disabled by HUSK_FLAGS"
	make_bundle b '.root.readonly = false'
	container_sh b 'i=0; while :; do i=$((i + 1)); echo $i >/tmp/n; sleep 0.02; done'
	expect_status 0 husk run -d -b b "$ID"
	wait_for 10 test -s b/rootfs/tmp/n
	expect_status 0 husk pause "$ID"
	is_status "$ID" paused || fail "status: $(status_of "$ID")"
	local before
	before=$(cat b/rootfs/tmp/n)
	sleep 0.2
	assert_eq "$(cat b/rootfs/tmp/n)" "$before" "a paused container's counter"
	expect_error 'paused' husk exec "$ID" true
	expect_status 0 husk resume "$ID"
	is_status "$ID" running || fail "status: $(status_of "$ID")"
	wait_for 10 sh -c "[ \"\$(cat b/rootfs/tmp/n)\" != '$before' ]"
	expect_status 0 husk pause "$ID"
	expect_status 0 husk delete -f "$ID"
}

# ---- errors ----

test_a_missing_program_is_named() {
	make_bundle b '.process.args = ["no-such-program"]'
	expect_error 'no-such-program.*(not found|no such file)|(not found|no such file).*no-such-program' \
		husk run -b b "$ID"
	! is_husk || assert_eq "$STATUS" 1 status
	[ -z "$(husk list -q)" ] || fail "a container is left"
	expect_error 'not found|no such file' husk create -b b "$ID"
	config b '.process.args = ["/etc/passwd"]'
	expect_error 'permission denied' husk run -b b "$ID"
}

test_bad_json_is_refused() {
	make_bundle b
	cp b/config.json good.json
	echo '{ "ociVersion": "1.0.2", ' >b/config.json
	expect_error 'json|parse|EOF' husk run -b b "$ID"
	rm b/config.json
	expect_error 'config.json' husk run -b b "$ID"
	jq '.root.path = "missing"' good.json >b/config.json
	expect_error 'no such file' husk run -b b "$ID"
	jq '.process.cwd = 3' good.json >b/config.json
	if is_husk; then
		expect_error 'process.cwd: ' husk run -b b "$ID"
		jq '.linux.namespaces[1].path = 3' good.json >b/config.json
		expect_error 'linux.namespaces\[1\].path: ' husk run -b b "$ID"
	fi
	[ -z "$(husk list -q)" ] || fail "a container is left"
}

test_a_log_line_is_json() {
	make_bundle b '.process.args = ["no-such-program"]'
	run husk_log run -b b "$ID"
	[ "$STATUS" != 0 ] || fail "no failure"
	jq -es 'map(select(.level == "error")) | last | (.msg | test("no-such-program")) and (.time | length > 0)' \
		"$LOG" >/dev/null || fail "log: $(cat "$LOG")"
}

test_a_used_id_is_refused() {
	make_bundle b '.process.args = ["/bin/sleep", "1000"]'
	expect_status 0 husk create -b b "$ID"
	expect_error 'exist' husk create -b b "$ID"
	expect_error 'exist' husk run -b b "$ID"
	is_status "$ID" created || fail "the first container suffered: $(status_of "$ID")"
	expect_status 0 husk delete -f "$ID"
}

test_bad_ids_are_refused() {
	local id
	make_bundle b
	for id in ../x a/b . .. '' 'a b' $'a\nb' .hidden; do
		is_husk || [[ $id != *[[:space:]]* && $id != .hidden ]] || continue
		run husk run -b b "$id"
		[ "$STATUS" != 0 ] || fail "the id '$id' was taken"
		run husk state "$id"
		[ "$STATUS" != 0 ] || fail "state took the id '$id'"
	done
}

# ---- what the container sees ----

test_env_cwd_and_home() {
	make_bundle b '.process.env = ["PATH=/bin", "A=b c"] | .process.cwd = "/tmp"'
	container_sh b 'echo "$A"; pwd; echo "$HOME"; cat /proc/self/environ | tr "\0" "\n" | grep -c .'
	expect_status 0 husk run -b b "$ID"
	assert_eq "$(sed -n 1,3p <<<"$OUT" | tr '\n' '|')" 'b c|/tmp|/root|'
}

test_program_is_found_by_path() {
	make_bundle b '.process.env = ["PATH=/nowhere:/opt:/bin"] | .process.args = ["tool"]'
	mkdir b/rootfs/opt
	printf '#!/bin/sh\necho "found $0"\n' >b/rootfs/opt/tool
	chmod 0755 b/rootfs/opt/tool
	expect_output 'found /opt/tool' husk run -b b "$ID"
}

test_user() {
	make_bundle b '.process.user = {"uid": 1000, "gid": 1001, "additionalGids": [2000, 5]}'
	container_sh b 'id -u; id -g; sed -n "s/^Groups:[[:space:]]*//p" /proc/self/status | tr -d "\n" | xargs -n1 | sort -n | xargs
		echo $HOME'
	expect_status 0 husk run -b b "$ID"
	assert_eq "$(sed -n 1,2p <<<"$OUT" | tr '\n' ' ')" '1000 1001 ' ids
	assert_match "$(sed -n 3p <<<"$OUT")" '\b5 (1001 )?2000' groups
	assert_eq "$(sed -n 4p <<<"$OUT")" /home HOME
}

test_hostname_is_the_containers() {
	make_bundle b '.hostname = "in-a-husk"'
	container_sh b 'hostname; echo changed >/proc/sys/kernel/hostname 2>/dev/null; exit 0'
	local before
	before=$(uname -n)
	expect_output in-a-husk husk run -b b "$ID"
	assert_eq "$(uname -n)" "$before" "the host's name"
}

test_pid_1_and_namespaces() {
	make_bundle b
	container_sh b 'echo $$; for n in pid mnt uts ipc; do readlink /proc/self/ns/$n; done'
	expect_status 0 husk run -b b "$ID"
	assert_eq "$(head -n 1 <<<"$OUT")" 1 pid
	local ns
	for ns in pid mnt uts ipc; do
		! grep -qF "$(readlink "/proc/self/ns/$ns")" <<<"$OUT" || fail "the host's $ns namespace"
	done
}

test_read_only_root() {
	make_bundle b '.root.readonly = true'
	container_sh b 'echo x >/tmp/x'
	run husk run -b b "$ID"
	[ "$STATUS" != 0 ] || fail "the root could be written"
	assert_match "$ERR" 'Read-only file system'
	config b '.root.readonly = false'
	expect_status 0 husk run -b b "$ID"
	[ -e b/rootfs/tmp/x ] || fail "the root could not be written"
}

test_masked_and_read_only_paths() {
	make_bundle b '.root.readonly = false |
		.linux.maskedPaths = ["/etc/group", "/home", "/proc/timer_list", "/no/such/path"] |
		.linux.readonlyPaths = ["/proc/sys", "/root", "/no/such/path"]'
	echo secret >b/rootfs/home/secret
	chmod 0777 b/rootfs/root
	container_sh b 'cat /etc/group /proc/timer_list | wc -c; ls /home | wc -l
		echo x 2>/dev/null >/root/x && echo wrote; echo x 2>/dev/null >/proc/sys/kernel/hostname && echo wrote
		echo x >/tmp/x && echo done'
	expect_output $'0\n0\ndone' husk run -b b "$ID"
}

test_mounts() {
	mkdir dir
	echo one >dir/file
	make_bundle b --arg t "$T" '.root.readonly = false | .mounts += [
		{"destination": "/m/tmpfs", "type": "tmpfs", "source": "tmpfs", "options": ["size=64k", "mode=1755", "noexec"]},
		{"destination": "/m/ro", "type": "bind", "source": ($t + "/dir"), "options": ["bind", "ro"]},
		{"destination": "/m/rw", "type": "bind", "source": ($t + "/dir"), "options": ["rbind", "nosuid"]},
		{"destination": "/m/file", "type": "none", "source": ($t + "/dir/file"), "options": ["bind", "ro"]}]'
	container_sh b 'cat /m/ro/file /m/file; echo two >/m/rw/two
		echo x 2>/dev/null >/m/ro/x && echo wrote; echo x 2>/dev/null >/m/file && echo wrote
		stat -c %a /m/tmpfs; dd if=/dev/zero of=/m/tmpfs/big bs=1k count=128 2>/dev/null || echo full
		grep " /m/" /proc/self/mountinfo | cut -d" " -f5,6'
	expect_status 0 husk run -b b "$ID"
	assert_eq "$(sed -n 1,4p <<<"$OUT" | tr '\n' ' ')" 'one one 1755 full '
	assert_match "$OUT" '^/m/tmpfs .*noexec' tmpfs
	assert_match "$OUT" '^/m/ro ro' "bind, ro"
	assert_match "$OUT" '^/m/rw rw,.*nosuid' "bind, nosuid"
	assert_match "$OUT" '^/m/file ro' "bind of a file"
	assert_eq "$(cat dir/two)" two "what the container wrote"
}

test_mount_errors_name_the_mount() {
	make_bundle b '.mounts += [{"destination": "/x", "type": "bind", "source": "/no/such/source", "options": ["bind"]}]'
	expect_error '/no/such/source' husk run -b b "$ID"
	config b '.mounts[-1] = {"destination": "/x", "type": "nosuchfs", "source": "none"}'
	expect_error 'nosuchfs|/x|`x`' husk run -b b "$ID"
}

test_standard_mounts_and_devices() {
	make_bundle b
	container_sh b 'for f in proc sysfs devpts mqueue; do grep -q " - $f " /proc/self/mountinfo || echo "no $f"; done
		for d in null zero full random urandom tty; do [ -c /dev/$d ] || echo "no $d"; done
		echo x >/dev/null; head -c 4 /dev/zero | wc -c; readlink /dev/stdin; readlink /dev/fd
		grep -c . /proc/self/mountinfo >/dev/null; grep -c husk-it /proc/self/mounts'
	run husk run -b b "$ID"
	# an ordinary user's spec binds the host's /sys, which shows as sysfs as well
	assert_eq "$OUT" $'4\n/proc/self/fd/0\n/proc/self/fd\n0'
}

test_rlimits() {
	make_bundle b '.process.rlimits = [{"type": "RLIMIT_NOFILE", "soft": 111, "hard": 222},
		{"type": "RLIMIT_CORE", "soft": 0, "hard": 0}]'
	container_sh b 'ulimit -Sn; ulimit -Hn; ulimit -Hc'
	expect_output $'111\n222\n0' husk run -b b "$ID"
	config b '.process.rlimits[0].type = "RLIMIT_NOSUCH"'
	expect_error 'RLIMIT_NOSUCH|rlimits\[0\]' husk run -b b "$ID"
}

test_capability_sets() {
	make_bundle b '.process.capabilities = {"bounding": ["CAP_KILL", "CAP_CHOWN"], "effective": ["CAP_KILL"],
		"permitted": ["CAP_KILL", "CAP_CHOWN"], "inheritable": ["CAP_KILL"], "ambient": []} |
		.process.user = {"uid": 0, "gid": 0} | .process.args = ["/bin/grep", "^Cap", "/proc/self/status"]'
	expect_status 0 husk run -b b "$ID"
	assert_match "$OUT" '^CapInh:.*00000020$'
	assert_match "$OUT" '^CapBnd:.*00000021$'
	assert_match "$OUT" '^CapAmb:.*00000000$'
	assert_match "$OUT" '^CapPrm:.*00000021$' # execve as uid 0 takes all of the bounding set
	config b '.process.capabilities = {}'
	expect_status 0 husk run -b b "$ID"
	assert_eq "$(grep -c '0000000000000000$' <<<"$OUT")" 5 "empty sets"
}

test_capabilities_of_another_user() {
	make_bundle b '.process.capabilities = {"bounding": ["CAP_KILL", "CAP_CHOWN"], "effective": ["CAP_KILL"],
		"permitted": ["CAP_KILL"], "inheritable": ["CAP_KILL"], "ambient": ["CAP_KILL"]} |
		.process.user = {"uid": 1000, "gid": 1000} | .process.args = ["/bin/grep", "^Cap", "/proc/self/status"]'
	expect_status 0 husk run -b b "$ID"
	assert_eq "$(grep -cE '^Cap(Inh|Prm|Eff|Amb):.*00000020$' <<<"$OUT")" 4 "ambient sets: $OUT"
	assert_match "$OUT" '^CapBnd:.*00000021$'
}

test_no_new_privileges_and_umask() {
	make_bundle b '.process.noNewPrivileges = true | .process.user.umask = 63'
	container_sh b 'grep NoNewPrivs /proc/self/status | cut -f2; umask'
	expect_output $'1\n0077' husk run -b b "$ID"
	config b '.process.noNewPrivileges = false | del(.process.user.umask)'
	expect_output $'0\n0022' husk run -b b "$ID"
}

test_oom_score_adj() {
	make_bundle b '.process.oomScoreAdj = 321 | .process.args = ["/bin/cat", "/proc/self/oom_score_adj"]'
	expect_output 321 husk run -b b "$ID"
}

test_hooks_run_in_order_with_the_state() {
	make_bundle b '.root.readonly = false | .process.args = ["/bin/true"]'
	cat >hook <<-'HOOK'
		#!/bin/sh
		state=$(cat)
		printf '%s %s\n' "$1" "$state" | tr -d '\n' >>"$2"
		echo >>"$2"
	HOOK
	chmod 0755 hook
	cp hook b/rootfs/hook
	: >b/rootfs/log
	config b --arg hook "$T/hook" --arg log "$T/b/rootfs/log" '
		def h(kind): [{"path": $hook, "args": ["hook", kind, $log], "env": ["PATH=/usr/bin:/bin"]}];
		.hooks = {"prestart": h("prestart"), "createRuntime": h("createRuntime"), "createContainer": h("createContainer"),
			"startContainer": [{"path": "/hook", "args": ["hook", "startContainer", "/log"], "env": ["PATH=/bin"]}],
			"poststart": h("poststart"), "poststop": h("poststop")}'
	expect_status 0 husk create -b b "$ID"
	! is_husk || assert_eq "$(cut -d' ' -f1 b/rootfs/log | xargs)" "prestart createRuntime createContainer" "after create"
	expect_status 0 husk start "$ID"
	wait_for 10 is_status "$ID" stopped
	expect_status 0 husk delete "$ID"
	assert_eq "$(cut -d' ' -f1 b/rootfs/log | xargs)" \
		"prestart createRuntime createContainer startContainer poststart poststop" order
	local kind state
	while read -r kind state; do
		# in a VM startContainer sees the guest's
		jq -e --arg id "$ID" --arg bundle "$T/b" --arg in "$(is_vm && [ "$kind" = startContainer ] && echo /run)" \
			'.id == $id and (.bundle | IN($bundle, "/") or ($in != "" and startswith($in))) and (.ociVersion | length > 0)' \
			<<<"$state" >/dev/null || fail "state of $kind: $state"
		case $kind in
		poststart | poststop) ;;
		createContainer | startContainer) # other runtimes leave out the pid
			! is_husk || jq -e '.pid > 0' <<<"$state" >/dev/null || fail "no pid for $kind: $state"
			;;
		*) jq -e '.pid > 0' <<<"$state" >/dev/null || fail "no pid for $kind: $state" ;;
		esac
	done <b/rootfs/log
}

test_a_failing_hook_fails_create() {
	make_bundle b '.hooks = {"createRuntime": [{"path": "/bin/sh", "args": ["sh", "-c", "exit 6"]}]}'
	run husk create -b b "$ID"
	[ "$STATUS" != 0 ] || fail "create went on after a failing hook"
	assert_match "$ERR" 'hook'
	[ -z "$(husk list -q)" ] || fail "a container is left"
}

test_a_hook_that_hangs_is_killed() {
	make_bundle b '.hooks = {"createRuntime": [{"path": "/bin/sleep", "args": ["sleep", "300"], "timeout": 1}]}'
	local start=$SECONDS
	run husk create -b b "$ID"
	[ "$STATUS" != 0 ] || fail "create went on after a hook's timeout"
	[ $((SECONDS - start)) -lt 120 ] || fail "waited $((SECONDS - start)) s"
}

test_seccomp_errno() {
	make_bundle b '.root.readonly = false | .linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW",
		"syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}]}'
	container_sh b 'mkdir /tmp/d; grep Seccomp: /proc/self/status | cut -f2'
	run husk run -b b "$ID"
	assert_match "$ERR" 'No space left on device'
	assert_eq "$OUT" 2 "seccomp mode"
}

test_seccomp_unknown_action_is_refused() {
	make_bundle b '.linux.seccomp = {"defaultAction": "SCMP_ACT_NOSUCH"}'
	expect_error 'SCMP_ACT_NOSUCH|seccomp' husk run -b b "$ID"
}

test_user_namespace_maps_ids() {
	make_bundle b '.linux.namespaces += [{"type": "user"}] |
		.linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 1000}] |
		.linux.gidMappings = [{"containerID": 0, "hostID": 200000, "size": 1000}] |
		.process.args = ["/bin/sleep", "1000"]'
	expect_status 0 husk run -d --pid-file "$T/pid" -b b "$ID"
	is_vm || assert_eq "$(stat -c %u:%g "/proc/$(cat pid)")" 100000:200000 "ids on the host"
	expect_output '0 100000 1000' husk exec "$ID" sh -c 'echo $(cat /proc/self/uid_map)'
	expect_output '0:0' husk exec "$ID" sh -c 'echo $(id -u):$(id -g)'
	expect_status 0 husk delete -f "$ID"
}

test_an_ordinary_users_root_is_himself() {
	make_bundle b '.process.args = ["/bin/sleep", "1000"]'
	expect_status 0 husk run -d -b b "$ID"
	expect_output 0 husk exec "$ID" id -u
	assert_eq "$(xargs <"/proc/$(husk state "$ID" | jq .pid)/uid_map")" "0 $(id -u) 1" "its map"
	expect_status 0 husk delete --force "$ID"
}

test_a_joined_namespace() {
	local holder uts
	unshare --uts sh -c 'hostname joined; exec sleep 1000' &
	holder=$!
	wait_for 5 sh -c "[ \"\$(nsenter -t $holder --uts hostname)\" = joined ]"
	uts=$(readlink "/proc/$holder/ns/uts")
	make_bundle b --arg path "/proc/$holder/ns/uts" 'del(.hostname) |
		(.linux.namespaces[] | select(.type == "uts")).path = $path | .process.args = ["/bin/readlink", "/proc/self/ns/uts"]'
	run husk run -b b "$ID"
	kill "$holder"
	assert_eq "$OUT" "$uts" "uts namespace"
}

test_sysctl() {
	make_bundle b '.linux.sysctl = {"kernel.shmmni": "123"} | .process.args = ["/bin/cat", "/proc/sys/kernel/shmmni"]'
	expect_output 123 husk run -b b "$ID"
}

test_devices() {
	make_bundle b '.linux.devices = [{"path": "/dev/my/null", "type": "c", "major": 1, "minor": 3, "fileMode": 438,
		"uid": 5, "gid": 6}]'
	container_sh b 'stat -c "%t:%T %a %u:%g" /dev/my/null; echo x >/dev/my/null && echo ok'
	expect_output $'1:3 666 5:6\nok' husk run -b b "$ID"
}

test_terminal() {
	need script
	make_bundle b '.process.terminal = true'
	container_sh b 'test -t 0 && test -t 1 && echo terminal; tty; exit 8'
	run script -qec "'$HUSK' --root '$ROOT' $HUSK_FLAGS run -b '$T/b' '$ID'" /dev/null
	assert_eq "$STATUS" 8 "status ($OUT)"
	assert_match "$(tr -d '\r' <<<"$OUT")" '/dev/pts/0$'
}

test_no_host_descriptor_gets_in() {
	make_bundle b
	container_sh b 'ls /proc/self/fd | wc -l; ls -l /proc/1/fd | grep -c husk-it'
	exec 7<"$T/b/config.json"
	run husk run -b b "$ID"
	exec 7<&-
	assert_match "$(sed -n 2p <<<"$OUT")" '^[02]$' "descriptors of the test in the container (its stdout and stderr)"
}

test_preserved_descriptors() {
	make_bundle b
	container_sh b 'cat <&3'
	echo passed >f
	exec 3<f
	run husk run --preserve-fds 1 -b b "$ID"
	exec 3<&-
	assert_eq "$OUT" passed
}

test_version_and_features() {
	expect_status 0 husk --version
	assert_match "$OUT" 'spec'
	is_husk || return 0
	expect_status 0 husk features
	jq -e '.ociVersionMax and (.hooks | index("createRuntime")) and (.linux.namespaces | index("mount"))' \
		<<<"$OUT" >/dev/null || fail "features: $OUT"
}

# An ordinary user has one id, no device nodes, no sysctl of the host's and no other's namespaces.
export ROOT_ONLY="test_kill_while_the_cgroup_goes test_kill_all_while_the_cgroup_goes test_run_takes_a_megabyte
	test_user test_user_namespace_maps_ids test_devices test_a_joined_namespace test_exec_user
	test_capabilities_of_another_user test_ps test_pause_resume test_sysctl"
export USER_ONLY="test_an_ordinary_users_root_is_himself"
ROOT_ONLY=${ROOT_ONLY//$'\n\t'/ }
run_tests "$@"
