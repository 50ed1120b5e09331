/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp_compile.c: see seccomp_compile.h.
 *
 * Names become libseccomp's values by the tables below, which `husk features`
 * shows too. libseccomp builds the program; it is exported to memory, gets the
 * ENOSYS head where it is strict (seccomp_enosys.h), and is installed by plain
 * seccomp(2), later and in another process.
 */
#include "seccomp_compile.h"

#include "fd.h"
#include "kernel.h"
#include "log.h"
#include "seccomp_enosys.h"
#include "str.h"

#include <linux/bpf_common.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define TREE_RULES 32	     /* above it the tree is smaller; libseccomp <= 2.5.4 cannot do one of no rules */
#define ARGS_MAX 6	     /* of a system call */
#define ERRNO_MAX 4095	     /* the kernel's MAX_ERRNO */
#define TRACE_MAX UINT16_MAX /* what a tracer is given */

enum data_kind { DATA_NONE, DATA_ERRNO, DATA_TRACE };

static const struct {
	uint32_t value;
	enum data_kind data;
} actions[] = {
	{ SCMP_ACT_ALLOW, DATA_NONE },	      { SCMP_ACT_ERRNO(0), DATA_ERRNO },   { SCMP_ACT_KILL, DATA_NONE },
	{ SCMP_ACT_KILL_PROCESS, DATA_NONE }, { SCMP_ACT_KILL_THREAD, DATA_NONE }, { SCMP_ACT_LOG, DATA_NONE },
	{ SCMP_ACT_NOTIFY, DATA_NONE },	      { SCMP_ACT_TRACE(0), DATA_TRACE },   { SCMP_ACT_TRAP, DATA_NONE },
};
static const char *const action_names[] = {
	"SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO",  "SCMP_ACT_KILL",  "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD",
	"SCMP_ACT_LOG",	  "SCMP_ACT_NOTIFY", "SCMP_ACT_TRACE", "SCMP_ACT_TRAP",		NULL
};
_Static_assert(ARRAY_LEN(action_names) == ARRAY_LEN(actions) + 1, "one name an action");

static const enum scmp_compare operators[] = { SCMP_CMP_EQ, SCMP_CMP_GE,	SCMP_CMP_GT, SCMP_CMP_LE,
					       SCMP_CMP_LT, SCMP_CMP_MASKED_EQ, SCMP_CMP_NE };
static const char *const operator_names[] = { "SCMP_CMP_EQ", "SCMP_CMP_GE",	   "SCMP_CMP_GT", "SCMP_CMP_LE",
					      "SCMP_CMP_LT", "SCMP_CMP_MASKED_EQ", "SCMP_CMP_NE", NULL };
_Static_assert(ARRAY_LEN(operator_names) == ARRAY_LEN(operators) + 1, "one name an operator");

static const uint32_t archs[] = {
	SCMP_ARCH_AARCH64,     SCMP_ARCH_ARM,
#ifdef SCMP_ARCH_LOONGARCH64 /* libseccomp 2.6 */
	SCMP_ARCH_LOONGARCH64,
#endif
	SCMP_ARCH_MIPS,	       SCMP_ARCH_MIPS64,  SCMP_ARCH_MIPS64N32, SCMP_ARCH_MIPSEL, SCMP_ARCH_MIPSEL64,
	SCMP_ARCH_MIPSEL64N32, SCMP_ARCH_PARISC,  SCMP_ARCH_PARISC64,  SCMP_ARCH_PPC,	 SCMP_ARCH_PPC64,
	SCMP_ARCH_PPC64LE,     SCMP_ARCH_RISCV64, SCMP_ARCH_S390,      SCMP_ARCH_S390X,	 SCMP_ARCH_X32,
	SCMP_ARCH_X86,	       SCMP_ARCH_X86_64,
};
static const char *const arch_names[] = {
	"SCMP_ARCH_AARCH64",	 "SCMP_ARCH_ARM",
#ifdef SCMP_ARCH_LOONGARCH64
	"SCMP_ARCH_LOONGARCH64",
#endif
	"SCMP_ARCH_MIPS",	 "SCMP_ARCH_MIPS64",   "SCMP_ARCH_MIPS64N32",
	"SCMP_ARCH_MIPSEL",	 "SCMP_ARCH_MIPSEL64", "SCMP_ARCH_MIPSEL64N32",
	"SCMP_ARCH_PARISC",	 "SCMP_ARCH_PARISC64", "SCMP_ARCH_PPC",
	"SCMP_ARCH_PPC64",	 "SCMP_ARCH_PPC64LE",  "SCMP_ARCH_RISCV64",
	"SCMP_ARCH_S390",	 "SCMP_ARCH_S390X",    "SCMP_ARCH_X32",
	"SCMP_ARCH_X86",	 "SCMP_ARCH_X86_64",   NULL,
};
_Static_assert(ARRAY_LEN(arch_names) == ARRAY_LEN(archs) + 1, "one name an architecture");

