/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_vhost_msg.c: what a QEMU that its guest has taken over may send to husk-fsd.
 *
 * The input is pieces of the stream: a byte whose low half says how many descriptors come with the piece and
 * whose high half of what kind they are, two bytes of its length, its bytes. They go through the whole of
 * backend_run(), with no thread that serves a queue. No descriptor is left open, whatever happens.
 */
#include "backend.h"
#include "fd.h"
#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>

#define MEMORY 65536
#define FDS_MAX (VHOST_FDS_MAX + 2)
#define FDS_SEEN 96

enum kind { MEMORY_FILE, EVENT, EMPTY_FILE, DIRECTORY, KINDS };

static int kinds[KINDS];
static struct fs_server *server;

static void set_up(void)
{
	struct err e = { 0 };

	kinds[MEMORY_FILE] = memfd_create("guest", MFD_CLOEXEC);
	kinds[EVENT] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	kinds[EMPTY_FILE] = memfd_create("empty", MFD_CLOEXEC);
	kinds[DIRECTORY] = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < KINDS; i++)
		require(kinds[i] >= 0);
	require(ftruncate(kinds[MEMORY_FILE], MEMORY) == 0);
	require(fs_server_new(kinds[DIRECTORY], 40, &server, &e) == 0);
}

/* False: the other end takes no more. */
static bool send_piece(int sock, uint8_t how, const uint8_t *data, size_t len)
{
	int fds[FDS_MAX], n = (how & 15) < FDS_MAX ? how & 15 : FDS_MAX;

	for (int i = 0; i < n; i++)
		fds[i] = kinds[(how >> 4) % KINDS];
	return fd_send(sock, data, len, fds, n) == (ssize_t)len;
}

static void send_all(int sock, const uint8_t *data, size_t size)
{
	while (size > 3) {
		size_t len = (size_t)data[1] | (size_t)data[2] << 8;
		uint8_t how = data[0];

		data += 3;
		size -= 3;
		len = len < size ? len : size;
		if (len == 0)
			continue;
		if (!send_piece(sock, how, data, len))
			return;
		data += len;
		size -= len;
	}
}

static void end_backend(struct backend *d)
{
	for (unsigned int i = 0; i < BACKEND_QUEUES_MAX; i++) {
		fd_close(&d->queue[i].kick);
		fd_close(&d->queue[i].call);
		fd_close(&d->queue[i].err);
		(void)pthread_mutex_destroy(&d->queue[i].lock);
	}
	regions_unmap(&d->regions);
	(void)pthread_rwlock_destroy(&d->lock);
	fd_close(&d->epoll);
	fd_close(&d->sock);
}

/* Which descriptors are open; the program has some of its own, anywhere among them. */
static void look_at_fds(bool open[FDS_SEEN])
{
	for (int fd = 0; fd < FDS_SEEN; fd++)
		open[fd] = fcntl(fd, F_GETFD) >= 0;
}

static void check_queues(const struct backend *d)
{
	for (unsigned int i = 0; i < BACKEND_QUEUES_MAX; i++) {
		const struct vq *q = &d->queue[i].q;

		require(!q->memory || (q->size > 0 && q->size <= VQ_SIZE_MAX && q->desc && q->avail && q->used));
		require(!q->memory || (d->regions.memory.n > 0 && d->queue[i].kick >= 0));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct backend device;
	bool before[FDS_SEEN], after[FDS_SEEN];
	struct err e = { 0 };
	int pair[2], r;

	if (!server)
		set_up();
	if (size > 16384)
		return 0;
	look_at_fds(before);
	require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	require(backend_init(&device, server, pair[1], &e) == 0);
	send_all(pair[0], data, size);
	require(shutdown(pair[0], SHUT_WR) == 0);
	r = backend_run(&device, &e);
	if (r < 0)
		require_message(r, &e);
	check_queues(&device);
	end_backend(&device);
	fd_close(&pair[0]);
	look_at_fds(after);
	require(memcmp(before, after, sizeof(before)) == 0);
	return 0;
}
