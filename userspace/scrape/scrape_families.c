/* SPDX-License-Identifier: Apache-2.0 */
/* Comments, one after the other, until a sample line ends their run. */
#include "scrape/scrape_families.h"

#include "base/cleanup.h"

#define MAX_HELP (1 << 20) /* bytes of a help text, escapes resolved */

void scrape_families_begin(struct scrape_families *families, struct series_table *series)
{
    *families = (struct scrape_families){.series = series, .type = METADATA_UNKNOWN};
}

void scrape_families_release(struct scrape_families *families)
{
    if (families->is_held)
        series_table_release_metadata(families->series, families->metadata);
    families->is_held = false;
}

void scrape_families_end(struct scrape_families *families)
{
    scrape_families_release(families);
    families->metadata = 0;
}

/* Without room for it the family stays undescribed. */
void scrape_families_set(struct scrape_families *families, const struct metadata *metadata)
{
    metadata_id id = 0;

    if (series_table_intern_metadata(families->series, metadata, &id))
        id = 0;
    families->is_fresh = true;
    families->type = metadata->type;
    scrape_families_release(families);
    families->metadata = id;
    families->is_held = id != 0;
}

/* What else was said of the same family stays, samples in between or not. */
void scrape_families_take(struct scrape_families *families, enum exposition_format format,
                          const struct exposition_entry *entry)
{
    const struct metadata *present = series_table_metadata(families->series, families->metadata);
    struct metadata metadata = {.family = entry->name};
    enum metadata_type bound_type = families->type;
    autobuffer struct buffer help;

    buffer_init(&help, MAX_HELP);
    if (present && text_equal(present->family, entry->name))
        metadata = *present;
    families->describes = true;
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

void scrape_families_end_run(struct scrape_families *families, struct page_run *out)
{
    if (families->metadata && !families->is_held) {
        series_table_hold_metadata(families->series, families->metadata);
        families->is_held = true;
    }
    out->describes = families->describes;
    out->metadata = families->describes ? families->metadata : 0;
    out->has_type = families->has_type;
    out->type = (uint8_t)families->type;
    families->describes = families->has_type = false;
}

struct text scrape_families_bound(const struct scrape_families *families)
{
    if (families->type == METADATA_HISTOGRAM)
        return TEXT("le");
    if (families->type == METADATA_SUMMARY)
        return TEXT("quantile");
    return (struct text){NULL, 0};
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
