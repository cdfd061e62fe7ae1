/* SPDX-License-Identifier: Apache-2.0 */
/* Mappings to structs by table: a block is the list of its keys, of those that Prometheus has and
 * this version does not build too, so that nothing is ever ignored. */
#ifndef EDGEMETER_CONFIG_CONFIG_FIELDS_H
#define EDGEMETER_CONFIG_CONFIG_FIELDS_H

#include "config/config_reader.h"

struct config_block;

typedef void (*config_decode_fn)(struct config_reader *reader, const struct yaml_tree_node *node,
                                 const struct config_place *place, void *target);

enum config_kind {
    CONFIG_TEXT,     /* char *; an empty text stays NULL unless there was a default */
    CONFIG_PATH,     /* char *; from the folder of the file */
    CONFIG_BOOL,     /* bool */
    CONFIG_DURATION, /* uint64_t ns, more than 0 unless `neutral` is "0s" */
    CONFIG_SIZE,     /* uint64_t bytes, at least `least` */
    CONFIG_UINT32,   /* uint32_t, `least` to `most` */
    CONFIG_BLOCK,    /* a mapping; `block` says which */
    CONFIG_INLINE,   /* the keys of `block` stand among those of this one; `key` is not looked at */
    CONFIG_CUSTOM, /* `decode` is called, not for an empty value; `block`: of the mappings below */
    CONFIG_NO_EFFECT, /* a warning; `advice` says why nothing is lost */
    CONFIG_UNBUILT,   /* refused, unless it holds the value that is the same as leaving it out */
    CONFIG_FOREIGN,   /* of a Prometheus server, not an agent: refused with `advice` */
};

struct config_field {
    const char *key; /* NULL ends a table */
    enum config_kind kind;
    size_t offset; /* in the target */
    uint64_t least, most;
    const struct config_block *block;
    config_decode_fn decode;
    /* The value that is as good as none: "false", "[]", "{}", "0s", ...; NULL: an empty one alone.
     */
    const char *neutral;
    const char *advice;
    bool ours; /* UNBUILT: a key of edgemeter, not of Prometheus */
};

struct config_block {
    const struct config_field *fields;
    config_decode_fn check; /* after all fields; NULL: nothing to check */
};

/* `node` is a mapping or empty; anything else is reported. */
void config_decode_block(struct config_reader *reader, const struct yaml_tree_node *node,
                         const struct config_place *place, const struct config_block *block,
                         void *target);

bool config_block_has_key(const struct config_block *block, const char *key);

/* A list of structs: allocates and counts them, zeroed, then calls `decode` for each. */
void config_decode_list(struct config_reader *reader, const struct yaml_tree_node *node,
                        const struct config_place *place, size_t element_size, void **list,
                        size_t *count, config_decode_fn decode);

/* The value of a key that the mapping gives and that is not empty, or NULL. */
const struct yaml_tree_node *config_given(const struct yaml_tree_node *mapping, const char *key);

/* Single values, for custom decoders: reported where they are not good. */
void config_decode_bool(struct config_reader *reader, const struct yaml_tree_node *node,
                        const struct config_place *place, bool *out);
/* Also whether it was good. 0 is allowed. */
bool config_decode_duration(struct config_reader *reader, const struct yaml_tree_node *node,
                            const struct config_place *place, uint64_t *out_ns);

#endif
