/* SPDX-License-Identifier: Apache-2.0 */
/* vm_kernel.c: see vm_kernel.h. */
#include "vm_kernel.h"

#include "fd.h"
#include "helper.h"
#include "io.h"
#include "libcontainer.h"
#include "log.h"
#include "str.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>

#define SYSTEM_CACHE "/var/cache/husk"
#define KEY_LEN 64
#define ANSWER_MAX (2 * PATH_MAX)
#define AGENT "husk-agent"

/* ---- which kernel ---- */

/* Takes the version at `version` and its file for the newest, if they are. */
static void newer(const char *version, const char *file, char **best, char **best_file)
{
	struct stat st;

	if (!isdigit((unsigned char)*version) || (*best && strverscmp(version, *best) <= 0))
		return;
	if (stat(file, &st) < 0 || !S_ISREG(st.st_mode))
		return;
	free(*best);
	free(*best_file);
	*best = x_strdup(version);
	*best_file = x_strdup(file);
}

/* Names in dir that begin with prefix; what follows is the version. format: of the file's path. */
static void look_in(const char *dir, const char *prefix, const char *suffix, char **best, char **best_file)
{
	DIR *d = opendir(dir);
	const struct dirent *entry;

	if (!d)
		return;
	while ((entry = readdir(d))) {
		AUTO_FREE char *file = x_printf("%s/%s%s", dir, entry->d_name, suffix);

		if (str_starts(entry->d_name, prefix))
			newer(entry->d_name + strlen(prefix), file, best, best_file);
	}
	(void)closedir(d);
}

int vm_kernel_newest(char **out, struct err *e)
{
	AUTO_FREE char *version = NULL;
	char *file = NULL;

	look_in("/boot", "vmlinuz-", "", &version, &file);
	look_in("/usr/lib/modules", "", "/vmlinuz", &version, &file);
	if (!file)
		return err_set(e, ENOENT,
			       "no kernel for VMs: expected a file '/boot/vmlinuz-VERSION' (in Debian: install "
			       "linux-image-cloud-amd64), or the path of one");
	*out = file;
	return 0;
}

static int source_of(const char *kernel, char **out, struct err *e)
{
	AUTO_FREE char *newest = NULL;
	int r;

	if (!kernel) {
		r = vm_kernel_newest(&newest, e);
		if (r < 0)
			return r;
		kernel = newest;
	}
	*out = realpath(kernel, NULL);
	return *out ? 0 : err_sys(e, errno, "kernel '%s'", kernel);
}

/* ---- where it is cached ---- */

int vm_kernel_cache(char **out, struct err *e)
{
	const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

	if (geteuid() == 0 && !husk_is_rootless())
		*out = x_strdup(SYSTEM_CACHE); /* whatever sudo(8) has left in the environment */
	else if (xdg && *xdg == '/')
		*out = x_printf("%s/husk", xdg);
	else if (home && *home == '/')
		*out = x_printf("%s/.cache/husk", home);
	else
		return err_set(e, ENOENT,
			       "no place for prepared kernels: expected an absolute path in $HOME or $XDG_CACHE_HOME");
	return 0;
}

/* Absolute, though not all of it may be there. */
static char *absolute(const char *path)
{
	AUTO_FREE char *cwd = *path == '/' ? NULL : getcwd(NULL, 0);

	return cwd ? x_printf("%s/%s", cwd, path) : x_strdup(path);
}

static int cache_of(const struct vm_kernel_query *q, char **out, struct err *e)
{
	if (!q->cache)
		return vm_kernel_cache(out, e);
	*out = absolute(q->cache);
	return 0;
}

/* ---- what is in the cache ---- */

/* Only root, or who asks, may have written there. */
static bool is_trusted(int dir)
{
	struct stat st;

	return fstat(dir, &st) == 0 && (st.st_uid == 0 || st.st_uid == geteuid()) && !(st.st_mode & 022);
}

static void take(struct vm_kernel *k, const char *dir, struct vm_manifest *about)
{
	k->dir = x_strdup(dir);
	k->kernel = x_printf("%s/kernel", dir);
	k->initrd = x_printf("%s/initrd", dir);
	k->about = *about;
	*about = (struct vm_manifest){ 0 };
}

