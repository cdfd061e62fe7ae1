/* SPDX-License-Identifier: Apache-2.0 */
/* Two readers for one shape, [{targets: [text], labels: {name: text}}], each over its own kind of
 * tree. */
#include "discover/target_file.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/yaml_tree.h"
#include "model/utf8.h"

#define autoproblems __attribute__((cleanup(problems_free)))
#define autojson __attribute__((cleanup(json_decref_at)))

static void json_decref_at(json_t **json)
{
    json_decref(*json);
}

static int add_target(struct static_targets *group, const char *text)
{
    char *copy = strdup(text);
    if (!copy)
        return -ENOMEM;
    group->targets[group->target_count++] = copy;
    return 0;
}

/* A label without a value is no label. */
static int add_label(struct static_targets *group, const char *name, const char *value)
{
    if (!*value)
        return 0;
    struct static_label label = {strdup(name), strdup(value)};
    if (!label.name || !label.value) {
        free(label.name);
        free(label.value);
        return -ENOMEM;
    }
    group->labels[group->label_count++] = label;
    return 0;
}

static bool name_is_legal(const char *name)
{
    return *name && utf8_is_valid(text_of(name));
}

/* ---- JSON ---- */

/* null is as good as "". NULL: neither. */
static const char *json_text(const json_t *value)
{
    return json_is_null(value) ? "" : json_string_value(value);
}

static int json_targets(const json_t *list, size_t index, struct static_targets *group,
                        struct buffer *reason)
{
    size_t i;
    const json_t *item;

    if (json_is_null(list))
        return 0;
    if (!json_is_array(list)) {
        buffer_printf(reason, "[%zu].targets must be a list", index);
        return -EINVAL;
    }
    group->targets = calloc(json_array_size(list) + 1, sizeof(*group->targets));
    if (!group->targets)
        return -ENOMEM;
    json_array_foreach(list, i, item)
    {
        const char *text = json_text(item);
        if (!text) {
            buffer_printf(reason, "[%zu].targets[%zu] must be text", index, i);
            return -EINVAL;
        }
        int error = add_target(group, text);
        if (error)
            return error;
    }
    return 0;
}

static int json_labels(json_t *object, size_t index, struct static_targets *group,
                       struct buffer *reason)
{
    const char *name;
    json_t *value;

    if (json_is_null(object))
        return 0;
    if (!json_is_object(object)) {
        buffer_printf(reason, "[%zu].labels must be an object", index);
        return -EINVAL;
    }
    group->labels = calloc(json_object_size(object) + 1, sizeof(*group->labels));
    if (!group->labels)
        return -ENOMEM;
    json_object_foreach(object, name, value)
    {
        const char *text = json_text(value);
        if (!name_is_legal(name) || !text) {
            buffer_printf(reason, "[%zu].labels: \"%.100s\" %s", index, name,
                          text ? "is not a valid label name" : "must be text");
            return -EINVAL;
        }
        int error = add_label(group, name, text);
        if (error)
            return error;
    }
    return 0;
}

/* The names of keys count in any case, as in Go. */
static int json_group(json_t *object, size_t index, struct static_targets *group,
                      struct buffer *reason)
{
    const char *key;
    json_t *value;

    if (!json_is_object(object)) {
        buffer_printf(reason, "[%zu] must be an object with targets and labels", index);
        return -EINVAL;
    }
    json_object_foreach(object, key, value)
    {
        int error = -EINVAL;
        if (strcasecmp(key, "targets") == 0 && !group->targets)
            error = json_targets(value, index, group, reason);
        else if (strcasecmp(key, "labels") == 0 && !group->labels)
            error = json_labels(value, index, group, reason);
        else
            buffer_printf(reason, "[%zu]: unknown key \"%.100s\"; targets and labels are known",
                          index, key);
        if (error)
            return error;
    }
    return 0;
}

static int parse_json(struct text bytes, struct target_file *file, struct buffer *reason)
{
    json_error_t fault;
    size_t i;
    json_t *item;
    autojson json_t *root = json_loadb(bytes.bytes, bytes.length, JSON_DECODE_ANY, &fault);

    if (!root) {
        buffer_printf(reason, "%d:%d: not valid JSON: %s", fault.line, fault.column, fault.text);
        return -EINVAL;
    }
    if (json_is_null(root))
        return 0;
    if (!json_is_array(root)) {
        buffer_append_string(reason, "must be a list of groups of targets");
        return -EINVAL;
    }
    file->groups = calloc(json_array_size(root) + 1, sizeof(*file->groups));
    if (!file->groups)
        return -ENOMEM;
    json_array_foreach(root, i, item)
    {
        int error = json_group(item, i, &file->groups[file->group_count++], reason);
        if (error)
            return error;
    }
    return 0;
}

/* ---- YAML ---- */

static int fail_at(const struct yaml_tree_node *node, struct buffer *reason, const char *message)
{
    buffer_printf(reason, "%u:%u: %s", node->line, node->column, message);
    return -EINVAL;
}

