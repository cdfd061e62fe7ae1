/* SPDX-License-Identifier: Apache-2.0 */
/* Remote write's rules for statuses, and for 2.0 requests that a 1.0 receiver took for empty ones.
 */
#include "ship/verdict.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

enum verdict verdict_of(int status, enum remote_write_protocol protocol, bool retry_on_429,
                        const struct written *written)
{
    bool is_v2 = protocol == REMOTE_WRITE_V2;
    if (status / 100 == 2)
        return is_v2 && !written->given ? VERDICT_UNSUPPORTED : VERDICT_TAKEN;
    if (status == 0 || status / 100 == 5 || (status == 429 && retry_on_429))
        return VERDICT_RETRY;
    if (status == 413)
        return VERDICT_TOO_LARGE;
    return status == 415 && is_v2 ? VERDICT_UNSUPPORTED : VERDICT_REFUSED;
}

void written_parse(struct written *written, uint64_t *count, const char *value)
{
    char *end;
    if (!value || !isdigit((unsigned char)*value))
        return;
    errno = 0;
    unsigned long long number = strtoull(value, &end, 10);
    if (errno || *end)
        return;
    *count = number;
    written->given = true;
}
