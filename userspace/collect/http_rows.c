/* SPDX-License-Identifier: Apache-2.0 */
/* A drain: rows of gone cgroups settled, then every group's samples put into one record. */
#include "collect/http_rows.h"

#include <errno.h>
#include <stdlib.h>

#include "collect/http_groups.h"
#include "collect/http_show.h"
#include "collect/http_text.h"
#include "collect/native_histogram.h"

struct http_rows {
    struct http_groups groups;
    struct sample *samples; /* of the drain at work */
    size_t sample_count, sample_capacity;
};

int http_rows_new(const struct http_rows_environment *environment, struct cgroup_tree *tree,
                  struct http_rows **out)
{
    struct http_rows *rows = calloc(1, sizeof(*rows));
    if (!rows)
        return -ENOMEM;
    int error = http_groups_init(&rows->groups, environment, tree);
    if (error)
        http_rows_free(&rows);
    else
        *out = rows;
    return error;
}

void http_rows_free(struct http_rows **rows)
{
    if (!*rows)
        return;
    http_groups_free(&(*rows)->groups);
    free((*rows)->samples);
    free(*rows);
    *rows = NULL;
}

/* --- rows of gone cgroups --- */

/* Deletes a row that has not counted since the drain before, which sent it. */
static void row_settle(struct http_groups *groups, struct http_known_row *row)
{
    const struct http_rows_environment *environment = &groups->environment;

    if (!row->entry) { /* somebody else deleted it */
        http_groups_forget_row(groups, row, false);
        return;
    }
    if (!row->cgroup->gone || !row->cgroup->labels)
        return;
    uint64_t count = http_row_count(&row->entry->row);
    bool at_rest = row->gone && row->gone_count == count;
    row->gone = true;
    row->gone_count = count;
    if (at_rest && !http_groups_prepare_carry(row) &&
        !environment->row_delete(environment->context, row->entry))
        http_groups_forget_row(groups, row, true);
}

static void rows_settle(struct http_groups *groups)
{
    struct http_known_row *row, *next;

    http_cgroups_check(&groups->cgroups);
    for (row = TAILQ_FIRST(&groups->rows); row; row = next) {
        next = TAILQ_NEXT(row, link);
        row_settle(groups, row);
    }
}

/* --- samples --- */

