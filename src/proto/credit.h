/* SPDX-License-Identifier: Apache-2.0 */
/*
 * credit.h: flow control of one direction of one stream.
 *
 * A stream starts with CREDIT_START bytes that may be sent. What has been sent lowers
 * that, a CREDIT message raises it; the receiver grants again what it has passed on.
 * So neither end ever holds more than CREDIT_START bytes of a stream.
 */
#ifndef HUSK_PROTO_CREDIT_H
#define HUSK_PROTO_CREDIT_H

#include "err.h"

#include <stddef.h>
#include <stdint.h>

#define CREDIT_START (256U << 10) /* bytes */

/* The sender's end. */
struct credit_sender {
	uint32_t left; /* bytes that may be sent now; <= CREDIT_START */
};

/* The receiver's end. */
struct credit_receiver {
	uint32_t open; /* bytes that may still come */
	uint32_t held; /* came, and were not passed on yet */
	uint32_t owed; /* passed on, and not granted again yet */
};

void credit_sender_init(struct credit_sender *s);
/* len bytes are sent; len <= s->left. */
void credit_sender_use(struct credit_sender *s, size_t len);
/* A CREDIT message came. -EPROTO when it is more than was ever sent. */
int credit_sender_grant(struct credit_sender *s, uint32_t bytes, struct err *e);

void credit_receiver_init(struct credit_receiver *r);
/* len bytes came. -EPROTO when they are more than was granted. */
int credit_receiver_take(struct credit_receiver *r, size_t len, struct err *e);
/* len of the bytes held were passed on (or thrown away). Returns how many to grant by a CREDIT message now, which
 * is then taken as sent; 0: none yet, so that not every write costs a message. */
uint32_t credit_receiver_pass(struct credit_receiver *r, size_t len);

#endif
