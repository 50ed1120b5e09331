/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe.c: what a program in the guest may expect of a shared directory: probe DIR.
 *
 * Prints "ok NAME" or "not ok NAME: LINE errno" for each, and ends with 1 when one is not ok.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static int failures;

/* In a probe: the line and errno when it does not hold. */
#define WANT(condition)                                                                                \
	do {                                                                                           \
		if (!(condition)) {                                                                    \
			(void)printf("not ok %s: line %d: %s\n", __func__, __LINE__, strerror(errno)); \
			failures++;                                                                    \
			return;                                                                        \
		}                                                                                      \
		errno = 0;                                                                             \
	} while (0)
#define DONE (void)printf("ok %s\n", __func__)

static int make(const char *name, const char *text)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);

	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? fd : -1;
}

static void xattrs(void)
{
	char value[64], list[256];

	WANT(make("x", "") >= 0);
	WANT(setxattr("x", "user.key", "value", 5, XATTR_CREATE) == 0);
	WANT(setxattr("x", "user.key", "value", 5, XATTR_CREATE) < 0 && errno == EEXIST);
	WANT(getxattr("x", "user.key", value, sizeof(value)) == 5 && memcmp(value, "value", 5) == 0);
	WANT(getxattr("x", "user.key", value, 2) < 0 && errno == ERANGE);
	WANT(listxattr("x", list, sizeof(list)) >= 9 && memmem(list, sizeof(list), "user.key", 9));
	WANT(removexattr("x", "user.key") == 0);
	WANT(getxattr("x", "user.key", value, sizeof(value)) < 0 && errno == ENODATA);
	DONE;
}

/* version 2; owner rw, user 1000 r, group -, mask r, others - */
static const uint8_t acl[] = {
	2, 0, 0,   0,	1,   0,	  6,  0, 255, 255, 255, 255, 2,	  0,   4,  0, 0xe8, 3, 0,   0,	 4,   0,
	0, 0, 255, 255, 255, 255, 16, 0, 4,   0,   255, 255, 255, 255, 32, 0, 0,    0, 255, 255, 255, 255,
};

/* True when this user can open it for reading. */
static bool may_read(const char *name, uid_t uid)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0)
		_exit(setgid(uid) < 0 || setuid(uid) < 0 || open(name, O_RDONLY) < 0);
	return waitpid(pid, &status, 0) == pid && status == 0;
}

static void acls_hold_in_the_guest(void)
{
	uint8_t got[256];

	WANT(make("acl", "x") >= 0 && chmod("acl", 0600) == 0);
	WANT(!may_read("acl", 1000));
	WANT(setxattr("acl", "system.posix_acl_access", acl, sizeof(acl), 0) == 0);
	WANT(getxattr("acl", "system.posix_acl_access", got, sizeof(got)) == sizeof(acl) &&
	     memcmp(got, acl, sizeof(acl)) == 0);
	WANT(may_read("acl", 1000) && !may_read("acl", 1001));
	DONE;
}

static void default_acls_take_the_umasks_place(void)
{
	struct stat st;

	(void)umask(077);
	WANT(mkdir("acldir", 0755) == 0);
	WANT(setxattr("acldir", "system.posix_acl_default", acl, sizeof(acl), 0) == 0);
	WANT(close(open("acldir/f", O_CREAT | O_WRONLY, 0666)) == 0 && stat("acldir/f", &st) == 0);
	WANT((st.st_mode & 0777) == 0640); /* the mask is what the group bits show */
	WANT(close(open("plain", O_CREAT | O_WRONLY, 0666)) == 0 && stat("plain", &st) == 0);
	WANT((st.st_mode & 0777) == 0600);
	(void)umask(022);
	DONE;
}

/* Another process sees whether the lock is held. */
static bool lock_is_free(const char *name, bool posix)
{
	struct flock whole = { .l_type = F_WRLCK };
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		int fd = open(name, O_RDWR);

		_exit((posix ? fcntl(fd, F_SETLK, &whole) : flock(fd, LOCK_EX | LOCK_NB)) < 0);
	}
	return waitpid(pid, &status, 0) == pid && status == 0;
}

