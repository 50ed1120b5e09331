/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_frame.c: the bytes that one end of the agent's channel gets from the other.
 *
 * The first byte says which end sends (bit 0) and in what pieces the rest arrives. A frame
 * that passes is decoded, encoded again and must be the same bytes; a stream's frames go
 * through its credit.
 */
#include "credit.h"
#include "fuzz.h"
#include "message.h"

struct side {
	enum message_side from;
	struct credit_receiver in;
	struct credit_sender out;
	struct strbuf text;
	struct frame_writer w;
};

/* The frame again, by what was decoded. */
static int again_host(struct side *s, const struct frame *f, struct err *e)
{
	struct message_host_hello hello;
	struct message_exec exec;
	struct message_create create;
	struct message_signal sig;
	struct message_close output;
	struct message_size size;
	struct message_link link;
	int r = 0;

	switch (f->type) {
	case MSG_HELLO:
		r = message_host_hello_decode(f, &hello, e);
		return r < 0 ? r : message_put_host_hello(&s->w, &hello);
	case MSG_CREATE:
		r = message_create_decode(f, &create, e);
		return r < 0 ? r : message_put_create(&s->w, f->request, &create);
	case MSG_EXEC:
		r = message_exec_decode(f, &exec, e);
		return r < 0 ? r : message_put_exec(&s->w, f->process, f->request, &exec);
	case MSG_SIGNAL:
		r = message_signal_decode(f, &sig, e);
		return r < 0 ? r : message_put_signal(&s->w, f->process, f->request, &sig);
	case MSG_RESIZE:
		r = message_resize_decode(f, &size, e);
		return r < 0 ? r : message_put_resize(&s->w, f->process, f->request, &size);
	case MSG_CLOSE:
		r = message_close_decode(f, &output, e);
		return r < 0 ? r : message_put_close(&s->w, f->process, &output);
	case MSG_LINK:
		r = message_link_decode(f, &link, e);
		return r < 0 ? r : message_put_link(&s->w, &link);
	case MSG_RTNL:
		return message_put_data(&s->w, MSG_RTNL, 0, f->payload, f->len);
	default:
		return 1;
	}
}

static int again_agent(struct side *s, const struct frame *f, struct err *e)
{
	struct message_hello hello;
	struct message_log log;
	struct err failure;
	struct message_exit end;
	int r;

	switch (f->type) {
	case MSG_HELLO:
		r = message_hello_decode(f, &hello, e);
		return r < 0 ? r : message_put_hello(&s->w, &hello);
	case MSG_EXIT:
		r = message_exit_decode(f, &end, e);
		return r < 0 ? r : message_put_exit(&s->w, f->process, &end);
	case MSG_LOG:
		r = message_log_decode(f, &log, e);
		return r < 0 ? r : message_put_log(&s->w, &log);
	case MSG_ERR: /* the text may have changed */
		r = message_err_decode(f, &failure, e);
		require(r < 0 || strnlen(failure.msg, ERR_MSG_MAX) < ERR_MSG_MAX);
		return r < 0 ? r : 2;
	default:
		return 1;
	}
}

static int again(struct side *s, const struct frame *f, struct err *e)
{
	struct message_credit credit;
	uint32_t grant;
	int r;

	switch (f->type) {
	case MSG_TEXT:
		r = message_text_add(&s->text, f, e);
		require(s->text.len <= MESSAGE_TEXT_MAX);
		return r < 0 ? r : message_put_text(&s->w, f->request, (const char *)f->payload, f->len);
	case MSG_CREDIT:
		r = message_credit_decode(f, s->from, &credit, e);
		if (r < 0)
			return r;
		r = credit_sender_grant(&s->out, credit.bytes, e);
		require(s->out.left <= CREDIT_START);
		if (r == 0)
			credit_sender_use(&s->out, s->out.left / 2);
		return r < 0 ? r : message_put_credit(&s->w, f->process, &credit);
	case MSG_STDIN:
	case MSG_STDOUT:
	case MSG_STDERR:
		r = credit_receiver_take(&s->in, f->len, e);
		if (r < 0)
			return r;
		grant = credit_receiver_pass(&s->in, f->request % 2 ? s->in.held : s->in.held / 2);
		require(s->in.open <= CREDIT_START && grant <= CREDIT_START);
		return message_put_data(&s->w, (enum message_type)f->type, f->process, f->payload, f->len);
	default:
		return s->from == MESSAGE_HOST ? again_host(s, f, e) : again_agent(s, f, e);
	}
}

static int one_frame(struct side *s, const struct frame *f, struct err *e)
{
	const uint8_t *bytes;
	struct frame back;
	size_t len;
	int r = message_check(f, s->from, e);

	require(strcmp(message_type_name(f->type), "?") != 0 || r < 0);
	if (r < 0)
		return r;
	r = again(s, f, e);
	if (r == 1) /* an empty one */
		r = message_put(&s->w, (enum message_type)f->type, f->process, f->request);
	if (r != 0)
		return r < 0 ? r : 0;
	bytes = frame_writer_pending(&s->w, &len);
	require(len == FRAME_HEADER + f->len);
	require(frame_header_decode(bytes, &back, e) == 0);
	require(back.type == f->type && back.process == f->process && back.len == f->len);
	require(f->len == 0 || memcmp(bytes + FRAME_HEADER, f->payload, f->len) == 0);
	require(frame_writer_room(&s->w) < FRAME_PAYLOAD_MAX);
	frame_writer_sent(&s->w, len);
	return 0;
}

static void all_frames(struct side *s, struct frame_reader *r, const uint8_t *data, size_t size, size_t step)
{
	struct err e = { 0 };
	struct frame f;
	int res = 0;

	while (res >= 0 && size) {
		size_t room, len = step < size ? step : size;
		uint8_t *space = frame_reader_space(r, &room);

		require(room > 0);
		len = len < room ? len : room;
		memcpy(space, data, len);
		frame_reader_added(r, len);
		data += len;
		size -= len;
		while ((res = frame_reader_next(r, &f, &e)) == 1 && (res = one_frame(s, &f, &e)) >= 0)
			;
		require(frame_reader_pending(r) < FRAME_MAX);
	}
	if (res < 0)
		require_message(res, &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct frame_reader r;
	struct side s = { 0 };

	if (size < 1)
		return 0;
	s.from = data[0] & 1 ? MESSAGE_AGENT : MESSAGE_HOST;
	credit_receiver_init(&s.in, CREDIT_START);
	credit_sender_init(&s.out, CREDIT_START);
	credit_sender_use(&s.out, CREDIT_START);
	frame_writer_init(&s.w, FRAME_MAX);
	frame_reader_init(&r);
	all_frames(&s, &r, data + 1, size - 1, (size_t)(data[0] >> 1) * 16 + 1);
	frame_reader_free(&r);
	frame_writer_free(&s.w);
	free(s.text.s);
	return 0;
}
