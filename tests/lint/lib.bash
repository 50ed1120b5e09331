# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# lib.bash: what the lint tests share. Each tests/lint/*.sh sources it, says `bad FILE:LINE: why`
# for each offence and ends with `finish`. They run at the top of the source tree.
set -eu -o pipefail
cd "${HUSK_TOP_SRCDIR:-$(dirname "${BASH_SOURCE[0]}")/../..}"

lint_name=$(basename "$0" .sh)
offences=$(mktemp)
trap 'rm -f "$offences"' EXIT

bad() { printf '%s\n' "$*" >>"$offences"; }

# Reads offences, one a line.
bad_lines() { cat >>"$offences"; }

skip() {
	echo "skip lint.$lint_name: $*"
	if [ -n "${HUSK_MUST_RUN:-}" ]; then
		echo "0 passed, 1 failed, 1 skipped"
		exit 1
	fi
	echo "0 passed, 0 failed, 1 skipped"
	exit 77
}

finish() {
	if [ -s "$offences" ]; then
		sed 's/^/    /' "$offences"
		echo "not ok lint.$lint_name: $(wc -l <"$offences") offence(s)"
		echo "0 passed, 1 failed, 0 skipped"
		exit 1
	fi
	echo "ok lint.$lint_name"
	echo "1 passed, 0 failed, 0 skipped"
	exit 0
}

# The project's own files below the source folders: c_files -name '*.h'
c_files() { find libcontainer src tests \( -path tests/fuzz/corpus -prune \) -o -type f "$@" -print 2>/dev/null | sort; }
script_files() {
	printf '%s\n' bootstrap .ci/run
	find tests -type f \( -name '*.sh' -o -name '*.bash' \) | sort
}

# The include paths of a file's layer, as in Makefile.am.
include_flags() {
	local lib="-iquote libcontainer -iquote libcontainer/linux -iquote libcontainer/trampoline"
	case $1 in
	libcontainer/base/* | tests/bench/*) echo "-iquote libcontainer/base -DHUSK_LIBEXECDIR=\"\"" ;;
	libcontainer/*) echo "-iquote libcontainer/base $lib" ;;
	src/agent/*) echo "-iquote libcontainer/base -iquote src/proto -iquote libcontainer -iquote src/agent" ;;
	src/fs/*) echo "-iquote libcontainer/base -iquote src/fs" ;;
	src/fsd/*) echo "-iquote libcontainer/base -iquote src/vq -iquote src/fs -iquote src/fsd" ;;
	src/mon/*) echo "-iquote libcontainer/base -iquote src/mon -iquote src/proto" ;;
	src/net/*) echo "-iquote libcontainer/base -iquote src/net -iquote src/proto" ;;
	src/machine/*) echo "-iquote libcontainer/base -iquote libcontainer -iquote src/machine -iquote src/proto" ;;
	src/prepare/*) echo "-iquote libcontainer/base -iquote src/prepare -iquote src/machine" ;;
	src/proto/*) echo "-iquote libcontainer/base -iquote src/proto" ;;
	src/systemd/*) echo "-iquote libcontainer/base -iquote src/systemd" ;;
	src/vq/*) echo "-iquote libcontainer/base -iquote src/vq" ;;
	src/*) echo "-iquote libcontainer/base -iquote libcontainer -iquote src -iquote src/machine -iquote src/proto" ;;
	tests/unit/check_agent_*) echo "-iquote libcontainer/base -iquote src/agent -iquote src/proto" ;;
	tests/*) echo "-iquote libcontainer/base $lib -iquote src -iquote src/fs -iquote src/fsd -iquote src/machine -iquote src/mon -iquote src/prepare -iquote src/proto -iquote src/vq" ;;
	esac
}
# shellcheck disable=SC2034 # for the tests
warning_flags="-std=gnu17 -D_GNU_SOURCE -Wall -Wextra -Wshadow -Wmissing-prototypes -Wformat=2 -Wimplicit-fallthrough -Werror"
