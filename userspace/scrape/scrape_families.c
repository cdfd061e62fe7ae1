/* SPDX-License-Identifier: Apache-2.0 */
/* Runs lie in the order of the page. Where a page deviates from it, its run is parsed and put in
 * between; what was not seen on a page is dropped at its end. */
#include "scrape/scrape_families.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"

#define MAX_MOVED 1024 /* runs that one insertion moves; beyond, the runs behind are forgotten */
#define MAX_HELP (1 << 20) /* bytes of a help text, escapes resolved */

struct comment_run {
    struct page_text *text; /* NULL: not known yet */
    uint32_t lines;
    metadata_id metadata; /* of its last family; held */
    uint32_t seen;        /* the page on which it was last */
    bool has_type;
    uint8_t type; /* its last TYPE line's */
};

struct scrape_families {
    struct series_table *series;
    struct page_texts *texts;
    struct comment_run *runs;
    uint32_t count, capacity;
    uint32_t next; /* the run expected next */
    uint32_t page; /* number of the present one */
    uint32_t seen; /* runs that were on it */

    metadata_id metadata; /* of the present family; held */
    bool is_fresh;
    bool in_run;   /* a comment has come since the last sample line */
    bool is_known; /* the run that it is in begins with the one before `next` */
    bool has_type; /* and a TYPE line */
    enum metadata_type type;
};

int scrape_families_new(struct series_table *series, struct page_texts *texts,
                        struct scrape_families **out)
{
    struct scrape_families *families = calloc(1, sizeof(*families));
    if (!families)
        return -ENOMEM;
    families->series = series;
    families->texts = texts;
    *out = families;
    return 0;
}

static void change_metadata(struct scrape_families *families, metadata_id *from, metadata_id to)
{
    series_table_release_metadata(families->series, *from);
    *from = to;
}

static void release_run(struct scrape_families *families, struct comment_run *run)
{
    series_table_release_metadata(families->series, run->metadata);
    if (run->text)
        page_texts_release(families->texts, run->text);
}

static void forget_from(struct scrape_families *families, uint32_t first)
{
    for (uint32_t i = first; i < families->count; i++)
        release_run(families, &families->runs[i]);
    families->count = first;
}

void scrape_families_free(struct scrape_families **out)
{
    struct scrape_families *families = *out;
    if (!families)
        return;
    forget_from(families, 0);
    change_metadata(families, &families->metadata, 0);
    free(families->runs);
    free(families);
    *out = NULL;
}

void scrape_families_begin(struct scrape_families *families)
{
    change_metadata(families, &families->metadata, 0);
    families->is_fresh = families->in_run = families->is_known = families->has_type = false;
    families->type = METADATA_UNKNOWN;
    families->next = families->seen = 0;
    families->page++;
}

static bool run_is_at(const struct scrape_families *families, uint32_t index, const char *at,
                      size_t left)
{
    if (index >= families->count)
        return false;
    const struct page_text *text = families->runs[index].text;
    return text && text->length <= left && !memcmp(at, text->bytes, text->length);
}

size_t scrape_families_known(struct scrape_families *families, const char *at, size_t left,
                             unsigned *lines)
{
    uint32_t index = families->next;
    if (!run_is_at(families, index, at, left) && !run_is_at(families, ++index, at, left))
        return 0;

    struct comment_run *run = &families->runs[index];
    families->next = index + 1;
    families->seen += run->seen != families->page;
    run->seen = families->page;
    if (run->metadata)
        series_table_hold_metadata(families->series, run->metadata);
    change_metadata(families, &families->metadata, run->metadata);
    families->is_fresh = false;
    families->in_run = families->is_known = true;
    families->has_type = run->has_type;
    if (run->has_type)
        families->type = run->type;
    *lines = run->lines;
    return run->text->length;
}

/* Without room for it the family stays undescribed. */
void scrape_families_set(struct scrape_families *families, const struct metadata *metadata)
{
    metadata_id id = 0;

    if (series_table_intern_metadata(families->series, metadata, &id))
        id = 0;
    families->is_fresh = true;
    families->type = metadata->type;
    change_metadata(families, &families->metadata, id);
}

