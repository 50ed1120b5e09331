#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# husk-agent, driven as a host would drive it (agent/drive.c): as pid 1 of a pid namespace of this machine, and
# last in a guest with a stock kernel.
# shellcheck disable=SC2016 # $names in single quotes are jq's or the container's shell's
set -eu
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
private_cgroup2 "$@"

AGENT=$HUSK_TOP_BUILDDIR/husk-agent
DRIVE=$LIB_DIR/agent/drive # beside a copy of the tests, or where it was built
[ -x "$DRIVE" ] || DRIVE=$HUSK_TOP_BUILDDIR/tests/integration/agent/drive
ROOTFS= # where config.json says the root is: the test's own

# drive COMMAND...: what came is in $OUT; the agent's own complaint in $ERR.
drive() {
	run "$DRIVE" io "$@" -- unshare --pid --mount --fork --kill-child --mount-proc "$AGENT" --fd 3 --run run
}

# bundle TEXT [JQ...]: config.json of a container that runs `sh -c TEXT`.
bundle() {
	local text=$1
	shift
	is_root || skip "needs root"
	[ -x "$AGENT" ] || skip "no program '$AGENT'"
	[ -x "$DRIVE" ] || skip "no program '$DRIVE': make check builds it"
	mkdir -p io
	make_bundle b --arg root "${ROOTFS:-$T/b/rootfs}" '.root.path = $root'
	container_sh b "$text" "$@"
	mv b/config.json config.json
}

# process FILE TEXT [JQ...]: a process.json that runs `sh -c TEXT`.
process() {
	local file=$1 text=$2
	shift 2
	jq --arg text "$text" '.process | .terminal = false | .args = ["/bin/sh", "-c", $text]' config.json >"$file"
	[ $# = 0 ] || {
		jq "$@" "$file" >"$file.new"
		mv "$file.new" "$file"
	}
}

# expect LINE...: exactly these came, but for the ends of streams, which may come before or after an exit, and what was
# read of inputs.
expect() {
	local want got
	want=$(printf '%s\n' "$@")
	got=$(grep -Ev '^(eof|taken) ' <<<"$OUT" || true)
	[ "$got" = "$want" ] || fail "came '${got//$'\n'/; }', not '${want//$'\n'/; }' (${ERR//$'\n'/; })"
}

# assert_out FILE TEXT: what a process wrote.
assert_out() { assert_eq "$(cat "io/$1" 2>/dev/null)" "$2" "$1"; }

run_container() { drive create config.json "$ID" - start "$@" shutdown end; }

test_a_container_from_create_to_its_end() {
	# the ends of streams are told while the process runs; those that its exit brings may be left to EXIT
	bundle 'echo out; echo err >&2; exec >/dev/null 2>&1; until [ -e /tmp/go ]; do sleep 0.1; done; exit 7'
	run_container await '[ "$(grep -c "^eof 0" stdout)" = 2 ]' shell 'touch b/rootfs/tmp/go' wait 0
	expect ok ok "exit 0 7" end "agent 0"
	assert_out 0.out out
	assert_out 0.err err
	assert_eq "$(grep -c '^eof 0' <<<"$OUT")" 2 "ends of streams"
}

test_every_status_of_a_process() {
	local n words=() want=(ok ok)
	bundle 'exec sleep 1000'
	process p.json 'exit STATUS'
	for n in $(seq 0 255); do
		sed "s/STATUS/$n/" p.json >"p.$n.json"
		words+=(exec "$((n + 1))" "p.$n.json" - wait "$((n + 1))")
		want+=(ok "exit $((n + 1)) $n")
	done
	run_container "${words[@]}"
	expect "${want[@]}" end "agent 0"
}

test_a_process_that_dies_of_a_signal() {
	local n words=() want=(ok ok)
	bundle 'exec sleep 1000'
	for n in 1 2 6 9 11 15 31 34 64; do
		process "p.$n.json" "kill -$n \$\$; sleep 10"
		words+=(exec "$n" "p.$n.json" - wait "$n")
		want+=(ok "exit $n $((128 + n))")
	done
	run_container "${words[@]}"
	expect "${want[@]}" end "agent 0"
}

test_signals_arrive() {
	bundle 'trap "echo got term; exit 9" TERM; echo ready; while :; do sleep 0.1; done'
	process p.json 'trap "echo got usr1; exit 4" USR1; echo ready; while :; do sleep 0.1; done'
	run_container output 0 ready exec 1 p.json - output 1 ready signal 1 10 wait 1 signal 1 10 signal 0 15 wait 0 signal 0 15
	expect ok ok ok ok "exit 1 4" "err 3 process not running" ok "exit 0 9" "err 3 container not running" end "agent 0"
	assert_out 1.out $'ready\ngot usr1'
	assert_out 0.out $'ready\ngot term'
}

