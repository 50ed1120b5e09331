#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Bad input, failing hooks, full disks, races and husk itself killed: one line that says why, and
# nothing left behind (which the harness looks for after each test).
# runs-as: root user
# shellcheck disable=SC2016 # $names in single quotes are jq's or the container's shell's
set -eu
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
private_cgroup2 "$@"

# expect_refusal REGEX COMMAND...: status 1, one line on stderr, and no container.
expect_refusal() {
	expect_error "$@"
	! is_husk || assert_eq "$STATUS" 1 "status of '${*:2}' ($ERR)"
	[ -z "$(ls "$ROOT")" ] || fail "left in the state directory after '$ERR': $(ls "$ROOT")"
}

# Runs the calling test again in a mount namespace of its own, where it may mount things.
in_own_mounts() {
	[ -z "${IN_OWN_MOUNTS:-}" ] || return 0
	trap - ERR
	IN_OWN_MOUNTS=1 exec unshare -m --propagation private bash "$LIB_DIR/$(basename "$0")" --one "${FUNCNAME[1]}"
}

ODD=300.$$9 # seconds of a sleep that nobody else's process has

# hook KIND JSON: config.json gets this hook as the only one of its kind.
hook() {
	config b --arg kind "$1" --argjson hook "$2" '.hooks[$kind] = [$hook]'
}

# ---- config.json ----

test_a_truncated_config_is_refused() {
	make_bundle b
	cp b/config.json good.json
	local size at
	size=$(stat -c %s good.json)
	for ((at = 0; at < size - 2; at += 97)); do
		head -c "$at" good.json >b/config.json
		run husk run -b b "$ID"
		assert_eq "$STATUS" 1 "status of the first $at bytes"
		[[ $ERR =~ config\.json.*JSON && $ERR != *$'\n'* ]] || fail "error of the first $at bytes: $ERR"
	done
	# the last bracket
	head -c $((size - 2)) good.json >b/config.json
	expect_refusal 'config.json.*json' husk run -b b "$ID"
}

test_a_config_of_noise_is_refused() {
	make_bundle b
	cp b/config.json good.json
	local text
	for text in '' '[]' 'null' '"x"' '7' '{}' '{"ociVersion": "1.0.2"}' '{"ociVersion": "9.0.0"}' '{} {}' '{"a": 1,}' '{a: 1}' \
		$'{"ociVersion": "1.0.2\n"}' $'\xff\xfe{\0}\0' $'{"ociVersion": "\xc3\x28"}' '{"ociVersion": "\ud800"}'; do
		printf '%s' "$text" >b/config.json
		expect_refusal 'config.json' husk run -b b "$ID"
	done
	head -c 4096 /dev/urandom >b/config.json
	expect_refusal 'config.json' husk run -b b "$ID"
	rm b/config.json
	mkdir b/config.json
	expect_refusal 'config.json.*directory' husk run -b b "$ID"
	rmdir b/config.json
	ln -s config.json b/config.json
	expect_refusal 'config.json.*symbolic links' husk run -b b "$ID"
	rm b/config.json
	ln -s /dev/zero b/config.json
	expect_refusal 'config.json.*larger than' husk run -b b "$ID"
}

test_a_huge_config_is_refused() {
	make_bundle b
	{
		printf '{"ociVersion": "1.0.2", "annotations": {"a": "'
		head -c 9437184 /dev/zero | tr '\0' x
		printf '"}}'
	} >b/config.json
	expect_refusal 'config.json.*larger than [0-9]+ bytes' husk run -b b "$ID"
}

test_a_deeply_nested_config_is_refused() {
	make_bundle b
	cp b/config.json good.json
	jq '.unknown = reduce range(100) as $i (1; [.])' good.json >b/config.json
	expect_refusal 'config.json.*(nested|levels|deep)' husk run -b b "$ID"
	jq '.unknown = reduce range(100) as $i (1; {a: .})' good.json >b/config.json
	expect_refusal 'config.json.*(nested|levels|deep)' husk run -b b "$ID"
	# not even closed
	{ printf '{"a": ' && head -c 1000000 /dev/zero | tr '\0' '['; } >b/config.json
	expect_refusal 'config.json.*(nested|levels|deep)' husk run -b b "$ID"
	jq '.unknown = reduce range(20) as $i (1; [.])' good.json >b/config.json
	expect_status 0 husk run -b b "$ID"
}

