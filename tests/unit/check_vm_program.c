/* SPDX-License-Identifier: Apache-2.0 */
/* check_vm_program.c: a program that is surely not in the image is told of before there is a guest; one that mounts or
 * hooks could bring is not. */
#include "ck_run.h"
#include "json_text.h"
#include "str.h"
#include "vm_program.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[] = "/tmp/husk-check.XXXXXX";

static void make_file(const char *path, mode_t mode)
{
	int fd = openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_CLOEXEC, mode);

	ck_assert_int_ge(fd, 0);
	(void)close(fd);
}

/* bin -> usr/bin, abs -> /usr/bin, out -> ../../usr, loop -> loop, vol/to -> ../usr */
static void make_root(void)
{
	static const char *const dirs[] = { "usr", "usr/bin", "vol" };
	static const char *const links[][2] = { { "usr/bin", "bin" },	     { "/usr/bin", "abs" },
						{ "../../usr", "out" },	     { "loop", "loop" },
						{ "../usr", "vol/to" },	     { "/new/there", "dangling" },
						{ "/vol/gone", "usr/bin/w" } };

	ck_assert_ptr_nonnull(mkdtemp(root));
	ck_assert_int_eq(chdir(root), 0);
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
		ck_assert_int_eq(mkdir(dirs[i], 0755), 0);
	for (size_t i = 0; i < ARRAY_LEN(links); i++)
		ck_assert_int_eq(symlink(links[i][0], links[i][1]), 0);
	make_file("usr/bin/sh", 0755);
	make_file("plain", 0644);
}

static void remove_root(void)
{
	AUTO_FREE char *command = x_printf("rm -rf %s", root);

	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(system(command), 0);
}

/* The members of `process`, and of config.json; NULL: nothing is said, else what. */
static const struct {
	const char *process, *members, *error;
} cases[] = {
	{ "'args':['sh']", "", NULL },
	{ "'args':['sh','x'],'env':['PATH=/nowhere:/bin']", "", NULL },
	{ "'args':['none']", "", "exec: 'none': executable file not found in $PATH" },
	{ "'args':['none'],'env':['A=b','PATH=/bin:/usr/bin']", "", "exec: 'none': executable" },
	{ "'args':['sh'],'env':['PATH=/vol:/nowhere']", "", "exec: 'sh': executable" },
	/* by a path; symlinks and ".." stay inside */
	{ "'args':['/bin/sh']", "", NULL },
	{ "'args':['/abs/sh']", "", NULL },
	{ "'args':['/out/bin/sh']", "", NULL },
	{ "'args':['/../vol/../bin/./sh']", "", NULL },
	{ "'args':['/usr']", "", "exec: '/usr' is a directory: permission denied" },
	{ "'args':['/plain']", "", "exec: '/plain': permission denied" },
	{ "'args':['plain'],'env':['PATH=/bin:/']", "", "exec: 'plain': permission denied" },
	{ "'args':['plain'],'env':['PATH=/:/vol']", ",'mounts':[{'destination':'/vol','type':'bind'}]", NULL },
	{ "'args':['usr'],'env':['PATH=/']", "", "exec: 'usr': executable file not found in $PATH" },
	{ "'args':['/bin/none']", "", "exec: '/bin/none': no such file or directory" },
	{ "'args':['/abs/none']", "", "exec: '/abs/none': no such" },
	{ "'args':['/dangling']", "", "exec: '/dangling': no such" },
	{ "'args':['/dangling/of/../it']", "", NULL },
	{ "'args':['/loop/x']", "", "exec: '/loop/x': Too many levels of symbolic links" },
	{ "'args':['/usr/bin/sh/x']", "", "exec: '/usr/bin/sh/x': Not a directory" },
	/* by the working directory */
	{ "'args':['./sh'],'cwd':'/usr/bin'", "", NULL },
	{ "'args':['./sh'],'cwd':'/usr'", "", "exec: './sh': no such" },
	{ "'args':['sh'],'cwd':'/usr/bin','env':['PATH=']", "", NULL },
	{ "'args':['sh'],'cwd':'/usr','env':['PATH=:bin']", "", NULL },
	/* mounts may bring it: there, above, below what is not there, or by a symlink into one */
	{ "'args':['/vol/x']", ",'mounts':[{'destination':'/vol','type':'bind'}]", NULL },
	{ "'args':['/vol/x']", ",'mounts':[{'destination':'/usr','type':'bind'}]", "exec: '/vol/x': no such" },
	{ "'args':['/volume']", ",'mounts':[{'destination':'/vol','type':'bind'}]", "exec: '/volume': no such" },
	{ "'args':['/run/init']", ",'mounts':[{'destination':'/run/init','type':'bind'}]", NULL },
	{ "'args':['/opt/a/b']", ",'mounts':[{'destination':'/opt/a/','type':'bind'}]", NULL },
	{ "'args':['none']", ",'mounts':[{'destination':'/bin','type':'bind'}]", NULL },
	{ "'args':['/bin/none']", ",'mounts':[{'destination':'/abs','type':'bind'}]", NULL },
	{ "'args':['/bin/w']", ",'mounts':[{'destination':'/vol','type':'bind'}]", NULL },
	{ "'args':['/dangling']", ",'mounts':[{'destination':'/new','type':'tmpfs'}]", NULL },
	{ "'args':['/vol/to/x']", ",'mounts':[{'destination':'/vol','type':'bind'}]", NULL },
	{ "'args':['/x']", ",'mounts':[{'destination':'/','type':'bind'}]", NULL },
	{ "'args':['/x']", ",'mounts':[{'destination':'/vol','type':'bind'},{'destination':'/vol/to','type':'bind'}]",
	  NULL },
	{ "'args':['/x']",
	  ",'mounts':[{'destination':'/dev','type':'tmpfs'},{'destination':'/dev/pts','type':'devpts'}]",
	  "exec: '/x': no such" },
	/* so may hooks of the host */
	{ "'args':['/x']", ",'hooks':{'createRuntime':[{'path':'/h'}]}", NULL },
	{ "'args':['/x']", ",'hooks':{'prestart':[],'poststop':[{'path':'/h'}]}", "exec: '/x': no such" },
	/* what is wrong is told by others */
	{ "'args':[]", "", NULL },
	{ "'args':[7]", "", NULL },
	{ "'cwd':'/'", "", NULL },
};

START_TEST(what_is_surely_missing_is_told)
{
	AUTO_FREE char *whole = x_printf("{'process':{%s}%s}", cases[_i].process, cases[_i].members);
	struct json_text config = json_text(whole);
	struct err e = { 0 };
	int r;

	make_root();
	r = vm_program_check(config.doc.root, root, &e);
	ck_assert_msg((r < 0) == (cases[_i].error != NULL), "%s: %d '%s'", whole, r, e.msg);
	ck_assert_msg(str_starts(e.msg, cases[_i].error ? cases[_i].error : ""), "%s: '%s'", whole, e.msg);
	json_text_free(&config);
	remove_root();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("vm_program");
	TCase *tc = tcase_create("all");

	tcase_add_loop_test(tc, what_is_surely_missing_is_told, 0, ARRAY_LEN(cases));
	suite_add_tcase(suite, tc);
	return ck_run(suite);
}
