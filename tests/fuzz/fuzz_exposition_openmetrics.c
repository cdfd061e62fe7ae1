/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer target for pages of OpenMetrics text. */
#include "fuzz_page.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    return fuzz_page(SCRAPE_OPENMETRICS, bytes, size);
}
