/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan.h: what the child will do, resolved from a spec before anything is done.
 *
 * plan_make() is pure: it makes no system calls, so it can be tested with tables.
 * Every name, flag and number in config.json is turned into the value that the
 * kernel takes, or refused. The child inherits the plan as memory. Pointers go
 * into the spec, which must outlive the plan.
 */
#ifndef HUSK_PLAN_H
#define HUSK_PLAN_H

#include "bitlist.h"
#include "err.h"
#include "spec.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum mount_kind {
	MOUNT_FS,     /* fsopen(fstype) */
	MOUNT_BIND,   /* open_tree(source) */
	MOUNT_CGROUP, /* cgroup2, or what stands in for it */
};

/* An idmapped mount (mount_setattr(2), MOUNT_ATTR_IDMAP): ids of the file system are "container ids" of
 * the mappings, and appear as their "host ids". */
struct mount_idmap_step {
	const char *option;			       /* as written, "idmap"; NULL: not idmapped */
	bool recursive;				       /* ridmap */
	const struct spec_id_map *uid_maps, *gid_maps; /* none: those of the user namespace that is joined */
	size_t n_uid_maps, n_gid_maps;
	struct spec_id_map *own; /* what they point into when the option has the mappings itself */
};

struct mount_step {
	enum mount_kind kind;
	const char *target; /* absolute, in the container */
	const char *source; /* MOUNT_BIND: absolute host path; MOUNT_FS: the name shown as source */
	const char *fstype;
	char *data;	   /* comma-separated options for fsconfig(2); owned by the plan; NULL: none */
	bool recursive;	   /* rbind */
	uint64_t attr_set; /* MOUNT_ATTR_* of this mount */
	uint64_t attr_clear;
	uint64_t rec_set; /* MOUNT_ATTR_* of the whole tree (rro and kin) */
	uint64_t rec_clear;
	uint64_t propagation; /* MS_SHARED, MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE; 0: the default */
	bool propagation_rec;
	struct mount_idmap_step idmap;
	bool copy_symlink;  /* a source that is a symlink is made again at the target */
	bool src_nofollow;  /* a source that is a symlink is mounted itself */
	bool dest_nofollow; /* a target that is a symlink is mounted on itself */
	char *link;	    /* copy_symlink: what the source holds, once opened; NULL: no symlink; owned by the plan */
	bool copy_up;	    /* a tmpfs that starts with what its target holds (tmpcopyup) */
	bool is_dev;	    /* target is /dev: read-only only once it is filled */
	bool has_context;   /* an option gives a SELinux label */
	const char *root_label; /* SELinux label for its root, once made; NULL: none */
	const char *label;	/* "mounts[3]", for messages; owned by the plan */
	char label_buf[24];
	int source_fd;	    /* MOUNT_BIND: open_tree fd, once opened; else -1 */
	bool source_is_dir; /* valid with source_fd */
	int late_fd;	    /* attached, to become read-only at the end (/dev, tmpfs); else -1 */
};

struct device_step {
	const char *path; /* absolute, in the container */
	mode_t mode;	  /* S_IFCHR | 0666 */
	dev_t dev;
	uid_t uid;
	gid_t gid;
	int source_fd; /* the host's node as an open_tree fd where mknod cannot work; else -1 */
};

struct rlimit_step {
	int resource;
	const char *name;
	uint64_t soft, hard;
};

#define SCHED_CPUS 8192	     /* the greatest CONFIG_NR_CPUS of Linux */
#define MEMPOLICY_NODES 1024 /* 1 << the greatest CONFIG_NODES_SHIFT */

/* process.scheduler and process.ioPriority */
struct sched_step {
	const char *policy_name; /* NULL: stays as it is */
	uint32_t policy;	 /* SCHED_* */
	uint64_t flags;		 /* SCHED_FLAG_* */
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period; /* nanoseconds */
	const char *io_class_name;	    /* NULL: stays as it is */
	int io_class;			    /* IOPRIO_CLASS_* */
	int io_priority;
};

/* process.execCPUAffinity: for a process that exec adds */
struct affinity_step {
	const char *initial_text, *final_text; /* NULL: stays as it is */
	unsigned long initial[BITLIST_WORDS(SCHED_CPUS)], final[BITLIST_WORDS(SCHED_CPUS)];
};

