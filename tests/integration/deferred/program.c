/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program.c: what test_deferred.sh starts: a program that ends its own start. `program FD MODE [MS]` waits
 * MS milliseconds, and then on the connection FD
 *   up       says that it is up
 *   fail     says why it is not, and ends with 1
 *   die      ends with 9 and says nothing
 *   babble   sends what is no message
 * and, if it goes on, prints what descriptors it has, and from MODE "up": what the memory file on 3 holds.
 * With `up` and a descriptor 4 that listens, it answers one connection there with "hello".
 * An exit status may follow: `program FD up MS STATUS`. `program SOCKET` prints what is answered there.
 */
#include "fd.h"
#include "sync_send.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void print_descriptors(void)
{
	char text[64];
	ssize_t n;

	for (int fd = 3; fd < 64; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			printf("fd %d\n", fd);
	n = pread(3, text, sizeof(text), 0);
	if (n > 0)
		printf("given: %.*s\n", (int)n, text);
	(void)fflush(stdout);
}

static void serve(void)
{
	int conn = accept(4, NULL, NULL);

	if (conn >= 0) {
		(void)!write(conn, "hello\n", 6);
		(void)close(conn);
	}
}

static int ask(const char *path)
{
	int sock = socket(AF_UNIX, SOCK_STREAM, 0);
	char text[64];
	ssize_t n;

	if (sock < 0 || fd_connect(sock, path) < 0)
		return 1;
	n = read(sock, text, sizeof(text));
	return n > 0 && write(1, text, (size_t)n) == n ? 0 : 1;
}

int main(int argc, char **argv)
{
	int fd = argc > 2 ? atoi(argv[1]) : -1, ms = argc > 3 ? atoi(argv[3]) : 0, on = 0;
	const char *mode = argc > 2 ? argv[2] : "";
	struct timespec wait = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };
	socklen_t len = sizeof(on);
	struct err e = { 0 };

	if (argc == 2)
		return ask(argv[1]);
	(void)nanosleep(&wait, NULL);
	if (!strcmp(mode, "die"))
		return 9;
	if (!strcmp(mode, "babble")) {
		(void)!write(fd, "babble", 6);
		return 1;
	}
	if (!strcmp(mode, "fail")) {
		(void)err_set(&e, EIO, "the machine did not start");
		return sync_send_err(fd, &e) < 0 ? 2 : 1;
	}
	print_descriptors();
	if (sync_send(fd, SYNC_UP, 0, -1, &e) < 0)
		return 3;
	(void)close(fd);
	if (getsockopt(4, SOL_SOCKET, SO_ACCEPTCONN, &on, &len) == 0 && on)
		serve();
	return argc > 4 ? atoi(argv[4]) : 0;
}