test_duplicate_keys_and_nuls_are_refused() {
	make_bundle b
	cp b/config.json good.json
	sed '0,/{/s//{ "hostname": "one", /' good.json >b/config.json
	expect_refusal "config.json.*'?hostname'?.*twice" husk run -b b "$ID"
	jq '.process.args = ["/bin/true\u0000x"]' good.json >b/config.json
	expect_refusal 'config.json: line [0-9]+, column [0-9]+: .*NUL' husk run -b b "$ID"
	jq '."host\u0000name" = "a"' good.json >b/config.json
	expect_refusal 'config.json: line [0-9]+, column [0-9]+: .*NUL' husk run -b b "$ID"
	{ cat good.json && printf '\0'; } >b/config.json
	expect_refusal 'config.json' husk run -b b "$ID"
}

# PATH VALUE: a value of the wrong type, or an impossible one
wrong_values='process 3
process.terminal "yes"
process.user []
process.user.uid "0"
process.user.uid -1
process.user.gid 4294967296
process.user.umask 512
process.user.additionalGids {}
process.user.additionalGids[0] "x"
process.args "sh"
process.args []
process.args[0] 7
process.env {}
process.env[0] null
process.cwd 3
process.cwd "relative"
process.capabilities []
process.capabilities.bounding "CAP_KILL"
process.rlimits {}
process.rlimits[0].soft "many"
process.noNewPrivileges 1
process.oomScoreAdj 5000
process.oomScoreAdj 1.5
root []
root.path 4
root.readonly "no"
hostname {}
mounts {}
mounts[0] "proc"
mounts[1].destination 3
mounts[1].options "nosuid"
mounts[1].options[0] 9
hooks []
hooks.prestart {}
hooks.createRuntime[0].path "relative"
hooks.createRuntime[0].timeout "long"
linux []
linux.namespaces {}
linux.namespaces[0].type 5
linux.namespaces[0].type "nosuch"
linux.namespaces[1].path []
linux.maskedPaths "x"
linux.readonlyPaths[0] 1
linux.devices {}
linux.sysctl []
linux.rootfsPropagation "sideways"
linux.seccomp "none"
linux.seccomp.defaultAction 3
linux.cgroupsPath 3
annotations []
ociVersion 1'

