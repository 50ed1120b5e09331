/* SPDX-License-Identifier: Apache-2.0 */
/* swap.c: `swap A B [A B ...]` exchanges the names A and B, as fast as it can, until it is killed. */
#include <fcntl.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	for (;;)
		for (int i = 1; i + 1 < argc; i += 2)
			if (renameat2(AT_FDCWD, argv[i], AT_FDCWD, argv[i + 1], RENAME_EXCHANGE) < 0) {
				perror(argv[i]);
				return 1;
			}
}
