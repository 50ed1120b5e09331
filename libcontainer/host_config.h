/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host_config.h: /etc/husk/husk.json, what the host's administrator decides.
 *
 * It is trusted, so it must be root's alone to write: a regular file of root's, in a
 * directory of root's, neither writable by anyone else. No option and no variable
 * names another path: who could name one could allow itself anything.
 */
#ifndef HUSK_HOST_CONFIG_H
#define HUSK_HOST_CONFIG_H

#include "err.h"
#include "json.h"
#include "spec.h"

#define HOST_CONFIG_DIR "/etc/husk"
#define HOST_CONFIG_FILE "husk.json"
#define HOST_CONFIG_PATH HOST_CONFIG_DIR "/" HOST_CONFIG_FILE

struct host_config {
	struct strv allowed_annotations;
	char *text; /* owned */
	struct json_doc doc;
};

/* A file that is not there allows nothing. Errors name the file, the key and what was expected. Ended by
 * host_config_free(), after a failure too. */
int host_config_load(struct host_config *out, struct err *e);
/* The parsing alone; text is taken over. */
int host_config_parse(char *text, size_t len, struct host_config *out, struct err *e);
void host_config_free(struct host_config *c);

#endif
