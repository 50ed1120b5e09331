/* SPDX-License-Identifier: Apache-2.0 */
/* cpio.c: see cpio.h. */
#include "cpio.h"

#include <string.h>
#include <sys/stat.h>

static void pad(struct strbuf *out)
{
	static const char zeros[4] = { 0 };

	strbuf_add(out, zeros, (4 - out->len % 4) % 4);
}

static void entry(struct cpio *c, const char *name, mode_t mode, unsigned int major, unsigned int minor,
		  const void *data, size_t len)
{
	uint32_t inode = mode ? ++c->inodes : 0;

	/* magic; inode, mode, uid, gid, links, mtime, size; device; its numbers; length of the name; checksum */
	strbuf_printf(&c->out, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", inode, mode, 0U, 0U, 1U,
		      0U, (unsigned int)len, 0U, 0U, major, minor, (unsigned int)strlen(name) + 1, 0U);
	strbuf_add(&c->out, name, strlen(name) + 1);
	pad(&c->out);
	if (len)
		strbuf_add(&c->out, data, len);
	pad(&c->out);
}

void cpio_directory(struct cpio *c, const char *name)
{
	entry(c, name, S_IFDIR | 0755, 0, 0, NULL, 0);
}

void cpio_file(struct cpio *c, const char *name, mode_t mode, const void *data, size_t len)
{
	entry(c, name, S_IFREG | mode, 0, 0, data, len);
}

void cpio_char_device(struct cpio *c, const char *name, mode_t mode, unsigned int major, unsigned int minor)
{
	entry(c, name, S_IFCHR | mode, major, minor, NULL, 0);
}

void cpio_archive(struct cpio *c, const void *data, size_t len)
{
	strbuf_add(&c->out, data, len);
	pad(&c->out);
}

void cpio_end(struct cpio *c)
{
	entry(c, "TRAILER!!!", 0, 0, 0, NULL, 0);
}
