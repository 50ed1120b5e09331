/* SPDX-License-Identifier: Apache-2.0 */
/* vmplan.c: see vmplan.h: what husk-mon is told. The two configs are vmplan_jail.c's and vmplan_guest.c's. */
#include "vmplan.h"

#include "vmplan_config.h"

#include <string.h>

/* Of the container's limits, where the section says nothing. */
static int choose_memory(const struct vmplan_input *in, uint64_t *out, struct err *e)
{
	const struct json *limit =
		json_get(json_get(json_get(json_get(in->config->root, "linux"), "resources"), "memory"), "limit");
	int64_t bytes = 0;
	int r;

	*out = in->section->memory;
	if (*out)
		return 0;
	r = limit ? json_i64(limit, INT64_MIN, INT64_MAX, &bytes, e) : 0;
	if (r < 0)
		return r;
	if (bytes > 0 && (uint64_t)bytes < VM_MEMORY_MIN)
		return json_err(e, EINVAL, limit, "%jd bytes: a VM needs %llu (128 MiB) at least", (intmax_t)bytes,
				VM_MEMORY_MIN);
	*out = bytes > 0 ? (uint64_t)bytes : in->host->memory;
	return 0;
}

/* The kernel unpacks the initramfs beside itself, of which the memory that it came in is given back only then. What
 * is packed takes more, which nobody knows before: of that the kernel's own message tells. */
static int check_initrd(const struct vmplan_input *in, uint64_t memory, struct err *e)
{
	uint64_t need = 2 * in->initrd_bytes + VM_KERNEL_BYTES; /* of at most 96 MiB */

	if (memory >= need)
		return 0;
	return err_set(
		e, ENOMEM,
		"%s: an initramfs of %ju MiB with husk's own takes a VM of %ju MiB at least, and this one has %ju "
		"(linux.resources.memory.limit, vm.hwConfig.memory)",
		in->section->initrd ? "vm.kernel.initrd" : "the kernel's modules", (uintmax_t)(in->initrd_bytes >> 20),
		(uintmax_t)((need + (1 << 20) - 1) >> 20), (uintmax_t)(memory >> 20));
}

static uint32_t choose_vcpus(const struct vmplan_input *in)
{
	const struct json *cpu = json_get(json_get(json_get(in->config->root, "linux"), "resources"), "cpu");
	const struct json *quota = json_get(cpu, "quota"), *period = json_get(cpu, "period");
	int64_t us = 0;
	uint64_t every = 100000, n;

	if (in->section->vcpus)
		return in->section->vcpus;
	if (quota && json_i64(quota, INT64_MIN, INT64_MAX, &us, NULL) == 0 && us > 0) {
		if (period && (json_u64(period, UINT64_MAX, &every, NULL) < 0 || every == 0))
			every = 100000;
		n = (uint64_t)us / every + ((uint64_t)us % every != 0);
		return n > VM_VCPUS_MAX ? VM_VCPUS_MAX : (uint32_t)n;
	}
	return in->host->vcpus ? in->host->vcpus : 1;
}

struct words {
	char **v;
	size_t n;
};

static void add(struct words *w, char *word)
{
	w->v = x_realloc(w->v, w->n + 2, sizeof(*w->v));
	w->v[w->n++] = word;
	w->v[w->n] = NULL;
}

static void add_all(struct words *w, const char *const *list)
{
	for (; *list; list++)
		add(w, x_strdup(*list));
}

static char *command_line(const struct vm_section *s)
{
	struct strbuf line = { 0 };

	strbuf_puts(&line, "console=ttyS0 quiet panic=-1 tsc=reliable no_timer_check rcupdate.rcu_expedited=1 "
			   "cryptomgr.notests 8250.nr_uarts=1");
	for (size_t i = 0; i < s->n_kernel_parameters; i++)
		strbuf_printf(&line, " %s", s->kernel_parameters[i]);
	if (s->image) /* what is behind "--" are the agent's words */
		strbuf_puts(&line, " -- --image");
	return line.s;
}

