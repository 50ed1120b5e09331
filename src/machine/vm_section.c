/* SPDX-License-Identifier: Apache-2.0 */
/* vm_section.c: see vm_section.h. */
#include "vm_section.h"

#include "str.h"

#define MEMORY_MAX (1ULL << 44) /* bytes */

/* An object without anything in it is one that Go's writers did not leave out. */
static bool is_empty(const struct json *v)
{
	switch (v->type) {
	case JSON_NULL:
		return true;
	case JSON_BOOL:
	case JSON_NUMBER:
		return false;
	default:
		return v->len == 0;
	}
}

static const struct json *member(const struct json *obj, const char *key)
{
	const struct json *v = json_get(obj, key);

	return v && !is_empty(v) ? v : NULL;
}

static int read_path(const struct json *obj, const char *key, const char **out, struct err *e)
{
	const struct json *v = member(obj, key);
	int r;

	if (!v)
		return 0;
	r = json_str(v, out, e);
	if (r == 0 && **out != '/')
		r = json_err(e, EINVAL, v, "expected an absolute path, got '%s'", *out);
	return r;
}

static int read_parameters(const struct json_doc *doc, const struct json *obj, size_t bytes_max, char ***out,
			   size_t *out_n, struct err *e)
{
	const struct json *v = member(obj, "parameters");
	size_t sum = 0;
	int r;

	if (!v)
		return 0;
	r = json_strv(doc, v, out, out_n, e);
	if (r == 0 && *out_n > VM_PARAMETERS_MAX)
		r = json_err(e, E2BIG, v, "%zu parameters: at most %d are taken", *out_n, VM_PARAMETERS_MAX);
	json_each (item, v)
		sum += item->len + 1;
	if (r == 0 && sum > bytes_max)
		r = json_err(e, E2BIG, v, "%zu bytes: at most %zu are taken", sum, bytes_max);
	return r;
}

/* A word that the kernel would hand to the agent, or start another program by. */
static bool is_for_init(const char *word)
{
	return str_starts(word, "--") || str_starts(word, "rdinit=");
}

/* One string may hold several words; in quotes blanks are part of one (kernel-parameters.rst). */
static int check_kernel_parameter(const struct json *item, struct err *e)
{
	bool quoted = false, between = true;

	for (const char *at = item->str; *at; at++) {
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			return json_err(e, EINVAL, item, "a control character: expected printable ones");
		if (between && is_for_init(*at == '"' ? at + 1 : at))
			return json_err(e, EINVAL, item, "'%s': the first program of the guest is husk-agent", at);
		between = *at == ' ' && !quoted;
		quoted = quoted != (*at == '"');
	}
	return quoted ? json_err(e, EINVAL, item, "'%s': a quote is not closed", item->str) : 0;
}

static int check_keys(const struct json *obj, const char *const *known, struct err *e)
{
	json_each (item, obj) {
		size_t i = 0;

		while (known[i] && !str_eq(known[i], item->key))
			i++;
		if (!known[i] && !is_empty(item))
			return json_err(e, EINVAL, item, "unknown key");
	}
	return 0;
}

/* An object of the section, whose keys are all known. *out NULL: it is absent. */
static int open_object(const struct json *obj, const char *key, const char *const *known, const struct json **out,
		       struct err *e)
{
	const struct json *v = member(obj, key);
	int r;

	*out = NULL;
	if (!v)
		return 0;
	r = json_want(v, JSON_OBJECT, e);
	if (r == 0)
		r = check_keys(v, known, e);
	if (r == 0)
		*out = v;
	return r;
}

static int read_memory(const struct json *obj, uint64_t *out, struct err *e)
{
	const struct json *v = member(obj, "memory");
	int r = v ? json_u64(v, MEMORY_MAX, out, e) : 0;

	if (r == 0 && v && *out && *out < VM_MEMORY_MIN)
		return json_err(e, EINVAL, v, "%ju bytes: a machine needs %llu (128 MiB) at least", (uintmax_t)*out,
				VM_MEMORY_MIN);
	return r;
}

static int read_u32(const struct json *obj, const char *key, uint32_t max, uint32_t *out, struct err *e)
{
	const struct json *v = member(obj, key);
	uint64_t n = 0;
	int r = v ? json_u64(v, max, &n, e) : 0;

	*out = (uint32_t)n;
	return r;
}

static int read_hypervisor(const struct json_doc *doc, const struct json *vm, struct vm_section *out, struct err *e)
{
	static const char *const keys[] = { "path", "parameters", NULL };
	const struct json *v;
	int r = open_object(vm, "hypervisor", keys, &v, e);

	if (r == 0)
		r = read_path(v, "path", &out->hypervisor, e);
	if (r == 0)
		r = read_parameters(doc, v, VM_HYPERVISOR_PARAMETERS_BYTES, &out->hypervisor_parameters,
				    &out->n_hypervisor_parameters, e);
	return r;
}

