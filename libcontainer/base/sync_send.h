/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sync_send.h: the sending side of libcontainer/sync.h, which says what the messages mean. It is here
 * for programs that end their own start: they include nothing above base.
 */
#ifndef HUSK_BASE_SYNC_SEND_H
#define HUSK_BASE_SYNC_SEND_H

#include "err.h"
#include "sync_type.h"

#include <stdint.h>

struct sync_msg {
	uint32_t type;
	int32_t value;
	struct err err; /* SYNC_ERR and SYNC_WARN only */
};

/* fd: a descriptor to pass along, or -1. */
int sync_send(int sock, enum sync_type type, int32_t value, int fd, struct err *e);
int sync_send_err(int sock, const struct err *failure);
/* A text that is too long is cut. */
int sync_send_warning(int sock, const char *text);

#endif