# The request 0 is none.
test_what_is_not_asked_for_is_not_answered() {
	bundle 'exec sleep 1000'
	process p.json 'trap "exit 4" USR1; echo ready; while :; do sleep 0.1; done'
	run_container exec 1 p.json - output 1 ready raw "$(hex 7 1 0a00000000000000)" wait 1 \
		raw "$(hex 7 1 0a00000000000000)$(hex 8 0 01000100)$(hex 12 0)" sleep 500
	expect ok ok ok "exit 1 4" end "agent 0"
}

test_a_signal_for_all() {
	bundle 'trap "" TERM; echo ready; while :; do sleep 0.1; done'
	process p.json 'exec sleep 1000'
	run_container output 0 ready exec 1 p.json - kill-all 15 wait 1 kill-all 9 wait 0
	OUT=$(sort <<<"$OUT") # an answer may come after an end
	expect "agent 0" end "exit 0 137" "exit 1 143" ok ok ok ok ok
}

# All credit is used up, and the writer waits: nobody takes from its pipe any more.
HELD='[ "$(stat -c %s io/0.out)" = 262144 ] && all=$(pgrep -d, -P "$(pgrep -P "$AGENT")") &&
	for p in $(pgrep -P "$all") $(echo "$all" | tr , " "); do cat "/proc/$p/wchan" && echo; done | grep pipe_write >/dev/null'

# No process of the container is left to write more.
DEAD='! pgrep -r D,R,S,T -P "$(pgrep -P "$AGENT")" >/dev/null'

# What is in the pipe by then, 64 KiB, comes after what credit was there for.
test_killed_while_output_waits() {
	bundle 'yes'
	run_container hold await "$HELD" signal 0 9 await "$DEAD" release wait 0
	expect ok ok ok "exit 0 137" end "agent 0"
	assert_eq "$(stat -c %s io/0.out)" $((262144 + 65536)) "bytes of output that came"
}


# Of the agent, in KiB: the child of unshare(1).
RSS='awk "/^VmRSS/ { print \"rss\", \$2 }" /proc/$(pgrep -P $AGENT)/status'

assert_small() { # KIB
	local max=4096
	! has_sanitizers "$AGENT" || max=16384
	[ "$1" -lt "$max" ] || fail "the agent has $1 KiB"
}

test_a_slow_reader_holds_the_writer() {
	local rss
	bundle 'head -c 10485760 /dev/zero; head -c 10485760 /dev/zero | tr "\0" e >&2'
	drive hold create config.json "$ID" - start await "$HELD" sleep 500 shell 'stat -c %s io/0.out' shell "$RSS" release wait 0 shutdown end
	rss=$(sed -n 's/^rss //p' <<<"$OUT")
	expect ok ok 262144 "rss $rss" "exit 0 0" end "agent 0"
	assert_small "$rss"
	echo "agent with a held writer: $rss KiB" >note
	head -c 10485760 /dev/zero | cmp - io/0.out
	head -c 10485760 /dev/zero | tr '\0' e | cmp - io/0.err
}

# Nor are answers held without end for a host that asks and does not read.
test_a_host_that_does_not_read() {
	local rss
	bundle 'exec sleep 1000'
	run_container flood 200000 shell "$RSS" drain ps
	rss=$(sed -n 's/^rss //p' <<<"$OUT")
	expect ok ok full "rss $rss" "answered 200002" "$(grep '^text' <<<"$OUT")" ok end "agent 0"
	assert_small "$rss"
}

test_standard_input_to_its_end() {
	bundle 'cat'
	process p.json 'wc -c; echo then; wc -c'
	head -c 3000000 /dev/urandom >in
	run_container exec 1 p.json - stdin 1 in stdin 0 in eof 1 wait 1 eof 0 wait 0
	expect ok ok ok "exit 1 0" "exit 0 0" end "agent 0"
	cmp in io/0.out
	assert_out 1.out $'3000000\nthen\n0'
}

