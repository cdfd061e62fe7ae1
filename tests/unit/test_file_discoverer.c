/* SPDX-License-Identifier: Apache-2.0 */
/* file_sd_configs in a folder of its own: files that change, appear, vanish, are renamed over, and
 * a mounted ConfigMap, with what reaches the sink each time. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "discover/discoverer.h"
#include "metric_line.h"

#define LIMIT_NS (10 * NS_PER_SECOND)
#define QUIET_NS (400 * NS_PER_MS)

struct fixture {
    struct target_sink sink; /* first: the sink is the fixture */
    struct loop *loop;
    struct loop_timer *deadline;
    struct metric_registry *metrics;
    struct discoverer_config *config;
    struct discoverer *discoverer;
    struct buffer events; /* "+a.yml:0 a:1 b:1{env=prod};" and "-a.yml:0;" */
    const char *wanted;
    size_t synced;
    char folder[64];
};

/* Without the folder, which has another name each time. */
static struct text shortened(const struct fixture *fixture, struct text path)
{
    size_t length = strlen(fixture->folder) + 1;
    assert_true(text_has_prefix(path, text_of(fixture->folder)));
    return text_behind(path, length);
}

static void on_update(struct target_sink *sink, const struct target_group *group)
{
    struct fixture *fixture = (struct fixture *)sink;
    struct buffer *events = &fixture->events;
    struct text source = shortened(fixture, group->source);

    buffer_printf(events, "%c%.*s", group->target_count ? '+' : '-', TEXT_FORMAT(source));
    for (size_t i = 0; i < group->target_count; i++)
        buffer_printf(events, " %.*s",
                      TEXT_FORMAT(labels_get(group->targets[i], TEXT("__address__"))));
    if (group->target_count) {
        struct text filepath = labels_get(group->labels, TEXT("__meta_filepath"));
        struct text env = labels_get(group->labels, TEXT("env"));
        assert_true(text_has_prefix(source, shortened(fixture, filepath)));
        if (env.length)
            buffer_printf(events, "{env=%.*s}", TEXT_FORMAT(env));
    }
    buffer_append_char(events, ';');
    if (fixture->wanted && strcmp(events->bytes, fixture->wanted) == 0)
        loop_stop(fixture->loop);
}

static void on_synced(struct target_sink *sink)
{
    ((struct fixture *)sink)->synced++;
}

static void on_deadline(void *context)
{
    loop_stop(((struct fixture *)context)->loop);
}

static char *path_of(const struct fixture *fixture, const char *name)
{
    char *path;
    assert_true(asprintf(&path, "%s/%s", fixture->folder, name) > 0);
    return path;
}

