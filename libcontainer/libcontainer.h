/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcontainer.h: the library's only public header. One function a lifecycle
 * verb (OCI runtime-spec, "Runtime and Lifecycle"). It knows nothing of argv and
 * nothing of VMs.
 *
 * Every verb returns >= 0, or -errno with *e filled. Strings passed in stay the
 * caller's; strings handed out are malloc'ed and become the caller's.
 */
#ifndef HUSK_LIBCONTAINER_H
#define HUSK_LIBCONTAINER_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define HUSK_GIVEN_MAX 5	   /* descriptors that a caller hands to a program */
#define HUSK_STATE_SOCKET "socket" /* in a container's state directory: where its program listens */
#define HUSK_STATE_NOTE "note"	   /* and what the caller wants to be kept */
#define HUSK_STATE_REPORT "report" /* and what its program leaves */

enum husk_cgroup_manager { HUSK_CGROUPFS, HUSK_CGROUP_SYSTEMD, HUSK_CGROUP_DISABLED };

/* What holds for a whole invocation. */
struct husk_ctx {
	const char *root; /* the state directory; made 0700 when missing */
	enum husk_cgroup_manager cgroup_manager;
	bool rootless;	/* no privilege over the host: cgroup lacks are warned of, not fatal */
	bool host_root; /* !husk_is_rootless(), whatever rootless was asked for: may come back from a namespace */
};

/* /run/husk for the host's root, else $XDG_RUNTIME_DIR/husk. malloc'ed. */
char *husk_default_root(void);
/* True when this process is not uid 0 of the initial user namespace: by
 * /proc/self/uid_map, not by the uid alone. */
bool husk_is_rootless(void);

/* A verb whose process could be looked at by one of a container executes a sealed copy of this program, which begins
 * anew with the same arguments. Where that cannot be borne, as in a process that was forked to call a verb, the
 * program calls this before anything else, and runs as the copy from then on. /proc must be mounted. */
int husk_seal(struct err *e);

struct json_doc;

/* What a caller makes of a config.json. All zeroes: it is followed as it is. */
struct husk_instead {
	char *config; /* the text to follow in its place; malloc'ed, becomes the library's, as the next two */
	char *rootfs; /* what `list` and `state` tell as the root then; NULL: the replacement's */
	char *note;   /* kept in the state directory as HUSK_STATE_NOTE; NULL: none */
	/* Descriptors of the program from 3 + preserve_fds up: these, which become the library's; then, if `reports`,
	 * HUSK_STATE_REPORT in the state directory, a new file to append to; then, if `listens`, a stream socket that listens as HUSK_STATE_SOCKET in the state directory; then, if `deferred`,
	 * the connection on which the program must say that it is up, or why it is not (base/sync_send.h).
	 * Until it has, husk_start() and husk_run() wait. */
	int fds[HUSK_GIVEN_MAX];
	size_t n_fds;
	bool reports, listens, deferred;
	bool limits_optional; /* a limit that this host has no controller or no cgroup for is left out silently */
};
/* config: what was read from config.json, a JSON object; nothing of it was checked. Fills *out, or fails. */
typedef int husk_rewrite_fn(const struct husk_ctx *ctx, const char *bundle, const struct json_doc *config, void *arg,
			    struct husk_instead *out, struct err *e);

/* Called once the container has its network namespace, which is that of the process init, and before it is set up any
 * further: for who has interfaces to put there. -errno: there will be no container. */
typedef int husk_network_fn(void *arg, pid_t init, struct err *e);

struct husk_create_opts {
	const char *bundle;	    /* NULL: the current directory */
	const char *config;	    /* NULL: <bundle>/config.json */
	const char *console_socket; /* NULL: none */
	const char *pidfd_socket;   /* NULL: none; gets the init's pidfd by SCM_RIGHTS */
	const char *pid_file;	    /* NULL: none */
	int preserve_fds;	    /* fds 3 .. 2 + n stay open in the container */
	int listen_fds; /* the first n of them are socket activation's: LISTEN_FDS=n and LISTEN_PID=1 are set */
	/* characters of a terminal; 0: as process.consoleSize has it */
	uint16_t console_width, console_height;
	bool no_pivot; /* MS_MOVE and chroot: for an initramfs */
	bool no_new_keyring;
	husk_rewrite_fn *rewrite; /* NULL: config.json is followed as it is */
	void *rewrite_arg;
	husk_network_fn *network; /* NULL: none */
	void *network_arg;
};

int husk_create(const struct husk_ctx *ctx, const char *id, const struct husk_create_opts *o, struct err *e);
int husk_start(const struct husk_ctx *ctx, const char *id, struct err *e);

struct husk_run_opts {
	struct husk_create_opts create;
	bool detach;
	bool keep;	   /* leave the state when the container has ended */
	bool no_subreaper; /* do not become the subreaper while waiting */
};

/* create, start, and unless detached: forward signals and the terminal, wait,
 * delete. *out_status is the container's exit status (128 + n for signal n). */
int husk_run(const struct husk_ctx *ctx, const char *id, const struct husk_run_opts *o, int *out_status, struct err *e);

