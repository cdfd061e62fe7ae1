/* SPDX-License-Identifier: Apache-2.0 */
/* Remembers on disk until when HTTP was metered, so that what a kill of the agent left out is known
 * at its next start: how often that was, and for how long in all. Counts no requests.
 *
 * The file STORAGE/metering is one line, written over in place:
 *
 *     running 01763705000123 0000000002 00000000034500
 *     |       |              |          ms of all gaps so far
 *     |       |              gaps so far
 *     |       the last drain, ms since 1970
 *     or "stopped": after that drain nothing more was counted
 *
 * A line that is none of that is as no file. It is not synced: after a loss of power an older line
 * makes the gap longer than it was. */
#ifndef EDGEMETER_COLLECT_METERING_MARK_H
#define EDGEMETER_COLLECT_METERING_MARK_H

#include <stdbool.h>
#include <stdint.h>

struct metering_mark {
    int fd; /* -1: not kept */
    uint64_t gaps;
    int64_t gap_ms;
    int64_t last_gap_ms; /* the one that ended with this start; -1: none */
};

/* Metering begins now. 0 or the negative errno of the file, after which all of it does nothing. */
int metering_mark_open(struct metering_mark *mark, const char *storage_path, int64_t now_ms);
/* All that was counted until then has been handed on; with `stopped` nothing more will be. */
void metering_mark_note(struct metering_mark *mark, int64_t drained_ms, bool stopped);
void metering_mark_close(struct metering_mark *mark);

#endif
