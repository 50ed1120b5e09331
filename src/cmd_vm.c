/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_vm.c: husk vm prepare, husk vm info */
#include "cmd.h"
#include "format.h"
#include "vm_info.h"

struct vm_options {
	struct vm_kernel_query query;
	const char *format;
};

static int prepare(const struct vm_options *o, struct err *e)
{
	struct vm_kernel_query query = o->query;
	struct vm_kernel k = { 0 };
	int r;

	query.check_all = true;
	r = vm_kernel_prepare(&query, &k, e);
	if (r == 0)
		r = cmd_print_line(k.dir, e);
	vm_kernel_free(&k);
	return r;
}

static int info(const struct vm_options *o, int *out_status, struct err *e)
{
	bool json = false, lacks = false;
	int r = format_is_json(o->format, &json, e);

	if (r == 0)
		r = vm_info_print(&o->query, json, &lacks, e);
	if (lacks)
		*out_status = CMD_FAILED;
	return r;
}

static int run(const struct husk_ctx *ctx, const void *options, char **words, int *out_status, struct err *e)
{
	struct vm_options o = *(const struct vm_options *)options;

	(void)ctx;
	o.query.kernel = words[1];
	if (str_eq(words[0], "prepare") && o.format)
		(void)err_set(e, EINVAL, "vm prepare: option '--format' is of vm info");
	else if (str_eq(words[0], "prepare"))
		return prepare(&o, e);
	else if (str_eq(words[0], "info") && o.query.modules)
		(void)err_set(e, EINVAL, "vm info: option '--modules' is of vm prepare");
	else if (str_eq(words[0], "info"))
		return info(&o, out_status, e);
	else
		(void)err_set(e, EINVAL, "vm: expected prepare or info, got '%s'", words[0]);
	return cmd_hint(&cmd_vm, e);
}

static const struct option_def options_table[] = {
	{ "cache", 0, OPTION_STRING, offsetof(struct vm_options, query.cache), "DIR",
	  "where prepared kernels lie (default: /var/cache/husk, or the user's cache)" },
	{ "format", 'f', OPTION_STRING, offsetof(struct vm_options, format), "FORMAT",
	  "info: table (the default) or json" },
	{ "modules", 0, OPTION_STRING, offsetof(struct vm_options, query.modules), "DIR",
	  "prepare: the kernel's modules (default: by its version in /lib/modules), or none" },
	{ 0 },
};

const struct cmd cmd_vm = {
	.name = "vm",
	.operands = "prepare|info [KERNEL]",
	.summary = "Make a kernel ready for VMs, or say what VMs would run with.",
	.options = options_table,
	.options_size = sizeof(struct vm_options),
	.min_words = 1,
	.max_words = 2,
	.stateless = true,
	.failed_status = CMD_FAILED,
	.run = run,
};
