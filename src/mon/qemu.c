/* SPDX-License-Identifier: Apache-2.0 */
/* qemu.c: see qemu.h. fork(2), execve(2), capset(2). */
#include "qemu.h"

#include "fd.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#define NOBODY 65534 /* the hypervisor's user and group */

/* What the kernel passes on over execve(2), but for the descriptors. */
static void reset_signals(void)
{
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static void say(const char *what, const char *path)
{
	char line[512];
	int len = snprintf(line, sizeof(line), "husk-mon: %s '%s': %s\n", what, path, strerror(errno));

	(void)!write(STDERR_FILENO, line, len < (int)sizeof(line) ? (size_t)len : sizeof(line) - 1);
}

static int drop_capabilities(struct err *e)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &head, none) < 0)
		return err_sys(e, errno, "give up the capabilities");
	return 0;
}

/* In a user namespace of a single id (an ordinary user's) there is no other user to become: then the hypervisor
 * has no capability, at least, and with no_new_privs gets none by execve(2). */
static int drop_user(void)
{
	if (setgroups(0, NULL) < 0 && errno != EPERM)
		return -1;
	if (setresgid(NOBODY, NOBODY, NOBODY) < 0 && errno != EINVAL)
		return -1;
	if (setresuid(NOBODY, NOBODY, NOBODY) == 0)
		return 0;
	return errno == EINVAL ? drop_capabilities(NULL) : -1;
}

/* In the child: argv with `given` as MACHINE_FD_CHILD, the console as output, and nothing else. */
static __attribute__((noreturn)) void become(char *const *argv, int given, int console, bool drop)
{
	static char *const env[] = { (char *)(uintptr_t) "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
	int null = open("/dev/null", O_RDONLY);
	int in = fcntl(null, F_DUPFD, 10), out = fcntl(console, F_DUPFD, 10), fd = fcntl(given, F_DUPFD, 10);

	if (in < 0 || out < 0 || fd < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0 ||
	    dup2(fd, MACHINE_FD_CHILD) < 0 || fd_close_others(MACHINE_FD_CHILD + 1, NULL, 0) < 0)
		_exit(126);
	reset_signals();
	(void)setsid();
	if (drop && drop_user() < 0) {
		say("give up the user of", argv[0]);
		_exit(126);
	}
	(void)execve(argv[0], argv, env);
	say("execute", argv[0]);
	_exit(127);
}

static int start(char *const *argv, int given, int console, bool drop, pid_t *out, struct err *e)
{
	pid_t pid = fork();

	if (pid < 0)
		return err_sys(e, errno, "fork");
	if (pid == 0)
		become(argv, given, console, drop);
	*out = pid;
	return 0;
}

static int listen_for_server(int *out_fd, struct err *e)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = MACHINE_SERVER_SOCKET };
	AUTO_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_sys(e, errno, "socket");
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(fd, 1) < 0)
		return err_sys(e, errno, "listen on '" MACHINE_SERVER_SOCKET "'");
	if (chmod(MACHINE_SERVER_SOCKET, 0666) < 0) /* the hypervisor is another user */
		return err_sys(e, errno, "chmod '" MACHINE_SERVER_SOCKET "'");
	*out_fd = fd_take(&fd);
	return 0;
}

static int start_server(struct mon *m, int console, struct err *e)
{
	AUTO_FD listening = -1;
	int r;

	if (!m->machine.file_server[0])
		return 0;
	r = listen_for_server(&listening, e);
	return r < 0 ? r : start(m->machine.file_server, listening, console, false, &m->server, e);
}

int qemu_start(struct mon *m, struct err *e)
{
	AUTO_FD console_in = -1;
	AUTO_FD console_out = -1;
	AUTO_FD theirs = -1;
	int console[2], channel[2], r;

	if (pipe2(console, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_sys(e, errno, "pipe");
	console_in = console[0];
	console_out = console[1];
	(void)fcntl(console_out, F_SETFL, 0);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel) < 0)
		return err_sys(e, errno, "socketpair");
	theirs = channel[1];
	channel_init(&m->agent, channel[0], false);
	r = start_server(m, console_out, e);
	if (r == 0)
		r = start(m->machine.hypervisor, theirs, console_out, true, &m->hypervisor, e);
	if (r == 0)
		r = drop_capabilities(e);
	if (r == 0)
		m->console_fd = fd_take(&console_in);
	return r;
}
