/* SPDX-License-Identifier: Apache-2.0 */
/* check_seccomp.c: profiles against the real kernel. */
#include "ck_run.h"
#include "kernel.h"
#include "seccomp.h"
#include "seccomp_notify.h"
#include "spec.h"
#include "str.h"

#include <check.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define X32_BIT 0x40000000
#define TRAPPED 200 /* exit status of a child whose SIGSYS handler ran */

static struct err e;

/* ---- helpers ---- */

static struct spec *parse(const char *seccomp)
{
	AUTO_FREE char *text =
		x_printf("{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"rootfs\"},"
			 "\"process\":{\"args\":[\"true\"],\"cwd\":\"/\",\"user\":{\"uid\":0,\"gid\":0}},"
			 "\"linux\":{\"namespaces\":[{\"type\":\"mount\"}],\"seccomp\":%s}}",
			 seccomp);
	struct spec *spec = NULL;

	ck_assert_msg(spec_parse(text, strlen(text), &spec, &e) == 0, "%s", e.msg);
	ck_assert_ptr_nonnull(spec->linux_->seccomp);
	return spec;
}

static int try_compile(const char *seccomp, struct seccomp_prog *out)
{
	struct spec *spec = parse(seccomp);
	int r = seccomp_prepare(-1, spec->linux_->seccomp, out, &e);

	spec_free(spec);
	return r;
}

static struct seccomp_prog compile(const char *seccomp)
{
	struct seccomp_prog prog = { 0 };

	ck_assert_msg(try_compile(seccomp, &prog) == 0, "%s", e.msg);
	ck_assert_uint_gt(prog.n, 0);
	return prog;
}

static void on_sigsys(int sig)
{
	(void)sig;
	(void)syscall(SYS_exit_group, TRAPPED);
}

struct call {
	long nr, a0, a1;
};

