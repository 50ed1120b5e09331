/* SPDX-License-Identifier: Apache-2.0 */
/* check_spec_linux.c: what the linux section of config.json becomes. */
#include "ck_run.h"
#include "kernel.h"
#include "spec_text.h"

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

static TCase *linux_cases(void)
{
	TCase *t = tcase_create("linux");

	tcase_add_test(t, test_time_offsets_are_read);
	tcase_add_test(t, test_each_propagation_is_known);
	tcase_add_test(t, test_namespaces_are_flags);
	tcase_add_test(t, test_devices_and_their_rules_are_read);
	tcase_add_test(t, test_a_file_type_in_a_mode_is_dropped);
	tcase_add_test(t, test_the_rest_of_linux_is_read);
	tcase_add_test(t, test_older_keys_turn_monitoring_on);
	tcase_add_test(t, test_a_net_device_keeps_its_name_unless_it_gets_one);
	tcase_add_test(t, test_seccomp_keeps_its_own_text);
	return t;
}

int main(void)
{
	Suite *suite = suite_create("spec_linux");

	suite_add_tcase(suite, linux_cases());
	return ck_run(suite);
}
