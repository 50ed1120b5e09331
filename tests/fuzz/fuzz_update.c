/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_update.c: any bytes as the files that change a container which runs: the one
 * of `husk mounts add`, each mount planned; and the one of `husk update`, its
 * limits planned and its device rules compiled.
 */
#include "cgroup_check.h"
#include "cgroup_dev.h"
#include "cgroup_limits.h"
#include "json_tree.h"
#include "plan.h"
#include "spec.h"

/* Of the container that gets the mounts. */
static const char config[] = "{\"ociVersion\":\"1.2.0\",\"process\":{\"args\":[\"x\"],\"cwd\":\"/\"},"
			     "\"root\":{\"path\":\"r\"},\"linux\":{\"namespaces\":[{\"type\":\"mount\"}]}}";

static void plan_mounts(const struct spec *added)
{
	struct spec *spec = NULL;
	struct plan *plan = NULL;
	struct err e = { 0 };
	int r;

	require(spec_parse(config, sizeof(config) - 1, &spec, &e) == 0);
	r = plan_make_mounts(added, spec, "/bundle", &plan, &e);
	if (r < 0)
		require_message(r, &e);
	for (size_t i = 0; r == 0 && i < plan->n_mounts; i++) {
		const struct mount_step *step = &plan->mounts[i];

		require(step->target[0] == '/' && step->label && (step->kind != MOUNT_BIND || step->source[0] == '/'));
	}
	plan_free(plan);
	spec_free(spec);
}

static void read_mounts(const char *text, size_t size)
{
	struct spec *spec = NULL;
	struct err e = { 0 };
	int r = spec_parse_mounts(text, size, &spec, &e);

	if (r < 0) {
		require_message(r, &e);
		require(!spec);
		return;
	}
	require_tree(spec->doc.root);
	plan_mounts(spec);
	spec_free(spec);
}

static void plan_resources(const struct spec_linux *l)
{
	static const struct cgroup_current current = { .memory = 1 << 20, .quota = 1000, .period = 5000, .burst = 10 };
	struct bpf_insn insns[CGROUP_DEV_INSNS_MAX];
	struct cgroup_steps steps = { 0 };
	struct err e = { 0 };
	size_t n = 0;
	int r = cgroup_check_resources(l, false, &e);

	if (r == 0)
		r = cgroup_limits_plan(l->resources, &current, &steps, &e);
	if (r < 0)
		require_message(r, &e);
	cgroup_steps_free(&steps);
	r = cgroup_dev_compile(l->device_rules, l->n_device_rules, NULL, 0, insns, &n, &e);
	require(r == 0 ? n <= CGROUP_DEV_INSNS_MAX : r < 0);
}

static void read_resources(const char *text, size_t size)
{
	struct spec *spec = NULL;
	struct err e = { 0 };
	int r = spec_parse_resources(text, size, &spec, &e);

	if (r < 0) {
		require_message(r, &e);
		require(!spec);
		return;
	}
	plan_resources(spec->linux_);
	spec_free(spec);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	log_nowhere();
	read_mounts((const char *)data, size);
	read_resources((const char *)data, size);
	return 0;
}
