/* SPDX-License-Identifier: Apache-2.0 */
/* message.c: see message.h. */
#include "message.h"

#include "ifname.h"
#include "le.h"

#include <assert.h>
#include <string.h>

#define SIDE_HOST (1U << MESSAGE_HOST)
#define SIDE_AGENT (1U << MESSAGE_AGENT)

#define FLAG_TERMINAL 1U /* of CREATE and EXEC */
#define FLAG_ALL 1U	 /* of SIGNAL */

#define HELLO_LEN 4
#define HOST_HELLO_LEN (4 + 8 + 4 + MESSAGE_ENTROPY)
#define TERMINAL_LEN 8
#define SIGNAL_LEN 8
#define SIZE_LEN 4
#define CREDIT_LEN 8
#define CLOSE_LEN 4
#define EXIT_LEN (4 + 8)
#define LINK_NAME_MAX (IF_NAMESIZE - 1)
#define CODE_LEN 4 /* of ERR and LOG, before the text */

#define SIGNAL_MAX 64
#define ERRNO_MAX 4095

/* What each type's frames look like. HELLO's two lengths are told apart by message_check(). */
static const struct shape {
	const char *name;
	unsigned int from; /* SIDE_... */
	uint32_t min, max; /* bytes of the payload */
	bool process;	   /* process may be other than 0 */
} shapes[MSG_TYPE_END] = {
	[MSG_HELLO] = { "HELLO", SIDE_HOST | SIDE_AGENT, HELLO_LEN, HOST_HELLO_LEN, false },
	[MSG_TEXT] = { "TEXT", SIDE_HOST | SIDE_AGENT, 1, FRAME_PAYLOAD_MAX, false },
	[MSG_CREDIT] = { "CREDIT", SIDE_HOST | SIDE_AGENT, CREDIT_LEN, CREDIT_LEN, true },
	[MSG_CREATE] = { "CREATE", SIDE_HOST, TERMINAL_LEN + 1, TERMINAL_LEN + MESSAGE_ID_MAX, false },
	[MSG_START] = { "START", SIDE_HOST, 0, 0, false },
	[MSG_EXEC] = { "EXEC", SIDE_HOST, TERMINAL_LEN, TERMINAL_LEN + MESSAGE_CGROUP_MAX, true },
	[MSG_SIGNAL] = { "SIGNAL", SIDE_HOST, SIGNAL_LEN, SIGNAL_LEN, true },
	[MSG_RESIZE] = { "RESIZE", SIDE_HOST, SIZE_LEN, SIZE_LEN, true },
	[MSG_STDIN] = { "STDIN", SIDE_HOST, 1, FRAME_PAYLOAD_MAX, true },
	[MSG_STDIN_EOF] = { "STDIN_EOF", SIDE_HOST, 0, 0, true },
	[MSG_UPDATE] = { "UPDATE", SIDE_HOST, 0, 0, false },
	[MSG_PS] = { "PS", SIDE_HOST, 0, 0, false },
	[MSG_STATS] = { "STATS", SIDE_HOST, 0, 0, false },
	[MSG_SHUTDOWN] = { "SHUTDOWN", SIDE_HOST, 0, 0, false },
	[MSG_OK] = { "OK", SIDE_AGENT, 0, 0, true },
	[MSG_ERR] = { "ERR", SIDE_AGENT, CODE_LEN + 1, CODE_LEN + MESSAGE_REASON_MAX, true },
	[MSG_STDOUT] = { "STDOUT", SIDE_AGENT, 1, FRAME_PAYLOAD_MAX, true },
	[MSG_STDERR] = { "STDERR", SIDE_AGENT, 1, FRAME_PAYLOAD_MAX, true },
	[MSG_STDOUT_EOF] = { "STDOUT_EOF", SIDE_AGENT, 0, 0, true },
	[MSG_STDERR_EOF] = { "STDERR_EOF", SIDE_AGENT, 0, 0, true },
	[MSG_EXIT] = { "EXIT", SIDE_AGENT, EXIT_LEN, EXIT_LEN, true },
	[MSG_OOM] = { "OOM", SIDE_AGENT, 0, 0, false },
	[MSG_LOG] = { "LOG", SIDE_AGENT, CODE_LEN + 1, CODE_LEN + MESSAGE_REASON_MAX, false },
	[MSG_WATCH] = { "WATCH", SIDE_HOST, 0, 0, false },
	[MSG_MOUNTS_ADD] = { "MOUNTS_ADD", SIDE_HOST, 0, 0, false },
	[MSG_MOUNTS_REMOVE] = { "MOUNTS_REMOVE", SIDE_HOST, 0, 0, false },
	[MSG_MOUNTS_GONE] = { "MOUNTS_GONE", SIDE_HOST, 0, 0, false },
	[MSG_LINK] = { "LINK", SIDE_HOST, ETH_ALEN + 1, ETH_ALEN + LINK_NAME_MAX, false },
	[MSG_RTNL] = { "RTNL", SIDE_HOST, 1, FRAME_PAYLOAD_MAX, false },
	[MSG_CLOSE] = { "CLOSE", SIDE_HOST, CLOSE_LEN, CLOSE_LEN, true },
};

