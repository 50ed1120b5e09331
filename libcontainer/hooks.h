/* SPDX-License-Identifier: Apache-2.0 */
/* hooks.h: OCI hooks (runtime-spec config.md, "POSIX-platform Hooks"). */
#ifndef HUSK_HOOKS_H
#define HUSK_HOOKS_H

#include "err.h"
#include "process.h"
#include "spec.h"

/* The key of a kind in config.json: "createRuntime". */
const char *hooks_name(enum spec_hook_kind kind);

/* Runs the hooks of one kind in order, each with state_json on its standard input and its
 * output kept out of the container's; waits, at most its timeout, and kills it then. The first
 * that fails ends it: the message has the hook's path, its status and the last line that
 * it wrote to standard error. container: for programs of the container, executed as its own are; else NULL. */
int hooks_run(const struct spec *spec, enum spec_hook_kind kind, const char *state_json,
	      const struct process_exec *container, struct err *e);
/* The same for hooks of the runtime before the container runs: a signal that ends husk
 * (attach_interrupted()) ends them, and -EINTR is returned. */
int hooks_run_interruptible(const struct spec *spec, enum spec_hook_kind kind, const char *state_json, struct err *e);

#endif
