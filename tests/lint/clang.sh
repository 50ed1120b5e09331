#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# No file gives a warning under clang; the build itself shows those of gcc.
# shellcheck source=lib.bash
. "$(dirname "$0")/lib.bash"
command -v clang >/dev/null || skip "no clang on this machine"

builddir=${HUSK_TOP_BUILDDIR:-.}
[ -f "$builddir/config.h" ] || skip "no config.h: configure first"
# shellcheck disable=SC2016 # expanded by the inner shell
while read -r f; do
	printf '%s\t%s\n' "$f" "$(include_flags "$f")"
done < <(c_files -name '*.c') |
	WARN=$warning_flags BUILDDIR=$builddir xargs -d '\n' -P "$(nproc)" -n 1 bash -c '
		file=${1%%$'"'\t'"'*}
		case $file in libcontainer/trampoline/*) set -- "$1 -ffreestanding" ;; esac
		clang $WARN ${1#*$'"'\t'"'} -iquote "$BUILDDIR" -fsyntax-only "$file" 2>&1' lint >"$offences" || true
finish
