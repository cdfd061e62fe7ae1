/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer target for pages of the protobuf exposition format. */
#include "fuzz_page.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    return fuzz_page(SCRAPE_PROTOBUF, bytes, size);
}
