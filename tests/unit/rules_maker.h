/* SPDX-License-Identifier: Apache-2.0 */
/* Relabelling rules from literals. */
#ifndef EDGEMETER_TESTS_RULES_MAKER_H
#define EDGEMETER_TESTS_RULES_MAKER_H

#include <stdlib.h>

#include "model/relabel.h"

/* NULL for `source`: no source label. */
static inline void add_rule(struct relabel_rules *rules, enum relabel_action action,
                            const char *source, const char *regex, const char *target,
                            const char *replacement)
{
    struct relabel_fault fault;

    rules->list = reallocarray(rules->list, rules->count + 1, sizeof(*rules->list));
    assert_non_null(rules->list);
    struct relabel_rule *rule = &rules->list[rules->count++];
    assert_int_equal(relabel_rule_init(rule), 0);
    rule->action = action;
    if (source) {
        rule->source_labels = calloc(1, sizeof(char *));
        rule->source_labels[0] = strdup(source);
        rule->source_label_count = 1;
    }
    free(rule->pattern);
    free(rule->target_label);
    free(rule->replacement);
    rule->pattern = strdup(regex);
    rule->target_label = strdup(target);
    rule->replacement = strdup(replacement);
    if (relabel_rule_compile(rule, &fault))
        fail_msg("%s", fault.reason);
}

#endif
