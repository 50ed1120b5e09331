#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# man/husk.1 and --help name the same commands, the same options, letters and values.
# One line an option is made from each: "command -b --bundle DIR" ("global" for those
# before the command), and the two lists are compared.
set -eu -o pipefail
: "${HUSK_TOP_SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}"
: "${HUSK_TOP_BUILDDIR:=$HUSK_TOP_SRCDIR}"
: "${HUSK:=$HUSK_TOP_BUILDDIR/husk}"
man=$HUSK_TOP_SRCDIR/man/husk.1

commands() {
	"$HUSK" --help | awk '/^Commands:/ { on = 1; next } /^$/ { on = 0 } on { print $1 }'
}

# An option's line starts with its names; its value ends where two blanks or the line do.
options_of_help() { # NAME COMMAND...
	local name=$1
	shift
	"$@" --help | awk -v name="$name" '
		/^Options:/ { on = 1; next }
		/^$/ { on = 0 }
		on && /^  (-.,|   ) --/ {
			letter = substr($0, 3, 2)
			rest = substr($0, 7)
			sub(/  .*/, "", rest)
			print name, (letter == "  " ? "" : letter " ") rest
		}'
}

help_lines() {
	local c
	options_of_help global "$HUSK"
	for c in $(commands); do
		echo "$c"
		options_of_help "$c" "$HUSK" "$c"
	done
}

# mdoc: ".Ss create" starts a command; ".It Fl b , Fl -bundle Ar DIR" is an option.
man_lines() {
	awk '
		/^\.Sh / { name = $2 == "GLOBAL" ? "global" : ""; next }
		/^\.Ss / { name = $2; print name; next }
		name != "" && /^\.It Fl / {
			line = substr($0, 5)
			gsub(/ , /, " ", line)
			gsub(/Fl /, "-", line)
			gsub(/Ar /, "", line)
			print name, line
		}' "$man"
}

[ -x "$HUSK" ] || {
	echo "not ok man_matches_help: no program '$HUSK'"
	exit 1
}
help=$(help_lines | sort)
pages=$(man_lines | sort)
[ "$(wc -l <<<"$help")" -gt 50 ] || {
	echo "not ok man_matches_help: read too few options from --help"
	exit 1
}
if ! difference=$(diff <(echo "$help") <(echo "$pages")); then
	echo "not ok man_matches_help: '<' is in --help alone, '>' in man/husk.1 alone:"
	grep '^[<>]' <<<"$difference"
	exit 1
fi
if command -v mandoc >/dev/null; then
	if ! complaints=$(mandoc -T lint -W warning "$man"); then
		printf 'not ok man_matches_help: mandoc -T lint:\n%s\n' "$complaints"
		exit 1
	fi
else
	echo "skip mandoc -T lint: no program 'mandoc' on this machine"
	[ -z "${HUSK_MUST_RUN:-}" ] || exit 1
fi
echo "ok man_matches_help"
