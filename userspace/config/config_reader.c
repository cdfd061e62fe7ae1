/* SPDX-License-Identifier: Apache-2.0 */
/* Reporting with places, and copying. */
#include "config/config_reader.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/path.h"

const char *config_place_text(const struct config_place *place, char *out, size_t size)
{
    out[0] = '\0';
    if (!place)
        return out;
    config_place_text(place->parent, out, size);
    size_t length = strlen(out);
    if (place->key)
        snprintf(out + length, size - length, "%s%s", length ? "." : "", place->key);
    else
        snprintf(out + length, size - length, "[%zu]", place->index);
    return out;
}

static void report_at(struct config_reader *reader, enum problem_severity severity,
                      const struct yaml_tree_node *node, const struct config_place *place,
                      const char *format, va_list arguments)
{
    char where[CONFIG_PLACE_TEXT_SIZE];
    autofree char *message = NULL;
    config_place_text(place, where, sizeof(where));
    if (vasprintf(&message, format, arguments) < 0)
        message = NULL;
    if (!message || problems_add(reader->problems, severity, node->line, node->column, "%s%s%s",
                                 where, *where ? ": " : "", message))
        reader->no_memory = true;
}

void config_error(struct config_reader *reader, const struct yaml_tree_node *node,
                  const struct config_place *place, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    report_at(reader, PROBLEM_ERROR, node, place, format, arguments);
    va_end(arguments);
}

void config_warning(struct config_reader *reader, const struct yaml_tree_node *node,
                    const struct config_place *place, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    report_at(reader, PROBLEM_WARNING, node, place, format, arguments);
    va_end(arguments);
}

void config_report(struct config_reader *reader, enum problem_severity severity,
                   const struct yaml_tree_node *node, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    report_at(reader, severity, node, NULL, format, arguments);
    va_end(arguments);
}

bool config_expect(struct config_reader *reader, const struct yaml_tree_node *node,
                   const struct config_place *place, enum yaml_tree_kind kind)
{
    static const char *const names[] = {
        [YAML_TREE_NULL] = "empty",
        [YAML_TREE_SCALAR] = "a single value",
        [YAML_TREE_SEQUENCE] = "a list",
        [YAML_TREE_MAPPING] = "a mapping",
    };
    if (node->kind == kind)
        return true;
    config_error(reader, node, place, "must be %s, not %s", names[kind], names[node->kind]);
    return false;
}

char *config_copy_text(struct config_reader *reader, struct text text)
{
    char *copy = strndup(text.bytes, text.length);
    if (!copy)
        reader->no_memory = true;
    return copy;
}

char *config_copy_path(struct config_reader *reader, struct text path)
{
    if (path.length == 0)
        return config_copy_text(reader, path);
    char *joined = path_join(reader->directory, path);
    if (!joined)
        reader->no_memory = true;
    return joined;
}