/* What else the run said of the same family stays. */
void scrape_families_take(struct scrape_families *families, enum exposition_format format,
                          const struct exposition_entry *entry)
{
    const struct metadata *present = series_table_metadata(families->series, families->metadata);
    struct metadata metadata = {.family = entry->name};
    enum metadata_type bound_type = families->type;
    autobuffer struct buffer help;

    buffer_init(&help, MAX_HELP);
    if (families->in_run && present && text_equal(present->family, entry->name))
        metadata = *present;
    families->in_run = true;
    if (entry->kind == EXPOSITION_TYPE) {
        bound_type = metadata.type = entry->type;
        families->has_type = true;
    } else if (entry->kind == EXPOSITION_UNIT) {
        metadata.unit = entry->value_text;
    } else {
        metadata.help = entry->value_text;
        if (memchr(metadata.help.bytes, '\\', metadata.help.length) &&
            !exposition_unescape_help(format, entry->value_text, &help))
            metadata.help = buffer_text(&help);
    }
    scrape_families_set(families, &metadata);
    families->type = bound_type;
}

static uint32_t count_lines(struct text run)
{
    const char *at = run.bytes, *end = at + run.length;
    uint32_t lines = 0;

    for (; (at = memchr(at, '\n', (size_t)(end - at))); at++)
        lines++;
    return lines;
}

/* The place of a new run, which is not filled; NULL without room. */
static struct comment_run *insert_run(struct scrape_families *families)
{
    if (families->count - families->next > MAX_MOVED)
        forget_from(families, families->next);
    if (families->count == SCRAPE_FAMILIES_MAX)
        return NULL;
    if (families->count == families->capacity) {
        uint32_t capacity = families->capacity + families->capacity / 4 + 16;
        void *runs = realloc(families->runs, capacity * sizeof(*families->runs));
        if (!runs)
            return NULL;
        families->runs = runs;
        families->capacity = capacity;
    }
    struct comment_run *place = &families->runs[families->next];
    memmove(place + 1, place, (families->count - families->next) * sizeof(*place));
    families->count++;
    families->next++;
    families->seen++;
    place->metadata = 0;
    place->text = NULL;
    return place;
}

static void learn_run(struct scrape_families *families, struct text run)
{
    struct comment_run *place =
        families->is_known ? &families->runs[families->next - 1] : insert_run(families);

    if (!place || (families->is_known && place->text && place->text->length == run.length))
        return;
    struct page_text *before = place->text;
    if (page_texts_intern(families->texts, run, &place->text))
        place->text = NULL; /* parsed again at the next scrape */
    if (before)
        page_texts_release(families->texts, before);
    if (families->metadata)
        series_table_hold_metadata(families->series, families->metadata);
    change_metadata(families, &place->metadata, families->metadata);
    place->lines = count_lines(run);
    place->seen = families->page;
    place->has_type = families->has_type;
    place->type = (uint8_t)families->type;
}

void scrape_families_learn(struct scrape_families *families, struct text run)
{
    if (run.length && run.length <= UINT32_MAX)
        learn_run(families, run);
    families->in_run = families->is_known = families->has_type = false;
}

void scrape_families_end(struct scrape_families *families)
{
    uint32_t kept = 0;

    if (families->seen == families->count)
        return;
    for (uint32_t i = 0; i < families->count; i++) {
        if (families->runs[i].seen == families->page)
            families->runs[kept++] = families->runs[i];
        else
            release_run(families, &families->runs[i]);
    }
    families->count = kept;
}

struct text scrape_families_bound(const struct scrape_families *families)
{
    if (families->type == METADATA_HISTOGRAM)
        return TEXT("le");
    if (families->type == METADATA_SUMMARY)
        return TEXT("quantile");
    return (struct text){NULL, 0};
}

metadata_id scrape_families_metadata(const struct scrape_families *families)
{
    return families->metadata;
}

bool scrape_families_is_fresh(const struct scrape_families *families)
{
    return families->is_fresh;
}

static bool cut_suffix(struct text *name, const char *suffix)
{
    size_t length = strlen(suffix);
    bool has =
        name->length >= length && !memcmp(name->bytes + name->length - length, suffix, length);
    if (has)
        name->length -= length;
    return has;
}

bool scrape_family_has(const struct metadata *family, struct text metric_name)
{
    static const char *const suffixes[][4] = {
        [METADATA_COUNTER] = {"_total"},
        [METADATA_HISTOGRAM] = {"_bucket", "_sum", "_count"},
        [METADATA_GAUGE_HISTOGRAM] = {"_bucket", "_gsum", "_gcount"},
        [METADATA_SUMMARY] = {"_sum", "_count"},
        [METADATA_INFO] = {"_info"},
        [METADATA_STATESET] = {NULL},
    };
    struct text name = family->family;

    if (family->type == METADATA_COUNTER) /* classic text has it in the family's name */
        cut_suffix(&name, "_total");
    for (const char *const *suffix = suffixes[family->type]; *suffix; suffix++)
        if (cut_suffix(&metric_name, *suffix))
            break;
    return text_equal(name, metric_name);
}
