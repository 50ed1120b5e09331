/* SPDX-License-Identifier: Apache-2.0 */
/* log.c: see log.h. A line is built in one buffer and leaves by one write(2),
 * so that lines of several processes do not mix. */
#include "log.h"

#include "clock.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 4096

static struct {
	int fd;
	enum log_format format;
	enum log_level level;
	char tag[LOG_TAG_MAX];
} target = { .fd = -1, .format = LOG_TEXT, .level = LOG_LVL_WARN };

static const char *const level_names[] = { "error", "warning", "info", "debug" };

int log_open(const char *path, enum log_format format, enum log_level level, struct err *e)
{
	target.format = format;
	target.level = level;
	if (!path || !*path)
		return 0;
	target.fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
	if (target.fd < 0)
		return err_sys(e, errno, "--log: open '%s'", path);
	return 0;
}

void log_adopt(int fd, enum log_format format, enum log_level level)
{
	target.fd = fd;
	target.format = format;
	target.level = level;
}

enum log_format log_format(void)
{
	return target.format;
}

void log_tag(const char *tag)
{
	(void)snprintf(target.tag, sizeof(target.tag), "%s", tag);
}

void log_close(void)
{
	if (target.fd >= 0)
		(void)close(target.fd);
	target.fd = -1;
}

int log_fd(void)
{
	return target.fd;
}

/* Adds s as the inside of a JSON string; stops before the line is full. */
static size_t add_escaped(char *line, size_t at, size_t room, const char *s)
{
	for (; *s && at + 7 < room; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\') {
			line[at++] = '\\';
			line[at++] = (char)c;
		} else if (c == '\n') {
			line[at++] = '\\';
			line[at++] = 'n';
		} else if (c < 0x20 || c == 0x7f) {
			at += (size_t)sprintf(line + at, "\\u%04x", c);
		} else {
			line[at++] = (char)c;
		}
	}
	return at;
}

static size_t format_json(char *line, size_t size, enum log_level level, const char *msg)
{
	char stamp[CLOCK_TEXT_MAX];
	size_t at;

	clock_now(stamp);
	at = (size_t)snprintf(line, size, "{\"level\":\"%s\",\"msg\":\"", level_names[level]);
	at = add_escaped(line, at, size - 64, msg);
	at += (size_t)snprintf(line + at, size - at, "\",\"time\":\"%s\"}\n", stamp);
	return at;
}

/* Control bytes from a user's input must not reach a terminal. */
static size_t format_text(char *line, size_t size, enum log_level level, const char *msg)
{
	size_t at =
		(size_t)snprintf(line, size, "%shusk: %s%s", target.tag,
				 level == LOG_LVL_ERROR ? "" : level_names[level], level == LOG_LVL_ERROR ? "" : ": ");

	for (; *msg && at + 2 < size; msg++)
		line[at++] = (unsigned char)*msg < 0x20 || *msg == 0x7f ? ' ' : *msg;
	line[at++] = '\n';
	return at;
}

void log_write(enum log_level level, const char *fmt, ...)
{
	char msg[LINE_MAX_BYTES / 2], line[LINE_MAX_BYTES];
	int saved = errno;
	size_t len;
	va_list ap;

	if (level > target.level)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	len = target.format == LOG_JSON ? format_json(line, sizeof(line), level, msg)
					: format_text(line, sizeof(line), level, msg);
	while (write(target.fd >= 0 ? target.fd : STDERR_FILENO, line, len) < 0 && errno == EINTR)
		;
	errno = saved;
}
