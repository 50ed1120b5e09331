/* SPDX-License-Identifier: Apache-2.0 */
/* host.c: see host.h. */
#include "host.h"

#include "fd.h"
#include "guest.h"
#include "log.h"
#include "verb.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static int full(struct err *e)
{
	return err_set(e, ENOBUFS, "the channel to the host is full");
}

static int answer_ok(struct agent *a, uint32_t process, uint32_t request, struct err *e)
{
	if (!request) /* nobody waits for it */
		return 0;
	return message_put(&a->channel.out, MSG_OK, process, request) < 0 ? full(e) : 0;
}

static int answer_err(struct agent *a, uint32_t process, uint32_t request, const struct err *why, struct err *e)
{
	if (!request)
		return 0;
	return message_put_err(&a->channel.out, process, request, why) < 0 ? full(e) : 0;
}

/* r and why: what an act of the agent itself gave. */
static int answer(struct agent *a, const struct frame *f, int r, const struct err *why, struct err *e)
{
	return r < 0 ? answer_err(a, f->process, f->request, why, e) : answer_ok(a, f->process, f->request, e);
}

static void drop_text(struct agent *a)
{
	free(a->text.s);
	a->text = (struct strbuf){ 0 };
}

/* It was never made. */
static void forget_container(struct agent *a)
{
	free(a->id);
	a->id = NULL;
}

static struct session *free_session(struct agent *a)
{
	for (size_t i = 0; i < AGENT_SESSIONS; i++)
		if (a->sessions[i].pid == 0)
			return &a->sessions[i];
	return NULL;
}

/* why: of a failure. */
static int start_session(struct agent *a, const struct frame *f, struct verb *v, const int stdio[3], struct err *why)
{
	struct session *s = free_session(a);
	char tag[LOG_TAG_MAX];
	int report = -1, r;

	if (!s)
		return err_set(why, EAGAIN, "%d requests are being worked on: no more at once", AGENT_SESSIONS);
	v->ctx = &a->ctx;
	v->run_dir = a->run_dir;
	v->id = a->id;
	v->process = f->process;
	v->network = &a->network;
	r = session_start(s, stdio, &a->nofile, &report, why);
	if (r == 0) { /* the session */
		(void)snprintf(tag, sizeof(tag), "%u ", f->request);
		log_tag(tag);
		verb_run(v, report);
	}
	if (r < 0)
		return r;
	s->verb = v->type;
	s->process = f->process;
	s->request = f->request;
	return 0;
}

/* A session that makes or starts a process, whose streams are ready. */
static int start_process(struct agent *a, const struct frame *f, struct task *t, struct verb *v,
			 const struct message_terminal *m, struct err *why)
{
	AUTO_FREE char *console = NULL;
	int stdio[3] = { -1, -1, -1 }, r;

	if (m->terminal)
		console = x_printf("%s/console.%u", a->run_dir, f->process);
	r = task_open(t, f->process, console, stdio, why);
	v->console = console;
	if (m->terminal)
		v->size = m->size;
	v->text = a->text.s;
	v->text_len = a->text.len;
	if (r == 0)
		r = start_session(a, f, v, stdio, why);
	for (int i = 0; i < 3; i++)
		fd_close(&stdio[i]);
	drop_text(a);
	if (r < 0)
		task_close(t);
	return r;
}

static int on_create(struct agent *a, const struct frame *f, struct err *e)
{
	struct verb v = { .type = f->type };
	struct message_create m;
	struct err why = { 0 };
	int r = message_create_decode(f, &m, e);

	if (r < 0)
		return r;
	if (a->id)
		r = err_set(&why, EEXIST, "there is a container '%s' here already", a->id);
	else if (a->files_err.code)
		r = err_set(&why, a->files_err.code, "%s", a->files_err.msg);
	if (r < 0) {
		drop_text(a);
	} else {
		a->id = x_printf("%.*s", (int)m.id_len, m.id);
		r = start_process(a, f, &a->tasks[0], &v, &m.terminal, &why);
		if (r < 0)
			forget_container(a);
	}
	return r < 0 ? answer_err(a, 0, f->request, &why, e) : 0;
}

static int on_start(struct agent *a, const struct frame *f, struct err *e)
{
	struct verb v = { .type = f->type };
	struct task *init = &a->tasks[0];
	struct err why = { 0 };
	int r = 0;

	if (init->state != TASK_CREATED)
		r = err_set(&why, EINVAL, "there is no container that waits to be started");
	if (r == 0)
		r = start_session(a, f, &v, (const int[]){ -1, -1, -1 }, &why);
	if (r == 0)
		init->state = TASK_STARTING;
	return r < 0 ? answer_err(a, 0, f->request, &why, e) : 0;
}

