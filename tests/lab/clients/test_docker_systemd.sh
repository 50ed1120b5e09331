#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Docker, cgroup driver systemd: the same with husk as with crun.
# shellcheck disable=SC2034 # DOCKER_DRIVER is docker.sh's
set -eu
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/../../integration/lib.sh"
DOCKER_DRIVER=systemd
# shellcheck source=tests/lab/clients/docker.sh
. "$(dirname "$0")/docker.sh"

test_update() { expect_update; }

compare_tests "$(dirname "$0")/docker.sh" -- "$@"
