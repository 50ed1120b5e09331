/* SPDX-License-Identifier: Apache-2.0 */
/* task.c: see task.h. No descriptor is read or written to when it would block. */
#include "task.h"

#include "fd.h"
#include "str.h"

#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#define TERMINAL_OWED (128U << 10) /* bytes: more than a terminal holds; how much it does hold it does not say */

void task_init(struct task *t)
{
	*t = (struct task){ .console = -1, .in = -1, .out = { { .fd = -1 }, { .fd = -1 } } };
}

static int set_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags < 0 ? -1 : fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

/* ends[ours] is non-blocking; the other one is for the process. */
static int open_pipe(int ends[2], int ours, struct err *e)
{
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, errno, "pipe");
	if (set_nonblocking(ends[ours]) < 0)
		return err_sys(e, errno, "fcntl");
	return 0;
}

static int open_pipes(struct task *t, int out_stdio[3], struct err *e)
{
	int ends[2], r;

	r = open_pipe(ends, 1, e);
	if (r < 0)
		return r;
	out_stdio[0] = ends[0];
	t->in = ends[1];
	for (int i = 0; i < TASK_OUTPUTS; i++) {
		r = open_pipe(ends, 0, e);
		if (r < 0)
			return r;
		out_stdio[i + 1] = ends[1];
		t->out[i].fd = ends[0];
	}
	return 0;
}

static int open_console(struct task *t, const char *path, struct err *e)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(addr.sun_path))
		return err_set(e, ENAMETOOLONG, "'%s' is too long for a socket", path);
	memcpy(addr.sun_path, path, strlen(path) + 1);
	(void)unlink(path);
	t->console = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (t->console < 0)
		return err_sys(e, errno, "socket");
	if (bind(t->console, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(t->console, 1) < 0)
		return err_sys(e, errno, "listen on '%s'", path);
	return 0;
}

int task_open(struct task *t, uint32_t number, const char *console_path, int out_stdio[3], struct err *e)
{
	task_init(t);
	t->state = TASK_STARTING;
	t->number = number;
	t->terminal = console_path != NULL;
	credit_receiver_init(&t->in_credit);
	for (int i = 0; i < TASK_OUTPUTS; i++)
		credit_sender_init(&t->out[i].credit);
	return console_path ? open_console(t, console_path, e) : open_pipes(t, out_stdio, e);
}

void task_close(struct task *t, int out_left[TASK_OUTPUTS])
{
	for (int i = 0; i < TASK_OUTPUTS; i++) {
		out_left[i] = t->terminal ? -1 : fd_take(&t->out[i].fd);
		fd_close(&t->out[i].fd);
	}
	fd_close(&t->in);
	fd_close(&t->console);
	free(t->held);
	task_init(t);
}

int task_take_terminal(struct task *t, struct err *e)
{
	AUTO_FD sock = accept4(t->console, NULL, NULL, SOCK_CLOEXEC);
	AUTO_FD master = -1;
	char name[256];
	int n_fds = 0;

	if (sock < 0)
		return err_sys(e, errno, "the terminal did not come");
	if (fd_recv(sock, name, sizeof(name), &master, 1, &n_fds) < 0 || n_fds != 1)
		return err_set(e, EPROTO, "the terminal did not come");
	if (set_nonblocking(master) < 0)
		return err_sys(e, errno, "fcntl");
	t->in = fcntl(master, F_DUPFD_CLOEXEC, 0);
	if (t->in < 0)
		return err_sys(e, errno, "dup");
	t->out[0].fd = fd_take(&master);
	t->out[1].told = true; /* there is one stream */
	fd_close(&t->console);
	return 0;
}

int task_resize(struct task *t, const struct message_size *size, struct err *e)
{
	struct winsize w = { .ws_col = size->columns, .ws_row = size->rows };

	if (!t->terminal || t->out[0].fd < 0)
		return err_set(e, ENOTTY, "process %u has no terminal", t->number);
	return ioctl(t->out[0].fd, TIOCSWINSZ, &w) < 0 ? err_sys(e, errno, "resize the terminal") : 0;
}

static int grant(struct task *t, size_t passed, struct frame_writer *w, struct err *e)
{
	struct message_credit c = { .stream = MESSAGE_STREAM_STDIN };

	c.bytes = credit_receiver_pass(&t->in_credit, passed);
	if (c.bytes && message_put_credit(w, t->number, &c) < 0)
		return err_set(e, ENOBUFS, "the channel is full");
	return 0;
}

/* Nobody reads it any more: what the host still sends is dropped, and no more is asked for. */
static void end_stdin(struct task *t)
{
	fd_close(&t->in);
	t->held_len = 0;
}

/* As much as it takes; returns how much that was. */
static size_t feed(struct task *t, const uint8_t *data, size_t len)
{
	size_t done = 0;

	while (done < len && t->in >= 0) {
		ssize_t n = write(t->in, data + done, len - done);

		if (n > 0)
			done += (size_t)n;
		else if (n < 0 && errno == EAGAIN)
			break;
		else if (n < 0 && errno != EINTR)
			end_stdin(t);
	}
	return done;
}

/* What the process did not take yet; the credit has bounded it. */
static void hold(struct task *t, const uint8_t *data, size_t len)
{
	if (!t->held)
		t->held = x_calloc(CREDIT_START, 1);
	if (t->held_start) {
		memmove(t->held, t->held + t->held_start, t->held_len);
		t->held_start = 0;
	}
	memcpy(t->held + t->held_len, data, len);
	t->held_len += len;
}

