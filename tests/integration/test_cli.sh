#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The command line itself: help, version, spellings of options, where errors go, exit
# statuses, spec, features, the formats of list and ps, and --regex.
# runs-as: root user
set -eu
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
private_cgroup2 "$@"

COMMANDS="create start run exec kill delete state list ps pause resume mounts events spec features doctor"

# husk without --root and HUSK_FLAGS
bare() {
	"$HUSK" "$@"
}

# expect_usage_error STATUS REGEX COMMAND...: one line with this status, nothing on stdout.
expect_usage_error() {
	local status=$1 want=$2
	shift 2
	expect_error "$want" "$@"
	assert_eq "$STATUS" "$status" "status of '$*'"
	assert_eq "$OUT" "" "stdout of '$*'"
	assert_match "$ERR" '^husk: ' "stderr of '$*'"
}

# ---- help and version ----

test_help_names_every_command() {
	local c
	expect_status 0 bare --help
	assert_eq "$ERR" ""
	for c in $COMMANDS; do
		assert_match "$OUT" "^  $c +[A-Z]" "husk --help"
	done
	local long=$OUT
	expect_output "$long" bare -h
	expect_output "$long" bare
}

test_help_of_each_command() {
	local c
	for c in $COMMANDS; do
		expect_status 0 bare "$c" --help
		assert_match "$OUT" "^Usage: husk .* $c( |$)" "husk $c --help"
		assert_match "$OUT" '^  -h, --help ' "husk $c --help"
	done
	# nothing is done, and no state directory made, when help is asked for
	expect_status 0 bare --root "$T/none" run --help x y z
	[ ! -e none ] || fail "--help made the state directory"
}

test_version_has_a_line_for_docker() {
	expect_status 0 bare --version
	assert_match "$OUT" '^husk version [0-9]+\.[0-9]+\.[0-9]+[^ ]*$' "first line"
	assert_eq "$(grep -c version <<<"$OUT")" 1 "lines with the word version"
	assert_match "$OUT" '^spec: 1\.[0-9]+\.[0-9]+$' "spec line"
	expect_output "$OUT" bare -v
	expect_output "$OUT" bare --root "$T/none" -version
}

# ---- what is refused ----

test_unknown_flags_are_refused_in_one_line() {
	local c
	expect_usage_error 1 "unknown option '--none'.*'husk --help'" bare --none
	expect_usage_error 1 "unknown command 'none'.*'husk --help'" bare none
	for c in $COMMANDS; do
		[ "$c" != exec ] || continue
		expect_usage_error 1 "$c: unknown option '--none'.*'husk $c --help'" husk "$c" --none
	done
	expect_usage_error 255 "exec: unknown option '--none'.*'husk exec --help'" husk exec --none
}

test_a_wrong_count_of_arguments_is_refused() {
	local c
	for c in create start run kill delete state ps pause resume; do
		expect_usage_error 1 "$c: .*missing.*'husk $c --help'" husk "$c"
	done
	for c in create start run delete state pause resume; do
		expect_usage_error 1 "$c: unexpected argument 'b'" husk "$c" a b
	done
	for c in list spec features; do
		expect_usage_error 1 "$c: unexpected argument 'a'" husk "$c" a
	done
	expect_usage_error 1 "kill: unexpected argument 'c'" husk kill a b c
	expect_usage_error 255 "exec: .*missing" husk exec
	expect_usage_error 255 "exec: a command is missing" husk exec a
	expect_usage_error 255 "exclude each other" husk exec --process f a ls
}

