/* SPDX-License-Identifier: Apache-2.0 */
/* Columns by a table, the least important left out where the terminal is narrow. */
#include "top/top_screen.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "top/top_text.h"

#define NAME_WIDTH_LEAST 24
#define NAME_WIDTH_MOST 200 /* of plain text */
#define LINES_AROUND 4      /* summary, state, header; keys */

#define BOLD "\033[1m"
#define REVERSE "\033[7m"
#define RED "\033[31m"
#define PLAIN "\033[0m"

static const struct column {
    const char *title;
    size_t width;  /* with the space before */
    unsigned rank; /* the highest is left out first */
} columns_of[TOP_COLUMNS] = {
    [TOP_NAME] = {"NAME", 0, 0},
    [TOP_RATE] = {"REQ/S", 8, 0},
    [TOP_ERRORS] = {"ERRORS", 8, 1},
    [TOP_P50] = {"P50", 8, 4},
    [TOP_P90] = {"P90", 8, 3},
    [TOP_P99] = {"P99", 8, 2},
    [TOP_IN] = {"IN/S", 8, 7},
    [TOP_OUT] = {"OUT/S", 8, 6},
    [TOP_REQUESTS] = {"REQUESTS", 10, 5},
    [TOP_UNANSWERED] = {"NOANSWER", 10, 8},
};

static void cell_text(const struct top_table *table, const struct top_line *line,
                      enum top_column column, char out[TOP_NUMBER_SIZE])
{
    double value = top_line_value(table, line, column);

    switch (column) {
    case TOP_ERRORS:
        top_text_share(value, out);
        break;
    case TOP_P50:
    case TOP_P90:
    case TOP_P99:
        top_text_seconds(value, table->bound_count ? table->bounds[table->bound_count - 1] : 0,
                         out);
        break;
    case TOP_IN:
    case TOP_OUT:
        top_text_bytes(value, out);
        break;
    case TOP_REQUESTS:
    case TOP_UNANSWERED:
        if (value < 1e8)
            snprintf(out, TOP_NUMBER_SIZE, "%.0f", value);
        else
            top_text_count(value, out);
        break;
    default:
        top_text_count(value, out);
    }
}

/* ---- the table ---- */

struct layout {
    size_t name_width;
    bool shown[TOP_COLUMNS];
    enum top_column sort;
    bool reverse, colour, escapes;
};

static struct layout layout_for(const struct top_screen *screen, size_t columns)
{
    struct layout layout = {.sort = screen->view.sort,
                            .reverse = screen->view.reverse,
                            .colour = screen->colour,
                            .escapes = true};
    size_t used = 0;

    for (unsigned rank = 0; rank <= TOP_COLUMNS; rank++) {
        for (size_t i = TOP_RATE; i < TOP_COLUMNS; i++) {
            unsigned own = i == layout.sort ? 0 : columns_of[i].rank;
            bool fits = used + columns_of[i].width + NAME_WIDTH_LEAST <= columns;
            if (own != rank || layout.shown[i] || (!fits && own))
                continue;
            layout.shown[i] = true;
            used += columns_of[i].width;
        }
    }
    layout.name_width = columns > used ? columns - used : 0;
    return layout;
}

static void put_titles(const struct layout *layout, struct buffer *out)
{
    for (size_t i = 0; i < TOP_COLUMNS; i++) {
        const struct column *column = &columns_of[i];
        bool sorted = layout->escapes && i == layout->sort;
        char title[TOP_NUMBER_SIZE];
        if (i != TOP_NAME && !layout->shown[i])
            continue;
        snprintf(title, sizeof(title), "%s%s", column->title,
                 !sorted                              ? ""
                 : layout->reverse != (i == TOP_NAME) ? "^"
                                                      : "v");
        if (i == TOP_NAME)
            top_text_put(out, text_of(title), layout->name_width);
        else
            buffer_printf(out, "%*s", (int)column->width, title);
    }
}

static void put_line(const struct layout *layout, const struct top_table *table,
                     const struct top_line *line, struct buffer *out)
{
    top_text_put(out, text_of(line->name), layout->name_width);
    for (size_t i = TOP_RATE; i < TOP_COLUMNS; i++) {
        char text[TOP_NUMBER_SIZE];
        if (!layout->shown[i])
            continue;
        cell_text(table, line, i, text);
        bool red = layout->colour && i == TOP_ERRORS && line->recent.errors;
        buffer_printf(out, "%s%*s%s", red ? RED : "", (int)columns_of[i].width, text,
                      red ? PLAIN : "");
    }
}

