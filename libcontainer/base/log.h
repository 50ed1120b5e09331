/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.h: the log that --log, --log-format and --log-level select.
 *
 * One target a process, set once by main before anything else; a child made by
 * clone inherits it. Without log_open() warnings and errors go to stderr as text.
 * JSON lines have the keys level, msg and time (RFC 3339), as runc writes them:
 * containerd and Podman take their message from the last line of level "error".
 */
#ifndef HUSK_BASE_LOG_H
#define HUSK_BASE_LOG_H

#include "err.h"

enum log_level { LOG_LVL_ERROR, LOG_LVL_WARN, LOG_LVL_INFO, LOG_LVL_DEBUG };
enum log_format { LOG_TEXT, LOG_JSON };

/* path: a file to append to (created 0600); NULL or "" is stderr. */
int log_open(const char *path, enum log_format format, enum log_level level, struct err *e);
/* The same with a descriptor, which is taken over. */
void log_adopt(int fd, enum log_format format, enum log_level level);
/* The log's descriptor when it is a file, else -1. */
int log_fd(void);
enum log_format log_format(void);
/* From here on each line of text begins with this, for who reads lines of several from one pipe. At most
 * LOG_TAG_MAX - 1 bytes. */
#define LOG_TAG_MAX 16
void log_tag(const char *tag);
/* From here on it is stderr. */
void log_close(void);

void log_write(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#define log_error(...) log_write(LOG_LVL_ERROR, __VA_ARGS__)
#define log_warn(...) log_write(LOG_LVL_WARN, __VA_ARGS__)
#define log_info(...) log_write(LOG_LVL_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LVL_DEBUG, __VA_ARGS__)

#endif
