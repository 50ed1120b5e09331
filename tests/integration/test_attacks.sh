#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Attacks from a container on the host, one or more for each class of past holes: each is carried out,
# and must fail. husk-security(7) names the defences.
# runs-as: root
# shellcheck disable=SC2016 # $names in single quotes are jq's or the container's shell's
set -eu
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
private_cgroup2 "$@"

ATTACK=$HUSK_TOP_BUILDDIR/tests/integration/attack
STARTS=$(rounds 60 3) # of a container whose targets are being exchanged; more, while none has succeeded

# attack_program DIR NAME...: into the rootfs of the bundle.
attack_program() {
	local dir=$1 p
	shift
	for p in "$@"; do
		[ -x "$ATTACK/$p" ] || skip "no $ATTACK/$p: 'make check' builds it"
		cp "$ATTACK/$p" "$dir/rootfs/bin/"
	done
}

# From here on a copy of the runtime is what may be overwritten.
own_copy() {
	copy_husk "$T"
	SUM=$(sha256sum <"$HUSK")
}

binary_is_unchanged() { assert_eq "$(sha256sum <"$HUSK")" "$SUM" "checksum of the runtime's program"; }

# host_is_unchanged: nothing was made in $T/outside, which each escape below leads to.
make_outside() {
	mkdir -m 0777 outside
	echo secret >outside/file
	chmod 0600 outside/file
	OUTSIDE=$(stat -c '%a %u %s %F' outside/file)
}

host_is_unchanged() {
	assert_eq "$(ls -A outside)" file "what is outside of the rootfs"
	assert_eq "$(stat -c '%a %u %s %F' outside/file)" "$OUTSIDE" "a file of the host"
	assert_eq "$(cat outside/file)" secret "a file of the host"
}

# entry_points DIR: /entry and /entry-elf name the program of who executes them as their own.
entry_points() {
	attack_program "$1" interp
	printf '#!/proc/self/exe --version\n' >"$1/rootfs/entry"
	chmod 0755 "$1/rootfs/entry"
	mv "$1/rootfs/bin/interp" "$1/rootfs/entry-elf"
}

# start_snoop DIR NAME JQ...: a container that looks into every new process, its findings in ./found.
start_snoop() {
	local dir=$1 id=$2
	shift 2
	attack_program "$dir" snoop
	echo marker >marker
	config "$dir" --arg dev "$(stat -c %d "$HUSK")" --arg ino "$(stat -c %i "$HUSK")" --arg m "$T/marker" \
		'.process.args = ["/bin/snoop", $dev, $ino, $m] | .root.readonly = false'
	[ $# = 0 ] || config "$dir" "$@"
	husk_exec run -b "$dir" "$id" >found &
	SNOOP=$!
	wait_for 10 grep -q ready found
}

end_snoop() { # ID [REGEX]
	expect_status 0 husk kill "$1" TERM
	found_nothing "${2:-}"
}

found_nothing() { # [REGEX]
	wait "$SNOOP" || fail "the snooping container failed"
	binary_is_unchanged
	! grep -E "${1:-host}" found >findings || fail "found: $(sort findings | uniq -c | tr -s ' \n' ' ')"
	assert_match "$(tail -n 1 found)" '^seen [1-9]' "the race was run"
}

PTRACE='.process.capabilities |= map_values(. + ["CAP_SYS_PTRACE"])'
USERNS='.linux.namespaces += [{"type": "user"}] | .linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}] |
	.linux.gidMappings = .linux.uidMappings | .mounts |= map(select(.type != "sysfs"))'

# ---- the host's program ----

test_an_entry_point_that_is_our_own_program() {
	own_copy
	make_bundle b
	entry_points b
	local entry version
	version=$("$HUSK" --version | head -n 1)
	for entry in /entry /entry-elf; do
		config b --arg e "$entry" '.process.args = [$e]'
		run husk run -b b "$ID"
		[[ $OUT$ERR != *"$version"* && $OUT$ERR != *usage* && $OUT$ERR != *"unknown command"* ]] ||
			fail "'$entry' ran the host's program: $OUT$ERR"
		[ "$STATUS" != 0 ] || fail "'$entry' ran"
	done
	config b '.process.args = ["/bin/sleep", "1000"]'
	expect_status 0 husk run -d -b b "$ID"
	for entry in /entry /entry-elf; do
		run husk exec "$ID" "$entry"
		[[ $OUT$ERR != *"$version"* && $OUT$ERR != *usage* && $OUT$ERR != *"unknown command"* ]] ||
			fail "exec of '$entry' ran the host's program: $OUT$ERR"
		[ "$STATUS" != 0 ] || fail "exec of '$entry' succeeded"
	done
	expect_status 0 husk delete -f "$ID"
	binary_is_unchanged
}

test_a_hook_that_is_our_own_program() {
	own_copy
	make_bundle b '.hooks.startContainer = [{"path": "/entry"}]'
	entry_points b
	run husk run -b b "$ID"
	[ "$STATUS" != 0 ] || fail "the hook ran the host's program"
	binary_is_unchanged
}

# exec_often ID [REGEX]: what there is to see of it. An entry point that is the runtime's own makes it the
# container's program, which is then no secret.
exec_often() {
	local i n
	n=$(rounds 40 10)
	[[ ${2:-} != *runtime* ]] || n=$(rounds 200 20) # what is looked for takes two system calls
	for ((i = 0; i < n; i++)); do
		SNOOP_SECRET=1 expect_status 0 husk exec "$1" /bin/true
		[[ ${2:-} != *runtime* ]] || continue
		run husk exec "$1" /entry
		run husk exec "$1" /entry-elf
	done
}

snoop_on_exec() { # JQ [REGEX]
	own_copy
	make_bundle b "$1"
	[[ $1 != *uidMappings* ]] || chown -R 100000:100000 b/rootfs
	entry_points b
	start_snoop b "$ID"
	exec_often "$ID" "${2:-}"
	end_snoop "$ID" "${2:-}"
}

# Without CAP_SYS_PTRACE no process of husk can be opened at all, also where its user may read the
# trampoline's file.
OPEN="host|runtime's process"
READERS='.process.capabilities |= map_values(. + ["CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH"])'
test_exec_is_watched() { snoop_on_exec . "$OPEN"; }
test_exec_is_watched_with_cap_dac_override() { snoop_on_exec "$READERS" "$OPEN"; }
test_exec_is_watched_with_cap_dac_override_and_a_filter() { snoop_on_exec "$READERS | $FILTER" "$OPEN"; }
test_exec_is_watched_with_cap_sys_ptrace() { snoop_on_exec "$PTRACE"; }
# Without no_new_privs the filter must be there before the process is seen, too.
FILTER='.process.noNewPrivileges = false | .linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW",
	"syscalls": [{"names": ["clone3", "swapon"], "action": "SCMP_ACT_ERRNO"}]}'
