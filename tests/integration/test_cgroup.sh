#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Cgroups that somebody else has changed: with children, gone, frozen, in use, not the caller's. What limits do is
# in test_limits.sh.
# runs-as: root
# shellcheck disable=SC2016 # $names in single quotes are another shell's or jq's
set -eu
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
private_cgroup2 "$@"

need_cgroup2() {
	is_root || skip "needs root"
	ROOT_CGROUP=$(cgroup2_root)
	[ -n "$ROOT_CGROUP" ] || skip "no cgroup2 on this machine"
}

# start_at PATH [JQ...]: a container with this linux.cgroupsPath; DIR is its cgroup.
start_at() {
	rm -rf b
	make_bundle b --arg path "$1" '.process.args = ["/bin/sleep", "1000"] | .linux.cgroupsPath = $path'
	shift
	config b "${@:-.}"
	expect_status 0 husk run --detach --bundle b "$ID"
	PID=$(husk state "$ID" | jq .pid)
	DIR=$ROOT_CGROUP$(sed -n 's/^0:://p' "/proc/$PID/cgroup")
}

end() { expect_status 0 husk delete --force "$ID"; }

# The container's root may change its cgroup, as the host may; in a VM nobody else can, as it is the guest's.
WRITABLE='(.mounts[] | select(.type == "cgroup") | .options) -= ["ro"]'

is_dead() { ! grep -q "^State:[[:space:]]*[A-Y]" "/proc/$1/status" 2>/dev/null; }

test_exec_beside_children_of_the_cgroup() {
	need_cgroup2
	start_at "/$ID" "$WRITABLE"
	expect_status 0 husk exec "$ID" mkdir /sys/fs/cgroup/child
	expect_output 0::/ husk exec "$ID" grep ^0:: /proc/self/cgroup
	end
	[ ! -e "$DIR" ] || fail "the cgroup is left"
}

# What systemd in a container does: its cgroup gives its children controllers, so none but they may have processes.
test_exec_where_only_children_may_have_processes() {
	need_cgroup2
	local controller jq user='.linux.namespaces += [{"type": "user"}] |
		.linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 1000}] | .linux.gidMappings = .linux.uidMappings'
	for controller in memory hugetlb io ''; do
		! is_vm || break # a guest has all of them
		! grep -qw "${controller:-none}" "$ROOT_CGROUP/cgroup.controllers" || break
	done
	[ -n "$controller" ] || skip "no controller on this machine that only children with processes may have"
	for jq in . "$user"; do
		start_at "/$ID" "$jq | $WRITABLE"
		is_vm || grep -qw "$controller" "$DIR/cgroup.controllers" || echo "+$controller" >"$ROOT_CGROUP/cgroup.subtree_control"
		expect_status 0 husk exec "$ID" sh -c "cd /sys/fs/cgroup && mkdir init && echo 0 >init/cgroup.procs &&
			echo 1 >init/cgroup.procs && echo +$controller >cgroup.subtree_control"
		expect_output 0::/init husk exec "$ID" grep ^0:: /proc/self/cgroup
		end
		[ ! -e "$DIR" ] || fail "the cgroup is left"
	done
}

test_a_cgroup_that_is_gone_is_named() {
	need_cgroup2
	start_at "/$ID"
	echo "$PID" >"$ROOT_CGROUP/cgroup.procs"
	rmdir "$DIR"
	expect_error "cgroup '$ID' is gone: somebody else has removed it" husk exec "$ID" true
	expect_error "cannot update container '$ID': cgroup '$ID' is gone" husk update --pids-limit 5 "$ID"
	expect_error "cgroup '$ID' is gone" husk pause "$ID"
	expect_error "cgroup '$ID' is gone" husk events --stats "$ID"
	is_status "$ID" running || fail "it does not run any more"
	expect_status 0 husk kill "$ID" KILL
	wait_for 10 is_status "$ID" stopped
	expect_status 0 husk delete "$ID"
	start_at "/$ID"
	echo "$PID" >"$ROOT_CGROUP/cgroup.procs"
	rmdir "$DIR"
	end
	wait_for 10 is_dead "$PID" # or delete --force left the process
}

