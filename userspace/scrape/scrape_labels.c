/* SPDX-License-Identifier: Apache-2.0 */
/* Runs once for a series, not once for a sample. Prometheus' rules: honor_labels, exported_ for
 * what a target label displaces, metric_relabel_configs, an empty label is an absent one. */
#include "scrape/scrape_labels.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "model/float_text.h"

#define SCRATCH_MAX (4 * 1024 * 1024) /* names and values of one line, unescaped */
#define EXPORTED_PREFIX "exported_"

struct scrape_labels {
    const struct labels *external;
    struct labels_builder *builder;
    struct relabeler *relabeler;
    struct buffer name;
    struct buffer value;
    struct buffer displaced; /* their values: the builder's own go */
};

int scrape_labels_new(const struct labels *external, struct scrape_labels **out)
{
    struct scrape_labels *labels = calloc(1, sizeof(*labels));
    if (!labels)
        return -ENOMEM;
    labels->external = external;
    buffer_init(&labels->name, SCRATCH_MAX);
    buffer_init(&labels->value, SCRATCH_MAX);
    buffer_init(&labels->displaced, SCRATCH_MAX);
    int error = labels_builder_new(&labels->builder);
    if (!error)
        error = relabeler_new(&labels->relabeler);
    if (error)
        scrape_labels_free(&labels);
    else
        *out = labels;
    return error;
}

void scrape_labels_free(struct scrape_labels **out)
{
    struct scrape_labels *labels = *out;
    if (!labels)
        return;
    labels_builder_free(&labels->builder);
    relabeler_free(&labels->relabeler);
    buffer_free(&labels->name);
    buffer_free(&labels->value);
    buffer_free(&labels->displaced);
    free(labels);
    *out = NULL;
}

static int unescape(struct text *text, bool verbatim, struct buffer *scratch)
{
    if (verbatim || !text->length || !memchr(text->bytes, '\\', text->length))
        return 0;
    buffer_clear(scratch);
    int error = exposition_unescape(*text, scratch);
    *text = buffer_text(scratch);
    return error;
}

static int set_exposed(struct scrape_labels *labels, struct text name, struct text value,
                       char *reason)
{
    if (!value.length)
        return 0;
    if (labels_builder_get(labels->builder, name).length) {
        snprintf(reason, SCRAPE_LABELS_REASON_SIZE,
                 "label name \"%.*s\" is not unique: invalid sample",
                 name.length < 100 ? (int)name.length : 100, name.bytes);
        return -EINVAL;
    }
    return labels_builder_set(labels->builder, name, value);
}

/* A label that is also given without a value is absent, whichever comes first. */
static int drop_emptied(struct scrape_labels *labels, const struct exposition_entry *entry)
{
    int error = 0;

    for (size_t i = 0; i < entry->label_count && !error; i++) {
        struct text name = entry->labels[i].name;
        if (entry->labels[i].value.length)
            continue;
        error = unescape(&name, entry->verbatim, &labels->name);
        if (!error)
            error = labels_builder_set(labels->builder, name, TEXT(""));
    }
    return error;
}

static int set_exposed_labels(struct scrape_labels *labels, const struct exposition_entry *entry,
                              struct text bound, char *reason)
{
    struct text metric_name = entry->name;
    bool emptied = false;
    int error = unescape(&metric_name, entry->verbatim, &labels->name);
    if (!error)
        error = set_exposed(labels, TEXT(LABEL_METRIC_NAME), metric_name, reason);

    for (size_t i = 0; i < entry->label_count && !error; i++) {
        struct label label = entry->labels[i];
        char number[FLOAT_TEXT_SIZE];
        double value;
        error = unescape(&label.name, entry->verbatim, &labels->name);
        if (!error)
            error = unescape(&label.value, entry->verbatim, &labels->value);
        if (error)
            break;
        if (bound.length && text_equal(label.name, bound) &&
            !exposition_parse_bound(label.value, &value))
            label.value = (struct text){number, float_text_openmetrics(value, number)};
        emptied |= !label.value.length;
        error = set_exposed(labels, label.name, label.value, reason);
    }
    return error || !emptied ? error : drop_emptied(labels, entry);
}

/* `instance=""` counts here: it keeps the target's label away, which is what federation uses it
 * for. */
static bool exposes(const struct exposition_entry *entry, struct text name)
{
    for (size_t i = 0; i < entry->label_count; i++)
        if (text_equal(entry->labels[i].name, name))
            return true;
    return false;
}

static int set_where_absent(struct scrape_labels *labels, const struct labels *added,
                            const struct exposition_entry *entry)
{
    int error = 0;

    if (!added)
        return 0;
    for (struct label_cursor c = labels_first(added); labels_next(&c) && !error;)
        if (!labels_builder_get(labels->builder, c.label.name).length &&
            !(entry && exposes(entry, c.label.name)))
            error = labels_builder_set(labels->builder, c.label.name, c.label.value);
    return error;
}

struct displaced {
    struct text name;           /* the target's */
    size_t value, value_length; /* in labels->displaced */
};

