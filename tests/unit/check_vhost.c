/* SPDX-License-Identifier: Apache-2.0 */
/* check_vhost.c: husk-fsd's side of vhost-user towards a QEMU that may have been taken over. */
#include "backend.h"
#include "ck_err.h"
#include "ck_run.h"
#include "confine.h"
#include "fd.h"
#include "fs_talk.h"
#include "kernel.h"
#include "vhost_msg.h"

#include <check.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#define MEMORY (1U << 20)
#define GUEST 0x40000000U
#define USER 0x7f0000000000U
#define SIZE 16U
#define WIRE_HEAD 12U

/* QEMU's end */
static int qemu;
static struct talk *t;
static struct backend *backend;
static pthread_t server, messages;
static struct err end;

static void *serve(void *arg)
{
	struct fs_worker w;

	ck_assert_ok(fs_worker_start(&w, t->server, e));
	backend_serve(arg, &w);
}

static void *take_messages(void *arg)
{
	(void)backend_run(arg, &end);
	(void)shutdown(backend->sock, SHUT_RDWR);
	return NULL;
}

static void set_up(void)
{
	int pair[2];

	t = talk_new(100);
	backend = x_calloc(1, sizeof(*backend));
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	qemu = pair[0];
	ck_assert_ok(backend_init(backend, t->server, pair[1], e));
	end = (struct err){ 0 };
	ck_assert_int_eq(pthread_create(&messages, NULL, take_messages, backend), 0);
}

/* The threads are left to the end of the process. */
static void tear_down(void)
{
	AUTO_FREE char *command = x_printf("rm -rf '%s'", t->dir);

	(void)!system(command);
}

static void send_raw(uint32_t request, uint32_t flags, uint32_t size, const void *body, size_t len, const int *fds,
		     int n)
{
	char wire[4096];
	const uint32_t head[3] = { request, flags, size };

	memcpy(wire, head, WIRE_HEAD);
	if (len)
		memcpy(wire + WIRE_HEAD, body, len);
	ck_assert_int_eq(fd_send(qemu, wire, WIRE_HEAD + len, fds, n), (int)(WIRE_HEAD + len));
}

static void send_msg(uint32_t request, const void *body, size_t len, int fd)
{
	send_raw(request, 1, (uint32_t)len, body, len, &fd, fd >= 0);
}

static uint64_t answer_u64(uint32_t request)
{
	struct {
		uint32_t head[3];
		uint64_t value;
	} __attribute__((packed)) wire;

	ck_assert_int_eq(recv(qemu, &wire, sizeof(wire), MSG_WAITALL), sizeof(wire));
	ck_assert(wire.head[0] == request && wire.head[1] == 5 && wire.head[2] == 8);
	return wire.value;
}

/* The connection ends with this message. */
static void expect_end(const char *why)
{
	char c;

	ck_assert_int_eq(recv(qemu, &c, 1, 0), 0);
	ck_assert_int_eq(pthread_join(messages, NULL), 0);
	ck_assert_msg(strstr(end.msg, why) != NULL, "'%s', not '%s'", end.msg, why);
}

static int memory_fd(size_t size)
{
	int fd = memfd_create("guest", MFD_CLOEXEC);

	ck_assert(fd >= 0 && ftruncate(fd, (off_t)size) == 0);
	return fd;
}

START_TEST(features_are_told_and_no_others_taken)
{
	uint64_t f = 1ULL << 32 | 1ULL << 30 | 1ULL << 29 | 1ULL << 28;
	uint64_t more = f | 1ULL << 33;

	send_msg(VHOST_GET_FEATURES, NULL, 0, -1);
	ck_assert_uint_eq(answer_u64(VHOST_GET_FEATURES), f);
	send_msg(VHOST_GET_PROTOCOL_FEATURES, NULL, 0, -1);
	ck_assert_uint_eq(answer_u64(VHOST_GET_PROTOCOL_FEATURES), 1 | 1 << 3);
	send_msg(VHOST_GET_QUEUE_NUM, NULL, 0, -1);
	ck_assert_uint_eq(answer_u64(VHOST_GET_QUEUE_NUM), BACKEND_QUEUES_MAX);
	send_msg(VHOST_SET_FEATURES, &f, sizeof(f), -1);
	send_msg(VHOST_SET_FEATURES, &more, sizeof(more), -1);
	expect_end("not all were offered");
}
END_TEST

