/* SPDX-License-Identifier: Apache-2.0 */
/* The list of what is wrong: adding, sorting by place, printing. */
#include "base/problems.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int problems_append(struct problems *problems, struct problem problem)
{
    struct problem *list = realloc(problems->list, (problems->count + 1) * sizeof(*problems->list));
    if (!list)
        return -ENOMEM;
    problems->list = list;
    problems->list[problems->count++] = problem;
    return 0;
}

int problems_vadd(struct problems *problems, enum problem_severity severity, unsigned line,
                  unsigned column, const char *format, va_list arguments)
{
    if (problems->count == PROBLEMS_MAX)
        return 0;

    struct problem problem = {
        .file = strdup(problems->file),
        .file_number = problems->file_number,
        .line = line,
        .column = column,
        .warning = severity == PROBLEM_WARNING,
    };
    int length;
    if (problems->count == PROBLEMS_MAX - 1) {
        /* An error, so that a file of warnings only cannot hide one that came after them. */
        problem.warning = false;
        length =
            asprintf(&problem.message, "there are more problems than the %d listed; mend these",
                     PROBLEMS_MAX - 1);
    } else {
        length = vasprintf(&problem.message, format, arguments);
    }
    if (length < 0)
        problem.message = NULL;

    int err = problem.file && problem.message ? problems_append(problems, problem) : -ENOMEM;
    if (err) {
        free(problem.file);
        free(problem.message);
    }
    return err;
}

int problems_add(struct problems *problems, enum problem_severity severity, unsigned line,
                 unsigned column, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int err = problems_vadd(problems, severity, line, column, format, arguments);
    va_end(arguments);
    return err;
}

bool problems_have_error(const struct problems *problems)
{
    for (size_t i = 0; i < problems->count; i++)
        if (!problems->list[i].warning)
            return true;
    return false;
}

static bool problem_is_before(const struct problem *a, const struct problem *b)
{
    if (a->file_number != b->file_number)
        return a->file_number < b->file_number;
    return a->line != b->line ? a->line < b->line : a->column < b->column;
}

/* Insertion sort: stable, and the list is short and nearly in order. */
void problems_sort(struct problems *problems)
{
    for (size_t i = 1; i < problems->count; i++) {
        struct problem moved = problems->list[i];
        size_t place = i;
        for (; place > 0 && problem_is_before(&moved, &problems->list[place - 1]); place--)
            problems->list[place] = problems->list[place - 1];
        problems->list[place] = moved;
    }
}

void problems_write(const struct problems *problems, struct buffer *out)
{
    for (size_t i = 0; i < problems->count; i++) {
        const struct problem *problem = &problems->list[i];
        buffer_printf(out, "%s:", problem->file);
        if (problem->line)
            buffer_printf(out, "%u:%u:", problem->line, problem->column);
        buffer_printf(out, " %s%s\n", problem->warning ? "warning: " : "", problem->message);
    }
}

void problems_print(const struct problems *problems, void *stdio_stream)
{
    struct buffer out;

    buffer_init(&out, SIZE_MAX / 2);
    problems_write(problems, &out);
    if (out.length)
        fwrite(out.bytes, 1, out.length, stdio_stream);
    buffer_free(&out);
}

void problems_free(struct problems *problems)
{
    for (size_t i = 0; i < problems->count; i++) {
        free(problems->list[i].file);
        free(problems->list[i].message);
    }
    free(problems->list);
    problems->list = NULL;
    problems->count = 0;
}
