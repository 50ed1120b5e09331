/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec.h: config.json (OCI runtime-spec 1.0 to 1.3) as C structs.
 *
 * spec.c fills it from JSON: types, enums and required keys; spec_check.c then
 * refuses what contradicts itself or cannot be done. All strings and arrays
 * live in the spec's document and die with it. Absent strings are NULL, absent
 * arrays have n == 0, absent objects are NULL. String vectors end with NULL.
 * It knows nothing of how a thing is done.
 */
#ifndef HUSK_SPEC_H
#define HUSK_SPEC_H

#include "err.h"
#include "json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct strv {
	char **v; /* NULL-terminated; NULL when absent */
	size_t n;
};

enum spec_cap_set { CAPS_BOUNDING, CAPS_EFFECTIVE, CAPS_INHERITABLE, CAPS_PERMITTED, CAPS_AMBIENT, CAPS_SETS };

struct spec_rlimit {
	const char *type; /* "RLIMIT_NOFILE" */
	uint64_t soft, hard;
};

/* Strings as in the spec: "SCHED_FIFO", "SCHED_FLAG_RECLAIM". */
struct spec_scheduler {
	const char *policy;
	int32_t nice;
	uint32_t priority;
	struct strv flags;
	uint64_t runtime, deadline, period; /* nanoseconds */
};

struct spec_io_priority {
	const char *io_class; /* "IOPRIO_CLASS_BE" */
	int priority;
};

/* Lists as in "0-3,7"; NULL: not given. */
struct spec_cpu_affinity {
	const char *initial, *final;
};

struct spec_process {
	bool terminal;
	uint16_t console_width, console_height; /* 0: not given */
	uid_t uid;
	gid_t gid;
	bool have_umask;
	mode_t umask;
	gid_t *additional_gids;
	size_t n_additional_gids;
	struct strv args;
	struct strv env;
	const char *cwd;
	bool have_caps; /* process.capabilities is there */
	struct strv caps[CAPS_SETS];
	struct spec_rlimit *rlimits;
	size_t n_rlimits;
	bool no_new_privileges;
	bool have_oom_score_adj;
	int oom_score_adj;
	struct spec_scheduler *scheduler; /* NULL: not given; so are the next two */
	struct spec_io_priority *io_priority;
	struct spec_cpu_affinity *exec_cpu_affinity; /* for exec only */
	const char *apparmor_profile;
	const char *selinux_label;
};

struct spec_id_map {
	uint32_t container_id, host_id, size;
};

struct spec_mount {
	const char *destination; /* absolute */
	const char *type;	 /* NULL: a bind if an option says so */
	const char *source;
	struct strv options;
	struct spec_id_map *uid_maps, *gid_maps; /* of an idmapped mount: both or none */
	size_t n_uid_maps, n_gid_maps;
	const struct json *node; /* for messages */
};

struct spec_hook {
	const char *path; /* absolute */
	struct strv args; /* argv, args[0] included; absent: {path} */
	struct strv env;
	int timeout; /* seconds; 0: none */
};

/* A member of an object whose keys are free. */
struct spec_kv {
	const char *key, *value;
};

enum spec_hook_kind {
	HOOK_PRESTART,
	HOOK_CREATE_RUNTIME,
	HOOK_CREATE_CONTAINER,
	HOOK_START_CONTAINER,
	HOOK_POSTSTART,
	HOOK_POSTSTOP,
	HOOK_KINDS
};

/* Their keys in config.json, in this order; ends with a NULL. */
extern const char *const spec_hook_names[HOOK_KINDS + 1];

struct spec_hooks {
	struct spec_hook *v;
	size_t n;
};

struct spec_namespace {
	unsigned int clone_flag; /* CLONE_NEW* */
	const char *type;	 /* as written: "network" */
	const char *path;	 /* NULL: a new one */
};

struct spec_device {
	const char *path; /* absolute, in the container */
	char type;	  /* 'c' 'b' 'p' ('u' is read as 'c') */
	int64_t major, minor;
	bool have_mode; /* else 0666 */
	mode_t mode;
	uid_t uid;
	gid_t gid;
};

struct spec_device_rule {
	bool allow;
	char type;	      /* 'a' 'c' 'b' */
	int64_t major, minor; /* -1: any */
	const char *access;   /* letters of "rwm" */
};

/* An interface of the host to be moved into the container. */
struct spec_netdev {
	const char *host_name;
	const char *name; /* in the container; may be a template (ifname.h); never NULL */
};

/* Strings as in the spec: "SCMP_ACT_ERRNO", "SCMP_ARCH_X86_64", "SCMP_CMP_EQ". */
struct spec_seccomp_arg {
	unsigned int index;
	uint64_t value, value_two;
	const char *op;
};

struct spec_seccomp_rule {
	struct strv names;
	const char *action;
	bool have_errno_ret;
	uint32_t errno_ret;
	struct spec_seccomp_arg *args;
	size_t n_args;
};

