/* SPDX-License-Identifier: Apache-2.0 */
/* Configurations over several files: jobs of scrape_config_files, problems under each file's name,
 * and the checksum by which a change is seen. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "command/config_check.h"
#include "config/config.h"

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/edgemeter-config-XXXXXX");
    assert_non_null(mkdtemp(folder));
    return 0;
}

static int remove_folder(void **state)
{
    autofree char *command = NULL;
    (void)state;
    assert_true(asprintf(&command, "rm -rf '%s'", folder) > 0);
    return system(command);
}

static char *path_of(const char *name)
{
    char *path;
    assert_true(asprintf(&path, "%s/%s", folder, name) > 0);
    return path;
}

static void put(const char *name, const char *text)
{
    autofree char *path = path_of(name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void sub_folder(const char *name)
{
    autofree char *path = path_of(name);
    mkdir(path, 0755);
}

static struct config *load(const char *name)
{
    autofree char *path = path_of(name);
    struct problems problems;
    struct config *config = NULL;
    int error = config_load(path, &config, &problems);
    problems_print(&problems, stderr);
    problems_free(&problems);
    assert_int_equal(error, 0);
    return config;
}

/* What is said of the file, the folder's name left out. */
static void assert_problems(const char *name, bool with_files, const char *wanted)
{
    autofree char *path = path_of(name);
    autobuffer struct buffer said, shortened;
    struct problems problems;
    struct config *config = NULL;
    int error = config_load(path, &config, &problems);
    if (!error)
        error = config_check_parts(config, with_files, &problems);
    buffer_init(&said, 1 << 16);
    buffer_init(&shortened, 1 << 16);
    buffer_append_string(&said, "");
    buffer_append_string(&shortened, "");
    problems_write(&problems, &said);
    for (const char *at = said.bytes; *at;) {
        if (strncmp(at, folder, strlen(folder)) == 0)
            at += strlen(folder) + 1;
        else
            buffer_append_char(&shortened, *at++);
    }
    bool has_error = problems_have_error(&problems);
    config_free(&config);
    problems_free(&problems);
    assert_string_equal(shortened.bytes, wanted);
    assert_int_equal(error, has_error ? -EINVAL : 0);
}

