#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What can go wrong with a VM: a clear message and status in bounded time, nothing left, and `delete --force` works. Where
# the guest's kernel is not what it is about, vm/actor.c stands in the hypervisor's place, and speaks as the agent.
# runs-as: root
# shellcheck disable=SC2016 # $names in single quotes are jq's or the container's shell's
set -eu
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
private_cgroup2 "$@"

ACTOR=$HUSK_TOP_BUILDDIR/tests/integration/vm/actor

need_vm() {
	need qemu-system-x86_64
	[ -x "$ACTOR" ] || skip "no program '$ACTOR': make check builds it"
	as_vm
	[ -e b ] || make_bundle b
}

# plays WORD...: what the actor does in the next container.
plays() {
	need_vm
	[ -e actor ] || cp "$ACTOR" actor
	config b --arg path "$T/actor" --argjson words "$(jq -nc '$ARGS.positional' --args -- "$@")" \
		'.vm = {hypervisor: {path: $path, parameters: (["--"] + $words)}}'
}

assert_nothing_left() {
	[ ! -e "$ROOT/$ID" ] || fail "the state is left"
	! grep -q "$T/b" /proc/self/mountinfo || fail "a mount is left"
	wait_for 20 no_process_of_the_jail
	[ -z "$(cgroup2_root)" ] || wait_for 20 no_cgroup
}
no_cgroup() { [ -z "$(find "$(cgroup2_root)" -type d -name "*$ID*" 2>/dev/null)" ]; }
# Each of them has the bundle in its mount table.
no_process_of_the_jail() {
	local pid
	for pid in /proc/[0-9]*; do
		case $(cat "$pid/comm" 2>/dev/null) in
		husk-mon | husk-fsd | actor | hypervisor | qemu-system-x86) ! grep -q "$T/b/rootfs" "$pid/mountinfo" 2>/dev/null || return 1 ;;
		esac
	done
}

# ---- what came before the end ----

# A reader may take its time: longer than a machine has to power off.
test_a_slow_reader_gets_all() {
	plays up out 250000 exit 7
	(husk run -b b "$ID" || echo $? >status) | (sleep 8; wc -c >count)
	assert_eq "$(cat count status)" $'250000\n7'
	assert_nothing_left
}

test_what_a_dying_machine_had_said_comes() {
	plays up out 250000 die 1
	run husk run -b b "$ID"
	assert_eq "$STATUS ${#OUT}" "125 250000"
	plays up out 200000 exit 3 die 1
	run husk run -b b "$ID"
	assert_eq "$STATUS ${#OUT} $ERR" "3 200000 "
	assert_nothing_left
}

# fills FIFO: until it takes no more. A descriptor stays, so that it has a reader, who reads nothing.
# shellcheck disable=SC2034
fills() {
	local kept
	mkfifo "$1"
	exec {kept}<>"$1"
	dd if=/dev/zero of="$1" bs=4096 oflag=nonblock status=none 2>/dev/null || true
}

# A machine that has failed waits for no reader that takes nothing: neither of its output nor of what is told of it.
test_a_failure_waits_for_no_stuck_reader() {
	fills full
	plays up out 250000 die 1
	expect_status 125 to_full run -b b "$ID"
	fills log
	plays up die 1
	"$HUSK" --root "$ROOT" --log "$T/log" run -d -b b "$ID" >out 2>full </dev/null
	wait_for 60 is_status "$ID" stopped
	assert_eq "$(husk state "$ID" | jq -r .vm.failure)" "the hypervisor '/vm/hypervisor' ended with status 1"
	husk delete "$ID"
	assert_nothing_left
}
to_full() { timeout 120 "$HUSK" --root "$ROOT" "$@" >full 2>full; }

# But one that takes a little now and then gets all.
test_a_slow_reader_of_a_failed_machine_gets_all() {
	plays up out 250000 die 1
	(husk run -b b "$ID" 2>err || echo $? >status) | (for n in {1..9}; do sleep 1; head -c 16000 >"part.$n"; done; cat >rest)
	assert_eq "$(cat part.? rest | wc -c) $(cat status)" '250000 125'
	assert_nothing_left
}