static int compare_displaced(const void *left, const void *right)
{
    const struct displaced *a = left, *b = right;
    if (a->name.length != b->name.length)
        return a->name.length < b->name.length ? -1 : 1;
    return text_compare(a->name, b->name);
}

static int rename_displaced(struct scrape_labels *labels, const struct displaced *displaced)
{
    struct text value = {labels->displaced.bytes + displaced->value, displaced->value_length};
    struct buffer *name = &labels->name;
    size_t prefixes = 1;

    for (;; prefixes++) {
        buffer_clear(name);
        for (size_t i = 0; i < prefixes; i++)
            buffer_append_string(name, EXPORTED_PREFIX);
        int error = buffer_append_text(name, displaced->name);
        if (error || name->failed)
            return error ? error : -E2BIG;
        if (!labels_builder_get(labels->builder, buffer_text(name)).length)
            return labels_builder_set(labels->builder, buffer_text(name), value);
    }
}

/* The target's labels win; what they displace goes under exported_, the shortest name first. */
static int override(struct scrape_labels *labels, const struct labels *own)
{
    struct displaced displaced[EXPOSITION_MAX_LABELS + 1];
    size_t count = 0;
    int error = 0;

    buffer_clear(&labels->displaced);
    for (struct label_cursor c = labels_first(own); labels_next(&c) && !error;) {
        struct text exposed = labels_builder_get(labels->builder, c.label.name);
        if (exposed.length) {
            displaced[count++] =
                (struct displaced){c.label.name, labels->displaced.length, exposed.length};
            error = buffer_append_text(&labels->displaced, exposed);
        }
        if (!error)
            error = labels_builder_set(labels->builder, c.label.name, c.label.value);
    }
    qsort(displaced, count, sizeof(*displaced), compare_displaced);
    for (size_t i = 0; i < count && !error; i++)
        error = rename_displaced(labels, &displaced[i]);
    return error;
}

/* A set of which nothing is left is dropped too. RELABEL_KEPT, RELABEL_DROPPED or an error. */
static int relabel(struct scrape_labels *labels, const struct relabel_rules *rules, char *reason)
{
    int verdict = RELABEL_KEPT;
    if (rules->count)
        verdict = relabel_apply(labels->relabeler, rules, labels->builder);
    if (verdict != RELABEL_KEPT)
        return verdict;
    if (!labels_builder_count(labels->builder))
        return RELABEL_DROPPED;
    if (labels_builder_get(labels->builder, TEXT(LABEL_METRIC_NAME)).length)
        return RELABEL_KEPT;
    snprintf(reason, SCRAPE_LABELS_REASON_SIZE, "missing metric name (__name__ label)");
    return -EINVAL;
}

int scrape_labels_build(struct scrape_labels *labels, const struct exposition_entry *entry,
                        const struct target *target, struct text bound, struct labels **out,
                        char reason[SCRAPE_LABELS_REASON_SIZE])
{
    labels_builder_clear(labels->builder);
    int error = set_exposed_labels(labels, entry, bound, reason);
    if (!error)
        error = target->config->honor_labels ? set_where_absent(labels, target->labels, entry)
                                             : override(labels, target->labels);
    if (error)
        return error;
    int verdict = relabel(labels, &target->config->metric_relabels, reason);
    *out = NULL;
    if (verdict != RELABEL_KEPT)
        return verdict == RELABEL_DROPPED ? 0 : verdict;
    return labels_builder_build(labels->builder, out);
}

int scrape_labels_add_external(struct scrape_labels *labels, struct labels **set)
{
    struct labels *whole;

    if (!labels->external)
        return 0;
    int error = set_where_absent(labels, labels->external, NULL);
    if (!error)
        error = labels_builder_build(labels->builder, &whole);
    if (error)
        return error;
    free(*set);
    *set = whole;
    return 0;
}

/* As Prometheus, which takes a target's exported_x away where an x comes behind it. */
static int set_target_labels(struct scrape_labels *labels, const struct labels *target)
{
    struct label_cursor cursor = labels_first(target);
    int error = 0;

    while (!error && labels_next(&cursor)) {
        buffer_clear(&labels->name);
        buffer_append_string(&labels->name, EXPORTED_PREFIX);
        error = buffer_append_text(&labels->name, cursor.label.name);
        if (!error)
            error = labels_builder_set(labels->builder, buffer_text(&labels->name), TEXT(""));
        if (!error)
            error = labels_builder_set(labels->builder, cursor.label.name, cursor.label.value);
    }
    return error;
}

int scrape_labels_build_report(struct scrape_labels *labels, const char *name,
                               const struct target *target, struct labels **out)
{
    labels_builder_clear(labels->builder);
    int error = set_target_labels(labels, target->labels);
    if (!error)
        error = labels_builder_set(labels->builder, TEXT(LABEL_METRIC_NAME), text_of(name));
    if (!error)
        error = set_where_absent(labels, labels->external, NULL);
    return error ? error : labels_builder_build(labels->builder, out);
}
