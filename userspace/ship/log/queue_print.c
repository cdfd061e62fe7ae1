/* SPDX-License-Identifier: Apache-2.0 */
/* Segment after segment in the order of their numbers, each with a dictionary of its own. */
#include "ship/log/queue_print.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>

#include "base/cleanup.h"
#include "model/float_text.h"
#include "ship/log/folder.h"
#include "ship/log/place.h"
#include "ship/log/record_read.h"
#include "ship/log/segment.h"

#define LINE_MAX_BYTES (64 << 20)

struct printer {
    int folder_fd;
    FILE *out;
    bool dump;
    struct segment_list segments; /* sorted */
    struct place_list places;
    struct series_table *series;
    struct buffer line;
    struct segment_window window;
    struct dictionary_writer scratch;
    struct record_reader record;
    int error;
};

/* ---- what is there ---- */

static void insert_sorted(struct segment_list *list, struct segment *segment)
{
    struct segment *at;
    TAILQ_FOREACH(at, list, siblings)
    if (at->head.number > segment->head.number)
        break;
    if (at)
        TAILQ_INSERT_BEFORE(at, segment, siblings);
    else
        TAILQ_INSERT_TAIL(list, segment, siblings);
}

static void say_bad(struct printer *p, const char *name, int error)
{
    fprintf(p->out, "%s: %s\n", name,
            error == -EBADMSG ? "not a file of the queue, or damaged" : strerror(-error));
}

static void take_name(void *context, const char *name)
{
    struct printer *p = context;
    struct segment *segment;
    struct place *place;
    uint64_t number;
    int error = 0;
    if (segment_name_parse(name, &number)) {
        error = segment_open(p->folder_fd, number, &segment);
        if (!error)
            insert_sorted(&p->segments, segment);
    } else if (place_is_file_name(name)) {
        error = place_load(p->folder_fd, name, &place);
        if (!error)
            TAILQ_INSERT_TAIL(&p->places, place, siblings);
    }
    if (error && error != -ENOENT) /* an agent that runs may have removed it */
        say_bad(p, name, error);
}

/* ---- segments ---- */

static const char *time_text(int64_t ms, char out[32])
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &utc);
    return out;
}

static void print_segments(struct printer *p)
{
    const struct segment *segment;
    struct sample_counts sum = {};
    uint64_t bytes = 0, count = 0;
    char begun[32], newest[32];
    fprintf(p->out, "%-16s  %-20s  %-20s  %12s  %10s  %10s  %12s\n", "segment", "begun", "newest",
            "floats", "histograms", "exemplars", "bytes");
    TAILQ_FOREACH(segment, &p->segments, siblings)
    {
        fprintf(p->out,
                "%016" PRIx64 "  %-20s  %-20s  %12" PRIu64 "  %10" PRIu64 "  %10" PRIu64
                "  %12" PRIu64 "%s\n",
                segment->head.number, time_text(segment->head.begun_ms, begun),
                time_text(segment->newest_ms, newest), segment->counts.floats,
                segment->counts.histograms, segment->counts.exemplars, segment->file_bytes,
                segment->torn ? "  torn at its end" : "");
        sample_counts_add(&sum, segment->counts);
        bytes += segment->file_bytes;
        count++;
    }
    fprintf(p->out, "%-60s  %12" PRIu64 "  %10" PRIu64 "  %10" PRIu64 "  %12" PRIu64 "\n", "in all",
            sum.floats, sum.histograms, sum.exemplars, bytes);
}

/* ---- remotes ---- */

static uint64_t samples_before(struct printer *p, struct segment *segment,
                               struct queue_position position)
{
    struct record_head record;
    const uint8_t *payload;
    if (position.offset < SEGMENT_HEAD_BYTES)
        return 0;
    if (segment_find_record(segment, p->folder_fd, &p->window, position.offset, &record, &payload))
        return sample_counts_sum(segment->counts);
    uint64_t before = sample_counts_sum(record_counts_before(&record));
    return record.offset == position.offset ? before + position.sample : before;
}

