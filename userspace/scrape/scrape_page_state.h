/* SPDX-License-Identifier: Apache-2.0 */
/* A page while it is read: what is known of it, and the samples that it has given so far. */
#ifndef EDGEMETER_SCRAPE_SCRAPE_PAGE_STATE_H
#define EDGEMETER_SCRAPE_SCRAPE_PAGE_STATE_H

#include "model/metric.h"
#include "model/proto_exposition.h"
#include "scrape/sample_list.h"
#include "scrape/scrape_cache.h"
#include "scrape/scrape_families.h"
#include "scrape/scrape_labels.h"
#include "scrape/scrape_log.h"
#include "scrape/scrape_metrics.h"
#include "scrape/scrape_protocol.h"

#define SCRAPE_REASON_SIZE 256
#define SCRAPE_MAX_BODY (512u * 1024 * 1024) /* decoded bytes of a page, where no limit is set */
#define SCRAPE_MAX_LINE (1024u * 1024)
#define SCRAPE_MAX_FUTURE_MS (10 * 60 * 1000) /* an explicit timestamp further ahead is dropped */

/* What all targets share. */
struct scrape_shared {
    struct series_table *series;
    struct page_pieces *pieces;
    struct scrape_labels *labels;
    struct exposition_entry *entry; /* the line being parsed */
    bool exemplars;                 /* somebody wants them */
    struct scrape_metrics metrics;
    struct scrape_log log;
    uint64_t seed; /* see scrape_schedule_seed */
};

struct scrape_page {
    const struct scrape_shared *shared;
    const struct target *target;
    struct scrape_cache *cache;
    struct scrape_families families;
    int64_t timestamp_ms; /* of samples that bring none */
    enum scrape_format format;

    struct buffer tail;             /* the line or family whose end has not come yet */
    bool open_quote;                /* `tail` ends inside a quoted string that spans lines */
    struct page_run run;            /* of comments, before the sample being taken */
    bool open_run;                  /* a run of comments began in lines that are gone */
    bool ended;                     /* `# EOF` was read */
    unsigned line;                  /* lines (or families) read */
    struct proto_exposition *proto; /* NULL: text */
    struct scrape_convert *convert; /* NULL: classic histograms stay what they are */
    bool took;                      /* the sample read last is in the record */

    struct sample_list samples;
    size_t bytes;      /* of the body */
    uint32_t scraped;  /* sample lines */
    uint32_t kept;     /* of them, after relabelling */
    uint32_t repeated; /* of these, again what this page had shown */
    uint32_t added;    /* series that had not been there before */
    bool over_limit;   /* there are more samples than sample_limit: they are only counted */
    bool over_buckets; /* a histogram has more than native_histogram_bucket_limit */
    bool failed;       /* then `reason` says why, and the rest of the page is ignored */
    char reason[SCRAPE_REASON_SIZE];
};

/* None of them will be in the record. */
void scrape_page_drop_samples(struct scrape_page *page);
/* All samples so far with what is beside them; valid until the page is freed or the cache's next
 * page begins. */
struct sample_record scrape_page_record(const struct scrape_page *page);

#endif