static void put(const struct fixture *fixture, const char *name, const char *text)
{
    autofree char *path = path_of(fixture, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void make_folder(const struct fixture *fixture, const char *name)
{
    autofree char *path = path_of(fixture, name);
    assert_int_equal(mkdir(path, 0755), 0);
}

static void move(const struct fixture *fixture, const char *from, const char *to)
{
    autofree char *old = path_of(fixture, from), *new = path_of(fixture, to);
    assert_int_equal(rename(old, new), 0);
}

static void drop(const struct fixture *fixture, const char *name)
{
    autofree char *path = path_of(fixture, name);
    assert_int_equal(unlink(path), 0);
}

static void link_to(const struct fixture *fixture, const char *target, const char *name)
{
    autofree char *path = path_of(fixture, name);
    assert_int_equal(symlink(target, path), 0);
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    log_setup(LOG_LEVEL_ERROR + 1, LOG_FORMAT_LOGFMT); /* bad files are logged as errors */
    fixture->sink = (struct target_sink){on_update, on_synced};
    strcpy(fixture->folder, "/tmp/edgemeter-file-sd-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    buffer_init(&fixture->events, 1 << 16);
    assert_int_equal(loop_new(&fixture->loop), 0);
    assert_int_equal(metric_registry_new(&fixture->metrics), 0);
    assert_int_equal(loop_timer_new(fixture->loop, on_deadline, fixture, &fixture->deadline), 0);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    autofree char *command = NULL;

    if (fixture->discoverer)
        fixture->discoverer->free(fixture->discoverer);
    discoverer_config_release(&fixture->config);
    loop_timer_free(&fixture->deadline);
    loop_free(&fixture->loop);
    metric_registry_free(&fixture->metrics);
    buffer_free(&fixture->events);
    assert_true(asprintf(&command, "rm -rf '%s'", fixture->folder) > 0);
    assert_int_equal(system(command), 0);
    free(fixture);
    return 0;
}

static void start(struct fixture *fixture, const char *first, const char *second,
                  uint64_t refresh_interval_ns)
{
    struct discovery_environment environment = {.loop = fixture->loop, .metrics = fixture->metrics};
    struct discoverer_config *config = fixture->config = calloc(1, sizeof(*config));

    config->kind = DISCOVERER_FILE;
    config->file.refresh_interval_ns = refresh_interval_ns;
    config->file.patterns = calloc(2, sizeof(char *));
    config->file.patterns[config->file.pattern_count++] = path_of(fixture, first);
    if (second)
        config->file.patterns[config->file.pattern_count++] = path_of(fixture, second);
    buffer_append_string(&fixture->events, "");
    assert_int_equal(
        file_discoverer_new(&environment, config, &fixture->sink, &fixture->discoverer), 0);
    assert_int_equal(fixture->synced, 1);
}

static void run_for(struct fixture *fixture, uint64_t ns)
{
    loop_timer_after(fixture->deadline, ns);
    assert_int_equal(loop_run(fixture->loop), 0);
    loop_timer_disarm(fixture->deadline);
}

/* The events since the last look; waits for them, then that nothing more comes. */
static void expect(struct fixture *fixture, const char *wanted)
{
    fixture->wanted = wanted;
    if (strcmp(fixture->events.bytes, wanted) != 0)
        run_for(fixture, LIMIT_NS);
    fixture->wanted = NULL;
    run_for(fixture, QUIET_NS);
    assert_string_equal(fixture->events.bytes, wanted);
    buffer_clear(&fixture->events);
    buffer_append_string(&fixture->events, "");
}

static void test_changes(void **state)
{
    struct fixture *fixture = *state;

    put(fixture, "a.yml", "- targets: [a:1]\n- targets: [b:1]\n  labels: {env: prod}\n");
    put(fixture, "b.json", "[{\"targets\": [\"c:1\", \"d:1\"]}]");
    put(fixture, "other.yml", "- targets: [z:1]\n");
    start(fixture, "a.yml", "b.json", 300 * NS_PER_SECOND);
    expect(fixture, "+a.yml:0 a:1;+a.yml:1 b:1{env=prod};+b.json:0 c:1 d:1;");

    put(fixture, "a.yml", "- targets: [a:1, x:1]\n");
    expect(fixture, "+a.yml:0 a:1 x:1;-a.yml:1;");
    put(fixture, "a.yml", "- targets: [a:1, x:1]\n"); /* the same again */
    put(fixture, "other.yml", "- targets: [y:1]\n");
    expect(fixture, "");

    put(fixture, ".new", "[{\"targets\": [\"e:1\"]}]");
    move(fixture, ".new", "b.json");
    expect(fixture, "+b.json:0 e:1;");
    drop(fixture, "b.json");
    expect(fixture, "-b.json:0;");
    put(fixture, "b.json", "[{\"targets\": [\"e:1\"]}]");
    expect(fixture, "+b.json:0 e:1;");
    put(fixture, "a.yml", "");
    expect(fixture, "-a.yml:0;");
    assert_float_equal(metric_line(fixture->metrics, "prometheus_sd_file_read_errors_total"), 0, 0);
}

static void test_bad_file(void **state)
{
    struct fixture *fixture = *state;

    put(fixture, "a.yml", "- targets: [a:1]\n");
    start(fixture, "*.yml", NULL, 300 * NS_PER_SECOND);
    expect(fixture, "+a.yml:0 a:1;");
    put(fixture, "a.yml", "- targets: [b:1\n");
    put(fixture, "b.yml", "targets: [b:1]\n");
    expect(fixture, "");
    assert_true(metric_line(fixture->metrics, "prometheus_sd_file_read_errors_total") >= 2);
    put(fixture, "a.yml", "- targets: [a:1]\n"); /* back to what it was */
    put(fixture, "b.yml", "- targets: [b:1]\n");
    expect(fixture, "+a.yml:0 a:1;+b.yml:0 b:1;");
    drop(fixture, "b.yml");
    make_folder(fixture, "b.yml"); /* cannot be read, but is there: keeps its targets */
    expect(fixture, "");
}

/* A writer that takes its time: what it has not closed is not looked at. */
static void test_open_file(void **state)
{
    struct fixture *fixture = *state;

    put(fixture, "a.yml", "- targets: [a:1]\n");
    start(fixture, "*.yml", NULL, 300 * NS_PER_SECOND);
    expect(fixture, "+a.yml:0 a:1;");
    autofree char *path = path_of(fixture, "a.yml"), *added = path_of(fixture, "b.yml");
    FILE *file = fopen(path, "w"), *other = fopen(added, "w");
    expect(fixture, "");
    fputs("- targets: [b:1]\n", file);
    fputs("- targets: [c:1]\n", other);
    fclose(file);
    fclose(other);
    autofree char *open = path_of(fixture, "c.yml");
    file = fopen(open, "w"); /* no news, behind some that are */
    expect(fixture, "+a.yml:0 b:1;+b.yml:0 c:1;");
    fclose(file);
    assert_float_equal(metric_line(fixture->metrics, "prometheus_sd_file_read_errors_total"), 0, 0);
}

/* kubelet: the files are links through ..data, a link to a folder that is put in place by a rename.
 */
static void test_config_map(void **state)
{
    struct fixture *fixture = *state;

    make_folder(fixture, "..1");
    put(fixture, "..1/a.yml", "- targets: [a:1]\n");
    link_to(fixture, "..1", "..data");
    link_to(fixture, "..data/a.yml", "a.yml");
    start(fixture, "*.yml", "..data/*.yml", 300 * NS_PER_SECOND);
    expect(fixture, "+a.yml:0 a:1;+..data/a.yml:0 a:1;");

    for (int i = 2; i < 5; i++) {
        char name[32], text[64], wanted[128];
        snprintf(name, sizeof(name), "..%d", i);
        make_folder(fixture, name);
        snprintf(name, sizeof(name), "..%d/a.yml", i);
        snprintf(text, sizeof(text), "- targets: [b:%d]\n", i);
        put(fixture, name, text);
        snprintf(name, sizeof(name), "..%d", i);
        link_to(fixture, name, "..data_tmp");
        move(fixture, "..data_tmp", "..data");
        snprintf(wanted, sizeof(wanted), "+a.yml:0 b:%d;+..data/a.yml:0 b:%d;", i, i);
        expect(fixture, wanted);
    }
}

static void test_folder_comes_and_goes(void **state)
{
    struct fixture *fixture = *state;

    start(fixture, "later/*.json", NULL, 300 * NS_PER_SECOND);
    expect(fixture, "");
    assert_float_equal(metric_line(fixture->metrics, "prometheus_sd_file_watcher_errors_total"), 1,
                       0);
    make_folder(fixture, "later");
    put(fixture, "later/a.json", "[{\"targets\": [\"a:1\"]}]");
    expect(fixture, "+later/a.json:0 a:1;");
    put(fixture, "later/b.json", "[{\"targets\": [\"b:1\"]}]");
    expect(fixture, "+later/b.json:0 b:1;");
    move(fixture, "later", "gone");
    expect(fixture, "-later/b.json:0;-later/a.json:0;");
    move(fixture, "gone", "later");
    expect(fixture, "+later/a.json:0 a:1;+later/b.json:0 b:1;");
}

/* The folder itself is a link that is switched: nothing happens in either of the two. */
static void test_folder_is_switched(void **state)
{
    struct fixture *fixture = *state;

    make_folder(fixture, "v1");
    make_folder(fixture, "v2");
    put(fixture, "v1/a.yml", "- targets: [a:1]\n");
    put(fixture, "v2/a.yml", "- targets: [b:1]\n");
    link_to(fixture, "v1", "current");
    start(fixture, "current/*.yml", NULL, 300 * NS_PER_SECOND);
    expect(fixture, "+current/a.yml:0 a:1;");
    link_to(fixture, "v2", "next");
    move(fixture, "next", "current");
    expect(fixture, "+current/a.yml:0 b:1;");
    put(fixture, "v2/b.yml", "- targets: [c:1]\n"); /* and that is where it looks now */
    expect(fixture, "+current/b.yml:0 c:1;");
}

/* A link to a file elsewhere: nothing happens in the folder, the refresh interval finds it. */
static void test_refresh_interval(void **state)
{
    struct fixture *fixture = *state;

    make_folder(fixture, "elsewhere");
    make_folder(fixture, "here");
    put(fixture, "elsewhere/x", "- targets: [a:1]\n");
    link_to(fixture, "../elsewhere/x", "here/a.yml");
    start(fixture, "here/a.yml", NULL, 200 * NS_PER_MS);
    expect(fixture, "+here/a.yml:0 a:1;");
    put(fixture, "elsewhere/x", "- targets: [b:1]\n");
    expect(fixture, "+here/a.yml:0 b:1;");
    assert_true(metric_line(fixture->metrics, "prometheus_sd_file_scan_duration_seconds_count") >
                2);
}

/* While there is no descriptor left to list the folder with, nobody knows that a file is gone. */
static void test_folder_cannot_be_listed(void **state)
{
    struct fixture *fixture = *state;
    struct rlimit limit, none;

    put(fixture, "a.yml", "- targets: [a:1]\n");
    put(fixture, "b.yml", "- targets: [b:1]\n");
    start(fixture, "*.yml", NULL, 300 * NS_PER_MS);
    expect(fixture, "+a.yml:0 a:1;+b.yml:0 b:1;");
    int next = dup(0);
    assert_true(next >= 0);
    close(next);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = (struct rlimit){(rlim_t)next, limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    drop(fixture, "b.yml");
    expect(fixture, "");
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    expect(fixture, "-b.yml:0;");
}

static void test_mtime(void **state)
{
    struct fixture *fixture = *state;
    autofree char *path = path_of(fixture, "a.yml"), *name = NULL;
    const struct timespec times[2] = {{1700000000, 5}, {1700000000, 5}};
    const struct timespec later[2] = {{1700000600, 5}, {1700000600, 5}};

    put(fixture, "a.yml", "- targets: [a:1]\n");
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    start(fixture, "a.yml", NULL, 300 * NS_PER_SECOND);
    assert_true(asprintf(&name, "prometheus_sd_file_mtime_seconds{filename=\"%s\"}", path) > 0);
    assert_float_equal(metric_line(fixture->metrics, name), 1700000000, 0);
    put(fixture, "a.yml", "- targets: [a:1]\n"); /* written anew, as it was */
    assert_int_equal(utimensat(AT_FDCWD, path, later, 0), 0);
    expect(fixture, "+a.yml:0 a:1;");
    assert_float_equal(metric_line(fixture->metrics, name), 1700000600, 0);
    drop(fixture, "a.yml");
    expect(fixture, "-a.yml:0;");
    assert_float_equal(metric_line(fixture->metrics, name), -1, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_changes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_open_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_config_map, setup, teardown),
        cmocka_unit_test_setup_teardown(test_folder_comes_and_goes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_folder_is_switched, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refresh_interval, setup, teardown),
        cmocka_unit_test_setup_teardown(test_folder_cannot_be_listed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mtime, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
