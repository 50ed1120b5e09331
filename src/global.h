/* SPDX-License-Identifier: Apache-2.0 */
/* global.h: the options that stand before the command. */
#ifndef HUSK_GLOBAL_H
#define HUSK_GLOBAL_H

#include "libcontainer.h"
#include "log.h"
#include "option.h"

#include <stdbool.h>

/* As written; global_ctx() and global_log() give them their meaning. */
struct global_options {
	const char *root;
	const char *log, *log_format, *log_level;
	const char *cgroup_manager;
	const char *rootless;
	bool debug, systemd_cgroup, version;
};

extern const struct option_def global_table[];

/* Opens the log. What is wrong with one log option does not keep the others from taking effect, so
 * that the error itself goes to the right place. */
int global_log(const struct global_options *o, struct err *e);

/* What the options say of the cgroup manager and of rootless operation. ctx->rootless is looked up
 * when the options leave it open and want_rootless says that somebody will read it. ctx->root is
 * not touched. */
int global_ctx(const struct global_options *o, bool want_rootless, struct husk_ctx *ctx, struct err *e);

#endif
