/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inject.c: `inject TEXT` tries to type TEXT into each terminal that it was given, with
 * ioctl(TIOCSTI), as if the one who sits there had. For that the terminal must be its controlling
 * one, so it first tries to make it so.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>

int main(int argc, char **argv)
{
	int fds[] = { 0, 1, 2, open("/dev/tty", O_RDWR) };
	int typed = 0;

	for (int i = 0; i < 4 && argc > 1; i++) {
		(void)ioctl(fds[i], TIOCSCTTY, 1);
		(void)ioctl(fds[i], TIOCSCTTY, 0);
		for (const char *c = argv[1]; *c; c++)
			typed += ioctl(fds[i], TIOCSTI, c) == 0;
	}
	printf("typed %d\n", typed);
	return 0;
}
