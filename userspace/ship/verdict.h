/* SPDX-License-Identifier: Apache-2.0 */
/* What a receiver's answer means for the request. Pure. */
#ifndef EDGEMETER_SHIP_VERDICT_H
#define EDGEMETER_SHIP_VERDICT_H

#include "ship/queue.h"
#include "ship/remote_write_config.h"

enum verdict {
    VERDICT_TAKEN,
    VERDICT_RETRY,       /* the same bytes again, later */
    VERDICT_REFUSED,     /* never these samples */
    VERDICT_TOO_LARGE,   /* not so many at once */
    VERDICT_UNSUPPORTED, /* not in this protocol */
};

/* X-Prometheus-Remote-Write-*-Written of a 2.0 receiver. */
struct written {
    bool given; /* at least one of the headers */
    struct sample_counts counts;
};

/* `status` is 0 where no answer came. */
enum verdict verdict_of(int status, enum remote_write_protocol protocol, bool retry_on_429,
                        const struct written *written);

/* Takes one header's value: digits alone, else it counts as not given. */
void written_parse(struct written *written, uint64_t *count, const char *value);

#endif
