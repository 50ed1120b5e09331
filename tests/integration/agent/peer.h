/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer.h: an honest host at the other end of the agent's channel, for drive.c: it holds the protocol, prints what comes
 * and ends the program with status 2 when the agent breaks it.
 */
#ifndef HUSK_TEST_PEER_H
#define HUSK_TEST_PEER_H

#include "credit.h"
#include "frame.h"
#include "message.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/types.h>

#define NUMBERS 4096
#define WAIT_MS 300000 /* only what hangs meets it */

struct output {
	int fd; /* -1: nothing came yet */
	size_t len;
	struct credit_receiver credit;
};

struct number {
	bool known, ended, eof;
	bool terminal, over[2]; /* no more comes of an output */
	struct credit_sender in;
	uint64_t sent; /* bytes of input */
	struct output out[2];
};

struct peer {
	const char *dir;
	int fd;
	pid_t agent;
	bool hello, hold, end, quiet;
	uint32_t requests, answered; /* sent and answered: in order of no importance */
	struct frame_reader in;
	struct frame_writer w;
	struct number numbers[NUMBERS];
};

extern struct peer d;

void die(const char *what, const char *why) __attribute__((noreturn));

/* The channel: of a program that is started, or of a socket that is waited for. */
void start_agent(char **argv);
void connect_agent(const char *path);
/* Waits for its HELLO, and answers. */
void greet(void);

/* What is known of a process. */
struct number *number(uint32_t n);
/* The text that the next request is about. */
void put_file(const char *path);
/* Credit for what was held back. */
void release(void);

/* One round of at most ms milliseconds: what waits is sent, what comes is taken. */
void turn(int ms);
/* Until *done, or the channel has ended. */
void until(bool (*done)(const void *arg), const void *arg, const char *what);

/* For until(); arg: NULL. */
bool is_answered(const void *arg);
bool is_sent(const void *arg);
/* arg: a struct number. */
bool has_exited(const void *arg);
bool has_settled(const void *arg);
bool has_credit(const void *arg);

/* COUNT requests by chance (drive.c). */
void monkey(uint32_t seed, uint32_t count, const char *file);

#endif
