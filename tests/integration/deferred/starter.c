/* SPDX-License-Identifier: Apache-2.0 */
/*
 * starter.c: for test_deferred.sh, a caller of libcontainer that has the program end its own start:
 * `starter ROOT create|run|detach BUNDLE ID` rewrites config.json's hostname, gives the program a memory file
 * and a socket to listen on; `starter ROOT exec|exec-detach ID PROGRAM [ARGUMENT]...` gives a memory file;
 * `starter ROOT update ID RESOURCES agree|refuse` updates limits that are kept elsewhere, too, where it is said.
 * Errors are one line on standard error and status 1.
 */
#include "fd.h"
#include "json.h"
#include "libcontainer.h"
#include "str.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

static int memory_file(void)
{
	int fd = memfd_create("given", MFD_CLOEXEC);

	return fd < 0 || write(fd, "a gift", 6) != 6 ? -1 : fd;
}

/* The host's name is replaced in the text: the test's config.json says "husk". */
static int rewrite(const struct husk_ctx *ctx, const char *bundle, const struct json_doc *config, void *arg,
		   struct husk_instead *out, struct err *e)
{
	const struct json *name = json_get(config->root, "hostname");

	(void)ctx;
	(void)bundle;
	(void)arg;
	if (!name)
		return err_set(e, EINVAL, "hostname: missing");
	out->config = x_printf("%.*s\"rewritten\"%s", (int)name->start, config->text, config->text + name->end);
	out->rootfs = x_strdup("/told/root");
	out->note = x_strdup("a note");
	out->fds[out->n_fds++] = memory_file();
	out->listens = out->deferred = true;
	return 0;
}

static int exec_in(const struct husk_ctx *ctx, char **argv, bool detach, int *status, struct err *e)
{
	int fds[1] = { memory_file() };
	struct husk_exec_opts o = {
		.args = argv + 4,
		.detach = detach,
		.given_fds = fds,
		.n_given_fds = 1,
		.deferred = true,
	};

	return husk_exec(ctx, argv[3], &o, status, e);
}

static int update_elsewhere(void *arg, struct err *e)
{
	(void)puts("asked");
	return str_eq(arg, "refuse") ? err_set(e, EINVAL, "refused elsewhere") : 0;
}

static int update(const struct husk_ctx *ctx, char **argv, struct err *e)
{
	struct husk_update_opts o = {
		.resources = argv[4],
		.len = strlen(argv[4]),
		.then = update_elsewhere,
		.then_arg = argv[5],
	};

	return husk_update(ctx, argv[3], &o, e);
}

int main(int argc, char **argv)
{
	struct husk_ctx ctx = { .cgroup_manager = HUSK_CGROUP_DISABLED, .host_root = !husk_is_rootless() };
	struct husk_run_opts o = { .create = { .rewrite = rewrite } };
	struct err e = { 0 };
	int status = 0, r;

	if (argc < 5)
		return 2;
	ctx.root = argv[1];
	ctx.rootless = !ctx.host_root;
	o.create.bundle = argv[3];
	o.detach = str_eq(argv[2], "detach");
	if (str_eq(argv[2], "update"))
		r = argc == 6 ? update(&ctx, argv, &e) : -EINVAL;
	else if (str_starts(argv[2], "exec"))
		r = exec_in(&ctx, argv, str_eq(argv[2], "exec-detach"), &status, &e);
	else if (str_eq(argv[2], "create"))
		r = husk_create(&ctx, argv[4], &o.create, &e);
	else
		r = husk_run(&ctx, argv[4], &o, &status, &e);
	if (r >= 0)
		return status;
	(void)fprintf(stderr, "%s\n", e.msg);
	return 1;
}
