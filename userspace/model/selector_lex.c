/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of Prometheus' lexer: what is a string, a number, a word, and how it complains. Knows
 * no grammar. */
#include "model/selector_lex.h"

#include <errno.h>
#include <stdio.h>
#include <strings.h>

#include "base/cleanup.h"
#include "model/utf8.h"

#define END_OF_INPUT (-1)
#define RUNE_ERROR 0xfffd
#define SHOWN_RUNES 10 /* of a token in an error */

/* ---- runes ---- */

/* The character at `at`, and its bytes; RUNE_ERROR of one byte where there is none. */
static int32_t rune_at(struct text input, size_t at, size_t *length)
{
    const uint8_t *bytes = (const uint8_t *)input.bytes + at;
    *length = 0;
    if (at >= input.length)
        return END_OF_INPUT;
    *length = 1;
    if (bytes[0] < 0x80)
        return bytes[0];
    size_t size = bytes[0] >= 0xf0 ? 4 : bytes[0] >= 0xe0 ? 3 : 2;
    if (size > input.length - at || !utf8_is_valid((struct text){(const char *)bytes, size}))
        return RUNE_ERROR;
    int32_t rune = bytes[0] & (0x7f >> size);
    for (size_t i = 1; i < size; i++)
        rune = rune << 6 | (bytes[i] & 0x3f);
    *length = size;
    return rune;
}

static int32_t peek(const struct selector_lexer *lexer)
{
    size_t length;
    return rune_at(lexer->input, lexer->at, &length);
}

static int32_t next(struct selector_lexer *lexer)
{
    size_t length;
    int32_t rune = rune_at(lexer->input, lexer->at, &length);
    lexer->at += length;
    return rune;
}

static bool is_space(int32_t rune)
{
    return rune == ' ' || rune == '\t' || rune == '\n' || rune == '\r';
}

static bool is_digit(int32_t rune)
{
    return rune >= '0' && rune <= '9';
}

static bool is_alpha(int32_t rune)
{
    return rune == '_' || (rune >= 'a' && rune <= 'z') || (rune >= 'A' && rune <= 'Z');
}

static bool is_alphanumeric(int32_t rune)
{
    return is_alpha(rune) || is_digit(rune);
}

/* ---- quoting, as Go's %q ---- */

static bool is_printable(int32_t rune)
{
    return (rune >= 0x20 && rune < 0x7f) ||
           (rune > 0xa0 && rune != 0xad && rune != 0xfeff && !(rune >= 0x2000 && rune <= 0x200f) &&
            !(rune >= 0x2028 && rune <= 0x202f));
}

static void append_quoted_rune(struct buffer *out, int32_t rune, char quote)
{
    static const char escaped[] = "\a\b\f\n\r\t\v", letters[] = "abfnrtv";
    const char *found = rune > 0 && rune < 0x20 ? strchr(escaped, rune) : NULL;
    char bytes[8];

    if (found)
        buffer_printf(out, "\\%c", letters[found - escaped]);
    else if (rune == '\\' || rune == quote)
        buffer_printf(out, "\\%c", rune);
    else if (is_printable(rune))
        buffer_append(out, bytes, utf8_put((uint32_t)rune, bytes));
    else if (rune < 0x80)
        buffer_printf(out, "\\x%02x", rune);
    else
        buffer_printf(out, rune < 0x10000 ? "\\u%04x" : "\\U%08x", rune);
}

static void append_quoted(struct buffer *out, struct text text, size_t runes)
{
    size_t length;

    buffer_append_char(out, '"');
    for (size_t at = 0; at < text.length && runes--; at += length) {
        int32_t rune = rune_at(text, at, &length);
        if (rune == RUNE_ERROR && length == 1)
            buffer_printf(out, "\\x%02x", (uint8_t)text.bytes[at]);
        else
            append_quoted_rune(out, rune, '"');
    }
    buffer_append_char(out, '"');
}

/* ---- errors ---- */

