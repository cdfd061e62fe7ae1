/* SPDX-License-Identifier: Apache-2.0 */
/* ship/queue with files that are not as they were written: cut short at every byte, with flipped
 * bits, foreign, missing. It always starts, never gives a sample that was not appended, keeps the
 * order, and loses no more than what was hit. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/wait.h>

#include "base/crc32c.h"
#include "queue_fixture.h"

#define FILES_MAX 64
#define RECORDS 130

/* A file of the folder, as the process left it. */
struct original {
    char name[64];
    char *bytes;
    size_t length;
};

struct damage {
    struct fixture f; /* the log of a process that was killed */
    struct original files[FILES_MAX];
    size_t count;
    size_t last; /* the newest segment */
};

static void work_of_a_process(struct fixture *f)
{
    open_readers(f, 1);
    for (int i = 0; i < RECORDS; i++) {
        append_random(f, i == RECORDS - 1 ? 60 : 1 + random_below(50));
        if (i == 5)
            read_some(f, 0, 20);
        if (i == 5)
            queue_reader_mark(f->readers[0].reader, 0, queue_reader_position(f->readers[0].reader));
    }
}

static char *read_file(int folder, const char *name, size_t *length)
{
    struct stat file;
    int fd = openat(folder, name, O_RDONLY);
    assert_true(fd >= 0 && fstat(fd, &file) == 0);
    char *bytes = malloc((size_t)file.st_size + 1);
    *length = (size_t)file.st_size;
    assert_int_equal(read(fd, bytes, *length), *length);
    close(fd);
    return bytes;
}

static void write_file(const struct damage *d, const char *name, const void *bytes, size_t length)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", d->f.folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, length), length);
    close(fd);
}

static bool ends_with(const char *name, const char *suffix)
{
    size_t length = strlen(name);
    return length > strlen(suffix) && strcmp(name + length - strlen(suffix), suffix) == 0;
}

static void keep_originals(struct damage *d)
{
    DIR *dir = opendir(d->f.folder);
    for (struct dirent *entry; (entry = readdir(dir));) {
        struct original *file = &d->files[d->count];
        if (!ends_with(entry->d_name, ".log") && !ends_with(entry->d_name, ".remote"))
            continue;
        assert_true(d->count < FILES_MAX);
        snprintf(file->name, sizeof(file->name), "%.63s", entry->d_name);
        file->bytes = read_file(dirfd(dir), entry->d_name, &file->length);
        if (ends_with(file->name, ".log") && (!ends_with(d->files[d->last].name, ".log") ||
                                              strcmp(file->name, d->files[d->last].name) > 0))
            d->last = d->count;
        d->count++;
    }
    closedir(dir);
}