# As much as fits was taken, and the process is told by SIGPIPE alone: who reads the log is told why.
test_output_that_cannot_be_written_is_told() {
	local lost="container '$ID': what it writes to its standard output is lost from now on: No space left on device"
	plays up out 300000 exit 7
	"$HUSK" --root "$ROOT" --log "$T/log" run -b b "$ID" >/dev/full || echo $? >status
	assert_eq "$(cat status log)" "7
husk: warning: $lost"
	husk run -b b "$ID" 2>err >/dev/full || echo $? >status
	assert_eq "$(cat status err)" "7
husk-mon: $lost" "without a log"
	(husk run -b b "$ID" 2>err || echo $? >status) | true
	assert_eq "$(cat status err)" 7 "a reader that has left"
	assert_nothing_left
}

# ---- who is told of a failure ----

test_a_failure_is_told_by_state_and_log() {
	local format
	for format in text json; do
		plays console first console 'the last "line"' up sleep 500 die 9
		"$HUSK" --root "$ROOT" --log "$T/log.$format" --log-format "$format" run -d -b b "$ID" >out 2>err </dev/null
		wait_for 30 is_status "$ID" stopped
		assert_eq "$(husk state "$ID" | jq -r '.isolation, .vm.failure, .vm.console[]')" "vm
the hypervisor '/vm/hypervisor' ended with status 9
first
the last \"line\""
		assert_match "$(cat err)" "husk-mon: the VM failed: the hypervisor '/vm/hypervisor' ended with status 9"
		husk delete "$ID"
	done
	assert_match "$(cat log.text)" "^husk: container '$ID': the VM failed: the hypervisor .* status 9; its console: first\\|the last \"line\"$"
	assert_eq "$(jq -r '.level + " " + .msg' log.json)" \
		"error container '$ID': the VM failed: the hypervisor '/vm/hypervisor' ended with status 9; its console: first|the last \"line\""
	assert_nothing_left
}

# However much the guest prints.
test_what_is_told_is_bounded() {
	local words=(console first) n
	need_vm
	for n in $(seq 28); do words+=(console "$n $(head -c 1000 /dev/zero | tr '\0' x)"); done
	plays "${words[@]}" up sleep 500 die 1
	"$HUSK" --root "$ROOT" --log "$T/log" run -d -b b "$ID" >out 2>err </dev/null || fail "$(cut -c1-500 err)"
	wait_for 30 is_status "$ID" stopped
	[ "$(husk state "$ID" | wc -c)" -lt 40000 ] || fail "state has $(husk state "$ID" | wc -c) bytes"
	assert_eq "$(husk state "$ID" | jq '.vm.failure | length > 10')" true
	[ "$(wc -c <log)" -lt 5000 ] || fail "the log has $(wc -c <log) bytes"
	husk delete "$ID"
	assert_nothing_left
}

test_what_the_agent_warns_of_is_logged() {
	plays up log 'careful' exit 0
	"$HUSK" --root "$ROOT" --log "$T/log" run -b b "$ID"
	assert_eq "$(cat log)" "husk: warning: container '$ID': in the VM: careful"
}

# As in a container, who gave the command is told of what it made the library warn of.
test_who_asked_is_told_of_a_warning() {
	plays warns 1 careful up
	expect_status 0 husk run -d -b b "$ID"
	assert_eq "$ERR" $'husk: warning: in the VM: careful\nhusk: warning: in the VM: careful' "of create and start in the guest"
	"$HUSK" --root "$ROOT" --log "$T/log" --log-format json exec "$ID" true >out 2>&1
	assert_eq "$(jq -r '.level + " " + .msg' log) $(cat out)" "warning in the VM: careful "
	expect_status 0 husk exec -d "$ID" true
	assert_eq "$ERR" "husk: warning: in the VM: careful"
	expect_status 0 husk update --pids-limit 100 "$ID"
	assert_eq "$ERR" "husk: warning: in the VM: careful"
	expect_status 0 husk kill "$ID" USR1
	assert_eq "$ERR" "husk: warning: in the VM: careful"
	wait_for 30 is_status "$ID" stopped
	husk delete "$ID"
	assert_nothing_left
}

# What is too much for one question is in the log, as far as that goes.
test_warnings_are_bounded() {
	plays warns 2000 $'many\n' up exit 0
	"$HUSK" --root "$ROOT" --log "$T/log" run -b b "$ID"
	assert_eq "$(grep -c "warning: in the VM: many?" log) $(grep -c "warning: container '$ID': in the VM: many?" log)" "32 1000"
}

# What the guest says has no control characters left, and is at most a warning.
test_what_a_guest_says_cannot_act_on_a_terminal() {
	plays up log $'\e[31mred\t\x7fand "more"' exit 0
	"$HUSK" --root "$ROOT" --log "$T/log" run -b b "$ID"
	assert_eq "$(cat log)" "husk: warning: container '$ID': in the VM: ?[31mred??and \"more\""
}

