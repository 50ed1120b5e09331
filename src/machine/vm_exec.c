/* SPDX-License-Identifier: Apache-2.0 */
/* vm_exec.c: see vm_exec.h. */
#include "vm_exec.h"

#include "fd.h"
#include "gen.h"
#include "io.h"
#include "json.h"
#include "message.h"
#include "vm_control.h"
#include "vmplan.h"

#include <string.h>

/* What has its place on the host, and none in the guest. */
static int refuse(const struct husk_exec_opts *o, struct err *e)
{
	if (o->preserve_fds)
		return err_set(e, ENOTSUP, "--preserve-fds %d: a descriptor of the host cannot enter a VM",
			       o->preserve_fds);
	if (o->cgroup && strlen(o->cgroup) > MESSAGE_CGROUP_MAX)
		return err_set(e, ENAMETOOLONG, "--cgroup: longer than %d bytes", MESSAGE_CGROUP_MAX);
	if (o->apparmor && *o->apparmor)
		return err_set(e, ENOTSUP, "--apparmor '%s': the guest's kernel has no profile of the host's",
			       o->apparmor);
	if (o->process_label && *o->process_label)
		return err_set(e, ENOTSUP, "--process-label '%s': the guest's kernel has no policy", o->process_label);
	return 0;
}

static int memory_file(const char *text, int *out_fd, struct err *e)
{
	int fd = io_memory_file("husk-process", text, strlen(text));

	if (fd < 0)
		return err_sys(e, -fd, "write the process into memory");
	*out_fd = fd;
	return 0;
}

/* Of the proxy: nobody's capabilities, and a terminal if the process has one. */
static char *proxy_text(bool terminal, const char *cgroup)
{
	const char *const args[] = { VM_MON_PATH, "exec", terminal ? "tty" : "pipes", cgroup, NULL };
	yajl_gen g = gen_new(NULL);

	gen_object_open(g, NULL);
	gen_bool(g, "terminal", terminal);
	gen_object_open(g, "user");
	gen_u64(g, "uid", 0);
	gen_u64(g, "gid", 0);
	gen_object_close(g);
	gen_strings(g, "args", args);
	gen_pair(g, "cwd", "/");
	gen_object_open(g, "capabilities");
	gen_object_close(g);
	gen_bool(g, "noNewPrivileges", true);
	gen_object_close(g);
	return gen_end(g);
}

static int wants_terminal(const char *process, bool *out, struct err *e)
{
	struct json_doc doc = { 0 };
	const struct json *v;
	int r = json_parse(process, strlen(process), &doc, e);

	if (r == 0) {
		v = json_get(doc.root, "terminal");
		*out = v && v->type == JSON_BOOL && v->boolean;
	}
	json_free(&doc);
	return r;
}

static int exec_proxy(const struct husk_ctx *ctx, const char *id, const struct husk_exec_opts *o, int connection,
		      const char *process, int *out_status, struct err *e)
{
	AUTO_FREE char *proxy = NULL;
	AUTO_FD wanted = -1;
	AUTO_FD own = -1;
	char path[FD_PATH_MAX];
	struct husk_exec_opts x = {
		.console_socket = o->console_socket,
		.pidfd_socket = o->pidfd_socket,
		.pid_file = o->pid_file,
		.detach = o->detach,
		.ignore_paused = o->ignore_paused,
		.no_subreaper = o->no_subreaper,
		.n_given_fds = 2,
		.deferred = true,
	};
	bool terminal = false;
	int given[2], r;

	r = wants_terminal(process, &terminal, e);
	if (r == 0)
		r = memory_file(process, &wanted, e);
	if (r < 0)
		return r;
	proxy = proxy_text(terminal, o->cgroup);
	r = memory_file(proxy, &own, e);
	if (r < 0)
		return r;
	fd_path(own, path);
	given[0] = connection;
	given[1] = wanted;
	x.process = path;
	x.given_fds = given;
	return husk_exec(ctx, id, &x, out_status, e);
}

int vm_exec(const struct husk_ctx *ctx, const char *id, const struct husk_exec_opts *o, int *out_status, struct err *e)
{
	AUTO_FREE char *config = NULL;
	AUTO_FREE char *process = NULL;
	AUTO_FD connection = -1;
	size_t len;
	int r = refuse(o, e);

	if (r == 0)
		r = vm_control_config(ctx, id, &config, &len, e);
	if (r == 0)
		r = husk_exec_process(config, len, o, &process, e);
	if (r == 0)
		r = vm_control_connect(ctx, id, &connection, e);
	return r < 0 ? r : exec_proxy(ctx, id, o, connection, process, out_status, e);
}
