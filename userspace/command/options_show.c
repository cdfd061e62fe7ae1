/* SPDX-License-Identifier: Apache-2.0 */
/* Every flag of the agent by name, what was not given with its default. */
#include "command/options_show.h"

#include "base/cleanup.h"
#include "base/duration.h"

static const char *or_nothing(const char *value)
{
    return value ? value : "";
}

size_t options_show(const struct options *options, struct agent_flag out[OPTIONS_FLAGS_MAX])
{
    static const char *const levels[] = {
        [LOG_LEVEL_DEBUG] = "debug",
        [LOG_LEVEL_INFO] = "info",
        [LOG_LEVEL_WARN] = "warn",
        [LOG_LEVEL_ERROR] = "error",
    };
    static char interval[DURATION_TEXT_SIZE];

    duration_text(options->auto_reload_interval_ns, interval, sizeof(interval));
    const struct agent_flag flags[] = {
        {"config.auto-reload-interval", interval},
        {"config.file", or_nothing(options->config_file)},
        {"enable-feature", options->auto_reload ? "auto-reload-config" : ""},
        {"log.format", options->log_format == LOG_FORMAT_JSON ? "json" : "logfmt"},
        {"log.level", levels[options->log_level]},
        {"storage.path", or_nothing(options->storage_path)},
        {"web.config.file", or_nothing(options->web_config_file)},
        {"web.enable-lifecycle", options->enable_lifecycle ? "true" : "false"},
        {"web.listen-address", options->listen_address},
    };
    _Static_assert(ARRAY_SIZE(flags) <= OPTIONS_FLAGS_MAX, "there is room for all");
    for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
        out[i] = flags[i];
    return ARRAY_SIZE(flags);
}
