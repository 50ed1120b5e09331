#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Labels of security modules on a machine that has none of them: what asks for one is
# refused by name. What they do is seen in a guest (test_guest.sh).
# runs-as: root user
set -eu
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
private_cgroup2 "$@"

NO_APPARMOR="'p': AppArmor is not enabled on this kernel \(/sys/module/apparmor/parameters/enabled is not Y\)"
NO_SELINUX="'u:r:t': SELinux is not enabled on this kernel \(no selinuxfs at /sys/fs/selinux\)"

need_no_module() {
	case "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null) $(ls -A /sys/fs/selinux 2>/dev/null)" in
	' ' | 'N ') ;;
	*) skip "this kernel has AppArmor or SELinux" ;;
	esac
}

test_a_label_without_its_module_is_refused() {
	need_no_module
	make_bundle b '.process.args = ["/bin/true"] | .process.apparmorProfile = "p"'
	expect_error "process.apparmorProfile: $NO_APPARMOR" husk run -b b "$ID"
	config b '.process.apparmorProfile = "" | .process.selinuxLabel = "u:r:t"'
	expect_error "process.selinuxLabel: $NO_SELINUX" husk create -b b "$ID"
	config b '.process.selinuxLabel = "" | .linux.mountLabel = "u:r:t"'
	expect_error "linux.mountLabel: $NO_SELINUX" husk run -b b "$ID"
}

test_unconfined_asks_for_nothing() {
	make_bundle b '.process.args = ["/bin/true"] | .process.apparmorProfile = "unconfined" | .process.selinuxLabel = ""'
	expect_status 0 husk run -b b "$ID"
}

test_exec_without_the_module_is_refused() {
	need_no_module
	make_bundle b '.process.args = ["/bin/sleep", "1000"]'
	expect_status 0 husk create -b b "$ID"
	expect_status 0 husk start "$ID"
	expect_error "process.apparmorProfile: $NO_APPARMOR" husk exec --apparmor p "$ID" true
	expect_error "process.selinuxLabel: $NO_SELINUX" husk exec --process-label u:r:t "$ID" true
	jq '.process | .args = ["true"] | .terminal = false | .apparmorProfile = "p"' b/config.json >p.json
	expect_error "process.apparmorProfile: $NO_APPARMOR" husk exec --process p.json "$ID"
	expect_status 0 husk exec --apparmor unconfined "$ID" true
	expect_status 0 husk delete --force "$ID"
}

run_tests "$@"