static struct token fail(struct selector_lexer *lexer, const char *message)
{
    snprintf(lexer->error, sizeof(lexer->error), "%s", message);
    return (struct token){TOKEN_ERROR, lexer->start, {NULL, 0}};
}

/* With the rune as a quoted character behind. */
static struct token fail_at_rune(struct selector_lexer *lexer, const char *message, int32_t rune)
{
    autobuffer struct buffer text;

    buffer_init(&text, SELECTOR_ERROR_SIZE);
    buffer_printf(&text, "%s: '", message);
    append_quoted_rune(&text, rune == END_OF_INPUT ? RUNE_ERROR : rune, '\'');
    buffer_append_char(&text, '\'');
    return fail(lexer, text.bytes ? text.bytes : message);
}

/* With the rune as U+0071 'q', as Go's %#U. */
static struct token fail_escape(struct selector_lexer *lexer, const char *before, int32_t rune,
                                const char *behind)
{
    char bytes[8] = "", message[SELECTOR_ERROR_SIZE];

    if (rune == END_OF_INPUT)
        return fail(lexer, "escape sequence not terminated");
    if (is_printable(rune))
        bytes[utf8_put((uint32_t)rune, bytes)] = '\0';
    snprintf(message, sizeof(message), *bytes ? "%s U+%04X '%s'%s" : "%s U+%04X%s%s", before, rune,
             bytes, behind);
    return fail(lexer, message);
}

static struct token emit(struct selector_lexer *lexer, enum token_type type)
{
    struct text text = {lexer->input.bytes + lexer->start, lexer->at - lexer->start};
    return (struct token){type, lexer->start, text};
}

/* ---- strings ---- */

static uint32_t digit_value(int32_t rune)
{
    if (is_digit(rune))
        return (uint32_t)(rune - '0');
    int32_t lower = rune | 0x20;
    return lower >= 'a' && lower <= 'f' ? (uint32_t)(lower - 'a' + 10) : 16;
}

/* What stands behind a backslash of a form with digits: how many, of which base, up to what. */
struct escape_form {
    int digits;
    uint32_t base, maximum;
};

static struct escape_form escape_form(int32_t letter)
{
    switch (letter) {
    case 'x':
        return (struct escape_form){2, 16, 255};
    case 'u':
        return (struct escape_form){4, 16, 0x10ffff};
    case 'U':
        return (struct escape_form){8, 16, 0x10ffff};
    default:
        return (struct escape_form){3, 8, 255};
    }
}

/* Behind the backslash. Whether it is one; else the token says what is wrong. */
static bool lex_escape(struct selector_lexer *lexer, int32_t quote, struct token *wrong)
{
    size_t before = lexer->at;
    int32_t letter = next(lexer);
    uint32_t value = 0;

    if (letter == quote || (letter > 0 && letter < 0x80 && strchr("abfnrtv\\", letter)))
        return true;
    bool octal = letter >= '0' && letter <= '7';
    if (!octal && letter != 'x' && letter != 'u' && letter != 'U') {
        *wrong = fail_escape(lexer, "unknown escape sequence", letter, "");
        return false;
    }
    const struct escape_form form = escape_form(letter);
    if (octal)
        lexer->at = before;
    for (int i = 0; i < form.digits; i++) {
        int32_t rune = next(lexer);
        uint32_t digit = digit_value(rune);
        if (digit >= form.base) {
            *wrong = fail_escape(lexer, "illegal character", rune, " in escape sequence");
            return false;
        }
        value = value * form.base + digit;
    }
    if (value <= form.maximum && (value < 0xd800 || value >= 0xe000))
        return true;
    *wrong = fail(lexer, "escape sequence is an invalid Unicode code point");
    return false;
}

/* Behind the opening quote. */
static struct token lex_string(struct selector_lexer *lexer, int32_t quote)
{
    bool raw = quote == '`';
    struct token wrong;

