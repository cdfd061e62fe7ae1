/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer target for pages of classic text, and for numbers, which have strtod's bits. */
#include <math.h>

#include "fuzz_page.h"

#define MAX_NUMBER 2000

static bool has_only(const char *text, const char *allowed)
{
    return !text[strspn(text, allowed)];
}

/* What is a number here is one for strtod, and the same. */
static void check_number(const uint8_t *bytes, size_t size)
{
    char number[MAX_NUMBER + 1];
    double value = 0;

    if (size > MAX_NUMBER)
        return;
    memcpy(number, bytes, size);
    number[size] = '\0';
    int error = exposition_parse_float((struct text){number, size}, &value);
    if (strlen(number) != size || !has_only(number, "0123456789.eE+-")) {
        fuzz_require(error || !isfinite(value), "not a number");
        return;
    }
    char *end;
    double expected = strtod(number, &end);
    if (!error)
        fuzz_require(!*end && !memcmp(&value, &expected, sizeof(value)), "other bits than strtod");
    else if (size && !*end)
        fuzz_require(isinf(expected), "strtod takes it");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    check_number(bytes, size);
    return fuzz_page(SCRAPE_TEXT, bytes, size);
}
