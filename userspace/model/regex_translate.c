/* SPDX-License-Identifier: Apache-2.0 */
/* From RE2's syntax, as Go's regexp reads it, to a PCRE2 pattern of the same meaning. Everything is
 * written out: the output has no flags but (?i), and no construct whose meaning the two dialects
 * disagree about. Characters and classes are regex_source.c's and regex_class.c's. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "model/regex_source.h"
#include "model/utf8.h"

#define MAX_REPEAT 1000 /* RE2's: of one {n,m}, and of the product where they are nested */
#define NOWHERE SIZE_MAX

enum flag {
    FLAG_FOLD = 1,        /* i */
    FLAG_LINES = 2,       /* m: ^ and $ at lines */
    FLAG_DOT_NEWLINE = 4, /* s */
    FLAG_LAZY = 8,        /* U */
};

/* What a repetition would repeat: the last thing in the output. */
struct atom {
    size_t start; /* in the output; NOWHERE: there is nothing */
    bool bare;    /* PCRE2 takes no quantifier right behind it */
    unsigned repeats;
};

struct group {
    size_t offset; /* in the pattern */
    size_t start;  /* in the output */
    unsigned flags;
    bool out_folds;
    unsigned repeats; /* the largest product of the repetitions within */
};

struct translator {
    struct regex_source source;
    struct buffer *out;
    struct regex_groups *groups;
    size_t group_capacity;
    struct group open[REGEX_MAX_DEPTH + 1]; /* the first is the whole pattern */
    size_t depth;
    unsigned flags;
    bool out_folds; /* the output is under (?i) */
    struct atom atom;
    bool after_repeat; /* a repetition came right before */
};

static void begin_atom(struct translator *translator, bool bare)
{
    translator->atom = (struct atom){translator->out->length, bare, 1};
}

static void set_folding(struct translator *translator)
{
    bool fold = translator->flags & FLAG_FOLD;
    if (translator->out_folds != fold)
        buffer_append_string(translator->out, fold ? "(?i)" : "(?-i)");
    translator->out_folds = fold;
}

static void write_literal(struct translator *translator, uint32_t rune)
{
    set_folding(translator);
    begin_atom(translator, false);
    if (regex_rune_is_surrogate(rune))
        buffer_append_string(translator->out, REGEX_NEVER);
    else
        regex_write_rune(translator->out, rune);
}

static void write_simple(struct translator *translator, const char *text, bool bare)
{
    begin_atom(translator, bare);
    buffer_append_string(translator->out, text);
}

/* --- groups --- */

static int add_group_name(struct translator *translator, struct text name)
{
    struct regex_groups *groups = translator->groups;
    if (groups->count == translator->group_capacity) {
        size_t capacity = translator->group_capacity ? translator->group_capacity * 2 : 8;
        void *names = realloc(groups->names, capacity * sizeof(*groups->names));
        if (!names)
            return -ENOMEM;
        groups->names = names;
        translator->group_capacity = capacity;
    }
    groups->names[groups->count++] = name;
    return 0;
}

static int open_group(struct translator *translator, size_t offset, const char *text)
{
    if (translator->depth == ARRAY_SIZE(translator->open))
        return regex_source_fail(&translator->source, offset, "more than %d groups in one another",
                                 REGEX_MAX_DEPTH);
    translator->open[translator->depth++] = (struct group){
        .offset = offset,
        .start = translator->out->length,
        .flags = translator->flags,
        .out_folds = translator->out_folds,
        .repeats = 1,
    };
    buffer_append_string(translator->out, text);
    translator->atom.start = NOWHERE;
    return 0;
}

static int open_capture(struct translator *translator, size_t offset, struct text name)
{
    int error = add_group_name(translator, name);
    return error ? error : open_group(translator, offset, "(");
}

static void note_repeats(struct translator *translator, unsigned repeats)
{
    struct group *group = &translator->open[translator->depth - 1];
    if (repeats > group->repeats)
        group->repeats = repeats;
}

