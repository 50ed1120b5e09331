/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_cgroup_dev.c: cgroup_dev.c, twice: the program that it compiles, run by an
 * interpreter of the few instructions it uses, over tables; and attached to a
 * cgroup, from inside which device nodes are made and opened.
 */
#include "cgroup_dev.h"

#include "cgroup_place.h"
#include "ck_run.h"
#include "str.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define R BPF_DEVCG_ACC_READ
#define W BPF_DEVCG_ACC_WRITE
#define M BPF_DEVCG_ACC_MKNOD

#define RULES_MAX 8

/* ---- the interpreter ---- */

static uint32_t load(const struct bpf_cgroup_dev_ctx *ctx, int off)
{
	uint32_t v;

	ck_assert(off >= 0 && (size_t)off + sizeof(v) <= sizeof(*ctx));
	memcpy(&v, (const char *)ctx + off, sizeof(v));
	return v;
}

/* The value that the program returns for this access. */
static unsigned int run(const struct bpf_insn *insns, size_t n, char type, unsigned int acc, uint32_t major,
			uint32_t minor)
{
	struct bpf_cgroup_dev_ctx ctx = {
		.access_type = (acc << 16) | (type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR),
		.major = major,
		.minor = minor,
	};
	uint32_t reg[11] = { 0 };

	for (size_t pc = 0; pc < n; pc++) {
		const struct bpf_insn *i = &insns[pc];
		uint32_t *dst = &reg[i->dst_reg], k = (uint32_t)i->imm;

		switch (i->code) {
		case BPF_LDX | BPF_MEM | BPF_W:
			ck_assert_uint_eq(i->src_reg, BPF_REG_1);
			*dst = load(&ctx, i->off);
			break;
		case BPF_ALU | BPF_MOV | BPF_K:
			*dst = k;
			break;
		case BPF_ALU | BPF_MOV | BPF_X:
			*dst = reg[i->src_reg];
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			*dst &= k;
			break;
		case BPF_ALU | BPF_RSH | BPF_K:
			*dst >>= k;
			break;
		case BPF_JMP32 | BPF_JNE | BPF_K:
			pc += *dst != k ? (size_t)i->off : 0;
			break;
		case BPF_JMP32 | BPF_JEQ | BPF_K:
			pc += *dst == k ? (size_t)i->off : 0;
			break;
		case BPF_JMP | BPF_EXIT:
			return reg[BPF_REG_0];
		default:
			ck_abort_msg("instruction %zu has code %#x", pc, i->code);
		}
	}
	ck_abort_msg("the program runs past its end");
	return 0;
}

struct access {
	char type;
	uint32_t major, minor;
	unsigned int acc;
	bool allowed;
};

static void assert_accesses(const struct spec_device_rule *rules, size_t n_rules, const struct spec_device *devices,
			    size_t n_devices, const struct access *accesses, size_t n_accesses, const char *label)
{
	static struct bpf_insn insns[CGROUP_DEV_INSNS_MAX];
	size_t n;

	ck_assert_ok(cgroup_dev_compile(rules, n_rules, devices, n_devices, insns, &n, e));
	for (size_t i = 0; i < n_accesses; i++) {
		const struct access *a = &accesses[i];
		unsigned int got = n == 0 ? 1 : run(insns, n, a->type, a->acc, a->major, a->minor);

		ck_assert_msg(got == a->allowed, "%s: %c %u:%u access %u: %u", label, a->type, a->major, a->minor,
			      a->acc, got);
	}
}

/* ---- tables ---- */

/* What every container has, with no rule at all and below any list that starts by denying all. */
static const struct access default_accesses[] = {
	{ 'c', 1, 3, R | W | M, true },	 { 'c', 1, 5, R | W, true },	 { 'c', 1, 7, W, true },
	{ 'c', 1, 8, R, true },		 { 'c', 1, 9, R, true },	 { 'c', 5, 0, R | W, true },
	{ 'c', 5, 2, R | W, true },	 { 'c', 136, 77, R | W, true },	 { 'c', 1, 11, M, true },
	{ 'b', 8, 0, M, true },		 { 'c', 1, 11, R, false },	 { 'c', 1, 1, R, false },
	{ 'c', 5, 1, R | W, false },	 { 'c', 10, 200, R | W, false }, { 'b', 8, 0, R, false },
	{ 'b', 8, 0, R | W | M, false }, { 'b', 1, 3, R, false },	 { 'c', 4294967295U, 3, R, false },
};

