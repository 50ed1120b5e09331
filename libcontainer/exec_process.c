/* SPDX-License-Identifier: Apache-2.0 */
/* exec_process.c: see exec_process.h. */
#include "exec_process.h"

#include "str.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>

static size_t count(const char *const *v)
{
	size_t n = 0;

	while (v && v[n])
		n++;
	return n;
}

/* A new vector: all of a, then all of b. */
static char **joined(char *const *a, size_t n_a, const char *const *b, size_t *out_n)
{
	size_t n_b = count(b);
	char **v = x_calloc(n_a + n_b + 1, sizeof(*v));

	if (n_a)
		memcpy(v, a, n_a * sizeof(*v));
	if (n_b)
		memcpy(v + n_a, b, n_b * sizeof(*v));
	*out_n = n_a + n_b;
	return v;
}

static bool same_name(const char *a, const char *b)
{
	size_t len = strcspn(a, "=");

	return strncmp(a, b, len) == 0 && b[len] == '=';
}

/* A variable that is named again is set anew: the first of two would win in most programs. */
static size_t drop_overridden(char **env, size_t n, size_t n_base)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		bool again = false;

		for (size_t j = i < n_base ? n_base : i + 1; j < n && !again; j++)
			again = same_name(env[i], env[j]);
		if (!again)
			env[kept++] = env[i];
	}
	env[kept] = NULL;
	return kept;
}

/* "uid[:gid]", both in digits. */
static int parse_user(const char *user, struct spec_process *p, struct err *e)
{
	const char *colon = strchr(user, ':');
	AUTO_FREE char *uid = colon ? x_printf("%.*s", (int)(colon - user), user) : x_strdup(user);
	uint64_t u, g = 0;

	if (str_u64(uid, UINT32_MAX - 1, &u) < 0 || (colon && str_u64(colon + 1, UINT32_MAX - 1, &g) < 0))
		return err_set(e, EINVAL, "--user '%s': expected UID or UID:GID in digits", user);
	p->uid = (uid_t)u;
	if (colon)
		p->gid = (gid_t)g;
	return 0;
}

/* runc's rule: what is added goes to the bounding, permitted and effective sets, and stays inheritable
 * to nobody: an ambient set would need it (CVE-2022-29162). */
static void add_caps(struct exec_process *out, const char *const *caps)
{
	static const enum spec_cap_set sets[] = { CAPS_BOUNDING, CAPS_PERMITTED, CAPS_EFFECTIVE };

	for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
		struct strv *set = &out->process.caps[sets[i]];

		out->caps[sets[i]] = joined(set->v, set->n, caps, &set->n);
		set->v = out->caps[sets[i]];
	}
	out->process.have_caps = true;
}

static void add_groups(struct exec_process *out, const gid_t *groups, size_t n)
{
	struct spec_process *p = &out->process;

	out->groups = x_calloc(p->n_additional_gids + n, sizeof(gid_t));
	if (p->n_additional_gids)
		memcpy(out->groups, p->additional_gids, p->n_additional_gids * sizeof(gid_t));
	memcpy(out->groups + p->n_additional_gids, groups, n * sizeof(gid_t));
	p->additional_gids = out->groups;
	p->n_additional_gids += n;
}

int exec_process_merge(const struct spec_process *base, const struct husk_exec_opts *o, struct exec_process *out,
		       struct err *e)
{
	struct spec_process *p = &out->process;

	*p = *base;
	if (o->apparmor && *o->apparmor)
		p->apparmor_profile = o->apparmor;
	if (o->process_label && *o->process_label)
		p->selinux_label = o->process_label;
	if (!o->process)
		p->terminal = o->tty;
	else if (o->tty)
		p->terminal = true;
	if (!o->process && o->args)
		p->args = (struct strv){ (char **)(uintptr_t)o->args, count((const char *const *)o->args) };
	if (o->cwd)
		p->cwd = o->cwd;
	if (p->cwd && p->cwd[0] != '/')
		return err_set(e, EINVAL, "--cwd '%s': must be absolute", p->cwd);
	if (o->no_new_privs)
		p->no_new_privileges = true;
	if (o->env) {
		size_t n_base = p->env.n;

		out->env = joined(p->env.v, p->env.n, (const char *const *)o->env, &p->env.n);
		p->env.v = out->env;
		p->env.n = drop_overridden(out->env, p->env.n, n_base);
	}
	if (o->caps)
		add_caps(out, o->caps);
	if (o->n_additional_gids)
		add_groups(out, o->additional_gids, o->n_additional_gids);
	return o->user ? parse_user(o->user, p, e) : 0;
}

/* What --process leaves open of the container's own process, as runc has it. */
static void inherit_sched(struct spec_process *p, const struct spec_process *from)
{
	if (!p->scheduler)
		p->scheduler = from->scheduler;
	if (!p->io_priority)
		p->io_priority = from->io_priority;
	if (!p->exec_cpu_affinity)
		p->exec_cpu_affinity = from->exec_cpu_affinity;
}

/* So with labels: a process of its own must not be a way out of them. "unconfined" says so. */
static void inherit_labels(struct spec_process *p, const struct spec_process *from)
{
	if (!p->apparmor_profile)
		p->apparmor_profile = from->apparmor_profile;
	if (!p->selinux_label)
		p->selinux_label = from->selinux_label;
}

void exec_process_inherit(struct spec_process *p, const struct spec_process *from)
{
	inherit_sched(p, from);
	inherit_labels(p, from);
}

void exec_process_free(struct exec_process *p)
{
	free(p->env);
	for (size_t i = 0; i < CAPS_SETS; i++)
		free(p->caps[i]);
	free(p->groups);
}
