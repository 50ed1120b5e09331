#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# clang-format 14 agrees with each file; `clang-format -i FILE` is the cure.
# shellcheck source=lib.bash
. "$(dirname "$0")/lib.bash"
command -v clang-format >/dev/null || skip "no clang-format on this machine"
[[ $(clang-format --version) =~ version\ 14\. ]] || skip "not clang-format 14: $(clang-format --version)"

while read -r f; do
	clang-format --style=file "$f" | cmp -s - "$f" ||
		bad "$f: clang-format differs, first at line $(clang-format --style=file "$f" | diff "$f" - | head -n 1)"
done < <(c_files -name '*.[ch]')
finish
