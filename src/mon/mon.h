/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mon.h: the machine of one container, as husk-mon has it.
 *
 * husk-mon is the jail's pid 1. It starts the file server and the hypervisor, has the
 * agent create and start the container, and then stands for it: its signals, its
 * standard input and output and its exit status are the container's. Commands of
 * husk come over the control socket (control.h). One loop (loop.h) serves all of it.
 *
 *   STEP_BOOT -> STEP_CREATE   the agent said HELLO: it was told the time, and to create
 *   STEP_CREATE -> STEP_START  it has created
 *   STEP_START -> STEP_UP      it has started: who waits on the gate is told
 *   STEP_UP -> STEP_END        the container has ended: the guest is told to power off, once it has nothing more
 *                              to say of others
 *
 * From each of them mon_fail() ends the machine: its reason goes to the gate or, when that
 * was told that the container runs, to standard error with the last lines of the console; the status
 * is MON_FAILED. What the container has written is written out all the same, however long its reader takes; but
 * after a failure no longer than MON_POWEROFF_MS for a reader that takes nothing.
 */
#ifndef HUSK_MON_MON_H
#define HUSK_MON_MON_H

#include "channel.h"
#include "console.h"
#include "err.h"
#include "guest.h"
#include "links.h"
#include "machine.h"
#include "stream.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define MON_FAILED 125	      /* the exit status of a VM that failed */
#define MON_ANSWER_MS 10000   /* for an answer of the guest's */
#define MON_EXEC_MS 60000     /* the same of EXEC, and of MOUNTS_ADD and MOUNTS_REMOVE: tmpcopyup copies files */
#define MON_POWEROFF_MS 5000  /* for the guest to power off once the container has ended */
#define MON_LAST_WORDS_MS 500 /* for the hypervisor to end once one of its channels is closed */
#define MON_CLIENTS_MAX 192

enum step { STEP_BOOT, STEP_CREATE, STEP_START, STEP_UP, STEP_END };

struct client; /* control.h */

struct mon {
	struct machine machine;
	char *machine_text;
	enum step step;
	int gate, control, sigfd;
	int console_fd; /* what the two programs print; -1: closed */
	struct console console;
	struct channel agent;
	bool agent_closed;
	struct guest guest;
	struct links links;
	struct stream stdio;	  /* of the container */
	pid_t hypervisor, server; /* 0: ended */
	/* with these statuses, as waitpid(2) has them */
	bool hypervisor_died, server_died;
	int hypervisor_status, server_status;
	struct client *clients[MON_CLIENTS_MAX];
	struct client *owners[GUEST_PROCESSES]; /* of exec'd processes; NULL: gone */
	uint64_t early_signals;			/* bit n - 1: signal n came before the container ran */
	int64_t deadline_ms;			/* of this step; 0: none */
	struct message_size size;		/* of the terminal, as the guest was told */
	size_t held;				/* bytes of stdio, at the last look */
	int status;				/* the container's */
	unsigned int ooms;
	bool failed;
	bool told_off; /* the guest, to power off */
	bool late;     /* nobody is waited for any more, but, if it has not failed, who takes the container's output */
	bool done;
};

/* Ends the machine for this reason. The first one counts. */
void mon_fail(struct mon *m, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* What the guest's first process is to get: now, or once it runs. */
void mon_signal(struct mon *m, int sig);
/* The terminal may have another size. */
void mon_resize(struct mon *m);
/* Frames that came from the agent. */
void mon_agent_moved(struct mon *m);

extern const struct guest_events mon_events;

#endif
