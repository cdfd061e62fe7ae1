/* SPDX-License-Identifier: Apache-2.0 */
/* base/crc32c: the vectors of RFC 3720, the instruction against the tables, sums in pieces. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/cleanup.h"
#include "base/crc32c.h"

#define LONGEST 300

typedef uint32_t (*crc_fn)(uint32_t crc, const void *bytes, size_t length);
static const crc_fn both[] = {crc32c, crc32c_portable};

static void test_known_sums(void **state)
{
    uint8_t zeros[32] = {}, ones[32], up[32], down[32];
    (void)state;
    memset(ones, 0xff, sizeof(ones));
    for (uint8_t i = 0; i < 32; i++) {
        up[i] = i;
        down[i] = 31 - i;
    }
    for (size_t i = 0; i < ARRAY_SIZE(both); i++) {
        assert_int_equal(both[i](0, "", 0), 0);
        assert_int_equal(both[i](0, "123456789", 9), 0xe3069283);
        assert_int_equal(both[i](0, zeros, 32), 0x8a9136aa);
        assert_int_equal(both[i](0, ones, 32), 0x62a8ab43);
        assert_int_equal(both[i](0, up, 32), 0x46dd794e);
        assert_int_equal(both[i](0, down, 32), 0x113fdb5c);
    }
}

static void test_any_length_and_any_cut(void **state)
{
    uint8_t bytes[LONGEST];
    (void)state;
    for (size_t i = 0; i < LONGEST; i++)
        bytes[i] = (uint8_t)(i * i + i / 7);
    for (size_t length = 0; length < LONGEST; length++) {
        uint32_t whole = crc32c_portable(0, bytes, length);
        assert_int_equal(crc32c(0, bytes, length), whole);
        for (size_t i = 0; i < ARRAY_SIZE(both); i++) {
            size_t cut = length * 2 / 3;
            assert_int_equal(both[i](both[i](0, bytes, cut), bytes + cut, length - cut), whole);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_sums),
        cmocka_unit_test(test_any_length_and_any_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