int task_stdin(struct task *t, const uint8_t *data, size_t len, struct frame_writer *w, struct err *e)
{
	size_t done = 0;
	int r;

	r = credit_receiver_take(&t->in_credit, len, e);
	if (r < 0)
		return err_add(e, "standard input of process %u", t->number);
	if (t->in_eof)
		return err_set(e, EPROTO, "STDIN for process %u came after STDIN_EOF", t->number);
	if (t->in < 0 && t->state == TASK_RUNNING)
		return 0;
	if (t->held_len == 0)
		done = feed(t, data, len);
	if (done < len && (t->in >= 0 || t->state != TASK_RUNNING))
		hold(t, data + done, len - done);
	return done ? grant(t, done, w, e) : 0;
}

void task_stdin_eof(struct task *t)
{
	t->in_eof = true;
	if (t->held_len == 0 && !t->terminal)
		fd_close(&t->in);
}

int task_credit(struct task *t, const struct message_credit *c, struct err *e)
{
	int r = credit_sender_grant(&t->out[c->stream - MESSAGE_STREAM_STDOUT].credit, c->bytes, e);

	return r < 0 ? err_add(e, "process %u", t->number) : 0;
}

void task_close_output(struct task *t, enum message_stream stream)
{
	struct task_output *out = &t->out[stream - MESSAGE_STREAM_STDOUT];

	if (t->terminal) /* the same descriptor: it hangs up with the last one */
		end_stdin(t);
	fd_close(&out->fd);
	out->told = true;
	out->owed = 0;
}

void task_ended(struct task *t, int wait_status)
{
	t->exited = true;
	t->status = WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
	for (int i = 0; i < TASK_OUTPUTS; i++) {
		int n = 0;

		if (t->out[i].fd < 0)
			continue;
		if (t->terminal)
			t->out[i].owed = TERMINAL_OWED;
		else if (ioctl(t->out[i].fd, FIONREAD, &n) == 0 && n > 0)
			t->out[i].owed = (size_t)n;
	}
}

bool task_poll(const struct task *t, bool full, struct pollfd out[TASK_POLLS])
{
	bool wait = true;

	for (int i = 0; i < TASK_POLLS; i++)
		out[i] = (struct pollfd){ .fd = -1 };
	if (t->state != TASK_RUNNING)
		return true;
	if (t->held_len)
		out[0] = (struct pollfd){ .fd = t->in, .events = POLLOUT };
	for (int i = 0; i < TASK_OUTPUTS && !full; i++) {
		if (t->out[i].credit.left == 0)
			continue;
		out[i + 1] = (struct pollfd){ .fd = t->out[i].fd, .events = POLLIN };
		wait = wait && !t->out[i].owed;
	}
	return wait;
}

static int move_stdin(struct task *t, struct frame_writer *w, struct err *e)
{
	size_t done = feed(t, t->held + t->held_start, t->held_len);

	if (t->in < 0)
		return 0;
	t->held_start += done;
	t->held_len -= done;
	if (t->held_len == 0) {
		t->held_start = 0;
		if (t->in_eof)
			task_stdin_eof(t);
	}
	return done ? grant(t, done, w, e) : 0;
}

static int end_output(struct task *t, int i, struct frame_writer *w, struct err *e)
{
	struct task_output *out = &t->out[i];

	fd_close(&out->fd);
	out->owed = 0;
	if (out->told)
		return 0;
	out->told = true;
	if (message_put(w, i ? MSG_STDERR_EOF : MSG_STDOUT_EOF, t->number, 0) < 0)
		return err_set(e, ENOBUFS, "the channel is full");
	return 0;
}

static int move_output(struct task *t, int i, struct frame_writer *w, struct err *e)
{
	static uint8_t buf[FRAME_PAYLOAD_MAX];
	struct task_output *out = &t->out[i];
	size_t max = out->credit.left < sizeof(buf) ? out->credit.left : sizeof(buf);
	ssize_t n = read(out->fd, buf, max);

	if (n < 0 && errno == EINTR)
		return 0;
	if (n < 0 && errno == EAGAIN) {
		out->owed = 0;
		return 0;
	}
	if (n <= 0) /* EIO: a terminal that nobody has open */
		return end_output(t, i, w, e);
	credit_sender_use(&out->credit, (size_t)n);
	out->owed = out->owed > (size_t)n ? out->owed - (size_t)n : 0;
	if (message_put_data(w, i ? MSG_STDERR : MSG_STDOUT, t->number, buf, (size_t)n) < 0)
		return err_set(e, ENOBUFS, "the channel is full");
	return 0;
}

int task_move(struct task *t, const struct pollfd p[TASK_POLLS], struct frame_writer *w, struct err *e)
{
	int r = p[0].revents ? move_stdin(t, w, e) : 0;

	for (int i = 0; r == 0 && i < TASK_OUTPUTS; i++)
		/* what is owed is looked for even if nothing came: then nothing is owed */
		if (p[i + 1].revents || (p[i + 1].fd >= 0 && t->out[i].owed))
			r = move_output(t, i, w, e);
	return r;
}

bool task_is_over(const struct task *t)
{
	if (t->state != TASK_RUNNING || !t->exited)
		return false;
	for (int i = 0; i < TASK_OUTPUTS; i++)
		if (t->out[i].fd >= 0 && t->out[i].owed)
			return false;
	return true;
}