struct personality_step {
	const char *name; /* NULL: stays as it is */
	int persona;	  /* PER_* */
};

struct mempolicy_step {
	const char *mode_name;	/* NULL: stays as it is */
	int mode;		/* MPOL_* | MPOL_F_* */
	const char *nodes_text; /* NULL: no nodes */
	unsigned long nodes[BITLIST_WORDS(MEMPOLICY_NODES)];
};

/* process.apparmorProfile and process.selinuxLabel: for the program, from its execve on. NULL: none asked for. */
struct lsm_step {
	const char *apparmor_profile, *selinux_label;
};

/* Masks of 1 << CAP_*, in the order of enum spec_cap_set. */
struct caps_step {
	bool given;
	uint64_t sets[CAPS_SETS];
};

/* A namespace to enter: fd is opened by the parent. */
struct join_step {
	unsigned int clone_flag;
	const char *path;
	int fd;
	bool joined; /* spawn.c has entered it already */
};

#define PLAN_JOIN_MAX 8

/* What one process is: the container's own, or one that exec adds. */
struct process_plan {
	const char *program; /* args[0] as written; looked up in the container */
	char **args;
	char **env; /* with HOME added when it was not there (process.c) */
	const char *cwd;
	bool terminal;
	uint16_t console_width, console_height;
	uid_t uid;
	gid_t gid;
	const gid_t *additional_gids;
	size_t n_additional_gids;
	bool keep_groups; /* the caller's, in place of additional_gids */
	bool have_umask;
	mode_t umask;
	struct caps_step caps;
	struct rlimit_step *rlimits; /* owned by the plan */
	size_t n_rlimits;
	bool no_new_privileges;
	bool have_oom_score_adj;
	int oom_score_adj;
	struct sched_step sched;
	struct affinity_step affinity;
	struct personality_step personality;
	struct mempolicy_step mempolicy;
	struct lsm_step lsm;
};

struct plan {
	const struct spec *spec;
	const char *root; /* absolute host path of the rootfs */
	bool root_readonly;
	uint64_t root_propagation; /* MS_*, of the container's "/" when all is done */
	bool root_propagation_rec;
	unsigned int clone_flags; /* namespaces to create */
	struct join_step joins[PLAN_JOIN_MAX];
	size_t n_joins;
	bool staged; /* who clones could not come back from what has to be entered before (spawn.h) */
	/* of the new time namespace; NULL: none */
	const struct spec_time_offset *time_offsets;
	/* the pid namespace that is joined comes last, by birth.h, or a tracer in it could look into the set-up */
	bool pids_last;
	bool has_userns, has_netns, has_pidns, has_cgroupns, has_utsns; /* created or joined */
	struct mount_step *mounts;
	size_t n_mounts;
	bool dev_setup; /* /dev is ours to fill: no bind mount stands there */
	struct device_step *devices;
	size_t n_devices;
	const char *mount_label;      /* SELinux label of the file systems that are made; NULL: none */
	const char *mount_label_type; /* "context", or another of SELinux's mount options */
	struct process_plan process;
};

/* bundle: absolute path of the bundle. The plan is freed by plan_free(). */
int plan_make(const struct spec *spec, const char *bundle, struct plan **out, struct err *e);
/* Only the mounts, which `added` has (spec_load_mounts()), for the container of `spec`, which runs: no
 * namespace is made, and the joins are the caller's to fill. */
int plan_make_mounts(const struct spec *added, const struct spec *spec, const char *bundle, struct plan **out,
		     struct err *e);
void plan_free(struct plan *plan);

/* The process part alone, for exec. Free with plan_process_free(). */
int plan_process(const struct spec_process *process, struct process_plan *out, struct err *e);
/* What config.json has for all processes of the container in `linux`: execution domain, memory policy. */
int plan_process_linux(const struct spec_linux *l, struct process_plan *out, struct err *e);
/* The caller's word on the terminal's size; 0 and 0: there is none. */
void plan_console_size(struct process_plan *process, uint16_t width, uint16_t height);
void plan_process_free(struct process_plan *process);

#endif
