/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the queue share: a queue in memory or in a folder of its own, all that was
 * appended to it, and readers that know what they have to get. */
#ifndef EDGEMETER_TESTS_QUEUE_FIXTURE_H
#define EDGEMETER_TESTS_QUEUE_FIXTURE_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "log_samples.h"
#include "metric_line.h"

#define SERIES 300
#define READERS 3
#define LOG_MAX 2000000

struct log_place {
    uint32_t record, sample;
};

struct fixture_reader {
    struct queue_reader *reader; /* NULL: closed */
    size_t next;                 /* in the log: what it has to get */
    uint64_t skipped;            /* of the log, when it read on */
    struct sample_counts dropped[QUEUE_DROPS];
};

struct fixture {
    struct labels *labels[SERIES];
    struct series_table *table;
    struct metric_registry *metrics;
    char folder[64]; /* "": in memory */
    struct queue_config config;
    uint64_t memory_limit; /* of the process, as the queue is told; 0: none */
    struct queue *queue;
    struct loop *loop; /* with these, the queue syncs */
    struct worker *worker;
    struct loop_timer *tick;
    struct fixture_reader readers[READERS];
    struct log_record *records; /* sample.series is an index in labels, plus 1 */
    size_t record_count;
    struct log_place *log; /* every sample that was appended */
    size_t logged;
};

static inline void on_drop(void *context, enum queue_drop why, struct sample_counts dropped)
{
    struct fixture_reader *reader = context;
    reader->dropped[why].floats += dropped.floats;
    reader->dropped[why].histograms += dropped.histograms;
    reader->dropped[why].exemplars += dropped.exemplars;
}

static inline uint64_t dropped_sum(const struct fixture *f, int i)
{
    uint64_t sum = 0;
    for (int why = 0; why < QUEUE_DROPS; why++)
        sum += sample_counts_sum(f->readers[i].dropped[why]);
    return sum;
}

static inline uint64_t dropped(const struct fixture *f, int i, enum queue_drop why)
{
    return sample_counts_sum(f->readers[i].dropped[why]);
}

static inline void open_reader(struct fixture *f, int i)
{
    const char name[] = {(char)('a' + i), 0};
    assert_int_equal(
        queue_reader_open(f->queue, name, on_drop, &f->readers[i], &f->readers[i].reader), 0);
}

/* A new one: it begins at the end. */
static inline void open_new_reader(struct fixture *f, int i)
{
    open_reader(f, i);
    f->readers[i].next = f->logged;
}

static inline void open_readers(struct fixture *f, int count)
{
    for (int i = 0; i < count; i++)
        open_reader(f, i);
}

/* As in a new process: its counters begin at 0. */
static inline int start_queue(struct fixture *f)
{
    metric_registry_free(&f->metrics);
    assert_int_equal(metric_registry_new(&f->metrics), 0);
    const struct queue_environment environment = {
        .loop = f->loop,
        .worker = f->worker,
        .series = f->table,
        .metrics = f->metrics,
        .folder = *f->folder ? f->folder : NULL,
        .memory_limit = f->memory_limit,
    };
    return queue_new(&environment, &f->config, &f->queue);
}

static inline void setup_base(struct fixture *f, uint64_t max_bytes)
{
    *f = (struct fixture){.config = {.max_bytes = max_bytes}};
    for (unsigned i = 0; i < SERIES; i++)
        f->labels[i] = make_labels(i);
    assert_int_equal(series_table_new(SERIES * 2, &f->table), 0);
    f->records = calloc(LOG_MAX / 10, sizeof(*f->records));
    f->log = calloc(LOG_MAX, sizeof(*f->log));
    assert_true(f->records && f->log);
}

static inline void setup(struct fixture *f, uint64_t max_bytes)
{
    setup_base(f, max_bytes);
    assert_int_equal(start_queue(f), 0);
}

static inline void make_folder(struct fixture *f)
{
    const char *base =
        access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"; /* no disk to wait for */
    snprintf(f->folder, sizeof(f->folder), "%s/edgemeter-queue-XXXXXX", base);
    assert_non_null(mkdtemp(f->folder));
}

static inline void setup_on_disk(struct fixture *f, uint64_t max_bytes)
{
    setup_base(f, max_bytes);
    make_folder(f);
    assert_int_equal(start_queue(f), 0);
}

/* Either: the contract is the same. */
static inline void setup_either(struct fixture *f, uint64_t max_bytes, bool on_disk)
{
    if (on_disk)
        setup_on_disk(f, max_bytes);
    else
        setup(f, max_bytes);
}

static inline void remove_folder(const char *path)
{
    DIR *dir = opendir(path);
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir)
        closedir(dir);
    rmdir(path);
}

static inline void close_readers(struct fixture *f)
{
    for (int i = 0; i < READERS; i++)
        queue_reader_close(&f->readers[i].reader);
}

static inline void stop_queue(struct fixture *f)
{
    close_readers(f);
    queue_free(&f->queue);
    assert_null(f->queue);
}

/* Ends with a look at the references: none may be left. */
static inline void teardown(struct fixture *f)
{
    stop_queue(f);
    assert_int_equal(series_table_count(f->table), 0);
    series_table_free(&f->table);
    worker_free(&f->worker);
    loop_timer_free(&f->tick);
    loop_free(&f->loop);
    metric_registry_free(&f->metrics);
    for (unsigned i = 0; i < SERIES; i++)
        free(f->labels[i]);
    for (size_t i = 0; i < f->record_count; i++)
        log_record_free(&f->records[i]);
    free(f->records);
    free(f->log);
    if (*f->folder)
        remove_folder(f->folder);
}

