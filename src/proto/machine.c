/* SPDX-License-Identifier: Apache-2.0 */
/* machine.c: see machine.h. */
#include "machine.h"

#include "frame.h"
#include "le.h"

#include <string.h>

#define MAGIC 0x314d4b48U /* "HKM1" */
#define HEADER 20
#define FLAG_TERMINAL 1U
#define FLAG_LOG 2U
#define FLAG_LOG_JSON 4U

static void add_u32(struct strbuf *b, uint32_t v)
{
	uint8_t raw[4];

	le32_put(raw, v);
	strbuf_add(b, (const char *)raw, sizeof(raw));
}

static void add_string(struct strbuf *b, const char *s)
{
	add_u32(b, (uint32_t)strlen(s));
	strbuf_add(b, s, strlen(s) + 1);
}

static uint32_t count(char *const *words)
{
	uint32_t n = 0;

	while (words && words[n])
		n++;
	return n;
}

void machine_encode(const struct machine *m, struct strbuf *out)
{
	add_u32(out, MAGIC);
	add_u32(out, m->boot_ms);
	add_u32(out, (m->terminal ? FLAG_TERMINAL : 0) | (m->log ? FLAG_LOG : 0) | (m->log_json ? FLAG_LOG_JSON : 0));
	add_u32(out, count(m->hypervisor));
	add_u32(out, count(m->file_server));
	add_string(out, m->id);
	add_string(out, m->config);
	for (uint32_t i = 0; i < count(m->hypervisor); i++)
		add_string(out, m->hypervisor[i]);
	for (uint32_t i = 0; i < count(m->file_server); i++)
		add_string(out, m->file_server[i]);
}

struct cursor {
	char *buf;
	size_t off, len;
};

static char *take_string(struct cursor *c)
{
	size_t len;
	char *s;

	if (c->len - c->off < 4)
		return NULL;
	len = le32_get((const uint8_t *)c->buf + c->off);
	c->off += 4;
	if (len >= c->len - c->off)
		return NULL;
	s = c->buf + c->off;
	if (s[len] != '\0' || memchr(s, '\0', len))
		return NULL;
	c->off += len + 1;
	return s;
}

static bool take_words(struct cursor *c, uint32_t n, char ***out)
{
	*out = x_calloc(n + 1, sizeof(**out));
	for (uint32_t i = 0; i < n; i++) {
		(*out)[i] = take_string(c);
		if (!(*out)[i])
			return false;
	}
	return true;
}

int machine_decode(char *buf, size_t len, struct machine *out, struct err *e)
{
	const uint8_t *head = (const uint8_t *)buf;
	struct cursor c = { buf, HEADER, len };
	uint32_t n_hypervisor, n_server;

	*out = (struct machine){ 0 };
	if (len < HEADER || le32_get(head) != MAGIC)
		return err_set(e, EBADMSG, "the machine's description is none");
	out->boot_ms = le32_get(head + 4);
	out->terminal = le32_get(head + 8) & FLAG_TERMINAL;
	out->log = le32_get(head + 8) & FLAG_LOG;
	out->log_json = le32_get(head + 8) & FLAG_LOG_JSON;
	n_hypervisor = le32_get(head + 12);
	n_server = le32_get(head + 16);
	if (n_hypervisor == 0 || n_hypervisor > MACHINE_WORDS_MAX || n_server > MACHINE_WORDS_MAX)
		return err_set(e, EBADMSG, "the machine's description has %u and %u words", n_hypervisor, n_server);
	out->id = take_string(&c);
	out->config = out->id ? take_string(&c) : NULL;
	if (!out->config || !take_words(&c, n_hypervisor, &out->hypervisor) ||
	    !take_words(&c, n_server, &out->file_server) || c.off != len) {
		machine_free(out);
		return err_set(e, EBADMSG, "the machine's description is cut off");
	}
	return 0;
}

void machine_free(struct machine *m)
{
	free(m->hypervisor);
	free(m->file_server);
	*m = (struct machine){ 0 };
}
