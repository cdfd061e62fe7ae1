/* SPDX-License-Identifier: Apache-2.0 */
/* relabel_configs in their four places: what is taken, and every problem at its place. The rules'
 * meaning is test_relabel_recorded.c's. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "config/config.h"
#include "config_fixture.h"

#define RULE                \
    "scrape_configs:\n"     \
    "- job_name: a\n"       \
    "  relabel_configs:\n"  \
    "  - target_label: t\n" \
    "    "
#define RULES_0 "scrape_configs[0].relabel_configs[0]"

static const struct {
    const char *yaml, *problems;
} broken[] = {
    {RULE "regex: (a", "f:5:12: " RULES_0 ".regex: ( without its ) (at byte 1 of the pattern)\n"},
    {RULE "regex: 'ab(?=c)'",
     "f:5:12: " RULES_0 ".regex: (?=: RE2 has no look-ahead (at byte 3 of the pattern)\n"},
    {RULE "regex: [a]", "f:5:12: " RULES_0 ".regex: must be a single value, not a list\n"},
    {RULE "action: jump",
     "f:5:13: " RULES_0 ".action: unknown relabel action \"jump\"; there are replace, keep, drop, "
     "keepequal, dropequal, hashmod, labelmap, labeldrop, labelkeep, lowercase and uppercase\n"},
    {RULE "action:", "f:5:12: " RULES_0 ": relabel action cannot be empty\n"},
    {RULE "action: hashmod",
     "f:4:5: " RULES_0 ": relabel configuration for hashmod requires non-zero modulus\n"},
    {RULE "modulus: -1", "f:5:14: " RULES_0 ".modulus: \"-1\" is not a whole number\n"},
    {RULE "modulus: '1'",
     "f:5:14: " RULES_0 ".modulus: \"1\" is not a whole number (quotes make it text)\n"},
    {RULE "source_labels: a",
     "f:5:20: " RULES_0 ".source_labels: must be a list, not a single value\n"},
    {RULE "source_labels: [a, '']",
     "f:5:24: " RULES_0 ".source_labels[1]: \"\" is not a valid label name\n"},
    {RULE "action: uppercase\n    replacement: x",
     "f:6:18: " RULES_0 ".replacement: 'replacement' can not be set for uppercase action\n"},
    {RULE "action: labeldrop",
     "f:4:19: " RULES_0
     ".target_label: labeldrop action requires only 'regex', and no other fields\n"},
    {RULE "action: keepequal\n    separator: ''",
     "f:6:16: " RULES_0 ".separator: keepequal action requires only 'source_labels' and "
     "`target_label`, and no other fields\n"},
    {RULE "action: labelmap\n    replacement: ''",
     "f:6:18: " RULES_0 ".replacement: \"\" is invalid 'replacement' for labelmap action\n"},
    {RULE "regexp: a", "f:5:5: unknown key \"regexp\" in " RULES_0 "; did you mean \"regex\"?\n"},
    {RULE "\n  - \n  - {}",
     "f:6:4: scrape_configs[0].relabel_configs[1]: an empty list item; remove it\n"
     "f:7:5: scrape_configs[0].relabel_configs[2]: relabel configuration for replace action "
     "requires 'target_label' value\n"},
    {"scrape_configs: [{job_name: a, metric_relabel_configs: [{regex: '*'}]}]\n"
     "remote_write: [{url: http://a, write_relabel_configs: {action: drop}}]\n"
     "http_metrics: {relabel_configs: [{action: labelkeep, regex: '\\1'}]}",
     "f:1:57: scrape_configs[0].metric_relabel_configs[0]: relabel configuration for replace "
     "action "
     "requires 'target_label' value\n"
     "f:1:65: scrape_configs[0].metric_relabel_configs[0].regex: * has nothing to repeat (at byte "
     "1 "
     "of the pattern)\n"
     "f:2:55: remote_write[0].write_relabel_configs: must be a list, not a mapping\n"
     "f:3:61: http_metrics.relabel_configs[0].regex: \\1: RE2 has no back-references (at byte 1 of "
     "the pattern)\n"},
};

static void test_broken(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
        struct config *config;
        int status;
        autofree char *problems = problems_of("f", broken[i].yaml, &status, &config);
        assert_int_equal(status, -EINVAL);
        assert_null(config);
        assert_string_equal(problems, broken[i].problems);
    }
}

static void test_taken(void **state)
{
    static const char yaml[] =
        "scrape_configs:\n"
        "- job_name: a\n"
        "  relabel_configs:\n"
        "  - {source_labels: [a, b-c], separator: , regex: , target_label: t, replacement: }\n"
        "  - {action: LabelDrop, regex: x}\n"
        "  metric_relabel_configs: [{action: drop}]\n"
        "remote_write: [{url: http://a, write_relabel_configs: [{action: keep, regex: 5}]}]\n"
        "http_metrics: {relabel_configs: [{action: hashmod, modulus: 8, target_label: h}]}\n";
    struct config *config;
    int status;
    autofree char *problems = problems_of("f", yaml, &status, &config);

    (void)state;
    assert_int_equal(status, 0);
    assert_string_equal(problems, "");
    const struct relabel_rules *targets = &config->scrapes[0]->relabels;
    assert_int_equal(targets->count, 2);
    assert_int_equal(targets->list[0].source_label_count, 2);
    assert_string_equal(targets->list[0].source_labels[1], "b-c");
    assert_string_equal(targets->list[0].separator, "");
    assert_string_equal(targets->list[0].pattern, "");
    assert_string_equal(targets->list[0].replacement, "");
    assert_int_equal(targets->list[1].action, RELABEL_LABELDROP);
    assert_string_equal(targets->list[1].separator, ";");
    assert_int_equal(config->scrapes[0]->metric_relabels.list[0].action, RELABEL_DROP);
    assert_string_equal(config->remotes[0]->relabels.list[0].pattern, "5");
    assert_int_equal(config->http_metrics->relabels.list[0].modulus, 8);
    config_free(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_broken), cmocka_unit_test(test_taken)};
    return cmocka_run_group_tests_name("config_relabel", tests, NULL, NULL);
}
