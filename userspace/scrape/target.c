/* SPDX-License-Identifier: Apache-2.0 */
/* From what was discovered to a target, as Prometheus' PopulateLabels does it: defaults where a
 * label is not set, relabelling, the URL from the __ labels, then only the others stay. */
#include "scrape/target.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/duration.h"
#include "base/http/http_client.h"

#define URL_MAX (64 * 1024)
#define PARAM_PREFIX "__param_"
#define LABEL_SCRAPE_INTERVAL "__scrape_interval__"
#define LABEL_SCRAPE_TIMEOUT "__scrape_timeout__"
#define FNV64_OFFSET UINT64_C(0xcbf29ce484222325)
#define FNV64_PRIME UINT64_C(0x100000001b3)

/* For "%.*s", cut so that every reason fits. */
#define SHOWN(text) (int)((text).length < 80 ? (text).length : 80), (text).bytes

#define autobuilder __attribute__((cleanup(labels_builder_free)))

static uint64_t fnv64a(uint64_t hash, struct text text)
{
    for (size_t i = 0; i < text.length; i++)
        hash = (hash ^ (uint8_t)text.bytes[i]) * FNV64_PRIME;
    return (hash ^ 0xff) * FNV64_PRIME; /* 0xff is in no UTF-8: keeps neighbours apart */
}

static int set_default(struct labels_builder *builder, struct text name, struct text value)
{
    if (labels_builder_get(builder, name).length)
        return 0;
    return labels_builder_set(builder, name, value);
}

static int set_default_param(struct labels_builder *builder, const struct scrape_param *param)
{
    autobuffer struct buffer name;

    buffer_init(&name, URL_MAX);
    if (!param->value_count)
        return 0;
    int error = buffer_printf(&name, PARAM_PREFIX "%s", param->name);
    return error ? error : set_default(builder, buffer_text(&name), text_of(param->values[0]));
}

/* All labels before relabelling, those with __ included. */
static int collect_labels(struct labels_builder *builder, const struct scrape_config *config,
                          const struct labels *group, const struct labels *own)
{
    char interval[DURATION_TEXT_SIZE], timeout[DURATION_TEXT_SIZE];
    duration_text(config->scrape_interval_ns, interval, sizeof(interval));
    duration_text(config->scrape_timeout_ns, timeout, sizeof(timeout));
    const struct {
        const char *name, *value;
    } defaults[] = {
        {"job", config->job_name},
        {"__scheme__", config->scheme},
        {"__metrics_path__", config->metrics_path},
        {LABEL_SCRAPE_INTERVAL, interval},
        {LABEL_SCRAPE_TIMEOUT, timeout},
    };

    int error = group ? labels_builder_add_all(builder, group) : 0;
    if (!error)
        error = labels_builder_add_all(builder, own);
    for (size_t i = 0; i < config->params.count && !error; i++)
        error = set_default_param(builder, &config->params.list[i]);
    for (size_t i = 0; i < ARRAY_SIZE(defaults) && !error; i++)
        error = set_default(builder, text_of(defaults[i].name), text_of(defaults[i].value));
    return error;
}

static int check_address(struct text address, char *reason)
{
    if (!address.length)
        snprintf(reason, TARGET_REASON_SIZE, "no address: label __address__ is missing");
    else if (memchr(address.bytes, '/', address.length))
        snprintf(reason, TARGET_REASON_SIZE,
                 "\"%.*s\" is not a valid hostname: give host:port, without scheme and path",
                 SHOWN(address));
    else
        return 0;
    return -EINVAL;
}

static int read_duration(const struct labels_builder *builder, const char *label, const char *what,
                         uint64_t *out_ns, char *reason)
{
    struct text value = labels_builder_get(builder, text_of(label));

    if (duration_parse(value, out_ns))
        snprintf(reason, TARGET_REASON_SIZE,
                 "error parsing scrape %s: \"%.*s\" in label %s is not a duration such as 15s",
                 what, SHOWN(value), label);
    else if (*out_ns == 0)
        snprintf(reason, TARGET_REASON_SIZE, "scrape %s cannot be 0 (label %s)", what, label);
    else
        return 0;
    return -EINVAL;
}

