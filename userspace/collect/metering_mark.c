/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and writes the line. */
#include "collect/metering_mark.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

#define LINE "%s %014" PRId64 " %010" PRIu64 " %014" PRId64 "\n"
#define LINE_SIZE 64

struct line {
    char state[8];
    int64_t drained_ms, gap_ms;
    uint64_t gaps;
};

static bool line_read(int fd, struct line *line)
{
    char text[LINE_SIZE], end;

    ssize_t length = pread(fd, text, sizeof(text) - 1, 0);
    if (length <= 0)
        return false;
    text[length] = '\0';
    return sscanf(text, "%7s %" SCNd64 " %" SCNu64 " %" SCNd64 "%c", line->state, &line->drained_ms,
                  &line->gaps, &line->gap_ms, &end) == 5 &&
           end == '\n' && line->drained_ms > 0 && line->gap_ms >= 0;
}

int metering_mark_open(struct metering_mark *mark, const char *storage_path, int64_t now_ms)
{
    autofree char *path = NULL;
    struct line line;

    *mark = (struct metering_mark){.fd = -1, .last_gap_ms = -1};
    if (asprintf(&path, "%s/metering", storage_path) < 0)
        return -ENOMEM;
    mark->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (mark->fd < 0)
        return -errno;
    if (line_read(mark->fd, &line)) {
        mark->gaps = line.gaps;
        mark->gap_ms = line.gap_ms;
        if (strcmp(line.state, "running") == 0) {
            mark->last_gap_ms = now_ms > line.drained_ms ? now_ms - line.drained_ms : 0;
            mark->gap_ms += mark->last_gap_ms;
            mark->gaps++;
        }
    }
    metering_mark_note(mark, now_ms, false);
    return 0;
}

void metering_mark_note(struct metering_mark *mark, int64_t drained_ms, bool stopped)
{
    char text[LINE_SIZE];

    if (mark->fd < 0)
        return;
    int length = snprintf(text, sizeof(text), LINE, stopped ? "stopped" : "running", drained_ms,
                          mark->gaps, mark->gap_ms);
    if (pwrite(mark->fd, text, (size_t)length, 0) != length)
        metering_mark_close(mark);
}

void metering_mark_close(struct metering_mark *mark)
{
    if (mark->fd >= 0)
        close(mark->fd);
    mark->fd = -1;
}
