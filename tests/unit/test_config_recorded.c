/* SPDX-License-Identifier: Apache-2.0 */
/* Our verdict on configurations against promtool's: tests/recorded/config.txt and
 * config_shapes.txt, which tests/recorded/record_config.py makes and explains. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/file_read.h"
#include "config/config.h"

#define TABLE "tests/recorded/config.txt"
#define SHAPES "tests/recorded/config_shapes.txt"
#define LEAST_CASES 200
#define LEAST_SHAPES 5000
#define ACCEPTED " accepted"

struct recorded {
    struct text name;
    struct buffer yaml;
    bool accepted; /* by us, if that is said, else by the newest version */
    bool judged, ours;
};

static struct text next_line(struct text *rest)
{
    const char *newline = memchr(rest->bytes, '\n', rest->length);
    struct text line = {rest->bytes, newline ? (size_t)(newline - rest->bytes) : rest->length};
    *rest = text_behind(*rest, line.length + (newline != NULL));
    return line;
}

static void add_verdict(struct recorded *recorded, struct text line)
{
    const char *space = memchr(line.bytes, ' ', line.length);
    assert_non_null(space);
    struct text verdict = text_behind(line, (size_t)(space - line.bytes));
    if (recorded->ours)
        return;
    recorded->ours = text_has_prefix(line, TEXT("edgemeter "));
    recorded->accepted = text_has_prefix(verdict, TEXT(ACCEPTED));
    recorded->judged = true;
}

static bool read_case(struct text *rest, struct recorded *recorded)
{
    *recorded = (struct recorded){0};
    buffer_init(&recorded->yaml, 1 << 20);
    buffer_append_string(&recorded->yaml, "");
    while (rest->length) {
        struct text line = next_line(rest);
        if (!line.length && recorded->name.length)
            break;
        if (text_has_prefix(line, TEXT("= "))) {
            recorded->name = text_behind(line, 2);
        } else if (text_has_prefix(line, TEXT("|"))) {
            buffer_append_text(&recorded->yaml, text_behind(line, 1));
            buffer_append_char(&recorded->yaml, '\n');
        } else if (line.length && line.bytes[0] != '#') {
            add_verdict(recorded, line);
        }
    }
    return recorded->name.length != 0;
}

/* Whether we say the same. */
static bool replay(struct text name, struct text yaml, bool accepted)
{
    struct problems problems;
    struct config *config = NULL;
    autobuffer struct buffer said;

    int error = config_parse("f", yaml.bytes, yaml.length, &config, &problems);
    assert_true(error == 0 || error == -EINVAL);
    bool same = (error == 0) == accepted;
    buffer_init(&said, 1 << 20);
    buffer_append_string(&said, "");
    problems_write(&problems, &said);
    if (!same)
        print_error("%.*s: should be %s\n%.*s%s\n", TEXT_FORMAT(name),
                    accepted ? "accepted" : "refused", TEXT_FORMAT(yaml), said.bytes);
    config_free(&config);
    problems_free(&problems);
    return same;
}

static void test_verdicts(void **state)
{
    autobuffer struct buffer table;
    struct recorded recorded;
    size_t cases = 0, wrong = 0;

    (void)state;
    buffer_init(&table, 16 << 20);
    assert_int_equal(file_read(TABLE, &table), 0);
    setenv("HOME", "/root", 1); /* a case has it in a label */
    for (struct text rest = buffer_text(&table); read_case(&rest, &recorded);) {
        assert_true(recorded.judged);
        wrong += !replay(recorded.name, buffer_text(&recorded.yaml), recorded.accepted);
        cases++;
        buffer_free(&recorded.yaml);
    }
    buffer_free(&recorded.yaml);
    assert_true(cases >= LEAST_CASES);
    assert_int_equal(wrong, 0);
}

/* ---- every key with values of every shape ---- */

struct shape {
    struct text key, template;
    struct text accepted, refused; /* values, with tabs between them */
    struct text ours[8];           /* "edgemeter VERDICT", values, a reason */
    size_t ours_count;
};

static struct text next_value(struct text *rest)
{
    const char *tab = memchr(rest->bytes, '\t', rest->length);
    struct text value = {rest->bytes, tab ? (size_t)(tab - rest->bytes) : rest->length};
    *rest = text_behind(*rest, value.length + (tab != NULL));
    return value;
}

static bool read_shape(struct text *rest, struct shape *shape)
{
    *shape = (struct shape){0};
    while (rest->length) {
        struct text line = next_line(rest);
        if (!line.length && shape->key.length)
            break;
        if (text_has_prefix(line, TEXT("= "))) {
            shape->key = text_behind(line, 2);
        } else if (text_has_prefix(line, TEXT("|"))) {
            shape->template = text_behind(line, 1);
        } else if (text_has_prefix(line, TEXT("accepted"))) {
            next_value(&line);
            shape->accepted = line;
        } else if (text_has_prefix(line, TEXT("refused"))) {
            next_value(&line);
            shape->refused = line;
        } else if (text_has_prefix(line, TEXT("edgemeter "))) {
            assert_true(shape->ours_count < ARRAY_SIZE(shape->ours));
            shape->ours[shape->ours_count++] = line;
        }
    }
    return shape->key.length != 0;
}

/* The verdict of ours that differs, or `theirs`. */
static bool should_accept(const struct shape *shape, struct text value, bool theirs)
{
    for (size_t i = 0; i < shape->ours_count; i++) {
        struct text rest = shape->ours[i], verdict = next_value(&rest);
        while (rest.length) {
            struct text differs = next_value(&rest); /* the last one is the reason */
            if (rest.length && text_equal(differs, value))
                return text_equal(verdict, TEXT("edgemeter accepted"));
        }
    }
    return theirs;
}

static size_t replay_values(const struct shape *shape, struct text values, bool theirs,
                            size_t *cases)
{
    const char *at = memchr(shape->template.bytes, '@', shape->template.length);
    size_t before = (size_t)(at - shape->template.bytes), wrong = 0;

    assert_non_null(at);
    for (struct text rest = values; rest.length; (*cases)++) {
        struct text value = next_value(&rest);
        autobuffer struct buffer yaml;
        buffer_init(&yaml, 1 << 16);
        buffer_append(&yaml, shape->template.bytes, before);
        buffer_append_text(&yaml, value);
        buffer_append_text(&yaml, text_behind(shape->template, before + 1));
        buffer_append_char(&yaml, '\n');
        wrong += !replay(shape->key, buffer_text(&yaml), should_accept(shape, value, theirs));
    }
    return wrong;
}

static void test_shapes(void **state)
{
    autobuffer struct buffer table;
    struct shape shape;
    size_t cases = 0, wrong = 0;

    (void)state;
    buffer_init(&table, 16 << 20);
    assert_int_equal(file_read(SHAPES, &table), 0);
    for (struct text rest = buffer_text(&table); read_shape(&rest, &shape);) {
        wrong += replay_values(&shape, shape.accepted, true, &cases);
        wrong += replay_values(&shape, shape.refused, false, &cases);
    }
    assert_true(cases >= LEAST_SHAPES);
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_shapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