/* Room for all samples of a drain: a value or a marker of every series, and perhaps a zero. */
static int samples_reserve(struct http_rows *rows)
{
    const struct http_group *group;
    size_t needed = 0;

    TAILQ_FOREACH(group, &rows->groups.groups, link)
    needed += group->series_count * (group->state == HTTP_GROUP_SENT ? 1 : 2);
    rows->sample_count = 0;
    if (needed <= rows->sample_capacity)
        return 0;
    struct sample *grown = reallocarray(rows->samples, needed, sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    rows->samples = grown;
    rows->sample_capacity = needed;
    return 0;
}

static void samples_release(struct http_rows *rows)
{
    for (size_t i = 0; i < rows->sample_count; i++)
        if (rows->samples[i].type == SAMPLE_HISTOGRAM)
            histogram_release(rows->samples[i].histogram);
    rows->sample_count = 0;
}

static void sample_add(struct http_rows *rows, series_id series, int64_t timestamp_ms, double value)
{
    rows->samples[rows->sample_count++] = (struct sample){
        .series = series, .type = SAMPLE_FLOAT, .timestamp_ms = timestamp_ms, .value = value};
}

/* Takes the histogram; NULL is that there was no memory for it. */
static int sample_add_histogram(struct http_rows *rows, series_id series, int64_t timestamp_ms,
                                struct histogram *histogram)
{
    if (!histogram)
        return -ENOMEM;
    rows->samples[rows->sample_count++] = (struct sample){.series = series,
                                                          .type = SAMPLE_HISTOGRAM,
                                                          .timestamp_ms = timestamp_ms,
                                                          .histogram = histogram};
    return 0;
}

/* A sample for each of the group's series, with these sums. */
static int group_sample(struct http_rows *rows, const struct http_group *group, uint8_t role,
                        const struct http_sums *sums, int64_t timestamp_ms)
{
    struct http_series series[HTTP_GROUP_MAX_SERIES];
    int error = 0;

    http_group_series(rows->groups.environment.config, group->kind, role, &sums->row, series);
    for (size_t i = 0; i < group->series_count; i++) {
        if (!series[i].native)
            sample_add(rows, group->series[i], timestamp_ms, series[i].value);
        else if (sample_add_histogram(rows, group->series[i], timestamp_ms,
                                      native_histogram_new(&sums->native, series[i].value)))
            error = -ENOMEM;
    }
    return error;
}

static int group_drain(struct http_rows *rows, struct http_group *group, uint8_t role,
                       int64_t before_ms, int64_t now_ms)
{
    static const struct http_sums nothing;
    struct http_sums sums;
    int error = 0;

    if (group->state == HTTP_GROUP_ENDED)
        before_ms++; /* its stale markers stand at before_ms */
    if (group->state != HTTP_GROUP_SENT)
        error = group_sample(rows, group, role, &nothing, before_ms);
    group->state = HTTP_GROUP_SENT;
    http_group_sum(group, rows->groups.environment.config, &sums);
    int sum_error = group_sample(rows, group, role, &sums, now_ms);
    return error ? error : sum_error;
}

static int group_end(struct http_rows *rows, struct http_group *group, int64_t now_ms)
{
    const struct http_metrics_config *config = rows->groups.environment.config;
    bool native = group->kind == HTTP_GROUP_DETAIL && config->native_histograms;
    int error = 0;

    for (size_t i = 0; i < group->series_count; i++) {
        if (i || !native) /* the duration comes first */
            sample_add(rows, group->series[i], now_ms, sample_stale_value());
        else
            error =
                sample_add_histogram(rows, group->series[i], now_ms, native_histogram_new_stale());
    }
    free(group->carried);
    group->carried = NULL;
    group->state = HTTP_GROUP_ENDED;
    return error;
}

static int groups_drain(struct http_rows *rows, int64_t before_ms, int64_t now_ms)
{
    struct http_group *group, *next;
    int error = 0;

    for (group = TAILQ_FIRST(&rows->groups.groups); group; group = next) {
        const struct http_known_row *row = http_group_row(group);
        int group_error = 0;
        next = TAILQ_NEXT(group, link);
        if (row)
            group_error = group_drain(rows, group, row->key.role, before_ms, now_ms);
        else if (group->state == HTTP_GROUP_SENT)
            group_error = group_end(rows, group, now_ms);
        else
            http_groups_forget_group(&rows->groups, group);
        if (group_error)
            error = group_error;
    }
    return error;
}

int http_rows_drain(struct http_rows *rows, const struct http_row_entry *entries, size_t count,
                    int64_t before_ms, int64_t now_ms, struct sample_sink *sink)
{
    int learn_error = http_groups_learn(&rows->groups, entries, count);
    int error = samples_reserve(rows);

    if (error)
        return error;
    rows_settle(&rows->groups);
    error = groups_drain(rows, before_ms, now_ms);
    sample_sink_append(sink, rows->samples, rows->sample_count);
    samples_release(rows);
    int rename_error = http_groups_rename(&rows->groups);
    if (!error)
        error = rename_error;
    return error ? error : learn_error;
}

int http_rows_end(struct http_rows *rows, int64_t now_ms, struct sample_sink *sink)
{
    struct http_group *group;
    int error = samples_reserve(rows);

    TAILQ_FOREACH(group, &rows->groups.groups, link)
    {
        if (error || group->state != HTTP_GROUP_SENT)
            continue;
        error = group_end(rows, group, now_ms);
    }
    sample_sink_append(sink, rows->samples, rows->sample_count);
    samples_release(rows);
    return error;
}

void http_rows_end_waiting(struct http_rows *rows)
{
    rows->groups.cgroups.environment.wait_ns = 0;
}

int http_rows_write(struct http_rows *rows, const struct http_row_entry *entries, size_t count,
                    struct buffer *out)
{
    int error = http_groups_learn(&rows->groups, entries, count);
    int text_error = http_text_write(&rows->groups, out);

    return text_error ? text_error : error;
}

int http_rows_show(struct http_rows *rows, const struct http_row_entry *entries, size_t count,
                   http_show_fn fn, void *context)
{
    int error = http_groups_learn(&rows->groups, entries, count);
    int show_error = http_show_groups(&rows->groups, fn, context);

    return show_error ? show_error : error;
}
