#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# coverage.sh [--lines FILE.c]: how many lines of each parser its corpus reaches, by clang's coverage in a tree
# of its own, build-coverage. Fails below 85 %. --lines shows the ones of a file that are not reached.
set -euo pipefail
: "${HUSK_TOP_SRCDIR:=$PWD}"
# shellcheck source=tree.bash
. "$(dirname "$0")/tree.bash"
wanted=85
tree=$HUSK_TOP_BUILDDIR/build-coverage
profiles=$tree/profiles

# FILE, the targets whose corpora count, and which functions are the parser: all; only some; or all but those
# behind a "-", which print or make system calls.
parsers() {
	cat <<-'END'
		libcontainer/base/bitlist.c          config,process
		libcontainer/base/ifname.c           config
		libcontainer/base/json.c             json
		libcontainer/base/mountinfo.c        kernel
		libcontainer/base/proc.c             kernel          proc_parse_stat,next_number,proc_uid_map_is_whole
		libcontainer/base/signame.c          argv
		libcontainer/base/str.c              config,kernel   str_u64,str_i64,str_take_u64
		libcontainer/exec_process.c          process
		libcontainer/linux/caps.c            config,process  is_plain_name,caps_bit
		libcontainer/linux/cgroup.c          kernel          add_components,cgroup_path_join,cgroup_own_path
		libcontainer/linux/cgroup_apply.c    kernel          cgroup_value_before,line_key,device_default,find_line
		libcontainer/linux/cgroup_check.c    config
		libcontainer/linux/cgroup_controllers.c kernel       has,cgroup_controllers_request
		libcontainer/linux/cgroup_dev.c      config,update          policy_is_open,policy_add,read_access,is_number,policy_add_spec,has_device,policy_make,emit,emit_head,emit_end,emit_rule,cgroup_dev_compile
		libcontainer/linux/cgroup_limits.c   config,update
		libcontainer/linux/cgroup_procs.c    kernel          cgroup_event_value,cgroup_pids_parse,pids_add
		libcontainer/linux/cgroup_stats.c    kernel          next_line,cgroup_stats_parse_flat,take_average,parse_psi_line,cgroup_stats_parse_psi,parse_io_value,cgroup_stats_parse_io,cgroup_stat_value
		libcontainer/linux/passwd.c          passwd          line_field,line_is_of,line_home,passwd_find_home
		libcontainer/linux/rdt.c             kernel          next_share,share_is_there,find_resource,rdt_same_schemas
		libcontainer/linux/seccomp_cache.c   seccomp_cache   seccomp_cache_parse,seccomp_cache_hash,library_version
		libcontainer/linux/seccomp_compile.c config          -seccomp_action_names,seccomp_operator_names,seccomp_arch_names,seccomp_flag_names
		libcontainer/linux/seccomp_enosys.c  config
		libcontainer/plan.c                  config,update
		libcontainer/plan_idmap.c            config
		libcontainer/plan_mount.c            config          -plan_mount_option_names
		libcontainer/plan_process.c          config,process
		libcontainer/plan_sched.c            config,process
		libcontainer/spec.c                  config,process,update -load,spec_load,spec_load_process,spec_load_mounts
		libcontainer/spec_check.c            config,process
		libcontainer/spec_linux.c            config
		libcontainer/spec_process.c          config,process
		libcontainer/spec_read.c             config
		libcontainer/spec_sched.c            config,process
		libcontainer/spec_seccomp.c          config
		libcontainer/state.c                 argv            state_check_id
		libcontainer/state_text.c            state
		libcontainer/sync.c                  sync            -sync_send_err
		src/cmd.c                            argv            cmd_find,cmd_parse
		src/fs/fusemsg.c                     fuse
		src/fs/op_attr.c                     fuse
		src/fs/op_dir.c                      fuse
		src/fs/op_file.c                     fuse
		src/fs/op_name.c                     fuse
		src/fs/op_open.c                     fuse
		src/fs/op_session.c                  fuse
		src/fs/op_xattr.c                    fuse
		src/fs/server.c                      fuse            serve,read_head,fs_serve
		src/fs/slots.c                       fuse
		src/fsd/regions.c                    vhost_msg
		src/fsd/vhost.c                      vhost_msg
		src/fsd/vhost_msg.c                  vhost_msg
		src/global.c                         argv            -global_log
		src/mon/guest.c                      guest
		src/option.c                         argv            -option_help,help_line
		src/proto/credit.c                   frame
		src/proto/frame.c                    frame
		src/proto/message.c                  frame
		src/prepare/image.c                  image
		src/ps_table.c                       ps
		src/vq/guestmem.c                    queue           within,vq_memory_guest
		src/vq/queue.c                       queue
	END
}

