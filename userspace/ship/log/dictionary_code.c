/* SPDX-License-Identifier: Apache-2.0 */
/* Series of one family stand side by side, so that most of a series' labels are those of the one
 * before it: what the two share at both ends is not written. */
#include "ship/log/dictionary_code.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "ship/log/label_code.h"
#include "ship/log/log_format.h"

#define LABEL_BYTES_MAX (RECORD_MAX_BYTES / 2)

void dictionary_writer_init(struct dictionary_writer *writer)
{
    *writer = (struct dictionary_writer){};
    buffer_init(&writer->before, LABEL_BYTES_MAX);
    buffer_init(&writer->current, LABEL_BYTES_MAX);
}

void dictionary_writer_free(struct dictionary_writer *writer)
{
    number_map_free(&writer->series);
    number_map_free(&writer->metadata);
    buffer_free(&writer->before);
    buffer_free(&writer->current);
}

void dictionary_writer_begin(struct dictionary_writer *writer)
{
    buffer_clear(&writer->before);
}

static void swap_label_bytes(struct dictionary_writer *writer)
{
    struct buffer before = writer->before;
    writer->before = writer->current;
    writer->current = before;
}

/* ---- writing ---- */

static int append_varint(struct buffer *out, uint64_t value)
{
    uint8_t bytes[VARINT_MAX_BYTES];
    return buffer_append(out, bytes, (size_t)(varint_put(bytes, value) - bytes));
}

static int append_counted(struct buffer *out, struct text text)
{
    int error = append_varint(out, text.length);
    return error ? error : buffer_append_text(out, text);
}

static int define_metadata(struct dictionary_writer *writer, struct dictionary *dictionary,
                           const struct metadata *metadata, metadata_id id, struct buffer *out)
{
    metadata_id held;
    uint32_t number = dictionary->metadata_count;
    int error = append_varint(out, 2 * (uint64_t)number + 1);
    if (!error)
        error = buffer_append_char(out, (char)metadata->type);
    if (!error)
        error = append_counted(out, metadata->family);
    if (!error)
        error = append_counted(out, metadata->help);
    if (!error)
        error = append_counted(out, metadata->unit);
    if (!error)
        error = number_map_set(&writer->metadata, id, number);
    if (!error)
        error = series_table_intern_metadata(dictionary->table, metadata, &held);
    if (error)
        return error;
    error = dictionary_set_metadata(dictionary, number, held);
    if (error)
        series_table_release_metadata(dictionary->table, held);
    return error;
}

static int put_metadata(struct dictionary_writer *writer, struct dictionary *dictionary,
                        series_id series, struct buffer *out)
{
    metadata_id id = series_table_metadata_id(dictionary->table, series);
    const struct metadata *metadata = series_table_metadata(dictionary->table, id);
    uint32_t number;
    if (!metadata || metadata->family.length + metadata->help.length + metadata->unit.length >
                         METADATA_MAX_BYTES)
        return append_varint(out, 0);
    if (number_map_find(&writer->metadata, id, dictionary->metadata, dictionary->metadata_count,
                        &number))
        return append_varint(out, 2 * (uint64_t)number + 2);
    return define_metadata(writer, dictionary, metadata, id, out);
}

static int put_label_bytes(const struct buffer *before, const struct buffer *current,
                           struct buffer *out)
{
    size_t shorter = before->length < current->length ? before->length : current->length;
    size_t prefix = 0, suffix = 0;
    while (prefix < shorter && before->bytes[prefix] == current->bytes[prefix])
        prefix++;
    while (suffix < shorter - prefix && before->bytes[before->length - 1 - suffix] ==
                                            current->bytes[current->length - 1 - suffix])
        suffix++;
    int error = append_varint(out, prefix);
    if (!error)
        error = append_varint(out, suffix);
    if (error)
        return error;
    return append_counted(
        out, (struct text){current->bytes + prefix, current->length - prefix - suffix});
}

static int define_series(struct dictionary_writer *writer, struct dictionary *dictionary,
                         series_id series, struct buffer *out)
{
    uint32_t number = dictionary->series_count;
    buffer_clear(&writer->current);
    int error = label_bytes_put(&writer->current, series_table_labels(dictionary->table, series));
    if (!error)
        error = put_metadata(writer, dictionary, series, out);
    if (!error)
        error = put_label_bytes(&writer->before, &writer->current, out);
    if (!error)
        error = number_map_set(&writer->series, series, number);
    if (!error)
        error = dictionary_set_series(dictionary, number, series);
    if (error)
        return error;
    series_table_hold(dictionary->table, series);
    swap_label_bytes(writer);
    return 0;
}