test_exec_is_watched_with_cap_sys_ptrace_and_a_filter() { snoop_on_exec "$PTRACE | $FILTER"; }

# What exec gave to one process is remembered.
test_exec_is_watched_by_a_process_of_exec_with_cap_sys_ptrace() {
	own_copy
	make_bundle b '.process.args = ["/bin/sleep", "1000"] | .root.readonly = false'
	entry_points b
	attack_program b snoop
	echo marker >marker
	expect_status 0 husk run -d -b b "$ID"
	husk_exec exec --cap CAP_SYS_PTRACE --pid-file snoop.pid "$ID" /bin/snoop "$(stat -c %d "$HUSK")" "$(stat -c %i "$HUSK")" "$T/marker" >found &
	SNOOP=$!
	wait_for 10 grep -q ready found
	exec_often "$ID"
	kill -TERM "$(cat snoop.pid)"
	found_nothing
	expect_status 0 husk delete -f "$ID"
}

test_exec_is_watched_in_a_user_namespace() { snoop_on_exec "$USERNS | $PTRACE"; }

snoop_on_run() { # JQ [REGEX]
	own_copy
	make_bundle b "$1"
	entry_points b
	start_snoop b "$ID-1"
	local i pid entry
	pid=$(husk state "$ID-1" | jq .pid)
	mkdir c
	ln -s ../b/rootfs c/rootfs
	for ((i = 0; i < 40; i++)); do
		entry=/bin/true
		[ $((i % 3)) != 1 ] || entry=/entry-elf
		[ $((i % 3)) != 2 ] || entry=/entry
		[[ ${2:-} != *runtime* ]] || entry=/bin/true
		jq --arg path "/proc/$pid/ns/pid" --arg e "$entry" '.process.args = [$e] |
			(.linux.namespaces[] | select(.type == "pid")).path = $path' b/config.json >c/config.json
		SNOOP_SECRET=1 run husk run -b c "$ID-2"
		[ "$entry" != /bin/true ] || assert_eq "$STATUS" 0 "status of run ($ERR)"
	done
	end_snoop "$ID-1" "${2:-}"
}

test_a_start_in_a_shared_pid_namespace_is_watched() { snoop_on_run "$READERS" "$OPEN"; }
test_a_start_in_a_shared_pid_namespace_is_watched_with_cap_sys_ptrace() { snoop_on_run "$PTRACE"; }

# ---- targets that are exchanged during the set-up ----

# start_swap NAME...: a second container with the volume ./vol on /v, which exchanges names in it.
start_swap() {
	local names
	names=$(jq -n '$ARGS.positional' --args "$@")
	make_bundle s
	attack_program s swap
	config s --arg vol "$T/vol" --argjson names "$names" '.mounts += [{"destination": "/v", "type": "bind", "source": $vol, "options": ["rbind", "rw"]}] |
		.process.args = ["/bin/swap"] + $names'
	expect_status 0 husk run -d -b s "$ID-s"
}

# fresh_names DIR N: what was @N@ in config.json becomes N, so that it is missing.
fresh_names() {
	[ -e "$1/config.json.n" ] || cp "$1/config.json" "$1/config.json.n"
	sed "s/@N@/$2/g" "$1/config.json.n" >"$1/config.json"
}

end_swap() {
	is_status "$ID-s" running || fail "nothing was exchanged"
	expect_status 0 husk delete -f "$ID-s"
}

