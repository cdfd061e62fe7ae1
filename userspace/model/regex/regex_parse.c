/* SPDX-License-Identifier: Apache-2.0 */
/* RE2's syntax as Go's regexp reads it: groups, flags, repetitions, assertions. Characters and
 * classes are regex_source.c's and regex_class.c's. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "model/regex/regex_parser.h"
#include "model/utf8.h"

#define MAX_REPEAT 1000 /* RE2's: of one {n,m}, and of the product where they are nested */
#define MAX_HEIGHT (4 * REGEX_MAX_DEPTH) /* a group is three nodes high, a repetition one */
#define CLASSES_MAX (16 * REGEX_MAX_PATTERN)

static int take_closing(struct regex_parser *parser)
{
    if (parser->depth == 1)
        return regex_source_fail(&parser->source, parser->source.at - 1,
                                 "unexpected ): no group is open");
    return regex_close_inner_group(parser);
}

/* --- (? --- */

/* What other dialects have behind (?. */
static const struct {
    const char *text;
    const char *what;
} foreign_groups[] = {
    {"=", "look-ahead"},
    {"!", "look-ahead"},
    {"<=", "look-behind"},
    {"<!", "look-behind"},
    {">", "atomic groups"},
    {"|", "branch reset groups"},
    {"#", "comments"},
    {"(", "conditions"},
    {"R", "recursion"},
    {"&", "subroutines"},
    {"P>", "subroutines"},
    {"P=", "back-references"},
    {"C", "callouts"},
    {"'", "names in quotes; write (?P<name>...)"},
    {"x", "flag x"},
    {"J", "flag J"},
    {"^", "^ for flags; write those to take away, as in (?-i)"},
};

static int refuse_group(struct regex_parser *parser, size_t offset)
{
    struct regex_source *source = &parser->source;
    struct text rest = text_behind(source->pattern, offset + sizeof("(?") - 1);

    for (size_t i = 0; i < ARRAY_SIZE(foreign_groups); i++)
        if (text_has_prefix(rest, text_of(foreign_groups[i].text)))
            return regex_source_fail(source, offset, "(?%s: RE2 has no %s", foreign_groups[i].text,
                                     foreign_groups[i].what);
    if (rest.length && isdigit((unsigned char)*rest.bytes))
        return regex_source_fail(source, offset, "(?%c: RE2 has no recursion", *rest.bytes);
    return regex_source_fail(source, offset, "invalid or unfinished group (?%.*s",
                             (int)(source->at - offset - (sizeof("(?") - 1)), rest.bytes);
}

static bool is_group_name(struct text name)
{
    for (size_t i = 0; i < name.length; i++)
        if (!isalnum((unsigned char)name.bytes[i]) && name.bytes[i] != '_')
            return false;
    return name.length > 0;
}

/* Behind (?P< or (?<. */
static int take_named_group(struct regex_parser *parser, size_t offset)
{
    struct regex_source *source = &parser->source;
    struct text rest = regex_source_rest(source);
    const char *end = memchr(rest.bytes, '>', rest.length);
    struct text name = {rest.bytes, end ? (size_t)(end - rest.bytes) : 0};

    if (!end || !is_group_name(name))
        return regex_source_fail(source, offset,
                                 "the name of a group is letters, digits and _, as in "
                                 "(?P<name>...)");
    source->at += name.length + 1;
    return regex_open_capture(parser, offset, name);
}

static unsigned flag_of(uint32_t letter)
{
    static const char letters[] = "imsU";
    const char *found = letter && letter < 0x80 ? strchr(letters, (int)letter) : NULL;
    return found ? 1u << (found - letters) : 0;
}

/* (?i) changes the rest of the group around it, (?i:...) opens one. */
static int take_flags(struct regex_parser *parser, size_t offset)
{
    struct regex_source *source = &parser->source;
    unsigned flags = parser->flags;
    bool negative = false, any = false;

    while (!regex_source_ended(source)) {
        uint32_t c = regex_source_take_rune(source);
        unsigned flag = flag_of(c);
        if (flag) {
            flags = negative ? flags & ~flag : flags | flag;
            any = true;
        } else if (c == '-' && !negative) {
            negative = true;
            any = false;
        } else if ((c == ':' || c == ')') && (!negative || any)) {
            int error = c == ':' ? regex_open_group(parser, offset, 0) : 0;
            parser->flags = flags;
            return error;
        } else {
            break;
        }
    }
    return refuse_group(parser, offset);
}

