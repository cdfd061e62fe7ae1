/* SPDX-License-Identifier: Apache-2.0 */
/* Every group that has rows but the totals, which repeat the others. */
#include "collect/http_show.h"

#include "base/cleanup.h"
#include "collect/http_labels.h"

static int show_group(struct http_groups *groups, const struct http_group *group, uint8_t role,
                      http_show_fn fn, void *context)
{
    static const struct text of_series[] = {{"__name__", 8}, {"le", 2}};
    const struct http_rows_environment *environment = &groups->environment;
    struct http_shown shown = {
        .answered = group->kind == HTTP_GROUP_DETAIL,
        .role = role,
        .labels = groups->builder,
    };
    int error = http_labels_begin_text(groups->builder, environment,
                                       series_table_labels(environment->series, group->first));

    for (size_t i = 0; i < ARRAY_SIZE(of_series) && !error; i++)
        error = labels_builder_set(groups->builder, of_series[i], (struct text){"", 0});
    if (error)
        return error;
    http_group_sum_row(group, &shown.sum);
    fn(context, &shown);
    return 0;
}

int http_show_groups(struct http_groups *groups, http_show_fn fn, void *context)
{
    const struct http_group *group;
    int error = 0;

    TAILQ_FOREACH(group, &groups->groups, link)
    {
        const struct http_known_row *row = http_group_row(group);
        if (!row || group->kind == HTTP_GROUP_TOTAL)
            continue;
        error = show_group(groups, group, row->key.role, fn, context);
        if (error)
            break;
    }
    return error;
}
