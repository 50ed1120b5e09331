/* SPDX-License-Identifier: Apache-2.0 */
/*
 * driver.c: runs a fuzz target over files, where libFuzzer is not.
 *
 * Arguments are files, and directories whose files are taken. Without any, a
 * program fuzz_<name> takes tests/fuzz/corpus/<name> below $HUSK_TOP_SRCDIR (or
 * the current directory). Running no input at all is a failure.
 */
#include "fd.h"
#include "fuzz.h"
#include "io.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define INPUT_MAX (16U << 20)

static int run_file(const char *path, unsigned int *count)
{
	AUTO_FREE char *text = NULL;
	AUTO_FREE uint8_t *exact = NULL;
	struct err e = { 0 };
	size_t len;

	if (io_read_file(AT_FDCWD, path, 0, INPUT_MAX, &text, &len, &e) < 0) {
		fprintf(stderr, "%s\n", e.msg);
		return -1;
	}
	/* A copy without the final NUL, so that a sanitizer sees a read beyond the end. */
	exact = malloc(len ? len : 1);
	if (!exact)
		return -1;
	memcpy(exact, text, len);
	(void)LLVMFuzzerTestOneInput(exact, len);
	(*count)++;
	return 0;
}

static int run_directory(const char *path, unsigned int *count)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int r = 0;

	if (!dir) {
		perror(path);
		return -1;
	}
	while (r == 0 && (entry = readdir(dir))) {
		AUTO_FREE char *file = x_printf("%s/%s", path, entry->d_name);

		if (entry->d_name[0] != '.')
			r = run_file(file, count);
	}
	(void)closedir(dir);
	return r;
}

static int run_path(const char *path, unsigned int *count)
{
	struct stat st;

	if (stat(path, &st) < 0) {
		perror(path);
		return -1;
	}
	return S_ISDIR(st.st_mode) ? run_directory(path, count) : run_file(path, count);
}

static int run_own_corpus(const char *program, unsigned int *count)
{
	const char *top = getenv("HUSK_TOP_SRCDIR");
	const char *slash = strrchr(program, '/');
	const char *name = slash ? slash + 1 : program;
	AUTO_FREE char *path = NULL;

	if (str_starts(name, "fuzz_"))
		name += strlen("fuzz_");
	path = x_printf("%s/tests/fuzz/corpus/%s", top ? top : ".", name);
	return run_path(path, count);
}

int main(int argc, char **argv)
{
	unsigned int count = 0;
	int r = 0, i;

	if (argc < 2)
		r = run_own_corpus(argv[0], &count);
	for (i = 1; r == 0 && i < argc; i++)
		r = run_path(argv[i], &count);
	printf("%s: %u inputs\n", argv[0], count);
	if (r == 0 && count == 0)
		fprintf(stderr, "%s: no inputs found\n", argv[0]);
	return r < 0 || count == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
