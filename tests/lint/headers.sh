#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Each header compiles alone, with the include paths of its layer.
# shellcheck source=lib.bash
. "$(dirname "$0")/lib.bash"

while read -r f; do
	# shellcheck disable=SC2046,SC2086 # lists of words
	${CC:-cc} $warning_flags $(include_flags "$f") -fsyntax-only -x c "$f" 2>&1 | bad_lines || true
done < <(c_files -name '*.h')
finish
