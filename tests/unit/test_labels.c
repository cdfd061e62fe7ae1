/* SPDX-License-Identifier: Apache-2.0 */
/* model/labels, model/labels_builder: sets, their text form, and the builder against a naive model.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "model/label_pair.h"
#include "model/labels.h"

static struct labels_builder *builder;

static int setup(void **state)
{
    (void)state;
    return labels_builder_new(&builder);
}

static int teardown(void **state)
{
    (void)state;
    labels_builder_free(&builder);
    assert_null(builder);
    return 0;
}

static void set(const char *name, const char *value)
{
    assert_int_equal(labels_builder_set(builder, text_of(name), text_of(value)), 0);
}

static struct labels *build(void)
{
    struct labels *labels = NULL;
    assert_int_equal(labels_builder_build(builder, &labels), 0);
    return labels;
}

static void assert_text(struct text text, const char *wanted)
{
    if (!text_equal(text, text_of(wanted)))
        fail_msg("got `%.*s`, wanted `%s`", TEXT_FORMAT(text), wanted);
}

/* What the builder holds, as text. */
static void assert_built(const char *wanted)
{
    autofree struct labels *labels = build();
    autobuffer struct buffer out;
    buffer_init(&out, LABELS_MAX_BYTES);
    assert_int_equal(labels_write(labels, &out), 0);
    assert_text(buffer_text(&out), wanted);
}

static void test_sorted_by_byte_and_found(void **state)
{
    (void)state;
    set("job", "node");
    set("b", "2");
    set("__name__", "up");
    set("Z", "1");
    set("a", "x");
    set("ab", "y");
    autofree struct labels *labels = build();
    static const char *const names[] = {"Z", "__name__", "a", "ab", "b", "job"};
    size_t count = 0;
    for (struct label_cursor c = labels_first(labels); labels_next(&c);)
        assert_text(c.label.name, names[count++]);
    assert_int_equal(count, ARRAY_SIZE(names));
    assert_int_equal(labels_count(labels), ARRAY_SIZE(names));
    assert_text(labels_get(labels, TEXT("job")), "node");
    assert_text(labels_get(labels, TEXT("ab")), "y");
    assert_text(labels_get(labels, TEXT("aa")), "");
    assert_text(labels_get(labels, TEXT("zz")), "");
    assert_text(labels_get(labels, TEXT("")), "");
}

static void test_equal_sets(void **state)
{
    (void)state;
    set("a", "1");
    set("b", "2");
    autofree struct labels *first = build();
    labels_builder_clear(builder);
    set("b", "other");
    set("a", "1");
    set("b", "2");
    autofree struct labels *second = build();
    assert_true(labels_equal(first, second));
    assert_true(labels_equal(first, first));
    assert_int_equal(labels_hash(first), labels_hash(second));
    assert_int_equal(labels_size(first), labels_size(second));
    set("b", "3");
    autofree struct labels *third = build();
    assert_false(labels_equal(first, third));
    assert_int_not_equal(labels_hash(first), labels_hash(third));
}

/* The same bytes, cut differently. */
static void test_boundaries_count(void **state)
{
    (void)state;
    set("a", "bc");
    autofree struct labels *first = build();
    labels_builder_clear(builder);
    set("ab", "c");
    autofree struct labels *second = build();
    assert_false(labels_equal(first, second));
}

static void test_empty_set(void **state)
{
    (void)state;
    autofree struct labels *labels = build();
    assert_int_equal(labels_count(labels), 0);
    struct label_cursor cursor = labels_first(labels);
    assert_false(labels_next(&cursor));
    assert_text(labels_get(labels, TEXT("a")), "");
    assert_built("{}");
}

static void test_set_replace_delete(void **state)
{
    (void)state;
    set("a", "1");
    set("b", "2");
    set("c", "3");
    assert_text(labels_builder_get(builder, TEXT("b")), "2");
    set("b", "a longer value");
    assert_text(labels_builder_get(builder, TEXT("b")), "a longer value");
    set("b", "short");
    assert_text(labels_builder_get(builder, TEXT("b")), "short");
    set("a", "");
    assert_text(labels_builder_get(builder, TEXT("a")), "");
    set("never there", "");
    assert_built("{b=\"short\",c=\"3\"}");
    set("a", "again");
    assert_built("{a=\"again\",b=\"short\",c=\"3\"}");
    assert_int_equal(labels_builder_set(builder, TEXT(""), TEXT("x")), -EINVAL);
}

