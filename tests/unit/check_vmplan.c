/* SPDX-License-Identifier: Apache-2.0 */
/* check_vmplan.c: what a config.json that asks for a VM becomes, and what of it cannot cross into one. */
#include "ck_run.h"
#include "json_text.h"
#include "vm_cross.h"
#include "vmplan.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define SPACES "'namespaces':[{'type':'network'},{'type':'pid'},{'type':'ipc'},{'type':'mount'}]"

static struct json_text config, jail, guest;
static struct vmplan plan;
static bool with_kvm, unprivileged;
static uint64_t initrd_bytes;
static const gid_t groups[] = { 4242, 7 }; /* of husk's caller */

static int make(const char *quoted, struct err *e)
{
	static const char *const dirs[] = { "/usr", "/lib", NULL };
	static struct vm_section section;
	static struct vm_host host;
	struct vmplan_input in = {
		.id = "box",
		.bundle = "/b",
		.section = &section,
		.host = &host,
		.jail_root = "/run/husk/.jail",
		.kernel = "/c/kernel",
		.initrd = "/c/initrd",
		.hypervisor = "/usr/bin/qemu",
		.mon = "/l/husk-mon",
		.file_server = "/l/husk-fsd",
		.net = "/l/husk-net",
		.system_dirs = dirs,
		.initrd_bytes = initrd_bytes,
		.groups = groups,
		.n_groups = ARRAY_LEN(groups),
		.kvm = with_kvm,
		.unprivileged = unprivileged,
	};
	int r;

	config = json_text(quoted);
	in.config = &config.doc;
	r = vm_section_read(&config.doc, &section, e);
	if (r == 0)
		r = vm_host_read(NULL, &host, e);
	if (r == 0)
		r = vmplan_make(&in, &plan, e);
	if (r == 0) {
		jail = json_text(plan.jail);
		guest = json_text(plan.guest);
	}
	return r;
}

static void done(void)
{
	json_text_free(&jail);
	json_text_free(&guest);
	vmplan_free(&plan);
	json_text_free(&config);
}

static const struct json *at(const struct json_text *t, const char *path)
{
	const struct json *v = t->doc.root;
	char copy[256], *save = NULL;

	ck_assert_uint_lt(strlen(path), sizeof(copy));
	strcpy(copy, path);
	for (char *key = strtok_r(copy, ".", &save); key && v; key = strtok_r(NULL, ".", &save)) {
		if (*key >= '0' && *key <= '9') {
			const struct json *item = v->child;

			for (int i = atoi(key); i > 0 && item; i--)
				item = item->next;
			v = item;
		} else {
			v = json_get(v, key);
		}
	}
	return v;
}

static const char *str_at(const struct json_text *t, const char *path)
{
	const struct json *v = at(t, path);

	return v && v->str ? v->str : "(none)";
}

/* The mount of the jail that stands at this place. */
static const struct json *jail_mount(const char *where)
{
	json_each (m, json_get(jail.doc.root, "mounts"))
		if (str_eq(json_get(m, "destination")->str, where))
			return m;
	return NULL;
}

static bool has_option(const struct json *mount, const char *name)
{
	json_each (o, json_get(mount, "options"))
		if (str_eq(o->str, name))
			return true;
	return false;
}

