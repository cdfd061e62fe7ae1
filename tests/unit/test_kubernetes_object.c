/* SPDX-License-Identifier: Apache-2.0 */
/* discover/kubernetes_object: the label sets that Prometheus would make of an object, and
 * model/workload. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "discover/kubernetes_object.h"
#include "model/workload.h"

#define RECORDINGS "tests/kube/recordings/"

static struct labels_builder *builder;

static int parse(enum kubernetes_resource resource, const char *text,
                 struct kubernetes_object **out)
{
    json_t *json = kubernetes_parse(text_of(text));
    assert_non_null(json);
    int error = kubernetes_object_new(resource, json, builder, out);
    json_decref(json);
    return error;
}

static struct kubernetes_object *object_of(enum kubernetes_resource resource, const char *text)
{
    struct kubernetes_object *object = NULL;
    assert_int_equal(parse(resource, text, &object), 0);
    return object;
}

/* Without __meta_kubernetes_ and without the "present" labels, which are tested once. */
static void assert_labels(const struct labels *labels, const char *wanted)
{
    autobuffer struct buffer text;
    buffer_init(&text, 1 << 16);
    buffer_append_string(&text, "");
    for (struct label_cursor c = labels_first(labels); labels_next(&c);) {
        static const char prefix[] = "__meta_kubernetes_";
        struct text name = c.label.name;
        if (memmem(name.bytes, name.length, "present_", 8) ||
            memmem(name.bytes, name.length, "last_applied", 12))
            continue;
        if (name.length > strlen(prefix) && memcmp(name.bytes, prefix, strlen(prefix)) == 0)
            name = (struct text){name.bytes + strlen(prefix), name.length - strlen(prefix)};
        buffer_printf(&text, "%s%.*s=%.*s", text.length ? " " : "", TEXT_FORMAT(name),
                      TEXT_FORMAT(c.label.value));
    }
    assert_string_equal(text.bytes, wanted);
}

static void assert_label(const struct labels *labels, const char *name, const char *value)
{
    struct text found = labels_get(labels, text_of(name));
    if (!text_equal(found, text_of(value)))
        fail_msg("%s is \"%.*s\", not \"%s\"", name, TEXT_FORMAT(found), value);
}

/* --- the recordings --- */

static void test_recorded_pods(void **state)
{
    (void)state;
    json_t *list = json_load_file(RECORDINGS "list.body", 0, NULL);
    assert_non_null(list);
    struct kubernetes_object *apache, *worker;
    json_t *items = json_object_get(list, "items");
    assert_int_equal(
        kubernetes_object_new(KUBERNETES_PODS, json_array_get(items, 0), builder, &apache), 0);
    assert_int_equal(
        kubernetes_object_new(KUBERNETES_PODS, json_array_get(items, 1), builder, &worker), 0);
    json_decref(list);

    assert_labels(apache->labels,
                  "namespace=shop pod_annotation_prometheus_io_path=/metrics "
                  "pod_annotation_prometheus_io_port=9117 "
                  "pod_annotation_prometheus_io_scrape=true pod_controller_kind=ReplicaSet "
                  "pod_controller_name=apache-ingress-5d4f pod_host_ip=192.168.1.10 "
                  "pod_ip=10.42.0.7 pod_label_app=apache "
                  "pod_label_app_kubernetes_io_name=apache-ingress "
                  "pod_label_topology_kubernetes_io_region=us pod_name=apache-ingress-5d4f8 "
                  "pod_node_name=edge-1 pod_phase=Running pod_ready=true "
                  "pod_uid=3e41f305-ae40-48d0-bde1-43a6e5a570ad");
    assert_label(apache->labels, "__meta_kubernetes_pod_labelpresent_app_kubernetes_io_name",
                 "true");
    assert_label(apache->labels, "__meta_kubernetes_pod_annotationpresent_prometheus_io_scrape",
                 "true");
    assert_int_equal(apache->target_count, 4);
    assert_labels(apache->targets[0],
                  "__address__=10.42.0.7:80 pod_container_id=containerd://"
                  "8f3ab0ac0f6b1f3f0e6f6f0ea4a7fd1ad8b0b9c1f0e6d2b9a1c0e5f6a7b8c9d0 "
                  "pod_container_image=httpd:2.4 pod_container_init=false "
                  "pod_container_name=apache pod_container_port_name=http "
                  "pod_container_port_number=80 pod_container_port_protocol=TCP");
    assert_label(apache->targets[1], "__address__", "10.42.0.7:443");
    assert_labels(apache->targets[2],
                  "__address__=10.42.0.7:9117 pod_container_image=apache-exporter "
                  "pod_container_init=false pod_container_name=exporter "
                  "pod_container_port_name=metrics pod_container_port_number=9117 "
                  "pod_container_port_protocol=TCP");
    assert_labels(apache->targets[3], "__address__=10.42.0.7 pod_container_image=busybox "
                                      "pod_container_init=true pod_container_name=init");
    assert_labels(apache->pod->workload,
                  "pod_workload_kind=Deployment pod_workload_name=apache-ingress");
    assert_int_equal(apache->pod->container_count, 3);

    assert_int_equal(worker->target_count, 1);
    assert_label(worker->targets[0], "__address__", "10.42.0.8");
    assert_labels(worker->pod->workload, "");
    assert_true(kubernetes_object_equal(apache, apache));
    assert_false(kubernetes_object_equal(apache, worker));
    kubernetes_object_free(&apache);
    kubernetes_object_free(&worker);
}

