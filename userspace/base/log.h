/* SPDX-License-Identifier: Apache-2.0 */
/* Structured log lines on stderr, as logfmt (Prometheus' own form) or JSON:
 *
 *   ts=2026-01-02T03:04:05.678Z level=warn component=ship msg="send failed" url=http://... status=500
 *
 * Values are quoted where they need it. A secret never goes in: callers pass redacted URLs. */
#ifndef EDGEMETER_BASE_LOG_H
#define EDGEMETER_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };
enum log_format { LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };

void log_setup(enum log_level least, enum log_format format);
/* "debug", "info", "warn", "error" / "logfmt", "json"; -EINVAL for anything else. */
int log_level_parse(const char *name, enum log_level *out);
int log_format_parse(const char *name, enum log_format *out);
bool log_enabled(enum log_level level);

struct log_field {
    const char *key; /* NULL ends a list */
    enum { LOG_TEXT, LOG_INTEGER, LOG_UNSIGNED, LOG_FLOAT } type;
    union {
        struct text text;
        int64_t integer;
        uint64_t number;
        double real;
    };
};

#define LOG_STR(k, v) ((struct log_field){.key = (k), .type = LOG_TEXT, .text = text_of(v)})
#define LOG_VIEW(k, v) ((struct log_field){.key = (k), .type = LOG_TEXT, .text = (v)})
#define LOG_INT(k, v) ((struct log_field){.key = (k), .type = LOG_INTEGER, .integer = (v)})
#define LOG_UINT(k, v) ((struct log_field){.key = (k), .type = LOG_UNSIGNED, .number = (v)})
#define LOG_REAL(k, v) ((struct log_field){.key = (k), .type = LOG_FLOAT, .real = (v)})

/* `component` is the folder that speaks: "collect", "scrape", "ship", ... */
void log_event(enum log_level level, const char *component, const char *message,
               const struct log_field *fields);

#define log_at(level, component, message, ...)                                                     \
    do {                                                                                           \
        if (log_enabled(level))                                                                    \
            log_event((level), (component), (message),                                             \
                      (const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){.key = NULL}});        \
    } while (0)
#define log_debug(...) log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_info(...) log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warn(...) log_at(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_error(...) log_at(LOG_LEVEL_ERROR, __VA_ARGS__)

#endif
