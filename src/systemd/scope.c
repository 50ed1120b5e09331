/* SPDX-License-Identifier: Apache-2.0 */
/* scope.c: see scope.h. */
#include "scope.h"

#include "bus.h"
#include "clock.h"
#include "io.h"
#include "property.h"
#include "str.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define JOB_WAIT_MS 30000 /* how long systemd may take to make a scope, or to end one */
#define GONE_WAIT_MS 2000 /* and to forget one that has ended */
#define GONE_NAP_US 10000ULL
#define OWN_CGROUP "/proc/self/cgroup"
#define OWN_CGROUP_MAX 65536 /* bytes; a line a hierarchy */
#define UNIT_EXISTS SYSTEMD_NAME ".UnitExists"
#define NO_SUCH_UNIT SYSTEMD_NAME ".NoSuchUnit"

/* A job of systemd that is waited for. */
struct job {
	char *path;
	char *result; /* "done", "failed", ...; NULL: not ended */
};

/* JobRemoved(u id, o job, s unit, s result). Called by sd_bus_process() alone, so the path is known. */
static int job_removed(sd_bus_message *m, void *arg, sd_bus_error *why)
{
	const char *path, *unit, *result;
	struct job *j = arg;
	uint32_t id;
	int r = sd_bus_message_read(m, "uoss", &id, &path, &unit, &result);

	(void)why;
	if (r >= 0 && !j->result && str_eq(path, j->path))
		j->result = x_strdup(result);
	return r < 0 ? r : 0;
}

static int job_wait(sd_bus *bus, struct job *j, const char *what, struct err *e)
{
	int64_t until = clock_monotonic_ms() + JOB_WAIT_MS, now;
	int r;

	while (!j->result) {
		r = sd_bus_process(bus, NULL);
		if (r < 0)
			return err_sys(e, -r, "%s: the connection to systemd", what);
		if (r > 0 || j->result)
			continue;
		now = clock_monotonic_ms();
		if (now >= until)
			return err_set(e, ETIMEDOUT, "%s: systemd did not do it within %d s", what, JOB_WAIT_MS / 1000);
		r = sd_bus_wait(bus, (uint64_t)(until - now) * 1000);
		if (r < 0 && r != -EINTR)
			return err_sys(e, -r, "%s: the connection to systemd", what);
	}
	if (!str_eq(j->result, "done"))
		return err_set(e, EIO, "%s: systemd says '%s'; see its log (journalctl)", what, j->result);
	return 0;
}

/* Is it given again later on? systemd would take some twice, and some not. */
static bool comes_again(char *const *properties)
{
	const char *name = *properties + (**properties == '@');
	size_t len = strcspn(name, "=");

	for (char *const *p = properties + 1; *p; p++) {
		const char *other = *p + (**p == '@');

		if (strcspn(other, "=") == len && strncmp(other, name, len) == 0)
			return true;
	}
	return false;
}

static int append_properties(sd_bus_message *m, char *const *properties, bool with_pid, struct err *e)
{
	int r = sd_bus_message_open_container(m, 'a', "(sv)");

	if (r >= 0 && with_pid)
		r = sd_bus_message_append(m, "(sv)", "PIDs", "au", 1, (uint32_t)getpid());
	if (r < 0)
		return err_sys(e, -r, "make a message for systemd");
	for (; *properties; properties++) {
		if (comes_again(properties))
			continue;
		r = property_append(m, *properties, e);
		if (r < 0)
			return r;
	}
	r = sd_bus_message_close_container(m);
	return r < 0 ? err_sys(e, -r, "make a message for systemd") : 0;
}

static int new_call(sd_bus *bus, const char *method, sd_bus_message **out, struct err *e)
{
	int r = sd_bus_message_new_method_call(bus, out, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER, method);

	return r < 0 ? err_sys(e, -r, "make a message for systemd") : 0;
}

/* StartTransientUnit(s name, s mode, a(sv) properties, a(sa(sv)) aux). -EEXIST: the name is taken. */
static int start_once(sd_bus *bus, const char *unit, char *const *properties, struct job *job, struct err *e)
{
	sd_bus_error why = SD_BUS_ERROR_NULL;
	sd_bus_message *m = NULL, *answer = NULL;
	const char *path;
	int r = new_call(bus, "StartTransientUnit", &m, e);

	if (r == 0)
		r = sd_bus_message_append(m, "ss", unit, "fail") < 0 ? err_sys(e, ENOMEM, "make a message") : 0;
	if (r == 0)
		r = append_properties(m, properties, true, e);
	if (r == 0)
		r = sd_bus_message_append(m, "a(sa(sv))", 0) < 0 ? err_sys(e, ENOMEM, "make a message") : 0;
	if (r == 0) {
		r = sd_bus_call(bus, m, JOB_WAIT_MS * 1000, &why, &answer);
		if (r >= 0)
			r = sd_bus_message_read(answer, "o", &path);
		if (r >= 0)
			job->path = x_strdup(path);
		else if (sd_bus_error_has_name(&why, UNIT_EXISTS))
			r = err_set(e, EEXIST, "the unit '%s' exists already", unit);
		else
			r = bus_error(e, r, &why, "start a scope");
	}
	sd_bus_error_free(&why);
	sd_bus_message_unref(m);
	sd_bus_message_unref(answer);
	return r < 0 ? r : 0;
}

