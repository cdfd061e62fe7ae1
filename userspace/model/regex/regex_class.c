/* SPDX-License-Identifier: Apache-2.0 */
/* Character classes: [a-z], \d, [[:alpha:]], \pL. All of them are written out for PCRE2, because
 * its own \s, [:punct:] and \p{Greek} are not Go's. */
#include <ctype.h>
#include <errno.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "model/regex/regex_source.h"
#include "model/utf8.h"

/* Sets with a name. The negated ones of them cannot be members of a PCRE2 class that ignores case
 * (its complement would be folded, not the set): they become classes of their own. */
static const struct named_set {
    char perl; /* \d */
    const char *name;
    const char *members;
} named_sets[] = {
    {'d', "digit", "0-9"},
    {'s', NULL, "\\t\\n\\f\\r\\x20"},
    {'w', "word", "0-9A-Za-z_"},
    {0, "alnum", "0-9A-Za-z"},
    {0, "alpha", "A-Za-z"},
    {0, "ascii", "\\x00-\\x7f"},
    {0, "blank", "\\t\\x20"},
    {0, "cntrl", "\\x00-\\x1f\\x7f"},
    {0, "graph", "\\x21-\\x7e"},
    {0, "lower", "a-z"},
    {0, "print", "\\x20-\\x7e"},
    {0, "punct", "\\x21-\\x2f\\x3a-\\x40\\x5b-\\x60\\x7b-\\x7e"},
    {0, "space", "\\x09-\\x0d\\x20"},
    {0, "upper", "A-Z"},
    {0, "xdigit", "0-9A-Fa-f"},
    /* Unicode sets that ignoring the case makes larger. */
    {0, "p{L}", "\\p{L}\\x{345}"},
    {0, "p{M}", "\\p{M}\\x{399}\\x{3b9}\\x{1fbe}"},
    {0, "p{Mn}", "\\p{Mn}\\x{399}\\x{3b9}\\x{1fbe}"},
    {0, "p{Common}", "\\p{sc:Common}\\x{39c}\\x{3bc}"},
    {0, "p{Greek}", "\\p{sc:Greek}\\x{b5}\\x{345}"},
    {0, "p{Inherited}", "\\p{sc:Inherited}\\x{399}\\x{3b9}\\x{1fbe}"},
};
_Static_assert(ARRAY_SIZE(named_sets) <= 32, "they fit a mask");

struct regex_class {
    bool fold;
    struct buffer members; /* as PCRE2 has them between brackets */
    uint32_t negated;      /* named_sets whose complements belong to it too */
};

static bool named_set_is(size_t index, const char *prefix, struct text name)
{
    struct text own = text_of(named_sets[index].name);
    return named_sets[index].name && text_take(&own, prefix) && text_equal(own, name);
}

static void add_named_set(struct regex_class *class, size_t index, bool negated)
{
    if (negated)
        class->negated |= 1u << index;
    else
        buffer_append_string(&class->members, named_sets[index].members);
}

static void add_range(struct regex_class *class, uint32_t low, uint32_t high)
{
    if (low < 0xd800 && high > 0xdfff) {
        add_range(class, low, 0xd7ff);
        low = 0xe000;
    }
    if (regex_rune_is_surrogate(low))
        low = 0xe000;
    if (regex_rune_is_surrogate(high))
        high = 0xd7ff;
    if (low > high)
        return; /* surrogates alone, which are in no UTF-8 */
    regex_write_rune(&class->members, low);
    if (low == high)
        return;
    buffer_append_char(&class->members, '-');
    regex_write_rune(&class->members, high);
}

/* --- \d \s \w and their complements --- */

static bool take_perl_set(struct regex_source *source, struct regex_class *class)
{
    struct text rest = regex_source_rest(source);

    if (rest.length < 2 || rest.bytes[0] != '\\')
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(named_sets); i++) {
        char perl = named_sets[i].perl;
        if (!perl || tolower((unsigned char)rest.bytes[1]) != perl)
            continue;
        add_named_set(class, i, rest.bytes[1] != perl);
        source->at += 2;
        return true;
    }
    return false;
}

/* --- [:alpha:] --- */

