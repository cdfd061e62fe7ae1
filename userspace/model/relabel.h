/* SPDX-License-Identifier: Apache-2.0 */
/* Relabelling rules, Prometheus' <relabel_config>, and what they make of a label set. */
#ifndef EDGEMETER_MODEL_RELABEL_H
#define EDGEMETER_MODEL_RELABEL_H

#include "model/labels.h"

enum relabel_action {
    RELABEL_REPLACE,
    RELABEL_KEEP,
    RELABEL_DROP,
    RELABEL_KEEPEQUAL,
    RELABEL_DROPEQUAL,
    RELABEL_HASHMOD,
    RELABEL_LABELMAP,
    RELABEL_LABELDROP,
    RELABEL_LABELKEEP,
    RELABEL_LOWERCASE,
    RELABEL_UPPERCASE,
    RELABEL_ACTIONS
};

struct regex;
struct regex_template;

struct relabel_rule {
    enum relabel_action action;
    char **source_labels;
    size_t source_label_count;
    char *separator; /* ";" */
    char *pattern;   /* "(.*)" */
    uint64_t modulus;
    char *target_label; /* "" */
    char *replacement;  /* "$1" */
    bool source_labels_given, pattern_given;

    /* from relabel_rule_compile */
    struct regex *regex;
    struct regex_template *target_template, *replacement_template;
};

struct relabel_rules {
    struct relabel_rule *list;
    size_t count;
};

#define RELABEL_REASON_SIZE 256
struct relabel_fault {
    const char *key; /* the one to look at, given or missing */
    char reason[RELABEL_REASON_SIZE];
};

/* Prometheus' name of an action, in any case; -EINVAL. */
int relabel_action_parse(struct text name, enum relabel_action *out);

/* The defaults. 0 or -ENOMEM. */
int relabel_rule_init(struct relabel_rule *rule);
/* Whether what was filled in goes together. 0, or -EINVAL with the fault. */
int relabel_rule_check(const struct relabel_rule *rule, struct relabel_fault *fault);
/* 0, -ENOMEM, or -EINVAL with the fault of the regex. */
int relabel_rule_compile(struct relabel_rule *rule, struct relabel_fault *fault);
void relabel_rules_free(struct relabel_rules *rules);

/* Whether this machine's libcrypto has MD5: hashmod needs it. */
bool relabel_can_hash(void);

/* Working memory of relabelling; one serves any rules, one set after the other. */
struct relabeler;
int relabeler_new(struct relabeler **out);
void relabeler_free(struct relabeler **relabeler);

enum relabel_verdict { RELABEL_DROPPED, RELABEL_KEPT };
/* Changes the builder's labels. A verdict (of a dropped set nothing is to be made), or -ENOMEM or
 * -E2BIG (past LABELS_MAX_...). */
int relabel_apply(struct relabeler *relabeler, const struct relabel_rules *rules,
                  struct labels_builder *builder);

#endif
