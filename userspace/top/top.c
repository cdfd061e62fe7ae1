/* SPDX-License-Identifier: Apache-2.0 */
/* Reads at an interval, keeps the last two readings, and shows the difference. */
#include "top/top.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "top/terminal.h"
#include "top/top_json.h"
#include "top/top_keys.h"
#include "top/top_screen.h"
#include "top/top_text.h"

#define OUTPUT_MAX (64u << 20) /* bytes of one table */

struct top {
    struct loop *loop;
    struct loop_timer *timer;
    const struct top_source *source;
    const struct top_options *options;
    struct top_reading *before, *now;
    struct top_table *table;
    struct top_screen screen;
    struct buffer output;
    bool live; /* on a terminal, with keys */
    int error;
};

static void top_stop(struct top *top, int error)
{
    if (error && !top->error)
        top->error = error;
    loop_stop(top->loop);
}

/* What others have said is in it: nothing that a terminal would obey gets through. */
static void say(const char *message)
{
    autobuffer struct buffer line;

    buffer_init(&line, OUTPUT_MAX);
    top_text_put(&line, text_of(message), top_text_width(text_of(message)));
    fprintf(stderr, "edgemeter top: %s\n", line.bytes ? line.bytes : "");
}

static void top_fail(struct top *top, int error, const char *message)
{
    terminal_leave();
    say(message);
    top_stop(top, error);
}

/* ---- showing ---- */

static void draw(struct top *top)
{
    size_t lines, columns;

    terminal_size(&lines, &columns);
    buffer_clear(&top->output);
    top_screen_draw(&top->screen, top->table, lines, columns, &top->output);
    terminal_write(top->output.bytes, top->output.length);
}

static int print(struct top *top)
{
    buffer_clear(&top->output);
    if (top->options->json)
        top_json_write(top->table, &top->screen.view, top->now->time, &top->output);
    else
        top_table_print(top->table, &top->output);
    if (top->output.failed)
        return -ENOMEM;
    if (!top->options->json && !top->options->once)
        buffer_append_char(&top->output, '\n');
    fwrite(top->output.bytes, 1, top->output.length, stdout);
    return fflush(stdout) ? -errno : 0;
}

static int build(struct top *top)
{
    struct top_table *table;
    if (!top->now)
        return 0;
    int error = top_table_build(top->before, top->now, &top->screen.view, &table);
    if (error)
        return error;
    top_table_free(&top->table);
    top->table = table;
    return 0;
}

/* A program that reads text wants to know rates: the first reading alone has none. */
static void show(struct top *top)
{
    int error = build(top);

    if (!error && top->live)
        draw(top);
    else if (!error && top->before) {
        error = print(top);
        if (top->options->once)
            top_stop(top, 0);
    }
    if (error)
        top_fail(top, error, strerror(-error));
}

/* ---- reading ---- */

static void read_next(void *context)
{
    struct top *top = context;
    if (!top->screen.paused)
        top->source->read(top->source->context, top);
}

static void arm(struct top *top)
{
    loop_timer_after(top->timer, top->options->interval_ns);
}

void top_take_error(struct top *top, const char *message)
{
    if (!top->now || top->options->once) {
        top_fail(top, -EIO, message);
        return;
    }
    if (top->live) {
        snprintf(top->screen.message, sizeof(top->screen.message), "%s", message);
        draw(top);
    } else {
        say(message);
    }
    arm(top);
}

void top_take(struct top *top, struct text json)
{
    struct top_reading *reading;
    const char *why = "not enough memory";

    if (top_reading_parse(json, &reading, &why)) {
        top_take_error(top, why);
        return;
    }
    if (!reading->enabled) {
        top_reading_free(&reading);
        top_take_error(top, "the agent does not meter HTTP: its configuration has no http_metrics");
        return;
    }
    top_table_free(&top->table);
    top_reading_free(&top->before);
    top->before = TAKE_PTR(top->now);
    top->now = reading;
    top->screen.message[0] = '\0';
    arm(top);
    show(top);
}