START_TEST(no_rules_deny_all_but_the_devices_of_every_container)
{
	static const struct spec_device_rule deny = { false, 'a', -1, -1, "rwm" };

	assert_accesses(NULL, 0, NULL, 0, default_accesses, ARRAY_LEN(default_accesses), "no rules");
	assert_accesses(&deny, 1, NULL, 0, default_accesses, ARRAY_LEN(default_accesses), "deny all");
}
END_TEST

static const struct {
	const char *label;
	struct spec_device_rule rules[RULES_MAX];
	struct access accesses[12];
} tables[] = {
	{ "a rule allows what it names and no more",
	  { { false, 'a', -1, -1, "rwm" }, { true, 'c', 10, 200, "rw" } },
	  { { 'c', 10, 200, R | W, true },
	    { 'c', 10, 200, R, true },
	    { 'c', 10, 200, M, true }, /* by default */
	    { 'c', 10, 200, R | W | M, true },
	    { 'c', 10, 201, R, false },
	    { 'c', 11, 200, R, false },
	    { 'b', 10, 200, R, false } } },
	{ "-1 stands for any number",
	  { { true, 'b', 8, -1, "r" }, { true, 'c', -1, 229, "w" } },
	  { { 'b', 8, 0, R, true },
	    { 'b', 8, 4000, R, true },
	    { 'b', 9, 0, R, false },
	    { 'b', 8, 0, W, false },
	    { 'b', 8, 0, R | W, false },
	    { 'c', 10, 229, W, true },
	    { 'c', 10, 228, W, false } } },
	{ "a later rule overrides an earlier one",
	  { { true, 'c', 10, 229, "rwm" },
	    { false, 'c', 10, 229, "w" },
	    { true, 'c', 10, 230, "r" },
	    { false, 'c', 10, 230, "r" } },
	  { { 'c', 10, 229, R, true },
	    { 'c', 10, 229, W, false },
	    { 'c', 10, 229, R | W, false },
	    { 'c', 10, 230, R, false } } },
	{ "a hole in a wildcard holds",
	  { { true, 'c', 10, -1, "rw" }, { false, 'c', 10, 229, "rw" } },
	  { { 'c', 10, 228, R | W, true }, { 'c', 10, 229, R, false }, { 'c', 10, 229, W, false } } },
	{ "reading and writing may come from two rules",
	  { { true, 'c', 10, 229, "r" }, { true, 'c', 10, 229, "w" } },
	  { { 'c', 10, 229, R | W, true }, { 'c', 10, 229, R, true }, { 'c', 10, 229, W, true } } },
	{ "a rule of type 'a' drops all before it",
	  { { true, 'c', 10, 229, "rw" }, { false, 'a', -1, -1, "rwm" }, { true, 'c', 10, 230, "rw" } },
	  { { 'c', 10, 229, R, false }, { 'c', 10, 230, R, true } } },
	{ "a rule of type 'a' means all, whatever numbers and access it has",
	  { { true, 'a', 10, 229, "r" }, { false, 'b', 8, 0, "w" } },
	  { { 'c', 99, 99, R | W | M, true },
	    { 'b', 8, 0, R, true },
	    { 'b', 8, 0, R | W, false },
	    { 'b', 8, 1, R | W, true } } },
	{ "allow all but some",
	  { { true, 'a', -1, -1, "rwm" }, { false, 'b', -1, -1, "rwm" }, { false, 'c', 1, 3, "rwm" } },
	  { { 'c', 1, 11, R, true },
	    { 'b', 8, 0, R, false },
	    { 'b', 8, 0, M, true }, /* the defaults come last */
	    { 'c', 1, 3, R | W, true } } },
	{ "denied defaults stay allowed",
	  { { false, 'c', 1, 3, "rwm" }, { false, 'c', -1, -1, "m" } },
	  { { 'c', 1, 3, R | W, true }, { 'c', 1, 11, M, true } } },
	{ "numbers above the sign bit are compared whole",
	  { { true, 'c', 4294967295, 4294967294, "r" } },
	  { { 'c', 4294967295U, 4294967294U, R, true }, { 'c', 4294967295U, 4294967295U, R, false } } },
};

