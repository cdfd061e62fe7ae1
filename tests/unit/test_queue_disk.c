/* SPDX-License-Identifier: Apache-2.0 */
/* ship/queue on disk: the next process goes on where the one before left off, also after a kill; a
 * range that was on its way is the same range again; files go when nobody needs them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sys/wait.h>

#include "queue_fixture.h"
#include "ship/log/place.h"

#define SHARDS 5

/* What a reader has not released comes again. */
static void reopen(struct fixture *f, int i, size_t released)
{
    open_reader(f, i);
    f->readers[i].next = released;
}

static void test_the_next_process_goes_on(void **state)
{
    struct fixture f;
    size_t released[READERS] = {};
    (void)state;
    setup_on_disk(&f, 400000); /* many segments */
    open_readers(&f, READERS);
    for (int round = 0; round < 60; round++) {
        for (int i = 0; i < 10; i++)
            append_random(&f, 1 + random_below(40));
        for (int r = 0; r < READERS; r++) {
            read_some(&f, r, random_below(400));
            if (random_below(2)) {
                release_read(&f, r);
                released[r] = f.readers[r].next;
            }
        }
        if (round % 3)
            continue;
        restart(&f);
        for (int r = 0; r < READERS; r++) {
            reopen(&f, r, released[r]);
            assert_int_equal(unread(&f, r), f.logged - released[r]);
        }
    }
    for (int r = 0; r < READERS; r++) {
        assert_all_accounted(&f, r);
        assert_int_equal(dropped_sum(&f, r), 0);
        release_read(&f, r);
    }
    restart(&f);
    assert_int_equal(count_files(&f, ".log"), 0);
    assert_int_equal(queue_metric(&f, "corrupt_records_total"), 0);
    teardown(&f);
}

/* A child process appends, reads, marks, and is killed. */
static void in_a_killed_process(struct fixture *f, void (*work)(struct fixture *))
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (start_queue(f))
            _exit(1);
        work(f);
        raise(SIGKILL);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void append_and_mark(struct fixture *f)
{
    open_readers(f, 1);
    struct queue_reader *reader = f->readers[0].reader;
    queue_reader_set_shards(reader, SHARDS);
    for (int i = 0; i < 40; i++)
        append_random(f, 100);
    for (uint32_t shard = 0; shard < SHARDS; shard++) {
        read_some(f, 0, 300);
        if (shard < 3)
            queue_reader_release(reader, shard, queue_reader_position(reader));
        read_some(f, 0, 200);
        queue_reader_mark(reader, shard, queue_reader_position(reader));
    }
}

static void test_ranges_on_their_way_are_the_same_again(void **state)
{
    struct fixture f;
    struct queue_sample read;
    struct queue_range ranges[SHARDS];
    size_t in_range[SHARDS] = {};
    (void)state;
    setup_on_disk(&f, UINT64_C(1) << 30);
    stop_queue(&f);
    uint64_t seed = log_seed;
    in_a_killed_process(&f, append_and_mark);
    log_seed = seed;
    for (int i = 0; i < 40; i++)
        log_random(&f, 100); /* what the child has appended */
    assert_int_equal(start_queue(&f), 0);
    open_readers(&f, 1);
    struct queue_reader *reader = f.readers[0].reader;
    assert_int_equal(unread(&f, 0), f.logged);
    assert_int_equal(queue_reader_shard_count(reader), SHARDS);
    assert_int_equal(queue_metric(&f, "replayed_ranges_total"), SHARDS);
    for (uint32_t shard = 0; shard < SHARDS; shard++)
        ranges[shard] = queue_reader_range(reader, shard);
    while (read_one(&f, 0, &read))
        for (uint32_t shard = 0; shard < SHARDS; shard++)
            in_range[shard] += queue_position_compare(read.end, ranges[shard].begin) > 0 &&
                               queue_position_compare(read.end, ranges[shard].end) <= 0;
    assert_int_equal(f.readers[0].skipped, 0);
    for (uint32_t shard = 0; shard < SHARDS; shard++)
        assert_int_equal(in_range[shard], shard < 3 ? 200 : 500 * (shard + 1));
    teardown(&f);
}

/* Where the reader stands, by what it says is unread. */
static void find_place(struct fixture *f)
{
    open_reader(f, 0);
    f->readers[0].next = f->logged - unread(f, 0);
}

static void append_and_send(struct fixture *f)
{
    find_place(f);
    for (int i = 0; i < 30; i++) {
        append_random(f, 20 + random_below(100));
        read_some(f, 0, 20);
        queue_reader_mark(f->readers[0].reader, 0, queue_reader_position(f->readers[0].reader));
        release_read(f, 0);
    }
}

/* Process after process, each killed at once; every one appends to a segment of its own. What was
 * marked last comes again, as nobody can know that it was released. */
static void test_killed_processes_lose_nothing(void **state)
{
    struct fixture f;
    (void)state;
    setup_on_disk(&f, UINT64_C(1) << 30);
    stop_queue(&f);
    for (int process = 0; process < 10; process++) {
        uint64_t seed = log_seed;
        in_a_killed_process(&f, append_and_send);
        log_seed = seed;
        for (int i = 0; i < 30; i++)
            log_random(&f, 20 + random_below(100));
    }
    assert_int_equal(start_queue(&f), 0);
    find_place(&f);
    assert_int_equal(f.readers[0].next, 10 * 29 * 20);
    assert_all_accounted(&f, 0);
    assert_int_equal(f.readers[0].skipped, 0);
    assert_int_equal(queue_metric(&f, "corrupt_records_total"), 0);
    teardown(&f);
}