# A guest's statistics are numbers, whatever it says.
test_statistics_are_written_anew() {
	plays stats '{"type": "stats", "id": "another", "evil": 1, "data": {"pids": {"current": 7, "text": "\u001b[31m"}, "more": ["\u001b"]}}' up
	husk run -d -b b "$ID" >out 2>&1 </dev/null
	expect_output "{\"type\":\"stats\",\"id\":\"$ID\",\"data\":{\"pids\":{\"current\":7},\"network_interfaces\":null}}" \
		husk events --stats "$ID"
	husk delete --force "$ID"
	plays stats '{"type": "stats", "data": {"pids": {"current": "\u001b[31m"}}}' up
	husk run -d -b b "$ID" >out 2>&1 </dev/null
	expect_error "the VM's statistics: data.pids.current: expected" husk events --stats "$ID"
	husk delete --force "$ID"
	assert_nothing_left
}

# Of what a guest says of its memory no more waits for a reader than fits.
test_events_that_nobody_reads_are_bounded() {
	plays up updated ooms 100000 out 1 sleep 1000 exit 137
	mkfifo told
	husk run -d -b b "$ID" >out 2>err </dev/null
	husk events --interval 100ms "$ID" >told &
	exec 8<told
	read -r _ <&8 # statistics: it watches
	husk update --pids-limit 50 "$ID"
	wait_for 60 test -s out
	assert_eq "$(husk state "$ID" | jq .vm.oomKills)" 1000
	local n
	n=$(grep -c '"oom"' <&8)
	[ "$n" -ge 1 ] || fail "no event came"
	[ "$n" -lt 50000 ] || fail "$n events came"
	wait_for 30 is_status "$ID" stopped
	husk delete "$ID"
	assert_nothing_left
}