test_wrong_values_are_refused_by_their_path() {
	is_husk || skip "messages of husk's own"
	make_bundle b '.process.rlimits = [{"type": "RLIMIT_CORE", "soft": 0, "hard": 0}] | .process.user.additionalGids = [0] |
		.hooks = {"createRuntime": [{"path": "/bin/true", "timeout": 1}]} |
		.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW"} | .linux.readonlyPaths = ["/proc/sys"]'
	cp b/config.json good.json
	local path value regex line n=0
	# one line a config, all by one jq
	jq -c "$(sed 's/^\([^ ]*\) \(.*\)/(.\1 = \2),/; $ s/,$//' <<<"$wrong_values")" good.json >all
	while read -r path value && read -r -u 4 line; do
		printf '%s' "$line" >b/config.json
		regex=${path//[/\\[}
		regex=${regex//]/\\]}
		run husk run -b b "$ID"
		assert_eq "$STATUS" 1 "status for $path $value ($ERR)"
		[[ $ERR != *$'\n'* && $ERR =~ config\.json:\ ${regex//./\\.}(\[0\])?:\  ]] || fail "$path $value: $ERR"
		n=$((n + 1))
	done <<<"$wrong_values" 4<all
	assert_eq "$n" 51 "values tried"
}

test_an_error_is_also_the_last_line_of_the_log() {
	make_bundle b '.process.args = 3'
	run husk_log run -b b "$ID"
	assert_eq "$STATUS" 1 status
	assert_eq "$(tail -n 1 "$LOG" | jq -r .level)" error
	assert_eq "husk: $(tail -n 1 "$LOG" | jq -r .msg)" "$ERR" "the line in the log"
	# text of the config does not end the line, nor its JSON
	make_bundle c '.linux.rootfsPropagation = "a\"b\n\u001b[31m\\c"'
	run husk_log run -b c "$ID"
	assert_eq "$STATUS" 1 status
	assert_eq "$(wc -l <"$T/stderr") $(wc -l <"$LOG")" '1 2' "lines on stderr, in the log"
	! grep -q $'\e' "$T/stderr" || fail "an escape sequence on stderr"
	jq -es 'length == 2 and all(.level == "error")' "$LOG" >/dev/null || fail "log: $(cat "$LOG")"
}

# ---- rootfs and program ----

test_a_rootfs_that_is_none_is_refused() {
	make_bundle b
	config b '.root.path = "missing"'
	expect_refusal "root.*missing.*no such file" husk run -b b "$ID"
	: >b/file
	config b '.root.path = "file"'
	expect_refusal "root.*file.*not a directory" husk run -b b "$ID"
	ln -s nowhere b/link
	config b '.root.path = "link"'
	expect_refusal "root.*link.*no such file" husk run -b b "$ID"
	config b '.root.path = ""'
	expect_refusal 'root.path' husk run -b b "$ID"
	mkdir b/empty
	config b '.root.path = "empty" | .root.readonly = false | .mounts = [] | .linux.maskedPaths = [] | .linux.readonlyPaths = []'
	expect_refusal "'/bin/true': no such file" husk run -b b "$ID"
	expect_refusal "bundle.*missing.*no such file" husk run -b missing "$ID"
}

test_a_program_that_is_none_is_refused() {
	make_bundle b
	local r=b/rootfs
	printf '#!/no/such/shell\n' >"$r"/bin/noshell
	printf 'neither ELF nor script' >"$r"/bin/noise
	cp "$r"/bin/busybox "$r"/bin/nox
	head -c 100 "$r"/bin/busybox >"$r"/bin/short
	mkfifo "$r"/bin/fifo
	mkdir "$r"/bin/dir
	ln -s loop "$r"/bin/loop
	chmod 0755 "$r"/bin/noshell "$r"/bin/noise "$r"/bin/short "$r"/bin/fifo
	chmod 0644 "$r"/bin/nox
	local program want
	while read -r program want; do
		config b --arg p "$program" '.process.args = [$p]'
		expect_refusal "'$program'.*($want)" husk run -b b "$ID"
		case $program in
		# what only execve can tell comes with start
		*noshell | *noise | *short) ;;
		*) expect_refusal "'$program'.*($want)" husk create -b b "$ID" ;;
		esac
	done <<-'END'
		/bin/missing no such file
		missing executable file not found
		/bin/nox permission denied
		nox permission denied
		/bin/dir permission denied
		dir executable file not found|permission denied
		/bin/fifo permission denied
		/bin/loop symbolic links
		/etc/passwd/x not a directory
		/bin/noshell no such file
		/bin/noise exec format error
		/bin/short exec format error|invalid|input/output
	END
	config b '.process.args = ["/bin/noise"]'
	expect_status 0 husk create -b b "$ID"
	expect_error "'/bin/noise'.*exec format error" husk start "$ID"
	assert_eq "$STATUS" 1 "status of start"
	wait_for 10 is_status "$ID" stopped
	expect_status 0 husk delete "$ID"
}

# docker(1) makes its status 126 or 127 of these words, and minds their case.
test_words_that_engines_look_for() {
	make_bundle b
	mkdir -p b/rootfs/etc
	: >b/rootfs/etc/plain
	local program words
	while read -r program words; do
		config b --arg p "$program" '.process.args = [$p]'
		expect_status 1 husk create -b b "$ID"
		[[ $ERR == *"'$program'"*": $words"* ]] || fail "'$ERR' does not say '$words'"
		expect_status 0 husk delete --force "$ID"
	done <<-'END'
		/bin/missing no such file or directory
		missing executable file not found in $PATH
		/etc/plain permission denied
		/etc permission denied
	END
}

test_a_cwd_that_is_none_is_refused() {
	make_bundle b '.process.cwd = "/etc/passwd"'
	expect_refusal 'process.cwd.*/etc/passwd.*not a directory' husk run -b b "$ID"
}

# ---- hooks ----

test_a_failing_hook_of_each_kind() {
	make_bundle b
	cp b/config.json good.json
	local kind
	for kind in prestart createRuntime createContainer startContainer; do
		cp good.json b/config.json
		hook "$kind" '{"path": "/bin/sh", "args": ["sh", "-c", "echo why >&2; exit 6"]}'
		expect_refusal "hooks.$kind\[0\].*/bin/sh.*status 6.*why" husk run -b b "$ID"
		[ "$kind" != startContainer ] || break
		expect_refusal "hooks.$kind\[0\].*/bin/sh.*status 6.*why" husk create -b b --pid-file "$T/pid" "$ID"
		[ ! -e pid ] || fail "the pid file is left"
	done
	expect_status 0 husk create -b b "$ID"
	expect_error 'hooks.startContainer\[0\].*status 6' husk start "$ID"
	wait_for 10 is_status "$ID" stopped
	expect_status 0 husk delete "$ID"
	for kind in poststart poststop; do # only worth a warning
		cp good.json b/config.json
		hook "$kind" '{"path": "/bin/sh", "args": ["sh", "-c", "echo why >&2; exit 6"]}'
		config b '.process.args = ["/bin/echo", "ran"]'
		expect_output ran husk run -b b "$ID"
		assert_match "$ERR" "^husk: warning: .*hooks.$kind\[0\].*status 6.*why.*ignoring" "warning of $kind"
	done
}

test_hooks_that_cannot_run() {
	make_bundle b
	cp b/config.json good.json
	hook createRuntime '{"path": "/no/such/hook"}'
	expect_refusal 'hooks.createRuntime\[0\].*/no/such/hook.*no such file' husk run -b b "$ID"
	hook createRuntime '{"path": "/etc/passwd"}'
	expect_refusal 'hooks.createRuntime\[0\].*permission denied' husk run -b b "$ID"
	hook createRuntime '{"path": "/bin/sh", "args": ["sh", "-c", "kill -SEGV $$"]}'
	expect_refusal 'hooks.createRuntime\[0\].*killed by signal 11' husk run -b b "$ID"
	# the second of two, after the first ran; poststop runs as early hooks did
	config b --arg t "$T" '.hooks = {"prestart": [{"path": "/bin/sh", "args": ["sh", "-c", "echo pre >>\($t)/ran"]},
		{"path": "/bin/false"}], "poststop": [{"path": "/bin/sh", "args": ["sh", "-c", "echo post >>\($t)/ran"]}]}'
	expect_refusal 'hooks.prestart\[1\].*status 1' husk run -b b "$ID"
	assert_eq "$(xargs <ran)" 'pre post' "hooks that ran"
	cp good.json b/config.json
	hook startContainer '{"path": "/no/such/hook"}'
	expect_refusal 'hooks.startContainer\[0\].*/no/such/hook.*no such file' husk run -b b "$ID"
}

test_hooks_get_args_env_and_need_not_read() {
	make_bundle b '.annotations.big = ("x" * 300000)' # more than a pipe holds
	config b --arg t "$T" '.hooks.createRuntime = [{"path": "/bin/sh", "env": ["A=b c", "PATH=/usr/bin:/bin"], "timeout": 120,
		"args": ["zero", "-c", "exec >\($t)/out; echo \"$0 $1 $A\"; env | sort | cut -d= -f1 | xargs; cat /proc/self/oom_score_adj", "x", "y z"]}]'
	expect_status 0 husk run -b b "$ID"
	assert_eq "$(head -n 1 out)" 'x y z b c'
	assert_match "$(sed -n 2p out)" '^A PATH( PWD| SHLVL| _)*$' "environment"
	# what it writes is no part of the container's output, and cannot block it
	hook createRuntime '{"path": "/bin/sh", "args": ["sh", "-c", "head -c 1000000 /dev/zero | tee /dev/stderr"]}'
	expect_output '' husk run -b b "$ID"
}