static int close_group(struct translator *translator)
{
    if (translator->depth == 1)
        return regex_source_fail(&translator->source, translator->source.at - 1,
                                 "unexpected ): no group is open");
    const struct group *group = &translator->open[--translator->depth];
    buffer_append_char(translator->out, ')');
    translator->flags = group->flags;
    translator->out_folds = group->out_folds;
    translator->atom = (struct atom){group->start, false, group->repeats};
    note_repeats(translator, group->repeats);
    return 0;
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

static int refuse_group(struct translator *translator, size_t offset)
{
    struct regex_source *source = &translator->source;
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
static int take_named_group(struct translator *translator, size_t offset)
{
    struct regex_source *source = &translator->source;
    struct text rest = regex_source_rest(source);
    const char *end = memchr(rest.bytes, '>', rest.length);
    struct text name = {rest.bytes, end ? (size_t)(end - rest.bytes) : 0};

    if (!end || !is_group_name(name))
        return regex_source_fail(source, offset,
                                 "the name of a group is letters, digits and _, as in "
                                 "(?P<name>...)");
    source->at += name.length + 1;
    return open_capture(translator, offset, name);
}

static unsigned flag_of(uint32_t letter)
{
    static const char letters[] = "imsU";
    const char *found = letter && letter < 0x80 ? strchr(letters, (int)letter) : NULL;
    return found ? 1u << (found - letters) : 0;
}

/* (?i) changes the rest of the group around it, (?i:...) opens one. */
static int take_flags(struct translator *translator, size_t offset)
{
    struct regex_source *source = &translator->source;
    unsigned flags = translator->flags;
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
            int error = c == ':' ? open_group(translator, offset, "(?:") : 0;
            translator->flags = flags;
            return error;
        } else {
            break;
        }
    }
    return refuse_group(translator, offset);
}

