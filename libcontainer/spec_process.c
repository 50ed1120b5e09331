/* SPDX-License-Identifier: Apache-2.0 */
/* spec_process.c: the `process` object of config.json, and process.json of exec. */
#include "spec_read.h"

#include "str.h"

/* (uid_t)-1 means "leave as is" in the system calls that take ids. */
#define ID_MAX (UINT32_MAX - 1)
#define GROUPS_MAX 65536 /* NGROUPS_MAX, Linux 2.6.4 */
#define OOM_SCORE_ADJ_MAX_ABS 1000

static void read_console_size(struct spec_reader *rd, const struct json *process, struct spec_process *out)
{
	const struct json *size = spec_read_object(rd, process, "consoleSize");

	out->console_width = (uint16_t)spec_read_u32(rd, size, "width", UINT16_MAX);
	out->console_height = (uint16_t)spec_read_u32(rd, size, "height", UINT16_MAX);
}

static void read_groups(struct spec_reader *rd, const struct json *user, struct spec_process *out)
{
	const struct json *array = spec_read_array(rd, user, "additionalGids");

	if (!array)
		return;
	if (array->len > GROUPS_MAX) {
		(void)spec_read_fail(rd, array, "%zu groups, but Linux takes at most %d", array->len, GROUPS_MAX);
		return;
	}
	out->additional_gids = json_alloc(rd->doc, array->len, sizeof(gid_t));
	json_each (item, array) {
		uint64_t gid = 0;

		rd->status = json_u64(item, ID_MAX, &gid, rd->e);
		if (rd->status < 0)
			return;
		out->additional_gids[out->n_additional_gids++] = (gid_t)gid;
	}
}

static void read_user(struct spec_reader *rd, const struct json *process, struct spec_process *out)
{
	const struct json *user = spec_read_object(rd, process, "user");
	uint64_t mask = 0;

	spec_read_elsewhere(rd, user, "username");
	out->uid = spec_read_u32(rd, user, "uid", ID_MAX);
	out->gid = spec_read_u32(rd, user, "gid", ID_MAX);
	out->have_umask = spec_read_u64(rd, user, "umask", 0777, &mask);
	out->umask = (mode_t)mask;
	read_groups(rd, user, out);
}

static void read_capabilities(struct spec_reader *rd, const struct json *process, struct spec_process *out)
{
	static const char *const names[CAPS_SETS] = {
		[CAPS_BOUNDING] = "bounding",	[CAPS_EFFECTIVE] = "effective", [CAPS_INHERITABLE] = "inheritable",
		[CAPS_PERMITTED] = "permitted", [CAPS_AMBIENT] = "ambient",
	};
	const struct json *caps = spec_read_object(rd, process, "capabilities");
	size_t i;

	out->have_caps = caps != NULL;
	for (i = 0; i < CAPS_SETS; i++)
		out->caps[i] = spec_read_strv(rd, caps, names[i]);
}

static void read_rlimits(struct spec_reader *rd, const struct json *process, struct spec_process *out)
{
	const struct json *array;

	array = spec_read_items(rd, process, "rlimits", sizeof(*out->rlimits), &out->rlimits, &out->n_rlimits);
	json_each (item, array) {
		struct spec_rlimit *limit = &out->rlimits[item->index];

		limit->type = spec_read_need_str(rd, item, "type");
		limit->soft = spec_read_need_u64(rd, item, "soft", UINT64_MAX);
		limit->hard = spec_read_need_u64(rd, item, "hard", UINT64_MAX);
	}
}

static void read_oom_score(struct spec_reader *rd, const struct json *process, struct spec_process *out)
{
	int64_t v = 0;

	out->have_oom_score_adj =
		spec_read_i64(rd, process, "oomScoreAdj", -OOM_SCORE_ADJ_MAX_ABS, OOM_SCORE_ADJ_MAX_ABS, &v);
	out->oom_score_adj = (int)v;
}

void spec_read_process(struct spec_reader *rd, const struct json *obj, struct spec_process *out)
{
	spec_read_elsewhere(rd, obj, "commandLine");
	out->terminal = spec_read_bool(rd, obj, "terminal");
	read_console_size(rd, obj, out);
	read_user(rd, obj, out);
	out->args = spec_read_strv(rd, obj, "args");
	out->env = spec_read_strv(rd, obj, "env");
	out->cwd = spec_read_str(rd, obj, "cwd");
	read_capabilities(rd, obj, out);
	read_rlimits(rd, obj, out);
	out->no_new_privileges = spec_read_bool(rd, obj, "noNewPrivileges");
	read_oom_score(rd, obj, out);
	spec_read_sched(rd, obj, out);
	out->apparmor_profile = spec_read_str(rd, obj, "apparmorProfile");
	out->selinux_label = spec_read_str(rd, obj, "selinuxLabel");
}
