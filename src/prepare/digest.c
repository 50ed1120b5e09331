/* SPDX-License-Identifier: Apache-2.0 */
/* digest.c: see digest.h. */
#include "digest.h"

#include "str.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define READ_STEP (1U << 18)

void digest_begin(struct digest *d)
{
	SHA256Init(&d->sha);
}

void digest_add(struct digest *d, const char *kind, const void *data, size_t len)
{
	char head[64];

	(void)snprintf(head, sizeof(head), "%.31s %zu\n", kind, len);
	SHA256Update(&d->sha, (const uint8_t *)head, strlen(head));
	SHA256Update(&d->sha, data, len);
}

void digest_end(struct digest *d, char out[DIGEST_TEXT_MAX])
{
	(void)SHA256End(&d->sha, out);
}

void digest_of(const void *data, size_t len, char out[DIGEST_TEXT_MAX])
{
	(void)SHA256Data(data, len, out);
}

int digest_of_fd(int fd, char out[DIGEST_TEXT_MAX])
{
	AUTO_FREE uint8_t *buf = x_calloc(1, READ_STEP);
	SHA2_CTX sha;
	ssize_t n;

	SHA256Init(&sha);
	while ((n = read(fd, buf, READ_STEP)) != 0) {
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			SHA256Update(&sha, buf, (size_t)n);
	}
	(void)SHA256End(&sha, out);
	return 0;
}