int dictionary_number(struct dictionary_writer *writer, struct dictionary *dictionary,
                      series_id series, struct buffer *out, uint32_t *number)
{
    if (dictionary_writer_finds(writer, dictionary, series, number))
        return 0;
    size_t length = out->length;
    uint32_t metadata_count = dictionary->metadata_count;
    *number = dictionary->series_count;
    int error = define_series(writer, dictionary, series, out);
    if (error) {
        out->length = length;
        dictionary_truncate(dictionary, *number, metadata_count);
    }
    return error;
}

/* ---- learning ---- */

static int define_learned_metadata(struct dictionary *dictionary, struct byte_reader *reader,
                                   uint32_t number)
{
    struct metadata metadata = {.type = byte_reader_u8(reader)};
    metadata_id id;
    metadata.family = byte_reader_text(reader);
    metadata.help = byte_reader_text(reader);
    metadata.unit = byte_reader_text(reader);
    if (reader->failed || metadata.type > METADATA_STATESET)
        return -EBADMSG;
    if (number < dictionary->metadata_count && dictionary->metadata[number])
        return 0;
    if (series_table_intern_metadata(dictionary->table, &metadata, &id))
        return 0; /* a series without metadata is a series all the same */
    if (dictionary_set_metadata(dictionary, number, id))
        series_table_release_metadata(dictionary->table, id);
    return 0;
}

static int learn_metadata(struct dictionary *dictionary, struct byte_reader *reader, uint32_t limit,
                          metadata_id *id)
{
    uint64_t told = byte_reader_varint(reader);
    uint64_t number = (told - 1) / 2;
    *id = 0;
    if (!told)
        return 0;
    if (number >= limit)
        return -EBADMSG;
    if (told % 2) {
        int error = define_learned_metadata(dictionary, reader, (uint32_t)number);
        if (error)
            return error;
    }
    if (number < dictionary->metadata_count)
        *id = dictionary->metadata[number];
    return 0;
}

/* Into scratch->current; scratch->before has those of the series before. -ENOMEM or -EBADMSG. */
static int learn_label_bytes(struct byte_reader *reader, struct dictionary_writer *scratch)
{
    const struct buffer *before = &scratch->before;
    uint64_t prefix = byte_reader_varint(reader);
    uint64_t suffix = byte_reader_varint(reader);
    struct text middle = byte_reader_text(reader);
    if (reader->failed || prefix > before->length || suffix > before->length - prefix)
        return -EBADMSG;
    buffer_clear(&scratch->current);
    buffer_append(&scratch->current, before->bytes, prefix);
    buffer_append_text(&scratch->current, middle);
    if (suffix)
        buffer_append(&scratch->current, before->bytes + (before->length - suffix), suffix);
    return scratch->current.failed ? -ENOMEM : 0;
}

/* What the live scrape says of a series is newer than the log. */
static void describe(struct dictionary *dictionary, series_id series, metadata_id id)
{
    if (id && !series_table_metadata_id(dictionary->table, series))
        series_table_set_metadata(dictionary->table, series, id);
}

static int learn_series(struct dictionary *dictionary, uint32_t number, struct text label_bytes,
                        metadata_id metadata, struct labels_builder *builder)
{
    autofree struct labels *labels = NULL;
    series_id series;
    if (dictionary_series(dictionary, number))
        return 0;
    int error = label_bytes_get(label_bytes, builder, &labels);
    if (!error)
        error = series_table_intern(dictionary->table, labels, &series);
    if (error == -EBADMSG)
        return error;
    if (!error) {
        error = dictionary_set_series(dictionary, number, series);
        if (error)
            series_table_release(dictionary->table, series);
        else
            describe(dictionary, series, metadata);
    }
    if (error)
        dictionary->incomplete = true;
    return 0;
}

int dictionary_learn(struct dictionary *dictionary, struct byte_reader *definitions, uint32_t first,
                     uint32_t count, struct dictionary_writer *scratch)
{
    struct labels_builder *builder;
    int error = 0;
    if (!count)
        return 0;
    if (labels_builder_new(&builder)) {
        dictionary->incomplete = true;
        return 0;
    }
    dictionary_writer_begin(scratch);
    for (uint32_t i = 0; i < count && !error; i++) {
        metadata_id metadata;
        error = learn_metadata(dictionary, definitions, first + i + 1, &metadata);
        if (!error)
            error = learn_label_bytes(definitions, scratch);
        if (error)
            break;
        error =
            learn_series(dictionary, first + i, buffer_text(&scratch->current), metadata, builder);
        swap_label_bytes(scratch);
    }
    labels_builder_free(&builder);
    if (error != -ENOMEM)
        return error;
    dictionary->incomplete = true;
    return 0;
}
