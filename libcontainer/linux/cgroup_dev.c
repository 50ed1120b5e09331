/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_dev.c: see cgroup_dev.h.
 *
 * The program keeps the kinds of access that nothing has decided yet in a
 * register and walks the rules from the last to the first. A deny rule that
 * matches one of them ends it; an allow rule takes its kinds away; when none is
 * left the access is allowed. So each of read, write and mknod goes by the last
 * rule that names it: "r" and "w" in two rules allow opening for both, and a rule
 * that denies "w" also stops opening for both.
 */
#include "cgroup_dev.h"

#include "fd.h"
#include "log.h"
#include "str.h"

#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ACC_ALL (BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE)
#define RULE_INSNS_MAX 8      /* instructions of one rule */
#define FRAME_INSNS 8	      /* of the head and the end */
#define LOAD_TRIES 5	      /* a signal during verification makes EAGAIN */
#define VERIFIER_LOG_MAX 8192 /* bytes asked of the kernel's verifier */
#define VERIFIER_TAIL 400     /* bytes of them that are shown */
#define PROGRAM_NAME "husk_devices"
#define PROGRAMS_MAX 64 /* of one cgroup: BPF_CGROUP_MAX_PROGS */

/* Where the program keeps what; BPF_REG_1 is the context on entry. */
enum { REG_RESULT = BPF_REG_0, REG_CTX = BPF_REG_1, REG_TYPE, REG_LEFT, REG_MAJOR, REG_MINOR, REG_TEMP };

#define INSN(code_, dst_, src_, off_, imm_) \
	((struct bpf_insn){                 \
		.code = (code_), .dst_reg = (dst_), .src_reg = (src_), .off = (off_), .imm = (__s32)(imm_) })
#define LOAD(dst, field) INSN(BPF_LDX | BPF_MEM | BPF_W, dst, REG_CTX, offsetof(struct bpf_cgroup_dev_ctx, field), 0)
#define MOV(dst, imm) INSN(BPF_ALU | BPF_MOV | BPF_K, dst, 0, 0, imm)
#define MOV_REG(dst, src) INSN(BPF_ALU | BPF_MOV | BPF_X, dst, src, 0, 0)
#define AND(dst, imm) INSN(BPF_ALU | BPF_AND | BPF_K, dst, 0, 0, imm)
#define SHIFT_RIGHT(dst, imm) INSN(BPF_ALU | BPF_RSH | BPF_K, dst, 0, 0, imm)
#define JUMP_NE(reg, imm) INSN(BPF_JMP32 | BPF_JNE | BPF_K, reg, 0, 0, imm)
#define JUMP_EQ(reg, imm) INSN(BPF_JMP32 | BPF_JEQ | BPF_K, reg, 0, 0, imm)
#define EXIT() INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

/* ---- folding: config.json's rules to a plain list ---- */

struct rule {
	bool allow;
	char type; /* 'c' or 'b' */
	int64_t major, minor;
	unsigned int access; /* BPF_DEVCG_ACC_* */
};

struct policy {
	bool allow; /* what no rule decides */
	struct rule *rules;
	size_t n;
};

static const struct {
	const char *path; /* NULL: no device of its own */
	struct rule rule;
} defaults[] = {
	{ NULL, { true, 'c', -1, -1, BPF_DEVCG_ACC_MKNOD } },
	{ NULL, { true, 'b', -1, -1, BPF_DEVCG_ACC_MKNOD } },
	{ "/dev/null", { true, 'c', 1, 3, ACC_ALL } },
	{ "/dev/random", { true, 'c', 1, 8, ACC_ALL } },
	{ "/dev/full", { true, 'c', 1, 7, ACC_ALL } },
	{ "/dev/tty", { true, 'c', 5, 0, ACC_ALL } },
	{ "/dev/zero", { true, 'c', 1, 5, ACC_ALL } },
	{ "/dev/urandom", { true, 'c', 1, 9, ACC_ALL } },
	{ NULL, { true, 'c', 136, -1, ACC_ALL } }, /* pts */
	{ NULL, { true, 'c', 5, 2, ACC_ALL } },	   /* ptmx */
};

static bool policy_is_open(const struct policy *p)
{
	return p->allow && p->n == 0;
}

/* A rule that says what holds without any rule decides nothing. */
static void policy_add(struct policy *p, const struct rule *rule)
{
	if (p->n > 0 || rule->allow != p->allow)
		p->rules[p->n++] = *rule;
}

