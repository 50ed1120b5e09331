/* SPDX-License-Identifier: Apache-2.0 */
/* links.c: see links.h. rtnetlink(7), netlink(7); virtio-net is section 5.1 of the virtio specification. */
#include "links.h"

#include "fd.h"
#include "log.h"
#include "machine.h"
#include "program.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define CARD_WORDS 4 /* of one, in the hypervisor's argv */

union packet {
	uint32_t type;
	struct network_link link;
	struct network_rtnl rtnl;
	struct network_failure failure;
};

/* Is there more than the loopback? */
static bool has_interfaces(void)
{
	struct if_nameindex *all = if_nameindex();
	bool found = false;

	for (struct if_nameindex *i = all; i && i->if_index; i++)
		found = found || !str_eq(i->if_name, "lo");
	if (all)
		if_freenameindex(all);
	return found;
}

static int bad_packet(size_t len, struct err *e)
{
	return err_set(e, EPROTO, "husk-net said what it may not, in %zu bytes", len);
}

static int add_link(struct links *l, const union packet *p, size_t len, int tap, struct err *e)
{
	if (len != sizeof(p->link) || tap < 0 || l->n == NETWORK_LINKS_MAX)
		return bad_packet(len, e);
	l->v[l->n++] = (struct link){ .about = p->link, .tap = tap };
	return 0;
}

static int add_rtnl(struct links *l, const union packet *p, size_t len, struct err *e)
{
	const size_t head = offsetof(struct network_rtnl, message);
	struct link *last = l->n ? &l->v[l->n - 1] : NULL;

	if (!last || len <= head || len > sizeof(p->rtnl) || last->messages.len > NETWORK_RTNL_ALL)
		return bad_packet(len, e);
	strbuf_add(&last->messages, (const char *)p->rtnl.message, len - head);
	return 0;
}

static int take_packet(struct links *l, union packet *p, size_t len, int *tap, struct err *e)
{
	if (len < sizeof(p->type))
		return bad_packet(len, e);
	if (p->type == NETWORK_LINK)
		return add_link(l, p, len, fd_take(tap), e);
	if (p->type == NETWORK_RTNL)
		return add_rtnl(l, p, len, e);
	if (p->type != NETWORK_FAILURE || len != sizeof(p->failure) || p->failure.code <= 0)
		return bad_packet(len, e);
	p->failure.message[sizeof(p->failure.message) - 1] = '\0';
	return err_set(e, p->failure.code, "the network: %s", p->failure.message);
}

static int take_all(struct links *l, int sock, struct err *e)
{
	union packet p;
	ssize_t len = 1;
	int r = 0;

	while (r == 0 && len > 0) {
		AUTO_FD tap = -1;

		len = fd_recv(sock, &p, sizeof(p), &tap, 1, NULL);
		if (len < 0)
			return err_sys(e, (int)-len, "hear of the network");
		if (len > 0)
			r = take_packet(l, &p, (size_t)len, &tap, e);
	}
	return r;
}

/* What it printed: warnings, or why it could not even begin, such as the dynamic linker's words. */
static void take_words(int from, bool failed, struct err *e)
{
	static const char warning[] = "husk-net: warning: ";
	char text[ERR_MSG_MAX], *save = NULL;
	ssize_t n = read(from, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (str_starts(line, warning))
			line += strlen(warning);
		if (failed) {
			(void)err_set(e, ECHILD, "the network: %s", line);
			return;
		}
		log_warn("the network: %s", line);
	}
}

static int run_helper(struct links *l, struct err *e)
{
	static const char *const argv[] = { MACHINE_NET_HELPER, "tap", "--tun-fd", "4", "--socket-fd", "3", NULL };
	AUTO_FD ours = -1;
	AUTO_FD theirs = -1;
	AUTO_FD words = -1;
	AUTO_FD print = -1;
	int pair[2], ends[2], status, r;
	pid_t pid;

	_Static_assert(MACHINE_FD_CHILD == 3, "argv has it in words");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, errno, "socketpair");
	ours = pair[0];
	theirs = pair[1];
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) /* of what it prints take_words() reads the beginning */
		return err_sys(e, errno, "pipe");
	words = ends[0];
	print = ends[1];
	r = program_start(&(struct program){ .argv = (char *const *)(uintptr_t)argv,
					     .fds = (int[]){ theirs, MACHINE_FD_TUN },
					     .n_fds = 2,
					     .console = print },
			  &pid, e);
	if (r < 0)
		return r;
	fd_close(&theirs);
	r = take_all(l, ours, e);
	fd_close(&ours);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_sys(e, errno, "wait for husk-net");
	if (r == 0 && status)
		r = err_set(e, ECHILD, "husk-net ended without a word (status 0x%x)", (unsigned int)status);
	if (r == 0 || e->code == ECHILD)
		take_words(words, r < 0, e);
	return r;
}

int links_connect(struct links *l, struct err *e)
{
	int r = has_interfaces() ? run_helper(l, e) : 0;

	(void)close(MACHINE_FD_TUN);
	/* execve(2) would give it to the file server, too, which may be another program than husk's */
	if (r == 0 && prctl(PR_CAPBSET_DROP, CAP_NET_ADMIN) < 0)
		return err_sys(e, errno, "give up CAP_NET_ADMIN for others");
	return r;
}

static void add_card(const struct link *link, size_t i, char **words)
{
	const uint8_t *mac = link->about.mac;

	words[0] = x_strdup("-netdev");
	words[1] = x_printf("tap,id=net%zu,fd=%zu", i, MACHINE_FD_CHILD + 1 + i);
	words[2] = x_strdup("-device");
	words[3] = x_printf("virtio-net-pci,netdev=net%zu,mac=%02x:%02x:%02x:%02x:%02x:%02x,host_mtu=%u,romfile=", i,
			    mac[0], mac[1], mac[2], mac[3], mac[4], mac[5], link->about.mtu);
}

static size_t count(char *const *argv)
{
	size_t n = 0;

	while (argv[n])
		n++;
	return n;
}

char **links_words(const struct links *l, char *const *argv)
{
	size_t n = count(argv);
	char **words = x_calloc(n + CARD_WORDS * l->n + 1, sizeof(*words));

	memcpy(words, argv, n * sizeof(*words));
	for (size_t i = 0; i < l->n; i++)
		add_card(&l->v[i], i, words + n + CARD_WORDS * i);
	return words;
}

void links_free_words(const struct links *l, char *const *argv, char **words)
{
	size_t n = count(argv);

	for (size_t i = 0; i < CARD_WORDS * l->n; i++)
		free(words[n + i]);
	free(words);
}

void links_close_taps(struct links *l)
{
	for (size_t i = 0; i < l->n; i++)
		fd_close(&l->v[i].tap);
}

int links_tell(struct links *l, struct guest *g, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < l->n; i++) {
		struct message_link m = { 0 };
		struct link *link = &l->v[i];

		memcpy(m.mac, link->about.mac, sizeof(m.mac));
		memcpy(m.name, link->about.name, sizeof(m.name) - 1);
		r = guest_link(g, &m, link->messages.s, link->messages.len, e);
		free(link->messages.s);
		link->messages = (struct strbuf){ 0 };
	}
	return r;
}
