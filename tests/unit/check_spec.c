/* SPDX-License-Identifier: Apache-2.0 */
/* check_spec.c: what config.json becomes. What is refused: check_spec_refuse.c. */
#include "ck_run.h"
#include "kernel.h"
#include "spec_text.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* --- what is accepted --- */

static const struct {
	enum part part;
	const char *text;
} accepted[] = {
	{ TOP, "'unknown':{'a':[1,2,{}]},'windows':{},'solaris':null,'zos':[],'freebsd':{}" },
	{ TOP, "'process':null,'mounts':null,'hooks':null,'annotations':null,'vm':null" },
	{ TOP, "'vm':false" },
	{ TOP, "'vm':{},'hostname':'','domainname':'','mounts':[],'hooks':{'prestart':[],'other':7},'annotations':{}" },
	{ TOP, "'mounts':[{'destination':'/a','uidMappings':[],'gidMappings':null,'options':null}]" },
	{ PROCESS, "'unknown':1,'user':{'username':'','unknown':1},'env':null,'rlimits':[],'capabilities':{}" },
	{ PROCESS, "'apparmorProfile':'','selinuxLabel':'','scheduler':null,'ioPriority':null,'execCPUAffinity':{}" },
	{ PROCESS, "'env':['A=b=c','A=d','a b=']" },
	{ PROCESS, "'user':{'uid':4294967294,'gid':4294967294,'umask':511}" },
	{ PROC, "'args':['sh','-c',''],'cwd':'/'" },
	{ LINUX,
	  "'personality':null,'intelRdt':null,'memoryPolicy':null,'timeOffsets':{},'netDevices':{},'mountLabel':''" },
	{ LINUX, "'resources':{'memory':{'limit':'junk'},'devices':[]},'sysctl':{},'seccomp':null" },
	{ LIN, "'namespaces':[{'type':'mount'},{'type':'pid','path':''},{'type':'network','path':'/n'}]" },
	/* Podman writes such mappings when it joins a user namespace */
	{ LIN, "'namespaces':[{'type':'mount'},{'type':'user','path':'/u'}],'uidMappings':" MAP_ROOT },
	{ LIN, "'namespaces':[{'type':'mount'},{'type':'user','path':'/u'}]" },
	{ LIN, "'namespaces':[{'type':'mount'},{'type':'user'}],"
	       "'uidMappings':[{'containerID':0,'hostID':0,'size':4294967295}],"
	       "'gidMappings':[{'containerID':0,'hostID':9,'size':1},{'containerID':1,'hostID':10,'size':9},"
	       "{'hostID':0,'containerID':10,'size':9}]" },
	{ SPACES, "'sysctl':{'net.ipv4.ip_forward':'1','net/ipv4/conf/eth0.1/rp_filter':'0',"
		  "'net.ipv4.conf.eth0/1.rp_filter':'0','kernel.sem':'1','kernel/msgmax':'1','kernel.msgmnb':'1',"
		  "'kernel.msgmni':'1','kernel.shmall':'1','kernel.shmmax':'1','kernel.shmmni':'1',"
		  "'kernel.shm_rmid_forced':'1','fs.mqueue.msg_max':'1','fs/mqueue/x':'1','kernel.domainname':'d'}" },
	{ LIN, "'namespaces':[{'type':'mount'},{'type':'network','path':'/n'}],'sysctl':{'net.x':'1'}" },
	{ LIN, "'namespaces':[{'type':'mount'},{'type':'time','path':'/t'}],'timeOffsets':{}" },
	{ LIN, "'namespaces':[{'type':'mount'},{'type':'time'}]" },
	{ LIN, "'namespaces':[{'type':'mount'},{'type':'network','path':'/n'}],'netDevices':{'eth0':{}}" },
	{ LINUX, "'devices':[{'path':'/dev/p','type':'p'},{'path':'/d','type':'b','major':4095,'minor':1048575}]" },
	{ LINUX, "'seccomp':{'defaultAction':'','syscalls':[]}" },
	{ LINUX, "'seccomp':{'defaultAction':'SCMP_ACT_ALLOW','listenerPath':'','listenerMetadata':'m','flags':[]}" },
	{ LINUX, "'seccomp':{'defaultAction':'SCMP_ACT_ALLOW','listenerPath':'not used','syscalls':[{'names':['read'],"
		 "'action':'SCMP_ACT_LOG'}]}" },
};

START_TEST(test_what_means_nothing_is_accepted)
{
	spec_free(parse_ok(accepted[_i].part, accepted[_i].text));
}
END_TEST

