/* SPDX-License-Identifier: Apache-2.0 */
/* guest.c: see guest.h. */
#include "guest.h"

#include <string.h>

void guest_init(struct guest *g, const struct guest_events *events, void *arg)
{
	memset(g, 0, sizeof(*g));
	frame_writer_init(&g->out, GUEST_OUT_MAX);
	g->processes[0].used = true;
	g->events = events;
	g->arg = arg;
}

void guest_free(struct guest *g)
{
	for (size_t i = 0; i < GUEST_ASKS_MAX; i++)
		free(g->asks[i].text.s);
	frame_writer_free(&g->out);
}

/* ---- questions ---- */

static struct guest_ask *free_ask(struct guest *g)
{
	for (size_t i = 0; i < GUEST_ASKS_MAX; i++)
		if (!g->asks[i].request)
			return &g->asks[i];
	return NULL;
}

static struct guest_ask *find_ask(struct guest *g, uint32_t request)
{
	for (size_t i = 0; request && i < GUEST_ASKS_MAX; i++)
		if (g->asks[i].request == request)
			return &g->asks[i];
	return NULL;
}

static int too_much(struct err *e)
{
	return err_set(e, EAGAIN, "the guest does not answer: too much waits for it");
}

/* Room for a question, with this number and text before it. */
static struct guest_ask *open_ask(struct guest *g, enum message_type type, uint32_t process, const char *text,
				  size_t len, struct err *e)
{
	struct guest_ask *a = free_ask(g);
	uint32_t request = g->last_request;

	do
		request++;
	while (request == 0 || find_ask(g, request));
	if (!a || len > MESSAGE_TEXT_MAX || (len && message_put_text(&g->out, request, text, len) < 0)) {
		if (len > MESSAGE_TEXT_MAX)
			(void)err_set(e, EFBIG, "%zu bytes are too many for the guest: at most %u", len,
				      MESSAGE_TEXT_MAX);
		else
			(void)too_much(e);
		return NULL;
	}
	*a = (struct guest_ask){ .request = request, .type = type, .process = process };
	g->last_request = request;
	return a;
}

/* put: what writing its frame gave. */
static int close_ask(struct guest_ask *a, int put, void *who, int64_t deadline_ms, struct err *e)
{
	a->who = who;
	a->deadline_ms = deadline_ms;
	if (put == 0)
		return 0;
	a->request = 0;
	return too_much(e);
}

int guest_hello(struct guest *g, const struct message_host_hello *m, struct err *e)
{
	return message_put_host_hello(&g->out, m) < 0 ? too_much(e) : 0;
}

int guest_link(struct guest *g, const struct message_link *m, const char *messages, size_t len, struct err *e)
{
	int r = message_put_link(&g->out, m);

	for (size_t at = 0, chunk; r == 0 && at < len; at += chunk) {
		chunk = len - at < FRAME_PAYLOAD_MAX ? len - at : FRAME_PAYLOAD_MAX;
		r = message_put_data(&g->out, MSG_RTNL, 0, messages + at, chunk);
	}
	return r < 0 ? too_much(e) : 0;
}

int guest_create(struct guest *g, const struct message_create *m, const char *config, void *who, struct err *e)
{
	struct guest_ask *a = open_ask(g, MSG_CREATE, 0, config, strlen(config), e);

	if (!a)
		return -e->code;
	g->processes[0].terminal = m->terminal.terminal;
	return close_ask(a, message_put_create(&g->out, a->request, m), who, 0, e);
}

int guest_start(struct guest *g, void *who, struct err *e)
{
	struct guest_ask *a = open_ask(g, MSG_START, 0, NULL, 0, e);

	return a ? close_ask(a, message_put(&g->out, MSG_START, 0, a->request), who, 0, e) : -e->code;
}

static int find_number(const struct guest *g, uint32_t *out, struct err *e)
{
	uint32_t running = 0, n = 0;

	for (uint32_t i = GUEST_PROCESSES - 1; i > 0; i--) {
		running += g->processes[i].used && !g->processes[i].exited;
		if (!g->processes[i].used)
			n = i;
	}
	if (running >= MESSAGE_PROCESSES_MAX)
		return err_set(e, EAGAIN, "exec: %d processes at once are all that a VM takes", MESSAGE_PROCESSES_MAX);
	if (!n)
		return err_set(e, EAGAIN,
			       "exec: %u processes that have ended left others in the background with their output, "
			       "which are all that a VM takes",
			       MESSAGE_NUMBERS_MAX - running);
	*out = n;
	return 0;
}

