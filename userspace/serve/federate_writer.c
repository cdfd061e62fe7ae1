/* SPDX-License-Identifier: Apache-2.0 */
/* The order of labels: a series' own, then those of the server that it has not. */
#include "serve/federate_writer.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"

#define NAME_MAX_BYTES (1u << 20)
#define FAMILY_MAX_BYTES (64u << 20)

/* ---- life ---- */

static int copy_external(struct federate_writer *writer, const struct labels *labels)
{
    size_t count = labels ? labels_count(labels) : 0;

    writer->external = calloc(count + 1, sizeof(*writer->external));
    writer->external_labels = count ? malloc(labels_size(labels)) : NULL;
    if (!writer->external || (count && !writer->external_labels))
        return -ENOMEM;
    if (!count)
        return 0;
    memcpy(writer->external_labels, labels, labels_size(labels));
    for (struct label_cursor c = labels_first(writer->external_labels); labels_next(&c);)
        writer->external[writer->external_count++] = c.label;
    return 0;
}

/* At its place among the others. */
static void add_instance(struct federate_writer *writer)
{
    const struct label instance = {TEXT("instance"), TEXT("")};
    size_t at = writer->external_count;

    for (size_t i = 0; i < writer->external_count; i++)
        if (text_equal(writer->external[i].name, instance.name))
            return;
    for (; at > 0 && text_compare(writer->external[at - 1].name, instance.name) > 0; at--)
        writer->external[at] = writer->external[at - 1];
    writer->external[at] = instance;
    writer->external_count++;
}

int federate_writer_init(struct federate_writer *writer, const struct federate_format *format,
                         const struct labels *external_labels)
{
    *writer = (struct federate_writer){.format = format};
    buffer_init(&writer->name, NAME_MAX_BYTES);
    buffer_init(&writer->written_name, NAME_MAX_BYTES);
    buffer_init(&writer->family, FAMILY_MAX_BYTES);
    buffer_init(&writer->metric, FAMILY_MAX_BYTES);
    int error = copy_external(writer, external_labels);
    if (error)
        federate_writer_free(writer);
    else
        add_instance(writer);
    return error;
}

void federate_writer_free(struct federate_writer *writer)
{
    buffer_free(&writer->name);
    buffer_free(&writer->written_name);
    buffer_free(&writer->family);
    buffer_free(&writer->metric);
    free(TAKE_PTR(writer->external));
    free(TAKE_PTR(writer->external_labels));
}

/* ---- labels ---- */

struct federate_labels federate_labels_first(const struct federate_writer *writer,
                                             const struct labels *own)
{
    return (struct federate_labels){.writer = writer, .own = own, .cursor = labels_first(own)};
}

/* The series was given the external labels when it was made: they come last, and are told by their
 * values. */
static bool is_own(const struct federate_writer *writer, struct label label)
{
    if (text_equal(label.name, TEXT(LABEL_METRIC_NAME)))
        return false;
    for (size_t i = 0; i < writer->external_count; i++)
        if (text_equal(writer->external[i].name, label.name))
            return !text_equal(writer->external[i].value, label.value);
    return true;
}

bool federate_labels_next(struct federate_labels *at)
{
    const struct federate_writer *writer = at->writer;

    while (!at->next && labels_next(&at->cursor)) {
        at->label = at->cursor.label;
        if (is_own(writer, at->label))
            return true;
    }
    while (at->next < writer->external_count) {
        at->label = writer->external[at->next++];
        struct text own = labels_get(at->own, at->label.name);
        if (!own.length || text_equal(own, at->label.value))
            return true;
    }
    return false;
}