START_TEST(test_time_offsets_are_read)
{
	struct spec *spec = parse_ok(LIN, "'namespaces':[{'type':'mount'},{'type':'time'}],'timeOffsets':"
					  "{'boottime':{'secs':-7,'nanosecs':999999999},'monotonic':{'nanosecs':5}}");
	const struct spec_time_offset *offsets = spec->linux_->time_offsets;

	ck_assert_int_eq(offsets[CLOCK_OF_BOOTTIME].secs, -7);
	ck_assert_uint_eq(offsets[CLOCK_OF_BOOTTIME].nanosecs, 999999999);
	ck_assert_int_eq(offsets[CLOCK_OF_MONOTONIC].secs, 0);
	ck_assert_uint_eq(offsets[CLOCK_OF_MONOTONIC].nanosecs, 5);
	ck_assert_ptr_nonnull(spec_namespace(spec, CLONE_NEWTIME));
	spec_free(spec);
	spec = parse_ok(LINUX, "'timeOffsets':{}");
	ck_assert_ptr_null(spec->linux_->time_offsets);
	spec_free(spec);
}
END_TEST

START_TEST(test_mappings_of_a_mount_are_read)
{
	struct spec *spec = parse_ok(TOP, "'mounts':[{'destination':'/a'},{'destination':'/b','uidMappings':" MAP_ROOT
					  ",'gidMappings':[{'containerID':1,'hostID':2,'size':3},"
					  "{'containerID':11,'hostID':12,'size':13}]}]");

	ck_assert_uint_eq(spec->mounts[0].n_uid_maps, 0);
	ck_assert_uint_eq(spec->mounts[0].n_gid_maps, 0);
	ck_assert_uint_eq(spec->mounts[1].n_uid_maps, 1);
	ck_assert_uint_eq(spec->mounts[1].uid_maps[0].host_id, 1000);
	ck_assert_uint_eq(spec->mounts[1].n_gid_maps, 2);
	ck_assert_uint_eq(spec->mounts[1].gid_maps[1].container_id, 11);
	ck_assert_uint_eq(spec->mounts[1].gid_maps[1].host_id, 12);
	ck_assert_uint_eq(spec->mounts[1].gid_maps[1].size, 13);
	spec_free(spec);
}
END_TEST

START_TEST(test_each_propagation_is_known)
{
	static const char *const names[] = { "shared",	"slave",  "private",  "unbindable",
					     "rshared", "rslave", "rprivate", "runbindable" };
	size_t i;

	for (i = 0; i < ARRAY_LEN(names); i++) {
		AUTO_FREE char *text = x_printf("'rootfsPropagation':'%s'", names[i]);
		struct spec *spec = parse_ok(LINUX, text);

		ck_assert_str_eq(spec->linux_->rootfs_propagation, names[i]);
		spec_free(spec);
	}
}
END_TEST

/* --- what it becomes --- */

static const char *source_file(const char *name, char *out, size_t size)
{
	const char *top = getenv("HUSK_TOP_SRCDIR");

	(void)snprintf(out, size, "%s/tests/%s", top ? top : ".", name);
	return out;
}

static struct spec *load_ok(const char *name)
{
	char path[PATH_MAX];
	struct spec *spec = NULL;
	struct err e = { 0 };

	ck_assert_msg(spec_load(AT_FDCWD, source_file(name, path, sizeof(path)), &spec, &e) == 0, "%s", e.msg);
	return spec;
}

START_TEST(test_absent_sections_are_empty)
{
	struct spec *spec = parse_ok(TOP, "'x':1");
	size_t i;

	ck_assert_str_eq(spec->oci_version, "1.0.2");
	ck_assert_str_eq(spec->root_path, "r");
	ck_assert(!spec->root_readonly);
	ck_assert_ptr_null(spec->process);
	ck_assert_ptr_null(spec->hostname);
	ck_assert_ptr_null(spec->domainname);
	ck_assert_uint_eq(spec->n_mounts, 0);
	for (i = 0; i < HOOK_KINDS; i++)
		ck_assert_uint_eq(spec->hooks[i].n, 0);
	ck_assert_uint_eq(spec->n_annotations, 0);
	ck_assert_ptr_null(spec_annotation(spec, "a"));
	ck_assert_uint_eq(spec->linux_->n_namespaces, 1);
	ck_assert_ptr_null(spec->linux_->resources);
	ck_assert_ptr_null(spec->linux_->seccomp);
	ck_assert_ptr_null(spec->linux_->masked_paths.v);
	ck_assert_ptr_null(spec_namespace(spec, CLONE_NEWPID));
	spec_free(spec);
	spec_free(NULL);
}
END_TEST

