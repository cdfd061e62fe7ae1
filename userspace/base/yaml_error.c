/* SPDX-License-Identifier: Apache-2.0 */
/* Turns libyaml's syntax errors into problems with a place: above all the tab used as indentation,
 * which libyaml names only as a character that cannot start a token. */
#include "base/yaml_error.h"

#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/problems.h"

/* libyaml's words, and what to look at. */
static const struct {
    const char *problem;
    const char *advice;
} advices[] = {
    {"mapping values are not allowed in this context",
     "; check the indentation of this line, and put a value that holds \": \" in quotes"},
    {"did not find expected key", "; check the indentation of this line and the quotes before it"},
    {"did not find expected '-' indicator", "; check the indentation of this line"},
    {"could not find expected ':'", "; a key needs a colon and a space after it"},
    {"found unexpected end of stream", "; a quote or a bracket is not closed"},
    {"found character that cannot start any token",
     "; put a value that begins with this character in quotes"},
};

static const char *advice_for(const char *problem)
{
    for (size_t i = 0; i < ARRAY_SIZE(advices); i++)
        if (strcmp(advices[i].problem, problem) == 0)
            return advices[i].advice;
    return "";
}

/* `line` from 0, without its end. */
static struct text line_of(struct text bytes, size_t line)
{
    const char *start = bytes.bytes, *end = bytes.bytes + bytes.length;
    while (line > 0 && start < end) {
        const char *newline = memchr(start, '\n', (size_t)(end - start));
        start = newline ? newline + 1 : end;
        line--;
    }
    const char *newline = start < end ? memchr(start, '\n', (size_t)(end - start)) : NULL;
    return (struct text){start, (size_t)((newline ? newline : end) - start)};
}

/* The column (from 1) of a tab in the line's indentation, or 0. */
static unsigned tab_in_indentation(struct text line)
{
    for (size_t i = 0; i < line.length && (line.bytes[i] == ' ' || line.bytes[i] == '\t'); i++)
        if (line.bytes[i] == '\t')
            return (unsigned)i + 1;
    return 0;
}

/* Bytes that are no text: libyaml knows their offset only. */
static int report_unreadable(const yaml_parser_t *parser, struct text bytes,
                             struct problems *problems)
{
    unsigned line = 1, column = 1;
    for (size_t i = 0; i < parser->problem_offset && i < bytes.length; i++) {
        column = bytes.bytes[i] == '\n' ? 1 : column + 1;
        line += bytes.bytes[i] == '\n';
    }
    int err = problems_add(problems, PROBLEM_ERROR, line, column,
                           "the file is not plain UTF-8 text: %s", parser->problem);
    return err ? err : -EINVAL;
}

int yaml_error_report(const yaml_parser_t *parser, struct text bytes, struct problems *problems)
{
    if (parser->error == YAML_MEMORY_ERROR)
        return -ENOMEM;
    if (parser->error == YAML_READER_ERROR)
        return report_unreadable(parser, bytes, problems);

    unsigned line = (unsigned)parser->problem_mark.line + 1;
    unsigned tab = tab_in_indentation(line_of(bytes, parser->problem_mark.line));
    if (tab) {
        int err = problems_add(problems, PROBLEM_ERROR, line, tab,
                               "found a tab in the indentation; YAML needs spaces there");
        return err ? err : -EINVAL;
    }
    char begun[48] = "";
    if (parser->context && parser->context_mark.line != parser->problem_mark.line)
        snprintf(begun, sizeof(begun), " begun in line %zu", parser->context_mark.line + 1);
    int err =
        problems_add(problems, PROBLEM_ERROR, line, (unsigned)parser->problem_mark.column + 1,
                     "not valid YAML: %s%s%s%s%s", parser->problem, parser->context ? " " : "",
                     parser->context ? parser->context : "", begun, advice_for(parser->problem));
    return err ? err : -EINVAL;
}
