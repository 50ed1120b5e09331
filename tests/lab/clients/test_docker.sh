#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Docker, cgroup driver cgroupfs: the same with husk as with crun.
# shellcheck disable=SC2034 # DOCKER_DRIVER is docker.sh's
set -eu
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/../../integration/lib.sh"
DOCKER_DRIVER=cgroupfs
# shellcheck source=tests/lab/clients/docker.sh
. "$(dirname "$0")/docker.sh"

# Where Debian's crun leaves Docker with 125.
test_program_that_cannot_run() {
	suite
	RUNTIME=husk
	expect_status 127 quick --rm test no-such-program
	expect_status 127 quick --rm test /no/such/program
	expect_status 126 quick --rm test /etc/passwd
}

test_update() { expect_update; }

compare_tests "$(dirname "$0")/docker.sh" -- "$@"