int guest_exec(struct guest *g, const struct message_exec *m, const char *process, size_t len, void *who,
	       int64_t deadline_ms, uint32_t *out_process, struct err *e)
{
	uint32_t n = 0;
	struct guest_ask *a;
	int r = find_number(g, &n, e);

	if (r < 0)
		return r;
	a = open_ask(g, MSG_EXEC, n, process, len, e);
	if (!a)
		return -e->code;
	r = close_ask(a, message_put_exec(&g->out, n, a->request, m), who, deadline_ms, e);
	if (r < 0)
		return r;
	g->processes[n] = (struct guest_process){ .used = true, .terminal = m->terminal.terminal };
	*out_process = n;
	return 0;
}

int guest_signal(struct guest *g, uint32_t process, const struct message_signal *m, void *who, int64_t deadline_ms,
		 struct err *e)
{
	struct guest_ask *a = open_ask(g, MSG_SIGNAL, process, NULL, 0, e);

	return a ? close_ask(a, message_put_signal(&g->out, process, a->request, m), who, deadline_ms, e) : -e->code;
}

int guest_ask(struct guest *g, enum message_type type, const char *text, size_t len, void *who, int64_t deadline_ms,
	      struct err *e)
{
	struct guest_ask *a = open_ask(g, type, 0, text, len, e);

	return a ? close_ask(a, message_put(&g->out, type, 0, a->request), who, deadline_ms, e) : -e->code;
}

void guest_resize(struct guest *g, uint32_t process, const struct message_size *m)
{
	struct err e = { 0 };
	struct guest_ask *a = open_ask(g, MSG_RESIZE, process, NULL, 0, &e);

	if (a) /* whether it came to it or not: nothing could be done */
		(void)close_ask(a, message_put_resize(&g->out, process, a->request, m), NULL, 0, &e);
}

void guest_shutdown(struct guest *g)
{
	(void)message_put(&g->out, MSG_SHUTDOWN, 0, 0);
}

void guest_forget(struct guest *g, const void *who)
{
	for (size_t i = 0; i < GUEST_ASKS_MAX; i++)
		if (g->asks[i].who == who)
			g->asks[i].who = NULL;
}

bool guest_is_alone(const struct guest *g)
{
	for (uint32_t n = 1; n < GUEST_PROCESSES; n++)
		if (g->processes[n].used)
			return false;
	return true;
}

static void answer(struct guest *g, struct guest_ask *a, const struct err *failure)
{
	struct guest_answer out = {
		.type = a->type,
		.process = a->process,
		.who = a->who,
		.failure = failure,
		.text = a->text.s ? a->text.s : "",
		.len = a->text.len,
	};

	g->events->answered(g->arg, &out);
}

bool guest_expired(struct guest *g, int64_t now_ms)
{
	struct err late = { 0 };

	for (size_t i = 0; i < GUEST_ASKS_MAX; i++) {
		struct guest_ask *a = &g->asks[i];

		if (!a->request || !a->deadline_ms || a->deadline_ms > now_ms)
			continue;
		(void)err_set(&late, ETIMEDOUT, "the guest does not answer");
		a->deadline_ms = 0;
		if (a->who)
			answer(g, a, &late);
		a->who = NULL; /* its place stays: an answer may still come */
		return true;
	}
	return false;
}

int64_t guest_next_deadline(const struct guest *g)
{
	int64_t next = 0;

	for (size_t i = 0; i < GUEST_ASKS_MAX; i++)
		if (g->asks[i].request && g->asks[i].deadline_ms && (!next || g->asks[i].deadline_ms < next))
			next = g->asks[i].deadline_ms;
	return next;
}

/* ---- streams ---- */

size_t guest_input_room(const struct guest *g, uint32_t process)
{
	const struct guest_process *p = &g->processes[process];
	size_t room = frame_writer_room(&g->out);

	if (!p->started || p->ended[MESSAGE_STREAM_STDIN])
		return 0;
	if (room > FRAME_PAYLOAD_MAX)
		room = FRAME_PAYLOAD_MAX;
	return p->in.left < room ? p->in.left : room;
}

size_t guest_input_waits(const struct guest *g, uint32_t process)
{
	const struct guest_process *p = &g->processes[process];

	return p->started && p->in.left < CREDIT_INPUT ? CREDIT_INPUT - p->in.left : 0;
}

