/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent.c: `agent SOCKET DIR [OPTION]... [CALL=ANSWER]...` is a seccomp agent for
 * test_notify.sh. It listens on SOCKET. The state of connection N (from 1) goes to DIR/N.json
 * with a line of what is wrong with the way it came in DIR/N.bad, if anything is; each call
 * that it is notified of to DIR/N.calls, one number a line.
 *
 * ANSWER is `continue` (for what is not named, too), `errno:E`, `value:V`, or `mkdir`: makes the
 * directory that mkdir(2) or mkdirat(2) names with "-by-agent" added. OPTION:
 *   --deaf         accepts nothing, and queues one connection only
 *   --mute         takes the listener and answers nothing
 *   --drop         takes the listener and closes it
 *   --wait=MS      waits before it takes each state, and again before its first answer
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define STATE_MAX (1 << 20)

static const struct {
	const char *name;
	int nr;
} calls[] = {
	{ "umask", SYS_umask },	      { "uname", SYS_uname },
	{ "mkdirat", SYS_mkdirat },
#ifdef SYS_mkdir
	{ "mkdir", SYS_mkdir },
#endif
	{ "sendmsg", SYS_sendmsg },   { "execve", SYS_execve },
	{ "execveat", SYS_execveat }, { "sethostname", SYS_sethostname },
};

struct rule {
	int nr;
	const char *answer;
};

static struct rule rules[16];
static int n_rules;
static int deaf, mute, dropping, wait_ms;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static FILE *out(const char *dir, int n, const char *suffix)
{
	char path[4096];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%d.%s", dir, n, suffix);
	f = fopen(path, "a");
	if (!f)
		die(path);
	setlinebuf(f);
	return f;
}

static int add_rule(const char *text)
{
	const char *equals = strchr(text, '=');

	for (size_t i = 0; equals && i < sizeof(calls) / sizeof(calls[0]); i++)
		if (strlen(calls[i].name) == (size_t)(equals - text) &&
		    strncmp(text, calls[i].name, strlen(calls[i].name)) == 0) {
			rules[n_rules++] = (struct rule){ calls[i].nr, equals + 1 };
			return 0;
		}
	return -1;
}

/* 0, or the errno. The path is as the caller sees it: absolute, below its root. */
static int make_dir(const struct seccomp_notif *req)
{
	char file[64], path[1024] = "", full[2048];
	unsigned long at = (unsigned long)req->data.args[req->data.nr == SYS_mkdirat ? 1 : 0];
	int fd;

	(void)snprintf(file, sizeof(file), "/proc/%d/mem", (int)req->pid);
	fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || pread(fd, path, sizeof(path) - 1, (off_t)at) <= 0)
		return errno;
	(void)close(fd);
	(void)snprintf(full, sizeof(full), "/proc/%d/root%s-by-agent", (int)req->pid, path);
	return mkdir(full, 0755) == 0 ? 0 : errno;
}

static void answer(const struct seccomp_notif *req, struct seccomp_notif_resp *resp)
{
	const char *a = "continue";

	for (int i = 0; i < n_rules; i++)
		if (rules[i].nr == req->data.nr)
			a = rules[i].answer;
	if (strncmp(a, "errno:", 6) == 0)
		resp->error = -atoi(a + 6);
	else if (strncmp(a, "value:", 6) == 0)
		resp->val = atoi(a + 6);
	else if (strcmp(a, "mkdir") == 0)
		resp->error = -make_dir(req);
	else
		resp->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
}

static void serve(int listener, FILE *log)
{
	struct pollfd p = { .fd = listener, .events = POLLIN };

	(void)usleep((useconds_t)wait_ms * 1000);
	while (poll(&p, 1, -1) > 0 && !(p.revents & POLLHUP)) {
		struct seccomp_notif req = { 0 };
		struct seccomp_notif_resp resp = { 0 };

		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &req) < 0)
			continue;
		(void)fprintf(log, "%d\n", req.data.nr);
		resp.id = req.id;
		answer(&req, &resp);
		(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &resp);
	}
}

/* What is there is all of it. */
static void write_whole(const char *dir, int n, const char *text, size_t len)
{
	char new[4096], path[4096];
	FILE *f = out(dir, n, "new");

	(void)fwrite(text, 1, len, f);
	(void)fclose(f);
	(void)snprintf(new, sizeof(new), "%s/%d.new", dir, n);
	(void)snprintf(path, sizeof(path), "%s/%d.json", dir, n);
	if (rename(new, path) < 0)
		die(path);
}

/* Reads to the end; descriptors may come with the first part only. */
static int take_state(int conn, const char *dir, int n)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(8 * sizeof(int))];
	} control;
	static char text[STATE_MAX];
	size_t len = 0;
	int listener = -1;

	for (int part = 0;; part++) {
		struct iovec iov = { text + len, sizeof(text) - len };
		struct msghdr msg = { .msg_iov = &iov,
				      .msg_iovlen = 1,
				      .msg_control = control.space,
				      .msg_controllen = sizeof(control.space) };
		ssize_t got = recvmsg(conn, &msg, MSG_CMSG_CLOEXEC);
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

		if (got <= 0)
			break;
		len += (size_t)got;
		if (!c)
			continue;
		if (part || c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(sizeof(int)))
			(void)fprintf(out(dir, n, "bad"), "part %d: control message of %zu bytes\n", part, c->cmsg_len);
		memcpy(&listener, CMSG_DATA(c), sizeof(listener));
	}
	if (listener < 0)
		(void)fprintf(out(dir, n, "bad"), "no descriptor came\n");
	write_whole(dir, n, text, len);
	return listener;
}

/* The socket that is there listens. */
static int listen_at(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s.new", path);
	if (sock < 0 || bind(sock, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(sock, deaf ? 0 : 8) < 0 ||
	    rename(addr.sun_path, path) < 0)
		die(path);
	return sock;
}

int main(int argc, char **argv)
{
	int sock;

	for (int i = 3; i < argc; i++) {
		if (strcmp(argv[i], "--deaf") == 0)
			deaf = 1;
		else if (strcmp(argv[i], "--mute") == 0)
			mute = 1;
		else if (strcmp(argv[i], "--drop") == 0)
			dropping = 1;
		else if (strncmp(argv[i], "--wait=", 7) == 0)
			wait_ms = atoi(argv[i] + 7);
		else if (add_rule(argv[i]) < 0)
			return 2;
	}
	if (argc < 3)
		return 2;
	(void)signal(SIGCHLD, SIG_IGN);
	sock = listen_at(argv[1]);
	for (int n = 1; deaf; n++)
		(void)pause();
	for (int n = 1;; n++) {
		int conn = accept4(sock, NULL, NULL, SOCK_CLOEXEC), listener;

		if (conn < 0)
			die("accept");
		(void)usleep((useconds_t)wait_ms * 1000);
		listener = take_state(conn, argv[2], n);
		(void)close(conn);
		if (!dropping && fork() == 0) {
			if (mute)
				for (;;)
					(void)pause();
			serve(listener, out(argv[2], n, "calls"));
			return 0;
		}
		(void)close(listener);
	}
}
