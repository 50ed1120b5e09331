/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup_systemd.c: see cgroup_systemd.h. */
#include "cgroup_systemd.h"

#include "bitlist.h"
#include "cgroup.h"
#include "fd.h"
#include "str.h"

#include <ctype.h>
#include <string.h>
#include <sys/socket.h>

#define HELPER "husk-systemd"
#define STATUS_UNREACHED 2 /* of the helper: no systemd to talk to */
#define KEY "linux.cgroupsPath"
#define UNIT_NAME_MAX 255    /* systemd.unit(5): with its suffix */
#define CGROUP_PATH_MAX 4096 /* bytes of the helper's answer */
#define SECOND_US 1000000
#define CPUS_MAX 8192 /* as systemd: the greatest CONFIG_NR_CPUS of Linux */
#define GONE_MS 2000  /* how long systemd may take to remove a scope that is empty */

/* ---- names ---- */

/* systemd.unit(5), "String Escaping for Inclusion in Unit Names"; '\' stays, it may be an escape already. */
static void add_escaped(struct strbuf *b, const char *s)
{
	for (; *s; s++) {
		if (isalnum((unsigned char)*s) || strchr(":-_.\\@", *s))
			strbuf_add(b, s, 1);
		else
			strbuf_printf(b, "\\x%02x", (unsigned char)*s);
	}
}

static bool is_slice(const char *s)
{
	size_t len = strlen(s), suffix = strlen(".slice");

	return len > suffix && strcmp(s + len - suffix, ".slice") == 0 && !strchr(s, '/');
}

int cgroup_scope_names(const char *cgroups_path, const char *id, bool user, char **out_slice, char **out_unit,
		       struct err *e)
{
	AUTO_FREE char *copy = NULL;
	const char *slice = user ? "user.slice" : "system.slice", *prefix = "husk", *name = id;
	struct strbuf unit = { 0 };
	char *first = NULL, *second = NULL;

	if (cgroups_path && *cgroups_path) {
		copy = x_strdup(cgroups_path);
		first = strchr(copy, ':');
		second = first ? strchr(first + 1, ':') : NULL;
		if (!second || strchr(second + 1, ':') || !second[1])
			return err_set(e, EINVAL,
				       KEY ": expected 'slice:prefix:name' under the systemd cgroup manager, got '%s'",
				       cgroups_path);
		*first = *second = '\0';
		if (*copy)
			slice = copy;
		prefix = first + 1;
		name = second + 1;
	}
	if (!is_slice(slice))
		return err_set(e, EINVAL, KEY ": '%s' is no name of a slice such as 'machine.slice'", slice);
	add_escaped(&unit, prefix);
	if (*prefix)
		strbuf_puts(&unit, "-");
	add_escaped(&unit, name);
	strbuf_puts(&unit, ".scope");
	if (unit.len > UNIT_NAME_MAX) {
		int r = err_set(e, ENAMETOOLONG, KEY ": the unit's name '%.40s...' is longer than %d bytes", unit.s,
				UNIT_NAME_MAX);

		free(unit.s);
		return r;
	}
	*out_slice = x_strdup(slice);
	*out_unit = unit.s;
	return 0;
}

const char *cgroup_scope_below(const char *path, const char *unit)
{
	size_t len = strlen(unit);

	for (const char *at = strstr(path, unit); at; at = strstr(at + 1, unit))
		if ((at == path || at[-1] == '/') && (!at[len] || at[len] == '/'))
			return at + len;
	return "";
}

/* ---- properties ---- */

struct list {
	char **v;
	size_t n;
};

static void add(struct list *l, char *property)
{
	l->v = x_realloc(l->v, l->n + 2, sizeof(*l->v));
	l->v[l->n++] = property;
	l->v[l->n] = NULL;
}

/* cpu.max: "QUOTA PERIOD", microseconds. systemd counts by the second. */
static void add_quota(struct list *l, const char *value)
{
	AUTO_FREE char *copy = x_strdup(value);
	char *space = strchr(copy, ' ');
	uint64_t quota, period;

	if (!space)
		return;
	*space = '\0';
	if (str_u64(space + 1, UINT32_MAX, &period) < 0 || period == 0)
		return;
	if (str_eq(copy, "max"))
		add(l, x_strdup("CPUQuotaPerSecUSec=infinity"));
	else if (str_u64(copy, UINT64_MAX / SECOND_US, &quota) == 0)
		add(l, x_printf("CPUQuotaPerSecUSec=%llu", (unsigned long long)(quota * SECOND_US / period)));
	add(l, x_printf("CPUQuotaPeriodUSec=%llu", (unsigned long long)period));
}