# Its process would be born frozen.
test_a_cgroup_below_a_frozen_one_is_named() {
	need_cgroup2
	mkdir "$ROOT_CGROUP/$ID"
	echo 1 >"$ROOT_CGROUP/$ID/cgroup.freeze"
	make_bundle b --arg path "/$ID/c" '.linux.cgroupsPath = $path'
	expect_error "cgroup '$ID/c', or one above it, is frozen.*choose another linux.cgroupsPath" husk run --bundle b "$ID"
	expect_error "cgroup '$ID/c', or one above it, is frozen" husk create --bundle b "$ID"
	expect_output "" husk list -q
	[ ! -e "$ROOT_CGROUP/$ID/c" ] || fail "its cgroup is left"
	echo 0 >"$ROOT_CGROUP/$ID/cgroup.freeze"
	expect_status 0 husk run --bundle b "$ID"
	rmdir "$ROOT_CGROUP/$ID"
}

# The same where the process is made by another in the cgroup, which is waited for.
test_a_frozen_cgroup_and_a_joined_user_namespace() {
	need_cgroup2
	start_at "/$ID" '.linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 1000}] |
		.linux.gidMappings = .linux.uidMappings | .linux.namespaces += [{"type": "user"}]'
	mkdir "$ROOT_CGROUP/$ID-frozen"
	echo 1 >"$ROOT_CGROUP/$ID-frozen/cgroup.freeze"
	make_bundle c --arg path "/$ID-frozen/c" --arg user "/proc/$PID/ns/user" \
		'.linux.cgroupsPath = $path | .linux.namespaces += [{"type": "user", "path": $user}]'
	expect_error "cgroup '$ID-frozen/c', or one above it, is frozen" husk run --bundle c "$ID-2"
	rmdir "$ROOT_CGROUP/$ID-frozen"
	end
}

# One that somebody froze while it was empty is thawed; what the verbs say of a frozen container's is in test_exec.sh.
test_an_empty_cgroup_that_was_frozen_is_used() {
	need_cgroup2
	mkdir "$ROOT_CGROUP/$ID"
	echo 1 >"$ROOT_CGROUP/$ID/cgroup.freeze"
	make_bundle b --arg path "/$ID" '.linux.cgroupsPath = $path'
	expect_status 0 husk run --bundle b "$ID"
}

test_a_frozen_container_takes_limits_and_ends() {
	need_cgroup2
	start_at "/$ID"
	echo 1 >"$DIR/cgroup.freeze"
	wait_for 10 is_status "$ID" paused
	echo '{"devices": [{"allow": false, "access": "rwm"}]}' >r.json
	expect_status 0 husk update -r r.json "$ID"
	expect_error "cannot exec in a paused container" husk exec "$ID" true
	expect_status 0 husk kill "$ID" KILL
	wait_for 10 is_status "$ID" stopped
	expect_status 0 husk delete "$ID"
	[ ! -e "$DIR" ] || fail "the cgroup is left"
}

test_a_cgroup_in_use_is_named() {
	need_cgroup2
	start_at "/$ID"
	make_bundle c --arg path "/$ID" '.linux.cgroupsPath = $path'
	expect_error "cgroup '$ID' already has processes in it: choose another linux.cgroupsPath" husk run --bundle c "$ID-2"
	is_status "$ID" running || fail "the first one does not run any more"
	end
	mkdir -p "$ROOT_CGROUP/$ID/child"
	expect_error "cgroup '$ID' already has cgroups in it" husk run --bundle c "$ID-2"
	[ -e "$ROOT_CGROUP/$ID/child" ] || fail "somebody else's cgroup was removed"
	rmdir "$ROOT_CGROUP/$ID/child" "$ROOT_CGROUP/$ID"
}

