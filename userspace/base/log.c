/* SPDX-License-Identifier: Apache-2.0 */
/* Makes each line in one bounded buffer and writes it with one write(2), so that lines of several
 * processes do not mix. Rotation and storage are left to whoever reads stderr. */
#include "base/log.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/cleanup.h"

#define LINE_MAXIMUM 16384 /* bytes; what does not fit is left out, field by field */
#define VALUE_MAXIMUM 2048 /* bytes of one value's text; the rest is cut */
#define LINE_END_RESERVE 2 /* "}\n" */

static enum log_level least_level = LOG_LEVEL_INFO;
static enum log_format line_format = LOG_FORMAT_LOGFMT;

static const char *const level_names[] = {
    [LOG_LEVEL_DEBUG] = "debug",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_WARN] = "warn",
    [LOG_LEVEL_ERROR] = "error",
};
static const char *const format_names[] = {
    [LOG_FORMAT_LOGFMT] = "logfmt",
    [LOG_FORMAT_JSON] = "json",
};

static int name_find(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0)
            return (int)i;
    }
    return -EINVAL;
}

void log_setup(enum log_level least, enum log_format format)
{
    least_level = least;
    line_format = format;
}

int log_level_parse(const char *name, enum log_level *out)
{
    int found = name_find(level_names, ARRAY_SIZE(level_names), name);
    if (found < 0)
        return found;
    *out = (enum log_level)found;
    return 0;
}

int log_format_parse(const char *name, enum log_format *out)
{
    int found = name_find(format_names, ARRAY_SIZE(format_names), name);
    if (found < 0)
        return found;
    *out = (enum log_format)found;
    return 0;
}

bool log_enabled(enum log_level level)
{
    return level >= least_level;
}

static bool byte_needs_quotes(unsigned char c)
{
    return c <= ' ' || c == '"' || c == '=' || c == '\\' || c >= 0x7f;
}

static bool text_needs_quotes(struct text text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (byte_needs_quotes((unsigned char)text.bytes[i]))
            return true;
    }
    return text.length == 0;
}

/* The length of the UTF-8 sequence at the start of `bytes`, 0 where there is none. */
static size_t utf8_sequence_length(const unsigned char *bytes, size_t available)
{
    size_t length = bytes[0] < 0x80                       ? 1
                    : bytes[0] >= 0xc2 && bytes[0] < 0xe0 ? 2
                    : bytes[0] >= 0xe0 && bytes[0] < 0xf0 ? 3
                    : bytes[0] >= 0xf0 && bytes[0] < 0xf5 ? 4
                                                          : 0;
    if (length == 0 || length > available)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
    }
    bool overlong = (bytes[0] == 0xe0 && bytes[1] < 0xa0) || (bytes[0] == 0xf0 && bytes[1] < 0x90);
    bool surrogate = bytes[0] == 0xed && bytes[1] >= 0xa0;
    bool past_end = bytes[0] == 0xf4 && bytes[1] >= 0x90;
    return overlong || surrogate || past_end ? 0 : length;
}

static void append_escaped(struct buffer *line, unsigned char c)
{
    switch (c) {
    case '"':
    case '\\':
        buffer_printf(line, "\\%c", c);
        break;
    case '\n':
        buffer_append_string(line, "\\n");
        break;
    case '\r':
        buffer_append_string(line, "\\r");
        break;
    case '\t':
        buffer_append_string(line, "\\t");
        break;
    default:
        buffer_printf(line, "\\u%04x", c);
    }
}

/* A quoted string that is valid in JSON and in logfmt; a byte that is no UTF-8 becomes U+FFFD. */
static void append_quoted(struct buffer *line, struct text text)
{
    const unsigned char *bytes = (const unsigned char *)text.bytes;
    buffer_append_char(line, '"');
    for (size_t i = 0; i < text.length;) {
        size_t length = utf8_sequence_length(bytes + i, text.length - i);
        if (length == 0)
            buffer_append_string(line, "\xef\xbf\xbd");
        else if (bytes[i] < ' ' || bytes[i] == '"' || bytes[i] == '\\' || bytes[i] == 0x7f)
            append_escaped(line, bytes[i]);
        else
            buffer_append(line, bytes + i, length);
        i += length ? length : 1;
    }
    buffer_append_char(line, '"');
}

static void append_text(struct buffer *line, struct text text)
{
    bool cut = text.length > VALUE_MAXIMUM;
    if (cut) {
        text.length = VALUE_MAXIMUM;
        /* Not in the middle of a UTF-8 sequence. */
        while (text.length && ((unsigned char)text.bytes[text.length] & 0xc0) == 0x80)
            text.length--;
    }
    if (line_format == LOG_FORMAT_JSON || text_needs_quotes(text))
        append_quoted(line, text);
    else
        buffer_append_text(line, text);
}

static void append_real(struct buffer *line, double real)
{
    /* JSON has no word for these. */
    const char *quote = line_format == LOG_FORMAT_JSON && !isfinite(real) ? "\"" : "";
    if (isnan(real))
        buffer_printf(line, "%sNaN%s", quote, quote);
    else if (isinf(real))
        buffer_printf(line, "%s%sInf%s", quote, real > 0 ? "+" : "-", quote);
    else
        buffer_printf(line, "%.9g", real);
}

static void append_key(struct buffer *line, const char *key)
{
    if (line_format == LOG_FORMAT_JSON) {
        buffer_append_char(line, line->length ? ',' : '{');
        append_quoted(line, text_of(key));
        buffer_append_char(line, ':');
    } else {
        buffer_printf(line, "%s%s=", line->length ? " " : "", key);
    }
}

static void append_field(struct buffer *line, const struct log_field *field)
{
    size_t before = line->length;
    append_key(line, field->key);
    switch (field->type) {
    case LOG_TEXT:
        append_text(line, field->text);
        break;
    case LOG_INTEGER:
        buffer_printf(line, "%lld", (long long)field->integer);
        break;
    case LOG_UNSIGNED:
        buffer_printf(line, "%llu", (unsigned long long)field->number);
        break;
    case LOG_FLOAT:
        append_real(line, field->real);
        break;
    }
    if (line->failed) {
        line->length = before;
        line->failed = false;
    }
}

static void append_time(struct buffer *line)
{
    struct timespec now;
    struct tm utc;
    char seconds[32];
    char stamp[48];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(stamp, sizeof(stamp), "%s.%03ldZ", seconds, now.tv_nsec / 1000000);
    append_field(line, &LOG_STR("ts", stamp));
}

static void write_all(const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(STDERR_FILENO, bytes, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return; /* nowhere left to say so */
        bytes += written;
        length -= (size_t)written;
    }
}

void log_event(enum log_level level, const char *component, const char *message,
               const struct log_field *fields)
{
    int saved_errno = errno;
    autobuffer struct buffer line;
    buffer_init(&line, LINE_MAXIMUM);
    append_time(&line);
    append_field(&line, &LOG_STR("level", level_names[level]));
    append_field(&line, &LOG_STR("component", component));
    append_field(&line, &LOG_STR("msg", message));
    for (; fields && fields->key; fields++)
        append_field(&line, fields);
    line.maximum += LINE_END_RESERVE;
    if (line_format == LOG_FORMAT_JSON)
        buffer_append_char(&line, '}');
    buffer_append_char(&line, '\n');
    if (line.bytes)
        write_all(line.bytes, line.length);
    errno = saved_errno;
}
