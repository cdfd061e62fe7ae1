/* SPDX-License-Identifier: Apache-2.0 */
/* kubernetes_sd_configs: what is refused, in which words, and what the struct then holds. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "config/config.h"

#define JOB "scrape_configs:\n- job_name: a\n  kubernetes_sd_configs:\n"
#define PLACE(line, column) "f:" #line ":" #column ": scrape_configs[0].kubernetes_sd_configs[0]"

static char *problems_of(const char *yaml, struct config **config)
{
    struct problems problems;
    char *said = NULL;
    size_t length;
    *config = NULL;
    config_parse("f", yaml, strlen(yaml), config, &problems);
    FILE *stream = open_memstream(&said, &length);
    problems_print(&problems, stream);
    fclose(stream);
    problems_free(&problems);
    return said;
}

#define ROLE_REFUSED(role)                                                          \
    PLACE(4, 11)                                                                    \
    ".role: \"" role                                                                \
    "\" is not supported by this version of edgemeter; pod and node are: have the " \
    "pods behind a service found by role pod, and what is no pod listed in "        \
    "file_sd_configs or answered to http_sd_configs\n"

static void test_refused(void **state)
{
    static const struct {
        const char *yaml, *said;
    } cases[] = {
        {JOB "  - api_server: https://k\n",
         PLACE(4, 5) ": role is missing; pod and node are supported\n"},
        {JOB "  - role: endpoints\n", ROLE_REFUSED("endpoints")},
        {JOB "  - role: endpointslice\n", ROLE_REFUSED("endpointslice")},
        {JOB "  - role: service\n    selectors: [{role: service, label: a=b}]\n",
         ROLE_REFUSED("service")},
        {JOB "  - role: ingress\n", ROLE_REFUSED("ingress")},
        {JOB "  - role: Pod\n", PLACE(4, 11) ".role: \"Pod\" is no role; pod and node are\n"},
        {JOB "  - role: pod\n    api_server: k8s:6443\n",
         PLACE(5, 17) ".api_server: must begin with http:// or https://\n"},
        {JOB "  - role: pod\n    bearer_token_file: t\n",
         PLACE(5, 5) ": bearer_token_file needs api_server: in a cluster the pod's service account "
                     "is used\n"},
        {JOB "  - role: pod\n    api_server: https://k\n    namespaces: {own_namespace: true}\n",
         PLACE(5, 17) ": api_server and namespaces.own_namespace exclude each other: only in a "
                      "cluster there is an own namespace\n"},
        {JOB "  - role: pod\n    namespaces: {names: [a/b, '']}\n",
         PLACE(5, 26) ".namespaces.names[0]: \"a/b\" is no name of a namespace\n" PLACE(
             5, 31) ".namespaces.names[1]: \"\" is no name of a namespace\n"},
        {JOB "  - role: node\n    selectors: [{role: pod, label: a=b}]\n",
         PLACE(5, 17) ".selectors[0]: role node supports only node selectors, and this is one of "
                      "\"pod\"\n"},
        {JOB "  - role: pod\n    selectors: [{role: service, label: a=b}]\n",
         PLACE(5, 17) ".selectors[0]: role pod supports only pod and node selectors, and this is "
                      "one of \"service\"\n"},
        {JOB "  - role: pod\n    selectors: [{role: pod, label: a=b}, {role: pod, label: c=d}]\n",
         PLACE(5, 42) ".selectors[1]: a second selector of role pod\n"},
        {JOB "  - role: pod\n    selectors: [{role: pod, field: 'a=b,spec.nodeName'}]\n",
         PLACE(5, 36) ".selectors[0].field: at \"spec.nodeName\": no FIELD=VALUE\n"},
        {JOB "  - role: pod\n    selectors: [{role: pod, label: 'a=b, !c d'}]\n",
         PLACE(5,
               36) ".selectors[0].label: at \"d\": expected a comma, or =, !=, in (...) or notin "
                   "(...)\n"},
        {JOB "  - role: pod\n    selectors: [{role: pod, label: 'a=b, !-'}]\n",
         PLACE(5, 36) ".selectors[0].label: at \"!-\": no label's name\n"},
        {JOB "  - role: pod\n    attach_metadata: {job: true}\n", NULL},
        {JOB "  - role: pod\n    port: 80\n", NULL},
        {JOB "  - \n", NULL},
        {JOB "    role: pod\n", NULL},
    };
    size_t wrong = 0;
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct config *config;
        autofree char *said = problems_of(cases[i].yaml, &config);
        bool good = !config && (!cases[i].said || strcmp(said, cases[i].said) == 0);
        if (!good)
            print_error("%s\nsaid:   %swanted: %s\n", cases[i].yaml, said,
                        cases[i].said ? cases[i].said : "an error");
        wrong += !good;
        config_free(&config);
    }
    assert_int_equal(wrong, 0);
}

/* --- kubeconfig_file --- */

