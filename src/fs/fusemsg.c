/* SPDX-License-Identifier: Apache-2.0 */
/* fusemsg.c: see fusemsg.h. */
#include "fusemsg.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static size_t total(const struct iovec *iov, unsigned int n)
{
	size_t sum = 0;

	for (unsigned int i = 0; i < n; i++)
		sum += iov[i].iov_len;
	return sum;
}

void fs_in_init(struct fs_in *in, const struct iovec *iov, unsigned int n)
{
	*in = (struct fs_in){ .iov = iov, .n = n, .left = total(iov, n) };
}

int fs_in_limit(struct fs_in *in, size_t left)
{
	if (left > in->left)
		return -EINVAL;
	in->left = left;
	return 0;
}

/* What can be taken at one place: buffers that are used up are stepped over. Nothing left: 0. */
static size_t chunk(struct fs_in *in, const uint8_t **out)
{
	size_t here;

	while (in->n && in->skip >= in->iov->iov_len) {
		in->skip -= in->iov->iov_len;
		in->iov++;
		in->n--;
	}
	if (!in->n || !in->left)
		return 0;
	here = in->iov->iov_len - in->skip;
	*out = (const uint8_t *)in->iov->iov_base + in->skip;
	return here < in->left ? here : in->left;
}

static void advance(struct fs_in *in, size_t len)
{
	in->skip += len;
	in->left -= len;
}

int fs_in_get(struct fs_in *in, void *out, size_t len)
{
	uint8_t *to = out;

	if (len > in->left)
		return -EINVAL;
	while (len) {
		const uint8_t *from;
		size_t n = chunk(in, &from);

		if (n > len)
			n = len;
		memcpy(to, from, n);
		advance(in, n);
		to += n;
		len -= n;
	}
	return 0;
}

/* The copy is searched, not the guest's memory: that may have changed in between. */
int fs_in_text(struct fs_in *in, char *out, size_t size)
{
	struct fs_in ahead = *in;
	size_t max = in->left < size ? in->left : size;
	const char *end;

	(void)fs_in_get(&ahead, out, max);
	end = memchr(out, '\0', max);
	if (!end)
		return max < size ? -EINVAL : -ENAMETOOLONG;
	advance(in, (size_t)(end - out) + 1);
	return (int)(end - out);
}

int fs_in_name(struct fs_in *in, char out[NAME_MAX + 1])
{
	int len = fs_in_text(in, out, NAME_MAX + 1);

	if (len < 0)
		return len;
	if (len == 0 || strcmp(out, ".") == 0 || strcmp(out, "..") == 0 || strchr(out, '/'))
		return -EINVAL;
	return len;
}

int fs_in_buffers(struct fs_in *in, size_t len, struct iovec *out, unsigned int max)
{
	unsigned int used = 0;

	if (len > in->left)
		return -EINVAL;
	while (len) {
		const uint8_t *from;
		size_t n = chunk(in, &from);

		if (used == max)
			return -EINVAL;
		if (n > len)
			n = len;
		out[used++] = (struct iovec){ (void *)(uintptr_t)from, n };
		advance(in, n);
		len -= n;
	}
	return (int)used;
}

#define HEAD sizeof(struct fuse_out_header)

int fs_out_init(struct fs_out *out, const struct iovec *iov, unsigned int n)
{
	size_t all = total(iov, n);

	*out = (struct fs_out){ .iov = iov, .n = n };
	if (all < HEAD)
		return -ENOBUFS;
	out->size = all - HEAD;
	return 0;
}

/* Copies to `at` bytes behind the start of all; the caller has seen that it fits. */
static void put_at(const struct fs_out *out, size_t at, const void *data, size_t len)
{
	const uint8_t *from = data;

	for (unsigned int i = 0; len && i < out->n; i++) {
		size_t room = out->iov[i].iov_len, n;

		if (at >= room) {
			at -= room;
			continue;
		}
		n = room - at < len ? room - at : len;
		memcpy((uint8_t *)out->iov[i].iov_base + at, from, n);
		at = 0;
		from += n;
		len -= n;
	}
}

int fs_out_put(struct fs_out *out, const void *data, size_t len)
{
	if (len > out->size - out->len)
		return -EIO;
	put_at(out, HEAD + out->len, data, len);
	out->len += len;
	return 0;
}

int fs_out_buffers(const struct fs_out *out, size_t len, struct iovec *iov, unsigned int max)
{
	size_t at = HEAD + out->len;
	unsigned int used = 0;

	if (len > out->size - out->len)
		len = out->size - out->len;
	for (unsigned int i = 0; len && used < max && i < out->n; i++) {
		size_t room = out->iov[i].iov_len, n;

		if (at >= room) {
			at -= room;
			continue;
		}
		n = room - at < len ? room - at : len;
		iov[used++] = (struct iovec){ (uint8_t *)out->iov[i].iov_base + at, n };
		at = 0;
		len -= n;
	}
	return (int)used;
}

void fs_out_wrote(struct fs_out *out, size_t len)
{
	out->len += len;
}

size_t fs_out_finish(struct fs_out *out, uint64_t unique, int error)
{
	struct fuse_out_header head = { .error = error, .unique = unique };

	if (error)
		out->len = 0;
	head.len = (uint32_t)(HEAD + out->len);
	put_at(out, 0, &head, sizeof(head));
	return head.len;
}
