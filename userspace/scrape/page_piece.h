/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of pages that come again at every scrape, each once for all targets: those of one
 * exporter show the same. A piece is the raw text of a series and the run of comments before it, as
 * they stand on the page behind each other, with what the comments say: what begins with the piece
 * need not be parsed again up to its value. References are counted. */
#ifndef EDGEMETER_SCRAPE_PAGE_PIECE_H
#define EDGEMETER_SCRAPE_PAGE_PIECE_H

#include "model/series_table.h"
#include "scrape/scrape_protocol.h"

#define PAGE_PIECES_MAX (1u << 28)

/* All that stands between the sample line before and this one's series. */
struct page_run {
    struct text text;     /* ends where the series begins; NULL: it did not come in one piece */
    bool describes;       /* it has a TYPE, HELP or UNIT line */
    bool has_type;        /* it has a TYPE line */
    uint8_t type;         /* the last one's; enum metadata_type */
    metadata_id metadata; /* of the last family that it describes, or 0 */
};

struct page_piece {
    uint64_t key[2]; /* a seeded XXH3 of the text; first: what hash_table compares */
    uint32_t references;
    uint32_t series_hash;
    uint32_t length; /* of both */
    uint32_t run_length;
    uint32_t run_lines;
    metadata_id metadata; /* held; this and the next three as in page_run */
    bool describes, has_type;
    uint8_t type;
    uint8_t format;   /* enum scrape_format: another one reads it in another way */
    bool spans_lines; /* the series' text holds a newline, of which the parser must know */
    char bytes[];
};

struct page_pieces;

/* The table outlives them. */
int page_pieces_new(struct series_table *series, struct page_pieces **out);
/* All references are released. */
void page_pieces_free(struct page_pieces **pieces);

/* Finds the piece or adds a copy, and takes one reference. 0, -ENOMEM or -E2BIG. */
int page_pieces_intern(struct page_pieces *pieces, enum scrape_format format,
                       const struct page_run *run, struct text series, struct page_piece **out);
void page_pieces_release(struct page_pieces *pieces, struct page_piece *piece);

/* As in series_hash. */
uint32_t page_pieces_hash(const struct page_pieces *pieces, struct text series);

static inline struct text page_piece_series(const struct page_piece *piece)
{
    return (struct text){piece->bytes + piece->run_length, piece->length - piece->run_length};
}

/* Whether the text begins with the piece, and goes on. */
static inline bool page_piece_begins(const struct page_piece *piece, enum scrape_format format,
                                     struct text text)
{
    return piece->length < text.length && piece->format == format && !piece->spans_lines &&
           !memcmp(piece->bytes, text.bytes, piece->length);
}

#endif