#define FILE_JOB JOB "  - role: pod\n    kubeconfig_file: kube/config\n"

static char folder[] = "/tmp/edgemeter-kubeconfig-XXXXXX";

static void write_kubeconfig(const char *text)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/kube/config", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* The file's name decides where kube/config is. */
static char *kubeconfig_problems(const char *yaml, struct config **config)
{
    struct problems problems;
    char *said = NULL, name[128];
    size_t length;
    *config = NULL;
    snprintf(name, sizeof(name), "%s/f", folder);
    config_parse(name, yaml, strlen(yaml), config, &problems);
    FILE *stream = open_memstream(&said, &length);
    problems_print(&problems, stream);
    fclose(stream);
    problems_free(&problems);
    return said;
}

#define KUBECONFIG(cluster, user)                                                                 \
    "apiVersion: v1\nkind: Config\ncurrent-context: b\ncontexts:\n- name: a\n  context: "         \
    "{cluster: "                                                                                  \
    "x, user: x}\n- name: b\n  context: {cluster: c, user: u}\nclusters:\n- name: c\n  cluster: " \
    "{" cluster "}\nusers:\n- name: u\n  user: {" user "}\n"

static void test_kubeconfig(void **state)
{
    (void)state;
    struct config *config;
    char wanted[128];
    write_kubeconfig(KUBECONFIG(
        "server: 'https://k:6443', certificate-authority: ../ca.crt, tls-server-name: n, "
        "proxy-url: "
        "'http://p:1'",
        "token: ignored, tokenFile: /t, client-certificate-data: LS0tQ0VSVA==, client-key: key"));
    autofree char *said = kubeconfig_problems(FILE_JOB, &config);
    assert_string_equal(said, "");
    const struct kubernetes_config *pods = &config->discoveries[0].list[0]->kubernetes;
    assert_string_equal(pods->api_server, "https://k:6443");
    snprintf(wanted, sizeof(wanted), "%s/kube/../ca.crt", folder);
    assert_string_equal(pods->http.tls.ca_file, wanted);
    assert_string_equal(pods->http.tls.server_name, "n");
    assert_string_equal(pods->http.tls.cert, "---CERT");
    snprintf(wanted, sizeof(wanted), "%s/kube/key", folder);
    assert_string_equal(pods->http.tls.key_file, wanted);
    assert_string_equal(pods->http.proxy.url, "http://p:1");
    assert_string_equal(pods->http.authorization.credentials_file, "/t");
    assert_null(pods->http.authorization.credentials);
    assert_string_equal(pods->http.authorization.type, "Bearer");
    uint64_t digest = config->discoveries[0].list[0]->digest;
    config_free(&config);

    /* another file is another config */
    write_kubeconfig(KUBECONFIG("server: 'https://k:6443', insecure-skip-tls-verify: true",
                                "username: a, password: b"));
    autofree char *again = kubeconfig_problems(FILE_JOB, &config);
    assert_string_equal(again, "");
    pods = &config->discoveries[0].list[0]->kubernetes;
    assert_true(pods->http.tls.insecure_skip_verify);
    assert_string_equal(pods->http.basic_auth.username, "a");
    assert_true(digest != config->discoveries[0].list[0]->digest);
    config_free(&config);
}

static void test_bad_kubeconfig(void **state)
{
    static const struct {
        const char *job, *kubeconfig, *reason;
    } cases[] = {
        {FILE_JOB, "", "it has no current-context"},
        {FILE_JOB, "[a", "did not find expected"},
        {FILE_JOB, "current-context: x\n", "contexts has no \"x\""},
        {FILE_JOB, "current-context: x\ncontexts: [{name: x, context: {}}]\n",
         "the context has no cluster"},
        {FILE_JOB, "current-context: x\ncontexts: [{name: x, context: {cluster: y}}]\n",
         "clusters has no \"y\""},
        {FILE_JOB, "current-context: x\ncontexts: [{context: {}}, {name: [x]}, x]\n",
         "contexts has no \"x\""},
        {FILE_JOB, KUBECONFIG("x: y", "token: t"), "the cluster has no server"},
        {FILE_JOB, KUBECONFIG("server: 'ftp://x'", "token: t"), "must begin with http"},
        {FILE_JOB, KUBECONFIG("server: 'https://k', certificate-authority-data: '%'", ""),
         "certificate-authority-data is not base64"},
        {FILE_JOB, KUBECONFIG("server: 'https://k'", "exec: {command: aws}"),
         "exec is not supported"},
        {FILE_JOB "    api_server: https://k\n", KUBECONFIG("server: 'https://k'", "token: t"),
         "api_server and kubeconfig_file exclude each other"},
        {FILE_JOB "    bearer_token: x\n", KUBECONFIG("server: 'https://k'", "token: t"),
         "bearer_token and kubeconfig_file exclude each other"},
        {FILE_JOB "    namespaces: {own_namespace: true}\n",
         KUBECONFIG("server: 'https://k'", "token: t"),
         "kubeconfig_file and namespaces.own_namespace exclude each other"},
        {JOB "  - role: pod\n    kubeconfig_file: none\n", "", "No such file"},
    };
    size_t wrong = 0;
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct config *config;
        write_kubeconfig(cases[i].kubeconfig);
        autofree char *said = kubeconfig_problems(cases[i].job, &config);
        bool good = !config && strstr(said, cases[i].reason);
        if (!good)
            print_error("said: %swanted: %s\n", said, cases[i].reason);
        wrong += !good;
        config_free(&config);
    }
    assert_int_equal(wrong, 0);
}