/* A slot for one more exec'd process. */
static int find_slot(struct agent *a, struct task **out, struct err *why)
{
	size_t running = 0;

	*out = NULL;
	for (size_t i = 1; i < AGENT_TASKS; i++) {
		struct task *t = &a->tasks[i];

		running += t->state != TASK_FREE && t->state != TASK_LEFT;
		if (t->state == TASK_FREE && !*out)
			*out = t;
	}
	if (running >= MESSAGE_PROCESSES_MAX)
		return err_set(why, EAGAIN, "%d processes run beside the container's own: no more at once",
			       MESSAGE_PROCESSES_MAX);
	if (!*out)
		return err_set(why, EAGAIN,
			       "the outputs of %zu processes that have ended are still held open by others",
			       (size_t)MESSAGE_NUMBERS_MAX - running);
	return 0;
}

static int on_exec(struct agent *a, const struct frame *f, struct err *e)
{
	struct verb v = { .type = f->type };
	AUTO_FREE char *cgroup = NULL;
	struct message_exec m;
	struct err why = { 0 };
	struct task *t = NULL;
	int r = message_exec_decode(f, &m, e);

	if (r < 0)
		return r;
	if (m.cgroup_len)
		v.cgroup = cgroup = x_printf("%.*s", (int)m.cgroup_len, m.cgroup);
	if (!a->id)
		r = err_set(&why, ESRCH, "there is no container to run a process in");
	else if (agent_task(a, f->process))
		r = err_set(&why, EEXIST, "process %u is there already", f->process);
	else
		r = find_slot(a, &t, &why);
	if (r == 0)
		r = start_process(a, f, t, &v, &m.terminal, &why);
	else
		drop_text(a);
	return r < 0 ? answer_err(a, f->process, f->request, &why, e) : 0;
}

/* A verb about the container that makes no process. */
static int on_container(struct agent *a, const struct frame *f, struct verb *v, struct err *e)
{
	struct err why = { 0 };
	int r = 0;

	v->type = f->type;
	v->text = a->text.s;
	v->text_len = a->text.len;
	if (!a->id)
		r = err_set(&why, ESRCH, "there is no container");
	if (r == 0)
		r = start_session(a, f, v, (const int[]){ -1, -1, -1 }, &why);
	drop_text(a);
	return r < 0 ? answer_err(a, 0, f->request, &why, e) : 0;
}

/* The process is our child and not waited for yet, so its pid is its own. SIGKILL to the init is for all that the
 * container has, as husk_kill() has it. */
static int on_signal(struct agent *a, const struct frame *f, struct err *e)
{
	struct task *t = agent_task(a, f->process);
	struct verb v = { 0 };
	struct err why = { 0 };
	int r = message_signal_decode(f, &v.signal, e);

	if (r < 0)
		return r;
	if (v.signal.all || (f->process == 0 && v.signal.signal == SIGKILL))
		return on_container(a, f, &v, e);
	if (!t || !t->pid || t->exited)
		r = f->process ? err_set(&why, ESRCH, "process not running")
			       : err_set(&why, ESRCH, "container not running");
	else if (kill(t->pid, (int)v.signal.signal) < 0)
		r = err_sys(&why, errno, "signal process %u", f->process);
	return answer(a, f, r, &why, e);
}

static int on_resize(struct agent *a, const struct frame *f, struct err *e)
{
	struct task *t = agent_task(a, f->process);
	struct message_size size;
	struct err why = { 0 };
	int r = message_resize_decode(f, &size, e);

	if (r < 0)
		return r;
	r = t ? task_resize(t, &size, &why) : err_set(&why, ESRCH, "process not running");
	return answer(a, f, r, &why, e);
}

static int on_stream(struct agent *a, const struct frame *f, struct err *e)
{
	struct task *t = agent_task(a, f->process);
	struct message_credit credit;
	struct message_close output;
	int r;

	if (f->type == MSG_CLOSE) {
		r = message_close_decode(f, &output, e);
		return r < 0 || !t ? r : task_close_output(t, output.stream, &a->channel.out, e);
	}
	if (f->type == MSG_CREDIT) {
		r = message_credit_decode(f, MESSAGE_HOST, &credit, e);
		return r < 0 || !t ? r : task_credit(t, &credit, e);
	}
	if (!t || t->state == TASK_LEFT) /* it has just ended */
		return 0;
	if (f->type == MSG_STDIN)
		return task_stdin(t, f->payload, f->len, &a->channel.out, e);
	input_end(&t->in);
	return 0;
}

