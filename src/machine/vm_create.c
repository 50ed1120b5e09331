/* SPDX-License-Identifier: Apache-2.0 */
/* vm_create.c: see vm_create.h. */
#include "vm_create.h"

#include "fd.h"
#include "helper.h"
#include "io.h"
#include "isolation.h"
#include "log.h"
#include "proc.h"
#include "rootpath.h"
#include "str.h"
#include "vm_cross.h"
#include "vm_kernel.h"
#include "vm_kvm.h"
#include "vm_program.h"
#include "vm_qemu.h"
#include "vm_targets.h"
#include "vmplan.h"
#include "vmplan_config.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SYSTEM_DIRS_MAX 8

/* What the machine is made from; all owned. */
struct making {
	char *host_text;
	struct json_doc host_doc;
	struct vm_section section;
	struct vm_host host;
	struct vm_kernel kernel;
	char *jail_root, *mon, *file_server, *net;
	gid_t *groups;
	const char *system_dirs[SYSTEM_DIRS_MAX];
	struct vmplan plan;
};

static void making_free(struct making *m)
{
	vmplan_free(&m->plan);
	vm_kernel_free(&m->kernel);
	json_free(&m->host_doc);
	free(m->host_text);
	free(m->jail_root);
	free(m->groups);
	free(m->mon);
	free(m->file_server);
	free(m->net);
}

static int load_host_config(struct making *m, struct err *e)
{
	int r = husk_host_config(&m->host_text, e);

	if (r < 0 || !m->host_text)
		return r;
	return json_parse(m->host_text, strlen(m->host_text), &m->host_doc, e);
}

/* 1: a VM. */
static int choose(struct making *m, const struct json_doc *config, struct err *e)
{
	enum isolation wall = ISOLATION_CONTAINER;
	int r = isolation_asked(config->root, program_invocation_short_name, &wall, e);

	if (r < 0 || (r > 0 && wall == ISOLATION_CONTAINER))
		return r < 0 ? r : 0;
	if (load_host_config(m, e) < 0)
		return -e->code;
	if (r == 0) {
		r = isolation_default(m->host_doc.root, &wall, e);
		if (r < 0)
			return err_add(e, "/etc/husk/husk.json");
	}
	return wall == ISOLATION_VM;
}

static int check_caller(const struct husk_create_opts *o, struct err *e)
{
	if (o->preserve_fds)
		return err_set(e, ENOTSUP, "--preserve-fds %d: a descriptor of the host cannot enter a VM",
			       o->preserve_fds);
	if (o->listen_fds)
		return err_set(e, ENOTSUP, "$LISTEN_FDS: a socket of the host cannot enter a VM");
	return 0;
}

/* The hypervisor opens it, which is nobody's. */
static int check_image(const char *path, struct err *e)
{
	struct stat st;

	if (!path)
		return 0;
	if (stat(path, &st) < 0)
		return err_sys(e, errno, "vm.image.path: '%s'", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, EINVAL, "vm.image.path: '%s' is no regular file", path);
	if (!(st.st_mode & S_IROTH))
		return err_set(e, EACCES,
			       "vm.image.path: '%s': expected a file that everybody may read (chmod o+r): QEMU runs as "
			       "user 65534",
			       path);
	return 0;
}