/* relabelling copies one label to another: the text moves while it is being copied */
static void test_own_text_can_be_set(void **state)
{
    (void)state;
    char wanted[600] = "";
    memset(wanted, 'v', sizeof(wanted) - 1);
    set("source", wanted);
    for (int i = 0; i < 200; i++) {
        char name[16];
        snprintf(name, sizeof(name), "copy%d", i);
        struct text value = labels_builder_get(builder, TEXT("source"));
        assert_int_equal(labels_builder_set(builder, text_of(name), value), 0);
        assert_text(labels_builder_get(builder, text_of(name)), wanted);
    }
    set("small", "s");
    struct text value = labels_builder_get(builder, TEXT("copy7"));
    assert_int_equal(labels_builder_set(builder, TEXT("small"), value), 0);
    assert_text(labels_builder_get(builder, TEXT("small")), wanted);
    value = labels_builder_get(builder, TEXT("small"));
    value = (struct text){value.bytes + 1, value.length - 1};
    assert_int_equal(labels_builder_set(builder, TEXT("small"), value), 0);
    assert_text(labels_builder_get(builder, TEXT("small")), wanted + 1);
}

/* In which order labels were set first, whether they were there before or not. */
static void test_order_since_the_mark(void **state)
{
    static const struct {
        const char *name;
        uint32_t order;
    } expected[] = {{"a", 3}, {"b", 0}, {"c", 4}, {"d", 1}};
    struct labels_builder *builder;

    (void)state;
    assert_int_equal(labels_builder_new(&builder), 0);
    for (const char *name = "cba"; *name; name++)
        labels_builder_set(builder, (struct text){name, 1}, TEXT("before"));
    labels_builder_mark(builder);
    labels_builder_set(builder, TEXT("d"), TEXT("new"));
    labels_builder_set(builder, TEXT("c"), TEXT("shorter"));
    labels_builder_set(builder, TEXT("a"), TEXT("changed"));
    labels_builder_set(builder, TEXT("d"), TEXT("again"));
    labels_builder_set(builder, TEXT("c"), TEXT(""));
    labels_builder_set(builder, TEXT("c"), TEXT("behind"));
    assert_int_equal(labels_builder_count(builder), ARRAY_SIZE(expected));
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
        assert_memory_equal(labels_builder_at(builder, i).name.bytes, expected[i].name, 1);
        assert_int_equal(labels_builder_order(builder, i), expected[i].order);
    }
    labels_builder_free(&builder);
}

static void test_add_all(void **state)
{
    (void)state;
    set("a", "1");
    set("b", "2");
    autofree struct labels *labels = build();
    labels_builder_clear(builder);
    set("aa", "x");
    set("b", "old");
    assert_int_equal(labels_builder_add_all(builder, labels), 0);
    assert_built("{a=\"1\",aa=\"x\",b=\"2\"}");
}

/* Lengths on both sides of where the packed form takes one more byte. */
static void test_lengths(void **state)
{
    (void)state;
    static const size_t lengths[] = {1, 127, 128, 129, 16383, 16384, 2097151, 2097152};
    autofree char *text = malloc(2097152);
    assert_non_null(text);
    memset(text, 'x', 2097152);
    for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
        struct text long_text = {text, lengths[i]};
        labels_builder_clear(builder);
        assert_int_equal(labels_builder_set(builder, long_text, TEXT("value")), 0);
        assert_int_equal(labels_builder_set(builder, TEXT("name"), long_text), 0);
        autofree struct labels *labels = build();
        assert_int_equal(labels_count(labels), 2);
        assert_true(text_equal(labels_get(labels, TEXT("name")), long_text));
        assert_text(labels_get(labels, long_text), "value");
    }
}

static void test_maxima(void **state)
{
    (void)state;
    autofree char *text = calloc(1, LABELS_MAX_BYTES);
    assert_non_null(text);
    struct text most = {text, LABELS_MAX_BYTES - 1};
    set("kept", "value");
    assert_int_equal(labels_builder_set(builder, TEXT("ab"), most), -E2BIG);
    assert_built("{kept=\"value\"}");
    labels_builder_clear(builder);
    assert_int_equal(labels_builder_set(builder, TEXT("a"), most), 0);
    assert_int_equal(labels_builder_set(builder, TEXT("b"), TEXT("1")), -E2BIG);
    labels_builder_clear(builder);
    for (int i = 0; i < LABELS_MAX_COUNT; i++) {
        char name[16];
        snprintf(name, sizeof(name), "n%d", i);
        set(name, "v");
    }
    assert_int_equal(labels_builder_set(builder, TEXT("one_more"), TEXT("v")), -E2BIG);
    set("n17", "replaced");
    autofree struct labels *labels = build();
    assert_int_equal(labels_count(labels), LABELS_MAX_COUNT);
    assert_text(labels_get(labels, TEXT("n17")), "replaced");
    assert_text(labels_get(labels, TEXT("n4095")), "v");
}

