/* SPDX-License-Identifier: Apache-2.0 */
/* input.c: see input.h; tee(2), splice(2), preadv2(2), lseek(2). */
#include "input.h"

#include "fd.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#define READ_MAX 32768 /* bytes at once */

static int looks[2] = { -1, -1 }; /* a pipe for what tee(2) and splice(2) give: empty but in the functions here */

static bool can_look(void)
{
	return looks[0] >= 0 || pipe2(looks, O_CLOEXEC | O_NONBLOCK) == 0;
}

void input_open(struct input *in, int fd)
{
	struct stat st;

	*in = (struct input){ .fd = fd };
	if (fd < 0 || fstat(fd, &st) < 0)
		return;
	if (S_ISREG(st.st_mode))
		in->kind = INPUT_FILE;
	else if (S_ISSOCK(st.st_mode))
		in->kind = INPUT_SOCKET;
	else if (S_ISFIFO(st.st_mode) && can_look())
		in->kind = INPUT_PIPE;
}

/* Like read(2), but what is not there is -1 with EAGAIN. Of a file it is waited for, for the disk alone; a device
 * that cannot be asked so has been opened anew (stream.h), where that is allowed. */
static ssize_t read_some(const struct input *in, char *buf, size_t len)
{
	struct iovec iov = { .iov_base = buf, .iov_len = len };
	ssize_t n = -1;

	switch (in->kind) {
	case INPUT_PIPE:
		n = splice(in->fd, NULL, looks[1], NULL, len, SPLICE_F_NONBLOCK);
		return n > 0 ? read(looks[0], buf, (size_t)n) : n;
	case INPUT_SOCKET:
		return recv(in->fd, buf, len, MSG_DONTWAIT);
	case INPUT_OTHER:
		n = preadv2(in->fd, &iov, 1, -1, RWF_NOWAIT);
		break;
	case INPUT_FILE:
		errno = EOPNOTSUPP;
	}
	return n < 0 && errno == EOPNOTSUPP ? read(in->fd, buf, len) : n;
}

/* The first bytes of the pipe were read in the guest. */
static void take(struct input *in, size_t len)
{
	char buf[CREDIT_INPUT];
	ssize_t n;

	in->looked_at -= len;
	while (len && (n = read_some(in, buf, len < sizeof(buf) ? len : sizeof(buf))) > 0)
		len -= (size_t)n;
}

void input_close(struct input *in, uint64_t unread)
{
	if (in->fd >= 0 && in->kind == INPUT_FILE && unread)
		(void)lseek(in->fd, -(off_t)unread, SEEK_CUR);
	if (in->fd >= 0 && in->looked_at > unread)
		take(in, in->looked_at - unread);
	fd_close(&in->fd);
}

struct pollfd input_poll(const struct input *in, const struct guest *g, uint32_t process)
{
	bool wants = in->fd >= 0 && !in->ended && !in->looked_at && guest_input_room(g, process);

	return (struct pollfd){ .fd = wants ? in->fd : -1, .events = POLLIN };
}

/* Like read(2), but what comes stays in the pipe. */
static ssize_t look(const struct input *in, char *buf, size_t len)
{
	ssize_t n = tee(in->fd, looks[1], len, SPLICE_F_NONBLOCK);

	return n > 0 ? read(looks[0], buf, (size_t)n) : n;
}

static void end(struct input *in, struct guest *g, uint32_t process)
{
	in->ended = true;
	if (in->kind != INPUT_FILE) /* whose offset may have to go back */
		fd_close(&in->fd);
	guest_input_ended(g, process);
}

static void fetch(struct input *in, struct guest *g, uint32_t process)
{
	char buf[READ_MAX];
	size_t room = guest_input_room(g, process);
	bool looking = in->kind == INPUT_PIPE && room <= CREDIT_INPUT;
	ssize_t n;

	if (!room)
		return;
	if (room > sizeof(buf))
		room = sizeof(buf);
	n = looking ? look(in, buf, room) : read_some(in, buf, room);
	if (n > 0) {
		guest_input(g, process, buf, (size_t)n);
		in->looked_at = looking ? (size_t)n : 0;
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		end(in, g, process);
	}
}

void input_move(struct input *in, struct guest *g, uint32_t process, bool ready)
{
	size_t waits = guest_input_waits(g, process);

	if (in->looked_at > waits)
		take(in, in->looked_at - waits);
	if (ready && in->fd >= 0 && !in->ended)
		fetch(in, g, process);
}
