/* SPDX-License-Identifier: Apache-2.0 */
/* Text 0.0.4 and OpenMetrics. */
#include "serve/federate_write.h"

#include <inttypes.h>

#include "model/escape.h"
#include "model/float_text.h"
#include "serve/federate_protobuf.h"

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
    buffer_append(out, value, float_text(sample->value + 0.0, value)); /* 0 for -0, as Prometheus */
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
