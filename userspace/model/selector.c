/* SPDX-License-Identifier: Apache-2.0 */
/* One token of look-ahead, the first fault ends it. */
#include "model/selector.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "model/regex/regex.h"

struct matcher {
    char *name, *value;
    size_t name_length, value_length;
    struct regex *regex; /* NULL: compared */
    bool negated;
};

struct selector {
    struct matcher *matchers;
    size_t count;
};

struct selector_parser {
    struct selector_lexer lexer;
    struct token token; /* the next one */
    struct selector *selector;
    char *error;
};

/* ---- errors ---- */

/* "line:column: parse error: ", as of the byte `at`. */
static int fail(struct selector_parser *parser, size_t at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int fail(struct selector_parser *parser, size_t at, const char *format, ...)
{
    size_t line = 1, line_start = 0;
    va_list arguments;

    for (size_t i = 0; i < at && i < parser->lexer.input.length; i++) {
        if (parser->lexer.input.bytes[i] != '\n')
            continue;
        line++;
        line_start = i + 1;
    }
    int length =
        parser->lexer.input.length
            ? snprintf(parser->error, SELECTOR_ERROR_SIZE, "%zu:%zu: parse error: ", line,
                       at - line_start + 1)
            : snprintf(parser->error, SELECTOR_ERROR_SIZE, "unknown position: parse error: ");
    va_start(arguments, format);
    vsnprintf(parser->error + length, SELECTOR_ERROR_SIZE - (size_t)length, format, arguments);
    va_end(arguments);
    return -EINVAL;
}

static int fail_unexpected(struct selector_parser *parser, const char *expected)
{
    autobuffer struct buffer what;

    buffer_init(&what, SELECTOR_MAX_BYTES);
    if (parser->token.type == TOKEN_ERROR)
        return fail(parser, parser->token.at, "%s", parser->lexer.error);
    token_describe(&parser->token, &what);
    if (!what.bytes)
        return -ENOMEM;
    return fail(parser, parser->token.at, "unexpected %s%s%s", what.bytes,
                expected ? " in label matching, expected " : "", expected ? expected : "");
}

static void advance(struct selector_parser *parser)
{
    parser->token = selector_lex(&parser->lexer);
}

/* ---- matchers ---- */

/* An empty one has nothing to free. */
static int reserve_matcher(struct selector_parser *parser, size_t at, struct matcher **out)
{
    struct selector *selector = parser->selector;

    if (selector->count == SELECTOR_MAX_MATCHERS)
        return fail(parser, at, "more than %d label matchers", SELECTOR_MAX_MATCHERS);
    void *grown = realloc(selector->matchers, (selector->count + 1) * sizeof(*selector->matchers));
    if (!grown)
        return -ENOMEM;
    selector->matchers = grown;
    *out = &selector->matchers[selector->count++];
    **out = (struct matcher){0};
    return 0;
}

static int compile(struct selector_parser *parser, struct matcher *matcher, size_t at)
{
    struct regex_error error;
    int failed =
        regex_new((struct text){matcher->value, matcher->value_length}, &matcher->regex, &error);

    return failed == -EINVAL ? fail(parser, at, "error parsing regexp: %s", error.message) : failed;
}

/* A copy with a NUL behind it. */
static int copy_text(struct text text, char **out, size_t *length)
{
    *out = malloc(text.length + 1);
    if (!*out)
        return -ENOMEM;
    memcpy(*out, text.bytes, text.length);
    (*out)[text.length] = '\0';
    *length = text.length;
    return 0;
}

static int unquote(struct text quoted, char **out, size_t *length)
{
    autobuffer struct buffer text;

    buffer_init(&text, SELECTOR_MAX_BYTES);
    buffer_append_string(&text, "");
    int error = token_unquote(quoted, &text);
    return error ? error : copy_text(buffer_text(&text), out, length);
}

static int take_name(const struct token *name, struct matcher *matcher)
{
    return name->type == TOKEN_STRING
               ? unquote(name->text, &matcher->name, &matcher->name_length)
               : copy_text(name->text, &matcher->name, &matcher->name_length);
}

static bool is_match_operator(enum token_type type)
{
    return type == TOKEN_EQUAL || type == TOKEN_NOT_EQUAL || type == TOKEN_REGEX ||
           type == TOKEN_NOT_REGEX;
}

/* {"my.metric"}: a string alone is the metric's name. */
static int add_name_matcher(struct selector_parser *parser, const struct token *name)
{
    struct matcher *matcher;
    int error = reserve_matcher(parser, name->at, &matcher);

    if (!error)
        error = copy_text(TEXT(LABEL_METRIC_NAME), &matcher->name, &matcher->name_length);
    if (error)
        return error;
    return name->type == TOKEN_STRING
               ? unquote(name->text, &matcher->value, &matcher->value_length)
               : copy_text(name->text, &matcher->value, &matcher->value_length);
}

/* name OPERATOR "value", or "name" alone. */
static int parse_matcher(struct selector_parser *parser)
{
    struct token name = parser->token;
    struct matcher *matcher;

    if (name.type != TOKEN_IDENTIFIER && name.type != TOKEN_STRING)
        return fail_unexpected(parser, "identifier or \"}\"");
    advance(parser);
    enum token_type type = parser->token.type;
    if (!is_match_operator(type))
        return name.type == TOKEN_STRING ? add_name_matcher(parser, &name)
                                         : fail_unexpected(parser, "label matching operator");
    advance(parser);
    if (parser->token.type != TOKEN_STRING)
        return fail_unexpected(parser, "string");
    int error = reserve_matcher(parser, name.at, &matcher);
    if (!error)
        error = take_name(&name, matcher);
    if (!error)
        error = unquote(parser->token.text, &matcher->value, &matcher->value_length);
    if (error)
        return error;
    matcher->negated = type == TOKEN_NOT_EQUAL || type == TOKEN_NOT_REGEX;
    if (type == TOKEN_REGEX || type == TOKEN_NOT_REGEX)
        error = compile(parser, matcher, name.at);
    if (!error)
        advance(parser);
    return error;
}

/* Behind the opening brace. A comma may stand before the closing one. */
static int parse_matchers(struct selector_parser *parser)
{
    while (parser->token.type != TOKEN_RIGHT_BRACE) {
        int error = parse_matcher(parser);
        if (error)
            return error;
        if (parser->token.type == TOKEN_COMMA)
            advance(parser);
        else if (parser->token.type != TOKEN_RIGHT_BRACE)
            return fail_unexpected(parser, "\",\" or \"}\"");
    }
    advance(parser);
    return 0;
}

static int parse(struct selector_parser *parser)
{
    struct token name = parser->token;
    bool named = name.type == TOKEN_IDENTIFIER || name.type == TOKEN_METRIC_IDENTIFIER ||
                 name.type == TOKEN_NAME_KEYWORD;
    int error = 0;

    if (named)
        advance(parser);
    else if (name.type != TOKEN_LEFT_BRACE)
        return fail_unexpected(parser, NULL);
    if (parser->token.type == TOKEN_LEFT_BRACE) {
        advance(parser);
        error = parse_matchers(parser);
    }
    if (!error && parser->token.type != TOKEN_EOF)
        error = fail_unexpected(parser, NULL);
    if (!error && named)
        error = add_name_matcher(parser, &name);
    return error;
}

int selector_parse(struct text text, struct selector **out, char error[SELECTOR_ERROR_SIZE])
{
    struct selector_parser parser = {.lexer = {.input = text}, .error = error};

    if (text.length > SELECTOR_MAX_BYTES)
        return fail(&parser, 0, "the selector is longer than %d bytes", SELECTOR_MAX_BYTES);
    parser.selector = calloc(1, sizeof(*parser.selector));
    if (!parser.selector)
        return -ENOMEM;
    advance(&parser);
    int failed = parse(&parser);
    if (failed)
        selector_free(&parser.selector);
    else
        *out = parser.selector;
    return failed;
}

void selector_free(struct selector **out)
{
    struct selector *selector = TAKE_PTR(*out);

    for (size_t i = 0; selector && i < selector->count; i++) {
        free(selector->matchers[i].name);
        free(selector->matchers[i].value);
        regex_free(&selector->matchers[i].regex);
    }
    if (selector)
        free(selector->matchers);
    free(selector);
}

/* ---- matching ---- */

bool selector_is_empty(const struct selector *selector)
{
    return !selector->count;
}

bool selector_match(const struct selector *selector, const struct labels *labels,
                    const struct labels *hidden)
{
    for (size_t i = 0; i < selector->count; i++) {
        const struct matcher *matcher = &selector->matchers[i];
        struct text name = {matcher->name, matcher->name_length};
        struct text wanted = {matcher->value, matcher->value_length};
        struct text value = labels_get(labels, name);
        if (hidden && value.length && text_equal(labels_get(hidden, name), value))
            value = (struct text){"", 0};
        bool matches =
            matcher->regex ? regex_match(matcher->regex, value) : text_equal(value, wanted);
        if (matches == matcher->negated)
            return false;
    }
    return !selector_is_empty(selector);
}