static int call_with_unit(sd_bus *bus, const char *method, const char *unit, sd_bus_error *why)
{
	return sd_bus_call_method(bus, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER, method, why, NULL, "s", unit);
}

/* The cgroup v2 that this process is in, if its name is the unit's; else false. systemd need not be asked then. */
static bool read_own_cgroup(const char *unit, char **out)
{
	AUTO_FREE char *text = NULL;
	char *path, *name;

	if (io_read_file(AT_FDCWD, OWN_CGROUP, 0, OWN_CGROUP_MAX, &text, NULL, NULL) < 0)
		return false;
	path = str_starts(text, "0::/") ? text : strstr(text, "\n0::/");
	if (!path)
		return false;
	path = strchr(path, '/');
	path[strcspn(path, "\n")] = '\0';
	name = strrchr(path, '/') + 1;
	if (!str_eq(name, unit) || str_starts(path, "/../")) /* such is seen from another cgroup namespace */
		return false;
	*out = x_strdup(path);
	return true;
}

/* By way of its object: GetUnit(s) -> o, and the property ControlGroup. */
static int ask_cgroup(sd_bus *bus, const char *unit, char **out, struct err *e)
{
	sd_bus_error why = SD_BUS_ERROR_NULL;
	sd_bus_message *answer = NULL;
	const char *path;
	char *cgroup = NULL;
	int r;

	r = sd_bus_call_method(bus, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER, "GetUnit", &why, &answer, "s", unit);
	if (r >= 0)
		r = sd_bus_message_read(answer, "o", &path);
	if (r >= 0)
		r = sd_bus_get_property_string(bus, SYSTEMD_NAME, path, SYSTEMD_NAME ".Scope", "ControlGroup", &why,
					       &cgroup);
	if (r < 0)
		r = bus_error(e, r, &why, "ask for the cgroup of a scope");
	else if (!*cgroup)
		r = err_set(e, ENOENT, "the scope '%s' has no cgroup", unit);
	else
		*out = x_strdup(cgroup);
	free(cgroup);
	sd_bus_error_free(&why);
	sd_bus_message_unref(answer);
	return r < 0 ? r : 0;
}

int scope_start(sd_bus *bus, const char *unit, char *const *properties, char **out_cgroup, struct err *e)
{
	int64_t until = clock_monotonic_ms() + GONE_WAIT_MS;
	struct job job = { 0 };
	int r = sd_bus_match_signal(bus, NULL, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER, "JobRemoved", job_removed,
				    &job);

	if (r < 0)
		return err_sys(e, -r, "listen to systemd");
	/* on the private socket everybody hears; on a bus only those who subscribed */
	if (sd_bus_is_bus_client(bus) > 0)
		(void)sd_bus_call_method(bus, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER, "Subscribe", NULL, NULL,
					 NULL);
	while ((r = start_once(bus, unit, properties, &job, e)) == -EEXIST && clock_monotonic_ms() < until) {
		(void)call_with_unit(bus, "ResetFailedUnit", unit, NULL);
		(void)usleep(GONE_NAP_US);
	}
	if (r == 0)
		r = job_wait(bus, &job, "start a scope", e);
	if (r == 0 && !read_own_cgroup(unit, out_cgroup))
		r = ask_cgroup(bus, unit, out_cgroup, e);
	free(job.path);
	free(job.result);
	return r;
}

/* AttachProcessesToUnit(s name, s subcgroup, au pids) */
int scope_attach(sd_bus *bus, const char *unit, const char *below, uint32_t pid, struct err *e)
{
	sd_bus_error why = SD_BUS_ERROR_NULL;
	int r = sd_bus_call_method(bus, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER, "AttachProcessesToUnit", &why,
				   NULL, "ssau", unit, below, 1, pid);

	if (r < 0)
		r = bus_error(e, r, &why, "move a process into a scope");
	sd_bus_error_free(&why);
	return r < 0 ? r : 0;
}

/* SetUnitProperties(s name, b runtime, a(sv) properties) */
int scope_set(sd_bus *bus, const char *unit, char *const *properties, struct err *e)
{
	sd_bus_error why = SD_BUS_ERROR_NULL;
	sd_bus_message *m = NULL;
	int r = new_call(bus, "SetUnitProperties", &m, e);

	if (r == 0)
		r = sd_bus_message_append(m, "sb", unit, 1) < 0 ? err_sys(e, ENOMEM, "make a message") : 0;
	if (r == 0)
		r = append_properties(m, properties, false, e);
	if (r == 0) {
		r = sd_bus_call(bus, m, JOB_WAIT_MS * 1000, &why, NULL);
		if (r < 0)
			r = bus_error(e, r, &why, "set properties of a scope");
	}
	sd_bus_error_free(&why);
	sd_bus_message_unref(m);
	return r < 0 ? r : 0;
}

int scope_stop(sd_bus *bus, const char *unit, struct err *e)
{
	sd_bus_error why = SD_BUS_ERROR_NULL;
	int r = sd_bus_call_method(bus, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER, "StopUnit", &why, NULL, "ss", unit,
				   "replace");

	if (r < 0 && sd_bus_error_has_name(&why, NO_SUCH_UNIT))
		r = 0;
	else if (r < 0)
		r = bus_error(e, r, &why, "stop a scope");
	(void)call_with_unit(bus, "ResetFailedUnit", unit, NULL);
	sd_bus_error_free(&why);
	return r < 0 ? r : 0;
}