/* Makes one call under the filter. >= 0: its errno (0: it worked); -signal when it killed. */
static int errno_under(const struct seccomp_prog *prog, struct call c)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct sigaction sa = { .sa_handler = on_sigsys };

		(void)setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
		(void)sigaction(SIGSYS, &sa, NULL);
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || seccomp_install(prog, &e) < 0)
			(void)syscall(SYS_exit_group, 255);
		(void)syscall(SYS_exit_group, syscall(c.nr, c.a0, c.a1) < 0 ? errno : 0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static int result_of(const char *seccomp, struct call c)
{
	struct seccomp_prog prog = compile(seccomp);
	int r = errno_under(&prog, c);

	seccomp_prog_free(&prog);
	return r;
}

static bool has_return(const struct seccomp_prog *prog, uint32_t value)
{
	for (unsigned int i = 0; i < prog->n; i++)
		if (prog->insns[i].code == (BPF_RET | BPF_K) && prog->insns[i].k == value)
			return true;
	return false;
}

#define RULE(names, rest) "{\"names\":[" names "]," rest "}"
#define ALLOW_BUT(rule) "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[" rule "]}"
#define ERRNO_BUT(rules) "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[" rules "]}"
#define EXIT_ALLOWED RULE("\"exit_group\",\"rt_sigreturn\"", "\"action\":\"SCMP_ACT_ALLOW\"")

/* ---- actions ---- */

static const struct {
	const char *rule; /* of getppid */
	int want;
	uint32_t value; /* what the program returns */
} action_cases[] = {
	{ "\"action\":\"SCMP_ACT_KILL\"", -SIGSYS, SECCOMP_RET_KILL_THREAD },
	{ "\"action\":\"SCMP_ACT_KILL_THREAD\"", -SIGSYS, SECCOMP_RET_KILL_THREAD },
	{ "\"action\":\"SCMP_ACT_KILL_PROCESS\"", -SIGSYS, SECCOMP_RET_KILL_PROCESS },
	{ "\"action\":\"SCMP_ACT_TRAP\"", TRAPPED, SECCOMP_RET_TRAP },
	{ "\"action\":\"SCMP_ACT_ERRNO\"", EPERM, SECCOMP_RET_ERRNO | EPERM },
	{ "\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":95", 95, SECCOMP_RET_ERRNO | 95 },
	{ "\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":0", 0, SECCOMP_RET_ERRNO },
	{ "\"action\":\"SCMP_ACT_TRACE\"", ENOSYS, SECCOMP_RET_TRACE | EPERM },
	{ "\"action\":\"SCMP_ACT_TRACE\",\"errnoRet\":7", ENOSYS, SECCOMP_RET_TRACE | 7 },
	{ "\"action\":\"SCMP_ACT_LOG\"", 0, SECCOMP_RET_LOG },
	{ "\"action\":\"SCMP_ACT_ALLOW\"", 0, SECCOMP_RET_ALLOW },
};

START_TEST(an_action_does_what_its_name_says)
{
	AUTO_FREE char *text = x_printf(ALLOW_BUT("{\"names\":[\"getppid\"],%s}"), action_cases[_i].rule);
	struct seccomp_prog prog = compile(text);

	ck_assert_int_eq(errno_under(&prog, (struct call){ .nr = SYS_getppid }), action_cases[_i].want);
	ck_assert_int_eq(errno_under(&prog, (struct call){ .nr = SYS_getuid }), 0);
	ck_assert(has_return(&prog, action_cases[_i].value));
	seccomp_prog_free(&prog);
}
END_TEST

START_TEST(the_default_action_holds_for_what_no_rule_names)
{
	const char *text = "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":19,\"syscalls\":[" EXIT_ALLOWED
			   "," RULE("\"getppid\"", "\"action\":\"SCMP_ACT_ALLOW\"") "]}";

	ck_assert_int_eq(result_of(text, (struct call){ .nr = SYS_getuid }), 19);
	ck_assert_int_eq(result_of(text, (struct call){ .nr = SYS_getppid }), 0);
}
END_TEST

START_TEST(a_rule_equal_to_the_default_is_left_out)
{
	struct seccomp_prog a = compile(ALLOW_BUT(RULE("\"getppid\"", "\"action\":\"SCMP_ACT_ALLOW\"")));
	struct seccomp_prog b = compile("{\"defaultAction\":\"SCMP_ACT_ALLOW\"}");

	ck_assert_uint_eq(a.n, b.n);
	seccomp_prog_free(&a);
	seccomp_prog_free(&b);
}
END_TEST

START_TEST(an_unknown_system_call_is_skipped)
{
	const char *text = ALLOW_BUT(RULE("\"call_of_the_next_century\",\"getppid\"", "\"action\":\"SCMP_ACT_ERRNO\""));

	ck_assert_int_eq(result_of(text, (struct call){ .nr = SYS_getppid }), EPERM);
}
END_TEST

START_TEST(the_same_rule_may_stand_twice)
{
	const char *text = ALLOW_BUT(RULE("\"getppid\",\"getppid\"", "\"action\":\"SCMP_ACT_ERRNO\"") "," RULE(
		"\"getppid\"", "\"action\":\"SCMP_ACT_ERRNO\""));

	ck_assert_int_eq(result_of(text, (struct call){ .nr = SYS_getppid }), EPERM);
}
END_TEST

START_TEST(many_rules_make_a_tree_that_decides_the_same)
{
	const char *text = ALLOW_BUT(RULE(
		"\"acct\",\"add_key\",\"bpf\",\"chroot\",\"clock_settime\",\"delete_module\",\"fanotify_init\","
		"\"finit_module\",\"init_module\",\"ioperm\",\"iopl\",\"kcmp\",\"kexec_load\",\"keyctl\",\"getppid\","
		"\"lookup_dcookie\",\"mount\",\"move_pages\",\"nfsservctl\",\"open_by_handle_at\",\"pivot_root\","
		"\"process_vm_readv\",\"process_vm_writev\",\"ptrace\",\"quotactl\",\"reboot\",\"request_key\","
		"\"setns\",\"settimeofday\",\"swapoff\",\"swapon\",\"syslog\",\"umount2\",\"unshare\",\"vhangup\"",
		"\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":44"));

	ck_assert_int_eq(result_of(text, (struct call){ .nr = SYS_getppid }), 44);
	ck_assert_int_eq(result_of(text, (struct call){ .nr = SYS_vhangup }), 44);
	ck_assert_int_eq(result_of(text, (struct call){ .nr = SYS_getuid }), 0);
}
END_TEST

/* ---- operators, shown by umask(2): it takes any value and cannot fail ---- */

static const struct {
	const char *op;
	unsigned int value, value_two;
	int below, equal, above; /* errno of umask(value - 1), umask(value), umask(value + 1) */
} operator_cases[] = {
	{ "SCMP_CMP_NE", 8, 0, EPERM, 0, EPERM },	 { "SCMP_CMP_LT", 8, 0, EPERM, 0, 0 },
	{ "SCMP_CMP_LE", 8, 0, EPERM, EPERM, 0 },	 { "SCMP_CMP_EQ", 8, 0, 0, EPERM, 0 },
	{ "SCMP_CMP_GE", 8, 0, 0, EPERM, EPERM },	 { "SCMP_CMP_GT", 8, 0, 0, 0, EPERM },
	{ "SCMP_CMP_MASKED_EQ", 8, 8, 0, EPERM, EPERM }, /* value is the mask: 7 has bit 3 clear */
};

START_TEST(an_operator_compares_as_its_name_says)
{
	AUTO_FREE char *text =
		x_printf(ALLOW_BUT("{\"names\":[\"umask\"],\"action\":\"SCMP_ACT_ERRNO\","
				   "\"args\":[{\"index\":0,\"op\":\"%s\",\"value\":%u,\"valueTwo\":%u}]}"),
			 operator_cases[_i].op, operator_cases[_i].value, operator_cases[_i].value_two);
	long v = operator_cases[_i].value;

	ck_assert_int_eq(result_of(text, (struct call){ .nr = SYS_umask, .a0 = v - 1 }), operator_cases[_i].below);
	ck_assert_int_eq(result_of(text, (struct call){ .nr = SYS_umask, .a0 = v }), operator_cases[_i].equal);
	ck_assert_int_eq(result_of(text, (struct call){ .nr = SYS_umask, .a0 = v + 1 }), operator_cases[_i].above);
}
END_TEST

#define COND(index, value) "{\"index\":" index ",\"op\":\"SCMP_CMP_EQ\",\"value\":" value "}"

START_TEST(conditions_on_different_arguments_must_all_hold)
{
	const char *text = ALLOW_BUT(RULE(
		"\"getpriority\"", "\"action\":\"SCMP_ACT_ERRNO\",\"args\":[" COND("0", "0") "," COND("1", "0") "]"));

	ck_assert_int_eq(result_of(text, (struct call){ .nr = SYS_getpriority, .a0 = 0, .a1 = 0 }), EPERM);
	ck_assert_int_eq(result_of(text, (struct call){ .nr = SYS_getpriority, .a0 = 0, .a1 = 1 }), 0);
}
END_TEST

START_TEST(conditions_on_one_argument_twice_hold_each_alone)
{
	const char *text = ALLOW_BUT(
		RULE("\"umask\"", "\"action\":\"SCMP_ACT_ERRNO\",\"args\":[" COND("0", "1") "," COND("0", "4") "]"));

	ck_assert_int_eq(result_of(text, (struct call){ .nr = SYS_umask, .a0 = 1 }), EPERM);
	ck_assert_int_eq(result_of(text, (struct call){ .nr = SYS_umask, .a0 = 4 }), EPERM);
	ck_assert_int_eq(result_of(text, (struct call){ .nr = SYS_umask, .a0 = 5 }), 0);
}
END_TEST

/* ---- newer system calls ---- */

#define NEWER 16000 /* below X32_BIT, above all that a kernel has */

START_TEST(a_call_newer_than_the_profile_gets_enosys)
{
	const char *text = ERRNO_BUT(EXIT_ALLOWED);

	ck_assert_int_eq(result_of(text, (struct call){ .nr = NEWER }), ENOSYS);
	ck_assert_int_eq(result_of(text, (struct call){ .nr = SYS_exit_group + 1 }), ENOSYS);
	ck_assert_int_eq(result_of(text, (struct call){ .nr = SYS_exit_group - 1 }), EPERM);
}
END_TEST

START_TEST(a_killing_default_spares_newer_calls_too)
{
	const char *text = "{\"defaultAction\":\"SCMP_ACT_KILL_PROCESS\",\"syscalls\":[" EXIT_ALLOWED "]}";

	ck_assert_int_eq(result_of(text, (struct call){ .nr = NEWER }), ENOSYS);
	ck_assert_int_eq(result_of(text, (struct call){ .nr = SYS_getppid }), -SIGSYS);
}
END_TEST

START_TEST(a_permissive_profile_gets_no_head)
{
	static const char *const defaults[] = { "\"SCMP_ACT_ALLOW\"", "\"SCMP_ACT_LOG\"", "\"SCMP_ACT_TRACE\"",
						"\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":38" };

	for (size_t i = 0; i < ARRAY_LEN(defaults); i++) {
		AUTO_FREE char *text =
			x_printf("{\"defaultAction\":%s,\"syscalls\":[{\"names\":[\"getppid\",\"exit_group\"],"
				 "\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":5}]}",
				 defaults[i]);
		struct seccomp_prog prog = compile(text);

		for (unsigned int j = 0; j < prog.n; j++)
			ck_assert_msg(prog.insns[j].k != SYS_exit_group ||
					      prog.insns[j].code != (BPF_JMP | BPF_JGT | BPF_K),
				      "%s", defaults[i]);
		seccomp_prog_free(&prog);
	}
}
END_TEST

#ifdef __x86_64__
START_TEST(x32_calls_are_judged_by_their_own_last_number)
{
	const char *without = ERRNO_BUT(EXIT_ALLOWED);
	const char *with = "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"architectures\":[\"SCMP_ARCH_X86_64\","
			   "\"SCMP_ARCH_X32\"],\"syscalls\":[" EXIT_ALLOWED "]}";

	/* libseccomp kills what comes by an architecture that is not in the filter */
	ck_assert_int_eq(result_of(without, (struct call){ .nr = X32_BIT | NEWER }), -SIGSYS);
	ck_assert_int_eq(result_of(with, (struct call){ .nr = X32_BIT | NEWER }), ENOSYS);
	ck_assert_int_eq(result_of(with, (struct call){ .nr = X32_BIT | SYS_getppid }), EPERM);
	ck_assert_int_eq(result_of(with, (struct call){ .nr = NEWER }), ENOSYS);
}
END_TEST

static long int80(long nr)
{
	long ret;

	__asm__ volatile("int $0x80" : "=a"(ret) : "a"(nr) : "memory", "r8", "r9", "r10", "r11");
	return ret;
}

/* A compat call under the filter, as errno_under(); NULL: none. */
static int compat_under(const struct seccomp_prog *prog, long nr)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		long r;

		(void)setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
		if (prog && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || seccomp_install(prog, &e) < 0))
			_exit(255);
		r = int80(nr);
		(void)syscall(SYS_exit_group, r < 0 ? -r : 0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

#define I386_GETPPID 64
#define I386_GETUID 24

START_TEST(rules_hold_for_every_architecture_listed)
{
	const char *rule = RULE("\"getppid\",\"exit_group\"", "\"action\":\"SCMP_ACT_ALLOW\"");
	AUTO_FREE char *with = x_printf("{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"architectures\":[\"SCMP_ARCH_X86_64\","
					"\"SCMP_ARCH_X86\"],\"syscalls\":[%s]}",
					rule);
	AUTO_FREE char *without = x_printf("{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[%s]}", rule);
	struct seccomp_prog a, b;

	if (compat_under(NULL, I386_GETPPID) != 0) {
		(void)fprintf(stderr, "SKIP %s: this kernel has no 32-bit calls\n", __func__);
		ck_assert_msg(!str_eq(getenv("HUSK_MUST_RUN"), "1"), "must run");
		return;
	}
	a = compile(with);
	b = compile(without);
	ck_assert_int_eq(compat_under(&a, I386_GETPPID), 0);
	ck_assert_int_eq(compat_under(&a, I386_GETUID), EPERM);
	ck_assert_int_eq(compat_under(&a, NEWER), ENOSYS);
	ck_assert_int_eq(compat_under(&b, I386_GETPPID), -SIGSYS);
	seccomp_prog_free(&a);
	seccomp_prog_free(&b);
}
END_TEST
#endif

/* ---- notify ---- */

/* Of the system calls `names`; rule and section end with these keys. */
#define NOTIFY(names, rule_rest, rest)                                                                       \
	"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"listenerPath\":\"/agent\",\"syscalls\":[{\"names\":[" names \
	"],\"action\":\"SCMP_ACT_NOTIFY\"" rule_rest "}]" rest "}"

START_TEST(a_rule_that_notifies_asks_for_a_listener)
{
	static const struct {
		const char *text;
		unsigned int want;
	} cases[] = {
		{ NOTIFY("\"umask\"", "", ",\"flags\":[]"), SECCOMP_FILTER_FLAG_NEW_LISTENER },
		{ NOTIFY("\"call_of_the_next_century\"", "", ",\"flags\":[]"), SECCOMP_FILTER_FLAG_NEW_LISTENER },
		{ NOTIFY("\"umask\"", "", ""), SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_SPEC_ALLOW },
		{ NOTIFY("\"umask\"", "", ",\"flags\":[\"SECCOMP_FILTER_FLAG_TSYNC\"]"),
		  SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH },
		{ NOTIFY("\"umask\"", "", ",\"flags\":[\"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV\"]"),
		  SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct seccomp_prog prog = compile(cases[i].text);

		ck_assert_uint_eq(prog.flags, cases[i].want);
		ck_assert(seccomp_notifies(&prog));
		seccomp_prog_free(&prog);
	}
}
END_TEST

static int notify(const struct seccomp_prog *prog, seccomp_deliver_fn *deliver, void *arg, struct err *why)
{
	int r = seccomp_notify_prepare(deliver, arg, why);

	return r < 0 ? r : seccomp_notify_install(prog, why);
}

/* What the carrier of seccomp_notify_prepare() does here: answers one call itself, on the side. */
static int hand_over(int listener, void *arg, struct err *out)
{
	(void)out;
	*(int *)arg = dup(listener);
	return *(int *)arg < 0 ? -errno : 0;
}

static int refuse(int listener, void *arg, struct err *out)
{
	(void)listener;
	(void)arg;
	return err_set(out, ECONNREFUSED, "no agent");
}

static void answer_one(int listener, int nr, int value)
{
	struct seccomp_notif req = { 0 };
	struct seccomp_notif_resp resp = { .val = value };

	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &req) < 0 || req.data.nr != nr)
		_exit(1);
	resp.id = req.id;
	_exit(ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &resp) < 0);
}

START_TEST(the_carrier_gives_the_listener_away)
{
	struct seccomp_prog prog = compile(NOTIFY("\"umask\"", "", ""));
	int listener = -1;

	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	ck_assert_int_eq(notify(&prog, hand_over, &listener, &e), 0);
	ck_assert_int_ge(listener, 0);
	seccomp_notify_reset();
	if (fork() == 0)
		answer_one(listener, SYS_umask, 0123);
	ck_assert_int_eq((int)syscall(SYS_umask, 0), 0123);
	/* there is one child, and no carrier is left beside it */
	ck_assert_int_gt(wait(NULL), 0);
	ck_assert_int_lt(wait(NULL), 0);
	ck_assert_int_eq(errno, ECHILD);
	/* and this is its last descriptor: nobody is left to answer then */
	(void)close(listener);
	ck_assert_int_eq((int)syscall(SYS_umask, 0), -1);
	ck_assert_int_eq(errno, ENOSYS);
	seccomp_prog_free(&prog);
}
END_TEST

START_TEST(a_failed_delivery_is_an_error_and_leaves_no_listener)
{
	struct seccomp_prog prog = compile(NOTIFY("\"umask\"", "", ""));

	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	ck_assert_int_eq(notify(&prog, refuse, NULL, &e), -ECONNREFUSED);
	ck_assert_str_eq(e.msg, "no agent");
	ck_assert_int_eq((int)syscall(SYS_umask, 0), -1);
	ck_assert_int_eq(errno, ENOSYS);
	seccomp_prog_free(&prog);
}
END_TEST

static int say_and_stay(int listener, void *arg, struct err *out)
{
	(void)listener;
	(void)out;
	(void)!write(((int *)arg)[1], "x", 1);
	while (pause() < 0)
		;
	return 0;
}

START_TEST(the_carrier_dies_with_its_process)
{
	struct seccomp_prog prog = compile(NOTIFY("\"umask\"", "", ""));
	int ends[2];
	char c;
	pid_t pid;

	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	ck_assert_int_eq(pipe(ends), 0);
	pid = fork();
	if (pid == 0)
		_exit(notify(&prog, say_and_stay, ends, &e) < 0);
	(void)close(ends[1]);
	ck_assert_int_eq((int)read(ends[0], &c, 1), 1);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq((int)read(ends[0], &c, 1), 0); /* when both are gone */
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	seccomp_prog_free(&prog);
}
END_TEST

/* Linux takes one listener a process. */
START_TEST(a_second_listener_is_refused_by_name)
{
	struct seccomp_prog prog = compile(NOTIFY("\"umask\"", "", ""));
	int listener = -1;

	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	ck_assert_int_eq(notify(&prog, hand_over, &listener, &e), 0);
	ck_assert_int_eq(notify(&prog, hand_over, &listener, &e), -EBUSY);
	ck_assert_msg(strstr(e.msg, "runs under a filter with SCMP_ACT_NOTIFY itself") != NULL, "%s", e.msg);
	seccomp_prog_free(&prog);
}
END_TEST

/* ---- flags, refusals ---- */

START_TEST(flags_go_to_the_kernel)
{
	static const struct {
		const char *list;
		unsigned int want;
	} cases[] = {
		{ "", SECCOMP_FILTER_FLAG_SPEC_ALLOW },
		{ ",\"flags\":[]", 0 },
		{ ",\"flags\":[\"SECCOMP_FILTER_FLAG_LOG\"]", SECCOMP_FILTER_FLAG_LOG },
		{ ",\"flags\":[\"SECCOMP_FILTER_FLAG_TSYNC\",\"SECCOMP_FILTER_FLAG_SPEC_ALLOW\"]",
		  SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_SPEC_ALLOW },
		{ ",\"flags\":[\"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV\"]", 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO_FREE char *text = x_printf("{\"defaultAction\":\"SCMP_ACT_ALLOW\"%s}", cases[i].list);
		struct seccomp_prog prog = compile(text);

		ck_assert_uint_eq(prog.flags, cases[i].want);
		ck_assert_int_eq(errno_under(&prog, (struct call){ .nr = SYS_getppid }), 0);
		seccomp_prog_free(&prog);
	}
}
END_TEST

static const struct {
	const char *text, *message;
} refusals[] = {
	{ "{\"defaultAction\":\"SCMP_ACT_MAYBE\"}", "linux.seccomp.defaultAction: unknown action 'SCMP_ACT_MAYBE'" },
	{ "{\"defaultAction\":\"SCMP_ACT_NOTIFY\"}", "linux.seccomp.defaultAction: SCMP_ACT_NOTIFY is for the rules" },
	{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"defaultErrnoRet\":1}",
	  "linux.seccomp.defaultErrnoRet: SCMP_ACT_ALLOW takes no errno" },
	{ NOTIFY("\"umask\"", ",\"errnoRet\":1", ""),
	  "linux.seccomp.syscalls[0].errnoRet: SCMP_ACT_NOTIFY takes no errno" },
	{ ALLOW_BUT(RULE("\"read\"", "\"action\":\"allow\"")),
	  "linux.seccomp.syscalls[0].action: unknown action 'allow'" },
	{ ALLOW_BUT(RULE("\"read\"", "\"action\":\"SCMP_ACT_KILL\",\"errnoRet\":1")),
	  "linux.seccomp.syscalls[0].errnoRet: SCMP_ACT_KILL takes no errno" },
	{ ALLOW_BUT(RULE("\"read\"",
			 "\"action\":\"SCMP_ACT_ERRNO\",\"args\":[{\"index\":0,\"op\":\"SCMP_CMP_XX\",\"value\":1}]")),
	  "linux.seccomp.syscalls[0].args[0].op: unknown operator 'SCMP_CMP_XX'" },
	{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"SCMP_ARCH_X86_64\",\"SCMP_ARCH_Z80\"]}",
	  "linux.seccomp.architectures[1]: unknown architecture 'SCMP_ARCH_Z80'" },
	{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":[\"SECCOMP_FILTER_FLAG_FAST\"]}",
	  "linux.seccomp.flags[0]: unknown flag 'SECCOMP_FILTER_FLAG_FAST'" },
};

START_TEST(what_is_not_known_is_refused_by_name)
{
	struct seccomp_prog prog = { .n = 7 };

	ck_assert_int_lt(try_compile(refusals[_i].text, &prog), 0);
	ck_assert_msg(str_starts(e.msg, refusals[_i].message), "%s", e.msg);
	ck_assert_uint_eq(prog.n, 7);
}
END_TEST

START_TEST(an_argument_index_above_five_is_refused)
{
	struct spec_seccomp_arg arg = { .index = 6, .op = "SCMP_CMP_EQ" };
	char *names[] = { (char *)"read", NULL };
	struct spec_seccomp_rule rule = {
		.names = { names, 1 }, .action = "SCMP_ACT_ERRNO", .args = &arg, .n_args = 1
	};
	struct spec_seccomp s = { .default_action = "SCMP_ACT_ALLOW", .rules = &rule, .n_rules = 1 };
	struct seccomp_prog prog;

	ck_assert_int_eq(seccomp_prepare(-1, &s, &prog, &e), -EINVAL);
	ck_assert_msg(strstr(e.msg, "syscalls[0].args[0].index: 6 is above 5") != NULL, "%s", e.msg);
}
END_TEST

START_TEST(every_name_shown_by_features_is_accepted)
{
	struct seccomp_prog prog;

	for (const char *const *n = seccomp_action_names(); *n; n++) {
		AUTO_FREE char *text = str_eq(*n, "SCMP_ACT_NOTIFY") ? x_strdup(NOTIFY("\"umask\"", "", ""))
								     : x_printf("{\"defaultAction\":\"%s\"}", *n);

		prog = compile(text);
		seccomp_prog_free(&prog);
	}
	for (const char *const *n = seccomp_flag_names(); *n; n++) {
		AUTO_FREE char *text = x_printf("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":[\"%s\"]}", *n);

		prog = compile(text);
		seccomp_prog_free(&prog);
	}
	for (const char *const *n = seccomp_arch_names(); *n; n++) {
		AUTO_FREE char *text =
			x_printf("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"%s\"]}", *n);

		/* libseccomp takes those of the other byte order not beside the native one */
		if (try_compile(text, &prog) == 0)
			seccomp_prog_free(&prog);
		else
			ck_assert_msg(strstr(e.msg, "beside the native one") != NULL, "%s", e.msg);
	}
}
END_TEST

START_TEST(no_program_installs_as_nothing)
{
	struct seccomp_prog none = { 0 };
	int before = prctl(PR_GET_SECCOMP, 0, 0, 0, 0);

	ck_assert_int_eq(seccomp_install(&none, &e), 0);
	ck_assert_int_eq(prctl(PR_GET_SECCOMP, 0, 0, 0, 0), before);
	seccomp_prog_free(NULL);
}
END_TEST

START_TEST(a_program_that_the_kernel_refuses_is_an_error)
{
	struct sock_filter bad = { .code = BPF_JMP | BPF_JA, .k = 77 };
	struct seccomp_prog prog = { .insns = &bad, .n = 1 };

	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	ck_assert_int_eq(seccomp_install(&prog, &e), -EINVAL);
	ck_assert_msg(str_starts(e.msg, "linux.seccomp: install the filter"), "%s", e.msg);
}
END_TEST

static void add_tests(TCase *t)
{
	tcase_add_loop_test(t, an_action_does_what_its_name_says, 0, (int)ARRAY_LEN(action_cases));
	tcase_add_loop_test(t, an_operator_compares_as_its_name_says, 0, (int)ARRAY_LEN(operator_cases));
	tcase_add_test(t, the_default_action_holds_for_what_no_rule_names);
	tcase_add_test(t, a_rule_equal_to_the_default_is_left_out);
	tcase_add_test(t, an_unknown_system_call_is_skipped);
	tcase_add_test(t, the_same_rule_may_stand_twice);
	tcase_add_test(t, many_rules_make_a_tree_that_decides_the_same);
	tcase_add_test(t, conditions_on_different_arguments_must_all_hold);
	tcase_add_test(t, conditions_on_one_argument_twice_hold_each_alone);
	tcase_add_test(t, a_call_newer_than_the_profile_gets_enosys);
	tcase_add_test(t, a_killing_default_spares_newer_calls_too);
	tcase_add_test(t, a_permissive_profile_gets_no_head);
#ifdef __x86_64__
	tcase_add_test(t, x32_calls_are_judged_by_their_own_last_number);
	tcase_add_test(t, rules_hold_for_every_architecture_listed);
#endif
	tcase_add_test(t, a_rule_that_notifies_asks_for_a_listener);
	tcase_add_test(t, the_carrier_gives_the_listener_away);
	tcase_add_test(t, a_failed_delivery_is_an_error_and_leaves_no_listener);
	tcase_add_test(t, the_carrier_dies_with_its_process);
	tcase_add_test(t, a_second_listener_is_refused_by_name);
	tcase_add_test(t, flags_go_to_the_kernel);
	tcase_add_loop_test(t, what_is_not_known_is_refused_by_name, 0, (int)ARRAY_LEN(refusals));
	tcase_add_test(t, an_argument_index_above_five_is_refused);
	tcase_add_test(t, every_name_shown_by_features_is_accepted);
	tcase_add_test(t, no_program_installs_as_nothing);
	tcase_add_test(t, a_program_that_the_kernel_refuses_is_an_error);
}

int main(void)
{
	Suite *suite = suite_create("seccomp");
	TCase *t = tcase_create("seccomp");

	add_tests(t);
	suite_add_tcase(suite, t);
	return ck_run(suite);
}
