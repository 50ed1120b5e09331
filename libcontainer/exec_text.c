/* SPDX-License-Identifier: Apache-2.0 */
/* exec_text.c: exec_process_text() of exec_process.h, and husk_exec_process(). No system calls but those that read
 * --process. */
#include "exec_process.h"

#include "gen.h"
#include "str.h"

#include <fcntl.h>

static void put_strings(yajl_gen g, const char *key, const struct strv *v)
{
	static const char *const none[] = { NULL };

	gen_strings(g, key, v->v ? (const char *const *)v->v : none);
}

static void put_i64(yajl_gen g, const char *key, int64_t v)
{
	AUTO_FREE char *digits = x_printf("%jd", (intmax_t)v);

	gen_raw(g, key, digits);
}

static void put_user(yajl_gen g, const struct spec_process *p)
{
	gen_object_open(g, "user");
	gen_u64(g, "uid", p->uid);
	gen_u64(g, "gid", p->gid);
	if (p->have_umask)
		gen_u64(g, "umask", p->umask);
	if (p->n_additional_gids) {
		gen_array_open(g, "additionalGids");
		for (size_t i = 0; i < p->n_additional_gids; i++)
			(void)yajl_gen_integer(g, p->additional_gids[i]);
		gen_array_close(g);
	}
	gen_object_close(g);
}

static void put_caps(yajl_gen g, const struct spec_process *p)
{
	static const char *const names[CAPS_SETS] = {
		[CAPS_BOUNDING] = "bounding",	[CAPS_EFFECTIVE] = "effective", [CAPS_INHERITABLE] = "inheritable",
		[CAPS_PERMITTED] = "permitted", [CAPS_AMBIENT] = "ambient",
	};

	if (!p->have_caps)
		return;
	gen_object_open(g, "capabilities");
	for (size_t i = 0; i < CAPS_SETS; i++)
		put_strings(g, names[i], &p->caps[i]);
	gen_object_close(g);
}

static void put_rlimits(yajl_gen g, const struct spec_process *p)
{
	gen_array_open(g, "rlimits");
	for (size_t i = 0; i < p->n_rlimits; i++) {
		gen_object_open(g, NULL);
		gen_pair(g, "type", p->rlimits[i].type);
		gen_u64(g, "soft", p->rlimits[i].soft);
		gen_u64(g, "hard", p->rlimits[i].hard);
		gen_object_close(g);
	}
	gen_array_close(g);
}

static void put_sched(yajl_gen g, const struct spec_process *p)
{
	const struct spec_scheduler *s = p->scheduler;

	if (s) {
		gen_object_open(g, "scheduler");
		gen_pair(g, "policy", s->policy);
		put_i64(g, "nice", s->nice);
		put_i64(g, "priority", s->priority);
		put_strings(g, "flags", &s->flags);
		gen_u64(g, "runtime", s->runtime);
		gen_u64(g, "deadline", s->deadline);
		gen_u64(g, "period", s->period);
		gen_object_close(g);
	}
	if (p->io_priority) {
		gen_object_open(g, "ioPriority");
		gen_pair(g, "class", p->io_priority->io_class);
		put_i64(g, "priority", p->io_priority->priority);
		gen_object_close(g);
	}
	if (p->exec_cpu_affinity) {
		gen_object_open(g, "execCPUAffinity");
		gen_pair(g, "initial", p->exec_cpu_affinity->initial);
		gen_pair(g, "final", p->exec_cpu_affinity->final);
		gen_object_close(g);
	}
}

char *exec_process_text(const struct spec_process *p)
{
	yajl_gen g = gen_new(NULL);

	gen_object_open(g, NULL);
	gen_bool(g, "terminal", p->terminal);
	if (p->console_width || p->console_height) {
		gen_object_open(g, "consoleSize");
		gen_u64(g, "width", p->console_width);
		gen_u64(g, "height", p->console_height);
		gen_object_close(g);
	}
	put_user(g, p);
	put_strings(g, "args", &p->args);
	put_strings(g, "env", &p->env);
	gen_pair(g, "cwd", p->cwd);
	put_caps(g, p);
	put_rlimits(g, p);
	gen_bool(g, "noNewPrivileges", p->no_new_privileges);
	if (p->have_oom_score_adj)
		put_i64(g, "oomScoreAdj", p->oom_score_adj);
	put_sched(g, p);
	gen_object_close(g);
	return gen_end(g);
}

int husk_exec_process(const char *config, size_t len, const struct husk_exec_opts *o, char **out_json, struct err *e)
{
	struct spec *spec = NULL, *own = NULL;
	struct exec_process merged = { 0 };
	int r = spec_parse(config, len, &spec, e);

	if (r == 0 && !spec->process)
		r = err_set(e, EINVAL, "process: missing");
	if (r == 0 && o->process) {
		r = spec_load_process(AT_FDCWD, o->process, &own, e);
		if (r < 0)
			r = err_add(e, "--process '%s'", o->process);
	}
	if (r == 0)
		r = exec_process_merge(own ? own->process : spec->process, o, &merged, e);
	if (r == 0) {
		exec_process_inherit(&merged.process, spec->process);
		*out_json = exec_process_text(&merged.process);
	}
	exec_process_free(&merged);
	spec_free(own);
	spec_free(spec);
	return r;
}