static int on_hello(struct agent *a, const struct frame *f, struct err *e)
{
	struct message_host_hello m;
	int r = message_host_hello_decode(f, &m, e);

	if (r == 0 && a->greeted)
		r = err_set(e, EPROTO, "the host said HELLO twice");
	if (r < 0)
		return r;
	a->greeted = true;
	if (a->in_guest)
		guest_set_up(&m);
	return 0;
}

int host_frame(struct agent *a, const struct frame *f, struct err *e)
{
	struct verb v = { 0 };
	int r = message_check(f, MESSAGE_HOST, e);

	if (r == 0 && !a->greeted && f->type != MSG_HELLO)
		r = err_set(e, EPROTO, "the host sent %s before HELLO", message_type_name(f->type));
	if (r < 0)
		return r;
	switch (f->type) {
	case MSG_HELLO:
		return on_hello(a, f, e);
	case MSG_TEXT:
		return message_text_add(&a->text, f, e);
	case MSG_LINK:
	case MSG_RTNL:
		return network_add(&a->network, f, e);
	case MSG_CREATE:
		return on_create(a, f, e);
	case MSG_START:
		return on_start(a, f, e);
	case MSG_EXEC:
		return on_exec(a, f, e);
	case MSG_SIGNAL:
		return on_signal(a, f, e);
	case MSG_RESIZE:
		return on_resize(a, f, e);
	case MSG_STDIN:
	case MSG_STDIN_EOF:
	case MSG_CREDIT:
	case MSG_CLOSE:
		return on_stream(a, f, e);
	case MSG_UPDATE:
	case MSG_MOUNTS_ADD:
	case MSG_MOUNTS_REMOVE:
	case MSG_MOUNTS_GONE:
	case MSG_PS:
	case MSG_STATS:
		return on_container(a, f, &v, e);
	case MSG_WATCH:
		return err_set(e, EPROTO, "the host sent WATCH, which is for husk-mon");
	default: /* SHUTDOWN */
		a->over = true;
		return 0;
	}
}

/* Tells of each time that the kernel kills in the container for lack of memory. */
static void watch_memory(struct agent *a)
{
	struct frame f = { .type = MSG_OOM };
	struct verb v = { .type = MSG_OOM };

	(void)start_session(a, &f, &v, (const int[]){ -1, -1, -1 }, NULL);
}

static bool watches_memory(const struct agent *a)
{
	for (size_t i = 0; i < AGENT_SESSIONS; i++)
		if (a->sessions[i].pid && a->sessions[i].verb == MSG_OOM)
			return true;
	return false;
}

/* A process was to be made or started, and was (r == 0) or not. */
static int process_made(struct agent *a, const struct session *s, struct task *t, pid_t pid, struct err *why)
{
	int r = why->code ? -why->code : 0;

	if (s->verb != MSG_START) {
		t->pid = pid;
		if (r == 0 && t->terminal)
			r = task_take_terminal(t, why);
		if (r < 0 && pid)
			(void)kill(pid, SIGKILL);
	}
	if (r == 0)
		t->state = s->verb == MSG_CREATE ? TASK_CREATED : TASK_RUNNING;
	else
		task_close(t);
	if (r < 0 && s->verb == MSG_CREATE)
		forget_container(a);
	if (r == 0 && s->verb == MSG_START)
		watch_memory(a);
	return r;
}

int host_session_ended(struct agent *a, struct session *s, int status, struct err *e)
{
	AUTO_FREE char *text_memory = NULL;
	struct session was = *s;
	struct strbuf text;
	struct err why = { 0 };
	pid_t pid = 0;
	int r;

	r = session_end(s, status, &pid, &text, &why);
	text_memory = text.s;
	if (was.verb == MSG_OOM)
		return 0;
	if (was.verb == MSG_CREATE || was.verb == MSG_START || was.verb == MSG_EXEC)
		r = process_made(a, &was, agent_task(a, was.process), pid, &why);
	if (r < 0)
		return answer_err(a, was.process, was.request, &why, e);
	if (was.request && text.len && message_put_text(&a->channel.out, was.request, text.s, text.len) < 0)
		return full(e);
	return answer_ok(a, was.process, was.request, e);
}

int host_settle_task(struct agent *a, struct task *t, struct err *e)
{
	int r = 0;

	if (t->number || !watches_memory(a))
		r = task_tell_exit(t, &a->channel.out, e);
	if (task_is_over(t))
		task_close(t);
	return r;
}