START_TEST(the_guest_follows_the_config_in_the_shared_folder)
{
	ck_assert_ok(make("{'ociVersion':'1.0.2','hostname':'h','root':{'path':'rootfs','readonly':true},"
			  "'process':{'terminal':true,'args':['a'],'cwd':'/','apparmorProfile':'p'},"
			  "'mounts':[{'destination':'/proc','type':'proc','source':'proc'},"
			  "{'destination':'/d','type':'bind','source':'/host/d','options':['rbind','ro','idmap']},"
			  "{'destination':'/e','source':'e','options':['bind','rw'],'uidMappings':[]}],"
			  "'hooks':{'startContainer':[{'path':'/s'}],'poststop':[{'path':'/p'}]},"
			  "'annotations':{'a':'b','run.oci.hooks.stdout':'/x'},"
			  "'linux':{'cgroupsPath':'/c','sysctl':{'a':'b'},'namespaces':[{'type':'network','path':'/n'},"
			  "{'type':'pid'},{'type':'ipc'}],'seccomp':{'defaultAction':'SCMP_ACT_ALLOW',"
			  "'listenerPath':'/run/agent','listenerMetadata':'m'}},'vm':{}}",
			  e));
	ck_assert_str_eq(str_at(&guest, "root.path"), "/run/husk-fs/box/rootfs");
	ck_assert(at(&guest, "root.readonly")->boolean);
	ck_assert_str_eq(str_at(&guest, "hostname"), "h");
	ck_assert_str_eq(str_at(&guest, "process.args.0"), "a");
	ck_assert_str_eq(str_at(&guest, "mounts.0.type"), "proc");
	ck_assert_str_eq(str_at(&guest, "mounts.1.source"), "/run/husk-fs/box/mounts/1");
	ck_assert_str_eq(str_at(&guest, "mounts.1.destination"), "/d");
	ck_assert(has_option(at(&guest, "mounts.1"), "ro"));
	ck_assert(!has_option(at(&guest, "mounts.1"), "idmap"));
	ck_assert_str_eq(str_at(&guest, "mounts.2.source"), "/run/husk-fs/box/mounts/2");
	ck_assert_ptr_null(at(&guest, "mounts.2.uidMappings"));
	ck_assert_str_eq(str_at(&guest, "hooks.startContainer.0.path"), "/s");
	ck_assert_str_eq(str_at(&guest, "linux.sysctl.a"), "b");
	ck_assert_str_eq(str_at(&guest, "linux.namespaces.0.type"), "network");
	ck_assert_str_eq(str_at(&guest, "annotations.a"), "b");
	ck_assert_str_eq(str_at(&guest, "annotations.run"), "(none)");
	/* the host's */
	ck_assert_ptr_null(at(&guest, "linux.namespaces.0.path"));
	ck_assert_ptr_null(at(&guest, "linux.cgroupsPath"));
	ck_assert_str_eq(str_at(&guest, "linux.seccomp.defaultAction"), "SCMP_ACT_ALLOW");
	ck_assert_ptr_null(at(&guest, "linux.seccomp.listenerPath"));
	ck_assert_ptr_null(at(&guest, "linux.seccomp.listenerMetadata"));
	ck_assert_ptr_null(at(&guest, "process.apparmorProfile"));
	ck_assert_ptr_null(at(&guest, "hooks.poststop"));
	ck_assert_ptr_null(at(&guest, "vm"));
	ck_assert_ptr_null(strstr(plan.guest, "/host/d"));
	ck_assert_ptr_null(strstr(plan.guest, "/b/"));
	ck_assert_ptr_null(strstr(plan.guest, "hooks.stdout"));
	done();
}
END_TEST

#define KEEPS(value, linux_)                                                              \
	"{'root':{'path':'r'},'process':{'user':{'uid':1,'gid':2,'additionalGids':[9]}}," \
	"'annotations':{'run.oci.keep_original_groups':'" value "'},'linux':{" SPACES linux_ "}}"

static const struct {
	const char *config, *user;
} kept[] = {
	{ KEEPS("0", ""), "{'uid':1,'gid':2,'additionalGids':[9]}" },
	{ KEEPS("1", ""), "{'uid':1,'gid':2,'additionalGids':[4242,7]}" },
	/* by their ids in the guest's user namespace, if they have one there */
	{ KEEPS("1",
		",'gidMappings':[{'containerID':0,'hostID':4000,'size':243},{'containerID':500,'hostID':8,'size':1}]"),
	  "{'uid':1,'gid':2,'additionalGids':[242]}" },
};

/* The guest's processes keep nothing: the groups are handed over. */
START_TEST(the_callers_groups_are_the_guests_where_they_are_kept)
{
	struct json_text want = json_text(kept[_i].user);
	const struct json *user;

	ck_assert_ok(make(kept[_i].config, e));
	user = at(&guest, "process.user");
	ck_assert_uint_eq(user->end - user->start, strlen(want.doc.text));
	ck_assert_int_eq(strncmp(guest.doc.text + user->start, want.doc.text, strlen(want.doc.text)), 0);
	ck_assert_ptr_null(strstr(plan.guest, "keep_original_groups"));
	json_text_free(&want);
	done();
}
END_TEST

START_TEST(annotations_are_told_to_hooks_of_the_guest_alone)
{
	ck_assert_ok(make("{'root':{'path':'r'},'process':{},'hooks':{'startContainer':[],'poststop':[{'path':'/p'}]},"
			  "'annotations':{'a':'/var/log/pods/x','run.oci.seccomp_fail_unknown_syscall':'1'},"
			  "'linux':{" SPACES "}}",
			  e));
	ck_assert_ptr_null(strstr(plan.guest, "/var/log"));
	ck_assert_ptr_nonnull(strstr(plan.guest, "fail_unknown_syscall"));
	ck_assert_str_eq(str_at(&jail, "annotations.a"), "/var/log/pods/x");
	done();
}
END_TEST

