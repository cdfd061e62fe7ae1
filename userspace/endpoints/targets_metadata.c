/* SPDX-License-Identifier: Apache-2.0 */
/* What the targets say of their metric families, target by target, each family once. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "endpoints/targets_endpoint.h"
#include "model/metadata.h"
#include "model/selector.h"
#include "scrape/target.h"
#include "serve/json_answer.h"

#define FAMILIES_MAX (1u << 16) /* of one target */

struct metadata_answer {
    struct json_writer json;
    struct selector *targets; /* NULL: all */
    const char *metric;       /* NULL: all */
    long limit;               /* negative: none */
    long written;
    const struct labels *target;  /* the present one; NULL: it is passed over */
    const struct metadata **seen; /* of it */
    size_t seen_count, seen_capacity;
};

static void show_target(void *context, const struct target *target,
                        const struct scrape_status *status)
{
    struct metadata_answer *answer = context;
    const struct selector *targets = answer->targets;
    bool wanted =
        !targets || selector_is_empty(targets) || selector_match(targets, target->labels, NULL);
    (void)status;

    answer->seen_count = 0;
    answer->target =
        wanted && (answer->limit < 0 || answer->written < answer->limit) ? target->labels : NULL;
}

/* Interned: one family is one pointer. A target's families come mostly in runs of series. */
static bool is_new(struct metadata_answer *answer, const struct metadata *metadata)
{
    for (size_t i = answer->seen_count; i-- > 0;)
        if (answer->seen[i] == metadata)
            return false;
    if (answer->seen_count == FAMILIES_MAX)
        return false;
    if (answer->seen_count == answer->seen_capacity) {
        size_t capacity = answer->seen_capacity * 2 + 64;
        void *grown = reallocarray(answer->seen, capacity, sizeof(*answer->seen));
        if (!grown)
            return false;
        answer->seen = grown;
        answer->seen_capacity = capacity;
    }
    answer->seen[answer->seen_count++] = metadata;
    return true;
}

static void show_metadata(void *context, const struct metadata *metadata)
{
    struct metadata_answer *answer = context;
    struct json_writer *json = &answer->json;

    if (!answer->target ||
        (answer->metric && !text_equal(metadata->family, text_of(answer->metric))))
        return;
    if (!is_new(answer, metadata))
        return;
    json_open(json, '{');
    JSON_OPEN(json, "target", '{');
    for (struct label_cursor c = labels_first(answer->target); labels_next(&c);) {
        json_key(json, c.label.name);
        json_text(json, c.label.value);
    }
    json_close(json, '}');
    if (!answer->metric)
        JSON_TEXT(json, "metric", metadata->family);
    JSON_STRING(json, "type", metadata_type_name(metadata->type));
    JSON_TEXT(json, "help", metadata->help);
    JSON_TEXT(json, "unit", metadata->unit);
    json_close(json, '}');
    answer->written++;
}

/* False where it was answered with an error. */
static bool read_request(struct metadata_answer *answer, struct server_response *response)
{
    const char *limit = server_argument(response->request, "limit");
    const char *match = server_argument(response->request, "match_target");
    char reason[SELECTOR_ERROR_SIZE], message[SELECTOR_ERROR_SIZE + 64], *end;

    answer->metric = server_argument(response->request, "metric");
    if (answer->metric && !*answer->metric)
        answer->metric = NULL;
    answer->limit = -1;
    if (limit && *limit) {
        answer->limit = strtol(limit, &end, 10);
        if (*end || isspace(*limit)) {
            json_answer_error(response, 400, "bad_data", "limit must be a number");
            return false;
        }
    }
    if (!match || !*match)
        return true;
    int error = selector_parse(text_of(match), &answer->targets, reason);
    if (!error)
        return true;
    snprintf(message, sizeof(message), "invalid parameter \"match_target\": %s",
             error == -EINVAL ? reason : "out of memory");
    json_answer_error(response, 400, "bad_data", message);
    return false;
}

void targets_endpoint_metadata(const struct scraper *scraper, struct server_response *response)
{
    struct metadata_answer answer = {.limit = -1};
    const struct scraper_visitor visitor = {
        .on_target = show_target,
        .on_metadata = show_metadata,
        .context = &answer,
    };

    if (read_request(&answer, response)) {
        answer.json = json_answer_begin(response);
        json_open(&answer.json, '[');
        scraper_visit(scraper, &visitor);
        json_close(&answer.json, ']');
        json_answer_end(response);
    }
    selector_free(&answer.targets);
    free(answer.seen);
}