static int folder_make(void **state)
{
    char path[128];
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof(path), "%s/kube", folder);
    return mkdir(path, 0700);
}

static int folder_remove(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof(command), "rm -r %s", folder);
    return system(command);
}

static struct config *parse_good(const char *yaml)
{
    struct config *config;
    autofree char *said = problems_of(yaml, &config);
    assert_string_equal(said, "");
    assert_non_null(config);
    return config;
}

static const struct kubernetes_config *entry(const struct config *config, size_t i)
{
    assert_true(i < config->discoveries[0].count);
    assert_int_equal(config->discoveries[0].list[i]->kind, DISCOVERER_KUBERNETES);
    return &config->discoveries[0].list[i]->kubernetes;
}

static void test_taken(void **state)
{
    (void)state;
    struct config *config = parse_good(
        JOB "  - role: pod\n"
            "    api_server: https://k:6443/\n"
            "    authorization: {credentials_file: /t}\n"
            "    tls_config: {ca_file: /ca}\n"
            "    namespaces: {names: [shop, web]}\n"
            "    selectors:\n"
            "    - {role: node, label: 'a in (b)'}\n"
            "    - {role: pod, label: x=y, field: 'status.phase!=Failed,spec.nodeName==n'}\n"
            "    attach_metadata: {node: true, namespace: true}\n"
            "  - role: node\n"
            "  - role: pod\n"
            "    selectors: [{role: pod, field: ''}]\n"
            "    namespaces: {own_namespace: true}\n");
    assert_int_equal(config->discoveries[0].count, 3);
    assert_true(discovery_config_has_pods(&config->discoveries[0]));

    const struct kubernetes_config *pods = entry(config, 0);
    assert_int_equal(pods->role, KUBERNETES_POD);
    assert_string_equal(pods->api_server, "https://k:6443/");
    assert_string_equal(pods->http.authorization.credentials_file, "/t");
    assert_string_equal(pods->http.tls.ca_file, "/ca");
    assert_int_equal(pods->namespace_count, 2);
    assert_string_equal(pods->namespaces[1], "web");
    assert_string_equal(pods->pods.label, "x=y");
    assert_string_equal(pods->pods.field, "status.phase!=Failed,spec.nodeName==n");
    assert_string_equal(pods->nodes.label, "a in (b)");
    assert_null(pods->nodes.field);
    assert_true(pods->attach.node && pods->attach.namespace);
    assert_false(pods->own_namespace);

    assert_int_equal(entry(config, 1)->role, KUBERNETES_NODE);
    assert_null(entry(config, 1)->api_server);
    assert_null(entry(config, 1)->nodes.field);
    assert_string_equal(entry(config, 2)->pods.field, ""); /* given: NODE_NAME adds nothing */
    assert_true(entry(config, 2)->own_namespace);
    config_free(&config);
}

static void test_shared_server(void **state)
{
    (void)state;
    struct config *config = parse_good(JOB "  - role: pod\n"
                                           "    api_server: https://k\n"
                                           "    bearer_token: t\n"
                                           "    namespaces: {names: [shop]}\n"
                                           "  - role: node\n"
                                           "    api_server: https://k\n"
                                           "    bearer_token: t\n"
                                           "  - role: node\n"
                                           "    api_server: https://k\n"
                                           "    bearer_token: u\n");
    assert_true(entry(config, 0)->server_digest == entry(config, 1)->server_digest);
    assert_true(entry(config, 0)->server_digest != entry(config, 2)->server_digest);
    config_free(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),        cmocka_unit_test(test_taken),
        cmocka_unit_test(test_shared_server),  cmocka_unit_test(test_kubeconfig),
        cmocka_unit_test(test_bad_kubeconfig),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
