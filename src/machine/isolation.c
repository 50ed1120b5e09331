/* SPDX-License-Identifier: Apache-2.0 */
/* isolation.c: see isolation.h. */
#include "isolation.h"

#include "str.h"

#define HANDLER "run.oci.handler"
#define ISOLATION "io.husk.isolation"

/* The annotation's text; NULL when it is not there, or empty. */
static const char *annotation(const struct json *config, const char *name)
{
	return json_get_text(json_get(config, "annotations"), name);
}

/* containerd's and CRI-O's marks of a pod's pause container. */
static bool is_sandbox(const struct json *config)
{
	return str_eq(annotation(config, "io.kubernetes.cri.container-type"), "sandbox") ||
	       str_eq(annotation(config, "io.kubernetes.cri-o.ContainerType"), "sandbox");
}

static int read_handler(const char *value, enum isolation *out, struct err *e)
{
	if (!str_eq(value, "vm") && !str_eq(value, "krun"))
		return err_set(e, EINVAL, "annotations[\"" HANDLER "\"]: unknown handler '%s': expected vm or krun",
			       value);
	*out = ISOLATION_VM;
	return 1;
}

static int read_isolation(const char *where, const char *value, enum isolation *out, struct err *e)
{
	if (!str_eq(value, "vm") && !str_eq(value, "container"))
		return err_set(e, EINVAL, "%s: unknown isolation '%s': expected container or vm", where, value);
	*out = str_eq(value, "vm") ? ISOLATION_VM : ISOLATION_CONTAINER;
	return 1;
}

static int read_annotations(const struct json *config, enum isolation *out, struct err *e)
{
	const char *handler = annotation(config, HANDLER), *isolation = annotation(config, ISOLATION);
	enum isolation by_handler = ISOLATION_VM, by_name = ISOLATION_VM;
	int r = handler ? read_handler(handler, &by_handler, e) : 0;

	if (r >= 0 && isolation)
		r = read_isolation("annotations[\"" ISOLATION "\"]", isolation, &by_name, e);
	if (r <= 0)
		return r;
	if (handler && isolation && by_handler != by_name)
		return err_set(e, EINVAL, "annotations: " HANDLER " '%s' and " ISOLATION " '%s' contradict each other",
			       handler, isolation);
	*out = handler ? by_handler : by_name;
	return 1;
}

int isolation_asked(const struct json *config, const char *program, enum isolation *out, struct err *e)
{
	enum isolation said = ISOLATION_CONTAINER;
	int r;

	if (json_get(config, "vm")) {
		*out = ISOLATION_VM;
		return 1;
	}
	r = read_annotations(config, &said, e);
	if (r == 0 && str_eq(program, ISOLATION_VM_NAME)) {
		said = ISOLATION_VM;
		r = 1;
	}
	if (r >= 0 && is_sandbox(config)) {
		said = ISOLATION_CONTAINER;
		r = 1;
	}
	if (r > 0)
		*out = said;
	return r;
}

int isolation_default(const struct json *host_config, enum isolation *out, struct err *e)
{
	const struct json *v = json_get(host_config, "isolation");
	const char *value;
	int r;

	*out = ISOLATION_CONTAINER;
	if (!v)
		return 0;
	r = json_str(v, &value, e);
	if (r == 0)
		r = read_isolation("isolation", value, out, e);
	return r < 0 ? r : 0;
}
