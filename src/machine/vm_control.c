/* SPDX-License-Identifier: Apache-2.0 */
/* vm_control.c: see vm_control.h. */
#include "vm_control.h"

#include "fd.h"
#include "io.h"
#include "json.h"
#include "log.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#define GATE "gate" /* in the state directory until start (libcontainer) */
#define REQUEST 1

/* Malloc'ed; NULL for what cannot be an id. */
static char *path_of(const struct husk_ctx *ctx, const char *id, const char *name)
{
	return strchr(id, '/') || id[0] == '.' || !id[0] ? NULL : x_printf("%s/%s/%s", ctx->root, id, name);
}

static bool has(const struct husk_ctx *ctx, const char *id, const char *name)
{
	AUTO_FREE char *path = path_of(ctx, id, name);

	return path && access(path, F_OK) == 0;
}

bool vm_control_is_vm(const struct husk_ctx *ctx, const char *id)
{
	return has(ctx, id, HUSK_STATE_SOCKET);
}

bool vm_control_is_created(const struct husk_ctx *ctx, const char *id)
{
	return has(ctx, id, GATE);
}

int vm_control_connect(const struct husk_ctx *ctx, const char *id, int *out_fd, struct err *e)
{
	AUTO_FREE char *path = path_of(ctx, id, HUSK_STATE_SOCKET);
	AUTO_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r;

	if (!path)
		return err_set(e, EINVAL, "'%s' is no id of a container", id);
	if (fd < 0)
		return err_sys(e, errno, "socket");
	/* refused: who would have answered is dead; EAGAIN: nobody has taken the connections of others */
	r = fcntl(fd, F_SETFL, O_NONBLOCK) < 0 ? -errno : fd_connect(fd, path);
	if (r == 0 && fcntl(fd, F_SETFL, 0) < 0)
		r = -errno;
	if ((r == 0 || r == -EAGAIN) && vm_control_is_created(ctx, id))
		return err_set(e, EBUSY, "container '%s' is a VM that was not started yet", id);
	if (r == -EAGAIN)
		return err_set(e, ETIMEDOUT, "the container's VM does not answer (is it paused?)");
	if (r == -ENOENT || r == -ECONNREFUSED)
		return err_set(e, ESRCH, "container not running");
	if (r < 0)
		return err_sys(e, -r, "connect to '%s'", path);
	*out_fd = fd_take(&fd);
	return 0;
}