test_a_hook_that_hangs_ends_with_its_timeout() {
	make_bundle b --arg s "$ODD" '.hooks.createContainer = [{"path": "/bin/sleep", "args": ["sleep", $s], "timeout": 1}]'
	local start=$SECONDS
	expect_refusal 'hooks.createContainer\[0\].*timeout of 1 s' husk run -b b "$ID"
	[ $((SECONDS - start)) -lt $((120 + BOOT_SECONDS)) ] || fail "waited $((SECONDS - start)) s"
	wait_for 10 no_process_of "$ODD" # or the hook is left
}

# ---- the caller's files ----

test_files_of_the_caller_that_cannot_be() {
	make_bundle b
	expect_refusal 'pid-file.*/no/such' husk run -b b --pid-file /no/such/pid "$ID"
	expect_refusal 'pid-file.*/no/such' husk create -b b --pid-file /no/such/pid "$ID"
	mkdir dir
	expect_refusal 'pid-file.*directory' husk create -b b --pid-file "$T/dir" "$ID"
	expect_refusal 'pidfd-socket.*/no/such|/no/such.*socket' husk create -b b --pidfd-socket /no/such/socket "$ID"
	: >plain
	expect_refusal 'pidfd-socket.*plain' husk create -b b --pidfd-socket "$T/plain" "$ID"
	expect_refusal 'preserve-fds.*descriptor [3-9]' husk create -b b --preserve-fds 7 "$ID"
	expect_refusal 'console-socket.*process.terminal' husk create -b b --console-socket "$T/none" "$ID"
	config b '.process.terminal = true'
	expect_refusal 'none.*no such file' husk create -b b --console-socket "$T/none" "$ID"
	expect_refusal 'plain.*refused' husk create -b b --console-socket "$T/plain" "$ID"
	expect_refusal 'process.terminal.*console-socket' husk create -b b "$ID"
}

test_a_root_of_somebody_else_is_refused() {
	make_bundle b
	chmod 0777 "$ROOT"
	expect_refusal "root.*writable" husk run -b b "$ID"
	expect_refusal "root.*writable" husk list
	chmod 0755 "$ROOT"
	is_root || expect_error "root.*must belong to uid" "$HUSK" --root / run -b b "$ID"
	: >file
	expect_error "root.*not a directory" "$HUSK" --root "$T/file" run -b b "$ID"
	expect_error "root.*not a directory" "$HUSK" --root "$T/file/below" run -b b "$ID"
	expect_error "root" "$HUSK" --root "$(head -c 5000 /dev/zero | tr '\0' r)" run -b b "$ID"
	expect_error "root.*/proc/none" "$HUSK" --root /proc/none run -b b "$ID"
}

