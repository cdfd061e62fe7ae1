/* SPDX-License-Identifier: Apache-2.0 */
/* Discoverers of static_configs over reloads: what reaches the job's sink, and what is left alone.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "discover/discovery.h"

struct fixture {
    struct target_sink sink; /* first: the sink is the fixture */
    struct metric_registry *metrics;
    struct discovery *discovery;
    struct buffer events; /* "+source a:1{env=prod} b:1;" and "-source;" */
};

static void write_labels(const struct labels *labels, struct buffer *out)
{
    for (struct label_cursor c = labels_first(labels); labels_next(&c);)
        buffer_printf(out, " %.*s=%.*s", TEXT_FORMAT(c.label.name), TEXT_FORMAT(c.label.value));
}

static void on_update(struct target_sink *sink, const struct target_group *group)
{
    struct buffer *events = &((struct fixture *)sink)->events;

    buffer_printf(events, "%c%.*s", group->target_count ? '+' : '-', TEXT_FORMAT(group->source));
    for (size_t i = 0; i < group->target_count; i++)
        buffer_printf(events, " %.*s",
                      TEXT_FORMAT(labels_get(group->targets[i], TEXT("__address__"))));
    if (group->target_count)
        write_labels(group->labels, events);
    buffer_append_char(events, ';');
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    fixture->sink.update = on_update;
    buffer_init(&fixture->events, 1 << 16);
    assert_int_equal(metric_registry_new(&fixture->metrics), 0);
    struct discovery_environment environment = {.metrics = fixture->metrics};
    assert_int_equal(discovery_new(&environment, &fixture->discovery), 0);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    discovery_free(&fixture->discovery);
    metric_registry_free(&fixture->metrics);
    buffer_free(&fixture->events);
    free(fixture);
    return 0;
}

/* One static_configs of a group for each text: its targets, one letter each. */
static struct discoverer_config *make(uint64_t digest, const char *const *groups)
{
    struct discoverer_config *config = calloc(1, sizeof(*config));

    config->kind = DISCOVERER_STATIC;
    config->digest = digest;
    config->statics.groups = calloc(8, sizeof(*config->statics.groups));
    for (; *groups; groups++) {
        struct static_targets *group = &config->statics.groups[config->statics.group_count++];
        group->targets = calloc(8, sizeof(*group->targets));
        for (const char *name = *groups; *name; name++)
            assert_true(asprintf(&group->targets[group->target_count++], "%c:1", *name) > 0);
        group->labels = calloc(1, sizeof(*group->labels));
        group->label_count = 1;
        group->labels[0] = (struct static_label){strdup("env"), strdup("prod")};
    }
    return config;
}
#define MAKE(digest, ...) make(digest, (const char *const[]){__VA_ARGS__, NULL})

static void apply(struct fixture *fixture, const char *job, struct discoverer_config *first,
                  struct discoverer_config *second)
{
    struct discoverer_config *list[] = {first, second};
    struct discovery_config config = {list, (first != NULL) + (second != NULL)};
    struct discovery_job jobs = {job, &config, &fixture->sink};

    buffer_clear(&fixture->events);
    buffer_append_string(&fixture->events, "");
    assert_int_equal(discovery_apply(fixture->discovery, &jobs, job ? 1 : 0), 0);
    discoverer_config_release(&first);
    discoverer_config_release(&second);
}

static void has_metric(struct fixture *fixture, const char *line, bool wanted)
{
    autobuffer struct buffer out;
    buffer_init(&out, 1 << 16);
    assert_int_equal(metric_registry_write(fixture->metrics, &out), 0);
    assert_int_equal(strstr(out.bytes, line) != NULL, wanted);
}

#define DISCOVERED(n) "prometheus_sd_discovered_targets{config=\"j\",name=\"scrape\"} " n "\n"

static void test_groups(void **state)
{
    struct fixture *fixture = *state;

    apply(fixture, "j", MAKE(1, "ab", "c"), NULL);
    assert_string_equal(fixture->events.bytes, "+0/0 a:1 b:1 env=prod;+0/1 c:1 env=prod;");
    has_metric(fixture, DISCOVERED("3"), true);
    has_metric(fixture, "prometheus_sd_received_updates_total{name=\"scrape\"} 2\n", true);
    has_metric(fixture, "prometheus_sd_failed_configs{name=\"scrape\"} 0\n", true);
}

static void test_reload(void **state)
{
    struct fixture *fixture = *state;

    apply(fixture, "j", MAKE(1, "ab", "c"), NULL);
    apply(fixture, "j", MAKE(1, "ab", "c"), NULL); /* unchanged: not a word */
    assert_string_equal(fixture->events.bytes, "");

    apply(fixture, "j", MAKE(2, "ax"), NULL); /* its successor: the second group is gone */
    assert_string_equal(fixture->events.bytes, "+0/0 a:1 x:1 env=prod;-0/1;");
    has_metric(fixture, DISCOVERED("2"), true);

    apply(fixture, "j", MAKE(3, "d"), MAKE(2, "ax")); /* the old one moves, it is not succeeded */
    assert_string_equal(fixture->events.bytes, "+1/0 d:1 env=prod;");
    has_metric(fixture, DISCOVERED("3"), true);

    apply(fixture, "j", MAKE(2, "ax"), NULL);
    assert_string_equal(fixture->events.bytes, "-1/0;");

    apply(fixture, "j", NULL, NULL);
    assert_string_equal(fixture->events.bytes, "-0/0;");
    has_metric(fixture, DISCOVERED("0"), true);
}

static void test_job_gone(void **state)
{
    struct fixture *fixture = *state;

    apply(fixture, "j", MAKE(1, "a"), NULL);
    apply(fixture, "k", MAKE(1, "a"), NULL); /* the sink of j may be gone: it is told nothing */
    assert_string_equal(fixture->events.bytes, "+1/0 a:1 env=prod;");
    has_metric(fixture, "config=\"j\"", false);
    apply(fixture, NULL, NULL, NULL);
    assert_string_equal(fixture->events.bytes, "");
}

/* So many groups that the table of sources grows, and all of them go. */
static void test_many_groups(void **state)
{
    enum { GROUPS = 5000 };
    struct fixture *fixture = *state;
    struct discoverer_config *config = calloc(1, sizeof(*config));

    config->kind = DISCOVERER_STATIC;
    config->digest = 1;
    config->statics.groups = calloc(GROUPS, sizeof(*config->statics.groups));
    config->statics.group_count = GROUPS;
    for (size_t i = 0; i < GROUPS; i++) {
        struct static_targets *group = &config->statics.groups[i];
        group->targets = calloc(1, sizeof(*group->targets));
        group->target_count = 1;
        group->targets[0] = strdup("a:1");
    }
    buffer_free(&fixture->events);
    buffer_init(&fixture->events, 1 << 20);
    apply(fixture, "j", config, NULL);
    has_metric(fixture, DISCOVERED("5000"), true);
    apply(fixture, "j", MAKE(2, "z"), NULL);
    has_metric(fixture, DISCOVERED("1"), true);
    size_t gone = 0;
    for (const char *at = fixture->events.bytes; (at = strstr(at, "-0/")); at++)
        gone++;
    assert_int_equal(gone, GROUPS - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_groups, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reload, setup, teardown),
        cmocka_unit_test_setup_teardown(test_job_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_groups, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