/* 0 with *taken, or -EINVAL: what has the form and no such name. */
static int take_posix_set(struct regex_source *source, struct regex_class *class, bool *taken)
{
    struct text rest = regex_source_rest(source);

    *taken = false;
    if (!text_take(&rest, "[:"))
        return 0;
    const char *end = memmem(rest.bytes, rest.length, ":]", 2);
    if (!end)
        return 0;
    struct text name = {rest.bytes, (size_t)(end - rest.bytes)};
    size_t length = sizeof("[:") - 1 + name.length + sizeof(":]") - 1;
    bool negated = text_take(&name, "^");
    for (size_t i = 0; i < ARRAY_SIZE(named_sets); i++) {
        if (!named_set_is(i, "", name) || named_sets[i].name[1] == '{')
            continue;
        add_named_set(class, i, negated);
        source->at += length;
        *taken = true;
        return 0;
    }
    return regex_source_fail(source, source->at, "there is no character class [:%.*s:]",
                             name.length < 40 ? (int)name.length : 40, name.bytes);
}

/* --- \pL \p{Greek} --- */

static bool is_category(struct text name)
{
    static const char *const categories[] = {
        "C",  "Cc", "Cf", "Cn", "Co", "Cs", "L",  "Ll", "Lm", "Lo", "Lt", "Lu", "M",
        "Mc", "Me", "Mn", "N",  "Nd", "Nl", "No", "P",  "Pc", "Pd", "Pe", "Pf", "Pi",
        "Po", "Ps", "S",  "Sc", "Sk", "Sm", "So", "Z",  "Zl", "Zp", "Zs",
    };
    for (size_t i = 0; i < ARRAY_SIZE(categories); i++)
        if (text_equal(name, text_of(categories[i])))
            return true;
    return false;
}

/* The name between \p and its end. 0 or -EINVAL. */
static int take_property_name(struct regex_source *source, struct text *name)
{
    size_t start = source->at;

    source->at += sizeof("\\p") - 1;
    if (regex_source_ended(source))
        return regex_source_fail(source, start, "\\p needs a name, as in \\pL or \\p{Greek}");
    if (!regex_source_take(source, "{")) {
        *name = regex_source_rest(source);
        regex_source_take_rune(source);
        name->length -= regex_source_rest(source).length;
        return 0;
    }
    struct text rest = regex_source_rest(source);
    const char *end = memchr(rest.bytes, '}', rest.length);
    if (!end)
        return regex_source_fail(source, start, "\\p{ without its }");
    *name = (struct text){rest.bytes, (size_t)(end - rest.bytes)};
    source->at += name->length + 1;
    return 0;
}

/* To PCRE2. */
static bool script_is_known(struct text name)
{
    char pattern[64];
    int code, length = snprintf(pattern, sizeof(pattern), "\\p{sc:%.*s}", TEXT_FORMAT(name));
    PCRE2_SIZE offset;

    if (!name.length || length >= (int)sizeof(pattern))
        return false;
    pcre2_code *compiled =
        pcre2_compile((PCRE2_SPTR)pattern, (PCRE2_SIZE)length, PCRE2_UTF, &code, &offset, NULL);
    pcre2_code_free(compiled);
    return compiled != NULL;
}

static int take_property(struct regex_source *source, struct regex_class *class)
{
    size_t start = source->at;
    bool negated = source->pattern.bytes[start + 1] == 'P';
    struct text name;

    int error = take_property_name(source, &name);
    if (error)
        return error;
    if (text_take(&name, "^"))
        negated = !negated;
    for (size_t i = 0; class->fold && i < ARRAY_SIZE(named_sets); i++) {
        struct text own = text_of(named_sets[i].name);
        if (text_take(&own, "p{") && text_has_prefix(own, name) && own.length == name.length + 1) {
            add_named_set(class, i, negated);
            return 0;
        }
    }
    bool cased = text_equal(name, TEXT("Lu")) || text_equal(name, TEXT("Ll")) ||
                 text_equal(name, TEXT("Lt"));
    if (class->fold && cased)
        return regex_source_fail(source, start,
                                 "\\p{%.2s} under (?i) is not supported; write \\pL, or "
                                 "(?-i:\\p{%.2s})",
                                 name.bytes, name.bytes);
    const char *sign = negated ? "P" : "p";
    if (text_equal(name, TEXT("Any")))
        buffer_printf(&class->members, "\\%s{Any}", sign);
    else if (is_category(name))
        buffer_printf(&class->members, "\\%s{%.*s}", sign, TEXT_FORMAT(name));
    else if (script_is_known(name))
        buffer_printf(&class->members, "\\%s{sc:%.*s}", sign, TEXT_FORMAT(name));
    else
        return regex_source_fail(source, start, "there is no character class \\p{%.*s}",
                                 name.length < 40 ? (int)name.length : 40, name.bytes);
    return 0;
}

