#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makefile.am names each source, test, corpus and manual page, so that what is built and
# shipped is what is in the tree. src/husk.lds names no object of ours that is not there.
# shellcheck source=lib.bash
. "$(dirname "$0")/lib.bash"

folders=$(sed -n '/^test_data =/,/[^\\]$/p' Makefile.am)
while read -r f; do
	grep -qE "(^|[[:space:]])${f//./\\.}([[:space:]]|\\\\|\$)" Makefile.am && continue
	case $f in
	tests/unit/check_*.c | tests/bench/*.c) f=${f%.c} && grep -qE "(^|[[:space:]])$f([[:space:]]|\$)" Makefile.am && continue ;;
	esac
	found=
	for d in $folders; do
		[[ $f != "$d"/* ]] || found=1
	done
	[ -n "$found" ] || bad "$f: not in Makefile.am"
done < <(
	c_files \( -name '*.[chS]' -o -name '*.sh' -o -name '*.bash' -o -name '*.py' -o -name '*.json' \)
	find man -type f -name '*.[1-8]' 2>/dev/null
	find tests/fuzz/corpus -type f 2>/dev/null
)
while read -r library object; do
	case $library in
	lc) found=$(compgen -G "libcontainer/$object.c" || compgen -G "libcontainer/linux/$object.c" || true) ;;
	cmd) found=$(compgen -G "src/$object.c" || compgen -G "src/machine/$object.c" || true) ;;
	esac
	[ -n "$found" ] || bad "src/husk.lds: *$library-$object.o is the object of no source"
done < <(sed -nE 's/^[[:space:]]*\*(lc|cmd)-([^(]*)\.o\(.*/\1 \2/p' src/husk.lds)
finish
