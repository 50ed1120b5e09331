#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Podman as root, cgroup manager cgroupfs: the same with husk as with crun.
# shellcheck disable=SC2034 # PODMAN_* are podman.sh's
set -eu
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/../../integration/lib.sh"
PODMAN_AS=root PODMAN_MANAGER=cgroupfs
# shellcheck source=tests/lab/clients/podman.sh
. "$(dirname "$0")/podman.sh"

compare_tests "$(dirname "$0")/podman.sh" -- "$@"
