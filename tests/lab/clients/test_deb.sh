#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The Debian package that `make deb` makes: installed, used as it lies there, and removed.
set -eu
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/../../integration/lib.sh"

DOC=/usr/share/doc/husk

# The guest's dpkg leaves out manual pages and documents.
with_package() {
	local deb
	[ -n "${HUSK_LAB:-}" ] || skip "runs in the lab's guest only (make check-lab)"
	deb=$(find "$HUSK_TOP_BUILDDIR/build-deb" -name 'husk_*.deb' 2>/dev/null | head -n 1)
	[ -n "$deb" ] || skip "no Debian package in the build tree (make deb)"
	trap 'dpkg --purge husk >/dev/null 2>&1' EXIT
	dpkg --path-include='/usr/share/*' --install "$deb" >dpkg.log 2>&1 || fail "dpkg: $(cat dpkg.log)"
}

test_files() {
	local file
	with_package
	expect_status 0 /usr/bin/husk --version
	assert_eq "$OUT" "$("$HUSK" --version)" "husk --version"
	expect_output "" dpkg --verify husk
	for file in husk-agent husk-fsd husk-mon husk-net husk-prepare husk-systemd; do
		[ -x "/usr/libexec/husk/$file" ] || fail "no $file"
	done
	assert_eq "$(readlink /usr/bin/husk-vm)" husk "the name that asks for VMs"
	assert_eq "$(/usr/bin/husk-vm features | jq -r '.annotations["io.husk.isolation"]')" vm
	for file in /usr/share/man/man1/husk.1.gz /usr/share/man/man7/husk-vm.7.gz /usr/share/man/man7/husk-engines.7.gz "$DOC/copyright"; do
		[ -s "$file" ] || fail "no $file"
	done
	assert_eq "$(jq -r .runtimes.husk.path "$DOC/examples/daemon.json")" /usr/bin/husk "daemon.json"
	assert_match "$(cat "$DOC/examples/containerd.toml")" '"/usr/bin/husk"'
	dpkg --purge husk >/dev/null
	for file in /usr/bin/husk /usr/libexec/husk "$DOC"; do
		[ ! -e "$file" ] || fail "a purge leaves $file"
	done
}

test_podman_by_the_example() {
	with_package
	need podman
	export CONTAINERS_CONF=$DOC/examples/containers.conf
	tar -C "$HUSK_TEMPLATE" -c . | podman import - test >/dev/null 2>&1 || fail "podman import: no image"
	expect_output inside podman --cgroup-manager cgroupfs --runtime husk run --rm --network none test echo inside
	expect_status 127 podman --cgroup-manager cgroupfs --runtime husk run --rm --cgroups disabled --network none test no-such-program
	expect_output /usr/bin/husk podman --runtime husk info --format '{{.Host.OCIRuntime.Path}}'
}

# Its helper programs are found where the package has them.
test_network_device() {
	with_package
	HUSK=/usr/bin/husk bash "$(dirname "$0")/../../integration/test_netdev.sh" >netdev.log 2>&1 ||
		fail "$(grep '^not ok' netdev.log || tail -n 3 netdev.log)"
	grep -q '^ok ' netdev.log || fail "no test of netdev ran: $(head -n 3 netdev.log)"
}

run_tests "$@"
