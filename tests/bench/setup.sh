# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034 # words and program are for those who source this
# setup.sh: what bench.sh and load.sh set up alike: mounts of their own, bundles, the runtimes that there
# are. All that is made lies below $work.
work=/mnt
: "${HUSK_TOP_BUILDDIR:=$top}" "${HUSK:=$HUSK_TOP_BUILDDIR/husk}" "${BENCH_PEERS:=crun runc}"

say() { printf '%s\n' "$*"; }
die() {
	printf '%s: %s\n' "$(basename "$0" .sh)" "$*" >&2
	exit 1
}

# enter_namespace ARG...: starts this script again where mounts are its own and
# /sys/fs/cgroup is one cgroup2, without which crun runs nothing on a hybrid host.
enter_namespace() {
	export HUSK HUSK_TOP_BUILDDIR BENCH_PEERS BENCH_INSIDE=1
	# shellcheck disable=SC2016 # the inner shell expands it
	exec unshare --mount --propagation private sh -c '
		umount -R /sys/fs/cgroup 2>/dev/null
		mount -t cgroup2 none /sys/fs/cgroup && mount -t tmpfs -o mode=755 bench /mnt && exec "$@"' sh bash "$0" "$@"
}

# bundle_make NAME: a bundle below $work with Debian's static busybox.
bundle_make() {
	local dir=$work/$1 name
	mkdir -p "$dir"/rootfs/{bin,dev,etc,proc,sys,tmp}
	cp "$(command -v busybox)" "$dir/rootfs/bin/busybox"
	for name in sh true sleep; do ln -s busybox "$dir/rootfs/bin/$name"; done
	config_print >"$dir/config.json"
}

# Five namespaces and all the protections that `runc spec` gives.
config_print() {
	jq -n '
	["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"] as $caps | ["nosuid", "noexec", "nodev"] as $safe |
	{
		ociVersion: "1.0.2",
		process: {
			terminal: false, user: {uid: 0, gid: 0}, args: ["/bin/true"], cwd: "/",
			env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"],
			capabilities: {bounding: $caps, effective: $caps, permitted: $caps},
			rlimits: [{type: "RLIMIT_NOFILE", hard: 1024, soft: 1024}],
			noNewPrivileges: true
		},
		root: {path: "rootfs", readonly: true},
		hostname: "bench",
		mounts: [
			{destination: "/proc", type: "proc", source: "proc"},
			{destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "strictatime", "mode=755", "size=65536k"]},
			{destination: "/dev/pts", type: "devpts", source: "devpts",
				options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]},
			{destination: "/dev/shm", type: "tmpfs", source: "shm", options: ($safe + ["mode=1777", "size=65536k"])},
			{destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: $safe},
			{destination: "/sys", type: "sysfs", source: "sysfs", options: ($safe + ["ro"])}
		],
		linux: {
			namespaces: (["pid", "network", "ipc", "uts", "mount"] | map({type: .})),
			maskedPaths: ["/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
				"/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/sys/firmware", "/proc/scsi"],
			readonlyPaths: ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
		}
	}'
}

# config_edit BUNDLE FILTER [JQ ARG...]
config_edit() {
	local file=$work/$1/config.json filter=$2
	shift 2
	jq "$@" "$filter" "$file" >"$file.new"
	mv "$file.new" "$file"
}

runtimes_find() {
	local name path
	runtimes=()
	declare -gA program=()
	for name in husk $BENCH_PEERS; do
		path=$(command -v "$name" || true)
		[ "$name" != husk ] || path=$HUSK
		if [ -x "$path" ]; then
			runtimes+=("$name")
			program[$name]=$path
		else
			say "$name: not found ('${path:-$name}'): left out"
		fi
	done
	[ "${#runtimes[@]}" -gt 0 ] || die "no runtime to measure: build husk or set HUSK"
}

# rt_words NAME: $words becomes the runtime and its global options.
rt_words() {
	words=("${program[$1]}" --root "$work/state-$1")
	case $1 in
	runc) ;; # has no way to leave cgroups alone
	*) words+=(--cgroup-manager disabled) ;;
	esac
}

# Ends the script without what it needs.
need_root_and_tools() {
	local tool
	[ "$(id -u)" = 0 ] || die "run as root: containers with five namespaces and cgroups need it"
	for tool in jq busybox unshare; do
		command -v "$tool" >/dev/null || die "$tool is not installed"
	done
}

machine_print() {
	local model name versions=
	model=$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -n1)
	say "Machine: $(uname -srm), ${model:-unknown processor}, $(nproc) cores."
	for name in "${runtimes[@]}"; do
		versions+=${versions:+, }$("${program[$name]}" --version | head -n1)
	done
	say "Runtimes: $versions."
}
