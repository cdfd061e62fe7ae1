/* SPDX-License-Identifier: Apache-2.0 */
/* From a record's payload back to samples. The payload may be anything: what does not read as
 * log_format.h says ends the record. */
#ifndef EDGEMETER_SHIP_LOG_RECORD_READ_H
#define EDGEMETER_SHIP_LOG_RECORD_READ_H

#include "ship/log/bytes.h"
#include "ship/log/dictionary_code.h"
#include "ship/queue.h"

struct beside {
    uint32_t index; /* of the sample */
    uint8_t what;
    bool there;
};

/* A record begun. All zero at first. */
struct record_reader {
    const struct dictionary *dictionary; /* borrowed */
    struct byte_reader definitions, samples, beside;
    struct sample_counts counts; /* of the whole record */
    uint32_t first_number, defined;
    uint32_t sample_count;
    uint32_t index; /* of the next sample */
    int64_t base_ms;
    int64_t timestamp_ms; /* of the sample before */
    uint32_t number;      /* of its series */
    double value;
    struct beside next_beside;
    struct labels_builder *builder; /* for the labels of exemplars; made at their first */
    struct exemplar *exemplars;     /* of the sample before, as its histogram */
    size_t exemplar_count, exemplar_capacity;
    struct histogram *histogram;
};

void record_reader_free(struct record_reader *reader);

/* Begins with a payload of RECORD_SAMPLES, which stays where it is. 0 or -EBADMSG. */
int record_read_begin(struct record_reader *reader, const uint8_t *payload, size_t length,
                      const struct dictionary *dictionary);

/* The record is finished where reader->index reaches reader->sample_count; not to be called then.
 * 0; -ENOENT: a sample of a series that is not known, whose type alone is in `out`; -ENOMEM: the
 * same, and it is memory that is missing; -EBADMSG: this and the rest cannot be read. What `out`
 * points at is the reader's, until the next call. shard_key and end are not set. */
int record_read_next(struct record_reader *reader, struct queue_sample *out);

#endif
