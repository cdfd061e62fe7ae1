/* SPDX-License-Identifier: Apache-2.0 */
/* collect/http_cgroups and http_namer through http_rows: rows get their pod's name, wait for it,
 * and follow its changes without a count lost or told twice. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rows_fixture.h"

#include "metric_line.h"
#include "model/relabel.h"

#define UID_A "3e41f305-ae40-48d0-bde1-43a6e5a570ad"
#define UID_B "080660a6-9870-4ed7-9b53-d1de64e73ed3"
#define ID_1 "8f3ab0ac0f6b1f3f0e6f6f0ea4a7fd1ad8b0b9c1f0e6d2b9a1c0e5f6a7b8c9d0"
#define ID_2 "1111b0ac0f6b1f3f0e6f6f0ea4a7fd1ad8b0b9c1f0e6d2b9a1c0e5f6a7b8c9d0"
#define FOREVER UINT64_MAX

/* As the default rules name a container's requests. */
#define NAMED(pod, container)                                                                  \
    "http_requests_total{cluster=\"c\",code=\"200\",container=\"" container                    \
    "\",instance=\"n\",job=\"http-metrics\",method=\"get\",namespace=\"shop\",node=\"edge-1\"" \
    ",pod=\"" pod "\"}"
#define UNNAMED                                                           \
    "http_requests_total{cluster=\"c\",code=\"200\",container_id=\"" ID_1 \
    "\",instance=\"n\",job=\"http-metrics\",method=\"get\",pod_uid=\"" UID_A "\"}"
#define POD_ONLY                                                                          \
    "http_requests_total{cluster=\"c\",code=\"200\",instance=\"n\",job=\"http-metrics\"," \
    "method=\"get\",namespace=\"shop\",node=\"edge-1\",pod=\"web-0\"}"

#define NAMED_DETAIL(name)                                                        \
    name "{cluster=\"c\",container=\"apache\",http_request_method=\"GET\","       \
         "http_response_status_code=\"200\",instance=\"n\",job=\"http-metrics\"," \
         "namespace=\"shop\",node=\"edge-1\",pod=\"web-0\",url_scheme=\"http\"}"
#define DURATION_OF(what) NAMED_DETAIL("http_server_request_duration_seconds_" what)
#define BODY_OF(whose, what) NAMED_DETAIL("http_server_" whose "_body_size_bytes_" what)

static struct labels_builder *labels_of;

static struct labels *labels(const char *const *pairs)
{
    struct labels *built;
    labels_builder_clear(labels_of);
    for (; *pairs; pairs += 2)
        assert_int_equal(labels_builder_set(labels_of, text_of(pairs[0]), text_of(pairs[1])), 0);
    assert_int_equal(labels_builder_build(labels_of, &built), 0);
    return built;
}
#define LABELS(...) labels((const char *const[]){__VA_ARGS__, NULL})
#define META "__meta_kubernetes_"

/* Puts a pod of one container; `app` is a label of its own. */
static void put_pod(const char *uid, const char *name, const char *id, const char *app)
{
    char whole_id[128];
    struct pod *pod = pod_new(1);
    snprintf(whole_id, sizeof(whole_id), "%s%s", *id ? "containerd://" : "", id);
    pod->labels = LABELS(META "namespace", "shop", META "pod_name", name, META "pod_uid", uid,
                         META "pod_node_name", "edge-1", META "pod_label_app", app);
    pod->workload = LABELS(META "pod_workload_kind", "Deployment", META "pod_workload_name", "web");
    pod->containers[0].labels =
        LABELS(META "pod_container_name", "apache", META "pod_container_id", whole_id);
    assert_int_equal(pod_table_put(pods, pod), 0);
    pod_release(&pod);
}

static uint64_t make_container(const char *uid, const char *id)
{
    char path[128];
    snprintf(path, sizeof(path), "/pod%s", uid);
    cgroup_make(path);
    snprintf(path, sizeof(path), "/pod%s/%s", uid, id);
    return cgroup_make(path);
}

static int setup(void **state)
{
    assert_int_equal(labels_builder_new(&labels_of), 0);
    assert_int_equal(pod_table_new(&pods), 0);
    pod_table_set_fed(pods, true);
    pod_wait_ns = FOREVER;
    return fixture_setup(state);
}

