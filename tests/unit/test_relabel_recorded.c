/* SPDX-License-Identifier: Apache-2.0 */
/* Our rules against what real Prometheus servers made of the same: tests/recorded/relabel.txt, from
 * the rules' YAML to the target. record_relabel.py says how the file is read. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/yaml_tree.h"
#include "config/config.h"
#include "scrape/target.h"

#define TABLE "tests/recorded/relabel.txt"
#define LEAST_CASES 500

#define LINE_MAX_BYTES 65536

struct recorded {
    char labels[LINE_MAX_BYTES], rules[LINE_MAX_BYTES];
    char expected[LINE_MAX_BYTES]; /* the last line of outcomes */
    unsigned line;
};

/* Flow mappings of JSON are YAML. */
static struct labels *read_labels(const char *json)
{
    struct problems problems = {.file = "labels"};
    struct labels_builder *builder;
    struct yaml_tree *tree;
    struct labels *labels;

    assert_int_equal(yaml_tree_parse(text_of(json), &problems, &tree), 0);
    assert_int_equal(labels_builder_new(&builder), 0);
    labels_builder_set(builder, TEXT("__address__"), TEXT("127.0.0.1:1"));
    labels_builder_set(builder, TEXT("job"), TEXT("j"));
    const struct yaml_tree_node *root = yaml_tree_root(tree);
    for (size_t i = 0; i < root->count; i++)
        labels_builder_set(builder, root->pairs[i].key->text, root->pairs[i].value->text);
    assert_int_equal(labels_builder_build(builder, &labels), 0);
    labels_builder_free(&builder);
    yaml_tree_free(&tree);
    problems_free(&problems);
    return labels;
}

static struct config *read_rules(const char *json)
{
    struct problems problems = {.file = "rules"};
    struct config *config = NULL;
    autobuffer struct buffer yaml;

    buffer_init(&yaml, 1 << 20);
    buffer_printf(&yaml,
                  "scrape_configs: [{job_name: j, scrape_interval: 100y, relabel_configs: %s}]\n"
                  "remote_write: [{url: 'http://127.0.0.1:1'}]\n",
                  json);
    int error = config_parse("rules", yaml.bytes, yaml.length, &config, &problems);
    assert_true(error == 0 || error == -EINVAL);
    problems_free(&problems);
    return config;
}

static void write_target(const struct target *target, struct buffer *out)
{
    buffer_append_string(out, "kept ");
    labels_write(target->labels, out);
    buffer_printf(out, " %s", target->url);
}

static void our_outcome(const struct recorded *recorded, struct buffer *out)
{
    __attribute__((cleanup(target_free))) struct target *target = NULL;
    autofree struct labels *labels = read_labels(recorded->labels);
    struct config *config = read_rules(recorded->rules);
    char reason[TARGET_REASON_SIZE];

    if (!config) {
        buffer_append_string(out, "rejected");
        return;
    }
    int error = target_new(config->scrapes[0], NULL, labels, &target, reason);
    assert_true(error == 0 || error == -EINVAL);
    if (error)
        buffer_append_string(out, "no-target");
    else if (target->dropped)
        buffer_append_string(out, "dropped");
    else
        write_target(target, out);
    config_free(&config);
}

static void take_outcome(struct recorded *recorded, const char *line)
{
    const char *outcome = strchr(line, ' ');
    if (outcome && *line != '#')
        snprintf(recorded->expected, sizeof(recorded->expected), "%s", outcome + 1);
}

/* One case up to the empty line behind it; false at the end. */
static bool read_case(FILE *file, struct recorded *recorded, unsigned *line_number)
{
    autofree char *line = NULL;
    size_t size = 0;
    ssize_t length;

    *recorded->labels = *recorded->rules = *recorded->expected = '\0';
    while ((length = getline(&line, &size, file)) > 0) {
        ++*line_number;
        assert_true(length < LINE_MAX_BYTES);
        if (line[length - 1] == '\n')
            line[length - 1] = '\0';
        if (!*line && *recorded->expected)
            return true;
        if (!strncmp(line, "labels ", 7))
            snprintf(recorded->labels, sizeof(recorded->labels), "%s", line + 7);
        else if (!strncmp(line, "rules ", 6))
            snprintf(recorded->rules, sizeof(recorded->rules), "%s", line + 6);
        else if (*recorded->rules)
            take_outcome(recorded, line);
        recorded->line = *line_number;
    }
    return *recorded->expected;
}

static void test_recorded(void **state)
{
    static struct recorded recorded;
    unsigned line = 0, cases = 0, wrong = 0;
    FILE *file = fopen(TABLE, "r");

    (void)state;
    log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
    assert_non_null(file);
    for (; read_case(file, &recorded, &line); cases++) {
        autobuffer struct buffer ours;
        buffer_init(&ours, 1 << 20);
        our_outcome(&recorded, &ours);
        if (!strcmp(ours.bytes, recorded.expected))
            continue;
        wrong++;
        fprintf(stderr, "%s:%u: labels %s\n  rules %s\n  Prometheus: %s\n  edgemeter:  %s\n", TABLE,
                recorded.line, recorded.labels, recorded.rules, recorded.expected, ours.bytes);
    }
    fclose(file);
    assert_int_equal(wrong, 0);
    assert_true(cases >= LEAST_CASES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_recorded)};
    return cmocka_run_group_tests_name("relabel_recorded", tests, NULL, NULL);
}
