/* SPDX-License-Identifier: Apache-2.0 */
/* Text 0.0.4 and OpenMetrics, and the order of labels. */
#include "serve/federate_write.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "model/escape.h"
#include "model/float_text.h"

#define NAME_MAX_BYTES (1u << 20)
#define FAMILY_MAX_BYTES (64u << 20)

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

/* ---- text ---- */

static void write_name(const struct federate_writer *writer, struct text name, bool is_label,
                       struct buffer *out)
{
    size_t start = out->length;

    if (!name_escape(writer->format->escaping, name, is_label, out))
        return;
    out->length = start;
    buffer_append_char(out, '"');
    escape_label_value(name, out);
    buffer_append_char(out, '"');
}

/* name{a="b",...} or {"na.me",a="b",...} */
static void write_series(const struct federate_writer *writer, const struct labels *labels,
                         struct buffer *out)
{
    struct text name = buffer_text(&writer->written_name);
    bool quoted = *name.bytes == '"';
    const char *separator = quoted ? "," : "{";

    if (quoted)
        buffer_append_char(out, '{');
    buffer_append_text(out, name);
    for (struct federate_labels at = federate_labels_first(writer, labels);
         federate_labels_next(&at);) {
        buffer_append_string(out, separator);
        write_name(writer, at.label.name, true, out);
        buffer_append(out, "=\"", 2);
        escape_label_value(at.label.value, out);
        buffer_append_char(out, '"');
        separator = ",";
    }
    if (quoted || *separator == ',')
        buffer_append_char(out, '}');
}

static void write_value(const struct federate_writer *writer, const struct sample *sample,
                        struct buffer *out)
{
    char value[FLOAT_TEXT_SIZE];
    bool openmetrics = writer->format->type == FEDERATE_OPENMETRICS;

    buffer_append_char(out, ' ');
    buffer_append(out, value, float_text(sample->value, value));
    if (openmetrics)
        buffer_printf(out, " %" PRId64 ".%03d\n", sample->timestamp_ms / 1000,
                      (int)(sample->timestamp_ms % 1000));
    else
        buffer_printf(out, " %" PRId64 "\n", sample->timestamp_ms);
}

static void write_text(struct federate_writer *writer, const struct labels *labels,
                       const struct sample *sample, struct buffer *out)
{
    bool openmetrics = writer->format->type == FEDERATE_OPENMETRICS;
    struct text name = labels_get(labels, TEXT(LABEL_METRIC_NAME));

    if (sample->type == SAMPLE_HISTOGRAM)
        return;
    if (!text_equal(name, buffer_text(&writer->name))) {
        buffer_clear(&writer->name);
        buffer_append_text(&writer->name, name);
        buffer_clear(&writer->written_name);
        write_name(writer, name, false, &writer->written_name);
        buffer_append_string(out, "# TYPE ");
        buffer_append_text(out, buffer_text(&writer->written_name));
        buffer_append_string(out, openmetrics ? " unknown\n" : " untyped\n");
    }
    write_series(writer, labels, out);
    write_value(writer, sample, out);
}

/* ---- all formats ---- */

void federate_write_sample(struct federate_writer *writer, const struct labels *labels,
                           const struct sample *sample, struct buffer *out)
{
    if (!labels_get(labels, TEXT(LABEL_METRIC_NAME)).length)
        return;
    if (writer->format->type == FEDERATE_PROTOBUF)
        federate_protobuf_sample(writer, labels, sample, out);
    else
        write_text(writer, labels, sample, out);
}

void federate_write_end(struct federate_writer *writer, struct buffer *out)
{
    if (writer->format->type == FEDERATE_PROTOBUF)
        federate_protobuf_flush(writer, out);
    else if (writer->format->type == FEDERATE_OPENMETRICS)
        buffer_append_string(out, "# EOF\n");
}

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