static const unsigned int flags[] = { SECCOMP_FILTER_FLAG_LOG, SECCOMP_FILTER_FLAG_SPEC_ALLOW,
				      SECCOMP_FILTER_FLAG_TSYNC, SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV };
static const char *const flag_names[] = { "SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
					  "SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", NULL };
_Static_assert(ARRAY_LEN(flag_names) == ARRAY_LEN(flags) + 1, "one name a flag");

const char *const *seccomp_action_names(void)
{
	return action_names;
}

const char *const *seccomp_operator_names(void)
{
	return operator_names;
}

const char *const *seccomp_arch_names(void)
{
	return arch_names;
}

const char *const *seccomp_flag_names(void)
{
	return flag_names;
}

static int name_index(const char *const *names, const char *name)
{
	for (int i = 0; name && names[i]; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -ENOENT;
}

int seccomp_flag_value(const char *name, unsigned int *out_flag)
{
	int i = name_index(flag_names, name);

	if (i < 0)
		return -EINVAL;
	*out_flag = flags[i];
	return 0;
}

/* Where an action stands in config.json, for messages. */
struct place {
	const char *object, *data_key; /* "linux.seccomp.syscalls[3]", "errnoRet" */
	const char *action_key;
};

static int find_action(const char *name, bool have_data, uint32_t data, const struct place *at, uint32_t *out,
		       struct err *e)
{
	int i = name_index(action_names, name);
	uint32_t max;

	if (i < 0)
		return err_set(e, EINVAL, "%s.%s: unknown action '%s'", at->object, at->action_key, name ? name : "");
	*out = actions[i].value;
	if (actions[i].data == DATA_NONE) {
		if (have_data)
			return err_set(e, EINVAL, "%s.%s: %s takes no errno", at->object, at->data_key, name);
		return 0;
	}
	max = actions[i].data == DATA_ERRNO ? ERRNO_MAX : TRACE_MAX;
	if (have_data && data > max)
		return err_set(e, EINVAL, "%s.%s: %u is above %u", at->object, at->data_key, data, max);
	*out |= have_data ? data : EPERM;
	return 0;
}

static int add_archs(scmp_filter_ctx ctx, const struct spec_seccomp *s, struct err *e)
{
	for (size_t i = 0; i < s->architectures.n; i++) {
		const char *name = s->architectures.v[i];
		int a = name_index(arch_names, name), r;

		if (a < 0)
			return err_set(e, EINVAL, "linux.seccomp.architectures[%zu]: unknown architecture '%s'", i,
				       name);
		r = seccomp_arch_add(ctx, archs[a]);
		if (r < 0 && r != -EEXIST) /* the native one is always there */
			return err_sys(e, -r, "linux.seccomp.architectures[%zu]: add '%s' beside the native one", i,
				       name);
	}
	return 0;
}

/* What seccomp(2) must have besides where a rule notifies. With TSYNC both a listener and the id of a
 * thread that cannot follow would be the result, but for TSYNC_ESRCH. */
static unsigned int listener_flags(const struct spec_seccomp *s, unsigned int asked)
{
	for (size_t i = 0; i < s->n_rules; i++)
		if (str_eq(s->rules[i].action, "SCMP_ACT_NOTIFY"))
			return SECCOMP_FILTER_FLAG_NEW_LISTENER |
			       (asked & SECCOMP_FILTER_FLAG_TSYNC ? SECCOMP_FILTER_FLAG_TSYNC_ESRCH : 0);
	return 0;
}

/* Without the key, as runc: SPEC_ALLOW, which kernels from 5.16 on do by themselves. */
static int find_flags(const struct spec_seccomp *s, unsigned int *out, struct err *e)
{
	unsigned int all = s->flags.v ? 0 : SECCOMP_FILTER_FLAG_SPEC_ALLOW, flag;

	for (size_t i = 0; i < s->flags.n; i++) {
		if (seccomp_flag_value(s->flags.v[i], &flag) < 0)
			return err_set(e, EINVAL, "linux.seccomp.flags[%zu]: unknown flag '%s'", i, s->flags.v[i]);
		all |= flag;
	}
	*out = all | listener_flags(s, all);
	if (!(*out & SECCOMP_FILTER_FLAG_NEW_LISTENER)) /* the kernel refuses it then */
		*out &= ~(unsigned int)SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	return 0;
}

/* libseccomp takes each argument once in a rule. As runc has it, conditions of a
 * rule that names one twice become rules of their own (any of them matches). */
static int add_conditions(scmp_filter_ctx ctx, uint32_t action, int nr, const struct scmp_arg_cmp *v, unsigned int n,
			  bool apart)
{
	if (!apart)
		return seccomp_rule_add_array(ctx, action, nr, n, v);
	for (unsigned int i = 0; i < n; i++) {
		int r = seccomp_rule_add_array(ctx, action, nr, 1, &v[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

/* Fills out, which has room for n; *out_apart as add_conditions() wants it. */
static int find_conditions(const struct spec_seccomp_rule *rule, size_t index, struct scmp_arg_cmp *out,
			   bool *out_apart, struct err *e)
{
	unsigned int seen = 0;

	*out_apart = false;
	for (size_t i = 0; i < rule->n_args; i++) {
		const struct spec_seccomp_arg *a = &rule->args[i];
		int op = name_index(operator_names, a->op);

		if (op < 0)
			return err_set(e, EINVAL, "linux.seccomp.syscalls[%zu].args[%zu].op: unknown operator '%s'",
				       index, i, a->op ? a->op : "");
		if (a->index >= ARGS_MAX)
			return err_set(e, EINVAL, "linux.seccomp.syscalls[%zu].args[%zu].index: %u is above %d", index,
				       i, a->index, ARGS_MAX - 1);
		if (seen & (1U << a->index))
			*out_apart = true;
		seen |= 1U << a->index;
		out[i] = (struct scmp_arg_cmp){ a->index, operators[op], a->value, a->value_two };
	}
	return 0;
}

static int add_rule(scmp_filter_ctx ctx, const struct spec_seccomp_rule *rule, size_t index, uint32_t default_action,
		    struct err *e)
{
	AUTO_FREE struct scmp_arg_cmp *conditions = x_calloc(rule->n_args + 1, sizeof(*conditions));
	char object[48];
	const struct place at = { object, "errnoRet", "action" };
	uint32_t action;
	bool apart = false;
	int r;

	(void)snprintf(object, sizeof(object), "linux.seccomp.syscalls[%zu]", index);
	r = find_action(rule->action, rule->have_errno_ret, rule->errno_ret, &at, &action, e);
	if (r == 0)
		r = find_conditions(rule, index, conditions, &apart, e);
	if (r < 0 || action == default_action) /* libseccomp refuses a rule that changes nothing */
		return r;
	for (size_t i = 0; i < rule->names.n; i++) {
		const char *name = rule->names.v[i];
		int nr = seccomp_syscall_resolve_name(name);

		if (nr == __NR_SCMP_ERROR) {
			log_debug("%s.names: unknown system call '%s'; skipping", object, name);
			continue;
		}
		r = add_conditions(ctx, action, nr, conditions, (unsigned int)rule->n_args, apart);
		if (r < 0)
			return err_sys(e, -r, "%s: add the rule for '%s'", object, name);
	}
	return 0;
}

/* The highest number that any rule names; 0 when none does. */
static uint32_t last_number(const struct spec_seccomp *s, uint32_t arch)
{
	int last = 0;

	for (size_t i = 0; i < s->n_rules; i++) {
		for (size_t j = 0; j < s->rules[i].names.n; j++) {
			int nr = seccomp_syscall_resolve_name_arch(arch, s->rules[i].names.v[j]);

			if (nr > last)
				last = nr;
		}
	}
	return (uint32_t)last;
}

/* Adds what is known of one of libseccomp's architectures to v[0..n); returns
 * the new n. x32 shares its AUDIT_ARCH_* with x86_64. */
static size_t add_last(struct enosys_arch *v, size_t n, uint32_t arch, uint32_t last)
{
	uint32_t audit_arch = arch == SCMP_ARCH_X32 ? SCMP_ARCH_X86_64 : arch;
	size_t i = 0;

	while (i < n && v[i].audit_arch != audit_arch)
		i++;
	if (i == n)
		v[n++] = (struct enosys_arch){ .audit_arch = audit_arch,
					       .zero_is_newer = arch == SCMP_ARCH_S390 || arch == SCMP_ARCH_S390X };
	if (arch == SCMP_ARCH_X32)
		v[i].last_x32 = last;
	else
		v[i].last = last;
	return n;
}

/* A default of ENOSYS needs no head. One that lets calls pass needs none either:
 * the kernel says ENOSYS itself; a tracer is left to answer for what it traces. */
static bool wants_head(uint32_t action)
{
	return action != SCMP_ACT_ALLOW && action != SCMP_ACT_LOG && action != SCMP_ACT_ERRNO(ENOSYS) &&
	       (action & SECCOMP_RET_ACTION_FULL) != SCMP_ACT_TRACE(0);
}

static size_t make_head(const struct spec_seccomp *s, uint32_t default_action, struct sock_filter *out)
{
	struct enosys_arch v[ARRAY_LEN(archs) + 1]; /* a native one need not be in the table */
	uint32_t native = seccomp_arch_native();
	size_t n = 0;

	if (!wants_head(default_action))
		return 0;
	n = add_last(v, n, native, last_number(s, native));
	for (size_t i = 0; i < s->architectures.n; i++) {
		int a = name_index(arch_names, s->architectures.v[i]);

		if (archs[a] != native)
			n = add_last(v, n, archs[a], last_number(s, archs[a]));
	}
	return seccomp_enosys_head(v, n, out);
}

/* Joins head and filter in *out. */
static int export_program(scmp_filter_ctx ctx, const struct sock_filter *head, size_t n_head, struct seccomp_prog *out,
			  struct err *e)
{
	AUTO_FD fd = memfd_create("seccomp", MFD_CLOEXEC);
	AUTO_FREE struct sock_filter *insns = NULL;
	struct stat st;
	size_t n;
	int r;

	if (fd < 0)
		return err_sys(e, errno, "linux.seccomp: memfd_create");
	r = seccomp_export_bpf(ctx, fd);
	if (r < 0)
		return err_sys(e, -r, "linux.seccomp: make the program");
	if (fstat(fd, &st) < 0)
		return err_sys(e, errno, "linux.seccomp: size of the program");
	n = (size_t)st.st_size / sizeof(*insns);
	if (n == 0 || n + n_head > BPF_MAXINSNS)
		return err_set(e, E2BIG, "linux.seccomp: the rules make %zu instructions, the kernel takes %d",
			       n + n_head, BPF_MAXINSNS);
	insns = x_calloc(n_head + n, sizeof(*insns));
	memcpy(insns, head, n_head * sizeof(*insns));
	if (pread(fd, insns + n_head, n * sizeof(*insns), 0) != (ssize_t)(n * sizeof(*insns)))
		return err_set(e, EIO, "linux.seccomp: read the program back");
	out->n = (unsigned short)(n_head + n);
	out->insns = insns;
	insns = NULL;
	return 0;
}

static void ctx_cleanup(scmp_filter_ctx *ctx)
{
	if (*ctx)
		seccomp_release(*ctx);
}

/* Adds all rules; *out_n counts the system calls named. */
static int add_rules(scmp_filter_ctx ctx, const struct spec_seccomp *s, uint32_t default_action, size_t *out_n,
		     struct err *e)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_rules; i++) {
		int r = add_rule(ctx, &s->rules[i], i, default_action, e);

		if (r < 0)
			return r;
		n += s->rules[i].names.n;
	}
	*out_n = n;
	return 0;
}

int seccomp_compile(const struct spec_seccomp *s, enum seccomp_lookup lookup, struct seccomp_prog *out, struct err *e)
{
	const struct place at = { "linux.seccomp", "defaultErrnoRet", "defaultAction" };
	__attribute__((cleanup(ctx_cleanup))) scmp_filter_ctx ctx = NULL;
	struct sock_filter head[ENOSYS_INSNS(ARRAY_LEN(archs) + 1)];
	struct seccomp_prog prog = { 0 };
	uint32_t action;
	size_t n_rules = 0;
	int r;

	r = find_action(s->default_action, s->have_default_errno_ret, s->default_errno_ret, &at, &action, e);
	if (r == 0 && action == SCMP_ACT_NOTIFY)
		return err_set(e, EINVAL,
			       "linux.seccomp.defaultAction: SCMP_ACT_NOTIFY is for the rules of "
			       "linux.seccomp.syscalls alone, as it would ask the agent about every call");
	if (r == 0)
		r = find_flags(s, &prog.flags, e);
	if (r < 0)
		return r;
	ctx = seccomp_init(action);
	if (!ctx)
		return err_set(e, EINVAL, "linux.seccomp.defaultAction: libseccomp or the kernel has no '%s'",
			       s->default_action);
	r = add_archs(ctx, s, e);
	if (r == 0)
		r = add_rules(ctx, s, action, &n_rules, e);
	if (r < 0)
		return r;
	if (lookup == SECCOMP_LOOKUP_TREE || (lookup == SECCOMP_LOOKUP_AUTO && n_rules > TREE_RULES))
		(void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	r = export_program(ctx, head, make_head(s, action, head), &prog, e);
	if (r == 0)
		*out = prog;
	return r;
}

int seccomp_check_names(const struct spec_seccomp *s, struct err *e)
{
	for (size_t i = 0; i < s->n_rules; i++)
		for (size_t j = 0; j < s->rules[i].names.n; j++)
			if (seccomp_syscall_resolve_name(s->rules[i].names.v[j]) == __NR_SCMP_ERROR)
				return err_set(e, EINVAL,
					       "linux.seccomp.syscalls[%zu].names[%zu]: unknown system call '%s'", i, j,
					       s->rules[i].names.v[j]);
	return 0;
}
