/* SPDX-License-Identifier: Apache-2.0 */
/* What the two protocols' encoders share, and their entry points for encode.c alone. The writers
 * have no bounds: the caller has reserved the sizes named here. */
#ifndef EDGEMETER_SHIP_ENCODE_PARTS_H
#define EDGEMETER_SHIP_ENCODE_PARTS_H

#include "ship/encode.h"
#include "ship/symbols.h"
#include "ship/wire.h"

#define ENCODE_PREDICTED_REFS 128

struct encoder {
    enum remote_write_protocol protocol;
    size_t max_bytes;
    struct buffer series; /* the TimeSeries; 1.0: all of the request, but for its begin */
    size_t dropped;       /* of its begin */

    /* 2.0 alone */
    struct symbols symbols;
    /* Neighbours share most symbols: those of the entry before are looked at first. */
    uint32_t previous_refs[ENCODE_PREDICTED_REFS];
    size_t previous_count;
    const struct metadata *previous_metadata; /* compared, never followed */
    uint32_t previous_help, previous_unit;
};

int encode_v1_add(struct buffer *series, const struct encode_entry *entry);
int encode_v1_add_metadata(struct buffer *request, const struct metadata *metadata);
int encode_v2_add(struct encoder *encoder, const struct encode_entry *entry);

/* encode_histogram.c: bytes that the longest form of a sample or histogram can take, with heads. */
#define ENCODE_FLOAT_ROOM (4 * WIRE_HEAD_MAX_BYTES) /* the message and its members */
size_t encode_histogram_room(const struct histogram *histogram);
static inline size_t encode_sample_room(const struct sample *sample)
{
    return sample->type == SAMPLE_FLOAT ? ENCODE_FLOAT_ROOM
                                        : encode_histogram_room(sample->histogram);
}
/* The member `field` of a TimeSeries; the numbers inside are the same in both protocols, but that
 * 1.0 has no start (0). */
uint8_t *encode_histogram(uint8_t *at, unsigned field, const struct sample *sample,
                          int64_t start_ms);

/* Field numbers of a Sample in ship/remote.proto and ship/remote_v2.proto. */
enum { SAMPLE_VALUE = 1, SAMPLE_TIMESTAMP = 2, SAMPLE_START_TIMESTAMP = 3 };

static inline uint8_t *encode_float(uint8_t *at, unsigned field, const struct sample *sample,
                                    int64_t start_ms)
{
    uint8_t *body = wire_message_begin(at, field, 1);
    at = wire_double(body, SAMPLE_VALUE, sample->value);
    at = wire_time(at, SAMPLE_TIMESTAMP, sample->timestamp_ms);
    at = wire_unsigned(at, SAMPLE_START_TIMESTAMP, (uint64_t)start_ms);
    body[-1] = (uint8_t)(at - body); /* less than 128 */
    return at;
}

uint8_t *encode_grow(struct buffer *buffer, size_t room, int *error);
/* Where `room` bytes can be written, or NULL with -ENOMEM, or -E2BIG where they do not fit below
 * the maximum. The buffer stays usable. */
static inline uint8_t *encode_reserve(struct buffer *buffer, size_t room, int *error)
{
    if (buffer->bytes && buffer->capacity - buffer->length >= room) /* for nearly all */
        return (uint8_t *)buffer->bytes + buffer->length;
    return encode_grow(buffer, room, error);
}

#endif
