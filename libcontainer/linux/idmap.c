/* SPDX-License-Identifier: Apache-2.0 */
/* idmap.c: see idmap.h. */
#include "idmap.h"

#include "fd.h"
#include "io.h"
#include "kernel.h"
#include "str.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>

struct map_kind {
	const char *file, *helper, *key;
	const struct spec_id_map *maps;
	size_t n;
	uint32_t own_id;
};

static int write_file(pid_t pid, const char *file, const char *text)
{
	char path[48];

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	return io_write_value(AT_FDCWD, path, text);
}

static int write_direct(pid_t pid, const struct map_kind *k, struct err *e)
{
	struct strbuf text = { 0 };
	int r;

	for (size_t i = 0; i < k->n; i++)
		strbuf_printf(&text, "%u %u %u\n", k->maps[i].container_id, k->maps[i].host_id, k->maps[i].size);
	r = write_file(pid, k->file, text.s);
	free(text.s);
	if (r == -EPERM)
		return err_sys(e, -r,
			       "%s: the kernel refuses the map (each range must lie in one line of /proc/self/%s; to "
			       "map uid 0 takes CAP_SETFCAP)",
			       k->key, k->file);
	if (r < 0)
		return err_sys(e, -r, "%s: the kernel refuses the map", k->key);
	return 0;
}

static int run_helper(pid_t pid, const struct map_kind *k, struct err *e)
{
	char **argv = x_calloc(3 + k->n * 3, sizeof(*argv));
	char *const env[] = { (char *)"PATH=/usr/bin:/bin:/usr/sbin:/sbin", NULL };
	size_t argc = 0;
	int status = 0, r;
	pid_t child;

	argv[argc++] = x_strdup(k->helper);
	argv[argc++] = x_printf("%d", (int)pid);
	for (size_t i = 0; i < k->n; i++) {
		argv[argc++] = x_printf("%u", k->maps[i].container_id);
		argv[argc++] = x_printf("%u", k->maps[i].host_id);
		argv[argc++] = x_printf("%u", k->maps[i].size);
	}
	r = posix_spawnp(&child, k->helper, NULL, NULL, argv, env);
	if (r == 0)
		while (waitpid(child, &status, 0) < 0) {
			if (errno == EINTR)
				continue;
			status = -1;
			break;
		}
	for (size_t i = 0; i < argc; i++)
		free(argv[i]);
	free(argv);
	if (r == ENOENT)
		return err_set(e, r, "%s: needs %s (package uidmap), or a map of your own id alone", k->key, k->helper);
	if (r != 0)
		return err_sys(e, r, "%s: run %s", k->key, k->helper);
	if (status != 0)
		return err_set(e, EPERM, "%s: %s refused the map: see /etc/subuid and /etc/subgid", k->key, k->helper);
	return 0;
}

static int write_map(pid_t pid, const struct map_kind *k, struct err *e)
{
	bool own_only = k->n == 1 && k->maps[0].size == 1 && k->maps[0].host_id == k->own_id;

	if (geteuid() == 0 || own_only)
		return write_direct(pid, k, e);
	return run_helper(pid, k, e);
}

int idmap_write(pid_t pid, const struct spec_linux *l, struct err *e)
{
	struct map_kind uid = { "uid_map", "newuidmap", "linux.uidMappings", l->uid_maps, l->n_uid_maps, geteuid() };
	struct map_kind gid = { "gid_map", "newgidmap", "linux.gidMappings", l->gid_maps, l->n_gid_maps, getegid() };
	bool gid_direct = gid.n == 1 && gid.maps[0].size == 1 && gid.maps[0].host_id == gid.own_id;
	int r;

	if (geteuid() != 0 && gid_direct) {
		r = write_file(pid, "setgroups", "deny");
		if (r < 0 && r != -ENOENT)
			return err_sys(e, -r, "deny setgroups for a single gid map");
	}
	r = write_map(pid, &gid, e);
	if (r == -EPERM && geteuid() == 0 && gid_direct && write_file(pid, "setgroups", "deny") == 0)
		r = write_map(pid, &gid, e); /* uid 0 without CAP_SETGID */
	return r < 0 ? r : write_map(pid, &uid, e);
}

/* Lives in a user namespace of its own until the other end of the pipe is closed. */
static pid_t holder_start(int pipe_read, int pipe_write)
{
	struct kernel_clone_args args = { .flags = CLONE_NEWUSER, .exit_signal = SIGCHLD };
	pid_t pid = sys_clone3(&args);
	char byte;

	if (pid != 0)
		return pid;
	(void)close(pipe_write);
	while (read(pipe_read, &byte, 1) < 0 && errno == EINTR)
		;
	_exit(0);
}

int idmap_userns(const struct spec_linux *l, int *out_fd, struct err *e)
{
	AUTO_FD ours = -1, theirs = -1, ns = -1;
	char path[40];
	int ends[2], r;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, errno, "pipe");
	theirs = ends[0];
	ours = ends[1];
	pid = holder_start(theirs, ours);
	if (pid < 0)
		return err_sys(e, errno, "make a user namespace (a limit is the sysctl user.max_user_namespaces)");
	r = idmap_write(pid, l, e);
	if (r == 0) {
		(void)snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
		ns = open(path, O_RDONLY | O_CLOEXEC);
		if (ns < 0)
			r = err_sys(e, errno, "open '%s'", path);
	}
	fd_close(&ours);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (r == 0)
		*out_fd = fd_take(&ns);
	return r;
}
