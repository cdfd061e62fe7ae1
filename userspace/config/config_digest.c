/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes the tree's own shape: kinds, counts and texts. */
#include "config/config_digest.h"

#include <xxhash.h>

uint64_t config_digest_text(struct text text, uint64_t seed)
{
    return XXH3_64bits_withSeed(text.bytes, text.length, seed);
}

uint64_t config_digest(const struct yaml_tree_node *node, uint64_t seed)
{
    if (!node)
        return seed;
    const uint64_t head[] = {node->kind, node->quoted, node->count, node->text.length};
    uint64_t digest = XXH3_64bits_withSeed(head, sizeof(head), seed);

    digest = config_digest_text(node->text, digest);
    for (size_t i = 0; i < node->count; i++) {
        if (node->kind == YAML_TREE_SEQUENCE) {
            digest = config_digest(node->items[i], digest);
        } else {
            digest = config_digest(node->pairs[i].key, digest);
            digest = config_digest(node->pairs[i].value, digest);
        }
    }
    return digest;
}

uint64_t config_digest_pairs(const struct yaml_tree_node *mapping, uint64_t seed,
                             bool (*counts)(struct text key))
{
    uint64_t digest = seed;

    for (size_t i = 0; mapping->kind == YAML_TREE_MAPPING && i < mapping->count; i++)
        if (counts(mapping->pairs[i].key->text))
            digest = config_digest(mapping->pairs[i].value,
                                   config_digest(mapping->pairs[i].key, digest));
    return digest;
}