/* What systemd would refuse, the kernel's file refuses with a better message. */
static bool is_amount(const char *value)
{
	uint64_t n;

	return str_eq(value, "max") || str_u64(value, UINT64_MAX, &n) == 0;
}

static void add_step(struct list *l, const struct cgroup_step *s)
{
	static const struct {
		const char *file, *property;
		bool is_list;
	} same[] = {
		{ "cpu.weight", "CPUWeight", false },	{ "memory.max", "MemoryMax", false },
		{ "memory.high", "MemoryHigh", false }, { "memory.low", "MemoryLow", false },
		{ "memory.min", "MemoryMin", false },	{ "memory.swap.max", "MemorySwapMax", false },
		{ "io.weight", "IOWeight", false },	{ "pids.max", "TasksMax", false },
		{ "cpuset.cpus", "AllowedCPUs", true }, { "cpuset.mems", "AllowedMemoryNodes", true },
	};
	unsigned long bits[BITLIST_WORDS(CPUS_MAX)];
	const char *value = s->value;

	if (str_eq(s->file, "cpu.max"))
		add_quota(l, value);
	if (str_starts(value, "default "))
		value += strlen("default ");
	if (str_eq(value, "\n")) /* how an empty list is written to its file */
		value = "";
	for (size_t i = 0; i < ARRAY_LEN(same); i++)
		if (str_eq(s->file, same[i].file) &&
		    (same[i].is_list ? !*value || bitlist_parse(value, CPUS_MAX, bits) == 0 : is_amount(value)))
			add(l, x_printf("%s=%s", same[i].property, str_eq(value, "max") ? "infinity" : value));
}

static struct list properties_of(const struct cgroup_steps *steps)
{
	struct list l = { .v = x_calloc(1, sizeof(char *)) };

	for (size_t i = 0; i < steps->n; i++)
		add_step(&l, &steps->v[i]);
	return l;
}

char **cgroup_scope_properties(const struct cgroup_steps *steps)
{
	return properties_of(steps).v;
}

/* Those that were asked for by name last: they count. */
static char **all_properties(const struct cgroup_scope_wish *wish)
{
	struct list l = properties_of(wish->steps);

	for (char *const *p = wish->properties; p && *p; p++)
		add(&l, x_strdup(*p));
	return l.v;
}

void cgroup_scope_properties_free(char **properties)
{
	for (char **p = properties; p && *p; p++)
		free(*p);
	free(properties);
}

/* ---- the helper ---- */

/* husk-systemd [--user] VERB UNIT PROPERTY... Freed as one block; the words stay whose they are. */
static char **helper_words(bool user, const char *verb, const char *unit, const char *const *fixed, char **properties)
{
	size_t n = 5, at = 0;
	char **argv;

	for (const char *const *p = fixed; *p; p++)
		n++;
	for (char **p = properties; *p; p++)
		n++;
	argv = x_calloc(n, sizeof(*argv));
	argv[at++] = (char *)(uintptr_t)HELPER;
	if (user)
		argv[at++] = (char *)(uintptr_t) "--user";
	argv[at++] = (char *)(uintptr_t)verb;
	argv[at++] = (char *)(uintptr_t)unit;
	for (const char *const *p = fixed; *p; p++)
		argv[at++] = (char *)(uintptr_t)*p;
	for (char **p = properties; *p; p++)
		argv[at++] = *p;
	return argv;
}

/* What says where the user's systemd is. Freed as one block; the texts stay the environment's. */
static char **helper_env(void)
{
	static const char *const wanted[] = { "XDG_RUNTIME_DIR=", "DBUS_SESSION_BUS_ADDRESS=" };
	char **env = x_calloc(ARRAY_LEN(wanted) + 1, sizeof(*env));
	size_t n = 0;

	for (char **var = environ; var && *var; var++)
		for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
			if (n < ARRAY_LEN(wanted) && str_starts(*var, wanted[i]))
				env[n++] = *var;
	return env;
}

