/* SPDX-License-Identifier: Apache-2.0 */
/* events_json.h: events as JSON, with the keys that runc's `events` has, which engines read. */
#ifndef HUSK_EVENTS_JSON_H
#define HUSK_EVENTS_JSON_H

#include "cgroup_stats.h"

/* {"type":"stats","id":ID,"data":{...}}; malloc'ed. */
char *events_json_stats(const char *id, const struct cgroup_stats *stats);
/* {"type":"oom","id":ID}; malloc'ed. */
char *events_json_oom(const char *id);

#endif
