/* SPDX-License-Identifier: Apache-2.0 */
/* What one target has exposed: raw series text -> series, so that labels are built once for a
 * series and not once for a scrape, and so that what disappears is noticed. Holds one reference of
 * each series. */
#ifndef EDGEMETER_SCRAPE_SCRAPE_CACHE_H
#define EDGEMETER_SCRAPE_SCRAPE_CACHE_H

#include "model/series_table.h"
#include "scrape/page_piece.h"
#include "scrape/scrape_exemplars.h"

#define SCRAPE_CACHE_MAX_SERIES (1u << 22)
#define SCRAPE_CACHE_MAX_TEXT (512u * 1024 * 1024) /* bytes of raw text */

struct cached_series {
    struct page_piece *piece; /* as the page showed it last */
    series_id series;         /* 0: dropped by relabelling */
    uint32_t seen : 27;       /* the scrape in which it was last on the page */
    uint32_t again : 1;       /* it had been on this page before, when it was found last */
    uint32_t is_new : 1;      /* no sample of it was taken yet */
    uint32_t tracked : 1;     /* this scrape has a sample of it at the scrape's own time */
    uint32_t live : 1;        /* so had the scrape before: its end is worth a stale marker */
    uint32_t is_created : 1;  /* tells when the count of others began (OpenMetrics' _created) */
};
_Static_assert(sizeof(struct cached_series) == 16, "there is one for each series of each target");

struct scrape_cache;

/* Both tables outlive it. */
int scrape_cache_new(struct series_table *series, struct page_pieces *pieces,
                     struct scrape_cache **out);
/* Releases its references. */
void scrape_cache_free(struct scrape_cache **cache);

/* Forgets the texts, because the config labels them in another way now; what is alive is then
 * inherited. 0, -ENOMEM, or -E2BIG. */
int scrape_cache_reset(struct scrape_cache *cache);

/* A scrape begins. */
void scrape_cache_begin(struct scrape_cache *cache);
/* The piece that comes next if the page has the order of the scrape before, or NULL. Valid until
 * the next add, learn or sweep. */
const struct page_piece *scrape_cache_expected(const struct scrape_cache *cache);
/* The series of a raw text, marked as seen; NULL: not there. Valid until the next add or sweep. */
struct cached_series *scrape_cache_find(struct scrape_cache *cache, struct text raw);
/* The series of scrape_cache_expected, as if it had been looked for. */
struct cached_series *scrape_cache_take_expected(struct scrape_cache *cache);
/* A text that find did not know, behind its run of comments, with a reference of its series (0: of
 * none), which is the cache's on success. 0, -ENOMEM or -E2BIG. */
int scrape_cache_add(struct scrape_cache *cache, enum scrape_format format,
                     const struct page_run *run, struct text raw, series_id series,
                     struct cached_series **out);
/* The series stands behind this run of comments now. */
void scrape_cache_learn(struct scrape_cache *cache, enum scrape_format format,
                        struct cached_series *entry, const struct page_run *run, struct text raw);

/* The entries from the expected one on, in the order of the scrape before; none for a target that
 * gives times of its own. The first `count` of them, of which none is new, tracked or tells when
 * others began, were on the page, each with a sample at the scrape's own time. */
const struct cached_series *scrape_cache_upcoming(const struct scrape_cache *cache,
                                                  uint32_t *count);
void scrape_cache_take_upcoming(struct scrape_cache *cache, uint32_t count);

/* Whether a sample at that time is newer than those of the entry before. Times are remembered only
 * for targets that give some of their own. */
bool scrape_cache_advance(struct scrape_cache *cache, const struct cached_series *entry,
                          int64_t timestamp_ms, bool own_time);

/* The scrape is over. Gives the series that had samples before and have none now, each once,
 * sorted; of a failed scrape, all that had samples. Without those that have samples newer than
 * `timestamp_ms`. The list is the cache's, valid until the next begin. 0 or -ENOMEM. */
int scrape_cache_end(struct scrape_cache *cache, bool failed, int64_t timestamp_ms,
                     const series_id **ended, size_t *ended_count);
/* The series that `from` has alive (nothing is left in it) end with this cache's next scrape,
 * unless that has a sample of them. 0, -ENOMEM, or -E2BIG. */
int scrape_cache_inherit(struct scrape_cache *cache, struct scrape_cache *from);
/* One such series more, whose reference is the cache's from now on, on failure too. */
int scrape_cache_inherit_series(struct scrape_cache *cache, series_id series);
/* Forgets what was not on the page. After a failed scrape, or an empty page, everything is kept,
 * unless failing pages have brought in too much: then all that was not on this page goes, and the
 * result is true. */
bool scrape_cache_sweep(struct scrape_cache *cache, bool failed);

/* Made when first wanted; NULL without memory, and where not wanted and not there. */
struct scrape_exemplars *scrape_cache_exemplars(struct scrape_cache *cache, bool wanted);

uint32_t scrape_cache_count(const struct scrape_cache *cache);
/* Told of each family that the series are of, now and then twice. */
void scrape_cache_each_metadata(const struct scrape_cache *cache,
                                void (*fn)(void *context, const struct metadata *metadata),
                                void *context);

#endif
