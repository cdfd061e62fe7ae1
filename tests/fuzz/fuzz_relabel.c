/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer target for relabelling rules, regexes and templates in them. The input is fields with
 * 0xff between them: action, regex, replacement, target label, separator, then names and values of
 * labels; the source labels are the first two. Whatever they are: what regex_translate() takes
 * PCRE2 takes too, unless it is too large; a rule ends within its bound; and of labels that are
 * UTF-8, sorted and not empty a rule makes such labels.
 *
 *   clang -std=gnu11 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
 *       -D_GNU_SOURCE -Iuserspace tests/fuzz/fuzz_relabel.c
 * userspace/model/{regex*,relabel*,labels*}.c userspace/model/{letter_case,utf8,escape}.c
 * userspace/base/{buffer,text,log}.c -lpcre2-8 -lcrypto -lxxhash -o fuzz_relabel
 *   ./fuzz_relabel -dict=tests/fuzz/relabel.dict -max_len=400 -max_total_time=300
 *       NEW_CORPUS_FOLDER tests/fuzz/corpus/relabel */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "model/regex/regex_program.h"
#include "model/regex/regex_source.h"
#include "model/relabel.h"
#include "model/utf8.h"

#define MAX_FIELDS 32
#define FIRST_LABEL 5

static struct relabeler *relabeler;
static struct labels_builder *builder;

static char *copy(struct text text)
{
    return strndup(text.bytes ? text.bytes : "", text.length);
}

static size_t split(const uint8_t *bytes, size_t size, struct text fields[MAX_FIELDS])
{
    struct text rest = {(const char *)bytes, size};
    size_t count = 0;

    while (count < MAX_FIELDS) {
        const char *end = rest.length ? memchr(rest.bytes, 0xff, rest.length) : NULL;
        size_t length = end ? (size_t)(end - rest.bytes) : rest.length;
        fields[count++] = (struct text){rest.bytes, length};
        if (!end)
            break;
        rest = text_behind(rest, length + 1);
    }
    return count;
}

static void check_fault(const struct relabel_fault *fault)
{
    if (text_has_prefix(text_of(fault->reason), TEXT("not taken by PCRE2")))
        abort();
}

/* PCRE2 and our own program agree: whether the text matches, and where the groups are. */
static void check_two_ways(struct text pattern, struct text text)
{
    struct regex_tree tree;
    struct regex_error error;
    struct regex *regex = NULL;
    struct regex_program *program = NULL;
    size_t *offsets = NULL;

    if (!regex_parse(pattern, &tree, &error) && !regex_new(pattern, &regex, &error) &&
        !regex_program_new(&tree, &program)) {
        offsets = calloc(2 * tree.group_count, sizeof(*offsets));
        int matches = regex_program_run(program, text, offsets);
        if (matches >= 0 && matches != regex_match(regex, text))
            abort();
        for (size_t i = 0; matches > 0 && i < tree.group_count; i++) {
            struct text group = regex_group(regex, text, i);
            size_t start = group.bytes ? (size_t)(group.bytes - text.bytes) : REGEX_UNSET;
            if (start != offsets[2 * i] ||
                (group.bytes && start + group.length != offsets[2 * i + 1]))
                abort();
        }
    }
    free(offsets);
    regex_program_free(&program);
    regex_free(&regex);
    regex_tree_free(&tree);
}

static void check_labels(void)
{
    struct labels *labels;

    if (labels_builder_build(builder, &labels))
        abort();
    struct text before = {"", 0};
    for (struct label_cursor c = labels_first(labels); labels_next(&c); before = c.label.name) {
        if (!c.label.name.length || !c.label.value.length || !utf8_is_valid(c.label.name) ||
            !utf8_is_valid(c.label.value) || text_compare(before, c.label.name) >= 0)
            abort();
    }
    free(labels);
}

static void fill_rule(struct relabel_rule *rule, const struct text *fields, size_t count)
{
    char **texts[] = {&rule->pattern, &rule->replacement, &rule->target_label, &rule->separator};

    rule->action = fields[0].length ? (uint8_t)*fields[0].bytes % RELABEL_ACTIONS : 0;
    rule->modulus = rule->action == RELABEL_HASHMOD ? fields[0].length : 0;
    for (size_t i = 0; i < ARRAY_SIZE(texts) && i + 1 < count; i++) {
        free(*texts[i]);
        *texts[i] = copy(fields[i + 1]);
    }
    rule->source_labels = calloc(2, sizeof(char *));
    for (size_t i = FIRST_LABEL; i < count && rule->source_label_count < 2; i += 2)
        rule->source_labels[rule->source_label_count++] = copy(fields[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct text fields[MAX_FIELDS];
    struct relabel_fault fault = {0};
    struct relabel_rule rule;
    struct relabel_rules rules = {calloc(1, sizeof(rule)), 1};

    log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
    if (!builder && (labels_builder_new(&builder) || relabeler_new(&relabeler)))
        abort();
    size_t count = split(bytes, size, fields);
    if (relabel_rule_init(&rule))
        abort();
    fill_rule(&rule, fields, count);
    labels_builder_clear(builder);
    bool good = true;
    for (size_t i = FIRST_LABEL; i + 1 < count && good; i += 2) {
        good = utf8_is_valid(fields[i]) && utf8_is_valid(fields[i + 1]);
        if (good && fields[i].length)
            labels_builder_set(builder, fields[i], fields[i + 1]);
    }
    good = good && utf8_is_valid(text_of(rule.replacement)) &&
           utf8_is_valid(text_of(rule.target_label)) && utf8_is_valid(text_of(rule.separator));
    if (good) {
        if (count > FIRST_LABEL + 1 && utf8_is_valid(fields[1]))
            check_two_ways(fields[1], fields[FIRST_LABEL + 1]);
        int error = relabel_rule_check(&rule, &fault);
        if (!error)
            error = relabel_rule_compile(&rule, &fault);
        rules.list[0] = rule;
        if (error)
            check_fault(&fault);
        else if (relabel_apply(relabeler, &rules, builder) < 0)
            abort();
        else
            check_labels();
    }
    rules.list[0] = rule;
    relabel_rules_free(&rules);
    return 0;
}
