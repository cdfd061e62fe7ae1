/* SPDX-License-Identifier: Apache-2.0 */
/* A pattern while it is read, for the regex_*.c files alone. */
#ifndef EDGEMETER_MODEL_REGEX_SOURCE_H
#define EDGEMETER_MODEL_REGEX_SOURCE_H

#include "model/regex/regex.h"

struct regex_source {
    struct text pattern; /* valid UTF-8 */
    size_t at;           /* what comes next */
    struct regex_error *error;
};

static inline bool regex_source_ended(const struct regex_source *source)
{
    return source->at >= source->pattern.length;
}

/* What is left. */
static inline struct text regex_source_rest(const struct regex_source *source)
{
    return text_behind(source->pattern, source->at);
}

static inline bool regex_source_has(const struct regex_source *source, const char *prefix)
{
    return text_has_prefix(regex_source_rest(source), text_of(prefix));
}

bool regex_source_take(struct regex_source *source, const char *prefix);
uint32_t regex_source_take_rune(struct regex_source *source);
/* Keeps the fault; -EINVAL. */
int regex_source_fail(struct regex_source *source, size_t offset, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A backslash and what it makes one character of. 0 or -EINVAL. */
int regex_source_take_escape(struct regex_source *source, uint32_t *rune);

/* --- what PCRE2 is given --- */

static inline bool regex_rune_is_surrogate(uint32_t rune)
{
    return rune >= 0xd800 && rune <= 0xdfff;
}

/* A character that stands for itself, inside a class and outside; no surrogate. */
void regex_write_rune(struct buffer *out, uint32_t rune);
/* Matches nothing. */
#define REGEX_NEVER "(?:(?!))"

/* A class at its opening bracket, \d or \pL, to its end. 0, -EINVAL or -ENOMEM. */
int regex_write_class(struct regex_source *source, bool fold, struct buffer *out);
/* Whether one begins here. */
bool regex_class_begins(const struct regex_source *source);

/* --- what a template asks of its regex --- */

size_t regex_group_count(const struct regex *regex); /* the whole match among them */
struct text regex_group_name(const struct regex *regex, size_t group);
/* Of the last match, which was of `matched`. NULL bytes: it took no part. */
struct text regex_group(const struct regex *regex, struct text matched, size_t group);

#endif