/* What scraping goes by after relabelling; instance where nothing set it. */
static int read_labels(struct labels_builder *builder, struct target *target, char *reason)
{
    struct text address = labels_builder_get(builder, TEXT("__address__"));
    int error = check_address(address, reason);
    if (!error)
        error = read_duration(builder, LABEL_SCRAPE_INTERVAL, "interval",
                              &target->scrape_interval_ns, reason);
    if (!error)
        error = read_duration(builder, LABEL_SCRAPE_TIMEOUT, "timeout", &target->scrape_timeout_ns,
                              reason);
    if (error)
        return error;
    bool own_times = target->scrape_interval_ns != target->config->scrape_interval_ns ||
                     target->scrape_timeout_ns != target->config->scrape_timeout_ns;
    if (own_times && target->scrape_timeout_ns > target->scrape_interval_ns) {
        struct text interval = labels_builder_get(builder, TEXT(LABEL_SCRAPE_INTERVAL));
        struct text timeout = labels_builder_get(builder, TEXT(LABEL_SCRAPE_TIMEOUT));
        snprintf(reason, TARGET_REASON_SIZE,
                 "scrape timeout cannot be greater than scrape interval (\"%.*s\" > \"%.*s\")",
                 SHOWN(timeout), SHOWN(interval));
        return -EINVAL;
    }
    return set_default(builder, TEXT("instance"), address);
}

