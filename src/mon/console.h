/* SPDX-License-Identifier: Apache-2.0 */
/* console.h: the last that the machine's serial port, the hypervisor and the file server printed, for messages. */
#ifndef HUSK_MON_CONSOLE_H
#define HUSK_MON_CONSOLE_H

#include "str.h"

#include <stddef.h>

#define CONSOLE_BYTES 8192

struct console {
	char ring[CONSOLE_BYTES];
	size_t end; /* bytes that ever came */
};

void console_add(struct console *c, const char *data, size_t len);
/* The last lines, at most n, each of them whole and of printable characters, with a newline. */
void console_tail(const struct console *c, size_t n, struct strbuf *out);
/* The same of where the kernel says why it panicked, if it does: what it prints behind that helps its developers. */
void console_last_words(const struct console *c, size_t n, struct strbuf *out);

#endif
