/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raw.c: a guest without a kernel's manners. It drives the virtio-fs device from user space (root in
 * the guest, no driver bound): PCI capabilities by sysfs, rings in its own pages, whose physical
 * addresses pagemap tells.
 *
 *   raw requests    sends hostile FUSE requests, then random ones; prints "reached: ..." for each
 *                   that got what it must not, and ends with 0 when none did and the server still serves
 *   raw rings N     puts the N-th hostile chain into the queue; ends with 0 when nothing came back
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <linux/virtio_ring.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096U
#define SIZE 16U
#define SECRET "the-host's-secret"
#define RANDOM_REQUESTS 5000

/* virtio 1.2, 4.1.4.3 */
struct common_cfg {
	uint32_t device_feature_select, device_feature, driver_feature_select, driver_feature;
	uint16_t msix_config, num_queues;
	uint8_t device_status, config_generation;
	uint16_t queue_select, queue_size, queue_msix_vector, queue_enable, queue_notify_off;
	uint32_t queue_desc[2], queue_driver[2], queue_device[2];
};

struct queue {
	volatile struct vring_desc *desc;
	volatile struct vring_avail *avail;
	volatile struct vring_used *used;
	uint16_t seen;
};

static char device[300];
static volatile struct common_cfg *common;
static volatile uint8_t *notify_base;
static volatile uint16_t *notify; /* of queue 1 */
static uint32_t notify_multiplier;
static struct queue queues[2];
static uint8_t *request, *reply;
static unsigned int reached;

static void die(const char *what)
{
	(void)fprintf(stderr, "raw: %s: %s\n", what, strerror(errno));
	exit(2);
}

static uint64_t physical(const volatile void *p)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	uint64_t entry = 0;

	if (fd < 0 || pread(fd, &entry, sizeof(entry), (off_t)((uintptr_t)p / PAGE * sizeof(entry))) != sizeof(entry))
		die("pagemap");
	(void)close(fd);
	if (!(entry & 1ULL << 63) || !(entry & ((1ULL << 55) - 1)))
		die("a page without an address");
	return (entry & ((1ULL << 55) - 1)) * PAGE + (uintptr_t)p % PAGE;
}

static void *new_page(void)
{
	void *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED | MAP_POPULATE, -1,
		       0);

	if (p == MAP_FAILED)
		die("mmap");
	memset(p, 0, PAGE);
	return p;
}

/* ---- the device ---- */

static int open_file(const char *name, int flags)
{
	char path[400];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", device, name);
	fd = open(path, flags);
	if (fd < 0)
		die(path);
	return fd;
}

static void find_device(void)
{
	DIR *dir = opendir("/sys/bus/pci/devices");
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		uint16_t ids[2] = { 0 };
		int fd;

		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(device, sizeof(device), "/sys/bus/pci/devices/%s", entry->d_name);
		fd = open_file("config", O_RDONLY);
		if (pread(fd, ids, sizeof(ids), 0) == sizeof(ids) && ids[0] == 0x1af4 && ids[1] == 0x105a)
			return;
		(void)close(fd);
	}
	die("no virtio-fs device");
}

static uint8_t *map_bar(uint8_t bar, uint32_t offset)
{
	char name[32];
	struct stat st;
	void *p;
	int fd;

	(void)snprintf(name, sizeof(name), "resource%u", bar);
	fd = open_file(name, O_RDWR | O_SYNC);
	if (fstat(fd, &st) < 0)
		die("stat");
	p = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		die("map the device");
	return (uint8_t *)p + offset;
}

