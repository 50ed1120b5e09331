/* SPDX-License-Identifier: Apache-2.0 */
/* json_text.h: JSON documents for tests, from texts in which ' stands for ". */
#ifndef HUSK_TESTS_JSON_TEXT_H
#define HUSK_TESTS_JSON_TEXT_H

#include "ck_err.h"
#include "json.h"
#include "str.h"

#include <check.h>
#include <string.h>

struct json_text {
	char *text;
	struct json_doc doc;
};

static inline struct json_text json_text(const char *quoted)
{
	struct json_text t = { .text = x_strdup(quoted) };

	for (char *c = t.text; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	ck_assert_ok(json_parse(t.text, strlen(t.text), &t.doc, e));
	return t;
}

static inline void json_text_free(struct json_text *t)
{
	json_free(&t->doc);
	free(t->text);
}

#endif