static int read_access(const char *letters, unsigned int *out)
{
	*out = 0;
	for (const char *c = letters; c && *c; c++) {
		switch (*c) {
		case 'r':
			*out |= BPF_DEVCG_ACC_READ;
			break;
		case 'w':
			*out |= BPF_DEVCG_ACC_WRITE;
			break;
		case 'm':
			*out |= BPF_DEVCG_ACC_MKNOD;
			break;
		default:
			return -EINVAL;
		}
	}
	return *out ? 0 : -EINVAL;
}

/* -1 (and what is below, as runc takes it) stands for any number. */
static bool is_number(int64_t v)
{
	return v >= 0;
}

static int policy_add_spec(struct policy *p, const struct spec_device_rule *from, size_t index, struct err *e)
{
	struct rule rule = { .allow = from->allow, .type = from->type, .major = from->major, .minor = from->minor };

	if (read_access(from->access, &rule.access) < 0)
		return err_set(e, EINVAL, "linux.resources.devices[%zu].access: expected letters of 'rwm', got '%s'",
			       index, from->access ? from->access : "");
	if (from->type == 'a') { /* whatever its numbers and access: runc, and cgroup v1's devices.allow */
		p->allow = from->allow;
		p->n = 0;
		return 0;
	}
	if (from->type != 'b' && from->type != 'c')
		return err_set(e, EINVAL, "linux.resources.devices[%zu].type: expected 'a', 'b' or 'c', got '%c'",
			       index, from->type);
	if (from->major > UINT32_MAX || from->minor > UINT32_MAX)
		return err_set(e, ERANGE, "linux.resources.devices[%zu]: the kernel has no device %lld:%lld", index,
			       (long long)from->major, (long long)from->minor);
	policy_add(p, &rule);
	return 0;
}

static bool has_device(const struct spec_device *devices, size_t n, const char *path)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(devices[i].path, path))
			return true;
	return false;
}

/* rules of *out are malloc'ed, also on failure. */
static int policy_make(const struct spec_device_rule *rules, size_t n, const struct spec_device *devices,
		       size_t n_devices, struct policy *out, struct err *e)
{
	out->rules = x_calloc(n + ARRAY_LEN(defaults), sizeof(*out->rules));
	for (size_t i = 0; i < n; i++) {
		int r = policy_add_spec(out, &rules[i], i, e);

		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < ARRAY_LEN(defaults); i++)
		if (!defaults[i].path || !has_device(devices, n_devices, defaults[i].path))
			policy_add(out, &defaults[i].rule);
	return 0;
}

/* ---- the program ---- */

struct prog {
	struct bpf_insn *insns;
	size_t n;
};

static void emit(struct prog *p, struct bpf_insn insn)
{
	p->insns[p->n++] = insn;
}

static void emit_head(struct prog *p)
{
	emit(p, LOAD(REG_TYPE, access_type)); /* BPF_DEVCG_DEV_* below, BPF_DEVCG_ACC_* in the upper half */
	emit(p, MOV_REG(REG_LEFT, REG_TYPE));
	emit(p, SHIFT_RIGHT(REG_LEFT, 16));
	emit(p, AND(REG_TYPE, 0xffff));
	emit(p, LOAD(REG_MAJOR, major));
	emit(p, LOAD(REG_MINOR, minor));
}

static void emit_end(struct prog *p, bool allow)
{
	emit(p, MOV(REG_RESULT, allow));
	emit(p, EXIT());
}

/* Jumps that leave the rule get their distance last, when its end is known. */
static void emit_rule(struct prog *p, const struct rule *rule)
{
	size_t jumps[RULE_INSNS_MAX], n = 0;

	jumps[n++] = p->n;
	emit(p, JUMP_NE(REG_TYPE, rule->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR));
	if (is_number(rule->major)) {
		jumps[n++] = p->n;
		emit(p, JUMP_NE(REG_MAJOR, rule->major));
	}
	if (is_number(rule->minor)) {
		jumps[n++] = p->n;
		emit(p, JUMP_NE(REG_MINOR, rule->minor));
	}
	if (rule->access != ACC_ALL && rule->allow) {
		emit(p, AND(REG_LEFT, ACC_ALL & ~rule->access));
		jumps[n++] = p->n;
		emit(p, JUMP_NE(REG_LEFT, 0));
	} else if (rule->access != ACC_ALL) {
		emit(p, MOV_REG(REG_TEMP, REG_LEFT));
		emit(p, AND(REG_TEMP, rule->access));
		jumps[n++] = p->n;
		emit(p, JUMP_EQ(REG_TEMP, 0));
	}
	emit_end(p, rule->allow);
	for (size_t i = 0; i < n; i++)
		p->insns[jumps[i]].off = (__s16)(p->n - jumps[i] - 1);
}

