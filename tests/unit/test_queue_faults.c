/* SPDX-License-Identifier: Apache-2.0 */
/* ship/queue on a disk that is full, read-only, or taken away: it goes on in memory, says so, comes
 * back by itself, and loses nothing that fits. With a small tmpfs of its own; needs root. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/memory_limit.h"
#include "queue_fixture.h"

#define TICK_NS (10 * NS_PER_MS)
#define LIMIT_NS (20 * NS_PER_SECOND)
#define REQUIRE_MOUNT(f)                         \
    if (!mount_tmpfs(f)) {                       \
        puts("SKIP: cannot mount a tmpfs here"); \
        skip();                                  \
    }

static char mount_point[] = "/tmp/edgemeter-faults-XXXXXX";
static bool mounted;

static bool mount_tmpfs(struct fixture *f)
{
    setup_base(f, UINT64_C(1) << 30);
    if (!mounted &&
        (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
         mount("none", mount_point, "tmpfs", 0, "size=4m") < 0))
        return false;
    mounted = true;
    snprintf(f->folder, sizeof(f->folder), "%s/deep/queue", mount_point);
    f->config.sync_interval_ns = TICK_NS;
    assert_int_equal(loop_new(&f->loop), 0);
    assert_int_equal(worker_new(f->loop, &f->worker), 0);
    return true;
}

static void start(struct fixture *f)
{
    assert_int_equal(start_queue(f), 0);
}

struct waiting {
    struct fixture *f;
    bool (*until)(struct fixture *);
    uint64_t end_ns;
    bool met;
};

static void on_tick(void *context)
{
    struct waiting *w = context;
    w->met = w->until(w->f);
    if (w->met || clock_monotonic_ns() > w->end_ns)
        loop_stop(w->f->loop);
    else
        loop_timer_after(w->f->tick, TICK_NS / 3);
}

static bool wait_until(struct fixture *f, bool (*until)(struct fixture *))
{
    struct waiting w = {f, until, clock_monotonic_ns() + LIMIT_NS, false};
    loop_timer_free(&f->tick);
    assert_int_equal(loop_timer_new(f->loop, on_tick, &w, &f->tick), 0);
    loop_timer_at(f->tick, 0);
    assert_int_equal(loop_run(f->loop), 0);
    loop_timer_free(&f->tick);
    return w.met;
}

static bool is_synced(struct fixture *f)
{
    return queue_metric(f, "syncs_total") > 0 && queue_metric(f, "sync_lag_seconds") == 0;
}

static double bytes_in(struct fixture *f, const char *where)
{
    char name[64];
    snprintf(name, sizeof(name), "bytes{where=\"%s\"}", where);
    return queue_metric(f, name);
}

static bool is_back_on_disk(struct fixture *f)
{
    return queue_is_durable(f->queue) && bytes_in(f, "memory") == 0;
}

static bool is_in_memory(struct fixture *f)
{
    return !queue_is_durable(f->queue);
}

static bool has_noticed(struct fixture *f)
{
    return queue_metric(f, "disk_errors_total") >= 1;
}

/* All that was not released is there after a restart. */
static void assert_kept(struct fixture *f, size_t released)
{
    restart(f);
    open_reader(f, 0);
    f->readers[0].next = released;
    assert_int_equal(unread(f, 0), f->logged - released);
    assert_all_accounted(f, 0);
    assert_int_equal(dropped_sum(f, 0), 0);
    release_read(f, 0);
}

static void test_synced_at_the_interval(void **state)
{
    struct fixture f;
    (void)state;
    REQUIRE_MOUNT(&f);
    start(&f);
    open_readers(&f, 1);
    append_random(&f, 100);
    assert_true(queue_metric(&f, "sync_lag_seconds") > 0);
    assert_true(wait_until(&f, is_synced));
    teardown(&f);
}