struct husk_exec_opts {
	const char *process;	 /* a process.json; NULL: the options below over config.json's process */
	char *const *args;	 /* NULL-terminated; NULL with process */
	const char *cwd;	 /* NULL: as in config.json */
	char *const *env;	 /* "K=V" added; NULL: none */
	const char *user;	 /* "uid[:gid]"; NULL: as in config.json */
	const char *const *caps; /* "CAP_NET_RAW" added; NULL-terminated; NULL: none */
	const gid_t *additional_gids;
	size_t n_additional_gids;
	const char *cgroup; /* a cgroup below the container's; NULL: its own */
	const char *apparmor, *process_label;
	const char *console_socket, *pidfd_socket, *pid_file;
	uint16_t console_width, console_height; /* as those of create */
	int preserve_fds;
	bool tty, detach, no_new_privs, ignore_paused, no_subreaper;
	const int *given_fds; /* as husk_instead.fds, but they stay the caller's */
	size_t n_given_fds;   /* at most HUSK_GIVEN_MAX */
	bool deferred;	      /* as husk_instead.deferred */
};

int husk_exec(const struct husk_ctx *ctx, const char *id, const struct husk_exec_opts *o, int *out_status,
	      struct err *e);

/* The process that exec would start in a container of this config.json, as the JSON of a process.json; malloc'ed. For
 * who starts it elsewhere. */
int husk_exec_process(const char *config, size_t len, const struct husk_exec_opts *o, char **out_json, struct err *e);

/* signal: "TERM", "SIGTERM" or a number. all: every process of the container. */
int husk_kill(const struct husk_ctx *ctx, const char *id, const char *signal, bool all, struct err *e);
/* force: kill what runs; a container that does not exist is then no error. */
int husk_delete(const struct husk_ctx *ctx, const char *id, bool force, struct err *e);
int husk_pause(const struct husk_ctx *ctx, const char *id, struct err *e);
int husk_resume(const struct husk_ctx *ctx, const char *id, struct err *e);

/* Adds the mounts that file ("-": standard input) lists to a container that is created, running or
 * paused; relative sources are below its bundle. All of them, or none on failure. Or unmounts, with all below it,
 * what stands at their destinations (nothing else of the file is used); none if one is no mount point. */
int husk_mounts_add(const struct husk_ctx *ctx, const char *id, const char *file, struct err *e);
int husk_mounts_remove(const struct husk_ctx *ctx, const char *id, const char *file, struct err *e);

/* What the file says, as the text of an object with "mounts"; malloc'ed. Refused and warned of is what husk_mounts_add()
 * (or _remove()) would find in the text for a container of this config.json. For who does it elsewhere. */
int husk_mounts_read(const char *config, size_t len, const char *file, bool removal, char **out_json, struct err *e);

/* The OCI state as JSON text. */
int husk_state(const struct husk_ctx *ctx, const char *id, char **out_json, struct err *e);

struct husk_container_info {
	char *id, *bundle, *created, *owner; /* created: RFC 3339; owner: a uid in digits */
	const char *status;		     /* creating created running paused stopped */
	pid_t pid;			     /* 0 when stopped */
	char *rootfs;
};
/* Every container below root; free with husk_list_free(). A directory that
 * cannot be read is skipped with a warning. */
int husk_list(const struct husk_ctx *ctx, struct husk_container_info **out, size_t *out_n, struct err *e);
void husk_list_free(struct husk_container_info *v, size_t n);

struct husk_update_opts {
	const char *resources;			     /* linux.resources as JSON text; NULL: none */
	size_t len;				     /* of resources */
	const char *l3_cache_schema, *mem_bw_schema; /* of resctrl; NULL: as they are */
	bool limits_optional;			     /* as husk_instead.limits_optional */
	/* For limits that are kept elsewhere, too: called once those here have changed, which its failure takes back,
	 * but for resctrl's. NULL: none. */
	int (*then)(void *arg, struct err *e);
	void *then_arg;
};

/* Changes the limits of a container that has not stopped. What cannot be set changes nothing. */
int husk_update(const struct husk_ctx *ctx, const char *id, const struct husk_update_opts *o, struct err *e);

/* Gets one event as JSON text, in which it may write; what is negative ends husk_events(). */
typedef int husk_event_fn(char *json, void *arg, struct err *e);
/* interval_ms 0: the statistics once. Else again after each interval, and an "oom" event when the kernel has killed
 * in the container for lack of memory, until the container ends. The JSON is runc's. */
int husk_events(const struct husk_ctx *ctx, const char *id, int64_t interval_ms, husk_event_fn *fn, void *arg,
		struct err *e);

/* Process ids of the container, as the caller's pid namespace sees them. */
int husk_ps(const struct husk_ctx *ctx, const char *id, pid_t **out, size_t *out_n, struct err *e);

enum husk_verdict {
	HUSK_FINE,
	HUSK_NOTE,   /* not there, and hardly missed */
	HUSK_LACKS,  /* something that config.json can ask for is refused, or not enforced */
	HUSK_BROKEN, /* no container starts */
};

struct husk_finding {
	enum husk_verdict verdict;
	const char *area, *what; /* "cgroup", "memory" */
	char *detail;		 /* what was seen */
	char *remedy;		 /* the sysctl, package or setting that mends it; NULL: none is known */
};

/* Looks at what this host gives this user. Never fails; free with husk_doctor_free(). */
void husk_doctor(const struct husk_ctx *ctx, struct husk_finding **out, size_t *out_n);
void husk_doctor_free(struct husk_finding *v, size_t n);

/* The text of /etc/husk/husk.json, malloc'ed: valid, and root's alone to write. NULL: there is none. */
int husk_host_config(char **out_text, struct err *e);

/* features.md's JSON, true of this build and this kernel's headers. isolation: which wall a config.json that asks
 * for none gets (annotations["io.husk.isolation"]). */
int husk_features(const char *isolation, char **out_json, struct err *e);
/* The config.json of `husk spec`. */
char *husk_spec_example(bool rootless);

#endif
