/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer target for what is read of a receiver's answer: Retry-After, and 2.0's counts. The
 * input is a header's value. */
#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/http/http_call.h"
#include "ship/verdict.h"

static void check_counts(const char *value)
{
    struct written written = {};
    written_parse(&written, &written.counts.floats, value);
    assert(written.given || !written.counts.floats);
    for (const char *at = value; written.given && *at; at++)
        assert(isdigit((unsigned char)*at));
    assert(verdict_of(200, REMOTE_WRITE_V2, true, &written) ==
           (written.given ? VERDICT_TAKEN : VERDICT_UNSUPPORTED));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *value = strndup((const char *)data, size);
    assert(value);
    assert(http_retry_after_ms(value) >= -1);
    check_counts(value);
    free(value);
    return 0;
}
