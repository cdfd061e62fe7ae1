/* SPDX-License-Identifier: Apache-2.0 */
/* Paths joined as Go's filepath.Join does it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/path.h"

static void test_join(void **state)
{
    static const struct {
        const char *folder, *path, *joined;
    } rows[] = {
        {".", "a", "a"},
        {".", "./a", "a"},
        {".", "../a", "../a"},
        {".", "", "."},
        {"conf", "a", "conf/a"},
        {"./conf", "a//b/./c", "conf/a/b/c"},
        {"conf", "../a", "a"},
        {"conf", "../../a", "../a"},
        {"../conf", "../../a", "../../a"},
        {"conf/x", "..", "conf"},
        {"conf", "..", "."},
        {"/", "a", "/a"},
        {"/", "../a", "/a"},
        {"/etc/x", "a/*.yml", "/etc/x/a/*.yml"},
        {"/etc/x/", "../../../a", "/a"},
        {"/etc", "..a", "/etc/..a"},
        {"/etc", "/abs/../a", "/abs/../a"}, /* an absolute path is left as it is */
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        autofree char *joined = path_join(text_of(rows[i].folder), text_of(rows[i].path));
        assert_string_equal(joined, rows[i].joined);
    }
}

static void test_folder(void **state)
{
    static const char *const rows[][2] = {
        {"a", "."}, {"a/b", "a"}, {"/b", "/"}, {"./b", "."}, {"/a/b/c", "/a/b"}, {"a/", "a"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        assert_true(text_equal(path_folder(rows[i][0]), text_of(rows[i][1])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_join),
        cmocka_unit_test(test_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