    for (;;) {
        int32_t rune = next(lexer);
        if (rune == quote)
            return emit(lexer, TOKEN_STRING);
        if (rune == RUNE_ERROR)
            return fail(lexer, "invalid UTF-8 rune");
        if (rune == END_OF_INPUT || (rune == '\n' && !raw))
            return fail(lexer, raw ? "unterminated raw string" : "unterminated quoted string");
        if (rune == '\\' && !raw && !lex_escape(lexer, quote, &wrong))
            return wrong;
    }
}

static void append_escape(struct text quoted, size_t *at, struct buffer *out)
{
    static const char letters[] = "abfnrtv", values[] = "\a\b\f\n\r\t\v";
    char letter = quoted.bytes[*at], bytes[8];
    const char *found = letter ? strchr(letters, letter) : NULL;
    bool octal = letter >= '0' && letter <= '7';
    uint32_t value = 0;

    if (found || !(octal || letter == 'x' || letter == 'u' || letter == 'U')) {
        buffer_append_char(out, found ? values[found - letters] : letter);
        ++*at;
        return;
    }
    const struct escape_form form = escape_form(letter);
    *at += !octal;
    for (int i = 0; i < form.digits; i++)
        value = value * form.base + digit_value(quoted.bytes[(*at)++]);
    if (octal || letter == 'x') /* a byte, which may be no UTF-8 */
        buffer_append_char(out, (char)value);
    else
        buffer_append(out, bytes, utf8_put(value, bytes));
}

int token_unquote(struct text quoted, struct buffer *out)
{
    bool raw = quoted.bytes[0] == '`';

    for (size_t at = 1; at < quoted.length - 1;) {
        char byte = quoted.bytes[at++];
        if (byte == '\\' && !raw)
            append_escape(quoted, &at, out);
        else
            buffer_append_char(out, byte);
    }
    return out->failed ? -E2BIG : 0;
}

/* ---- words and numbers ---- */

static const struct {
    const char *word;
    enum token_type type;
    bool aggregates, operates;
} keywords[] = {
    {"and", TOKEN_NAME_KEYWORD, .operates = true},
    {"or", TOKEN_NAME_KEYWORD, .operates = true},
    {"unless", TOKEN_NAME_KEYWORD, .operates = true},
    {"atan2", TOKEN_KEYWORD, .operates = true},
    {"sum", TOKEN_NAME_KEYWORD, .aggregates = true},
    {"avg", TOKEN_NAME_KEYWORD, .aggregates = true},
    {"count", TOKEN_NAME_KEYWORD, .aggregates = true},
    {"min", TOKEN_NAME_KEYWORD, .aggregates = true},
    {"max", TOKEN_NAME_KEYWORD, .aggregates = true},
    {"group", TOKEN_NAME_KEYWORD, .aggregates = true},
    {"stddev", TOKEN_NAME_KEYWORD, .aggregates = true},
    {"stdvar", TOKEN_NAME_KEYWORD, .aggregates = true},
    {"topk", TOKEN_NAME_KEYWORD, .aggregates = true},
    {"bottomk", TOKEN_NAME_KEYWORD, .aggregates = true},
    {"count_values", TOKEN_NAME_KEYWORD, .aggregates = true},
    {"quantile", TOKEN_NAME_KEYWORD, .aggregates = true},
    {"limitk", TOKEN_NAME_KEYWORD, .aggregates = true},
    {"limit_ratio", TOKEN_NAME_KEYWORD, .aggregates = true},
    {"offset", TOKEN_NAME_KEYWORD},
    {"by", TOKEN_NAME_KEYWORD},
    {"without", TOKEN_NAME_KEYWORD},
    {"on", TOKEN_KEYWORD},
    {"ignoring", TOKEN_KEYWORD},
    {"group_left", TOKEN_KEYWORD},
    {"group_right", TOKEN_KEYWORD},
    {"bool", TOKEN_KEYWORD},
    {"start", TOKEN_NAME_KEYWORD},
    {"end", TOKEN_NAME_KEYWORD},
    {"inf", TOKEN_NUMBER},
    {"nan", TOKEN_NUMBER},
};

