/* SPDX-License-Identifier: Apache-2.0 */
/* role pod: when pods are handed over, with what is attached to them, and what the pod table has of
 * them. The API server's streams are written by the tests, each when its turn comes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "discover/discoverer.h"
#include "discover/kubernetes.h"
#include "kubernetes_fixture.h"
#include "metric_line.h"

#define POD_OF(type, space, name, uid, node)                                  \
    "{\"type\":\"" type "\",\"object\":{\"metadata\":{\"namespace\":\"" space \
    "\",\"name\":\"" name "\",\"uid\":\"" uid                                 \
    "\",\"resourceVersion\":\"1\"},\"spec\":{\"nodeName\":\"" node            \
    "\",\"containers\":[{\"name\":\"c\"}]},\"status\":{\"podIP\":\"10.0.0.1\"}}}\n"
#define POD_EVENT(type, name, uid, node) POD_OF(type, "shop", name, uid, node)
#define BANK_POD(name) POD_OF("ADDED", "bank", name, name "-bank", "n1")
#define POD(name, node) POD_EVENT("ADDED", name, name "-1", node)
#define LABELLED(type, name, label)                                     \
    "{\"type\":\"" type "\",\"object\":{\"metadata\":{\"name\":\"" name \
    "\",\"resourceVersion\":\"1\",\"labels\":{" label                   \
    "}},\"status\":{\"addresses\":[{\"type\":\"InternalIP\",\"address\":\"10.0.0.2\"}]}}}\n"
#define LISTED                                                                                    \
    "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"1\",\"annotations\":" \
    "{\"k8s.io/initial-events-end\":\"true\"}}}}\n"

struct fixture {
    struct kubernetes_fixture api; /* first: the server is the fixture */
    struct target_sink sink;
    struct metric_registry *metrics;
    struct kubernetes *kubernetes;
    struct pod_table *table;
    struct discoverer_config *config, *chosen_config; /* of all pods, and of those with a label */
    struct discoverer *discoverer, *chosen_discoverer;
    int pods, chosen, nodes, namespaces; /* the streams; -1: not asked for yet */
};

static struct fixture *of_sink(struct target_sink *sink)
{
    return (struct fixture *)((char *)sink - offsetof(struct fixture, sink));
}

static void on_update(struct target_sink *sink, const struct target_group *group)
{
    struct buffer *seen = &of_sink(sink)->api.seen;

    buffer_printf(seen, "%c%.*s", group->target_count ? '+' : '-', TEXT_FORMAT(group->source));
    if (group->target_count) {
        struct text zone = labels_get(group->labels, TEXT("__meta_kubernetes_node_label_zone"));
        struct text team =
            labels_get(group->labels, TEXT("__meta_kubernetes_namespace_label_team"));
        buffer_printf(seen, " %.*s %.*s", TEXT_FORMAT(zone), TEXT_FORMAT(team));
    }
    buffer_append_char(seen, ';');
}

static void on_synced(struct target_sink *sink)
{
    buffer_append_string(&of_sink(sink)->api.seen, "synced;");
}

static void on_request(struct server *server, struct connection *connection, const char *path)
{
    struct fixture *fixture = (struct fixture *)server;
    int *stream = strstr(path, "labelSelector") ? &fixture->chosen
                  : strstr(path, "/pods?")      ? &fixture->pods
                  : strstr(path, "/nodes?")     ? &fixture->nodes
                                                : &fixture->namespaces;

    if (*stream != -1)
        stream = &fixture->chosen;
    assert_int_equal(*stream, -1);
    *stream = connection->fd;
    send_text(connection->fd, STREAM);
    buffer_printf(&fixture->api.seen, "asked;");
}

static struct discoverer_config *make_config(const struct fixture *fixture)
{
    struct discoverer_config *config = calloc(1, sizeof(*config));

    config->kind = DISCOVERER_KUBERNETES;
    kubernetes_config_init(&config->kubernetes);
    assert_true(asprintf(&config->kubernetes.api_server, "http://127.0.0.1:%d",
                         fixture->api.server.port) > 0);
    return config;
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    kubernetes_fixture_start(&fixture->api, NULL, 0);
    fixture->api.server.respond = on_request;
    fixture->pods = fixture->chosen = fixture->nodes = fixture->namespaces = -1;
    fixture->sink = (struct target_sink){on_update, on_synced};
    assert_int_equal(metric_registry_new(&fixture->metrics), 0);
    assert_int_equal(pod_table_new(&fixture->table), 0);
    const struct kubernetes_environment environment = {.loop = fixture->api.loop,
                                                       .http = fixture->api.client,
                                                       .metrics = fixture->metrics,
                                                       .pods = fixture->table};
    assert_int_equal(kubernetes_new(&environment, &fixture->kubernetes), 0);
    fixture->config = make_config(fixture);
    fixture->chosen_config = make_config(fixture);
    fixture->chosen_config->kubernetes.pods.label = strdup("app=x");
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    fixture->discoverer->free(fixture->discoverer);
    if (fixture->chosen_discoverer)
        fixture->chosen_discoverer->free(fixture->chosen_discoverer);
    discoverer_config_release(&fixture->config);
    discoverer_config_release(&fixture->chosen_config);
    kubernetes_free(&fixture->kubernetes);
    pod_table_free(&fixture->table);
    kubernetes_fixture_end(&fixture->api);
    metric_registry_free(&fixture->metrics);
    free(fixture);
    return 0;
}

