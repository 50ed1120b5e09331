# shellcheck shell=dash disable=SC2154 # $status and $out are set by attempt
# SPDX-License-Identifier: Apache-2.0
# guest-lsm.sh: the checks of a guest that was booted with a security module which
# labels programs. guest-init.sh, whose functions it uses, reads it.

apparmor_loaded() {
	mount -t securityfs securityfs /sys/kernel/security || return 1
	# a policy is taken in one write
	dd if=/apparmor.bin of=/sys/kernel/security/apparmor/.replace bs=1M 2>/dev/null
	grep -q '^husk-guest (enforce)' /sys/kernel/security/apparmor/profiles
}

# check_fails NAME PATTERN COMMAND...: it fails and its output matches
check_fails() {
	local name=$1 want=$2
	shift 2
	attempt "$@"
	# shellcheck disable=SC2254 # a pattern it is
	case "$status $out" in
	"0 "*) not_ok "$name" "'$*' succeeded: '$out'" ;;
	$want) ok "$name" ;;
	*) not_ok "$name" "'$*': status $status, '$out', not '$want'" ;;
	esac
}

on_apparmor() {
	check policy_loaded apparmor_loaded
	check_output run_unconfined 'unconfined secret *' husk run --bundle /bundle-plain guest-1
	check_output run_has_profile "husk-guest (enforce) *Permission denied*" husk run --bundle /bundle-label guest-2
	check_output run_without_nnp "husk-guest (enforce) *Permission denied*" husk run --bundle /bundle-label-nnp guest-3
	check_output run_in_userns "husk-guest (enforce) *Permission denied*" husk run --bundle /bundle-label-userns guest-4
	check_output run_under_filter "husk-guest (enforce) *Permission denied*" husk run --bundle /bundle-label-filter guest-5
	check_output run_unconfined_word 'unconfined secret *' husk run --bundle /bundle-unconfined guest-6
	check_output first_program_needs_no_rule '*husk-noexec (enforce) */bin/ls: Permission denied*' husk run --bundle /bundle-noexec guest-7
	check_output hook_has_profile 'husk-guest (enforce) *' husk run --bundle /bundle-hook guest-8
	check_fails not_loaded "*process.apparmorProfile: the profile 'no-such' is not loaded*" \
		husk create --bundle /bundle-absent guest-9
	check_fails no_selinux "*process.selinuxLabel: 'u:r:t': SELinux is not enabled on this kernel*" \
		husk run --bundle /bundle-other-module guest-10

	check create husk create --bundle /bundle-stay-label guest-11
	check start husk start guest-11
	check_output exec_inherits 'husk-guest (enforce) *' husk exec guest-11 cat /proc/self/attr/current
	check_output exec_process_inherits 'husk-guest (enforce) *' husk exec --process /bundle-stay-label/exec.json guest-11
	check_fails exec_denied '*Permission denied*' husk exec guest-11 cat /etc/secret
	check_output exec_profile 'husk-other (enforce) *' husk exec --apparmor husk-other guest-11 cat /proc/self/attr/current
	check_output exec_unconfined 'secret *' husk exec --apparmor unconfined guest-11 cat /etc/secret
	check_fails exec_not_loaded "*the profile 'no-such' is not loaded*" \
		husk exec --apparmor no-such guest-11 true
	check kill husk delete --force guest-11
	check create_userns husk create --bundle /bundle-stay-userns guest-12
	check start_userns husk start guest-12
	check_output exec_userns 'husk-guest (enforce) *' husk exec guest-12 cat /proc/self/attr/current
	check kill_userns husk delete --force guest-12
	check nothing_left nothing_left
}

selinux_loaded() {
	mount -t selinuxfs selinuxfs /sys/fs/selinux || return 1
	dd if=/selinux.bin of=/sys/fs/selinux/load bs=1M 2>/dev/null || return 1
	echo 1 >/sys/fs/selinux/enforce || return 1
	grep -q '^husk_u:husk_r:husk_t' /proc/self/attr/current
}

on_selinux() {
	local inner=husk_u:husk_r:inner_t mounted=husk_u:object_r:mounted_t denied
	check policy_loaded selinux_loaded
	check_output run_unlabelled 'husk_u:husk_r:husk_t written secret /dev/mqueue/. ' husk run --bundle /bundle-plain guest-1
	denied="$inner written *'/mnt/f': Permission denied /dev/mqueue/. *open '/dev/mqueue': Permission denied *"
	check_output run_has_label "$denied" husk run --bundle /bundle-label guest-2
	check_output run_without_nnp "$denied" husk run --bundle /bundle-label-nnp guest-3
	check_output mount_label "* /mnt *,context=$mounted,* /proc/acpi *,context=$mounted,*" husk run --bundle /bundle-mounts guest-4
	check_output mount_context_type "*rootcontext=$mounted*" husk run --bundle /bundle-context guest-5
	check_fails bad_label "*process.selinuxLabel: the kernel refused the label 'husk_u:husk_r:no_t'*" \
		husk run --bundle /bundle-absent guest-6
	check_fails no_apparmor "*process.apparmorProfile: 'p': AppArmor is not enabled on this kernel*" \
		husk run --bundle /bundle-other-module guest-7
	check create husk create --bundle /bundle-stay-label guest-8
	check start husk start guest-8
	check_output exec_inherits "$inner*" husk exec guest-8 cat /proc/self/attr/current
	check_output exec_label 'husk_u:husk_r:husk_t*' husk exec --process-label husk_u:husk_r:husk_t guest-8 \
		cat /proc/self/attr/current
	check kill husk delete --force guest-8
	check nothing_left nothing_left
}