# Links to the host's root, as absolute and as relative paths, stand beside directories of the same use.
make_volume() {
	make_outside
	mkdir -p vol/{a,b,c}
	ln -s / vol/a.link
	ln -s ../../../../../../../../../../.. vol/b.link
	ln -s /proc/self/root vol/c.link
}

test_a_mount_target_that_is_exchanged() {
	make_volume
	make_bundle b --arg vol "$T/vol" --arg out "$T/outside" '.root.readonly = false |
		.mounts += [{"destination": "/v", "type": "bind", "source": $vol, "options": ["rbind", "rw"]}] + (["a", "b", "c"] | map(
			{"destination": "/v/\(.)\($out)/@N@/dir", "type": "tmpfs", "source": "attack", "options": ["size=4k"]},
			{"destination": "/v/\(.)\($out)/@N@/file", "type": "bind", "source": "/dev/null", "options": ["bind"]}))'
	container_sh b 'test $(grep -c " - tmpfs attack " /proc/self/mountinfo) = 3'
	start_swap /v/a /v/a.link /v/b /v/b.link /v/c /v/c.link
	local i done=0
	for ((i = 0; i < STARTS || (done == 0 && i < 20 * STARTS); i++)); do
		fresh_names b "$i"
		run husk run -b b "$ID"
		host_is_unchanged
		if [ "$STATUS" = 0 ]; then
			done=$((done + 1))
		else # refused by husk, not found to be elsewhere by the container
			assert_match "$ERR" '^husk: ' "start $i"
		fi
	done
	[ "$done" -gt 0 ] || fail "no start succeeded, the last with: $ERR"
	end_swap
}

test_a_device_that_is_exchanged() {
	make_volume
	mknod vol/node c 1 5
	ln -s "$T/outside/file" vol/node.link
	make_bundle b --arg vol "$T/vol" --arg out "$T/outside" '.root.readonly = false |
		.mounts += [{"destination": "/v", "type": "bind", "source": $vol, "options": ["rbind", "rw"]}] |
		.linux.devices = [{"path": "/v/node", "type": "c", "major": 1, "minor": 5, "fileMode": 438, "uid": 5, "gid": 5}] +
			(["a", "b", "c"] | map({"path": "/v/\(.)\($out)/@N@/node", "type": "c", "major": 1, "minor": 3,
				"fileMode": 438, "uid": 5, "gid": 5}))'
	start_swap /v/a /v/a.link /v/b /v/b.link /v/c /v/c.link /v/node /v/node.link
	local i done=0
	for ((i = 0; i < STARTS || (done == 0 && i < 20 * STARTS); i++)); do
		fresh_names b "$i"
		run husk run -b b "$ID"
		host_is_unchanged
		[ "$STATUS" != 0 ] || done=$((done + 1))
	done
	[ "$done" -gt 0 ] || fail "no start succeeded, the last with: $ERR"
	end_swap
}

# The image has its own /dev, which another container changes: its console is a link to the host's file.
test_a_console_that_is_exchanged() {
	need script
	make_outside
	make_bundle b '.root.readonly = false | .process.terminal = true | .linux.maskedPaths = [] | .linux.readonlyPaths = [] |
		.mounts |= map(select(.destination != "/dev" and .destination != "/dev/mqueue" and .destination != "/dev/shm"))'
	container_sh b 'test -t 0 && grep -q " /dev/console[.link]* .* - devpts " /proc/self/mountinfo || echo "mounted elsewhere"'
	mkdir -p b/rootfs/dev/pts
	touch b/rootfs/dev/console
	ln -s "$T/outside/file" b/rootfs/dev/console.link
	mkdir vol
	mount --bind b/rootfs/dev vol
	trap 'umount -l "$T/vol"' EXIT
	start_swap /v/console /v/console.link
	run script -qec "for i in \$(seq $((20 * STARTS))); do
		'$HUSK' --root '$ROOT' $HUSK_FLAGS run -b '$T/b' '$ID' && echo started && started=1
		[ \$i -lt $((STARTS)) ] || [ -z \"\$started\" ] || break; done" /dev/null
	host_is_unchanged
	[[ $OUT == *started* ]] || fail "no start succeeded: $OUT"
	[ "$(grep -vcE 'started|^husk: ' <<<"$OUT")" = 0 ] || fail "a start went wrong: $OUT"
	end_swap
	# and at rest: the link is what is covered, not what it names
	rm b/rootfs/dev/console*
	ln -s ../etc/passwd b/rootfs/dev/console
	run script -qec "'$HUSK' --root '$ROOT' $HUSK_FLAGS run -b '$T/b' '$ID'" /dev/null
	[ "$STATUS" = 0 ] || assert_match "$OUT" '^husk: .*console'
	[[ $OUT != *elsewhere* ]] || fail "the console's link was followed"
}

# CVE-2026-41579: an image without a mount on /dev, which is a symlink; what is set up there before the pivot
# (nodes, ptmx, links) must not be on the host. CVE-2026-88265: nor does its null device lead there.
test_a_dev_that_is_a_symlink() {
	local target
	make_outside
	touch outside/ptmx
	make_bundle b '.root.readonly = false | .linux.maskedPaths = [] | .linux.readonlyPaths = [] |
		.mounts |= map(select(.destination | startswith("/dev") | not)) |
		.hooks.startContainer = [{"path": "/bin/sh", "args": ["sh", "-c", "echo x"]}]'
	rmdir b/rootfs/dev
	for target in "$T/outside" "../../outside" "../../../../../../../../../..$T/outside" "/proc/self/cwd/outside"; do
		ln -sfn "$target" b/rootfs/dev
		run husk run -b b "$ID"
		assert_eq "$(find outside -printf '%f %y %U %m\n' | sort | xargs)" "file f 0 600 outside d 0 777 ptmx f 0 644" "by '$target'"
	done
	rm b/rootfs/dev
	mkdir b/rootfs/dev
	ln -s "$T/outside/file" b/rootfs/dev/null
	run husk run -b b "$ID"
	rm outside/ptmx
	host_is_unchanged
}

# CVE-2025-52565: the image has a terminal multiplexer of its own.
test_a_ptmx_that_is_none() {
	need script
	make_outside
	make_bundle b '.root.readonly = false | .process.terminal = true | .linux.maskedPaths = [] | .linux.readonlyPaths = [] |
		.mounts |= map(select(.destination | startswith("/dev") | not))'
	mkdir -p b/rootfs/dev/pts
	local kind
	for kind in link file node; do
		rm -f b/rootfs/dev/pts/ptmx
		case $kind in
		link) ln -s "$T/outside/file" b/rootfs/dev/pts/ptmx ;;
		file) echo x >b/rootfs/dev/pts/ptmx ;;
		node) mknod b/rootfs/dev/pts/ptmx c 5 2 ;; # on no devpts: the host's, to which the kernel leads
		esac
		run script -qec "'$HUSK' --root '$ROOT' $HUSK_FLAGS run -b '$T/b' '$ID'" /dev/null
		assert_match "$OUT" "^husk: process.terminal.*('/dev/pts/ptmx' is not that of a devpts|open '/dev/pts/ptmx')" "$kind"
		host_is_unchanged
	done
}

