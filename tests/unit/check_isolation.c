/* SPDX-License-Identifier: Apache-2.0 */
/* check_isolation.c: which wall a workload gets, and who speaks first. */
#include "ck_run.h"
#include "isolation.h"
#include "json_text.h"

#define VM 1
#define PLAIN 0
#define OPEN -1 /* husk.json decides */

static const struct {
	const char *config, *program;
	int want;
} asked[] = {
	{ "{}", "husk", OPEN },
	{ "{}", NULL, OPEN },
	{ "{}", "husk-vm", VM },
	{ "{}", "my-husk-vm", OPEN },
	{ "{'vm':{'kernel':{'path':'/k'}}}", "husk", VM },
	{ "{'vm':{}}", "husk", VM },
	{ "{'vm':null}", "husk", OPEN },
	{ "{'annotations':{'run.oci.handler':'vm'}}", "husk", VM },
	{ "{'annotations':{'run.oci.handler':'krun'}}", "husk", VM },
	{ "{'annotations':{'run.oci.handler':''}}", "husk", OPEN },
	{ "{'annotations':{'io.husk.isolation':'vm'}}", "husk", VM },
	{ "{'annotations':{'io.husk.isolation':'container'}}", "husk", PLAIN },
	{ "{'annotations':{'io.husk.isolation':''}}", "husk-vm", VM },
	/* the first that speaks wins */
	{ "{'annotations':{'io.husk.isolation':'container'}}", "husk-vm", PLAIN },
	{ "{'vm':{},'annotations':{'io.husk.isolation':'container'}}", "husk", VM },
	{ "{'annotations':{'run.oci.handler':'vm','io.husk.isolation':'vm'}}", "husk", VM },
	/* a pod's pause container */
	{ "{'annotations':{'io.kubernetes.cri.container-type':'sandbox'}}", "husk-vm", PLAIN },
	{ "{'annotations':{'io.kubernetes.cri-o.ContainerType':'sandbox'}}", "husk-vm", PLAIN },
	{ "{'annotations':{'io.kubernetes.cri.container-type':'sandbox'}}", "husk", PLAIN },
	{ "{'annotations':{'io.kubernetes.cri.container-type':'sandbox','run.oci.handler':'vm'}}", "husk", PLAIN },
	{ "{'vm':{},'annotations':{'io.kubernetes.cri.container-type':'sandbox'}}", "husk", VM },
	{ "{'annotations':{'io.kubernetes.cri.container-type':'container'}}", "husk-vm", VM },
};

START_TEST(the_first_that_speaks_wins)
{
	struct json_text t = json_text(asked[_i].config);
	enum isolation wall = ISOLATION_CONTAINER;
	struct err e = { 0 };
	int r = isolation_asked(t.doc.root, asked[_i].program, &wall, &e);

	ck_assert_int_ge(r, 0);
	ck_assert_int_eq(r == 0 ? OPEN : (int)wall, asked[_i].want);
	json_text_free(&t);
}
END_TEST

START_TEST(what_cannot_be_meant_is_refused)
{
	static const char *const bad[][2] = {
		{ "{'annotations':{'run.oci.handler':'wasm'}}", "unknown handler 'wasm': expected vm or krun" },
		{ "{'annotations':{'io.husk.isolation':'krun'}}",
		  "unknown isolation 'krun': expected container or vm" },
		{ "{'annotations':{'run.oci.handler':'vm','io.husk.isolation':'container'}}", "contradict each other" },
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct json_text t = json_text(bad[i][0]);
		enum isolation wall = ISOLATION_CONTAINER;

		ck_assert_fails(isolation_asked(t.doc.root, "husk", &wall, e), EINVAL, bad[i][1]);
		json_text_free(&t);
	}
}
END_TEST

START_TEST(the_host_decides_last)
{
	struct json_text none = json_text("{}"), vm = json_text("{'isolation':'vm'}");
	struct json_text plain = json_text("{'isolation':'container'}"), bad = json_text("{'isolation':'jail'}");
	enum isolation wall = ISOLATION_VM;

	ck_assert_ok(isolation_default(NULL, &wall, e));
	ck_assert_int_eq(wall, ISOLATION_CONTAINER);
	ck_assert_ok(isolation_default(vm.doc.root, &wall, e));
	ck_assert_int_eq(wall, ISOLATION_VM);
	ck_assert_ok(isolation_default(none.doc.root, &wall, e));
	ck_assert_int_eq(wall, ISOLATION_CONTAINER);
	ck_assert_ok(isolation_default(plain.doc.root, &wall, e));
	ck_assert_int_eq(wall, ISOLATION_CONTAINER);
	ck_assert_fails(isolation_default(bad.doc.root, &wall, e), EINVAL, "isolation: unknown isolation 'jail'");
	json_text_free(&none);
	json_text_free(&vm);
	json_text_free(&plain);
	json_text_free(&bad);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("isolation");
	TCase *tc = tcase_create("isolation");

	tcase_add_loop_test(tc, the_first_that_speaks_wins, 0, (int)ARRAY_LEN(asked));
	tcase_add_test(tc, what_cannot_be_meant_is_refused);
	tcase_add_test(tc, the_host_decides_last);
	suite_add_tcase(suite, tc);
	return ck_run(suite);
}
