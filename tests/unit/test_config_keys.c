/* SPDX-License-Identifier: Apache-2.0 */
/* Every key that the configuration takes is in docs/configuration.md. With --print: the list of
 * them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file_read.h"
#include "config/config_keys.h"

#define DOCUMENT "docs/configuration.md"
#define LEAST_KEYS 250

static void print_keys(struct buffer *out)
{
    buffer_init(out, 1 << 20);
    config_keys_print(out);
    assert_false(out->failed);
}

/* As `key`, whatever block it is described in. */
static bool is_described(const char *document, const char *place)
{
    char marked[128];
    const char *dot = strrchr(place, '.');
    snprintf(marked, sizeof(marked), "`%s`", dot ? dot + 1 : place);
    return strstr(document, marked) != NULL;
}

static void test_described(void **state)
{
    autobuffer struct buffer keys, document;
    size_t count = 0, missing = 0;

    (void)state;
    print_keys(&keys);
    buffer_init(&document, 1 << 20);
    assert_int_equal(file_read(DOCUMENT, &document), 0);
    char *rest = keys.bytes;
    for (char *line; (line = strsep(&rest, "\n")) && *line; count++) {
        char *place = strsep(&line, "\t"), *takes = strsep(&line, "\t");
        assert_non_null(takes);
        if (strcmp(takes, "not built") == 0 || is_described(document.bytes, place))
            continue;
        print_error("%s is not in " DOCUMENT "\n", place);
        missing++;
    }
    assert_true(count >= LEAST_KEYS);
    assert_int_equal(missing, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_described),
    };
    if (argc == 2 && strcmp(argv[1], "--print") == 0) {
        autobuffer struct buffer keys;
        print_keys(&keys);
        return fwrite(keys.bytes, keys.length, 1, stdout) != 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
