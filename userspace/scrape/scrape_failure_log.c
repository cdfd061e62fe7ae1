/* SPDX-License-Identifier: Apache-2.0 */
/* The file is opened for each line, so that it can be rotated at any time. Does not bound it. */
#include "scrape/scrape_failure_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json_writer.h"
#include "base/log.h"

#define LINE_MAX_BYTES (256 * 1024)

static void write_line(struct buffer *line, const struct target *target, const char *reason)
{
    struct json_writer json = {.out = line};
    int64_t now = clock_wall_ns();
    time_t seconds = now / NS_PER_SECOND;
    char day[32], moment[64];
    struct tm utc;

    gmtime_r(&seconds, &utc);
    strftime(day, sizeof(day), "%FT%T", &utc);
    snprintf(moment, sizeof(moment), "%s.%09lldZ", day, (long long)(now % NS_PER_SECOND));
    json_open(&json, '{');
    JSON_STRING(&json, "time", moment);
    JSON_STRING(&json, "level", "ERROR");
    JSON_STRING(&json, "msg", reason);
    JSON_STRING(&json, "job_name", target->config->job_name);
    JSON_STRING(&json, "target", target->shown_url);
    json_close(&json, '}');
    buffer_append_char(line, '\n');
}

/* In one piece: several jobs, and several agents, may share a file. */
static int append(const char *path, const struct buffer *line)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666);
    if (fd < 0)
        return -errno;
    ssize_t written = write(fd, line->bytes, line->length);
    int error = written < 0 ? -errno : (size_t)written < line->length ? -EIO : 0;
    close(fd);
    return error;
}

void scrape_failure_log(struct scrape_log *log, const struct target *target, const char *reason)
{
    const char *path = target->config->failure_log_file;
    autobuffer struct buffer line;

    buffer_init(&line, LINE_MAX_BYTES);
    if (!path)
        return;
    write_line(&line, target, reason);
    int error = line.failed ? -ENOMEM : append(path, &line);
    if (error && !log->failure_log_broken)
        log_error("scrape", "cannot write the scrape_failure_log_file", LOG_STR("file", path),
                  LOG_STR("err", strerror(-error)));
    log->failure_log_broken = error != 0;
}
