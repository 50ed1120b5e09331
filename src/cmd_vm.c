/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_vm.c: husk vm prepare */
#include "cmd.h"
#include "vm_kernel.h"

struct vm_options {
	struct vm_kernel_query query;
	const char *format;
};

static int prepare(const struct vm_options *o, struct err *e)
{
	struct vm_kernel k = { 0 };
	int r = vm_kernel_prepare(&o->query, &k, e);

	if (r == 0)
		r = cmd_print_line(k.dir, e);
	vm_kernel_free(&k);
	return r;
}

static int run(const struct husk_ctx *ctx, const void *options, char **words, int *out_status, struct err *e)
{
	struct vm_options o = *(const struct vm_options *)options;

	(void)ctx;
	(void)out_status;
	o.query.kernel = words[1];
	if (str_eq(words[0], "prepare"))
		return prepare(&o, e);
	(void)err_set(e, EINVAL, "vm: expected prepare, got '%s'", words[0]);
	return cmd_hint(&cmd_vm, e);
}

static const struct option_def options_table[] = {
	{ "cache", 0, OPTION_STRING, offsetof(struct vm_options, query.cache), "DIR",
	  "where prepared kernels lie (default: /var/cache/husk, or the user's cache)" },
	{ "modules", 0, OPTION_STRING, offsetof(struct vm_options, query.modules), "DIR",
	  "the kernel's modules (default: by its version in /lib/modules), or none" },
	{ 0 },
};

const struct cmd cmd_vm = {
	.name = "vm",
	.operands = "prepare [KERNEL]",
	.summary = "Make a kernel ready for VMs.",
	.options = options_table,
	.options_size = sizeof(struct vm_options),
	.min_words = 1,
	.max_words = 2,
	.stateless = true,
	.failed_status = CMD_FAILED,
	.run = run,
};