static void map_device(void)
{
	uint8_t config[256];
	uint16_t command;
	int fd;

	fd = open_file("enable", O_WRONLY);
	if (write(fd, "1", 1) != 1)
		die("enable the device");
	fd = open_file("config", O_RDWR);
	if (pread(fd, config, sizeof(config), 0) != sizeof(config))
		die("read the configuration");
	memcpy(&command, config + 4, sizeof(command));
	command |= 6; /* memory, bus master */
	if (pwrite(fd, &command, sizeof(command), 4) != sizeof(command))
		die("set bus master");
	for (uint8_t at = config[0x34]; at; at = config[at + 1]) {
		uint32_t offset;

		memcpy(&offset, config + at + 8, sizeof(offset));
		if (config[at] != 9) /* vendor specific */
			continue;
		if (config[at + 3] == 1)
			common = (volatile void *)map_bar(config[at + 4], offset);
		if (config[at + 3] == 2) {
			notify_base = map_bar(config[at + 4], offset);
			memcpy(&notify_multiplier, config + at + 16, sizeof(notify_multiplier));
		}
	}
	if (!common || !notify_base)
		die("no virtio capabilities");
}

static void set_address(volatile uint32_t to[2], const volatile void *p)
{
	uint64_t addr = physical(p);

	to[0] = (uint32_t)addr;
	to[1] = (uint32_t)(addr >> 32);
}

static void start_device(void)
{
	common->device_status = 0;
	while (common->device_status)
		;
	common->device_status = 3; /* ACKNOWLEDGE, DRIVER */
	common->driver_feature_select = 0;
	common->driver_feature = 1U << VIRTIO_RING_F_INDIRECT_DESC;
	common->driver_feature_select = 1;
	common->driver_feature = 1; /* VERSION_1 */
	common->device_status = 11; /* FEATURES_OK */
	for (uint16_t i = 0; i < 2; i++) {
		struct queue *q = &queues[i];

		q->desc = new_page();
		q->avail = new_page();
		q->used = new_page();
		q->seen = 0;
		common->queue_select = i;
		common->queue_size = SIZE;
		set_address(common->queue_desc, q->desc);
		set_address(common->queue_driver, q->avail);
		set_address(common->queue_device, q->used);
		common->queue_enable = 1;
		notify = (volatile void *)(notify_base + common->queue_notify_off * notify_multiplier);
	}
	common->device_status = 15; /* DRIVER_OK */
	request = new_page();
	reply = new_page();
}

/* True when the chain at descriptor 0 of queue 1 came back within this many milliseconds. */
static bool offer(int milliseconds)
{
	const struct timespec pause = { .tv_nsec = 100000 };
	struct queue *q = &queues[1];

	q->avail->ring[q->avail->idx % SIZE] = 0;
	__sync_synchronize();
	q->avail->idx++;
	__sync_synchronize();
	*notify = 1;
	for (int i = 0; i < milliseconds * 10; i++) {
		if (q->used->idx != q->seen) {
			q->seen = q->used->idx;
			return true;
		}
		if (i > 100)
			(void)nanosleep(&pause, NULL);
	}
	return false;
}

/* ---- requests ---- */

/* 0 or -errno of the reply; 1: there was none. */
static int send(uint32_t opcode, uint64_t node, const void *body, size_t len)
{
	struct fuse_in_header head = {
		.len = (uint32_t)(sizeof(head) + len), .opcode = opcode, .unique = 7, .nodeid = node
	};
	struct fuse_out_header out;
	struct queue *q = &queues[1];

	memcpy(request, &head, sizeof(head));
	memcpy(request + sizeof(head), body, len);
	memset(reply, 0, PAGE);
	q->desc[0].addr = physical(request);
	q->desc[0].len = (uint32_t)(sizeof(head) + len);
	q->desc[0].flags = VRING_DESC_F_NEXT;
	q->desc[0].next = 1;
	q->desc[1].addr = physical(reply);
	q->desc[1].len = PAGE;
	q->desc[1].flags = VRING_DESC_F_WRITE;
	if (!offer(20000)) {
		(void)printf("reached: the server no longer answers (opcode %u)\n", opcode);
		exit(1);
	}
	if (memmem(reply, PAGE, SECRET, strlen(SECRET))) {
		(void)printf("reached: the secret, by opcode %u of node %lu\n", opcode, (unsigned long)node);
		reached++;
	}
	memcpy(&out, reply, sizeof(out));
	return out.len ? out.error : 1;
}

