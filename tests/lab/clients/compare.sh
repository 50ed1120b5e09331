# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# compare.sh: what the client suites share; sourced after ../../integration/lib.sh.
#
# A scenario is a function same_NAME that prints what a user of an engine would see. It is run
# with RUNTIME=crun and then with RUNTIME=husk, and both must print the same, once what differs
# by nature is made equal (normal()); a difference prints a diff. `compare_tests FILE... -- "$@"`
# ends a test file: each scenario in these files becomes the test test_NAME.
#
# In a scenario no error ends it, as many failures are wanted: `show COMMAND` prints what it does
# and its status, and `must COMMAND` is for what has to succeed under either runtime, so that
# two failures never pass for equality.
#
# A suite runs in the lab's guest only: it replaces crun and runc by programs that fail, and writes
# into /etc. RUNTIME_PATH is the program for RUNTIME. A suite may define before_half,
# and after_half SCENARIO, which takes down what a run of it left.

CLIENTS=/var/tmp/husk-clients # all tests of a guest share it

# Each test begins with it.
need_lab() {
	[ -n "${HUSK_LAB:-}" ] || skip "runs in the lab's guest only (make check-lab)"
	need "$@"
	[ -e "$CLIENTS/ready" ] || replace_runtimes
	: >"$CLIENTS/calls"
}

# The one runtime that engines can find is husk, at the place of `make install`; crun lies where none looks.
# husk is a link into the build tree, so that it finds its helper programs.
replace_runtimes() {
	local name real
	mkdir -p "$CLIENTS/peer"
	: >"$CLIENTS/calls"
	chmod 666 "$CLIENTS/calls" # of ordinary users too
	for name in crun runc; do
		real=$(readlink -f "$(command -v "$name")")
		mv "$real" "$CLIENTS/peer/$name"
		printf '#!/bin/sh\necho "%s $*" >>%s/calls\necho "%s: not here" >&2\nexit 1\n' "$name" "$CLIENTS" "$name" >"$real"
		chmod 755 "$real"
	done
	ln -sf "$(realpath "$HUSK")" /usr/local/bin/husk
	ln -sf husk /usr/local/bin/husk-vm
	touch "$CLIENTS/ready"
}

runtime_path() { # crun or husk
	case $1 in
	crun) echo "$CLIENTS/peer/crun" ;;
	*) echo "/usr/local/bin/$1" ;;
	esac
}

before_half() { :; }
after_half() { :; }

# compare SCENARIO
compare() {
	local name=$1 RUNTIME
	for RUNTIME in crun husk; do
		# shellcheck disable=SC2034 # for suites
		RUNTIME_PATH=$(runtime_path "$RUNTIME")
		before_half
		(
			trap - ERR
			set +eE
			"$name"
			echo "end of scenario"
		) >"$T/$RUNTIME.raw" 2>&1 </dev/null || true # how far it came, the last line tells
		after_half "$name" >>"$T/after" 2>&1 </dev/null || true
		normal <"$T/$RUNTIME.raw" >"$T/$RUNTIME"
		[ "$(tail -n 1 "$T/$RUNTIME")" = "end of scenario" ] || {
			cat "$T/$RUNTIME.raw"
			fail "the scenario went wrong under $RUNTIME"
		}
	done
	diff -U 2 "$T/crun" "$T/husk" || fail "crun (-) and husk (+) differ"
	assert_eq "$(cat "$CLIENTS/calls")" "" "calls of a runtime that is none"
}

# Ids, addresses, times, and the runtime's own name and words within the engine's message.
normal() {
	sed -E -e 's/\r$//; s/^time="[^"]*"/TIME/' -e '/level=warning msg="Error validating CNI/d' \
		-e 's/\b[0-9a-f]{64}\b/ID64/g; s/\b[0-9a-f]{12}\b/ID12/g; s/sha256:ID64/IMAGE/g' \
		-e "s,$CLIENTS/peer/crun|/usr/local/bin/husk,RUNTIME,g" \
		-e 's/\b(crun|husk)\b/RUNTIME/g; s/^(Error: .*RUNTIME: ).*: (OCI .*)/\1\2/' \
		-e 's/((OCI runtime [a-z]+ failed|creating container for .*\]): ).*/\1/' \
		-e "s,$T\\b,DIR,g; s,/var/tmp/podman[0-9]+,FILE,g" | awk '
		/^Error: `RUNTIME .*` failed: exit status/ { held = "(the runtime said why)" }
		NR > 1 { print held }
		{ held = $0 }
		END { print held }'
}

# show COMMAND...: prints what it writes, and its status.
show() {
	local status=0
	"$@" 2>&1 || status=$?
	echo "= $status"
}

# must COMMAND...: prints the same; where the command fails, the scenario ends there.
must() {
	local status=0
	"$@" 2>&1 || status=$?
	[ "$status" = 0 ] || {
		echo "status $status of: $*"
		exit 1
	}
}

# until_ok SECONDS COMMAND...: until it succeeds; else the scenario ends there.
until_ok() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || {
			echo "waited in vain for: $*"
			exit 1
		}
		sleep 0.3
	done
}

