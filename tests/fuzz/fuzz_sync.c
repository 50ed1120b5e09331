/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_sync.c: the packets that the parent reads from the container's process.
 *
 * The input is a row of packets: two bytes of length, little endian, and as many
 * of content. Each goes through a socket of its own, without and with a descriptor.
 */
#include "fd.h"
#include "fuzz.h"
#include "sync.h"

#include <fcntl.h>

static void expect(int sock, bool is_last)
{
	struct err e = { 0 };
	int r = sync_expect(sock, SYNC_READY, NULL, NULL, &e);

	if (r < 0)
		require_message(r, &e);
	else
		require(!is_last && r == 0);
}

/* The packet, with a descriptor or without (-1), and once more; then the other end is closed. unread: it has
 * not read what it was sent, which the kernel tells by ECONNRESET. */
static void receive(const uint8_t *data, size_t size, int with_fd, bool unread)
{
	struct err e = { 0 };
	int pair[2], r, fd = -1;
	int32_t value = 0;

	require(sync_pair(pair, &e) == 0);
	require(fd_send(pair[1], data, size, &with_fd, with_fd >= 0 ? 1 : 0) == (ssize_t)size);
	require(fd_send(pair[1], data, size, NULL, 0) == (ssize_t)size);
	if (unread)
		require(sync_send(pair[0], SYNC_GO, 1, -1, &e) == 0);
	(void)close(pair[1]);
	r = sync_recv(pair[0], &fd, &value, &e);
	if (r < 0) {
		require_message(r, &e);
		require(fd == -1);
	} else {
		require(r >= SYNC_GO && r <= SYNC_UP && (with_fd < 0) == (fd < 0));
	}
	fd_close(&fd);
	expect(pair[0], false);
	expect(pair[0], true);
	(void)close(pair[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FD null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	while (size >= 2) {
		size_t len = data[0] | (size_t)data[1] << 8;

		data += 2;
		size -= 2;
		if (len > size)
			len = size;
		if (len == 0)
			continue;
		receive(data, len, -1, true);
		receive(data, len, null, false);
		data += len;
		size -= len;
	}
	return 0;
}