static void start(struct fixture *fixture, struct discoverer_config *config,
                  struct discoverer **out)
{
    const struct discovery_environment environment = {fixture->api.loop, fixture->api.client,
                                                      fixture->metrics, fixture->kubernetes};

    assert_int_equal(kubernetes_discoverer_new(&environment, config, &fixture->sink, out), 0);
}

/* Until so many objects have been read. */
static void await_added(struct fixture *fixture, const char *role, double count)
{
    uint64_t deadline_ns = clock_monotonic_ns() + PATIENCE_NS;
    char series[96];

    snprintf(series, sizeof(series),
             "prometheus_sd_kubernetes_events_total{event=\"add\",role=\"%s\"}", role);
    fixture->api.expected = "";
    fixture->api.deadline_ns = 0;
    while (metric_line(fixture->metrics, series) < count) {
        assert_true(clock_monotonic_ns() < deadline_ns);
        loop_timer_after(fixture->api.timer, LOOK_NS);
        assert_int_equal(loop_run(fixture->api.loop), 0);
    }
}

/* Nobody is told of a pod before all that is attached is known: a reload would take away the
 * targets that there are, or give them labels that they do not keep. */
static void test_attached_first(void **state)
{
    struct fixture *fixture = *state;

    fixture->config->kubernetes.attach.node = fixture->config->kubernetes.attach.namespace = true;
    start(fixture, fixture->config, &fixture->discoverer);
    expect_seen(&fixture->api, "asked;asked;asked;");
    send_text(fixture->pods, POD("a", "n1") POD("b", "n2") LISTED);
    await_added(fixture, "pod", 2);
    send_text(fixture->nodes, LABELLED("ADDED", "n1", "\"zone\":\"north\"") LISTED);
    await_added(fixture, "node", 1);
    send_text(fixture->namespaces, LABELLED("ADDED", "shop", "\"team\":\"x\"") LISTED);
    expect_seen(&fixture->api, "+pod/shop/a north x;-pod/shop/b;synced;");

    send_text(fixture->nodes, LABELLED("ADDED", "n2", "\"zone\":\"south\""));
    expect_seen(&fixture->api, "+pod/shop/b south x;");
    send_text(fixture->namespaces, LABELLED("MODIFIED", "shop", "\"team\":\"y\""));
    expect_seen(&fixture->api, "+pod/shop/a north y;+pod/shop/b south y;");
    send_text(fixture->nodes, LABELLED("DELETED", "n1", ""));
    expect_seen(&fixture->api, "-pod/shop/a;");
    send_text(fixture->pods, POD("c", "n2"));
    expect_seen(&fixture->api, "+pod/shop/c south y;");
}

static bool is_present(const struct fixture *fixture, const char *uid)
{
    return pod_table_count(fixture->table) == 1 &&
           pod_table_find(fixture->table, text_of(uid), TEXT("")).pod;
}

/* Two watches, and a pod that is in both. */
static void start_both(struct fixture *fixture)
{
    start(fixture, fixture->config, &fixture->discoverer);
    start(fixture, fixture->chosen_config, &fixture->chosen_discoverer);
    expect_seen(&fixture->api, "asked;asked;");
    send_text(fixture->pods, POD("a", "n1") LISTED);
    expect_seen(&fixture->api, "+pod/shop/a  ;synced;");
    send_text(fixture->chosen, POD("a", "n1") LISTED);
    expect_seen(&fixture->api, "+pod/shop/a  ;synced;");
}

/* A pod that leaves one of two watches is still there, and has its place in the pod table: among
 * those that are gone it would be forgotten one day. */
static void test_two_watches(void **state)
{
    struct fixture *fixture = *state;

    start_both(fixture);
    send_text(fixture->chosen, POD_EVENT("DELETED", "a", "a-1", "n1"));
    expect_seen(&fixture->api, "-pod/shop/a;");
    assert_true(is_present(fixture, "a-1"));

    send_text(fixture->chosen, POD("a", "n1"));
    expect_seen(&fixture->api, "+pod/shop/a  ;");
    fixture->chosen_discoverer->free(TAKE_PTR(fixture->chosen_discoverer)); /* by a reload */
    assert_true(is_present(fixture, "a-1"));
    send_text(fixture->pods, POD_EVENT("DELETED", "a", "a-1", "n1"));
    expect_seen(&fixture->api, "-pod/shop/a;");
    assert_int_equal(pod_table_count(fixture->table), 0);
}

