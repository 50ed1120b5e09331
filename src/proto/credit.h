/* SPDX-License-Identifier: Apache-2.0 */
/*
 * credit.h: flow control of one direction of one stream.
 *
 * A stream starts with CREDIT_START bytes that may be sent. What has been sent lowers
 * that, a CREDIT message raises it; the receiver grants again what it has passed on.
 * So neither end ever holds more than CREDIT_START bytes of a stream.
 *
 * A process's input starts with CREDIT_INPUT alone, and what is granted again is what the process has read: what
 * others could have read of it is not to be taken from them for a process that reads nothing. Once it has
 * proved a reader, credit_receiver_widen() makes it a stream like the others.
 */
#ifndef HUSK_PROTO_CREDIT_H
#define HUSK_PROTO_CREDIT_H

#include "err.h"

#include <stddef.h>
#include <stdint.h>

#define CREDIT_START (256U << 10) /* bytes */
#define CREDIT_INPUT 4096U	  /* bytes: the least that a pipe holds */

/* The sender's end. */
struct credit_sender {
	uint32_t left; /* bytes that may be sent now; <= CREDIT_START */
};

/* The receiver's end. */
struct credit_receiver {
	uint32_t open; /* bytes that may still come */
	uint32_t held; /* came, and were not passed on yet */
	uint32_t owed; /* passed on, and not granted again yet */
	uint32_t step; /* so many are granted at once, at least */
};

/* start: CREDIT_START or CREDIT_INPUT. */
void credit_sender_init(struct credit_sender *s, uint32_t start);
/* len bytes are sent; len <= s->left. */
void credit_sender_use(struct credit_sender *s, size_t len);
/* A CREDIT message came. -EPROTO when it is more than was ever sent. */
int credit_sender_grant(struct credit_sender *s, uint32_t bytes, struct err *e);

void credit_receiver_init(struct credit_receiver *r, uint32_t start);
/* len bytes came. -EPROTO when they are more than was granted. */
int credit_receiver_take(struct credit_receiver *r, size_t len, struct err *e);
/* len of the bytes held were passed on (or thrown away). Returns how many to grant by a CREDIT message now, which
 * is then taken as sent; 0: none yet, so that not every write costs a message. */
uint32_t credit_receiver_pass(struct credit_receiver *r, size_t len);
/* From CREDIT_INPUT to CREDIT_START, once; the next credit_receiver_pass() grants the difference, too. */
void credit_receiver_widen(struct credit_receiver *r);

#endif