# ---- masked paths ----

test_a_null_device_that_is_none() {
	make_outside
	make_bundle b --arg dev "$T/dev" '.linux.maskedPaths = ["/etc/group"] |
		.mounts |= map(if .destination == "/dev" then {"destination": "/dev", "type": "bind", "source": $dev, "options": ["rbind"]}
			else . end) | .mounts |= map(select(.destination | startswith("/dev/") | not))'
	mkdir dev
	ln -s /proc/sys/kernel/core_pattern dev/null
	expect_error 'maskedPaths' husk run -b b "$ID"
	rm dev/null
	echo fake >dev/null
	expect_error 'maskedPaths.*null' husk run -b b "$ID"
	rm dev/null
	mknod dev/null c 1 5
	expect_error 'maskedPaths.*null' husk run -b b "$ID"
}

test_a_null_device_that_is_exchanged() {
	make_outside
	mkdir -p vol
	mknod vol/null c 1 3
	ln -s /proc/sys/kernel/core_pattern vol/null.link
	make_bundle b --arg dev "$T/vol" '.linux.maskedPaths = ["/etc/group", "/etc/passwd"] |
		.mounts |= map(if .destination == "/dev" then {"destination": "/dev", "type": "bind", "source": $dev, "options": ["rbind"]}
			else . end) | .mounts |= map(select(.destination | startswith("/dev/") | not))'
	container_sh b 'test "$(stat -c %t:%T /etc/group /etc/passwd | xargs)" = "1:3 1:3"'
	start_swap /v/null /v/null.link
	local i done=0
	for ((i = 0; i < STARTS || (done == 0 && i < 20 * STARTS); i++)); do
		run husk run -b b "$ID"
		if [ "$STATUS" = 0 ]; then
			done=$((done + 1))
		else
			assert_match "$ERR" '^husk: .*maskedPaths' "start $i"
		fi
	done
	[ "$done" -gt 0 ] || fail "no start succeeded, the last with: $ERR"
	end_swap
}

test_a_masked_path_that_is_a_symlink() {
	make_outside
	make_bundle b --arg out "$T/outside" '.root.readonly = false | .linux.maskedPaths = ["/masked", "/masked-dir", "/abroad"] |
		.linux.readonlyPaths += ["/frozen"]'
	ln -s /etc/passwd b/rootfs/masked
	ln -s ../../../home b/rootfs/masked-dir
	ln -s /tmp b/rootfs/frozen
	ln -s "$T/outside/file" b/rootfs/abroad
	mkdir -p "b/rootfs$T/outside"
	echo inside >"b/rootfs$T/outside/file"
	echo hidden >b/rootfs/home/hidden
	container_sh b "! test -s /etc/passwd && ! test -e /home/hidden && ! touch /tmp/x 2>/dev/null && ! test -s $T/outside/file"
	expect_status 0 husk run -b b "$ID"
	host_is_unchanged
}

# ---- procfs ----

