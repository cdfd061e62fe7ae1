/* SPDX-License-Identifier: Apache-2.0 */
/* Files of file_sd_configs: what is read, what is refused and why. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "discover/target_file.h"
#include "target_file_cases.h"

static void write_group(const struct static_targets *group, struct buffer *out)
{
    for (size_t i = 0; i < group->target_count; i++)
        buffer_printf(out, "%s%s", i ? " " : "", group->targets[i]);
    for (size_t i = 0; i < group->label_count; i++)
        buffer_printf(out, "%c%s=%s", i ? ',' : '{', group->labels[i].name, group->labels[i].value);
    if (group->label_count)
        buffer_append_char(out, '}');
}

static void check(const char *path, const struct target_file_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct target_file file = {0};
        autobuffer struct buffer out, reason;
        buffer_init(&out, 4096);
        buffer_init(&reason, 4096);
        buffer_append_string(&out, "");
        int error = target_file_parse(path, cases[i].bytes, &file, &reason);
        if (error) {
            assert_int_equal(error, -EINVAL);
            buffer_printf(&out, "! %s", reason.bytes);
        }
        for (size_t k = 0; k < file.group_count; k++) {
            buffer_append_string(&out, k ? " | " : "");
            write_group(&file.groups[k], &out);
        }
        if (strcmp(out.bytes, cases[i].read) != 0)
            print_error("for: %s\n", cases[i].bytes.bytes);
        assert_string_equal(out.bytes, cases[i].read);
        target_file_free(&file);
    }
}

static void test_yaml(void **state)
{
    (void)state;
    check("a/b.yml", yaml_cases, ARRAY_SIZE(yaml_cases));
    check("b.YAML", yaml_cases, ARRAY_SIZE(yaml_cases));
}

static void test_json(void **state)
{
    (void)state;
    check("a.json", json_cases, ARRAY_SIZE(json_cases));
    check("a.JSON", json_cases, ARRAY_SIZE(json_cases));
}

static void test_too_large(void **state)
{
    (void)state;
    struct target_file file = {0};
    autobuffer struct buffer reason;
    autofree char *bytes = calloc(1, TARGET_FILE_MAX_BYTES + 1);
    buffer_init(&reason, 4096);
    struct text text = {bytes, TARGET_FILE_MAX_BYTES + 1};
    assert_int_equal(target_file_parse("a.json", text, &file, &reason), -EINVAL);
    assert_string_equal(reason.bytes, "the file is larger than 4 MiB");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_yaml),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
