/* SPDX-License-Identifier: Apache-2.0 */
/*
 * caps.c: see caps.h.
 *
 * The sets are put on with as few system calls as they allow: one
 * PR_CAPBSET_DROP for each capability that is to go, one capset(2), and the
 * ambient calls only where ambient capabilities are in play. What the kernel
 * does not have is found out by its answers, not by asking first. Reasons for a
 * failure are looked up only once there is one.
 */
#include "caps.h"

#include "log.h"
#include "plan.h"
#include "str.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CAP_BITS 64  /* of a mask, and of capset's third version */
#define NAME_SIZE 32 /* "CAP_CHECKPOINT_RESTORE" and longer ones to come */

#define BIT(cap) (UINT64_C(1) << (cap))

/* libcap also reads numbers, and stops at the first byte that no name has. */
static bool is_plain_name(const char *name)
{
	for (; *name; name++)
		if (!((*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z') || *name == '_'))
			return false;
	return true;
}

int caps_bit(const char *name, uint64_t *out_bit)
{
	cap_value_t cap;

	if (!name || !is_plain_name(name) || cap_from_name(name, &cap) < 0 || cap < 0 || cap >= CAP_BITS)
		return -EINVAL;
	*out_bit = BIT(cap);
	return 0;
}

/* libcap's names in capital letters, as the spec writes them; made when first
 * asked for, which is only for messages and `husk features`. */
const char *caps_name(unsigned int cap)
{
	static char names[CAP_BITS][NAME_SIZE];
	char *name;

	if (cap >= CAP_BITS)
		return NULL;
	if (names[cap][0])
		return names[cap];
	name = cap_to_name((cap_value_t)cap);
	if (!name || !is_plain_name(name)) { /* digits: libcap does not know it */
		(void)cap_free(name);
		return NULL;
	}
	for (size_t i = 0; name[i] && i < NAME_SIZE - 1; i++)
		names[cap][i] = (char)toupper((unsigned char)name[i]);
	(void)cap_free(name);
	return names[cap];
}

/* libcap has asked the kernel when the program started. */
unsigned int caps_last(void)
{
	return (unsigned int)cap_max_bits() - 1;
}

/* "CAP_BPF CAP_PERFMON"; a number where there is no name. Cut to size. */
static const char *mask_text(uint64_t mask, char *buf, size_t size)
{
	size_t len = 0;

	buf[0] = '\0';
	for (unsigned int cap = 0; cap < CAP_BITS && len < size; cap++) {
		const char *name = caps_name(cap);
		const char *gap = len ? " " : "";

		if (!(mask & BIT(cap)))
			continue;
		if (name)
			len += (size_t)snprintf(buf + len, size - len, "%s%s", gap, name);
		else
			len += (size_t)snprintf(buf + len, size - len, "%s%u", gap, cap);
	}
	return buf;
}

int caps_apply_bounding(const struct caps_step *c, struct err *e)
{
	for (unsigned int cap = 0; cap < CAP_BITS; cap++) {
		char text[32];
		int code, had;

		if (c->sets[CAPS_BOUNDING] & BIT(cap))
			continue;
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0)
			continue;
		code = errno;
		if (code == EINVAL) /* beyond the kernel's last one */
			break;
		had = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);
		if (had < 0)
			break;
		if (had == 0) /* nothing to drop, so no privilege is needed */
			continue;
		return err_sys(e, code, "process.capabilities.bounding: drop %s (needs CAP_SETPCAP)",
			       mask_text(BIT(cap), text, sizeof(text)));
	}
	return 0;
}

static uint64_t pair(uint32_t low, uint32_t high)
{
	return (uint64_t)high << 32 | low;
}

/* Says why capset(2) failed: which of the asked ones this process cannot have. */
static int capset_err(struct err *e, int code, const struct caps_step *c)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2] = { 0 };
	uint64_t permitted = c->sets[CAPS_PERMITTED], effective = c->sets[CAPS_EFFECTIVE];
	uint64_t inheritable = c->sets[CAPS_INHERITABLE], has;
	char text[400];

	if (syscall(SYS_capget, &head, d) < 0)
		return err_sys(e, code, "capset: permitted %#jx, effective %#jx, inheritable %#jx",
			       (uintmax_t)permitted, (uintmax_t)effective, (uintmax_t)inheritable);
	has = pair(d[0].permitted, d[1].permitted);
	if (permitted & ~has)
		return err_sys(e, code, "capset: process.capabilities.permitted asks for %s, which husk itself lacks",
			       mask_text(permitted & ~has, text, sizeof(text)));
	if (effective & ~permitted)
		return err_sys(e, code, "capset: process.capabilities.effective asks for %s, not in permitted",
			       mask_text(effective & ~permitted, text, sizeof(text)));
	return err_sys(e, code, "capset: process.capabilities.inheritable asks for %s, not in bounding or permitted",
		       mask_text(inheritable, text, sizeof(text)));
}

/* capset(2) has already lowered what is not both permitted and inheritable. One
 * that cannot be raised is warned of, as runc does: engines ask for such sets. */
static int apply_ambient(uint64_t ambient, uint64_t can)
{
	char text[32];

	if (can & ~ambient)
		(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	for (unsigned int cap = 0; cap < CAP_BITS; cap++) {
		if (!(ambient & BIT(cap)) || prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) == 0)
			continue;
		if (errno == EINVAL) /* beyond the kernel's last one */
			break;
		log_warn("process.capabilities.ambient: raise %s: %s%s; skipping",
			 mask_text(BIT(cap), text, sizeof(text)), strerror(errno),
			 can & BIT(cap) ? "" : " (it must be in permitted and inheritable)");
	}
	return 0;
}

static int set_caps(uint64_t permitted, uint64_t effective, uint64_t inheritable)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2];

	for (int i = 0; i < 2; i++) {
		d[i].permitted = (uint32_t)(permitted >> (32 * i));
		d[i].effective = (uint32_t)(effective >> (32 * i));
		d[i].inheritable = (uint32_t)(inheritable >> (32 * i));
	}
	return syscall(SYS_capset, &head, d) < 0 ? -errno : 0;
}

int caps_apply(const struct caps_step *c, struct err *e)
{
	int r = set_caps(c->sets[CAPS_PERMITTED], c->sets[CAPS_EFFECTIVE], c->sets[CAPS_INHERITABLE]);

	if (r < 0)
		return capset_err(e, -r, c);
	return apply_ambient(c->sets[CAPS_AMBIENT], c->sets[CAPS_PERMITTED] & c->sets[CAPS_INHERITABLE]);
}

int caps_lower_readers(const struct caps_step *c, struct err *e)
{
	const uint64_t readers = BIT(CAP_DAC_OVERRIDE) | BIT(CAP_DAC_READ_SEARCH);
	uint64_t effective = c->sets[CAPS_EFFECTIVE];
	int r;

	if (!(effective & readers))
		return 0;
	r = set_caps(c->sets[CAPS_PERMITTED], effective & ~readers, c->sets[CAPS_INHERITABLE]);
	return r < 0 ? err_sys(e, -r, "capset: lower CAP_DAC_OVERRIDE for the last execve") : 0;
}