START_TEST(test_a_bare_process_has_defaults)
{
	struct spec *spec = parse_ok(PROC, "'args':['a'],'cwd':'/'");
	const struct spec_process *p = spec->process;

	ck_assert(!p->terminal && !p->have_umask && !p->have_caps && !p->have_oom_score_adj && !p->no_new_privileges);
	ck_assert_uint_eq(p->uid, 0);
	ck_assert_uint_eq(p->gid, 0);
	ck_assert_uint_eq(p->console_width, 0);
	ck_assert_uint_eq(p->n_additional_gids, 0);
	ck_assert_ptr_null(p->env.v);
	ck_assert_ptr_null(p->apparmor_profile);
	spec_free(spec);
}
END_TEST

START_TEST(test_process_is_read_whole)
{
	struct spec *spec = load_ok("fuzz/corpus/config/full.json");
	const struct spec_process *p = spec->process;
	size_t i;

	ck_assert(p->terminal);
	ck_assert_uint_eq(p->console_width, 80);
	ck_assert_uint_eq(p->console_height, 25);
	ck_assert_uint_eq(p->uid, 1);
	ck_assert_uint_eq(p->gid, 2);
	ck_assert(p->have_umask);
	ck_assert_uint_eq(p->umask, 022);
	ck_assert_uint_eq(p->n_additional_gids, 2);
	ck_assert_uint_eq(p->additional_gids[1], 4);
	ck_assert_uint_eq(p->args.n, 3);
	ck_assert_str_eq(p->args.v[0], "sh");
	ck_assert_str_eq(p->args.v[2], "");
	ck_assert_ptr_null(p->args.v[3]);
	ck_assert_str_eq(p->env.v[1], "C=");
	ck_assert_str_eq(p->cwd, "/tmp");
	ck_assert(p->have_caps);
	for (i = 0; i < CAPS_SETS; i++) {
		ck_assert_uint_eq(p->caps[i].n, 2);
		ck_assert_str_eq(p->caps[i].v[1], "cap_net_raw");
	}
	ck_assert_uint_eq(p->n_rlimits, 2);
	ck_assert_str_eq(p->rlimits[0].type, "RLIMIT_NOFILE");
	ck_assert_uint_eq(p->rlimits[0].soft, 10);
	ck_assert(p->rlimits[0].hard == UINT64_MAX);
	ck_assert(p->no_new_privileges && p->have_oom_score_adj);
	ck_assert_int_eq(p->oom_score_adj, -999);
	spec_free(spec);
}
END_TEST

START_TEST(test_each_capability_set_has_its_place)
{
	struct spec *spec = parse_ok(PROCESS, "'capabilities':{'bounding':['B'],'effective':['E'],'inheritable':['I'],"
					      "'permitted':['P'],'ambient':['A']}");
	const struct strv *caps = spec->process->caps;

	ck_assert_str_eq(caps[CAPS_BOUNDING].v[0], "B");
	ck_assert_str_eq(caps[CAPS_EFFECTIVE].v[0], "E");
	ck_assert_str_eq(caps[CAPS_INHERITABLE].v[0], "I");
	ck_assert_str_eq(caps[CAPS_PERMITTED].v[0], "P");
	ck_assert_str_eq(caps[CAPS_AMBIENT].v[0], "A");
	spec_free(spec);
}
END_TEST

START_TEST(test_mounts_hooks_and_annotations_are_read)
{
	struct spec *spec = load_ok("fuzz/corpus/config/full.json");
	const struct spec_mount *m = &spec->mounts[1];
	char path[32];
	size_t i;

	ck_assert_str_eq(spec->root_path, "/r");
	ck_assert(spec->root_readonly);
	ck_assert_str_eq(spec->hostname, "h");
	ck_assert_str_eq(spec->domainname, "d");
	ck_assert_uint_eq(spec->n_mounts, 2);
	ck_assert_str_eq(spec->mounts[0].type, "proc");
	ck_assert_str_eq(m->destination, "/rel"); /* was relative */
	ck_assert_ptr_null(m->type);
	ck_assert_str_eq(m->source, "/x");
	ck_assert_uint_eq(m->options.n, 3);
	ck_assert_str_eq(m->options.v[2], "rslave");
	json_path(m->node, path, sizeof(path));
	ck_assert_str_eq(path, "mounts[1]");
	for (i = 0; i < HOOK_KINDS; i++) {
		ck_assert_uint_eq(spec->hooks[i].n, 1);
		ck_assert_str_eq(spec->hooks[i].v[0].path, "/h");
		ck_assert_str_eq(spec->hooks[i].v[0].args.v[1], "x");
		ck_assert_str_eq(spec->hooks[i].v[0].env.v[0], "K=v");
		ck_assert_int_eq(spec->hooks[i].v[0].timeout, 3);
	}
	ck_assert_str_eq(spec_annotation(spec, "a.b"), "c");
	ck_assert_ptr_null(spec_annotation(spec, "a"));
	spec_free(spec);
}
END_TEST

