/* SPDX-License-Identifier: Apache-2.0 */
/* base/file_cache: contents follow the file, and what it holds is bounded. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file_cache.h"

static char folder[] = "/tmp/test_file_cache_XXXXXX";
static struct file_cache *cache;

static const char *in_folder(const char *name)
{
    static char paths[2][64];
    static unsigned next;
    char *path = paths[next++ % 2];
    snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

static void put(const char *name, const char *text)
{
    FILE *file = fopen(in_folder(name), "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* As if the last change lay in the past, where the clock has no doubt. */
static void make_old(const char *name, time_t moment)
{
    struct timespec times[2] = {{.tv_sec = moment}, {.tv_sec = moment}};
    assert_int_equal(utimensat(AT_FDCWD, in_folder(name), times, 0), 0);
}

static void assert_read(const char *name, const char *expected)
{
    struct text text;
    assert_int_equal(file_cache_read(cache, in_folder(name), &text), 0);
    assert_int_equal(text.length, strlen(expected));
    assert_string_equal(text.bytes, expected);
}

static int setup(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    return file_cache_new(&cache);
}

static int teardown(void **state)
{
    char command[64];
    (void)state;
    file_cache_free(&cache);
    assert_null(cache);
    snprintf(command, sizeof(command), "rm -r %s", folder);
    assert_int_equal(system(command), 0);
    snprintf(folder, sizeof(folder), "/tmp/test_file_cache_XXXXXX");
    return 0;
}

static void test_follows_changes(void **state)
{
    (void)state;
    put("a", "one");
    assert_read("a", "one");
    put("a", "two"); /* within the same tick, of the same size */
    assert_read("a", "two");
    make_old("a", 1000);
    assert_read("a", "two");
    put("a", "six");
    assert_read("a", "six");
    put("a", "");
    assert_read("a", "");
}

/* What is settled is not read again: proven by a change that the file's times hide. */
static void test_reads_once(void **state)
{
    (void)state;
    put("a", "one");
    make_old("a", 1000);
    assert_read("a", "one");
    put("a", "two");
    make_old("a", 1000);
    assert_read("a", "one");
    make_old("a", 1001);
    assert_read("a", "two");
}

static void test_replaced_by_another_file(void **state)
{
    (void)state;
    put("a", "one");
    make_old("a", 1000);
    put("b", "two");
    make_old("b", 1000);
    assert_read("a", "one");
    assert_int_equal(rename(in_folder("b"), in_folder("a")), 0); /* as Kubernetes rotates secrets */
    assert_read("a", "two");
}

static void test_errors(void **state)
{
    struct text text;
    (void)state;
    assert_int_equal(file_cache_read(cache, in_folder("absent"), &text), -ENOENT);
    assert_int_equal(file_cache_read(cache, folder, &text), -EISDIR);
    put("absent", "there");
    assert_read("absent", "there");
    assert_int_equal(unlink(in_folder("absent")), 0);
    assert_int_equal(file_cache_read(cache, in_folder("absent"), &text), -ENOENT);
    put("large", "");
    assert_int_equal(truncate(in_folder("large"), FILE_CACHE_MAX_BYTES + 1), 0);
    assert_int_equal(file_cache_read(cache, in_folder("large"), &text), -E2BIG);
}

static void test_many_files(void **state)
{
    char name[16];
    (void)state;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < FILE_CACHE_MAX_FILES + 10; i++) {
            snprintf(name, sizeof(name), "%d", i);
            put(name, name);
            assert_read(name, name);
        }
    }
}

#define CACHE_TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CACHE_TEST(test_follows_changes),
        CACHE_TEST(test_reads_once),
        CACHE_TEST(test_replaced_by_another_file),
        CACHE_TEST(test_errors),
        CACHE_TEST(test_many_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