test_values_are_checked() {
	expect_usage_error 1 "preserve-fds.*got 'x'" husk create --preserve-fds x a
	expect_usage_error 1 "needs a value" husk create --bundle
	expect_usage_error 1 "not empty" husk create --bundle= a
	expect_usage_error 1 "expected table or json, got 'xml'" husk list --format xml
	expect_usage_error 1 "expected true or false, got 'x'" husk delete --force=x a
	expect_usage_error 1 "regex" husk kill --regex '(' 9
	expect_usage_error 255 "KEY=VALUE, got 'A'" husk exec --env A a ls
	expect_usage_error 255 "group id, got '-1'" husk exec -g -1 a ls
	expect_usage_error 1 "text or json, got 'xml'" bare --log-format xml list
	# the first error is the one that is told
	expect_usage_error 1 "unknown option '--none'" bare --log-format xml --none
	expect_usage_error 1 "expected error, warn, info or debug, got 'x'" bare --log-level x list
	expect_usage_error 1 "expected true, false or auto, got 'x'" bare --root "$ROOT" --rootless x list
}

test_the_systemd_manager_needs_systemd() {
	[ ! -d /run/systemd/system ] || skip "systemd runs here: test_systemd.sh tests it"
	make_bundle b
	expect_error 'linux.cgroupsPath: husk-systemd: connect to systemd|husk-systemd. is missing' \
		bare --root "$ROOT" --systemd-cgroup run --bundle b "$ID"
	expect_error "does not exist" bare --root "$ROOT" state "$ID"
	expect_status 0 bare --root "$ROOT" --systemd-cgroup --cgroup-manager disabled list -q
}

# ---- spellings ----

test_long_options_take_one_dash() {
	expect_status 0 bare -root "$ROOT" -cgroup-manager=disabled list -format json
	assert_eq "$(jq -c . <<<"$OUT")" '[]'
	expect_error "does not exist" bare -root="$ROOT" delete -force=false none
}

test_options_may_follow_the_id() {
	expect_error "does not exist" husk delete none
	expect_status 0 husk delete none --force
	expect_status 0 husk delete none -f=true
	# behind "--" nothing is an option
	expect_usage_error 1 "unexpected argument '--force'" husk delete none -- --force
}

# ---- where errors go ----

test_a_missing_container_is_named_by_every_command() {
	local c
	for c in start state delete kill ps pause resume; do
		expect_usage_error 1 "none.*does not exist" husk "$c" none
	done
	expect_usage_error 255 "none.*does not exist" husk exec none ls
}

test_the_json_log_ends_with_the_error() {
	expect_error "does not exist" husk_log state none
	assert_eq "$STATUS" 1
	assert_eq "$(tail -n 1 "$LOG" | jq -r .level)" error
	assert_match "$(tail -n 1 "$LOG" | jq -r .msg)" 'none.*does not exist' "message in the log"
	assert_match "$(tail -n 1 "$LOG" | jq -r .time)" '^[0-9-]{10}T[0-9:]{8}(\.[0-9]+)?Z$' "time in the log"
	assert_eq "$ERR" "husk: $(tail -n 1 "$LOG" | jq -r .msg)" "the line on stderr"
	# appended, and usage errors too
	expect_error "unknown option" husk_log state --none
	assert_match "$(tail -n 1 "$LOG" | jq -r .msg)" "unknown option '--none'"
	expect_error "unknown option" "$HUSK" --log "$LOG" --log-format json --none
	assert_match "$(tail -n 1 "$LOG" | jq -r .msg)" "unknown option '--none'"
	assert_eq "$(wc -l <"$LOG")" 3 "lines in the log"
}

test_without_a_log_the_error_is_on_stderr_once() {
	expect_error "does not exist" husk state none
	expect_error "does not exist" bare --root "$ROOT" --log-format json state none
	assert_eq "$(jq -r .level <<<"$ERR")" error
	# through a pipe: writes to a file could cover each other
	OUT=$(bare --root "$ROOT" --log /dev/stderr state none 2>&1 || true)
	assert_eq "$(grep -c 'does not exist' <<<"$OUT")" 1 "lines with --log /dev/stderr"
}

test_a_text_log_has_one_line_an_error() {
	expect_error "does not exist" bare --root "$ROOT" --log "$LOG" state none
	assert_eq "$(wc -l <"$LOG")" 1
	assert_match "$(cat "$LOG")" 'none.*does not exist'
	expect_usage_error 1 "--log: open '/proc/none/log'" bare --log /proc/none/log list
}

