/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_caller.c: who calls: capabilities, subordinate ids, the state directory, husk's own helpers. */
#include "doctor.h"

#include "caps.h"
#include "fd.h"
#include "state.h"
#include "str.h"
#include "username.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define LINE_MAX_BYTES 512 /* of /etc/subuid */

/* What the host's root may lack inside an outer container. */
static void check_capabilities(struct doctor *d)
{
	static const struct {
		unsigned int cap;
		enum husk_verdict verdict;
		const char *what_for;
	} wanted[] = {
		{ CAP_SYS_ADMIN, HUSK_BROKEN, "mounts and namespaces" },
		{ CAP_SETUID, HUSK_BROKEN, "process.user" },
		{ CAP_SETGID, HUSK_BROKEN, "process.user" },
		{ CAP_SETPCAP, HUSK_LACKS, "process.capabilities" },
		{ CAP_NET_ADMIN, HUSK_LACKS, "linux.netDevices and the loopback device" },
		{ CAP_MKNOD, HUSK_LACKS, "linux.devices" },
		{ CAP_SYS_RESOURCE, HUSK_LACKS, "process.rlimits above husk's own, a lower oomScoreAdj" },
		{ CAP_KILL, HUSK_LACKS, "signals to containers of other users" },
		{ CAP_DAC_OVERRIDE, HUSK_LACKS, "files of other users" },
	};
	bool all = true;

	if (d->rootless)
		return;
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		if (prctl(PR_CAPBSET_READ, wanted[i].cap, 0, 0, 0) != 0)
			continue;
		all = false;
		doctor_add(d, wanted[i].verdict, "caller", "capabilities", "root lacks %s: %s",
			   caps_name(wanted[i].cap), wanted[i].what_for);
		doctor_remedy(d, "whoever started this root shell took it away: an outer container's capabilities");
	}
	if (all)
		doctor_add(d, HUSK_FINE, "caller", "capabilities", "all that husk makes use of");
}

/* newuidmap, as posix_spawnp() would find it: set-user-ID, or with file capabilities. */
static void check_id_tool(struct doctor *d, const char *name)
{
	static const char *const dirs[] = { "/usr/bin", "/bin", "/usr/sbin", "/sbin" };
	char path[64], caps[64];
	struct stat st;

	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dirs[i], name);
		if (stat(path, &st) < 0)
			continue;
		if (st.st_mode & S_ISUID || getxattr(path, "security.capability", caps, sizeof(caps)) > 0) {
			doctor_add(d, HUSK_FINE, "caller", name, "%s", path);
			return;
		}
		doctor_add(d, HUSK_LACKS, "caller", name, "%s has neither the set-user-ID bit nor a file capability",
			   path);
		doctor_remedy(d, "chmod u+s %s, or install the package uidmap anew", path);
		return;
	}
	doctor_add(d, HUSK_LACKS, "caller", name, "not found: containers can have one user id only");
	doctor_remedy(d, "install the package uidmap");
}

/* How many ids the file grants to the user (subuid(5)). */
static uint64_t granted_ids(const char *file, const char *name, uid_t uid)
{
	FILE *f = fopen(file, "re");
	char line[LINE_MAX_BYTES], digits[16];
	uint64_t sum = 0;

	(void)snprintf(digits, sizeof(digits), "%u", uid);
	while (f && fgets(line, sizeof(line), f)) {
		char *save = NULL, *who = strtok_r(line, ":\n", &save);
		char *count = strtok_r(NULL, ":\n", &save) ? strtok_r(NULL, ":\n", &save) : NULL;
		uint64_t n;

		if (count && (str_eq(who, name) || str_eq(who, digits)) && str_u64(count, UINT32_MAX, &n) == 0)
			sum += n;
	}
	if (f)
		(void)fclose(f);
	return sum;
}

static void check_ids(struct doctor *d, const char *file)
{
	AUTO_FREE char *name = username_find(geteuid());
	uint64_t n = granted_ids(file, name, geteuid());

	if (n) {
		doctor_add(d, HUSK_FINE, "caller", file, "%llu subordinate ids", (unsigned long long)n);
		return;
	}
	doctor_add(d, HUSK_LACKS, "caller", file, "no subordinate ids: containers can have one id only");
	doctor_remedy(d, "usermod --add-%s 100000-165535 %s", strstr(file, "subuid") ? "subuids" : "subgids",
		      name ? name : "USER");
}

static void check_state(struct doctor *d)
{
	AUTO_FD fd = -1;
	struct err e = { 0 };

	if (state_open_root(d->ctx, false, &fd, &e) == 0 || e.code == ENOENT) {
		doctor_add(d, HUSK_FINE, "caller", "state directory", "%s%s", d->ctx->root,
			   fd < 0 ? " (made by the first start)" : "");
		return;
	}
	doctor_add(d, HUSK_BROKEN, "caller", "state directory", "%s", e.msg);
	doctor_remedy(d, "name one that belongs to this user alone with --root, or set XDG_RUNTIME_DIR");
}

void doctor_caller(struct doctor *d)
{
	check_capabilities(d);
	if (geteuid() != 0) {
		check_id_tool(d, "newuidmap");
		check_id_tool(d, "newgidmap");
		check_ids(d, "/etc/subuid");
		check_ids(d, "/etc/subgid");
	}
	check_state(d);
}
