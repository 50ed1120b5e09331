#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Each source file and script names its licence in its first lines.
# shellcheck source=lib.bash
. "$(dirname "$0")/lib.bash"

while read -r f; do
	head -n 3 "$f" | grep -q 'SPDX-License-Identifier: Apache-2.0' || bad "$f: no SPDX line"
done < <(c_files -name '*.[chS]'; script_files; printf '%s\n' configure.ac Makefile.am; find man -type f -name '*.[1-8]' 2>/dev/null)
grep -q 'Apache License' LICENSE || bad "LICENSE: not the Apache License"
finish