static void test_jobs(void **state)
{
    (void)state;
    sub_folder("more");
    sub_folder("more/..data"); /* as a mounted ConfigMap has it */
    put("a.yml", "global: {scrape_interval: 7s}\n"
                 "scrape_config_files: [more/*, one.yml, missing/*.yml]\n"
                 "scrape_configs: [{job_name: a}]\n");
    put("more/b.yml", "scrape_configs:\n"
                      "- job_name: b\n"
                      "  authorization: {credentials_file: token}\n"
                      "  file_sd_configs: [{files: [x.json, ../y.yml]}]\n");
    put("more/c.yml", "# nothing\n");
    put("more/d.yml", "scrape_configs:\n");
    put("one.yml", "scrape_configs: [{job_name: c}, {job_name: d, scrape_interval: 9s}]\n");
    struct config *config = load("a.yml");
    assert_int_equal(config->scrape_count, 4);
    static const char *const names[] = {"a", "b", "c", "d"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        assert_string_equal(config->scrapes[i]->job_name, names[i]);
    assert_true(config->scrapes[1]->scrape_interval_ns == UINT64_C(7000000000));
    assert_true(config->scrapes[3]->scrape_interval_ns == UINT64_C(9000000000));
    autofree char *token = path_of("more/token"), *x = path_of("more/x.json"),
                  *y = path_of("y.yml");
    assert_string_equal(config->scrapes[1]->http.authorization.credentials_file, token);
    assert_string_equal(config->discoveries[1].list[0]->file.patterns[0], x);
    assert_string_equal(config->discoveries[1].list[0]->file.patterns[1], y);
    assert_int_equal(config->included_count, 3);
    config_free(&config);
}

static void test_problems(void **state)
{
    (void)state;
    sub_folder("bad");
    put("a.yml", "scrape_config_files: [bad/*.yml]\n"
                 "scrape_configs: [{job_name: a, scheme: ftp}]\n");
    put("bad/1.yml", "scrape_configs: [{job_name: b}, {job_name: b}, {job_name: a}]\n");
    put("bad/2.yml", "global: {}\nscrape_configs:\n- scrape_interval: 1x\n");
    put("bad/3.yml", "scrape_configs: [\n");
    sub_folder("bad/4.yml");
    put("bad/5.yml", "scrape_configs: [{job_name: b, x: 1}]\n");
    assert_problems(
        "a.yml", false,
        "a.yml:2:40: scrape_configs[0].scheme: \"ftp\" is neither http nor https\n"
        "bad/1.yml:1:44: scrape_configs[1].job_name: \"b\" is already the job_name of "
        "scrape_configs[0] in line 1; give each its own\n"
        "bad/1.yml:1:59: \"a\" is already the job_name of another file's job; give each its own\n"
        "bad/2.yml:1:1: unknown key \"global\" at the top level\n"
        "bad/2.yml:3:3: scrape_configs[0]: job_name is missing; every job needs one\n"
        "bad/2.yml:3:20: scrape_configs[0].scrape_interval: \"1x\" is not a duration; write whole "
        "numbers with units, such as 15s or 1h30m (y w d h m s ms, in this order)\n"
        "bad/3.yml:2:1: not valid YAML: did not find expected node content while parsing a flow "
        "node\n"
        "bad/4.yml: cannot read it: Is a directory\n"
        "bad/5.yml:1:29: \"b\" is already the job_name of another file's job; give each its own\n"
        "bad/5.yml:1:32: unknown key \"x\" in scrape_configs[0]\n");
}

/* A folder that cannot be read is not one without jobs. */
static void test_unreadable_folder(void **state)
{
    autofree char *path = path_of("loop");

    (void)state;
    assert_int_equal(symlink("loop", path), 0);
    put("a.yml", "scrape_config_files: [loop/*.yml, missing/*.yml]\n"
                 "scrape_configs: [{job_name: a}]\n");
    assert_problems(
        "a.yml", false,
        "a.yml:1:23: scrape_config_files[0]: cannot list loop/*.yml: Too many levels of "
        "symbolic links\n");
    put("b.yml", "scrape_configs: [{job_name: b, file_sd_configs: [{files: [loop/*.yml]}]}]\n");
    assert_problems(
        "b.yml", true,
        "b.yml: job \"b\": cannot list the files of targets loop/*.yml: Too many levels "
        "of symbolic links\n");
}

static void test_checked_files(void **state)
{
    (void)state;
    sub_folder("sd");
    put("sd/good.yml", "- targets: [a]\n");
    put("sd/bad.yml", "- target: [a]\n");
    put("sd/bad.json", "{}");
    put("pw", "x");
    put("a.yml", "scrape_configs:\n"
                 "- job_name: a\n"
                 "  basic_auth: {username: u, password_file: pw}\n"
                 "  file_sd_configs: [{files: [sd/*.yml, sd/*.json, none.yml]}]\n"
                 "- job_name: b\n"
                 "  authorization: {credentials_file: gone}\n"
                 "  tls_config: {ca_file: ca, cert_file: pw, key_file: key}\n"
                 "remote_write:\n"
                 "- url: http://a/\n"
                 "  oauth2: {client_id: i, client_secret_file: secret, token_url: 'http://t/'}\n"
                 "- url: http://a/\n"
                 "  name: second\n"
                 "  http_headers: {X-A: {files: [h]}}\n");
    assert_problems(
        "a.yml", true,
        "a.yml: job \"a\": file of targets sd/bad.yml: 1:3: unknown key; targets and labels are "
        "known\n"
        "a.yml: job \"a\": file of targets sd/bad.json: must be a list of groups of targets\n"
        "a.yml: warning: job \"a\": no file of targets is there: none.yml\n"
        "a.yml: job \"b\": authorization credentials_file gone: No such file or directory\n"
        "a.yml: job \"b\": ca_file ca: No such file or directory\n"
        "a.yml: job \"b\": key_file key: No such file or directory\n"
        "a.yml: remote \"0\": oauth2 client_secret_file secret: No such file or directory\n"
        "a.yml: remote \"second\": http_headers file h: No such file or directory\n");
    assert_problems("a.yml", false, "");
}

/* As promtool: what the scraper would leave out is an error here. */
static void test_checked_targets(void **state)
{
    (void)state;
    sub_folder("sd");
    put("sd/good.yml", "- targets: ['a:1']\n"
                       "- targets: ['a:2', 'b/c', 'd/e']\n");
    put("a.yml", "scrape_configs:\n"
                 "- job_name: a\n"
                 "  static_configs:\n"
                 "  - targets: ['a:1']\n"
                 "  - targets: ['a:2']\n"
                 "    labels: {__scrape_interval__: 5parsecs}\n"
                 "  - targets: ['a:3']\n"
                 "    labels: {__scrape_timeout__: 10h}\n"
                 "- job_name: b\n"
                 "  file_sd_configs: [{files: [sd/good.yml]}]\n"
                 "  relabel_configs:\n"
                 "  - {action: drop, source_labels: [__address__], regex: d/e}\n"
                 "  - {action: drop, source_labels: [__meta_filepath], regex: ''}\n");
#define OF_THE_CONFIGURATION                                                               \
    "a.yml: job \"a\": static_configs, group 2: target \"a:2\": error parsing scrape "     \
    "interval: \"5parsecs\" in label __scrape_interval__ is not a duration such as 15s\n"  \
    "a.yml: job \"a\": static_configs, group 3: target \"a:3\": scrape timeout cannot be " \
    "greater than scrape interval (\"10h\" > \"1m\")\n"
    assert_problems(
        "a.yml", true,
        OF_THE_CONFIGURATION
        "a.yml: job \"b\": file of targets sd/good.yml, group 2: target \"b/c\": \"b/c\" is "
        "not a valid hostname: give host:port, without scheme and path\n");
    assert_problems("a.yml", false, OF_THE_CONFIGURATION);
}

static uint64_t checksum(const struct config *config)
{
    autofree char *path = path_of("a.yml");
    uint64_t sum;
    assert_int_equal(config_checksum(path, config, &sum), 0);
    return sum;
}

static void test_checksum(void **state)
{
    (void)state;
    sub_folder("sum");
    put("a.yml", "scrape_config_files: [sum/*.yml]\n");
    put("sum/1.yml", "scrape_configs: []\n");
    struct config *config = load("a.yml");
    uint64_t first = checksum(config), second;
    assert_true(config->checksum == first); /* that of what was read */
    put("sum/x.txt", "not among them");
    assert_true(checksum(config) == first);
    put("sum/1.yml", "scrape_configs: []\n"); /* the same again */
    assert_true(checksum(config) == first);
    put("sum/1.yml", "scrape_configs:\n");
    assert_true((second = checksum(config)) != first);
    put("sum/2.yml", "");
    assert_true(checksum(config) != second);
    put("sum/1.yml", "scrape_configs: []\n");
    autofree char *added = path_of("sum/2.yml"), *main_file = path_of("a.yml");
    assert_int_equal(unlink(added), 0);
    assert_true(checksum(config) == first);
    put("a.yml", "scrape_config_files: [sum/*.yml]\n#\n");
    assert_true(checksum(config) != first);
    assert_int_equal(unlink(main_file), 0);
    assert_int_equal(config_checksum(main_file, config, &first), -ENOENT);
    config_free(&config);
}

static void test_digest_of_a_remote(void **state)
{
    static const struct {
        const char *yaml;
        bool same;
    } rows[] = {{"[{url: 'http://a'}]", true},
                {"[{url: 'http://b'}]", false},
                {"[{url: 'http://a', headers: {x: y}}]", false},
                {"# c\n- url: 'http://a'\n", true}};
    uint64_t first = 0;
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char text[128];
        snprintf(text, sizeof(text), "http_metrics: {}\nremote_write: %s\n", rows[i].yaml);
        put("a.yml", text);
        struct config *config = load("a.yml");
        if (i == 0)
            first = config->remotes[0]->digest;
        assert_int_equal(config->remotes[0]->digest == first, rows[i].same);
        config_free(&config);
    }
}