/* Takes the entry if it is of this kernel and agent, and as it was made. */
static bool look_at(int cache, const char *cache_path, const char *name, const struct vm_kernel_query *q,
		    struct vm_kernel *k, struct err *out_why)
{
	AUTO_FD dir = openat(cache, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	AUTO_FREE char *path = x_printf("%s/%s", cache_path, name);
	struct vm_manifest m = { 0 };
	bool found = false;

	if (dir < 0 || !is_trusted(dir))
		return false;
	if (vm_manifest_read(dir, &m, out_why) < 0) {
		(void)err_add(out_why, "'%s'", path);
	} else if (vm_manifest_is_for(&m, k->source, k->agent, q->initrd, q->image)) {
		found = vm_manifest_check(&m, dir, out_why) == 0;
		if (found)
			take(k, path, &m);
		else
			(void)err_add(out_why, "'%s'", path);
	}
	vm_manifest_free(&m);
	return found;
}

static bool search(const char *cache, const struct vm_kernel_query *q, struct vm_kernel *k, struct err *out_why)
{
	AUTO_FD fd = open(cache, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int list = fd >= 0 && is_trusted(fd) ? openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	DIR *dir = list >= 0 ? fdopendir(list) : NULL;
	const struct dirent *entry;
	bool found = false;

	if (!dir) {
		fd_close(&list);
		return false;
	}
	while (!found && (entry = readdir(dir)))
		if (strlen(entry->d_name) == KEY_LEN)
			found = look_at(fd, cache, entry->d_name, q, k, out_why);
	(void)closedir(dir);
	return found;
}

/* Which kernel, which agent, which cache: what looking and preparing begin with. */
static int begin(const struct vm_kernel_query *q, struct vm_kernel *k, char **out_cache, struct err *e)
{
	int r;

	k->agent = helper_path(AGENT);
	r = source_of(q->kernel, &k->source, e);
	return r < 0 ? r : cache_of(q, out_cache, e);
}

int vm_kernel_look(const struct vm_kernel_query *q, struct vm_kernel *out, struct err *out_why, struct err *e)
{
	AUTO_FREE char *cache = NULL;
	int r = begin(q, out, &cache, e);

	if (r < 0)
		return r;
	(void)err_set(out_why, ENOENT, "nothing of it in '%s'", cache);
	if (q->cache || str_eq(cache, SYSTEM_CACHE) || !search(SYSTEM_CACHE, q, out, out_why))
		(void)search(cache, q, out, out_why);
	return 0;
}

/* ---- preparing ---- */

/* What it found damaged: of its own directory, and then of others. */
static void tell_damage(const char *dir, char *lines)
{
	const char *own = strsep(&lines, "\n"), *other;

	if (*own)
		log_warn("the prepared kernel '%s' was damaged: %s; made it anew", dir, own);
	while ((other = strsep(&lines, "\n")))
		if (*other)
			log_warn("removed a damaged kernel from the cache: %s", other);
}

/* Its answer: the directory, and what was damaged, on lines of their own. */
static int read_answer(int fd, struct vm_kernel *k, struct err *e)
{
	char text[ANSWER_MAX];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	struct vm_manifest m = { 0 };
	AUTO_FD dir = -1;
	char *damage;
	int r;

	text[n > 0 ? n : 0] = '\0';
	damage = strchr(text, '\n');
	if (*text != '/' || !damage)
		return err_set(e, EPROTO, "husk-prepare did not say where it is");
	*damage++ = '\0';
	tell_damage(text, damage);
	dir = open(text, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_sys(e, errno, "open '%s'", text);
	r = vm_manifest_read(dir, &m, e);
	if (r < 0)
		return err_add(e, "'%s'", text);
	take(k, text, &m);
	return 0;
}

static int run_helper(const char *cache, const char *modules, const struct vm_kernel_query *q, struct vm_kernel *k,
		      struct err *e)
{
	const struct {
		const char *name, *value;
	} options[] = {
		{ "--cache", cache },
		{ "--agent", k->agent },
		{ "--modules", modules },
		{ "--initrd", q->initrd },
		{ "--root", q->image ? "image" : NULL },
		{ "--check", q->check_all ? "all" : NULL },
	};
	struct helper helper = { .name = "husk-prepare", .key = "prepare a kernel for VMs" };
	const char *argv[2 * ARRAY_LEN(options) + 3] = { helper.name };
	char *no_env[] = { NULL };
	AUTO_FD answer = memfd_create("answer", MFD_CLOEXEC);
	size_t n = 1;
	int r;

	if (answer < 0)
		return err_sys(e, errno, "memfd_create");
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		if (!options[i].value)
			continue;
		argv[n++] = options[i].name;
		argv[n++] = options[i].value;
	}
	argv[n] = k->source;
	r = helper_start(&helper, (char *const *)(uintptr_t)argv, -1, answer, -1, no_env, e);
	if (r == 0)
		r = helper_wait(&helper, e);
	return r < 0 ? r : read_answer(answer, k, e);
}

int vm_kernel_prepare(const struct vm_kernel_query *q, struct vm_kernel *out, struct err *e)
{
	AUTO_FREE char *modules = q->modules && !str_eq(q->modules, "none") ? absolute(q->modules) : NULL;
	AUTO_FREE char *cache = NULL;
	int r = begin(q, out, &cache, e);

	return r < 0 ? r : run_helper(cache, modules ? modules : q->modules, q, out, e);
}

int vm_kernel_find(const struct vm_kernel_query *q, struct vm_kernel *out, struct err *e)
{
	struct err why = { 0 };
	int r = vm_kernel_look(q, out, &why, e);

	if (r < 0 || out->dir)
		return r;
	log_debug("preparing the kernel '%s': %s", out->source, why.msg);
	vm_kernel_free(out);
	return vm_kernel_prepare(q, out, e);
}

void vm_kernel_free(struct vm_kernel *k)
{
	free(k->source);
	free(k->agent);
	free(k->dir);
	free(k->kernel);
	free(k->initrd);
	vm_manifest_free(&k->about);
	*k = (struct vm_kernel){ 0 };
}
