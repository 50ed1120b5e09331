/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_spec.c: husk spec. Never writes over a config.json that is there. */
#include "cmd.h"
#include "fd.h"
#include "io.h"

#include <fcntl.h>
#include <string.h>

#define SPEC_FILE "config.json"

struct spec_options {
	const char *bundle;
	bool rootless;
};

static int write_new(const char *dir, const char *text, struct err *e)
{
	AUTO_FD dirfd = open(dir, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	AUTO_FD fd = -1;
	int r;

	if (dirfd < 0)
		return err_sys(e, errno, "--bundle: open '%s'", dir);
	fd = openat(dirfd, SPEC_FILE, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0 && errno == EEXIST)
		return err_set(e, EEXIST, "'%s/" SPEC_FILE "' exists already; remove it first", dir);
	if (fd < 0)
		return err_sys(e, errno, "create '%s/" SPEC_FILE "'", dir);
	r = io_write_all(fd, text, strlen(text));
	if (r < 0) {
		(void)unlinkat(dirfd, SPEC_FILE, 0);
		return err_sys(e, -r, "write '%s/" SPEC_FILE "'", dir);
	}
	return 0;
}

static int run(const struct husk_ctx *ctx, const void *options, char **words, int *out_status, struct err *e)
{
	const struct spec_options *o = options;
	AUTO_FREE char *text = husk_spec_example(o->rootless);

	(void)ctx;
	(void)words;
	(void)out_status;
	return write_new(o->bundle ? o->bundle : ".", text, e);
}

#define AT(member) offsetof(struct spec_options, member)

static const struct option_def options_table[] = {
	{ "bundle", 'b', OPTION_STRING, AT(bundle), "DIR", "write it into DIR (default: the current directory)" },
	{ "rootless", 0, OPTION_FLAG, AT(rootless), NULL, "for a container of an ordinary user" },
	{ 0 },
};

const struct cmd cmd_spec = {
	.name = "spec",
	.operands = "",
	.summary = "Write a config.json to start from.",
	.options = options_table,
	.options_size = sizeof(struct spec_options),
	.stateless = true,
	.failed_status = CMD_FAILED,
	.run = run,
};
