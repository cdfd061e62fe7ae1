/* SPDX-License-Identifier: Apache-2.0 */
/* The registry of the agent's own metrics: families, their children, and counting. How it looks as
 * text is metric_write.c. */
#include "model/metric.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "model/escape.h"
#include "model/metric_registry.h"

#define MAX_LABELS 16
#define MAX_LABELS_BYTES (16 * 1024)

int metric_registry_new(struct metric_registry **out)
{
    struct metric_registry *registry = calloc(1, sizeof(*registry));
    if (!registry)
        return -ENOMEM;
    *out = registry;
    return 0;
}

static void metric_destroy(struct metric *metric)
{
    TAILQ_REMOVE(&metric->family->children, metric, siblings);
    metric->family->child_count--;
    free(metric->labels);
    free(metric->window);
    free(metric);
}

void metric_registry_free(struct metric_registry **registry)
{
    if (!*registry)
        return;
    for (size_t i = 0; i < (*registry)->family_count; i++) {
        struct family *family = (*registry)->families[i];
        while (!TAILQ_EMPTY(&family->children))
            metric_destroy(TAILQ_FIRST(&family->children));
        free(family);
    }
    free((*registry)->families);
    free(*registry);
    *registry = NULL;
}

int metric_registry_on_write(struct metric_registry *registry, void (*fn)(void *), void *context)
{
    if (!registry)
        return 0;
    if (registry->hook_count == METRIC_MAX_HOOKS)
        return -E2BIG;
    registry->hooks[registry->hook_count++] = (struct registry_hook){fn, context};
    return 0;
}

void metric_registry_off_write(struct metric_registry *registry, void (*fn)(void *),
                               const void *context)
{
    for (size_t i = 0; registry && i < registry->hook_count; i++) {
        if (registry->hooks[i].fn != fn || registry->hooks[i].context != context)
            continue;
        registry->hook_count--;
        memmove(&registry->hooks[i], &registry->hooks[i + 1],
                (registry->hook_count - i) * sizeof(*registry->hooks));
        return;
    }
}

static bool family_is_same(const struct metric_family *a, const struct metric_family *b)
{
    return a == b || (a->type == b->type && a->bound_count == b->bound_count &&
                      (a->bound_count == 0 ||
                       memcmp(a->bounds, b->bounds, a->bound_count * sizeof(*a->bounds)) == 0));
}

