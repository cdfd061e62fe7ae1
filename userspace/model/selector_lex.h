/* SPDX-License-Identifier: Apache-2.0 */
/* The tokens of PromQL, as far as a selector can meet them, and the words that Prometheus has for
 * them. For selector.c alone. */
#ifndef EDGEMETER_MODEL_SELECTOR_LEX_H
#define EDGEMETER_MODEL_SELECTOR_LEX_H

#include "base/buffer.h"

#define SELECTOR_ERROR_SIZE 512

enum token_type {
    TOKEN_ERROR, /* `error` of the lexer says why */
    TOKEN_EOF,
    TOKEN_IDENTIFIER,        /* without a colon */
    TOKEN_METRIC_IDENTIFIER, /* with one */
    TOKEN_NAME_KEYWORD,      /* a word of the language that a metric may have as its name */
    TOKEN_KEYWORD,           /* one that it may not */
    TOKEN_STRING,            /* with its quotes */
    TOKEN_NUMBER,
    TOKEN_DURATION,
    TOKEN_LEFT_BRACE,
    TOKEN_RIGHT_BRACE,
    TOKEN_COMMA,
    TOKEN_EQUAL,
    TOKEN_NOT_EQUAL,
    TOKEN_REGEX,
    TOKEN_NOT_REGEX,
    TOKEN_OPERATOR, /* any other */
    TOKEN_OTHER,    /* brackets, colons */
};

struct token {
    enum token_type type;
    size_t at; /* bytes into the input */
    struct text text;
};

struct selector_lexer {
    struct text input;
    size_t at, start;
    bool in_braces;
    char error[SELECTOR_ERROR_SIZE];
};

/* The next token; behind the end always TOKEN_EOF. Comments are passed over. */
struct token selector_lex(struct selector_lexer *lexer);
/* As Prometheus calls it in an error: `identifier "up"`, `<op:+>`, `end of input`. */
void token_describe(const struct token *token, struct buffer *out);
/* What a quoted string stands for, appended. 0, -ENOMEM, -E2BIG. The lexer has checked it. */
int token_unquote(struct text quoted, struct buffer *out);

#endif