# on_terminal COMMAND...: on a new terminal of 33 rows and 77 columns; stdin is typed in.
on_terminal() { on_new_terminal 'stty rows 33 cols 77;' "$@"; }

# The same on one of 70 columns, which grows to 77 after a second: for $SHOW_SIZE.
on_growing_terminal() { on_new_terminal 'stty rows 33 cols 70; (sleep 1; stty cols 77 </dev/tty) 2>/dev/null &' "$@"; }

# At its end script(1) types a NUL, whose echo is dropped.
on_new_terminal() { # SETTING COMMAND...
	local setting=$1
	shift
	script -qec "$setting $(printf '%q ' "$@")" /dev/null | tr -d '\r' | sed 's/\^@//g'
	echo "= ${PIPESTATUS[0]}"
}

# in_session: sets AS_LAB, the words that run a command as the guest's ordinary user in a session that lasts:
# what the command leaves running, such as a container's monitor, goes on (as-lab-user.sh would end it with
# its unit).
in_session() {
	local unit=husk-clients.service
	# shellcheck disable=SC2034 # for suites
	AS_LAB=("$CLIENTS/as-lab")
	[ ! -x "$CLIENTS/as-lab" ] || return 0
	as-lab-user.sh systemd-run --user --quiet --unit "$unit" --property Delegate=yes sleep infinity ||
		fail "no unit of the user's"
	cat >"$CLIENTS/as-lab" <<-END
		#!/bin/bash
		echo 0 >$(cgroup2_root)$(as-lab-user.sh systemctl --user show --value --property ControlGroup "$unit")/cgroup.procs
		cd /home/lab
		exec setpriv --reuid lab --regid lab --init-groups env HOME=/home/lab USER=lab LOGNAME=lab SHELL=/bin/bash \
			XDG_RUNTIME_DIR=/run/user/1000 DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/1000/bus "\$@"
	END
	chmod 755 "$CLIENTS/as-lab"
}

# In a container: waits for the terminal's last size, and prints it. Of the first one engines may tell a
# process before it is there, and give up.
# shellcheck disable=SC2016,SC2034 # for the container's shell; for suites
SHOW_SIZE='for i in $(seq 400); do size=$(stty size 2>/dev/null); [ "$size" != "33 77" ] || break; sleep 0.3; done; echo $size'

# What a program in a container can see of its confinement. (/dev/core, for a masked file, is made by
# crun and not by husk.)
# shellcheck disable=SC2016,SC2034
SHOW_INSIDE='exec 2>&1; id; pwd; hostname; umask; env | grep -v ^HOSTNAME | sort
	grep -E "^(Cap|NoNewPrivs|Seccomp:|Groups|Umask)" /proc/self/status
	cat /proc/self/uid_map /proc/self/gid_map /proc/self/oom_score_adj /proc/self/cgroup /proc/1/cgroup
	awk "\$5 !~ /^.(proc|sys).+/ || \$5 ~ /cgroup/ { print \$5, \$6, \$(NF - 2), \$NF }" /proc/self/mountinfo |
		sed -E "s/(lower|upper|work)dir=[^,]*/LAYER/g" | sort
	stat -c "%A %U %G %t:%T %N" /dev/* /dev/pts/* | grep -v /dev/core; ls -ld /dev /dev/shm /proc /sys | cut -c 1-10
	echo /proc/self/fd/* | wc -w; ulimit -a; cat /proc/sys/kernel/domainname
	for f in /proc/kcore /proc/keys /sys/firmware /proc/timer_list; do cat $f 2>&1 | head -c 20; ls -ld $f | cut -c 1; done
	for f in /proc/sysrq-trigger /proc/sys/kernel/hostname /sys/x /x; do (echo x >$f) 2>&1; done; ls /sys/fs/cgroup | head -3
	unshare -U true 2>&1; mount -t tmpfs none /tmp 2>&1; dmesg 2>&1 | head -1; ls /sys/class/net; ip addr | grep -E "inet |UP"'

# A tar archive of the test rootfs.
image_tar() { tar -C "$HUSK_TEMPLATE" -c .; }

# compare_tests FILE... -- [NAME...]: all scenarios but those in LEFT_OUT.
: "${LEFT_OUT:=}"
compare_tests() {
	local file name
	SCENARIOS=()
	for file in "$0" "$@"; do
		[ "$file" != -- ] || break
		mapfile -t -O "${#SCENARIOS[@]}" SCENARIOS < <(sed -n 's/^same_\([A-Za-z0-9_]*\)() *{.*/\1/p' "$file")
	done
	while [ "$1" != -- ]; do shift; done
	shift
	for name in $LEFT_OUT; do
		mapfile -t SCENARIOS < <(printf '%s\n' "${SCENARIOS[@]}" | grep -vx "$name")
	done
	for name in "${SCENARIOS[@]}"; do
		eval "test_$name() { suite && compare same_$name; }"
	done
	run_tests "$@"
}

# lib.sh's: the scenarios, then what the file itself defines.
SCENARIOS=()
test_functions() {
	[ "${#SCENARIOS[@]}" = 0 ] || printf 'test_%s\n' "${SCENARIOS[@]}"
	sed -n 's/^\(test_[A-Za-z0-9_]*\)() *{.*/\1/p' "$0"
}
