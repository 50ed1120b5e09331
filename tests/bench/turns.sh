# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # what the caller sets
# turns.sh: the turns that runtimes take under load, what each is timed at, and that nothing is left by it.
#
# Sourced after setup.sh by a script that sets $cases, LOAD_AT_ONCE and LOAD_WORKERS, makes a bundle "stays"
# of whose containers each is a `/bin/sleep $LOAD_SLEEP`, and defines case_words CASE: it sets $words to
# this case's runtime and its global options. Containers are called load-CASE-NUMBER.
LOAD_SLEEP=3600.$$ # nobody else's

# All that a turn could leave. The cgroups of others come and go.
snapshot() {
	echo "mounts $(wc -l </proc/self/mountinfo)"
	find /sys/fs/cgroup -type d -name '*load-*' 2>/dev/null || true
	ip -o link | cut -d: -f2
	find "$work" -mindepth 2 -path "$work/state-*"
	pgrep -ax -f "/bin/sleep ${LOAD_SLEEP/./[.]}" || true
}

turns_begin() {
	: >"$work/rates"
	: >"$work/now"
	snapshot >"$work/before"
}

# turn CASE FUNCTION: runs it, and sees that nothing is left. The dying need a moment.
turn() {
	local tries
	case_words "$1"
	mkdir -p "$work/state-$1"
	"$2" "$1"
	for tries in 0 1 2 5 10; do
		sleep "$tries"
		snapshot >"$work/now"
		! cmp -s "$work/before" "$work/now" || return 0
	done
	die "$1: left behind: $(diff "$work/before" "$work/now")"
}

# timed CASE PHASE N COMMAND...: notes N containers by the time that the command takes.
timed() {
	local case=$1 phase=$2 n=$3 start=$EPOCHREALTIME end
	shift 3
	"$@"
	end=$EPOCHREALTIME
	say "$phase	$case	$(awk -v n="$n" -v t="$start $end" 'BEGIN { split(t, a, " "); print n / (a[2] - a[1]) }')" >>"$work/rates"
}

# all_ids CASE WORD...: the runtime with these words and each id, by the workers.
all_ids() {
	local case=$1
	shift
	seq "$LOAD_AT_ONCE" | xargs -P "$LOAD_WORKERS" -I @@ "${words[@]}" "$@" "load-$case-@@" >/dev/null
}

at_once() {
	local alive
	timed "$1" create "$LOAD_AT_ONCE" all_ids "$1" create --bundle "$work/stays"
	timed "$1" start "$LOAD_AT_ONCE" all_ids "$1" start
	alive=$("${words[@]}" list | grep -c ' running ' || true)
	[ "$alive" = "$LOAD_AT_ONCE" ] || die "$1: $alive of $LOAD_AT_ONCE containers run"
	timed "$1" delete "$LOAD_AT_ONCE" all_ids "$1" delete --force
}

# rates_print PHASE...: a row a phase, "best / median" of each case.
rates_print() {
	sort -t '	' -k 1,2 -k 3,3g "$work/rates" | awk -F '\t' -v cases="${cases[*]}" -v phases="$*" '
		{ rate[$1, $2, ++n[$1, $2]] = $3 }
		END {
			n_cases = split(cases, c, " ")
			n_phases = split(phases, phase, " ")
			printf "%-34s", "containers a second, best / median"
			for (i = 1; i <= n_cases; i++) printf "%18s", c[i]
			print ""
			for (p = 1; p <= n_phases; p++) {
				printf "%-34s", phase[p] (phase[p] == "run" ? ", in sequence" : ", at once")
				for (i = 1; i <= n_cases; i++) {
					k = n[phase[p], c[i]]
					printf "%18s", sprintf("%.0f / %.0f", rate[phase[p], c[i], k], rate[phase[p], c[i], int((k + 1) / 2)])
				}
				print ""
			}
		}'
}

# rate_best PHASE CASE: containers a second, two decimals; 0: there was no such turn.
rate_best() {
	awk -F '\t' -v p="$1" -v c="$2" '$1 == p && $2 == c && $3 > best { best = $3 } END { printf "%.2f\n", best }' "$work/rates"
}