test_a_root_of_another_user_is_refused() {
	make_bundle b
	chown 12345 "$ROOT"
	expect_refusal "root.*must belong to uid 0" husk run -b b "$ID"
	chown 0 "$ROOT"
}

test_a_read_only_root_is_refused() {
	in_own_mounts
	make_bundle b
	mount --bind "$ROOT" "$ROOT"
	mount -o remount,bind,ro "$ROOT"
	expect_refusal "read-only file system" husk run -b b "$ID"
	expect_refusal "read-only file system" husk create -b b "$ID"
	expect_output '' husk list -q
	unmount "$ROOT"
}

# ---- a full disk ----

# full_root PAGES: --root is a tmpfs with room for so many pages.
full_root() {
	! mountpoint -q "$ROOT" || unmount "$ROOT"
	mount -t tmpfs -o size=64k,mode=0700 none "$ROOT"
	mkdir "$ROOT/.fill"
	dd if=/dev/zero of="$ROOT/.fill/f" bs=4k count=$((16 - $1)) 2>/dev/null
}

empty_but_fill() {
	# .jail is where all VMs have their roots
	[ "$(ls -A --ignore=.jail "$ROOT")" = .fill ] || fail "left on the full disk: $(ls -A "$ROOT")"
}

test_a_full_disk_under_the_state_directory() {
	in_own_mounts
	make_bundle b '.process.args = ["/bin/sleep", "1000"]'
	local room ended=
	for room in 0 1 2 3 4 5 6 7 8; do
		[ "$room" -lt 7 ] || [ -z "$ended" ] || break
		full_root "$room"
		run husk run -d -b b "$ID"
		if [ "$STATUS" = 0 ]; then
			ended=1
			expect_status 0 husk delete -f "$ID"
		else
			assert_match "$ERR" '^husk: .*No space left on device$' "room for $room pages"
			assert_eq "$STATUS $(wc -l <<<"$ERR")" '1 1' "status and lines, room for $room pages"
		fi
		empty_but_fill
		run husk create -b b "$ID"
		[ "$STATUS" != 0 ] || expect_status 0 husk delete "$ID"
		empty_but_fill
		wait_for 10 no_process_of "$ID" # or a process is left
	done
	[ -n "$ended" ] || fail "never enough room"
	# no room for one more name
	unmount "$ROOT"
	mount -t tmpfs -o size=64k,nr_inodes=1,mode=0700 none "$ROOT"
	expect_refusal 'no space left' husk create -b b "$ID"
	unmount "$ROOT"
}

test_a_disk_that_fills_up_later() {
	in_own_mounts
	make_bundle b '.process.args = ["/bin/sleep", "1000"]'
	full_root 8
	expect_status 0 husk create -b b "$ID"
	cat /dev/zero 2>/dev/null >"$ROOT/.fill/f2" || true
	expect_status 0 husk start "$ID"
	is_status "$ID" running || fail "status: $(status_of "$ID")"
	expect_output hi husk exec "$ID" echo hi
	expect_error 'pid-file.*no space left' husk exec --pid-file "$ROOT/.fill/pid" "$ID" sleep "$ODD"
	assert_eq "$STATUS" 255 "status of exec"
	wait_for 10 no_process_of "$ODD" # or the process of exec is left
	expect_error 'pid-file.*no space left' husk exec -d --pid-file "$ROOT/.fill/pid" "$ID" sleep "$ODD"
	wait_for 10 no_process_of "$ODD" # or the detached process of exec is left
	assert_eq "$(find "$ROOT/.fill" -mindepth 1 | wc -l)" 2 "files beside the pid file"
	expect_status 0 husk kill "$ID" KILL
	wait_for 10 is_status "$ID" stopped
	expect_status 0 husk delete "$ID"
	empty_but_fill
	unmount "$ROOT"
}

# ---- many at once ----

test_two_creates_of_one_id() {
	make_bundle b '.process.args = ["/bin/sleep", "1000"]'
	local i one two
	for i in 1 2 3 4 5; do
		one=0 two=0
		husk_exec create -b b "$ID" 2>err1 &
		local pid=$!
		husk create -b b "$ID" 2>err2 || two=$?
		wait "$pid" || one=$?
		assert_eq "$((one + two))" 1 "statuses $one and $two ($(cat err1 err2))"
		assert_match "$(cat err1 err2)" 'already exists' "the loser's word"
		is_status "$ID" created || fail "round $i: the winner is $(status_of "$ID")"
		expect_status 0 husk delete "$ID"
	done
}