test_memory_that_runs_out_is_told() {
	plays up updated oom oom sleep 1000 exit 137
	husk run -d -b b "$ID" >out 2>&1 </dev/null
	husk events --interval 100ms "$ID" >told &
	wait_for 60 test -s told # it watches
	husk update --pids-limit 50 "$ID"
	wait $!
	wait_for 30 is_status "$ID" stopped
	assert_eq "$(jq -c 'select(.type == "oom")' told)" "{\"type\":\"oom\",\"id\":\"$ID\"}
{\"type\":\"oom\",\"id\":\"$ID\"}"
	grep -q '"type":"stats"' told || fail "no statistics: $(cat told)"
	assert_eq "$(husk state "$ID" | jq .vm.oomKills)" 2
	husk delete "$ID"
	assert_nothing_left
}

# ---- the kernel and its initramfs ----

HINT="; 'husk vm prepare' checks and mends the prepared kernels"

# ./with_cache COMMAND...: with a cache of the test's own, which lasts.
own_cache() {
	mkdir -p cache
	printf '#!/bin/sh\nexec unshare -m --propagation private sh -c "mount --bind %s /var/cache && exec \\"\\$@\\"" sh "$@"\n' \
		"$T/cache" >with_cache
	chmod 755 with_cache
}

# corrupt FILE OFFSET COMMAND...: what the command prints is written into it, which keeps its size and time.
corrupt() {
	local file=$1 offset=$2
	shift 2
	touch -r "$file" time
	chmod u+w "$file"
	"$@" | dd of="$file" bs=64k iflag=fullblock oflag=seek_bytes seek="$offset" conv=notrunc status=none
	touch -r time "$file"
}
zeros() { head -c 1000000 /dev/zero; }
loops() { head -c 8M < <(yes "$(printf '\353\376\353\376\353\376\353\376')" | tr -d '\n'); } # of two bytes, in x86's code

# A start compares sizes and times alone.
test_a_damaged_cache_of_the_same_size_and_time() {
	local dir
	need_vm
	own_cache
	dir=$T/cache/husk/$(basename "$(./with_cache "$HUSK" vm prepare)")
	damaged() { # FILE REGEX
		local began=$SECONDS
		expect_error "the VM did not start: $2.*$HINT" with_husk_json '{"vm": {"bootSeconds": 20}}' ./with_cache "$HUSK" --root "$ROOT" run -b b "$ID"
		[ $((SECONDS - began)) -lt 120 ] || fail "$1: it took $((SECONDS - began)) s"
		assert_nothing_left
		run ./with_cache "$HUSK" vm prepare
		assert_match "$STATUS $ERR" "^0 .*was damaged: the content of '$1' has changed; made it anew" "prepare, after $1"
	}
	corrupt "$dir/initrd" 0 zeros
	damaged initrd "the machine powered off or was reset before the container ran"
	corrupt "$dir/kernel" 0 zeros # its head, which QEMU reads
	damaged vmlinux "the hypervisor .* ended with status 1"
	corrupt "$dir/kernel" 2097152 loops
	damaged vmlinux "(the agent said nothing within 20000 ms|the machine powered off or was reset)"
	expect_status 0 ./with_cache "$HUSK" --root "$ROOT" run -b b "$ID"
	assert_nothing_left
}

# One that is packed grows in the machine, as nobody can know before.
test_an_initramfs_too_large() {
	need_vm
	need cpio
	own_cache
	mkdir i
	head -c 80M /dev/zero >i/large
	(cd i && find . | cpio -o -H newc 2>/dev/null) >initrd
	gzip -1 -k initrd
	config b --arg k "$(find /boot -name 'vmlinuz-[0-9]*' | sort -V | tail -n 1)" --arg i "$T/initrd" \
		'.vm = {kernel: {path: $k, initrd: $i}, hwConfig: {memory: 134217728}}'
	expect_error "vm.kernel.initrd: an initramfs of 8[0-9] MiB with husk's own takes a VM of 2[0-9]+ MiB at least, and this one has 128" \
		./with_cache "$HUSK" --root "$ROOT" run -b b "$ID"
	assert_nothing_left
	config b '.vm.kernel.initrd += ".gz"'
	expect_error "the VM did not start: the machine powered off.*Initramfs unpacking failed: write error.*Kernel panic" \
		./with_cache "$HUSK" --root "$ROOT" run -b b "$ID"
	assert_nothing_left
	config b '.vm.hwConfig.memory *= 3'
	expect_status 0 ./with_cache "$HUSK" --root "$ROOT" run -b b "$ID"
}

# ---- the guest that runs ----

# A container that may do anything to its kernel, whose program is this.
free_container() { # TEXT
	need_vm
	container_sh b "$1" 'del(.vm, .linux.readonlyPaths, .linux.maskedPaths)
		| .process.capabilities |= map_values(. + ["CAP_SYS_NICE"])
		| .mounts |= map(if .destination == "/proc" then .options = ["rw"] else . end)'
}

test_a_guest_that_powers_off_reboots_or_panics() {
	local key began
	for key in o b c; do
		free_container 'sleep 1000'
		husk run -d -b b "$ID" >out 2>err </dev/null || fail "$(cat err)"
		began=$SECONDS
		run timeout 120 "$HUSK" --root "$ROOT" exec "$ID" sh -c "echo $key >/proc/sysrq-trigger; sleep 1000"
		[[ $STATUS != 0 && $STATUS != 124 ]] || fail "$key: exec ended with $STATUS: $ERR"
		wait_for 30 is_status "$ID" stopped
		[ $((SECONDS - began)) -lt 120 ] || fail "$key: it took $((SECONDS - began)) s"
		assert_eq "$(husk state "$ID" | jq -r .vm.failure)" "the machine powered off or was reset while the container ran" "$key"
		assert_match "$(cat err)" "husk-mon: the VM failed: the machine powered off or was reset while the container ran" "$key"
		expect_error "not running" husk exec "$ID" true
		expect_status 0 husk delete --force "$ID"
		assert_nothing_left
	done
}

# Its one processor runs a process that gives way to nobody.
test_a_guest_that_loops() {
	local began
	need chrt
	free_container 'echo -1 >/proc/sys/kernel/sched_rt_runtime_us && echo up && exec /usr/bin/chrt -f 99 /bin/sh -c "while :; do :; done"'
	config b '.mounts += (["/usr", "/lib", "/lib64"] | map({destination: ., type: "bind", source: ., options: ["rbind", "ro"]}))'
	husk run -d -b b "$ID" >out 2>err </dev/null || fail "$(cat err)"
	wait_for 60 grep -q up out
	began=$SECONDS
	wait_for 120 answers_nothing # the loop begins a little later
	expect_error "the guest does not answer" timeout 120 "$HUSK" --root "$ROOT" kill "$ID" TERM
	expect_status 0 timeout 60 "$HUSK" --root "$ROOT" delete --force "$ID"
	[ $((SECONDS - began)) -lt 120 ] || fail "it took $((SECONDS - began)) s"
	assert_nothing_left
}

answers_nothing() { ! timeout 60 "$HUSK" --root "$ROOT" ps "$ID"; }

test_an_agent_that_hangs_up() {
	plays hello hangup
	expect_error "the VM did not start: the agent's channel was closed" husk run -b b "$ID"
	assert_nothing_left
	plays up out 1000 hangup
	run husk run -b b "$ID"
	assert_eq "$STATUS ${#OUT}" "125 1000"
	assert_match "$ERR" "the agent's channel was closed"
	assert_nothing_left
}

test_an_agent_that_answers_nothing() {
	local verb pids=() began=$SECONDS
	plays hello deaf
	expect_error "the VM did not start: the agent did not start the container within 2000 ms \(husk.json: vm.bootSeconds\)" \
		with_husk_json '{"vm": {"bootSeconds": 2}}' "$HUSK" --root "$ROOT" run -b b "$ID"
	assert_nothing_left
	plays up deaf
	husk run -d -b b "$ID" >out 2>err </dev/null || fail "$(cat err)"
	for verb in ps "kill TERM" "exec true" "events --stats" "update --pids-limit 50"; do
		{
			# shellcheck disable=SC2086 # words: the id comes behind the verb's options
			case $verb in
			ps | events* | update*) timeout 200 "$HUSK" --root "$ROOT" $verb "$ID" ;;
			*) timeout 200 "$HUSK" --root "$ROOT" ${verb% *} "$ID" ${verb#* } ;;
			esac 2>&1 || echo "status $?"
		} >"said.${verb%% *}" &
		pids+=($!)
	done
	wait "${pids[@]}"
	for verb in ps kill exec events update; do
		assert_match "$(cat "said.$verb")" "^husk: .*the guest does not answer" "$verb"
		assert_match "$(cat "said.$verb")" "^status (1|255)$" "$verb"
	done
	is_status "$ID" running || fail "status: $(status_of "$ID")"
	expect_status 0 timeout 60 "$HUSK" --root "$ROOT" delete --force "$ID"
	[ $((SECONDS - began)) -lt 300 ] || fail "it took $((SECONDS - began)) s"
	assert_nothing_left
}

