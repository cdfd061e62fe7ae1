/* SPDX-License-Identifier: Apache-2.0 */
/* Applies rules to labels, as Prometheus' relabel.Process does. */
#include "model/relabel.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "model/letter_case.h"
#include "model/regex/regex.h"

/* What labelmap will set: texts in the relabeler's `result`. */
struct mapped_label {
    uint32_t order, index; /* of the label that it is a copy of */
    size_t name, name_length;
    size_t value, value_length;
};

struct relabeler {
    struct buffer value; /* of several source labels */
    struct buffer name;  /* of the target */
    struct buffer result;
    struct mapped_label *mapped;
    size_t mapped_capacity;
};

int relabeler_new(struct relabeler **out)
{
    struct relabeler *relabeler = calloc(1, sizeof(*relabeler));
    if (!relabeler)
        return -ENOMEM;
    buffer_init(&relabeler->value, LABELS_MAX_BYTES);
    buffer_init(&relabeler->name, LABELS_MAX_BYTES);
    buffer_init(&relabeler->result, LABELS_MAX_BYTES);
    *out = relabeler;
    return 0;
}

void relabeler_free(struct relabeler **out)
{
    struct relabeler *relabeler = *out;
    if (!relabeler)
        return;
    buffer_free(&relabeler->value);
    buffer_free(&relabeler->name);
    buffer_free(&relabeler->result);
    free(relabeler->mapped);
    free(relabeler);
    *out = NULL;
}

/* The source labels' values with the separator between them; valid until the builder changes. */
static int join_values(struct relabeler *relabeler, const struct relabel_rule *rule,
                       const struct labels_builder *builder, struct text *out)
{
    struct buffer *value = &relabeler->value;
    int error = 0;

    *out = (struct text){"", 0};
    if (rule->source_label_count == 1)
        *out = labels_builder_get(builder, text_of(rule->source_labels[0]));
    if (rule->source_label_count <= 1)
        return 0;
    buffer_clear(value);
    for (size_t i = 0; i < rule->source_label_count && !error; i++) {
        if (i > 0)
            error = buffer_append_string(value, rule->separator);
        if (!error)
            error = buffer_append_text(
                value, labels_builder_get(builder, text_of(rule->source_labels[i])));
    }
    if (value->length)
        *out = buffer_text(value);
    return error;
}

static int replace(struct relabeler *relabeler, const struct relabel_rule *rule, struct text value,
                   struct labels_builder *builder)
{
    if (!regex_match(rule->regex, value))
        return 0;
    buffer_clear(&relabeler->name);
    buffer_clear(&relabeler->result);
    int error = regex_template_expand(rule->target_template, value, &relabeler->name);
    if (!error)
        error = regex_template_expand(rule->replacement_template, value, &relabeler->result);
    if (error || !relabeler->name.length)
        return error;
    return labels_builder_set(builder, buffer_text(&relabeler->name),
                              buffer_text(&relabeler->result));
}

static const EVP_MD *fetch_md5(void)
{
    static EVP_MD *md5;
    if (!md5)
        md5 = EVP_MD_fetch(NULL, "MD5", "-fips");
    return md5;
}

bool relabel_can_hash(void)
{
    return fetch_md5() != NULL;
}

/* The last 8 bytes of the MD5 sum, big endian. */
static int md5_number(struct text text, uint64_t *out)
{
    const EVP_MD *md5 = fetch_md5();
    unsigned char sum[EVP_MAX_MD_SIZE];

    if (!md5 || !EVP_Digest(text.bytes, text.length, sum, NULL, md5, NULL))
        return -ENOMEM;
    *out = 0;
    for (int i = 8; i < 16; i++)
        *out = *out << 8 | sum[i];
    return 0;
}

static int hashmod(const struct relabel_rule *rule, struct text value,
                   struct labels_builder *builder)
{
    char digits[24];
    uint64_t number;

    int error = md5_number(value, &number);
    if (error)
        return error;
    snprintf(digits, sizeof(digits), "%llu", (unsigned long long)(number % rule->modulus));
    return labels_builder_set(builder, text_of(rule->target_label), text_of(digits));
}

static int change_case(struct relabeler *relabeler, const struct relabel_rule *rule,
                       struct text value, struct labels_builder *builder)
{
    enum letter_case wanted = rule->action == RELABEL_UPPERCASE ? LETTER_UPPER : LETTER_LOWER;

    buffer_clear(&relabeler->result);
    int error = letter_case_append(wanted, value, &relabeler->result);
    return error ? error
                 : labels_builder_set(builder, text_of(rule->target_label),
                                      buffer_text(&relabeler->result));
}

/* --- by name --- */

static int compare_mapped(const void *left, const void *right)
{
    const struct mapped_label *a = left, *b = right;
    if (a->order != b->order)
        return a->order < b->order ? -1 : 1;
    return a->index < b->index ? -1 : 1;
}