int vm_control_send(int fd, const struct frame_writer *w)
{
	size_t len;
	const uint8_t *bytes = frame_writer_pending(w, &len);

	while (len) {
		ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			return -errno;
		bytes += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static int send_question(int fd, enum message_type type, const struct message_signal *signal, const char *text,
			 struct err *e)
{
	struct frame_writer w;
	int r = 0;

	frame_writer_init(&w, MESSAGE_TEXT_MAX + (1U << 20));
	if (text)
		r = message_put_text(&w, REQUEST, text, strlen(text));
	if (r == 0)
		r = signal ? message_put_signal(&w, 0, REQUEST, signal) : message_put(&w, type, 0, REQUEST);
	if (r == 0)
		r = vm_control_send(fd, &w);
	frame_writer_free(&w);
	if (r == -EPIPE || r == -ECONNRESET)
		return err_set(e, ESRCH, "container not running");
	return r < 0 ? err_sys(e, -r, "ask the container's VM") : 0;
}

/* 1: it was the last. */
static int take(const struct frame *f, struct strbuf *text, struct err *e)
{
	struct message_log line;
	struct err why = { 0 };
	int r = message_check(f, MESSAGE_AGENT, e);

	if (r < 0)
		return r;
	switch (f->type) {
	case MSG_TEXT:
		return message_text_add(text, f, e);
	case MSG_LOG:
		r = message_log_decode(f, &line, e);
		if (r == 0)
			log_warn("%.*s", (int)line.len, line.text);
		return r;
	case MSG_OK:
		return 1;
	case MSG_ERR:
		r = message_err_decode(f, &why, e);
		return r < 0 ? r : err_set(e, why.code, "%s", why.msg);
	default:
		return err_set(e, EPROTO, "the container's VM sent %s", message_type_name(f->type));
	}
}

static int read_some(int fd, struct frame_reader *in, struct err *e)
{
	size_t room;
	uint8_t *space = frame_reader_space(in, &room);
	ssize_t n = read(fd, space, room);

	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return err_set(e, ESRCH, "container not running");
	if (n < 0 && errno == EAGAIN)
		return err_set(e, ETIMEDOUT, "the container's VM does not answer (is it paused?)");
	if (n < 0 && errno != EINTR)
		return err_sys(e, errno, "read what the container's VM says");
	if (n > 0)
		frame_reader_added(in, (size_t)n);
	return 0;
}

static int read_answer(int fd, struct strbuf *text, struct err *e)
{
	struct frame_reader in;
	struct frame f;
	int r = 0;

	frame_reader_init(&in);
	while (r == 0) {
		r = read_some(fd, &in, e);
		while (r == 0 && (r = frame_reader_next(&in, &f, e)) > 0)
			r = take(&f, text, e);
	}
	frame_reader_free(&in);
	return r < 0 ? r : 0;
}

int vm_control_find(const struct husk_ctx *ctx, const char *id, pid_t *out_pid, bool *out_paused, struct err *e)
{
	AUTO_FREE char *state = NULL;
	struct json_doc doc = { 0 };
	const struct json *status;
	int64_t pid = 0;
	int r = husk_state(ctx, id, &state, e);

	if (r == 0)
		r = json_parse(state, strlen(state), &doc, e);
	if (r == 0 && json_i64(json_get(doc.root, "pid"), 1, INT32_MAX, &pid, NULL) < 0)
		r = err_set(e, ESRCH, "container not running");
	if (r == 0) {
		status = json_get(doc.root, "status");
		*out_paused = status && status->type == JSON_STRING && str_eq(status->str, "paused");
		if (out_pid)
			*out_pid = (pid_t)pid;
	}
	json_free(&doc);
	return r;
}

static int is_paused(const char *id, struct err *e)
{
	return err_set(e, EBUSY, "container '%s' is a VM that is paused: resume it first", id);
}

int vm_control_check_runs(const struct husk_ctx *ctx, const char *id, struct err *e)
{
	bool paused = false;
	int r = vm_control_find(ctx, id, NULL, &paused, e);

	return r == 0 && paused ? is_paused(id, e) : r;
}

int vm_control_ask(const struct husk_ctx *ctx, const char *id, enum message_type type,
		   const struct message_signal *signal, const char *text, char **out_text, struct err *e)
{
	bool is_mounts = type == MSG_MOUNTS_ADD || type == MSG_MOUNTS_REMOVE;
	const struct timeval patience = { .tv_sec = is_mounts ? VM_CONTROL_MOUNTS_SECONDS : VM_CONTROL_SECONDS };
	struct strbuf answer = { 0 };
	AUTO_FD fd = -1;
	bool paused = false;
	int r = vm_control_connect(ctx, id, &fd, e);

	if (r == 0)
		r = vm_control_find(ctx, id, NULL, &paused, e);
	if (r == 0 && paused && type != MSG_SIGNAL)
		r = is_paused(id, e);
	if (r < 0)
		return r;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	r = send_question(fd, type, signal, text, e);
	if ((r == 0 && !paused) || r == -ESRCH) /* it may have said why it takes none */
		r = read_answer(fd, &answer, e);
	if (r == 0 && out_text)
		*out_text = answer.s ? answer.s : x_strdup("");
	else
		free(answer.s);
	return r;
}

int vm_control_config(const struct husk_ctx *ctx, const char *id, char **out, size_t *out_len, struct err *e)
{
	AUTO_FREE char *path = path_of(ctx, id, HUSK_STATE_NOTE);

	return path ? io_read_file(AT_FDCWD, path, O_NOFOLLOW, JSON_TEXT_MAX, out, out_len, e)
		    : err_set(e, EINVAL, "'%s' is no id of a container", id);
}
