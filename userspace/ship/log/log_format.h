/* SPDX-License-Identifier: Apache-2.0 */
/* The queue on disk: what its files hold, which bytes are valid, and what is done after a crash.
 *
 * The folder (--storage.path):
 *
 *   lock                    locked with flock() by the agent that writes here; holds its pid
 *   0000000000000007.log    a segment; the name is its number in hex, counted up and never reused
 *   5b2f0c....remote        where one remote stands (place_file.h); the name is a hash of its name
 *
 * Anything else is not ours and is left alone. Integers are little-endian; a varint has 7 bits a
 * byte, the lowest first, the top bit set where another byte follows; "signed" is zigzag.
 *
 * Segment: a head, then records side by side. It is written at its end only, by one process; the
 * next process begins a new one. It can be read by itself: it names its series anew.
 *
 *   head    0   8  "EDGEMLOG"
 *           8   4  version, 1
 *          12   4  marker: random, begins each of the segment's records
 *          16   4  salt: random, goes into each record's checksum
 *          20   4  zero
 *          24   8  number of the segment
 *          32   8  when it was begun, ms since 1970
 *          40   4  CRC-32C of bytes 0 to 39
 *          44   4  zero
 *
 *   record  0   4  the segment's marker
 *           4   4  CRC-32C of salt, the record's offset in the segment (4 bytes each) and all of
 *                  the record from its byte 8 on
 *           8   4  bytes of the payload
 *          12  12  floats, histograms and exemplars in the segment before this record
 *          24      payload; its first byte says which
 *
 * A record that is whole by its checksum is valid where it stands and nowhere else: marker and salt
 * are not known to whoever chooses label values, so that no text inside a record passes for one.
 *
 * Payload 1, samples of one scrape (a long one is cut into several records):
 *
 *   varint samples, varint histograms among them, varint exemplars, signed base timestamp in ms
 *   varint number of the first new series, varint how many, varint bytes of the dictionary
 *   varint bytes of the samples
 *   dictionary   the series that are new in this segment, numbered 0, 1, 2, ... through it; each
 *     varint metadata: 0 none, 2n+2 that of number n, 2n+1 the same and defined here:
 *       1 byte type; family, help and unit as varint length and bytes
 *     varint p, varint s, varint m, m bytes: its label bytes are the first p and the last s bytes
 *       of the series before it in this record (before the first: empty), m new bytes in between
 *   samples      each
 *     1 byte: bits 0-5 value code (value.h), bit 6 own timestamp, bit 7 own series
 *     signed series number less the one before less 1, only with bit 7 (before the first: -1)
 *     signed timestamp less the one before, only with bit 6 (before the first: the base)
 *     value, or histogram (histogram_code.h)
 *   beside       up to the end of the payload, each
 *     varint index of the sample less that of the one before (before the first: 0)
 *     1 byte: 0 exemplar: signed timestamp less the base, 8 bytes value, varint length, label bytes
 *             1 created: signed base less the time in ms
 *
 * Label bytes (label_code.h): for each label, sorted, name and value as varint length and bytes.
 *
 * Payload 2, the end: no samples after it; the counts of its record head are the segment's.
 *
 *   1       4  offset of the last record with samples
 *   5       4  samples in it
 *   9       8  when it was appended, ms since 1970
 *
 * Recovery. Files in the order of their numbers. One of another version is left alone. One whose
 * head is not valid holds nothing that can be told apart from garbage: it is counted and removed.
 * One that ends with an end record is taken at its word; the others (the last one of a process that
 * was killed) are read through: valid records count, up to the end of the last of them. Where a
 * record is not valid, the next valid one is looked for by its marker; the counts in its head tell
 * how many samples lay between, which are dropped as corrupt. A series whose definition was in the
 * damage is not known, and neither are its samples until the next segment. A sample is never
 * guessed. The file itself is not repaired. */
#ifndef EDGEMETER_SHIP_LOG_LOG_FORMAT_H
#define EDGEMETER_SHIP_LOG_LOG_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_MAGIC "EDGEMLOG"
#define LOG_VERSION 1
#define SEGMENT_HEAD_BYTES 48
#define RECORD_HEAD_BYTES 24
#define RECORD_END_BYTES (RECORD_HEAD_BYTES + 17)
#define RECORD_FULL_BYTES (64 << 10)  /* a payload that has reached this takes no more samples */
#define RECORD_MAX_BYTES (16 << 20)   /* a sample that needs more cannot be kept */
#define METADATA_MAX_BYTES (64 << 10) /* what is longer is left out */
#define EXEMPLARS_MAX 4096            /* of one sample; the others are left out */

enum { RECORD_SAMPLES = 1, RECORD_END = 2 };
enum { BESIDE_EXEMPLAR = 0, BESIDE_CREATED = 1 };
enum { SAMPLE_VALUE_MASK = 0x3f, SAMPLE_OWN_TIMESTAMP = 0x40, SAMPLE_OWN_SERIES = 0x80 };

_Static_assert(sizeof(LOG_MAGIC) - 1 == 8, "the head has 8 bytes for it");

struct segment_head {
    uint32_t marker;
    uint32_t salt;
    uint64_t number;
    int64_t begun_ms;
};

struct record_head {
    uint32_t offset; /* of the record in its segment */
    uint32_t length; /* of the payload */
    uint32_t floats_before, histograms_before, exemplars_before;
};

void segment_head_write(const struct segment_head *head, uint8_t out[SEGMENT_HEAD_BYTES]);
/* 0, -EBADMSG, or -EPROTONOSUPPORT (whole, of another version). */
int segment_head_read(const uint8_t in[SEGMENT_HEAD_BYTES], struct segment_head *out);

/* The checksum as far as the record's head goes; crc32c() over the payload goes on from it. */
uint32_t record_checksum_begin(const struct segment_head *segment,
                               const struct record_head *record);
void record_head_write(const struct segment_head *segment, const struct record_head *record,
                       uint32_t checksum, uint8_t out[RECORD_HEAD_BYTES]);
/* Takes out->offset from the caller. False: not the segment's marker, or too long for a record. */
bool record_head_read(const struct segment_head *segment, const uint8_t in[RECORD_HEAD_BYTES],
                      struct record_head *out, uint32_t *checksum);

#endif
