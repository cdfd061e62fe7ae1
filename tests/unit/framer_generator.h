/* SPDX-License-Identifier: Apache-2.0 */
/* Writes random HTTP/1.x conversations, together with the rows that they must be counted as. */
#ifndef EDGEMETER_TESTS_FRAMER_GENERATOR_H
#define EDGEMETER_TESTS_FRAMER_GENERATOR_H

#include <stdarg.h>

#include "framer_replay.h"

#define GENERATOR_MAX_BYTES (1u << 18)
#define GENERATOR_MAX_TURNS 64
#define GENERATOR_MAX_ROWS 96

struct generator {
    uint64_t random;
    uint32_t length;                  /* of `text` */
    uint32_t offset[HTTP_DIRECTIONS]; /* bytes written for each direction */
    struct turn turns[GENERATOR_MAX_TURNS];
    unsigned turn_count;
    struct expected_row rows[GENERATOR_MAX_ROWS];
    unsigned row_count, asked; /* rows complete; requests written */
    int closed;
    char text[GENERATOR_MAX_BYTES];
};

static inline uint32_t chance(struct generator *generator, uint32_t one_in)
{
    return !random_below(&generator->random, one_in);
}

static inline void put_bytes(struct generator *generator, const char *bytes, uint32_t length)
{
    struct turn *turn = &generator->turns[generator->turn_count - 1];

    FRAMER_REQUIRE(generator->length + length <= GENERATOR_MAX_BYTES);
    memcpy(generator->text + generator->length, bytes, length);
    generator->length += length;
    generator->offset[turn->direction] += length;
    turn->length += length;
}

static inline void put(struct generator *generator, const char *format, ...)
{
    char text[256];
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    FRAMER_REQUIRE(length >= 0 && length < (int)sizeof(text));
    put_bytes(generator, text, length);
}

static inline void turn_begin(struct generator *generator, uint8_t direction)
{
    FRAMER_REQUIRE(generator->turn_count < GENERATOR_MAX_TURNS);
    generator->turns[generator->turn_count++] =
        (struct turn){generator->text + generator->length, 0, direction, 0};
}

static inline const char *line_end(struct generator *generator)
{
    return chance(generator, 6) ? "\n" : "\r\n";
}

/* Text for targets, fields and bodies: now and then what a confused framer would take for a head.
 */
static inline void put_filler(struct generator *generator, uint32_t length, int is_body)
{
    static const char *traps[] = {"\r\nHTTP/1.1 500 Trap\r\n\r\n", "GET /trap HTTP/1.1\r\n\r\n",
                                  "\r\n0\r\n\r\n", "\n\n\n\n\r\n\r\n"};

    while (length) {
        const char *piece = is_body && chance(generator, 3)
                                ? traps[random_below(&generator->random, 4)]
                                : "chunked HTTP/1.1:7";
        uint32_t part = strlen(piece);
        if (part > length || (!is_body && chance(generator, 2)))
            part = 1 + random_below(&generator->random, part < length ? part : length);
        put_bytes(generator, piece, part);
        length -= part;
    }
}

/* Mostly short; now and then longer than what is kept of a line, or than the window. */
static inline uint32_t filler_length(struct generator *generator)
{
    switch (random_below(&generator->random, 24)) {
    case 0:
        return random_below(&generator->random, 3000);
    case 1:
        return 225 + random_below(&generator->random, 50);
    case 2:
        return 960 + random_below(&generator->random, 100);
    default:
        return random_below(&generator->random, 30);
    }
}

static inline void put_boring_fields(struct generator *generator)
{
    static const char *names[] = {"Host",   "X",           "Content-Type",
                                  "Cookie", "Transfer-It", "Content-Length-X"};

    while (!chance(generator, 3)) {
        put(generator, "%s:", names[random_below(&generator->random, 6)]);
        put_filler(generator, filler_length(generator), 0);
        if (chance(generator, 12))
            put(generator, "%s Content-Length: 3", line_end(generator));
        put(generator, "%s", line_end(generator));
    }
}

