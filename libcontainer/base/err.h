/* SPDX-License-Identifier: Apache-2.0 */
/*
 * err.h: the error value that every function that may fail fills in.
 *
 * It owns no heap, so a child can send it to its parent byte for byte. The
 * lowest level says what failed (err_set, err_sys); each level above may add
 * where it happened (err_add). Nothing here prints.
 */
#ifndef HUSK_BASE_ERR_H
#define HUSK_BASE_ERR_H

#include <errno.h>

#define ERR_MSG_MAX 1024 /* bytes of a message with its final NUL; longer ones are cut */

struct err {
	int code; /* a positive errno value; 0 when nothing failed */
	char msg[ERR_MSG_MAX];
};

/* Each returns -code, so that a caller can write `return err_set(...)`. code is
 * a positive errno value. err_sys() ends the message with that errno's text.
 * err_add() puts "<where>: " in front of what is there. e may be NULL. */
int err_set(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int err_sys(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int err_add(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