const char *message_type_name(uint16_t type)
{
	return type < MSG_TYPE_END && shapes[type].name ? shapes[type].name : "?";
}

int message_check(const struct frame *f, enum message_side from, struct err *e)
{
	const char *sender = from == MESSAGE_HOST ? "the host" : "the agent";
	const struct shape *s = f->type < MSG_TYPE_END ? &shapes[f->type] : NULL;
	size_t min, max;

	if (!s || !s->name)
		return err_set(e, EPROTO, "%s sent a message of the unknown type %u", sender, f->type);
	if (!(s->from & 1U << from))
		return err_set(e, EPROTO, "%s sent %s, which only the other end may send", sender, s->name);
	min = f->type == MSG_HELLO && from == MESSAGE_HOST ? s->max : s->min;
	max = f->type == MSG_HELLO && from == MESSAGE_AGENT ? s->min : s->max;
	if (f->len < min || f->len > max)
		return err_set(e, EPROTO, "%s sent %s of %zu bytes: it has %zu to %zu", sender, s->name, f->len, min,
			       max);
	if (f->process && !s->process)
		return err_set(e, EPROTO, "%s sent %s for process %u: it is of no process", sender, s->name,
			       f->process);
	return 0;
}

int message_hello_decode(const struct frame *f, struct message_hello *out, struct err *e)
{
	uint32_t version = le32_get(f->payload);

	if (version != MESSAGE_VERSION)
		return err_set(e, EPROTO, "the agent speaks version %u of the protocol: expected %d", version,
			       MESSAGE_VERSION);
	out->version = version;
	return 0;
}

int message_host_hello_decode(const struct frame *f, struct message_host_hello *out, struct err *e)
{
	uint32_t version = le32_get(f->payload), ns = le32_get(f->payload + 12);

	if (version != MESSAGE_VERSION)
		return err_set(e, EPROTO, "the host speaks version %u of the protocol: expected %d", version,
			       MESSAGE_VERSION);
	if (ns > 999999999)
		return err_set(e, EPROTO, "HELLO: %u nanoseconds: expected at most 999999999", ns);
	*out = (struct message_host_hello){
		.version = version,
		.seconds = le64_get(f->payload + 4),
		.nanoseconds = ns,
	};
	memcpy(out->entropy, f->payload + 16, sizeof(out->entropy));
	return 0;
}

static int terminal_decode(const uint8_t *p, const char *name, struct message_terminal *out, struct err *e)
{
	uint32_t flags = le32_get(p);

	if (flags & ~FLAG_TERMINAL)
		return err_set(e, EPROTO, "%s: unknown flags 0x%x", name, flags);
	out->terminal = flags & FLAG_TERMINAL;
	out->size = (struct message_size){ .columns = le16_get(p + 4), .rows = le16_get(p + 6) };
	return 0;
}

