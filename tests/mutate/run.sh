#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run.sh [WORD...]: takes each defence of mutants.txt out of a copy of the tree, one at a time, and
# shows that its test goes red. WORDs choose the lines that hold one of them. Needs root and a
# built tree with its attack programs (make check builds them); `make check-mutants` runs it.
set -euo pipefail
top=$(cd "$(dirname "$(readlink -f "$0")")/../.." && pwd)
list=$top/tests/mutate/mutants.txt
work=$(mktemp -d "${TMPDIR:-/tmp}/husk-mutants.XXXXXX")
trap 'rm -rf "$work"' EXIT
cp -a "$top" "$work/tree"
green=0 red=0

# mutate FILES EXPRESSION: each file must change.
mutate() {
	local f
	for f in $1; do
		sed -E -i "$2" "$work/tree/$f"
		! cmp -s "$top/$f" "$work/tree/$f" || { echo "no change by '$2' in $f" && return 1; }
	done
	make -C "$work/tree" -s husk >"$work/log" 2>&1 || { tail -n 5 "$work/log" && return 1; }
}

chosen() { # LINE WORD...
	local line=$1 word
	shift
	[ $# -gt 0 ] || return 0
	for word; do [[ $line != *"$word"* ]] || return 0; done
	return 1
}

while IFS='|' read -r class files expression test; do
	chosen "$class|$files|$expression|$test" "$@" || continue
	if ! mutate "$files" "${expression//@/|}"; then
		green=$((green + 1))
	else
		out=$(HUSK=$work/tree/husk HUSK_TOP_BUILDDIR=$top HUSK_TEST_SECONDS=${HUSK_TEST_SECONDS:-120} \
			bash "$top/tests/integration/${test%%:*}" "${test#*:}" </dev/null || true)
		line=$(grep -m 1 -E '^(not ok|ok|skip)' <<<"$out" || echo "no result")
		case $line in
		'not ok'*) red=$((red + 1)) && echo "red    $class: ${line#not ok }" ;;
		*) green=$((green + 1)) && echo "GREEN  $class: $line (with $files: $expression)" ;;
		esac
	fi
	for f in $files; do
		cp "$top/$f" "$work/tree/$f" # with a new date, so that it is compiled again
	done
done < <(grep -vE '^(#|$)' "$list")
echo "$red went red, $green did not"
[ "$green" = 0 ] && [ "$red" -gt 0 ]
