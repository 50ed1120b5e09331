/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor.h: what the checks of doctor_*.c share: a report that they add findings to.
 *
 * A check looks at this host as this user, by behaviour where that can be had
 * without leaving a trace, and never fails: what it cannot find out is a finding.
 */
#ifndef HUSK_DOCTOR_H
#define HUSK_DOCTOR_H

#include "libcontainer.h"

#include <stdbool.h>
#include <stddef.h>

struct doctor {
	const struct husk_ctx *ctx;
	bool rootless; /* not the host's root: by husk_is_rootless(), whatever the options say */
	struct husk_finding *v;
	size_t n;
};

/* Adds a finding of `area` about `what`; both are static texts. detail: a printf format, what was
 * seen. The one that is added last takes what doctor_remedy() says. */
void doctor_add(struct doctor *d, enum husk_verdict verdict, const char *area, const char *what, const char *detail,
		...) __attribute__((format(printf, 5, 6)));
/* What mends the finding that was added last: a sysctl, a package, a setting. */
void doctor_remedy(struct doctor *d, const char *remedy, ...) __attribute__((format(printf, 2, 3)));
/* The whole number in a file, or -1. */
long doctor_read_number(const char *path);

void doctor_kernel(struct doctor *d);	  /* version, system calls, seccomp, LSMs, /dev/kvm */
void doctor_namespaces(struct doctor *d); /* each kind; user namespaces by making one */
void doctor_cgroup(struct doctor *d);	  /* hierarchy, controllers, delegation, device rules, systemd */
void doctor_caller(struct doctor *d);	  /* capabilities, subordinate ids, state directory, helpers */

#endif
