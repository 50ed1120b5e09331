/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm_create.h: what create and run do of a config.json that asks for a VM: they make a
 * jail of it instead, in which husk-mon runs the machine.
 */
#ifndef HUSK_VM_CREATE_H
#define HUSK_VM_CREATE_H

#include "libcontainer.h"

struct vm_create {
	const char *id;
	const struct husk_create_opts *opts;
};

/* A husk_rewrite_fn; arg: a struct vm_create. Leaves *out as it is for a plain container. */
int vm_create_rewrite(const struct husk_ctx *ctx, const char *bundle, const struct json_doc *config, void *arg,
		      struct husk_instead *out, struct err *e);

/* r, what the library said to the config of the jail. Where `e` names a mount of it that stands for one of
 * config.json's, it names that one afterwards. */
int vm_create_explain(const struct vm_create *c, int r, struct err *e);

#endif