static void test_one_agent_to_a_folder(void **state)
{
    struct fixture f;
    struct queue *second;
    (void)state;
    setup_on_disk(&f, 1 << 20);
    const struct queue_environment environment = {.series = f.table, .folder = f.folder};
    assert_int_equal(queue_new(&environment, &f.config, &second), -EBUSY);
    stop_queue(&f);
    assert_int_equal(start_queue(&f), 0);
    teardown(&f);
}

static void test_forgotten_remotes(void **state)
{
    struct fixture f;
    (void)state;
    setup_on_disk(&f, 400000);
    open_readers(&f, 2);
    for (int i = 0; i < 300; i++)
        append_random(&f, 20);
    read_some(&f, 0, SIZE_MAX);
    release_read(&f, 0);
    assert_true(count_files(&f, ".log") > 3);
    assert_int_equal(count_files(&f, ".remote"), 2);
    restart(&f);
    reopen(&f, 0, f.logged);
    assert_true(count_files(&f, ".log") > 3); /* the other one may still come */
    queue_forget_closed(f.queue);
    assert_int_equal(count_files(&f, ".log"), 0);
    assert_int_equal(count_files(&f, ".remote"), 1);
    append_random(&f, 20);
    open_new_reader(&f, 1);
    assert_int_equal(read_some(&f, 0, SIZE_MAX), 20);
    assert_int_equal(read_some(&f, 1, SIZE_MAX), 0);
    teardown(&f);
}

static void test_released_segments_go(void **state)
{
    struct fixture f;
    (void)state;
    setup_on_disk(&f, 400000);
    open_readers(&f, 2);
    for (int i = 0; i < 2000; i++) {
        append_random(&f, 10);
        read_some(&f, 0, SIZE_MAX);
        release_read(&f, 0);
        if (i % 50 == 0) {
            read_some(&f, 1, SIZE_MAX);
            release_read(&f, 1);
            assert_true(count_files(&f, ".log") <= 2);
        }
    }
    teardown(&f);
}

/* A number that the folder has lost is not given out again: somebody may stand in it. */
static void test_numbers_are_not_used_again(void **state)
{
    struct fixture f;
    (void)state;
    setup_on_disk(&f, 400000);
    open_readers(&f, 1);
    for (int i = 0; i < 100; i++)
        append_random(&f, 20);
    read_some(&f, 0, 1900);
    release_read(&f, 0);
    struct queue_position before = queue_reader_position(f.readers[0].reader);
    stop_queue(&f);
    DIR *dir = opendir(f.folder);
    for (struct dirent *entry; (entry = readdir(dir));)
        if (strstr(entry->d_name, ".log"))
            unlinkat(dirfd(dir), entry->d_name, 0);
    closedir(dir);
    assert_int_equal(start_queue(&f), 0);
    size_t logged = f.logged;
    reopen(&f, 0, logged);
    append_random(&f, 20);
    assert_int_equal(read_some(&f, 0, SIZE_MAX), 20);
    assert_int_equal(f.readers[0].skipped, 0);
    assert_true(queue_reader_position(f.readers[0].reader).segment > before.segment);
    teardown(&f);
}

/* What of both slots was not there before, as it is behind what such an agent has written: other
 * bytes. */
static void overwrite_more(const struct fixture *f)
{
    enum { HEAD_BYTES = 32, NAME_BYTES = 1, RANGE_BYTES = 32 };
    static const char old[28] = "some older and longer state";
    char file[PLACE_FILE_BYTES], path[128];
    place_file_name("a", file);
    snprintf(path, sizeof(path), "%s/%s", f->folder, file);
    autoclose int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    for (int slot = 0; slot < 2; slot++) {
        off_t more = slot * PLACE_SLOT_BYTES + HEAD_BYTES + NAME_BYTES + RANGE_BYTES;
        assert_int_equal(pwrite(fd, old, sizeof(old), more), sizeof(old));
    }
}

/* A part of a batch is on its way; the place is written by this agent, or by one that did not know
 * of the digest and of what is kept apart. */
static void test_place_of_an_agent_before(void **state)
{
    (void)state;
    for (int by_another = 0; by_another < 2; by_another++) {
        struct fixture f;
        uint64_t digest;
        setup_on_disk(&f, UINT64_C(1) << 30);
        open_reader(&f, 0);
        append_floats(&f, 300);
        read_some(&f, 0, 50);
        struct queue_position part = queue_reader_position(f.readers[0].reader);
        read_some(&f, 0, 50);
        struct queue_position whole = queue_reader_position(f.readers[0].reader);
        queue_reader_note_config(f.readers[0].reader, 77);
        queue_reader_mark(f.readers[0].reader, 0, whole);
        queue_reader_mark(f.readers[0].reader, 0, part);
        stop_queue(&f);
        if (by_another)
            overwrite_more(&f);
        assert_int_equal(start_queue(&f), 0);
        assert_true(queue_has_place(f.queue, "a", &digest));
        assert_int_equal(digest, by_another ? 0 : 77);
        open_reader(&f, 0);
        struct queue_range range = queue_reader_range(f.readers[0].reader, 0);
        assert_int_equal(unread(&f, 0), 300);
        assert_int_equal(queue_position_compare(range.end, part), 0);
        assert_int_equal(queue_position_compare(range.apart, by_another ? part : whole), 0);
        assert_int_equal(queue_metric(&f, "corrupt_records_total"), 0);
        f.readers[0].next = 0;
        teardown(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_next_process_goes_on),
        cmocka_unit_test(test_ranges_on_their_way_are_the_same_again),
        cmocka_unit_test(test_killed_processes_lose_nothing),
        cmocka_unit_test(test_one_agent_to_a_folder),
        cmocka_unit_test(test_forgotten_remotes),
        cmocka_unit_test(test_released_segments_go),
        cmocka_unit_test(test_numbers_are_not_used_again),
        cmocka_unit_test(test_place_of_an_agent_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