test_a_fake_procfs_gets_no_writes() {
	local target
	make_bundle b --arg fake "$T/fake" '.linux.sysctl = {"kernel.shmmni": "123"} | .linux.maskedPaths = [] | .linux.readonlyPaths = [] |
		.process.oomScoreAdj = 10 | .process.args = ["/bin/sleep", "1000"] |
		.mounts |= map(if .destination == "/proc" then {"destination": "/proc", "type": "bind", "source": $fake,
			"options": ["rbind", "rw"]} else . end) + [{"destination": "/real", "type": "proc", "source": "proc"}]'
	mkdir -p fake/sys/kernel fake/self/attr fake/self/fd fake/1/attr fake/thread-self/attr
	for target in sys/kernel/shmmni self/attr/exec self/attr/keycreate thread-self/attr/exec self/oom_score_adj \
		self/setgroups self/uid_map 1/oom_score_adj; do
		echo fake >"fake/$target"
	done
	ln -s /proc/sys/kernel/core_pattern fake/sys/kernel/link
	expect_status 0 husk run -d -b b "$ID"
	expect_status 0 husk exec "$ID" true
	expect_output $'123\n10' husk exec "$ID" cat /real/sys/kernel/shmmni /real/1/oom_score_adj
	assert_eq "$(find fake -type f -exec cat {} + | sort -u)" fake "the fake files"
	expect_status 0 husk delete -f "$ID"
}

test_a_procfs_that_is_a_symlink() {
	make_bundle b '.linux.sysctl = {"kernel.shmmni": "123"}'
	rmdir b/rootfs/proc
	mkdir -p b/rootfs/fake/self/attr
	ln -s fake b/rootfs/proc
	expect_error '/proc.*symlink' husk run -b b "$ID"
	rm b/rootfs/proc
	mkdir b/rootfs/proc
	rmdir b/rootfs/sys
	ln -s proc b/rootfs/sys
	expect_error '/sys.*symlink' husk run -b b "$ID"
}

# What is written is what is there, so that a success does no harm.
test_a_sysctl_that_is_not_the_containers() {
	local key before
	before=$(cat /proc/sys/kernel/core_pattern)
	make_bundle b
	for key in kernel.core_pattern kernel/core_pattern net/../kernel/core_pattern net.ipv4/../../kernel/core_pattern \
		fs.mqueue/../../kernel/core_pattern fs/mqueue/../../kernel/core_pattern ../sys/kernel/core_pattern \
		net/../../sys/kernel/core_pattern kernel.shmmni/../core_pattern; do
		config b --arg key "$key" --arg value "$before" '.linux.sysctl = {($key): $value}'
		expect_error 'linux.sysctl' husk run -b b "$ID"
	done
}

# ---- descriptors and the working directory ----

test_a_working_directory_by_a_descriptor() {
	local n m="../../../../../../../../../../.."
	echo marker >marker
	make_bundle b --arg m "$m$T/marker" '.process.args = ["/bin/cat", $m]'
	exec 9</ 11<"$T"
	for n in 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		for cwd in /proc/self/fd/$n /proc/thread-self/fd/$n/..; do
			config b --arg cwd "$cwd" '.process.cwd = $cwd'
			run husk run -b b "$ID"
			[[ $OUT != *marker* ]] || fail "run with the working directory '$cwd' reached the host"
		done
	done
	config b '.process.cwd = "/" | .process.args = ["/bin/sleep", "1000"]'
	expect_status 0 husk run -d -b b "$ID"
	for n in 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		for cwd in /proc/self/fd/$n /proc/1/fd/$n/..; do
			run husk exec --cwd "$cwd" "$ID" cat "$m$T/marker"
			[[ $OUT != *marker* ]] || fail "exec with the working directory '$cwd' reached the host"
		done
	done
	expect_status 0 husk delete -f "$ID"
}

# Image authors can have symlinks there, too.
test_a_working_directory_by_a_symlink() {
	local m="../../../../../../../../../../.." target
	echo marker >marker
	make_bundle b --arg m "$m$T/marker" '.process.args = ["/bin/cat", $m] | .process.cwd = "/work"'
	make_bundle c '.process.args = ["/bin/sleep", "1000"]'
	expect_status 0 husk run -d -b c "$ID-c"
	exec 9</
	for target in / "$T" /proc/self/fd/9 /proc/self/root/.. /proc/1/cwd; do
		ln -sfn "$target" b/rootfs/work
		run husk run -b b "$ID"
		[[ $OUT != *marker* ]] || fail "the working directory '$target' reached the host"
		ln -sfn "$target" c/rootfs/work
		run husk exec --cwd /work "$ID-c" cat "$m$T/marker"
		[[ $OUT != *marker* ]] || fail "exec in the working directory '$target' reached the host"
	done
	expect_status 0 husk delete -f "$ID-c"
}

test_descriptors_of_the_caller_stay_outside() {
	local seen='for f in /proc/self/fd/*; do n=${f##*/}; [ $n -lt 3 ] || readlink $f; done | grep -vxE "|/proc/.*"
		cat /proc/self/fd/[0-9]*/outside/file 2>/dev/null'
	make_outside
	make_bundle b
	container_sh b "$seen"
	exec 5<"$T" 9</ 40<"$T/outside/file"
	run husk run -b b "$ID"
	assert_eq "$OUT" '' "descriptors in the container"
	container_sh b 'exec sleep 1000'
	expect_status 0 husk run -d -b b "$ID"
	run husk exec "$ID" sh -c "$seen"
	assert_eq "$OUT" '' "descriptors in an exec'ed process"
	expect_status 0 husk delete -f "$ID"
}

