/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec_check.c: what types alone cannot say: keys that need or exclude each other,
 * and values that no kernel takes. Pure: it makes no system calls and looks at
 * nothing but the spec.
 */
#include "spec.h"

#include "kernel.h"
#include "str.h"

#include <stdio.h>
#include <string.h>

#define HOSTNAME_MAX_LEN 64 /* __NEW_UTS_LEN */
#define ID_MAPS_MAX 340	    /* user_namespaces(7), Linux 4.15 */
#define RLIMITS_MAX 32	    /* twice as many as Linux has */
#define SYSCTL_KEY_MAX 256

#define refuse(e, ...) json_err(e, EINVAL, NULL, __VA_ARGS__)

/* --- process --- */

static int check_env(const struct strv *env, struct err *e)
{
	size_t i;

	for (i = 0; i < env->n; i++) {
		const char *equals = strchr(env->v[i], '=');

		if (!equals || equals == env->v[i])
			return refuse(e, "process.env[%zu]: expected NAME=value, got '%s'", i, env->v[i]);
	}
	return 0;
}

static int check_rlimits(const struct spec_process *p, struct err *e)
{
	size_t i, other;

	if (p->n_rlimits > RLIMITS_MAX)
		return refuse(e, "process.rlimits: more than %d entries", RLIMITS_MAX);
	for (i = 0; i < p->n_rlimits; i++) {
		const struct spec_rlimit *limit = &p->rlimits[i];

		if (limit->soft > limit->hard)
			return refuse(e, "process.rlimits[%zu]: the soft limit %llu of %s is above the hard limit %llu",
				      i, (unsigned long long)limit->soft, limit->type, (unsigned long long)limit->hard);
		for (other = 0; other < i; other++)
			if (strcmp(p->rlimits[other].type, limit->type) == 0)
				return refuse(e, "process.rlimits[%zu].type: '%s' is there twice", i, limit->type);
	}
	return 0;
}

int spec_check_process(const struct spec_process *process, struct err *e)
{
	int r;

	if (process->args.n == 0)
		return refuse(e, "process.args: required, but missing or empty");
	if (!*process->args.v[0])
		return refuse(e, "process.args[0]: the name of the program is empty");
	if (!process->cwd)
		return refuse(e, "process.cwd: required, but missing or empty");
	if (*process->cwd != '/')
		return refuse(e, "process.cwd: expected an absolute path, got '%s'", process->cwd);
	r = check_env(&process->env, e);
	return r < 0 ? r : check_rlimits(process, e);
}

/* --- user namespace --- */

static bool ranges_overlap(uint32_t a, uint32_t a_size, uint32_t b, uint32_t b_size)
{
	return a < b ? b - a < a_size : a - b < b_size;
}

static int check_id_maps(const char *key, const struct spec_id_map *maps, size_t n, struct err *e)
{
	size_t i, other;

	if (n > ID_MAPS_MAX)
		return refuse(e, "%s: %zu entries, but Linux takes at most %d", key, n, ID_MAPS_MAX);
	for (i = 0; i < n; i++) {
		const struct spec_id_map *m = &maps[i];

		if (m->size == 0)
			return refuse(e, "%s[%zu].size: expected a number above 0", key, i);
		if (m->size > UINT32_MAX - m->container_id || m->size > UINT32_MAX - m->host_id)
			return refuse(e, "%s[%zu]: the range ends beyond the last id, %u", key, i, UINT32_MAX - 1);
		for (other = 0; other < i; other++) {
			const struct spec_id_map *o = &maps[other];

			if (ranges_overlap(m->container_id, m->size, o->container_id, o->size))
				return refuse(e, "%s[%zu]: container ids overlap with those of entry %zu", key, i,
					      other);
			if (ranges_overlap(m->host_id, m->size, o->host_id, o->size))
				return refuse(e, "%s[%zu]: host ids overlap with those of entry %zu", key, i, other);
		}
	}
	return 0;
}

static bool is_mapped(const struct spec_id_map *maps, size_t n, uint32_t id)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (id >= maps[i].container_id && id - maps[i].container_id < maps[i].size)
			return true;
	return false;
}

/* A joined user namespace has its mappings already. Engines write some all the same, because runc
 * asks for them; they are not used then. */
static int check_user_namespace(const struct spec *spec, struct err *e)
{
	const struct spec_namespace *user = spec_namespace(spec, CLONE_NEWUSER);
	const struct spec_linux *l = spec->linux_;
	int r;

	if (!user && l->n_uid_maps)
		return refuse(e, "linux.uidMappings: a 'user' namespace is required");
	if (!user && l->n_gid_maps)
		return refuse(e, "linux.gidMappings: a 'user' namespace is required");
	if (!user || user->path)
		return 0;
	if (l->n_uid_maps == 0)
		return refuse(e, "linux.uidMappings: required for a new user namespace");
	if (l->n_gid_maps == 0)
		return refuse(e, "linux.gidMappings: required for a new user namespace");
	r = check_id_maps("linux.uidMappings", l->uid_maps, l->n_uid_maps, e);
	if (r < 0)
		return r;
	r = check_id_maps("linux.gidMappings", l->gid_maps, l->n_gid_maps, e);
	if (r < 0 || !spec->process)
		return r;
	if (!is_mapped(l->uid_maps, l->n_uid_maps, spec->process->uid))
		return refuse(e, "process.user.uid: %u is not mapped by linux.uidMappings", spec->process->uid);
	if (!is_mapped(l->gid_maps, l->n_gid_maps, spec->process->gid))
		return refuse(e, "process.user.gid: %u is not mapped by linux.gidMappings", spec->process->gid);
	return 0;
}

/* --- mounts --- */

