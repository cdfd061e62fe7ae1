/* SPDX-License-Identifier: Apache-2.0 */
/* base/slab: cells do not overlap, are used again, and nothing is left of them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/slab.h"

enum { CELLS = 5000, SIZE = 40 };

static void test_cells_are_apart_and_used_again(void **state)
{
    static unsigned char *cells[CELLS];
    struct slab slab = {};
    (void)state;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < CELLS; i++) {
            cells[i] = slab_take(&slab, SIZE);
            assert_non_null(cells[i]);
            assert_int_equal((uintptr_t)cells[i] % 8, 0);
            memset(cells[i], i % 251, SIZE);
        }
        for (int i = 0; i < CELLS; i++)
            for (int k = 0; k < SIZE; k++)
                assert_int_equal(cells[i][k], i % 251);
        for (int i = 0; i < CELLS; i += 2)
            slab_give(&slab, cells[i]);
        assert_int_equal(slab.in_use, CELLS / 2);
        char *end = slab.next;
        for (int i = 0; i < CELLS; i += 2)
            cells[i] = slab_take(&slab, SIZE);
        assert_ptr_equal(slab.next, end); /* nothing new was needed */
        for (int i = 0; i < CELLS; i++)
            slab_give(&slab, cells[i]);
        assert_null(slab.chunks);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cells_are_apart_and_used_again)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
