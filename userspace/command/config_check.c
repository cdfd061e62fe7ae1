/* SPDX-License-Identifier: Apache-2.0 */
/* Opens every file that a configuration names, and makes every target that it gives by itself. Of
 * files it shows paths and targets, never what else is in them. */
#include "command/config_check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file_list.h"
#include "base/file_read.h"
#include "discover/discoverer.h"
#include "discover/target_file.h"
#include "scrape/target.h"

#define REASON_MAX 4096

struct check {
    struct problems *problems;
    const char *owner_kind, *owner; /* "job" and its name */
    const struct scrape_config *job;
    bool no_files; /* none is opened */
    bool no_memory;
};

__attribute__((format(printf, 3, 4))) static void
report(struct check *check, enum problem_severity severity, const char *format, ...)
{
    autobuffer struct buffer message;
    char text[REASON_MAX];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    buffer_init(&message, 2 * REASON_MAX);
    buffer_printf(&message, "%s \"%s\": %s", check->owner_kind, check->owner, text);
    if (message.failed || problems_add(check->problems, severity, 0, 0, "%s", message.bytes))
        check->no_memory = true;
}

static void check_file(struct check *check, const char *what, const char *path)
{
    if (!path || check->no_files)
        return;
    autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        report(check, PROBLEM_ERROR, "%s %s: %s", what, path, strerror(errno));
}

static void check_tls(struct check *check, const struct http_tls_config *tls)
{
    check_file(check, "ca_file", tls->ca_file);
    check_file(check, "cert_file", tls->cert_file);
    check_file(check, "key_file", tls->key_file);
}

static void check_http(struct check *check, const struct http_config *http)
{
    check_file(check, "basic_auth username_file", http->basic_auth.username_file);
    check_file(check, "basic_auth password_file", http->basic_auth.password_file);
    check_file(check, "authorization credentials_file", http->authorization.credentials_file);
    check_tls(check, &http->tls);
    if (http->oauth2) {
        check_file(check, "oauth2 client_secret_file", http->oauth2->client_secret_file);
        check_tls(check, &http->oauth2->tls);
    }
    for (size_t i = 0; i < http->extra_header_count; i++)
        check_file(check, "http_headers file", http->extra_headers[i].file);
}

/* ---- targets ---- */

struct target_check {
    struct target_sink sink; /* first */
    struct check *check;
    const struct scrape_config *config;
};

/* What the scraper would refuse. */
static void check_group(struct target_sink *sink, const struct target_group *group)
{
    struct target_check *targets = (struct target_check *)sink;

    for (size_t i = 0; i < group->target_count; i++) {
        struct text address = labels_get(group->targets[i], TEXT("__address__"));
        struct target *target = NULL;
        char reason[TARGET_REASON_SIZE] = "too many labels";
        int error = target_new(targets->config, group->labels, group->targets[i], &target, reason);
        if (error == -ENOMEM)
            targets->check->no_memory = true;
        else if (error)
            report(targets->check, PROBLEM_ERROR, "%.*s: target \"%.*s\": %s",
                   TEXT_FORMAT(group->source), TEXT_FORMAT(address), reason);
        target_free(&target);
    }
}

static void check_targets(struct check *check, const struct static_targets *groups, size_t count,
                          const char *place, const struct labels *more)
{
    struct target_check targets = {{.update = check_group}, check, check->job};
    char source[REASON_MAX / 2];

    for (size_t i = 0; i < count; i++) {
        snprintf(source, sizeof(source), "%s, group %zu", place, i + 1);
        int error = static_targets_hand_over(&groups[i], text_of(source), more, &targets.sink);
        if (error == -ENOMEM)
            check->no_memory = true;
        else if (error)
            report(check, PROBLEM_ERROR, "%s: too many labels", source);
    }
}

/* With the label that the discoverer gives them. */
static void check_targets_of_file(struct check *check, const char *path,
                                  const struct target_file *file)
{
    __attribute__((cleanup(labels_builder_free))) struct labels_builder *builder = NULL;
    autofree struct labels *labels = NULL;
    autofree char *place = NULL;

    if (labels_builder_new(&builder) ||
        labels_builder_set(builder, TEXT("__meta_filepath"), text_of(path)) ||
        labels_builder_build(builder, &labels) ||
        asprintf(&place, "file of targets %s", path) < 0) {
        check->no_memory = true;
        return;
    }
    check_targets(check, file->groups, file->group_count, place, labels);
}

static void check_target_file(struct check *check, const char *path)
{
    autobuffer struct buffer bytes, reason = {0};
    struct target_file file;

    buffer_init(&bytes, TARGET_FILE_MAX_BYTES);
    buffer_init(&reason, REASON_MAX / 2);
    int error = file_read(path, &bytes);
    if (!error)
        error = target_file_parse(path, buffer_text(&bytes), &file, &reason);
    if (error) {
        report(check, PROBLEM_ERROR, "file of targets %s: %s", path,
               reason.length ? reason.bytes : strerror(-error));
        return;
    }
    check_targets_of_file(check, path, &file);
    target_file_free(&file);
}

static void check_target_files(struct check *check, const struct file_config *config)
{
    for (size_t i = 0; !check->no_files && i < config->pattern_count; i++) {
        autoglob glob_t found = {0};
        int error = file_list(config->patterns[i], &found);
        if (error == -ENOMEM)
            check->no_memory = true;
        else if (error)
            report(check, PROBLEM_ERROR, "cannot list the files of targets %s: %s",
                   config->patterns[i], strerror(-error));
        else if (!found.gl_pathc)
            report(check, PROBLEM_WARNING, "no file of targets is there: %s", config->patterns[i]);
        for (size_t k = 0; !error && k < found.gl_pathc; k++)
            check_target_file(check, found.gl_pathv[k]);
    }
}

static void check_discovery(struct check *check, const struct discovery_config *discovery)
{
    for (size_t i = 0; i < discovery->count; i++) {
        const struct discoverer_config *config = discovery->list[i];
        if (config->kind == DISCOVERER_STATIC)
            check_targets(check, config->statics.groups, config->statics.group_count,
                          "static_configs", NULL);
        else if (config->kind == DISCOVERER_FILE)
            check_target_files(check, &config->file);
        else if (config->kind == DISCOVERER_HTTP)
            check_http(check, &config->http.http);
        else if (config->kind == DISCOVERER_KUBERNETES)
            check_http(check, &config->kubernetes.http);
    }
}

int config_check_parts(const struct config *config, bool with_files, struct problems *problems)
{
    struct check check = {.problems = problems, .owner_kind = "job", .no_files = !with_files};

    for (size_t i = 0; i < config->scrape_count; i++) {
        check.job = config->scrapes[i];
        check.owner = check.job->job_name;
        check_http(&check, &check.job->http);
        check_discovery(&check, &config->discoveries[i]);
    }
    check.owner_kind = "remote";
    for (size_t i = 0; i < config->remote_count; i++) {
        char number[24];
        snprintf(number, sizeof(number), "%zu", i);
        check.owner = config->remotes[i]->name ? config->remotes[i]->name : number;
        check_http(&check, &config->remotes[i]->http);
    }
    if (check.no_memory)
        return -ENOMEM;
    return problems_have_error(problems) ? -EINVAL : 0;
}
