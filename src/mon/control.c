/* SPDX-License-Identifier: Apache-2.0 */
/* control.c: see control.h. */
#include "control.h"

#include "clock.h"
#include "fd.h"
#include "log.h"
#include "report.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#define OOMS_MAX 256				/* that wait for one */
#define OUT_MAX (GUEST_ANSWER_MAX + (1U << 20)) /* bytes that wait for a client */

struct client {
	struct channel channel;
	struct frame_writer out;
	struct strbuf text;
	uint32_t request; /* of its open question; 0: none is open */
	bool open;
	uint32_t process; /* 0: none was exec'd */
	bool has_stream, exited, watches;
	bool told; /* EXIT */
	bool left; /* the channel is closed; the stream goes on */
	int status;
	struct stream stream;
};

/* Root, or who made the machine: the credentials of a listening socket are those of listen(2), that is of husk.
 * In an ordinary user's namespace that may be any id. */
static bool peer_is_owner(int control, int fd)
{
	struct ucred owner, peer;
	socklen_t owner_len = sizeof(owner), len = sizeof(peer);

	return getsockopt(control, SOL_SOCKET, SO_PEERCRED, &owner, &owner_len) == 0 &&
	       getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && (peer.uid == 0 || peer.uid == owner.uid);
}

/* It is read in place of the answer to what was not read. */
static void refuse(int fd, const struct err *why)
{
	struct frame_writer out;
	const uint8_t *bytes;
	size_t len;

	frame_writer_init(&out, FRAME_MAX);
	(void)message_put_err(&out, 0, 0, why);
	bytes = frame_writer_pending(&out, &len);
	(void)send(fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	frame_writer_free(&out);
}

void control_accept(struct mon *m)
{
	AUTO_FD fd = accept4(m->control, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	struct err why = { 0 };

	if (fd < 0)
		return;
	if (!peer_is_owner(m->control, fd)) {
		(void)err_set(&why, EPERM, "only root and who made the VM may give it commands");
		refuse(fd, &why);
		return;
	}
	for (size_t i = 0; i < MON_CLIENTS_MAX; i++) {
		struct client *c;

		if (m->clients[i])
			continue;
		c = x_calloc(1, sizeof(*c));
		channel_init(&c->channel, fd_take(&fd), true);
		frame_writer_init(&c->out, OUT_MAX);
		m->clients[i] = c;
		return;
	}
	(void)err_set(&why, EAGAIN, "%d commands at once are all that a VM takes", MON_CLIENTS_MAX);
	refuse(fd, &why);
}

static void end(struct mon *m, struct client **slot)
{
	struct client *c = *slot;
	struct message_signal kill = { .signal = SIGKILL };
	struct err e = { 0 };

	guest_forget(&m->guest, c);
	if (c->process && m->owners[c->process] == c) {
		if (!c->exited && c->has_stream)
			(void)guest_signal(&m->guest, c->process, &kill, NULL, 0, &e);
		m->owners[c->process] = NULL;
	}
	if (c->has_stream)
		stream_close(&c->stream);
	channel_close(&c->channel);
	frame_writer_free(&c->out);
	free(c->text.s);
	free(c);
	*slot = NULL;
}

void control_close_all(struct mon *m)
{
	for (size_t i = 0; i < MON_CLIENTS_MAX; i++)
		if (m->clients[i])
			end(m, &m->clients[i]);
}

void control_finish_all(struct mon *m)
{
	for (size_t i = 0; i < MON_CLIENTS_MAX; i++)
		if (m->clients[i] && m->clients[i]->has_stream)
			stream_finish(&m->clients[i]->stream);
}

struct stream *control_stream(struct client *c)
{
	return c->has_stream ? &c->stream : NULL;
}

/* ---- answers ---- */

static void reply(struct client *c, const struct err *failure)
{
	if (failure)
		(void)message_put_err(&c->out, 0, c->request, failure);
	else
		(void)message_put(&c->out, MSG_OK, 0, c->request);
	c->open = false;
}

void control_answered(struct mon *m, const struct guest_answer *a)
{
	struct client *c = a->who;
	struct message_signal kill = { .signal = SIGKILL };
	struct err e = { 0 };

	if (!c) { /* it left meanwhile */
		if (a->type == MSG_EXEC && !a->failure)
			(void)guest_signal(&m->guest, a->process, &kill, NULL, 0, &e);
		return;
	}
	if (a->type == MSG_EXEC && !a->failure) {
		c->has_stream = true;
		stream_open(&c->stream, &m->guest, a->process, c->channel.fds, m->guest.processes[a->process].terminal);
		memset(c->channel.fds, 0xff, sizeof(c->channel.fds));
	} else if (a->type == MSG_EXEC) {
		m->owners[c->process] = NULL;
		c->process = 0;
	}
	if (a->len && !a->failure)
		(void)message_put_text(&c->out, c->request, a->text, a->len);
	reply(c, a->failure);
}

void control_warn(struct client *c, const char *text)
{
	const struct message_log line = {
		.level = LOG_LVL_WARN, .text = text, .len = strlen(text), .request = c->request
	};

	(void)message_put_log(&c->out, &line);
}

void control_exited(struct mon *m, uint32_t process, int status, uint64_t unread)
{
	struct client *c = m->owners[process];

	if (!c)
		return;
	c->exited = true;
	c->status = status;
	if (c->has_stream)
		stream_exited(&c->stream, unread);
}

void control_settle(struct mon *m, uint32_t process)
{
	if (process && !m->guest.processes[process].used)
		m->owners[process] = NULL;
}

void control_oom(struct mon *m)
{
	for (size_t i = 0; i < MON_CLIENTS_MAX; i++) {
		size_t waiting;

		if (!m->clients[i] || !m->clients[i]->watches)
			continue;
		(void)frame_writer_pending(&m->clients[i]->out, &waiting);
		if (waiting < OOMS_MAX * FRAME_HEADER)
			(void)message_put(&m->clients[i]->out, MSG_OOM, 0, 0);
	}
}

/* ---- questions ---- */

static int open_exec(struct mon *m, struct client *c, const struct frame *f, struct err *e)
{
	struct message_exec x;
	int r = message_exec_decode(f, &x, e);

	if (r < 0)
		return r;
	if (c->process || c->channel.n_fds != 3)
		return err_set(e, EPROTO, "EXEC brings three descriptors, once");
	r = guest_exec(&m->guest, &x, c->text.s ? c->text.s : "", c->text.len, c, clock_monotonic_ms() + MON_EXEC_MS,
		       &c->process, e);
	if (r == 0)
		m->owners[c->process] = c;
	return r;
}

static int open_signal(struct mon *m, struct client *c, const struct frame *f, struct err *e)
{
	struct message_signal s;
	int r = message_signal_decode(f, &s, e);

	if (r < 0)
		return r;
	if (c->process && !c->exited)
		return guest_signal(&m->guest, c->process, &s, f->request ? c : NULL,
				    clock_monotonic_ms() + MON_ANSWER_MS, e);
	if (m->step < STEP_UP) {
		mon_signal(m, (int)s.signal);
		reply(c, NULL);
		return 0;
	}
	return guest_signal(&m->guest, 0, &s, c, clock_monotonic_ms() + MON_ANSWER_MS, e);
}

static int resize(struct mon *m, const struct client *c, const struct frame *f, struct err *e)
{
	struct message_size size;
	int r = message_resize_decode(f, &size, e);

	if (r == 0 && c->process && !c->exited)
		guest_resize(&m->guest, c->process, &size);
	return r;
}

static int64_t deadline_of(uint16_t type)
{
	bool is_mounts = type == MSG_MOUNTS_ADD || type == MSG_MOUNTS_REMOVE;

	return clock_monotonic_ms() + (is_mounts ? MON_EXEC_MS : MON_ANSWER_MS);
}

static int open_question(struct mon *m, struct client *c, const struct frame *f, struct err *e)
{
	if (m->step == STEP_END)
		return err_set(e, ESRCH, "container not running");
	if (f->type == MSG_SIGNAL)
		return open_signal(m, c, f, e);
	if (m->step != STEP_UP)
		return err_set(e, EBUSY, "the VM is still booting");
	if (f->type == MSG_EXEC)
		return open_exec(m, c, f, e);
	if (f->type == MSG_WATCH) {
		c->watches = true;
		reply(c, NULL);
		return 0;
	}
	return guest_ask(&m->guest, (enum message_type)f->type, c->text.s, c->text.len, c, deadline_of(f->type), e);
}

/* Negative: the client does not keep to the protocol. gone: nobody waits for the answer any more, as when the jail was
 * frozen meanwhile: then nothing is done but to pass a signal on, as the kernel would. */
static int take(struct mon *m, struct client *c, const struct frame *f, bool gone, struct err *e)
{
	struct err why = { 0 };
	int r = message_check(f, MESSAGE_HOST, e);

	if (r < 0 || (gone && f->type != MSG_SIGNAL))
		return r;
	switch (f->type) {
	case MSG_TEXT:
		return message_text_add(&c->text, f, e);
	case MSG_RESIZE:
		return resize(m, c, f, e);
	case MSG_SIGNAL:
	case MSG_PS:
	case MSG_STATS:
	case MSG_UPDATE:
	case MSG_MOUNTS_ADD:
	case MSG_MOUNTS_REMOVE:
	case MSG_MOUNTS_GONE:
	case MSG_EXEC:
	case MSG_WATCH:
		break;
	default:
		return err_set(e, EPROTO, "%s is not for husk-mon", message_type_name(f->type));
	}
	if (f->type == MSG_SIGNAL && !f->request && c->process) {
		(void)open_signal(m, c, f, &why);
		return 0;
	}
	if (c->open)
		return err_set(e, EPROTO, "%s comes before the last answer", message_type_name(f->type));
	c->open = true;
	c->request = f->request;
	r = open_question(m, c, f, &why);
	free(c->text.s);
	c->text = (struct strbuf){ 0 };
	if (r < 0)
		reply(c, &why);
	return 0;
}

static int read_frames(struct mon *m, struct client *c, bool gone)
{
	struct err e = { 0 };
	struct frame f;
	int r = channel_read(&c->channel, &e);

	while (r >= 0 && (r = frame_reader_next(&c->channel.in, &f, &e)) > 0)
		r = take(m, c, &f, gone, &e);
	return r;
}

/* The proxy has gone; who reads the process's output may be there still. */
static void leave(struct mon *m, struct client **slot)
{
	struct client *c = *slot;

	if (c->exited && c->has_stream && !stream_is_over(&c->stream)) {
		channel_close(&c->channel);
		c->left = true;
	} else {
		end(m, slot);
	}
}

static int talk(struct mon *m, struct client *c, short revents)
{
	const struct message_exit m_exit = { .status = c->status };
	int r = 0;

	if (revents & (POLLIN | POLLHUP | POLLERR))
		r = read_frames(m, c, revents & POLLHUP);
	if (c->exited && !c->told && (!c->has_stream || stream_is_settled(&c->stream))) {
		(void)message_put_exit(&c->out, 0, &m_exit);
		c->told = true;
	}
	return r < 0 ? r : channel_write(&c->channel, &c->out);
}

void control_poll(const struct client *c, struct pollfd p[CONTROL_POLLS])
{
	p[0] = c->left ? (struct pollfd){ .fd = -1 } : channel_poll(&c->channel, &c->out, true);
	for (int i = 1; i < CONTROL_POLLS; i++)
		p[i].fd = -1;
	if (c->has_stream)
		stream_poll(&c->stream, p + 1);
}

static void tell_losses(const struct mon *m, struct client *c)
{
	for (char *why; (why = stream_loss(&c->stream)); free(why))
		if (c->left)
			report_loss(m, why);
		else
			control_warn(c, why);
}

void control_move(struct mon *m, struct client **slot, const struct pollfd p[CONTROL_POLLS])
{
	struct client *c = *slot;

	if (c->has_stream) {
		stream_move(&c->stream, p + 1);
		tell_losses(m, c);
	}
	if (!c->left && talk(m, c, p[0].revents) < 0)
		leave(m, slot);
	else if (c->left && stream_is_over(&c->stream))
		end(m, slot);
}

bool control_is_idle(const struct client *c)
{
	size_t len;

	(void)frame_writer_pending(&c->out, &len);
	return len == 0 && !(c->exited && !c->told) && (!c->has_stream || !stream_held(&c->stream));
}
