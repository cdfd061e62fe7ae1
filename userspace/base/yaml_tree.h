/* SPDX-License-Identifier: Apache-2.0 */
/* A YAML document as a tree of nodes with their places. Knows YAML, not what the file is for.
 * Aliases share the node of their anchor; merge keys (<<) are resolved; of a key given twice the
 * last one stays, with a warning. */
#ifndef EDGEMETER_BASE_YAML_TREE_H
#define EDGEMETER_BASE_YAML_TREE_H

#include "base/problems.h"
#include "base/text.h"

#define YAML_TREE_MAX_BYTES (4u << 20)
#define YAML_TREE_TOO_LARGE "the file is larger than %u MiB, the most edgemeter reads"
#define YAML_TREE_MAX_DEPTH 32
#define YAML_TREE_MAX_NODES 200000 /* aliases and merges counted as what they stand for */
#define YAML_TREE_MAX_KEYS 1024    /* of one mapping */
#define YAML_TREE_MAX_ANCHORS 1024

enum yaml_tree_kind { YAML_TREE_NULL, YAML_TREE_SCALAR, YAML_TREE_SEQUENCE, YAML_TREE_MAPPING };

struct yaml_tree_pair {
    const struct yaml_tree_node *key; /* always a scalar */
    const struct yaml_tree_node *value;
};

struct yaml_tree_node {
    enum yaml_tree_kind kind;
    unsigned line; /* from 1, as is column */
    unsigned column;
    bool quoted;      /* scalar: quoted, a block, or tagged !!str: text, whatever it looks like */
    struct text text; /* scalar: followed by a NUL, and holding none */
    const struct yaml_tree_node **items; /* sequence */
    struct yaml_tree_pair *pairs;        /* mapping */
    size_t count;                        /* of items or pairs */
};

struct yaml_tree;

/* 0; -EINVAL with an error added to `problems`; -ENOMEM. Warnings are added in any case. */
int yaml_tree_parse(struct text bytes, struct problems *problems, struct yaml_tree **out);
void yaml_tree_free(struct yaml_tree **tree);
/* NULL where the document has no content. */
const struct yaml_tree_node *yaml_tree_root(const struct yaml_tree *tree);

/* The pair of a mapping with that key, or NULL. */
const struct yaml_tree_pair *yaml_tree_find(const struct yaml_tree_node *mapping, const char *key);

#define autoyaml __attribute__((cleanup(yaml_tree_free)))

#endif
