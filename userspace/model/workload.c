/* SPDX-License-Identifier: Apache-2.0 */
/* Cuts the hash off a ReplicaSet's name. */
#include "model/workload.h"

#define MIN_HASH 4
#define MAX_HASH 10

/* The digits of a 32-bit number as Kubernetes writes them into names. */
static bool is_hash_character(char c)
{
    return c != '\0' && strchr("456789bcdf", c) != NULL;
}

/* At least one digit: a word may be made of the letters alone. */
static bool is_hash(struct text text)
{
    bool digit = false;

    if (text.length < MIN_HASH || text.length > MAX_HASH)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        if (!is_hash_character(text.bytes[i]))
            return false;
        digit |= text.bytes[i] <= '9';
    }
    return digit;
}

struct workload workload_of(struct text owner_kind, struct text owner_name, struct text hash)
{
    struct workload owner = {owner_kind, owner_name};

    if (!text_equal(owner_kind, TEXT("ReplicaSet")) || !owner_name.bytes)
        return owner;
    const char *dash = memrchr(owner_name.bytes, '-', owner_name.length);
    if (!dash || dash == owner_name.bytes)
        return owner;
    size_t before = (size_t)(dash - owner_name.bytes);
    struct text last = {dash + 1, owner_name.length - before - 1};
    if (hash.length ? !text_equal(last, hash) : !is_hash(last))
        return owner;
    return (struct workload){TEXT("Deployment"), {owner_name.bytes, before}};
}