# A process that reads nothing is no reason to hold what is written to it without end, nor is its death
# one for the agent's.
test_standard_input_that_nobody_reads() {
	local rss
	bundle 'sleep 1000'
	process p.json 'exec sleep 1000'
	process closed.json 'exec 0<&-; echo closed; exec sleep 1000'
	head -c 4000 /dev/zero >in
	run_container exec 1 p.json - exec 2 closed.json - output 2 closed stdin 1 in stdin 2 in sleep 300 shell "$RSS" \
		signal 1 9 wait 1 signal 2 9 wait 2
	assert_eq "$(grep -c '^taken [12] 0$' <<<"$OUT")" 2 "processes that took nothing"
	rss=$(sed -n 's/^rss //p' <<<"$OUT")
	expect ok ok ok ok "rss $rss" ok "exit 1 137" ok "exit 2 137" end "agent 0"
	assert_small "$rss"
}

# At its end the host is told what the process has read, and may hand the rest to others.
test_what_was_read_of_an_input() {
	bundle 'exec sleep 1000' '.root.readonly = false'
	process line.json 'read -r line; echo "$line"'
	process none.json 'while [ ! -e /tmp/go ]; do sleep 0.1; done'
	process much.json 'exec dd bs=1000 count=1000 iflag=fullblock 2>/dev/null'
	{ echo first; seq 500; } >in
	head -c 1500000 /dev/urandom >big
	run_container exec 1 line.json - stdin 1 in wait 1 exec 2 none.json - stdin 2 in eof 2 shell 'touch b/rootfs/tmp/go' wait 2 \
		exec 3 much.json - stdin 3 big wait 3 settle 3
	assert_eq "$(grep '^taken' <<<"$OUT")" $'taken 1 6\ntaken 2 0\ntaken 3 1000000'
	assert_out 1.out first
	head -c 1000000 big | cmp - io/3.out
}

# Who can open its input for writing adds to the pipe, and has taken no less than nothing.
test_a_process_that_writes_into_its_input() {
	bundle 'exec sleep 1000' '.root.readonly = false'
	process p.json 'while [ ! -e /tmp/go ]; do sleep 0.1; done; echo more >/proc/self/fd/0; echo wrote $?'
	echo given >in
	run_container exec 1 p.json - stdin 1 in eof 1 shell 'touch b/rootfs/tmp/go' wait 1
	assert_out 1.out "wrote 0"
	assert_eq "$(grep '^taken' <<<"$OUT")" 'taken 1 0'
}

# Nothing is asked for in advance: a second line is asked for when the first one was read.
test_input_is_asked_for_when_it_was_read() {
	bundle 'exec sleep 1000'
	process p.json 'read -r line; echo got; sleep 1000'
	head -c 4095 /dev/zero | tr '\0' x >in
	echo >>in
	echo more >"more"
	run_container exec 1 p.json - stdin 1 in output 1 got stdin 1 more signal 1 9 wait 1
	assert_eq "$(grep '^taken' <<<"$OUT")" 'taken 1 4096'
}

test_an_exec_in_a_cgroup_of_its_own() {
	bundle 'mkdir /sys/fs/cgroup/sub; echo ready; exec sleep 1000' \
		'.mounts += [{destination: "/sys/fs/cgroup", type: "cgroup2", source: "cgroup", options: ["rw"]}]'
	[ -n "$(cgroup2_root)" ] || skip "no cgroup2"
	process p.json 'cat /proc/self/cgroup'
	run_container output 0 ready exec-in 1 p.json sub wait 1 exec-in 2 p.json none
	expect ok ok ok "exit 1 0" "$(grep '^err 2 .*none' <<<"$OUT")" end "agent 0"
	assert_match "$(cat io/1.out)" '^0::/sub$'
}

test_a_terminal() {
	printf 'hello\r' >in
	printf '\003' >interrupt
	bundle 'stty size; read -r line; echo "got $line"; stty size' '.process.terminal = true'
	process p.json 'stty size; echo ready; sleep 1000' '.terminal = true'
	drive create config.json "$ID" 90x33 start output 0 '33 90' resize 0 100x40 stdin 0 in wait 0 shutdown end
	expect ok ok ok "exit 0 0" end "agent 0"
	assert_eq "$(tr -d '\r' <io/0.out)" $'33 90\nhello\ngot hello\n40 100'
	config_plain
	run_container exec 1 p.json 77x11 output 1 ready resize 0 1x1 stdin 1 interrupt wait 1
	expect ok ok ok "err 25 process 0 has no terminal" "exit 1 130" end "agent 0"
	assert_match "$(tr -d '\r' <io/1.out)" '^11 77$'
}
config_plain() { bundle 'exec sleep 1000'; }

