/* SPDX-License-Identifier: Apache-2.0 */
/* credit.c: see credit.h. */
#include "credit.h"

#include <assert.h>

void credit_sender_init(struct credit_sender *s, uint32_t start)
{
	s->left = start;
}

void credit_sender_use(struct credit_sender *s, size_t len)
{
	assert(len <= s->left);
	s->left -= (uint32_t)len;
}

int credit_sender_grant(struct credit_sender *s, uint32_t bytes, struct err *e)
{
	if (bytes > CREDIT_START - s->left)
		return err_set(e, EPROTO, "a credit of %u bytes is more than the %u that were sent", bytes,
			       CREDIT_START - s->left);
	s->left += bytes;
	return 0;
}

void credit_receiver_init(struct credit_receiver *r, uint32_t start)
{
	*r = (struct credit_receiver){ .open = start, .step = start == CREDIT_START ? CREDIT_START / 2 : 1 };
}

int credit_receiver_take(struct credit_receiver *r, size_t len, struct err *e)
{
	if (len > r->open)
		return err_set(e, EPROTO, "%zu bytes came where %u were granted", len, r->open);
	r->open -= (uint32_t)len;
	r->held += (uint32_t)len;
	return 0;
}

uint32_t credit_receiver_pass(struct credit_receiver *r, size_t len)
{
	uint32_t grant;

	assert(len <= r->held);
	r->held -= (uint32_t)len;
	r->owed += (uint32_t)len;
	if (r->owed < r->step)
		return 0;
	grant = r->owed;
	r->open += grant;
	r->owed = 0;
	return grant;
}

void credit_receiver_widen(struct credit_receiver *r)
{
	r->owed += CREDIT_START - CREDIT_INPUT;
	r->step = CREDIT_START / 2;
}