void guest_input(struct guest *g, uint32_t process, const void *data, size_t len)
{
	struct guest_process *p = &g->processes[process];

	if (message_put_data(&g->out, MSG_STDIN, process, data, len) < 0)
		return;
	credit_sender_use(&p->in, len);
	p->sent += len;
}

void guest_input_ended(struct guest *g, uint32_t process)
{
	struct guest_process *p = &g->processes[process];

	if (p->started && !p->ended[MESSAGE_STREAM_STDIN])
		(void)message_put(&g->out, MSG_STDIN_EOF, process, 0);
	p->ended[MESSAGE_STREAM_STDIN] = true;
}

void guest_passed(struct guest *g, uint32_t process, enum message_stream stream, size_t len)
{
	struct guest_process *p = &g->processes[process];
	struct message_credit credit = { .stream = stream };

	if (!p->started || p->ended[stream]) /* nothing more will come of it */
		return;
	credit.bytes = credit_receiver_pass(&p->out[stream], len);
	if (credit.bytes)
		(void)message_put_credit(&g->out, process, &credit);
}

void guest_close_output(struct guest *g, uint32_t process, enum message_stream stream)
{
	struct guest_process *p = &g->processes[process];
	struct message_close m = { .stream = stream };

	if (p->started && !p->ended[stream])
		(void)message_put_close(&g->out, process, &m);
}

/* ---- what the agent says ---- */

static int out_of_turn(const struct frame *f, const char *why, struct err *e)
{
	return err_set(e, EPROTO, "the agent sent %s for process %u: %s", message_type_name(f->type), f->process, why);
}

static int running_process(struct guest *g, const struct frame *f, struct guest_process **out, struct err *e)
{
	if (f->process >= GUEST_PROCESSES || !g->processes[f->process].started)
		return out_of_turn(f, "it does not run", e);
	*out = &g->processes[f->process];
	return 0;
}

/* Its number is free again when nothing more can come of it. */
static void settle(struct guest *g, uint32_t process)
{
	struct guest_process *p = &g->processes[process];

	if (p->exited && p->ended[MESSAGE_STREAM_STDOUT] && p->ended[MESSAGE_STREAM_STDERR])
		*p = (struct guest_process){ .used = process == 0 };
}

static int take_hello(struct guest *g, const struct frame *f, struct err *e)
{
	struct message_hello hello;
	int r;

	if (g->state != GUEST_BOOTING)
		return out_of_turn(f, "it was said before", e);
	r = message_hello_decode(f, &hello, e);
	if (r == 0)
		g->state = GUEST_READY;
	return r;
}

static void begin(struct guest_process *p)
{
	p->started = true;
	credit_sender_init(&p->in, CREDIT_INPUT);
	credit_receiver_init(&p->out[MESSAGE_STREAM_STDOUT], CREDIT_START);
	credit_receiver_init(&p->out[MESSAGE_STREAM_STDERR], CREDIT_START);
	p->ended[MESSAGE_STREAM_STDERR] = p->terminal;
}

/* What an OK means, or an ERR. */
static void apply(struct guest *g, const struct guest_ask *a, bool ok)
{
	if (a->type == MSG_CREATE && ok)
		g->state = GUEST_CREATED;
	if (a->type == MSG_START && ok)
		g->state = GUEST_RUNNING;
	if ((a->type == MSG_START || a->type == MSG_EXEC) && ok)
		begin(&g->processes[a->process]);
	if (a->type == MSG_EXEC && !ok)
		g->processes[a->process] = (struct guest_process){ 0 };
}

static int take_answer(struct guest *g, const struct frame *f, struct err *e)
{
	struct guest_ask *open = find_ask(g, f->request), a;
	struct err failure = { 0 };
	int r = 0;

	if (!open)
		return err_set(e, EPROTO, "the agent sent %s of question %u, which is not open",
			       message_type_name(f->type), f->request);
	if (f->type == MSG_ERR)
		r = message_err_decode(f, &failure, e);
	if (r < 0)
		return r;
	a = *open;
	*open = (struct guest_ask){ 0 };
	apply(g, &a, f->type == MSG_OK);
	answer(g, &a, f->type == MSG_OK ? NULL : &failure);
	free(a.text.s);
	return 0;
}