static void test_file_sd_default(void **state)
{
    (void)state;
    put("a.yml", "scrape_configs:\n"
                 "- job_name: a\n"
                 "  file_sd_configs: [{files: [.yml]}, {files: [b.yml], refresh_interval: 7s}]\n");
    struct config *config = load("a.yml");
    struct discoverer_config **list = config->discoveries[0].list;
    assert_int_equal(list[0]->file.refresh_interval_ns, 300 * NS_PER_SECOND);
    assert_int_equal(list[1]->file.refresh_interval_ns, 7 * NS_PER_SECOND);
    config_free(&config);
}

/* A reload sees by its digests what of a job has changed. */
static void test_digests(void **state)
{
    static const struct {
        const char *yaml;
        bool scrape, series, discovery; /* the same as of the first */
    } rows[] = {
        {"global: {}\nscrape_configs: [{job_name: a, static_configs: [{targets: [x]}]}]", 1, 1, 1},
        {"# c\nglobal: {}\nscrape_configs:\n- job_name: a\n  static_configs: [{targets: [x]}]", 1,
         1, 1},
        {"global: {external_labels: {a: b}}\n"
         "scrape_configs: [{job_name: a, static_configs: [{targets: [x]}]}]",
         1, 1, 1},
        {"global: {evaluation_interval: 5s}\n"
         "scrape_configs: [{job_name: a, static_configs: [{targets: [x]}]}]",
         1, 1, 1},
        {"global: {}\nscrape_configs: [{job_name: a, static_configs: [{targets: [y]}]}]", 1, 1, 0},
        {"global: {}\nscrape_configs: [{job_name: a, scrape_timeout: 1s, static_configs: "
         "[{targets: "
         "[x]}]}]",
         0, 1, 1},
        {"global: {}\nscrape_configs: [{job_name: a, honor_labels: true, static_configs: "
         "[{targets: "
         "[x]}]}]",
         0, 0, 1},
        {"global: {}\nscrape_configs: [{job_name: a, basic_auth: {username: u}, static_configs: "
         "[{targets: [x]}]}]",
         0, 1, 1},
        {"global: {label_limit: 5}\n"
         "scrape_configs: [{job_name: a, static_configs: [{targets: [x]}]}]",
         0, 0, 1},
    };
    struct config *first = NULL;
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        put("a.yml", rows[i].yaml);
        struct config *config = load("a.yml");
        if (!first)
            first = load("a.yml");
        const struct scrape_config *a = first->scrapes[0], *b = config->scrapes[0];
        assert_int_equal(a->digest == b->digest, rows[i].scrape);
        assert_int_equal(a->series_digest == b->series_digest, rows[i].series);
        assert_int_equal(first->discoveries[0].list[0]->digest ==
                             config->discoveries[0].list[0]->digest,
                         rows[i].discovery);
        config_free(&config);
    }
    config_free(&first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_jobs, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_problems, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_unreadable_folder, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_checked_files, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_checked_targets, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_checksum, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_digest_of_a_remote, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_file_sd_default, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_digests, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