START_TEST(test_each_hook_kind_has_its_place)
{
	static const char *const kinds[HOOK_KINDS] = {
		[HOOK_PRESTART] = "prestart",
		[HOOK_CREATE_RUNTIME] = "createRuntime",
		[HOOK_CREATE_CONTAINER] = "createContainer",
		[HOOK_START_CONTAINER] = "startContainer",
		[HOOK_POSTSTART] = "poststart",
		[HOOK_POSTSTOP] = "poststop",
	};
	size_t i, other;

	for (i = 0; i < HOOK_KINDS; i++) {
		AUTO_FREE char *text = x_printf("'hooks':{'%s':[{'path':'/h'},{'path':'/i'}]}", kinds[i]);
		struct spec *spec = parse_ok(TOP, text);

		for (other = 0; other < HOOK_KINDS; other++)
			ck_assert_uint_eq(spec->hooks[other].n, other == i ? 2 : 0);
		ck_assert_str_eq(spec->hooks[i].v[1].path, "/i");
		ck_assert_int_eq(spec->hooks[i].v[1].timeout, 0);
		ck_assert_uint_eq(spec->hooks[i].v[1].args.n, 0);
		spec_free(spec);
	}
}
END_TEST

START_TEST(test_namespaces_are_flags)
{
	struct spec *spec = load_ok("fuzz/corpus/config/full.json");
	static const unsigned int flags[] = { CLONE_NEWNS,  CLONE_NEWPID,  CLONE_NEWNET,   CLONE_NEWIPC,
					      CLONE_NEWUTS, CLONE_NEWUSER, CLONE_NEWCGROUP };
	size_t i;

	ck_assert_uint_eq(spec->linux_->n_namespaces, ARRAY_LEN(flags));
	for (i = 0; i < ARRAY_LEN(flags); i++) {
		ck_assert_uint_eq(spec->linux_->namespaces[i].clone_flag, flags[i]);
		ck_assert_ptr_eq(spec_namespace(spec, flags[i]), &spec->linux_->namespaces[i]);
	}
	ck_assert_ptr_null(spec_namespace(spec, CLONE_NEWPID)->path); /* was "" */
	ck_assert_str_eq(spec_namespace(spec, CLONE_NEWNET)->path, "/proc/1/ns/net");
	ck_assert_str_eq(spec_namespace(spec, CLONE_NEWNET)->type, "network");
	ck_assert_uint_eq(spec->linux_->n_uid_maps, 2);
	ck_assert_uint_eq(spec->linux_->uid_maps[1].container_id, 10);
	ck_assert_uint_eq(spec->linux_->uid_maps[1].host_id, 100000);
	ck_assert_uint_eq(spec->linux_->uid_maps[1].size, 65526);
	ck_assert_uint_eq(spec->linux_->n_gid_maps, 1);
	ck_assert_uint_eq(spec->linux_->gid_maps[0].size, UINT32_MAX);
	spec_free(spec);
}
END_TEST

START_TEST(test_devices_and_their_rules_are_read)
{
	struct spec *spec = load_ok("fuzz/corpus/config/full.json");
	const struct spec_linux *l = spec->linux_;

	ck_assert_uint_eq(l->n_devices, 3);
	ck_assert_str_eq(l->devices[0].path, "/dev/fuse");
	ck_assert_int_eq(l->devices[0].type, 'c');
	ck_assert_int_eq(l->devices[0].major, 10);
	ck_assert_int_eq(l->devices[0].minor, 229);
	ck_assert(l->devices[0].have_mode);
	ck_assert_uint_eq(l->devices[0].mode, 0666);
	ck_assert_int_eq(l->devices[1].type, 'p');
	ck_assert(!l->devices[1].have_mode);
	ck_assert_int_eq(l->devices[2].type, 'c'); /* was 'u' */
	ck_assert_uint_eq(l->n_device_rules, 2);
	ck_assert(!l->device_rules[0].allow);
	ck_assert_int_eq(l->device_rules[0].type, 'a');
	ck_assert_int_eq(l->device_rules[0].major, -1);
	ck_assert_int_eq(l->device_rules[0].minor, -1);
	ck_assert_str_eq(l->device_rules[0].access, "rwm");
	ck_assert(l->device_rules[1].allow);
	ck_assert_int_eq(l->device_rules[1].type, 'b');
	ck_assert_int_eq(l->device_rules[1].major, 8);
	ck_assert_int_eq(l->device_rules[1].minor, -1);
	ck_assert_str_eq(l->device_rules[1].access, "rm");
	ck_assert_ptr_nonnull(json_get(json_get(l->resources, "memory"), "limit"));
	spec_free(spec);
}
END_TEST

