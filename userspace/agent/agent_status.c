/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/v1/status/...: what Prometheus says of itself, as far as there is such a thing here;
 * what only a Go program or a database has is there with nothing in it, for programs that look for
 * it. */
#include <dirent.h>
#include <linux/limits.h>
#include <stdio.h>
#include <unistd.h>

#include "agent/agent_parts.h"
#include "base/clock.h"
#include "serve/go_time.h"
#include "serve/json_answer.h"

void agent_show_config(const struct agent *agent, struct server_response *response)
{
    struct json_writer json = json_answer_begin(response);

    json_open(&json, '{');
    JSON_TEXT(&json, "yaml", buffer_text(&agent->config->printed));
    json_close(&json, '}');
    json_answer_end(response);
}

void agent_show_flags(const struct agent *agent, struct server_response *response)
{
    struct json_writer json = json_answer_begin(response);

    json_open(&json, '{');
    for (size_t i = 0; i < agent->options->flag_count; i++) {
        json_key(&json, text_of(agent->options->flags[i].name));
        json_text(&json, text_of(agent->options->flags[i].value));
    }
    json_close(&json, '}');
    json_answer_end(response);
}

void agent_show_build(struct server_response *response)
{
    struct json_writer json = json_answer_begin(response);

    json_open(&json, '{');
    JSON_STRING(&json, "version", EDGEMETER_VERSION);
    JSON_STRING(&json, "revision", "");
    JSON_STRING(&json, "branch", "");
    JSON_STRING(&json, "buildUser", "");
    JSON_STRING(&json, "buildDate", "");
    JSON_STRING(&json, "goVersion", "");
    JSON_STRING(&json, "compiler", __VERSION__);
    json_close(&json, '}');
    json_answer_end(response);
}

static unsigned count_threads(void)
{
    DIR *folder = opendir("/proc/self/task");
    unsigned count = 0;

    for (const struct dirent *entry; folder && (entry = readdir(folder));)
        count += *entry->d_name != '.';
    if (folder)
        closedir(folder);
    return count;
}

static void write_time(struct json_writer *json, const char *name, int64_t ns)
{
    char text[GO_TIME_SIZE];

    go_time(ns, text);
    json_key(json, text_of(name));
    json_text(json, text_of(text));
}

void agent_show_runtime(const struct agent *agent, struct server_response *response)
{
    struct json_writer json = json_answer_begin(response);
    int64_t loaded_ns = (int64_t)metric_get(agent->reload.success_time) * (int64_t)NS_PER_SECOND;
    char folder[PATH_MAX] = "", host[256] = "";

    if (!getcwd(folder, sizeof(folder)))
        *folder = '\0';
    gethostname(host, sizeof(host) - 1);
    json_open(&json, '{');
    write_time(&json, "startTime", agent->started_ns);
    JSON_STRING(&json, "CWD", folder);
    JSON_STRING(&json, "hostname", host);
    write_time(&json, "serverTime", clock_wall_ns());
    JSON_BOOL(&json, "reloadConfigSuccess", metric_get(agent->reload.successful) > 0);
    write_time(&json, "lastConfigTime", loaded_ns);
    JSON_UINT(&json, "corruptionCount", 0);
    JSON_UINT(&json, "goroutineCount", count_threads());
    JSON_UINT(&json, "GOMAXPROCS", (uint64_t)sysconf(_SC_NPROCESSORS_ONLN));
    JSON_UINT(&json, "GOMEMLIMIT", 0);
    JSON_STRING(&json, "GOGC", "");
    JSON_STRING(&json, "GODEBUG", "");
    JSON_STRING(&json, "storageRetention", "");
    json_close(&json, '}');
    json_answer_end(response);
}