/* The next pod of that name, as one watch knows already, is not the one that is gone. */
static void test_next_of_name(void **state)
{
    struct fixture *fixture = *state;

    start_both(fixture);
    send_text(fixture->pods, POD_EVENT("MODIFIED", "a", "a-2", "n1"));
    expect_seen(&fixture->api, "+pod/shop/a  ;");
    send_text(fixture->chosen, POD_EVENT("DELETED", "a", "a-1", "n1"));
    expect_seen(&fixture->api, "-pod/shop/a;");
    assert_true(is_present(fixture, "a-2"));
}

#define GONE "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410}}\n"

/* What is as it was is not told again; what the new list has not is gone. The names of two
 * namespaces are two. */
static void test_listed_anew(void **state)
{
    struct fixture *fixture = *state;

    start(fixture, fixture->config, &fixture->discoverer);
    expect_seen(&fixture->api, "asked;");
    send_text(fixture->pods, POD("a", "n1") POD("b", "n1") LISTED);
    expect_seen(&fixture->api, "+pod/shop/a  ;+pod/shop/b  ;synced;");
    int stream = fixture->pods;
    fixture->pods = -1;
    send_text(stream, GONE);
    expect_seen(&fixture->api, "asked;");
    send_text(fixture->pods, POD("a", "n1") POD("c", "n1") BANK_POD("b") LISTED);
    expect_seen(&fixture->api, "+pod/shop/c  ;+pod/bank/b  ;-pod/shop/b;");
    send_text(fixture->pods, POD_EVENT("MODIFIED", "a", "a-2", "n1"));
    expect_seen(&fixture->api, "+pod/shop/a  ;");
    assert_int_equal(pod_table_count(fixture->table), 3);
}

/* Who asks what is asked already is told at once, and stays when the first one goes. */
static void test_shared_watch(void **state)
{
    struct fixture *fixture = *state;

    start(fixture, fixture->config, &fixture->discoverer);
    expect_seen(&fixture->api, "asked;");
    send_text(fixture->pods, POD("a", "n1") LISTED);
    expect_seen(&fixture->api, "+pod/shop/a  ;synced;");
    start(fixture, fixture->config, &fixture->chosen_discoverer);
    expect_seen(&fixture->api, "+pod/shop/a  ;synced;");
    fixture->chosen_discoverer->free(TAKE_PTR(fixture->chosen_discoverer));
    send_text(fixture->pods, POD("b", "n1"));
    expect_seen(&fixture->api, "+pod/shop/b  ;");
    assert_true(pod_table_is_fed(fixture->table));
}

static void expect_own_watch(struct fixture *fixture)
{
    start(fixture, fixture->chosen_config, &fixture->chosen_discoverer);
    expect_seen(&fixture->api, "asked;");
    fixture->chosen_discoverer->free(TAKE_PTR(fixture->chosen_discoverer));
    fixture->chosen = -1;
}

/* Who asks something else, or as somebody else, has a watch of his own. */
static void test_own_watches(void **state)
{
    struct fixture *fixture = *state;
    struct kubernetes_config *other = &fixture->chosen_config->kubernetes;

    start(fixture, fixture->config, &fixture->discoverer);
    expect_seen(&fixture->api, "asked;");
    expect_own_watch(fixture);
    free(TAKE_PTR(other->pods.label));
    other->pods.field = strdup("status.phase=Running");
    expect_own_watch(fixture);
    free(TAKE_PTR(other->pods.field));
    other->server_digest = 7;
    expect_own_watch(fixture);
    other->server_digest = 0;
    other->namespaces = calloc(1, sizeof(*other->namespaces));
    other->namespaces[other->namespace_count++] = strdup("shop");
    expect_own_watch(fixture);
}

static void test_nodes(void **state)
{
    struct fixture *fixture = *state;

    fixture->config->kubernetes.role = KUBERNETES_NODE;
    start(fixture, fixture->config, &fixture->discoverer);
    expect_seen(&fixture->api, "asked;");
    send_text(fixture->nodes, LABELLED("ADDED", "n1", "\"zone\":\"north\"") LISTED);
    expect_seen(&fixture->api, "+node/n1 north ;synced;");
    assert_false(pod_table_is_fed(fixture->table));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_attached_first, setup, teardown),
        cmocka_unit_test_setup_teardown(test_two_watches, setup, teardown),
        cmocka_unit_test_setup_teardown(test_next_of_name, setup, teardown),
        cmocka_unit_test_setup_teardown(test_listed_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(test_shared_watch, setup, teardown),
        cmocka_unit_test_setup_teardown(test_own_watches, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nodes, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