static int read_kernel(const struct json_doc *doc, const struct json *vm, struct vm_section *out, struct err *e)
{
	static const char *const keys[] = { "path", "parameters", "initrd", NULL };
	const struct json *v;
	int r = open_object(vm, "kernel", keys, &v, e);

	if (r == 0)
		r = read_path(v, "path", &out->kernel, e);
	if (r == 0)
		r = read_path(v, "initrd", &out->initrd, e);
	if (r == 0)
		r = read_parameters(doc, v, VM_KERNEL_PARAMETERS_BYTES, &out->kernel_parameters,
				    &out->n_kernel_parameters, e);
	if (r == 0)
		json_each (item, json_get(v, "parameters")) {
			r = check_kernel_parameter(item, e);
			if (r < 0)
				return r;
		}
	return r;
}

static int read_image(const struct json *vm, struct vm_section *out, struct err *e)
{
	static const char *const keys[] = { "path", "format", NULL };
	const struct json *v, *format;
	int r = open_object(vm, "image", keys, &v, e);

	if (r == 0)
		r = read_path(v, "path", &out->image, e);
	if (r < 0 || !v)
		return r;
	format = member(v, "format");
	if (!format && !out->image)
		return 0;
	if (!format)
		return err_set(e, EINVAL, "vm.image.format: missing: expected raw");
	if (!str_eq(format->str, "raw"))
		return json_err(e, ENOTSUP, format, "'%s' is not supported: the only format is raw",
				format->str ? format->str : "?");
	return out->image ? 0 : err_set(e, EINVAL, "vm.image.path: missing");
}

static int read_hardware(const struct json *vm, const char *key, struct vm_section *out, struct err *e)
{
	static const char *const keys[] = { "deviceTree", "vcpus", "memory", "dtdevs", "iomems", "irqs", NULL };
	static const char *const xen[] = { "deviceTree", "dtdevs", "iomems", "irqs" };
	const struct json *v;
	int r = open_object(vm, key, keys, &v, e);

	if (r < 0 || !v)
		return r;
	for (size_t i = 0; i < ARRAY_LEN(xen); i++)
		if (member(v, xen[i]))
			return json_err(e, ENOTSUP, json_get(v, xen[i]), "not supported: it is for Xen");
	r = read_memory(v, &out->memory, e);
	return r < 0 ? r : read_u32(v, "vcpus", VM_VCPUS_MAX, &out->vcpus, e);
}

int vm_section_read(const struct json_doc *config, struct vm_section *out, struct err *e)
{
	/* the schema writes hwConfig, the Go types hwconfig */
	static const char *const keys[] = { "hypervisor", "kernel", "image", "hwConfig", "hwconfig", NULL };
	const struct json *vm = json_get(config->root, "vm");
	int r;

	*out = (struct vm_section){ 0 };
	if (!vm)
		return 0;
	r = json_want(vm, JSON_OBJECT, e);
	if (r == 0)
		r = check_keys(vm, keys, e);
	if (r == 0)
		r = read_hypervisor(config, vm, out, e);
	if (r == 0)
		r = read_kernel(config, vm, out, e);
	if (r == 0)
		r = read_image(vm, out, e);
	if (r == 0 && member(vm, "hwConfig") && member(vm, "hwconfig"))
		r = json_err(e, EINVAL, json_get(vm, "hwconfig"), "hwConfig is there, too");
	if (r == 0)
		r = read_hardware(vm, member(vm, "hwConfig") ? "hwConfig" : "hwconfig", out, e);
	return r;
}

int vm_host_read(const struct json *host_config, struct vm_host *out, struct err *e)
{
	static const char *const keys[] = {
		"hypervisor", "kernel", "fileServer", "memory", "vcpus", "bootSeconds", NULL
	};
	const struct json *v;
	int r = open_object(host_config, "vm", keys, &v, e);

	*out = (struct vm_host){ 0 };
	if (r == 0)
		r = read_path(v, "hypervisor", &out->hypervisor, e);
	if (r == 0)
		r = read_path(v, "kernel", &out->kernel, e);
	if (r == 0)
		r = read_path(v, "fileServer", &out->file_server, e);
	if (r == 0)
		r = read_memory(v, &out->memory, e);
	if (r == 0)
		r = read_u32(v, "vcpus", VM_VCPUS_MAX, &out->vcpus, e);
	if (r == 0)
		r = read_u32(v, "bootSeconds", 3600, &out->boot_seconds, e);
	if (r == 0 && !out->memory)
		out->memory = VM_MEMORY_DEFAULT;
	if (r == 0 && !out->boot_seconds)
		out->boot_seconds = VM_BOOT_SECONDS;
	return r;
}
