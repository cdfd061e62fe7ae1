/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/go_time.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

void go_time(int64_t ns, char out[GO_TIME_SIZE])
{
    time_t seconds = ns / (int64_t)NS_PER_SECOND;
    long rest = ns % (int64_t)NS_PER_SECOND;
    char fraction[16] = "";
    struct tm utc;

    if (!ns) {
        strcpy(out, "0001-01-01T00:00:00Z");
        return;
    }
    strftime(out, GO_TIME_SIZE, "%Y-%m-%dT%H:%M:%S", gmtime_r(&seconds, &utc));
    if (rest) {
        int length = snprintf(fraction, sizeof(fraction), ".%09ld", rest);
        while (fraction[length - 1] == '0')
            fraction[--length] = '\0';
    }
    strcat(strcat(out, fraction), "Z");
}
