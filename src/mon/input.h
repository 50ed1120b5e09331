/* SPDX-License-Identifier: Apache-2.0 */
/*
 * input.h: the standard input of one process of the guest, on the host's side.
 *
 * Others may have the same file or pipe, and what the process does not read is theirs. So nothing is taken
 * of a pipe that the guest has not read: it is looked at, by tee(2), and what the guest says it has read is then
 * taken; a file is read, and at the process's end its offset goes back by what was left. Neither
 * holds for a pipe whose reader has proved one (credit.h), nor for sockets and terminals, which are read as
 * far as there is credit. Who else has it may take what poll(2) saw, so nothing is read in a way that could block,
 * whatever the flags are that the others see as well.
 */
#ifndef HUSK_MON_INPUT_H
#define HUSK_MON_INPUT_H

#include "guest.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

enum input_kind { INPUT_OTHER, INPUT_PIPE, INPUT_FILE, INPUT_SOCKET };

struct input {
	int fd; /* -1: none, or ended */
	enum input_kind kind;
	bool ended;	  /* the file's end was told */
	size_t looked_at; /* bytes of the pipe that went, and are still in it */
};

/* fd: taken over. */
void input_open(struct input *in, int fd);
/* unread: how many of the last bytes that went nobody has read. */
void input_close(struct input *in, uint64_t unread);

struct pollfd input_poll(const struct input *in, const struct guest *g, uint32_t process);
/* ready: there is something to read, or an end. */
void input_move(struct input *in, struct guest *g, uint32_t process, bool ready);

#endif
