/* SPDX-License-Identifier: Apache-2.0 */
/* model/pod and model/pod_table: who is found under which UID and id, and for how long. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/pod_table.h"

#define UID_A "3e41f305-ae40-48d0-bde1-43a6e5a570ad"
#define UID_B "080660a6-9870-4ed7-9b53-d1de64e73ed3"
#define ID(c) c c c c c c c c c c c c c c c c
#define ID_1 ID("1a2b")
#define ID_2 ID("3c4d")
#define ID_3 ID("5e6f")

static struct labels_builder *builder;
static struct pod_table *table;

static struct labels *labels(const char *const *pairs)
{
    struct labels *built;
    labels_builder_clear(builder);
    for (; *pairs; pairs += 2)
        assert_int_equal(labels_builder_set(builder, text_of(pairs[0]), text_of(pairs[1])), 0);
    assert_int_equal(labels_builder_build(builder, &built), 0);
    return built;
}
#define LABELS(...) labels((const char *const[]){__VA_ARGS__, NULL})
#define POD "__meta_kubernetes_pod_"

/* Its containers as "name", "id", "last id" (NULL: none), ended by NULL. */
static struct pod *make_pod(const char *uid, const char *name, const char *const *containers)
{
    size_t count = 0;
    while (containers[3 * count])
        count++;
    struct pod *pod = pod_new(count);
    assert_non_null(pod);
    pod->labels = LABELS(POD "uid", uid, POD "name", name);
    pod->workload = LABELS(NULL);
    for (size_t i = 0; i < count; i++) {
        const char *const *one = containers + 3 * i;
        char id[128];
        snprintf(id, sizeof(id), "%s%s", *one[1] ? "containerd://" : "", one[1]);
        pod->containers[i].labels = LABELS(POD "container_name", one[0], POD "container_id", id);
        pod->containers[i].last_id = one[2] ? strdup(one[2]) : NULL;
    }
    return pod;
}
#define CONTAINERS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void put(struct pod *pod)
{
    assert_int_equal(pod_table_put(table, pod), 0);
    pod_release(&pod);
}

/* "pod/container" */
static const char *found(const char *uid, const char *id)
{
    static char name[256];
    struct pod_place place = pod_table_find(table, text_of(uid), text_of(id));
    struct text pod = place.pod ? labels_get(place.pod->labels, TEXT(POD "name")) : TEXT("-");
    struct text container = place.container ? pod_container_name(place.container) : TEXT("-");
    snprintf(name, sizeof(name), "%.*s/%.*s", TEXT_FORMAT(pod), TEXT_FORMAT(container));
    return name;
}

static void test_find(void **state)
{
    (void)state;
    put(make_pod(UID_A, "web-0", CONTAINERS("apache", ID_1, NULL, "exporter", "", NULL)));
    put(make_pod(UID_B, "web-1", CONTAINERS("apache", ID_2, NULL)));
    assert_string_equal(found(UID_A, ID_1), "web-0/apache");
    assert_string_equal(found(UID_B, ID_2), "web-1/apache");
    assert_string_equal(found(UID_A, ID_2), "web-0/-"); /* another pod's container */
    assert_string_equal(found(UID_A, ""), "web-0/-");
    assert_string_equal(found("", ID_1), "-/-");
    assert_string_equal(found("0" UID_A, ID_1), "-/-");
    assert_string_equal(found(UID_A ID_1, ID_1), "-/-"); /* longer than any */
    assert_string_equal(found(UID_A, ID_1 ID_1), "web-0/-");
    assert_int_equal(pod_table_count(table), 2);
}

#define HASH "0123456789abcdef0123456789abcdef"

/* As the API server tells of a static pod: what its cgroup is called after is an annotation. */
static struct pod *make_mirror_pod(const char *uid, const char *name, const char *hash)
{
    struct pod *pod = make_pod(uid, name, CONTAINERS("etcd", ID_1, NULL));
    free(pod->labels);
    pod->labels =
        LABELS(POD "uid", uid, POD "name", name, POD "annotation_kubernetes_io_config_hash", hash,
               POD "annotation_kubernetes_io_config_mirror", hash);
    return pod;
}

static void test_static_pod(void **state)
{
    (void)state;
    struct pod *former = make_mirror_pod(UID_A, "etcd-edge-1", HASH);
    pod_hold(former);
    put(former);
    assert_string_equal(found(HASH, ID_1), "etcd-edge-1/etcd");
    assert_string_equal(found(UID_A, ID_1), "-/-");
    put(make_mirror_pod(UID_B, "etcd-edge-1", HASH)); /* made anew for the same manifest */
    assert_int_equal(pod_table_count(table), 1);
    pod_table_remove(table, former);
    pod_release(&former);
    assert_int_equal(pod_table_count(table), 0);
}

