#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Who includes whom: nothing by "../"; base nothing above itself; a leaf linux/x.c its own
# headers (x.h, x_*.h, and for x_y.c those of x), base, plan.h, spec.h and plain data headers
# above; src, src/machine and src/agent only libcontainer.h of the library, and src/proto (src also src/machine); src/fs, src/prepare, src/proto,
# src/systemd and src/vq only base (src/prepare vm_manifest.h, too); src/mon and src/net base and src/proto; src/fsd base, fs.h and src/vq.
# shellcheck source=lib.bash
. "$(dirname "$0")/lib.bash"

# shellcheck disable=SC2046 # names of files without blanks
grep -nE '#[[:space:]]*include[[:space:]]*["<]\.\./' $(c_files -name '*.[chS]') | sed 's/$/   (include by bare name)/' | bad_lines || true

# FILE INCLUDED: why it is not allowed, or nothing
why_not() {
	local file=$1 header=$2 stem family
	[ ! -e "libcontainer/base/$header" ] || return 0
	case $file in
	libcontainer/base/*)
		[ "$header" = config.h ] || echo "base includes only base"
		;;
	libcontainer/linux/*)
		[ -e "libcontainer/linux/$header" ] || return 0
		stem=$(basename "${file%.*}")
		family=${stem%%_*}
		case $header in
		"$stem.h" | "$stem"_*.h | "$family.h" | "${family}"_*.h) ;;
		*) echo "a leaf of linux/ includes no other leaf" ;;
		esac
		;;
	src/prepare/*) # a program of its own, which shares with husk what it writes and husk reads
		[ -e "src/prepare/$header" ] || [ "$header" = vm_manifest.h ] ||
			echo "src/prepare includes only base, itself and vm_manifest.h"
		;;
	src/fsd/*) # puts the file server on virtqueues
		[ -e "src/fsd/$header" ] || [ "$header" = fs.h ] || [ -e "src/vq/$header" ] ||
			echo "src/fsd includes only base, itself, fs.h and src/vq"
		;;
	src/mon/* | src/net/*) # programs of their own
		[ -e "$(dirname "$file")/$header" ] || [ -e "src/proto/$header" ] || echo "$(dirname "$file") includes only base, proto and itself"
		;;
	src/fs/* | src/proto/* | src/systemd/* | src/vq/*) # of their own
		[ -e "$(dirname "$file")/$header" ] || echo "$(dirname "$file") includes only base and itself"
		;;
	src/agent/*)
		[ -e "src/agent/$header" ] || [ -e "src/proto/$header" ] || [ "$header" = libcontainer.h ] ||
			echo "src/agent includes only libcontainer.h, base, proto and itself"
		;;
	src/machine/*) # how husk plans a VM and talks to it
		[ -e "src/machine/$header" ] || [ -e "src/proto/$header" ] || [ "$header" = libcontainer.h ] || [ "$header" = config.h ] ||
			echo "src/machine includes only libcontainer.h, base, proto and itself"
		;;
	src/*)
		[ -e "src/$header" ] || [ -e "src/machine/$header" ] || [ -e "src/proto/$header" ] || [ "$header" = libcontainer.h ] || [ "$header" = config.h ] ||
			echo "src includes only libcontainer.h, base, proto, src and src/machine"
		;;
	esac
}

# shellcheck disable=SC2046
while IFS=: read -r file line text; do
	header=${text#*\"}
	header=${header%%\"*}
	why=$(why_not "$file" "$header")
	[ -z "$why" ] || bad "$file:$line: \"$header\": $why"
done < <(grep -nE '^#[[:space:]]*include[[:space:]]*"' $(c_files -name '*.[chS]') /dev/null)
finish
