/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec_read.h: what the files that read config.json share (internal to spec*.c).
 *
 * A reader remembers the first failure; after it, each call does nothing and
 * gives the value for "absent". So a section is read as a list of assignments,
 * and the caller looks at `status` once, at the end.
 */
#ifndef HUSK_SPEC_READ_H
#define HUSK_SPEC_READ_H

#include "err.h"
#include "json.h"
#include "spec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct spec_reader {
	const struct json_doc *doc;
	struct err *e;
	int status; /* 0, or -errno of the first failure */
};

/* Fails at a node; returns the status. */
int spec_read_fail(struct spec_reader *rd, const struct json *v, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* "<path of obj>.<key>: <message>" for a key that need not be there. */
int spec_read_fail_key(struct spec_reader *rd, const struct json *obj, const char *key, const char *msg);
/* Refuses obj.key, which the runtime-spec has for another platform alone, when it is there and holds something. */
void spec_read_elsewhere(struct spec_reader *rd, const struct json *obj, const char *key);

/* The member obj.key, of that type; NULL when absent. */
const struct json *spec_read_object(struct spec_reader *rd, const struct json *obj, const char *key);
const struct json *spec_read_array(struct spec_reader *rd, const struct json *obj, const char *key);
/* An array obj.key of objects; and zeroed memory for its items, *out_n of them. */
const struct json *spec_read_items(struct spec_reader *rd, const struct json *obj, const char *key, size_t size,
				   void *out_items, size_t *out_n);
/* The same of an array that is there already; NULL: absent. */
const struct json *spec_read_elements(struct spec_reader *rd, const struct json *array, size_t size, void *out_items,
				      size_t *out_n);
/* NULL when absent or "". */
const char *spec_read_str(struct spec_reader *rd, const struct json *obj, const char *key);
/* Absent or "" fails. */
const char *spec_read_need_str(struct spec_reader *rd, const struct json *obj, const char *key);
/* Also fails when it does not start with '/'. */
const char *spec_read_need_abs(struct spec_reader *rd, const struct json *obj, const char *key);
bool spec_read_bool(struct spec_reader *rd, const struct json *obj, const char *key);
/* The members of an object of strings; NULL when absent. */
struct spec_kv *spec_read_kv(struct spec_reader *rd, const struct json *obj, const char *key, size_t *out_n);
struct strv spec_read_strv(struct spec_reader *rd, const struct json *obj, const char *key);
/* True when the key is there; only then *out is set. */
bool spec_read_i64(struct spec_reader *rd, const struct json *obj, const char *key, int64_t min, int64_t max,
		   int64_t *out);
bool spec_read_u64(struct spec_reader *rd, const struct json *obj, const char *key, uint64_t max, uint64_t *out);
/* 0 when absent. */
uint32_t spec_read_u32(struct spec_reader *rd, const struct json *obj, const char *key, uint32_t max);
/* As above, but absent fails. */
uint64_t spec_read_need_u64(struct spec_reader *rd, const struct json *obj, const char *key, uint64_t max);

/* The sections, each in its own file. */
void spec_read_process(struct spec_reader *rd, const struct json *obj, struct spec_process *out);
void spec_read_linux(struct spec_reader *rd, const struct json *obj, struct spec_linux *out);
/* linux.resources; NULL: absent. */
void spec_read_resources(struct spec_reader *rd, const struct json *resources, struct spec_linux *out);
/* An array of id mappings, as linux and each of mounts may have two. */
void spec_read_id_maps(struct spec_reader *rd, const struct json *obj, const char *key, struct spec_id_map **out,
		       size_t *out_n);
/* spec_sched.c: scheduler, ioPriority, execCPUAffinity of process; personality, memoryPolicy, intelRdt of
 * linux. */
void spec_read_sched(struct spec_reader *rd, const struct json *process, struct spec_process *out);
void spec_read_placement(struct spec_reader *rd, const struct json *obj, struct spec_linux *out);
/* NULL when the section is absent or turns nothing on. */
struct spec_seccomp *spec_read_seccomp(struct spec_reader *rd, const struct json *obj);

#endif
