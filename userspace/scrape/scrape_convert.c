/* SPDX-License-Identifier: Apache-2.0 */
/* What is collected has a name and labels of its own: those of its series less suffix and bound,
 * resolved and sorted, so that series of one histogram are known by comparing bytes. */
#include "scrape/scrape_convert.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "model/nhcb_builder.h"
#include "scrape/scrape_take.h"

#define MAX_TEXT (4u * 1024 * 1024) /* of a series; a line is shorter */
#define MAX_EXEMPLAR_TEXT (1024u * 1024)
#define SEPARATOR '\xff' /* in no UTF-8 */

enum state {
    IDLE,
    COLLECTING,
    INHIBITED, /* behind a native histogram, whose classic series are not converted */
};

/* What a series says of its histogram. */
enum part { PART_NONE, PART_BUCKET, PART_COUNT, PART_SUM, PART_CREATED };

struct kept_exemplar {
    double value;
    int64_t timestamp_ms;
    size_t labels, length; /* in exemplar_text: each name and value before a separator */
};

struct scrape_convert {
    bool keeps_classic;
    enum state state;
    struct nhcb_builder builder;
    struct buffer identity; /* of what is collected, or of the native histogram */
    struct buffer series;   /* the same of the series at hand */
    struct buffer resolved; /* its texts that had escapes */
    bool has_timestamp;
    int64_t timestamp_ms;
    int64_t created_ms;
    struct kept_exemplar *exemplars;
    size_t exemplar_count;
    struct buffer exemplar_text;
};

int scrape_convert_new(bool keeps_classic, struct scrape_convert **out)
{
    struct scrape_convert *convert = calloc(1, sizeof(*convert));
    if (!convert)
        return -ENOMEM;
    convert->keeps_classic = keeps_classic;
    nhcb_builder_init(&convert->builder);
    buffer_init(&convert->identity, MAX_TEXT);
    buffer_init(&convert->series, MAX_TEXT);
    buffer_init(&convert->resolved, MAX_TEXT);
    buffer_init(&convert->exemplar_text, MAX_EXEMPLAR_TEXT);
    *out = convert;
    return 0;
}

void scrape_convert_free(struct scrape_convert **out)
{
    struct scrape_convert *convert = *out;
    if (!convert)
        return;
    nhcb_builder_free(&convert->builder);
    buffer_free(&convert->identity);
    buffer_free(&convert->series);
    buffer_free(&convert->resolved);
    buffer_free(&convert->exemplar_text);
    free(convert->exemplars);
    free(convert);
    *out = NULL;
}

bool scrape_convert_is_busy(const struct scrape_convert *convert)
{
    return convert->keeps_classic || convert->state == COLLECTING;
}

/* ---- which histogram a series is of ---- */

static bool cut_suffix(struct text *name, struct text suffix)
{
    if (name->length < suffix.length ||
        memcmp(name->bytes + name->length - suffix.length, suffix.bytes, suffix.length))
        return false;
    name->length -= suffix.length;
    return true;
}

static enum part cut_part(struct text *name, bool may_be_created)
{
    static const struct {
        struct text suffix;
        enum part part;
    } parts[] = {{{"_bucket", 7}, PART_BUCKET},
                 {{"_sum", 4}, PART_SUM},
                 {{"_count", 6}, PART_COUNT},
                 {{"_created", 8}, PART_CREATED}};

    for (size_t i = 0; i < ARRAY_SIZE(parts) - !may_be_created; i++)
        if (cut_suffix(name, parts[i].suffix))
            return parts[i].part;
    return PART_NONE;
}

/* OpenMetrics' _created alone makes no histogram, and is a series of its own where classic ones are
 * kept. */
static bool may_be_created(const struct scrape_page *page)
{
    return page->format == SCRAPE_OPENMETRICS && page->convert->state == COLLECTING &&
           !page->convert->keeps_classic;
}

static int resolve(struct scrape_convert *convert, bool verbatim, struct text *text)
{
    struct buffer *resolved = &convert->resolved;
    size_t start = resolved->length;

    if (verbatim || !text->length || !memchr(text->bytes, '\\', text->length))
        return 0;
    int error = exposition_unescape(*text, resolved);
    *text = (struct text){resolved->bytes + start, resolved->length - start};
    return error;
}

static void append(struct buffer *out, struct text text)
{
    buffer_append_text(out, text);
    buffer_append_char(out, SEPARATOR);
}

/* Labels mostly come in their order. */
static void insert_sorted(struct label *labels, size_t count, struct label label)
{
    for (; count > 0 && text_compare(labels[count - 1].name, label.name) > 0; count--)
        labels[count] = labels[count - 1];
    labels[count] = label;
}

/* Which series of which histogram this is: the part, its bound (NaN: none), and in `series` the
 * histogram's identity, be it one or not. */
static int identify(const struct scrape_page *page, const struct exposition_entry *entry,
                    enum part *part, double *bound)
{
    struct scrape_convert *convert = page->convert;
    struct label labels[EXPOSITION_MAX_LABELS];
    struct text name = entry->name;
    size_t count = 0, bounds = 0;