static int teardown(void **state)
{
    int error = fixture_teardown(state);
    pod_table_free(&pods);
    labels_builder_free(&labels_of);
    return error;
}

/* The rules of the config in place of the default ones. */
static void set_rule(enum relabel_action action, const char *source, const char *pattern,
                     const char *target)
{
    struct relabel_fault fault;
    relabel_rules_free(&config.relabels);
    config.relabels.list = calloc(1, sizeof(struct relabel_rule));
    config.relabels.count = 1;
    struct relabel_rule *rule = config.relabels.list;
    assert_int_equal(relabel_rule_init(rule), 0);
    rule->action = action;
    rule->source_labels = calloc(1, sizeof(char *));
    rule->source_labels[0] = strdup(source);
    rule->source_label_count = 1;
    rule->source_labels_given = true;
    free(rule->pattern);
    rule->pattern = strdup(pattern);
    rule->pattern_given = true;
    free(rule->target_label);
    rule->target_label = strdup(target);
    assert_int_equal(relabel_rule_compile(rule, &fault), 0);
}

static void test_known_pod(void **state)
{
    (void)state;
    put_pod(UID_A, "web-0", ID_1, "x");
    count_requests(ROW(make_container(UID_A, ID_1), SERVER, GET, 200), 0, 3);
    drain(1000, 2000);
    assert_sample(NAMED("web-0", "apache"), 1000, 0);
    assert_sample(NAMED("web-0", "apache"), 2000, 3);
}

static void test_waits(void **state)
{
    (void)state;
    struct http_row_key key = ROW(make_container(UID_A, ID_1), SERVER, GET, 200);
    count_requests(key, 0, 3);
    drain(1000, 2000);
    assert_int_equal(received.count, 0);
    put_pod(UID_A, "web-0", "", "x"); /* its container has not been told of yet */
    count_requests(key, 0, 2);
    drain(2000, 3000);
    assert_int_equal(received.count, 0);
    put_pod(UID_A, "web-0", ID_1, "x");
    count_requests(key, 0, 2);
    drain(3000, 4000);
    assert_sample(NAMED("web-0", "apache"), 3000, 0);
    assert_sample(NAMED("web-0", "apache"), 4000, 7);
}

static void test_waits_for_what_is_gone(void **state)
{
    (void)state;
    count_requests(ROW(make_container(UID_A, ID_1), SERVER, GET, 200), 0, 3);
    drain(1000, 2000);
    cgroup_remove("/pod" UID_A);
    for (int64_t now = 3000; now < 8000; now += 1000)
        drain(now - 1000, now);
    assert_int_equal(entry_count, 1); /* not settled: it was never sent */
    put_pod(UID_A, "web-0", ID_1, "x");
    drain(8000, 9000);
    assert_sample(NAMED("web-0", "apache"), 9000, 3);
}

static void test_wait_is_bounded(void **state)
{
    (void)state;
    put_pod(UID_B, "web-1", "", "x");
    count_requests(ROW(make_container(UID_A, ID_1), SERVER, GET, 200), 0, 3);
    count_requests(ROW(make_container(UID_B, ID_2), SERVER, GET, 200), 0, 5);
    drain(1000, 2000);
    assert_int_equal(received.count, 0);
    http_rows_end_waiting(rows);
    drain(2000, 3000);
    assert_sample(UNNAMED, 3000, 3);
    assert_sample("http_requests_total{cluster=\"c\",code=\"200\",instance=\"n\","
                  "job=\"http-metrics\",method=\"get\",namespace=\"shop\",node=\"edge-1\","
                  "pod=\"web-1\"}",
                  3000, 5);
}

static void test_nobody_tells_of_pods(void **state)
{
    (void)state;
    pod_table_set_fed(pods, false);
    count_requests(ROW(make_container(UID_A, ID_1), SERVER, GET, 200), 0, 3);
    drain(1000, 2000);
    assert_sample(UNNAMED, 2000, 3);
    pod_table_set_fed(pods, true);
}

