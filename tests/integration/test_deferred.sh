#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A start that the program itself ends, what a caller of the library may make of config.json, and limits that it keeps
# elsewhere, too: libcontainer.h, struct husk_instead, struct husk_update_opts. The programs are deferred/starter.c and deferred/program.c.
# runs-as: root
# shellcheck disable=SC2016 # $names in single quotes are jq's or the container's shell's
set -eu
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
private_cgroup2 "$@"

STARTER=$HUSK_TOP_BUILDDIR/tests/integration/deferred/starter
PROGRAM=$HUSK_TOP_BUILDDIR/tests/integration/deferred/program

starter() { "$STARTER" "$ROOT" "$@"; }

# deferred_bundle WORD...: the container's program is `program WORD...`. Descriptor 3 is the memory file, 4 the
# socket, 5 the connection of the start.
deferred_bundle() {
	[ -x "$STARTER" ] || skip "no program '$STARTER': make check builds it"
	make_bundle b '.hostname = "husk"'
	program_is "$@"
	cp "$PROGRAM" b/rootfs/bin/program
}

program_is() {
	config b --argjson words "$(jq -nc '$ARGS.positional' --args "$@")" '.process.args = ["/bin/program"] + $words'
}

test_run_waits_until_the_program_is_up() {
	deferred_bundle 5 up 0 7
	starter detach b "$ID" >out &
	wait $! || fail "status $?: $(cat out)"
	assert_eq "$(cat out)" "$(printf 'fd 3\nfd 4\nfd 5\ngiven: a gift')" "descriptors"
	assert_eq "$(cat "$ROOT/$ID/note")" "a note" note
	assert_eq "$(husk state "$ID" | jq -r .rootfs)" /told/root rootfs
	assert_eq "$(stat -c %F "$ROOT/$ID/socket")" socket "the program's socket"
	assert_eq "$(jq -r .hostname "$ROOT/$ID/config.json")" rewritten "the config that is kept"
	assert_eq "$("$PROGRAM" "$ROOT/$ID/socket")" hello "the program's answer"
	wait_for 5 is_status "$ID" stopped
	husk delete "$ID"
}

test_the_config_is_the_one_that_was_rewritten() {
	deferred_bundle 5 up 0
	config b '.process.args = ["/bin/sh", "-c", "hostname; exec /bin/program 5 fail"]'
	run starter run b "$ID"
	assert_eq "$STATUS $OUT" "1 rewritten"
	assert_eq "$ERR" "the machine did not start"
}

test_run_takes_as_long_as_the_program() {
	deferred_bundle 5 up 1200 7
	local began=$EPOCHREALTIME
	starter detach b "$ID" >out
	[ "$(((${EPOCHREALTIME/./} - ${began/./}) / 1000))" -ge 1200 ] || fail "did not wait: $began $EPOCHREALTIME"
	husk delete --force "$ID"
}

test_run_gives_the_error_of_the_program() {
	deferred_bundle 5 fail
	for verb in run detach; do
		expect_error '^the machine did not start$' starter "$verb" b "$ID"
		[ ! -e "$ROOT/$ID" ] || fail "$verb left the state"
	done
}

test_a_program_that_dies_is_not_up() {
	deferred_bundle 5 die 100
	for verb in run detach; do
		expect_error '^the program died before it was up' starter "$verb" b "$ID"
	done
}

# As of any other container that is killed.
test_one_that_is_killed_has_a_status() {
	deferred_bundle 5 up 60000
	"$STARTER" "$ROOT" run b "$ID" 2>err &
	local status=0
	wait_for 5 is_status "$ID" running
	husk kill "$ID" KILL
	wait $! || status=$?
	assert_eq "$status $(cat err)" "137 " "status and error"
	[ ! -e "$ROOT/$ID" ] || fail "the state is left"
}

test_a_program_that_babbles_is_not_up() {
	deferred_bundle 5 babble
	expect_error 'unknown message' starter detach b "$ID"
}

test_a_program_that_cannot_be_executed() {
	deferred_bundle 5 up
	printf 'no program' >b/rootfs/bin/program
	chmod 755 b/rootfs/bin/program
	expect_error "exec '/bin/program': Exec format error" starter detach b "$ID"
}