/* Anybody who may make pods may annotate them so. */
static void test_pods_that_say_to_be_others(void **state)
{
    (void)state;
    put(make_mirror_pod(UID_A, "etcd-edge-1", HASH));
    put(make_pod(UID_B, "web-0", CONTAINERS("apache", ID_2, NULL)));
    struct pod *etcd = make_mirror_pod("c", "evil", HASH),
               *web = make_mirror_pod("d", "evil", UID_B);
    assert_int_equal(pod_table_put(table, etcd), -EEXIST);
    assert_int_equal(pod_table_put(table, web), -EEXIST);
    pod_table_remove(table, etcd);
    pod_table_remove(table, web);
    pod_release(&etcd);
    pod_release(&web);
    assert_string_equal(found(HASH, ID_1), "etcd-edge-1/etcd");
    assert_string_equal(found(UID_B, ID_2), "web-0/apache");

    /* Who was first does not matter where the other one is real. */
    put(make_mirror_pod("e", "early", "080660a6-9870-4ed7-9b53-000000000000"));
    put(make_pod("080660a6-9870-4ed7-9b53-000000000000", "web-1",
                 CONTAINERS("apache", ID_3, NULL)));
    assert_string_equal(found("080660a6-9870-4ed7-9b53-000000000000", ID_3), "web-1/apache");

    struct pod *plain = make_pod("f", "annotated", CONTAINERS("c", ID_3, NULL));
    free(plain->labels);
    plain->labels = LABELS(POD "uid", "f", POD "name", "annotated",
                           POD "annotation_kubernetes_io_config_hash", UID_A);
    put(plain);
    assert_string_equal(found("f", ID_3), "annotated/c");
    assert_string_equal(found(UID_A, ID_3), "-/-");
}

static void test_runs(void **state)
{
    (void)state;
    uint64_t before = pod_table_version(table);
    put(make_pod(UID_A, "web-0", CONTAINERS("apache", ID_2, ID_1)));
    assert_true(pod_table_version(table) != before);
    assert_string_equal(found(UID_A, ID_1), "web-0/apache"); /* its last run */
    put(make_pod(UID_A, "web-0", CONTAINERS("debug", "", NULL, "apache", ID_3, ID_2)));
    assert_string_equal(found(UID_A, ID_1), "web-0/apache"); /* which no status names any more */
    assert_string_equal(found(UID_A, ID_2), "web-0/apache");
    assert_string_equal(found(UID_A, ID_3), "web-0/apache");
    assert_int_equal(pod_table_count(table), 1);

    for (unsigned i = 0; i < POD_TABLE_MAX_RUNS; i++) {
        char id[POD_TABLE_ID_SIZE];
        snprintf(id, sizeof(id), "%064x", i);
        put(make_pod(UID_A, "web-0", CONTAINERS("apache", id, NULL)));
    }
    assert_string_equal(found(UID_A, ID_3), "web-0/-"); /* the oldest are forgotten */
    char newest[POD_TABLE_ID_SIZE];
    snprintf(newest, sizeof(newest), "%064x", POD_TABLE_MAX_RUNS - 1);
    assert_string_equal(found(UID_A, newest), "web-0/apache");
}

static void test_gone(void **state)
{
    (void)state;
    struct pod *pod = make_pod(UID_A, "web-0", CONTAINERS("apache", ID_1, NULL));
    assert_int_equal(pod_table_put(table, pod), 0);
    pod_table_remove(table, pod);
    pod_table_remove(table, pod);
    assert_int_equal(pod_table_count(table), 0);
    assert_string_equal(found(UID_A, ID_1), "web-0/apache"); /* a late row */
    assert_int_equal(pod_table_put(table, pod), 0);          /* it was only out of a selector */
    assert_int_equal(pod_table_count(table), 1);
    pod_table_remove(table, pod);

    for (unsigned i = 0; i < POD_TABLE_MAX_GONE; i++) {
        char uid[POD_TABLE_UID_SIZE];
        snprintf(uid, sizeof(uid), "%036u", i);
        struct pod *other = make_pod(uid, "other", CONTAINERS("c", ID_2, NULL));
        assert_string_equal(found(UID_A, ID_1), "web-0/apache");
        assert_int_equal(pod_table_put(table, other), 0);
        pod_table_remove(table, other);
        pod_release(&other);
    }
    assert_string_equal(found(UID_A, ID_1), "-/-");
    pod_release(&pod);
}

static void test_bad(void **state)
{
    (void)state;
    struct pod *pod = make_pod("", "web-0", CONTAINERS(NULL));
    assert_int_equal(pod_table_put(table, pod), -EINVAL);
    pod_table_remove(table, pod);
    pod_release(&pod);
    assert_int_equal(pod_table_count(table), 0);
    assert_false(pod_table_is_fed(table));
    pod_table_set_fed(table, true);
    pod_table_set_fed(table, true);
    pod_table_set_fed(table, false);
    assert_true(pod_table_is_fed(table));
    pod_table_set_fed(table, false);
    assert_false(pod_table_is_fed(table));
}

static int setup(void **state)
{
    (void)state;
    return labels_builder_new(&builder) || pod_table_new(&table) ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    pod_table_free(&table);
    labels_builder_free(&builder);
    return 0;
}

#define POD_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        POD_TEST(test_find),
        POD_TEST(test_static_pod),
        POD_TEST(test_runs),
        POD_TEST(test_find),
        POD_TEST(test_pods_that_say_to_be_others),
        POD_TEST(test_runs),
        POD_TEST(test_gone),
        POD_TEST(test_bad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
