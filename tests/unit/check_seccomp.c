/* SPDX-License-Identifier: Apache-2.0 */
/* check_seccomp.c: profiles against the real kernel, the ENOSYS head, the cache. */
#include "fd.h"
#include "io.h"
#include "seccomp.h"
#include "seccomp_cache.h"
#include "seccomp_enosys.h"
#include "spec.h"
#include "str.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define X32_BIT 0x40000000
#define TRAPPED 200 /* exit status of a child whose SIGSYS handler ran */

static struct err e;
static char dir_path[] = "/tmp/check_seccomp.XXXXXX";
static int dir_fd = -1;

/* ---- helpers ---- */

static struct spec *parse(const char *seccomp)
{
	AUTO_FREE char *text = x_printf("{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"rootfs\"},"
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
	const char *text =
		ALLOW_BUT(RULE("\"call_of_the_next_century\",\"getppid\"", "\"action\":\"SCMP_ACT_ERRNO\""));

	ck_assert_int_eq(result_of(text, (struct call){ .nr = SYS_getppid }), EPERM);
}
END_TEST

START_TEST(the_same_rule_may_stand_twice)
{
	const char *text = ALLOW_BUT(RULE("\"getppid\",\"getppid\"", "\"action\":\"SCMP_ACT_ERRNO\"") ","
				     RULE("\"getppid\"", "\"action\":\"SCMP_ACT_ERRNO\""));

	ck_assert_int_eq(result_of(text, (struct call){ .nr = SYS_getppid }), EPERM);
}
END_TEST

START_TEST(many_rules_make_a_tree_that_decides_the_same)
{
	const char *text = ALLOW_BUT(
		RULE("\"acct\",\"add_key\",\"bpf\",\"chroot\",\"clock_settime\",\"delete_module\",\"fanotify_init\","
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
	{ "SCMP_CMP_NE", 8, 0, EPERM, 0, EPERM },
	{ "SCMP_CMP_LT", 8, 0, EPERM, 0, 0 },
	{ "SCMP_CMP_LE", 8, 0, EPERM, EPERM, 0 },
	{ "SCMP_CMP_EQ", 8, 0, 0, EPERM, 0 },
	{ "SCMP_CMP_GE", 8, 0, 0, EPERM, EPERM },
	{ "SCMP_CMP_GT", 8, 0, 0, 0, EPERM },
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
	const char *text = ALLOW_BUT(RULE("\"getpriority\"", "\"action\":\"SCMP_ACT_ERRNO\",\"args\":[" COND("0", "0") ","
							     COND("1", "0") "]"));

	ck_assert_int_eq(result_of(text, (struct call){ .nr = SYS_getpriority, .a0 = 0, .a1 = 0 }), EPERM);
	ck_assert_int_eq(result_of(text, (struct call){ .nr = SYS_getpriority, .a0 = 0, .a1 = 1 }), 0);
}
END_TEST

START_TEST(conditions_on_one_argument_twice_hold_each_alone)
{
	const char *text =
		ALLOW_BUT(RULE("\"umask\"", "\"action\":\"SCMP_ACT_ERRNO\",\"args\":[" COND("0", "1") "," COND("0", "4") "]"));

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
			ck_assert_msg(prog.insns[j].k != SYS_exit_group || prog.insns[j].code != (BPF_JMP | BPF_JGT | BPF_K),
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

/* What the head does, for architectures that this machine is not: the value that it returns, or
 * UINT32_MAX where it goes on to the filter. */
static uint32_t run_head(const struct sock_filter *p, size_t n, uint32_t arch, uint32_t nr)
{
	uint32_t a = 0;

	for (size_t i = 0; i < n; i++) {
		const struct sock_filter *f = &p[i];

		switch (f->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			a = f->k == offsetof(struct seccomp_data, nr) ? nr : arch;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			i += a == f->k ? f->jt : f->jf;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			i += a > f->k ? f->jt : f->jf;
			break;
		case BPF_JMP | BPF_JSET | BPF_K:
			i += a & f->k ? f->jt : f->jf;
			break;
		case BPF_JMP | BPF_JA:
			i += f->k;
			ck_assert_uint_lt(i, n);
			break;
		case BPF_RET | BPF_K:
			return f->k;
		default:
			ck_abort_msg("instruction %#x", f->code);
		}
	}
	return UINT32_MAX;
}

START_TEST(the_head_judges_each_architecture_by_its_own_number)
{
	static const struct enosys_arch v[] = { { AUDIT_ARCH_X86_64, 450, X32_BIT | 547, false },
						{ AUDIT_ARCH_I386, 0, 0, false },
						{ AUDIT_ARCH_S390X, 440, 0, true },
						{ AUDIT_ARCH_AARCH64, 430, 0, false } };
	static const struct {
		uint32_t arch, nr;
		bool enosys;
	} cases[] = {
		{ AUDIT_ARCH_X86_64, 450, false },
		{ AUDIT_ARCH_X86_64, 451, true },
		{ AUDIT_ARCH_X86_64, X32_BIT | 547, false },
		{ AUDIT_ARCH_X86_64, X32_BIT | 548, true },
		{ AUDIT_ARCH_I386, 100000, false },
		{ AUDIT_ARCH_S390X, 440, false },
		{ AUDIT_ARCH_S390X, 441, true },
		{ AUDIT_ARCH_S390X, 0, true },
		{ AUDIT_ARCH_AARCH64, 0, false },
		{ AUDIT_ARCH_AARCH64, 431, true },
		{ AUDIT_ARCH_RISCV64, 5000, false },
	};
	struct sock_filter p[ENOSYS_INSNS(ARRAY_LEN(v))];
	size_t n = seccomp_enosys_head(v, ARRAY_LEN(v), p);

	ck_assert_uint_le(n, ARRAY_LEN(p));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		ck_assert_msg(run_head(p, n, cases[i].arch, cases[i].nr) ==
				      (cases[i].enosys ? (SECCOMP_RET_ERRNO | ENOSYS) : UINT32_MAX),
			      "case %zu", i);
	ck_assert_uint_eq(seccomp_enosys_head(&v[1], 1, p), 0);
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
	{ "{\"defaultAction\":\"SCMP_ACT_NOTIFY\"}", "linux.seccomp.defaultAction: SCMP_ACT_NOTIFY is not supported" },
	{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"defaultErrnoRet\":1}",
	  "linux.seccomp.defaultErrnoRet: SCMP_ACT_ALLOW takes no errno" },
	{ ALLOW_BUT(EXIT_ALLOWED "," RULE("\"read\"", "\"action\":\"SCMP_ACT_NOTIFY\"")),
	  "linux.seccomp.syscalls[1].action: SCMP_ACT_NOTIFY" },
	{ ALLOW_BUT(RULE("\"read\"", "\"action\":\"allow\"")), "linux.seccomp.syscalls[0].action: unknown action 'allow'" },
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
		AUTO_FREE char *text = x_printf("{\"defaultAction\":\"%s\"}", *n);

		prog = compile(text);
		seccomp_prog_free(&prog);
	}
	for (const char *const *n = seccomp_flag_names(); *n; n++) {
		AUTO_FREE char *text = x_printf("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":[\"%s\"]}", *n);

		prog = compile(text);
		seccomp_prog_free(&prog);
	}
	for (const char *const *n = seccomp_arch_names(); *n; n++) {
		AUTO_FREE char *text = x_printf("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"%s\"]}", *n);

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

/* ---- cache ---- */

#define PROFILE ALLOW_BUT(RULE("\"getppid\"", "\"action\":\"SCMP_ACT_ERRNO\""))

static void cache_setup(void)
{
	(void)strcpy(dir_path, "/tmp/check_seccomp.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir_path));
	dir_fd = open(dir_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(dir_fd, 0);
}

/* Calls f for each entry, which it may remove; returns their number. */
static int each_entry(void (*f)(const char *name))
{
	DIR *dir = fdopendir(openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	const struct dirent *d;
	int n = 0;

	ck_assert_ptr_nonnull(dir);
	while ((d = readdir(dir)) != NULL) {
		if (d->d_name[0] == '.')
			continue;
		n++;
		if (f)
			f(d->d_name);
	}
	(void)closedir(dir);
	return n;
}

static void remove_entry(const char *name)
{
	if (unlinkat(dir_fd, name, 0) < 0)
		(void)unlinkat(dir_fd, name, AT_REMOVEDIR);
}

static void cache_teardown(void)
{
	(void)each_entry(remove_entry);
	fd_close(&dir_fd);
	(void)rmdir(dir_path);
}

static char entry[64];

static void note_entry(const char *name)
{
	(void)snprintf(entry, sizeof(entry), "%s", name);
}

/* Prepares PROFILE with the cache. */
static struct seccomp_prog prepare(void)
{
	struct spec *spec = parse(PROFILE);
	struct seccomp_prog prog = { 0 };

	ck_assert_msg(seccomp_prepare(dir_fd, spec->linux_->seccomp, &prog, &e) == 0, "%s", e.msg);
	spec_free(spec);
	return prog;
}

static int load(void)
{
	struct seccomp_prog prog;
	int r = seccomp_cache_load(dir_fd, PROFILE, strlen(PROFILE), &prog);

	if (r == 0)
		seccomp_prog_free(&prog);
	return r;
}

/* Fills the cache; `entry` is then the file's name. */
static void fill(void)
{
	struct seccomp_prog prog = prepare();

	seccomp_prog_free(&prog);
	ck_assert_int_eq(each_entry(note_entry), 1);
	ck_assert_int_eq(load(), 0);
}

/* The file was unfit: it is not used, and the next preparation puts a good one in its place. */
static void expect_ignored_then_rewritten(void)
{
	struct seccomp_prog prog;

	ck_assert_int_lt(load(), 0);
	prog = prepare();
	ck_assert_int_eq(errno_under(&prog, (struct call){ .nr = SYS_getppid }), EPERM);
	seccomp_prog_free(&prog);
	ck_assert_int_eq(load(), 0);
}

START_TEST(a_profile_is_compiled_once)
{
	struct sock_filter allow = { .code = BPF_RET | BPF_K, .k = SECCOMP_RET_ALLOW };
	struct seccomp_prog mark = { .insns = &allow, .n = 1, .flags = SECCOMP_FILTER_FLAG_LOG }, prog;
	struct stat st;

	fill();
	ck_assert_int_eq(fstatat(dir_fd, entry, &st, 0), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	/* another program in the same place shows where the next one comes from */
	ck_assert_int_eq(seccomp_cache_store(dir_fd, PROFILE, strlen(PROFILE), &mark), 0);
	prog = prepare();
	ck_assert_uint_eq(prog.n, 1);
	ck_assert_uint_eq(prog.flags, SECCOMP_FILTER_FLAG_LOG);
	ck_assert_uint_eq(prog.insns[0].k, SECCOMP_RET_ALLOW);
	seccomp_prog_free(&prog);
}
END_TEST

START_TEST(what_comes_from_the_cache_is_what_was_compiled)
{
	struct seccomp_prog a = prepare(), b = prepare();

	ck_assert_uint_eq(a.n, b.n);
	ck_assert_uint_eq(a.flags, b.flags);
	ck_assert_mem_eq(a.insns, b.insns, a.n * sizeof(*a.insns));
	seccomp_prog_free(&a);
	seccomp_prog_free(&b);
}
END_TEST

/* Changes the stored file's bytes: XORs one at offset (from the end when negative). */
static void flip(long offset)
{
	AUTO_FD fd = openat(dir_fd, entry, O_RDWR | O_CLOEXEC);
	off_t at = offset < 0 ? lseek(fd, 0, SEEK_END) + offset : offset;
	char c;

	ck_assert_int_eq(pread(fd, &c, 1, at), 1);
	c ^= 1;
	ck_assert_int_eq(pwrite(fd, &c, 1, at), 1);
}

START_TEST(a_changed_byte_makes_a_file_unfit)
{
	static const long offsets[] = { offsetof(struct seccomp_cache_header, magic),
					offsetof(struct seccomp_cache_header, format),
					offsetof(struct seccomp_cache_header, library),
					offsetof(struct seccomp_cache_header, flags) + 3,
					offsetof(struct seccomp_cache_header, text_len),
					offsetof(struct seccomp_cache_header, n_insns),
					offsetof(struct seccomp_cache_header, n_insns) + 2,
					offsetof(struct seccomp_cache_header, reserved),
					offsetof(struct seccomp_cache_header, sum),
					sizeof(struct seccomp_cache_header),
					sizeof(struct seccomp_cache_header) + sizeof(PROFILE) - 2,
					sizeof(struct seccomp_cache_header) + sizeof(PROFILE) - 1,
					-1 };

	for (size_t i = 0; i < ARRAY_LEN(offsets); i++) {
		fill();
		flip(offsets[i]);
		expect_ignored_then_rewritten();
	}
}
END_TEST

START_TEST(a_file_of_another_size_is_unfit)
{
	struct stat st;

	fill();
	ck_assert_int_eq(fstatat(dir_fd, entry, &st, 0), 0);
	for (int i = 0; i < 4; i++) {
		const off_t sizes[] = { 0, (off_t)sizeof(struct seccomp_cache_header), st.st_size - 8, st.st_size + 8 };
		AUTO_FD fd = openat(dir_fd, entry, O_RDWR | O_CLOEXEC);

		ck_assert_int_eq(ftruncate(fd, sizes[i]), 0);
		expect_ignored_then_rewritten();
	}
}
END_TEST

START_TEST(a_file_that_others_can_write_is_unfit)
{
	static const mode_t modes[] = { 0620, 0602, 0666 };

	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		fill();
		ck_assert_int_eq(fchmodat(dir_fd, entry, modes[i], 0), 0);
		expect_ignored_then_rewritten();
	}
}
END_TEST

START_TEST(a_file_of_another_user_is_unfit)
{
	fill();
	if (fchownat(dir_fd, entry, 1234, (gid_t)-1, 0) < 0) {
		(void)fprintf(stderr, "SKIP %s: needs CAP_CHOWN\n", __func__);
		ck_assert_msg(!str_eq(getenv("HUSK_MUST_RUN"), "1"), "must run");
		return;
	}
	expect_ignored_then_rewritten();
}
END_TEST

START_TEST(a_symlink_or_fifo_is_unfit)
{
	fill();
	ck_assert_int_eq(renameat(dir_fd, entry, dir_fd, "other"), 0);
	ck_assert_int_eq(symlinkat("other", dir_fd, entry), 0);
	expect_ignored_then_rewritten();
	ck_assert_int_eq(unlinkat(dir_fd, entry, 0), 0);
	ck_assert_int_eq(mkfifoat(dir_fd, entry, 0600), 0);
	expect_ignored_then_rewritten();
}
END_TEST

START_TEST(a_cache_that_cannot_be_used_only_costs_time)
{
	struct seccomp_prog prog;
	int save = dir_fd;

	fill();
	ck_assert_int_eq(unlinkat(dir_fd, entry, 0), 0);
	ck_assert_int_eq(mkdirat(dir_fd, entry, 0700), 0);
	prog = prepare();
	ck_assert_uint_gt(prog.n, 0);
	seccomp_prog_free(&prog);
	ck_assert_int_eq(each_entry(NULL), 1); /* no temporary file stays */

	dir_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	prog = prepare();
	ck_assert_uint_gt(prog.n, 0);
	seccomp_prog_free(&prog);
	fd_close(&dir_fd);
	dir_fd = save;
}
END_TEST

START_TEST(the_same_name_with_another_text_is_unfit)
{
	char other[] = PROFILE;
	char *buf;
	size_t len;
	struct seccomp_cache_view view;

	fill();
	other[sizeof(other) - 2] = ' ';
	ck_assert_int_eq(io_read_file(dir_fd, entry, 0, 1 << 20, &buf, &len, &e), 0);
	ck_assert_int_eq(seccomp_cache_parse(buf, len, PROFILE, strlen(PROFILE), &view), 0);
	ck_assert_int_eq(seccomp_cache_parse(buf, len, other, strlen(other), &view), -EINVAL);
	for (size_t cut = 0; cut < len; cut++)
		ck_assert_int_eq(seccomp_cache_parse(buf, cut, PROFILE, strlen(PROFILE), &view), -EINVAL);
	free(buf);
}
END_TEST

START_TEST(the_oldest_files_make_room)
{
	struct timespec times[2] = { { 0 } };
	char name[32];

	ck_assert_int_eq(io_replace_file(dir_fd, "keep-me", "x", 1, 0600, &e), 0);
	for (int i = 0; i < SECCOMP_CACHE_FILES + 2; i++) {
		(void)snprintf(name, sizeof(name), "seccomp-%d", i);
		ck_assert_int_eq(io_replace_file(dir_fd, name, "x", 1, 0600, &e), 0);
		times[0].tv_sec = times[1].tv_sec = 1000 + (i * 7) % (SECCOMP_CACHE_FILES + 2);
		ck_assert_int_eq(utimensat(dir_fd, name, times, 0), 0);
	}
	times[0].tv_sec = times[1].tv_sec = 1;
	ck_assert_int_eq(utimensat(dir_fd, "keep-me", times, 0), 0);

	struct seccomp_prog prog = prepare();

	seccomp_prog_free(&prog);
	ck_assert_int_eq(load(), 0);
	ck_assert_int_eq(each_entry(NULL), SECCOMP_CACHE_FILES + 1);
	ck_assert_int_eq(faccessat(dir_fd, "keep-me", F_OK, 0), 0);
	ck_assert_int_lt(faccessat(dir_fd, "seccomp-0", F_OK, 0), 0);
}
END_TEST

static void add_kernel_tests(TCase *t)
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
	tcase_add_test(t, the_head_judges_each_architecture_by_its_own_number);
	tcase_add_test(t, flags_go_to_the_kernel);
	tcase_add_loop_test(t, what_is_not_known_is_refused_by_name, 0, (int)ARRAY_LEN(refusals));
	tcase_add_test(t, an_argument_index_above_five_is_refused);
	tcase_add_test(t, every_name_shown_by_features_is_accepted);
	tcase_add_test(t, no_program_installs_as_nothing);
	tcase_add_test(t, a_program_that_the_kernel_refuses_is_an_error);
}

static void add_cache_tests(TCase *t)
{
	tcase_add_checked_fixture(t, cache_setup, cache_teardown);
	tcase_add_test(t, a_profile_is_compiled_once);
	tcase_add_test(t, what_comes_from_the_cache_is_what_was_compiled);
	tcase_add_test(t, a_changed_byte_makes_a_file_unfit);
	tcase_add_test(t, a_file_of_another_size_is_unfit);
	tcase_add_test(t, a_file_that_others_can_write_is_unfit);
	tcase_add_test(t, a_file_of_another_user_is_unfit);
	tcase_add_test(t, a_symlink_or_fifo_is_unfit);
	tcase_add_test(t, a_cache_that_cannot_be_used_only_costs_time);
	tcase_add_test(t, the_same_name_with_another_text_is_unfit);
	tcase_add_test(t, the_oldest_files_make_room);
}

int main(void)
{
	Suite *suite = suite_create("seccomp");
	TCase *kernel = tcase_create("kernel"), *cache = tcase_create("cache");
	SRunner *runner = srunner_create(suite);
	int failed;

	add_kernel_tests(kernel);
	add_cache_tests(cache);
	suite_add_tcase(suite, kernel);
	suite_add_tcase(suite, cache);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