int spec_check_mounts(const struct spec *spec, struct err *e)
{
	char key[48];
	size_t i;
	int r;

	for (i = 0; i < spec->n_mounts; i++) {
		const struct spec_mount *m = &spec->mounts[i];

		if (!m->n_uid_maps != !m->n_gid_maps)
			return refuse(e, "mounts[%zu].%s: required, as there is %s", i,
				      m->n_uid_maps ? "gidMappings" : "uidMappings",
				      m->n_uid_maps ? "uidMappings" : "gidMappings");
		(void)snprintf(key, sizeof(key), "mounts[%zu].uidMappings", i);
		r = check_id_maps(key, m->uid_maps, m->n_uid_maps, e);
		if (r < 0)
			return r;
		(void)snprintf(key, sizeof(key), "mounts[%zu].gidMappings", i);
		r = check_id_maps(key, m->gid_maps, m->n_gid_maps, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* --- time namespace --- */

/* They can be set only before a first process is in it. */
static int check_time_offsets(const struct spec *spec, struct err *e)
{
	const struct spec_namespace *time = spec_namespace(spec, CLONE_NEWTIME);

	if (!spec->linux_->time_offsets)
		return 0;
	if (!time)
		return refuse(e, "linux.timeOffsets: a 'time' namespace is required");
	if (time->path)
		return refuse(e, "linux.timeOffsets: the 'time' namespace must be a new one, without a path");
	return 0;
}

/* --- uts namespace --- */

static int check_uts_name(const struct spec *spec, const char *key, const char *name, struct err *e)
{
	if (!name)
		return 0;
	if (!spec_namespace(spec, CLONE_NEWUTS))
		return refuse(e, "%s: a 'uts' namespace is required", key);
	if (strlen(name) > HOSTNAME_MAX_LEN)
		return refuse(e, "%s: longer than %d bytes", key, HOSTNAME_MAX_LEN);
	return 0;
}

/* --- sysctl --- */

/* "net.ipv4.conf.eth0/1.x" and "net/ipv4/conf/eth0.1/x" are the same: the separator that comes
 * first separates, the other one stands for it within a name. Gives the path below /proc/sys;
 * false when there is none. */
static bool sysctl_path(const char *key, char out[SYSCTL_KEY_MAX])
{
	size_t len = strlen(key), i;
	const char *part, *end;
	bool dotted = key[strcspn(key, "./")] == '.';

	if (len >= SYSCTL_KEY_MAX)
		return false;
	for (i = 0; i <= len; i++)
		out[i] = !dotted ? key[i] : key[i] == '.' ? '/' : key[i] == '/' ? '.' : key[i];
	for (part = out;; part = end + 1) {
		end = part + strcspn(part, "/");
		if (end == part || (part[0] == '.' && (end == part + 1 || (part[1] == '.' && end == part + 2))))
			return false;
		if (!*end)
			return true;
	}
}

static bool is_ipc_sysctl(const char *path)
{
	static const char *const names[] = {
		"kernel/msgmax", "kernel/msgmnb", "kernel/msgmni", "kernel/sem",
		"kernel/shmall", "kernel/shmmax", "kernel/shmmni", "kernel/shm_rmid_forced"
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(path, names[i]) == 0)
			return true;
	return str_starts(path, "fs/mqueue/");
}

static int check_sysctl(const struct spec *spec, const char *key, struct err *e)
{
	char path[SYSCTL_KEY_MAX];
	const char *type;
	unsigned int flag;

	if (!sysctl_path(key, path))
		return refuse(e, "linux.sysctl[\"%s\"]: not the name of a sysctl", key);
	if (strcmp(path, "kernel/hostname") == 0)
		return refuse(e, "linux.sysctl[\"%s\"]: not accepted: use 'hostname'", key);
	if (is_ipc_sysctl(path)) {
		type = "ipc";
		flag = CLONE_NEWIPC;
	} else if (str_starts(path, "net/")) {
		type = "network";
		flag = CLONE_NEWNET;
	} else if (strcmp(path, "kernel/domainname") == 0) {
		type = "uts";
		flag = CLONE_NEWUTS;
	} else {
		return refuse(e, "linux.sysctl[\"%s\"]: belongs to no namespace, so it would change the host", key);
	}
	if (!spec_namespace(spec, flag))
		return refuse(e, "linux.sysctl[\"%s\"]: a '%s' namespace is required", key, type);
	return 0;
}

static int check_sysctls(const struct spec *spec, struct err *e)
{
	size_t i;
	int r;

	for (i = 0; i < spec->linux_->n_sysctls; i++) {
		r = check_sysctl(spec, spec->linux_->sysctls[i].key, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* They cannot move to where they are. */
static int check_netdevs(const struct spec *spec, struct err *e)
{
	if (spec->linux_->n_netdevs && !spec_namespace(spec, CLONE_NEWNET))
		return refuse(e, "linux.netDevices: a 'network' namespace is required");
	return 0;
}

int spec_check(const struct spec *spec, struct err *e)
{
	int r = spec->process ? spec_check_process(spec->process, e) : 0;

	if (r < 0)
		return r;
	if (!spec_namespace(spec, CLONE_NEWNS))
		return refuse(e, "linux.namespaces: a 'mount' namespace is required");
	r = check_user_namespace(spec, e);
	if (r < 0)
		return r;
	r = spec_check_mounts(spec, e);
	if (r < 0)
		return r;
	r = check_time_offsets(spec, e);
	if (r < 0)
		return r;
	r = check_uts_name(spec, "hostname", spec->hostname, e);
	if (r < 0)
		return r;
	r = check_uts_name(spec, "domainname", spec->domainname, e);
	if (r < 0)
		return r;
	r = check_netdevs(spec, e);
	return r < 0 ? r : check_sysctls(spec, e);
}
