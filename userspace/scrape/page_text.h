/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of pages that come again at every scrape, of series and of comments, each once for all
 * targets: those of one exporter show the same. References are counted. */
#ifndef EDGEMETER_SCRAPE_PAGE_TEXT_H
#define EDGEMETER_SCRAPE_PAGE_TEXT_H

#include <stdint.h>

#include "base/text.h"

#define PAGE_TEXTS_MAX (1u << 28)

struct page_text {
    uint64_t key[2]; /* a seeded XXH3 of the text; first: what hash_table compares */
    uint32_t references;
    uint32_t length;
    char bytes[];
};

struct page_texts;

int page_texts_new(struct page_texts **out);
/* All references are released. */
void page_texts_free(struct page_texts **texts);

/* NULL: nobody has it. No reference is taken. */
struct page_text *page_texts_find(const struct page_texts *texts, struct text text);
/* Finds the text or adds a copy, and takes one reference. 0, -ENOMEM or -E2BIG. */
int page_texts_intern(struct page_texts *texts, struct text text, struct page_text **out);
void page_texts_release(struct page_texts *texts, struct page_text *text);

static inline struct text page_text_get(const struct page_text *text)
{
    return (struct text){text->bytes, text->length};
}

#endif
