/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer target for files of file_sd_configs, as JSON and as YAML: taken, or refused with a
 * reason, and twice in the same way. What is taken is whole, and can be made into labels. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "discover/target_file.h"
#include "model/utf8.h"

static void require(bool fine)
{
    if (!fine)
        abort();
}

static void write_file(const struct target_file *file, struct buffer *out)
{
    for (size_t i = 0; i < file->group_count; i++) {
        const struct static_targets *group = &file->groups[i];
        for (size_t k = 0; k < group->target_count; k++)
            buffer_printf(out, "%s\n", group->targets[k]);
        for (size_t k = 0; k < group->label_count; k++) {
            require(*group->labels[k].name && utf8_is_valid(text_of(group->labels[k].name)));
            buffer_printf(out, "%s=%s\n", group->labels[k].name, group->labels[k].value);
        }
    }
}

static int parse(const char *path, struct text bytes, struct buffer *out)
{
    struct target_file file = {0};
    autobuffer struct buffer reason;

    buffer_init(&reason, 1 << 20);
    buffer_clear(out);
    int error = target_file_parse(path, bytes, &file, &reason);
    require(error == 0 || error == -EINVAL);
    require(!error == !reason.length);
    write_file(&file, out);
    buffer_append_text(out, buffer_text(&reason));
    target_file_free(&file);
    return error;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const paths[] = {"f.json", "f.yml"};
    autobuffer struct buffer first, second;
    autofree char *copy = malloc(size ? size : 1);

    require(copy);
    memcpy(copy, data, size);
    buffer_init(&first, 64 << 20);
    buffer_init(&second, 64 << 20);
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        int error = parse(paths[i], (struct text){copy, size}, &first);
        require(error == parse(paths[i], (struct text){copy, size}, &second));
        require(text_equal(buffer_text(&first), buffer_text(&second)));
    }
    return 0;
}