START_TEST(test_a_file_type_in_a_mode_is_dropped)
{
	struct spec *spec = parse_ok(LINUX, "'devices':[{'path':'/d','type':'c','major':1,'minor':3,'fileMode':8630}]");

	ck_assert_uint_eq(spec->linux_->devices[0].mode, 0666); /* 8630 is 020666 */
	spec_free(spec);
}
END_TEST

START_TEST(test_the_rest_of_linux_is_read)
{
	struct spec *spec = load_ok("fuzz/corpus/config/full.json");
	const struct spec_linux *l = spec->linux_;

	ck_assert_str_eq(l->cgroups_path, "/a/b");
	ck_assert_str_eq(l->rootfs_propagation, "rslave");
	ck_assert_uint_eq(l->masked_paths.n, 1);
	ck_assert_str_eq(l->masked_paths.v[0], "/proc/kcore");
	ck_assert_str_eq(l->readonly_paths.v[0], "/proc/sys");
	ck_assert_uint_eq(l->n_sysctls, 5);
	ck_assert_str_eq(l->sysctls[1].key, "net/ipv4/conf/eth0.1/rp_filter");
	ck_assert_str_eq(l->sysctls[1].value, "0");
	ck_assert_ptr_null(l->mount_label);
	spec_free(spec);
}
END_TEST

START_TEST(test_how_a_process_shares_the_machine_is_read)
{
	struct spec *spec = parse_ok(
		RAW, "{'ociVersion':'1.3.0','root':{'path':'r'},'process':{'args':['a'],'cwd':'/',"
		     "'scheduler':{'policy':'SCHED_DEADLINE','nice':-20,'priority':99,'flags':['SCHED_FLAG_RECLAIM'],"
		     "'runtime':1,'deadline':2,'period':18446744073709551615},"
		     "'ioPriority':{'class':'IOPRIO_CLASS_BE','priority':7},"
		     "'execCPUAffinity':{'initial':'0-3','final':'7'}},"
		     "'linux':{'namespaces':[{'type':'mount'}],'personality':{'domain':'LINUX32'},"
		     "'memoryPolicy':{'mode':'MPOL_BIND','nodes':'0','flags':['MPOL_F_STATIC_NODES']},"
		     "'intelRdt':{'closID':'group','schemata':['L3:0=f','MB:0=20'],'l3CacheSchema':'L3:0=7',"
		     "'memBwSchema':'MB:0=10','enableMonitoring':true}}}");
	const struct spec_process *p = spec->process;
	const struct spec_linux *l = spec->linux_;

	ck_assert_str_eq(p->scheduler->policy, "SCHED_DEADLINE");
	ck_assert_int_eq(p->scheduler->nice, -20);
	ck_assert_uint_eq(p->scheduler->priority, 99);
	ck_assert_uint_eq(p->scheduler->flags.n, 1);
	ck_assert_str_eq(p->scheduler->flags.v[0], "SCHED_FLAG_RECLAIM");
	ck_assert_uint_eq(p->scheduler->runtime, 1);
	ck_assert_uint_eq(p->scheduler->deadline, 2);
	ck_assert_uint_eq(p->scheduler->period, UINT64_MAX);
	ck_assert_str_eq(p->io_priority->io_class, "IOPRIO_CLASS_BE");
	ck_assert_int_eq(p->io_priority->priority, 7);
	ck_assert_str_eq(p->exec_cpu_affinity->initial, "0-3");
	ck_assert_str_eq(p->exec_cpu_affinity->final, "7");
	ck_assert_str_eq(l->personality->domain, "LINUX32");
	ck_assert_str_eq(l->memory_policy->mode, "MPOL_BIND");
	ck_assert_str_eq(l->memory_policy->nodes, "0");
	ck_assert_str_eq(l->memory_policy->flags.v[0], "MPOL_F_STATIC_NODES");
	ck_assert_str_eq(l->intel_rdt->clos_id, "group");
	ck_assert_uint_eq(l->intel_rdt->schemata.n, 2);
	ck_assert_str_eq(l->intel_rdt->schemata.v[1], "MB:0=20");
	ck_assert_str_eq(l->intel_rdt->l3_cache_schema, "L3:0=7");
	ck_assert_str_eq(l->intel_rdt->mem_bw_schema, "MB:0=10");
	ck_assert(l->intel_rdt->monitoring);
	spec_free(spec);
}
END_TEST