/* ---- keys and signals ---- */

static void take_keys(void *context, int fd, uint32_t events)
{
    struct top *top = context;
    char typed[256];
    size_t lines, columns;
    int key;

    ssize_t length = read(fd, typed, sizeof(typed));
    if (length < 0 ? errno != EINTR && errno != EAGAIN : events & EPOLLHUP) {
        top_stop(top, 0);
        return;
    }
    const char *rest = typed;
    size_t left = length > 0 ? (size_t)length : 0;
    bool was_paused = top->screen.paused;
    terminal_size(&lines, &columns);
    while ((key = terminal_take_key(&rest, &left))) {
        if (!top_key(&top->screen, key, lines)) {
            top_stop(top, 0);
            return;
        }
    }
    if (was_paused && !top->screen.paused)
        loop_timer_after(top->timer, 0);
    show(top);
}

static void on_end(void *context, int number)
{
    (void)number;
    top_stop(context, 0);
}

static void on_resize(void *context, int number)
{
    (void)number;
    draw(context);
}

/* Ctrl-Z: the shell gets its terminal as it was; this goes on after fg. */
static void on_suspend(void *context, int number)
{
    struct top *top = context;

    (void)number;
    terminal_leave();
    raise(SIGSTOP);
    if (terminal_enter() == 0)
        draw(top);
}

static int watch_terminal(struct top *top)
{
    int error = loop_watch(top->loop, STDIN_FILENO, EPOLLIN, take_keys, top);
    if (!error)
        error = loop_signal(top->loop, SIGWINCH, on_resize, top);
    if (!error)
        error = loop_signal(top->loop, SIGTSTP, on_suspend, top);
    if (!error)
        error = terminal_enter();
    if (!error)
        draw(top);
    return error;
}

static int watch(struct top *top)
{
    static const int ends[] = {SIGINT, SIGTERM, SIGHUP};
    int error = 0;

    for (size_t i = 0; i < ARRAY_SIZE(ends) && !error; i++)
        error = loop_signal(top->loop, ends[i], on_end, top);
    if (!error)
        error = loop_timer_new(top->loop, read_next, top, &top->timer);
    if (!error && top->live)
        error = watch_terminal(top);
    return error;
}

static bool terminal_can_draw(void)
{
    const char *type = getenv("TERM");
    return terminal_is_there() && type && *type && strcmp(type, "dumb") != 0;
}

static void set_up(struct top *top)
{
    const struct top_options *options = top->options;
    const char *no_colour = getenv("NO_COLOR");

    top_text_setup();
    top->screen.view = (struct top_view){.by = options->by,
                                         .filter = top->screen.filter,
                                         .role = options->role,
                                         .sort = options->sort};
    top->screen.source = top->source->name;
    top->screen.colour = !no_colour || !*no_colour;
    snprintf(top->screen.filter, sizeof(top->screen.filter), "%s",
             options->filter ? options->filter : "");
    top->live = !options->once && !options->json && terminal_can_draw();
    buffer_init(&top->output, OUTPUT_MAX);
}

int top_run(struct loop *loop, const struct top_source *source, const struct top_options *options)
{
    struct top top = {.loop = loop, .source = source, .options = options};

    set_up(&top);
    int error = watch(&top);
    if (!error) {
        loop_timer_after(top.timer, 0);
        error = loop_run(loop);
    }
    terminal_leave();
    if (error)
        fprintf(stderr, "edgemeter top: %s\n", strerror(-error));
    if (top.live)
        loop_unwatch(loop, STDIN_FILENO);
    loop_timer_free(&top.timer);
    top_table_free(&top.table);
    top_reading_free(&top.before);
    top_reading_free(&top.now);
    buffer_free(&top.output);
    return error ? error : top.error;
}