static void test_full_disk(void **state)
{
    struct fixture f;
    (void)state;
    REQUIRE_MOUNT(&f);
    start(&f);
    open_readers(&f, 1);
    while (queue_is_durable(f.queue)) {
        assert_true(f.logged < LOG_MAX / 2);
        append_random(&f, 500);
    }
    for (int i = 0; i < 500; i++)
        append_random(&f, 200);
    assert_int_equal(queue_metric(&f, "on_disk"), 0);
    assert_true(queue_metric(&f, "disk_errors_total") >= 1);
    assert_true(bytes_in(&f, "disk") > 3000000);
    assert_true(bytes_in(&f, "memory") > 500000);
    size_t logged = f.logged;
    assert_int_equal(read_some(&f, 0, logged / 2), logged / 2);
    release_read(&f, 0); /* not yet enough: the first segment is long */
    append_random(&f, 100);
    read_some(&f, 0, SIZE_MAX);
    assert_int_equal(f.readers[0].skipped, 0);
    release_read(&f, 0);
    size_t released = f.readers[0].next;
    for (int i = 0; i < 100; i++)
        append_random(&f, 100); /* in memory, until the disk is tried again */
    assert_true(wait_until(&f, is_back_on_disk));
    append_random(&f, 100);
    assert_int_equal(queue_metric(&f, "on_disk"), 1);
    assert_kept(&f, released);
    teardown(&f);
}

/* Somebody else fills the disk and makes room again; what was in memory is copied. */
static void test_disk_filled_by_others(void **state)
{
    struct fixture f;
    char filler[96];
    (void)state;
    REQUIRE_MOUNT(&f);
    start(&f);
    open_readers(&f, 1);
    append_random(&f, 1000);
    snprintf(filler, sizeof(filler), "%s/filler", mount_point);
    int fd = open(filler, O_WRONLY | O_CREAT, 0600);
    char block[4096] = {};
    while (write(fd, block, sizeof(block)) > 0)
        ;
    while (queue_is_durable(f.queue))
        append_random(&f, 100);
    for (int i = 0; i < 300; i++)
        append_random(&f, 100);
    read_some(&f, 0, 500); /* a range on its way while the disk is full */
    queue_reader_mark(f.readers[0].reader, 0, queue_reader_position(f.readers[0].reader));
    close(fd);
    assert_int_equal(unlink(filler), 0);
    assert_true(wait_until(&f, is_back_on_disk));
    append_random(&f, 100);
    assert_kept(&f, 0);
    teardown(&f);
}