static void setup_damage(struct damage *d)
{
    *d = (struct damage){};
    setup_on_disk(&d->f, 180000); /* in segments of about 45 kB */
    stop_queue(&d->f);
    log_seed = 4711;
    pid_t child = fork();
    if (child == 0) {
        if (start_queue(&d->f))
            _exit(1);
        work_of_a_process(&d->f);
        raise(SIGKILL);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    log_seed = 4711;
    for (int i = 0; i < RECORDS; i++)
        log_random(&d->f, i == RECORDS - 1 ? 60 : 1 + random_below(50));
    keep_originals(d);
    assert_true(d->count >= 4);
}

static void restore_originals(const struct damage *d)
{
    DIR *dir = opendir(d->f.folder);
    for (struct dirent *entry; (entry = readdir(dir));)
        unlinkat(dirfd(dir), entry->d_name, 0);
    closedir(dir);
    for (size_t i = 0; i < d->count; i++)
        write_file(d, d->files[i].name, d->files[i].bytes, d->files[i].length);
}

static void teardown_damage(struct damage *d)
{
    for (size_t i = 0; i < d->count; i++)
        free(d->files[i].bytes);
    teardown(&d->f);
}

/* A process that starts on the folder as it is: reads all, appends, reads that. Gives how many of
 * the log's samples are missing; those that it was told of as dropped are in *told. */
static uint64_t missing_after_start(struct damage *d, uint64_t *told)
{
    struct fixture *f = &d->f;
    size_t logged = f->logged, records = f->record_count;
    f->readers[0] = (struct fixture_reader){};
    assert_int_equal(start_queue(f), 0);
    open_reader(f, 0);
    uint64_t announced = unread(f, 0);
    size_t read = read_some(f, 0, SIZE_MAX); /* asserts that each is of the log, in order */
    *told = dropped_sum(f, 0);
    assert_int_equal(announced, read + *told);
    uint64_t missing = f->logged - read;
    f->readers[0].next = f->logged;
    append_random(f, 30); /* life goes on */
    assert_int_equal(read_some(f, 0, SIZE_MAX), 30);
    release_read(f, 0);
    stop_queue(f);
    while (f->record_count > records)
        log_record_free(&f->records[--f->record_count]);
    f->logged = logged;
    return missing;
}

static void test_whole_files(void **state)
{
    struct damage d;
    uint64_t told;
    (void)state;
    setup_damage(&d);
    restore_originals(&d);
    assert_int_equal(missing_after_start(&d, &told), 0);
    assert_int_equal(told, 0);
    teardown_damage(&d);
}

/* The newest segment, cut at every byte of its last record: that record is lost and no other. */
static void test_cut_at_every_byte(void **state)
{
    struct damage d;
    uint64_t told;
    (void)state;
    setup_damage(&d);
    const struct original *last = &d.files[d.last];
    size_t cut = last->length - 1;
    uint64_t missing;
    restore_originals(&d);
    for (missing = 0; missing <= 60; cut--) {
        restore_originals(&d);
        write_file(&d, last->name, last->bytes, cut);
        missing = missing_after_start(&d, &told);
        assert_int_equal(told, 0); /* nobody knows of it */
        if (missing <= 60)
            assert_int_equal(missing, 60);
    }
    assert_true(last->length - cut > 300); /* it went through the record to the one before */
    teardown_damage(&d);
}

/* The head, and an empty file. */
static void test_cut_to_the_head(void **state)
{
    struct damage d;
    uint64_t told, all = 0;
    (void)state;
    setup_damage(&d);
    for (size_t length = 0; length < 80; length++) {
        restore_originals(&d);
        write_file(&d, d.files[d.last].name, d.files[d.last].bytes, length);
        uint64_t missing = missing_after_start(&d, &told);
        assert_true(missing >= 60 && missing < d.f.logged / 2);
        assert_true(length == 0 || missing == all); /* all of the segment, and no other */
        all = missing;
    }
    teardown_damage(&d);
}

static struct original *random_segment(struct damage *d)
{
    for (;;) {
        struct original *file = &d->files[random_below(d->count)];
        if (ends_with(file->name, ".log"))
            return file;
    }
}

/* Any bits of any segment: at most what was hit is lost, and of a sealed segment each lost sample
 * is told, as its end record knows how many there were. */
static void test_flipped_bits(void **state)
{
    struct damage d;
    uint64_t told;
    int lost_any = 0;
    (void)state;
    setup_damage(&d);
    for (int round = 0; round < 1500; round++) {
        struct original *file = random_segment(&d);
        uint64_t flips = random_below(4) ? 1 : 1 + random_below(30);
        restore_originals(&d);
        autofree char *bytes = malloc(file->length);
        memcpy(bytes, file->bytes, file->length);
        size_t place = random_below(file->length);
        for (uint64_t i = 0; i < flips; i++)
            bytes[(place + random_below(200)) % file->length] ^= (char)(1 << random_below(8));
        write_file(&d, file->name, bytes, file->length);
        uint64_t missing = missing_after_start(&d, &told);
        assert_true(told <= missing);
        assert_true(missing < d.f.logged / 2); /* one segment at most, of many */
        lost_any += missing > 0;
        if (file != &d.files[d.last] && place >= 48 && place + 200 < file->length - 41)
            assert_int_equal(told, missing);
    }
    assert_true(lost_any > 1000);
    teardown_damage(&d);
}

/* Whole blocks of the disk: zeros, other files' contents, another segment's. */
static void test_wrong_blocks(void **state)
{
    struct damage d;
    uint64_t told;
    (void)state;
    setup_damage(&d);
    for (int round = 0; round < 600; round++) {
        struct original *file = random_segment(&d), *other = random_segment(&d);
        size_t place = random_below(file->length), length = random_below(4096);
        if (length > file->length - place)
            length = file->length - place;
        if (length > other->length)
            length = other->length;
        restore_originals(&d);
        autofree char *bytes = malloc(file->length);
        memcpy(bytes, file->bytes, file->length);
        switch (round % 3) {
        case 0:
            memset(bytes + place, 0, length);
            break;
        case 1:
            memcpy(bytes + place, other->bytes + random_below(other->length - length + 1), length);
            break;
        default: /* its own records, elsewhere */
            memmove(bytes + place, file->bytes + random_below(file->length - length + 1), length);
        }
        write_file(&d, file->name, bytes, file->length);
        assert_true(missing_after_start(&d, &told) < d.f.logged / 2);
    }
    teardown_damage(&d);
}

/* A segment under another's name is not that segment. */
static void test_swapped_missing_and_foreign_files(void **state)
{
    struct damage d;
    uint64_t told;
    char path[256];
    (void)state;
    setup_damage(&d);
    for (size_t i = 0; i < d.count; i++) {
        restore_originals(&d);
        snprintf(path, sizeof(path), "%s/%s", d.f.folder, d.files[i].name);
        assert_int_equal(unlink(path), 0);
        uint64_t missing = missing_after_start(&d, &told);
        assert_true(ends_with(d.files[i].name, ".remote") || missing > 0);
        for (size_t j = 0; j < d.count; j++) {
            restore_originals(&d);
            write_file(&d, d.files[i].name, d.files[j].bytes, d.files[j].length);
            missing_after_start(&d, &told);
        }
    }
    restore_originals(&d);
    write_file(&d, "notes.txt", "hello", 5);
    write_file(&d, "00000000000000zz.log", "hello", 5);
    write_file(&d, "0000000000000fff.log", "hello", 5);
    write_file(&d, "0123456789abcdef.remote", "hello", 5);
    write_file(&d, "0000000000000001.log.tmp", "hello", 5);
    snprintf(path, sizeof(path), "%s/0000000000000eee.log", d.f.folder);
    assert_int_equal(mkfifo(path, 0600), 0); /* not even a file */
    assert_int_equal(missing_after_start(&d, &told), 0);
    snprintf(path, sizeof(path), "%s/notes.txt", d.f.folder);
    assert_int_equal(access(path, F_OK), 0); /* what is not ours stays */
    assert_int_equal(count_files(&d.f, ".tmp"), 0);
    teardown_damage(&d);
}

/* Where the remote stood, damaged: the other slot's place, or all of the log comes again. Nothing
 * is lost to it. */
static void test_damaged_place(void **state)
{
    struct damage d;
    uint64_t told;
    struct original *file = NULL;
    (void)state;
    setup_damage(&d);
    for (size_t i = 0; i < d.count; i++)
        if (ends_with(d.files[i].name, ".remote"))
            file = &d.files[i];
    assert_non_null(file);
    for (int round = 0; round < 300; round++) {
        restore_originals(&d);
        autofree char *bytes = malloc(file->length);
        memcpy(bytes, file->bytes, file->length);
        size_t slot = random_below(2) ? 0 : 64 << 10;
        bytes[(slot + random_below(70)) % file->length] ^= (char)(1 << random_below(8));
        write_file(&d, file->name, bytes, file->length);
        assert_int_equal(missing_after_start(&d, &told), 0);
    }
    for (size_t length = 0; length < 100; length++) {
        restore_originals(&d);
        write_file(&d, file->name, file->bytes, length);
        assert_int_equal(missing_after_start(&d, &told), 0);
        assert_int_equal(count_files(&d.f, ".remote"), 1);
    }
    teardown_damage(&d);
}

/* That of a remote which is not configured any more goes, as if it could be read. */
static void test_damaged_place_of_nobody(void **state)
{
    struct damage d;
    (void)state;
    setup_damage(&d);
    restore_originals(&d);
    write_file(&d, "0123456789abcdef.remote", "hello", 5);
    assert_int_equal(start_queue(&d.f), 0);
    open_reader(&d.f, 0);
    assert_int_equal(count_files(&d.f, ".remote"), 2);
    queue_forget_closed(d.f.queue);
    assert_int_equal(count_files(&d.f, ".remote"), 1);
    assert_int_equal(unread(&d.f, 0), d.f.logged);
    stop_queue(&d.f);
    teardown_damage(&d);
}

/* A file of an agent with another format is left alone, and the rest is read. */
static void test_another_version(void **state)
{
    struct damage d;
    uint64_t told;
    (void)state;
    setup_damage(&d);
    const struct original *last = &d.files[d.last];
    autofree uint8_t *bytes = malloc(last->length);
    memcpy(bytes, last->bytes, last->length);
    bytes[8]++;
    uint32_t sum = crc32c(0, bytes, 40);
    memcpy(bytes + 40, &sum, sizeof(sum));
    restore_originals(&d);
    write_file(&d, last->name, bytes, last->length);
    uint64_t missing = missing_after_start(&d, &told);
    assert_true(missing >= 60 && missing < d.f.logged / 2);
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", d.f.folder, last->name);
    assert_int_equal(access(path, F_OK), 0);
    teardown_damage(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_files),
        cmocka_unit_test(test_cut_at_every_byte),
        cmocka_unit_test(test_cut_to_the_head),
        cmocka_unit_test(test_flipped_bits),
        cmocka_unit_test(test_wrong_blocks),
        cmocka_unit_test(test_swapped_missing_and_foreign_files),
        cmocka_unit_test(test_damaged_place),
        cmocka_unit_test(test_damaged_place_of_nobody),
        cmocka_unit_test(test_another_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
