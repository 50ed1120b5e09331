/* SPDX-License-Identifier: Apache-2.0 */
/* check_spec.c: what config.json becomes; its linux section: check_spec_linux.c; its file: check_spec_file.c. What is refused:
 * check_spec_refuse.c. */
#include "ck_run.h"
#include "kernel.h"
#include "spec_text.h"

/* --- what is accepted --- */

static const struct {
	enum part part;
	const char *text;
} accepted[] = {
	{ TOP, "'unknown':{'a':[1,2,{}]},'windows':{},'solaris':null,'zos':[],'freebsd':{}" },
	{ TOP, "'process':null,'mounts':null,'hooks':null,'annotations':null,'vm':null" },
	{ TOP, "'vm':{'kernel':{'path':'/k'}}" },
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

/* --- what it becomes --- */

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

static TCase *reading_cases(void)
{
	TCase *t = tcase_create("reading");

	tcase_add_loop_test(t, test_what_means_nothing_is_accepted, 0, ARRAY_LEN(accepted));
	tcase_add_test(t, test_mappings_of_a_mount_are_read);
	tcase_add_test(t, test_absent_sections_are_empty);
	tcase_add_test(t, test_a_bare_process_has_defaults);
	tcase_add_test(t, test_process_is_read_whole);
	tcase_add_test(t, test_each_capability_set_has_its_place);
	tcase_add_test(t, test_mounts_hooks_and_annotations_are_read);
	tcase_add_test(t, test_each_hook_kind_has_its_place);
	tcase_add_test(t, test_how_a_process_shares_the_machine_is_read);
	tcase_add_test(t, test_docker_config_is_read);
	return t;
}

int main(void)
{
	Suite *suite = suite_create("spec");

	suite_add_tcase(suite, reading_cases());
	return ck_run(suite);
}
