#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Podman as an ordinary user, cgroup manager systemd: the same with husk as with crun.
# shellcheck disable=SC2034 # PODMAN_* are podman.sh's
set -eu
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/../../integration/lib.sh"
PODMAN_AS=lab PODMAN_MANAGER=systemd
# shellcheck source=tests/lab/clients/podman.sh
. "$(dirname "$0")/podman.sh"

compare_tests "$(dirname "$0")/podman.sh" -- "$@"