START_TEST(rules_decide_as_the_tables_say)
{
	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		size_t rules = 0, accesses = 0;

		while (rules < RULES_MAX && tables[i].rules[rules].type)
			rules++;
		while (tables[i].accesses[accesses].type)
			accesses++;
		assert_accesses(tables[i].rules, rules, NULL, 0, tables[i].accesses, accesses, tables[i].label);
	}
}
END_TEST

START_TEST(a_configured_device_of_the_same_path_replaces_the_default_rule)
{
	static const struct spec_device devices[] = {
		{ .path = "/dev/null", .type = 'c', .major = 10, .minor = 229 },
		{ .path = "/dev/fuse", .type = 'c', .major = 10, .minor = 229 },
	};
	static const struct access accesses[] = {
		{ 'c', 1, 3, R, false },
		{ 'c', 1, 3, M, true },
		{ 'c', 10, 229, R, false },
		{ 'c', 1, 5, R, true },
	};

	assert_accesses(NULL, 0, devices, ARRAY_LEN(devices), accesses, ARRAY_LEN(accesses), "devices");
}
END_TEST

START_TEST(everything_allowed_needs_no_program)
{
	static const struct spec_device_rule open[] = {
		{ false, 'a', -1, -1, "rwm" },
		{ false, 'c', 1, 1, "rwm" },
		{ true, 'a', -1, -1, "rwm" },
		{ true, 'c', 10, 229, "rw" },
	};
	static struct bpf_insn insns[CGROUP_DEV_INSNS_MAX];
	struct spec_linux l = { .device_rules = (struct spec_device_rule *)(uintptr_t)open, .n_device_rules = 4 };
	size_t n = 99;

	ck_assert_ok(cgroup_dev_compile(open, ARRAY_LEN(open), NULL, 0, insns, &n, e));
	ck_assert_uint_eq(n, 0);
	ck_assert_ok(cgroup_dev_apply(-1, &l, e)); /* does not come to use the descriptor */
}
END_TEST

START_TEST(impossible_rules_are_refused_by_index)
{
	static const struct {
		struct spec_device_rule rule;
		int code;
		const char *text;
	} cases[] = {
		{ { true, 'c', 1, 3, "" },
		  EINVAL,
		  "linux.resources.devices[1].access: expected letters of 'rwm', got ''" },
		{ { true, 'c', 1, 3, NULL }, EINVAL, "linux.resources.devices[1].access: expected" },
		{ { true, 'a', 1, 3, "rx" },
		  EINVAL,
		  "linux.resources.devices[1].access: expected letters of 'rwm', got 'rx'" },
		{ { true, 'p', 1, 3, "r" },
		  EINVAL,
		  "linux.resources.devices[1].type: expected 'a', 'b' or 'c', got 'p'" },
		{ { true, 'c', 4294967296, 3, "r" },
		  ERANGE,
		  "linux.resources.devices[1]: the kernel has no device 4294967296:3" },
		{ { true, 'c', 3, 4294967296, "r" }, ERANGE, "linux.resources.devices[1]: the kernel has no device" },
	};
	static struct bpf_insn insns[CGROUP_DEV_INSNS_MAX];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct spec_device_rule rules[] = { { false, 'a', -1, -1, "rwm" }, cases[i].rule };
		size_t n;

		ck_assert_fails(cgroup_dev_compile(rules, 2, NULL, 0, insns, &n, e), cases[i].code, cases[i].text);
	}
}
END_TEST

