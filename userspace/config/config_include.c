/* SPDX-License-Identifier: Apache-2.0 */
/* scrape_config_files: more jobs, in files of their own, whose relative paths start from their own
 * folders. Also tells whether any of the files has changed. */
#include <errno.h>
#include <stdlib.h>
#include <xxhash.h>

#include "base/cleanup.h"
#include "base/file_list.h"
#include "base/file_read.h"
#include "base/path.h"
#include "config/config_blocks.h"

static bool has_job(const struct config *config, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        const struct scrape_config *scrape = config->scrapes[i];
        if (scrape && scrape->job_name && strcmp(scrape->job_name, name) == 0)
            return true;
    }
    return false;
}

/* Against the first `before` jobs; names within one file are checked where all lists are. */
static void check_job_names(struct config_reader *reader, const struct yaml_tree_node *list,
                            const struct config *config, size_t before)
{
    for (size_t i = 0; list->kind == YAML_TREE_SEQUENCE && i < list->count; i++) {
        const struct yaml_tree_node *name = config_given(list->items[i], "job_name");
        if (name && name->kind == YAML_TREE_SCALAR && has_job(config, before, name->text.bytes))
            config_report(reader, PROBLEM_ERROR, name,
                          "\"%s\" is already the job_name of another file's job; give each its own",
                          name->text.bytes);
    }
}

static void decode_included_scrapes(struct config_reader *reader, const struct yaml_tree_node *node,
                                    const struct config_place *place, void *target)
{
    struct config *config = target;
    size_t before = config->scrape_count;
    config_decode_scrapes(reader, node, place, config);
    check_job_names(reader, node, config, before);
}

static const struct config_block included_block = {(const struct config_field[]){
    {"scrape_configs", CONFIG_CUSTOM, .decode = decode_included_scrapes}, {NULL}}};

static void decode_bytes(struct config_reader *reader, struct text bytes, struct config *config)
{
    autoyaml struct yaml_tree *tree = NULL;

    int error = yaml_tree_parse(bytes, reader->problems, &tree);
    if (error == -ENOMEM)
        reader->no_memory = true;
    const struct yaml_tree_node *root = error ? NULL : yaml_tree_root(tree);
    if (root)
        config_decode_block(reader, root, NULL, &included_block, config);
}

static int report_unread(struct config_reader *reader, int error)
{
    if (error == -ENOMEM)
        return error;
    if (error == -E2BIG)
        return problems_add(reader->problems, PROBLEM_ERROR, 0, 0, YAML_TREE_TOO_LARGE,
                            YAML_TREE_MAX_BYTES >> 20);
    return problems_add(reader->problems, PROBLEM_ERROR, 0, 0, "cannot read it: %s",
                        strerror(-error));
}

/* What is found is reported under the file's own name. */
static void include_file(struct config_reader *reader, const char *path, struct config *config)
{
    struct problems *problems = reader->problems;
    struct text directory = reader->directory;
    const char *file = problems->file;
    unsigned number = problems->file_number;
    autobuffer struct buffer bytes;

    buffer_init(&bytes, YAML_TREE_MAX_BYTES);
    reader->directory = path_folder(path);
    problems->file = path;
    problems->file_number = ++reader->last_file_number;
    int error = file_read(path, &bytes);
    if (!error) {
        config->checksum = config_checksum_add(config->checksum, path, buffer_text(&bytes));
        decode_bytes(reader, buffer_text(&bytes), config);
    } else if (report_unread(reader, error)) {
        reader->no_memory = true;
    }
    reader->directory = directory;
    problems->file = file;
    problems->file_number = number;
}

/* A star stands for "." and ".." too, and for the folders of a mounted ConfigMap. */
static bool is_hidden(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    return strcmp(name, ".") == 0 || strncmp(name, "..", 2) == 0;
}

static void include_pattern(struct config_reader *reader, const struct yaml_tree_node *node,
                            const struct config_place *place, void *target)
{
    struct config *config = target;
    autoglob glob_t found = {0};
    if (!config_expect(reader, node, place, YAML_TREE_SCALAR))
        return;
    const char *star = strchr(node->text.bytes, '*');
    if (!node->text.length || (star && strchr(star, '/'))) {
        config_error(reader, node, place,
                     "\"%s\" is not a path for files; only its last part may hold a *",
                     node->text.bytes);
        return;
    }
    char *pattern = config_copy_path(reader, node->text);
    if (!pattern)
        return;
    config->included[config->included_count++] = pattern;
    int error = file_list(pattern, &found); /* no file at all is no error: it may come later */
    if (error == -ENOMEM)
        reader->no_memory = true;
    else if (error)
        config_error(reader, node, place, "cannot list %s: %s", pattern, strerror(-error));
    for (size_t i = 0; !error && i < found.gl_pathc; i++)
        if (!is_hidden(found.gl_pathv[i]))
            include_file(reader, found.gl_pathv[i], config);
}

void config_decode_scrape_files(struct config_reader *reader, const struct yaml_tree_node *node,
                                const struct config_place *place, void *target)
{
    struct config *config = target;
    if (!config_expect(reader, node, place, YAML_TREE_SEQUENCE))
        return;
    config->included = calloc(node->count + 1, sizeof(*config->included));
    if (!config->included) {
        reader->no_memory = true;
        return;
    }
    for (size_t i = 0; i < node->count; i++)
        include_pattern(reader, node->items[i], &(struct config_place){.parent = place, .index = i},
                        config);
}

/* ---- the checksum ---- */

uint64_t config_checksum_add(uint64_t checksum, const char *path, struct text bytes)
{
    checksum = XXH3_64bits_withSeed(path, strlen(path) + 1, checksum);
    return XXH3_64bits_withSeed(bytes.bytes, bytes.length, checksum);
}

static int add_file(uint64_t *checksum, const char *path)
{
    autobuffer struct buffer bytes;

    buffer_init(&bytes, YAML_TREE_MAX_BYTES);
    int error = file_read(path, &bytes);
    if (!error)
        *checksum = config_checksum_add(*checksum, path, buffer_text(&bytes));
    return error;
}

static int add_pattern(uint64_t *checksum, const char *pattern)
{
    autoglob glob_t found = {0};

    int error = file_list(pattern, &found);
    for (size_t i = 0; i < found.gl_pathc && !error; i++)
        if (!is_hidden(found.gl_pathv[i]))
            error = add_file(checksum, found.gl_pathv[i]);
    return error;
}

int config_checksum(const char *path, const struct config *config, uint64_t *out)
{
    uint64_t checksum = 0;

    int error = add_file(&checksum, path);
    for (size_t i = 0; i < config->included_count && !error; i++)
        error = add_pattern(&checksum, config->included[i]);
    if (!error)
        *out = checksum;
    return error;
}