# ---- capabilities ----

test_inheritable_capabilities() {
	local sets='sed -n "s/^Cap\(Inh\|Amb\):[[:space:]]*//p" /proc/self/status | xargs' none='0000000000000000 0000000000000000'
	need setpriv
	make_bundle b
	container_sh b "$sets"
	expect_output "$none" husk run -b b "$ID"
	husk_inheriting() {
		# shellcheck disable=SC2086
		setpriv --inh-caps +net_raw,+sys_admin --ambient-caps +net_raw,+sys_admin "$HUSK" --root "$ROOT" $HUSK_FLAGS "$@"
	}
	expect_output "$none" husk_inheriting run -b b "$ID"
	container_sh b 'exec sleep 1000'
	expect_status 0 husk run -d -b b "$ID"
	expect_output "$none" husk exec "$ID" sh -c "$sets"
	expect_output "$none" husk_inheriting exec "$ID" sh -c "$sets"
	expect_output "$none" husk exec --cap CAP_NET_RAW --cap CAP_SYS_ADMIN "$ID" sh -c "$sets"
	expect_output "$none" husk exec --cap CAP_NET_RAW --user 1000:1000 "$ID" sh -c "$sets"
	expect_status 0 husk delete -f "$ID"
	make_bundle c 'del(.process.capabilities)'
	container_sh c 'sed -n "s/^Cap.*:[[:space:]]*//p" /proc/self/status | sort -u'
	expect_output 0000000000000000 husk_inheriting run -b c "$ID"
}

# CVE-2026-30892: "1" was taken as user 0. Nor are names looked up that are numbers out of range.
test_the_user_of_exec() {
	local ids='echo $(id -u):$(id -g)' user
	make_bundle b '.process.args = ["/bin/sleep", "1000"]'
	printf '4294967296:x:0:0:root:/root:/bin/sh\n1x:x:0:0:root:/root:/bin/sh\n' >>b/rootfs/etc/passwd
	expect_status 0 husk run -d -b b "$ID"
	expect_output 1:0 husk exec --user 1 "$ID" sh -c "$ids"
	expect_output 1:0 husk exec -u 1 "$ID" sh -c "$ids"
	expect_output 1:2 husk exec --user 1:2 "$ID" sh -c "$ids"
	for user in 4294967296 4294967295 -1 1x ' 1' 0x1 1: :1 1:x 1:4294967296 99999999999999999999; do
		run husk exec --user "$user" "$ID" sh -c "$ids"
		[ "$STATUS" != 0 ] || fail "--user '$user' ran as $OUT"
	done
	expect_status 0 husk delete -f "$ID"
}

# ---- cgroups, the state directory, ids ----

test_a_cgroups_path_that_leads_elsewhere() {
	local path cg
	[[ $HUSK_FLAGS != *disabled* ]] || skip "cgroups are disabled by HUSK_FLAGS"
	cg=$(cgroup2_root)
	make_bundle b
	for path in ../$ID /../$ID a/../../$ID /a/../../$ID .. / . /. "$ID/.." "../../../../..$T/outside"; do
		config b --arg path "$path" '.linux.cgroupsPath = $path'
		expect_error 'cgroupsPath.*(component|names no cgroup)' husk run -b b "$ID"
	done
	[ -z "$(find "$cg" -maxdepth 3 -name "*$ID*")" ] || fail "a cgroup was made"
	config b '.process.args = ["/bin/sleep", "1000"] | del(.linux.cgroupsPath)'
	expect_status 0 husk run -d -b b "$ID"
	for path in .. ../.. x/../.. /../..; do
		expect_error 'cgroup' husk exec --cgroup "$path" "$ID" true
	done
	expect_status 0 husk delete -f "$ID"
}

test_the_container_sees_no_cgroup_above_its_own() {
	[[ $HUSK_FLAGS != *disabled* ]] || skip "cgroups are disabled by HUSK_FLAGS"
	make_bundle b
	container_sh b 'grep "^0::" /proc/self/cgroup; cat /sys/fs/cgroup/cgroup.procs; mkdir /sys/fs/cgroup/x 2>&1 | grep -c "Read-only"'
	expect_status 0 husk run -b b "$ID"
	assert_eq "$(head -n 1 <<<"$OUT")" 0::/ "its cgroup"
	assert_eq "$(tail -n 1 <<<"$OUT")" 1 "the cgroup file system is read-only"
}