static void locks(void)
{
	struct flock whole = { .l_type = F_WRLCK };
	int fd = make("lock", "x");

	WANT(fd >= 0 && flock(fd, LOCK_EX) == 0 && !lock_is_free("lock", false));
	WANT(flock(fd, LOCK_UN) == 0 && lock_is_free("lock", false));
	WANT(fcntl(fd, F_SETLK, &whole) == 0 && !lock_is_free("lock", true));
	WANT(close(fd) == 0 && lock_is_free("lock", true));
	DONE;
}

/* An open file description's lock (fcntl_locking(2)) is another's even in one process. */
static void locks_of_open_files(void)
{
	struct flock whole = { .l_type = F_WRLCK }, seen = { .l_type = F_WRLCK };
	int a = make("ofd", "x"), b = open("ofd", O_RDWR);

	WANT(a >= 0 && b >= 0 && fcntl(a, F_OFD_SETLK, &whole) == 0);
	WANT(fcntl(b, F_OFD_SETLK, &whole) < 0 && (errno == EAGAIN || errno == EACCES));
	WANT(fcntl(b, F_OFD_GETLK, &seen) == 0 && seen.l_type == F_WRLCK && seen.l_pid == -1);
	WANT(close(a) == 0 && fcntl(b, F_OFD_SETLK, &whole) == 0);
	DONE;
}

static void a_waiter_gets_the_lock(void)
{
	struct flock whole = { .l_type = F_WRLCK };
	int fd = make("lock3", "x"), status;
	pid_t pid;

	WANT(fd >= 0 && fcntl(fd, F_SETLK, &whole) == 0);
	pid = fork();
	if (pid == 0)
		_exit(fcntl(fd, F_SETLKW, &whole) < 0);
	whole.l_type = F_UNLCK;
	WANT(usleep(200000) == 0 && waitpid(pid, &status, WNOHANG) == 0 && fcntl(fd, F_SETLK, &whole) == 0);
	WANT(waitpid(pid, &status, 0) == pid && status == 0);
	DONE;
}

/* A process that waits for a lock can be killed. */
static void a_waiter_can_be_killed(void)
{
	int fd = make("lock2", "x"), status;
	pid_t pid;

	WANT(fd >= 0 && flock(fd, LOCK_EX) == 0);
	pid = fork();
	if (pid == 0)
		_exit(flock(open("lock2", O_RDWR), LOCK_EX));
	WANT(usleep(200000) == 0 && kill(pid, SIGKILL) == 0);
	WANT(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
	DONE;
}

static void room_and_holes(void)
{
	int fd = make("room", "");
	struct stat st;

	WANT(fd >= 0 && fallocate(fd, 0, 0, 1 << 20) == 0 && fstat(fd, &st) == 0 && st.st_size == 1 << 20);
	WANT(ftruncate(fd, 0) == 0 && ftruncate(fd, 1 << 20) == 0 && pwrite(fd, "x", 1, 512 << 10) == 1);
	WANT(lseek(fd, 0, SEEK_DATA) == 512 << 10);
	WANT(lseek(fd, 512 << 10, SEEK_HOLE) > 512 << 10);
	WANT(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 512 << 10, 65536) == 0);
	WANT(lseek(fd, 0, SEEK_DATA) < 0 && errno == ENXIO);
	DONE;
}

static void room_behind_the_end_and_zeroes(void)
{
	int fd = make("room2", "abcdef");
	struct stat st;
	char got[7] = "";

	WANT(fd >= 0 && fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 1 << 20) == 0 && fstat(fd, &st) == 0);
	WANT(st.st_size == 6 && st.st_blocks >= 2048);
	WANT(fallocate(fd, FALLOC_FL_ZERO_RANGE, 2, 2) == 0 && pread(fd, got, 6, 0) == 6);
	WANT(memcmp(got, "ab\0\0ef", 6) == 0);
	DONE;
}

static void a_file_without_a_name_gets_one(void)
{
	int fd = open(".", O_TMPFILE | O_RDWR, 0640);
	struct stat st;
	char path[64], got[8] = "";

	WANT(fd >= 0 && write(fd, "late", 4) == 4 && fstat(fd, &st) == 0 && st.st_nlink == 0);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	WANT(linkat(AT_FDCWD, path, AT_FDCWD, "late", AT_SYMLINK_FOLLOW) == 0 && close(fd) == 0);
	WANT(stat("late", &st) == 0 && st.st_nlink == 1 && (st.st_mode & 0777) == 0640);
	WANT(pread(open("late", O_RDONLY), got, sizeof(got), 0) == 4 && memcmp(got, "late", 4) == 0);
	DONE;
}

