/* SPDX-License-Identifier: Apache-2.0 */
/* check_fd.c: sealing a memory file, while others still hold it too. */
#include "ck_run.h"
#include "fd.h"
#include "kernel.h"

#include <check.h>
#include <pthread.h>
#include <sys/mman.h>
#include <time.h>

#define PAGE 4096U

static int memory_file(void)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, PAGE), 0);
	return fd;
}

static void *let_go(void *page)
{
	const struct timespec a_while = { .tv_nsec = 200000000 };

	(void)nanosleep(&a_while, NULL);
	(void)munmap(page, PAGE);
	return NULL;
}

START_TEST(what_is_sealed_cannot_change)
{
	AUTO_FD fd = memory_file();

	ck_assert_int_eq(fd_seal(fd), 0);
	ck_assert_int_eq(fcntl(fd, F_GET_SEALS), FD_ALL_SEALS);
	ck_assert_int_eq(write(fd, "x", 1), -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_int_eq(ftruncate(fd, 0), -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_int_eq(fd_seal(fd), -EPERM);
}
END_TEST

/* A page is held, here by a mapping that may write: EBUSY, until it is let go. */
START_TEST(who_holds_a_page_is_waited_for)
{
	AUTO_FD fd = memory_file();
	pthread_t holder;
	void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	ck_assert_ptr_ne(page, MAP_FAILED);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	ck_assert_int_eq(errno, EBUSY);
	ck_assert_int_eq(pthread_create(&holder, NULL, let_go, page), 0);
	ck_assert_int_eq(fd_seal(fd), 0);
	ck_assert_int_eq(fcntl(fd, F_GET_SEALS), FD_ALL_SEALS);
	ck_assert_int_eq(pthread_join(holder, NULL), 0);
}
END_TEST

START_TEST(who_never_lets_go_is_not_waited_for_for_ever)
{
	AUTO_FD fd = memory_file();
	void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	ck_assert_ptr_ne(page, MAP_FAILED);
	ck_assert_int_eq(fd_seal(fd), -EBUSY);
	ck_assert_int_eq(munmap(page, PAGE), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fd");
	TCase *t = tcase_create("seal");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, what_is_sealed_cannot_change);
	tcase_add_test(t, who_holds_a_page_is_waited_for);
	tcase_add_test(t, who_never_lets_go_is_not_waited_for_for_ever);
	suite_add_tcase(suite, t);
	return ck_run(suite);
}
