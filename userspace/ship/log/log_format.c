/* SPDX-License-Identifier: Apache-2.0 */
/* The fixed heads of segments and records, to bytes and back. */
#include "ship/log/log_format.h"

#include <errno.h>
#include <string.h>

#include "base/crc32c.h"
#include "ship/log/bytes.h"

enum { SEGMENT_SUMMED_BYTES = 40, RECORD_UNSUMMED_BYTES = 8 };

void segment_head_write(const struct segment_head *head, uint8_t out[SEGMENT_HEAD_BYTES])
{
    memset(out, 0, SEGMENT_HEAD_BYTES);
    memcpy(out, LOG_MAGIC, 8);
    put_u32(out + 8, LOG_VERSION);
    put_u32(out + 12, head->marker);
    put_u32(out + 16, head->salt);
    put_u64(out + 24, head->number);
    put_u64(out + 32, (uint64_t)head->begun_ms);
    put_u32(out + SEGMENT_SUMMED_BYTES, crc32c(0, out, SEGMENT_SUMMED_BYTES));
}

int segment_head_read(const uint8_t in[SEGMENT_HEAD_BYTES], struct segment_head *out)
{
    if (memcmp(in, LOG_MAGIC, 8) != 0 ||
        get_u32(in + SEGMENT_SUMMED_BYTES) != crc32c(0, in, SEGMENT_SUMMED_BYTES))
        return -EBADMSG;
    if (get_u32(in + 8) != LOG_VERSION)
        return -EPROTONOSUPPORT;
    out->marker = get_u32(in + 12);
    out->salt = get_u32(in + 16);
    out->number = get_u64(in + 24);
    out->begun_ms = (int64_t)get_u64(in + 32);
    return 0;
}

uint32_t record_checksum_begin(const struct segment_head *segment, const struct record_head *record)
{
    uint8_t place[8], head[RECORD_HEAD_BYTES];
    put_u32(put_u32(place, segment->salt), record->offset);
    record_head_write(segment, record, 0, head);
    uint32_t sum = crc32c(0, place, sizeof(place));
    return crc32c(sum, head + RECORD_UNSUMMED_BYTES, RECORD_HEAD_BYTES - RECORD_UNSUMMED_BYTES);
}

void record_head_write(const struct segment_head *segment, const struct record_head *record,
                       uint32_t checksum, uint8_t out[RECORD_HEAD_BYTES])
{
    uint8_t *at = put_u32(out, segment->marker);
    at = put_u32(at, checksum);
    at = put_u32(at, record->length);
    at = put_u32(at, record->floats_before);
    at = put_u32(at, record->histograms_before);
    put_u32(at, record->exemplars_before);
}

bool record_head_read(const struct segment_head *segment, const uint8_t in[RECORD_HEAD_BYTES],
                      struct record_head *out, uint32_t *checksum)
{
    *checksum = get_u32(in + 4);
    out->length = get_u32(in + 8);
    out->floats_before = get_u32(in + 12);
    out->histograms_before = get_u32(in + 16);
    out->exemplars_before = get_u32(in + 20);
    return get_u32(in) == segment->marker && out->length <= RECORD_MAX_BYTES;
}