static const struct {
	uint32_t request, flags, size;
	size_t len;
	uint64_t body[5];
	int fds;
	const char *why;
} bad[] = {
	{ 0, 1, 0, 0, { 0 }, 0, "not a request that is served" },
	{ 6, 1, 16, 16, { 0 }, 0, "not a request that is served" },
	{ 24, 1, 0, 0, { 0 }, 0, "not a request that is served" },
	{ UINT32_MAX, 1, 0, 0, { 0 }, 0, "not a request that is served" },
	{ VHOST_GET_FEATURES, 0, 0, 0, { 0 }, 0, "version 1" },
	{ VHOST_GET_FEATURES, 5, 0, 0, { 0 }, 0, "version 1" },
	{ VHOST_GET_FEATURES, 1, 8, 8, { 0 }, 0, "size" },
	{ VHOST_SET_FEATURES, 1, 0, 0, { 0 }, 0, "size" },
	{ VHOST_SET_FEATURES, 1, UINT32_MAX, 0, { 0 }, 0, "too large" },
	{ VHOST_SET_FEATURES, 1, 8, 8, { 0 }, 1, "no descriptor" },
	{ VHOST_SET_VRING_NUM, 1, 8, 8, { BACKEND_QUEUES_MAX | 16ULL << 32 }, 0, "queue 9" },
	{ VHOST_SET_VRING_NUM, 1, 8, 8, { UINT32_MAX | 16ULL << 32 }, 0, "queue 4294967295" },
	{ VHOST_SET_VRING_NUM, 1, 8, 8, { 0 }, 0, "a queue of 0" },
	{ VHOST_SET_VRING_NUM, 1, 8, 8, { 1025ULL << 32 }, 0, "a queue of 1025" },
	{ VHOST_SET_VRING_ADDR, 1, 40, 40, { 1ULL << 32 }, 0, "a log of writes" },
	{ VHOST_SET_VRING_KICK, 1, 8, 8, { 0 }, 0, "announces" },
	{ VHOST_SET_VRING_KICK, 1, 8, 8, { 1 << 8 }, 1, "announces" },
	{ VHOST_SET_VRING_KICK, 1, 8, 8, { 1 << 8 }, 0, "without a kick" },
	{ VHOST_SET_VRING_KICK, 1, 8, 8, { 0xff }, 1, "queue 255" },
	{ VHOST_SET_VRING_CALL, 1, 8, 8, { 0 }, 2, "announces" },
	{ VHOST_SET_MEM_TABLE, 1, 8, 8, { 0 }, 0, "1 to 8 memory regions" },
	{ VHOST_SET_MEM_TABLE, 1, 8, 8, { 1 }, 1, "1 to 8 memory regions" },
	{ VHOST_SET_MEM_TABLE, 1, 40, 40, { 9 }, 1, "1 to 8 memory regions" },
	{ VHOST_SET_MEM_TABLE, 1, 40, 40, { 1, 0, 4096, 0, 0 }, 0, "a descriptor a memory region" },
	{ VHOST_SET_MEM_TABLE, 1, 40, 40, { 1, 0, 4096, 0, 0 }, 2, "a descriptor a memory region" },
	{ VHOST_SET_MEM_TABLE, 1, 40, 40, { 1, 0, 0, 0, 0 }, 1, "empty or wraps" },
	{ VHOST_SET_MEM_TABLE, 1, 40, 40, { 1, UINT64_MAX, 4096, 0, 0 }, 1, "empty or wraps" },
	{ VHOST_SET_MEM_TABLE, 1, 40, 40, { 1, 0, 4096, UINT64_MAX, 0 }, 1, "empty or wraps" },
	{ VHOST_SET_MEM_TABLE, 1, 40, 40, { 1, 0, MEMORY + 4096, 0, 0 }, 1, "beyond the end" },
	{ VHOST_SET_MEM_TABLE, 1, 40, 40, { 1, 0, MEMORY, 0, 4096 }, 1, "beyond the end" },
	{ VHOST_SET_MEM_TABLE, 1, 40, 40, { 1, 0, 4096, 0, UINT64_MAX - 4095 }, 1, "beyond the end" },
	{ VHOST_SET_MEM_TABLE, 1, 40, 40, { 1, 0, UINT64_MAX, 0, 0 }, 1, "beyond the end" },
	{ VHOST_SET_MEM_TABLE, 1, 40, 40, { 1, 0, 4096, 0, 100 }, 1, "not aligned" },
};

START_TEST(a_message_that_breaks_the_protocol_ends_the_connection)
{
	int fds[2] = { memory_fd(MEMORY), memory_fd(MEMORY) };

	send_raw(bad[_i].request, bad[_i].flags, bad[_i].size, bad[_i].body, bad[_i].len, fds, bad[_i].fds);
	expect_end(bad[_i].why);
}
END_TEST

