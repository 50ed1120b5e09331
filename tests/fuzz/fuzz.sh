#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# fuzz.sh TARGET...: libFuzzer on each for FUZZ_SECONDS (60). What it finds new is kept in
# fuzz-new/<name>, a crash in the current directory; `tests/fuzz/fuzz.sh --merge TARGET...` takes into
# tests/fuzz/corpus what reaches more than the files there. FUZZ_TARGETS="config state" chooses;
# FUZZ_CORPUS is another folder to start from.
set -euo pipefail
: "${HUSK_TOP_SRCDIR:=$PWD}" "${HUSK_TOP_BUILDDIR:=$PWD}" "${FUZZ_SECONDS:=60}" "${FUZZ_TARGETS:=}"
new=$HUSK_TOP_BUILDDIR/fuzz-new
words=$new/words

max_len() { # NAME: bytes of an input; a tree of many nodes takes long under ASan
	case $1 in
	json | process | state | update) echo 2048 ;;
	*) echo 9216 ;;
	esac
}

# The strings of the sources that read or print JSON: keys, enums, options.
make_words() {
	mkdir -p "$new"
	grep -ohE '"[A-Za-z_/][A-Za-z0-9_./:=+-]{1,40}"' "$HUSK_TOP_SRCDIR"/libcontainer/{,linux/}*.c | sort -u >"$words"
	[ -s "$words" ] || { echo "fuzz.sh: no words found in the sources" >&2 && exit 1; }
}

fuzz_one() { # TARGET
	local name=${1##*/fuzz_} log status=0 TIMEFORMAT='%U %S'
	log=$new/$name.log
	mkdir -p "$new/$name"
	{ time "$HUSK_TOP_BUILDDIR/$1" -max_total_time="$FUZZ_SECONDS" -timeout=10 -max_len="$(max_len "$name")" -print_final_stats=1 \
		-dict="$words" -artifact_prefix="$HUSK_TOP_BUILDDIR/$name-" \
		"$new/$name" "${FUZZ_CORPUS:-$HUSK_TOP_SRCDIR/tests/fuzz/corpus/$name}" >"$log" 2>&1; } 2>"$log.cpu" || status=$?
	awk -v name="$name" -v cpu="$(awk '{ print $1 + $2 }' "$log.cpu")" -v status="$status" '
		/number_of_executed_units/ { execs = $2 }
		/ cov: / { for (i = 1; i < NF; i++) { if ($i == "cov:") cov = $(i + 1); if ($i == "ft:") ft = $(i + 1) } }
		END { printf "fuzz %-14s %8.1f s of CPU %10d execs  cov %5d  features %6d  %s\n",
			name, cpu, execs, cov, ft, status ? "FOUND SOMETHING: " FILENAME : "nothing found" }' "$log"
	[ "$status" = 0 ] || { tail -n 60 "$log" && return "$status"; }
}

merge_one() { # TARGET
	local name=${1##*/fuzz_}
	mkdir -p "$new/$name"
	"$HUSK_TOP_BUILDDIR/$1" -merge=1 -max_len="$(max_len "$name")" "$HUSK_TOP_SRCDIR/tests/fuzz/corpus/$name" "$new/$name"
}

act=fuzz_one
[ "${1:-}" != --merge ] || { act=merge_one && shift; }
export HUSK_FUZZ_WORDS=$words
make_words
for target; do
	[ -z "$FUZZ_TARGETS" ] || [[ " $FUZZ_TARGETS " == *" ${target##*/fuzz_} "* ]] || continue
	"$act" "$target"
done
