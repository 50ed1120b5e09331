#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# fs.sh: the file server husk-fsd beside Debian's virtiofsd, both in one guest (tests/lab/fs-guest.sh) that
# uses them in turn, workload by workload: fio, fs_mark and tree walks. `make bench-fs`.
# Prints for each workload (higher is better; the aim is 1.0 or more)
#   the median of the rounds of both, per second, and the median of the ratios of each round;
#   the median of the CPU time that the servers' threads took for one operation (of the later ones: one run of
#   all), in microseconds, and virtiofsd's by husk's. It depends less on what else runs on the machine than the
#   rates do, as the guest waits for its QEMU far longer than for the server.
# Ends with 1 when a ratio of rates is below 0.95 and that of CPU time below 1, or that of rates below 0.5; with 77
# when the machine was too busy for three rounds.
#   FS_ROUNDS   (5)               rounds; every second one takes the servers the other way round
#   FS_LIMIT    (180)             seconds after which no round begins
#   FS_SECONDS  (1)               of each fio run
#   FS_SERVERS  (husk virtiofsd)  which two, as fs-guest.sh names them; paths of husk-fsd, too
#   FS_ONLY     (.)               workloads whose name matches
#   FS_DIR      (/dev/shm)        where the files are: in memory, so that it is not the disk that is measured
set -euo pipefail

srcdir=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
: "${HUSK_TOP_BUILDDIR:=$(cd "$srcdir/../.." && pwd)}" "${FS_ROUNDS:=5}" "${FS_SECONDS:=1}" "${FS_ONLY:=.}" "${FS_LIMIT:=180}"
: "${FS_SERVERS:=husk virtiofsd}"
export HUSK_TOP_BUILDDIR
for program in fio fs_mark; do
	command -v "$program" >/dev/null || {
		echo "fs.sh: no program '$program' (packages fio, fsmark)" >&2
		exit 77
	}
done
: "${FS_DIR:=/dev/shm}"
[ -w "$FS_DIR" ] || FS_DIR=${TMPDIR:-/tmp}
work=$(mktemp -d "$FS_DIR/husk-bench-fs.XXXXXX")
limit='' sampler=''
trap 'rm -rf "$work"; for pid in $limit $sampler; do kill "$pid" 2>/dev/null || true; done' EXIT
read -ra servers <<<"$FS_SERVERS"
for server in "${servers[@]##*/}"; do
	mkdir -p "$work/share/$server/tree"
	head -c 16M /dev/urandom >"$work/share/$server/data"
	for d in $(seq 20); do
		mkdir "$work/share/$server/tree/$d"
		for f in $(seq 25); do echo "$d $f" >"$work/share/$server/tree/$d/$f"; done
	done
done

