/* SPDX-License-Identifier: Apache-2.0 */
/* base/hash_table: against a plain array of flags, through growth, removal and the maximum. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/hash_table.h"

#define ITEMS 3000

struct item {
    uint64_t key[2];
    unsigned number;
};

static struct item items[ITEMS];
static uint64_t seed = 7;

static uint64_t random_below(uint64_t limit)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % limit;
}

static void items_fill(void)
{
    for (unsigned i = 0; i < ITEMS; i++)
        items[i] = (struct item){.key = {i % 7, i}, .number = i};
}

static void test_empty(void **state)
{
    struct hash_table table;

    (void)state;
    items_fill();
    hash_table_init(&table, sizeof(items[0].key), ITEMS);
    assert_null(hash_table_find(&table, items[0].key));
    hash_table_remove(&table, items[0].key);
    assert_int_equal(table.count, 0);
    hash_table_free(&table);
}

/* Every item is found exactly while it is in the table, whatever came and went around it. */
static void test_random_changes(void **state)
{
    static bool held[ITEMS];
    struct hash_table table;
    size_t count = 0;

    (void)state;
    items_fill();
    hash_table_init(&table, sizeof(items[0].key), ITEMS);
    for (int round = 0; round < 200000; round++) {
        struct item *item = &items[random_below(ITEMS)];
        assert_ptr_equal(hash_table_find(&table, item->key), held[item->number] ? item : NULL);
        if (held[item->number])
            hash_table_remove(&table, item->key);
        else
            assert_int_equal(hash_table_add(&table, item), 0);
        held[item->number] = !held[item->number];
        count += held[item->number] ? 1 : -1;
        assert_int_equal(table.count, count);
    }
    for (unsigned i = 0; i < ITEMS; i++)
        assert_ptr_equal(hash_table_find(&table, items[i].key), held[i] ? &items[i] : NULL);
    hash_table_free(&table);
    assert_null(hash_table_find(&table, items[0].key));
}

static void test_maximum(void **state)
{
    struct hash_table table;

    (void)state;
    items_fill();
    hash_table_init(&table, sizeof(items[0].key), 2);
    assert_int_equal(hash_table_add(&table, &items[0]), 0);
    assert_int_equal(hash_table_add(&table, &items[1]), 0);
    assert_int_equal(hash_table_add(&table, &items[2]), -E2BIG);
    hash_table_remove(&table, items[0].key);
    assert_int_equal(hash_table_add(&table, &items[2]), 0);
    assert_ptr_equal(hash_table_find(&table, items[2].key), &items[2]);
    hash_table_free(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_random_changes),
        cmocka_unit_test(test_maximum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
