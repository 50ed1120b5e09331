/* SPDX-License-Identifier: Apache-2.0 */
/* console.c: see console.h. */
#include "console.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define PANIC "Kernel panic - not syncing" /* kernel/panic.c */

void console_add(struct console *c, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		c->ring[c->end++ % CONSOLE_BYTES] = data[i];
}

static char byte_at(const struct console *c, size_t i)
{
	return c->ring[i % CONSOLE_BYTES];
}

static bool is_control(char b)
{
	return (unsigned char)b < ' ' || b == 0x7f;
}

void console_tail(const struct console *c, size_t n, struct strbuf *out)
{
	size_t oldest = c->end > CONSOLE_BYTES ? c->end - CONSOLE_BYTES : 0, from = c->end;

	while (from > oldest && is_control(byte_at(c, from - 1))) /* the last line may be whole or not */
		from--;
	for (; from > oldest; from--)
		if (byte_at(c, from - 1) == '\n' && --n == 0)
			break;
	for (size_t i = from; i < c->end; i++) {
		char b = byte_at(c, i);

		if (b == '\n' && out->len && out->s[out->len - 1] != '\n')
			strbuf_add(out, "\n", 1);
		else if (b != '\r' && b != '\n')
			strbuf_add(out, is_control(b) || (unsigned char)b > 0x7e ? "?" : &b, 1);
	}
	if (out->len && out->s[out->len - 1] != '\n')
		strbuf_add(out, "\n", 1);
}

void console_last_words(const struct console *c, size_t n, struct strbuf *out)
{
	struct strbuf all = { 0 };
	const char *panic, *from, *end;

	console_tail(c, SIZE_MAX, &all);
	panic = all.s ? strstr(all.s, PANIC) : NULL;
	if (panic) {
		end = strchr(panic, '\n') + 1; /* each line has one */
		for (from = end; from > all.s; from--)
			if (from < end && from[-1] == '\n' && --n == 0)
				break;
		strbuf_add(out, from, (size_t)(end - from));
	} else {
		console_tail(c, n, out);
	}
	free(all.s);
}