static uint64_t samples_behind(struct printer *p, struct queue_position position)
{
    struct segment *segment;
    uint64_t samples = 0;
    TAILQ_FOREACH(segment, &p->segments, siblings)
    {
        uint64_t all = sample_counts_sum(segment->counts);
        if (segment->head.number > position.segment)
            samples += all;
        else if (segment->head.number == position.segment)
            samples += all - samples_before(p, segment, position);
    }
    return samples;
}

static void print_range(struct printer *p, uint32_t shard, const struct queue_range *range)
{
    fprintf(p->out, "  shard %" PRIu32 "  at %016" PRIx64 ":%" PRIu32 ":%" PRIu32, shard,
            range->begin.segment, range->begin.offset, range->begin.sample);
    if (queue_position_compare(range->begin, range->end) < 0)
        fprintf(p->out, ", on its way up to %016" PRIx64 ":%" PRIu32 ":%" PRIu32,
                range->end.segment, range->end.offset, range->end.sample);
    fputc('\n', p->out);
}

static void print_places(struct printer *p)
{
    const struct place *place;
    TAILQ_FOREACH(place, &p->places, siblings)
    {
        fprintf(p->out, "\nremote %s: %" PRIu64 " samples to send, %" PRIu32 " shard%s\n",
                place->name, samples_behind(p, place_released(place)), place->shard_count,
                place->shard_count == 1 ? "" : "s");
        for (uint32_t i = 0; i < place->shard_count; i++)
            print_range(p, i, &place->shards[i]);
    }
    if (TAILQ_EMPTY(&p->places))
        fputs("\nno remotes\n", p->out);
}

/* ---- samples ---- */

static void append_float(struct buffer *line, double value)
{
    char text[FLOAT_TEXT_SIZE];
    buffer_append(line, text, float_text(value, text));
}

static void append_histogram(struct buffer *line, const struct histogram *h)
{
    buffer_printf(line, "{schema: %" PRId32 ", count: ", h->schema);
    append_float(line, h->is_float ? h->count_float : (double)h->count);
    buffer_append_string(line, ", sum: ");
    append_float(line, h->sum);
    buffer_append_string(line, ", zero: ");
    append_float(line, h->is_float ? h->zero_count_float : (double)h->zero_count);
    buffer_printf(line, ", buckets: %" PRIu32, h->positive_delta_count + h->negative_delta_count);
    if (h->custom_value_count)
        buffer_printf(line, ", bounds: %" PRIu32, h->custom_value_count);
    buffer_append_string(line, h->is_gauge ? ", gauge}" : "}");
}

static void print_sample(struct printer *p, const struct queue_sample *read)
{
    struct buffer *line = &p->line;
    buffer_clear(line);
    labels_write(series_table_labels(p->series, read->sample.series), line);
    buffer_append_char(line, ' ');
    if (read->sample.type == SAMPLE_HISTOGRAM)
        append_histogram(line, read->sample.histogram);
    else
        append_float(line, read->sample.value);
    buffer_printf(line, " %" PRId64, read->sample.timestamp_ms);
    if (read->created_ms)
        buffer_printf(line, " created %" PRId64, read->created_ms);
    for (size_t i = 0; i < read->exemplar_count; i++) {
        buffer_append_string(line, " # ");
        labels_write(read->exemplars[i].labels, line);
        buffer_append_char(line, ' ');
        append_float(line, read->exemplars[i].value);
        buffer_printf(line, " %" PRId64, read->exemplars[i].timestamp_ms);
    }
    buffer_append_char(line, '\n');
    if (line->failed)
        p->error = -ENOMEM;
    else
        fwrite(line->bytes, 1, line->length, p->out);
}

