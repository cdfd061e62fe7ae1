/* SPDX-License-Identifier: Apache-2.0 */
/* Little-endian integers, and a reader for bytes that may be anything: it never reads past its end,
 * and remembers that something was wrong, so that a long row of reads needs one check at its end.
 */
#ifndef EDGEMETER_SHIP_LOG_BYTES_H
#define EDGEMETER_SHIP_LOG_BYTES_H

#include <endian.h>
#include <stdbool.h>

#include "base/text.h"
#include "ship/varint.h"

static inline uint8_t *put_u32(uint8_t *at, uint32_t value)
{
    value = htole32(value);
    memcpy(at, &value, sizeof(value));
    return at + sizeof(value);
}

static inline uint8_t *put_u64(uint8_t *at, uint64_t value)
{
    value = htole64(value);
    memcpy(at, &value, sizeof(value));
    return at + sizeof(value);
}

static inline uint8_t *put_double(uint8_t *at, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return put_u64(at, bits);
}

static inline uint32_t get_u32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof(value));
    return le32toh(value);
}

static inline uint64_t get_u64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof(value));
    return le64toh(value);
}

/* After a failure all that is read is 0. */
struct byte_reader {
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
};

static inline struct byte_reader byte_reader_of(const void *bytes, size_t length)
{
    return (struct byte_reader){.at = bytes, .end = (const uint8_t *)bytes + length};
}

static inline void byte_reader_fail(struct byte_reader *reader)
{
    reader->failed = true;
    reader->at = reader->end;
}

static inline size_t byte_reader_left(const struct byte_reader *reader)
{
    return (size_t)(reader->end - reader->at);
}

/* NULL where fewer are left. */
static inline const uint8_t *byte_reader_bytes(struct byte_reader *reader, uint64_t length)
{
    if (length > byte_reader_left(reader)) {
        byte_reader_fail(reader);
        return NULL;
    }
    const uint8_t *bytes = reader->at;
    reader->at += length;
    return bytes;
}

static inline uint8_t byte_reader_u8(struct byte_reader *reader)
{
    const uint8_t *at = byte_reader_bytes(reader, 1);
    return at ? *at : 0;
}

static inline uint32_t byte_reader_u32(struct byte_reader *reader)
{
    const uint8_t *at = byte_reader_bytes(reader, sizeof(uint32_t));
    return at ? get_u32(at) : 0;
}

static inline uint64_t byte_reader_u64(struct byte_reader *reader)
{
    const uint8_t *at = byte_reader_bytes(reader, sizeof(uint64_t));
    return at ? get_u64(at) : 0;
}

static inline double byte_reader_double(struct byte_reader *reader)
{
    uint64_t bits = byte_reader_u64(reader);
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static inline uint64_t byte_reader_varint(struct byte_reader *reader)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && reader->at < reader->end; shift += 7) {
        uint8_t byte = *reader->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
    }
    byte_reader_fail(reader);
    return 0;
}

static inline int64_t byte_reader_signed(struct byte_reader *reader)
{
    return varint_unzigzag(byte_reader_varint(reader));
}

/* A varint length and so many bytes. */
static inline struct text byte_reader_text(struct byte_reader *reader)
{
    uint64_t length = byte_reader_varint(reader);
    const uint8_t *bytes = byte_reader_bytes(reader, length);
    return bytes ? (struct text){(const char *)bytes, length} : (struct text){"", 0};
}

#endif