START_TEST(descriptors_that_nobody_wants_are_closed)
{
	int fds[16], before;
	uint64_t none = 0;

	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		fds[i] = qemu;
	before = open_fds();
	send_raw(VHOST_SET_VRING_CALL, 1, 8, &none, sizeof(none), fds, ARRAY_LEN(fds));
	expect_end("announces");
	ck_assert_int_eq(open_fds(), before);
}
END_TEST

START_TEST(a_pipe_is_no_memory)
{
	const uint64_t body[5] = { 1, 0, 4096, 0, 0 };
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	send_msg(VHOST_SET_MEM_TABLE, body, sizeof(body), fds[0]);
	expect_end("no memfd");
}
END_TEST

START_TEST(a_message_that_ends_early_ends_the_connection)
{
	const uint32_t head[3] = { VHOST_SET_FEATURES, 1, 8 };

	ck_assert_int_eq(send(qemu, head, sizeof(head), 0), sizeof(head));
	ck_assert_int_eq(send(qemu, "1234", 4, 0), 4);
	(void)shutdown(qemu, SHUT_WR);
	expect_end("ends early");
}
END_TEST

START_TEST(rings_are_in_the_guests_memory)
{
	const uint64_t table[5] = { 1, GUEST, MEMORY, USER, 0 };
	const struct vhost_state num = { 1, SIZE };
	struct vhost_addr addr = { .index = 1, .desc = USER, .avail = USER + MEMORY - 4, .used = USER + 8192 };
	uint64_t index = 1;

	send_msg(VHOST_SET_MEM_TABLE, table, sizeof(table), memory_fd(MEMORY));
	send_msg(VHOST_SET_VRING_NUM, &num, sizeof(num), -1);
	send_msg(VHOST_SET_VRING_ADDR, &addr, sizeof(addr), -1);
	send_msg(VHOST_SET_VRING_KICK, &index, sizeof(index), eventfd(0, EFD_CLOEXEC));
	expect_end("rings of a queue are not in the guest's memory");
}
END_TEST

/* ---- a request over a queue ---- */

static uint8_t *memory;
static struct vring_desc *desc;
static struct vring_avail *avail;
static struct vring_used *used;
static int kick, call;

static void start_queue(void)
{
	const uint64_t table[5] = { 1, GUEST, MEMORY, USER, 0 };
	const struct vhost_state num = { 1, SIZE }, base = { 1, 0 };
	const struct vhost_addr addr = { .index = 1, .desc = USER, .avail = USER + 4096, .used = USER + 8192 };
	const uint64_t features = 1ULL << 32 | 1ULL << 30, index = 1;
	int fd = memory_fd(MEMORY);

	ck_assert_int_eq(pthread_create(&server, NULL, serve, backend), 0);
	memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	desc = (void *)memory;
	avail = (void *)(memory + 4096);
	used = (void *)(memory + 8192);
	kick = eventfd(0, EFD_CLOEXEC);
	call = eventfd(0, EFD_CLOEXEC);
	send_msg(VHOST_SET_FEATURES, &features, sizeof(features), -1);
	send_msg(VHOST_SET_MEM_TABLE, table, sizeof(table), fd);
	send_msg(VHOST_SET_VRING_NUM, &num, sizeof(num), -1);
	send_msg(VHOST_SET_VRING_BASE, &base, sizeof(base), -1);
	send_msg(VHOST_SET_VRING_ADDR, &addr, sizeof(addr), -1);
	send_msg(VHOST_SET_VRING_CALL, &index, sizeof(index), call);
	send_msg(VHOST_SET_VRING_KICK, &index, sizeof(index), kick);
}

/* INIT, from two buffers to one */
static void offer_init(void)
{
	struct fuse_in_header head = { .len = sizeof(head) + sizeof(struct fuse_init_in),
				       .opcode = FUSE_INIT,
				       .unique = 9 };
	struct fuse_init_in in = { .major = 7, .minor = 38, .flags = ALL_INIT_FLAGS };

	memcpy(memory + 65536, &head, sizeof(head));
	memcpy(memory + 70000, &in, sizeof(in));
	desc[0] = (struct vring_desc){ GUEST + 65536, sizeof(head), VRING_DESC_F_NEXT, 1 };
	desc[1] = (struct vring_desc){ GUEST + 70000, sizeof(in), VRING_DESC_F_NEXT, 2 };
	desc[2] = (struct vring_desc){ GUEST + 80000, 4096, VRING_DESC_F_WRITE, 0 };
	avail->ring[avail->idx % SIZE] = 0;
	__atomic_fetch_add(&avail->idx, 1, __ATOMIC_SEQ_CST);
}

