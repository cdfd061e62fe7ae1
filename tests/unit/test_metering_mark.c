/* SPDX-License-Identifier: Apache-2.0 */
/* collect/metering_mark: what a start knows of how the run before ended. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "collect/metering_mark.h"

static char folder[] = "/tmp/edgemeter-mark-XXXXXX";
static char file[64];

static int folder_make(void **state)
{
    (void)state;
    strcpy(folder + strlen(folder) - 6, "XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(file, sizeof(file), "%s/metering", folder);
    return 0;
}

static int folder_remove(void **state)
{
    (void)state;
    unlink(file);
    return rmdir(folder);
}

static void write_file(const char *text)
{
    FILE *out = fopen(file, "w");
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
}

static struct metering_mark start(int64_t now_ms)
{
    struct metering_mark mark;
    assert_int_equal(metering_mark_open(&mark, folder, now_ms), 0);
    return mark;
}

#define T INT64_C(1763705000000)

static void test_kills(void **state)
{
    (void)state;
    struct metering_mark mark = start(T);
    assert_int_equal(mark.gaps, 0);
    assert_int_equal(mark.last_gap_ms, -1);
    metering_mark_note(&mark, T + 15000, false);
    metering_mark_close(&mark); /* as the kernel does for whom it kills */

    mark = start(T + 25500);
    assert_int_equal(mark.gaps, 1);
    assert_int_equal(mark.last_gap_ms, 10500);
    metering_mark_close(&mark); /* before its first drain */

    mark = start(T + 26000);
    assert_int_equal(mark.gaps, 2);
    assert_int_equal(mark.gap_ms, 11000);
    metering_mark_note(&mark, T + 30000, true);
    metering_mark_close(&mark);

    mark = start(T + 99000);
    assert_int_equal(mark.gaps, 2);
    assert_int_equal(mark.gap_ms, 11000);
    assert_int_equal(mark.last_gap_ms, -1);
    metering_mark_close(&mark);
}

static void test_clock_set_back(void **state)
{
    (void)state;
    struct metering_mark mark = start(T);
    metering_mark_close(&mark);
    mark = start(T - 5000);
    assert_int_equal(mark.gaps, 1);
    assert_int_equal(mark.gap_ms, 0);
    metering_mark_close(&mark);
}

static void test_damage(void **state)
{
    static const char *const texts[] = {
        "",
        "\n",
        "running",
        "running 1763705000123 2 34500", /* cut off */
        "running 1763705000123 2\n",
        "running -1 2 34500\n",
        "running 1763705000123 2 -4\n",
        "running-for-long 1763705000123 2 34500\n",
        "running 1763705000123 2 34500 and much more than a line of this kind has in it\n",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        write_file(texts[i]);
        struct metering_mark mark = start(T);
        if (mark.gaps || mark.gap_ms || mark.last_gap_ms != -1)
            fail_msg("taken: \"%s\"", texts[i]);
        metering_mark_close(&mark);
        mark = start(T + 1000); /* and it is whole again */
        assert_int_equal(mark.gap_ms, 1000);
        metering_mark_close(&mark);
    }
}

static void test_no_folder(void **state)
{
    struct metering_mark mark;
    (void)state;
    assert_int_equal(metering_mark_open(&mark, "/tmp/edgemeter-mark-is-not-there", T), -ENOENT);
    metering_mark_note(&mark, T, true);
    metering_mark_close(&mark);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_make, folder_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_kills),
        TEST(test_clock_set_back),
        TEST(test_damage),
        cmocka_unit_test(test_no_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