static void test_recorded_node(void **state)
{
    (void)state;
    json_t *json = json_load_file(RECORDINGS "node.body", 0, NULL);
    struct kubernetes_object *node;
    assert_int_equal(kubernetes_object_new(KUBERNETES_NODES, json, builder, &node), 0);
    json_decref(json);
    assert_labels(node->labels, "node_label_kubernetes_io_hostname=edge-1 "
                                "node_label_topology_kubernetes_io_region=us node_name=edge-1");
    assert_int_equal(node->target_count, 0); /* it has no address */
    kubernetes_object_free(&node);
}

/* --- pods --- */

#define META "\"metadata\":{\"name\":\"p\",\"namespace\":\"n\",\"uid\":\"u\"}"

static void test_pod_addresses(void **state)
{
    (void)state;
    struct kubernetes_object *pod = object_of(
        KUBERNETES_PODS, "{" META ",\"spec\":{\"containers\":[{\"name\":\"a\",\"ports\":["
                         "{\"containerPort\":53,\"protocol\":\"UDP\"}]},{\"name\":\"b\"}]},"
                         "\"status\":{\"podIP\":\"fd00::7\",\"phase\":\"Unknown\",\"conditions\":["
                         "{\"type\":\"Initialized\",\"status\":\"True\"},{\"type\":\"Ready\","
                         "\"status\":\"False\"}]}}");
    assert_labels(pod->labels, "namespace=n pod_ip=fd00::7 pod_name=p pod_phase=Unknown "
                               "pod_ready=false pod_uid=u");
    assert_int_equal(pod->target_count, 2);
    assert_labels(pod->targets[0],
                  "__address__=[fd00::7]:53 pod_container_init=false pod_container_name=a "
                  "pod_container_port_number=53 pod_container_port_protocol=UDP");
    assert_label(pod->targets[1], "__address__", "fd00::7");
    kubernetes_object_free(&pod);

    /* without an address there is nothing to scrape, but there is a pod */
    pod = object_of(KUBERNETES_PODS, "{" META ",\"spec\":{\"containers\":[{\"name\":\"a\"}]},"
                                     "\"status\":{\"phase\":\"Pending\"}}");
    assert_int_equal(pod->target_count, 0);
    assert_int_equal(pod->pod->container_count, 1);
    assert_label(pod->labels, "__meta_kubernetes_pod_ready", "unknown");
    kubernetes_object_free(&pod);
}

