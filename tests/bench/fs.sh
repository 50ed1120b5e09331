#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# fs.sh: the file server husk-fsd beside Debian's virtiofsd, both in one guest (tests/lab/fs-guest.sh) that
# uses them in turn, workload by workload: fio, fs_mark and tree walks. `make bench-fs`.
# Prints for each workload the best of the rounds of both and their ratio (higher is better; the aim is 1.0
# or more), and ends with 1 when one is below 0.95, as near as rounds of a shared machine come.
#   FS_ROUNDS   (4)               rounds
#   FS_LIMIT    (180)             seconds after which no round begins
#   FS_SECONDS  (1)               of each fio run
#   FS_SERVERS  (husk virtiofsd)  which two, as fs-guest.sh names them; paths of husk-fsd, too
#   FS_ONLY     (.)               workloads whose name matches
#   FS_DIR      (/dev/shm)        where the files are: in memory, so that it is not the disk that is measured
set -euo pipefail

srcdir=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
: "${HUSK_TOP_BUILDDIR:=$(cd "$srcdir/../.." && pwd)}" "${FS_ROUNDS:=4}" "${FS_SECONDS:=1}" "${FS_ONLY:=.}" "${FS_LIMIT:=180}"
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
limit=
trap 'rm -rf "$work"; [ -z "$limit" ] || kill "$limit" 2>/dev/null || true' EXIT
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
	start=\$(cut -d ' ' -f 1 /proc/uptime)
	"\$@" >/dev/null 2>&1
	cut -d ' ' -f 1 /proc/uptime | awk -v s=\$start -v w="\$server \$name" '{ print "FIGURE", w, 1 / (\$1 - s + 0.001) }'
}
mark() { echo "FIGURE \$1 \$2 \$(fs_mark -d /mnt/\$1/fm -n 150 -s 4096 -S 0 -L 1 | awk '/^ *[0-9]+ +[0-9]+ +4096/ { print \$4 }')"; } # files a second
make_files() { mkdir \$1; for d in 1 2 3 4; do mkdir \$1/\$d; for f in 0 1 2 3 4 5 6 7 8 9; do for g in 0 1 2 3 4 5 6; do echo \$f >\$1/\$d/\$f\$g; done; done; done; }
both() {
	echo "\$2" | grep -q '$FS_ONLY' || return 0
	kind=\$1 w=\$2
	shift 2
	for s in $(printf '%s ' "${servers[@]##*/}"); do
		eval "\$kind \$s \$w \$*"
	done
}
for round in $(seq -s ' ' "$FS_ROUNDS"); do
	[ ! -e /mnt/${servers[0]##*/}/stop ] || break
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

sleep "$FS_LIMIT" && touch "$work/share/${servers[0]##*/}/stop" &
limit=$!
FSD=$FS_SERVERS GUEST_MEMORY=768 GUEST_SECONDS=$((FS_LIMIT + 400)) TMPDIR=$work bash "$srcdir/../lab/fs-guest.sh" "$work/share" "$work/script" \
	"$(command -v fio)" "$(command -v fs_mark)" >"$work/out" || {
	status=$?
	cat "$work/out" >&2
	exit "$status"
}
[ -z "${FS_OUTPUT:-}" ] || cp "$work/out" "$FS_OUTPUT"
awk -v a="${servers[0]##*/}" -v b="${servers[1]##*/}" '
	$1 == "FIGURE" && NF == 4 {
		if ($4 > best[$2, $3]) best[$2, $3] = $4
		if (!seen[$3]++) order[++n] = $3
	}
	END {
		printf "%-22s %12s %12s %7s\n", "per second", a, b, "ratio"
		for (i = 1; i <= n; i++) {
			name = order[i]; x = best[a, name]; y = best[b, name]
			ratio = y > 0 ? x / y : 0
			if (ratio < 0.95) low = 1
			printf "%-22s %12.2f %12.2f %7.2f\n", name, x, y, ratio
		}
		exit !n || low
	}' "$work/out"