/* Where the family is, or where it belongs. */
static size_t registry_find(const struct metric_registry *registry, const char *name, bool *found)
{
    size_t low = 0, high = registry->family_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(registry->families[middle]->about->name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *found =
        low < registry->family_count && strcmp(registry->families[low]->about->name, name) == 0;
    return low;
}

static int registry_add_family(struct metric_registry *registry, size_t index,
                               const struct metric_family *about, struct family **out)
{
    size_t count = registry->family_count;
    if (count == METRIC_MAX_FAMILIES)
        return -E2BIG;
    void *families = reallocarray(registry->families, count + 1, sizeof(*registry->families));
    if (!families)
        return -ENOMEM;
    registry->families = families;
    struct family *family = calloc(1, sizeof(*family));
    if (!family)
        return -ENOMEM;
    family->about = about;
    TAILQ_INIT(&family->children);
    struct family **place = &registry->families[index];
    memmove(place + 1, place, (count - index) * sizeof(*place));
    *place = family;
    registry->family_count++;
    *out = family;
    return 0;
}

static int registry_get_family(struct metric_registry *registry, const struct metric_family *about,
                               struct family **out)
{
    bool found;
    size_t index = registry_find(registry, about->name, &found);
    if (!found)
        return registry_add_family(registry, index, about, out);
    if (!family_is_same(registry->families[index]->about, about))
        return -EINVAL;
    *out = registry->families[index];
    return 0;
}

static int label_compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static struct metric *family_find_child(const struct family *family, const char *labels)
{
    struct metric *metric;
    TAILQ_FOREACH(metric, &family->children, siblings)
    if (strcmp(metric->labels, labels) == 0)
        return metric;
    return NULL;
}

/* name, value pairs as a="x",b="y", sorted by name. */
static int labels_render(const char *const *labels, struct buffer *out)
{
    const char *pairs[MAX_LABELS][2];
    size_t count = 0;
    for (; labels && *labels; labels += 2, count++) {
        if (count == MAX_LABELS)
            return -E2BIG;
        pairs[count][0] = labels[0];
        pairs[count][1] = labels[1];
    }
    qsort(pairs, count, sizeof(pairs[0]), label_compare);
    int error = buffer_append_string(out, "");
    for (size_t i = 0; !error && i < count; i++) {
        error = buffer_printf(out, "%s%s=\"", i ? "," : "", pairs[i][0]);
        if (!error)
            error = escape_label_value(text_of(pairs[i][1]), out);
        if (!error)
            error = buffer_append_char(out, '"');
    }
    return error;
}

/* Takes the labels. */
static int family_add_child(struct family *family, char **labels, struct metric **out)
{
    if (family->child_count == METRIC_MAX_CHILDREN)
        return -E2BIG;
    size_t buckets = family->about->type == METRIC_HISTOGRAM ? family->about->bound_count + 1 : 0;
    struct metric *metric = calloc(1, sizeof(*metric) + buckets * sizeof(metric->buckets[0]));
    if (!metric)
        return -ENOMEM;
    if (family->about->type == METRIC_SUMMARY && !(metric->window = metric_window_new())) {
        free(metric);
        return -ENOMEM;
    }
    metric->family = family;
    metric->references = 1;
    metric->labels = TAKE_PTR(*labels);
    TAILQ_INSERT_TAIL(&family->children, metric, siblings);
    family->child_count++;
    *out = metric;
    return 0;
}

int metric_new(struct metric_registry *registry, const struct metric_family *about,
               const char *const *labels, struct metric **out)
{
    if (!registry) {
        *out = NULL;
        return 0;
    }
    autobuffer struct buffer rendered;
    buffer_init(&rendered, MAX_LABELS_BYTES);
    struct family *family;
    int error = labels_render(labels, &rendered);
    if (!error)
        error = registry_get_family(registry, about, &family);
    if (error)
        return error;
    struct metric *metric = family_find_child(family, rendered.bytes);
    if (!metric)
        return family_add_child(family, &rendered.bytes, out);
    metric->references++;
    *out = metric;
    return 0;
}

void metric_free(struct metric **metric)
{
    if (*metric && --(*metric)->references == 0)
        metric_destroy(*metric);
    *metric = NULL;
}

void metric_add(struct metric *metric, double amount)
{
    if (!metric)
        return;
    assert(metric->family->about->type < METRIC_HISTOGRAM);
    metric->value += amount;
}

void metric_set(struct metric *metric, double value)
{
    if (!metric)
        return;
    assert(metric->family->about->type < METRIC_HISTOGRAM);
    metric->value = value;
}

double metric_get(const struct metric *metric)
{
    if (!metric)
        return 0;
    const struct metric_family *about = metric->family->about;
    if (about->type == METRIC_SUMMARY)
        return (double)metric_window_count(metric->window);
    if (about->type != METRIC_HISTOGRAM)
        return metric->value;
    uint64_t count = 0;
    for (size_t i = 0; i <= about->bound_count; i++)
        count += metric->buckets[i];
    return (double)count;
}

void metric_observe(struct metric *metric, double value)
{
    if (!metric)
        return;
    const struct metric_family *about = metric->family->about;
    metric->value += value;
    if (about->type == METRIC_SUMMARY) {
        metric_window_observe(metric->window, value);
        return;
    }
    assert(about->type == METRIC_HISTOGRAM);
    size_t i = 0;
    while (i < about->bound_count && !(value <= about->bounds[i])) /* NaN belongs to +Inf */
        i++;
    metric->buckets[i]++;
}