static void refused(const char *what, int r)
{
	if (r < 0)
		return;
	(void)printf("reached: %s: %d\n", what, r);
	reached++;
}

/* A struct, then a name, then another. */
static int send_named(uint32_t opcode, uint64_t node, const void *arg, size_t len, const char *name, const char *name2)
{
	uint8_t body[2048];

	memcpy(body, arg, len);
	memcpy(body + len, name, strlen(name) + 1);
	len += strlen(name) + 1;
	if (name2) {
		memcpy(body + len, name2, strlen(name2) + 1);
		len += strlen(name2) + 1;
	}
	return send(opcode, node, body, len);
}

static uint64_t lookup(const char *name)
{
	struct fuse_entry_out entry;

	if (send_named(FUSE_LOOKUP, 1, "", 0, name, NULL) != 0)
		return 0;
	memcpy(&entry, reply + sizeof(struct fuse_out_header), sizeof(entry));
	return entry.nodeid;
}

static void bad_names(void)
{
	static const char *const names[] = {
		"",
		".",
		"..",
		"/",
		"../secret",
		"..//secret",
		"/etc/passwd",
		"d/../../secret",
		"d/.",
		"./secret",
		"/proc/self/root",
	};
	struct fuse_create_in create = { .flags = O_RDWR, .mode = 0666 };
	struct fuse_mknod_in node = { .mode = S_IFREG | 0666 };
	struct fuse_mkdir_in dir = { .mode = 0777 };
	struct fuse_link_in link = { .oldnodeid = lookup("f") };
	struct fuse_rename2_in rename = { .newdir = 1 };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		refused("lookup", send_named(FUSE_LOOKUP, 1, "", 0, names[i], NULL));
		refused("create", send_named(FUSE_CREATE, 1, &create, sizeof(create), names[i], NULL));
		refused("mknod", send_named(FUSE_MKNOD, 1, &node, sizeof(node), names[i], NULL));
		refused("mkdir", send_named(FUSE_MKDIR, 1, &dir, sizeof(dir), names[i], NULL));
		refused("unlink", send_named(FUSE_UNLINK, 1, "", 0, names[i], NULL));
		refused("rmdir", send_named(FUSE_RMDIR, 1, "", 0, names[i], NULL));
		refused("link", send_named(FUSE_LINK, 1, &link, sizeof(link), names[i], NULL));
		refused("symlink", send_named(FUSE_SYMLINK, 1, "", 0, names[i], "x"));
		refused("rename to", send_named(FUSE_RENAME2, 1, &rename, sizeof(rename), "f", names[i]));
		refused("rename from", send_named(FUSE_RENAME2, 1, &rename, sizeof(rename), names[i], "g"));
	}
}

/* Links of the host's and of its own making, opened as if they were what they lead to. */
static void links(void)
{
	static const char *const targets[] = { "../secret", "/etc/passwd", "/proc/self/root", "/proc/self/fd/0", ".." };
	struct fuse_open_in open = { .flags = O_RDONLY };
	struct fuse_create_in create = { .flags = O_RDWR | O_TRUNC, .mode = 0666 };
	struct fuse_setattr_in attr = { .valid = FATTR_SIZE };

	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		char name[16];
		uint64_t node;

		(void)snprintf(name, sizeof(name), "link%zu", i);
		if (send_named(FUSE_SYMLINK, 1, "", 0, name, targets[i]) != 0)
			refused("no link was made", 0);
		node = lookup(name);
		refused("open a link", send(FUSE_OPEN, node, &open, sizeof(open)));
		refused("open a link as a directory", send(FUSE_OPENDIR, node, &open, sizeof(open)));
		refused("look up below a link", send_named(FUSE_LOOKUP, node, "", 0, "secret", NULL));
		refused("truncate a link", send(FUSE_SETATTR, node, &attr, sizeof(attr)));
		refused("create through a link", send_named(FUSE_CREATE, 1, &create, sizeof(create), name, NULL));
	}
}