static void test_read_only_at_the_start(void **state)
{
    struct fixture f;
    (void)state;
    REQUIRE_MOUNT(&f);
    start(&f);
    open_readers(&f, 1);
    append_random(&f, 1000);
    stop_queue(&f);
    assert_int_equal(mount("none", mount_point, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
    restart(&f);
    open_reader(&f, 0);
    assert_int_equal(unread(&f, 0), 1000); /* it can be read all the same */
    append_random(&f, 1000);
    assert_int_equal(queue_metric(&f, "on_disk"), 0);
    assert_int_equal(read_some(&f, 0, SIZE_MAX), 2000);
    assert_int_equal(mount("none", mount_point, NULL, MS_REMOUNT, "size=4m"), 0);
    assert_true(wait_until(&f, is_back_on_disk));
    append_random(&f, 100);
    assert_kept(&f, 0);
    teardown(&f);
}

static void test_folder_deleted(void **state)
{
    struct fixture f;
    (void)state;
    REQUIRE_MOUNT(&f);
    start(&f);
    open_readers(&f, 1);
    append_random(&f, 1000);
    read_some(&f, 0, 300);
    release_read(&f, 0);
    remove_folder(f.folder);
    append_random(&f, 1000); /* nothing is noticed yet */
    assert_true(wait_until(&f, has_noticed));
    assert_true(wait_until(&f, is_back_on_disk));
    append_random(&f, 100);
    assert_int_equal(count_files(&f, ".remote"), 1);
    assert_kept(&f, 300);
    teardown(&f);
}

static bool has_two_segments(struct fixture *f)
{
    return count_files(f, ".log") == 2 && is_back_on_disk(f);
}

static void test_file_deleted(void **state)
{
    struct fixture f;
    (void)state;
    REQUIRE_MOUNT(&f);
    start(&f);
    open_readers(&f, 1);
    append_random(&f, 1000);
    DIR *dir = opendir(f.folder);
    for (struct dirent *entry; (entry = readdir(dir));)
        unlinkat(dirfd(dir), entry->d_name, 0);
    closedir(dir);
    append_random(&f, 1000);
    while (count_files(&f, ".log") == 0) {
        wait_until(&f, is_synced);
        append_random(&f, 10);
    }
    assert_true(wait_until(&f, has_two_segments)); /* the one deleted, and the one after it */
    queue_reader_mark(f.readers[0].reader, 0, queue_reader_position(f.readers[0].reader));
    assert_kept(&f, 0);
    teardown(&f);
}

/* From here on this process' fdatasync() fails, as on a disk that is dying. */
static void break_sync(void)
{
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fdatasync, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EIO),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = 4, .filter = steps};
    assert_int_equal(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    assert_int_equal(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

static bool has_passed_ticks(struct fixture *f)
{
    static int ticks;
    (void)f;
    return ++ticks == 300; /* each a third of the interval */
}

/* In a child: the system calls cannot be mended again. */
static int live_with_broken_sync(void)
{
    struct fixture f;
    break_sync();
    if (!mount_tmpfs(&f))
        return 1;
    start(&f);
    open_readers(&f, 1);
    append_random(&f, 1000);
    if (!wait_until(&f, is_in_memory))
        return 2;
    append_random(&f, 1000);
    wait_until(&f, has_passed_ticks);
    double errors = queue_metric(&f, "disk_errors_total");
    if (errors < 4 || errors > 30) /* it is tried again, and not at each tick */
        return 3;
    if (read_some(&f, 0, SIZE_MAX) != 2000)
        return 4;
    return f.readers[0].skipped ? 5 : 0;
}

static void test_sync_that_fails(void **state)
{
    struct fixture f;
    int status;
    (void)state;
    REQUIRE_MOUNT(&f);
    pid_t child = fork();
    if (child == 0)
        _exit(live_with_broken_sync());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    start(&f);
    open_readers(&f, 1);
    remove_folder(f.folder);
    teardown(&f);
}

static void delete_lock(struct fixture *f)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/lock", f->folder);
    assert_int_equal(unlink(path), 0);
}

static int start_second(struct fixture *f, struct queue **second)
{
    const struct queue_environment environment = {.series = f->table, .folder = f->folder};
    return queue_new(&environment, &f->config, second);
}

static bool has_lock_file(struct fixture *f)
{
    return count_files(f, "ock") == 1;
}

static void test_lock_deleted(void **state)
{
    struct fixture f;
    struct queue *second;
    (void)state;
    REQUIRE_MOUNT(&f);
    start(&f);
    open_readers(&f, 1);
    append_random(&f, 1000);
    delete_lock(&f);
    assert_true(wait_until(&f, has_lock_file));
    assert_int_equal(start_second(&f, &second), -EBUSY);
    assert_int_equal(queue_metric(&f, "on_disk"), 1);
    append_random(&f, 100);
    assert_kept(&f, 0);
    teardown(&f);
}

/* Another agent was faster: it has the folder and what is there, the first one goes on in memory.
 */
static void test_lock_lost(void **state)
{
    struct fixture f;
    struct queue *second;
    (void)state;
    REQUIRE_MOUNT(&f);
    start(&f);
    open_readers(&f, 1);
    append_random(&f, 1000);
    delete_lock(&f);
    assert_int_equal(start_second(&f, &second), 0);
    assert_true(wait_until(&f, is_in_memory));
    append_random(&f, 1000);
    assert_int_equal(read_some(&f, 0, SIZE_MAX), 2000);
    release_read(&f, 0);
    assert_int_equal(count_files(&f, ".log"), 1);
    queue_free(&second);
    teardown(&f);
}

/* Something else is mounted there for a while. */
static void test_folder_covered(void **state)
{
    struct fixture f;
    (void)state;
    REQUIRE_MOUNT(&f);
    start(&f);
    open_readers(&f, 1);
    append_random(&f, 1000);
    read_some(&f, 0, 300);
    assert_int_equal(mount("none", f.folder, "tmpfs", MS_RDONLY, "size=1m"), 0);
    assert_true(wait_until(&f, is_in_memory));
    append_random(&f, 1000);
    read_some(&f, 0, SIZE_MAX);
    assert_int_equal(f.readers[0].skipped, 0);
    assert_int_equal(umount2(f.folder, MNT_DETACH), 0);
    assert_true(wait_until(&f, is_back_on_disk));
    append_random(&f, 100);
    assert_kept(&f, 0);
    teardown(&f);
}

static bool has_passed_some_ticks(struct fixture *f)
{
    static int ticks;
    (void)f;
    return ++ticks == 30;
}

/* A folder that appears late with another process' samples is left alone. */
static void test_foreign_folder(void **state)
{
    struct fixture f;
    char path[128];
    (void)state;
    REQUIRE_MOUNT(&f);
    start(&f);
    open_readers(&f, 1);
    append_random(&f, 1000);
    stop_queue(&f);
    snprintf(path, sizeof(path), "%s-away", f.folder);
    assert_int_equal(rename(f.folder, path), 0);
    int fd = open(f.folder, O_WRONLY | O_CREAT, 0600); /* no folder can be made there */
    close(fd);
    restart(&f);
    open_reader(&f, 0);
    f.readers[0].next = f.logged;
    append_random(&f, 100);
    assert_int_equal(queue_metric(&f, "on_disk"), 0);
    assert_int_equal(unlink(f.folder), 0);
    assert_int_equal(rename(path, f.folder), 0);
    wait_until(&f, has_passed_some_ticks);
    assert_int_equal(queue_metric(&f, "on_disk"), 0);
    assert_int_equal(count_files(&f, ".log"), 1);
    assert_int_equal(read_some(&f, 0, SIZE_MAX), 100);
    stop_queue(&f); /* the next process finds the first one's */
    series_table_free(&f.table);
    assert_int_equal(series_table_new(SERIES * 2, &f.table), 0);
    start(&f);
    open_reader(&f, 0);
    f.readers[0].next = 0;
    assert_int_equal(read_some(&f, 0, SIZE_MAX), 1000);
    teardown(&f);
}

static void test_what_memory_bounds(void **state)
{
    struct fixture f;
    (void)state;
    REQUIRE_MOUNT(&f);
    f.config.max_bytes = 1 << 20;
    assert_int_equal(mount("none", mount_point, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
    start(&f);
    open_readers(&f, 1);
    for (int i = 0; i < 500; i++) {
        append_random(&f, 500);
        assert_true(queue_bytes(f.queue) <= 1 << 20);
    }
    assert_true(dropped(&f, 0, QUEUE_DROP_FULL) > 1000);
    assert_all_accounted(&f, 0);
    assert_int_equal(mount("none", mount_point, NULL, MS_REMOUNT, "size=4m"), 0);
    teardown(&f);
}

/* Half of what the process may still take, and not the 64 MiB or the bound of a disk: some 4 MiB,
 * less as the process itself grows. */
static void keeps_to_the_limit(struct fixture *f)
{
    uint64_t most = 0;
    f->memory_limit = memory_anonymous() + (8 << 20);
    start(f);
    open_readers(f, 1);
    for (int i = 0; i < 2000; i++) {
        append_random(f, 500);
        most = queue_bytes(f->queue) > most ? queue_bytes(f->queue) : most;
    }
    assert_true(most <= 6 << 20 && most >= 1 << 19);
    assert_true(dropped(f, 0, QUEUE_DROP_FULL) > 1000);
    assert_all_accounted(f, 0);
}

static void test_what_the_process_may_take(void **state)
{
    struct fixture f;
    (void)state;
    REQUIRE_MOUNT(&f);
    assert_int_equal(mount("none", mount_point, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
    keeps_to_the_limit(&f);
    assert_int_equal(mount("none", mount_point, NULL, MS_REMOUNT, "size=4m"), 0);
    teardown(&f);
    setup_base(&f, UINT64_C(1) << 30); /* in memory alone */
    keeps_to_the_limit(&f);
    assert_true(queue_metric(&f, "max_bytes") <= 6 << 20);
    teardown(&f);
}

static int make_mount_point(void **state)
{
    (void)state;
    return mkdtemp(mount_point) ? 0 : -1;
}

static int remove_mount_point(void **state)
{
    (void)state;
    umount2(mount_point, MNT_DETACH);
    return rmdir(mount_point);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_synced_at_the_interval),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_disk_filled_by_others),
        cmocka_unit_test(test_read_only_at_the_start),
        cmocka_unit_test(test_folder_deleted),
        cmocka_unit_test(test_file_deleted),
        cmocka_unit_test(test_sync_that_fails),
        cmocka_unit_test(test_lock_deleted),
        cmocka_unit_test(test_lock_lost),
        cmocka_unit_test(test_folder_covered),
        cmocka_unit_test(test_foreign_folder),
        cmocka_unit_test(test_what_memory_bounds),
        cmocka_unit_test(test_what_the_process_may_take),
    };
    return cmocka_run_group_tests(tests, make_mount_point, remove_mount_point);
}
