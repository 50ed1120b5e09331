/* SPDX-License-Identifier: Apache-2.0 */
/* doctor.c: what works for this user on this host, and what mends what does not. */
#include "doctor.h"

#include "io.h"
#include "str.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static __attribute__((format(printf, 1, 0))) char *format(const char *fmt, va_list ap)
{
	char *out = NULL;

	if (vasprintf(&out, fmt, ap) < 0)
		abort();
	return out;
}

void doctor_add(struct doctor *d, enum husk_verdict verdict, const char *area, const char *what, const char *detail,
		...)
{
	struct husk_finding *f;
	va_list ap;

	d->v = x_realloc(d->v, d->n + 1, sizeof(*d->v));
	f = &d->v[d->n++];
	*f = (struct husk_finding){ .verdict = verdict, .area = area, .what = what };
	va_start(ap, detail);
	f->detail = format(detail, ap);
	va_end(ap);
}

void doctor_remedy(struct doctor *d, const char *remedy, ...)
{
	struct husk_finding *f = &d->v[d->n - 1];
	va_list ap;

	free(f->remedy);
	va_start(ap, remedy);
	f->remedy = format(remedy, ap);
	va_end(ap);
}

long doctor_read_number(const char *path)
{
	char text[32];
	uint64_t v;

	if (io_read_small(AT_FDCWD, path, text, sizeof(text)) <= 0)
		return -1;
	text[strcspn(text, "\n")] = '\0';
	return str_u64(text, INT32_MAX, &v) < 0 ? -1 : (long)v;
}

void husk_doctor(const struct husk_ctx *ctx, struct husk_finding **out, size_t *out_n)
{
	struct doctor d = { .ctx = ctx, .rootless = husk_is_rootless() };

	doctor_kernel(&d);
	doctor_namespaces(&d);
	doctor_cgroup(&d);
	doctor_caller(&d);
	*out = d.v;
	*out_n = d.n;
}

void husk_doctor_free(struct husk_finding *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].detail);
		free(v[i].remedy);
	}
	free(v);
}