# ---- a machine that does not run ----

answers() { husk events --stats "$ID"; }
updates() { husk events --stats "$ID" | jq .data.pids.current; }
lives() { kill -0 "$1" 2>/dev/null; }

# As a container that is paused, as far as a guest that is stopped can be: signals come when it is resumed.
test_a_machine_that_is_paused() {
	local run events exec status=0
	plays up
	[ -n "$(cgroup2_root)" ] || skip "no cgroup2"
	"$HUSK" --root "$ROOT" run -b b "$ID" >out 2>err </dev/null &
	run=$!
	wait_for 60 answers
	expect_status 0 husk pause "$ID"
	expect_error "is a VM that is paused: resume it first" husk update --pids-limit 50 "$ID"
	expect_error "is a VM that is paused" husk ps "$ID"
	expect_error "is a VM that is paused" husk events --stats "$ID"
	expect_error "cannot exec in a paused container" husk exec "$ID" true
	"$HUSK" --root "$ROOT" events --interval 100ms "$ID" >lines &
	events=$!
	"$HUSK" --root "$ROOT" exec --ignore-paused "$ID" true &
	exec=$!
	sleep 1
	lives "$events" || fail "events ended while the VM was paused"
	lives "$exec" || fail "exec --ignore-paused did not wait"
	[ ! -s lines ] || fail "statistics of a VM that is paused: $(cat lines)"
	expect_status 0 husk resume "$ID"
	wait_for 60 test -s lines
	wait "$exec"
	assert_eq "$(updates)" 0 "updates in the guest"
	expect_status 0 husk pause "$ID"
	expect_status 0 husk kill "$ID" TERM
	is_status "$ID" paused || fail "kill resumed it"
	expect_status 0 husk resume "$ID"
	wait "$run" || status=$?
	assert_eq "$status $(cat err)" "143 "
	wait "$events"
	assert_nothing_left
}

