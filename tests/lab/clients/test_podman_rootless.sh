#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Podman as an ordinary user, cgroup manager cgroupfs: the same with husk as with crun.
# shellcheck disable=SC2034 # PODMAN_* are podman.sh's
set -eu
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/../../integration/lib.sh"
PODMAN_AS=lab PODMAN_MANAGER=cgroupfs
# shellcheck source=tests/lab/clients/podman.sh
. "$(dirname "$0")/podman.sh"

# With crun there is no cgroup that could be frozen.
test_pause() {
	suite
	RUNTIME=husk
	expect_status 0 quick --detach --name c test sleep 1000
	expect_status 0 pod pause c
	expect_output paused inspect c '{{.State.Status}}'
	expect_status 0 pod unpause c
	expect_output awake pod exec c echo awake
	expect_status 0 pod rm --force --time 0 c
}

# So has systemd one to begin in.
test_systemd() {
	suite
	RUNTIME=husk
	same_systemd >systemd.out 2>&1 || fail "$(tail -n 3 systemd.out)"
	assert_match "$(cat systemd.out)" '^0::/init.scope$'
	assert_match "$(cat systemd.out)" '^exited 0$'
	after_half same_systemd >/dev/null 2>&1
}

compare_tests "$(dirname "$0")/podman.sh" -- "$@"
