/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_config.c: any bytes as config.json. What is accepted must hold what spec.h promises. */
#include "err.h"
#include "json.h"
#include "spec.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
	if (!condition)
		abort();
}

/* Each node lies within its parent and after the one before it; a path fits any buffer. */
static void check_tree(const struct json *v, size_t *nodes)
{
	uint32_t at = v->start;
	char path[32];

	(*nodes)++;
	require(v->start < v->end);
	json_path(v, path, sizeof(path));
	require(memchr(path, '\0', sizeof(path)) != NULL);
	json_each (child, v) {
		require(child->parent == v && child->start >= at && child->end <= v->end);
		at = child->end;
		check_tree(child, nodes);
	}
}

static void check_strv(const struct strv *s)
{
	size_t i;

	require(s->n == 0 || s->v);
	for (i = 0; i < s->n; i++)
		require(s->v[i] != NULL);
	require(!s->v || !s->v[s->n]);
}

static void check_seccomp(const struct spec *spec, const struct spec_seccomp *s)
{
	size_t i;

	if (!s)
		return;
	require(s->text >= spec->text && s->text[0] == '{' && s->text[s->text_len - 1] == '}');
	require(s->default_action != NULL);
	for (i = 0; i < s->n_rules; i++) {
		check_strv(&s->rules[i].names);
		require(s->rules[i].names.n && s->rules[i].action);
	}
}

static void check_spec(const struct spec *spec)
{
	size_t nodes = 0, i;

	check_tree(spec->doc.root, &nodes);
	require(spec->root_path && spec->oci_version && spec->linux_);
	if (spec->process) {
		check_strv(&spec->process->args);
		check_strv(&spec->process->env);
		require(spec->process->args.n && spec->process->cwd[0] == '/');
	}
	for (i = 0; i < spec->n_mounts; i++) {
		require(spec->mounts[i].destination[0] == '/' && spec->mounts[i].node);
		check_strv(&spec->mounts[i].options);
	}
	for (i = 0; i < spec->linux_->n_namespaces; i++)
		require(spec->linux_->namespaces[i].clone_flag && spec->linux_->namespaces[i].type);
	for (i = 0; i < spec->linux_->n_devices; i++)
		require(spec->linux_->devices[i].path[0] == '/' && spec->linux_->devices[i].type);
	check_seccomp(spec, spec->linux_->seccomp);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct spec *spec = NULL;
	struct err e = { 0 };
	int r = spec_parse((const char *)data, size, &spec, &e);

	if (r < 0) {
		/* One line that says something, and nothing left. */
		require(!spec && e.code == -r && e.msg[0] && !strchr(e.msg, '\n'));
		return 0;
	}
	check_spec(spec);
	spec_free(spec);
	return 0;
}
