/* SPDX-License-Identifier: Apache-2.0 */
/* spec_seccomp.c: the shape of linux.seccomp. What its names mean is linux/seccomp.c's matter. */
#include "spec_read.h"

#include "str.h"

#include <stdio.h>

#define SYSCALL_ARGS 6
#define ERRNO_MAX 4095 /* MAX_ERRNO of the kernel: what SECCOMP_RET_ERRNO can return */

static bool read_errno(struct spec_reader *rd, const struct json *obj, const char *key, uint32_t *out)
{
	uint64_t v = 0;
	bool have = spec_read_u64(rd, obj, key, ERRNO_MAX, &v);

	*out = (uint32_t)v;
	return have;
}

static void read_args(struct spec_reader *rd, const struct json *rule, struct spec_seccomp_rule *out)
{
	const struct json *array = spec_read_items(rd, rule, "args", sizeof(*out->args), &out->args, &out->n_args);

	json_each (item, array) {
		struct spec_seccomp_arg *arg = &out->args[item->index];

		arg->index = spec_read_u32(rd, item, "index", SYSCALL_ARGS - 1);
		(void)spec_read_u64(rd, item, "value", UINT64_MAX, &arg->value);
		(void)spec_read_u64(rd, item, "valueTwo", UINT64_MAX, &arg->value_two);
		arg->op = spec_read_need_str(rd, item, "op");
	}
}

static void read_rule(struct spec_reader *rd, const struct json *rule, struct spec_seccomp_rule *out)
{
	out->names = spec_read_strv(rd, rule, "names");
	if (out->names.n == 0)
		(void)spec_read_fail_key(rd, rule, "names", "required, but missing or empty");
	out->action = spec_read_need_str(rd, rule, "action");
	out->have_errno_ret = read_errno(rd, rule, "errnoRet", &out->errno_ret);
	read_args(rd, rule, out);
}

/* The specification ignores both keys where nothing is SCMP_ACT_NOTIFY; and listenerMetadata without
 * listenerPath, which it forbids, runc ignores. */
static void check_listener(struct spec_reader *rd, const struct json *obj, const struct spec_seccomp *s)
{
	char why[80];
	size_t i = 0;

	while (i < s->n_rules && !str_eq(s->rules[i].action, "SCMP_ACT_NOTIFY"))
		i++;
	if (i == s->n_rules)
		return;
	(void)snprintf(why, sizeof(why), "required, as linux.seccomp.syscalls[%zu].action is SCMP_ACT_NOTIFY", i);
	if (!s->listener_path)
		(void)spec_read_fail_key(rd, obj, "listenerPath", why);
	else
		(void)spec_read_need_abs(rd, obj, "listenerPath");
}

struct spec_seccomp *spec_read_seccomp(struct spec_reader *rd, const struct json *obj)
{
	const struct json *rules;
	struct spec_seccomp *out;

	/* As runc has it: without a default action and rules there is nothing to enforce. */
	rules = spec_read_array(rd, obj, "syscalls");
	if (!obj || (!spec_read_str(rd, obj, "defaultAction") && (!rules || rules->len == 0)))
		return NULL;
	out = json_alloc(rd->doc, 1, sizeof(*out));
	out->text = rd->doc->text + obj->start;
	out->text_len = obj->end - obj->start;
	out->default_action = spec_read_need_str(rd, obj, "defaultAction");
	out->have_default_errno_ret = read_errno(rd, obj, "defaultErrnoRet", &out->default_errno_ret);
	out->architectures = spec_read_strv(rd, obj, "architectures");
	out->flags = spec_read_strv(rd, obj, "flags");
	out->listener_path = spec_read_str(rd, obj, "listenerPath");
	out->listener_metadata = spec_read_str(rd, obj, "listenerMetadata");
	rules = spec_read_items(rd, obj, "syscalls", sizeof(*out->rules), &out->rules, &out->n_rules);
	json_each (rule, rules)
		read_rule(rd, rule, &out->rules[rule->index]);
	check_listener(rd, obj, out);
	return out;
}
