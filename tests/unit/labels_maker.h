/* SPDX-License-Identifier: Apache-2.0 */
/* Label sets from literals. */
#ifndef EDGEMETER_TESTS_LABELS_MAKER_H
#define EDGEMETER_TESTS_LABELS_MAKER_H

#include <stdarg.h>

#include "model/labels.h"

/* make_labels("a", "1", "b", "2", NULL): a name and its value, as often as wanted. */
static inline struct labels *make_labels(const char *name, ...)
{
    struct labels_builder *builder;
    struct labels *labels = NULL;
    va_list arguments;

    assert_int_equal(labels_builder_new(&builder), 0);
    va_start(arguments, name);
    for (; name; name = va_arg(arguments, const char *))
        assert_int_equal(
            labels_builder_set(builder, text_of(name), text_of(va_arg(arguments, const char *))),
            0);
    va_end(arguments);
    assert_int_equal(labels_builder_build(builder, &labels), 0);
    labels_builder_free(&builder);
    return labels;
}

#endif