int message_create_decode(const struct frame *f, struct message_create *out, struct err *e)
{
	const char *id = (const char *)f->payload + TERMINAL_LEN;
	size_t len = f->len - TERMINAL_LEN;

	if (memchr(id, '\0', len))
		return err_set(e, EPROTO, "CREATE: the id has a NUL byte");
	out->id = id;
	out->id_len = len;
	return terminal_decode(f->payload, "CREATE", &out->terminal, e);
}

int message_exec_decode(const struct frame *f, struct message_exec *out, struct err *e)
{
	const char *cgroup = (const char *)f->payload + TERMINAL_LEN;
	size_t len = f->len - TERMINAL_LEN;

	if (f->process == 0)
		return err_set(e, EPROTO, "EXEC: process 0 is the container's init");
	if (memchr(cgroup, '\0', len))
		return err_set(e, EPROTO, "EXEC: the cgroup has a NUL byte");
	out->cgroup = cgroup;
	out->cgroup_len = len;
	return terminal_decode(f->payload, "EXEC", &out->terminal, e);
}

int message_signal_decode(const struct frame *f, struct message_signal *out, struct err *e)
{
	uint32_t sig = le32_get(f->payload), flags = le32_get(f->payload + 4);

	if (sig == 0 || sig > SIGNAL_MAX)
		return err_set(e, EPROTO, "SIGNAL: %u is no signal: expected 1 to %d", sig, SIGNAL_MAX);
	if (flags & ~FLAG_ALL || (flags && f->process))
		return err_set(e, EPROTO, "SIGNAL: flags 0x%x for process %u", flags, f->process);
	out->signal = sig;
	out->all = flags & FLAG_ALL;
	return 0;
}

int message_resize_decode(const struct frame *f, struct message_size *out, struct err *e)
{
	(void)e;
	out->columns = le16_get(f->payload);
	out->rows = le16_get(f->payload + 2);
	return 0;
}

int message_credit_decode(const struct frame *f, enum message_side from, struct message_credit *out, struct err *e)
{
	uint32_t stream = le32_get(f->payload), bytes = le32_get(f->payload + 4);

	if (stream >= MESSAGE_STREAMS || (stream == MESSAGE_STREAM_STDIN) != (from == MESSAGE_AGENT))
		return err_set(e, EPROTO, "CREDIT: stream %u is none that this end sends", stream);
	out->stream = (enum message_stream)stream;
	out->bytes = bytes;
	return 0;
}

int message_close_decode(const struct frame *f, struct message_close *out, struct err *e)
{
	uint32_t stream = le32_get(f->payload);

	if (stream != MESSAGE_STREAM_STDOUT && stream != MESSAGE_STREAM_STDERR)
		return err_set(e, EPROTO, "CLOSE: stream %u is no output", stream);
	out->stream = (enum message_stream)stream;
	return 0;
}

int message_link_decode(const struct frame *f, struct message_link *out, struct err *e)
{
	size_t len = f->len - ETH_ALEN;

	*out = (struct message_link){ 0 };
	memcpy(out->mac, f->payload, sizeof(out->mac));
	memcpy(out->name, f->payload + ETH_ALEN, len);
	if (strlen(out->name) != len || !ifname_valid(out->name))
		return err_set(e, EPROTO, "LINK: no name of an interface (%s)", IFNAME_RULE);
	return 0;
}

int message_exit_decode(const struct frame *f, struct message_exit *out, struct err *e)
{
	uint32_t status = le32_get(f->payload);

	if (status > 255)
		return err_set(e, EPROTO, "EXIT: status %u: expected 0 to 255", status);
	out->status = (int)status;
	out->taken = le64_get(f->payload + 4);
	return 0;
}