test_control_characters_do_not_reach_the_terminal() {
	expect_usage_error 1 'unknown option' husk state $'--no\e[31m\nne'
	! grep -q $'\e' <<<"$ERR" || fail "an escape sequence in '$ERR'"
	run bare --root "$ROOT" --log "$LOG" state $'--no\e[31m\nne'
	! grep -q $'\e' <<<"$ERR" || fail "an escape sequence in '$ERR' beside --log"
	assert_eq "$(wc -l <"$T/stderr")" 1 "lines on stderr"
}

test_output_that_cannot_be_written_is_an_error() {
	local status=0
	bare --version >/dev/full 2>err || status=$?
	assert_eq "$status" 1 "status with a full disk"
	assert_match "$(cat err)" 'standard output: No space left'
	status=0
	husk list >/dev/full 2>err || status=$?
	assert_eq "$status" 1 "status of list with a full disk"
}

# ---- the process itself ----

test_closed_descriptors_are_filled() {
	# with descriptor 1 closed a log would become standard output
	(exec >&- && bare --root "$ROOT" --log "$LOG" --log-level debug features) || fail "features with stdout closed"
	[ ! -e "$LOG" ] || ! grep -q ociVersion "$LOG" || fail "standard output went into the log"
	(exec <&- >&- 2>&- && bare --version) || fail "--version with all three closed"
	(exec 2>&- && ! bare --root "$ROOT" --log "$LOG" state none) || fail "state with stderr closed"
	assert_eq "$(grep -c 'does not exist' "$LOG")" 1 "lines in the log"
}

test_setuid_is_refused() {
	need setpriv
	! has_sanitizers "$HUSK" || skip "the sanitizers' run-time does not start setuid"
	cp "$HUSK" suid
	chown 65534 suid
	chmod 4755 suid
	[ ! -u suid ] || ! findmnt -nT suid -o OPTIONS | grep -qw nosuid || skip "the temporary folder is nosuid"
	expect_usage_error 1 'setuid' ./suid --version
	chown 0:65534 suid
	chmod 2755 suid
	expect_usage_error 1 'setgid' ./suid --version
	chmod 0755 suid
	expect_status 0 ./suid --version
}

# ---- spec, features, list ----

test_spec_writes_a_config_once() {
	mkdir b
	expect_output "" husk spec --bundle b
	jq -e '.ociVersion and .process.args and .root.path and .linux.namespaces' b/config.json >/dev/null ||
		fail "config.json of spec"
	echo mine >b/config.json
	expect_usage_error 1 'config.json.*exists' husk spec -b b
	assert_eq "$(cat b/config.json)" mine "config.json after a refusal"
	expect_usage_error 1 "no/such" husk spec --bundle no/such
	cd b
	rm config.json
	ln -s "$T/elsewhere" config.json
	expect_usage_error 1 'config.json.*exists' husk spec
	[ ! -e "$T/elsewhere" ] || fail "spec wrote through a symlink"
}

test_spec_for_an_ordinary_user() {
	mkdir b
	expect_output "" husk spec --rootless --bundle b
	jq -e '[.linux.namespaces[].type] | index("user")' b/config.json >/dev/null || fail "no user namespace"
}

test_features_is_one_json_object() {
	expect_status 0 bare features
	jq -e '.ociVersionMin and .ociVersionMax and .linux.namespaces' <<<"$OUT" >/dev/null || fail "features: $OUT"
	[ -z "$(tail -c 1 "$T/stdout" | tr -d '\n')" ] || fail "no newline at the end"
	# needs no state directory
	expect_status 0 bare --root /proc/none features
}

test_list_without_containers() {
	expect_status 0 husk list
	assert_match "$OUT" '^ID +PID +STATUS +BUNDLE +CREATED +OWNER$' "head line"
	assert_eq "$(wc -l <<<"$OUT")" 1 "lines"
	expect_output "" husk list -q
	expect_output "[]" husk list --format json
	expect_status 0 husk list --format=table
}

# ---- with containers ----