static int take_group(struct translator *translator)
{
    struct regex_source *source = &translator->source;
    size_t offset = source->at++;

    if (regex_source_has(source, "*"))
        return regex_source_fail(source, offset,
                                 "(*: RE2 has no verbs, and there is nothing to "
                                 "repeat");
    if (!regex_source_take(source, "?"))
        return open_capture(translator, offset, (struct text){"", 0});
    bool look_behind = regex_source_has(source, "<=") || regex_source_has(source, "<!");
    if (regex_source_take(source, "P<") || (!look_behind && regex_source_take(source, "<")))
        return take_named_group(translator, offset);
    return take_flags(translator, offset);
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

/* {n}, {n,} and {n,m}; anything else is no repetition. `most` is -1 for no bound. */
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

static int insert_text(struct buffer *out, size_t at, const char *text)
{
    size_t length = strlen(text);
    if (!buffer_reserve(out, length))
        return -ENOMEM;
    memmove(out->bytes + at + length, out->bytes + at, out->length - at);
    memcpy(out->bytes + at, text, length);
    out->length += length;
    return 0;
}

static int check_repeat(struct translator *translator, size_t offset, int least, int most)
{
    struct regex_source *source = &translator->source;
    int length = (int)(source->at - offset);
    const char *text = source->pattern.bytes + offset;

    if (least > MAX_REPEAT || most > MAX_REPEAT)
        return regex_source_fail(source, offset, "%.*s: %d is the most that RE2 repeats", length,
                                 text, MAX_REPEAT);
    if (most >= 0 && least > most)
        return regex_source_fail(source, offset, "%.*s: the first number is the larger one", length,
                                 text);
    if (translator->after_repeat)
        return regex_source_fail(source, offset,
                                 "%.*s right behind a repetition: RE2 has no "
                                 "possessive ones; repeat a group, (?:...)",
                                 length, text);
    if (translator->atom.start == NOWHERE)
        return regex_source_fail(source, offset, "%.*s has nothing to repeat", length, text);
    int times = most < 0 ? least : most;
    translator->atom.repeats *= times > 1 ? (unsigned)times : 1;
    if (translator->atom.repeats > MAX_REPEAT)
        return regex_source_fail(source, offset,
                                 "%.*s: with the repetitions within more than %d in all", length,
                                 text, MAX_REPEAT);
    return 0;
}

/* The operator ends at source->at, an optional ? behind it apart. */
static int write_repeat(struct translator *translator, size_t offset, int least, int most)
{
    struct regex_source *source = &translator->source;
    struct buffer *out = translator->out;
    struct atom *atom = &translator->atom;

    int error = check_repeat(translator, offset, least, most);
    if (error)
        return error;
    bool lazy = regex_source_take(source, "?") != ((translator->flags & FLAG_LAZY) != 0);
    note_repeats(translator, atom->repeats);
    if (atom->bare) {
        if (insert_text(out, atom->start, "(?:"))
            return -ENOMEM;
        buffer_append_char(out, ')');
    }
    atom->bare = true;
    if (most >= 0)
        buffer_printf(out, "{%d,%d}", least, most);
    else
        buffer_printf(out, "{%d,}", least);
    if (lazy)
        buffer_append_char(out, '?');
    return 0;
}

static int take_repeat(struct translator *translator, bool *taken)
{
    struct regex_source *source = &translator->source;
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
    return write_repeat(translator, offset, least, most);
}

/* --- the rest --- */

/* \Q...\E: everything between stands for itself. */
static int take_quoted(struct translator *translator, size_t offset)
{
    struct regex_source *source = &translator->source;

    while (!regex_source_take(source, "\\E")) {
        if (regex_source_ended(source))
            return regex_source_fail(source, offset, "\\Q without its \\E");
        write_literal(translator, regex_source_take_rune(source));
    }
    return 0;
}

/* Tokens that are the same wherever they stand. */
static const struct {
    const char *token;
    const char *output;
} assertions[] = {
    {"\\A", "\\A"},
    {"\\z", "\\z"},
    {"\\b", "\\b"},
    {"\\B", "\\B"},
};

static bool take_assertion(struct translator *translator)
{
    bool lines = translator->flags & FLAG_LINES;

    for (size_t i = 0; i < ARRAY_SIZE(assertions); i++)
        if (regex_source_take(&translator->source, assertions[i].token)) {
            write_simple(translator, assertions[i].output, true);
            return true;
        }
    if (regex_source_take(&translator->source, "^"))
        write_simple(translator, lines ? "(?<![^\\n])" : "\\A", true);
    else if (regex_source_take(&translator->source, "$"))
        write_simple(translator, lines ? "(?![^\\n])" : "\\z", true);
    else
        return false;
    return true;
}

static int take_class(struct translator *translator)
{
    bool fold = translator->flags & FLAG_FOLD;

    set_folding(translator);
    begin_atom(translator, false);
    return regex_write_class(&translator->source, fold, translator->out);
}

static int take_literal(struct translator *translator)
{
    struct regex_source *source = &translator->source;
    uint32_t rune;
    int error = 0;

    if (regex_source_has(source, "\\"))
        error = regex_source_take_escape(source, &rune);
    else
        rune = regex_source_take_rune(source);
    if (!error)
        write_literal(translator, rune);
    return error;
}

static int take_token(struct translator *translator)
{
    struct regex_source *source = &translator->source;
    size_t offset = source->at;
    bool repeat = false;

    int error = take_repeat(translator, &repeat);
    translator->after_repeat = repeat;
    if (error || repeat)
        return error;
    if (regex_source_has(source, "("))
        return take_group(translator);
    if (regex_source_take(source, ")"))
        return close_group(translator);
    if (regex_source_take(source, "|")) {
        write_simple(translator, "|", false);
        translator->atom.start = NOWHERE;
        return 0;
    }
    if (regex_source_take(source, ".")) {
        write_simple(translator, translator->flags & FLAG_DOT_NEWLINE ? "." : "[^\\n]", false);
        return 0;
    }
    if (regex_source_take(source, "\\Q"))
        return take_quoted(translator, offset);
    if (take_assertion(translator))
        return 0;
    return regex_class_begins(source) ? take_class(translator) : take_literal(translator);
}

static int translate(struct translator *translator)
{
    struct regex_source *source = &translator->source;

    int error = add_group_name(translator, (struct text){"", 0});
    if (!error)
        error = open_group(translator, 0, "\\A(?:");
    while (!error && !regex_source_ended(source))
        error = take_token(translator);
    if (!error && translator->depth > 1)
        error = regex_source_fail(source, translator->open[translator->depth - 1].offset,
                                  "( without its )");
    buffer_append_string(translator->out, ")\\z");
    return !error && translator->out->failed ? -ENOMEM : error;
}

int regex_translate(struct text pattern, struct buffer *out, struct regex_groups *groups,
                    struct regex_error *error)
{
    struct regex_source source = {.pattern = pattern, .error = error};
    if (pattern.length > REGEX_MAX_PATTERN)
        return regex_source_fail(&source, REGEX_MAX_PATTERN, "longer than %d bytes",
                                 REGEX_MAX_PATTERN);
    if (!utf8_is_valid(pattern))
        return regex_source_fail(&source, 0, "not UTF-8");

    autofree struct translator *translator = calloc(1, sizeof(*translator));
    if (!translator)
        return -ENOMEM;
    translator->source = source;
    translator->out = out;
    translator->groups = groups;
    translator->flags = FLAG_DOT_NEWLINE;
    return translate(translator);
}
