/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm_stats.h: the statistics that a guest tells of itself, before they are shown.
 *
 * A guest may say anything, and who reads `husk events` believes that husk speaks: a terminal, an engine. So its
 * text is parsed, and what has a place in the statistics of libcontainer (events_json.h) is written anew, in that
 * order: numbers, and names of a few characters. What else is there is left out.
 */
#ifndef HUSK_VM_STATS_H
#define HUSK_VM_STATS_H

#include "err.h"

/* text: what was said of this container. *out: the event, malloc'ed. What is no number where one is due, or too
 * much, is refused. */
int vm_stats_json(const char *id, const char *text, char **out, struct err *e);

#endif
