/* SPDX-License-Identifier: Apache-2.0 */
/* `edgemeter queue`: what it says of a folder that a process writes to, and that another one left,
 * and every sample of a dump. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "queue_fixture.h"
#include "ship/log/queue_print.h"

static char *printed(struct fixture *f, bool dump)
{
    char *text;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    assert_int_equal(queue_print(f->folder, dump, out), 0);
    fclose(out);
    return text;
}

static void assert_says(const char *text, const char *what)
{
    if (!strstr(text, what))
        fail_msg("\"%s\" is not in:\n%s", what, text);
}

static size_t count_of(const char *text, const char *what)
{
    size_t count = 0;
    for (; (text = strstr(text, what)); text++)
        count++;
    return count;
}

static void test_what_it_holds(void **state)
{
    struct fixture f;
    char line[128];
    (void)state;
    setup_on_disk(&f, UINT64_C(1) << 30);
    autofree char *empty = printed(&f, false);
    snprintf(line, sizeof(line), "written by process %d\n", (int)getpid());
    assert_says(empty, line);
    assert_says(empty, "no remotes");
    open_readers(&f, 2);
    append_floats(&f, 1000);
    read_some(&f, 0, 300);
    release_read(&f, 0);
    read_some(&f, 0, 100);
    queue_reader_mark(f.readers[0].reader, 0, queue_reader_position(f.readers[0].reader));
    autofree char *live = printed(&f, false);
    assert_says(live, "remote a: 700 samples to send, 1 shard\n");
    assert_says(live, "  shard 0  at 0000000000000001:48:300, on its way up to "
                      "0000000000000001:48:400\n");
    assert_says(live, "remote b: 1000 samples to send, 1 shard\n");
    stop_queue(&f);
    autofree char *left = printed(&f, false);
    assert_says(left, "no agent writes here");
    assert_says(left, "remote a: 700 samples to send, 1 shard\n");
    assert_int_equal(start_queue(&f), 0);
    teardown(&f);
}

static void test_dump(void **state)
{
    struct fixture f;
    (void)state;
    setup_on_disk(&f, 1 << 20); /* several segments */
    open_readers(&f, 1);
    for (int i = 0; i < 100; i++)
        append_floats(&f, 200);
    append_random(&f, 2000);
    autofree char *text = printed(&f, true);
    assert_true(count_of(text, "\n# segment ") > 2);
    assert_int_equal(count_of(text, "instance=\"10.0.0."),
                     22000 + f.records[100].record.exemplar_count);
    assert_says(text, "\nmetric_1{instance=\"10.0.0.7:9100\",job=\"node\",path=\"/some/0/"
                      "\xe2\x82\xac\\\"\\\\\\n7\"} 7 1790000000000\n");
    assert_says(text, "{schema: ");
    assert_says(text, " created ");
    assert_int_equal(count_of(text, " # {") + count_of(text, " # metric"),
                     f.records[100].record.exemplar_count);
    teardown(&f);
}

static void test_no_folder(void **state)
{
    (void)state;
    assert_int_equal(queue_print("/no/such/folder", false, stdout), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_it_holds),
        cmocka_unit_test(test_dump),
        cmocka_unit_test(test_no_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