static void test_container_ids(void **state)
{
    (void)state;
    struct kubernetes_object *pod = object_of(
        KUBERNETES_PODS,
        "{" META ",\"spec\":{\"containers\":[{\"name\":\"a\"},{\"name\":\"b\"}],"
        "\"initContainers\":[{\"name\":\"a-init\"}],\"ephemeralContainers\":[{\"name\":\"debug\"}]}"
        ","
        "\"status\":{\"podIP\":\"10.0.0.1\",\"containerStatuses\":["
        "{\"name\":\"b\",\"containerID\":\"docker://bb\",\"lastState\":{\"terminated\":"
        "{\"containerID\":\"docker://b0\"}}},{\"name\":\"a\",\"containerID\":\"docker://aa\"}],"
        "\"initContainerStatuses\":[{\"name\":\"a-init\",\"containerID\":\"docker://ii\"}],"
        "\"ephemeralContainerStatuses\":[{\"name\":\"debug\",\"containerID\":\"docker://dd\"}]}}");
    static const char *const ids[] = {"aa", "bb", "ii", "dd"};
    assert_int_equal(pod->target_count, 3); /* no ephemeral ones */
    assert_label(pod->targets[2], "__meta_kubernetes_pod_container_id", "docker://ii");
    assert_int_equal(pod->pod->container_count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_true(text_equal(pod_container_id(&pod->pod->containers[i]), text_of(ids[i])));
    assert_null(pod->pod->containers[0].last_id);
    assert_string_equal(pod->pod->containers[1].last_id, "b0");
    kubernetes_object_free(&pod);
}

static void test_names_of_labels(void **state)
{
    (void)state;
    struct kubernetes_object *pod =
        object_of(KUBERNETES_PODS, "{\"metadata\":{\"name\":\"p\",\"labels\":{\"a-b/c.d_E9\":\"x\","
                                   "\"gr\\u00fcn\\u20ac\":\"y\",\"empty\":\"\"}}}");
    assert_label(pod->labels, "__meta_kubernetes_pod_label_a_b_c_d_E9", "x");
    assert_label(pod->labels, "__meta_kubernetes_pod_label_gr_n_", "y");
    assert_label(pod->labels, "__meta_kubernetes_pod_labelpresent_empty", "true");
    assert_label(pod->labels, "__meta_kubernetes_pod_label_empty", "");
    kubernetes_object_free(&pod);
}

/* Anybody's annotation may have one, and no other pod may suffer from it. */
static void test_nul_in_a_text(void **state)
{
    (void)state;
    struct kubernetes_object *pod =
        object_of(KUBERNETES_PODS, "{\"metadata\":{\"name\":\"p\",\"annotations\":{"
                                   "\"a\":\"x\\u0000y\"}}}");
    struct text value = labels_get(pod->labels, TEXT("__meta_kubernetes_pod_annotation_a"));
    assert_true(text_equal(value, (struct text){"x\0y", 3}));
    kubernetes_object_free(&pod);
}

static void test_bad_objects(void **state)
{
    static const struct {
        enum kubernetes_resource resource;
        const char *json;
    } bad[] = {
        {KUBERNETES_PODS, "{}"},
        {KUBERNETES_PODS, "{\"metadata\":[]}"},
        {KUBERNETES_PODS, "{\"metadata\":{\"name\":7}}"},
        {KUBERNETES_PODS, "{\"metadata\":{\"name\":\"p\",\"labels\":{\"a\":1}}}"},
        {KUBERNETES_PODS, "{" META ",\"spec\":{\"containers\":[{\"image\":\"x\"}]}}"},
        {KUBERNETES_PODS, "{" META ",\"spec\":{\"containers\":[7]}}"},
        {KUBERNETES_PODS, "{" META ",\"spec\":{\"containers\":[{\"name\":\"a\",\"ports\":[{}]}]},"
                          "\"status\":{\"podIP\":\"10.0.0.1\"}}"},
        {KUBERNETES_NODES, "{\"spec\":{}}"},
        {KUBERNETES_NAMESPACES, "{\"metadata\":{}}"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct kubernetes_object *object = NULL;
        if (parse(bad[i].resource, bad[i].json, &object) != -EBADMSG)
            fail_msg("accepted: %s", bad[i].json);
        assert_null(object);
    }
}

/* --- nodes and namespaces --- */

static void test_node(void **state)
{
    (void)state;
    struct kubernetes_object *node = object_of(
        KUBERNETES_NODES, "{\"metadata\":{\"name\":\"edge-1\",\"labels\":{\"zone\":\"z\"}},"
                          "\"spec\":{\"providerID\":\"kind://edge-1\"},\"status\":{\"addresses\":["
                          "{\"type\":\"Hostname\",\"address\":\"edge-1\"},"
                          "{\"type\":\"InternalIP\",\"address\":\"10.0.0.1\"},"
                          "{\"type\":\"InternalIP\",\"address\":\"fd00::1\"}],"
                          "\"conditions\":[{\"type\":\"DiskPressure\",\"status\":\"False\"}],"
                          "\"daemonEndpoints\":{\"kubeletEndpoint\":{\"Port\":10250}}}}");
    assert_labels(node->labels, "node_condition_diskpressure=false node_label_zone=z "
                                "node_name=edge-1 node_provider_id=kind://edge-1");
    assert_labels(node->attached, "node_label_zone=z node_name=edge-1");
    assert_int_equal(node->target_count, 1);
    assert_labels(node->targets[0], "__address__=10.0.0.1:10250 node_address_Hostname=edge-1 "
                                    "node_address_InternalIP=10.0.0.1 instance=edge-1");
    kubernetes_object_free(&node);
}

static void test_namespace(void **state)
{
    (void)state;
    struct kubernetes_object *namespace =
        object_of(KUBERNETES_NAMESPACES, "{\"metadata\":{\"name\":\"shop\",\"labels\":{\"team\":"
                                         "\"a\"},\"annotations\":{\"b\":\"c\"}}}");
    assert_labels(namespace->attached, "namespace_annotation_b=c namespace_label_team=a");
    assert_true(text_equal(namespace->name, TEXT("shop")));
    assert_int_equal(namespace->target_count, 0);
    kubernetes_object_free(&namespace);
}

/* --- workloads --- */

static void test_workload(void **state)
{
    static const struct {
        const char *kind, *name, *hash, *workload_kind, *workload_name;
    } cases[] = {
        {"", "", "", "", ""},
        {"StatefulSet", "db", "", "StatefulSet", "db"},
        {"DaemonSet", "edgemeter-5d4f8b9c7", "", "DaemonSet", "edgemeter-5d4f8b9c7"},
        {"Job", "backup-28391220", "", "Job", "backup-28391220"},
        {"ReplicaSet", "web-7c9d5b64f8", "7c9d5b64f8", "Deployment", "web"},
        {"ReplicaSet", "web-7c9d5b64f8", "", "Deployment", "web"},
        {"ReplicaSet", "my-web-5d4f", "", "Deployment", "my-web"},
        {"ReplicaSet", "web-anything", "anything", "Deployment", "web"},
        {"ReplicaSet", "web-7c9d5b64f8", "other", "ReplicaSet", "web-7c9d5b64f8"},
        {"ReplicaSet", "web-frontend", "", "ReplicaSet", "web-frontend"},
        {"ReplicaSet", "web-bcdf", "", "ReplicaSet", "web-bcdf"}, /* no digit */
        {"ReplicaSet", "web-5d4", "", "ReplicaSet", "web-5d4"},   /* too short */
        {"ReplicaSet", "web-5d4f8b9c74b", "", "ReplicaSet", "web-5d4f8b9c74b"},
        {"ReplicaSet", "web", "", "ReplicaSet", "web"},
        {"ReplicaSet", "-5d4f8", "", "ReplicaSet", "-5d4f8"},
        {"ReplicaSet", "web-", "", "ReplicaSet", "web-"},
        {"ReplicaSet", "", "", "ReplicaSet", ""},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct workload found =
            workload_of(text_of(cases[i].kind), text_of(cases[i].name), text_of(cases[i].hash));
        if (!text_equal(found.kind, text_of(cases[i].workload_kind)) ||
            !text_equal(found.name, text_of(cases[i].workload_name)))
            fail_msg("%s %s: %.*s %.*s", cases[i].kind, cases[i].name, TEXT_FORMAT(found.kind),
                     TEXT_FORMAT(found.name));
    }
}

static int setup(void **state)
{
    (void)state;
    return labels_builder_new(&builder);
}

static int teardown(void **state)
{
    (void)state;
    labels_builder_free(&builder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recorded_pods),
        cmocka_unit_test(test_recorded_node),
        cmocka_unit_test(test_pod_addresses),
        cmocka_unit_test(test_container_ids),
        cmocka_unit_test(test_names_of_labels),
        cmocka_unit_test(test_nul_in_a_text),
        cmocka_unit_test(test_bad_objects),
        cmocka_unit_test(test_node),
        cmocka_unit_test(test_namespace),
        cmocka_unit_test(test_workload),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
