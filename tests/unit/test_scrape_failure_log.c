/* SPDX-License-Identifier: Apache-2.0 */
/* scrape_failure_log_file where it cannot be written. What is written is test_scrape_cycle's. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "page_fixture.h"
#include "scrape/scrape_failure_log.h"

/* Known until it works again, so that the log tells of it once. */
static void test_broken(void **state)
{
    static const struct {
        const char *file;
        bool broken;
    } steps[] = {
        {"/nowhere/at all", true}, {NULL, true},         {"/dev/null", false},
        {"/dev/full", true},       {"/dev/null", false},
    };
    struct page_fixture *fixture = page_fixture_new();
    struct scrape_log log = {0};

    (void)state;
    log_setup(LOG_LEVEL_ERROR + 1, LOG_FORMAT_LOGFMT);
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        fixture->config.failure_log_file = (char *)steps[i].file;
        scrape_failure_log(&log, fixture->target, "a reason");
        assert_int_equal(log.failure_log_broken, steps[i].broken);
    }
    fixture->config.failure_log_file = NULL;
    page_fixture_free(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
