/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_config.c: any bytes as config.json. What is accepted must hold what spec.h
 * promises; it is then planned, its limits are checked, and its device rules and
 * (when they are few) its seccomp rules compiled, and its properties of a unit read, as
 * create does.
 */
#include "annotation.h"
#include "cgroup_check.h"
#include "cgroup_dev.h"
#include "cgroup_limits.h"
#include "cgroup_systemd.h"
#include "json_tree.h"
#include "plan.h"
#include "seccomp_compile.h"
#include "spec.h"

#include <linux/bpf_common.h>

#define SECCOMP_NAMES_MAX 24 /* system calls and architectures that are compiled: more take long */
#define SECCOMP_ARCHS_MAX 2

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
	size_t i;

	require_tree(spec->doc.root);
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
	for (i = 0; i < spec->n_annotations; i++)
		require(spec_annotation(spec, spec->annotations[i].key) == spec->annotations[i].value);
	for (i = 0; i < spec->linux_->n_namespaces; i++) {
		unsigned int flag = spec->linux_->namespaces[i].clone_flag;

		require(flag && spec->linux_->namespaces[i].type && spec_namespace(spec, flag));
	}
	for (i = 0; i < spec->linux_->n_devices; i++)
		require(spec->linux_->devices[i].path[0] == '/' && spec->linux_->devices[i].type);
	check_seccomp(spec, spec->linux_->seccomp);
}

/* An absolute path that cannot lead upwards. */
static void check_path(const char *path)
{
	require(path && path[0] == '/' && !strstr(path, "/../") && !strstr(path, "//"));
}

static void plan_spec(const struct spec *spec)
{
	struct plan *plan = NULL;
	struct err e = { 0 };
	int r = plan_make(spec, "/bundle", &plan, &e);

	if (r < 0) {
		require_message(r, &e);
		require(!plan);
		return;
	}
	check_path(plan->root);
	require(plan->n_joins <= PLAN_JOIN_MAX && plan->process.args && plan->process.program);
	for (size_t i = 0; i < plan->n_mounts; i++) {
		check_path(plan->mounts[i].target);
		require(plan->mounts[i].kind != MOUNT_BIND || plan->mounts[i].source[0] == '/');
	}
	for (size_t i = 0; i < plan->n_devices; i++)
		check_path(plan->devices[i].path);
	plan_free(plan);
}

static void plan_limits(const struct json *resources, const struct cgroup_current *current)
{
	struct cgroup_steps steps = { 0 };
	struct err e = { 0 };
	int r = cgroup_limits_plan(resources, current, &steps, &e);

	if (r < 0)
		require_message(r, &e);
	for (size_t i = 0; r == 0 && i < steps.n; i++)
		require(steps.v[i].file && !strchr(steps.v[i].file, '/') && steps.v[i].value);
	cgroup_steps_free(&steps);
}

static void check_resources(const struct spec_linux *l)
{
	static const struct cgroup_current updated = { .memory = 1 << 20, .quota = 1000, .period = 5000, .burst = 10 };
	struct bpf_insn insns[CGROUP_DEV_INSNS_MAX];
	struct err e = { 0 };
	size_t n = 0;
	int r = cgroup_check_resources(l, false, &e);

	if (r < 0) {
		require_message(r, &e);
	} else {
		plan_limits(l->resources, &cgroup_current_none);
		plan_limits(l->resources, &updated);
	}
	(void)cgroup_check_resources(l, true, &e);
	r = cgroup_dev_compile(l->device_rules, l->n_device_rules, l->devices, l->n_devices, insns, &n, &e);
	if (r < 0)
		require_message(r, &e);
	require(n <= CGROUP_DEV_INSNS_MAX);
}

static void compile_seccomp(const struct spec_seccomp *s)
{
	struct seccomp_prog prog = { 0 };
	struct err e = { 0 };
	size_t n = 0;
	int r;

	if (!s || s->architectures.n > SECCOMP_ARCHS_MAX)
		return;
	for (size_t i = 0; i < s->n_rules; i++)
		n += s->rules[i].names.n * (s->rules[i].n_args + 1);
	if (n > SECCOMP_NAMES_MAX)
		return;
	r = seccomp_compile(s, SECCOMP_LOOKUP_AUTO, &prog, &e);
	if (r < 0)
		require_message(r, &e);
	else
		require(prog.n > 0 && prog.n <= BPF_MAXINSNS && prog.insns);
	seccomp_prog_free(&prog);
}

/* What annotations ask systemd for: with `user`, as no leave of a file of this host's must be asked for. */
static void read_unitprops(const struct spec *spec)
{
	struct strv words = { 0 };
	char *below = NULL;
	struct err e = { 0 };
	int r = annotation_unitprops(spec, true, &words, &e);

	if (r < 0)
		require_message(r, &e);
	for (size_t i = 0; i < words.n; i++)
		require(words.v[i][0] == '@' && strchr(words.v[i], '='));
	cgroup_scope_properties_free(words.v);
	r = annotation_subgroup(spec, &below, &e);
	if (r < 0)
		require_message(r, &e);
	require(!below || (*below == '/' && below[1] && !strstr(below, "//") && !strstr(below, "/../")));
	free(below);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct spec *spec = NULL;
	struct err e = { 0 };
	int r;

	log_nowhere();
	r = spec_parse((const char *)data, size, &spec, &e);
	if (r < 0) {
		/* One line that says something, and nothing left. */
		require_message(r, &e);
		require(!spec && !strchr(e.msg, '\n'));
		return 0;
	}
	check_spec(spec);
	read_unitprops(spec);
	plan_spec(spec);
	check_resources(spec->linux_);
	compile_seccomp(spec->linux_->seccomp);
	spec_free(spec);
	return 0;
}