/* The helper's answer, "/a/b.scope\n", in one packet; none: it failed, and says why. -ENOTCONN: there is no
 * systemd to ask. */
static int read_cgroup(struct cgroup_scope *scope, char **out, struct err *e)
{
	char text[CGROUP_PATH_MAX];
	ssize_t n;

	do
		n = recv(scope->hold, text, sizeof(text) - 1, 0);
	while (n < 0 && errno == EINTR);
	if (n > 1 && *text == '/' && text[n - 1] == '\n') {
		text[n - 1] = '\0';
		*out = x_strdup(text + 1);
		return 0;
	}
	fd_close(&scope->hold);
	if (helper_wait(&scope->helper, e) == 0)
		(void)err_set(e, EPROTO, KEY ": " HELPER " named no cgroup");
	else if (scope->helper.status == STATUS_UNREACHED)
		e->code = ENOTCONN;
	scope->helper.pid = 0;
	return -e->code;
}

int cgroup_scope_start(struct cgroup_scope *scope, const struct cgroup_scope_wish *wish, char **out_cgroup,
		       struct err *e)
{
	AUTO_FREE char *in_slice = x_printf("Slice=%s", wish->slice);
	AUTO_FREE char *description = x_printf("Description=container %s", wish->unit);
	const char *const fixed[] = { wish->below,
				      in_slice,
				      description,
				      "Delegate=true",
				      "DefaultDependencies=false",
				      "CollectMode=inactive-or-failed",
				      "CPUAccounting=true",
				      "IOAccounting=true",
				      "MemoryAccounting=true",
				      "TasksAccounting=true",
				      NULL };
	char **properties = all_properties(wish);
	AUTO_FREE char **argv = helper_words(wish->user, "start", wish->unit, fixed, properties);
	AUTO_FREE char **env = helper_env();
	AUTO_FD ours = -1, theirs = -1;
	int pair[2], r = 0;

	scope->helper = (struct helper){ .name = HELPER, .key = KEY };
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		r = err_sys(e, errno, "socketpair");
	} else {
		ours = pair[0];
		theirs = pair[1];
		r = helper_start(&scope->helper, argv, theirs, theirs, -1, env, e);
	}
	cgroup_scope_properties_free(properties);
	if (r < 0)
		return r;
	fd_close(&theirs);
	scope->hold = fd_take(&ours);
	return read_cgroup(scope, out_cgroup, e);
}

void cgroup_scope_release(struct cgroup_scope *scope)
{
	if (scope->helper.pid <= 0)
		return;
	/* the init, which waits for start, has a copy of the descriptor: closing ours would not end it */
	(void)shutdown(scope->hold, SHUT_RDWR);
	fd_close(&scope->hold);
	(void)helper_wait(&scope->helper, NULL);
	scope->helper.pid = 0;
}

/* One call of the helper that is over when it is. */
static int call_helper(const char *verb, const char *unit, bool user, char **properties, struct err *e)
{
	static const char *const none[] = { NULL };
	struct helper helper = { .name = HELPER, .key = KEY };
	AUTO_FREE char **argv = helper_words(user, verb, unit, none, properties);
	AUTO_FREE char **env = helper_env();
	int r = helper_start(&helper, argv, -1, -1, -1, env, e);

	return r < 0 ? r : helper_wait(&helper, e);
}

int cgroup_scope_set(const char *unit, bool user, const struct cgroup_steps *steps, struct err *e)
{
	char **properties = cgroup_scope_properties(steps);
	int r = *properties ? call_helper("set", unit, user, properties, e) : 0;

	cgroup_scope_properties_free(properties);
	return r;
}

int cgroup_scope_attach(const char *unit, const char *path, pid_t pid, struct err *e)
{
	AUTO_FREE char *id = x_printf("%d", (int)pid);
	char *words[] = { (char *)(uintptr_t)cgroup_scope_below(path, unit), id, NULL };

	return call_helper("attach", unit, true, words, e);
}

int cgroup_scope_remove(const char *cgroup, const char *unit, bool user, struct err *e)
{
	char *none[] = { NULL };

	if (cgroup_wait_removed(cgroup, GONE_MS) == 0)
		return 0;
	(void)call_helper("stop", unit, user, none, NULL); /* what it leaves, the next line tells */
	return cgroup_remove(cgroup, e);
}
