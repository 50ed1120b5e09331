/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vhost_msg.h: messages of the vhost-user protocol (QEMU's docs/interop/vhost-user), framing only.
 *
 * The other end is a QEMU that its guest may have taken over. A message has a head of 12 bytes, a
 * body of at most VHOST_BODY_MAX, and at most VHOST_FDS_MAX descriptors; anything else ends the
 * connection. Which bodies and descriptors a request takes is checked by vhost_msg_check(), before
 * anybody looks at them.
 */
#ifndef HUSK_FSD_VHOST_MSG_H
#define HUSK_FSD_VHOST_MSG_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum vhost_request {
	VHOST_GET_FEATURES = 1,
	VHOST_SET_FEATURES = 2,
	VHOST_SET_OWNER = 3,
	VHOST_RESET_OWNER = 4,
	VHOST_SET_MEM_TABLE = 5,
	VHOST_SET_VRING_NUM = 8,
	VHOST_SET_VRING_ADDR = 9,
	VHOST_SET_VRING_BASE = 10,
	VHOST_GET_VRING_BASE = 11,
	VHOST_SET_VRING_KICK = 12,
	VHOST_SET_VRING_CALL = 13,
	VHOST_SET_VRING_ERR = 14,
	VHOST_GET_PROTOCOL_FEATURES = 15,
	VHOST_SET_PROTOCOL_FEATURES = 16,
	VHOST_GET_QUEUE_NUM = 17,
	VHOST_SET_VRING_ENABLE = 18,
};

#define VHOST_REGIONS_MAX 8
#define VHOST_FDS_MAX VHOST_REGIONS_MAX

struct vhost_state {
	uint32_t index, num;
};

struct vhost_addr {
	uint32_t index, flags;
	uint64_t desc, used, avail, log;
};

struct vhost_region {
	uint64_t guest, size, user, offset;
};

struct vhost_memory {
	uint32_t n, padding;
	struct vhost_region region[VHOST_REGIONS_MAX];
};

struct vhost_msg {
	uint32_t request, flags, size; /* as on the wire */
	union {
		uint64_t u64;
		struct vhost_state state;
		struct vhost_addr addr;
		struct vhost_memory memory;
	} body;
	int fd[VHOST_FDS_MAX]; /* owned; -1: not there, or taken */
	int n_fds;
};

/* A vring message's u64: the queue, and whether a descriptor comes with it. */
#define VHOST_QUEUE_MASK 0xffU
#define VHOST_NO_FD (1U << 8)

/* 1 and a message that vhost_msg_check() passed; 0: the other end closed; -errno. The caller frees it. */
int vhost_msg_recv(int sock, struct vhost_msg *out, struct err *e);
/* The shape of a message: version, a request that is served, the size of its body, its descriptors. */
int vhost_msg_check(const struct vhost_msg *m, struct err *e);
bool vhost_msg_wants_ack(const struct vhost_msg *m);
/* Answers with the first size bytes of m->body. */
int vhost_msg_reply(int sock, const struct vhost_msg *m, size_t size, struct err *e);
/* Closes the descriptors that nobody took. */
void vhost_msg_free(struct vhost_msg *m);

#endif