void top_table_print(const struct top_table *table, struct buffer *out)
{
    struct layout layout = {.name_width = 5};

    for (size_t i = 0; i < table->count; i++) {
        size_t width = top_text_width(text_of(table->lines[i].name));
        if (width > layout.name_width)
            layout.name_width = width < NAME_WIDTH_MOST ? width : NAME_WIDTH_MOST;
    }
    for (size_t i = TOP_RATE; i < TOP_COLUMNS; i++)
        layout.shown[i] = true;
    put_titles(&layout, out);
    buffer_append_char(out, '\n');
    for (size_t i = 0; i < table->count; i++) {
        put_line(&layout, table, &table->lines[i], out);
        buffer_append_char(out, '\n');
    }
}

/* ---- the screen ---- */

static const char *const help_lines[] = {
    "  q, Ctrl-C        quit",
    "  Left, Right      sort by the column before or behind",
    "  r                turn the order round",
    "  c                requests that were served, or that were sent out",
    "  b                by pod or service, container, route, host, method and status",
    "  /                filter by name; Enter keeps it, Esc removes it",
    "  Up, Down, PgUp, PgDn, Home, End",
    "                   scroll",
    "  Space            pause",
    "",
    "  REQ/S, ERRORS (status 500 and up), P50 to P99 (duration), IN/S and OUT/S (bytes of",
    "  bodies): since the reading before. REQUESTS, NOANSWER (the connection ended before the",
    "  answer): since metering began. >10s: above the largest bound of the histogram.",
};

/* One line of the screen, without what the line before left on it. */
static void end_line(struct buffer *out)
{
    buffer_append_string(out, PLAIN "\033[K\r\n");
}

static void put_summary(const struct top_screen *screen, const struct top_table *table,
                        size_t columns, struct buffer *out)
{
    char line[512], rate[TOP_NUMBER_SIZE], errors[TOP_NUMBER_SIZE], quantiles[3][TOP_NUMBER_SIZE];
    const char *role = screen->view.role == TOP_SERVER ? "served" : "sent";

    if (!table) {
        snprintf(line, sizeof(line), "edgemeter top   %s", screen->source);
    } else {
        cell_text(table, &table->sum, TOP_RATE, rate);
        cell_text(table, &table->sum, TOP_ERRORS, errors);
        for (size_t i = 0; i < 3; i++)
            cell_text(table, &table->sum, TOP_P50 + i, quantiles[i]);
        snprintf(line, sizeof(line),
                 "%s req/s %s   errors %s   p50 %s  p90 %s  p99 %s   %zu lines   %s", rate, role,
                 errors, quantiles[0], quantiles[1], quantiles[2], table->count, screen->source);
    }
    buffer_append_string(out, BOLD);
    top_text_put(out, text_of(line), columns);
    end_line(out);
}

static void put_state(const struct top_screen *screen, const struct top_table *table,
                      size_t columns, struct buffer *out)
{
    char line[TOP_FILTER_MAX + 600];
    const char *red = "";

    if (screen->typing)
        snprintf(line, sizeof(line), "filter: %s_", screen->filter);
    else if (screen->message[0]) {
        red = screen->colour ? RED : BOLD;
        snprintf(line, sizeof(line), "%s", screen->message);
    } else if (table && !table->count)
        snprintf(line, sizeof(line), "%s",
                 screen->filter[0] ? "no name has the filter in it: Esc removes it"
                                   : "no HTTP request was seen yet");
    else
        snprintf(line, sizeof(line), "by %s%s%s%s",
                 screen->view.by ? screen->view.by : "pod or service",
                 screen->filter[0] ? "   filter: " : "", screen->filter,
                 screen->paused ? "   paused" : "");
    buffer_append_string(out, red);
    top_text_put(out, text_of(line), columns);
    end_line(out);
}

static void put_body(struct top_screen *screen, const struct top_table *table,
                     const struct layout *layout, size_t room, struct buffer *out)
{
    size_t count = table ? table->count : 0;

    if (screen->first + room > count)
        screen->first = count > room ? count - room : 0;
    for (size_t i = 0; i < room; i++) {
        if (screen->help && i < ARRAY_SIZE(help_lines))
            buffer_append_string(out, help_lines[i]);
        else if (!screen->help && screen->first + i < count)
            put_line(layout, table, &table->lines[screen->first + i], out);
        end_line(out);
    }
}

size_t top_screen_room(size_t lines)
{
    return lines > LINES_AROUND ? lines - LINES_AROUND : 0;
}

void top_screen_draw(struct top_screen *screen, const struct top_table *table, size_t lines,
                     size_t columns, struct buffer *out)
{
    struct layout layout = layout_for(screen, columns);

    buffer_append_string(out, "\033[H");
    put_summary(screen, table, columns, out);
    put_state(screen, table, columns, out);
    buffer_append_string(out, REVERSE);
    put_titles(&layout, out);
    end_line(out);
    put_body(screen, table, &layout, top_screen_room(lines), out);
    top_text_put(out,
                 TEXT("q quit  arrows sort, scroll  r reverse  c client  b group  / filter  "
                      "? help"),
                 columns);
    buffer_append_string(out, "\033[J");
}
