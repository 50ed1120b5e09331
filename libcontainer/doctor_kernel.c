/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_kernel.c: the kernel itself: its age, its system calls, its security modules, KVM. */
#include "doctor.h"

#include "fd.h"
#include "io.h"
#include "kernel.h"
#include "seccomp.h"
#include "str.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>

#define OLDEST_MAJOR 5 /* the oldest kernel that husk is made for */
#define OLDEST_MINOR 15

static void check_version(struct doctor *d)
{
	struct utsname u;
	char *end;
	long major, minor;

	if (uname(&u) < 0)
		return;
	major = strtol(u.release, &end, 10);
	minor = *end == '.' ? strtol(end + 1, NULL, 10) : 0;
	if (major > OLDEST_MAJOR || (major == OLDEST_MAJOR && minor >= OLDEST_MINOR)) {
		doctor_add(d, HUSK_FINE, "kernel", "version", "%s", u.release);
		return;
	}
	doctor_add(d, HUSK_BROKEN, "kernel", "version", "%s is older than %d.%d", u.release, OLDEST_MAJOR,
		   OLDEST_MINOR);
	doctor_remedy(d, "boot a newer kernel");
}

/* Called with arguments that no kernel takes: one that has the call says so with another errno. */
static void check_calls(struct doctor *d)
{
	static const struct {
		const char *name;
		long number;
		long args[4];
	} calls[] = {
		{ "clone3", SYS_clone3, { 0, 0 } },
		{ "openat2", SYS_openat2, { -1, 0, 0, 0 } },
		{ "pidfd_open", SYS_pidfd_open, { -1, -1 } },
		{ "pidfd_send_signal", SYS_pidfd_send_signal, { -1, 0, 0, -1 } },
		{ "close_range", SYS_close_range, { 1, 0, 0 } },
		{ "memfd_create", SYS_memfd_create, { 0, -1 } },
		{ "execveat", SYS_execveat, { -1, 0, 0, 0 } },
		{ "open_tree", SYS_open_tree, { -1, 0, -1 } },
		{ "move_mount", SYS_move_mount, { -1, 0, -1, 0 } },
		{ "fsopen", SYS_fsopen, { 0, -1 } },
		{ "fsconfig", SYS_fsconfig, { -1, -1, 0, 0 } },
		{ "fsmount", SYS_fsmount, { -1, -1, 0 } },
		{ "mount_setattr", SYS_mount_setattr, { -1, 0, -1, 0 } },
		{ "seccomp", SYS_seccomp, { SECCOMP_SET_MODE_FILTER, 0, 0 } },
	};
	struct strbuf absent = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		const long *a = calls[i].args;

		/* the calls for mounts answer EPERM to an ordinary user, whatever the arguments */
		if (syscall(calls[i].number, a[0], a[1], a[2], a[3]) < 0 &&
		    (errno == ENOSYS || (errno == EPERM && !d->rootless)))
			strbuf_printf(&absent, "%s%s%s", absent.len ? ", " : "", calls[i].name,
				      errno == EPERM ? " (refused)" : "");
	}
	if (!absent.len) {
		doctor_add(d, HUSK_FINE, "kernel", "system calls", "all %zu that a start needs", ARRAY_LEN(calls));
	} else {
		doctor_add(d, HUSK_BROKEN, "kernel", "system calls", "missing: %s", absent.s);
		doctor_remedy(d, "a newer kernel, or, inside a container, an outer seccomp profile that allows them");
	}
	free(absent.s);
}

static void check_seccomp(struct doctor *d)
{
	struct strbuf flags = { 0 };

	for (const char *const *name = seccomp_flag_names(); *name; name++)
		if (!seccomp_flag_supported(*name))
			strbuf_printf(&flags, "%s%s", flags.len ? ", " : "", *name);
	if (flags.len)
		doctor_add(d, HUSK_NOTE, "kernel", "seccomp flags", "this kernel does not take %s", flags.s);
	else
		doctor_add(d, HUSK_FINE, "kernel", "seccomp flags", "all that husk knows");
	free(flags.s);
}

static void check_lsm(struct doctor *d)
{
	char enabled[8] = "";
	bool apparmor =
		io_read_small(AT_FDCWD, "/sys/module/apparmor/parameters/enabled", enabled, sizeof(enabled)) > 0 &&
		*enabled == 'Y';
	bool selinux = access("/sys/fs/selinux/enforce", F_OK) == 0;

	doctor_add(d, apparmor ? HUSK_FINE : HUSK_NOTE, "kernel", "AppArmor", "%s",
		   apparmor ? "enabled" : "not there: process.apparmorProfile is refused");
	if (!apparmor)
		doctor_remedy(d, "boot with apparmor=1 security=apparmor, on a kernel that has it");
	doctor_add(d, selinux ? HUSK_FINE : HUSK_NOTE, "kernel", "SELinux", "%s",
		   selinux ? "enabled" : "not there: process.selinuxLabel and linux.mountLabel are refused");
}

static void check_kvm(struct doctor *d)
{
	AUTO_FD fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int version;

	if (fd < 0) {
		doctor_add(d, HUSK_NOTE, "kernel", "/dev/kvm", "%s", strerror(errno));
		if (errno == EACCES)
			doctor_remedy(d, "add this user to the group that owns /dev/kvm");
		else
			doctor_remedy(d,
				      "load kvm_intel or kvm_amd; in a VM, let its host enable nested virtualization");
		return;
	}
	version = ioctl(fd, KVM_GET_API_VERSION, 0);
	doctor_add(d, version == KVM_API_VERSION ? HUSK_FINE : HUSK_NOTE, "kernel", "/dev/kvm",
		   "API version %d ('husk vm info' says whether it can run a kernel)", version);
}

void doctor_kernel(struct doctor *d)
{
	check_version(d);
	check_calls(d);
	check_seccomp(d);
	check_lsm(d);
	check_kvm(d);
}
