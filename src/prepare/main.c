/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c: husk-prepare, the helper that husk starts to make a kernel ready for guests.
 *
 *   husk-prepare --cache DIR --agent FILE [--modules DIR|none] [--initrd FILE] [--root image|none]
 *                [--check all|own] KERNEL
 *
 * unpacks the kernel, packs the agent and the modules that a guest needs into an
 * initramfs, and puts both into a directory of the cache, whose name is a checksum
 * over all that it was made from; or finds it there, whole. It prints the directory;
 * on a second line what was wrong with it, if it was damaged, else nothing; and on more lines
 * "KEY: what was wrong" of others in the cache, which it removed, with --check all.
 * Status 0; or 1 and one line on standard error.
 */
#include "cache.h"
#include "io.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define USAGE                                                                                                    \
	"usage: husk-prepare --cache DIR --agent FILE [--modules DIR|none] [--initrd FILE] [--root image|none] " \
	"[--check all|own] KERNEL"

struct request {
	const char *cache, *agent, *modules, *initrd, *root, *check, *kernel;
};

static int read_words(char **words, struct request *out, struct err *e)
{
	for (; *words && str_starts(*words, "--"); words += 2) {
		const char **value = str_eq(*words, "--cache")	   ? &out->cache
				     : str_eq(*words, "--agent")   ? &out->agent
				     : str_eq(*words, "--modules") ? &out->modules
				     : str_eq(*words, "--initrd")  ? &out->initrd
				     : str_eq(*words, "--root")	   ? &out->root
				     : str_eq(*words, "--check")   ? &out->check
								   : NULL;

		if (!value || !words[1])
			return err_set(e, EINVAL, USAGE);
		*value = words[1];
	}
	if (!words[0] || words[1] || !out->cache || !out->agent ||
	    (out->root && !str_eq(out->root, "image") && !str_eq(out->root, "none")) ||
	    (out->check && !str_eq(out->check, "all") && !str_eq(out->check, "own")))
		return err_set(e, EINVAL, USAGE);
	out->kernel = words[0];
	if (*out->cache != '/' || *out->agent != '/' || *out->kernel != '/' || (out->initrd && *out->initrd != '/') ||
	    (out->modules && *out->modules != '/' && !str_eq(out->modules, "none")))
		return err_set(e, EINVAL, "expected absolute paths");
	return 0;
}

/* Over the paths too: the same content at another place is another directory, so that each manifest speaks
 * of one place. */
static void make_key(const struct sources *s, char out[DIGEST_TEXT_MAX])
{
	const uint32_t format = VM_MANIFEST_FORMAT;
	struct digest d;

	digest_begin(&d);
	digest_add(&d, "format", &format, sizeof(format));
	for (size_t i = 0; i < s->n; i++) {
		digest_add(&d, "name", s->v[i].file.name, strlen(s->v[i].file.name));
		digest_add(&d, "path", s->v[i].file.path, strlen(s->v[i].file.path));
		digest_add(&d, "content", s->v[i].data, s->v[i].len);
	}
	if (s->image)
		digest_add(&d, "image", "", 0);
	digest_end(&d, out);
}

static int print_entry(const char *cache, const char *key, const char *damage, const char *others, struct err *e)
{
	AUTO_FREE char *text = x_printf("%s/%s\n%s\n%s", cache, key, damage, others ? others : "");
	int r = io_write_all(STDOUT_FILENO, text, strlen(text));

	return r < 0 ? err_sys(e, -r, "write to standard output") : 0;
}

static int prepare(const struct request *q, const struct sources *s, struct err *e)
{
	enum cache_found found = CACHE_WHOLE;
	char key[DIGEST_TEXT_MAX];
	struct err damage = { 0 };
	struct strbuf others = { 0 };
	struct cache cache;
	int r = cache_open(q->cache, &cache, e);

	if (r < 0)
		return r;
	make_key(s, key);
	r = cache_take(&cache, key, s, &found, &damage, e);
	if (r == 0 && found != CACHE_WHOLE)
		cache_prune(&cache, key, s);
	if (r == 0 && str_eq(q->check, "all")) /* they may be many: a start does not wait for that */
		cache_check_others(&cache, key, &others);
	cache_close(&cache);
	if (r == 0)
		r = print_entry(q->cache, key, found == CACHE_DAMAGED ? damage.msg : "", others.s, e);
	free(others.s);
	return r;
}

static int run(char **words, struct err *e)
{
	struct request q = { 0 };
	struct sources s = { 0 };
	int r = read_words(words, &q, e);

	if (r == 0)
		r = sources_read(&(struct source_wish){ .kernel = q.kernel,
							.agent = q.agent,
							.modules = q.modules,
							.initrd = q.initrd,
							.image = str_eq(q.root, "image") },
				 &s, e);
	if (r == 0)
		r = prepare(&q, &s, e);
	sources_free(&s);
	return r;
}

int main(int argc, char **argv)
{
	struct err e = { 0 };

	if (argc > 1 && run(argv + 1, &e) == 0)
		return 0;
	(void)fprintf(stderr, "husk-prepare: %s\n", argc > 1 ? e.msg : USAGE);
	return 1;
}
