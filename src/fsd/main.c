/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c: husk-fsd, the file server of a VM-backed container for QEMU (vhost-user-fs-pci).
 *
 *   husk-fsd --root DIR (--socket-fd N | --socket PATH) [--threads N]
 *
 * serves DIR and what is mounted below it to one guest, and ends with its QEMU. N is an inherited
 * unix socket, connected or listening; PATH is where to make a listening one. Status 0; or 1 and
 * one line on standard error.
 */
#include "backend.h"
#include "confine.h"
#include "fd.h"
#include "str.h"

#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define USAGE "usage: husk-fsd --root DIR (--socket-fd N | --socket PATH) [--threads N]"
#define THREADS_DEFAULT 8
#define THREADS_MAX 64
#define FDS_OWN 64 /* what the process needs beside the guest's files */
#define STACK_SIZE (256U << 10)

struct options {
	const char *root, *path;
	int socket_fd;
	unsigned int threads;
};

static int take_number(const char *name, const char *text, uint64_t max, uint64_t *out, struct err *e)
{
	if (str_u64(text, max, out) < 0)
		return err_set(e, EINVAL, "--%s: expected a number up to %lu, got '%s'", name, (unsigned long)max,
			       text);
	return 0;
}

static int take_option(struct options *o, int c, struct err *e)
{
	uint64_t n = 0;
	int r = 0;

	switch (c) {
	case 'r':
		o->root = optarg;
		break;
	case 's':
		o->path = optarg;
		break;
	case 'f':
		r = take_number("socket-fd", optarg, INT32_MAX, &n, e);
		o->socket_fd = (int)n;
		break;
	case 't':
		r = take_number("threads", optarg, THREADS_MAX, &n, e);
		o->threads = (unsigned int)n;
		break;
	default:
		return err_set(e, EINVAL, USAGE);
	}
	return r;
}

static int parse(int argc, char **argv, struct options *o, struct err *e)
{
	static const struct option longs[] = {
		{ "root", required_argument, NULL, 'r' },
		{ "socket", required_argument, NULL, 's' },
		{ "socket-fd", required_argument, NULL, 'f' },
		{ "threads", required_argument, NULL, 't' },
		{ 0 },
	};
	int c, r = 0;

	*o = (struct options){ .socket_fd = -1, .threads = THREADS_DEFAULT };
	opterr = 0;
	while (r == 0 && (c = getopt_long(argc, argv, "", longs, NULL)) != -1)
		r = take_option(o, c, e);
	if (r == 0 && (optind != argc || !o->root || !o->path == (o->socket_fd < 0) || o->threads == 0))
		r = err_set(e, EINVAL, USAGE);
	return r;
}

static int listen_at(const char *path, struct err *e)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	AUTO_FD sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	mode_t before;
	int r;

	if (sock < 0)
		return err_sys(e, errno, "make a socket");
	if (strlen(path) >= sizeof(addr.sun_path))
		return err_set(e, ENAMETOOLONG, "--socket: '%s': longer than %zu bytes", path,
			       sizeof(addr.sun_path) - 1);
	(void)strcpy(addr.sun_path, path);
	before = umask(0177);
	r = bind(sock, (const struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(sock, 1) < 0 ? -errno : 0;
	(void)umask(before);
	return r < 0 ? err_sys(e, -r, "listen at '%s'", path) : fd_take(&sock);
}

static int accept_one(int sock, struct err *e)
{
	int fd;

	do
		fd = accept4(sock, NULL, NULL, SOCK_CLOEXEC);
	while (fd < 0 && errno == EINTR);
	return fd < 0 ? err_sys(e, errno, "wait for QEMU's connection") : fd;
}

/* The connection with QEMU. */
static int open_socket(const struct options *o, struct err *e)
{
	AUTO_FD sock = o->path ? listen_at(o->path, e) : o->socket_fd;
	int listens = 0, r;
	socklen_t len = sizeof(listens);

	if (sock < 0)
		return -e->code;
	if (getsockopt(sock, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) < 0)
		return err_sys(e, errno, "--socket-fd: descriptor %d", sock);
	if (listens) {
		r = accept_one(sock, e);
		if (r >= 0 && o->path)
			(void)unlink(o->path);
		return r;
	}
	(void)fcntl(sock, F_SETFD, FD_CLOEXEC);
	return fd_take(&sock);
}

/* As many descriptors as there may be: each file that the guest knows takes one. */
static unsigned int files_max(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 1024 - FDS_OWN;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur < 2 * FDS_OWN)
		return FDS_OWN;
	return limit.rlim_cur > INT32_MAX ? INT32_MAX : (unsigned int)limit.rlim_cur - FDS_OWN;
}

/* ---- threads ---- */

struct thread {
	struct backend *device;
	struct fs_worker worker;
	struct err e;
	pthread_barrier_t *ready;
};

static void *run_thread(void *arg)
{
	struct thread *t = arg;

	if (fs_worker_start(&t->worker, t->device->fs, &t->e) < 0 && t->e.code == 0)
		t->e.code = EIO;
	(void)pthread_barrier_wait(t->ready);
	if (t->e.code)
		return NULL;
	backend_serve(t->device, &t->worker);
}

/* Returns when all of them are set up, or with the first one's failure. */
static int start_threads(struct backend *d, unsigned int n, struct err *e)
{
	struct thread *threads = x_calloc(n, sizeof(*threads));
	static pthread_barrier_t ready;
	pthread_attr_t attr;
	int r = 0;

	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, STACK_SIZE);
	(void)pthread_barrier_init(&ready, NULL, n + 1);
	for (unsigned int i = 0; i < n; i++) {
		pthread_t id;

		threads[i] = (struct thread){ .device = d, .ready = &ready };
		r = pthread_create(&id, &attr, run_thread, &threads[i]);
		if (r)
			return err_sys(e, r, "start thread %u of %u", i + 1, n);
	}
	(void)pthread_attr_destroy(&attr);
	(void)pthread_barrier_wait(&ready);
	for (unsigned int i = 0; i < n; i++)
		if (threads[i].e.code) {
			*e = threads[i].e;
			return -e->code;
		}
	return 0;
}

static int serve(const struct options *o, struct err *e)
{
	AUTO_FD root = open(o->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	static struct backend device;
	struct fs_server *fs;
	AUTO_FD sock = -1;
	int r;

	if (root < 0)
		return err_sys(e, errno, "--root: open '%s'", o->root);
	sock = open_socket(o, e);
	if (sock < 0)
		return sock;
	r = confine_privileges(e);
	if (r == 0)
		r = fs_server_new(root, files_max(), &fs, e);
	if (r == 0)
		r = backend_init(&device, fs, sock, e);
	if (r == 0)
		r = start_threads(&device, o->threads, e);
	if (r == 0)
		r = confine_calls(e);
	return r < 0 ? r : backend_run(&device, e);
}

int main(int argc, char **argv)
{
	struct options o;
	struct err e = { 0 };
	int r = parse(argc, argv, &o, &e);

	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN); /* a write above RLIMIT_FSIZE is EFBIG to the guest */
	if (r == 0)
		r = serve(&o, &e);
	if (r < 0)
		(void)fprintf(stderr, "husk-fsd: %s\n", e.msg);
	_exit(r < 0 ? EXIT_FAILURE : EXIT_SUCCESS); /* the threads stay where they are */
}