/* Percent-encodes all but letters, digits and `kept`. */
static void append_escaped(struct buffer *url, struct text text, const char *kept, bool plus)
{
    for (size_t i = 0; i < text.length; i++) {
        char c = text.bytes[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (plain || (c && strchr(kept, c)))
            buffer_append_char(url, c);
        else if (plus && c == ' ')
            buffer_append_char(url, '+');
        else
            buffer_printf(url, "%%%02X", (uint8_t)c);
    }
}

static void append_param(struct buffer *url, char *separator, struct text name, struct text value)
{
    buffer_append_char(url, *separator);
    append_escaped(url, name, "-_.~", true);
    buffer_append_char(url, '=');
    append_escaped(url, value, "-_.~", true);
    *separator = '&';
}

static void append_values(struct buffer *url, char *separator, const struct scrape_param *param,
                          size_t first)
{
    for (size_t i = first; i < param->value_count; i++)
        append_param(url, separator, text_of(param->name), text_of(param->values[i]));
}

static void append_job_params(struct buffer *url, char *separator,
                              const struct scrape_params *params, size_t from, size_t to)
{
    for (; from < to; from++)
        append_values(url, separator, &params->list[from], 0);
}

/* The job's params, sorted by name as the labels are; the label __param_NAME stands instead of the
 * first value. */
static void append_params(struct buffer *url, const struct scrape_params *params,
                          const struct labels *labels)
{
    char separator = '?';
    size_t next = 0;

    for (struct label_cursor c = labels_first(labels); labels_next(&c);) {
        struct text name = c.label.name;
        if (!text_has_prefix(name, TEXT(PARAM_PREFIX)))
            continue;
        name.bytes += sizeof(PARAM_PREFIX) - 1;
        name.length -= sizeof(PARAM_PREFIX) - 1;
        size_t before = next;
        while (next < params->count && text_compare(text_of(params->list[next].name), name) < 0)
            next++;
        append_job_params(url, &separator, params, before, next);
        append_param(url, &separator, name, c.label.value);
        if (next < params->count && text_equal(text_of(params->list[next].name), name))
            append_values(url, &separator, &params->list[next++], 1);
    }
    append_job_params(url, &separator, params, next, params->count);
}

/* The escapes are those of Go's net/url, so that a target sees what Prometheus would send. */
static char *build_url(const struct scrape_params *params, const struct labels *labels)
{
    struct text scheme = labels_get(labels, TEXT("__scheme__"));
    struct text path = labels_get(labels, TEXT("__metrics_path__"));
    struct buffer url;

    buffer_init(&url, URL_MAX);
    buffer_append_text(&url, scheme);
    buffer_append_string(&url, scheme.length ? "://" : "//");
    append_escaped(&url, labels_get(labels, TEXT("__address__")), "-_.~!$&'()*+,;=:[]<>\"", false);
    if (path.length && path.bytes[0] != '/')
        buffer_append_char(&url, '/');
    append_escaped(&url, path, "-_.~$&+,/:;=@", false);
    append_params(&url, params, labels);
    if (url.failed)
        buffer_free(&url);
    return url.bytes;
}

/* A copy without the labels that start with `prefix`. */
static int build_without(struct labels_builder *builder, const struct labels *all,
                         struct text prefix, struct labels **out)
{
    labels_builder_clear(builder);
    for (struct label_cursor c = labels_first(all); labels_next(&c);) {
        if (text_has_prefix(c.label.name, prefix))
            continue;
        int error = labels_builder_set(builder, c.label.name, c.label.value);
        if (error)
            return error;
    }
    return labels_builder_build(builder, out);
}

static uint64_t target_hash(const struct labels *all, const char *url)
{
    uint64_t hash = FNV64_OFFSET;

    for (struct label_cursor c = labels_first(all); labels_next(&c);)
        hash = fnv64a(fnv64a(hash, c.label.name), c.label.value);
    return fnv64a(hash, text_of(url));
}

static int relabel(struct target *target, struct labels_builder *builder)
{
    __attribute__((cleanup(relabeler_free))) struct relabeler *relabeler = NULL;

    if (!target->config->relabels.count)
        return 0;
    int error = relabeler_new(&relabeler);
    if (error)
        return error;
    int verdict = relabel_apply(relabeler, &target->config->relabels, builder);
    target->dropped = verdict == RELABEL_DROPPED;
    return verdict < 0 ? verdict : 0;
}

/* The part that a dropped target has not. */
static int finish_target(struct target *target, struct labels_builder *builder, char *reason)
{
    autofree struct labels *all = NULL, *internal = NULL;

    int error = read_labels(builder, target, reason);
    if (!error)
        error = labels_builder_build(builder, &all);
    if (!error)
        error = build_without(builder, all, TEXT("__meta_"), &internal);
    if (!error)
        error = build_without(builder, internal, TEXT("__"), &target->labels);
    if (error)
        return error;
    snprintf(target->scrape_timeout, sizeof(target->scrape_timeout), "%.10g",
             (double)target->scrape_timeout_ns / NS_PER_SECOND);
    target->url = build_url(&target->config->params, internal);
    target->shown_url = target->url ? http_url_redacted(target->url) : NULL;
    if (!target->shown_url)
        return -ENOMEM;
    target->hash = target_hash(internal, target->url);
    return 0;
}

int target_new(const struct scrape_config *config, const struct labels *group,
               const struct labels *own, struct target **out, char reason[TARGET_REASON_SIZE])
{
    autobuilder struct labels_builder *builder = NULL;
    __attribute__((cleanup(target_free))) struct target *target = calloc(1, sizeof(*target));

    if (!target)
        return -ENOMEM;
    target->config = scrape_config_hold(config);
    int error = labels_builder_new(&builder);
    if (!error)
        error = collect_labels(builder, config, group, own);
    if (!error)
        error = labels_builder_build(builder, &target->discovered);
    if (!error)
        error = relabel(target, builder);
    if (!error && !target->dropped)
        error = finish_target(target, builder, reason);
    if (!error)
        *out = TAKE_PTR(target);
    return error;
}

void target_free(struct target **target)
{
    if (!*target)
        return;
    scrape_config_release(&(*target)->config);
    free((*target)->discovered);
    free((*target)->labels);
    free((*target)->url);
    free((*target)->shown_url);
    free(*target);
    *target = NULL;
}

bool target_equal(const struct target *a, const struct target *b)
{
    return a->hash == b->hash && !strcmp(a->url, b->url) && labels_equal(a->labels, b->labels);
}
