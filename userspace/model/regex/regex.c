/* SPDX-License-Identifier: Apache-2.0 */
/* Compiles what regex_emit.c wrote and runs it within limits; beyond them, a program of our own. */
#include "model/regex/regex.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "model/regex/regex_program.h"
#include "model/regex/regex_source.h"
#include "model/regex/regex_tree.h"
#include "model/utf8.h"

/* Backtracking steps of PCRE2, some 0.1 ms, before our own program takes over. */
#define MATCH_LIMIT 20000
#define HEAP_LIMIT_KIB 4096 /* where the machine has no JIT */
#define STACK_START (32 * 1024)
#define STACK_MAX (1024 * 1024)
#define TRANSLATION_MAX (16 * REGEX_MAX_PATTERN)

struct regex {
    pcre2_code *code; /* NULL: too large for PCRE2, the program is used alone */
    pcre2_match_data *match;
    struct text *names; /* of groups */
    size_t group_count;
    bool rounds_differ;            /* regex_tree.h */
    struct regex_program *program; /* NULL until it is needed */
    int program_error;             /* why there is none: it was tried once */
    size_t *program_offsets;
    const size_t *offsets; /* of the last match: PCRE2's or the program's */
    bool warned;
    struct text pattern;
    char pattern_bytes[];
};

/* One for all: patterns are matched one at a time. */
static struct {
    pcre2_match_context *match;
    pcre2_compile_context *compile;
    pcre2_jit_stack *stack;
} shared;

static uint64_t given_up;
_Static_assert(REGEX_UNSET == PCRE2_UNSET, "offsets are PCRE2's or our own");

/* Without a JIT stack of our own PCRE2 uses its small one; not worth failing for. */
static int shared_setup(void)
{
    if (shared.match)
        return 0;
    shared.compile = pcre2_compile_context_create(NULL);
    shared.match = shared.compile ? pcre2_match_context_create(NULL) : NULL;
    if (!shared.match)
        return -ENOMEM;
    pcre2_set_parens_nest_limit(shared.compile, 4 * REGEX_MAX_DEPTH);
    pcre2_set_match_limit(shared.match, MATCH_LIMIT);
    pcre2_set_heap_limit(shared.match, HEAP_LIMIT_KIB);
    shared.stack = pcre2_jit_stack_create(STACK_START, STACK_MAX, NULL);
    pcre2_jit_stack_assign(shared.match, NULL, shared.stack);
    return 0;
}

/* 0, -ENOMEM, -E2BIG (too large for PCRE2), or -EINVAL: a fault of ours, as regex_parse let the
 * pattern through. */
static int compile(struct regex *regex, struct text translated, struct regex_error *error)
{
    int code;
    PCRE2_SIZE offset;
    char reason[120] = "";

    regex->code = pcre2_compile((PCRE2_SPTR)translated.bytes, translated.length,
                                PCRE2_UTF | PCRE2_DOTALL, &code, &offset, shared.compile);
    if (!regex->code && code == PCRE2_ERROR_HEAP_FAILED)
        return -ENOMEM;
    if (!regex->code &&
        (code == PCRE2_ERROR_PATTERN_TOO_LARGE || code == PCRE2_ERROR_PATTERN_TOO_COMPLICATED))
        return -E2BIG;
    if (!regex->code) {
        pcre2_get_error_message(code, (PCRE2_UCHAR *)reason, sizeof(reason));
        error->offset = 0;
        snprintf(error->message, sizeof(error->message), "not taken by PCRE2: %s", reason);
        return -EINVAL;
    }
    pcre2_jit_compile(regex->code, PCRE2_JIT_COMPLETE); /* without it, interpreted */
    regex->match = pcre2_match_data_create_from_pattern(regex->code, NULL);
    return regex->match ? 0 : -ENOMEM;
}

static int make_program(struct regex *regex, const struct regex_tree *tree)
{
    regex->program_offsets = calloc(2 * regex->group_count, sizeof(size_t));
    return regex->program_offsets ? regex_program_new(tree, &regex->program) : -ENOMEM;
}

static int make_program_alone(struct regex *regex, const struct regex_tree *tree,
                              struct regex_error *error)
{
    int failed = make_program(regex, tree);
    if (failed != -E2BIG)
        return failed;
    error->offset = 0;
    snprintf(error->message, sizeof(error->message),
             "too large: more than %d instructions when its repetitions are written out",
             REGEX_PROGRAM_MAX);
    return -EINVAL;
}