static int reply_error(void)
{
	struct fuse_out_header reply;
	uint64_t count;

	ck_assert_int_eq(read(call, &count, sizeof(count)), sizeof(count));
	memcpy(&reply, memory + 80000, sizeof(reply));
	ck_assert_uint_eq(reply.unique, 9);
	return reply.error;
}

START_TEST(a_request_goes_through_a_queue)
{
	const uint64_t one = 1;
	const struct vhost_state ask = { .index = 1 };

	start_queue();
	offer_init();
	ck_assert_int_eq(write(kick, &one, sizeof(one)), sizeof(one));
	ck_assert_int_eq(reply_error(), 0);
	ck_assert(used->idx == 1 && used->ring[0].len == 16 + 64);
	offer_init();
	ck_assert_int_eq(write(kick, &one, sizeof(one)), sizeof(one));
	ck_assert_int_eq(reply_error(), -EINVAL); /* a second one */
	/* the driver goes: so does its session; and the queue goes on where it was */
	send_msg(VHOST_GET_VRING_BASE, &ask, sizeof(ask), -1);
	ck_assert_uint_eq(answer_u64(VHOST_GET_VRING_BASE), 1 | 2ULL << 32);
}
END_TEST

START_TEST(what_waits_when_the_queue_starts_is_served)
{
	const uint64_t index = 1;

	start_queue();
	ck_assert_int_eq(write(kick, &index, sizeof(index)), sizeof(index));
	send_msg(VHOST_GET_VRING_BASE, &(struct vhost_state){ .index = 1 }, sizeof(struct vhost_state), -1);
	ck_assert_uint_eq(answer_u64(VHOST_GET_VRING_BASE), 1);
	offer_init();
	send_msg(VHOST_SET_VRING_ADDR,
		 &(struct vhost_addr){ .index = 1, .desc = USER, .avail = USER + 4096, .used = USER + 8192 },
		 sizeof(struct vhost_addr), -1);
	send_msg(VHOST_SET_VRING_KICK, &index, sizeof(index), eventfd(0, EFD_CLOEXEC));
	ck_assert_int_eq(reply_error(), 0);
}
END_TEST

static void write_proc(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	ck_assert_msg(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), "%s", path);
	(void)close(fd);
}

START_TEST(groups_that_cannot_be_given_away_are_no_one_s_to_keep)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2] = { 0 };
	struct err e = { 0 };

	if (geteuid() != 0) {
		puts("skip: an ordinary user keeps its groups");
		return;
	}
	ck_assert_int_eq((int)syscall(SYS_capget, &head, caps), 0);
	caps[0].effective &= ~(1U << CAP_SETGID);
	ck_assert_int_eq((int)syscall(SYS_capset, &head, caps), 0);
	ck_assert_int_eq(confine_privileges(&e), -EPERM);
	ck_assert_ptr_nonnull(strstr(e.msg, "supplementary groups"));
}
END_TEST

START_TEST(groups_stay_where_the_user_namespace_denies_setgroups)
{
	AUTO_FREE char *map = x_printf("0 %u 1", geteuid());

	if (unshare(CLONE_NEWUSER) < 0) {
		printf("skip: no user namespace: %s\n", strerror(errno));
		ck_assert_msg(!getenv("HUSK_MUST_RUN"), "skipped, but HUSK_MUST_RUN is set");
		return;
	}
	write_proc("/proc/self/setgroups", "deny");
	write_proc("/proc/self/uid_map", map);
	ck_assert_int_eq(geteuid(), 0);
	ck_assert_ok(confine_privileges(e));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("vhost");
	TCase *c = tcase_create("vhost");

	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_set_timeout(c, 20);
	tcase_add_test(c, features_are_told_and_no_others_taken);
	tcase_add_loop_test(c, a_message_that_breaks_the_protocol_ends_the_connection, 0, (int)ARRAY_LEN(bad));
	tcase_add_test(c, descriptors_that_nobody_wants_are_closed);
	tcase_add_test(c, a_pipe_is_no_memory);
	tcase_add_test(c, a_message_that_ends_early_ends_the_connection);
	tcase_add_test(c, rings_are_in_the_guests_memory);
	tcase_add_test(c, a_request_goes_through_a_queue);
	tcase_add_test(c, what_waits_when_the_queue_starts_is_served);
	suite_add_tcase(suite, c);
	c = tcase_create("confine");
	tcase_add_test(c, groups_that_cannot_be_given_away_are_no_one_s_to_keep);
	tcase_add_test(c, groups_stay_where_the_user_namespace_denies_setgroups);
	suite_add_tcase(suite, c);
	return ck_run(suite);
}