/* They were keys of their own before enableMonitoring (runtime-spec 1.1). */
START_TEST(test_older_keys_turn_monitoring_on)
{
	static const char *const texts[] = { "'intelRdt':{'enableCMT':true}", "'intelRdt':{'enableMBM':true}",
					     "'intelRdt':{'closID':'/','enableCMT':false}" };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct spec *spec = parse_ok(LINUX, texts[i]);

		ck_assert_msg(spec->linux_->intel_rdt->monitoring == (i < 2), "%s", texts[i]);
		spec_free(spec);
	}
}
END_TEST

START_TEST(test_a_net_device_keeps_its_name_unless_it_gets_one)
{
	struct spec *spec = parse_ok(SPACES, "'netDevices':{'eth0':{},'eth1':{'name':''},'eth2':{'name':'in0'},"
					     "'eth3':{'name':'t%d'},'eth4':{'name':'t%d'},'eth5':{'name':'eth2'}}");
	const struct spec_linux *l = spec->linux_;
	static const char *const names[] = { "eth0", "eth1", "in0", "t%d", "t%d", "eth2" };

	ck_assert_uint_eq(l->n_netdevs, ARRAY_LEN(names));
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		ck_assert_int_eq(l->netdevs[i].host_name[3], '0' + (int)i);
		ck_assert_str_eq(l->netdevs[i].name, names[i]);
	}
	spec_free(spec);
}
END_TEST

START_TEST(test_seccomp_keeps_its_own_text)
{
	struct spec *spec = load_ok("fuzz/corpus/config/full.json");
	const struct spec_seccomp *s = spec->linux_->seccomp;

	ck_assert_str_eq(s->default_action, "SCMP_ACT_ERRNO");
	ck_assert(s->have_default_errno_ret);
	ck_assert_uint_eq(s->default_errno_ret, 1);
	ck_assert_str_eq(s->architectures.v[0], "SCMP_ARCH_X86_64");
	ck_assert_str_eq(s->flags.v[0], "SECCOMP_FILTER_FLAG_LOG");
	ck_assert_ptr_null(s->listener_path);
	ck_assert_uint_eq(s->n_rules, 2);
	ck_assert_str_eq(s->rules[0].names.v[1], "read");
	ck_assert(!s->rules[0].have_errno_ret);
	ck_assert_uint_eq(s->rules[0].n_args, 1);
	ck_assert(s->rules[0].args[0].value == 2114060288);
	ck_assert_str_eq(s->rules[0].args[0].op, "SCMP_CMP_MASKED_EQ");
	ck_assert(s->rules[1].have_errno_ret);
	ck_assert_uint_eq(s->rules[1].errno_ret, 38);
	ck_assert(s->text > spec->text && s->text + s->text_len < spec->text + strlen(spec->text));
	ck_assert_int_eq(s->text[0], '{');
	ck_assert_int_eq(s->text[s->text_len - 1], '}');
	ck_assert_ptr_eq(strstr(spec->text, "\"seccomp\": {") + strlen("\"seccomp\": "), s->text);
	spec_free(spec);
}
END_TEST

START_TEST(test_docker_config_is_read)
{
	struct spec *spec = load_ok("fixtures/docker-config.json");
	const struct spec_seccomp *s = spec->linux_->seccomp;

	ck_assert_uint_eq(spec->process->caps[CAPS_BOUNDING].n, 14);
	ck_assert_uint_eq(spec->process->caps[CAPS_AMBIENT].n, 0);
	ck_assert_uint_eq(spec->n_mounts, 7);
	ck_assert_uint_eq(spec->linux_->n_namespaces, 6);
	ck_assert_uint_eq(spec->linux_->n_device_rules, 8);
	ck_assert_uint_gt(s->rules[0].names.n, 300);
	ck_assert_uint_eq(s->architectures.n, 3);
	ck_assert_uint_gt(s->text_len, 5000);
	spec_free(spec);
}
END_TEST

/* --- files --- */

START_TEST(test_load_names_the_file)
{
	char dir[] = "/tmp/check_spec.XXXXXX";
	struct spec *spec = NULL;
	struct err e = { 0 };
	int dirfd, fd;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(dirfd, 0);
	ck_assert_int_eq(spec_load(dirfd, "config.json", &spec, &e), -ENOENT);
	ck_assert_ptr_nonnull(strstr(e.msg, "config.json"));
	fd = openat(dirfd, "config.json", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, "{\"ociVersion\":7}", 16), 16);
	ck_assert_int_eq(spec_load(dirfd, "config.json", &spec, &e), -EINVAL);
	ck_assert_str_eq(e.msg, "config.json: ociVersion: expected a string, got a number");
	ck_assert_int_eq(ftruncate(fd, JSON_TEXT_MAX + 1), 0);
	ck_assert_int_eq(spec_load(dirfd, "config.json", &spec, &e), -EFBIG);
	ck_assert_ptr_nonnull(strstr(e.msg, "config.json"));
	ck_assert_ptr_null(spec);
	ck_assert_int_eq(unlinkat(dirfd, "config.json", 0), 0);
	(void)close(fd);
	(void)close(dirfd);
	ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