static int take_group(struct regex_parser *parser)
{
    struct regex_source *source = &parser->source;
    size_t offset = source->at++;

    if (regex_source_has(source, "*"))
        return regex_source_fail(source, offset,
                                 "(*: RE2 has no verbs, and there is nothing to repeat");
    if (!regex_source_take(source, "?"))
        return regex_open_capture(parser, offset, (struct text){"", 0});
    bool look_behind = regex_source_has(source, "<=") || regex_source_has(source, "<!");
    if (regex_source_take(source, "P<") || (!look_behind && regex_source_take(source, "<")))
        return take_named_group(parser, offset);
    return take_flags(parser, offset);
}

/* --- repetition --- */

/* Decimal without leading zeros; -1 where there is none, above MAX_REPEAT where it is too large. */
static int take_count(struct text *text)
{
    int count = 0;
    size_t i = 0;

    for (; i < text->length && isdigit((unsigned char)text->bytes[i]); i++)
        if (count <= MAX_REPEAT)
            count = count * 10 + (text->bytes[i] - '0');
    bool leading_zero = i > 1 && text->bytes[0] == '0';
    *text = text_behind(*text, i);
    return i == 0 || leading_zero ? -1 : count;
}

/* {n}, {n,} and {n,m}; anything else is no repetition. */
static bool take_counts(struct regex_source *source, int *least, int *most)
{
    struct text rest = regex_source_rest(source);

    if (!text_take(&rest, "{") || (*least = take_count(&rest)) < 0)
        return false;
    *most = *least;
    if (text_take(&rest, ",")) {
        *most = -1;
        if (!text_has_prefix(rest, TEXT("}")) && (*most = take_count(&rest)) < 0)
            return false;
    }
    if (!text_take(&rest, "}"))
        return false;
    source->at = source->pattern.length - rest.length;
    return true;
}

static int check_repeat(struct regex_parser *parser, size_t offset, int least, int most)
{
    struct regex_source *source = &parser->source;
    int length = (int)(source->at - offset);
    const char *text = source->pattern.bytes + offset;
    int times = most < 0 ? least : most;

    if (least > MAX_REPEAT || most > MAX_REPEAT)
        return regex_source_fail(source, offset, "%.*s: %d is the most that RE2 repeats", length,
                                 text, MAX_REPEAT);
    if (most >= 0 && least > most)
        return regex_source_fail(source, offset, "%.*s: the first number is the larger one", length,
                                 text);
    if (parser->after_repeat)
        return regex_source_fail(source, offset,
                                 "%.*s right behind a repetition: RE2 has no possessive ones; "
                                 "repeat a group, (?:...)",
                                 length, text);
    const struct regex_node *body = regex_innermost(parser)->concat->last;
    if (!body)
        return regex_source_fail(source, offset, "%.*s has nothing to repeat", length, text);
    if (body->height > MAX_HEIGHT)
        return regex_source_fail(source, offset, "%.*s: too many repetitions in one another",
                                 length, text);
    if (times > 1 && parser->last_repeats * (unsigned)times > MAX_REPEAT)
        return regex_source_fail(source, offset,
                                 "%.*s: with the repetitions within more than %d in all", length,
                                 text, MAX_REPEAT);
    regex_note_repeats(parser, parser->last_repeats * (times > 1 ? (unsigned)times : 1));
    return 0;
}

/* The operator ends at source->at, an optional ? behind it apart. */
static int add_repeat(struct regex_parser *parser, size_t offset, int least, int most)
{
    int error = check_repeat(parser, offset, least, most);
    if (error)
        return error;
    bool lazy = regex_source_take(&parser->source, "?") != ((parser->flags & REGEX_FLAG_LAZY) != 0);
    return regex_repeat_last(parser, least, most, lazy);
}

static int take_repeat(struct regex_parser *parser, bool *taken)
{
    struct regex_source *source = &parser->source;
    size_t offset = source->at;
    int least = 0, most = -1;

    if (regex_source_take(source, "*"))
        ;
    else if (regex_source_take(source, "+"))
        least = 1;
    else if (regex_source_take(source, "?"))
        most = 1;
    else if (!take_counts(source, &least, &most))
        return 0;
    *taken = true;
    return add_repeat(parser, offset, least, most);
}

/* --- the rest --- */

/* \Q...\E: everything between stands for itself. */
static int take_quoted(struct regex_parser *parser, size_t offset)
{
    struct regex_source *source = &parser->source;

    while (!regex_source_take(source, "\\E")) {
        if (regex_source_ended(source))
            return regex_source_fail(source, offset, "\\Q without its \\E");
        int error = regex_add_literal(parser, regex_source_take_rune(source));
        if (error)
            return error;
    }
    return 0;
}