test_delete_of_a_container_that_hangs_in_a_hook() {
	[ "${HUSK_LABEL:-}" != user: ] || skip "once is enough: it waits for the lock"
	make_bundle b --arg t "$T" '.hooks.createRuntime = [{"path": "/bin/sh",
		"args": ["sh", "-c", "echo $$ >\($t)/hook.pid; exec sleep 600"]}]'
	husk_exec create -b b "$ID" 2>err &
	local pid=$! status=0
	wait_for 10 test -s hook.pid
	is_status "$ID" creating || fail "status: $(status_of "$ID")"
	expect_output "$ID" husk list -q
	expect_error 'created|in use' husk start "$ID"
	expect_error 'not stopped: creating' husk delete "$ID"
	expect_error 'created|not started' husk exec "$ID" true
	expect_status 0 husk delete --force "$ID"
	expect_output '' husk list -q
	kill "$(cat hook.pid)"
	wait "$pid" || status=$?
	assert_eq "$status" 1 "status of create"
	assert_eq "$(wc -l <err)" 1 "lines of create's error: $(cat err)"
}

test_start_kill_and_delete_at_once() {
	make_bundle b '.process.args = ["/bin/sleep", "1000"]'
	local i pids p
	for i in $(seq "$(rounds 6 2)"); do
		expect_status 0 husk create -b b "$ID"
		pids=
		for p in "start $ID" "kill $ID KILL" "start $ID" "delete -f $ID" "delete -f $ID" "state $ID"; do
			# shellcheck disable=SC2086 # words
			husk_exec $p >/dev/null 2>>err &
			pids="$pids $!"
		done
		# shellcheck disable=SC2086
		for p in $pids; do wait "$p" || true; done
		expect_status 0 husk delete -f "$ID"
		[ -z "$(ls "$ROOT")" ] || fail "round $i: left: $(ls "$ROOT")"
	done
	! grep -v '^husk: ' err || fail "an odd line on stderr"
}

test_fifty_containers_by_eight_workers() {
	local n
	make_bundle b '.process.args = ["/bin/sleep", "1000"]'
	# shellcheck disable=SC2016,SC2086
	one='set -e; id=$1-$2; h="$HUSK --root $ROOT $HUSK_FLAGS"
		$h create -b b --pid-file "pid.$2" "$id"
		$h start "$id"
		[ "$($h exec "$id" echo "$id")" = "$id" ] || { echo "exec of $id"; exit 1; }
		[ "$($h state "$id" | jq .pid)" = "$(cat "pid.$2")" ] || { echo "state of $id"; exit 1; }'
	n=$(rounds 50 3)
	seq "$n" | xargs -P 8 -I @@ sh -c "$one" sh "$ID" @@ >errors 2>&1 || fail "$(head -n 3 errors)"
	expect_status 0 husk list -q
	assert_eq "$(wc -l <<<"$OUT")" "$n" "containers"
	assert_eq "$(sort -u pid.* | wc -l)" "$n" "processes"
	# one whose name begins another's goes alone
	expect_status 0 husk delete -f "$ID-1"
	expect_status 0 husk list -q
	assert_eq "$(wc -l <<<"$OUT")" $((n - 1)) "containers but one"
	is_vm || assert_match "$OUT" "^$ID-10$"
	expect_output hi husk exec "$ID-$(rounds 11 3)" echo hi
	husk list -q | sed 's/^/delete -f /' | xargs -P 8 -n 3 "$HUSK" --root "$ROOT" >errors 2>&1 || fail "$(head -n 3 errors)"
	expect_output '' husk list -q
}

# tests/bench/load.sh runs more of them, and tells how fast.
test_a_hundred_containers_in_sequence() {
	make_bundle b '.process.args = ["/bin/echo", "here"]'
	local i
	for ((i = $(rounds 0 95); i < 100; i++)); do
		expect_output here husk run -b b "$ID"
		[ -z "$(ls "$ROOT")" ] || fail "round $i: left: $(ls "$ROOT")"
	done
}

# ---- killed ----

test_an_init_killed_from_outside() {
	make_bundle b '.process.args = ["/bin/sleep", "1000"]'
	expect_status 0 husk create -b b "$ID-1"
	expect_status 0 husk run -d -b b "$ID-2"
	local n pid
	for n in 1 2; do
		pid=$(husk state "$ID-$n" | jq .pid)
		kill -KILL "$pid"
		wait_for 10 is_status "$ID-$n" stopped
		assert_eq "$(husk state "$ID-$n" | jq .pid)" 0 "pid of a stopped container"
		expect_error 'container not running|no such process|does not exist' husk kill "$ID-$n" TERM
		expect_error 'stopped' husk start "$ID-$n"
		expect_error 'not running' husk exec "$ID-$n" true
		expect_status 0 husk delete "$ID-$n"
	done
}

