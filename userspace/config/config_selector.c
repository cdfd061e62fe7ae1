/* SPDX-License-Identifier: Apache-2.0 */
/* Label selectors are requirements with commas between them: KEY, !KEY, KEY=VALUE, KEY!=VALUE, KEY
 * in (VALUE, ...), KEY notin (...), KEY>NUMBER, KEY<NUMBER. Field selectors are FIELD=VALUE and
 * FIELD!=VALUE. */
#include "config/config_selector.h"

#include <ctype.h>

#define MAX_NAME 63
#define MAX_PREFIX 253

static bool is_alphanumeric(char c)
{
    return isalnum((unsigned char)c);
}

/* Begins and ends with a letter or digit, with those and `others` between. */
static bool is_framed(struct text text, const char *others, size_t most)
{
    if (!text.length || text.length > most || !is_alphanumeric(text.bytes[0]) ||
        !is_alphanumeric(text.bytes[text.length - 1]))
        return false;
    for (size_t i = 0; i < text.length; i++)
        if (!is_alphanumeric(text.bytes[i]) && !strchr(others, text.bytes[i]))
            return false;
    return true;
}

static bool is_dns_name(struct text text)
{
    while (text.length <= MAX_PREFIX) {
        const char *dot = text.length ? memchr(text.bytes, '.', text.length) : NULL;
        struct text part = {text.bytes, dot ? (size_t)(dot - text.bytes) : text.length};
        for (size_t i = 0; i < part.length; i++)
            if (isupper((unsigned char)part.bytes[i]))
                return false;
        if (!is_framed(part, "-", MAX_PREFIX))
            return false;
        if (!dot)
            return true;
        text = text_behind(text, part.length + 1);
    }
    return false;
}

/* NAME or PREFIX/NAME. */
static bool is_key(struct text text)
{
    const char *slash = text.length ? memchr(text.bytes, '/', text.length) : NULL;
    if (slash) {
        struct text prefix = {text.bytes, (size_t)(slash - text.bytes)};
        if (!is_dns_name(prefix))
            return false;
        text = text_behind(text, prefix.length + 1);
    }
    return is_framed(text, "-_.", MAX_NAME);
}

static bool is_value(struct text text)
{
    return !text.length || is_framed(text, "-_.", MAX_NAME);
}

static bool is_integer(struct text text)
{
    for (size_t i = 0; i < text.length; i++)
        if (!isdigit((unsigned char)text.bytes[i]))
            return false;
    return text.length > 0 && text.length < 19;
}

/* ---- label selectors ---- */

static void skip_blanks(struct text *rest)
{
    while (rest->length && strchr(" \t\r\n", rest->bytes[0]))
        *rest = text_behind(*rest, 1);
}

static bool take_symbol(struct text *rest, const char *symbol)
{
    skip_blanks(rest);
    return text_take(rest, symbol);
}

/* What stands before the next blank or symbol; may be empty. */
static struct text take_word(struct text *rest)
{
    skip_blanks(rest);
    size_t length = 0;
    while (length < rest->length && !strchr(" \t\r\n=!(),><", rest->bytes[length]))
        length++;
    struct text word = {rest->bytes, length};
    *rest = text_behind(*rest, length);
    return word;
}

static const char *take_set(struct text *rest)
{
    if (!take_symbol(rest, "("))
        return "( is missing behind in or notin";
    do {
        if (!is_value(take_word(rest)))
            return "a value that no label can have";
    } while (take_symbol(rest, ","));
    return take_symbol(rest, ")") ? NULL : ") is missing";
}

/* What follows a key. */
static const char *take_operation(struct text *rest)
{
    struct text before = *rest;
    struct text word = take_word(rest);
    if (text_equal(word, TEXT("in")) || text_equal(word, TEXT("notin")))
        return take_set(rest);
    *rest = before;
    if (take_symbol(rest, "==") || take_symbol(rest, "!=") || take_symbol(rest, "="))
        return is_value(take_word(rest)) ? NULL : "a value that no label can have";
    if (take_symbol(rest, ">") || take_symbol(rest, "<"))
        return is_integer(take_word(rest)) ? NULL : "> and < compare whole numbers";
    return NULL;
}

const char *config_label_selector_fault(struct text selector, struct text *where)
{
    struct text rest = selector;
    skip_blanks(&rest);
    if (!rest.length)
        return NULL;
    do {
        skip_blanks(&rest);
        *where = rest;
        bool negated = take_symbol(&rest, "!");
        if (!is_key(take_word(&rest)))
            return "no label's name";
        const char *fault = negated ? NULL : take_operation(&rest);
        if (fault)
            return fault;
    } while (take_symbol(&rest, ","));
    skip_blanks(&rest);
    *where = rest;
    return rest.length ? "expected a comma, or =, !=, in (...) or notin (...)" : NULL;
}

/* ---- field selectors ---- */

/* The next term; a backslash makes a comma part of it. */
static struct text take_term(struct text *rest)
{
    size_t length = 0;
    for (; length < rest->length && rest->bytes[length] != ','; length++)
        length += rest->bytes[length] == '\\' && length + 1 < rest->length;
    struct text term = {rest->bytes, length};
    *rest = text_behind(*rest, length + (length < rest->length));
    return term;
}

/* Commas and equals signs have a backslash before them, backslashes too. */
static bool is_escaped(struct text value)
{
    for (size_t i = 0; i < value.length; i++) {
        if (value.bytes[i] == '=')
            return false;
        if (value.bytes[i] == '\\' && (++i == value.length || !strchr("\\,=", value.bytes[i])))
            return false;
    }
    return true;
}

static const char *term_fault(struct text term)
{
    const char *equal = memchr(term.bytes, '=', term.length);
    if (!equal)
        return "no FIELD=VALUE";
    struct text value = text_behind(term, (size_t)(equal - term.bytes) + 1);
    if (!(equal > term.bytes && equal[-1] == '!'))
        text_take(&value, "=");
    return is_escaped(value) ? NULL : "=, comma and \\ in a value need a \\ before them";
}

const char *config_field_selector_fault(struct text selector, struct text *where)
{
    for (struct text rest = selector; rest.length;) {
        *where = rest;
        struct text term = take_term(&rest);
        const char *fault = term.length ? term_fault(term) : NULL;
        if (fault)
            return fault;
    }
    return NULL;
}
