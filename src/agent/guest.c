/* SPDX-License-Identifier: Apache-2.0 */
/* guest.c: see guest.h. initramfs: filesystems/ramfs-rootfs-initramfs.rst; random(4), reboot(2). */
#include "guest.h"

#include "clock.h"
#include "fd.h"
#include "image.h"
#include "io.h"
#include "log.h"
#include "str.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/random.h>
#include <net/if.h>
#include <poll.h>
#include <stdalign.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>

#define MODULES "/modules"
#define NEW_ROOT "/newroot"
#define PORTS "/sys/class/virtio-ports"

#define CONSOLE_MAJOR 5 /* devices.txt */
#define CONSOLE_MINOR 1

#define STEP_NS 2000000 /* between looks */
#define SYNC_MS 3000	/* a host whose file server is gone answers nothing */
#define PORT_WAIT_MS 10000

/* What systemd gives to services. */
#define NOFILE_SOFT 1024
#define NOFILE_HARD 524288

struct system_mount {
	const char *type, *at, *options;
	unsigned long flags;
};

/* In the new root; in this order. */
static const struct system_mount system_mounts[] = {
	{ "proc", "/proc", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
	{ "sysfs", "/sys", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
	{ "devtmpfs", "/dev", "mode=755", MS_NOSUID },
	{ "devpts", "/dev/pts", "gid=5,mode=620,ptmxmode=666", MS_NOSUID | MS_NOEXEC },
	{ "tmpfs", "/dev/shm", "mode=1777", MS_NOSUID | MS_NODEV },
	{ "tmpfs", "/run", "mode=755", MS_NOSUID | MS_NODEV },
	{ "tmpfs", "/tmp", "mode=1777", MS_NOSUID | MS_NODEV },
	{ "cgroup2", "/sys/fs/cgroup", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
};

static int make_dir(const char *path, struct err *e)
{
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return err_sys(e, errno, "make '%s'", path);
	return 0;
}

static int mount_at(const struct system_mount *m, const char *root, struct err *e)
{
	AUTO_FREE char *at = x_printf("%s%s", root, m->at);
	int r = make_dir(at, e);

	if (r == 0 && mount(m->type, at, m->type, m->flags, m->options) < 0)
		return err_sys(e, errno, "mount %s at '%s'", m->type, at);
	return r;
}

int guest_begin(struct err *e)
{
	int fd;

	if (access("/proc/self", F_OK) < 0) {
		int r = mount_at(&system_mounts[0], "", e);

		if (r < 0)
			return r;
	}
	/* the kernel leaves the standard descriptors closed where the initramfs has no console */
	if (mkdir("/dev", 0755) < 0 && errno != EEXIST)
		return err_sys(e, errno, "make '/dev'");
	if (mknod("/dev/console", S_IFCHR | 0600, makedev(CONSOLE_MAJOR, CONSOLE_MINOR)) < 0 && errno != EEXIST)
		return err_sys(e, errno, "make '/dev/console'");
	do
		fd = open("/dev/console", O_RDWR | O_NOCTTY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd < 0)
		return err_sys(e, errno, "open '/dev/console'");
	(void)close(fd);
	return 0;
}

static int load_module(const char *name, struct err *e)
{
	AUTO_FREE char *path = x_printf(MODULES "/%s", name);
	AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, errno, "open '%s'", path);
	if (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST)
		return err_sys(e, errno, "load the kernel module '%s'", path);
	return 0;
}

static int is_module(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

/* The memory of the initramfs is given back file by file. */
static int load_modules(struct err *e)
{
	struct dirent **names = NULL;
	int n = scandir(MODULES, &names, is_module, alphasort), r = 0;

	if (n < 0)
		return errno == ENOENT ? 0 : err_sys(e, errno, "read '%s'", MODULES);
	for (int i = 0; i < n; i++) {
		AUTO_FREE char *path = x_printf(MODULES "/%s", names[i]->d_name);

		if (r == 0)
			r = load_module(names[i]->d_name, e);
		(void)unlink(path);
		free(names[i]);
	}
	free(names);
	return r;
}

/* The initramfs is the one mount that pivot_root(2) cannot leave: a tmpfs is moved over it, or the disk image. */
static int change_root(bool image, struct err *e)
{
	static const struct system_mount root = { "tmpfs", NEW_ROOT, "mode=755", 0 };
	int r = image ? image_mount(NEW_ROOT, e) : mount_at(&root, "", e);

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(system_mounts); i++)
		r = mount_at(&system_mounts[i], NEW_ROOT, e);
	if (r < 0)
		return r;
	(void)unlink("/init"); /* we run from a copy */
	(void)umount2("/proc", MNT_DETACH);
	if (chdir(NEW_ROOT) < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 || chdir("/") < 0)
		return err_sys(e, errno, "make '%s' the root", NEW_ROOT);
	return 0;
}

static int raise_loopback(struct err *e)
{
	struct ifreq req = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	AUTO_FD sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (sock < 0 || ioctl(sock, SIOCSIFFLAGS, &req) < 0)
		return err_sys(e, errno, "bring up the loopback interface");
	return 0;
}

int guest_boot(bool image, struct err *e)
{
	struct rlimit nofile = { .rlim_cur = NOFILE_SOFT, .rlim_max = NOFILE_HARD };
	int r;

	umask(022);
	r = load_modules(e);
	if (r == 0)
		r = change_root(image, e);
	if (r == 0)
		r = raise_loopback(e);
	if (r == 0 && setrlimit(RLIMIT_NOFILE, &nofile) < 0)
		r = err_sys(e, errno, "setrlimit");
	return r;
}

int guest_mount_files(struct err *e)
{
	int r = make_dir(GUEST_FILES, e);

	if (r == 0 && mount(GUEST_FILES_TAG, GUEST_FILES, "virtiofs", 0, NULL) < 0)
		return err_sys(e, errno, "mount the host's files (virtio-fs, tag '%s')", GUEST_FILES_TAG);
	return r;
}

/* The device of the port with our name; malloc'ed, NULL: not there (yet). Links in /dev need a udev. */
static char *find_port(void)
{
	DIR *dir = opendir(PORTS);
	char *found = NULL, name[64];
	struct dirent *d;

	while (dir && !found && (d = readdir(dir))) {
		AUTO_FREE char *file = x_printf(PORTS "/%s/name", d->d_name);

		if (d->d_name[0] == '.' || io_read_small(AT_FDCWD, file, name, sizeof(name)) <= 0)
			continue;
		name[strcspn(name, "\n")] = '\0';
		if (str_eq(name, GUEST_PORT))
			found = x_printf("/dev/%s", d->d_name);
	}
	if (dir)
		(void)closedir(dir);
	return found;
}

/* The host's end is there when the port does not say that it hung up. */
static bool try_port(int *out_fd)
{
	AUTO_FREE char *path = find_port();
	AUTO_FD fd = path ? open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC) : -1;
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	if (fd < 0 || poll(&p, 1, 0) < 0 || p.revents & POLLHUP)
		return false;
	*out_fd = fd_take(&fd);
	return true;
}

int guest_open_port(int *out_fd, struct err *e)
{
	const struct timespec step = { .tv_nsec = STEP_NS };
	int64_t end = clock_monotonic_ms() + PORT_WAIT_MS;

	while (!try_port(out_fd)) {
		if (clock_monotonic_ms() > end)
			return err_set(e, ENODEV, "no virtio-serial port '%s' came up in %d seconds", GUEST_PORT,
				       PORT_WAIT_MS / 1000);
		(void)nanosleep(&step, NULL);
	}
	return 0;
}

static int add_entropy(const struct message_host_hello *m)
{
	alignas(struct rand_pool_info) uint8_t memory[sizeof(struct rand_pool_info) + MESSAGE_ENTROPY] = { 0 };
	struct rand_pool_info *pool = (struct rand_pool_info *)memory;
	AUTO_FD fd = open("/dev/urandom", O_WRONLY | O_CLOEXEC);

	pool->entropy_count = 8 * MESSAGE_ENTROPY; /* bits */
	pool->buf_size = MESSAGE_ENTROPY;
	memcpy(memory + sizeof(*pool), m->entropy, MESSAGE_ENTROPY);
	return fd < 0 || ioctl(fd, RNDADDENTROPY, pool) < 0 ? -errno : 0;
}

void guest_set_up(const struct message_host_hello *m)
{
	struct timespec now = { .tv_sec = (time_t)m->seconds, .tv_nsec = m->nanoseconds };

	if (clock_settime(CLOCK_REALTIME, &now) < 0)
		log_warn("the guest's clock could not be set to the host's: ignoring");
	if (add_entropy(m) < 0)
		log_warn("the host's randomness could not be used: ignoring");
}

/* What processes had mapped and changed is the host's to keep. By a child, as it may never return. */
static void sync_files(void)
{
	const struct timespec step = { .tv_nsec = STEP_NS };
	int64_t end = clock_monotonic_ms() + SYNC_MS;
	pid_t pid = fork();

	if (pid == 0) {
		sync();
		_exit(0);
	}
	while (pid > 0 && clock_monotonic_ms() < end && waitpid(pid, NULL, WNOHANG) == 0)
		(void)nanosleep(&step, NULL);
}

void guest_off(const struct err *why)
{
	if (why->code)
		(void)dprintf(STDERR_FILENO, "husk-agent: %s\n", why->msg);
	sync_files();
	(void)reboot(RB_POWER_OFF);
	_exit(1); /* the end of pid 1: the kernel panics, which ends the machine, too */
}
