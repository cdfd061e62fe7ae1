/* SPDX-License-Identifier: Apache-2.0 */
/* Files of every kind: what can be read is, and what never comes holds nobody up. */
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

#include "base/cleanup.h"
#include "base/file_read.h"

static int read_path(const char *path, struct buffer *out)
{
    buffer_init(out, 4096);
    return file_read(path, out);
}

static void test_kinds(void **state)
{
    autobuffer struct buffer null, zero, folder, missing;

    (void)state;
    assert_int_equal(read_path("/dev/null", &null), 0);
    assert_int_equal(null.length, 0);
    assert_string_equal(null.bytes, "");
    assert_int_equal(read_path("/dev/zero", &zero), -E2BIG);
    assert_int_equal(read_path("/", &folder), -EISDIR);
    assert_int_equal(read_path("/nowhere/none", &missing), -ENOENT);
}

static void test_pipes(void **state)
{
    autobuffer struct buffer alone, silent, said;
    char folder[] = "/tmp/edgemeter-file-read-XXXXXX", path[64];

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/pipe", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(read_path(path, &alone), 0); /* nobody writes: it is empty */
    assert_int_equal(alone.length, 0);

    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(read_path(path, &silent), -ETIMEDOUT);
    assert_int_equal(write(fd, "said", 4), 4);
    assert_int_equal(read_path(path, &said), -ETIMEDOUT); /* the end does not come */
    assert_int_equal(said.length, 4);
    close(fd);
    unlink(path);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_pipes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
