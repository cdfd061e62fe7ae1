/* SPDX-License-Identifier: Apache-2.0 */
/* --web.config.file: read at the start, and again when it or a file that it names has changed. What
 * cannot be read then changes nothing. */
#include <errno.h>
#include <sys/stat.h>

#include "agent/agent_parts.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "config/config_web.h"

static uint64_t mix(uint64_t hash, uint64_t value)
{
    return (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
}

/* A number for how a file lies on the disk; it changes with the file. */
static uint64_t look_at(uint64_t hash, const char *path)
{
    struct stat found;

    if (!path)
        return hash;
    if (stat(path, &found) < 0)
        return mix(hash, (uint64_t)errno);
    hash = mix(hash, (uint64_t)found.st_ino);
    hash = mix(hash, (uint64_t)found.st_size);
    hash = mix(hash, (uint64_t)found.st_mtim.tv_sec);
    return mix(hash, (uint64_t)found.st_mtim.tv_nsec);
}

/* The files that the configuration names are those of the one in use. */
static uint64_t look_at_files(const struct agent *agent, uint64_t hash)
{
    for (size_t i = 0; i < AGENT_WEB_FILES; i++)
        hash = look_at(hash, agent->web.files[i]);
    return hash;
}

static int keep_names(struct agent *agent, const struct web_tls_config *tls)
{
    const char *const files[AGENT_WEB_FILES] = {tls->cert_file, tls->key_file, tls->client_ca_file};

    for (size_t i = 0; i < AGENT_WEB_FILES; i++) {
        free(TAKE_PTR(agent->web.files[i]));
        agent->web.files[i] = files[i] ? strdup(files[i]) : NULL;
        if (files[i] && !agent->web.files[i])
            return -ENOMEM;
    }
    return 0;
}

/* Each file is looked at before it is read: what changes meanwhile is seen as a change later. Those
 * that the configuration names are read after this. */
static int load(struct agent *agent, struct web_config **out)
{
    uint64_t signature = look_at(1, agent->options->web_config_file);
    struct problems problems;

    int error = config_web_load(agent->options->web_config_file, out, &problems);
    for (size_t i = 0; i < problems.count; i++)
        log_at(problems.list[i].warning ? LOG_LEVEL_WARN : LOG_LEVEL_ERROR, "config",
               problems.list[i].message, LOG_STR("file", problems.list[i].file),
               LOG_UINT("line", problems.list[i].line));
    problems_free(&problems);
    if (!error)
        error = keep_names(agent, &(*out)->tls);
    agent->web.signature = look_at_files(agent, signature);
    return error;
}

int agent_web_load(struct agent *agent, struct web_config **out)
{
    return agent->options->web_config_file ? load(agent, out) : 0;
}

static bool has_changed(const struct agent *agent)
{
    return look_at_files(agent, look_at(1, agent->options->web_config_file)) !=
           agent->web.signature;
}

void agent_web_refresh(void *context)
{
    struct agent *agent = context;
    struct web_config *config = NULL;

    if (!agent->options->web_config_file || !has_changed(agent))
        return;
    int error = load(agent, &config);
    if (!error)
        error = server_configure(agent->server, &config);
    web_config_free(&config);
    if (error)
        log_error("agent", "--web.config.file has changed and cannot be used; the one before stays",
                  LOG_STR("err", strerror(-error)));
    else
        log_info("agent", "--web.config.file was loaded again");
}

void agent_web_free(struct agent *agent)
{
    for (size_t i = 0; i < AGENT_WEB_FILES; i++)
        free(TAKE_PTR(agent->web.files[i]));
}