/* Its index; -1 for a word that is none. */
static int find_keyword(struct text word)
{
    for (size_t i = 0; i < ARRAY_SIZE(keywords); i++)
        if (strlen(keywords[i].word) == word.length &&
            !strncasecmp(keywords[i].word, word.bytes, word.length))
            return (int)i;
    return -1;
}

static struct token lex_word(struct selector_lexer *lexer)
{
    while (is_alphanumeric(peek(lexer)) || (peek(lexer) == ':' && !lexer->in_braces))
        next(lexer);
    struct token token = emit(lexer, TOKEN_IDENTIFIER);
    if (lexer->in_braces)
        return token;
    int keyword = find_keyword(token.text);
    if (keyword >= 0)
        token.type = keywords[keyword].type;
    else if (memchr(token.text.bytes, ':', token.text.length))
        token.type = TOKEN_METRIC_IDENTIFIER;
    return token;
}

static struct token lex_number(struct selector_lexer *lexer)
{
    bool hex = lexer->input.bytes[lexer->at] == '0' && lexer->at + 1 < lexer->input.length &&
               (lexer->input.bytes[lexer->at + 1] | 0x20) == 'x';
    int32_t last = 0;

    if (hex)
        lexer->at += 2;
    for (int32_t rune = peek(lexer);
         is_digit(rune) || rune == '.' || rune == '_' || (rune | 0x20) == 'e' ||
         (hex && digit_value(rune) < 16) || ((rune == '+' || rune == '-') && (last | 0x20) == 'e');
         rune = peek(lexer))
        last = next(lexer);
    if (!is_alphanumeric(peek(lexer)))
        return emit(lexer, TOKEN_NUMBER);
    while (is_digit(peek(lexer)) ||
           (peek(lexer) > 0 && peek(lexer) < 0x80 && strchr("smhdwy", peek(lexer))))
        next(lexer);
    if (!is_alphanumeric(peek(lexer)))
        return emit(lexer, TOKEN_DURATION);
    next(lexer);
    autobuffer struct buffer message;
    buffer_init(&message, SELECTOR_ERROR_SIZE);
    buffer_append_string(&message, "bad number or duration syntax: ");
    append_quoted(&message, emit(lexer, TOKEN_NUMBER).text, SIZE_MAX);
    return fail(lexer, message.bytes ? message.bytes : "bad number or duration syntax");
}

/* ---- tokens ---- */

static struct token lex_inside_braces(struct selector_lexer *lexer, int32_t rune)
{
    switch (rune) {
    case END_OF_INPUT:
        return fail(lexer, "unexpected end of input inside braces");
    case ',':
        return emit(lexer, TOKEN_COMMA);
    case '=':
        if (peek(lexer) != '~')
            return emit(lexer, TOKEN_EQUAL);
        next(lexer);
        return emit(lexer, TOKEN_REGEX);
    case '!':
        rune = next(lexer);
        if (rune == '~' || rune == '=')
            return emit(lexer, rune == '~' ? TOKEN_NOT_REGEX : TOKEN_NOT_EQUAL);
        return fail_at_rune(lexer, "unexpected character after '!' inside braces", rune);
    case '{':
        return fail(lexer, "unexpected left brace '{'");
    case '}':
        lexer->in_braces = false;
        return emit(lexer, TOKEN_RIGHT_BRACE);
    default:
        return fail_at_rune(lexer, "unexpected character inside braces", rune);
    }
}

static struct token lex_operator(struct selector_lexer *lexer, int32_t rune)
{
    int32_t behind = peek(lexer);

    if (rune == '=' && behind == '~')
        return fail_at_rune(lexer, "unexpected character after '='", behind);
    if (rune == '!' && behind != '=') {
        next(lexer);
        return fail_at_rune(lexer, "unexpected character after '!'", behind);
    }
    bool longer = behind == '=' && (rune == '=' || rune == '!' || rune == '<' || rune == '>');
    if (longer)
        next(lexer);
    if (rune == '=' && !longer)
        return emit(lexer, TOKEN_EQUAL);
    return emit(lexer, rune == '!' ? TOKEN_NOT_EQUAL : TOKEN_OPERATOR);
}