    buffer_clear(&convert->series);
    buffer_clear(&convert->resolved);
    /* no text grows when it is resolved: they all stay where they are */
    int error = buffer_reserve(&convert->resolved, entry->series.length) ? 0 : -ENOMEM;
    if (!error)
        error = resolve(convert, entry->verbatim, &name);
    *part = entry->histogram ? PART_NONE : cut_part(&name, may_be_created(page));
    *bound = (double)NAN;
    for (size_t i = 0; i < entry->label_count && !error; i++) {
        struct label label = entry->labels[i];
        error = resolve(convert, entry->verbatim, &label.name);
        if (!error)
            error = resolve(convert, entry->verbatim, &label.value);
        if (!label.value.length)
            continue; /* is as good as absent */
        if (entry->histogram || !text_equal(label.name, TEXT("le")))
            insert_sorted(labels, count++, label);
        else if (bounds++ || exposition_parse_float(label.value, bound))
            *bound = (double)NAN;
    }
    append(&convert->series, name);
    for (size_t i = 0; i < count; i++) {
        append(&convert->series, labels[i].name);
        append(&convert->series, labels[i].value);
    }
    return error || !convert->series.failed ? error : -ENOMEM;
}

static struct text take_text(struct text *from)
{
    const char *end = memchr(from->bytes, SEPARATOR, from->length);
    struct text taken = {from->bytes, (size_t)(end - from->bytes)};

    *from = (struct text){end + 1, from->length - taken.length - 1};
    return taken;
}

static bool is_same(const struct scrape_convert *convert)
{
    return text_equal(buffer_text(&convert->identity), buffer_text(&convert->series));
}

static bool is_of_histogram(const struct scrape_page *page)
{
    return page->families.type == METADATA_HISTOGRAM;
}

/* The series at hand is of the family that the page said to be a histogram. */
static bool is_of_family(const struct scrape_page *page)
{
    struct text series = buffer_text(&page->convert->series);
    const struct metadata *family =
        series_table_metadata(page->shared->series, page->families.metadata);

    return is_of_histogram(page) && family && text_equal(take_text(&series), family->family);
}

static void adopt_identity(struct scrape_convert *convert, enum state state)
{
    struct buffer identity = convert->identity;

    convert->identity = convert->series;
    convert->series = identity;
    convert->state = state;
}

/* ---- exemplars ---- */

static bool reserve_exemplar(struct scrape_convert *convert)
{
    if (!convert->exemplars)
        convert->exemplars = calloc(SCRAPE_CONVERT_MAX_EXEMPLARS, sizeof(*convert->exemplars));
    return convert->exemplars && convert->exemplar_count < SCRAPE_CONVERT_MAX_EXEMPLARS;
}

static int append_resolved(struct buffer *out, struct text text, bool verbatim)
{
    int error = verbatim ? buffer_append_text(out, text) : exposition_unescape(text, out);
    return error ? error : buffer_append_char(out, SEPARATOR);
}

/* A histogram's exemplars count only where they have a time. */
static void keep_exemplar(struct scrape_convert *convert, const struct exposition_entry *entry)
{
    const struct exposition_exemplar *exemplar = &entry->exemplar;
    struct buffer *text = &convert->exemplar_text;
    size_t start = text->length;
    int error = 0;

    if (!entry->has_exemplar || !exemplar->has_timestamp || !reserve_exemplar(convert))
        return;
    for (size_t i = 0; i < exemplar->label_count && !error; i++) {
        error = append_resolved(text, exemplar->labels[i].name, exemplar->verbatim);
        if (!error)
            error = append_resolved(text, exemplar->labels[i].value, exemplar->verbatim);
    }
    if (error) {
        text->length = start;
        return;
    }
    convert->exemplars[convert->exemplar_count++] = (struct kept_exemplar){
        .value = exemplar->value,
        .timestamp_ms = exemplar->timestamp_ms,
        .labels = start,
        .length = text->length - start,
    };
}

static int compare_exemplars(const void *left, const void *right)
{
    const struct kept_exemplar *a = left, *b = right;

    if (a->timestamp_ms != b->timestamp_ms)
        return a->timestamp_ms < b->timestamp_ms ? -1 : 1;
    return (a->value > b->value) - (a->value < b->value);
}

static void give_exemplars(struct scrape_page *page, struct exposition_entry *entry)
{
    struct scrape_convert *convert = page->convert;
    struct exposition_exemplar *out = &entry->exemplar;

    if (convert->exemplar_count) /* what is older than the last one would not be taken */
        qsort(convert->exemplars, convert->exemplar_count, sizeof(*convert->exemplars),
              compare_exemplars);
    for (size_t i = 0; i < convert->exemplar_count; i++) {
        const struct kept_exemplar *kept = &convert->exemplars[i];
        struct text labels = {NULL, kept->length};
        if (kept->length)
            labels.bytes = convert->exemplar_text.bytes + kept->labels;
        out->label_count = 0;
        while (labels.length) {
            struct text name = take_text(&labels);
            out->labels[out->label_count++] = (struct label){name, take_text(&labels)};
        }
        out->verbatim = out->has_timestamp = entry->has_exemplar = true;
        out->value = kept->value;
        out->timestamp_ms = kept->timestamp_ms;
        scrape_page_take_exemplar(page, entry);
    }
}

