/* SPDX-License-Identifier: Apache-2.0 */
/* lsm.c: see lsm.h. proc_pid_attr(5); AppArmor: change_onexec of aa_change_profile(2); SELinux: setexeccon(3). */
#include "lsm.h"

#include "fd.h"
#include "io.h"
#include "kernel.h"
#include "proc.h"
#include "str.h"

#include <string.h>

#define APPARMOR_ENABLED "/sys/module/apparmor/parameters/enabled"
#define SELINUX_FS "/sys/fs/selinux"
#define SELINUX_FS_MAGIC 0xf97cff8c /* linux/magic.h, SELINUX_MAGIC */
#define EXEC_WORD "exec "	    /* of AppArmor's exec attribute */

bool lsm_wanted(const struct lsm_step *step)
{
	return step->apparmor_profile || step->selinux_label;
}

static bool have_apparmor(void)
{
	char text[8];

	return io_read_small(AT_FDCWD, APPARMOR_ENABLED, text, sizeof(text)) > 0 && text[0] == 'Y';
}

static bool have_selinux(void)
{
	AUTO_FD fd = open(SELINUX_FS, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd >= 0 && fd_check_magic(fd, SELINUX_FS_MAGIC) == 0;
}

static int no_selinux(const char *key, const char *label, struct err *e)
{
	return err_set(e, ENOTSUP, "%s: '%s': SELinux is not enabled on this kernel (no selinuxfs at " SELINUX_FS ")",
		       key, label);
}

int lsm_prepare(const struct lsm_step *step, int *out_procfd, struct err *e)
{
	if (!lsm_wanted(step))
		return 0;
	if (step->apparmor_profile && !have_apparmor())
		return err_set(
			e, ENOTSUP,
			"process.apparmorProfile: '%s': AppArmor is not enabled on this kernel (" APPARMOR_ENABLED
			" is not Y)",
			step->apparmor_profile);
	if (step->selinux_label && !have_selinux())
		return no_selinux("process.selinuxLabel", step->selinux_label, e);
	if (step->apparmor_profile && step->selinux_label)
		return err_set(e, ENOTSUP, "process.selinuxLabel: there is process.apparmorProfile, too: expected one");
	return proc_open(out_procfd, e);
}

int lsm_open(int procfd, const struct lsm_step *step, int *out_attr, struct err *e)
{
	const char *path = step->apparmor_profile ? "thread-self/attr/apparmor" : "thread-self/attr";
	AUTO_FD attr = openat(procfd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (attr < 0)
		return err_sys(e, errno, "open '/proc/%s'", path);
	r = fd_check_magic(attr, HUSK_PROC_SUPER_MAGIC);
	if (r < 0)
		return err_sys(e, -r, "'/proc/%s' is not on a procfs", path);
	*out_attr = fd_take(&attr);
	return 0;
}

/* Asks whether this task might change to the profile. Only "no such profile" counts: a confined husk
 * may have the right to change on exec alone. */
int lsm_check(int procfd, const struct lsm_step *step, struct err *e)
{
	AUTO_FREE char *text = NULL;
	AUTO_FD attr = -1;
	int r;

	if (!step->apparmor_profile)
		return 0;
	r = lsm_open(procfd, step, &attr, e);
	if (r < 0)
		return r;
	text = x_printf("permprofile %s", step->apparmor_profile);
	if (io_write_value(attr, "current", text) == -ENOENT)
		return err_set(e, ENOENT,
			       "process.apparmorProfile: the profile '%s' is not loaded (apparmor_parser(8) loads it)",
			       step->apparmor_profile);
	return 0;
}

char *lsm_exec_text(const struct lsm_step *step)
{
	return step->apparmor_profile ? x_printf(EXEC_WORD "%s", step->apparmor_profile)
				      : x_strdup(step->selinux_label);
}

int lsm_refused(const char *exec_text, int code, struct err *e)
{
	if (str_starts(exec_text, EXEC_WORD))
		return err_sys(e, code, "process.apparmorProfile: the kernel refused the profile '%s'",
			       exec_text + strlen(EXEC_WORD));
	return err_sys(e, code, "process.selinuxLabel: the kernel refused the label '%s'", exec_text);
}

int lsm_check_mount_label(const char *label, struct err *e)
{
	return label && !have_selinux() ? no_selinux("linux.mountLabel", label, e) : 0;
}