# sleepers SUFFIX...: containers $ID-SUFFIX that sleep, started.
sleepers() {
	local s
	make_bundle b '.process.args = ["/bin/sleep", "1000"]'
	for s in "$@"; do
		expect_status 0 husk create --bundle b "$ID-$s"
		expect_status 0 husk start "$ID-$s"
		is_vm || wait_for 10 grep -qx sleep "/proc/$(husk state "$ID-$s" | jq .pid)/comm" # of a VM it is husk-mon
	done
}

test_list_has_runcs_columns_and_keys() {
	sleepers one
	local pid
	pid=$(husk state "$ID-one" | jq .pid)
	expect_status 0 husk list
	assert_match "$(head -n 1 <<<"$OUT")" '^ID +PID +STATUS +BUNDLE +CREATED +OWNER$' "head line"
	assert_match "$(tail -n 1 <<<"$OUT")" "^$ID-one +$pid +running +$T/b +20[-0-9]+T[0-9:.]+Z +$(id -un)$" "line"
	# columns stand below each other
	assert_eq "$(awk '{ print index($0, NR == 1 ? "BUNDLE" : "/") }' <<<"$OUT" | sort -u | wc -l)" 1 "columns of BUNDLE"
	expect_status 0 husk list -f json
	assert_eq "$(jq -r '.[0] | keys_unsorted | join(" ")' <<<"$OUT")" \
		"ociVersion id pid status bundle rootfs created owner" "keys"
	jq -e --arg id "$ID-one" --argjson pid "$pid" --arg t "$T" 'length == 1 and .[0].id == $id and
		.[0].pid == $pid and .[0].status == "running" and .[0].bundle == "\($t)/b" and
		.[0].rootfs == "\($t)/b/rootfs"' <<<"$OUT" >/dev/null || fail "list --format json: $OUT"
	expect_output "$ID-one" husk list --quiet --format json
	expect_status 0 husk delete --force "$ID-one"
}

test_ps_passes_its_arguments_on() {
	need ps
	sleepers one
	local pid
	pid=$(husk state "$ID-one" | jq .pid)
	expect_output "[$pid]" husk ps --format json "$ID-one"
	expect_status 0 husk ps "$ID-one"
	assert_match "$(head -n 1 <<<"$OUT")" '^UID +PID ' "head line of ps -ef"
	assert_eq "$(wc -l <<<"$OUT")" 2 "lines"
	expect_status 0 husk ps "$ID-one" -e -o pid,comm
	assert_match "$(tail -n 1 <<<"$OUT")" "^ *$pid sleep$" "line of ps -o pid,comm"
	expect_error 'no PID column' husk ps "$ID-one" -e -o comm
	expect_error "program 'ps' failed" sh -c "'$HUSK' --root '$ROOT' ps '$ID-one' --none 2>&1 >&2 | grep ^husk >&2; false"
	expect_error "'ps'.*--format json" env PATH=/nowhere "$HUSK" --root "$ROOT" ps "$ID-one"
	expect_status 0 husk delete --force "$ID-one"
}

test_regex_reaches_every_match() {
	sleepers a1 a2 b1
	# two run and cannot be deleted: one error line, the other is warned of
	run husk delete --regex "^$ID-a"
	assert_eq "$STATUS" 1 "status of delete of running containers"
	assert_eq "$(grep -c '^husk: warning: ' <<<"$ERR") $(wc -l <<<"$ERR")" "1 2" "warnings and lines"
	expect_status 0 husk kill --regex "^$ID-a[12]" KILL
	wait_for 10 is_status "$ID-a1" stopped
	wait_for 10 is_status "$ID-a2" stopped
	assert_eq "$(status_of "$ID-b1")" running "the one that does not match"
	expect_output "" husk delete -r "^$ID-a"
	expect_output "$ID-b1" husk list -q
	expect_output "" husk delete --regex nothing-matches
	expect_output "" husk delete --force --regex b1
	expect_output "" husk list -q
}

# shellcheck disable=SC2034 # read by lib.sh
ROOT_ONLY="test_setuid_is_refused test_the_systemd_manager_needs_systemd" # a user does without a cgroup
run_tests "$@"
