/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mutate_json.c: libFuzzer's mutator for the targets that read JSON.
 *
 * Bytes changed at random seldom are JSON still, so the code behind json.c would
 * hardly be reached. Here a text that parses is written again with one node
 * changed: replaced, left out, doubled, renamed, added, or taken from another
 * input. Words come from the file that HUSK_FUZZ_WORDS names, one '"word"' a line:
 * those that husk's own sources hold. What stands behind the first NUL byte is
 * other text (fuzz_process.c). Now and then the bytes are mutated all the same.
 */
#include "fuzz.h"
#include "io.h"
#include "json.h"

#include <fcntl.h>

#define WORDS_MAX 4096
#define WORDS_FILE_MAX (1U << 20)
#define TIMES_MAX 48
#define STRING_MAX 256 /* bytes of a string that libFuzzer mutates */

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *data1, size_t size1, const uint8_t *data2, size_t size2, uint8_t *out,
				 size_t max_size, unsigned int seed);

enum edit_kind { EDIT_REPLACE, EDIT_DROP, EDIT_TWICE, EDIT_RENAME, EDIT_ADD, EDITS };

struct edit {
	enum edit_kind kind;
	const struct json *at;
	const char *key;   /* quoted */
	const char *value; /* JSON */
	uint32_t times;	   /* how often it is doubled or added; further keys are drawn */
};

static const char *const values[] = {
	"0",
	"-1",
	"1",
	"2",
	"4",
	"7",
	"1000",
	"65535",
	"65536",
	"-1000",
	"2147483647",
	"2147483648",
	"4294967295",
	"1e3",
	"9223372036854775807",
	"18446744073709551615",
	"true",
	"false",
	"null",
	"\"\"",
	"\"/\"",
	"{}",
	"[]",
	"[{}]",
};

static const char *words[WORDS_MAX];
static size_t n_words;
static uint32_t state;

static uint32_t draw(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return below ? state % below : 0;
}

static void begin(unsigned int seed)
{
	static bool loaded;
	const char *path = getenv("HUSK_FUZZ_WORDS");
	char *text, *line, *save = NULL; /* kept: words point into it */

	state = seed * 2654435761U | 1;
	if (loaded)
		return;
	loaded = true;
	if (!path || io_read_file(AT_FDCWD, path, 0, WORDS_FILE_MAX, &text, &(size_t){ 0 }, NULL) < 0)
		return;
	for (line = strtok_r(text, "\n", &save); line && n_words < WORDS_MAX; line = strtok_r(NULL, "\n", &save))
		words[n_words++] = line;
}

static const char *draw_word(void)
{
	return n_words ? words[draw((uint32_t)n_words)] : "\"x\"";
}

static size_t count_nodes(const struct json *v)
{
	size_t n = 1;

	json_each (child, v)
		n += count_nodes(child);
	return n;
}

/* Node *n of the tree, counted from 0. */
static const struct json *find_node(const struct json *v, size_t *n)
{
	if ((*n)-- == 0)
		return v;
	json_each (child, v) {
		const struct json *found = find_node(child, n);

		if (found)
			return found;
	}
	return NULL;
}

static const struct json *draw_node(const struct json_doc *doc)
{
	size_t n = draw((uint32_t)count_nodes(doc->root));

	return find_node(doc->root, &n);
}

static void write_string(struct strbuf *b, const char *s, size_t len)
{
	strbuf_puts(b, "\"");
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c == '"' || c == '\\' || c < 0x20)
			strbuf_printf(b, "\\u%04x", c);
		else
			strbuf_add(b, s + i, 1);
	}
	strbuf_puts(b, "\"");
}

static void write_node(struct strbuf *b, const struct json_doc *doc, const struct json *v, const struct edit *edit);

/* One member or element with its comma, edited if it is the one. */
static void write_member(struct strbuf *b, const struct json_doc *doc, const struct json *v, const struct edit *edit)
{
	const bool mine = edit->at == v;
	uint32_t times = mine && edit->kind == EDIT_TWICE ? 1 + edit->times : mine && edit->kind == EDIT_DROP ? 0 : 1;

	while (times-- > 0) {
		char last = b->s[b->len - 1];

		if (last != '[' && last != '{')
			strbuf_puts(b, ",");
		if (v->key && mine && edit->kind == EDIT_RENAME)
			strbuf_puts(b, edit->key);
		else if (v->key)
			write_string(b, v->key, strlen(v->key));
		if (v->key)
			strbuf_puts(b, ":");
		write_node(b, doc, v, edit);
	}
}

