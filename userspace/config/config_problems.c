/* SPDX-License-Identifier: Apache-2.0 */
/* The list of what is wrong in a file: adding, sorting by place, printing. Knows no configuration.
 */
#include "config/config_problems.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static int problems_append(struct config_problems *problems, struct config_problem problem)
{
    struct config_problem *list =
        realloc(problems->list, (problems->count + 1) * sizeof(*problems->list));
    if (!list)
        return -ENOMEM;
    problems->list = list;
    problems->list[problems->count++] = problem;
    return 0;
}

int config_problems_vadd(struct config_problems *problems, enum config_severity severity,
                         unsigned line, unsigned column, const char *format, va_list arguments)
{
    if (problems->count == CONFIG_MAX_PROBLEMS)
        return 0;

    struct config_problem problem = {
        .line = line, .column = column, .warning = severity == CONFIG_WARNING};
    int length;
    if (problems->count == CONFIG_MAX_PROBLEMS - 1) {
        /* An error, so that a file of warnings only cannot hide one that came after them. */
        problem.warning = false;
        length =
            asprintf(&problem.message, "there are more problems than the %d listed; mend these",
                     CONFIG_MAX_PROBLEMS - 1);
    } else {
        length = vasprintf(&problem.message, format, arguments);
    }
    if (length < 0)
        return -ENOMEM;

    int err = problems_append(problems, problem);
    if (err)
        free(problem.message);
    return err;
}

int config_problems_add(struct config_problems *problems, enum config_severity severity,
                        unsigned line, unsigned column, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int err = config_problems_vadd(problems, severity, line, column, format, arguments);
    va_end(arguments);
    return err;
}

bool config_problems_have_error(const struct config_problems *problems)
{
    for (size_t i = 0; i < problems->count; i++)
        if (!problems->list[i].warning)
            return true;
    return false;
}

static bool problem_is_before(const struct config_problem *a, const struct config_problem *b)
{
    return a->line != b->line ? a->line < b->line : a->column < b->column;
}

/* Insertion sort: stable, and the list is short and nearly in order. */
void config_problems_sort(struct config_problems *problems)
{
    for (size_t i = 1; i < problems->count; i++) {
        struct config_problem moved = problems->list[i];
        size_t place = i;
        for (; place > 0 && problem_is_before(&moved, &problems->list[place - 1]); place--)
            problems->list[place] = problems->list[place - 1];
        problems->list[place] = moved;
    }
}

void config_problems_print(const struct config_problems *problems, void *stdio_stream)
{
    FILE *stream = stdio_stream;
    for (size_t i = 0; i < problems->count; i++) {
        const struct config_problem *problem = &problems->list[i];
        fprintf(stream, "%s:", problems->file);
        if (problem->line)
            fprintf(stream, "%u:%u:", problem->line, problem->column);
        fprintf(stream, " %s%s\n", problem->warning ? "warning: " : "", problem->message);
    }
}

void config_problems_free(struct config_problems *problems)
{
    for (size_t i = 0; i < problems->count; i++)
        free(problems->list[i].message);
    free(problems->list);
    problems->list = NULL;
    problems->count = 0;
}