test_an_output_that_nobody_reads() {
	bundle 'exec sleep 1000'
	process p.json 'yes; echo $? >&2'
	process terminal.json 'trap "exit 5" HUP; echo ready; while :; do sleep 0.1; done' '.terminal = true'
	run_container exec 1 p.json - output 1 y shut 1 1 wait 1 exec 2 terminal.json 80x25 output 2 ready shut 2 1 wait 2
	expect ok ok ok "exit 1 0" ok "exit 2 5" end "agent 0"
	assert_out 1.err 141
}

test_what_an_exec_gives_its_process() {
	bundle 'exec sleep 1000'
	process p.json 'echo "$FOO $(pwd) $(id -u):$(id -g):$(id -G)"; grep CapEff /proc/self/status; echo >/dev/null' \
		'.env += ["FOO=bar baz"] | .cwd = "/tmp" | .user = {uid: 1000, gid: 1001, additionalGids: [2000]} |
		 .capabilities = {bounding: ["CAP_KILL"], permitted: ["CAP_KILL"], effective: ["CAP_KILL"], inheritable: ["CAP_KILL"], ambient: ["CAP_KILL"]}'
	run_container exec 1 p.json - wait 1
	expect ok ok ok "exit 1 0" end "agent 0"
	assert_out 1.out $'bar baz /tmp 1000:1001:1001 2000\nCapEff:\t0000000000000020'
}

test_what_cannot_be_started() {
	bundle 'exec sleep 1000'
	process p.json true '.args = ["no-such-program"]'
	echo '{"args": 3}' >bad.json
	run_container exec 1 p.json - exec 1 bad.json -
	expect ok ok "err 2 exec: 'no-such-program': executable file not found in \$PATH" \
		"$(grep '^err 22 .*args' <<<"$OUT")" end "agent 0"
	config_plain
	jq '.process.args = ["/no/such"]' config.json >init.json
	drive create init.json "$ID" - start exec 1 p.json - shutdown end
	assert_match "$OUT" "^err 2 .*/no/such"
	jq '.root.path = "/no/such/root"' config.json >root.json
	drive create root.json "$ID" - start create config.json "$ID" - start shutdown end
	assert_eq "$(grep -c '^ok' <<<"$OUT")" 2 "what went well after a failed create"
	assert_match "$OUT" "^err 2 .*/no/such/root"
	assert_match "$OUT" "^err 22 there is no container that waits to be started"
}

test_verbs_out_of_turn() {
	bundle 'exec sleep 1000'
	process p.json true
	drive start exec 1 p.json - ps signal 0 15 create config.json "$ID" - create config.json other - exec 3 p.json - \
		wait 3 shutdown end
	expect "err 22 there is no container that waits to be started" "err 3 there is no container to run a process in" \
		"err 3 there is no container" "err 3 container not running" ok \
		"err 17 there is a container '$ID' here already" ok "exit 3 0" end "agent 0"
}

test_ps_and_update() {
	bundle 'exec sleep 1000'
	echo '{"memory": {"limit": "much"}}' >bad.json
	echo '{}' >nothing.json
	process p.json 'exec sleep 1000'
	run_container exec 1 p.json - ps update nothing.json update bad.json
	assert_eq "$(jq -r 'length' <<<"$(sed -n 's/^text //p' <<<"$OUT")")" 2 "processes of ps"
	assert_eq "$(grep -c '^ok' <<<"$OUT")" 5 "what went well"
	assert_match "$OUT" "^err 22 .*memory.limit: expected"
}

test_mounts_are_added_and_removed() {
	bundle 'exec sleep 1000' '.root.readonly = false'
	mkdir src && echo hello >src/file
	jq -n --arg src "$T/src" '{mounts: [{destination: "/tmp/m", source: $src, options: ["bind", "ro"]},
		{destination: "/tmp/t", type: "tmpfs", source: "added"}]}' >add.json
	echo '[{"destination": "/tmp/m"}, {"destination": "/tmp/none"}]' >none.json
	echo '{"mounts": 7}' >bad.json
	process show.json 'cat /tmp/m/file; grep -c "^added /tmp/t" /proc/self/mounts'
	run_container mounts-add add.json exec 1 show.json - wait 1 mounts-remove none.json mounts-add bad.json \
		mounts-remove add.json exec 2 show.json - wait 2
	expect ok ok ok ok "exit 1 0" "err 2 mounts[1].destination: open '/tmp/none' in the container: No such file or directory" \
		"$(grep '^err 22 ' <<<"$OUT")" ok ok "exit 2 1" end "agent 0"
	assert_match "$OUT" "err 22 .*mounts: expected an array"
	assert_out 1.out $'hello\n1'
	assert_out 2.out 0
	assert_eq "$(find run -name 'mounts.*')" "" "files of the agent's"
}