static struct token lex_outside(struct selector_lexer *lexer, int32_t rune)
{
    switch (rune) {
    case END_OF_INPUT:
        return emit(lexer, TOKEN_EOF);
    case ',':
        return emit(lexer, TOKEN_COMMA);
    case '{':
        lexer->in_braces = true;
        return emit(lexer, TOKEN_LEFT_BRACE);
    case '(':
    case '[':
        return emit(lexer, TOKEN_OTHER);
    case ')':
        lexer->start = lexer->at; /* as Prometheus has it */
        return fail(lexer, "unexpected right parenthesis ')'");
    case ']':
        return fail(lexer, "unexpected right bracket ']'");
    case '*':
    case '/':
    case '%':
    case '+':
    case '-':
    case '^':
    case '@':
        return emit(lexer, TOKEN_OPERATOR);
    case '=':
    case '!':
    case '<':
    case '>':
        return lex_operator(lexer, rune);
    default:
        return fail_at_rune(lexer, "unexpected character", rune);
    }
}

static void skip_space(struct selector_lexer *lexer)
{
    for (;;) {
        while (is_space(peek(lexer)))
            next(lexer);
        if (peek(lexer) != '#')
            return;
        while (peek(lexer) != END_OF_INPUT && peek(lexer) != '\n' && peek(lexer) != '\r')
            next(lexer);
    }
}

struct token selector_lex(struct selector_lexer *lexer)
{
    size_t length;

    skip_space(lexer);
    lexer->start = lexer->at;
    int32_t rune = peek(lexer);
    if (is_alpha(rune) || (rune == ':' && !lexer->in_braces))
        return lex_word(lexer);
    if (!lexer->in_braces &&
        (is_digit(rune) ||
         (rune == '.' && is_digit(rune_at(lexer->input, lexer->at + 1, &length)))))
        return lex_number(lexer);
    next(lexer);
    if (rune == '"' || rune == '\'' || rune == '`')
        return lex_string(lexer, rune);
    return lexer->in_braces ? lex_inside_braces(lexer, rune) : lex_outside(lexer, rune);
}

/* ---- words for tokens ---- */

static void describe_keyword(const struct token *token, struct buffer *out)
{
    int keyword = find_keyword(token->text);
    const char *kind = "";
    if (keyword >= 0 && keywords[keyword].aggregates)
        kind = "aggr:";
    else if (keyword >= 0 && keywords[keyword].operates)
        kind = "op:";
    buffer_printf(out, "<%s%.*s>", kind, TEXT_FORMAT(token->text));
}

void token_describe(const struct token *token, struct buffer *out)
{
    static const char *const kinds[] = {
        [TOKEN_IDENTIFIER] = "identifier ", [TOKEN_METRIC_IDENTIFIER] = "metric identifier ",
        [TOKEN_STRING] = "string ",         [TOKEN_NUMBER] = "number ",
        [TOKEN_DURATION] = "duration ",     [TOKEN_OTHER] = NULL,
    };

    switch (token->type) {
    case TOKEN_EOF:
        buffer_append_string(out, "end of input");
        return;
    case TOKEN_NAME_KEYWORD:
    case TOKEN_KEYWORD:
        describe_keyword(token, out);
        return;
    case TOKEN_NOT_EQUAL:
    case TOKEN_REGEX:
    case TOKEN_NOT_REGEX:
    case TOKEN_OPERATOR:
        buffer_printf(out, "<op:%.*s>", TEXT_FORMAT(token->text));
        return;
    default:
        break;
    }
    if (kinds[token->type])
        buffer_append_string(out, kinds[token->type]);
    bool whole = token->type == TOKEN_IDENTIFIER || token->type == TOKEN_METRIC_IDENTIFIER ||
                 token->text.length <= SHOWN_RUNES;
    append_quoted(out, token->text, whole ? SIZE_MAX : SHOWN_RUNES);
    if (!whole)
        buffer_append_string(out, "...");
}
