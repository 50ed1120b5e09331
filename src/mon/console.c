/* SPDX-License-Identifier: Apache-2.0 */
/* console.c: see console.h. */
#include "console.h"

#include <stdbool.h>
#include <string.h>

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
