/* SPDX-License-Identifier: Apache-2.0 */
/* Walks the tables that the decoders go by. */
#include "config/config_keys.h"

#include "config/config_blocks.h"

static const char *const takes[] = {
    [CONFIG_TEXT] = "text",
    [CONFIG_PATH] = "path",
    [CONFIG_BOOL] = "boolean",
    [CONFIG_DURATION] = "duration",
    [CONFIG_SIZE] = "size",
    [CONFIG_UINT32] = "number",
    [CONFIG_BLOCK] = "mapping",
    [CONFIG_CUSTOM] = "other",
    [CONFIG_NO_EFFECT] = "no effect",
    [CONFIG_UNBUILT] = "not built",
    [CONFIG_FOREIGN] = "not an agent's",
};

static void print_block(const struct config_block *block, const struct config_place *parent,
                        struct buffer *out)
{
    char where[CONFIG_PLACE_TEXT_SIZE];

    for (const struct config_field *field = block->fields; field->key; field++) {
        if (field->kind == CONFIG_INLINE) {
            print_block(field->block, parent, out);
            continue;
        }
        const struct config_place place = {.parent = parent, .key = field->key};
        buffer_printf(out, "%s\t%s\t%s\n", config_place_text(&place, where, sizeof(where)),
                      takes[field->kind], field->advice ? field->advice : "");
        if (field->block)
            print_block(field->block, &place, out);
    }
}

void config_keys_print(struct buffer *out)
{
    print_block(&config_top_block, NULL, out);
}
