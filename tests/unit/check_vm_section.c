/* SPDX-License-Identifier: Apache-2.0 */
/* check_vm_section.c: the `vm` section of config.json by the keys of config-vm.md, each applied or refused by
 * name; and `vm` of husk.json. */
#include "ck_run.h"
#include "json_text.h"
#include "vm_section.h"

static struct vm_section section;
static struct json_text text;

static int read_section(const char *quoted, struct err *e)
{
	text = json_text(quoted);
	return vm_section_read(&text.doc, &section, e);
}

START_TEST(each_key_is_applied)
{
	ck_assert_ok(read_section("{'vm':{'hypervisor':{'path':'/usr/bin/q','parameters':['-a','b']},"
				  "'kernel':{'path':'/boot/k','parameters':['x=1','y']},"
				  "'hwConfig':{'vcpus':3,'memory':268435456}}}",
				  e));
	ck_assert_str_eq(section.hypervisor, "/usr/bin/q");
	ck_assert_uint_eq(section.n_hypervisor_parameters, 2);
	ck_assert_str_eq(section.hypervisor_parameters[1], "b");
	ck_assert_str_eq(section.kernel, "/boot/k");
	ck_assert_uint_eq(section.n_kernel_parameters, 2);
	ck_assert_str_eq(section.kernel_parameters[0], "x=1");
	ck_assert_uint_eq(section.vcpus, 3);
	ck_assert_uint_eq(section.memory, 256U << 20);
	json_text_free(&text);
	ck_assert_ok(read_section("{'vm':{'image':{'path':'/i','format':'raw'},'kernel':{'initrd':'/r','parameters':"
				  "['a=\\\"-- b\\\" c','console=tty0']}}}",
				  e));
	ck_assert_str_eq(section.image, "/i");
	ck_assert_str_eq(section.initrd, "/r");
	ck_assert_uint_eq(section.n_kernel_parameters, 2);
	json_text_free(&text);
	/* as the Go types write it */
	ck_assert_ok(read_section("{'vm':{'hwconfig':{'vcpus':2}}}", e));
	ck_assert_uint_eq(section.vcpus, 2);
	json_text_free(&text);
}
END_TEST

START_TEST(what_is_empty_is_absent)
{
	static const char *const empty[] = {
		"{}",
		"{'vm':{}}",
		("{'vm':{'hypervisor':{'path':'','parameters':[]},'kernel':{'path':'','initrd':''},"
		 "'image':{'path':'','format':''},'hwConfig':{'deviceTree':'','dtdevs':[],'iomems':null,'irqs':[]}}}"),
		"{'vm':{'hypervisor':{},'kernel':{},'image':{},'hwconfig':{}}}",
	};

	for (size_t i = 0; i < ARRAY_LEN(empty); i++) {
		ck_assert_ok(read_section(empty[i], e));
		ck_assert_ptr_null(section.hypervisor);
		ck_assert_ptr_null(section.kernel);
		ck_assert_uint_eq(section.memory, 0);
		ck_assert_uint_eq(section.vcpus, 0);
		json_text_free(&text);
	}
}
END_TEST

static const struct {
	const char *config;
	int code;
	const char *message;
} refused[] = {
	{ "{'vm':1}", EINVAL, "vm: expected an object" },
	{ "{'vm':{'any':1}}", EINVAL, "vm.any: unknown key" },
	{ "{'vm':{'hypervisor':{'any':1}}}", EINVAL, "vm.hypervisor.any: unknown key" },
	{ "{'vm':{'hypervisor':{'path':'q'}}}", EINVAL, "vm.hypervisor.path: expected an absolute path, got 'q'" },
	{ "{'vm':{'hypervisor':{'path':1}}}", EINVAL, "vm.hypervisor.path: expected a string" },
	{ "{'vm':{'hypervisor':{'parameters':[1]}}}", EINVAL, "vm.hypervisor.parameters[0]: expected a string" },
	{ "{'vm':{'kernel':{'path':'k'}}}", EINVAL, "vm.kernel.path: expected an absolute path" },
	{ "{'vm':{'kernel':{'initrd':'i'}}}", EINVAL, "vm.kernel.initrd: expected an absolute path, got 'i'" },
	{ "{'vm':{'kernel':{'parameters':['a','b\\nc']}}}", EINVAL, "vm.kernel.parameters[1]: a control character" },
	{ "{'vm':{'kernel':{'parameters':['a=\\\"b c']}}}", EINVAL,
	  "vm.kernel.parameters[0]: 'a=\"b c': a quote is not closed" },
	{ "{'vm':{'kernel':{'parameters':['rdinit=/bin/sh']}}}", EINVAL,
	  "vm.kernel.parameters[0]: 'rdinit=/bin/sh': the first program of the guest is husk-agent" },
	{ "{'vm':{'kernel':{'parameters':['a -- --fd 1']}}}", EINVAL,
	  "vm.kernel.parameters[0]: '-- --fd 1': the first" },
	{ "{'vm':{'kernel':{'parameters':['\\\"rdinit=/x\\\"']}}}", EINVAL, "vm.kernel.parameters[0]: " },
	{ "{'vm':{'image':{'path':'/i'}}}", EINVAL, "vm.image.format: missing: expected raw" },
	{ "{'vm':{'image':{'format':'raw'}}}", EINVAL, "vm.image.path: missing" },
	{ "{'vm':{'image':{'path':'i','format':'raw'}}}", EINVAL, "vm.image.path: expected an absolute path" },
	{ "{'vm':{'image':{'path':'/i','format':'qcow2'}}}", ENOTSUP,
	  "vm.image.format: 'qcow2' is not supported: the only format is raw" },
	{ "{'vm':{'hwConfig':{'deviceTree':'/x'}}}", ENOTSUP, "vm.hwConfig.deviceTree: not supported: it is for Xen" },
	{ "{'vm':{'hwConfig':{'dtdevs':['x']}}}", ENOTSUP, "vm.hwConfig.dtdevs: not supported: it is for Xen" },
	{ "{'vm':{'hwConfig':{'irqs':[1]}}}", ENOTSUP, "vm.hwConfig.irqs: not supported: it is for Xen" },
	{ "{'vm':{'hwConfig':{'iomems':[{'firstGFN':1,'firstMFN':1,'nrMFNs':1}]}}}", ENOTSUP,
	  "vm.hwConfig.iomems: not supported: it is for Xen" },
	{ "{'vm':{'hwConfig':{'memory':1048576}}}", EINVAL, "vm.hwConfig.memory: 1048576 bytes: a machine needs" },
	{ "{'vm':{'hwConfig':{'vcpus':65}}}", ERANGE, "vm.hwConfig.vcpus" },
	{ "{'vm':{'hwConfig':{'vcpus':1},'hwconfig':{'vcpus':1}}}", EINVAL, "vm.hwconfig: hwConfig is there, too" },
};

