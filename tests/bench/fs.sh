#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# fs.sh: the file server husk-fsd beside Debian's virtiofsd, each in turn under the same QEMU and guest
# kernel (tests/lab/fs-guest.sh), on the same directory: fio and fs_mark in the guest. `make bench-fs`.
# Prints for each measurement the best of the rounds of both and their ratio (higher is better; the aim is
# 1.0 or more), and ends with 1 when one is below. FS_ROUNDS (2) and FS_SECONDS (3, of each fio run) choose.
set -euo pipefail

srcdir=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
: "${HUSK_TOP_BUILDDIR:=$(cd "$srcdir/../.." && pwd)}" "${FS_ROUNDS:=2}" "${FS_SECONDS:=3}"
for program in fio fs_mark; do
	command -v "$program" >/dev/null || {
		echo "fs.sh: no program '$program' (packages fio, fsmark)" >&2
		exit 77
	}
done
work=$(mktemp -d "${TMPDIR:-/tmp}/husk-bench-fs.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/share"

cat >"$work/script" <<EOF
run() { # NAME DIRECTION ARGUMENT...: FIGURE NAME IOPS
	name=\$1 direction=\$2
	shift 2
	iops=\$(fio --name=x --directory=/mnt --filename=data --size=32m --runtime=$FS_SECONDS --time_based --thread --output-format=json "\$@" |
		sed -n "/\"\$direction\" : {/,/}/s/.*\"iops\" : \([0-9.]*\).*/\1/p" | head -n 1)
	echo "FIGURE \$name \$iops"
}
dd if=/dev/zero of=/mnt/data bs=1M count=32 2>/dev/null
run read-128k read --rw=read --bs=128k --direct=1
run read-128k-cached read --rw=read --bs=128k
run write-128k write --rw=write --bs=128k
run randread-4k read --rw=randread --bs=4k --direct=1
run randwrite-4k write --rw=randwrite --bs=4k --direct=1
run randread-4k-16-deep read --rw=randread --bs=4k --direct=1 --ioengine=libaio --iodepth=16
run write-4k-fsync write --rw=write --bs=4k --fsync=1
echo "FIGURE create-4k \$(fs_mark -d /mnt/fm -n 400 -s 4096 -S 0 -L 2 -k | awk '/^ *[0-9]+ +[0-9]+ +4096/ { if (\$4 > best) best = \$4 } END { print best }')"
t() { start=\$(cut -d ' ' -f 1 /proc/uptime); "\$@" >/dev/null 2>&1; cut -d ' ' -f 1 /proc/uptime | awk -v s=\$start '{ print 1 / (\$1 - s + 0.001) }'; }
echo 3 >/proc/sys/vm/drop_caches
echo "FIGURE list \$(t ls -lR /mnt)"
echo 3 >/proc/sys/vm/drop_caches
echo "FIGURE read-each \$(t grep -r nothing /mnt/fm)"
echo "FIGURE remove \$(t rm -rf /mnt/fm)"
EOF

for _ in $(seq "$FS_ROUNDS"); do
	for server in husk virtiofsd; do
		rm -rf "$work"/share/*
		FSD=$server GUEST_MEMORY=1024 GUEST_SECONDS=500 TMPDIR=$work bash "$srcdir/../lab/fs-guest.sh" "$work/share" "$work/script" \
			"$(command -v fio)" "$(command -v fs_mark)" >"$work/out" || {
			cat "$work/out" >&2
			exit 1
		}
		sed -n "s/^FIGURE /$server /p" "$work/out" >>"$work/figures"
	done
done
awk '{ if ($3 > best[$1, $2]) best[$1, $2] = $3; if (!seen[$2]++) order[++n] = $2 }
	END {
		printf "%-22s %12s %12s %7s\n", "per second", "husk-fsd", "virtiofsd", "ratio"
		for (i = 1; i <= n; i++) {
			name = order[i]; h = best["husk", name]; v = best["virtiofsd", name]
			ratio = v > 0 ? h / v : 0
			if (ratio < 1) low = 1
			printf "%-22s %12.2f %12.2f %7.2f\n", name, h, v, ratio
		}
		exit low
	}' "$work/figures"