static void numbers(void)
{
	struct fuse_getattr_in getattr = { 0 };
	struct fuse_read_in read = { .size = 1000 };
	struct fuse_forget_in forget = { .nlookup = UINT64_MAX };
	struct fuse_init_in init = { .major = 7, .minor = 38 };
	uint64_t f = lookup("f");

	refused("a second INIT", send(FUSE_INIT, 0, &init, sizeof(init)));
	for (uint64_t id = 1000; id < 3000; id++) {
		refused("a node's number", send(FUSE_GETATTR, id, &getattr, sizeof(getattr)));
		read.fh = id;
		refused("a handle's number", send(FUSE_READ, 1, &read, sizeof(read)));
	}
	(void)send(FUSE_FORGET, 1, &forget, sizeof(forget));
	(void)send(FUSE_FORGET, f, &forget, sizeof(forget));
	(void)send(FUSE_FORGET, f, &forget, sizeof(forget));
	refused("a forgotten node", send(FUSE_GETATTR, f, &getattr, sizeof(getattr)));
}

static uint32_t seed = 12345;

static uint32_t next_random(void)
{
	seed = seed * 1664525 + 1013904223;
	return seed >> 8;
}

static void random_requests(void)
{
	static const char *const words[] = { "f", "d", "..", "../secret", "link0", "a/b", "." };

	for (int i = 0; i < RANDOM_REQUESTS; i++) {
		uint8_t body[256];
		size_t len = next_random() % sizeof(body);
		uint32_t opcode = next_random() % 55;

		for (size_t n = 0; n < sizeof(body); n++)
			body[n] = next_random() % 3 ? 0 : (uint8_t)next_random();
		if (next_random() % 2) {
			const char *word = words[next_random() % 7];
			size_t at = next_random() % 4 * 8;

			memcpy(body + at, word, strlen(word) + 1);
			len = at + strlen(word) + 1;
		}
		/* not what ends the session, nor what fills the disk or waits for it */
		if (opcode == FUSE_DESTROY || opcode == FUSE_FALLOCATE || opcode == FUSE_SYNCFS)
			continue;
		(void)send(opcode, next_random() % 8, body, len);
	}
}

static int requests(void)
{
	struct fuse_init_in init = { .major = 7, .minor = 38, .flags = 0x7fffffff };

	if (send(FUSE_INIT, 0, &init, sizeof(init)) != 0)
		die("INIT");
	bad_names();
	links();
	numbers();
	random_requests();
	if (!lookup("here"))
		refused("the server no longer serves", 0);
	(void)printf("raw: %u reached\n", reached);
	return reached ? 1 : 0;
}

/* ---- rings ---- */

static int rings(int which)
{
	struct queue *q = &queues[1];
	uint64_t data = physical(request);
	const struct {
		uint64_t addr;
		uint32_t len;
		uint16_t flags, next;
	} chains[] = {
		{ 1ULL << 40, 64, 0, 0 },		/* not in memory */
		{ data, 64, VRING_DESC_F_NEXT, 0 },	/* a loop */
		{ data, 64, VRING_DESC_F_NEXT, 500 },	/* no such descriptor */
		{ data, UINT32_MAX, 0, 0 },		/* more than there is */
		{ data, 17, VRING_DESC_F_INDIRECT, 0 }, /* a table of one and a bit */
	};

	if (which < 0 || which >= (int)(sizeof(chains) / sizeof(chains[0])))
		die("no such chain");
	q->desc[0].addr = chains[which].addr;
	q->desc[0].len = chains[which].len;
	q->desc[0].flags = chains[which].flags;
	q->desc[0].next = chains[which].next;
	return offer(1000) ? 1 : 0;
}

int main(int argc, char **argv)
{
	(void)setvbuf(stdout, NULL, _IONBF, 0);
	find_device();
	map_device();
	start_device();
	if (argc == 3 && strcmp(argv[1], "rings") == 0)
		return rings(atoi(argv[2]));
	return requests();
}