int regex_new(struct text pattern, struct regex **out, struct regex_error *error)
{
    __attribute__((cleanup(regex_free))) struct regex *regex =
        calloc(1, sizeof(*regex) + pattern.length);
    __attribute__((cleanup(regex_tree_free))) struct regex_tree tree = {0};
    autobuffer struct buffer translated;

    buffer_init(&translated, TRANSLATION_MAX);
    *error = (struct regex_error){0};
    if (!regex || shared_setup())
        return -ENOMEM;
    memcpy(regex->pattern_bytes, pattern.bytes, pattern.length);
    regex->pattern = (struct text){regex->pattern_bytes, pattern.length};
    int result = regex_parse(regex->pattern, &tree, error);
    if (result)
        return result;
    regex->group_count = tree.group_count;
    regex->rounds_differ = tree.rounds_differ && tree.group_count > 1;
    regex_emit(&tree, &translated);
    result = translated.failed ? -ENOMEM : compile(regex, buffer_text(&translated), error);
    if (result == -E2BIG)
        result = make_program_alone(regex, &tree, error);
    if (result)
        return result;
    regex->names = TAKE_PTR(tree.names);
    *out = TAKE_PTR(regex);
    return 0;
}

void regex_free(struct regex **out)
{
    struct regex *regex = *out;
    if (!regex)
        return;
    pcre2_match_data_free(regex->match);
    pcre2_code_free(regex->code);
    regex_program_free(&regex->program);
    free(regex->program_offsets);
    free(regex->names);
    free(regex);
    *out = NULL;
}

/* --- where PCRE2 is not enough --- */

static int make_program_late(struct regex *regex)
{
    __attribute__((cleanup(regex_tree_free))) struct regex_tree tree = {0};
    struct regex_error unexpected;

    int error = regex_parse(regex->pattern, &tree, &unexpected);
    return error ? error : make_program(regex, &tree);
}

static void give_up(struct regex *regex, struct text text, int error)
{
    given_up++;
    if (regex->warned)
        return;
    regex->warned = true;
    log_warn("relabel",
             "a text is too hard for a regex and counts as not matching; simplify its "
             "repetitions in repetitions",
             LOG_VIEW("regex", regex->pattern), LOG_UINT("text_bytes", text.length),
             LOG_STR("err", error == -E2BIG ? "too large" : strerror(-error)));
}

/* `matches` is what PCRE2 found; -1: it gave up. */
static bool match_program(struct regex *regex, struct text text, int matches)
{
    if (!regex->program && !regex->program_error)
        regex->program_error = make_program_late(regex);
    int result = regex->program_error;
    if (!result)
        result = regex_program_run(regex->program, text, regex->program_offsets);
    if (result >= 0)
        regex->offsets = regex->program_offsets;
    else if (matches < 0)
        give_up(regex, text, result);
    return result >= 0 ? result : matches > 0;
}

bool regex_match(struct regex *regex, struct text text)
{
    if (!text.bytes)
        text.bytes = "";
    if (!regex->code)
        return utf8_is_valid(text) && match_program(regex, text, -1);
    int result = pcre2_match(regex->code, (PCRE2_SPTR)text.bytes, text.length, 0, 0, regex->match,
                             shared.match);
    bool no_utf8 = result <= PCRE2_ERROR_UTF8_ERR1 && result >= PCRE2_ERROR_UTF8_ERR21;
    if (result == PCRE2_ERROR_NOMATCH || no_utf8)
        return false;
    regex->offsets = pcre2_get_ovector_pointer(regex->match);
    if (result > 0 && !regex->rounds_differ)
        return true;
    return match_program(regex, text, result > 0 ? 1 : -1);
}

uint64_t regex_given_up(void)
{
    return given_up;
}

size_t regex_group_count(const struct regex *regex)
{
    return regex->group_count;
}

struct text regex_group_name(const struct regex *regex, size_t group)
{
    return regex->names[group];
}

struct text regex_group(const struct regex *regex, struct text matched, size_t group)
{
    size_t start = regex->offsets[2 * group], end = regex->offsets[2 * group + 1];

    if (start == REGEX_UNSET || end == REGEX_UNSET)
        return (struct text){NULL, 0};
    return (struct text){matched.bytes + start, end - start};
}
