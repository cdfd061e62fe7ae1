/* SPDX-License-Identifier: Apache-2.0 */
/* Pointers to structs that begin with their key: a fixed number of bytes, padding included in what
 * is compared. The table owns its slots; the structs are the caller's. */
#ifndef EDGEMETER_BASE_HASH_TABLE_H
#define EDGEMETER_BASE_HASH_TABLE_H

#include <stddef.h>

struct hash_table {
    void **slots; /* a power of two of them */
    size_t slot_count, count, maximum;
    size_t key_size;
};

/* At most `maximum` structs at a time. Allocates nothing yet. */
void hash_table_init(struct hash_table *table, size_t key_size, size_t maximum);
/* Forgets all; the structs stay. */
void hash_table_free(struct hash_table *table);

/* The struct of that key, or NULL. */
void *hash_table_find(const struct hash_table *table, const void *key);
/* Its key must not be in the table, and not change while it is. 0, -ENOMEM or -E2BIG (full). */
int hash_table_add(struct hash_table *table, void *item);
/* Nothing where the key is not in the table. */
void hash_table_remove(struct hash_table *table, const void *key);

#endif
