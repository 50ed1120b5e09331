/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state.h: a container's directory below --root, and state.json in it.
 *
 *   <root>/<id>/state.json   what this file reads and writes, replaced atomically
 *              config.json   a copy of the bundle's, for exec and the later hooks
 *              gate          the socket that start opens; gone once it has
 *
 * The directory is reached by descriptor only and its name is an id that was
 * checked. It is the lock, too: flock(2) on it. A status is not stored but found
 * out: `creating` until the child said READY, while who makes it has the lock; `created` while the gate stands;
 * `paused` by cgroup.freeze; `stopped` when no process has the pid and start time.
 */
#ifndef HUSK_STATE_H
#define HUSK_STATE_H

#include "err.h"
#include "json.h"
#include "libcontainer.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define STATE_CONFIG "config.json"
#define STATE_GATE "gate"
#define STATE_TRACER "tracer" /* exists: exec has given a process CAP_SYS_PTRACE (exec.c) */

enum state_status { STATE_CREATING, STATE_CREATED, STATE_RUNNING, STATE_PAUSED, STATE_STOPPED };

struct state {
	int dir; /* the container's directory; owned */
	char *id, *bundle, *rootfs, *created;
	char *cgroup;	     /* path below the cgroup root; NULL: none */
	char *scope;	     /* the unit of systemd that the cgroup is; NULL: none */
	char *annotations;   /* a JSON object's text; NULL: none */
	pid_t pid;	     /* 0: not cloned yet */
	uint64_t start_time; /* of pid, proc_start_time() */
	uid_t owner;
	bool ready;	/* the child said READY */
	bool in_making; /* found when it was opened: not ready, and who makes it has the lock */
};

/* Ids are names of directories: [A-Za-z0-9_+-][A-Za-z0-9_+.-]*, at most 255 bytes. */
int state_check_id(const char *id, struct err *e);
/* --root as a directory, made 0700 when missing (make) else -ENOENT. */
int state_open_root(const struct husk_ctx *ctx, bool make, int *out_fd, struct err *e);

/* A new directory for id, locked. -EEXIST when there is one. state->id and state->dir are set. */
int state_make(const struct husk_ctx *ctx, const char *id, struct state *out, struct err *e);
/* Reads an existing one. -ENOENT with "container '<id>' does not exist". A directory whose
 * state.json is missing or broken gives a state with only id and dir when `broken_ok`; one that cannot be
 * read right now is an error all the same. */
int state_open(const struct husk_ctx *ctx, const char *id, bool broken_ok, struct state *out, struct err *e);
/* The same, locked first (waiting at most ms milliseconds, -EBUSY then; `force`: going on without the
 * lock), so that what is read is what holds. A directory that was removed meanwhile does not exist. */
int state_open_locked(const struct husk_ctx *ctx, const char *id, int ms, bool force, struct state *out, struct err *e);
int state_write(const struct state *s, struct err *e);
/* state.json as malloc'ed text, and back: out's strings are new; state_free() ends them, also on failure.
 * id and dir are not in it. Both are pure. */
char *state_text(const struct state *s);
int state_parse(const char *text, size_t len, struct state *out, struct err *e);
/* flock(2), exclusive, waiting at most ms milliseconds; -EBUSY then. -ENOENT if the directory has been
 * removed: the name may be another container's by now. */
int state_lock(const struct state *s, int ms, struct err *e);
void state_unlock(const struct state *s);
/* Removes the directory with all that is in it. */
int state_remove(const struct husk_ctx *ctx, const struct state *s, struct err *e);
void state_free(struct state *s);

/* Opens a pidfd for the init and makes sure that it is that process: -ESRCH when it has ended, and only
 * then. */
int state_pidfd(const struct state *s, int *out_fd);
enum state_status state_status(const struct state *s);
const char *state_status_name(enum state_status status);
/* The OCI state (runtime-spec runtime.md) as malloc'ed JSON. pid is left out when stopped. */
char *state_json(const struct state *s, enum state_status status, pid_t pid);
/* The container process state (config-linux.md) that a seccomp agent is sent, as malloc'ed JSON: pid is
 * that of the process under the filter; metadata may be NULL. */
char *state_process_json(const struct state *s, enum state_status status, pid_t pid, const char *metadata);

#endif
