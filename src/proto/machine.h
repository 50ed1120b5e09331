/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine.h: what husk tells husk-mon of the machine to run: a sealed memory file, so
 * that husk-mon needs no parser of JSON and no path of the host.
 *
 * u32 magic, u32 boot_ms, u32 flags, u32 words of the hypervisor, u32 words of the file
 * server, all little endian; then the id, the config and the words: u32 length, the bytes and a NUL.
 */
#ifndef HUSK_PROTO_MACHINE_H
#define HUSK_PROTO_MACHINE_H

#include "err.h"
#include "str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MACHINE_BYTES_MAX (8U << 20)
#define MACHINE_WORDS_MAX 256 /* of one program */

/* Descriptors of husk-mon, and of the two programs that it starts. */
#define MACHINE_FD_CONFIG 3  /* this file */
#define MACHINE_FD_LOG 4     /* husk's log, if it has one */
#define MACHINE_FD_TUN 5     /* the host's /dev/net/tun, O_PATH; or /dev/null, where it has none */
#define MACHINE_FD_REPORT 6  /* what is to be known when it is gone: lines as below */
#define MACHINE_FD_CONTROL 7 /* the control socket, which listens */
#define MACHINE_FD_GATE 8    /* where it says that the container runs, or why not */
/* The hypervisor's end of the agent's channel, and from the next one on the taps of its network cards; the file server's
 * socket, which listens. */
#define MACHINE_FD_CHILD 3

#define MACHINE_NET_HELPER "/vm/husk-net"    /* in the jail: what connects the machine to the network (network.h) */
#define MACHINE_SERVER_SOCKET "/run/fs.sock" /* in the jail: where the hypervisor finds the file server */

/* Lines of the report, or what they begin with. */
#define MACHINE_REPORT_OOM "oom"
#define MACHINE_REPORT_FAILURE "failed "
#define MACHINE_REPORT_CONSOLE "console " /* after the failure's */

struct machine {
	char *id;
	char *config;	    /* the guest's config.json */
	char **hypervisor;  /* argv, ends with a NULL; so does the next */
	char **file_server; /* empty: none is started */
	uint32_t boot_ms;   /* from the start to the container's: at most */
	bool terminal;
	bool log, log_json; /* there is a log; in JSON */
};

void machine_encode(const struct machine *m, struct strbuf *out);
/* The strings point into buf, which must outlive them; machine_free() ends the vectors. -EBADMSG. */
int machine_decode(char *buf, size_t len, struct machine *out, struct err *e);
void machine_free(struct machine *m);

#endif