# Stopped by others, and longer than a command waits: what it asked is not done behind its back later, and events go on.
test_who_stopped_waiting_is_not_served() {
	local above events
	plays up
	above=$(cgroup2_root)/$ID
	[ -n "$(cgroup2_root)" ] || skip "no cgroup2"
	config b --arg path "/$ID/inner" '.linux.cgroupsPath = $path'
	husk run -d -b b "$ID" >out 2>&1 </dev/null
	wait_for 60 answers
	"$HUSK" --root "$ROOT" events --interval 100ms "$ID" >>lines &
	events=$!
	wait_for 60 test -s lines
	echo 1 >"$above/cgroup.freeze"
	expect_error "the container's VM does not answer" husk update --pids-limit 50 "$ID"
	sleep 2 # of events, which may have asked later
	lives "$events" || fail "events ended while the VM did not answer"
	echo 0 >"$above/cgroup.freeze"
	wait_for 60 answers
	assert_eq "$(updates)" 0 "updates in the guest"
	: >lines
	wait_for 60 test -s lines
	husk update --pids-limit 50 "$ID"
	assert_eq "$(updates)" 1 "updates in the guest"
	husk delete --force "$ID"
	wait "$events"
	rmdir "$above"
	assert_nothing_left
}

# The lock of another command stands for a limit that the host does not take.
test_what_the_host_refuses_changes_nothing_in_the_guest() {
	plays up
	husk run -d -b b "$ID" >out 2>&1 </dev/null
	wait_for 60 answers
	exec 9<"$ROOT/$ID"
	flock 9
	expect_error "" husk update --pids-limit 50 "$ID"
	exec 9<&-
	assert_eq "$(updates)" 0 "updates in the guest"
	husk delete --force "$ID"
	assert_nothing_left
}

# ---- commands that are not taken ----

# connects N: so many connections that say nothing
connects() {
	exec perl -MIO::Socket::UNIX -e 'my @s = map { IO::Socket::UNIX->new(Peer => $ARGV[0]) or die "$!" } 1 .. $ARGV[1];
		$| = 1; print "connected\n"; sleep 1000' "$ROOT/$ID/socket" "$1"
}

test_a_command_too_many_is_told_so() {
	need perl
	plays up
	husk run -d -b b "$ID" >out 2>&1 </dev/null
	connects 192 >many &
	local pid=$!
	wait_for 60 grep -q connected many
	expect_error "192 commands at once are all that a VM takes" husk ps "$ID"
	expect_error "192 commands at once" husk exec "$ID" true
	expect_error "192 commands at once" husk kill "$ID" USR1
	expect_error "192 commands at once" husk events --stats "$ID"
	expect_error "192 commands at once" husk events "$ID"
	kill "$pid"
	wait_for 60 husk ps "$ID"
	husk delete --force "$ID"
	assert_nothing_left
}

# Who could open the socket, but is neither root nor who made it.
test_a_command_of_another_is_told_so() {
	need perl setpriv
	plays up
	husk run -d -b b "$ID" >out 2>&1 </dev/null
	run setpriv --reuid 4242 --inh-caps +dac_override --ambient-caps +dac_override -- \
		perl -MIO::Socket::UNIX -e 'my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die "$!"; print while <$s>' "$ROOT/$ID/socket"
	assert_match "$(tr -d '\0' <stdout)" "only root and who made the VM may give it commands"
	husk delete --force "$ID"
	assert_nothing_left
}

# ---- the hypervisor ----

test_a_hypervisor_killed_at_any_moment() {
	local word
	plays console booting sleep 60000
	husk create -b b "$ID" >/dev/null 2>&1 </dev/null
	husk start "$ID" >start.out 2>&1 &
	local start=$! status=0
	wait_for 20 hypervisor_runs
	kill -KILL "$(pgrep -P "$(husk state "$ID" | jq .pid)" hypervisor)"
	wait "$start" || status=$?
	assert_eq "$status" 1
	assert_match "$(cat start.out)" "the VM did not start: the hypervisor '/vm/hypervisor' was killed by signal 9"
	assert_eq "$(husk state "$ID" | jq -r .vm.failure)" "the hypervisor '/vm/hypervisor' was killed by signal 9"
	husk delete --force "$ID"
	for word in "die 0" "up die 0" "up out 1000 die 4"; do
		# shellcheck disable=SC2086 # words
		plays $word
		run husk run -b b "$ID"
		[ "$STATUS" = 1 ] || [ "$STATUS" = 125 ] || fail "$word: status $STATUS"
		assert_match "$ERR" "powered off or was reset|ended with status 4"
		assert_nothing_left
	done
}
hypervisor_runs() { pgrep -P "$(husk state "$ID" | jq .pid)" hypervisor; }

run_tests "$@"