static void print_record(struct printer *p, const struct record_head *head, const uint8_t *payload,
                         struct dictionary *dictionary)
{
    struct record_reader *record = &p->record;
    struct queue_sample read;
    if (record_read_begin(record, payload, head->length, dictionary))
        return;
    fprintf(p->out, "# record at %" PRIu32 ": %" PRIu32 " samples, %" PRIu32 " new series\n",
            head->offset, record->sample_count, record->defined);
    if ((uint64_t)record->first_number + record->defined <= record_end(head))
        dictionary_learn(dictionary, &record->definitions, record->first_number, record->defined,
                         &p->scratch);
    while (record->index < record->sample_count) {
        int error = record_read_next(record, &read);
        if (error == -EBADMSG)
            break;
        if (error)
            fputs("# a sample of a series whose labels are lost\n", p->out);
        else
            print_sample(p, &read);
    }
}

static int print_samples(struct printer *p, struct segment *segment)
{
    struct dictionary *dictionary;
    struct record_head head;
    const uint8_t *payload;
    uint32_t offset = SEGMENT_HEAD_BYTES;
    int error = dictionary_new(p->series, &dictionary);
    if (error)
        return error;
    fprintf(p->out, "\n# segment %016" PRIx64 "\n", segment->head.number);
    while (!(error =
                 segment_find_record(segment, p->folder_fd, &p->window, offset, &head, &payload)) &&
           !p->error) {
        if (head.offset != offset)
            fprintf(p->out, "# %" PRIu32 " bytes that are no record\n", head.offset - offset);
        print_record(p, &head, payload, dictionary);
        offset = record_end(&head);
    }
    record_reader_free(&p->record);
    dictionary_release(&dictionary);
    return p->error ? p->error : error == -ENOENT ? 0 : error;
}

/* ---- all of it ---- */

static void print_user(struct printer *p, const char *folder)
{
    autoclose int lock_fd = openat(p->folder_fd, "lock", O_RDONLY | O_CLOEXEC);
    char pid[16] = "";
    bool used = lock_fd >= 0 && flock(lock_fd, LOCK_SH | LOCK_NB) < 0;
    if (used && read(lock_fd, pid, sizeof(pid) - 1) > 0)
        pid[strcspn(pid, "\n")] = '\0';
    fprintf(p->out, "%s: %s%s\n\n", folder, used ? "written by process " : "no agent writes here",
            pid);
}

static int print_all(struct printer *p, const char *folder)
{
    struct segment *segment;
    print_user(p, folder);
    int error = folder_scan(p->folder_fd, take_name, p);
    if (error)
        return error;
    print_segments(p);
    print_places(p);
    for (segment = TAILQ_FIRST(&p->segments); p->dump && segment && !error;
         segment = TAILQ_NEXT(segment, siblings))
        error = print_samples(p, segment);
    return error;
}

static void printer_free(struct printer *p)
{
    struct segment *segment;
    struct place *place;
    while ((segment = TAILQ_FIRST(&p->segments))) {
        TAILQ_REMOVE(&p->segments, segment, siblings);
        segment_free(&segment);
    }
    while ((place = TAILQ_FIRST(&p->places))) {
        TAILQ_REMOVE(&p->places, place, siblings);
        place_free(&place);
    }
    series_table_free(&p->series);
    buffer_free(&p->line);
    segment_window_free(&p->window);
    dictionary_writer_free(&p->scratch);
    cleanup_close(&p->folder_fd);
}

int queue_print(const char *folder, bool dump, FILE *out)
{
    struct printer p = {.out = out, .dump = dump};
    TAILQ_INIT(&p.segments);
    TAILQ_INIT(&p.places);
    buffer_init(&p.line, LINE_MAX_BYTES);
    segment_window_init(&p.window);
    dictionary_writer_init(&p.scratch);
    p.folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int error = p.folder_fd < 0 ? -errno : series_table_new(SERIES_TABLE_MAX, &p.series);
    if (!error)
        error = print_all(&p, folder);
    printer_free(&p);
    return error;
}