/* As after the end of the process, in another one that knows no series yet. */
static inline void restart(struct fixture *f)
{
    stop_queue(f);
    assert_int_equal(series_table_count(f->table), 0);
    series_table_free(&f->table);
    assert_int_equal(series_table_new(SERIES * 2, &f->table), 0);
    assert_int_equal(start_queue(f), 0);
}

static inline void append_record(struct fixture *f, const struct log_record *r)
{
    size_t count = r->record.count;
    struct sample *samples = calloc(count, sizeof(*samples));
    struct sample_record record = r->record;
    for (size_t i = 0; i < count; i++) {
        samples[i] = r->samples[i];
        assert_int_equal(
            series_table_intern(f->table, f->labels[r->samples[i].series - 1], &samples[i].series),
            0);
    }
    record.samples = samples;
    queue_append(f->queue, &record);
    for (size_t i = 0; i < count; i++)
        series_table_release(f->table, samples[i].series);
    free(samples);
}

static inline struct log_record *log_last(struct fixture *f)
{
    struct log_record *r = &f->records[f->record_count];
    assert_true(f->logged + r->record.count <= LOG_MAX);
    for (size_t i = 0; i < r->record.count; i++)
        f->log[f->logged++] = (struct log_place){(uint32_t)f->record_count, (uint32_t)i};
    f->record_count++;
    return r;
}

/* A record that this process, or by the same seed another one, appends. */
static inline struct log_record *log_random(struct fixture *f, size_t count)
{
    series_id numbers[SERIES];
    for (unsigned i = 0; i < SERIES; i++)
        numbers[i] = i + 1;
    log_record_fill(&f->records[f->record_count], numbers, SERIES, count);
    return log_last(f);
}

static inline void append_random(struct fixture *f, size_t count)
{
    append_record(f, log_random(f, count));
}

/* Floats with the values 0, 1, 2, ... through the whole log. */
static inline void append_floats(struct fixture *f, size_t count)
{
    struct log_record *r = &f->records[f->record_count];
    *r = (struct log_record){.samples = calloc(count, sizeof(*r->samples))};
    r->record = (struct sample_record){.samples = r->samples, .count = count};
    for (size_t i = 0; i < count; i++)
        r->samples[i] = (struct sample){.series = (series_id)(i % SERIES + 1),
                                        .timestamp_ms = LOG_BASE_MS,
                                        .value = (double)(f->logged + i)};
    append_record(f, log_last(f));
}

static inline bool is_logged_at(const struct fixture *f, const struct queue_sample *read,
                                size_t index)
{
    const struct log_record *r = &f->records[f->log[index].record];
    series_id number = r->samples[f->log[index].sample].series;
    const struct labels *labels = series_table_labels(f->table, read->sample.series);
    struct queue_sample same = *read;
    same.sample.series = number;
    return labels && labels_equal(labels, f->labels[number - 1]) &&
           is_sample_of(&same, r, f->log[index].sample);
}

/* One sample, which is the next of the log, or one behind it. False: there is none. */
static inline bool read_one(struct fixture *f, int i, struct queue_sample *out)
{
    struct fixture_reader *r = &f->readers[i];
    if (!queue_reader_next(r->reader, out))
        return false;
    while (r->next < f->logged && !is_logged_at(f, out, r->next)) {
        r->next++;
        r->skipped++;
    }
    assert_true(r->next <
                f->logged); /* else it is a sample that nobody appended, or out of order */
    r->next++;
    assert_int_equal(queue_position_compare(out->end, queue_reader_position(r->reader)), 0);
    return true;
}

static inline size_t read_some(struct fixture *f, int i, size_t count)
{
    struct queue_sample read;
    size_t done = 0;
    while (done < count && read_one(f, i, &read))
        done++;
    return done;
}

static inline uint64_t unread(const struct fixture *f, int i)
{
    return sample_counts_sum(queue_reader_unread(f->readers[i].reader));
}

static inline void release_read(struct fixture *f, int i)
{
    struct queue_reader *reader = f->readers[i].reader;
    queue_reader_release(reader, 0, queue_reader_position(reader));
}

/* Every sample was read, or told as dropped; none both ways. */
static inline void assert_all_accounted(struct fixture *f, int i)
{
    read_some(f, i, SIZE_MAX);
    f->readers[i].skipped += f->logged - f->readers[i].next;
    f->readers[i].next = f->logged;
    assert_int_equal(f->readers[i].skipped, dropped_sum(f, i));
    assert_int_equal(unread(f, i), 0);
}

/* The value of a line of the registry, or -1. */
static inline double queue_metric(struct fixture *f, const char *name)
{
    char series[128];
    snprintf(series, sizeof(series), "edgemeter_queue_%s", name);
    return metric_line(f->metrics, series);
}

/* Names in the folder that end so. */
static inline unsigned count_files(const struct fixture *f, const char *suffix)
{
    DIR *dir = opendir(f->folder);
    unsigned count = 0;
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        size_t length = strlen(entry->d_name);
        count +=
            length > strlen(suffix) && strcmp(entry->d_name + length - strlen(suffix), suffix) == 0;
    }
    if (dir)
        closedir(dir);
    return count;
}

#endif