test_hostile_ids() {
	local id verb
	make_bundle b
	make_outside
	mkdir victim
	echo '{}' >victim/state.json
	for id in ../victim ../outside ./x x/../../victim "$T/victim" .. . .x .seccomp '' 'a b' 'a/b' a%b 'a$(id)' 'a;id' \
		$'a\nb' $'a\tb' $'\e[2J' 'ä' "$(printf 'a%.0s' {1..256})"; do
		for verb in run create; do
			run husk "$verb" -b b -- "$id"
			[ "$STATUS" != 0 ] || fail "$verb took the id '$id'"
		done
		for verb in state start "delete" "kill" pause; do
			run husk "$verb" -- "$id"
			[ "$STATUS" != 0 ] || fail "$verb took the id '$id'"
		done
		run husk exec -- "$id" true
		[ "$STATUS" != 0 ] || fail "exec took the id '$id'"
		run husk delete --force -- "$id"
		[[ $ERR != *$'\e'* ]] || fail "an id reached the terminal as it was"
	done
	[ -e victim/state.json ] || fail "a directory beside the state directory was removed"
	[ -z "$(find "$ROOT" -mindepth 1 -not -path '*/.seccomp*' -not -path '*/.jail*')" ] || fail "left: $(ls -A "$ROOT")"
	host_is_unchanged
}

