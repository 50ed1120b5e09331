/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_json.c: any bytes as JSON: the tree and the typed reads of every node of it. */
#include "json_tree.h"

#include <errno.h>

#define MESSAGES_MAX 32 /* nodes that messages are made for, which takes longest */

static void read_number(const struct json *v, struct err *e)
{
	int64_t i = 0;
	uint64_t u = 0;
	int r;

	r = json_i64(v, -5, 1000, &i, e);
	require(r == 0 ? i >= -5 && i <= 1000 : i == 0);
	r = json_u64(v, UINT64_MAX, &u, e);
	require(r == 0 || u == 0);
}

static void read_strings(const struct json_doc *doc, const struct json *v, struct err *e)
{
	char **strv = NULL;
	size_t n = 0;

	if (json_strv(doc, v, &strv, &n, e) < 0)
		return;
	require(v->type == JSON_ARRAY && n == v->len && strv && !strv[n]);
	for (size_t i = 0; i < n; i++)
		require(strv[i] != NULL);
}

static void read_node(const struct json_doc *doc, const struct json *v, size_t *nodes)
{
	struct err message = { 0 }, *e = (*nodes)++ < MESSAGES_MAX ? &message : NULL;
	const char *s = NULL;
	bool b = false;
	int r = json_str(v, &s, e);

	require(r == 0 ? s && strlen(s) == v->len : v->type != JSON_STRING);
	if (r < 0 && e)
		require_message(r, e);
	require((json_bool(v, &b, e) == 0) == (v->type == JSON_BOOL));
	read_number(v, e);
	read_strings(doc, v, e);
	json_each (child, v) {
		if (v->type == JSON_OBJECT)
			require(json_get(v, child->key) == (child->type == JSON_NULL ? NULL : child));
		read_node(doc, child, nodes);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = text_copy(data, size);
	struct json_doc doc = { 0 };
	struct err e = { 0 };
	size_t nodes = 0;
	int r = json_parse(text, size, &doc, &e);

	if (r < 0) {
		require_message(r, &e);
		require(!strchr(e.msg, '\n'));
	} else {
		require(doc.root && doc.text == text);
		require_tree(doc.root);
		read_node(&doc, doc.root, &nodes);
		require_message(json_err(&e, EINVAL, doc.root, "%s", "no"), &e);
	}
	json_free(&doc);
	return 0;
}
