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
	*t = (struct task){ .console = -1, .out = { { .fd = -1 }, { .fd = -1 } } };
	input_init(&t->in);
}

static int set_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags < 0 ? -1 : fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

static int open_pipes(struct task *t, int out_stdio[3], struct err *e)
{
	int ends[2], r;

	r = input_open(&t->in, &out_stdio[0], e);
	for (int i = 0; r == 0 && i < TASK_OUTPUTS; i++) {
		if (pipe2(ends, O_CLOEXEC) < 0)
			return err_sys(e, errno, "pipe");
		out_stdio[i + 1] = ends[1];
		t->out[i].fd = ends[0];
		if (set_nonblocking(ends[0]) < 0)
			return err_sys(e, errno, "fcntl");
	}
	return r;
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
	for (int i = 0; i < TASK_OUTPUTS; i++)
		credit_sender_init(&t->out[i].credit, CREDIT_START);
	return console_path ? open_console(t, console_path, e) : open_pipes(t, out_stdio, e);
}

void task_close(struct task *t)
{
	for (int i = 0; i < TASK_OUTPUTS; i++)
		fd_close(&t->out[i].fd);
	input_close(&t->in);
	fd_close(&t->console);
	task_init(t);
}

int task_take_terminal(struct task *t, struct err *e)
{
	AUTO_FD sock = accept4(t->console, NULL, NULL, SOCK_CLOEXEC);
	AUTO_FD master = -1;
	char name[256];
	int n_fds = 0, in;

	if (sock < 0)
		return err_sys(e, errno, "the terminal did not come");
	if (fd_recv(sock, name, sizeof(name), &master, 1, &n_fds) < 0 || n_fds != 1)
		return err_set(e, EPROTO, "the terminal did not come");
	if (set_nonblocking(master) < 0)
		return err_sys(e, errno, "fcntl");
	in = fcntl(master, F_DUPFD_CLOEXEC, 0);
	if (in < 0)
		return err_sys(e, errno, "dup");
	input_take_terminal(&t->in, in);
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

int task_stdin(struct task *t, const uint8_t *data, size_t len, struct frame_writer *w, struct err *e)
{
	if (t->in.eof)
		return err_set(e, EPROTO, "STDIN for process %u came after STDIN_EOF", t->number);
	return input_add(&t->in, t->number, data, len, w, e) < 0 ? err_add(e, "standard input of process %u", t->number)
								 : 0;
}

int task_credit(struct task *t, const struct message_credit *c, struct err *e)
{
	int r = credit_sender_grant(&t->out[c->stream - MESSAGE_STREAM_STDOUT].credit, c->bytes, e);

	return r < 0 ? err_add(e, "process %u", t->number) : 0;
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

int task_close_output(struct task *t, enum message_stream stream, struct frame_writer *w, struct err *e)
{
	if (t->terminal) /* the same descriptor: it hangs up with the last one */
		input_close(&t->in);
	return end_output(t, stream - MESSAGE_STREAM_STDOUT, w, e);
}

void task_ended(struct task *t, int wait_status)
{
	t->exited = true;
	t->pid = 0; /* waited for: from now on it may be another's */
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
	if (t->state != TASK_RUNNING && t->state != TASK_LEFT)
		return true;
	if (!full)
		out[0] = input_poll(&t->in);
	for (int i = 0; i < TASK_OUTPUTS && !full; i++) {
		if (t->out[i].credit.left == 0)
			continue;
		out[i + 1] = (struct pollfd){ .fd = t->out[i].fd, .events = POLLIN };
		wait = wait && !t->out[i].owed;
	}
	return wait;
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
	int r = p[0].revents ? input_move(&t->in, t->number, w, e) : 0;

	for (int i = 0; r == 0 && i < TASK_OUTPUTS; i++)
		/* what is owed is looked for even if nothing came: then nothing is owed */
		if (p[i + 1].revents || (p[i + 1].fd >= 0 && t->out[i].owed))
			r = move_output(t, i, w, e);
	return r;
}

/* What a terminal still holds is gone with it. */
static int end_terminal(struct task *t, struct frame_writer *w, struct err *e)
{
	int r = 0;

	for (int i = 0; r == 0 && i < TASK_OUTPUTS; i++)
		r = end_output(t, i, w, e);
	return r;
}

int task_tell_exit(struct task *t, struct frame_writer *w, struct err *e)
{
	struct message_exit m = { .status = t->status };
	int r;

	if (t->state != TASK_RUNNING || !t->exited)
		return 0;
	for (int i = 0; i < TASK_OUTPUTS; i++)
		if (t->out[i].fd >= 0 && t->out[i].owed)
			return 0;
	r = t->terminal ? end_terminal(t, w, e) : 0;
	if (r < 0)
		return r;
	input_close(&t->in);
	m.taken = input_taken(&t->in);
	t->state = TASK_LEFT;
	return message_put_exit(w, t->number, &m) < 0 ? err_set(e, ENOBUFS, "the channel is full") : 0;
}

bool task_is_over(const struct task *t)
{
	return t->state == TASK_LEFT && t->out[0].told && t->out[1].told;
}