START_TEST(what_cannot_be_had_is_refused_by_name)
{
	struct err e = { 0 };

	ck_assert_int_lt(read_section(refused[_i].config, &e), 0);
	ck_assert_msg(str_starts(e.msg, refused[_i].message), "%s: '%s'", refused[_i].config, e.msg);
	ck_assert_msg(e.code == refused[_i].code || refused[_i].code == ERANGE, "%s: %d", refused[_i].config, e.code);
	json_text_free(&text);
}
END_TEST

/* A kernel would cut a line that is too long, and what is cut is at its end. */
START_TEST(parameters_have_a_bound)
{
	AUTO_FREE char *long_one = x_printf("%0*d", VM_KERNEL_PARAMETERS_BYTES - 1, 0);
	AUTO_FREE char *fits = x_printf("{'vm':{'kernel':{'parameters':['%s']}}}", long_one);
	AUTO_FREE char *over = x_printf("{'vm':{'kernel':{'parameters':['%s','']}}}", long_one);
	AUTO_FREE char *words =
		x_printf("{'vm':{'hypervisor':{'parameters':['%0*d']}}}", VM_HYPERVISOR_PARAMETERS_BYTES, 0);

	ck_assert_ok(read_section(fits, e));
	json_text_free(&text);
	ck_assert_fails(read_section(over, e), E2BIG, "vm.kernel.parameters: 1537 bytes: at most 1536 are taken");
	json_text_free(&text);
	ck_assert_fails(read_section(words, e), E2BIG, "vm.hypervisor.parameters: 65537 bytes: at most 65536");
	json_text_free(&text);
}
END_TEST

START_TEST(the_host_has_defaults)
{
	struct json_text t = json_text("{'vm':{'kernel':'/k','memory':1073741824,'vcpus':2,'bootSeconds':9}}");
	struct json_text bad = json_text("{'vm':{'kernels':'/k'}}");
	struct vm_host host;

	ck_assert_ok(vm_host_read(NULL, &host, e));
	ck_assert_uint_eq(host.memory, 512U << 20);
	ck_assert_uint_eq(host.boot_seconds, 60);
	ck_assert_ok(vm_host_read(t.doc.root, &host, e));
	ck_assert_str_eq(host.kernel, "/k");
	ck_assert_uint_eq(host.memory, 1U << 30);
	ck_assert_uint_eq(host.vcpus, 2);
	ck_assert_uint_eq(host.boot_seconds, 9);
	ck_assert_fails(vm_host_read(bad.doc.root, &host, e), EINVAL, "vm.kernels: unknown key");
	json_text_free(&t);
	json_text_free(&bad);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("vm_section");
	TCase *tc = tcase_create("vm_section");

	tcase_add_test(tc, each_key_is_applied);
	tcase_add_test(tc, what_is_empty_is_absent);
	tcase_add_loop_test(tc, what_cannot_be_had_is_refused_by_name, 0, (int)ARRAY_LEN(refused));
	tcase_add_test(tc, parameters_have_a_bound);
	tcase_add_test(tc, the_host_has_defaults);
	suite_add_tcase(suite, tc);
	return ck_run(suite);
}
