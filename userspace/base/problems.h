/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong in files that people write, each with its place, so that all of it is said in one
 * go. Knows no format. */
#ifndef EDGEMETER_BASE_PROBLEMS_H
#define EDGEMETER_BASE_PROBLEMS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"

#define PROBLEMS_MAX 200 /* the last one then says that there are more */

enum problem_severity { PROBLEM_ERROR, PROBLEM_WARNING };

/* One problem: where (1-based; 0 where there is no place, a missing file say) and what. */
struct problem {
    char *file;
    unsigned file_number;
    unsigned line;
    unsigned column;
    bool warning; /* the file is usable all the same */
    char *message;
};

struct problems {
    const char *file;     /* borrowed: where the next problems are found */
    unsigned file_number; /* in the order in which problems are sorted */
    struct problem *list;
    size_t count;
};

/* 0 or -ENOMEM. */
int problems_add(struct problems *problems, enum problem_severity severity, unsigned line,
                 unsigned column, const char *format, ...) __attribute__((format(printf, 5, 6)));
int problems_vadd(struct problems *problems, enum problem_severity severity, unsigned line,
                  unsigned column, const char *format, va_list arguments)
    __attribute__((format(printf, 5, 0)));
bool problems_have_error(const struct problems *problems);
/* By place; problems of one place stay in their order. */
void problems_sort(struct problems *problems);

/* "file:line:column: message" for each, a line each. */
void problems_write(const struct problems *problems, struct buffer *out);
/* The same to a stdio stream. */
void problems_print(const struct problems *problems, void *stdio_stream);
void problems_free(struct problems *problems);

#endif