int cgroup_dev_compile(const struct spec_device_rule *rules, size_t n, const struct spec_device *devices,
		       size_t n_devices, struct bpf_insn *insns, size_t *out_n, struct err *e)
{
	struct prog prog = { .insns = insns };
	struct policy policy = { 0 };
	AUTO_FREE struct rule *owned = NULL;
	int r = policy_make(rules, n, devices, n_devices, &policy, e);

	owned = policy.rules;
	if (r < 0)
		return r;
	if (policy_is_open(&policy)) {
		*out_n = 0;
		return 0;
	}
	if (policy.n > (CGROUP_DEV_INSNS_MAX - FRAME_INSNS) / RULE_INSNS_MAX)
		return err_set(e, E2BIG, "linux.resources.devices: %zu rules are too many: at most %d", n,
			       (int)((CGROUP_DEV_INSNS_MAX - FRAME_INSNS) / RULE_INSNS_MAX - ARRAY_LEN(defaults)));
	emit_head(&prog);
	for (size_t i = policy.n; i > 0; i--)
		emit_rule(&prog, &policy.rules[i - 1]);
	emit_end(&prog, policy.allow);
	*out_n = prog.n;
	return 0;
}

/* ---- the kernel ---- */

static int sys_bpf(enum bpf_cmd cmd, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

/* Loads once more, for the verifier's words, and puts the last of them into the message. */
static int load_failed(union bpf_attr *attr, int code, struct err *e)
{
	AUTO_FREE char *text = x_calloc(1, VERIFIER_LOG_MAX);
	AUTO_FD fd = -1;
	size_t len;

	if (code == EPERM)
		return err_sys(e, code,
			       "linux.resources.devices: load the device filter (it needs CAP_BPF and CAP_NET_ADMIN, "
			       "or CAP_SYS_ADMIN, in the initial user namespace)");
	attr->log_level = 1;
	attr->log_buf = (uintptr_t)text;
	attr->log_size = VERIFIER_LOG_MAX;
	fd = sys_bpf(BPF_PROG_LOAD, attr);
	len = strnlen(text, VERIFIER_LOG_MAX - 1);
	while (len > 0 && text[len - 1] == '\n')
		text[--len] = '\0';
	return err_set(e, code, "linux.resources.devices: load the device filter: %s%s%s", strerror(code),
		       len > 0 ? ": " : "", text + (len > VERIFIER_TAIL ? len - VERIFIER_TAIL : 0));
}

static int load(const struct bpf_insn *insns, size_t n, struct err *e)
{
	static const char license[] = "Apache-2.0";
	union bpf_attr attr;
	int fd = -1;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.insns = (uintptr_t)insns;
	attr.insn_cnt = (__u32)n;
	attr.license = (uintptr_t)license;
	(void)snprintf(attr.prog_name, sizeof(attr.prog_name), PROGRAM_NAME);
	for (int i = 0; i < LOAD_TRIES; i++) {
		fd = sys_bpf(BPF_PROG_LOAD, &attr);
		if (fd >= 0 || errno != EAGAIN)
			break;
	}
	return fd < 0 ? load_failed(&attr, errno, e) : fd;
}

/* A descriptor of the program `id` if it is one of husk's; -ENOENT if not. */
static int open_own(__u32 id)
{
	struct bpf_prog_info info = { 0 };
	union bpf_attr attr;
	AUTO_FD fd = -1;

	memset(&attr, 0, sizeof(attr));
	attr.prog_id = id;
	fd = sys_bpf(BPF_PROG_GET_FD_BY_ID, &attr);
	if (fd < 0)
		return -errno;
	memset(&attr, 0, sizeof(attr));
	attr.info.bpf_fd = (__u32)fd;
	attr.info.info_len = sizeof(info);
	attr.info.info = (uintptr_t)&info;
	if (sys_bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) < 0)
		return -errno;
	return strncmp(info.name, PROGRAM_NAME, sizeof(info.name)) == 0 ? fd_take(&fd) : -ENOENT;
}

/* husk's program on this very cgroup, -1 when there is none. *out_n: how many programs it has. */
static int find_own(int cgroup_fd, int *out_fd, size_t *out_n, struct err *e)
{
	__u32 ids[PROGRAMS_MAX];
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.query.target_fd = (__u32)cgroup_fd;
	attr.query.attach_type = BPF_CGROUP_DEVICE;
	attr.query.prog_ids = (uintptr_t)ids;
	attr.query.prog_cnt = PROGRAMS_MAX;
	if (sys_bpf(BPF_PROG_QUERY, &attr) < 0)
		return err_sys(e, errno, "linux.resources.devices: find the cgroup's device filter");
	*out_n = attr.query.prog_cnt;
	*out_fd = -1;
	for (size_t i = 0; i < *out_n && *out_fd < 0; i++)
		*out_fd = open_own(ids[i]);
	if (*out_fd < 0)
		*out_fd = -1;
	return 0;
}