int message_log_decode(const struct frame *f, struct message_log *out, struct err *e)
{
	uint32_t level = le32_get(f->payload);

	if (level > 3)
		return err_set(e, EPROTO, "LOG: unknown level %u", level);
	out->level = level;
	out->text = (const char *)f->payload + CODE_LEN;
	out->len = f->len - CODE_LEN;
	out->request = f->request;
	return 0;
}

int message_err_decode(const struct frame *f, struct err *out, struct err *e)
{
	uint32_t code = le32_get(f->payload);
	size_t len = f->len - CODE_LEN;

	if (code == 0 || code > ERRNO_MAX)
		return err_set(e, EPROTO, "ERR: code %u: expected 1 to %d", code, ERRNO_MAX);
	if (len >= sizeof(out->msg))
		len = sizeof(out->msg) - 1;
	out->code = (int)code;
	memcpy(out->msg, f->payload + CODE_LEN, len);
	out->msg[len] = '\0';
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)out->msg[i] < ' ' || out->msg[i] == 0x7f)
			out->msg[i] = '?';
	return 0;
}

int message_text_add(struct strbuf *text, const struct frame *f, struct err *e)
{
	if (f->len > MESSAGE_TEXT_MAX - text->len)
		return err_set(e, EPROTO, "a text of more than %u bytes came in parts", MESSAGE_TEXT_MAX);
	strbuf_add(text, (const char *)f->payload, f->len);
	return 0;
}

static int put(struct frame_writer *w, enum message_type type, uint32_t process, uint32_t request, const void *payload,
	       size_t len)
{
	return frame_write(w, &(struct frame){ .type = (uint16_t)type,
					       .process = process,
					       .request = request,
					       .payload = payload,
					       .len = len });
}

int message_put(struct frame_writer *w, enum message_type type, uint32_t process, uint32_t request)
{
	assert(shapes[type].name && shapes[type].min == 0);
	return put(w, type, process, request, NULL, 0);
}

int message_put_data(struct frame_writer *w, enum message_type type, uint32_t process, const void *data, size_t len)
{
	assert(shapes[type].min == 1 && len >= 1);
	return put(w, type, process, 0, data, len);
}

int message_put_text(struct frame_writer *w, uint32_t request, const char *text, size_t len)
{
	size_t frames = (len + FRAME_PAYLOAD_MAX - 1) / FRAME_PAYLOAD_MAX, waiting, chunk;
	int r = 0;

	(void)frame_writer_pending(w, &waiting);
	assert(len <= MESSAGE_TEXT_MAX);
	if (len + frames * FRAME_HEADER > w->max - waiting)
		return -ENOBUFS;
	for (size_t i = 0; r == 0 && i < len; i += chunk) {
		chunk = len - i < FRAME_PAYLOAD_MAX ? len - i : FRAME_PAYLOAD_MAX;
		r = put(w, MSG_TEXT, 0, request, text + i, chunk);
	}
	return r;
}

int message_put_hello(struct frame_writer *w, const struct message_hello *m)
{
	uint8_t p[HELLO_LEN];

	le32_put(p, m->version);
	return put(w, MSG_HELLO, 0, 0, p, sizeof(p));
}

int message_put_host_hello(struct frame_writer *w, const struct message_host_hello *m)
{
	uint8_t p[HOST_HELLO_LEN];

	le32_put(p, m->version);
	le64_put(p + 4, m->seconds);
	le32_put(p + 12, m->nanoseconds);
	memcpy(p + 16, m->entropy, sizeof(m->entropy));
	return put(w, MSG_HELLO, 0, 0, p, sizeof(p));
}

static void terminal_encode(const struct message_terminal *m, uint8_t p[TERMINAL_LEN])
{
	le32_put(p, m->terminal ? FLAG_TERMINAL : 0);
	le16_put(p + 4, m->size.columns);
	le16_put(p + 6, m->size.rows);
}