/* The most rules that are taken, each of the longest form; one more is refused. */
START_TEST(rules_that_do_not_fit_are_refused)
{
	static struct spec_device_rule rules[CGROUP_DEV_INSNS_MAX];
	static struct bpf_insn insns[CGROUP_DEV_INSNS_MAX + 1];
	const struct access last = { 'c', 10, 229, R, true };
	size_t n, most = 0;

	memset(&insns[CGROUP_DEV_INSNS_MAX], 0xa5, sizeof(insns[0]));
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		rules[i] = (struct spec_device_rule){ i == 0, 'c', 10, i == 0 ? 229 : 230, "r" };
	while (most < ARRAY_LEN(rules) && cgroup_dev_compile(rules, most + 1, NULL, 0, insns, &n, NULL) == 0)
		most++;
	ck_assert_uint_ge(most, 400);
	ck_assert_fails(cgroup_dev_compile(rules, most + 1, NULL, 0, insns, &n, e), E2BIG,
			"linux.resources.devices: 502 rules are too many: at most 501");
	assert_accesses(rules, most, NULL, 0, &last, 1, "longest");
	for (size_t i = 0; i < sizeof(insns[0]); i++)
		ck_assert_uint_eq(((unsigned char *)&insns[CGROUP_DEV_INSNS_MAX])[i], 0xa5);
}
END_TEST

/* ---- the kernel ---- */

struct step {
	const char *path; /* NULL: the end */
	int open_flags;	  /* -1: mknod instead */
	mode_t type;
	unsigned int major, minor;
	int err; /* the errno it must end with; 0: success */
};

/* In the child: the number of the first step that ends otherwise, from 1; 0 when all do. */
static int walk(const struct step *steps)
{
	for (int i = 0; steps[i].path; i++) {
		const struct step *s = &steps[i];
		int fd, r;

		errno = 0;
		if (s->open_flags < 0) {
			r = mknod(s->path, s->type | 0600, makedev(s->major, s->minor));
		} else {
			r = fd = open(s->path, s->open_flags | O_CLOEXEC);
			if (fd >= 0)
				(void)close(fd);
		}
		if ((r < 0 ? errno : 0) != s->err)
			return i + 1;
	}
	return 0;
}

/* Applies the rules to a new cgroup and takes the steps inside it. /tmp is a tmpfs of the test's own. */
static void assert_steps(const char *name, const struct spec_device_rule *rules, size_t n, const struct step *steps)
{
	AUTO_FREE char *path = x_printf("%s/%s", place, name);
	struct spec_linux l = { .device_rules = (struct spec_device_rule *)(uintptr_t)rules, .n_device_rules = n };
	int fd, status;
	pid_t pid;

	ck_assert_int_eq(mount("none", "/tmp", "tmpfs", 0, NULL), 0);
	ck_assert_int_eq(mknod("/tmp/outside", S_IFCHR | 0600, makedev(1, 5)), 0);
	ck_assert_ok(cgroup_create(path, &fd, e));
	ck_assert_ok(cgroup_dev_apply(fd, &l, e));
	pid = place_fork(fd);
	if (pid == 0)
		_exit(walk(steps));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_msg(WEXITSTATUS(status) == 0, "%s: step %d ended otherwise", name, WEXITSTATUS(status));
	(void)close(fd);
	ck_assert_int_eq(umount2("/tmp", MNT_DETACH), 0);
}

START_TEST(kernel_enforces_the_default_list)
{
	static const struct step steps[] = {
		{ "/dev/null", O_RDWR, 0, 0, 0, 0 },
		{ "/dev/zero", O_RDONLY, 0, 0, 0, 0 },
		{ "/dev/full", O_WRONLY, 0, 0, 0, 0 },
		{ "/dev/urandom", O_RDONLY, 0, 0, 0, 0 },
		{ "/dev/ptmx", O_RDWR | O_NOCTTY, 0, 0, 0, 0 },
		{ "/dev/kmsg", O_RDONLY, 0, 0, 0, EPERM },
		{ "/tmp/mem", -1, S_IFCHR, 1, 1, 0 },
		{ "/tmp/mem", O_RDONLY, 0, 0, 0, EPERM },
		{ "/tmp/disk", -1, S_IFBLK, 7, 0, 0 },
		{ "/tmp/disk", O_RDONLY, 0, 0, 0, EPERM },
		{ "/tmp/fifo", -1, S_IFIFO, 0, 0, 0 },
		{ "/tmp/outside", O_RDWR, 0, 0, 0, 0 },
		{ "/proc/self/status", O_RDONLY, 0, 0, 0, 0 },
		{ 0 },
	};

	PLACE_OR_RETURN();
	assert_steps("default", NULL, 0, steps);
}
END_TEST