struct spec_seccomp {
	const char *default_action;
	bool have_default_errno_ret;
	uint32_t default_errno_ret;
	struct strv architectures;
	struct strv flags;
	const char *listener_path, *listener_metadata;
	struct spec_seccomp_rule *rules;
	size_t n_rules;
	const char *text; /* the section's own bytes in config.json, for the cache; not NUL-terminated */
	size_t text_len;
};

/* Strings as in the spec: "LINUX32"; "MPOL_BIND", "MPOL_F_STATIC_NODES". */
struct spec_personality {
	const char *domain;
};

struct spec_memory_policy {
	const char *mode;
	const char *nodes; /* "0-3,7"; NULL: none */
	struct strv flags;
};

struct spec_intel_rdt {
	const char *clos_id; /* NULL: a group of the container's own; "/": the root group */
	struct strv schemata;
	const char *l3_cache_schema, *mem_bw_schema;
	bool monitoring; /* enableMonitoring, or the older enableCMT or enableMBM */
};

enum spec_clock { CLOCK_OF_MONOTONIC, CLOCK_OF_BOOTTIME, SPEC_CLOCKS };

struct spec_time_offset {
	int64_t secs;
	uint32_t nanosecs; /* below 1000000000 */
};

struct spec_linux {
	struct spec_namespace *namespaces;
	size_t n_namespaces;
	struct spec_time_offset *time_offsets; /* SPEC_CLOCKS of them; NULL: not given */
	struct spec_id_map *uid_maps, *gid_maps;
	size_t n_uid_maps, n_gid_maps;
	struct spec_device *devices;
	size_t n_devices;
	struct spec_netdev *netdevs;
	size_t n_netdevs;
	const char *cgroups_path;
	const struct json *resources; /* the raw object: linux/cgroup reads it */
	struct spec_device_rule *device_rules;
	size_t n_device_rules;
	const char *rootfs_propagation; /* NULL, or shared slave private unbindable with an optional r before */
	struct strv masked_paths, readonly_paths;
	struct spec_kv *sysctls;
	size_t n_sysctls;
	struct spec_seccomp *seccomp;
	struct spec_personality *personality; /* NULL: not given; so are the next two */
	struct spec_memory_policy *memory_policy;
	struct spec_intel_rdt *intel_rdt;
	const char *mount_label;
};

struct spec {
	const char *oci_version;
	struct spec_process *process; /* NULL when absent: create then fails */
	const char *root_path;	      /* as written: relative to the bundle */
	bool root_readonly;
	const char *hostname, *domainname;
	struct spec_mount *mounts;
	size_t n_mounts;
	struct spec_hooks hooks[HOOK_KINDS];
	struct spec_linux *linux_; /* never NULL after parsing */
	const struct json *vm;	   /* the raw object: not ours to do (husk_create_opts.rewrite); NULL: none */
	struct spec_kv *annotations;
	size_t n_annotations;

	char *text; /* owned */
	struct json_doc doc;
};

/* Reads config.json (path below dirfd; AT_FDCWD works) into a new spec: parsed and checked. The
 * caller ends it with spec_free(). Errors name the JSON path:
 * "linux.namespaces[2].path: expected a string, got a number". */
int spec_load(int dirfd, const char *path, struct spec **out, struct err *e);
/* The same from text, which is copied. For tests, fuzzing and standard input. */
int spec_parse(const char *text, size_t len, struct spec **out, struct err *e);
void spec_free(struct spec *spec);

/* A process.json (for exec --process): only the process object. `out` points
 * into *doc_spec, which the caller ends with spec_free(). */
int spec_load_process(int dirfd, const char *path, struct spec **out, struct err *e);
/* The same from text, which is copied. */
int spec_parse_process(const char *text, size_t len, struct spec **out, struct err *e);

/* The object linux.resources alone, as update takes it: only spec->linux_->resources and the device rules are
 * filled. */
int spec_parse_resources(const char *text, size_t len, struct spec **out, struct err *e);

/* A file of mounts for a container that runs (path "-": standard input): an object with "mounts" as in
 * config.json, whose other keys are not looked at, or that array alone. Only spec->mounts is filled. */
int spec_load_mounts(int dirfd, const char *path, struct spec **out, struct err *e);
/* The same from text, which is copied. */
int spec_parse_mounts(const char *text, size_t len, struct spec **out, struct err *e);

/* The value of an annotation, or NULL. */
const char *spec_annotation(const struct spec *spec, const char *key);
/* The entry for this CLONE_NEW* flag, or NULL. */
const struct spec_namespace *spec_namespace(const struct spec *spec, unsigned int clone_flag);

/* spec_check.c: what types alone cannot say. Called by spec_load() and its
 * kin. */
int spec_check(const struct spec *spec, struct err *e);
int spec_check_process(const struct spec_process *process, struct err *e);
int spec_check_mounts(const struct spec *spec, struct err *e);

/* spec_example.c: the config.json that `husk spec` writes; malloc'ed. */
char *spec_example(bool rootless, uid_t uid, gid_t gid);

#endif
