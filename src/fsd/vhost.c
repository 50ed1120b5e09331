/* SPDX-License-Identifier: Apache-2.0 */
/* vhost.c: backend.h's backend_run(): what QEMU says, one message after the other. */
#include "backend.h"

#include "fd.h"

#include <sys/epoll.h>

#define BIT(n) (1ULL << (n))
/* features of virtio 1.2 (section 6) and of the protocol */
#define RING_INDIRECT_DESC 28
#define RING_EVENT_IDX 29
#define PROTOCOL_FEATURES 30
#define VERSION_1 32
#define PROTOCOL_MQ 0
#define PROTOCOL_REPLY_ACK 3

#define FEATURES (BIT(RING_INDIRECT_DESC) | BIT(RING_EVENT_IDX) | BIT(PROTOCOL_FEATURES) | BIT(VERSION_1))
#define PROTOCOL (BIT(PROTOCOL_MQ) | BIT(PROTOCOL_REPLY_ACK))

static struct backend_queue *queue_of(struct backend *d, uint32_t index, struct err *e)
{
	if (index < BACKEND_QUEUES_MAX)
		return &d->queue[index];
	(void)err_set(e, EPROTO, "vhost-user: queue %u: expected below %d", index, BACKEND_QUEUES_MAX);
	return NULL;
}

static void stop(struct backend_queue *dq)
{
	if (dq->q.memory)
		dq->base = vq_stop(&dq->q);
}

static bool any_runs(const struct backend *d)
{
	for (unsigned int i = 0; i < BACKEND_QUEUES_MAX; i++)
		if (d->queue[i].q.memory)
			return true;
	return false;
}

/* As soon as all is there: memory, rings, a kick descriptor. */
static int start_if_complete(struct backend *d, struct backend_queue *dq, struct err *e)
{
	const struct vq_memory *memory = &d->regions.memory;

	if (dq->q.memory || !memory->n || !dq->size || !dq->desc || dq->kick < 0)
		return 0;
	dq->q = (struct vq){
		.size = dq->size,
		.bytes_max = FS_REQUEST_MAX,
		.event_idx = d->features & BIT(RING_EVENT_IDX),
		.indirect = d->features & BIT(RING_INDIRECT_DESC),
		.desc = vq_memory_user(memory, dq->desc, vq_desc_bytes(dq->size)),
		.avail = vq_memory_user(memory, dq->avail, vq_avail_bytes(dq->size)),
		.used = vq_memory_user(memory, dq->used, vq_used_bytes(dq->size)),
	};
	if (!dq->q.desc || !dq->q.avail || !dq->q.used)
		return err_set(e, EPROTO, "vhost-user: the rings of a queue are not in the guest's memory");
	return vq_start(&dq->q, memory, dq->base, e);
}

static int set_features(struct backend *d, uint64_t features, struct err *e)
{
	if (features & ~FEATURES)
		return err_set(e, EPROTO, "vhost-user: features 0x%lx: not all were offered", (unsigned long)features);
	if (any_runs(d) && features != d->features)
		return err_set(e, EPROTO, "vhost-user: features changed while a queue runs");
	d->features = features;
	return 0;
}

/* A larger guest remembers more files. The jail's cgroup has twice this share beside the guest's memory, and more
 * than FS_MEMORY (vmplan_overhead()). */
#define MEMORY_SHARE 16

static size_t memory_for(const struct vq_memory *guest)
{
	uint64_t all = 0;

	for (unsigned int i = 0; i < guest->n; i++)
		all += guest->region[i].size / MEMORY_SHARE;
	return FS_MEMORY + all;
}

/* Queues that run go on in the new memory. */
static int set_memory(struct backend *d, const struct vhost_msg *m, struct err *e)
{
	int r;

	for (unsigned int i = 0; i < BACKEND_QUEUES_MAX; i++)
		stop(&d->queue[i]);
	r = regions_map(&d->regions, m, e);
	if (r == 0)
		fs_server_set_memory(d->fs, memory_for(&d->regions.memory));
	for (unsigned int i = 0; r == 0 && i < BACKEND_QUEUES_MAX; i++)
		r = start_if_complete(d, &d->queue[i], e);
	return r;
}

static int set_size(struct backend *d, const struct vhost_state *s, struct err *e)
{
	struct backend_queue *dq = queue_of(d, s->index, e);

	if (!dq)
		return -e->code;
	if (dq->q.memory)
		return err_set(e, EPROTO, "vhost-user: a queue's size changed while it runs");
	if (s->num == 0 || s->num > VQ_SIZE_MAX)
		return err_set(e, EPROTO, "vhost-user: a queue of %u: expected 1 to %d", s->num, VQ_SIZE_MAX);
	dq->size = s->num;
	return 0;
}

static int set_addr(struct backend *d, const struct vhost_addr *a, struct err *e)
{
	struct backend_queue *dq = queue_of(d, a->index, e);

	if (!dq)
		return -e->code;
	if (a->flags)
		return err_set(e, EPROTO, "vhost-user: a log of writes was not offered");
	stop(dq);
	dq->desc = a->desc;
	dq->avail = a->avail;
	dq->used = a->used;
	return start_if_complete(d, dq, e);
}

static int set_base(struct backend *d, const struct vhost_state *s, struct err *e)
{
	struct backend_queue *dq = queue_of(d, s->index, e);

	if (!dq)
		return -e->code;
	if (dq->q.memory)
		return err_set(e, EPROTO, "vhost-user: a queue's base changed while it runs");
	dq->base = (uint16_t)s->num;
	return 0;
}

static void drop_kick(struct backend *d, struct backend_queue *dq)
{
	if (dq->kick >= 0)
		(void)epoll_ctl(d->epoll, EPOLL_CTL_DEL, dq->kick, NULL);
	fd_close(&dq->kick);
}