START_TEST(the_jail_holds_what_the_guest_sees)
{
	ck_assert_ok(make("{'ociVersion':'1.0.2','root':{'path':'rootfs','readonly':true},"
			  "'process':{'terminal':true,'args':['a'],'cwd':'/','env':['SECRET=1'],'user':{'uid':7}},"
			  "'mounts':[{'destination':'/proc','type':'proc','source':'proc'},"
			  "{'destination':'/d','type':'bind','source':'/host/d','options':['bind','ro']},"
			  "{'destination':'/e','source':'e','options':['rbind']}],"
			  "'hooks':{'startContainer':[{'path':'/s'}],'poststop':[{'path':'/p'}]},"
			  "'linux':{'cgroupsPath':'/c','namespaces':[{'type':'network','path':'/n'},"
			  "{'type':'pid'},{'type':'ipc'}],'seccomp':{'defaultAction':'SCMP_ACT_ALLOW'}}}",
			  e));
	ck_assert_str_eq(str_at(&jail, "root.path"), "/run/husk/.jail");
	ck_assert(at(&jail, "root.readonly")->boolean);
	ck_assert_str_eq(str_at(&jail, "process.args.0"), "/vm/husk-mon");
	ck_assert(at(&jail, "process.terminal")->boolean);
	ck_assert(at(&jail, "process.noNewPrivileges")->boolean);
	ck_assert_ptr_null(strstr(plan.jail, "SECRET"));
	ck_assert_str_eq(str_at(&jail, "linux.cgroupsPath"), "/c");
	ck_assert_str_eq(str_at(&jail, "hooks.poststop.1.path"), "/p");
	ck_assert_ptr_null(at(&jail, "hooks.startContainer"));
	ck_assert_ptr_null(at(&jail, "linux.seccomp"));
	ck_assert_str_eq(str_at(&jail, "linux.namespaces.5.path"), "/n");
	ck_assert(has_option(jail_mount("/export"), "ro"));
	ck_assert_str_eq(json_get(jail_mount("/export/box/added"), "source")->str, "/run/husk/.jail/added");
	ck_assert(has_option(jail_mount("/export/box/added"), "ro"));
	ck_assert_str_eq(json_get(jail_mount("/export/box/rootfs"), "source")->str, "/b/rootfs");
	ck_assert(has_option(jail_mount("/export/box/rootfs"), "ro"));
	ck_assert_ptr_null(jail_mount("/export/box/mounts/0"));
	ck_assert_str_eq(json_get(jail_mount("/export/box/mounts/1"), "source")->str, "/host/d");
	ck_assert(has_option(jail_mount("/export/box/mounts/1"), "ro"));
	ck_assert(has_option(jail_mount("/export/box/mounts/1"), "bind"));
	ck_assert_str_eq(json_get(jail_mount("/export/box/mounts/2"), "source")->str, "/b/e");
	ck_assert(has_option(jail_mount("/export/box/mounts/2"), "rbind"));
	ck_assert(!has_option(jail_mount("/export/box/mounts/2"), "ro"));
	ck_assert(has_option(jail_mount("/usr"), "ro"));
	ck_assert_str_eq(json_get(jail_mount("/vm/kernel"), "source")->str, "/c/kernel");
	ck_assert_str_eq(plan.rootfs, "/b/rootfs");
	done();
}
END_TEST

static bool has_word(char *const *words, const char *word)
{
	for (; *words; words++)
		if (str_eq(*words, word))
			return true;
	return false;
}

START_TEST(the_machine_has_what_the_limits_say)
{
	ck_assert_ok(make("{'root':{'path':'r'},'process':{},'linux':{" SPACES "}}", e));
	ck_assert_uint_eq(plan.memory, 512U << 20);
	ck_assert_uint_eq(plan.vcpus, 1);
	ck_assert_str_eq(plan.machine.hypervisor[0], "/usr/bin/qemu");
	ck_assert(has_word(plan.machine.hypervisor, "512M"));
	ck_assert(!has_word(plan.machine.hypervisor, "--root"));
	ck_assert_str_eq(plan.machine.file_server[0], "/vm/husk-fsd");
	ck_assert(has_word(plan.machine.file_server, "/export"));
	done();
	ck_assert_ok(make("{'root':{'path':'r'},'process':{},'linux':{" SPACES ",'resources':{'memory':"
			  "{'limit':268435456},'cpu':{'quota':250000,'period':100000}}}}",
			  e));
	ck_assert_uint_eq(plan.memory, 256U << 20);
	ck_assert_uint_eq(plan.vcpus, 3);
	done();
	ck_assert_ok(make("{'root':{'path':'r'},'process':{},'linux':{" SPACES ",'resources':{'cpu':"
			  "{'quota':250000,'period':18446744073709551615}}}}",
			  e));
	ck_assert_uint_eq(plan.vcpus, 1);
	done();
	ck_assert_ok(make("{'root':{'path':'r'},'process':{},'linux':{" SPACES ",'resources':{'memory':{'limit':-1},"
			  "'cpu':{'quota':-1}}},'vm':{'hwConfig':{'memory':134217728,'vcpus':2},'kernel':{'parameters':"
			  "['x=1']},'hypervisor':{'parameters':['-y']}}}",
			  e));
	ck_assert_uint_eq(plan.memory, 128U << 20);
	ck_assert_uint_eq(plan.vcpus, 2);
	ck_assert(has_word(plan.machine.hypervisor, "-y"));
	done();
	ck_assert_fails(make("{'linux':{'resources':{'memory':{'limit':67108864}}}}", e), EINVAL,
			"linux.resources.memory.limit: 67108864 bytes: a VM needs 134217728 (128 MiB) at least");
	json_text_free(&config);
}
END_TEST

