/* SPDX-License-Identifier: Apache-2.0 */
/* Prometheus' <http_config> as a whole file. */
#include "config/config_client.h"

#include <errno.h>
#include <string.h>

#include "base/file_read.h"
#include "base/path.h"
#include "config/config_blocks.h"

int config_load_client(const char *path, struct http_config *out, struct problems *problems)
{
    struct config_reader reader = {.problems = problems, .directory = path_folder(path)};
    autoyaml struct yaml_tree *tree = NULL;
    autobuffer struct buffer bytes;

    *problems = (struct problems){.file = path};
    buffer_init(&bytes, YAML_TREE_MAX_BYTES);
    int error = file_read(path, &bytes);
    if (error && error != -ENOMEM) {
        error = problems_add(problems, PROBLEM_ERROR, 0, 0, "cannot read it: %s", strerror(-error));
        return error ? error : -EINVAL;
    }
    if (!error)
        error = yaml_tree_parse(buffer_text(&bytes), problems, &tree);
    if (!error && yaml_tree_root(tree))
        config_decode_block(&reader, yaml_tree_root(tree), NULL, &config_http_block, out);
    problems_sort(problems);
    if (error || reader.no_memory)
        return error ? error : -ENOMEM;
    return problems_have_error(problems) ? -EINVAL : 0;
}