/* ---- the histogram ---- */

static int collect(struct scrape_convert *convert, const struct exposition_entry *entry,
                   enum part part, double bound)
{
    if (convert->state != COLLECTING) {
        adopt_identity(convert, COLLECTING);
        nhcb_builder_clear(&convert->builder);
        convert->created_ms = entry->created_ms;
        convert->exemplar_count = 0;
        buffer_clear(&convert->exemplar_text);
    }
    convert->has_timestamp = entry->has_timestamp;
    convert->timestamp_ms = entry->timestamp_ms;
    keep_exemplar(convert, entry);
    if (part == PART_BUCKET)
        return nhcb_builder_add_bucket(&convert->builder, bound, entry->value);
    if (part == PART_COUNT)
        nhcb_builder_set_count(&convert->builder, entry->value);
    else if (part == PART_SUM)
        nhcb_builder_set_sum(&convert->builder, entry->value);
    else if (entry->value >= 0 && entry->value < 0x1p53)
        convert->created_ms = (int64_t)(entry->value * 1000);
    return 0;
}

/* Put together here, it is as one of a protobuf page. */
static void fill_entry(const struct scrape_convert *convert, struct histogram *histogram,
                       struct exposition_entry *entry)
{
    struct text identity = buffer_text(&convert->identity);

    entry->kind = EXPOSITION_SAMPLE;
    entry->is_expected = false;
    entry->verbatim = true;
    entry->series = identity;
    entry->name = take_text(&identity);
    entry->label_count = 0;
    while (identity.length) {
        struct text name = take_text(&identity);
        entry->labels[entry->label_count++] = (struct label){name, take_text(&identity)};
    }
    entry->value = 0;
    entry->has_timestamp = convert->has_timestamp;
    entry->timestamp_ms = convert->timestamp_ms;
    entry->has_exemplar = false;
    entry->histogram = histogram;
    entry->created_ms = convert->created_ms;
}

int scrape_convert_flush(struct scrape_page *page)
{
    struct scrape_convert *convert = page->convert;
    const struct page_run run = page->run;
    struct histogram *histogram = NULL;
    struct exposition_entry entry;

    if (convert->state != COLLECTING)
        return 0;
    convert->state = IDLE;
    int error = nhcb_builder_build(&convert->builder, &histogram);
    if (error)
        return error == -EINVAL ? 0 : scrape_page_fail_errno(page, error);
    fill_entry(convert, histogram, &entry);
    page->run = (struct page_run){0}; /* none stands before it */
    error = scrape_page_take(page, &entry);
    if (!error)
        give_exemplars(page, &entry);
    page->run = run;
    histogram_release(histogram);
    return error;
}

/* Behind a native histogram come its classic series, if at all. */
static int take_native(struct scrape_page *page, struct exposition_entry *entry)
{
    struct scrape_convert *convert = page->convert;
    enum part part;
    double bound;

    if (scrape_convert_flush(page))
        return -EINVAL;
    int error = identify(page, entry, &part, &bound);
    if (error)
        return scrape_page_fail_errno(page, error);
    adopt_identity(convert, INHIBITED);
    return scrape_page_take(page, entry);
}

static bool is_part(const struct scrape_page *page, enum part part, double bound)
{
    return part != PART_NONE && !(part == PART_BUCKET && isnan(bound)) && is_of_family(page);
}

int scrape_convert_take(struct scrape_page *page, struct exposition_entry *entry)
{
    struct scrape_convert *convert = page->convert;
    enum part part;
    double bound;

    if (entry->histogram)
        return take_native(page, entry);
    if (entry->is_expected || (convert->state == IDLE && !is_of_histogram(page)))
        return scrape_page_take(page, entry);
    int error = identify(page, entry, &part, &bound);
    if (error)
        return scrape_page_fail_errno(page, error);
    if (convert->state == COLLECTING && !is_same(convert) && scrape_convert_flush(page))
        return -EINVAL;
    if (convert->state == INHIBITED && !is_same(convert))
        convert->state = IDLE;
    if (convert->state == INHIBITED || !is_part(page, part, bound))
        return scrape_page_take(page, entry);
    error = collect(convert, entry, part, bound);
    if (error == -E2BIG)
        return scrape_page_fail_here(page, "a histogram has more than %u buckets",
                                     NHCB_MAX_BUCKETS);
    if (error)
        return scrape_page_fail_errno(page, error);
    if (!convert->keeps_classic)
        return 0;
    entry->has_exemplar = false; /* it is the converted histogram's */
    return scrape_page_take(page, entry);
}