/* The initramfs is there twice while the kernel unpacks it. */
START_TEST(an_initramfs_too_large_for_the_machine_is_refused)
{
	initrd_bytes = 41ULL << 20;
	ck_assert_fails(make("{'linux':{'resources':{'memory':{'limit':134217728}}},'vm':{'kernel':{'path':'/"
			     "k','initrd':'/i'}}}",
			     e),
			ENOMEM,
			"vm.kernel.initrd: an initramfs of 41 MiB with husk's own takes a VM of 130 MiB at least, and "
			"this one has 128");
	json_text_free(&config);
	initrd_bytes = 40ULL << 20;
	ck_assert_ok(make("{'linux':{'resources':{'memory':{'limit':134217728}}}}", e));
	done();
	initrd_bytes = 96ULL << 20;
	ck_assert_ok(make("{'vm':{'hwConfig':{'memory':536870912}}}", e));
	done();
	initrd_bytes = 0;
}
END_TEST

START_TEST(the_hypervisor_is_the_caller_where_there_is_no_other_id)
{
	static const struct {
		const char *linux_;
		uint64_t own_ids;
		bool caller;
	} cases[] = {
		{ "{'namespaces':[{'type':'user'}],'uidMappings':[{'containerID':0,'hostID':1000,'size':1}]}", 65537,
		  true },
		{ "{'namespaces':[{'type':'user'}],'uidMappings':[{'containerID':0,'hostID':1000,'size':1},"
		  "{'containerID':1,'hostID':100000,'size':65536}]}",
		  1, false },
		{ "{'namespaces':[{'type':'network'}]}", 65537, false },
		{ "{'namespaces':[{'type':'network'}]}", 1, true },
		{ "{'namespaces':[{'type':'user'}],'uidMappings':[{'containerID':0,'hostID':1000,'size':'x'}]}", 1,
		  false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO_FREE char *text = x_printf("{'linux':%s}", cases[i].linux_);
		struct json_text t = json_text(text);
		struct vmplan_input in = { .config = &t.doc, .unprivileged = true };

		ck_assert_msg(vmplan_hypervisor_is_caller(&in, cases[i].own_ids) == cases[i].caller, "%s", text);
		json_text_free(&t);
	}
}
END_TEST

START_TEST(an_ordinary_users_namespace_is_the_jails)
{
	static const char config_text[] =
		"{'root':{'path':'r'},'process':{},'linux':{'uidMappings':[{'containerID':0,'hostID':1000,'size':1}],"
		"'gidMappings':[{'containerID':0,'hostID':100,'size':1}],'namespaces':[{'type':'user'},"
		"{'type':'network'},{'type':'pid'},{'type':'ipc'}]}}";

	unprivileged = true;
	ck_assert_ok(make(config_text, e));
	ck_assert_str_eq(str_at(&jail, "linux.namespaces.0.type"), "user");
	ck_assert_str_eq(at(&jail, "linux.uidMappings.0.hostID")->str, "1000");
	ck_assert_str_eq(at(&jail, "linux.gidMappings.0.hostID")->str, "100");
	ck_assert_ptr_null(at(&guest, "linux.uidMappings"));
	ck_assert_ptr_null(at(&guest, "linux.gidMappings"));
	ck_assert_str_eq(str_at(&guest, "linux.namespaces.0.type"), "network");
	done();
	/* root's is the guest's: its container is who it is there */
	unprivileged = false;
	ck_assert_ok(make(config_text, e));
	ck_assert_str_eq(str_at(&jail, "linux.namespaces.0.type"), "mount");
	ck_assert_ptr_null(at(&jail, "linux.uidMappings"));
	ck_assert_str_eq(str_at(&guest, "linux.namespaces.0.type"), "user");
	ck_assert_str_eq(at(&guest, "linux.uidMappings.0.hostID")->str, "1000");
	done();
}
END_TEST

static const char *word_after(char *const *words, const char *word)
{
	for (; *words; words++)
		if (str_eq(*words, word))
			return words[1];
	return "(none)";
}

START_TEST(an_image_is_the_guests_root_and_never_written)
{
	const char *line;

	ck_assert_ok(make("{'root':{'path':'r'},'process':{},'vm':{'image':{'path':'/i.raw','format':'raw'},"
			  "'kernel':{'parameters':['x=1']}}}",
			  e));
	ck_assert_str_eq(json_get(jail_mount("/vm/image"), "source")->str, "/i.raw");
	ck_assert(has_option(jail_mount("/vm/image"), "ro"));
	ck_assert_ptr_nonnull(strstr(word_after(plan.machine.hypervisor, "-blockdev"), "read-only=on"));
	/* the agent's words come last */
	line = word_after(plan.machine.hypervisor, "-append");
	ck_assert_str_eq(strstr(line, " x=1"), " x=1 -- --image");
	done();
	ck_assert_ok(make("{'root':{'path':'r'},'process':{}}", e));
	ck_assert_ptr_null(jail_mount("/vm/image"));
	ck_assert_ptr_null(strstr(word_after(plan.machine.hypervisor, "-append"), " -- "));
	ck_assert(!has_word(plan.machine.hypervisor, "-blockdev"));
	done();
}
END_TEST

static const char *number_at(const struct json_text *t, const char *path)
{
	const struct json *v = at(t, path);

	return v && v->type == JSON_NUMBER ? v->str : "(none)";
}

#define LIMITED(resources) "{'root':{'path':'r'},'process':{},'linux':{" SPACES ",'resources':" resources "}}"

START_TEST(the_hosts_cgroup_has_the_machine_and_its_overhead)
{
	AUTO_FREE char *limit = x_printf("%ju", (uintmax_t)((256U << 20) + vmplan_overhead(256U << 20, false)));

	ck_assert_uint_eq(vmplan_overhead(256U << 20, true), (128U + 32) << 20);
	ck_assert_uint_eq(vmplan_overhead(256U << 20, false), (128U + 128 + 32) << 20);
	/* asked for or not */
	ck_assert_ok(make("{'root':{'path':'r'},'process':{},'vm':{'hwConfig':{'memory':268435456}}}", e));
	ck_assert_str_eq(number_at(&jail, "linux.resources.memory.limit"), limit);
	ck_assert_str_eq(number_at(&jail, "linux.resources.memory.swap"), "(none)");
	ck_assert_str_eq(number_at(&jail, "linux.resources.pids.limit"), "257");
	ck_assert_ptr_null(at(&jail, "linux.resources.cpu"));
	ck_assert_str_eq(str_at(&guest, "annotations.husk"), "(none)");
	ck_assert_ptr_nonnull(strstr(plan.guest, "\"" VM_MEMORY_NOTE "\":\"268435456\""));
	done();
	/* the code that QEMU makes is counted as it is bounded */
	ck_assert_ok(make(LIMITED("{'memory':{'limit':268435456,'swap':268435456}}"), e));
	ck_assert(has_word(plan.machine.hypervisor, "tcg,tb-size=128"));
	ck_assert_str_eq(number_at(&jail, "linux.resources.memory.limit"), limit);
	ck_assert_str_eq(number_at(&jail, "linux.resources.memory.swap"), limit);
	done();
	ck_assert_ok(make(LIMITED("{'memory':{'limit':268435456,'swap':-1}}"), e));
	ck_assert_str_eq(number_at(&jail, "linux.resources.memory.swap"), "-1");
	done();
}
END_TEST

START_TEST(cpu_and_block_io_protect_the_host)
{
	ck_assert_ok(make(LIMITED("{'cpu':{'quota':50000,'period':100000,'shares':512,'cpus':'2-3','mems':'0'},"
				  "'blockIO':{'weight':200,'throttleReadBpsDevice':[{'major':8,'minor':0,'rate':1}]},"
				  "'pids':{'limit':7},'unified':{'memory.high':'1'},"
				  "'devices':[{'allow':true,'access':'rwm'}]}"),
			  e));
	ck_assert_str_eq(number_at(&jail, "linux.resources.cpu.quota"), "50000");
	ck_assert_str_eq(number_at(&jail, "linux.resources.cpu.shares"), "512");
	ck_assert_str_eq(str_at(&jail, "linux.resources.cpu.cpus"), "2-3");
	ck_assert_str_eq(number_at(&jail, "linux.resources.blockIO.throttleReadBpsDevice.0.rate"), "1");
	/* the jail's programs are husk's, and have no device but the machine's */
	ck_assert_str_eq(number_at(&jail, "linux.resources.pids.limit"), "257");
	ck_assert_ptr_null(at(&jail, "linux.resources.unified"));
	ck_assert(!at(&jail, "linux.resources.devices.0.allow")->boolean);
	ck_assert_str_eq(str_at(&jail, "linux.resources.devices.0.access"), "rwm");
	ck_assert_str_eq(number_at(&jail, "linux.resources.devices.1.minor"), "200"); /* net/tun */
	ck_assert_ptr_null(at(&jail, "linux.resources.devices.2"));
	/* the guest has no CPU 2 and no such disk */
	ck_assert_str_eq(number_at(&guest, "linux.resources.cpu.quota"), "50000");
	ck_assert_ptr_null(at(&guest, "linux.resources.cpu.cpus"));
	ck_assert_ptr_null(at(&guest, "linux.resources.cpu.mems"));
	ck_assert_str_eq(number_at(&guest, "linux.resources.blockIO.weight"), "200");
	ck_assert_ptr_null(at(&guest, "linux.resources.blockIO.throttleReadBpsDevice"));
	ck_assert_str_eq(number_at(&guest, "linux.resources.pids.limit"), "7");
	ck_assert_ptr_nonnull(at(&guest, "linux.resources.unified"));
	ck_assert(at(&guest, "linux.resources.devices.0.allow")->boolean);
	done();
}
END_TEST

START_TEST(kvm_is_the_one_device_of_the_jail)
{
	with_kvm = true;
	ck_assert_ok(make(LIMITED("{}"), e));
	ck_assert(has_word(plan.machine.hypervisor, "kvm"));
	ck_assert_str_eq(str_at(&jail, "linux.devices.0.path"), "/dev/kvm");
	ck_assert_str_eq(number_at(&jail, "linux.resources.devices.2.major"), "10");
	ck_assert_str_eq(number_at(&jail, "linux.resources.devices.2.minor"), "232");
	ck_assert_str_eq(str_at(&jail, "linux.resources.devices.2.access"), "rw");
	done();
}
END_TEST

static const struct {
	const char *members, *message;
} refused[] = {
	{ "'linux':{'namespaces':[{'type':'pid'},{'type':'ipc'}]}", "linux.namespaces: no 'network'" },
	{ "'linux':{'namespaces':[{'type':'network'},{'type':'ipc'}]}", "linux.namespaces: no 'pid'" },
	{ "'linux':{'namespaces':[{'type':'network'},{'type':'pid'}]}", "linux.namespaces: no 'ipc'" },
	{ "'linux':{'namespaces':[{'type':'network'},{'type':'pid','path':'/p'},{'type':'ipc'}]}",
	  "linux.namespaces[1].path: a VM cannot join a pid namespace" },
	{ "'linux':{" SPACES ",'devices':[{'path':'/dev/my/null','type':'c','major':1,'minor':3},"
	  "{'path':'/dev/null','type':'b','major':1,'minor':3}]}",
	  "linux.devices[1]: '/dev/null': a device of the host" },
	/* all but these, or some of the rights */
	{ "'linux':{" SPACES ",'resources':{'devices':[{'allow':true,'access':'rwm'},{'allow':false,'access':'rwm'}]},"
	  "'devices':[{'path':'/dev/sda','type':'b','major':8,'minor':0}]}",
	  "linux.devices[0]: '/dev/sda': a device of the host" },
	{ "'linux':{" SPACES ",'resources':{'devices':[{'allow':true,'access':'r'},"
	  "{'allow':true,'type':'b','access':'rwm','major':8}]},"
	  "'devices':[{'path':'/dev/sda','type':'b','major':8,'minor':0}]}",
	  "linux.devices[0]: '/dev/sda': a device of the host" },
	{ "'linux':{" SPACES ",'seccomp':{'listenerPath':'/s','syscalls':[{'action':'SCMP_ACT_NOTIFY'}]}}",
	  "linux.seccomp.listenerPath: a socket of the host" },
	{ "'linux':{" SPACES "},'mounts':[{'destination':'/a','source':'/b'}]", "mounts[0]: no type" },
	{ "'linux':{" SPACES "},'mounts':[{'destination':'/a','type':'binfmt_misc','source':'b'}]",
	  "mounts[0]: binfmt_misc: a kernel file system of the host" },
};

START_TEST(what_cannot_cross_is_refused_by_name)
{
	AUTO_FREE char *whole = x_printf("{%s}", refused[_i].members);
	struct err e = { 0 };

	config = json_text(whole);
	ck_assert_int_eq(vm_cross_check(config.doc.root, &e), -ENOTSUP);
	ck_assert_msg(str_starts(e.msg, refused[_i].message), "%s: '%s'", whole, e.msg);
	json_text_free(&config);
}
END_TEST

START_TEST(the_host_mounts_what_the_guest_cannot)
{
	ck_assert_ok(make(
		"{'root':{'path':'r'},'process':{},'linux':{" SPACES "},'mounts':[{'destination':'/o',"
		"'type':'overlay','source':'s','options':['lowerdir=/a:/b','nosuid','rro','rslave','index=off']}]}",
		e));
	ck_assert_str_eq(json_get(jail_mount("/export/box/mounts/0"), "type")->str, "overlay");
	ck_assert_str_eq(json_get(jail_mount("/export/box/mounts/0"), "source")->str, "s");
	ck_assert(has_option(jail_mount("/export/box/mounts/0"), "lowerdir=/a:/b"));
	ck_assert_str_eq(str_at(&guest, "mounts.0.source"), "/run/husk-fs/box/mounts/0");
	ck_assert_ptr_null(at(&guest, "mounts.0.type"));
	ck_assert_uint_eq(at(&guest, "mounts.0.options")->len, 4);
	ck_assert(has_option(at(&guest, "mounts.0"), "bind"));
	ck_assert(has_option(at(&guest, "mounts.0"), "nosuid"));
	ck_assert(has_option(at(&guest, "mounts.0"), "rro"));
	ck_assert(has_option(at(&guest, "mounts.0"), "rslave"));
	done();
}
END_TEST

START_TEST(an_idmap_is_that_of_the_guests_user_namespace)
{
	ck_assert_ok(make("{'root':{'path':'r'},'process':{},'linux':{" SPACES
			  ",'uidMappings':[{'containerID':0,'hostID':7,"
			  "'size':1}],'gidMappings':[]},'mounts':["
			  "{'destination':'/a','source':'/s','options':['bind','ridmap']},"
			  "{'destination':'/b','source':'/s','options':['bind','idmap=uids=0-7-1']},"
			  "{'destination':'/c','source':'/s','options':['bind','idmap'],'uidMappings':[]},"
			  "{'destination':'/d','source':'/s','options':['bind']}]}",
			  e));
	ck_assert_uint_eq(json_get(jail_mount("/export/box/mounts/0"), "uidMappings")->len, 1);
	ck_assert_ptr_null(json_get(jail_mount("/export/box/mounts/1"), "uidMappings"));
	ck_assert(has_option(jail_mount("/export/box/mounts/1"), "idmap=uids=0-7-1"));
	ck_assert(!has_option(at(&guest, "mounts.1"), "idmap=uids=0-7-1"));
	ck_assert_uint_eq(json_get(jail_mount("/export/box/mounts/2"), "uidMappings")->len, 0);
	ck_assert_ptr_null(json_get(jail_mount("/export/box/mounts/3"), "uidMappings"));
	done();
}
END_TEST

/* The same as of config.json's mounts, but for the places. */
START_TEST(what_is_added_later_goes_by_its_place)
{
	struct json_text container = json_text("{'linux':{'uidMappings':[{'containerID':0,'hostID':7,'size':1}]}}");
	struct json_text file =
		json_text("{'mounts':[{'destination':'/t','type':'tmpfs','options':['size=1m']},"
			  "{'destination':'/a','source':'s','options':['bind','ro','idmap','nosuid']},"
			  "{'destination':'/o','type':'overlay','options':['lowerdir=/a:/b','nodev']}]}");
	const struct vmplan_input in = {
		.id = "box", .bundle = "/b", .config = &file.doc, .container = &container.doc
	};
	static const char *const places[] = { NULL, "d3", "d4" };
	const struct json *mounts = json_get(file.doc.root, "mounts");
	AUTO_FREE char *bind = vmplan_added_to_jail(&in, mounts->child->next, "d3");
	AUTO_FREE char *fs = vmplan_added_to_jail(&in, mounts->child->next->next, "d4");
	AUTO_FREE char *text = vmplan_added_to_guest(&in, places);

	ck_assert(!vmplan_is_shared(mounts->child) && vmplan_is_shared(mounts->child->next));
	ck_assert_str_eq(bind, "[{\"destination\":\"/export/box/added/d3\",\"type\":\"bind\",\"source\":\"/b/s\","
			       "\"options\":[\"bind\",\"ro\",\"idmap\"],"
			       "\"uidMappings\":[{\"containerID\":0,\"hostID\":7,\"size\":1}]}]");
	ck_assert_str_eq(fs, "[{\"destination\":\"/export/box/added/d4\",\"type\":\"overlay\","
			     "\"options\":[\"lowerdir=/a:/b\",\"nodev\"]}]");
	ck_assert_str_eq(text, "[{\"destination\":\"/t\",\"type\":\"tmpfs\",\"options\":[\"size=1m\"]},"
			       "{\"destination\":\"/a\",\"source\":\"/run/husk-fs/box/added/d3\","
			       "\"options\":[\"bind\",\"ro\",\"nosuid\"]},"
			       "{\"destination\":\"/o\",\"source\":\"/run/husk-fs/box/added/d4\","
			       "\"options\":[\"bind\",\"nodev\"]}]");
	json_text_free(&container);
	json_text_free(&file);
}
END_TEST

START_TEST(what_crosses_is_let_pass)
{
	config = json_text("{'linux':{" SPACES ",'devices':[{'path':'/dev/fuse','type':'c','major':10,'minor':229},"
			   "{'path':'/run/fifo','type':'p'}],'seccomp':{'listenerPath':'/s','syscalls':["
			   "{'action':'SCMP_ACT_ERRNO'}]}},'mounts':[{'destination':'/a',"
			   "'type':'tmpfs'},{'destination':'/b','type':'bind','source':'/x'}]}");
	ck_assert_ok(vm_cross_check(config.doc.root, e));
	ck_assert_ok(vm_cross_check_source(config.doc.root, "/tmp", e));
	ck_assert_ok(vm_cross_check_source(config.doc.root, "/dev/null", e));
	ck_assert_fails(vm_cross_check_source(config.doc.root, "/proc/self", e), ENOTSUP, "a kernel file system");
	ck_assert_fails(vm_cross_check_source(config.doc.root, "/no/such", e), ENOENT, "open '/no/such'");
	json_text_free(&config);
}
END_TEST

/* husk-net moves them into the jail's network namespace, all of whose interfaces are then the guest's. */
START_TEST(network_interfaces_go_to_the_jail)
{
	ck_assert_ok(
		make("{'root':{'path':'r'},'process':{},'linux':{" SPACES ",'netDevices':{'va':{'name':'eth7'}}}}", e));
	ck_assert_str_eq(str_at(&jail, "linux.netDevices.va.name"), "eth7");
	ck_assert_ptr_null(at(&guest, "linux.netDevices"));
	done();
}
END_TEST

START_TEST(a_network_namespace_that_stays_gets_its_frames_back)
{
	ck_assert_ok(make("{'root':{'path':'r'},'process':{},'hooks':{'poststop':[{'path':'/p'}]},'linux':{"
			  "'namespaces':[{'type':'pid'},{'type':'network','path':'/run/netns/n'}]}}",
			  e));
	ck_assert_str_eq(str_at(&jail, "hooks.poststop.0.path"), "/l/husk-net");
	ck_assert_str_eq(str_at(&jail, "hooks.poststop.0.args.1"), "release");
	ck_assert_str_eq(str_at(&jail, "hooks.poststop.0.args.2"), "/run/netns/n");
	ck_assert_str_eq(str_at(&jail, "hooks.poststop.1.path"), "/p");
	done();
}
END_TEST

/* --privileged of engines: all devices of the machine are the guest's own. */
START_TEST(where_all_devices_are_allowed_the_hosts_are_left_out)
{
	ck_assert_ok(make("{'root':{'path':'r'},'process':{},'linux':{" SPACES ",'resources':{'devices':["
			  "{'allow':false,'access':'rwm'},{'allow':true,'access':'rwm'}]},'devices':["
			  "{'path':'/dev/sda','type':'b','major':8,'minor':0},"
			  "{'path':'/dev/fuse','type':'c','major':10,'minor':229}]}}",
			  e));
	ck_assert_ok(vm_cross_check(config.doc.root, e));
	ck_assert_str_eq(str_at(&guest, "linux.devices.0.path"), "/dev/fuse");
	ck_assert_ptr_null(at(&guest, "linux.devices.1"));
	done();
}
END_TEST

START_TEST(a_device_of_the_host_is_no_source)
{
	char dir[] = "/tmp/husk-vmplan.XXXXXX", path[sizeof(dir) + 8];

	if (geteuid() != 0) /* may make none */
		return;
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/mem", dir);
	ck_assert_int_eq(mknod(path, S_IFCHR | 0600, makedev(1, 1)), 0);
	config = json_text("{'linux':{" SPACES "}}");
	ck_assert_fails(vm_cross_check_source(config.doc.root, path, e), ENOTSUP, "a device of the host");
	json_text_free(&config);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

START_TEST(the_description_arrives_whole)
{
	struct strbuf bytes = { 0 };
	struct machine m;
	char *copy;

	ck_assert_ok(make("{'root':{'path':'r'},'process':{'terminal':true},'linux':{" SPACES "}}", e));
	machine_encode(&plan.machine, &bytes);
	ck_assert_ok(machine_decode(bytes.s, bytes.len, &m, e));
	ck_assert_str_eq(m.id, "box");
	ck_assert_str_eq(m.config, plan.guest);
	ck_assert_uint_eq(m.boot_ms, 60000);
	ck_assert(m.terminal);
	for (size_t i = 0; plan.machine.hypervisor[i]; i++)
		ck_assert_str_eq(m.hypervisor[i], plan.machine.hypervisor[i]);
	ck_assert_str_eq(m.file_server[4], plan.machine.file_server[4]);
	ck_assert_ptr_null(m.file_server[5]);
	machine_free(&m);
	for (size_t cut = 0; cut < bytes.len; cut++) {
		copy = malloc(cut + 1);
		memcpy(copy, bytes.s, cut);
		ck_assert_fails(machine_decode(copy, cut, &m, e), EBADMSG, "description");
		free(copy);
	}
	free(bytes.s);
	done();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("vmplan");
	TCase *tc = tcase_create("vmplan");

	tcase_add_test(tc, the_guest_follows_the_config_in_the_shared_folder);
	tcase_add_loop_test(tc, the_callers_groups_are_the_guests_where_they_are_kept, 0, ARRAY_LEN(kept));
	tcase_add_test(tc, annotations_are_told_to_hooks_of_the_guest_alone);
	tcase_add_test(tc, the_jail_holds_what_the_guest_sees);
	tcase_add_test(tc, the_machine_has_what_the_limits_say);
	tcase_add_test(tc, an_initramfs_too_large_for_the_machine_is_refused);
	tcase_add_test(tc, an_ordinary_users_namespace_is_the_jails);
	tcase_add_test(tc, the_hypervisor_is_the_caller_where_there_is_no_other_id);
	tcase_add_test(tc, an_image_is_the_guests_root_and_never_written);
	tcase_add_test(tc, the_hosts_cgroup_has_the_machine_and_its_overhead);
	tcase_add_test(tc, cpu_and_block_io_protect_the_host);
	tcase_add_test(tc, kvm_is_the_one_device_of_the_jail);
	tcase_add_loop_test(tc, what_cannot_cross_is_refused_by_name, 0, (int)ARRAY_LEN(refused));
	tcase_add_test(tc, the_host_mounts_what_the_guest_cannot);
	tcase_add_test(tc, what_is_added_later_goes_by_its_place);
	tcase_add_test(tc, an_idmap_is_that_of_the_guests_user_namespace);
	tcase_add_test(tc, what_crosses_is_let_pass);
	tcase_add_test(tc, network_interfaces_go_to_the_jail);
	tcase_add_test(tc, a_network_namespace_that_stays_gets_its_frames_back);
	tcase_add_test(tc, where_all_devices_are_allowed_the_hosts_are_left_out);
	tcase_add_test(tc, a_device_of_the_host_is_no_source);
	tcase_add_test(tc, the_description_arrives_whole);
	suite_add_tcase(suite, tc);
	return ck_run(suite);
}
