/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_fuse.c: what a guest sends to the file server.
 *
 * The input is a row of requests: two bytes of length, little endian, one byte that gives the
 * room for the reply, and the request as it is on the wire (a head that is too short is made up from
 * the previous one's). The share is a small tree. Whatever comes, nothing outside of the tree
 * changes or is told, and no descriptor stays.
 */
#include "fs.h"
#include "fuzz.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET "the-host's-secret"
#define FILE_MAX (1U << 20) /* bytes that a file may grow to: fallocate() takes real room */
#define REQUESTS_MAX 64

struct input {
	const uint8_t *data;
	size_t size;
};

static char outside[64];
static struct timespec secret_changed;

static void make_file(int dir, const char *name, const char *content)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	require(fd >= 0 && write(fd, content, strlen(content)) == (ssize_t)strlen(content));
	(void)close(fd);
}

static struct stat secret_stat(void)
{
	char path[96];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/secret", outside);
	require(stat(path, &st) == 0);
	return st;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	(void)remove(path);
	return 0;
}

static void remove_tree(const char *path)
{
	(void)nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void at_end(void)
{
	remove_tree(outside);
}

static void prepare_once(void)
{
	const struct rlimit limit = { FILE_MAX, RLIM_INFINITY };
	int dir;

	if (outside[0])
		return;
	(void)signal(SIGXFSZ, SIG_IGN);
	(void)setrlimit(RLIMIT_FSIZE, &limit);
	(void)snprintf(outside, sizeof(outside), "%s/fuzz_fuse.XXXXXX",
		       access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	require(mkdtemp(outside) != NULL && atexit(at_end) == 0);
	dir = open(outside, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	make_file(dir, "secret", SECRET);
	(void)close(dir);
	secret_changed = secret_stat().st_ctim;
}

static int make_share(const char *path)
{
	int dir;

	require(mkdir(path, 0755) == 0);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	require(dir >= 0);
	make_file(dir, "f", "content");
	require(mkdirat(dir, "d", 0755) == 0 && symlinkat("../secret", dir, "l") == 0);
	require(mkfifoat(dir, "p", 0600) == 0);
	return dir;
}

static unsigned int entries_outside(void)
{
	DIR *dir = opendir(outside);
	unsigned int n = 0;

	require(dir != NULL);
	while (readdir(dir))
		n++;
	(void)closedir(dir);
	return n;
}

/* One request, in a buffer of its own, from two places if it can be cut. */
static void send(struct fs_worker *w, const uint8_t *request, size_t len, size_t room)
{
	AUTO_FREE uint8_t *in = malloc(len ? len : 1), *out = malloc(room ? room : 1);
	struct iovec in_iov[2] = { { in, len / 2 }, { in + len / 2, len - len / 2 } };
	struct iovec out_iov[2] = { { out, room / 3 }, { out + room / 3, room - room / 3 } };
	size_t got;

	if (len)
		memcpy(in, request, len);
	memset(out, 0, room);
	got = fs_serve(w, in_iov, 2, out_iov, 2);
	require(got <= room && (got == 0 || got >= sizeof(struct fuse_out_header)));
	require(memmem(out, room, SECRET, strlen(SECRET)) == NULL);
}

static void say_init(struct fs_worker *w)
{
	struct {
		struct fuse_in_header head;
		struct fuse_init_in init;
	} rq = { { .len = sizeof(rq), .opcode = FUSE_INIT }, { .major = 7, .minor = 38, .flags = 0x7fffffff } };

	send(w, (const uint8_t *)&rq, sizeof(rq), 4096);
}

static void send_all(struct fs_worker *w, const struct input *input)
{
	const uint8_t *at = input->data;
	size_t left = input->size;

	for (int i = 0; i < REQUESTS_MAX && left >= 3; i++) {
		size_t len = at[0] | (size_t)at[1] << 8, room = (size_t)at[2] * 40;

		at += 3;
		left -= 3;
		if (len > left)
			len = left;
		send(w, at, len, room);
		at += len;
		left -= len;
	}
}

/* A thread of its own: a worker changes its current directory, which is libFuzzer's, too. */
static void *serve(void *arg)
{
	struct err e = { 0 };
	struct fs_server *server;
	struct fs_worker worker;
	char share[96];
	int dir;

	(void)snprintf(share, sizeof(share), "%s/share", outside);
	dir = make_share(share);
	require(fs_server_new(dir, 40, &server, &e) == 0 && fs_worker_start(&worker, server, &e) == 0);
	say_init(&worker);
	send_all(&worker, arg);
	fs_worker_end(&worker);
	fs_server_free(server);
	(void)close(dir);
	remove_tree(share);
	return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	struct stat st;
	pthread_t thread;

	prepare_once();
	require(pthread_create(&thread, NULL, serve, &input) == 0 && pthread_join(thread, NULL) == 0);
	st = secret_stat();
	require(st.st_ctim.tv_sec == secret_changed.tv_sec && st.st_ctim.tv_nsec == secret_changed.tv_nsec);
	require(entries_outside() == 3); /* ".", "..", "secret" */
	return 0;
}