build() {
	local flags='-fprofile-instr-generate -fcoverage-mapping' target targets=()
	fresh_tree "$tree" CC=clang CFLAGS="-O1 -g $flags" LDFLAGS="-fprofile-instr-generate"
	for target in "$HUSK_TOP_SRCDIR"/tests/fuzz/fuzz_*.c; do
		target=${target##*/}
		targets+=("tests/fuzz/${target%.c}")
	done
	make -s -C "$tree" -j"$(nproc)" "${targets[@]}" >"$tree/coverage.log" 2>&1 ||
		{ cat "$tree/coverage.log" && return 1; }
	rm -rf "$profiles" && mkdir "$profiles"
	for target in "${targets[@]}"; do
		LLVM_PROFILE_FILE=$profiles/${target##*/fuzz_}.raw HUSK_TOP_SRCDIR=$HUSK_TOP_SRCDIR "$tree/$target" >/dev/null
	done
}

merge() { # TARGET,...: sets `objects`, and merges their profiles
	local name
	objects=()
	for name in ${1//,/ }; do
		objects+=("${objects[@]:+-object}" "$tree/tests/fuzz/fuzz_$name")
		raw+=("$profiles/$name.raw")
	done
	llvm-profdata merge -sparse "${raw[@]}" -o "$profiles/merged"
}

# Prints "lines missed" of the functions that count.
count() { # FILE FUNCTIONS
	llvm-cov report -show-functions -instr-profile="$profiles/merged" "${objects[@]}" "$tree/$1" 2>/dev/null |
		awk -v which="$2" '
			BEGIN { but = sub(/^-/, "", which); n = split(which, v, ","); for (i = 1; i <= n; i++) set[v[i]] = 1 }
			NF >= 7 && $2 ~ /^[0-9]+$/ && $1 != "TOTAL" {
				name = $1; sub(/.*:/, "", name)
				if (n && ((name in set) == but)) next
				lines += $5; missed += $6
			}
			END { print lines + 0, missed + 0 }'
}

line_report() { # FILE TARGETS
	local raw=()
	merge "$2"
	llvm-cov show -instr-profile="$profiles/merged" "${objects[@]}" "$tree/$1" 2>/dev/null |
		grep -E '^ *[0-9]+\| +0\|' || true
}

table() {
	local file names which raw lines missed failed=0
	printf '%-39s %-21s %6s %7s %7s\n' parser corpora lines reached percent
	while read -r file names which; do
		raw=()
		merge "$names"
		read -r lines missed < <(count "$file" "$which")
		awk -v f="$file" -v n="$names" -v l="$lines" -v m="$missed" -v w="$wanted" 'BEGIN {
			p = l ? 100 * (l - m) / l : 0
			printf "%-39s %-21s %6d %7d %6.1f%%%s\n", f, n, l, l - m, p, p < w ? "  too few" : ""
			exit p < w }' || failed=1
	done < <(parsers)
	return "$failed"
}

build
if [ "${1:-}" = --lines ]; then
	while read -r file names _; do
		[[ $file != *"/${2##*/}" ]] || line_report "$file" "$names"
	done < <(parsers)
else
	table
fi