/* An API server that was away for long: what was counted before stays under the name it had. */
static void test_renamed(void **state)
{
    (void)state;
    struct http_row_key key = ROW(make_container(UID_A, ID_1), SERVER, GET, 200);
    pod_table_set_fed(pods, false);
    count_requests(key, 0, 3);
    drain(1000, 2000);
    assert_sample(UNNAMED, 2000, 3);
    put_pod(UID_A, "web-0", ID_1, "x");
    count_requests(key, 0, 4);
    drain(2000, 3000);
    assert_sample(UNNAMED, 3000, 7); /* the last ones of that name */
    assert_no_sample(NAMED("web-0", "apache"), 3000);
    count_requests(key, 0, 5);
    drain(3000, 4000);
    assert_stale(UNNAMED, 4000);
    assert_sample(NAMED("web-0", "apache"), 3000, 0);
    assert_sample(NAMED("web-0", "apache"), 4000, 5);
    assert_sample(DURATION_OF("sum"), 4000, 0.1); /* 5 times 20 ms: every sum begins anew */
    assert_sample(BODY_OF("request", "sum"), 4000, 15);
    assert_sample(BODY_OF("response", "sum"), 4000, 5000);
    autobuffer struct buffer text;
    buffer_init(&text, 1 << 20);
    assert_int_equal(http_rows_write(rows, entries, entry_count, &text), 0);
    assert_non_null(strstr(text.bytes, ",pod=\"web-0\"} 5\n"));
    assert_null(strstr(text.bytes, ",pod=\"web-0\"} 12\n"));
    put_pod(UID_A, "web-0", ID_1, "y"); /* a label that no rule looks at */
    count_requests(key, 0, 1);
    drain(4000, 5000);
    drain(5000, 6000);
    assert_sample(NAMED("web-0", "apache"), 6000, 6);
    assert_no_sample(NAMED("web-0", "apache"), 5000);
    pod_table_set_fed(pods, true);
}

/* The histogram of the new name begins anew, too. */
static void test_renamed_with_native_histograms(void **state)
{
    static struct http_native_row native;
    (void)state;
    struct http_row_key key = ROW(make_container(UID_A, ID_1), SERVER, GET, 200);
    config.native_histograms = true;
    memset(&native, 0, sizeof(native));
    pod_table_set_fed(pods, false);
    count_requests(key, 0, 3);
    entry_of(key)->native = &native;
    native.buckets[100] = 3;
    drain(1000, 2000);
    put_pod(UID_A, "web-0", ID_1, "x");
    drain(2000, 3000);
    count_requests(key, 0, 5);
    native.buckets[100] += 4;
    native.buckets[110] += 1;
    drain(3000, 4000);
    const struct sample *sample =
        received_find(NAMED_DETAIL("http_server_request_duration_seconds"), 4000);
    assert_non_null(sample);
    assert_int_equal(sample->histogram->count, 5);
    assert_int_equal(sample->histogram->positive_deltas[0], 4);
    pod_table_set_fed(pods, true);
}

/* Rows without a pod's name are counted, each once, those that have waited when the wait is over.
 */
static void test_rows_without_a_pod_are_counted(void **state)
{
    static const struct metric_family family = {
        .name = "rows", .help = "Rows.", .type = METRIC_COUNTER};
    struct metric_registry *registry;
    (void)state;
    assert_int_equal(metric_registry_new(&registry), 0);
    assert_int_equal(metric_new(registry, &family, METRIC_LABELS("of", "no_pod"), &rows_no_pod), 0);
    assert_int_equal(metric_new(registry, &family, METRIC_LABELS("of", "unnamed"), &rows_unnamed),
                     0);
    http_rows_free(&rows);
    cgroup_tree_free(&tree);
    rows_start();
    put_pod(UID_B, "web-1", ID_2, "x");
    uint64_t web = cgroup_make("/web"), unknown = make_container(UID_A, ID_1);
    count_requests(ROW(web, SERVER, GET, 200), 0, 9);
    count_requests(ROW(web, SERVER, GET, 404), 0, 9);
    count_requests(ROW(make_container(UID_B, ID_2), SERVER, GET, 200), 0, 9);
    count_requests(ROW(unknown, SERVER, GET, 200), 0, 9);
    count_requests(ROW(unknown, SERVER, GET, 404), 0, 9);
    drain(1000, 2000);
    drain(2000, 3000);
    assert_int_equal(metric_line(registry, "rows{of=\"no_pod\"}"), 2);
    assert_int_equal(metric_line(registry, "rows{of=\"unnamed\"}"), 0);
    http_rows_end_waiting(rows);
    drain(3000, 4000);
    count_requests(ROW(unknown, SERVER, GET, 500), 0, 9);
    drain(4000, 5000);
    assert_int_equal(metric_line(registry, "rows{of=\"no_pod\"}"), 2);
    assert_int_equal(metric_line(registry, "rows{of=\"unnamed\"}"), 3);
    http_rows_free(&rows);
    metric_free(&rows_no_pod);
    metric_free(&rows_unnamed);
    metric_registry_free(&registry);
}

