/* SPDX-License-Identifier: Apache-2.0 */
/* worker.c: see worker.h. */
#include "worker.h"

#include "server.h"
#include "str.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FSETID_BIT (1U << CAP_FSETID)

static struct __user_cap_header_struct head_of_self(void)
{
	return (struct __user_cap_header_struct){ .version = _LINUX_CAPABILITY_VERSION_3 };
}

/* The securebit is a thread's; the process may have set it before it gave CAP_SETPCAP away. */
static int keep_capabilities(struct err *e)
{
	int bits = prctl(PR_GET_SECUREBITS);

	if (bits >= 0 && (bits & SECBIT_NO_SETUID_FIXUP))
		return 0;
	if (prctl(PR_SET_SECUREBITS, (unsigned long)bits | SECBIT_NO_SETUID_FIXUP) < 0)
		return err_sys(e, errno, "keep the file server's capabilities (SECBIT_NO_SETUID_FIXUP)");
	return 0;
}

static int read_capabilities(struct fs_worker *w, struct err *e)
{
	struct __user_cap_header_struct head = head_of_self();
	struct __user_cap_data_struct caps[2] = { 0 };

	if (syscall(SYS_capget, &head, caps) < 0)
		return err_sys(e, errno, "read the capabilities of a thread");
	w->has_fsetid = caps[0].permitted & FSETID_BIT;
	w->fsetid = caps[0].effective & FSETID_BIT;
	return 0;
}

int fs_worker_start(struct fs_worker *w, struct fs_server *s, struct err *e)
{
	int r;

	*w = (struct fs_worker){ .server = s, .is_root = geteuid() == 0 };
	if (unshare(CLONE_FS) < 0)
		return err_sys(e, errno, "give a thread its own umask");
	if (fchdir(s->proc_fd) < 0)
		return err_sys(e, errno, "change to /proc/self/fd");
	(void)umask(0);
	r = w->is_root ? keep_capabilities(e) : 0;
	if (r == 0)
		r = read_capabilities(w, e);
	if (r < 0)
		return r;
	fs_worker_fsetid(w, true);
	w->iov = x_calloc(FS_IOV_MAX, sizeof(struct iovec));
	w->buf = x_calloc(FS_BUF_MAX, 1);
	return 0;
}

void fs_worker_end(struct fs_worker *w)
{
	free(w->iov);
	free(w->buf);
	*w = (struct fs_worker){ 0 };
}

void fs_worker_fsetid(struct fs_worker *w, bool on)
{
	struct __user_cap_header_struct head = head_of_self();
	struct __user_cap_data_struct caps[2] = { 0 };

	if (!w->has_fsetid || w->fsetid == on)
		return;
	if (syscall(SYS_capget, &head, caps) < 0)
		return;
	if (on)
		caps[0].effective |= FSETID_BIT;
	else
		caps[0].effective &= ~FSETID_BIT;
	if (syscall(SYS_capset, &head, caps) == 0)
		w->fsetid = on;
}

/* setfsuid() tells of no failure but by what it returns next time; (uid_t)-1 is no id to it. */
int fs_worker_become(struct fs_worker *w, uid_t uid, gid_t gid, mode_t umask_bits)
{
	umask_bits &= 0777;
	if (uid == (uid_t)-1 || gid == (gid_t)-1)
		return -EINVAL;
	if (umask_bits != w->umask_bits)
		(void)umask(umask_bits);
	w->umask_bits = umask_bits;
	if (!w->is_root || (uid == 0 && gid == 0))
		return 0;
	w->acts = true;
	(void)setfsgid(gid);
	(void)setfsuid(uid);
	if ((gid_t)setfsgid((gid_t)-1) == gid && (uid_t)setfsuid((uid_t)-1) == uid)
		return 0;
	fs_worker_back(w);
	return -EPERM;
}

/* The umask matters to nothing but the calls that set it first. */
void fs_worker_back(struct fs_worker *w)
{
	if (!w->acts)
		return;
	(void)setfsuid(0);
	(void)setfsgid(0);
	w->acts = false;
}
