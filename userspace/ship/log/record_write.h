/* SPDX-License-Identifier: Apache-2.0 */
/* From samples to the payload of records, as log_format.h describes it. Where the bytes go is
 * segment.c's business. */
#ifndef EDGEMETER_SHIP_LOG_RECORD_WRITE_H
#define EDGEMETER_SHIP_LOG_RECORD_WRITE_H

#include <sys/uio.h>

#include "ship/log/dictionary_code.h"
#include "ship/queue.h"

#define RECORD_PARTS 4

struct record_writer {
    struct dictionary_writer dictionary_writer;
    struct buffer head, dictionary, samples, beside;
};

/* How much of a sample_record is written. All zero at first. */
struct record_progress {
    size_t sample, exemplar, created; /* the next ones */
    struct sample_counts too_large;   /* left out */
    struct sample_counts no_memory;
};

/* One payload; its parts belong to the writer, until its next use. */
struct record_payload {
    struct iovec parts[RECORD_PARTS];
    uint32_t length;
    uint32_t definition_bytes; /* of that, the dictionary */
    uint32_t samples;
    uint32_t ended; /* of them, stale markers: series that will not come again */
    struct sample_counts counts;
};

void record_writer_init(struct record_writer *writer);
void record_writer_free(struct record_writer *writer);

/* The next record's worth of samples, for the segment that the dictionary is of. False: nothing was
 * left to write. A sample that cannot be written is left out and counted in `progress`; where none
 * can, the payload may have no samples, or be empty. */
bool record_write_next(struct record_writer *writer, struct dictionary *dictionary,
                       const struct sample_record *record, struct record_progress *progress,
                       struct record_payload *out);

static inline void sample_counts_add(struct sample_counts *sum, struct sample_counts more)
{
    sum->floats += more.floats;
    sum->histograms += more.histograms;
    sum->exemplars += more.exemplars;
}

#endif