# In the guest: run SERVER NAME DIRECTION ARGUMENT... says "FIGURE SERVER NAME NUMBER", per second.
cat >"$work/script" <<EOF
run() {
	dir=/mnt/\$1 name=\$2 direction=\$3
	shift 3
	iops=\$(fio --name=x --directory=\$dir --filename=data --size=16m --runtime=$FS_SECONDS --time_based --thread --output-format=json "\$@" |
		sed -n "/\"\$direction\" : {/,/}/s/.*\"iops\" : \([0-9.]*\).*/\1/p" | head -n 1)
	echo "FIGURE \${dir#/mnt/} \$name \$iops"
}
timed() { # SERVER NAME COMMAND...: with nothing cached
	server=\$1 name=\$2
	shift 2
	echo 3 >/proc/sys/vm/drop_caches
	start=\$(now)
	"\$@" >/dev/null 2>&1
	now | awk -v s=\$start -v w="\$server \$name" '{ print "FIGURE", w, 1e9 / (\$1 - s) }'
}
now() { awk '/^now at/ { print \$3; exit }' /proc/timer_list; } # nanoseconds
mark() { echo "FIGURE \$1 \$2 \$(fs_mark -d /mnt/\$1/fm -n 150 -s 4096 -S 0 -L 1 | awk '/^ *[0-9]+ +[0-9]+ +4096/ { print \$4 }')"; } # files a second
make_files() { mkdir \$1; for d in 1 2 3 4; do mkdir \$1/\$d; for f in 0 1 2 3 4 5 6 7 8 9; do for g in 0 1 2 3 4 5 6; do echo \$f >\$1/\$d/\$f\$g; done; done; done; }
both() {
	echo "\$2" | grep -q '$FS_ONLY' || return 0
	kind=\$1 w=\$2
	shift 2
	for s in \$order; do
		eval "\$kind \$s \$w \$*"
		sleep 0.3 # the host looks at the server's CPU time
	done
}
for round in $(seq -s ' ' "$FS_ROUNDS"); do
	[ ! -e /mnt/${servers[0]##*/}/stop ] || break
	order="${servers[*]##*/}"
	[ \$((round % 2)) = 1 ] || order="$(printf '%s\n' "${servers[@]##*/}" | tac | tr '\n' ' ')"
	both run read-128k read --rw=read --bs=128k --direct=1
	both run read-128k-cached read --rw=read --bs=128k --invalidate=1
	both run write-128k write --rw=write --bs=128k
	both run randread-4k read --rw=randread --bs=4k --direct=1
	both run randwrite-4k write --rw=randwrite --bs=4k --direct=1
	both run randread-4k-16-deep read --rw=randread --bs=4k --direct=1 --ioengine=libaio --iodepth=16
	both run write-4k-fsync write --rw=write --bs=4k --fsync=1
	both mark create-4k
	both timed list ls -lR '/mnt/\$s/tree'
	both timed read-each grep -r nothing '/mnt/\$s/tree'
	both timed make make_files '/mnt/\$s/new'
	both timed remove rm -r '/mnt/\$s/new'
done
EOF

# The processes that serve a word's socket.
server_pids() { # WORD
	grep -lzE "^(--socket-path=)?$work/husk-fs-guest\.[^/]*/s-$1\$" /proc/[0-9]*/cmdline 2>/dev/null | cut -d / -f 3 || true
}

cpu_of() { # WORD: nanoseconds, of all threads
	local pid files=()
	for pid in ${pids[$1]}; do files+=(/proc/"$pid"/task/*/schedstat); done
	cat "${files[@]}" 2>/dev/null | awk '{ sum += $1 } END { printf "%.0f\n", sum }'
}

# After each figure of a server: the CPU time that it took since the one before. "CPU SERVER NAME NUMBER NANOSECONDS"
sample() {
	local -A pids=() last=()
	local word s name number now console
	until console=$(compgen -G "$work/husk-fs-guest.*/console"); do sleep 0.1; done
	tail -n +1 -s 0.05 --pid=$$ -f "$console" | while read -r word s name number; do
		[ "$word" = FIGURE ] || continue
		number=${number%%[!0-9.e+-]*}
		[ -n "${pids[$s]:-}" ] || pids[$s]=$(server_pids "$s")
		now=$(cpu_of "$s")
		[ -z "${last[$s]:-}" ] || echo "CPU $s $name $number $((now - last[$s]))"
		last[$s]=$now
	done
}
sample >"$work/cpu" 2>/dev/null &
sampler=$!

sleep "$FS_LIMIT" && touch "$work/share/${servers[0]##*/}/stop" &
limit=$!
FSD=$FS_SERVERS GUEST_MEMORY=768 GUEST_SECONDS=$((FS_LIMIT + 400)) TMPDIR=$work bash "$srcdir/../lab/fs-guest.sh" "$work/share" "$work/script" \
	"$(command -v fio)" "$(command -v fs_mark)" >"$work/out" || {
	status=$?
	cat "$work/out" >&2
	exit "$status"
}
[ -z "${FS_OUTPUT:-}" ] || cat "$work/out" "$work/cpu" >"$FS_OUTPUT"
cat "$work/out" "$work/cpu" | awk -v a="${servers[0]##*/}" -v b="${servers[1]##*/}" -v seconds="$FS_SECONDS" '
	function median(list, v, n, i, j, x) {
		n = split(list, v, " ")
		for (i = 2; i <= n; i++) {
			x = v[i] + 0
			for (j = i - 1; j > 0 && v[j] + 0 > x; j--) v[j + 1] = v[j]
			v[j + 1] = x
		}
		return n ? (v[int((n + 1) / 2)] + v[int(n / 2) + 1]) / 2 : 0
	}
	$1 == "FIGURE" && NF == 4 {
		rates[$2, $3] = rates[$2, $3] " " $4
		round[$3, $2, ++n_of[$2, $3]] = $4
		if (!seen[$3]++) order[++n] = $3
	}
	$1 == "CPU" && NF == 5 {
		ops = $3 ~ /^(list|read-each|make|remove|create-4k)$/ ? 1 : $4 * seconds
		each = ops > 0 ? $5 / 1000 / ops : 0
		if (each > 0) times[$2, $3] = times[$2, $3] " " each
	}
	END {
		printf "%-22s %11s %11s %7s %11s %11s %7s\n", "per second, CPU in us", a, b, "ratio", a, b, "ratio"
		for (i = 1; i <= n; i++) {
			name = order[i]; ratios = ""
			for (k = 1; (name, a, k) in round && (name, b, k) in round; k++)
				if (round[name, b, k] > 0) ratios = ratios " " round[name, a, k] / round[name, b, k]
			if (i == 1 || k - 1 < least) least = k - 1
			ratio = median(ratios)
			x = median(times[a, name]); y = median(times[b, name])
			by_cpu = x > 0 ? y / x : 0
			if (ratio < 0.5 || (ratio < 0.95 && by_cpu < 1)) low = 1
			printf "%-22s %11.2f %11.2f %7.2f %11.1f %11.1f %7.2f\n", name, median(rates[a, name]),
				median(rates[b, name]), ratio, x, y, by_cpu
		}
		if (n && least < 3) { print "fs.sh: fewer than 3 rounds in the time: no judgement" >"/dev/stderr"; exit 77 }
		exit !n || low
	}'
