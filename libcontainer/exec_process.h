/* SPDX-License-Identifier: Apache-2.0 */
/* exec_process.h: the process that exec was asked for: config.json's or --process, with the command
 * line's changes. No system calls. */
#ifndef HUSK_EXEC_PROCESS_H
#define HUSK_EXEC_PROCESS_H

#include "libcontainer.h"
#include "spec.h"

struct exec_process {
	struct spec_process process;
	char **env; /* owned, as are the next two; the strings belong to others */
	char **caps[CAPS_SETS];
	gid_t *groups;
};

/* base and o must outlive out. */
int exec_process_merge(const struct spec_process *base, const struct husk_exec_opts *o, struct exec_process *out,
		       struct err *e);
/* What --process leaves open is the container's own process's. */
void exec_process_inherit(struct spec_process *p, const struct spec_process *from);
/* As the JSON that spec_parse_process() reads; malloc'ed. Labels are the host's: not in it. */
char *exec_process_text(const struct spec_process *p);
void exec_process_free(struct exec_process *p);

#endif
