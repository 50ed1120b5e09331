/* SPDX-License-Identifier: Apache-2.0 */
/* frame.c: see frame.h. */
#include "frame.h"

#include "le.h"
#include "str.h"

#include <assert.h>
#include <string.h>

void frame_header_encode(const struct frame *f, uint8_t out[FRAME_HEADER])
{
	le32_put(out, (uint32_t)f->len);
	le16_put(out + 4, f->type);
	le16_put(out + 6, 0);
	le32_put(out + 8, f->process);
	le32_put(out + 12, f->request);
}

int frame_header_decode(const uint8_t in[FRAME_HEADER], struct frame *out, struct err *e)
{
	uint32_t len = le32_get(in);
	uint16_t type = le16_get(in + 4), flags = le16_get(in + 6);

	if (len > FRAME_PAYLOAD_MAX)
		return err_set(e, EPROTO, "a frame of type %u claims %u bytes: at most %d are allowed", type, len,
			       FRAME_PAYLOAD_MAX);
	if (flags)
		return err_set(e, EPROTO, "a frame of type %u has the flags 0x%x: none are defined", type, flags);
	*out = (struct frame){
		.type = type,
		.process = le32_get(in + 8),
		.request = le32_get(in + 12),
		.len = len,
	};
	return 0;
}

void frame_reader_init(struct frame_reader *r)
{
	*r = (struct frame_reader){ .buf = x_calloc(FRAME_MAX, 1) };
}

void frame_reader_free(struct frame_reader *r)
{
	free(r->buf);
	*r = (struct frame_reader){ 0 };
}

uint8_t *frame_reader_space(struct frame_reader *r, size_t *out_len)
{
	if (r->start) {
		memmove(r->buf, r->buf + r->start, r->end - r->start);
		r->end -= r->start;
		r->start = 0;
	}
	*out_len = FRAME_MAX - r->end;
	return r->buf + r->end;
}

void frame_reader_added(struct frame_reader *r, size_t len)
{
	assert(len <= FRAME_MAX - r->end);
	r->end += len;
}

int frame_reader_next(struct frame_reader *r, struct frame *out, struct err *e)
{
	size_t have = r->end - r->start;
	struct frame f;
	int res;

	if (have < FRAME_HEADER)
		return 0;
	res = frame_header_decode(r->buf + r->start, &f, e);
	if (res < 0)
		return res;
	if (f.len > have - FRAME_HEADER)
		return 0;
	if (f.len)
		f.payload = r->buf + r->start + FRAME_HEADER;
	r->start += FRAME_HEADER + f.len;
	*out = f;
	return 1;
}

size_t frame_reader_pending(const struct frame_reader *r)
{
	return r->end - r->start;
}

void frame_writer_init(struct frame_writer *w, size_t max)
{
	*w = (struct frame_writer){ .max = max };
}

void frame_writer_free(struct frame_writer *w)
{
	free(w->buf);
	*w = (struct frame_writer){ 0 };
}

/* Makes room for need more bytes behind w->end; the caller has checked that max allows them. */
static void make_room(struct frame_writer *w, size_t need)
{
	size_t have = w->end - w->start;

	if (need <= w->cap - w->end)
		return;
	if (w->start) {
		memmove(w->buf, w->buf + w->start, have);
		w->start = 0;
		w->end = have;
	}
	if (need <= w->cap - have)
		return;
	w->cap = have + need > 2 * w->cap ? have + need : 2 * w->cap;
	if (w->cap > w->max)
		w->cap = w->max;
	w->buf = x_realloc(w->buf, w->cap, 1);
}

int frame_write(struct frame_writer *w, const struct frame *f)
{
	size_t waiting = w->end - w->start;

	assert(f->len <= FRAME_PAYLOAD_MAX);
	if (f->len + FRAME_HEADER > w->max - waiting)
		return -ENOBUFS;
	make_room(w, FRAME_HEADER + f->len);
	frame_header_encode(f, w->buf + w->end);
	if (f->len)
		memcpy(w->buf + w->end + FRAME_HEADER, f->payload, f->len);
	w->end += FRAME_HEADER + f->len;
	return 0;
}

const uint8_t *frame_writer_pending(const struct frame_writer *w, size_t *out_len)
{
	*out_len = w->end - w->start;
	return w->buf ? w->buf + w->start : NULL;
}

void frame_writer_sent(struct frame_writer *w, size_t len)
{
	assert(len <= w->end - w->start);
	w->start += len;
	if (w->start == w->end)
		w->start = w->end = 0;
}

size_t frame_writer_room(const struct frame_writer *w)
{
	size_t free_bytes = w->max - (w->end - w->start);
	size_t room = free_bytes > FRAME_HEADER ? free_bytes - FRAME_HEADER : 0;

	return room < FRAME_PAYLOAD_MAX ? room : FRAME_PAYLOAD_MAX;
}
