/* SPDX-License-Identifier: Apache-2.0 */
/* What all targets together say of their metric families, each saying once: the families are
 * gathered, sorted by name and written in groups. What each target says is targets_metadata.c's. */
#include "endpoints/metadata_endpoint.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "model/metadata.h"
#include "serve/json_answer.h"

#define SAYINGS_MAX (1u << 20) /* of all targets */

struct sayings {
    const struct metadata **list; /* interned: equal ones are one pointer */
    size_t count, capacity;
    struct text metric; /* empty: all */
    bool failed;
};

/* Told once for each series: those of a family come in a run. */
static void gather(void *context, const struct metadata *metadata)
{
    struct sayings *sayings = context;

    if (sayings->count && sayings->list[sayings->count - 1] == metadata)
        return;
    if (sayings->metric.length && !text_equal(metadata->family, sayings->metric))
        return;
    if (sayings->count == sayings->capacity) {
        size_t capacity = sayings->capacity ? sayings->capacity * 2 : 1024;
        void *grown = capacity <= SAYINGS_MAX
                          ? reallocarray(sayings->list, capacity, sizeof(*sayings->list))
                          : NULL;
        sayings->failed |= !grown;
        if (!grown)
            return;
        sayings->list = grown;
        sayings->capacity = capacity;
    }
    sayings->list[sayings->count++] = metadata;
}

static int compare(const void *a, const void *b)
{
    const struct metadata *left = *(const struct metadata *const *)a;
    const struct metadata *right = *(const struct metadata *const *)b;
    int order = text_compare(left->family, right->family);

    return order ? order : (left > right) - (left < right);
}

static void drop_repeated(struct sayings *sayings)
{
    size_t kept = 0;

    qsort(sayings->list, sayings->count, sizeof(*sayings->list), compare);
    for (size_t i = 0; i < sayings->count; i++)
        if (!kept || sayings->list[kept - 1] != sayings->list[i])
            sayings->list[kept++] = sayings->list[i];
    sayings->count = kept;
}

/* As many as the bounds allow; 0 and less is no bound for those of one family. */
static void write_families(struct json_writer *json, const struct sayings *sayings, long families,
                           long in_family)
{
    long written = 0;

    for (size_t i = 0; i < sayings->count && (families < 0 || written < families); written++) {
        struct text family = sayings->list[i]->family;
        json_key(json, family);
        json_open(json, '[');
        for (long n = 0; i < sayings->count && text_equal(sayings->list[i]->family, family);
             i++, n++) {
            if (in_family > 0 && n >= in_family)
                continue;
            json_open(json, '{');
            JSON_STRING(json, "type", metadata_type_name(sayings->list[i]->type));
            JSON_TEXT(json, "help", sayings->list[i]->help);
            JSON_TEXT(json, "unit", sayings->list[i]->unit);
            json_close(json, '}');
        }
        json_close(json, ']');
    }
}

/* -1 where it is not given. False where it was answered with an error. */
static bool read_limit(struct server_response *response, const char *name, const char *complaint,
                       long *out)
{
    const char *given = server_argument(response->request, name);
    char *end;

    *out = -1;
    if (!given || !*given)
        return true;
    *out = strtol(given, &end, 10);
    if (!*end && !isspace((unsigned char)*given))
        return true;
    json_answer_error(response, 400, "bad_data", complaint);
    return false;
}

void metadata_endpoint_answer(const struct scraper *scraper, struct server_response *response)
{
    const char *metric = server_argument(response->request, "metric");
    struct sayings sayings = {.metric = metric ? text_of(metric) : (struct text){"", 0}};
    const struct scraper_visitor visitor = {.on_metadata = gather, .context = &sayings};
    long families, in_family;

    if (!read_limit(response, "limit", "limit must be a number", &families) ||
        !read_limit(response, "limit_per_metric", "limit_per_metric must be a number", &in_family))
        return;
    scraper_visit(scraper, &visitor);
    if (sayings.count)
        drop_repeated(&sayings);
    struct json_writer json = json_answer_begin(response);
    json_open(&json, '{');
    write_families(&json, &sayings, families, in_family);
    json_close(&json, '}');
    json_answer_end(response);
    response->body.failed |= sayings.failed;
    free(sayings.list);
}