static void test_workload(void **state)
{
    (void)state;
    set_rule(RELABEL_REPLACE, META "pod_workload_name", "(.*)", "workload");
    put_pod(UID_A, "web-0", ID_1, "x");
    count_requests(ROW(make_container(UID_A, ID_1), SERVER, GET, 200), 0, 3);
    drain(1000, 2000);
    assert_sample("http_requests_total{cluster=\"c\",code=\"200\",instance=\"n\","
                  "job=\"http-metrics\",method=\"get\",workload=\"web\"}",
                  2000, 3);
}

static void test_renamed_twice(void **state)
{
    (void)state;
    struct http_row_key key = ROW(make_container(UID_A, ID_1), SERVER, GET, 200);
    set_rule(RELABEL_REPLACE, META "pod_label_app", "(.*)", "app");
#define APP(app)                                                                                \
    "http_requests_total{app=\"" app "\",cluster=\"c\",code=\"200\",instance=\"n\",job=\"http-" \
    "metrics\",method=\"get\"}"
    put_pod(UID_A, "web-0", ID_1, "x");
    count_requests(key, 0, 1);
    drain(1000, 2000);
    assert_sample(APP("x"), 2000, 1);
    put_pod(UID_A, "web-0", ID_1, "y");
    drain(2000, 3000);
    count_requests(key, 0, 2);
    drain(3000, 4000);
    assert_sample(APP("y"), 4000, 2);
    put_pod(UID_A, "web-0", ID_1, "x");
    drain(4000, 5000);
    count_requests(key, 0, 4);
    drain(5000, 6000);
    assert_stale(APP("y"), 6000);
    assert_sample(APP("x"), 6000, 4);
#undef APP
}

/* Two containers whose names become one: what the one has counted is not lost when it joins. */
static void test_renamed_into_another(void **state)
{
    (void)state;
    struct http_row_key one = ROW(make_container(UID_A, ID_1), SERVER, GET, 200);
    struct http_row_key other = ROW(make_container(UID_B, ID_2), SERVER, GET, 200);
    set_rule(RELABEL_REPLACE, META "pod_label_app", "(.*)", "app");
#define APP(app)                                                                                \
    "http_requests_total{app=\"" app "\",cluster=\"c\",code=\"200\",instance=\"n\",job=\"http-" \
    "metrics\",method=\"get\"}"
    put_pod(UID_A, "web-0", ID_1, "x");
    put_pod(UID_B, "web-1", ID_2, "y");
    count_requests(one, 0, 1);
    count_requests(other, 0, 10);
    drain(1000, 2000);
    put_pod(UID_B, "web-1", ID_2, "x");
    drain(2000, 3000);
    assert_sample(APP("x"), 3000, 1);
    count_requests(one, 0, 2);
    count_requests(other, 0, 20);
    drain(3000, 4000);
    assert_sample(APP("x"), 4000, 23);
    put_pod(UID_B, "web-1", ID_2, "y"); /* and out again: its share stays */
    drain(4000, 5000);
    count_requests(other, 0, 40);
    drain(5000, 6000);
    assert_sample(APP("x"), 6000, 23);
    assert_sample(APP("y"), 6000, 40);
#undef APP
}