/* spec_load_mounts() of this text. */
static int load_mounts(const char *text, struct spec **out, struct err *e)
{
	char file[] = "/tmp/check_spec.XXXXXX";
	int fd = mkstemp(file), r;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pwrite(fd, text, strlen(text), 0), (ssize_t)strlen(text));
	r = spec_load_mounts(AT_FDCWD, file, out, e);
	ck_assert_int_eq(unlink(file), 0);
	ck_assert_int_eq(close(fd), 0);
	return r;
}

START_TEST(test_load_mounts_takes_an_object_or_the_array)
{
	static const char *const good[] = { "{\"mounts\":[{\"destination\":\"/a\",\"options\":[\"ro\"]}]}",
					    " [{\"destination\":\"a\",\"options\":[\"ro\"]}]\n" };

	for (size_t i = 0; i < 2; i++) {
		struct spec *spec = NULL;
		struct err e = { 0 };

		ck_assert_msg(load_mounts(good[i], &spec, &e) == 0, "%s", e.msg);
		ck_assert_uint_eq(spec->n_mounts, 1);
		ck_assert_str_eq(spec->mounts[0].destination, "/a");
		ck_assert_str_eq(spec->mounts[0].options.v[0], "ro");
		spec_free(spec);
	}
}
END_TEST

START_TEST(test_load_mounts_refuses)
{
	static const char *const bad[] = { "",	    "7",
					   "{}",    "{\"mounts\":{}}",
					   "[1]",   "[{}]",
					   "[],[]", "[{\"destination\":\"/a\",\"uidMappings\":[{\"size\":1}]}]" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct spec *spec = NULL;
		struct err e = { 0 };

		ck_assert_msg(load_mounts(bad[i], &spec, &e) == -EINVAL, "'%s' is taken", bad[i]);
		ck_assert_ptr_null(spec);
	}
}
END_TEST

START_TEST(test_load_process_takes_a_process_alone)
{
	static const char good[] = "{\"args\":[\"sh\"],\"cwd\":\"/\",\"user\":{\"uid\":7}}";
	static const char bad[] = "{\"args\":[\"sh\",1],\"cwd\":\"/\"}", empty[] = "{}";
	char file[] = "/tmp/check_spec.XXXXXX";
	struct spec *spec = NULL;
	struct err e = { 0 };
	char want[128];
	int fd = mkstemp(file);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pwrite(fd, good, strlen(good), 0), (ssize_t)strlen(good));
	ck_assert_msg(spec_load_process(AT_FDCWD, file, &spec, &e) == 0, "%s", e.msg);
	ck_assert_uint_eq(spec->process->uid, 7);
	ck_assert_str_eq(spec->process->args.v[0], "sh");
	ck_assert_ptr_nonnull(spec->linux_);
	spec_free(spec);
	spec = NULL;
	ck_assert_int_eq(ftruncate(fd, 0), 0);
	ck_assert_int_eq(pwrite(fd, bad, strlen(bad), 0), (ssize_t)strlen(bad));
	ck_assert_int_eq(spec_load_process(AT_FDCWD, file, &spec, &e), -EINVAL);
	(void)snprintf(want, sizeof(want), "%s: args[1]: expected a string, got a number", file);
	ck_assert_str_eq(e.msg, want);
	ck_assert_int_eq(ftruncate(fd, 0), 0);
	ck_assert_int_eq(pwrite(fd, empty, strlen(empty), 0), (ssize_t)strlen(empty));
	ck_assert_int_eq(spec_load_process(AT_FDCWD, file, &spec, &e), -EINVAL);
	ck_assert_ptr_nonnull(strstr(e.msg, "process.args: required, but missing or empty"));
	(void)close(fd);
	(void)unlink(file);
}
END_TEST

START_TEST(test_each_truncation_of_a_config_is_refused)
{
	struct spec *whole = load_ok("fuzz/corpus/config/full.json"), *spec = NULL;
	size_t len = strlen(whole->text), cut;

	ck_assert_int_gt(len, 4000);
	for (cut = 0; cut < len; cut++) {
		struct err e = { 0 };

		ck_assert_int_lt(spec_parse(whole->text, cut, &spec, &e), 0);
		ck_assert_ptr_null(spec);
	}
	spec_free(whole);
}
END_TEST

/* --- the example --- */

static struct spec *example(bool rootless, char **out_text)
{
	struct spec *spec = NULL;
	struct err e = { 0 };

