/* SPDX-License-Identifier: Apache-2.0 */
/* The making of a rule: Prometheus' defaults and checks, in its words. Label names may be any
 * UTF-8, as in Prometheus 3. */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "model/regex/regex.h"
#include "model/relabel.h"

#define DEFAULT_SEPARATOR ";"
#define DEFAULT_PATTERN "(.*)"
#define DEFAULT_REPLACEMENT "$1"

static const struct {
    const char *name;
    bool target;         /* target_label is needed */
    bool no_replacement; /* replacement must not be set */
    const char *only;    /* what alone may be set */
} actions[RELABEL_ACTIONS] = {
    [RELABEL_REPLACE] = {"replace", .target = true},
    [RELABEL_KEEP] = {"keep"},
    [RELABEL_DROP] = {"drop"},
    [RELABEL_KEEPEQUAL] = {"keepequal", .target = true, .no_replacement = true,
                           .only = "'source_labels' and `target_label`"},
    [RELABEL_DROPEQUAL] = {"dropequal", .target = true, .no_replacement = true,
                           .only = "'source_labels' and `target_label`"},
    [RELABEL_HASHMOD] = {"hashmod", .target = true},
    [RELABEL_LABELMAP] = {"labelmap"},
    [RELABEL_LABELDROP] = {"labeldrop", .only = "'regex'"},
    [RELABEL_LABELKEEP] = {"labelkeep", .only = "'regex'"},
    [RELABEL_LOWERCASE] = {"lowercase", .target = true, .no_replacement = true},
    [RELABEL_UPPERCASE] = {"uppercase", .target = true, .no_replacement = true},
};

int relabel_action_parse(struct text name, enum relabel_action *out)
{
    for (int i = 0; i < RELABEL_ACTIONS; i++) {
        if (name.length != strlen(actions[i].name) ||
            strncasecmp(name.bytes, actions[i].name, name.length) != 0)
            continue;
        *out = i;
        return 0;
    }
    return -EINVAL;
}

int relabel_rule_init(struct relabel_rule *rule)
{
    *rule = (struct relabel_rule){
        .separator = strdup(DEFAULT_SEPARATOR),
        .pattern = strdup(DEFAULT_PATTERN),
        .target_label = strdup(""),
        .replacement = strdup(DEFAULT_REPLACEMENT),
    };
    return rule->separator && rule->pattern && rule->target_label && rule->replacement ? 0
                                                                                       : -ENOMEM;
}

__attribute__((format(printf, 3, 4))) static int
rule_fault(struct relabel_fault *fault, const char *key, const char *format, ...)
{
    va_list arguments;

    fault->key = key;
    va_start(arguments, format);
    vsnprintf(fault->reason, sizeof(fault->reason), format, arguments);
    va_end(arguments);
    return -EINVAL;
}

/* The keys that an action with few keys has not, where they differ from their defaults. */
static const char *surplus_key(const struct relabel_rule *rule)
{
    bool labels = rule->action == RELABEL_LABELDROP || rule->action == RELABEL_LABELKEEP;

    if (labels && rule->source_labels_given)
        return "source_labels";
    if (labels && *rule->target_label)
        return "target_label";
    if (!labels && rule->pattern_given)
        return "regex";
    if (rule->modulus)
        return "modulus";
    if (strcmp(rule->separator, DEFAULT_SEPARATOR) != 0)
        return "separator";
    return strcmp(rule->replacement, DEFAULT_REPLACEMENT) != 0 ? "replacement" : NULL;
}

int relabel_rule_check(const struct relabel_rule *rule, struct relabel_fault *fault)
{
    const char *name = actions[rule->action].name;

    if (rule->action == RELABEL_HASHMOD && !rule->modulus)
        return rule_fault(fault, "modulus",
                          "relabel configuration for hashmod requires non-zero modulus");
    if (rule->action == RELABEL_HASHMOD && !relabel_can_hash())
        return rule_fault(fault, "action",
                          "hashmod needs MD5, which libcrypto here does not offer");
    if (actions[rule->action].target && !*rule->target_label)
        return rule_fault(fault, "target_label",
                          "relabel configuration for %s action requires 'target_label' value",
                          name);
    if (actions[rule->action].no_replacement && strcmp(rule->replacement, DEFAULT_REPLACEMENT) != 0)
        return rule_fault(fault, "replacement", "'replacement' can not be set for %s action", name);
    if (rule->action == RELABEL_LABELMAP && !*rule->replacement)
        return rule_fault(fault, "replacement", "\"\" is invalid 'replacement' for %s action",
                          name);
    const char *surplus = actions[rule->action].only ? surplus_key(rule) : NULL;
    if (surplus)
        return rule_fault(fault, surplus, "%s action requires only %s, and no other fields", name,
                          actions[rule->action].only);
    return 0;
}

int relabel_rule_compile(struct relabel_rule *rule, struct relabel_fault *fault)
{
    struct regex_error regex;

    int error = regex_new(text_of(rule->pattern), &rule->regex, &regex);
    if (error == -EINVAL)
        return rule_fault(fault, "regex", "%s (at byte %zu of the pattern)", regex.message,
                          regex.offset + 1);
    if (!error)
        error =
            regex_template_new(rule->regex, text_of(rule->target_label), &rule->target_template);
    return error ? error
                 : regex_template_new(rule->regex, text_of(rule->replacement),
                                      &rule->replacement_template);
}

static void rule_free(struct relabel_rule *rule)
{
    for (size_t i = 0; i < rule->source_label_count; i++)
        free(rule->source_labels[i]);
    free(rule->source_labels);
    free(rule->separator);
    free(rule->pattern);
    free(rule->target_label);
    free(rule->replacement);
    regex_template_free(&rule->target_template);
    regex_template_free(&rule->replacement_template);
    regex_free(&rule->regex);
}

void relabel_rules_free(struct relabel_rules *rules)
{
    for (size_t i = 0; i < rules->count; i++)
        rule_free(&rules->list[i]);
    free(rules->list);
    *rules = (struct relabel_rules){0};
}