test_start_waits_and_gives_the_error() {
	deferred_bundle 5 up 300 0
	starter create b "$ID"
	assert_eq "$(status_of "$ID")" created
	local began=$EPOCHREALTIME
	husk start "$ID"
	[ "$(((${EPOCHREALTIME/./} - ${began/./}) / 1000))" -ge 300 ] || fail "start did not wait"
	assert_eq "$(status_of "$ID")" running
	husk delete --force "$ID"
	program_is 5 fail
	starter create b "$ID"
	expect_error 'the machine did not start' husk start "$ID"
	wait_for 5 is_status "$ID" stopped
	husk delete "$ID"
	program_is 5 die
	starter create b "$ID"
	expect_error 'died before it was up' husk start "$ID"
	husk delete --force "$ID"
}
test_a_signal_ends_a_run_that_waits() {
	deferred_bundle 5 up 60000
	"$STARTER" "$ROOT" run b "$ID" 2>err &
	local pid=$!
	wait_for 5 is_status "$ID" running
	kill -TERM "$pid"
	local status=0
	wait "$pid" || status=$?
	assert_eq "$status" 1 status
	assert_match "$(cat err)" "ended by a signal"
	[ ! -e "$ROOT/$ID" ] || fail "the state is left"
}

# In exec 3 is the memory file and 4 the connection.
test_exec_is_the_same() {
	deferred_bundle 5 up 0 7
	starter detach b "$ID" >/dev/null
	for verb in exec exec-detach; do
		expect_error '^the machine did not start$' starter "$verb" "$ID" /bin/program 4 fail
		expect_error '^the program died before it was up' starter "$verb" "$ID" /bin/program 4 die
		expect_error "no such file" starter "$verb" "$ID" /bin/nothing
	done
	expect_status 5 starter exec "$ID" /bin/program 4 up 0 5
	assert_eq "$OUT" "$(printf 'fd 3\nfd 4\ngiven: a gift')" descriptors
	expect_status 0 starter exec-detach "$ID" /bin/program 4 up 50 5
	husk delete --force "$ID"
}

# Where descriptors of ours would be in the way, they move.
test_many_descriptors_of_the_caller() {
	deferred_bundle 5 up 0 0
	starter detach b "$ID" 3</dev/null 4</dev/null 5</dev/null 6</dev/null 9</dev/null >out
	assert_eq "$(cat out)" "$(printf 'fd 3\nfd 4\nfd 5\ngiven: a gift')" "descriptors"
	husk delete --force "$ID"
}

test_an_update_that_is_refused_elsewhere_is_taken_back() {
	local file sizes='{"hugepageLimits": [{"pageSize": "2MB", "limit": 8388608}]}'
	[ -x "$STARTER" ] || skip "no program '$STARTER': make check builds it"
	make_bundle b --arg path "/$ID" '.process.args = ["/bin/sleep", "1000"] | .linux.cgroupsPath = $path'
	file=$(cgroup2_root)/$ID/hugetlb.2MB.max
	husk run -d -b b "$ID" >out 2>&1 </dev/null || fail "$(cat out)"
	husk update -r - "$ID" <<<'{"hugepageLimits": [{"pageSize": "2MB", "limit": 4194304}]}' || skip "no limit of huge pages of 2 MiB here"
	run starter update "$ID" "$sizes" refuse
	assert_eq "$STATUS $OUT $ERR" "1 asked refused elsewhere"
	assert_eq "$(cat "$file")" 4194304 "the limit after an update that was refused"
	run starter update "$ID" "$sizes" agree
	assert_eq "$STATUS $OUT $ERR" "0 asked "
	assert_eq "$(cat "$file")" 8388608 "the limit after an update"
	# what is refused here is not asked elsewhere
	run starter update "$ID" '{"hugepageLimits": [{"pageSize": "3MB", "limit": 8388608}]}' agree
	assert_eq "$STATUS $OUT" "1 " "an update of pages that there are not: $ERR"
	husk delete --force "$ID"
}

run_tests "$@"