static void write_node(struct strbuf *b, const struct json_doc *doc, const struct json *v, const struct edit *edit)
{
	const bool mine = edit->at == v, is_object = v->type == JSON_OBJECT;

	if (mine && edit->kind == EDIT_REPLACE) {
		strbuf_puts(b, edit->value);
		return;
	}
	if (!is_object && v->type != JSON_ARRAY) {
		strbuf_add(b, doc->text + v->start, v->end - v->start);
		return;
	}
	strbuf_puts(b, is_object ? "{" : "[");
	json_each (child, v)
		write_member(b, doc, child, edit);
	for (uint32_t i = 0; mine && edit->kind == EDIT_ADD && i < edit->times; i++) {
		if (v->child || i)
			strbuf_puts(b, ",");
		if (is_object)
			strbuf_printf(b, "%s:", i ? draw_word() : edit->key);
		strbuf_puts(b, edit->value);
	}
	strbuf_puts(b, is_object ? "}" : "]");
}

/* A string's bytes by libFuzzer, which has the dictionary; as JSON. */
static char *mutated_string(const struct json *v)
{
	uint8_t bytes[STRING_MAX];
	size_t len = v->len < sizeof(bytes) / 2 ? v->len : sizeof(bytes) / 2;
	struct strbuf b = { 0 };

	memcpy(bytes, v->str, len);
	len = LLVMFuzzerMutate(bytes, len, sizeof(bytes));
	write_string(&b, (const char *)bytes, len);
	return b.s;
}

static char *node_text(const struct json_doc *doc, const struct json *v)
{
	return x_printf("%.*s", (int)(v->end - v->start), doc->text + v->start);
}

/* A value to put somewhere; from: where other nodes may be taken from. */
static char *draw_value(const struct json_doc *from, const struct json *old)
{
	static const char *const containers[] = { "{}", "[]", "[{}]" };

	switch (draw(8)) {
	case 0:
		if (old->type == JSON_STRING)
			return mutated_string(old);
		__attribute__((fallthrough));
	case 1:
		return x_strdup(values[draw(ARRAY_LEN(values))]);
	case 2:
		return x_printf("[%s]", draw_word());
	case 3:
	case 4:
		return x_strdup(draw_word());
	case 5:
		return x_strdup(containers[draw(ARRAY_LEN(containers))]);
	default:
		return node_text(from, draw_node(from));
	}
}

/* Writes doc, changed, and the rest into out. 0 when it has no room. */
static size_t write_edited(const struct json_doc *doc, const struct edit *edit, const uint8_t *rest, size_t rest_len,
			   uint8_t *out, size_t max_size)
{
	struct strbuf b = { 0 };
	size_t len = 0;

	write_node(&b, doc, doc->root, edit);
	strbuf_add(&b, (const char *)rest, rest_len);
	if (b.len <= max_size) {
		memcpy(out, b.s, b.len);
		len = b.len;
	}
	free(b.s);
	return len;
}

static size_t edit_once(const struct json_doc *doc, const struct json_doc *from, const uint8_t *rest, size_t rest_len,
			uint8_t *out, size_t max_size)
{
	const struct json *at = draw_node(doc);
	AUTO_FREE char *value = draw_value(from, at);
	struct edit edit = { .kind = (enum edit_kind)draw(EDITS),
			     .at = at,
			     .key = draw_word(),
			     .value = value,
			     .times = draw(8) ? 1 : draw(TIMES_MAX) };

	return write_edited(doc, &edit, rest, rest_len, out, max_size);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	size_t text_len = strnlen((const char *)data, size), len = 0;
	AUTO_FREE char *text = text_copy(data, size);
	struct json_doc doc = { 0 };

	begin(seed);
	if (draw(8) && json_parse(text, text_len, &doc, NULL) == 0 && (text_len == size || draw(2)))
		len = edit_once(&doc, &doc, (const uint8_t *)text + text_len, size - text_len, data, max_size);
	json_free(&doc);
	if (len)
		return len;
	if (text_len < size && draw(2)) /* the options alone */
		return text_len + 1 +
		       LLVMFuzzerMutate(data + text_len + 1, size - text_len - 1, max_size - text_len - 1);
	return LLVMFuzzerMutate(data, size, max_size);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *data1, size_t size1, const uint8_t *data2, size_t size2, uint8_t *out,
				 size_t max_size, unsigned int seed)
{
	size_t len1 = strnlen((const char *)data1, size1), len2 = strnlen((const char *)data2, size2), len = 0;
	AUTO_FREE char *text1 = text_copy(data1, len1);
	AUTO_FREE char *text2 = text_copy(data2, len2);
	struct json_doc doc1 = { 0 }, doc2 = { 0 };

	begin(seed);
	if (json_parse(text1, len1, &doc1, NULL) == 0 && json_parse(text2, len2, &doc2, NULL) == 0) {
		const struct json *from = draw_node(&doc2);
		AUTO_FREE char *value = node_text(&doc2, from);
		AUTO_FREE char *key = from->key ? x_printf("\"%s\"", from->key) : NULL;
		struct edit edit = { .kind = draw(2) ? EDIT_ADD : EDIT_REPLACE,
				     .at = draw_node(&doc1),
				     .key = key ? key : draw_word(),
				     .value = value,
				     .times = 1 };

		len = write_edited(&doc1, &edit, data1 + len1, size1 - len1, out, max_size);
	}
	json_free(&doc1);
	json_free(&doc2);
	return len;
}
