/* SPDX-License-Identifier: Apache-2.0 */
/* entry.c: see entry.h. */
#include "entry.h"

#include "digest.h"
#include "fd.h"
#include "initrd.h"
#include "io.h"
#include "str.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define NOBODY_GROUP 65534

enum { KERNEL, VMLINUX, INITRD = VM_MANIFEST_FILE_INITRD };

/* ---- looking ---- */

static int check_content(int dir, const struct vm_file *f, struct err *e)
{
	AUTO_FD fd = openat(dir, f->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char sum[DIGEST_TEXT_MAX];
	int r;

	if (fd < 0)
		return err_sys(e, errno, "open '%s'", f->name);
	r = digest_of_fd(fd, sum);
	if (r < 0)
		return err_sys(e, -r, "read '%s'", f->name);
	return str_eq(sum, f->sha256) ? 0 : err_set(e, EBADMSG, "the content of '%s' has changed", f->name);
}

/* Is the kernel the same file as the vmlinux, which is read anyway? */
static bool is_link(int dir, const struct vm_manifest *m)
{
	struct stat kernel, vmlinux;

	return fstatat(dir, m->files[KERNEL].name, &kernel, AT_SYMLINK_NOFOLLOW) == 0 &&
	       fstatat(dir, m->files[VMLINUX].name, &vmlinux, AT_SYMLINK_NOFOLLOW) == 0 &&
	       kernel.st_dev == vmlinux.st_dev && kernel.st_ino == vmlinux.st_ino &&
	       str_eq(m->files[KERNEL].sha256, m->files[VMLINUX].sha256);
}

static int write_manifest(int dir, const struct vm_manifest *m, struct err *e)
{
	AUTO_FREE char *text = vm_manifest_text(m);

	return io_replace_file(dir, VM_MANIFEST_NAME, text, strlen(text), 0644, e);
}

/* The same content with other times, as after a package was installed again: the manifest learns them, or
 * every start of a VM would look here first. */
static int take_times(int dir, struct vm_manifest *m, const struct sources *s, struct err *e)
{
	struct vm_file *own = m->inputs;
	size_t own_n = m->n_inputs;
	int r;

	if (vm_manifest_check_inputs(m, NULL) == 0)
		return 0;
	m->inputs = s->files;
	m->n_inputs = s->n;
	r = write_manifest(dir, m, e);
	m->inputs = own;
	m->n_inputs = own_n;
	return r;
}

int entry_check(int cache_fd, const char *name, const struct sources *s, struct err *e)
{
	AUTO_FD dir = openat(cache_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	struct vm_manifest m = { 0 };
	int r;

	if (dir < 0)
		return errno == ENOENT ? -ENOENT : err_set(e, EBADMSG, "open it: %s", strerror(errno));
	r = vm_manifest_read(dir, &m, e);
	if (r == 0)
		r = vm_manifest_check_files(&m, dir, e);
	for (size_t i = 0; r == 0 && i < VM_MANIFEST_FILES; i++)
		if (i != KERNEL || !is_link(dir, &m))
			r = check_content(dir, &m.files[i], e);
	if (r == 0 && s)
		r = take_times(dir, &m, s, e);
	vm_manifest_free(&m);
	return r == -ENOENT ? -EBADMSG : r; /* the directory is there, so that is damage */
}

void entry_remove(int cache_fd, const char *name)
{
	int fd = openat(cache_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;

	if (dir) {
		/* first, so that no reader takes what is left for whole */
		(void)unlinkat(fd, VM_MANIFEST_NAME, 0);
		while ((entry = readdir(dir)))
			if (!str_eq(entry->d_name, ".") && !str_eq(entry->d_name, ".."))
				(void)unlinkat(fd, entry->d_name, 0);
		(void)closedir(dir);
	} else {
		fd_close(&fd);
		(void)unlinkat(cache_fd, name, 0);
	}
	(void)unlinkat(cache_fd, name, AT_REMOVEDIR);
}

/* ---- making ---- */

/* What it looks like is written to f. */
static int write_file(int dir, struct vm_file *f, mode_t mode, const void *data, size_t len, struct err *e)
{
	AUTO_FD fd = openat(dir, f->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	struct stat st;
	int r;

	if (fd < 0)
		return err_sys(e, errno, "create '%s'", f->name);
	r = io_write_all(fd, data, len);
	if (r < 0)
		return err_sys(e, -r, "write %zu bytes to '%s'", len, f->name);
	/* QEMU reads it as nobody (mon/qemu.c): where the kernel's own file is for root alone, by that one's group */
	if (geteuid() == 0 && !(mode & 0004) && fchown(fd, (uid_t)-1, NOBODY_GROUP) == 0)
		mode |= 0040;
	if (fchmod(fd, mode) < 0 || fsync(fd) < 0 || fstat(fd, &st) < 0)
		return err_sys(e, errno, "write '%s' to the disk", f->name);
	vm_file_stamp(f, &st);
	f->sha256 = x_calloc(1, DIGEST_TEXT_MAX);
	digest_of(data, len, f->sha256);
	return 0;
}

/* What a monitor boots: the vmlinux, which spares the guest to unpack it, or the file as it was. */
static int write_kernel(int dir, struct vm_file *f, mode_t mode, const struct sources *s, struct err *e)
{
	const struct source *k = &s->v[VM_MANIFEST_KERNEL];
	const struct vm_file *vmlinux = &f[VMLINUX - KERNEL];
	const uint8_t *elf;
	size_t len;

	sources_vmlinux(s, &elf, &len);
	if (!image_has_pvh(elf, len))
		return write_file(dir, f, mode, k->data, k->len, e);
	if (linkat(dir, vmlinux->name, dir, f->name, 0) < 0)
		return err_sys(e, errno, "link '%s' to '%s'", f->name, vmlinux->name);
	f->size = vmlinux->size;
	f->mtime_ns = vmlinux->mtime_ns;
	f->sha256 = x_strdup(vmlinux->sha256);
	return 0;
}

static int write_initrd(int dir, struct vm_file *f, mode_t mode, const struct sources *s, struct err *e)
{
	struct strbuf cpio = { 0 };
	int r = initrd_make(s, &cpio, e);

	if (r == 0)
		r = write_file(dir, f, mode, cpio.s, cpio.len, e);
	free(cpio.s);
	return r;
}

static int fill(int dir, const struct sources *s, struct err *e)
{
	struct vm_manifest m = {
		.version = (char *)s->kernel.version,
		.inputs = s->files,
		.n_inputs = s->n,
		.image = s->image,
		.files = { { .name = (char *)"kernel" }, { .name = (char *)"vmlinux" }, { .name = (char *)"initrd" } },
		.builtin = s->names.builtin,
		.absent = s->names.absent,
	};
	mode_t mode = 0400 | (s->v[VM_MANIFEST_KERNEL].mode & 0044); /* who may read the kernel may read these */
	mode_t initrd_mode = mode;
	const uint8_t *elf;
	size_t len;
	int r;

	if (s->modules_end < s->n) /* and another's initrd these */
		initrd_mode &= 0400 | (s->v[s->modules_end].mode & 0044);
	sources_vmlinux(s, &elf, &len);
	r = write_file(dir, &m.files[VMLINUX], mode, elf, len, e);
	if (r == 0)
		r = write_kernel(dir, &m.files[KERNEL], mode, s, e);
	if (r == 0)
		r = write_initrd(dir, &m.files[INITRD], initrd_mode, s, e);
	if (r == 0)
		r = write_manifest(dir, &m, e);
	if (r == 0 && fsync(dir) < 0)
		r = err_sys(e, errno, "write the directory to the disk");
	for (size_t i = 0; i < VM_MANIFEST_FILES; i++)
		free(m.files[i].sha256);
	return r;
}

static int make_under(int cache_fd, const char *temporary, const char *name, const struct sources *s, struct err *e)
{
	AUTO_FD dir = -1;
	int r;

	if (mkdirat(cache_fd, temporary, 0755) < 0)
		return err_sys(e, errno, "make the directory '%s'", temporary);
	dir = openat(cache_fd, temporary, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (dir < 0)
		return err_sys(e, errno, "open '%s'", temporary);
	r = fill(dir, s, e);
	if (r == 0 && renameat(cache_fd, temporary, cache_fd, name) < 0)
		r = err_sys(e, errno, "rename '%s' to '%s'", temporary, name);
	if (r == 0 && fsync(cache_fd) < 0)
		r = err_sys(e, errno, "write the cache's directory to the disk");
	return r;
}

int entry_make(int cache_fd, const char *name, const struct sources *s, struct err *e)
{
	AUTO_FREE char *temporary = x_printf("%s%d", ENTRY_NEW, (int)getpid());
	sigset_t wait, before;
	int r;

	(void)sigemptyset(&wait);
	(void)sigaddset(&wait, SIGINT);
	(void)sigaddset(&wait, SIGTERM);
	(void)sigaddset(&wait, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &wait, &before);
	r = make_under(cache_fd, temporary, name, s, e);
	if (r < 0)
		entry_remove(cache_fd, temporary);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return r;
}
