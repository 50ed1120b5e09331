#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the integration tests: all test_*.sh, or the files named. As root it then runs
# those with the line "# runs-as: root user" again as the ordinary user (lib.sh says
# which), from a copy that this user can read. See lib.sh for the settings.
set -eu -o pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/integration/lib.sh
. "$here/lib.sh"

passed=0 failed=0 skipped=0
work=$(mktemp -d "${TMPDIR:-/tmp}/husk-run-tests.XXXXXX")
chmod 0755 "$work"
trap 'rm -rf "$work"' EXIT

run_file() { # COMMAND... FILE
	local file=${*: -1}
	"$@" 2>&1 | tee "$work/out" | grep --line-buffered -vE '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' || true
	if [[ $(tail -n 1 "$work/out") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped$ ]]; then
		passed=$((passed + BASH_REMATCH[1]))
		failed=$((failed + BASH_REMATCH[2]))
		skipped=$((skipped + BASH_REMATCH[3]))
	else
		echo "not ok $(basename "$file"): ended before its last line"
		failed=$((failed + 1))
	fi
}

files=("$@")
[ $# -gt 0 ] || files=("$here"/test_*.sh)
for f in "${files[@]}"; do
	run_file bash "$f"
done

if is_root && [ -z "${HUSK_ROOT_ONLY:-}" ]; then
	T=$work
	user_copy "$work"
	for f in "${files[@]}"; do
		grep -q '^# runs-as: .*user' "$f" || continue
		run_file as_user HUSK="$work/$(basename "$HUSK")" HUSK_LABEL=user: HUSK_FLAGS="${HUSK_USER_FLAGS:-}" TMPDIR="$work/tmp" \
			HUSK_MUST_RUN="${HUSK_MUST_RUN:-}" HUSK_TEST_SECONDS="$HUSK_TEST_SECONDS" \
			bash "$work/integration/$(basename "$f")"
	done
fi

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] || exit 1
[ $((passed + skipped)) -gt 0 ] || exit 1
[ "$passed" -gt 0 ] || exit 77
