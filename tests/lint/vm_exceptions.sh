#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The list of tests that cannot hold in a VM names tests, gives reasons, and is short.
exec "${BASH:-bash}" "$(dirname "$0")/../integration/run_vm.sh" check
