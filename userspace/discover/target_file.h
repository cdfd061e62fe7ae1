/* SPDX-License-Identifier: Apache-2.0 */
/* A file of file_sd_configs or an answer to http_sd_configs: a list of groups of targets, in JSON
 * or YAML. Pure parsing. */
#ifndef EDGEMETER_DISCOVER_TARGET_FILE_H
#define EDGEMETER_DISCOVER_TARGET_FILE_H

#include "base/buffer.h"
#include "discover/discovery_config.h"

#define TARGET_FILE_MAX_BYTES (4u << 20)

struct target_file {
    struct static_targets *groups;
    size_t group_count;
};

/* The format is that of the path's extension: .json, or YAML. As strict as Prometheus: unknown
 * keys, keys given twice and values of the wrong type are errors. 0, -ENOMEM, or -EINVAL with the
 * first error in `reason`, with its place where there is one. */
int target_file_parse(const char *path, struct text bytes, struct target_file *out,
                      struct buffer *reason);
/* The same of JSON that comes from elsewhere, of any size. */
int target_list_parse(struct text json, struct target_file *out, struct buffer *reason);
void target_file_free(struct target_file *file);

#endif