/* --- [a-z] --- */

static int take_member_rune(struct regex_source *source, uint32_t *rune)
{
    if (regex_source_has(source, "\\"))
        return regex_source_take_escape(source, rune);
    *rune = regex_source_take_rune(source);
    return 0;
}

static int take_range(struct regex_source *source, struct regex_class *class)
{
    size_t start = source->at;
    uint32_t low, high;

    int error = take_member_rune(source, &low);
    if (error)
        return error;
    high = low;
    struct text rest = regex_source_rest(source);
    if (rest.length >= 2 && rest.bytes[0] == '-' && rest.bytes[1] != ']') {
        source->at++;
        error = take_member_rune(source, &high);
        if (error)
            return error;
    }
    if (high < low)
        return regex_source_fail(source, start, "the range %.*s goes backwards",
                                 (int)(source->at - start), source->pattern.bytes + start);
    add_range(class, low, high);
    return 0;
}

static bool property_begins(const struct regex_source *source)
{
    return regex_source_has(source, "\\p") || regex_source_has(source, "\\P");
}

static int take_member(struct regex_source *source, struct regex_class *class)
{
    bool taken;

    int error = take_posix_set(source, class, &taken);
    if (error || taken)
        return error;
    if (property_begins(source))
        return take_property(source, class);
    return take_perl_set(source, class) ? 0 : take_range(source, class);
}

/* ] and ^ may come first and mean themselves. */
static int take_bracketed(struct regex_source *source, struct regex_class *class, bool *negated)
{
    size_t start = source->at++;

    *negated = regex_source_take(source, "^");
    for (bool first = true; first || !regex_source_take(source, "]"); first = false) {
        if (regex_source_ended(source))
            return regex_source_fail(source, start, "[ without its ]");
        int error = take_member(source, class);
        if (error)
            return error;
    }
    return 0;
}

/* --- as PCRE2 has it --- */

static void write_set(struct buffer *out, bool negated, struct text members)
{
    buffer_append_string(out, negated ? "[^" : "[");
    buffer_append_text(out, members);
    buffer_append_char(out, ']');
}

/* The alternatives of which the class is made. */
static void write_parts(const struct regex_class *class, struct buffer *out)
{
    const char *separator = "";

    if (class->members.length) {
        write_set(out, false, buffer_text(&class->members));
        separator = "|";
    }
    for (size_t i = 0; i < ARRAY_SIZE(named_sets); i++) {
        if (!(class->negated & 1u << i))
            continue;
        buffer_append_string(out, separator);
        write_set(out, true, text_of(named_sets[i].members));
        separator = "|";
    }
}

static void write_class(const struct regex_class *class, bool negated, struct buffer *out)
{
    int parts = (class->members.length > 0) + __builtin_popcount(class->negated);

    if (parts == 0) {
        buffer_append_string(out, negated ? "." : REGEX_NEVER);
    } else if (parts == 1 && class->members.length) {
        write_set(out, negated, buffer_text(&class->members));
    } else if (parts == 1) {
        int index = __builtin_ctz(class->negated);
        write_set(out, !negated, text_of(named_sets[index].members));
    } else {
        buffer_append_string(out, negated ? "(?:(?!" : "(?:");
        write_parts(class, out);
        buffer_append_string(out, negated ? ").)" : ")");
    }
}

bool regex_class_begins(const struct regex_source *source)
{
    static const char letters[] = "dDsSwWpP";
    struct text rest = regex_source_rest(source);

    return regex_source_has(source, "[") || (rest.length >= 2 && rest.bytes[0] == '\\' &&
                                             rest.bytes[1] && strchr(letters, rest.bytes[1]));
}

int regex_write_class(struct regex_source *source, bool fold, struct buffer *out)
{
    struct regex_class class = {.fold = fold};
    bool negated = false;
    int error = 0;

    buffer_init(&class.members, out->maximum);
    if (regex_source_has(source, "["))
        error = take_bracketed(source, &class, &negated);
    else if (property_begins(source))
        error = take_property(source, &class);
    else
        take_perl_set(source, &class);
    if (!error && class.members.failed)
        error = -ENOMEM;
    if (!error)
        write_class(&class, negated, out);
    buffer_free(&class.members);
    return error;
}
