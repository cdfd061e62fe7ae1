/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON writer: commas where they belong, and scalars that jansson reads back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json_writer.h"

static void test_nested(void **state)
{
    autobuffer struct buffer out;
    struct json_writer json = {.out = &out};
    (void)state;

    buffer_init(&out, 1 << 10);
    json_open(&json, '{');
    JSON_STRING(&json, "a", "x\"y");
    JSON_OPEN(&json, "empty", '[');
    json_close(&json, ']');
    JSON_OPEN(&json, "list", '[');
    json_uint(&json, UINT64_MAX);
    json_open(&json, '{');
    JSON_BOOL(&json, "b", true);
    json_key(&json, TEXT("c"));
    json_nothing(&json);
    json_close(&json, '}');
    json_number(&json, 1795242183.019);
    json_close(&json, ']');
    JSON_NUMBER(&json, "d", 0.005);
    json_close(&json, '}');
    assert_string_equal(out.bytes, "{\"a\":\"x\\\"y\",\"empty\":[],\"list\":[18446744073709551615,"
                                   "{\"b\":true,\"c\":null},1795242183.019],\"d\":0.005}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nested),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
