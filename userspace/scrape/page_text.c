/* SPDX-License-Identifier: Apache-2.0 */
/* One allocation for a text, found by a seeded 128-bit hash of it. */
#include "scrape/page_text.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/hash_table.h"

struct page_texts {
    struct hash_table by_key;
    uint64_t seed;
};

int page_texts_new(struct page_texts **out)
{
    struct page_texts *texts = calloc(1, sizeof(*texts));
    if (!texts)
        return -ENOMEM;
    hash_table_init(&texts->by_key, sizeof(((struct page_text *)NULL)->key), PAGE_TEXTS_MAX);
    if (getrandom(&texts->seed, sizeof(texts->seed), GRND_NONBLOCK) < 0)
        texts->seed = (uintptr_t)texts; /* right after boot */
    *out = texts;
    return 0;
}

void page_texts_free(struct page_texts **texts)
{
    if (!*texts)
        return;
    assert(!(*texts)->by_key.count);
    hash_table_free(&(*texts)->by_key);
    free(*texts);
    *texts = NULL;
}

static XXH128_hash_t key_of(const struct page_texts *texts, struct text text)
{
    return XXH3_128bits_withSeed(text.bytes, text.length, texts->seed);
}

struct page_text *page_texts_find(const struct page_texts *texts, struct text text)
{
    XXH128_hash_t key = key_of(texts, text);
    return hash_table_find(&texts->by_key, &key);
}

int page_texts_intern(struct page_texts *texts, struct text text, struct page_text **out)
{
    XXH128_hash_t key = key_of(texts, text);
    struct page_text *found = hash_table_find(&texts->by_key, &key);
    if (found) {
        found->references++;
        *out = found;
        return 0;
    }
    if (text.length > UINT32_MAX)
        return -E2BIG;
    struct page_text *added = malloc(sizeof(*added) + text.length);
    if (!added)
        return -ENOMEM;
    memcpy(added->key, &key, sizeof(added->key));
    added->references = 1;
    added->length = (uint32_t)text.length;
    memcpy(added->bytes, text.bytes, text.length);
    int error = hash_table_add(&texts->by_key, added);
    if (error)
        free(added);
    else
        *out = added;
    return error;
}

void page_texts_release(struct page_texts *texts, struct page_text *text)
{
    assert(text->references > 0);
    if (--text->references > 0)
        return;
    hash_table_remove(&texts->by_key, text->key);
    free(text);
}
