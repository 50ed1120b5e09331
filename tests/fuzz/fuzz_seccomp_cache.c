/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_seccomp_cache.c: the bytes of a cache file.
 *
 * Each input is read twice: as it is, and with what random bytes cannot hit (the
 * library's version, the sum, the text) made to fit, so that lengths and counts
 * are tried too. A view that is handed out must lie within the bytes.
 */
#include "fuzz.h"
#include "seccomp_cache.h"

#include <seccomp.h>

static void parse(const char *buf, size_t len, const char *text, size_t text_len)
{
	struct seccomp_cache_view v = { 0 };
	size_t insns;

	if (seccomp_cache_parse(buf, len, text, text_len, &v) < 0)
		return;
	insns = v.n * sizeof(struct sock_filter);
	if (v.n < 1 || v.n > BPF_MAXINSNS || v.insns < buf || v.insns + insns != buf + len)
		abort();
}

/* A copy whose header fits this library and these instructions. */
static void parse_repaired(const char *buf, size_t len)
{
	const struct scmp_version *lib = seccomp_version();
	struct seccomp_cache_header h;
	char *copy, *text;
	size_t text_len;

	if (len < sizeof(h))
		return;
	memcpy(&h, buf, sizeof(h));
	text_len = h.text_len < len - sizeof(h) ? h.text_len : len - sizeof(h);
	copy = x_realloc(NULL, 1, len);
	memcpy(copy, buf, len);
	text = x_realloc(NULL, 1, text_len + 1);
	memcpy(text, buf + sizeof(h), text_len);
	memcpy(h.magic, "huskscmp", sizeof(h.magic));
	h.format = SECCOMP_CACHE_FORMAT;
	h.library = lib->major << 16 | lib->minor << 8 | lib->micro;
	h.sum = seccomp_cache_hash(h.n_insns, buf + sizeof(h) + text_len, len - sizeof(h) - text_len);
	memcpy(copy, &h, sizeof(h));
	parse(copy, len, text, text_len);
	free(text);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char text[] = "{\"defaultAction\":\"SCMP_ACT_ALLOW\"}";
	/* exactly as long as the input, so that a sanitizer sees a read beyond it */
	char *buf = x_realloc(NULL, 1, size + (size == 0));

	memcpy(buf, data, size);
	parse(buf, size, text, sizeof(text) - 1);
	parse_repaired(buf, size);
	free(buf);
	return 0;
}
