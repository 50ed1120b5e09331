# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# vm.sh: what the clients' tests of VMs share; sourced in lib.sh's place, before the client's own file.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/../../integration/lib.sh"

# In an emulated guest on a busy machine a boot may take minutes.
prepare_kernel() {
	[ ! -e "$CLIENTS/kernel" ] || return 0
	mkdir -p /etc/husk
	echo '{"vm": {"bootSeconds": 900}}' >/etc/husk/husk.json
	/usr/local/bin/husk-vm vm prepare >/dev/null || fail "no kernel"
	touch "$CLIENTS/kernel"
}

# BOOT_ID: what the container read is not the host's.
is_a_machines() {
	assert_match "$1" '^[0-9a-f]{8}-' "a boot id"
	[ "$1" != "$(cat /proc/sys/kernel/random/boot_id)" ] || fail "the container has the host's kernel"
}

# All machines have ended: their processes, and the cgroups with the rest.
assert_no_machine() { wait_for 60 no_machine; }
no_machine() { ! pgrep -x 'husk-mon|husk-fsd|qemu-system-x86'; }