static void a_range_is_copied(void)
{
	int from = make("from", "0123456789"), to = make("to", "");
	loff_t at = 2;
	char got[16];

	WANT(copy_file_range(from, &at, to, NULL, 5, 0) == 5 && at == 7);
	WANT(pread(to, got, sizeof(got), 0) == 5 && memcmp(got, "23456", 5) == 0);
	DONE;
}

static void renames(void)
{
	struct stat st;

	WANT(make("r1", "1") >= 0 && make("r2", "22") >= 0);
	WANT(renameat2(AT_FDCWD, "r1", AT_FDCWD, "r2", RENAME_NOREPLACE) < 0 && errno == EEXIST);
	WANT(renameat2(AT_FDCWD, "r1", AT_FDCWD, "r2", RENAME_EXCHANGE) == 0);
	WANT(stat("r1", &st) == 0 && st.st_size == 2);
	WANT(rename("r1", "r2") == 0 && stat("r2", &st) == 0 && st.st_size == 2 && access("r1", F_OK) < 0);
	DONE;
}

static void a_whiteout_is_left(void)
{
	struct stat st;

	WANT(make("w1", "1") >= 0 && renameat2(AT_FDCWD, "w1", AT_FDCWD, "w2", RENAME_WHITEOUT) == 0);
	WANT(stat("w2", &st) == 0 && st.st_size == 1);
	WANT(stat("w1", &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == 0);
	DONE;
}

static void statx_tells(void)
{
	struct statx stx;

	WANT(make("stx", "abc") >= 0);
	WANT(statx(AT_FDCWD, "stx", 0, STATX_BASIC_STATS, &stx) == 0 && stx.stx_size == 3);
	WANT((stx.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS);
	DONE;
}

static void a_mapping_is_written_back(void)
{
	int fd = make("map", "hello");
	char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	char got[6] = "";

	WANT(p != MAP_FAILED && memcmp(p, "hello", 5) == 0);
	memcpy(p, "HELLO", 5);
	WANT(msync(p, 4096, MS_SYNC) == 0 && fsync(fd) == 0 && close(fd) == 0);
	WANT(pread(open("map", O_RDONLY), got, 5, 0) == 5 && strcmp(got, "HELLO") == 0);
	DONE;
}

static void a_mapping_is_shared(void)
{
	int fd = make("map2", "0000"), status;
	volatile char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	pid_t pid;

	WANT(p != MAP_FAILED);
	pid = fork();
	if (pid == 0) {
		char *q = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, open("map2", O_RDWR), 0);

		_exit(q == MAP_FAILED || (q[1] = '1') != '1' || pwrite(open("map2", O_RDWR), "2", 1, 2) != 1);
	}
	WANT(waitpid(pid, &status, 0) == pid && status == 0);
	WANT(p[1] == '1' && p[2] == '2');
	DONE;
}

static void inotify_fires_for_the_guests_changes(void)
{
	char buf[4096];
	int fd = inotify_init1(IN_NONBLOCK);
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	const struct inotify_event *event = (const void *)buf;

	WANT(mkdir("watched", 0755) == 0 && inotify_add_watch(fd, "watched", IN_CREATE | IN_DELETE) >= 0);
	WANT(make("watched/new", "x") >= 0 && poll(&poll_fd, 1, 1000) == 1);
	WANT(read(fd, buf, sizeof(buf)) > 0 && (event->mask & IN_CREATE) && strcmp(event->name, "new") == 0);
	WANT(unlink("watched/new") == 0 && poll(&poll_fd, 1, 1000) == 1);
	WANT(read(fd, buf, sizeof(buf)) > 0 && (event->mask & IN_DELETE));
	DONE;
}

static void special_files_work(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = "socket" };
	int server = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0), fifo;
	struct stat st;

	WANT(bind(server, (void *)&addr, sizeof(addr)) == 0 && listen(server, 1) == 0);
	WANT(connect(client, (void *)&addr, sizeof(addr)) == 0);
	WANT(mkfifo("fifo", 0600) == 0 && (fifo = open("fifo", O_RDWR)) >= 0 && write(fifo, "x", 1) == 1);
	WANT(mknod("null", S_IFCHR | 0666, 1 << 8 | 3) == 0 && stat("null", &st) == 0 && st.st_rdev == (1 << 8 | 3));
	WANT(write(open("null", O_WRONLY), "x", 1) == 1); /* the guest's own device */
	DONE;
}

