#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# find_planted.sh [NAME...]: does fuzzing find bugs? Each of tests/fuzz/planted/*.patch plants one in a tree of its
# own, build-planted. Its target starts without a corpus, or with the seeds that the patch names, which do not
# show the bug; it must find it within PLANTED_SECONDS (600).
set -euo pipefail
: "${HUSK_TOP_SRCDIR:=$PWD}" "${PLANTED_SECONDS:=600}"
# shellcheck source=tree.bash
. "$(dirname "$0")/tree.bash"
tree=$HUSK_TOP_BUILDDIR/build-planted
patches=$HUSK_TOP_SRCDIR/tests/fuzz/planted

value() { # KEY FILE: of a line "KEY: ..." above the patch
	sed -n "/^---/q; s/^$1: //p" "$2"
}

build() { # TARGET
	make -s -C "$tree" -j"$(nproc)" "tests/fuzz/fuzz_$1" >"$tree/planted.log" 2>&1 ||
		{ cat "$tree/planted.log" && return 1; }
}

run() { # NAME TARGET SEEDS
	local name=$1 target=$2 corpus=$tree/planted-$1 seed status=0 started
	rm -rf "$corpus" "$tree/fuzz-new" && mkdir "$corpus"
	for seed in $3; do
		cp "$HUSK_TOP_SRCDIR/tests/fuzz/corpus/$target/$seed" "$corpus/"
	done
	"$tree/tests/fuzz/fuzz_$target" -runs=0 "$corpus" >"$tree/planted.log" 2>&1 ||
		{ echo "planted $name: the seeds show the bug already" && return 1; }
	started=$(date +%s%N)
	FUZZ_SECONDS=$PLANTED_SECONDS HUSK_TOP_SRCDIR=$tree HUSK_TOP_BUILDDIR=$tree FUZZ_CORPUS=$corpus \
		bash "$tree/tests/fuzz/fuzz.sh" "tests/fuzz/fuzz_$target" >"$tree/planted.log" 2>&1 || status=$?
	awk -v name="$name" -v ns=$(($(date +%s%N) - started)) -v found="$status" '
		/SUMMARY:/ { sub(/.*SUMMARY: /, ""); what = $0 }
		END { printf "planted %-20s %s after %.1f s: %s\n", name, found ? "found" : "NOT FOUND", ns / 1e9, what }
	' "$tree/fuzz-new/$target.log"
	[ "$status" != 0 ]
}

fresh_tree "$tree" --enable-fuzzers CC=clang
failed=0
for patch in "$patches"/*.patch; do
	name=$(basename "$patch" .patch)
	[ $# = 0 ] || [[ " $* " == *" $name "* ]] || continue
	target=$(value target "$patch")
	patch -s -p1 -d "$tree" <"$patch"
	{ build "$target" && run "$name" "$target" "$(value seeds "$patch")"; } || failed=1
	patch -s -R -p1 -d "$tree" <"$patch"
done
exit "$failed"
