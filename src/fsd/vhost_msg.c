/* SPDX-License-Identifier: Apache-2.0 */
/* vhost_msg.c: see vhost_msg.h. Numbers are in the host's byte order: both ends are on one machine. */
#include "vhost_msg.h"

#include "fd.h"
#include "io.h"
#include "str.h"

#include <string.h>
#include <sys/socket.h>

#define HEAD_SIZE (3 * sizeof(uint32_t))
#define FLAG_VERSION 1U
#define FLAG_VERSION_MASK 3U
#define FLAG_REPLY (1U << 2)
#define FLAG_NEED_REPLY (1U << 3)

enum fds { FDS_NONE, FDS_VRING, FDS_REGIONS };

struct shape {
	uint32_t size;
	enum fds fds;
	bool known;
};

/* Not SET_LOG_BASE, IOTLB, CONFIG and the rest: features that are not offered ask for them. */
static const struct shape shapes[] = {
	[VHOST_GET_FEATURES] = { 0, FDS_NONE, true },
	[VHOST_SET_FEATURES] = { sizeof(uint64_t), FDS_NONE, true },
	[VHOST_SET_OWNER] = { 0, FDS_NONE, true },
	[VHOST_RESET_OWNER] = { 0, FDS_NONE, true },
	[VHOST_SET_MEM_TABLE] = { 0, FDS_REGIONS, true },
	[VHOST_SET_VRING_NUM] = { sizeof(struct vhost_state), FDS_NONE, true },
	[VHOST_SET_VRING_ADDR] = { sizeof(struct vhost_addr), FDS_NONE, true },
	[VHOST_SET_VRING_BASE] = { sizeof(struct vhost_state), FDS_NONE, true },
	[VHOST_GET_VRING_BASE] = { sizeof(struct vhost_state), FDS_NONE, true },
	[VHOST_SET_VRING_KICK] = { sizeof(uint64_t), FDS_VRING, true },
	[VHOST_SET_VRING_CALL] = { sizeof(uint64_t), FDS_VRING, true },
	[VHOST_SET_VRING_ERR] = { sizeof(uint64_t), FDS_VRING, true },
	[VHOST_GET_PROTOCOL_FEATURES] = { 0, FDS_NONE, true },
	[VHOST_SET_PROTOCOL_FEATURES] = { sizeof(uint64_t), FDS_NONE, true },
	[VHOST_GET_QUEUE_NUM] = { 0, FDS_NONE, true },
	[VHOST_SET_VRING_ENABLE] = { sizeof(struct vhost_state), FDS_NONE, true },
};

static int refuse(const struct vhost_msg *m, struct err *e, const char *why)
{
	return err_set(e, EPROTO, "vhost-user request %u with %u bytes and %d descriptors: %s", m->request, m->size,
		       m->n_fds, why);
}

static int check_regions(const struct vhost_msg *m, struct err *e)
{
	size_t head = offsetof(struct vhost_memory, region);
	uint32_t n = m->body.memory.n;

	if (m->size < head || n == 0 || n > VHOST_REGIONS_MAX || m->size < head + n * sizeof(struct vhost_region))
		return refuse(m, e, "expected 1 to 8 memory regions");
	if ((uint32_t)m->n_fds != n)
		return refuse(m, e, "expected a descriptor a memory region");
	return 0;
}

int vhost_msg_check(const struct vhost_msg *m, struct err *e)
{
	const struct shape *s = m->request < ARRAY_LEN(shapes) ? &shapes[m->request] : NULL;

	if ((m->flags & (FLAG_VERSION_MASK | FLAG_REPLY)) != FLAG_VERSION)
		return refuse(m, e, "expected a request of version 1");
	if (!s || !s->known)
		return refuse(m, e, "not a request that is served");
	if (s->fds == FDS_REGIONS)
		return check_regions(m, e);
	if (m->size != s->size)
		return refuse(m, e, "not the size of this request");
	if (s->fds == FDS_NONE && m->n_fds)
		return refuse(m, e, "expected no descriptor");
	if (s->fds == FDS_VRING && m->n_fds != (m->body.u64 & VHOST_NO_FD ? 0 : 1))
		return refuse(m, e, "not the descriptor that it announces");
	return 0;
}

static int recv_body(int sock, void *body, size_t size, struct err *e)
{
	size_t have = 0;

	while (have < size) {
		ssize_t n = recv(sock, (char *)body + have, size - have, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, errno, "read a vhost-user message");
		if (n == 0)
			return err_set(e, EPROTO, "a vhost-user message ends early");
		have += (size_t)n;
	}
	return 0;
}

static int recv_message(int sock, struct vhost_msg *m, struct err *e)
{
	ssize_t n = fd_recv(sock, m, HEAD_SIZE, m->fd, VHOST_FDS_MAX, &m->n_fds);

	if (n == -ECONNRESET)
		return 0;
	if (n < 0)
		return err_sys(e, (int)-n, "read a vhost-user message");
	if (n == 0)
		return 0;
	if (n < (ssize_t)HEAD_SIZE && recv_body(sock, (char *)m + n, HEAD_SIZE - (size_t)n, e) < 0)
		return -e->code;
	if (m->size > sizeof(m->body))
		return refuse(m, e, "too large");
	if (recv_body(sock, &m->body, m->size, e) < 0)
		return -e->code;
	return vhost_msg_check(m, e) < 0 ? -e->code : 1;
}

int vhost_msg_recv(int sock, struct vhost_msg *out, struct err *e)
{
	int r;

	memset(out, 0, sizeof(*out));
	for (int i = 0; i < VHOST_FDS_MAX; i++)
		out->fd[i] = -1;
	r = recv_message(sock, out, e);
	if (r <= 0)
		vhost_msg_free(out);
	return r;
}

bool vhost_msg_wants_ack(const struct vhost_msg *m)
{
	return m->flags & FLAG_NEED_REPLY;
}

int vhost_msg_reply(int sock, const struct vhost_msg *m, size_t size, struct err *e)
{
	const uint32_t head[3] = { m->request, FLAG_VERSION | FLAG_REPLY, (uint32_t)size };
	char wire[HEAD_SIZE + sizeof(m->body)];
	ssize_t n;

	memcpy(wire, head, HEAD_SIZE);
	memcpy(wire + HEAD_SIZE, &m->body, size);
	n = fd_send(sock, wire, HEAD_SIZE + size, NULL, 0);
	if (n < 0)
		return err_sys(e, (int)-n, "answer vhost-user request %u", m->request);
	return n == (ssize_t)(HEAD_SIZE + size) ? 0 : err_set(e, EIO, "answer vhost-user request %u", m->request);
}

void vhost_msg_free(struct vhost_msg *m)
{
	for (int i = 0; i < VHOST_FDS_MAX; i++)
		fd_close(&m->fd[i]);
	m->n_fds = 0;
}