# A cgroup that root gave to nobody: asked for by name, and not to be had.
test_a_cgroup_of_somebody_elses_is_named() {
	need_cgroup2
	mkdir "$ROOT_CGROUP/$ID"
	chmod 0755 "$T"
	as_user cp -r "$HUSK_TEMPLATE" "$T/home/rootfs"
	as_user sh -c 'cd && "$0" spec --rootless && jq --arg path "/$1/c" ".process.terminal = false |
		.process.args = [\"true\"] | .linux.cgroupsPath = \$path | $2" config.json >new && mv new config.json' "$HUSK" "$ID" "$ROOTLESS"
	expect_status 0 as_user sh -c 'cd && exec "$0" --root "$PWD/state" run "$1"' "$HUSK" "$ID"
	assert_match "$ERR" "create cgroup '$ID/c': Permission denied: running without a cgroup" warning
	expect_error "create cgroup '$ID/c': Permission denied" \
		as_user sh -c 'cd && exec "$0" --root "$PWD/state" --rootless=false run "$1"' "$HUSK" "$ID"
	rmdir "$ROOT_CGROUP/$ID"
}

# ---- in from outside ----

# A user's scope, and a session outside of it. A helper of the test's own stands in for systemd, and the test for the
# root that moves who is named to it.
outside_of_a_scope() {
	need_cgroup2
	as_user true
	chmod 0755 "$T"
	mkdir "$ROOT_CGROUP/$ID"
	chown -R "$HUSK_TEST_USER" "$ROOT_CGROUP/$ID"
	copy_husk "$T"
	cat >"$T/husk-systemd" <<-EOF
		#!/bin/sh
		echo "\$*" >>$T/home/asked
		case \$2 in
		start) mkdir -p $ROOT_CGROUP/$ID/\$3\$4 && printf '/$ID/%s\n' "\$3\$4" && exec cat >/dev/null ;;
		attach) [ ! -e $T/home/refuse ] || { echo "husk-systemd: not you" >&2; exit 1; }
			echo "\$5" >$T/home/who && read -r done <$T/home/done ;;
		esac
	EOF
	chmod 0755 "$T/husk-systemd"
	mkfifo "$T/home/who" "$T/home/done"
	chmod 0666 "$T/home/who" "$T/home/done"
	while read -r pid <"$T/home/who" && [ "$pid" != end ]; do
		echo "$pid" >"$ROOT_CGROUP/$ID/husk-$ID.scope$1/cgroup.procs"
		echo >"$T/home/done"
	done &
	MOVER=$!
	as_user sh -c 'cp -a "$1" "$2/home/rootfs" && cd "$2/home" && "$3" spec --rootless' sh "$HUSK_TEMPLATE" "$T" "$HUSK"
	config home '.process.terminal = false | .process.args = ["sleep", "1000"] | '"$ROOTLESS"
	chmod 0644 home/config.json
}

outside_husk() { as_user sh -c 'cd "$1/home" && shift && exec "$@"' sh "$T" "$HUSK" --root "$T/home/state" --systemd-cgroup "$@"; }

# who_is_in CGROUP: the process of the container; in a VM the first of the machine's.
who_is_in() {
	if is_vm; then sort -n "$1/cgroup.procs" | head -n 1; else cat "$1/cgroup.procs"; fi
}

nobody_is_outside_any_more() {
	echo end >"$T/home/who"
	wait "$MOVER"
	rmdir "$ROOT_CGROUP/$ID"
}

test_a_user_outside_of_the_scope_is_let_in() {
	local cg
	outside_of_a_scope ""
	expect_status 0 outside_husk run --detach "$ID"
	assert_eq "$ERR" "" "errors"
	cg=$ROOT_CGROUP/$ID/husk-$ID.scope
	assert_eq "$(who_is_in "$cg")" "$(outside_husk state "$ID" | jq .pid)" "who is in the scope"
	expect_output "0::/" outside_husk exec "$ID" grep ^0 /proc/self/cgroup
	expect_status 0 outside_husk exec --detach --pid-file "$T/home/pid" "$ID" sleep 1000
	grep -qx "$(cat home/pid)" "$cg/cgroup.procs" || fail "what exec made is not in the scope"
	assert_eq "$(grep -c "^--user attach husk-$ID.scope  [0-9]*\$" home/asked)" 3 "who was moved"
	expect_status 0 outside_husk delete --force "$ID"
	[ ! -e "$cg" ] || fail "the scope is left"
	nobody_is_outside_any_more
}

test_a_cgroup_below_the_scope_is_entered() {
	outside_of_a_scope /in/ner
	config home '.annotations = {"run.oci.systemd.subgroup": "in/ner"}'
	expect_status 0 outside_husk run --detach "$ID"
	assert_eq "$(who_is_in "$ROOT_CGROUP/$ID/husk-$ID.scope/in/ner")" "$(outside_husk state "$ID" | jq .pid)" "who is in it"
	grep -q "^--user attach husk-$ID.scope /in/ner [0-9]*\$" home/asked || fail "asked was: $(cat home/asked)"
	expect_status 0 outside_husk delete --force "$ID"
	rmdir "$ROOT_CGROUP/$ID/husk-$ID.scope"/{in,}
	nobody_is_outside_any_more
}

test_a_user_who_is_not_let_in_is_told() {
	outside_of_a_scope ""
	: >home/refuse
	expect_error "may not put a process into the container's cgroup.*the user's systemd did not do it: .*not you" \
		outside_husk run --detach "$ID"
	expect_output "" outside_husk list -q
	[ ! -e "$ROOT_CGROUP/$ID/husk-$ID.scope" ] || fail "the scope is left"
	nobody_is_outside_any_more
}

run_tests "$@"