static const struct {
    const char *token;
    enum regex_assertion plain, lines;
} assertions[] = {
    {"^", REGEX_TEXT_BEGIN, REGEX_LINE_BEGIN},   {"$", REGEX_TEXT_END, REGEX_LINE_END},
    {"\\A", REGEX_TEXT_BEGIN, REGEX_TEXT_BEGIN}, {"\\z", REGEX_TEXT_END, REGEX_TEXT_END},
    {"\\b", REGEX_WORD_EDGE, REGEX_WORD_EDGE},   {"\\B", REGEX_NO_WORD_EDGE, REGEX_NO_WORD_EDGE},
};

static int take_assertion(struct regex_parser *parser, bool *taken)
{
    bool lines = parser->flags & REGEX_FLAG_LINES;

    for (size_t i = 0; i < ARRAY_SIZE(assertions); i++)
        if (regex_source_take(&parser->source, assertions[i].token)) {
            *taken = true;
            return regex_add_assertion(parser, lines ? assertions[i].lines : assertions[i].plain);
        }
    return 0;
}

static int take_class(struct regex_parser *parser)
{
    struct buffer *classes = &parser->tree->classes;
    bool fold = parser->flags & REGEX_FLAG_FOLD;
    size_t start = classes->length;

    if (regex_source_take(&parser->source, ".")) {
        buffer_append_string(classes, parser->flags & REGEX_FLAG_DOT_NEWLINE ? "." : "[^\\n]");
        return regex_add_class(parser, start, fold);
    }
    int error = regex_write_class(&parser->source, fold, classes);
    return error ? error : regex_add_class(parser, start, fold);
}

static int take_literal(struct regex_parser *parser)
{
    struct regex_source *source = &parser->source;
    uint32_t rune;
    int error = 0;

    if (regex_source_has(source, "\\"))
        error = regex_source_take_escape(source, &rune);
    else
        rune = regex_source_take_rune(source);
    return error ? error : regex_add_literal(parser, rune);
}

static int take_token(struct regex_parser *parser)
{
    struct regex_source *source = &parser->source;
    size_t offset = source->at;
    bool taken = false;

    int error = take_repeat(parser, &taken);
    parser->after_repeat = taken;
    if (!error && !taken)
        error = take_assertion(parser, &taken);
    if (error || taken)
        return error;
    if (regex_source_has(source, "("))
        return take_group(parser);
    if (regex_source_take(source, ")"))
        return take_closing(parser);
    if (regex_source_take(source, "|"))
        return regex_next_alternative(parser);
    if (regex_source_take(source, "\\Q"))
        return take_quoted(parser, offset);
    if (regex_source_has(source, ".") || regex_class_begins(source))
        return take_class(parser);
    return take_literal(parser);
}

static int parse(struct regex_parser *parser)
{
    struct regex_source *source = &parser->source;

    int error = regex_open_capture(parser, 0, (struct text){"", 0}); /* group 0 */
    while (!error && !regex_source_ended(source))
        error = take_token(parser);
    if (!error && parser->depth > 1)
        error = regex_source_fail(source, regex_innermost(parser)->offset, "( without its )");
    return error ? error : regex_close_group(parser, &parser->tree->root);
}

int regex_parse(struct text pattern, struct regex_tree *tree, struct regex_error *error)
{
    struct regex_source source = {.pattern = pattern, .error = error};

    *tree = (struct regex_tree){0};
    buffer_init(&tree->classes, CLASSES_MAX);
    if (pattern.length > REGEX_MAX_PATTERN)
        return regex_source_fail(&source, REGEX_MAX_PATTERN, "longer than %d bytes",
                                 REGEX_MAX_PATTERN);
    if (!utf8_is_valid(pattern))
        return regex_source_fail(&source, 0, "not UTF-8");
    autofree struct regex_parser *parser = calloc(1, sizeof(*parser));
    if (!parser)
        return -ENOMEM;
    parser->source = source;
    parser->tree = tree;
    parser->flags = REGEX_FLAG_DOT_NEWLINE;
    return parse(parser);
}

void regex_tree_free(struct regex_tree *tree)
{
    for (struct regex_node *node = tree->last_made, *before; node; node = before) {
        before = node->made_before;
        free(node);
    }
    buffer_free(&tree->classes);
    free(tree->names);
    *tree = (struct regex_tree){0};
}
