/* SPDX-License-Identifier: Apache-2.0 */
/* qemu.c: see qemu.h. */
#include "qemu.h"

#include "fd.h"
#include "links.h"
#include "program.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static int listen_for_server(int *out_fd, struct err *e)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = MACHINE_SERVER_SOCKET };
	AUTO_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_sys(e, errno, "socket");
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(fd, 1) < 0)
		return err_sys(e, errno, "listen on '" MACHINE_SERVER_SOCKET "'");
	if (chmod(MACHINE_SERVER_SOCKET, 0666) < 0) /* the hypervisor is another user */
		return err_sys(e, errno, "chmod '" MACHINE_SERVER_SOCKET "'");
	*out_fd = fd_take(&fd);
	return 0;
}

static int start_server(struct mon *m, int console, struct err *e)
{
	AUTO_FD listening = -1;
	const struct program server = {
		.argv = m->machine.file_server,
		.fds = &listening,
		.n_fds = 1,
		.console = console,
	};
	int r;

	if (!m->machine.file_server[0])
		return 0;
	r = listen_for_server(&listening, e);
	return r < 0 ? r : program_start(&server, &m->server, e);
}

/* theirs: its end of the agent's channel. */
static int start_hypervisor(struct mon *m, int theirs, int console, struct err *e)
{
	char **argv = links_words(&m->links, m->machine.hypervisor);
	int fds[1 + NETWORK_LINKS_MAX] = { theirs }, r;
	const struct program hypervisor = {
		.argv = argv,
		.fds = fds,
		.n_fds = 1 + m->links.n,
		.console = console,
		.drop = true,
	};

	for (size_t i = 0; i < m->links.n; i++)
		fds[1 + i] = m->links.v[i].tap;
	r = program_start(&hypervisor, &m->hypervisor, e);
	links_free_words(&m->links, m->machine.hypervisor, argv);
	return r;
}

int qemu_start(struct mon *m, struct err *e)
{
	AUTO_FD console_in = -1;
	AUTO_FD console_out = -1;
	AUTO_FD theirs = -1;
	int console[2], channel[2], r;

	if (pipe2(console, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_sys(e, errno, "pipe");
	console_in = console[0];
	console_out = console[1];
	(void)fcntl(console_out, F_SETFL, 0);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel) < 0)
		return err_sys(e, errno, "socketpair");
	theirs = channel[1];
	channel_init(&m->agent, channel[0], false);
	r = links_connect(&m->links, e);
	if (r == 0)
		r = start_server(m, console_out, e);
	if (r == 0)
		r = start_hypervisor(m, theirs, console_out, e);
	if (r == 0)
		r = program_drop_capabilities(e);
	links_close_taps(&m->links);
	if (r == 0)
		m->console_fd = fd_take(&console_in);
	return r;
}