/* The queue stops. When the last one does, the guest's driver is gone: so are its files. */
static int get_base(struct backend *d, struct vhost_msg *m, struct err *e)
{
	struct backend_queue *dq = queue_of(d, m->body.state.index, e);
	bool ran;

	if (!dq)
		return -e->code;
	ran = dq->q.memory;
	stop(dq);
	drop_kick(d, dq);
	dq->desc = 0;
	if (ran && !any_runs(d))
		fs_server_reset(d->fs);
	m->body.state.num = dq->base;
	return vhost_msg_reply(d->sock, m, sizeof(m->body.state), e);
}

static int set_kick(struct backend *d, struct backend_queue *dq, uint32_t index, int *fd, struct err *e)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.u32 = index };

	drop_kick(d, dq);
	if (*fd < 0)
		return err_set(e, EPROTO, "vhost-user: a queue without a kick descriptor (polling was not offered)");
	if (epoll_ctl(d->epoll, EPOLL_CTL_ADD, *fd, &event) < 0)
		return err_sys(e, errno, "wait for a queue's kick descriptor");
	dq->kick = fd_take(fd);
	return start_if_complete(d, dq, e);
}

static int set_vring_fd(struct backend *d, struct vhost_msg *m, struct err *e)
{
	uint32_t index = (uint32_t)m->body.u64 & VHOST_QUEUE_MASK;
	struct backend_queue *dq = queue_of(d, index, e);
	int *at;

	if (!dq)
		return -e->code;
	if (m->request == VHOST_SET_VRING_KICK)
		return set_kick(d, dq, index, &m->fd[0], e);
	at = m->request == VHOST_SET_VRING_CALL ? &dq->call : &dq->err;
	fd_close(at);
	*at = fd_take(&m->fd[0]);
	return 0;
}

static int set_enable(struct backend *d, const struct vhost_state *s, struct err *e)
{
	struct backend_queue *dq = queue_of(d, s->index, e);

	if (!dq)
		return -e->code;
	dq->enabled = s->num;
	return 0;
}

static int reply_u64(struct backend *d, struct vhost_msg *m, uint64_t value, struct err *e)
{
	m->body.u64 = value;
	return vhost_msg_reply(d->sock, m, sizeof(value), e);
}

static int set_protocol(struct backend *d, uint64_t features, struct err *e)
{
	if (features & ~PROTOCOL)
		return err_set(e, EPROTO, "vhost-user: protocol features 0x%lx: not all were offered",
			       (unsigned long)features);
	d->protocol_features = features;
	return 0;
}

/* *replied: the request has an answer of its own. */
static int obey(struct backend *d, struct vhost_msg *m, bool *replied, struct err *e)
{
	*replied = m->request == VHOST_GET_FEATURES || m->request == VHOST_GET_PROTOCOL_FEATURES ||
		   m->request == VHOST_GET_QUEUE_NUM || m->request == VHOST_GET_VRING_BASE;
	switch (m->request) {
	case VHOST_GET_FEATURES:
		return reply_u64(d, m, FEATURES, e);
	case VHOST_GET_PROTOCOL_FEATURES:
		return reply_u64(d, m, PROTOCOL, e);
	case VHOST_GET_QUEUE_NUM:
		return reply_u64(d, m, BACKEND_QUEUES_MAX, e);
	case VHOST_GET_VRING_BASE:
		return get_base(d, m, e);
	case VHOST_SET_FEATURES:
		return set_features(d, m->body.u64, e);
	case VHOST_SET_PROTOCOL_FEATURES:
		return set_protocol(d, m->body.u64, e);
	case VHOST_SET_MEM_TABLE:
		return set_memory(d, m, e);
	case VHOST_SET_VRING_NUM:
		return set_size(d, &m->body.state, e);
	case VHOST_SET_VRING_ADDR:
		return set_addr(d, &m->body.addr, e);
	case VHOST_SET_VRING_BASE:
		return set_base(d, &m->body.state, e);
	case VHOST_SET_VRING_KICK:
	case VHOST_SET_VRING_CALL:
	case VHOST_SET_VRING_ERR:
		return set_vring_fd(d, m, e);
	case VHOST_SET_VRING_ENABLE:
		return set_enable(d, &m->body.state, e);
	default: /* SET_OWNER, RESET_OWNER: nothing to do */
		return 0;
	}
}

/* What came before the queue ran was announced to nobody. */
static void kick_self(struct backend *d)
{
	uint64_t one = 1;

	for (unsigned int i = 0; i < BACKEND_QUEUES_MAX; i++)
		if (d->queue[i].q.memory)
			(void)!write(d->queue[i].kick, &one, sizeof(one));
}

static int handle(struct backend *d, struct vhost_msg *m, struct err *e)
{
	bool replied;
	int r;

	(void)pthread_rwlock_wrlock(&d->lock);
	r = obey(d, m, &replied, e);
	(void)pthread_rwlock_unlock(&d->lock);
	if (r == 0 && !replied && vhost_msg_wants_ack(m) && (d->protocol_features & BIT(PROTOCOL_REPLY_ACK)))
		r = reply_u64(d, m, 0, e);
	if (r == 0 && (m->request == VHOST_SET_MEM_TABLE || m->request == VHOST_SET_VRING_ENABLE ||
		       m->request == VHOST_SET_VRING_ADDR || m->request == VHOST_SET_VRING_KICK))
		kick_self(d);
	return r;
}

int backend_run(struct backend *d, struct err *e)
{
	struct vhost_msg m;
	int r;

	while ((r = vhost_msg_recv(d->sock, &m, e)) > 0) {
		r = handle(d, &m, e);
		vhost_msg_free(&m);
		if (r < 0)
			break;
	}
	return r;
}
