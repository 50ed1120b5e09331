#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# No script gives a warning under shellcheck; what is called as a program can be.
# shellcheck source=lib.bash
. "$(dirname "$0")/lib.bash"
command -v shellcheck >/dev/null || skip "no shellcheck on this machine"

mapfile -t files < <(script_files)
shellcheck -f gcc "${files[@]}" | bad_lines || true
for f in bootstrap .ci/run tests/integration/run.sh; do
	[ -x "$f" ] || bad "$f: not executable"
done
finish