START_TEST(kernel_enforces_rules_of_the_configuration)
{
	static const struct spec_device_rule some[] = {
		{ false, 'a', -1, -1, "rwm" },
		{ true, 'c', 1, -1, "r" },
		{ false, 'c', 1, 2, "r" },
	};
	static const struct step some_steps[] = {
		{ "/dev/kmsg", O_RDONLY, 0, 0, 0, 0 },	  { "/dev/kmsg", O_WRONLY, 0, 0, 0, EPERM },
		{ "/dev/kmsg", O_RDWR, 0, 0, 0, EPERM },  { "/tmp/two", -1, S_IFCHR, 1, 2, 0 },
		{ "/tmp/two", O_RDONLY, 0, 0, 0, EPERM }, { 0 },
	};
	static const struct spec_device_rule most[] = {
		{ true, 'a', -1, -1, "rwm" },
		{ false, 'c', 1, 11, "w" },
	};
	static const struct step most_steps[] = {
		{ "/dev/kmsg", O_RDONLY, 0, 0, 0, 0 },	 { "/dev/kmsg", O_WRONLY, 0, 0, 0, EPERM },
		{ "/dev/kmsg", O_RDWR, 0, 0, 0, EPERM }, { "/tmp/loop", -1, S_IFBLK, 7, 0, 0 },
		{ "/tmp/loop", O_RDONLY, 0, 0, 0, 0 },	 { 0 },
	};

	PLACE_OR_RETURN();
	assert_steps("some", some, ARRAY_LEN(some), some_steps);
	assert_steps("most", most, ARRAY_LEN(most), most_steps);
}
END_TEST

/* The longest program must pass the kernel's verifier too. */
START_TEST(kernel_takes_the_most_rules)
{
	static struct spec_device_rule rules[501];
	static const struct step steps[] = {
		{ "/dev/kmsg", O_RDONLY, 0, 0, 0, 0 },
		{ "/dev/kmsg", O_RDWR, 0, 0, 0, EPERM },
		{ 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		rules[i] = (struct spec_device_rule){ i == 0, 'c', 1, i == 0 ? 11 : 1000, "r" };
	PLACE_OR_RETURN();
	assert_steps("longest", rules, ARRAY_LEN(rules), steps);
}
END_TEST

START_TEST(apply_without_privilege_says_what_lacks)
{
	struct spec_linux l = { 0 };
	int status;
	pid_t pid;

	PLACE_OR_RETURN();
	pid = fork();
	if (pid == 0) {
		int fd = open("/sys/fs/cgroup", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (setuid(65534) < 0)
			_exit(2);
		ck_assert_fails(cgroup_dev_apply(fd, &l, e), EPERM, "it needs CAP_BPF");
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(attach_to_what_is_no_cgroup_fails)
{
	struct spec_linux l = { 0 };
	int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	PLACE_OR_RETURN();
	ck_assert_fails(cgroup_dev_apply(fd, &l, e), EBADF, "attach the device filter");
	(void)close(fd);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("cgroup_dev");
	TCase *t = tcase_create("tables");

	tcase_add_test(t, no_rules_deny_all_but_the_devices_of_every_container);
	tcase_add_test(t, rules_decide_as_the_tables_say);
	tcase_add_test(t, a_configured_device_of_the_same_path_replaces_the_default_rule);
	tcase_add_test(t, everything_allowed_needs_no_program);
	tcase_add_test(t, impossible_rules_are_refused_by_index);
	tcase_add_test(t, rules_that_do_not_fit_are_refused);
	suite_add_tcase(s, t);
	t = tcase_create("kernel");
	tcase_set_timeout(t, 30);
	tcase_add_test(t, kernel_enforces_the_default_list);
	tcase_add_test(t, kernel_enforces_rules_of_the_configuration);
	tcase_add_test(t, kernel_takes_the_most_rules);
	tcase_add_test(t, apply_without_privilege_says_what_lacks);
	tcase_add_test(t, attach_to_what_is_no_cgroup_fails);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return ck_run(make_suite());
}
