/* SPDX-License-Identifier: Apache-2.0 */
/* match[]: whatever it is, it is parsed or refused with a reason in one line, twice in
 * the same way; what is parsed can be matched. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "model/selector.h"

#define CHECK(condition)  \
    do {                  \
        if (!(condition)) \
            abort();      \
    } while (0)

static struct labels *some_labels(void)
{
    struct labels_builder *builder;
    struct labels *labels;

    CHECK(!labels_builder_new(&builder));
    labels_builder_set(builder, TEXT(LABEL_METRIC_NAME), TEXT("up"));
    labels_builder_set(builder, TEXT("job"), TEXT("web"));
    labels_builder_set(builder, TEXT("a b"), TEXT("\xc3\xa4"));
    CHECK(!labels_builder_build(builder, &labels));
    labels_builder_free(&builder);
    return labels;
}

static int parse(struct text text, const struct labels *labels, bool *matches,
                 char error[SELECTOR_ERROR_SIZE])
{
    autoselector struct selector *selector = NULL;
    int failed = selector_parse(text, &selector, error);

    CHECK(failed == 0 || failed == -EINVAL);
    CHECK(!failed == (selector != NULL));
    *matches = selector && selector_match(selector, labels, NULL);
    return failed;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char first[SELECTOR_ERROR_SIZE] = "", second[SELECTOR_ERROR_SIZE] = "";
    autofree struct labels *labels = some_labels();
    /* An allocation of its own, so that ASan sees what is read behind it. */
    autofree char *copy = malloc(size ? size : 1);
    bool matches, again;

    CHECK(copy);
    if (size)
        memcpy(copy, data, size);
    int failed = parse((struct text){copy, size}, labels, &matches, first);
    CHECK(failed == parse((struct text){copy, size}, labels, &again, second));
    CHECK(matches == again);
    CHECK(!strcmp(first, second));
    if (failed)
        CHECK(*first && !strchr(first, '\n') && strstr(first, "parse error: "));
    return 0;
}
