/* SPDX-License-Identifier: Apache-2.0 */
/* terminal.c: see terminal.h. */
#include "terminal.h"

#include "fd.h"
#include "kernel.h"
#include "rootpath.h"

#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define PTMX_MAJOR 5
#define PTMX_MINOR 2
#define MASTER_NAME "/dev/ptmx"

static int open_ptmx(int rootfd, int *out_fd, struct err *e)
{
	AUTO_FD fd = fd_open_in_root(rootfd, "/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK, RESOLVE_NO_SYMLINKS);
	struct stat st;

	if (fd < 0)
		return err_sys(e, errno, "process.terminal: open '/dev/pts/ptmx' (is a devpts mounted on /dev/pts?)");
	if (fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(PTMX_MAJOR, PTMX_MINOR) ||
	    fd_check_magic(fd, HUSK_DEVPTS_SUPER_MAGIC) < 0)
		return err_set(e, EINVAL, "process.terminal: '/dev/pts/ptmx' is not that of a devpts");
	if (fcntl(fd, F_SETFL, O_RDWR) < 0)
		return err_sys(e, errno, "process.terminal: '/dev/pts/ptmx'");
	*out_fd = fd_take(&fd);
	return 0;
}

int terminal_open(int rootfd, uid_t uid, uint16_t width, uint16_t height, struct terminal *out, struct err *e)
{
	AUTO_FD master = -1, slave = -1;
	struct winsize size = { .ws_row = height, .ws_col = width };
	int unlock = 0, r;

	r = open_ptmx(rootfd, &master, e);
	if (r < 0)
		return r;
	if (ioctl(master, TIOCSPTLCK, &unlock) < 0)
		return err_sys(e, errno, "process.terminal: unlock the terminal");
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return err_sys(e, errno, "process.terminal: open the terminal's other end");
	if ((width || height) && ioctl(slave, TIOCSWINSZ, &size) < 0)
		return err_sys(e, errno, "process.consoleSize");
	if (uid && fchown(slave, uid, (gid_t)-1) < 0 && errno != EPERM && errno != EINVAL)
		return err_sys(e, errno, "process.terminal: give the terminal to uid %u", uid);
	out->master = fd_take(&master);
	out->slave = fd_take(&slave);
	return 0;
}

int terminal_bind_console(int rootfd, int slave, struct err *e)
{
	AUTO_FD tree = -1, dir = -1, target = -1;
	const char *name;
	int r;

	r = rootpath_parent(rootfd, "/dev/console", &dir, &name, e);
	if (r < 0)
		return r;
	target = openat(dir, name, O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
	if (target < 0 && errno != EEXIST)
		return err_sys(e, errno, "make '/dev/console' in the rootfs");
	fd_close(&target);
	target = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	tree = open_tree(slave, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (target < 0 || tree < 0 || sys_attach(tree, target) < 0)
		return err_sys(e, errno, "bind the terminal over '/dev/console'");
	return 0;
}

int terminal_make_controlling(int slave, struct err *e)
{
	if (ioctl(slave, TIOCSCTTY, 0) < 0)
		return err_sys(e, errno, "process.terminal: make it the controlling terminal");
	return 0;
}

int terminal_use(int slave, struct err *e)
{
	for (int fd = 0; fd < 3; fd++)
		if (dup2(slave, fd) < 0)
			return err_sys(e, errno, "process.terminal: use it as descriptor %d", fd);
	return 0;
}

int terminal_connect_socket(const char *path, int *out_fd, struct err *e)
{
	AUTO_FD sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r;

	if (sock < 0)
		return err_sys(e, errno, "socket");
	r = fd_connect(sock, path);
	if (r < 0)
		return err_sys(e, -r, "connect to the socket '%s'", path);
	*out_fd = fd_take(&sock);
	return 0;
}

int terminal_send_master(int sock, int master, struct err *e)
{
	ssize_t n = fd_send(sock, MASTER_NAME, strlen(MASTER_NAME), &master, 1);

	if (n < 0)
		return err_sys(e, (int)-n, "send the terminal to the console socket");
	return 0;
}
