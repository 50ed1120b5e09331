/* SPDX-License-Identifier: Apache-2.0 */
/* vm_info.c: see vm_info.h. */
#include "vm_info.h"

#include "cmd.h"
#include "format.h"
#include "vm_kvm.h"
#include "vm_qemu.h"

#include <string.h>
#include <unistd.h>

#define NO_ACCELERATION "QEMU emulates the machine (TCG)"

/* What was found out. A part whose err has a code is not there, and that says why. */
struct info {
	struct vm_kernel kernel;
	struct err no_kernel, not_prepared, no_agent, no_qemu;
	const char *qemu;
	char qemu_version[VM_QEMU_VERSION_MAX];
	struct vm_kvm kvm;
};

static void look(const struct vm_kernel_query *q, struct info *in)
{
	(void)vm_kernel_look(q, &in->kernel, &in->not_prepared, &in->no_kernel);
	if (access(in->kernel.agent, X_OK) < 0)
		(void)err_sys(&in->no_agent, errno, "'%s'", in->kernel.agent);
	if (vm_qemu_find(&in->qemu, &in->no_qemu) == 0)
		(void)vm_qemu_version(in->qemu, in->qemu_version, &in->no_qemu);
	vm_kvm_probe(&in->kvm);
}

/* ---- text ---- */

static void row(struct strbuf *out, const char *name, const char *text)
{
	strbuf_printf(out, "%-10s%s\n", name, text);
}

static void names(struct strbuf *out, const char *what, char *const *list)
{
	for (size_t i = 0; list && list[i]; i++)
		strbuf_printf(out, "%s%s", i ? ", " : what, list[i]);
}

static void modules_row(struct strbuf *out, const struct vm_manifest *about)
{
	struct strbuf line = { 0 };

	strbuf_puts(&line, "");
	for (size_t i = VM_MANIFEST_MODULES; i < vm_manifest_modules_end(about); i++)
		strbuf_printf(&line, "%s%s", i > VM_MANIFEST_MODULES ? ", " : "", about->inputs[i].name);
	names(&line,
	      vm_manifest_modules_end(about) > VM_MANIFEST_MODULES ? "; built in: " : "built in: ", about->builtin);
	names(&line, "; not there: ", about->absent);
	row(out, "modules", line.s);
	free(line.s);
}

static void kernel_rows(struct strbuf *out, const struct info *in)
{
	const struct vm_kernel *k = &in->kernel;
	AUTO_FREE char *kernel = k->dir		      ? x_printf("%s (%s)", k->source, k->about.version)
				 : in->no_kernel.code ? x_printf("none: %s", in->no_kernel.msg)
						      : x_strdup(k->source);
	AUTO_FREE char *prepared = k->dir		? x_strdup(k->dir)
				   : in->no_kernel.code ? x_strdup("no")
							: x_printf("no: %s", in->not_prepared.msg);

	row(out, "kernel", kernel);
	row(out, "prepared", prepared);
	if (k->dir)
		modules_row(out, &k->about);
}

static void kvm_row(struct strbuf *out, const struct vm_kvm *kvm)
{
	AUTO_FREE char *times =
		kvm->ran ? x_printf(" (in ring 0 %u ns an instruction in 64-bit mode, %u ns in real mode)",
				    kvm->long_ns, kvm->real_ns)
			 : x_strdup("");
	AUTO_FREE char *text = kvm->usable ? x_printf("usable for a kernel: yes%s", times)
					   : x_printf("usable for a kernel: no: %s; " NO_ACCELERATION, kvm->why);

	row(out, "kvm", text);
}

static int print_text(const struct info *in, struct err *e)
{
	struct strbuf out = { 0 };
	AUTO_FREE char *agent = in->no_agent.code ? x_printf("none: %s", in->no_agent.msg) : x_strdup(in->kernel.agent);
	AUTO_FREE char *qemu = in->no_qemu.code ? x_printf("none: %s", in->no_qemu.msg)
						: x_printf("%s (%s)", in->qemu, in->qemu_version);
	int r;

	kernel_rows(&out, in);
	row(&out, "agent", agent);
	row(&out, "qemu", qemu);
	kvm_row(&out, &in->kvm);
	r = cmd_print(out.s, out.len, e);
	free(out.s);
	return r;
}

/* ---- JSON ---- */

static void why(yajl_gen gen, const struct err *e)
{
	gen_pair(gen, "why", e->code ? e->msg : NULL);
}

static void kernel_json(yajl_gen gen, const struct info *in)
{
	const struct vm_kernel *k = &in->kernel;

	gen_object_open(gen, "kernel");
	gen_pair(gen, "path", k->source);
	gen_pair(gen, "version", k->about.version);
	why(gen, &in->no_kernel);
	gen_object_close(gen);
	gen_object_open(gen, "prepared");
	gen_pair(gen, "directory", k->dir);
	gen_pair(gen, "kernel", k->kernel);
	gen_pair(gen, "initrd", k->initrd);
	if (k->dir) {
		gen_array_open(gen, "modules");
		for (size_t i = VM_MANIFEST_MODULES; i < vm_manifest_modules_end(&k->about); i++)
			gen_string(gen, k->about.inputs[i].name);
		gen_array_close(gen);
		gen_strings(gen, "builtin", (const char *const *)k->about.builtin);
		gen_strings(gen, "absent", (const char *const *)k->about.absent);
	} else if (!in->no_kernel.code) {
		why(gen, &in->not_prepared);
	}
	gen_object_close(gen);
}

static void kvm_json(yajl_gen gen, const struct vm_kvm *kvm)
{
	gen_object_open(gen, "kvm");
	gen_bool(gen, "present", kvm->present);
	gen_bool(gen, "usable", kvm->usable);
	if (kvm->ran) {
		gen_u64(gen, "realModeNs", kvm->real_ns);
		gen_u64(gen, "longModeNs", kvm->long_ns);
	}
	gen_pair(gen, "why", *kvm->why ? kvm->why : NULL);
	gen_object_close(gen);
}

static int print_json(const struct info *in, struct err *e)
{
	yajl_gen gen = gen_new("    ");

	gen_object_open(gen, NULL);
	kernel_json(gen, in);
	gen_object_open(gen, "agent");
	gen_pair(gen, "path", in->kernel.agent);
	why(gen, &in->no_agent);
	gen_object_close(gen);
	gen_object_open(gen, "qemu");
	gen_pair(gen, "path", in->qemu);
	gen_pair(gen, "version", *in->qemu_version ? in->qemu_version : NULL);
	why(gen, &in->no_qemu);
	gen_object_close(gen);
	kvm_json(gen, &in->kvm);
	gen_object_close(gen);
	return format_print(gen, e);
}

int vm_info_print(const struct vm_kernel_query *q, bool json, bool *out_lacks, struct err *e)
{
	struct info in = { 0 };
	int r;

	look(q, &in);
	*out_lacks = in.no_kernel.code || in.no_agent.code || in.no_qemu.code;
	r = json ? print_json(&in, e) : print_text(&in, e);
	vm_kernel_free(&in.kernel);
	return r;
}
