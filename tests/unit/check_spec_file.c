/* SPDX-License-Identifier: Apache-2.0 */
/* check_spec_file.c: config.json and its parts as files, whole and cut short, and the one that `husk spec` writes. */
#include "ck_run.h"
#include "kernel.h"
#include "spec_text.h"

#include <unistd.h>

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
	Suite *suite = suite_create("spec_file");

	suite_add_tcase(suite, file_cases());
	return ck_run(suite);
}