static int check_sources(const struct json *config, const char *bundle, struct err *e)
{
	json_each (mount, json_get(config, "mounts")) {
		AUTO_FREE char *source = vmplan_is_bind(mount) ? vmplan_source(mount, bundle) : NULL;
		int r = source ? vm_cross_check_source(mount, source, e) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

static int read_wishes(struct making *m, const struct json_doc *config, const char *bundle, struct err *e)
{
	int r = vm_section_read(config, &m->section, e);

	if (r < 0)
		return r;
	r = vm_host_read(m->host_doc.root, &m->host, e);
	if (r < 0)
		return err_add(e, "/etc/husk/husk.json");
	r = vm_cross_check(config->root, e);
	if (r == 0)
		r = vm_cross_check_network(config->root, e);
	if (r == 0)
		r = check_image(m->section.image, e);
	return r < 0 ? r : check_sources(config->root, bundle, e);
}

static int find_hypervisor(const struct making *m, const char **out, struct err *e)
{
	const char *path = m->section.hypervisor ? m->section.hypervisor : m->host.hypervisor;
	const char *key = m->section.hypervisor ? "vm.hypervisor.path" : "the hypervisor";

	if (!path) {
		int r = vm_qemu_find(out, e);

		return r < 0 ? r : 0;
	}
	if (access(path, X_OK) < 0)
		return err_sys(e, errno, "%s: '%s'", key, path);
	*out = path;
	return 0;
}

static int find_helper(const char *name, char **out, struct err *e)
{
	*out = helper_path(name);
	if (access(*out, X_OK) < 0)
		return err_set(e, errno, "a VM needs the helper program '%s': install all of husk", *out);
	return 0;
}

static int find_kernel(struct making *m, struct err *e)
{
	const struct vm_kernel_query q = {
		.kernel = m->section.kernel ? m->section.kernel : m->host.kernel,
		.initrd = m->section.initrd,
		.image = m->section.image,
	};

	return vm_kernel_find(&q, &m->kernel, e);
}

static void find_system_dirs(struct making *m)
{
	static const char *const dirs[] = { "/usr", "/bin", "/sbin", "/lib", "/lib64" };
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
		if (access(dirs[i], F_OK) == 0)
			m->system_dirs[n++] = dirs[i];
}

/* Where the jails' mounts stand: the same for all of them, empty and read-only in the jail. */
static int make_jail_root(struct making *m, const struct husk_ctx *ctx, struct err *e)
{
	static const char *const dirs[] = { "dev", "proc", "run", "vm", "export", VM_ADDED_DIR };
	AUTO_FD root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	AUTO_FREE char *path = x_printf("%s/" VM_JAIL_DIR, ctx->root);
	AUTO_FD dir = -1;
	AUTO_FREE char *cwd = ctx->root[0] == '/' ? x_strdup("") : getcwd(NULL, 0);
	AUTO_FREE char *whole = x_printf("%s/%s", cwd ? cwd : "", path);
	int r;

	if (root < 0)
		return err_sys(e, errno, "open '/'");
	r = rootpath_mkdirs(root, whole, 0700, &dir, e);
	if (r < 0)
		return err_sys(e, e->code, "--root: make '%s'", whole);
	if (chmod(path, 0755) < 0) /* the hypervisor is another user */
		return err_sys(e, errno, "chmod '%s'", path);
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
		if (mkdirat(dir, dirs[i], 0755) < 0 && errno != EEXIST)
			return err_sys(e, errno, "make '%s/%s'", path, dirs[i]);
	for (const char **d = m->system_dirs; *d; d++)
		if (mkdirat(dir, *d + 1, 0755) < 0 && errno != EEXIST)
			return err_sys(e, errno, "make '%s%s'", path, *d);
	m->jail_root = realpath(path, NULL);
	return m->jail_root ? 0 : err_sys(e, errno, "find '%s'", path);
}

static int machine_file(const struct machine *machine, int *out_fd, struct err *e)
{
	AUTO_FD fd = memfd_create("husk-machine", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct strbuf bytes = { 0 };
	int r;

	if (fd < 0)
		return err_sys(e, errno, "memfd_create");
	machine_encode(machine, &bytes);
	r = bytes.len > MACHINE_BYTES_MAX ? -EFBIG : io_write_all(fd, bytes.s, bytes.len);
	free(bytes.s);
	if (r < 0)
		return err_sys(e, -r, "write the machine's description");
	r = fd_seal(fd);
	if (r < 0)
		return err_sys(e, -r, "seal the machine's description");
	*out_fd = fd_take(&fd);
	return 0;
}

/* husk's log, for husk-mon, which outlives husk. */
static int log_file(int *out_fd, struct err *e)
{
	int fd = log_fd() >= 0 ? fcntl(log_fd(), F_DUPFD_CLOEXEC, 0) : open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, errno, "the log for husk-mon");
	*out_fd = fd;
	return 0;
}

/* As root the jail has a device of its own, for everybody. Else it has the host's, which the hypervisor opens as who it
 * is then. (By a descriptor in place of the path QEMU takes it from 8.2 on only.) */
static bool may_open_kvm(const struct vmplan_input *in)
{
	const mode_t others = S_IROTH | S_IWOTH;
	struct stat st = { 0 };
	char map[4096];
	ssize_t n;

	if (!in->unprivileged || (stat(VM_KVM_DEVICE, &st) == 0 && (st.st_mode & others) == others))
		return true;
	n = io_read_small(AT_FDCWD, "/proc/self/uid_map", map, sizeof(map));
	if (vmplan_hypervisor_is_caller(in, n > 0 ? proc_uid_map_count(map) : 0))
		return true;
	log_warn(VM_KVM_DEVICE ": its mode %04o keeps out user 65534 of the user namespace, as which QEMU runs (chmod "
			       "o+rw): emulating the machine instead",
		 (unsigned int)(st.st_mode & 07777));
	return false;
}

/* The ids of an ordinary user's guest are those of the user's namespace, which has none of the others. */
static int find_groups(struct making *m, struct vmplan_input *in, struct err *e)
{
	int n = 0;

	if (!in->unprivileged && vm_cross_keeps_groups(in->config->root))
		n = getgroups(0, NULL);
	if (n > 0) {
		m->groups = x_calloc((size_t)n, sizeof(*m->groups));
		n = getgroups(n, m->groups);
	}
	if (n < 0)
		return err_sys(e, errno, "annotations[\"run.oci.keep_original_groups\"]: getgroups");
	in->groups = m->groups;
	in->n_groups = (size_t)n;
	return 0;
}

static int plan(struct making *m, const struct vm_create *c, const struct husk_ctx *ctx, const char *bundle,
		const struct json_doc *config, struct err *e)
{
	struct vmplan_input in = {
		.id = c->id,
		.bundle = bundle,
		.config = config,
		.section = &m->section,
		.host = &m->host,
		.system_dirs = m->system_dirs,
		.unprivileged = !ctx->host_root,
	};
	int r;

	r = find_hypervisor(m, &in.hypervisor, e);
	if (r == 0)
		r = find_groups(m, &in, e);
	if (r == 0)
		r = find_helper("husk-mon", &m->mon, e);
	if (r == 0 && !m->host.file_server)
		r = find_helper("husk-fsd", &m->file_server, e);
	if (r == 0)
		r = find_helper("husk-net", &m->net, e);
	if (r == 0)
		r = find_kernel(m, e);
	if (r < 0)
		return r;
	find_system_dirs(m);
	r = make_jail_root(m, ctx, e);
	if (r < 0)
		return r;
	in.kvm = vm_kvm_usable() && may_open_kvm(&in);
	in.jail_root = m->jail_root;
	in.kernel = m->kernel.kernel;
	in.initrd = m->kernel.initrd;
	in.initrd_bytes = m->kernel.about.files[VM_MANIFEST_FILE_INITRD].size;
	in.mon = m->mon;
	in.net = m->net;
	in.file_server = m->host.file_server ? m->host.file_server : m->file_server;
	return vmplan_make(&in, &m->plan, e);
}

/* In the jail there is none, and opening it again says in whose network namespace that is. */
static int tun_file(int *out_fd, struct err *e)
{
	int fd = open("/dev/net/tun", O_PATH | O_CLOEXEC);

	if (fd < 0)
		fd = open("/dev/null", O_PATH | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, errno, "open '/dev/null'");
	*out_fd = fd;
	return 0;
}

/* The first three of husk-mon's descriptors. */
static int hand_over(struct machine *machine, struct husk_instead *out, struct err *e)
{
	int r;

	machine->log = log_fd() >= 0;
	machine->log_json = log_format() == LOG_JSON;
	r = machine_file(machine, &out->fds[0], e);
	if (r < 0)
		return r;
	out->n_fds = 1;
	r = log_file(&out->fds[1], e);
	out->n_fds += r == 0;
	if (r == 0)
		r = tun_file(&out->fds[2], e);
	out->n_fds += r == 0;
	return r;
}

int vm_create_rewrite(const struct husk_ctx *ctx, const char *bundle, const struct json_doc *config, void *arg,
		      struct husk_instead *out, struct err *e)
{
	const struct vm_create *c = arg;
	struct making m = { 0 };
	int r = choose(&m, config, e);

	if (r > 0) {
		r = check_caller(c->opts, e);
		if (r == 0)
			r = read_wishes(&m, config, bundle, e);
		if (r == 0)
			r = plan(&m, c, ctx, bundle, config, e);
		if (r == 0)
			r = vm_program_check(config->root, m.plan.rootfs, e);
		if (r == 0)
			r = vm_targets_make(config->root, bundle, m.plan.rootfs, e);
		if (r == 0)
			r = hand_over(&m.plan.machine, out, e);
		if (r == 0) {
			out->reports = out->listens = out->deferred = out->limits_optional = true;
			out->config = x_strdup(m.plan.jail);
			out->rootfs = x_strdup(m.plan.rootfs);
			out->note = x_strdup(m.plan.guest);
		}
	}
	making_free(&m);
	return r;
}

/* The destination of mounts[n] of the bundle's config.json; malloc'ed, NULL: it cannot be told. */
static char *destination_of(const char *bundle, uint64_t n)
{
	AUTO_FREE char *path = x_printf("%s/config.json", bundle ? bundle : ".");
	AUTO_FREE char *text = NULL;
	struct json_doc doc = { 0 };
	struct err why = { 0 };
	char *found = NULL;
	size_t len;

	if (io_read_file(AT_FDCWD, path, 0, JSON_TEXT_MAX, &text, &len, &why) < 0 ||
	    json_parse(text, len, &doc, &why) < 0)
		return NULL;
	json_each (mount, json_get(doc.root, "mounts")) {
		const struct json *to = json_get(mount, "destination");

		if (mount->index == n && to && to->type == JSON_STRING)
			found = x_strdup(to->str);
	}
	json_free(&doc);
	return found;
}

int vm_create_explain(const struct vm_create *c, int r, struct err *e)
{
	AUTO_FREE char *place = x_printf(" ('" VM_JAIL_EXPORT "/%s/mounts/", c->id);
	const char *at = r < 0 ? strstr(e->msg, place) : NULL, *rest;
	AUTO_FREE char *destination = NULL;
	AUTO_FREE char *said = NULL;
	uint64_t n;

	if (!at || !str_starts(e->msg, "mounts["))
		return r;
	rest = at + strlen(place);
	if (!str_take_u64(&rest, UINT32_MAX, &n) || !str_starts(rest, "')"))
		return r;
	destination = destination_of(c->opts->bundle, n);
	if (!destination)
		return r;
	said = x_strdup(rest + 2);
	return err_set(e, e->code, "mounts[%ju] ('%s')%s", (uintmax_t)n, destination, said);
}
