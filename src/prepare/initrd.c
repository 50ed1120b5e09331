/* SPDX-License-Identifier: Apache-2.0 */
/* initrd.c: see initrd.h. */
#include "initrd.h"

#include "cpio.h"

static int check_size(const struct sources *s, struct err *e)
{
	size_t sum = 0, largest = VM_MANIFEST_AGENT;

	for (size_t i = VM_MANIFEST_AGENT; i < s->n; i++) {
		sum += s->v[i].len;
		if (s->v[i].len > s->v[largest].len)
			largest = i;
	}
	if (sum <= INITRD_MAX)
		return 0;
	return err_set(e, EFBIG, "the initramfs would have %zu bytes, more than %u: '%s' alone has %zu", sum,
		       INITRD_MAX, s->v[largest].file.path, s->v[largest].len);
}

int initrd_make(const struct sources *s, struct strbuf *out, struct err *e)
{
	static const char *const directories[] = { "dev", "modules", "proc", "run", "sys" };
	struct cpio c = { 0 };
	int r = check_size(s, e);

	if (r < 0)
		return r;
	if (s->modules_end < s->n)
		cpio_archive(&c, s->v[s->modules_end].data, s->v[s->modules_end].len);
	for (size_t i = 0; i < ARRAY_LEN(directories); i++)
		cpio_directory(&c, directories[i]);
	cpio_char_device(&c, "dev/console", 0600, 5, 1);
	cpio_file(&c, "init", 0755, s->v[VM_MANIFEST_AGENT].data, s->v[VM_MANIFEST_AGENT].len);
	for (size_t i = VM_MANIFEST_MODULES; i < s->modules_end; i++) {
		AUTO_FREE char *name = x_printf("modules/%02zu-%s.ko", i - VM_MANIFEST_MODULES, s->v[i].file.name);

		cpio_file(&c, name, 0644, s->v[i].data, s->v[i].len);
	}
	cpio_end(&c);
	*out = c.out;
	return 0;
}