static int take_text(struct guest *g, const struct frame *f, struct err *e)
{
	struct guest_ask *a = find_ask(g, f->request);

	if (!a || (a->type != MSG_PS && a->type != MSG_STATS))
		return err_set(e, EPROTO, "the agent sent TEXT of question %u, which has none", f->request);
	if (f->len > GUEST_ANSWER_MAX - a->text.len)
		return err_set(e, EPROTO, "the agent sent TEXT of more than %u bytes", GUEST_ANSWER_MAX);
	return message_text_add(&a->text, f, e);
}

static int take_output(struct guest *g, const struct frame *f, struct err *e)
{
	enum message_stream s = f->type == MSG_STDOUT ? MESSAGE_STREAM_STDOUT : MESSAGE_STREAM_STDERR;
	struct guest_process *p;
	int r = running_process(g, f, &p, e);

	if (r == 0 && p->ended[s])
		r = out_of_turn(f, "the stream has ended", e);
	if (r == 0)
		r = credit_receiver_take(&p->out[s], f->len, e);
	if (r == 0)
		g->events->output(g->arg, f->process, s, f->payload, f->len);
	return r;
}

static int take_output_end(struct guest *g, const struct frame *f, struct err *e)
{
	enum message_stream s = f->type == MSG_STDOUT_EOF ? MESSAGE_STREAM_STDOUT : MESSAGE_STREAM_STDERR;
	struct guest_process *p;
	int r = running_process(g, f, &p, e);

	if (r == 0 && p->ended[s])
		r = out_of_turn(f, "the stream has ended", e);
	if (r < 0)
		return r;
	p->ended[s] = true;
	settle(g, f->process);
	g->events->output_ended(g->arg, f->process, s);
	return 0;
}

static int take_credit(struct guest *g, const struct frame *f, struct err *e)
{
	struct message_credit credit;
	struct guest_process *p;
	int r = running_process(g, f, &p, e);

	if (r == 0 && p->exited)
		r = out_of_turn(f, "it has ended", e);
	if (r == 0)
		r = message_credit_decode(f, MESSAGE_AGENT, &credit, e);
	return r < 0 ? r : credit_sender_grant(&p->in, credit.bytes, e);
}

static int take_exit(struct guest *g, const struct frame *f, struct err *e)
{
	struct message_exit m = { 0 };
	struct guest_process *p;
	uint64_t unread;
	int r;

	r = running_process(g, f, &p, e);
	if (r == 0 && p->exited)
		r = out_of_turn(f, "it has ended", e);
	if (r == 0)
		r = message_exit_decode(f, &m, e);
	if (r == 0 && m.taken > p->sent)
		r = out_of_turn(f, "it has read more than it got", e);
	if (r < 0)
		return r;
	unread = p->sent - m.taken;
	p->exited = p->ended[MESSAGE_STREAM_STDIN] = true;
	settle(g, f->process);
	if (f->process == 0)
		g->state = GUEST_ENDED;
	g->events->exited(g->arg, f->process, m.status, unread);
	return 0;
}

static int take_log(struct guest *g, const struct frame *f, struct err *e)
{
	struct guest_ask *a = find_ask(g, f->request);
	struct message_log line;
	int r = message_log_decode(f, &line, e);

	if (r < 0)
		return r;
	if (a && a->who && a->logs < GUEST_ASK_LOGS_MAX) {
		a->logs++;
		g->events->said(g->arg, a->who, &line);
	} else if (g->logs < GUEST_LOGS_MAX) {
		g->logs++;
		g->events->said(g->arg, NULL, &line);
	}
	return 0;
}

int guest_take(struct guest *g, const struct frame *f, struct err *e)
{
	int r = message_check(f, MESSAGE_AGENT, e);

	if (r < 0)
		return r;
	if (f->type != MSG_HELLO && f->type != MSG_LOG && g->state == GUEST_BOOTING)
		return out_of_turn(f, "HELLO comes first", e);
	switch (f->type) {
	case MSG_HELLO:
		return take_hello(g, f, e);
	case MSG_OK:
	case MSG_ERR:
		return take_answer(g, f, e);
	case MSG_TEXT:
		return take_text(g, f, e);
	case MSG_STDOUT:
	case MSG_STDERR:
		return take_output(g, f, e);
	case MSG_STDOUT_EOF:
	case MSG_STDERR_EOF:
		return take_output_end(g, f, e);
	case MSG_CREDIT:
		return take_credit(g, f, e);
	case MSG_EXIT:
		return take_exit(g, f, e);
	case MSG_OOM:
		g->events->oom(g->arg);
		return 0;
	case MSG_LOG:
		return take_log(g, f, e);
	default:
		return out_of_turn(f, "it is not for the host", e);
	}
}