static inline void put_length_field(struct generator *generator, uint32_t length)
{
    static const char *formats[] = {"Content-Length: %u%s", "content-length:%u%s",
                                    "CONTENT-LENGTH:\t %u  %s", "Content-Length: %08u%s",
                                    "Content-Length:\r\n %u%s"};

    put(generator, formats[random_below(&generator->random, 5)], length, line_end(generator));
}

static inline void put_chunked_field(struct generator *generator)
{
    static const char *values[] = {"chunked", " chunked", " gzip, Chunked", "\tCHUNKED \t",
                                   " gzip,\r\n chunked"};

    put(generator, "%s:%s%s", chance(generator, 2) ? "Transfer-Encoding" : "transfer-encoding",
        values[random_below(&generator->random, 5)], line_end(generator));
}

/* Writes chunks of `length` bytes together. */
static inline void put_chunks(struct generator *generator, uint32_t length)
{
    static const char *formats[] = {"%x%s", "%X%s", "%04x%s", "%x;a=\"b\"%s", "%x ;c%s"};

    while (length) {
        uint32_t part = 1 + random_below(&generator->random, length);
        put(generator, formats[random_below(&generator->random, 5)], part, line_end(generator));
        put_filler(generator, part, 1);
        put(generator, "%s", line_end(generator));
        length -= part;
    }
    put(generator, "0%s%s", chance(generator, 4) ? ";last" : "", line_end(generator));
    if (chance(generator, 4))
        put(generator, "Trailer: x%s", line_end(generator));
    put(generator, "%s", line_end(generator));
}

static inline uint16_t route_of(const struct generator *generator, const char *target)
{
    uint32_t length = generator->text + generator->length - target;

    return framer_place_number((const uint8_t *)target,
                               length < HTTP_ROUTE_BYTES ? length : HTTP_ROUTE_BYTES);
}

static inline void put_version(struct generator *generator, int method_is_known)
{
    static const char *rare[] = {"1.10", "1.01 ", "1.1\t  ", "2.0"};

    if (chance(generator, 8))
        put(generator, " HTTP/%s%s", rare[random_below(&generator->random, 3 + method_is_known)],
            line_end(generator));
    else
        put(generator, " HTTP/1.%u%s", random_below(&generator->random, 2), line_end(generator));
}

/* What a proxy says first. */
static inline void put_proxy_header(struct generator *generator)
{
    static const char signature[] = "\r\n\r\n\0\r\nQUIT\n";
    uint32_t length = filler_length(generator);
    const char version[] = {0x21, 0x11, length >> 8, length};

    if (chance(generator, 2)) {
        put(generator, "PROXY TCP6 ::1 ::1 %u 80%s", length, line_end(generator));
        return;
    }
    put_bytes(generator, signature, sizeof(signature) - 1);
    put_bytes(generator, version, sizeof(version));
    put_filler(generator, length, 1);
}

/* A whole request; where `early` is given, up to some byte of its body, and the rest's length
 * there. */
static inline void put_request(struct generator *generator, uint32_t *early)
{
    static const struct {
        const char *name;
        uint8_t method;
    } methods[] = {
        {"GET", HTTP_METHOD_GET},        {"GET", HTTP_METHOD_GET},
        {"HEAD", HTTP_METHOD_HEAD},      {"POST", HTTP_METHOD_POST},
        {"PUT", HTTP_METHOD_PUT},        {"DELETE", HTTP_METHOD_DELETE},
        {"PATCH", HTTP_METHOD_PATCH},    {"OPTIONS", HTTP_METHOD_OPTIONS},
        {"TRACE", HTTP_METHOD_TRACE},    {"get", HTTP_METHOD_OTHER},
        {"PROPFIND", HTTP_METHOD_OTHER},
    };
    unsigned kind = random_below(&generator->random, sizeof(methods) / sizeof(methods[0]));
    struct expected_row *row = &generator->rows[generator->asked++];
    uint32_t length = chance(generator, 2) ? 0 : filler_length(generator);

    FRAMER_REQUIRE(generator->asked <= GENERATOR_MAX_ROWS);
    while (chance(generator, 8))
        put(generator, "%s", line_end(generator));
    row->method = methods[kind].method;
    row->start = generator->offset[HTTP_INGRESS];
    row->request_bytes = length;
    put(generator, "%s ", methods[kind].name);
    const char *target = generator->text + generator->length;
    put(generator, "/");
    put_filler(generator, filler_length(generator), 0);
    row->route = route_of(generator, target);
    put_version(generator, row->method != HTTP_METHOD_OTHER);
    put_boring_fields(generator);
    if (length && !early && chance(generator, 2)) {
        put_chunked_field(generator);
        put_boring_fields(generator);
        put(generator, "%s", line_end(generator));
        put_chunks(generator, length);
        return;
    }
    if (length || chance(generator, 8))
        put_length_field(generator, length);
    put_boring_fields(generator);
    put(generator, "%s", line_end(generator));
    if (early) {
        *early = random_below(&generator->random, length + 1);
        length -= *early;
    }
    put_filler(generator, length, 1);
}

