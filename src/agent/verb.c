/* SPDX-License-Identifier: Apache-2.0 */
/* verb.c: see verb.h. */
#include "verb.h"

#include "gen.h"
#include "io.h"
#include "session.h"
#include "str.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define OOM_EVENT "{\"type\":\"oom\"" /* how an event of husk_events() begins that is one */

struct outcome {
	pid_t pid;
	char *text;
};

static int write_file(const char *path, const struct verb *v, struct err *e)
{
	return io_replace_file(AT_FDCWD, path, v->text ? v->text : "", v->text_len, 0600, e);
}

/* What --pid-file is for others; the file goes. */
static int take_pid(const char *path, pid_t *out, struct err *e)
{
	char text[32];
	uint64_t pid;
	ssize_t n = io_read_small(AT_FDCWD, path, text, sizeof(text));

	(void)unlink(path);
	if (n < 0)
		return err_sys(e, (int)-n, "read '%s'", path);
	if (str_u64(text, INT_MAX, &pid) < 0)
		return err_set(e, EINVAL, "'%s' holds no process id: '%s'", path, text);
	*out = (pid_t)pid;
	return 0;
}

static int create(const struct verb *v, struct outcome *out, struct err *e)
{
	AUTO_FREE char *bundle = x_printf("%s/bundle", v->run_dir);
	AUTO_FREE char *config = x_printf("%s/config.json", bundle);
	AUTO_FREE char *pid_file = x_printf("%s/pid", v->run_dir);
	struct husk_create_opts opts = {
		.bundle = bundle,
		.console_socket = v->console,
		.console_width = v->size.columns,
		.console_height = v->size.rows,
		.pid_file = pid_file,
		.network = v->network->n ? network_give : NULL,
		.network_arg = v->network,
	};
	int r;

	if (mkdir(bundle, 0700) < 0 && errno != EEXIST)
		return err_sys(e, errno, "make '%s'", bundle);
	r = write_file(config, v, e);
	if (r == 0)
		r = husk_create(v->ctx, v->id, &opts, e);
	return r < 0 ? r : take_pid(pid_file, &out->pid, e);
}

static int exec(const struct verb *v, struct outcome *out, struct err *e)
{
	AUTO_FREE char *process = x_printf("%s/process.%u", v->run_dir, v->process);
	AUTO_FREE char *pid_file = x_printf("%s/pid.%u", v->run_dir, v->process);
	struct husk_exec_opts opts = {
		.process = process,
		.console_socket = v->console,
		.console_width = v->size.columns,
		.console_height = v->size.rows,
		.pid_file = pid_file,
		.cgroup = v->cgroup,
		.detach = true,
	};
	int r, status;

	r = write_file(process, v, e);
	if (r == 0)
		r = husk_exec(v->ctx, v->id, &opts, &status, e);
	(void)unlink(process);
	return r < 0 ? r : take_pid(pid_file, &out->pid, e);
}

static int send_signal(const struct verb *v, struct err *e)
{
	char number[16];

	(void)snprintf(number, sizeof(number), "%u", v->signal.signal);
	return husk_kill(v->ctx, v->id, number, v->signal.all, e);
}

static int update(const struct verb *v, struct err *e)
{
	struct husk_update_opts opts = { .resources = v->text ? v->text : "{}", .len = v->text ? v->text_len : 2 };

	return husk_update(v->ctx, v->id, &opts, e);
}

static int change_mounts(const struct verb *v, struct err *e)
{
	AUTO_FREE char *file = x_printf("%s/mounts.%d", v->run_dir, (int)getpid());
	int r = write_file(file, v, e);

	if (r == 0)
		r = v->type == MSG_MOUNTS_ADD ? husk_mounts_add(v->ctx, v->id, file, e)
					      : husk_mounts_remove(v->ctx, v->id, file, e);
	(void)unlink(file);
	return r;
}

/* Each directory of the host's that was mounted there became a mount of this namespace when it was the source of
 * one: it ends. And looking the name up makes the kernel give up the file that was there, so that
 * the host's server can close it. */
static int forget_mounts(const struct verb *v)
{
	AUTO_FREE char *text = x_printf("%.*s", (int)v->text_len, v->text ? v->text : "");
	char *save = NULL;
	struct stat st;

	for (char *path = strtok_r(text, "\n", &save); path; path = strtok_r(NULL, "\n", &save)) {
		(void)umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW);
		(void)lstat(path, &st);
	}
	return 0;
}

static int ps(const struct verb *v, struct outcome *out, struct err *e)
{
	AUTO_FREE pid_t *pids = NULL;
	size_t n = 0;
	yajl_gen gen;
	int r;

	r = husk_ps(v->ctx, v->id, &pids, &n, e);
	if (r < 0)
		return r;
	gen = gen_new(NULL);
	gen_array_open(gen, NULL);
	for (size_t i = 0; i < n; i++)
		(void)yajl_gen_integer(gen, pids[i]);
	gen_array_close(gen);
	out->text = gen_end(gen);
	return 0;
}

static int keep_event(char *json, void *arg, struct err *e)
{
	struct outcome *out = arg;

	(void)e;
	out->text = x_strdup(json);
	return 0;
}

static int tell_oom(char *json, void *arg, struct err *e)
{
	const int *report = arg;

	if (!str_starts(json, OOM_EVENT))
		return 0;
	return io_write_all(*report, "o", 1) < 0 ? err_sys(e, errno, "tell of the want of memory") : 0;
}

static int run(const struct verb *v, int report, struct outcome *out, struct err *e)
{
	switch (v->type) {
	case MSG_CREATE:
		return create(v, out, e);
	case MSG_START:
		return husk_start(v->ctx, v->id, e);
	case MSG_EXEC:
		return exec(v, out, e);
	case MSG_SIGNAL:
		return send_signal(v, e);
	case MSG_UPDATE:
		return update(v, e);
	case MSG_MOUNTS_ADD:
	case MSG_MOUNTS_REMOVE:
		return change_mounts(v, e);
	case MSG_MOUNTS_GONE:
		return forget_mounts(v);
	case MSG_PS:
		return ps(v, out, e);
	case MSG_STATS:
		return husk_events(v->ctx, v->id, 0, keep_event, out, e);
	case MSG_OOM:
		(void)husk_events(v->ctx, v->id, INT_MAX, tell_oom, &report, e);
		_exit(0);
	default:
		return err_set(e, ENOSYS, "%s is not done in a session", message_type_name(v->type));
	}
}

void verb_run(const struct verb *v, int report)
{
	struct outcome out = { 0 };
	struct err e = { 0 };
	int r = run(v, report, &out, &e);

	session_report(report, r < 0 ? 0 : out.pid, r < 0 ? &e : NULL, out.text, out.text ? strlen(out.text) : 0);
}
