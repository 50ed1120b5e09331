/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_state.c: any bytes as state.json. What is accepted is written and read again the same; the OCI state
 * of it is JSON. */
#include "fuzz.h"
#include "json_tree.h"
#include "state.h"

static void check_same(const struct state *a, const struct state *b)
{
	char *const left[] = { a->bundle, a->rootfs, a->created, a->cgroup, a->annotations };
	char *const right[] = { b->bundle, b->rootfs, b->created, b->cgroup, b->annotations };

	for (size_t i = 0; i < ARRAY_LEN(left); i++)
		require(left[i] ? str_eq(left[i], right[i]) : !right[i]);
	require(a->pid == b->pid && a->pid >= 0 && a->start_time == b->start_time && a->owner == b->owner &&
		a->ready == b->ready);
}

static void check_written(const struct state *s)
{
	AUTO_FREE char *text = state_text(s);
	struct state again = { .dir = -1 };
	struct err e = { 0 };

	require(state_parse(text, strlen(text), &again, &e) == 0);
	check_same(s, &again);
	state_free(&again);
}

static void check_oci(const struct state *s, enum state_status status)
{
	AUTO_FREE char *text = state_json(s, status, s->pid);
	struct json_doc doc = { 0 };
	const char *name = NULL;

	require(json_parse(text, strlen(text), &doc, NULL) == 0);
	require(json_str(json_get(doc.root, "status"), &name, NULL) == 0 && str_eq(name, state_status_name(status)));
	json_free(&doc);
}

/* What the agent of a seccomp filter is sent. */
static void check_process_json(const struct state *s, const char *metadata)
{
	AUTO_FREE char *text = state_process_json(s, STATE_RUNNING, 7, metadata);
	struct json_doc doc = { 0 };
	const struct json *id;

	require(json_parse(text, strlen(text), &doc, NULL) == 0);
	id = json_get(json_get(doc.root, "state"), "id");
	require(id && str_eq(id->str, s->id));
	json_free(&doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = text_copy(data, size);
	struct state s = { .dir = -1 };
	struct err e = { 0 };
	int r = state_parse(text, size, &s, &e);

	if (r < 0) {
		require_message(r, &e);
	} else {
		s.id = x_strdup("c1");
		check_written(&s);
		check_oci(&s, s.pid ? STATE_RUNNING : STATE_STOPPED);
		check_process_json(&s, s.cgroup);
	}
	state_free(&s);
	return 0;
}
