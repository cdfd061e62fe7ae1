/* SPDX-License-Identifier: Apache-2.0 */
/* Goes through the order of series; what each of them has is asked for when its turn comes. */
#include "serve/federate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "serve/federate_write.h"

#define SLICE_SERIES 512        /* looked at in one call */
#define SLICE_BYTES (16 * 1024) /* about */
#define SLICE_MS 10             /* looked at between series: hard regexes take longer for one alone */

struct federate {
    struct federate_environment environment;
    struct federate_format format;
    struct federate_writer writer;
    struct selector **selectors;
    size_t selector_count;
    struct series_order *order; /* NULL: not ready yet */
    size_t next;                /* in it */
    bool ended;
};

int federate_new(const struct federate_environment *environment, const char *accept,
                 struct federate **out)
{
    struct federate *federate = calloc(1, sizeof(*federate));
    if (!federate)
        return -ENOMEM;
    federate->environment = *environment;
    federate->format = federate_negotiate(accept);
    int error =
        federate_writer_init(&federate->writer, &federate->format, environment->external_labels);
    if (error)
        free(federate);
    else
        *out = federate;
    return error;
}

void federate_free(struct federate **out)
{
    struct federate *federate = TAKE_PTR(*out);
    if (!federate)
        return;
    series_order_release(&federate->order);
    for (size_t i = 0; i < federate->selector_count; i++)
        selector_free(&federate->selectors[i]);
    free(federate->selectors);
    federate_writer_free(&federate->writer);
    free(federate);
}

int federate_add(struct federate *federate, struct text selector, char error[SELECTOR_ERROR_SIZE])
{
    if (federate->selector_count == FEDERATE_MAX_SELECTORS) {
        snprintf(error, SELECTOR_ERROR_SIZE, "more than %d match[]", FEDERATE_MAX_SELECTORS);
        return -EINVAL;
    }
    void *grown = reallocarray(federate->selectors, federate->selector_count + 1,
                               sizeof(*federate->selectors));
    if (!grown)
        return -ENOMEM;
    federate->selectors = grown;
    int failed = selector_parse(selector, &federate->selectors[federate->selector_count], error);
    if (!failed)
        federate->selector_count++;
    return failed;
}

const char *federate_content_type(const struct federate *federate)
{
    return federate->format.content_type;
}

static bool is_selected(const struct federate *federate, const struct labels *labels)
{
    for (size_t i = 0; i < federate->selector_count; i++)
        if (selector_match(federate->selectors[i], labels, federate->writer.external_labels))
            return true;
    return false;
}

static void write_slice(struct federate *federate, struct buffer *out)
{
    size_t end = federate->next + SLICE_SERIES, enough = out->length + SLICE_BYTES;
    int64_t now_ms = federate->environment.now_ms(), until_ms = now_ms + SLICE_MS;
    struct sample sample;

    if (end > federate->order->count)
        end = federate->order->count;
    while (federate->next < end && out->length < enough && now_ms < until_ms) {
        series_id series = federate->order->ids[federate->next++];
        now_ms = federate->environment.now_ms();
        if (!last_samples_get(federate->environment.samples, series, now_ms, &sample))
            continue;
        const struct labels *labels = series_table_labels(federate->environment.series, series);
        if (is_selected(federate, labels))
            federate_write_sample(&federate->writer, labels, &sample, out);
    }
}

int federate_run(struct federate *federate, struct buffer *out)
{
    if (federate->ended)
        return 0;
    if (!federate->order && federate->selector_count) {
        int error = last_samples_order(federate->environment.samples,
                                       federate->writer.external_labels, &federate->order);
        return error && error != -EAGAIN ? error : 1;
    }
    if (federate->order)
        write_slice(federate, out);
    federate->ended = !federate->order || federate->next == federate->order->count;
    if (federate->ended)
        federate_write_end(&federate->writer, out);
    if (out->failed)
        return -ENOMEM;
    return !federate->ended;
}
