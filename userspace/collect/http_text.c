/* SPDX-License-Identifier: Apache-2.0 */
/* A family after the other, each group's series in it. */
#include "collect/http_text.h"

#include <errno.h>

#include "base/cleanup.h"
#include "collect/http_labels.h"
#include "model/float_text.h"

static int write_series(struct http_groups *groups, const struct http_series *series,
                        struct buffer *out)
{
    autofree struct labels *labels = NULL;
    char value[FLOAT_TEXT_SIZE];
    int error = http_labels_build(groups->builder, series, &labels);

    if (error)
        return error;
    labels_write(labels, out);
    buffer_append_char(out, ' ');
    buffer_append(out, value, float_text(series->value, value));
    buffer_append_char(out, '\n');
    return 0;
}

static int write_group(struct http_groups *groups, const struct http_family *family,
                       const struct http_group *group, struct buffer *out)
{
    const struct http_rows_environment *environment = &groups->environment;
    struct http_series series[HTTP_GROUP_MAX_SERIES];
    struct http_row sum;

    http_group_sum_row(group, &sum);
    size_t count = family->series(family, environment->config, &sum, series);
    int error = http_labels_begin_text(groups->builder, environment,
                                       series_table_labels(environment->series, group->first));
    for (size_t i = 0; i < count && !error; i++)
        error = write_series(groups, &series[i], out);
    return error;
}

static int write_family(struct http_groups *groups, const struct http_family *family,
                        struct buffer *out)
{
    const struct http_group *group;
    bool begun = false;
    int error = 0;

    TAILQ_FOREACH(group, &groups->groups, link)
    {
        const struct http_known_row *row = http_group_row(group);
        if (!row || !http_family_shows(family, group->kind, row->key.role))
            continue;
        if (!begun)
            buffer_printf(out, "# HELP %s %s\n# TYPE %s %s\n", family->name, family->help,
                          family->name, family->type);
        begun = true;
        error = write_group(groups, family, group, out);
        if (error)
            break;
    }
    return error;
}

int http_text_write(struct http_groups *groups, struct buffer *out)
{
    int error = 0;

    for (size_t i = 0; i < http_family_count && !error; i++)
        error = write_family(groups, &http_families[i], out);
    return !error && out->failed ? -E2BIG : error;
}
