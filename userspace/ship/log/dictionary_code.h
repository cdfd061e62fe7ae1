/* SPDX-License-Identifier: Apache-2.0 */
/* The dictionary of one record, to bytes and back, as log_format.h describes it. */
#ifndef EDGEMETER_SHIP_LOG_DICTIONARY_CODE_H
#define EDGEMETER_SHIP_LOG_DICTIONARY_CODE_H

#include "base/buffer.h"
#include "ship/log/bytes.h"
#include "ship/log/dictionary.h"

/* What the writer keeps from segment to segment. */
struct dictionary_writer {
    struct number_map series, metadata;
    struct buffer before, current; /* label bytes */
};

void dictionary_writer_init(struct dictionary_writer *writer);
void dictionary_writer_free(struct dictionary_writer *writer);
/* A record begins: its first series is not told by one before it. */
void dictionary_writer_begin(struct dictionary_writer *writer);

/* Whether the series has a number. */
static inline bool dictionary_writer_finds(const struct dictionary_writer *writer,
                                           const struct dictionary *dictionary, series_id series,
                                           uint32_t *number)
{
    return number_map_find(&writer->series, series, dictionary->series, dictionary->series_count,
                           number);
}

/* The series' number. A series that is new gets the next one, with a reference of the dictionary's,
 * and its definition is appended to `out`. 0, -ENOMEM or -E2BIG; then all is as it was. */
int dictionary_number(struct dictionary_writer *writer, struct dictionary *dictionary,
                      series_id series, struct buffer *out, uint32_t *number);

/* Takes what a record defines: series `first` and so on. 0, or -EBADMSG; what does not fit in
 * memory makes the dictionary incomplete. `scratch` is used. */
int dictionary_learn(struct dictionary *dictionary, struct byte_reader *definitions, uint32_t first,
                     uint32_t count, struct dictionary_writer *scratch);

#endif