static int append_mapped(struct relabeler *relabeler, const struct relabel_rule *rule,
                         struct label label, struct mapped_label *mapped)
{
    struct buffer *result = &relabeler->result;

    mapped->name = result->length;
    int error = regex_template_expand(rule->replacement_template, label.name, result);
    mapped->name_length = result->length - mapped->name;
    mapped->value = result->length;
    mapped->value_length = label.value.length;
    return error ? error : buffer_append_text(result, label.value);
}

static int reserve_mapped(struct relabeler *relabeler, size_t count)
{
    if (count <= relabeler->mapped_capacity)
        return 0;
    void *mapped = realloc(relabeler->mapped, count * sizeof(*relabeler->mapped));
    if (!mapped)
        return -ENOMEM;
    relabeler->mapped = mapped;
    relabeler->mapped_capacity = count;
    return 0;
}

/* Where two labels map to one name: of those that rules have set the one whose first setting was
 * the last, or else the last by name. (Prometheus 3 takes a random one of those that were
 * discovered.) */
static int labelmap(struct relabeler *relabeler, const struct relabel_rule *rule,
                    struct labels_builder *builder)
{
    size_t labels = labels_builder_count(builder), count = 0;
    struct mapped_label *mapped;

    int error = reserve_mapped(relabeler, labels);
    mapped = relabeler->mapped;
    buffer_clear(&relabeler->result);
    for (size_t i = 0; i < labels && !error; i++) {
        struct label label = labels_builder_at(builder, i);
        if (!regex_match(rule->regex, label.name))
            continue;
        mapped[count] = (struct mapped_label){labels_builder_order(builder, i), (uint32_t)i};
        error = append_mapped(relabeler, rule, label, &mapped[count++]);
    }
    if (count)
        qsort(mapped, count, sizeof(*mapped), compare_mapped);
    for (size_t i = 0; i < count && !error; i++) {
        const char *bytes = relabeler->result.bytes;
        if (mapped[i].name_length)
            error = labels_builder_set(
                builder, (struct text){bytes + mapped[i].name, mapped[i].name_length},
                (struct text){bytes + mapped[i].value, mapped[i].value_length});
    }
    return error;
}

static int drop_labels(const struct relabel_rule *rule, struct labels_builder *builder)
{
    bool dropped = rule->action == RELABEL_LABELDROP;
    int error = 0;

    for (size_t i = labels_builder_count(builder); i-- > 0 && !error;) {
        struct text name = labels_builder_at(builder, i).name;
        if (regex_match(rule->regex, name) == dropped)
            error = labels_builder_set(builder, name, (struct text){"", 0});
    }
    return error;
}

/* --- */

static bool equals_target(const struct relabel_rule *rule, struct text value,
                          const struct labels_builder *builder)
{
    return text_equal(labels_builder_get(builder, text_of(rule->target_label)), value);
}

/* A verdict or an error. */
static int apply_rule(struct relabeler *relabeler, const struct relabel_rule *rule,
                      struct labels_builder *builder)
{
    struct text value;
    int error = join_values(relabeler, rule, builder, &value);
    if (error)
        return error;

    switch (rule->action) {
    case RELABEL_KEEP:
        return regex_match(rule->regex, value) ? RELABEL_KEPT : RELABEL_DROPPED;
    case RELABEL_DROP:
        return regex_match(rule->regex, value) ? RELABEL_DROPPED : RELABEL_KEPT;
    case RELABEL_KEEPEQUAL:
        return equals_target(rule, value, builder) ? RELABEL_KEPT : RELABEL_DROPPED;
    case RELABEL_DROPEQUAL:
        return equals_target(rule, value, builder) ? RELABEL_DROPPED : RELABEL_KEPT;
    case RELABEL_REPLACE:
        error = replace(relabeler, rule, value, builder);
        break;
    case RELABEL_HASHMOD:
        error = hashmod(rule, value, builder);
        break;
    case RELABEL_LOWERCASE:
    case RELABEL_UPPERCASE:
        error = change_case(relabeler, rule, value, builder);
        break;
    case RELABEL_LABELMAP:
        error = labelmap(relabeler, rule, builder);
        break;
    case RELABEL_LABELDROP:
    case RELABEL_LABELKEEP:
        error = drop_labels(rule, builder);
        break;
    case RELABEL_ACTIONS:
        break;
    }
    return error ? error : RELABEL_KEPT;
}

int relabel_apply(struct relabeler *relabeler, const struct relabel_rules *rules,
                  struct labels_builder *builder)
{
    int verdict = RELABEL_KEPT;

    if (rules->count)
        labels_builder_mark(builder);
    for (size_t i = 0; i < rules->count && verdict == RELABEL_KEPT; i++)
        verdict = apply_rule(relabeler, &rules->list[i], builder);
    return verdict;
}