int message_put_create(struct frame_writer *w, uint32_t request, const struct message_create *m)
{
	uint8_t p[TERMINAL_LEN + MESSAGE_ID_MAX];

	assert(m->id_len >= 1 && m->id_len <= MESSAGE_ID_MAX);
	terminal_encode(&m->terminal, p);
	memcpy(p + TERMINAL_LEN, m->id, m->id_len);
	return put(w, MSG_CREATE, 0, request, p, TERMINAL_LEN + m->id_len);
}

int message_put_exec(struct frame_writer *w, uint32_t process, uint32_t request, const struct message_exec *m)
{
	uint8_t p[TERMINAL_LEN + MESSAGE_CGROUP_MAX];

	assert(m->cgroup_len <= MESSAGE_CGROUP_MAX);
	terminal_encode(&m->terminal, p);
	if (m->cgroup_len)
		memcpy(p + TERMINAL_LEN, m->cgroup, m->cgroup_len);
	return put(w, MSG_EXEC, process, request, p, TERMINAL_LEN + m->cgroup_len);
}

int message_put_signal(struct frame_writer *w, uint32_t process, uint32_t request, const struct message_signal *m)
{
	uint8_t p[SIGNAL_LEN];

	le32_put(p, m->signal);
	le32_put(p + 4, m->all ? FLAG_ALL : 0);
	return put(w, MSG_SIGNAL, process, request, p, sizeof(p));
}

int message_put_resize(struct frame_writer *w, uint32_t process, uint32_t request, const struct message_size *m)
{
	uint8_t p[SIZE_LEN];

	le16_put(p, m->columns);
	le16_put(p + 2, m->rows);
	return put(w, MSG_RESIZE, process, request, p, sizeof(p));
}

int message_put_credit(struct frame_writer *w, uint32_t process, const struct message_credit *m)
{
	uint8_t p[CREDIT_LEN];

	le32_put(p, (uint32_t)m->stream);
	le32_put(p + 4, m->bytes);
	return put(w, MSG_CREDIT, process, 0, p, sizeof(p));
}

int message_put_close(struct frame_writer *w, uint32_t process, const struct message_close *m)
{
	uint8_t p[CLOSE_LEN];

	le32_put(p, (uint32_t)m->stream);
	return put(w, MSG_CLOSE, process, 0, p, sizeof(p));
}

int message_put_link(struct frame_writer *w, const struct message_link *m)
{
	uint8_t p[ETH_ALEN + LINK_NAME_MAX];
	size_t len = strnlen(m->name, LINK_NAME_MAX);

	memcpy(p, m->mac, sizeof(m->mac));
	memcpy(p + ETH_ALEN, m->name, len);
	return put(w, MSG_LINK, 0, 0, p, ETH_ALEN + len);
}

int message_put_exit(struct frame_writer *w, uint32_t process, const struct message_exit *m)
{
	uint8_t p[EXIT_LEN];

	le32_put(p, (uint32_t)m->status);
	le64_put(p + 4, m->taken);
	return put(w, MSG_EXIT, process, 0, p, sizeof(p));
}

/* A code, and a text that is never empty. */
static int put_text(struct frame_writer *w, enum message_type type, uint32_t process, uint32_t request, uint32_t code,
		    const char *text, size_t len)
{
	uint8_t p[CODE_LEN + MESSAGE_REASON_MAX];

	if (len == 0) {
		text = "?";
		len = 1;
	}
	if (len > MESSAGE_REASON_MAX)
		len = MESSAGE_REASON_MAX;
	le32_put(p, code);
	memcpy(p + CODE_LEN, text, len);
	return put(w, type, process, request, p, CODE_LEN + len);
}

int message_put_err(struct frame_writer *w, uint32_t process, uint32_t request, const struct err *m)
{
	uint32_t code = m->code > 0 && m->code <= ERRNO_MAX ? (uint32_t)m->code : EIO;

	return put_text(w, MSG_ERR, process, request, code, m->msg, strnlen(m->msg, sizeof(m->msg)));
}

int message_put_log(struct frame_writer *w, const struct message_log *m)
{
	return put_text(w, MSG_LOG, 0, m->request, m->level, m->text, m->len);
}
