/* SPDX-License-Identifier: Apache-2.0 */
/* From a static_configs entry to a target, as Prometheus' PopulateLabels does it without
 * relabelling: defaults where a label is not set, the URL from the __ labels, then only the others
 * stay. */
#include "scrape/target.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/http_client.h"

#define URL_MAX (64 * 1024)
#define PARAM_PREFIX "__param_"
#define FNV64_OFFSET UINT64_C(0xcbf29ce484222325)
#define FNV64_PRIME UINT64_C(0x100000001b3)

#define autobuilder __attribute__((cleanup(labels_builder_free)))

static bool has_prefix(struct text text, struct text prefix)
{
    return text.length >= prefix.length && !memcmp(text.bytes, prefix.bytes, prefix.length);
}

static uint64_t fnv64a(uint64_t hash, struct text text)
{
    for (size_t i = 0; i < text.length; i++)
        hash = (hash ^ (uint8_t)text.bytes[i]) * FNV64_PRIME;
    return (hash ^ 0xff) * FNV64_PRIME; /* 0xff is in no UTF-8: keeps neighbours apart */
}

static int set_default(struct labels_builder *builder, const char *name, struct text value)
{
    if (labels_builder_get(builder, text_of(name)).length)
        return 0;
    return labels_builder_set(builder, text_of(name), value);
}

/* All labels, those with __ included. */
static int collect_labels(struct labels_builder *builder, const struct scrape_config *config,
                          const struct static_targets *group, const char *address)
{
    int error = 0;

    for (size_t i = 0; i < group->label_count && !error; i++)
        error = labels_builder_set(builder, text_of(group->labels[i].name),
                                   text_of(group->labels[i].value));
    if (!error)
        error = labels_builder_set(builder, TEXT("__address__"), text_of(address));
    if (!error)
        error = set_default(builder, "job", text_of(config->job_name));
    if (!error)
        error = set_default(builder, "__scheme__", text_of(config->scheme));
    if (!error)
        error = set_default(builder, "__metrics_path__", text_of(config->metrics_path));
    if (!error)
        error = set_default(builder, "instance", text_of(address));
    return error;
}

static int check(const struct labels_builder *builder, const char *address, char *reason)
{
    static const char *const refused[] = {"__scrape_interval__", "__scrape_timeout__"};
    struct text scheme = labels_builder_get(builder, TEXT("__scheme__"));

    if (!*address || strchr(address, '/')) {
        snprintf(reason, TARGET_REASON_SIZE,
                 "\"%.100s\" is not a valid hostname: give host:port, without scheme and path",
                 address);
        return -EINVAL;
    }
    if (!text_equal(scheme, TEXT("http")) && !text_equal(scheme, TEXT("https"))) {
        snprintf(reason, TARGET_REASON_SIZE, "scheme \"%.*s\" is not supported: use http or https",
                 TEXT_FORMAT(scheme));
        return -EINVAL;
    }
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
        if (!labels_builder_get(builder, text_of(refused[i])).length)
            continue;
        snprintf(reason, TARGET_REASON_SIZE,
                 "label %s is not supported: set scrape_interval and scrape_timeout in the job",
                 refused[i]);
        return -EINVAL;
    }
    return 0;
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

static void append_params(struct buffer *url, const struct labels *labels)
{
    char separator = '?';

    for (struct label_cursor c = labels_first(labels); labels_next(&c);) {
        struct text name = c.label.name;
        if (!has_prefix(name, TEXT(PARAM_PREFIX)))
            continue;
        name.bytes += sizeof(PARAM_PREFIX) - 1;
        name.length -= sizeof(PARAM_PREFIX) - 1;
        buffer_append_char(url, separator);
        append_escaped(url, name, "-_.~", true);
        buffer_append_char(url, '=');
        append_escaped(url, c.label.value, "-_.~", true);
        separator = '&';
    }
}

/* The escapes are those of Go's net/url, so that a target sees what Prometheus would send. */
static char *build_url(const struct labels *labels)
{
    struct text path = labels_get(labels, TEXT("__metrics_path__"));
    struct buffer url;

    buffer_init(&url, URL_MAX);
    buffer_append_text(&url, labels_get(labels, TEXT("__scheme__")));
    buffer_append_string(&url, "://");
    buffer_append_text(&url, labels_get(labels, TEXT("__address__")));
    if (path.length && path.bytes[0] != '/')
        buffer_append_char(&url, '/');
    append_escaped(&url, path, "-_.~$&+,/:;=@", false);
    append_params(&url, labels);
    if (url.failed)
        buffer_free(&url);
    return url.bytes;
}

static int build_public_labels(struct labels_builder *builder, const struct labels *all,
                               struct labels **out)
{
    labels_builder_clear(builder);
    for (struct label_cursor c = labels_first(all); labels_next(&c);) {
        if (has_prefix(c.label.name, TEXT("__")))
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

int target_new(const struct scrape_config *config, const struct static_targets *group,
               const char *address, struct target **out, char reason[TARGET_REASON_SIZE])
{
    autobuilder struct labels_builder *builder = NULL;
    autofree struct labels *all = NULL;
    __attribute__((cleanup(target_free))) struct target *target = NULL;

    snprintf(reason, TARGET_REASON_SIZE, "a label has an empty name");
    int error = labels_builder_new(&builder);
    if (!error)
        error = collect_labels(builder, config, group, address);
    if (!error)
        error = check(builder, address, reason);
    if (!error)
        error = labels_builder_build(builder, &all);
    if (error)
        return error;

    target = calloc(1, sizeof(*target));
    if (!target)
        return -ENOMEM;
    target->config = config;
    target->url = build_url(all);
    target->shown_url = target->url ? http_url_redacted(target->url) : NULL;
    if (!target->shown_url)
        return -ENOMEM;
    target->hash = target_hash(all, target->url);
    error = build_public_labels(builder, all, &target->labels);
    if (error)
        return error;
    *out = TAKE_PTR(target);
    return 0;
}

void target_free(struct target **target)
{
    if (!*target)
        return;
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