static const char *scalar_text(const struct yaml_tree_node *node)
{
    return node->kind == YAML_TREE_SCALAR ? node->text.bytes : "";
}

static bool is_collection(const struct yaml_tree_node *node)
{
    return node->kind == YAML_TREE_SEQUENCE || node->kind == YAML_TREE_MAPPING;
}

static int yaml_targets(const struct yaml_tree_node *node, struct static_targets *group,
                        struct buffer *reason)
{
    if (node->kind == YAML_TREE_NULL)
        return 0;
    if (node->kind != YAML_TREE_SEQUENCE)
        return fail_at(node, reason, "targets must be a list");
    group->targets = calloc(node->count + 1, sizeof(*group->targets));
    if (!group->targets)
        return -ENOMEM;
    for (size_t i = 0; i < node->count; i++) {
        if (is_collection(node->items[i]))
            return fail_at(node->items[i], reason, "a target must be text");
        int error = add_target(group, scalar_text(node->items[i]));
        if (error)
            return error;
    }
    return 0;
}

static int yaml_labels(const struct yaml_tree_node *node, struct static_targets *group,
                       struct buffer *reason)
{
    if (node->kind == YAML_TREE_NULL)
        return 0;
    if (node->kind != YAML_TREE_MAPPING)
        return fail_at(node, reason, "labels must be a mapping");
    group->labels = calloc(node->count + 1, sizeof(*group->labels));
    if (!group->labels)
        return -ENOMEM;
    for (size_t i = 0; i < node->count; i++) {
        const struct yaml_tree_pair *pair = &node->pairs[i];
        if (!name_is_legal(pair->key->text.bytes))
            return fail_at(pair->key, reason, "not a valid label name");
        if (is_collection(pair->value))
            return fail_at(pair->value, reason, "a label's value must be text");
        int error = add_label(group, pair->key->text.bytes, scalar_text(pair->value));
        if (error)
            return error;
    }
    return 0;
}

static int yaml_group(const struct yaml_tree_node *node, struct static_targets *group,
                      struct buffer *reason)
{
    if (node->kind != YAML_TREE_MAPPING)
        return fail_at(node, reason, "a group must be a mapping with targets and labels");
    for (size_t i = 0; i < node->count; i++) {
        const struct yaml_tree_pair *pair = &node->pairs[i];
        int error;
        if (text_equal(pair->key->text, TEXT("targets")))
            error = yaml_targets(pair->value, group, reason);
        else if (text_equal(pair->key->text, TEXT("labels")))
            error = yaml_labels(pair->value, group, reason);
        else
            error = fail_at(pair->key, reason, "unknown key; targets and labels are known");
        if (error)
            return error;
    }
    return 0;
}

static int parse_yaml(const char *path, struct text bytes, struct target_file *file,
                      struct buffer *reason)
{
    autoproblems struct problems problems = {.file = path};
    autoyaml struct yaml_tree *tree = NULL;

    int error = yaml_tree_parse(bytes, &problems, &tree);
    if (error == -ENOMEM)
        return error;
    if (problems.count) { /* a warning too: a key that is given twice */
        const struct problem *first = &problems.list[0];
        buffer_printf(reason, "%u:%u: %s", first->line, first->column, first->message);
        return -EINVAL;
    }
    const struct yaml_tree_node *root = yaml_tree_root(tree);
    if (!root)
        return 0;
    if (root->kind != YAML_TREE_SEQUENCE)
        return fail_at(root, reason, "must be a list of groups of targets");
    file->groups = calloc(root->count + 1, sizeof(*file->groups));
    if (!file->groups)
        return -ENOMEM;
    for (size_t i = 0; i < root->count && !error; i++)
        error = yaml_group(root->items[i], &file->groups[file->group_count++], reason);
    return error;
}

/* ---- the file ---- */

int target_list_parse(struct text json, struct target_file *out, struct buffer *reason)
{
    struct target_file list = {0};

    int error = parse_json(json, &list, reason);
    if (error)
        target_file_free(&list);
    else
        *out = list;
    return error;
}

int target_file_parse(const char *path, struct text bytes, struct target_file *out,
                      struct buffer *reason)
{
    struct target_file file = {0};
    const char *extension = strrchr(path, '.');
    int error;

    if (bytes.length > TARGET_FILE_MAX_BYTES) {
        buffer_printf(reason, "the file is larger than %u MiB", TARGET_FILE_MAX_BYTES >> 20);
        error = -EINVAL;
    } else if (extension && strcasecmp(extension, ".json") == 0) {
        error = parse_json(bytes, &file, reason);
    } else {
        error = parse_yaml(path, bytes, &file, reason);
    }
    if (error)
        target_file_free(&file);
    else
        *out = file;
    return error;
}

void target_file_free(struct target_file *file)
{
    for (size_t i = 0; i < file->group_count; i++)
        static_targets_free(&file->groups[i]);
    free(file->groups);
    *file = (struct target_file){0};
}
