/* SPDX-License-Identifier: Apache-2.0 */
/* hooks.h: OCI hooks (runtime-spec config.md, "POSIX-platform Hooks"). */
#ifndef HUSK_HOOKS_H
#define HUSK_HOOKS_H

#include "err.h"
#include "process.h"
#include "spec.h"
#include "state.h"

/* Where hooks that are programs of the host write, by crun's annotations; -1: standard output is dropped, and
 * standard error is read for messages. */
struct hook_output {
	int out, err;
};

/* Opens what config.json names, once it is allowed (annotation.h); for createContainer, whose hooks run where paths
 * of the host may not be what they are. The other kinds do it themselves. */
int hooks_open_output(const struct spec *spec, struct hook_output *out, struct err *e);
void hooks_close_output(struct hook_output *o);

/* Runs the hooks of one kind in order, each with state_json on its standard input and its
 * output kept out of the container's; waits, at most its timeout, and kills it then. The first
 * that fails ends it: the message has the hook's path, its status and the last line that
 * it wrote to standard error. container: for programs of the container, executed as its own are; else NULL. */
int hooks_run(const struct spec *spec, enum spec_hook_kind kind, const char *state_json,
	      const struct process_exec *container, struct err *e);
/* createContainer. */
int hooks_run_with(const struct spec *spec, enum spec_hook_kind kind, const char *state_json,
		   const struct hook_output *output, struct err *e);
/* The same for hooks of the runtime before the container runs: a signal that ends husk
 * (attach_interrupted()) ends them, and -EINTR is returned. */
int hooks_run_interruptible(const struct spec *spec, enum spec_hook_kind kind, const char *state_json, struct err *e);
/* Those of poststart and poststop. One that fails is logged and ends nothing but their list (runtime-spec runtime.md,
 * "Lifecycle"). s: the container's. */
void hooks_run_after(const struct spec *spec, enum spec_hook_kind kind, const struct state *s);

#endif
