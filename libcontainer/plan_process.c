/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan_process.c: the process part of a plan: what one process is, whether it is
 * the container's own or one that exec adds. No system calls here.
 */
#include "plan.h"

#include "caps.h"
#include "log.h"
#include "plan_sched.h"
#include "rlimit.h"
#include "str.h"

#include <stdlib.h>
#include <string.h>

#define LSM_TEXT_MAX 4000 /* bytes: proc_pid_attr(5) takes a page, with "exec " before */

static const char *const set_names[CAPS_SETS] = {
	[CAPS_BOUNDING] = "bounding",	[CAPS_EFFECTIVE] = "effective", [CAPS_INHERITABLE] = "inheritable",
	[CAPS_PERMITTED] = "permitted", [CAPS_AMBIENT] = "ambient",
};

/* A name that is newer than this build cannot be granted; runc warns, too. */
static uint64_t caps_mask(const struct strv *names, const char *set)
{
	uint64_t mask = 0, bit;

	for (size_t i = 0; i < names->n; i++) {
		if (caps_bit(names->v[i], &bit) < 0)
			log_warn("process.capabilities.%s: unknown capability '%s': ignoring", set, names->v[i]);
		else
			mask |= bit;
	}
	return mask;
}

/* The name of the lowest capability in a mask that is not empty. */
static const char *caps_first(uint64_t mask)
{
	const char *name = caps_name((unsigned int)__builtin_ctzll(mask));

	return name ? name : "?";
}

/*
 * capset(2) refuses effective capabilities that are not permitted; that is said
 * here by name. Ambient ones must be permitted and inheritable: those that are
 * not are left out with a warning. Without one where nothing is inheritable: Buildah
 * and Podman ask so for each step of a build, whose user would read of them all.
 */
static int caps_check(struct caps_step *c, struct err *e)
{
	uint64_t beyond = c->sets[CAPS_EFFECTIVE] & ~c->sets[CAPS_PERMITTED];

	if (beyond)
		return err_set(e, EINVAL,
			       "process.capabilities.effective: '%s' is not in process.capabilities.permitted",
			       caps_first(beyond));
	beyond = c->sets[CAPS_AMBIENT] & ~(c->sets[CAPS_PERMITTED] & c->sets[CAPS_INHERITABLE]);
	c->sets[CAPS_AMBIENT] &= ~beyond;
	if (!c->sets[CAPS_INHERITABLE])
		return 0;
	for (; beyond; beyond &= beyond - 1)
		log_warn("process.capabilities.ambient: '%s' is not both permitted and inheritable: ignoring",
			 caps_first(beyond));
	return 0;
}

/* No capabilities object means no capabilities. */
static int caps_plan(const struct spec_process *p, struct caps_step *c, struct err *e)
{
	c->given = true;
	for (size_t set = 0; p->have_caps && set < CAPS_SETS; set++)
		c->sets[set] = caps_mask(&p->caps[set], set_names[set]);
	return caps_check(c, e);
}

static int rlimits_plan(const struct spec_process *p, struct process_plan *out, struct err *e)
{
	out->rlimits = x_calloc(p->n_rlimits, sizeof(out->rlimits[0]));
	for (size_t i = 0; i < p->n_rlimits; i++) {
		const struct spec_rlimit *limit = &p->rlimits[i];
		int resource = rlimit_number(limit->type);

		if (resource < 0)
			return err_set(e, EINVAL, "process.rlimits[%zu].type: unknown limit '%s'", i, limit->type);
		out->rlimits[i] = (struct rlimit_step){
			.resource = resource,
			.name = limit->type,
			.soft = limit->soft,
			.hard = limit->hard,
		};
		out->n_rlimits = i + 1;
	}
	return 0;
}

static const char *lsm_text(const char *s)
{
	return str_eq(s, "unconfined") ? NULL : s;
}

/* The kernel takes a line of at most a page, and both modules end it at white space of some kind. */
static int lsm_check(const char *key, const char *text, struct err *e)
{
	if (text && strlen(text) > LSM_TEXT_MAX)
		return err_set(e, EINVAL, "%s: %zu bytes, expected at most %d", key, strlen(text), LSM_TEXT_MAX);
	if (text && text[strcspn(text, "\n")])
		return err_set(e, EINVAL, "%s: expected one line, got '%s'", key, text);
	return 0;
}

static int lsm_plan(const struct spec_process *p, struct lsm_step *out, struct err *e)
{
	int r;

	out->apparmor_profile = lsm_text(p->apparmor_profile);
	out->selinux_label = lsm_text(p->selinux_label);
	r = lsm_check("process.apparmorProfile", out->apparmor_profile, e);
	return r < 0 ? r : lsm_check("process.selinuxLabel", out->selinux_label, e);
}

int plan_process(const struct spec_process *process, struct process_plan *out, struct err *e)
{
	static char *no_env[] = { NULL };
	struct process_plan p = {
		.args = process->args.v,
		.env = process->env.v ? process->env.v : no_env,
		.cwd = process->cwd,
		.terminal = process->terminal,
		.console_width = process->console_width,
		.console_height = process->console_height,
		.uid = process->uid,
		.gid = process->gid,
		.additional_gids = process->additional_gids,
		.n_additional_gids = process->n_additional_gids,
		.have_umask = process->have_umask,
		.umask = process->umask,
		.no_new_privileges = process->no_new_privileges,
		.have_oom_score_adj = process->have_oom_score_adj,
		.oom_score_adj = process->oom_score_adj,
	};
	int r;

	if (process->args.n == 0 || !process->args.v[0][0])
		return err_set(e, EINVAL, "process.args: expected at least the name of a program");
	if (!process->cwd || process->cwd[0] != '/')
		return err_set(e, EINVAL, "process.cwd: expected an absolute path, got '%s'",
			       process->cwd ? process->cwd : "");
	p.program = process->args.v[0];
	r = caps_plan(process, &p.caps, e);
	if (r == 0)
		r = rlimits_plan(process, &p, e);
	if (r == 0)
		r = plan_sched(process, &p, e);
	if (r == 0)
		r = lsm_plan(process, &p.lsm, e);
	if (r < 0) {
		plan_process_free(&p);
		return r;
	}
	*out = p;
	return 0;
}

void plan_console_size(struct process_plan *process, uint16_t width, uint16_t height)
{
	if (!width && !height)
		return;
	process->console_width = width;
	process->console_height = height;
}

void plan_process_free(struct process_plan *process)
{
	free(process->rlimits);
	process->rlimits = NULL;
	process->n_rlimits = 0;
}