static void appends_go_to_the_end(void)
{
	int a = make("app", ""), b = open("app", O_WRONLY | O_APPEND), c = open("app", O_WRONLY | O_APPEND);
	char got[16] = "";

	WANT(write(b, "b", 1) == 1 && write(c, "c", 1) == 1 && write(b, "b", 1) == 1);
	WANT(fcntl(b, F_SETFL, 0) == 0 && pwrite(b, "X", 1, 0) == 1); /* no longer */
	WANT(pread(a, got, sizeof(got), 0) == 3 && strcmp(got, "Xcb") == 0);
	DONE;
}

static void a_users_write_takes_set_user_id_away(void)
{
	struct stat st;
	pid_t pid;
	int status;

	WANT(make("suid", "x") >= 0 && chown("suid", 1000, 1000) == 0 && chmod("suid", 06777) == 0);
	pid = fork();
	if (pid == 0)
		_exit(setgid(1001) < 0 || setuid(1001) < 0 || write(open("suid", O_WRONLY), "y", 1) != 1);
	WANT(waitpid(pid, &status, 0) == pid && status == 0);
	WANT(stat("suid", &st) == 0 && (st.st_mode & 07777) == 0777);
	DONE;
}

static void a_users_files_are_the_users(void)
{
	struct stat st;
	pid_t pid;
	int status;

	WANT(mkdir("open", 0777) == 0 && chmod("open", 01777) == 0);
	pid = fork();
	if (pid == 0)
		_exit(setgid(1001) < 0 || setuid(1000) < 0 || make("open/mine", "x") < 0 ||
		      mkdir("open/dir", 0700) < 0 || open("/mnt/rootonly", O_RDONLY) >= 0);
	WANT(waitpid(pid, &status, 0) == pid && status == 0);
	WANT(stat("open/mine", &st) == 0 && st.st_uid == 1000 && st.st_gid == 1001);
	WANT(stat("open/dir", &st) == 0 && st.st_uid == 1000 && st.st_gid == 1001);
	DONE;
}

static void an_unlinked_file_stays_open(void)
{
	int fd = make("gone", "still");
	char got[8] = "";
	struct stat st;

	WANT(unlink("gone") == 0 && pread(fd, got, 5, 0) == 5 && strcmp(got, "still") == 0);
	WANT(fstat(fd, &st) == 0 && st.st_nlink == 0 && ftruncate(fd, 1) == 0);
	DONE;
}

static void names_have_limits(void)
{
	char name[258];

	memset(name, 'n', sizeof(name));
	name[256] = '\0';
	WANT(open(name, O_CREAT | O_WRONLY, 0600) < 0 && errno == ENAMETOOLONG);
	name[255] = '\0';
	WANT(open(name, O_CREAT | O_WRONLY, 0600) >= 0);
	DONE;
}

int main(int argc, char **argv)
{
	if (argc != 2 || chdir(argv[1]) < 0) {
		perror("probe");
		return 2;
	}
	xattrs();
	acls_hold_in_the_guest();
	default_acls_take_the_umasks_place();
	locks();
	locks_of_open_files();
	a_waiter_can_be_killed();
	a_waiter_gets_the_lock();
	room_and_holes();
	room_behind_the_end_and_zeroes();
	a_file_without_a_name_gets_one();
	a_range_is_copied();
	renames();
	a_whiteout_is_left();
	statx_tells();
	a_mapping_is_written_back();
	a_mapping_is_shared();
	inotify_fires_for_the_guests_changes();
	special_files_work();
	appends_go_to_the_end();
	a_users_write_takes_set_user_id_away();
	a_users_files_are_the_users();
	an_unlinked_file_stays_open();
	names_have_limits();
	return failures ? 1 : 0;
}