test_symlinks_in_the_state_directory() {
	local verb
	make_outside
	make_bundle b '.process.args = ["/bin/sleep", "1000"]'
	expect_status 0 husk run -d -b b "$ID"
	mkdir planted
	cp "$ROOT/$ID"/*.json planted/
	ln -s "$T/planted" "$ROOT/$ID-link"
	for verb in state "kill" "delete" "delete --force" start pause; do
		# shellcheck disable=SC2086
		run husk $verb "$ID-link"
		[ "$STATUS" != 0 ] || [ "$verb" = "delete --force" ] || fail "'$verb' followed a symlink"
	done
	expect_error '.' husk exec "$ID-link" true
	expect_error '.' husk run -b b "$ID-link"
	assert_eq "$(find planted -type f | wc -l)" "$(find "$ROOT/$ID" -name '*.json' | wc -l)" "the planted files"
	is_status "$ID" running || fail "it was killed by way of a symlink"
	rm -f "$ROOT/$ID-link"
	mkdir "$ROOT/$ID-file"
	ln -s "$T/planted/state.json" "$ROOT/$ID-file/state.json"
	expect_error '.' husk state "$ID-file"
	expect_error '.' husk kill "$ID-file" KILL
	run husk delete --force "$ID-file"
	is_status "$ID" running || fail "it was killed by way of a symlink"
	[ -e planted/state.json ] || fail "delete followed a symlink"
	expect_status 0 husk delete -f "$ID"
	ln -s "$T/outside" "$ROOT/.seccomp"
	config b '.process.args = ["/bin/true"] | .linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW"}'
	expect_status 0 husk run -b b "$ID"
	host_is_unchanged
	rm "$ROOT/.seccomp"
}

test_a_state_directory_that_others_write_to() {
	make_bundle b
	local mode
	for mode in 0777 0770 1777; do
		chmod "$mode" "$ROOT"
		expect_error 'root' husk run -b b "$ID"
		expect_error 'root' husk state "$ID"
	done
	chmod 0700 "$ROOT"
	chown 65534 "$ROOT"
	expect_error 'root' husk run -b b "$ID"
	expect_error 'root' husk list
	chown 0 "$ROOT"
	expect_status 0 husk run -b b "$ID"
}

# Who connects to the gate starts the container.
test_the_gate_is_the_owners_alone() {
	need setpriv
	make_bundle b
	chmod 0755 .
	rmdir "$ROOT"
	expect_status 0 husk create -b b "$ID"
	assert_eq "$(stat -c %a "$ROOT/$ID")" 700 "mode of the container's directory"
	[ -S "$ROOT/$ID/gate" ] || fail "the gate is no socket"
	run as_user test -e "$ROOT/$ID/gate"
	[ "$STATUS" != 0 ] || fail "another user reaches the gate"
	is_status "$ID" created || fail "it was started"
	expect_status 0 husk delete -f "$ID"
}

test_a_setuid_runtime() {
	! has_sanitizers "$HUSK" || skip "the sanitizers' run-time does not start setuid"
	cp "$HUSK" suid
	chmod 4755 suid
	! findmnt -nT suid -o OPTIONS | grep -qw nosuid || skip "the temporary folder is nosuid"
	expect_error 'refusing to run setuid' as_user "$T/suid" --root "$T/home/state" list
	chgrp 0 suid
	chmod 2755 suid
	expect_error 'refusing to run setuid' as_user "$T/suid" --root "$T/home/state" list
}

# ---- terminals ----

# typed COMMAND: what this command, run on a terminal, left typed on it; $OUT is its output.
typed() {
	run script -qec "stty -echo; $1; echo; echo \"typed: \$(timeout 0.3 head -n 1)\"" /dev/null
	OUT=$(tr -d '\r' <<<"$OUT")
	assert_match "$OUT" '^typed: $' "what the container typed on the caller's terminal"
}

test_typing_on_the_callers_terminal() {
	need script stty
	[ "$(cat /proc/sys/dev/tty/legacy_tiocsti 2>/dev/null || echo 1)" = 1 ] ||
		echo "the kernel forbids TIOCSTI: only the session is tested"
	local husk="'$HUSK' --root '$ROOT' $HUSK_FLAGS"
	make_bundle b --arg n $'\n' '.process.args = ["/bin/inject", "attack\($n)"]'
	attack_program b inject
	typed "$husk run -b '$T/b' '$ID'"
	assert_match "$OUT" '^typed 0$' "without a terminal"
	config b '.process.terminal = true'
	typed "$husk run -b '$T/b' '$ID'"
	config b '.process.terminal = false | .process.args = ["/bin/sleep", "1000"]'
	expect_status 0 husk run -d -b b "$ID"
	typed "$husk exec '$ID' inject 'attack
'"
	assert_match "$OUT" '^typed 0$' "exec without a terminal"
	typed "$husk exec --tty '$ID' inject 'attack
'"
	expect_status 0 husk delete -f "$ID"
}

# ---- metadata ----

# Images and engines' users can write them (as in CVE-2026-53488): none reaches the host unless root has
# allowed it by name in /etc/husk/husk.json.
test_annotations_have_no_power() {
	local name value
	[ ! -e /etc/husk/husk.json ] || skip "this machine has a /etc/husk/husk.json"
	make_outside
	rm outside/file
	make_bundle b '.hooks.createRuntime = [{"path": "/bin/sh", "args": ["sh", "-c", "echo out; echo err >&2"]}]'
	while read -r name value; do
		config b --arg name "$name" --arg value "$value" '.annotations = {($name): $value}'
		expect_error "annotations.*$name" husk run -b b "$ID"
		[ -z "$(ls -A outside)" ] || fail "'$name' wrote to the host: $(ls outside)"
	done <<-END
		run.oci.hooks.stdout $T/outside/1
		run.oci.hooks.stderr $T/outside/2
		run.oci.pidfd_receiver $T/outside/3
		run.oci.seccomp.receiver $T/outside/4
		run.oci.seccomp_bpf_data $T/outside/5
		run.oci.delegate-cgroup ../x
	END
	config b --arg out "$T/outside" '.annotations = {"run.oci.systemd.subgroup": "../..", "module.wasm.image/variant": "compat",
		"org.systemd.property.ExecStart": "/bin/attack", "io.example.unknown": "../../x", "../../../x": "y",
		"cdi.k8s.io/x": "vendor.com/device=all", "run.oci.unknown": $out}'
	expect_status 0 husk run -b b "$ID"
	[ -z "$(ls -A outside)" ] || fail "an annotation wrote to the host: $(ls outside)"
}

# ---- filters ----

test_the_filter_holds_for_exec_and_hooks() {
	local nnp
	for nnp in true false; do
		make_bundle "b-$nnp" --argjson nnp "$nnp" '.root.readonly = false | .process.noNewPrivileges = $nnp |
			.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW",
				"syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 122}]} |
			.hooks.startContainer = [{"path": "/bin/sh", "args": ["sh", "-c", "/bin/mkdir /tmp/hook || /bin/touch /tmp/refused"]}] |
			.process.args = ["/bin/sleep", "1000"]'
		expect_status 0 husk run -d -b "b-$nnp" "$ID"
		[ ! -e "b-$nnp/rootfs/tmp/hook" ] || fail "the hook ran without the filter (noNewPrivileges $nnp)"
		[ -e "b-$nnp/rootfs/tmp/refused" ] || fail "the hook did not run"
		expect_error 'quota' husk exec "$ID" mkdir /tmp/exec
		[ ! -e "b-$nnp/rootfs/tmp/exec" ] || fail "exec ran without the filter (noNewPrivileges $nnp)"
		expect_error 'quota' husk exec --user 1000:1000 "$ID" mkdir /tmp/exec
		expect_status 0 husk delete -f "$ID"
	done
}

# A kept filter is used only when its owner alone could have written it, and when it was made of this very text.
test_a_poisoned_filter_cache() {
	local strict weak size len
	make_bundle b '.root.readonly = false | .linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW",
		"syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 122}]}'
	container_sh b 'mkdir /tmp/made && rmdir /tmp/made && echo made'
	expect_error quota husk run -b b "$ID"
	strict=$(find "$ROOT/.seccomp" -type f)
	[ -n "$strict" ] || fail "no filter was kept"
	config b '.linux.seccomp.syscalls[0].names = ["mlock", "munlock"]' # as long
	expect_output made husk run -b b "$ID"
	weak=$(find "$ROOT/.seccomp" -type f ! -path "$strict")
	config b '.linux.seccomp.syscalls[0].names = ["mkdir", "mkdirat"]'
	cp "$weak" "$strict" # another text
	expect_error quota husk run -b b "$ID"
	# the very text, before the other's program with its checksum (struct seccomp_cache_header)
	size=$(od -An -tu4 -j20 -N4 "$strict" | tr -d ' ')
	len=$(od -An -tu4 -j20 -N4 "$weak" | tr -d ' ')
	{
		head -c 20 "$weak"
		tail -c +21 "$strict" | head -c 4
		tail -c +25 "$weak" | head -c 16
		tail -c +41 "$strict" | head -c "$size"
		tail -c "+$((41 + len))" "$weak"
	} >forged
	cp forged "$strict"
	expect_output made husk run -b b "$ID" # so it would be taken from the owner
	chown 65534 "$strict"
	expect_error quota husk run -b b "$ID"
	cp forged "$strict"
	chown 0 "$strict"
	chmod 0666 "$strict"
	expect_error quota husk run -b b "$ID"
}

run_tests "$@"
