/* SPDX-License-Identifier: Apache-2.0 */
/*
 * input.h: the standard input of a process, from the host's frames to a pipe or a terminal.
 *
 * The host must not send what the process would never read, as somebody else may want to. So the pipe has
 * one page, which takes bytes again only when it was read empty: that grants credit. After INPUT_PROVED
 * bytes it is made a pipe like others, and credit is for what was written to it. So it is when its reader has made it
 * larger: then it has room whether it was read or not. At the end of the process the
 * host is told how much was read of all that it sent.
 */
#ifndef HUSK_AGENT_INPUT_H
#define HUSK_AGENT_INPUT_H

#include "credit.h"
#include "err.h"
#include "message.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INPUT_PROVED (64U << 10) /* bytes: who has read so many will read more */

struct input {
	int fd;	       /* -1: ended, or not there yet */
	int unread;    /* the pipe's other end, to ask what is left in it; -1: a terminal */
	bool eof;      /* nothing more will come from the host */
	bool wide;     /* more may be under way than was read */
	uint8_t *held; /* CREDIT_START bytes; NULL until the process is slow to read */
	size_t held_start, held_len;
	uint64_t came, dropped, told; /* bytes from the host, those for nobody, those told to `credit` as passed on */
	struct credit_receiver credit;
};

void input_init(struct input *in);
/* A pipe; *out_end is the process's. */
int input_open(struct input *in, int *out_end, struct err *e);
/* Or the master of its terminal, which is taken over. */
void input_take_terminal(struct input *in, int master);
/* The process has ended. input_taken() does not change any more. */
void input_close(struct input *in);

/* From the host. -EPROTO when that is more than was granted. w, process: for credit. */
int input_add(struct input *in, uint32_t process, const uint8_t *data, size_t len, struct frame_writer *w,
	      struct err *e);
void input_end(struct input *in);
/* Bytes that were read of all that came. */
uint64_t input_taken(const struct input *in);

struct pollfd input_poll(const struct input *in);
/* What was held, as far as it goes now, and credit for what is passed on. */
int input_move(struct input *in, uint32_t process, struct frame_writer *w, struct err *e);

#endif