test_mounts_need_a_container() {
	bundle true
	echo '[]' >none.json
	drive mounts-add none.json mounts-remove none.json mounts-gone none.json shutdown end
	expect "err 3 there is no container" "err 3 there is no container" "err 3 there is no container" end "agent 0"
}

# Of what the host has unmounted nothing stays in the agent's own mounts; what it did not name does.
test_mounts_that_are_gone_are_forgotten() {
	bundle 'exec sleep 1000'
	mkdir one two
	printf '%s\n' "$T/one" "$T/none" >gone
	run_container shell 'for d in one two; do nsenter -t "$AGENT" -m mount -t tmpfs t "$PWD/$d"; done' mounts-gone gone \
		await '! grep -q " $PWD/one " "/proc/$AGENT/mounts"' \
		shell 'grep -q " $PWD/two " "/proc/$AGENT/mounts"'
	expect ok ok ok end "agent 0"
}

test_what_the_library_warns_of_comes_as_a_log() {
	bundle 'exit 0' '.hooks.poststart = [{path: "/bin/false"}]'
	run_container wait 0
	assert_match "$OUT" "^log 1 .*poststart"
}

test_64_processes_at_once() {
	bundle 'exec sleep 1000'
	process p.json 'read -r line; echo $line'
	process more.json true
	echo hello >in
	local n inputs=()
	for n in $(seq 64); do inputs+=(stdin "$n" in wait "$n"); done
	run_container execs 1 64 p.json exec 100 more.json - "${inputs[@]}" exec 101 more.json - wait 101
	assert_eq "$(grep -c '^ok' <<<"$OUT")" 67 "what went well"
	assert_match "$OUT" '^err 11 64 processes run beside the container.s own: no more at once'
	assert_eq "$(grep -c '^exit [0-9]* 0$' <<<"$OUT")" 65 "exits"
	assert_eq "$(cat io/{1..64}.out | sort | uniq -c | tr -s ' ')" " 64 hello"
}

# The process that was asked for has ended; what it left behind goes on, and what it writes still comes.
test_what_is_left_in_the_background() {
	bundle 'exec sleep 1000' '.root.readonly = false'
	process p.json '(read -r line </tmp/fifo; echo late; echo late >&2; yes | head -c 1000000) & echo now'
	process terminal.json '(trap "" HUP; sleep 1000) & echo now' '.terminal = true'
	mkfifo b/rootfs/tmp/fifo
	run_container exec 1 p.json - wait 1 shell 'cat io/1.out' exec 2 terminal.json 80x25 settle 2 \
		exec 1 p.json - shell 'echo go >b/rootfs/tmp/fifo' settle 1
	expect ok ok ok "exit 1 0" now ok "exit 2 0" "err 17 process 1 is there already" end "agent 0"
	assert_eq "$(head -n 2 io/1.out)" $'now\nlate'
	assert_eq "$(wc -c <io/1.out)" 1000009 "bytes that the background wrote"
	assert_out 1.err late
}

# So may many, if not without end.
test_many_left_in_the_background() {
	local n words=()
	bundle 'exec sleep 1000'
	process p.json 'sleep 1000 &'
	for n in $(seq 129); do
		words+=(exec "$n" p.json -)
		[ "$n" = 129 ] || words+=(wait "$n")
	done
	run_container "${words[@]}"
	assert_eq "$(grep -c '^exit [0-9]* 0$' <<<"$OUT")" 128 "exits"
	assert_match "$OUT" "^err 11 the outputs of 128 processes that have ended are still held open by others"
}

test_the_host_goes_away() {
	bundle 'trap "" TERM HUP; echo ready; while :; do sleep 0.1; done'
	drive create config.json "$ID" - start output 0 ready close
	expect ok ok "agent 0"
}