static void hypervisor_words(const struct vmplan_input *in, const struct vmplan *p, struct words *w)
{
	static const char *const machine[] = {
		"-nodefaults",
		"-no-user-config",
		"-no-reboot",
		"-display",
		"none",
		"-monitor",
		"none",
		"-serial",
		"stdio",
		"-sandbox", /* QEMU's own filter, for all of its threads */
		"on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
		NULL,
	};
	static const char *const devices[] = { "-device",  "virtio-serial-pci",
					       "-device",  "virtserialport,chardev=agent,name=" VM_CHANNEL_NAME,
					       "-chardev", "socket,id=fs,path=" MACHINE_SERVER_SOCKET,
					       "-device",  "vhost-user-fs-pci,chardev=fs,tag=" VM_FOLDER_TAG,
					       NULL };

	/* never written: more than one machine may have it */
	static const char *const image[] = {
		"-blockdev", "driver=raw,node-name=image,read-only=on,file.driver=file,file.filename=" VM_JAIL_IMAGE,
		"-device", "virtio-blk-pci,drive=image,serial=" VM_IMAGE_SERIAL, NULL
	};

	add(w, x_strdup(vmplan_in_system_dirs(in, in->hypervisor) ? in->hypervisor : VM_JAIL_HYPERVISOR));
	add_all(w, machine);
	add(w, x_strdup("-machine"));
	add(w, x_strdup("q35,memory-backend=ram,usb=off,hpet=off"));
	add(w, x_strdup("-accel"));
	add(w, in->kvm ? x_strdup("kvm") : x_printf("tcg,tb-size=%d", VM_TCG_CODE_MIB));
	add(w, x_strdup("-cpu"));
	add(w, x_strdup(in->kvm ? "host" : "max"));
	add(w, x_strdup("-smp"));
	add(w, x_printf("%u", p->vcpus));
	add(w, x_strdup("-m"));
	add(w, x_printf("%juM", (uintmax_t)(p->memory >> 20)));
	add(w, x_strdup("-object"));
	add(w, x_printf("memory-backend-memfd,id=ram,share=on,size=%juM", (uintmax_t)(p->memory >> 20)));
	add(w, x_strdup("-kernel"));
	add(w, x_strdup(VM_JAIL_KERNEL));
	add(w, x_strdup("-initrd"));
	add(w, x_strdup(VM_JAIL_INITRD));
	add(w, x_strdup("-append"));
	add(w, command_line(in->section));
	add(w, x_strdup("-chardev"));
	add(w, x_printf("socket,id=agent,fd=%d", MACHINE_FD_CHILD));
	add_all(w, devices);
	if (in->section->image)
		add_all(w, image);
	for (size_t i = 0; i < in->section->n_hypervisor_parameters; i++)
		add(w, x_strdup(in->section->hypervisor_parameters[i]));
}

int vmplan_make(const struct vmplan_input *in, struct vmplan *out, struct err *e)
{
	const struct json *process = json_get(in->config->root, "process");
	const struct json *terminal = json_get(process, "terminal");
	struct words w = { 0 };
	size_t n_hypervisor;
	int r;

	*out = (struct vmplan){ 0 };
	r = choose_memory(in, &out->memory, e);
	if (r == 0)
		r = check_initrd(in, out->memory, e);
	if (r < 0)
		return r;
	out->vcpus = choose_vcpus(in);
	out->rootfs = vmplan_rootfs(in);
	out->jail = vmplan_jail(in, out);
	out->guest = vmplan_guest(in, out);
	hypervisor_words(in, out, &w);
	/* a NULL stands between the two vectors */
	n_hypervisor = w.n;
	w.v = x_realloc(w.v, w.n + 8, sizeof(*w.v));
	w.n++;
	add(&w, x_strdup(VM_JAIL_SERVER));
	add(&w, x_strdup("--root"));
	add(&w, x_strdup(VM_JAIL_EXPORT));
	add(&w, x_strdup("--socket-fd"));
	add(&w, x_printf("%d", MACHINE_FD_CHILD));
	out->words = w.v;
	out->machine = (struct machine){
		.id = (char *)(uintptr_t)in->id,
		.config = out->guest,
		.hypervisor = w.v,
		.file_server = w.v + n_hypervisor + 1,
		.boot_ms = in->host->boot_seconds * 1000,
		.terminal = terminal && terminal->type == JSON_BOOL && terminal->boolean,
	};
	return 0;
}

void vmplan_free(struct vmplan *p)
{
	for (char **v = p->words; v && *v; v++)
		free(*v);
	for (char **v = p->words ? p->machine.file_server : NULL; v && *v; v++)
		free(*v);
	free(p->words);
	free(p->jail);
	free(p->guest);
	free(p->rootfs);
	*p = (struct vmplan){ 0 };
}
