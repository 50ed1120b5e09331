/* SPDX-License-Identifier: Apache-2.0 */
/* digest.h: SHA-256 (of libmd) as hexadecimal text. */
#ifndef HUSK_PREPARE_DIGEST_H
#define HUSK_PREPARE_DIGEST_H

#include <sha2.h>
#include <stddef.h>
#include <sys/types.h>

#define DIGEST_TEXT_MAX SHA256_DIGEST_STRING_LENGTH

/* A digest over several texts, so that the bounds between them count. */
struct digest {
	SHA2_CTX sha;
};

void digest_begin(struct digest *d);
void digest_add(struct digest *d, const char *kind, const void *data, size_t len);
void digest_end(struct digest *d, char out[DIGEST_TEXT_MAX]);

/* Of one text. */
void digest_of(const void *data, size_t len, char out[DIGEST_TEXT_MAX]);
/* Of all that can be read from fd. 0 or -errno. */
int digest_of_fd(int fd, char out[DIGEST_TEXT_MAX]);

#endif