	*out_text = spec_example(rootless, 1000, 1001);
	ck_assert_msg(spec_parse(*out_text, strlen(*out_text), &spec, &e) == 0, "%s", e.msg);
	return spec;
}

START_TEST(test_the_example_is_a_good_config)
{
	AUTO_FREE char *text = NULL;
	struct spec *spec = example(false, &text);

	ck_assert_str_eq(spec->hostname, "husk");
	ck_assert_str_eq(spec->process->args.v[0], "sh");
	ck_assert(spec->process->terminal && spec->process->no_new_privileges && spec->root_readonly);
	ck_assert_uint_eq(spec->process->caps[CAPS_INHERITABLE].n, 0);
	ck_assert_uint_eq(spec->process->caps[CAPS_BOUNDING].n, 3);
	ck_assert_uint_eq(spec->linux_->n_namespaces, 6);
	ck_assert_ptr_nonnull(spec_namespace(spec, CLONE_NEWNET));
	ck_assert_ptr_null(spec_namespace(spec, CLONE_NEWUSER));
	ck_assert_uint_eq(spec->linux_->n_device_rules, 1);
	ck_assert_uint_eq(spec->linux_->masked_paths.n, 10);
	ck_assert_ptr_nonnull(strstr(text, "\n\t\"root\": {\n\t\t\"path\": \"rootfs\""));
	ck_assert_int_eq(text[strlen(text) - 1], '\n');
	spec_free(spec);
}
END_TEST

START_TEST(test_the_rootless_example_maps_the_caller)
{
	AUTO_FREE char *text = NULL;
	struct spec *spec = example(true, &text);

	ck_assert_ptr_null(spec_namespace(spec, CLONE_NEWNET));
	ck_assert_ptr_nonnull(spec_namespace(spec, CLONE_NEWUSER));
	ck_assert_uint_eq(spec->linux_->uid_maps[0].host_id, 1000);
	ck_assert_uint_eq(spec->linux_->gid_maps[0].host_id, 1001);
	ck_assert_uint_eq(spec->linux_->gid_maps[0].size, 1);
	ck_assert_ptr_null(spec->linux_->resources);
	ck_assert_ptr_null(strstr(text, "gid=5"));
	ck_assert_ptr_null(strstr(text, "sysfs"));
	ck_assert_ptr_nonnull(strstr(text, "\"rbind\""));
	spec_free(spec);
}
END_TEST

static TCase *reading_cases(void)
{
	TCase *t = tcase_create("reading");

	tcase_add_loop_test(t, test_what_means_nothing_is_accepted, 0, ARRAY_LEN(accepted));
	tcase_add_test(t, test_time_offsets_are_read);
	tcase_add_test(t, test_mappings_of_a_mount_are_read);
	tcase_add_test(t, test_each_propagation_is_known);
	tcase_add_test(t, test_absent_sections_are_empty);
	tcase_add_test(t, test_a_bare_process_has_defaults);
	tcase_add_test(t, test_process_is_read_whole);
	tcase_add_test(t, test_each_capability_set_has_its_place);
	tcase_add_test(t, test_mounts_hooks_and_annotations_are_read);
	tcase_add_test(t, test_each_hook_kind_has_its_place);
	tcase_add_test(t, test_namespaces_are_flags);
	tcase_add_test(t, test_devices_and_their_rules_are_read);
	tcase_add_test(t, test_a_file_type_in_a_mode_is_dropped);
	tcase_add_test(t, test_the_rest_of_linux_is_read);
	tcase_add_test(t, test_how_a_process_shares_the_machine_is_read);
	tcase_add_test(t, test_older_keys_turn_monitoring_on);
	tcase_add_test(t, test_a_net_device_keeps_its_name_unless_it_gets_one);
	tcase_add_test(t, test_seccomp_keeps_its_own_text);
	tcase_add_test(t, test_docker_config_is_read);
	return t;
}

static TCase *file_cases(void)
{
	TCase *t = tcase_create("files");

	tcase_add_test(t, test_load_names_the_file);
	tcase_add_test(t, test_load_mounts_takes_an_object_or_the_array);
	tcase_add_test(t, test_load_mounts_refuses);
	tcase_add_test(t, test_load_process_takes_a_process_alone);
	tcase_add_test(t, test_each_truncation_of_a_config_is_refused);
	tcase_add_test(t, test_the_example_is_a_good_config);
	tcase_add_test(t, test_the_rootless_example_maps_the_caller);
	tcase_set_timeout(t, 30);
	return t;
}

int main(void)
{
	Suite *suite = suite_create("spec");

	suite_add_tcase(suite, reading_cases());
	suite_add_tcase(suite, file_cases());
	return ck_run(suite);
}