# The number of a process that has ended may be another's by now: a thread's, too, which is no process.
test_a_pid_that_is_a_threads_by_now() {
	need python3
	is_husk || skip "for husk alone"
	make_bundle b
	expect_status 0 husk run -d -b b "$ID"
	wait_for 10 is_status "$ID" stopped
	python3 -c 'import threading, time
t = threading.Thread(target=time.sleep, args=(1000,), daemon=True)
t.start()
print(t.native_id, flush=True)
time.sleep(1000)' >tid &
	wait_for 10 test -s tid
	jq --argjson tid "$(cat tid)" '.pid = $tid' "$ROOT/$ID/state.json" >new
	cat new >"$ROOT/$ID/state.json"
	is_status "$ID" stopped || fail "status: $(status_of "$ID")"
	expect_error 'container not running' husk kill "$ID" TERM
	kill $!
	expect_status 0 husk delete "$ID"
}

test_a_broken_state_directory() {
	make_bundle b '.process.args = ["/bin/sleep", "1000"]'
	expect_status 0 husk run -d -b b "$ID-good"
	local text n=0
	for text in 'garbage' '' '{}' '[]' '{"pid": "x"}' '{"pid": -1, "startTime": 1, "owner": 0}' $'{"\0": 1}'; do
		n=$((n + 1))
		mkdir "$ROOT/$ID-$n"
		printf '%s' "$text" >"$ROOT/$ID-$n/state.json"
	done
	mkdir "$ROOT/$ID-dir" "$ROOT/$ID-dir/state.json" "$ROOT/$ID-none"
	ln -s /etc "$ROOT/$ID-link"
	: >"$ROOT/$ID-file"
	expect_status 0 husk list -q
	assert_eq "$OUT" "$ID-good" "list -q"
	assert_eq "$(grep -c "^husk: warning: .*$ID-[0-9].*skipping" <<<"$ERR")" "$n" "warnings of $ERR"
	expect_error 'state.json' husk state "$ID-1"
	expect_error 'state.json' husk kill "$ID-1" KILL
	expect_error 'state.json' husk delete "$ID-1"
	for text in $(seq "$n") none; do
		expect_status 0 husk delete -f "$ID-$text"
	done
	rmdir "$ROOT/$ID-dir/state.json" "$ROOT/$ID-dir"
	expect_error "$ID-link" husk delete -f "$ID-link"
	[ -L "$ROOT/$ID-link" ] || fail "a link was removed"
	rm "$ROOT/$ID-link" "$ROOT/$ID-file"
	is_status "$ID-good" running || fail "the good one suffered"
	expect_status 0 husk delete -f "$ID-good"
}

test_run_that_is_killed_leaves_a_container_that_goes_on() {
	make_bundle b '.root.readonly = false'
	container_sh b 'echo $$ >/tmp/up; while :; do sleep 0.05; done'
	husk_exec run -b b "$ID" &
	local pid=$!
	wait_for 10 test -s b/rootfs/tmp/up
	kill -KILL "$pid"
	wait "$pid" 2>/dev/null || true
	is_status "$ID" running || fail "status: $(status_of "$ID")"
	expect_output hi husk exec "$ID" echo hi
	expect_status 0 husk delete -f "$ID"
}

test_signals_to_run_reach_the_container() {
	make_bundle b
	container_sh b 'for s in TERM INT HUP USR1 USR2 QUIT; do trap "echo $s" $s; done; trap "exit 7" WINCH
		echo up; while :; do sleep 0.02; done'
	husk_exec run -b b "$ID" >out 2>&1 &
	local pid=$! status=0 s
	wait_for 10 grep -q up out
	for s in TERM INT HUP USR1 USR2 QUIT; do
		kill -"$s" "$pid"
		wait_for 10 grep -qx "$s" out
	done
	expect_status 0 husk kill "$ID" WINCH
	wait "$pid" || status=$?
	assert_eq "$status" 7 "status of run"
}

# A signal that comes while the container is still being made is for it as well.
test_a_signal_during_set_up_is_not_lost() {
	make_bundle b --arg t "$T" '.process.args = ["/bin/sleep", "1000"] | .hooks.createRuntime = [{"path": "/bin/sh",
		"args": ["sh", "-c", "echo $$ >\($t)/up; read -r x <\($t)/go"]}]'
	mkfifo go
	container_sh b 'trap "exit 9" TERM; while :; do sleep 0.02; done'
	husk_exec run -b b "$ID" &
	local pid=$! status=0
	wait_for 10 test -s up
	# husk is to see both at once: one that sees the signal while the hook runs would end the hook
	kill -STOP "$pid"
	kill -TERM "$pid"
	echo >go
	wait_for 10 grep -q '^State:.Z' "/proc/$(cat up)/status"
	kill -CONT "$pid"
	# pid 1 without a handler ignores it: send again until the handler is there
	while kill -TERM "$pid" 2>/dev/null; do sleep 0.05; done
	wait "$pid" || status=$?
	assert_eq "$status" 9 "status of run"
}