static inline void put_interim(struct generator *generator)
{
    while (chance(generator, 8)) {
        put(generator, "HTTP/1.1 %s%s", chance(generator, 2) ? "100 Continue" : "103",
            line_end(generator));
        put_boring_fields(generator);
        put(generator, "%s", line_end(generator));
    }
}

static inline void put_response(struct generator *generator, int last)
{
    static const uint16_t statuses[] = {200, 200, 200, 201, 204, 206, 301, 304, 400, 404, 500, 503};
    struct expected_row *row = &generator->rows[generator->row_count++];
    uint32_t length = chance(generator, 4) ? 0 : filler_length(generator);

    put_interim(generator);
    row->status = statuses[random_below(&generator->random, 12)];
    row->first = generator->offset[HTTP_EGRESS];
    row->response_bytes = length;
    put(generator, "HTTP/1.%u %u%s%s", random_below(&generator->random, 2), row->status,
        chance(generator, 3) ? "" : " Reason", line_end(generator));
    put_boring_fields(generator);
    if (row->method == HTTP_METHOD_HEAD || row->status == 204 || row->status == 304) {
        row->response_bytes = 0;
        if (chance(generator, 2))
            put_length_field(generator, length);
        else if (chance(generator, 2))
            put_chunked_field(generator);
        put(generator, "%s", line_end(generator));
    } else if (last && chance(generator, 4)) {
        put(generator, "%s", line_end(generator));
        put_filler(generator, length, 1);
        row->end = generator->offset[HTTP_EGRESS]; /* the FIN */
        generator->turns[generator->turn_count - 1].fin = 1;
        generator->closed = 1;
        return;
    } else if (chance(generator, 2)) {
        put_chunked_field(generator);
        put(generator, "%s", line_end(generator));
        put_chunks(generator, length);
    } else {
        put_length_field(generator, length);
        put_boring_fields(generator);
        put(generator, "%s", line_end(generator));
        put_filler(generator, length, 1);
    }
    row->end = generator->offset[HTTP_EGRESS] - 1;
}

static inline void generate(struct generator *generator)
{
    unsigned batches = 1 + random_below(&generator->random, 4);

    generator->length = generator->turn_count = generator->row_count = generator->asked = 0;
    generator->offset[0] = generator->offset[1] = generator->closed = 0;
    for (unsigned i = 0; i < batches && !generator->closed; i++) {
        unsigned deep = chance(generator, 3) ? 1 + random_below(&generator->random, 6) : 1;
        uint32_t rest = 0;
        int early = chance(generator, 10);
        turn_begin(generator, HTTP_INGRESS);
        if (!i && chance(generator, 6))
            put_proxy_header(generator);
        for (unsigned j = 0; j < deep; j++)
            put_request(generator, early && j == deep - 1 ? &rest : NULL);
        turn_begin(generator, HTTP_EGRESS);
        for (unsigned j = 0; j < deep; j++)
            put_response(generator, i == batches - 1 && j == deep - 1);
        if (rest) {
            turn_begin(generator, HTTP_INGRESS);
            put_filler(generator, rest, 1);
        }
    }
}

#endif