/* old: the program to be replaced, or -1. */
static int attach(int cgroup_fd, int prog, int old, struct err *e)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (__u32)cgroup_fd;
	attr.attach_bpf_fd = (__u32)prog;
	attr.attach_type = BPF_CGROUP_DEVICE;
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	if (old >= 0) {
		attr.attach_flags |= BPF_F_REPLACE;
		attr.replace_bpf_fd = (__u32)old;
	}
	if (sys_bpf(BPF_PROG_ATTACH, &attr) < 0)
		return err_sys(e, errno, "linux.resources.devices: attach the device filter to the cgroup%s",
			       errno == EINVAL ? " (does the kernel have CONFIG_CGROUP_BPF?)" : "");
	return 0;
}

static int detach(int cgroup_fd, int old, struct err *e)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (__u32)cgroup_fd;
	attr.attach_bpf_fd = (__u32)old;
	attr.attach_type = BPF_CGROUP_DEVICE;
	if (sys_bpf(BPF_PROG_DETACH, &attr) < 0)
		return err_sys(e, errno, "linux.resources.devices: detach the device filter from the cgroup");
	return 0;
}

/* old: the program that is to go, or -1. *out_prog: the one that came, or -1. */
static int put(int cgroup_fd, const struct spec_linux *l, int old, int *out_prog, struct err *e)
{
	AUTO_FREE struct bpf_insn *insns = x_calloc(CGROUP_DEV_INSNS_MAX, sizeof(*insns));
	AUTO_FD prog = -1;
	size_t n;
	int r;

	r = cgroup_dev_compile(l->device_rules, l->n_device_rules, l->devices, l->n_devices, insns, &n, e);
	if (r < 0)
		return r;
	if (n == 0)
		return old < 0 ? 0 : detach(cgroup_fd, old, e);
	prog = load(insns, n, e);
	r = prog < 0 ? prog : attach(cgroup_fd, prog, old, e);
	if (r == 0)
		*out_prog = fd_take(&prog);
	return r;
}

int cgroup_dev_apply(int cgroup_fd, const struct spec_linux *l, struct err *e)
{
	AUTO_FD prog = -1;

	return put(cgroup_fd, l, -1, &prog, e);
}

int cgroup_dev_replace(int cgroup_fd, const struct spec_linux *l, struct cgroup_dev_change *out, struct err *e)
{
	AUTO_FD old = -1, prog = -1;
	size_t n;
	int r = find_own(cgroup_fd, &old, &n, e);

	if (r == 0)
		r = put(cgroup_fd, l, old, &prog, e);
	if (r == 0)
		*out = (struct cgroup_dev_change){ .before = fd_take(&old), .after = fd_take(&prog) };
	return r;
}

int cgroup_dev_undo(int cgroup_fd, const struct cgroup_dev_change *c, struct err *e)
{
	if (c->before >= 0)
		return attach(cgroup_fd, c->before, c->after, e);
	return c->after >= 0 ? detach(cgroup_fd, c->after, e) : 0;
}

void cgroup_dev_change_free(struct cgroup_dev_change *c)
{
	fd_close(&c->before);
	fd_close(&c->after);
}

int cgroup_dev_limit(int cgroup_fd, const struct spec_linux *l, bool rootless, bool new_cgroup,
		     struct cgroup_dev_change *out, struct err *e)
{
	int r = new_cgroup ? cgroup_dev_apply(cgroup_fd, l, e) : cgroup_dev_replace(cgroup_fd, l, out, e);

	if (r != -EPERM || !rootless)
		return r;
	log_info("%s: ignoring", e->msg);
	return 0;
}

bool cgroup_dev_is_others(int cgroup_fd)
{
	AUTO_FD own = -1;
	size_t n;

	return find_own(cgroup_fd, &own, &n, NULL) == 0 && own < 0 && n > 0;
}

int cgroup_dev_probe(void)
{
	const struct bpf_insn allow_all[] = { MOV(REG_RESULT, 1), EXIT() };
	AUTO_FD fd = load(allow_all, ARRAY_LEN(allow_all), NULL);

	return fd < 0 ? fd : 0;
}