# A hook that has ended by the time that husk sees the signal was not in its way.
test_a_signal_after_the_end_of_a_hook() {
	need strace
	is_husk || skip "for husk alone"
	make_bundle b --arg t "$T" '.hooks.createRuntime = [{"path": "/bin/sh", "args": ["sh", "-c", "echo $$ >\($t)/up"]}]'
	container_sh b 'trap "exit 9" TERM; while :; do sleep 0.02; done'
	strace -D -o calls -e trace=pidfd_open -e inject=pidfd_open:delay_exit=3000000 "$HUSK" --root "$ROOT" run -b b "$ID" 2>err &
	local pid=$! status=0
	wait_for 10 test -s up
	has_ended() { ! grep -qs '^State:.[^Z]' "/proc/$(cat up)/status"; }
	wait_for 10 has_ended
	while kill -TERM "$pid" 2>/dev/null; do sleep 0.05; done
	wait "$pid" || status=$?
	assert_eq "$status" 9 "status of run ($(cat err))"
}

# It was created, so it is deleted: no other hook has to have run before.
test_poststop_of_a_run_that_fails() {
	local flags
	make_bundle b --arg t "$T" '.process.args = ["/nothing-to-run-it"] |
		.hooks = {"poststop": [{"path": "/bin/sh", "args": ["sh", "-c", "echo post >>\($t)/ran"]}]}'
	echo '#!/no/interpreter' >b/rootfs/nothing-to-run-it
	chmod 755 b/rootfs/nothing-to-run-it
	for flags in '' -d; do
		rm -f ran
		# shellcheck disable=SC2086
		run husk run $flags -b b "$ID"
		[ "$STATUS" != 0 ] || fail "a program that is not there ran"
		[ -e ran ] || fail "run $flags: no poststop"
		assert_eq "$(cat ran)" post "hooks of run $flags"
	done
}

# While a container is made its state is locked, also where somebody else was the first to lock the new directory.
test_create_waits_for_its_lock() {
	need strace flock
	is_husk || skip "for husk alone"
	make_bundle b --arg dir "$ROOT/$ID" --arg out "$T/unlocked" '.hooks.createRuntime = [{"path": "/bin/sh",
		"args": ["sh", "-c", "flock --nonblock \($dir) echo unlocked >\($out); true"]}]'
	run strace -o calls -e trace=flock -e inject=flock:error=EAGAIN:when=1 "$HUSK" --root "$ROOT" create -b b "$ID"
	assert_eq "$STATUS" 0 "status ($ERR)"
	grep -q INJECTED calls || fail "there was no lock"
	[ -e unlocked ] || fail "the hook did not run"
	assert_eq "$(cat unlocked)" '' "what the hook found"
	expect_status 0 husk delete --force "$ID"
	expect_error "lock container '$ID'" strace -o calls -e trace=flock -e inject=flock:error=ENOLCK:when=1 "$HUSK" --root "$ROOT" create -b b "$ID"
	[ ! -e "$ROOT/$ID" ] || fail "the directory is left"
}

# killed_at_random_times FLAGS...: 20 creates, each killed 0 to 5 ms after its begin.
killed_at_random_times() {
	local i pid
	for ((i = 0; i < $(rounds 20 8); i++)); do
		"$HUSK" --root "$ROOT" "$@" create -b b --pid-file "$T/pid.$i" "$ID" 2>/dev/null &
		pid=$!
		sleep "0.00$((RANDOM % 6))$((RANDOM % 10))"
		kill -KILL "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
		expect_status 0 "$HUSK" --root "$ROOT" "$@" delete --force "$ID"
		[ -z "$(ls "$ROOT")" ] || fail "round $i: left: $(ls "$ROOT")"
	done
}

test_create_killed_at_random_times() {
	make_bundle b '.process.args = ["/bin/sleep", "1000"]'
	# shellcheck disable=SC2086
	killed_at_random_times $HUSK_FLAGS
	killed_at_random_times --cgroup-manager=disabled
	# slower ways to be killed in: another user, a user namespace
	! is_root || config b '.process.user.uid = 1000 | .linux.namespaces += [{"type": "user"}] |
		.linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 2000}] |
		.linux.gidMappings = [{"containerID": 0, "hostID": 100000, "size": 2000}]'
	killed_at_random_times --cgroup-manager=disabled
}

# An ordinary user can mount nothing, and give nothing to others.
export ROOT_ONLY="test_a_root_of_another_user_is_refused test_a_read_only_root_is_refused
	test_a_full_disk_under_the_state_directory test_a_disk_that_fills_up_later"
ROOT_ONLY=${ROOT_ONLY//$'\n\t'/ }
run_tests "$@"