static void test_never_unlearned(void **state)
{
    (void)state;
    struct http_row_key key = ROW(make_container(UID_A, ID_1), SERVER, GET, 200);
    put_pod(UID_A, "web-0", ID_1, "x");
    count_requests(key, 0, 3);
    drain(1000, 2000);
    /* the run is forgotten */
    for (unsigned i = 0; i <= POD_TABLE_MAX_RUNS; i++) {
        char id[128];
        snprintf(id, sizeof(id), "%064x", i);
        put_pod(UID_A, "web-0", id, "x");
    }
    count_requests(key, 0, 1);
    drain(2000, 3000);
    drain(3000, 4000);
    assert_sample(NAMED("web-0", "apache"), 4000, 4);
}

/* A pod of the same name, a StatefulSet's next: two cgroups, one series, no count told twice. */
static void test_reused_name(void **state)
{
    (void)state;
    put_pod(UID_A, "web-0", ID_1, "x");
    count_requests(ROW(make_container(UID_A, ID_1), SERVER, GET, 200), 0, 3);
    drain(1000, 2000);
    cgroup_remove("/pod" UID_A);
    put_pod(UID_B, "web-0", ID_2, "x");
    count_requests(ROW(make_container(UID_B, ID_2), SERVER, GET, 200), 0, 4);
    for (int64_t now = 3000; now < 8000; now += 1000) {
        drain(now - 1000, now);
        assert_sample(NAMED("web-0", "apache"), now, 7);
    }
    assert_int_equal(entry_count, 1);
}

static void test_container_is_not_in_path(void **state)
{
    (void)state;
    put_pod(UID_A, "web-0", ID_1, "x");
    count_requests(ROW(cgroup_make("/pod" UID_A), SERVER, GET, 200), 0, 3);
    drain(1000, 2000);
    assert_sample(POD_ONLY, 2000, 3); /* nothing to wait for */
}

static void test_dropped(void **state)
{
    (void)state;
    uint64_t web = cgroup_make("/web"), other = cgroup_make("/other");
    set_rule(RELABEL_KEEP, "__meta_cgroup_path", "/web", "");
    count_requests(ROW(web, SERVER, GET, 200), 0, 3);
    count_requests(ROW(other, SERVER, GET, 200), 0, 5);
    drain(1000, 2000);
    assert_sample(TOTAL("/web", "get", "200"), 2000, 3);
    assert_no_sample(TOTAL("/other", "get", "200"), 2000);
    cgroup_remove("/other");
    drain(2000, 3000);
    drain(3000, 4000);
    assert_int_equal(entry_count, 1); /* its row is deleted as any */
}

static void test_text(void **state)
{
    (void)state;
    autobuffer struct buffer text;
    buffer_init(&text, 1 << 20);
    put_pod(UID_A, "web-0", ID_1, "x");
    count_requests(ROW(make_container(UID_A, ID_1), SERVER, GET, 200), 0, 3);
    count_requests(ROW(make_container(UID_B, ID_2), SERVER, GET, 200), 0, 5);
    assert_int_equal(http_rows_write(rows, entries, entry_count, &text), 0);
    assert_non_null(strstr(text.bytes,
                           "http_requests_total{code=\"200\",container=\"apache\",method=\"get\","
                           "namespace=\"shop\",node=\"edge-1\",pod=\"web-0\"} 3\n"));
    assert_null(strstr(text.bytes, UID_B)); /* it waits */
    assert_null(strstr(text.bytes, "} 5\n"));
}

#define NAMES_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        NAMES_TEST(test_known_pod),
        NAMES_TEST(test_waits),
        NAMES_TEST(test_waits_for_what_is_gone),
        NAMES_TEST(test_wait_is_bounded),
        NAMES_TEST(test_nobody_tells_of_pods),
        NAMES_TEST(test_renamed),
        NAMES_TEST(test_renamed_with_native_histograms),
        NAMES_TEST(test_rows_without_a_pod_are_counted),
        NAMES_TEST(test_workload),
        NAMES_TEST(test_renamed_twice),
        NAMES_TEST(test_renamed_into_another),
        NAMES_TEST(test_never_unlearned),
        NAMES_TEST(test_reused_name),
        NAMES_TEST(test_container_is_not_in_path),
        NAMES_TEST(test_dropped),
        NAMES_TEST(test_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