# hex TYPE PROCESS [PAYLOAD]: a frame.
hex() {
	local payload=${3:-} len
	len=$((${#payload} / 2))
	printf '%02x%02x0000%02x000000%02x00000000000000%s' $((len & 255)) $((len >> 8)) "$1" "$2" "$payload"
}

# refused RAW... REGEX: the agent ends with status 1 and says why, and so ends the container.
refused() {
	local why=${*: -1} before=(create config.json "$ID" - start)
	set -- "${@:1:$#-1}"
	[ "$1" != bare ] || { before=() && shift; }
	drive "${before[@]}" raw "$1" end
	assert_eq "$(tail -n 2 <<<"$OUT")" $'end\nagent 1'
	assert_match "$ERR" "^husk-agent: $why"
}

test_hostile_bytes_end_it() {
	bundle 'exec sleep 1000'
	refused bare "$(printf 'ff%.0s' {1..16})" 'a frame of type 65535 claims 4294967295 bytes'
	refused bare "$(hex 5 0)" 'the host sent START before HELLO'
	refused "$(hex 99 0)" 'the host sent a message of the unknown type 99'
	refused "$(hex 15 0)" 'the host sent OK, which only the other end may send'
	refused "$(hex 5 0 00)" 'the host sent START of 1 bytes: it has 0 to 0'
	refused "$(hex 12 9)" 'the host sent PS for process 9'
	refused "$(hex 6 0 0000000000000000)" 'EXEC: process 0 is'
	refused "$(hex 7 0 4100000000000000)" 'SIGNAL: 65 is no signal'
	refused "$(hex 3 0 0000000001000000)" 'CREDIT: stream 0'
	refused "$(hex 3 0 0100000001000000)" 'process 0: a credit of 1 bytes is more than the 0 that were sent'
	refused "$(hex 24 0 00000000)" 'CLOSE: stream 0 is no output'
	refused "$(hex 10 0)$(hex 9 0 61)" 'STDIN for process 0 came after STDIN_EOF'
	drive raw 0500 sleep 500 close
	assert_eq "$OUT" 'agent 1'
	assert_match "$ERR" "^husk-agent: the host's last message was cut off"
}

test_too_much_text_and_input_end_it() {
	bundle 'exec sleep 1000'
	head -c 4194304 /dev/zero >text
	head -c 65536 /dev/zero | od -An -v -tx1 | tr -d ' \n' >hex
	drive text text raw "$(hex 2 0 00)" end
	assert_match "$ERR" "^husk-agent: a text of more than 4194304 bytes"
	drive create config.json "$ID" - start over 0 end
	assert_match "$ERR" "^husk-agent: standard input of process 0: [0-9]+ bytes came where [0-9]+ were granted"
}

# The order of things that nobody thought of: all is answered, nothing is left, and no bug ends the agent.
test_requests_by_chance() {
	local seed
	bundle 'exec sleep 1000'
	process p.json 'for i in 1 2 3 4 5 6; do echo out; echo err >&2; read -r -t 1 line || sleep 0.$i; done; yes | head -c 300000'
	for seed in $(seq 8); do
		run_container monkey "$seed" 400 p.json kill-all 9 wait 0
		assert_match "$(tail -n 1 <<<"$OUT")" '^agent 0$' "the agent with seed $seed ($ERR)"
		assert_match "$OUT" '^exit [1-9][0-9]* ' "processes that ended with seed $seed"
	done
}

# ---- in a guest ----

QEMU=qemu-system-x86_64
GUEST_WORDS="console=ttyS0 quiet panic=-1 mitigations=off nokaslr tsc=reliable no_timer_check audit=0 cgroup_no_v1=all"

# ---- network interfaces: messages of rtnetlink(7), in hex ----

le16() { printf '%02x%02x' $(($1 & 255)) $(($1 >> 8)); }
le32() { printf '%s%s' "$(le16 $(($1 & 65535)))" "$(le16 $(($1 >> 16)))"; }
bytes() { printf '%s' "$1" | od -An -v -tx1 | tr -d ' \n'; }

link() { hex 29 0 "$1$(bytes "$2")"; }
rtnl() { hex 30 0 "$1"; }

# message TYPE BODY [FLAGS]: a struct nlmsghdr before it; by itself NLM_F_CREATE | NLM_F_REPLACE
message() {
	printf '%s%s%s%s%s%s' "$(le32 $((${#2} / 2 + 16)))" "$(le16 "$1")" "$(le16 "${3:-1280}")" "$(le32 0)" "$(le32 0)" "$2"
}
# attribute TYPE BODY: of four bytes each here
attribute() { printf '%s%s%s' "$(le16 8)" "$(le16 "$1")" "$2"; }
address() { message 20 "02180000$(le32 0)$(attribute 1 "$1")$(attribute 2 "$1")"; } # of 24 bits
up() { message 16 "00000000$(le32 0)$(le32 1)$(le32 1)" 0; }
default_route() { message 24 "02000000fe030001$(le32 0)$(attribute 4 "$(le32 0)")$(attribute 5 "$1")"; }

# in_a_network SHELL COMMAND...: drives an agent that has a network namespace of its own, where SHELL was done before.
in_a_network() {
	local setup=$1
	shift
	unshare -n true 2>/dev/null || skip "no network namespace can be made here"
	unshare -n ip link add type veth 2>/dev/null || skip "no veth interfaces on this machine"
	run "$DRIVE" io await 'nsenter -t "$AGENT" -n ip link set lo up' shell "nsenter -t \$AGENT -n sh -c '$setup'" "$@" -- \
		unshare --net --pid --mount --fork --kill-child --mount-proc "$AGENT" --fd 3 --run run
}

TWO_ENDS='ip link add va type veth peer name vb && ip link set va address 02:00:00:00:00:07 && ip link set vb up'

test_interfaces_go_into_the_container() {
	bundle 'ip addr show eth0; ip route' '.linux.sysctl["net.ipv4.conf.eth0.forwarding"] = "1"'
	in_a_network "$TWO_ENDS" raw "$(link 020000000007 eth0)" \
		raw "$(rtnl "$(address 0a090002)$(up)$(default_route 0a090001)")" create config.json "$ID" - start wait 0 shutdown end
	expect ok ok "exit 0 0" end "agent 0"
	assert_match "$(cat io/0.out)" 'ether 02:00:00:00:00:07'
	assert_match "$(cat io/0.out)" '<[A-Z_,]*UP'
	assert_match "$(cat io/0.out)" 'inet 10\.9\.0\.2/24'
	assert_match "$(cat io/0.out)" 'default via 10\.9\.0\.1 dev eth0'
}

# A message that comes in parts is one.
test_what_the_kernel_refuses_is_warned_of() {
	local messages
	bundle 'ip addr show eth0; ip route'
	messages=$(default_route 0a090001)$(address 0a090002)
	in_a_network "$TWO_ENDS" raw "$(link 020000000007 eth0)" raw "$(rtnl "${messages:0:30}")" raw "$(rtnl "${messages:30}")" \
		create config.json "$ID" - start wait 0 shutdown end
	assert_match "$OUT" "log 1 interface 'eth0': the guest's kernel refuses a route that it has on the host: Network is (down|unreachable)"
	assert_match "$(cat io/0.out)" 'inet 10\.9\.0\.2/24' "what comes after it"
	assert_match "$OUT" "exit 0 0"
}

test_interfaces_that_are_none() {
	local name
	bundle true
	in_a_network "$TWO_ENDS" raw "$(link 020000000008 eth0)" create config.json "$ID" - shutdown end
	expect "err 19 interface 'eth0': its network card did not come up in 10 seconds" end "agent 0"
	in_a_network "$TWO_ENDS" raw "$(link 020000000007 lo)" create config.json "$ID" - shutdown end
	assert_match "$OUT" "err 17 interface 'lo': move it into the container: "
	in_a_network "$TWO_ENDS" raw "$(link 020000000007 eth0)" raw "$(rtnl "$(message 26 "$(le32 0)$(le32 0)$(le32 0)")")" \
		create config.json "$ID" - shutdown end
	assert_match "$OUT" "err 71 interface 'eth0': a message of type 26, 28 bytes"
	for name in a/b abcdefghijklmnop; do
		in_a_network true raw "$(link 020000000007 "$name")" end
		assert_match "$ERR" 'LINK' "$name"
		assert_match "$OUT" 'agent 1'
	done
	in_a_network true raw "$(rtnl 00)" end
	assert_match "$ERR" 'RTNL before LINK'
}

# need_guest: a kernel in $KERNEL and what it boots with in $PREPARED.
need_guest() {
	is_root || skip "needs root"
	need "$QEMU"
	[ "$(uname -m)" = x86_64 ] || skip "the guest is for x86_64"
	KERNEL=$(find /boot -name 'vmlinuz-*-cloud-amd64' | sort -V | tail -n 1)
	[ -r "$KERNEL" ] || skip "no cloud kernel in /boot (package linux-image-cloud-amd64)"
	! has_sanitizers "$AGENT" || skip "husk-agent with the sanitizers is not static, and the initramfs has no libraries"
	[ -x "$HUSK_TOP_BUILDDIR/husk-prepare" ] || skip "no husk-prepare in the build tree"
	# shellcheck disable=SC2012 # no other names are there
	PREPARED=$("$HUSK_TOP_BUILDDIR/husk-prepare" --cache "$T/cache" --agent "$AGENT" "$KERNEL")
}

# boot [QEMU ARGUMENT]...: in the background, with the channel at $T/channel.
boot() {
	"$QEMU" -nodefaults -no-user-config -display none -no-reboot -accel tcg -cpu max,-la57 -smp 1 -m 256 -nic none -rtc base=2020-01-01 \
		-machine q35,smm=off,vmport=off,hpet=off,sata=off,memory-backend=memory \
		-object memory-backend-memfd,id=memory,size=256M,share=on \
		-kernel "$PREPARED/kernel" -initrd "$PREPARED/initrd" -append "$GUEST_WORDS" -serial "file:$T/console" \
		-device virtio-serial-pci -chardev "socket,id=channel,path=$T/channel,server=on,wait=off" \
		-device virtserialport,chardev=channel,name=husk.agent "$@" >qemu.log 2>&1 &
	QEMU_PID=$!
}

# serve DIR: to the guest that boots with $SERVED.
serve() {
	"$HUSK_TOP_BUILDDIR/husk-fsd" --root "$1" --socket "$T/files" 2>fsd.log &
	FSD_PID=$!
	wait_for 10 test -S "$T/files"
	SERVED=(-chardev "socket,id=files,path=$T/files" -device "vhost-user-fs-pci,chardev=files,tag=husk")
}

drive_guest() { run "$DRIVE" io --connect "$T/channel" "$@"; }

# The guest powers itself off.
powered_off() {
	local status=0
	wait "$QEMU_PID" || status=$?
	[ "$status" = 0 ] || fail "QEMU ended with status $status: $(cat qemu.log) $(tail -n 5 console)"
	grep -q 'reboot: Power down' console || fail "the guest did not power off: $(tail -n 5 console)"
}

test_guest_runs_a_container() {
	local now
	ROOTFS=/run/husk-fs/rootfs
	bundle 'hostname; ls /sys/fs/cgroup/io.max /sys/fs/cgroup/pids.max; cat /sys/fs/cgroup/memory.max; cat; echo err >&2; echo done >/tmp/file; exit 7' \
		'.linux.resources.memory.limit = 67108864 | .root.readonly = false | .hostname = "inner"'
	need_guest
	process show.json 'cat /sys/fs/cgroup/memory.max; date +%s; id -u; head -c 5000000 /dev/zero; exit 3' '.user.uid = 1000'
	process terminal.json 'stty size; exit 4' '.terminal = true'
	process hungry.json 'exec tail /dev/zero'
	echo '{"memory": {"limit": 33554432}}' >limit.json
	head -c 1000000 /dev/urandom >in
	serve "$T/b"
	boot "${SERVED[@]}"
	drive_guest create config.json "$ID" - start output 0 67108864 update limit.json exec 1 show.json - wait 1 exec 2 terminal.json 91x34 \
		wait 2 exec 3 hungry.json - wait 3 stats stdin 0 in eof 0 wait 0 shutdown end
	now=$(date +%s)
	expect ok ok ok ok "exit 1 3" ok "exit 2 4" ok oom "exit 3 137" "$(grep '^text .*"limit":33554432' <<<"$OUT")" ok \
		"exit 0 7" end
	powered_off
	wait "$FSD_PID" || fail "husk-fsd ended with status $?: $(cat fsd.log)"
	assert_eq "$(head -n 4 io/0.out)" $'inner\n/sys/fs/cgroup/io.max\n/sys/fs/cgroup/pids.max\n67108864' "what the guest's container saw"
	tail -c 1000000 io/0.out | cmp - in
	assert_out 0.err err
	assert_eq "$(head -n 1 io/1.out)" 33554432 "the limit after update"
	assert_eq "$(sed -n '3{p;q}' io/1.out)" 1000 "the user"
	assert_eq "$(tail -n +4 io/1.out | wc -c)" 5000000 "bytes of output"
	[ $((now - $(sed -n '2{p;q}' io/1.out))) -lt 3600 ] || fail "the guest's time is $(sed -n '2{p;q}' io/1.out), not near $now"
	assert_eq "$(tr -d '\r' <io/2.out)" '34 91' "the terminal's size"
	assert_eq "$(cat b/rootfs/tmp/file)" "done" "what the container wrote"
}

test_guest_without_files_and_without_a_host() {
	ROOTFS=/run/husk-fs/rootfs
	bundle true
	need_guest
	boot
	drive_guest create config.json "$ID" - close
	expect "err 22 mount the host's files (virtio-fs, tag 'husk'): Invalid argument"
	powered_off
}

run_tests "$@"