static void test_write(void **state)
{
    static const struct {
        const char *labels[6]; /* names and values */
        const char *wanted;
    } cases[] = {
        {{"__name__", "up"}, "up"},
        {{"__name__", "up", "job", "x"}, "up{job=\"x\"}"},
        {{"job", "x", "Instance", "y"}, "{Instance=\"y\",job=\"x\"}"},
        {{"__name__", "job:rate:5m", "a", "b"}, "job:rate:5m{a=\"b\"}"},
        {{"__name__", "my.metric"}, "{\"my.metric\"}"},
        {{"__name__", "my.metric", "la bel", "x"}, "{\"my.metric\",\"la bel\"=\"x\"}"},
        {{"__name__", "0up", "a:b", "x"}, "{\"0up\",\"a:b\"=\"x\"}"},
        {{"__name__", "a\"b"}, "{\"a\\\"b\"}"},
        {{"__name__", "m", "v", "a\\b\"c\nd"}, "m{v=\"a\\\\b\\\"c\\nd\"}"},
        {{"__name__", "m", "v", "\n"}, "m{v=\"\\n\"}"},
        {{"__name__", "m", "v", "gr\xc3\xbc\xc3\x9f"}, "m{v=\"gr\xc3\xbc\xc3\x9f\"}"},
        {{"__name__", "m", "A", "1", "a", "2"}, "m{A=\"1\",a=\"2\"}"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        labels_builder_clear(builder);
        for (size_t l = 0; l < 6 && cases[i].labels[l]; l += 2)
            set(cases[i].labels[l], cases[i].labels[l + 1]);
        assert_built(cases[i].wanted);
    }
}

static void test_write_into_a_full_buffer(void **state)
{
    (void)state;
    set("__name__", "my.metric");
    set("label", "va\nlue");
    autofree struct labels *labels = build();
    size_t whole = strlen("{\"my.metric\",label=\"va\\nlue\"}");
    for (size_t maximum = 0; maximum <= whole; maximum++) {
        autobuffer struct buffer out;
        buffer_init(&out, maximum);
        assert_int_equal(labels_write(labels, &out), maximum < whole ? -E2BIG : 0);
    }
}

static void test_legal_names(void **state)
{
    static const struct {
        const char *name;
        bool label, metric;
    } cases[] = {
        {"a", true, true},        {"_", true, true},          {"Az_09", true, true},
        {"__name__", true, true}, {"a:b", false, true},       {":", false, true},
        {"", false, false},       {"0a", false, false},       {"a b", false, false},
        {"a-b", false, false},    {"\xc3\xbc", false, false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(label_name_is_legal(text_of(cases[i].name)), cases[i].label);
        assert_int_equal(metric_name_is_legal(text_of(cases[i].name)), cases[i].metric);
    }
}

/* A long random run of sets, replacements and deletions, against an array of 64 values. */
static void test_random_against_model(void **state)
{
    (void)state;
    char model[64][40] = {{0}};
    srandom(7);
    for (int step = 0; step < 20000; step++) {
        unsigned which = (unsigned)random() % ARRAY_SIZE(model);
        size_t length = random() % 3 ? (size_t)random() % (sizeof(model[0]) - 1) : 0;
        memset(model[which], 0, sizeof(model[which]));
        memset(model[which], 'a' + step % 26, length);
        char name[8];
        snprintf(name, sizeof(name), "n%02u", which);
        set(name, model[which]);
    }
    autofree struct labels *labels = build();
    size_t present = 0;
    for (unsigned i = 0; i < ARRAY_SIZE(model); i++) {
        char name[8];
        snprintf(name, sizeof(name), "n%02u", i);
        assert_text(labels_builder_get(builder, text_of(name)), model[i]);
        assert_text(labels_get(labels, text_of(name)), model[i]);
        present += model[i][0] != '\0';
    }
    assert_int_equal(labels_count(labels), present);
}

/* ---- interned sets ---- */

static struct labels *intern(const struct labels *labels)
{
    struct labels *interned = NULL;
    assert_int_equal(labels_intern(labels, &interned), 0);
    return interned;
}

static void test_interned_is_the_same_set(void **state)
{
    (void)state;
    set("__name__", "up");
    set("job", "node");
    set("Z", "long value, longer than the hundred and twenty-seven bytes whose length is one byte: "
             "012345678901234567890123456789012345678901234567890123456789");
    autofree struct labels *labels = build();
    struct labels *interned = intern(labels), *again = intern(interned);
    autobuffer struct buffer a, b;
    buffer_init(&a, LABELS_MAX_BYTES);
    buffer_init(&b, LABELS_MAX_BYTES);
    labels_write(labels, &a);
    labels_write(interned, &b);
    assert_text(buffer_text(&b), a.bytes);
    assert_true(labels_equal(labels, interned));
    assert_true(labels_equal(interned, labels));
    assert_true(labels_equal(interned, again));
    assert_int_equal(labels_hash(interned), labels_hash(labels));
    assert_int_equal(labels_count(interned), 3);
    assert_int_equal(labels_size(interned), labels_size(labels));
    assert_text(labels_get(interned, TEXT("job")), "node");
    assert_text(labels_get(interned, TEXT("k")), "");
    set("job", "edon");
    autofree struct labels *other = build();
    struct labels *other_interned = intern(other);
    assert_false(labels_equal(other, interned));
    assert_false(labels_equal(other_interned, interned));
    labels_free_interned(&interned);
    labels_free_interned(&again);
    labels_free_interned(&other_interned);
    assert_null(interned);
}

/* What sets share is there once, and goes with the last of them. */
static void test_pairs_are_shared(void **state)
{
    enum { SETS = 500 };
    struct labels *sets[SETS];
    uint32_t before = label_pair_count();
    (void)state;
    for (int i = 0; i < SETS; i++) {
        char value[16];
        snprintf(value, sizeof(value), "%d", i);
        labels_builder_clear(builder);
        set("job", "node");
        set("cpu", value);
        set("mode", i % 2 ? "idle" : "user");
        autofree struct labels *labels = build();
        sets[i] = intern(labels);
    }
    assert_int_equal(label_pair_count(), before + SETS + 3);
    for (int i = 0; i < SETS; i += 2)
        labels_free_interned(&sets[i]);
    assert_int_equal(label_pair_count(), before + SETS / 2 + 2);
    assert_text(labels_get(sets[77], TEXT("cpu")), "77");
    assert_text(labels_get(sets[77], TEXT("mode")), "idle");
    for (int i = 1; i < SETS; i += 2)
        labels_free_interned(&sets[i]);
    assert_int_equal(label_pair_count(), before);
}

/* Pairs that come and go in any order are found as long as they are held, each under its number. */
static void test_pairs_come_and_go(void **state)
{
    enum { PAIRS = 300, STEPS = 20000 };
    struct {
        label_pair_id id;
        unsigned references;
    } held[PAIRS] = {0};
    uint32_t before = label_pair_count(), distinct = 0;
    (void)state;
    srand(1);
    for (int step = 0; step < STEPS; step++) {
        int n = rand() % PAIRS;
        char value[16];
        struct label label = {TEXT("n"), {value, (size_t)snprintf(value, sizeof(value), "%d", n)}};
        if (held[n].references && rand() % 2) {
            label_pair_release(held[n].id);
            distinct -= --held[n].references == 0;
        } else {
            label_pair_id id;
            assert_int_equal(label_pair_intern(&label, &id), 0);
            if (held[n].references)
                assert_int_equal(id, held[n].id);
            held[n].id = id;
            distinct += held[n].references++ == 0;
            assert_true(text_equal(label_pair_label(label_pair_get(id)).value, label.value));
        }
        assert_int_equal(label_pair_count(), before + distinct);
    }
    for (int n = 0; n < PAIRS; n++)
        for (; held[n].references > 0; held[n].references--)
            label_pair_release(held[n].id);
    assert_int_equal(label_pair_count(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sorted_by_byte_and_found, setup, teardown),
        cmocka_unit_test_setup_teardown(test_equal_sets, setup, teardown),
        cmocka_unit_test_setup_teardown(test_boundaries_count, setup, teardown),
        cmocka_unit_test_setup_teardown(test_empty_set, setup, teardown),
        cmocka_unit_test_setup_teardown(test_set_replace_delete, setup, teardown),
        cmocka_unit_test(test_order_since_the_mark),
        cmocka_unit_test_setup_teardown(test_own_text_can_be_set, setup, teardown),
        cmocka_unit_test_setup_teardown(test_add_all, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lengths, setup, teardown),
        cmocka_unit_test_setup_teardown(test_maxima, setup, teardown),
        cmocka_unit_test_setup_teardown(test_write, setup, teardown),
        cmocka_unit_test_setup_teardown(test_write_into_a_full_buffer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_legal_names, setup, teardown),
        cmocka_unit_test_setup_teardown(test_random_against_model, setup, teardown),
        cmocka_unit_test_setup_teardown(test_interned_is_the_same_set, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pairs_are_shared, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pairs_come_and_go, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
