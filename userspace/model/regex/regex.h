/* SPDX-License-Identifier: Apache-2.0 */
/* Regular expressions as Prometheus has them: RE2's syntax in Go's flavour, over a whole text
 * (`^(?s:PATTERN)$`, so a dot matches a newline too), and Go's $1 templates. Matched by PCRE2 with
 * little patience; what is too hard or too large for it, by a program of our own in linear time. A
 * text that is too large for that counts as not matching, which is logged once for a pattern and
 * counted. A text that is no UTF-8 matches nothing. */
#ifndef EDGEMETER_MODEL_REGEX_H
#define EDGEMETER_MODEL_REGEX_H

#include <stdint.h>

#include "base/buffer.h"

#define REGEX_MAX_PATTERN (64 * 1024) /* bytes */
#define REGEX_MAX_DEPTH 500           /* of groups in groups */

struct regex_error {
    size_t offset; /* bytes into the pattern */
    char message[160];
};

struct regex;

/* 0, -ENOMEM, or -EINVAL with the first fault of the pattern. */
int regex_new(struct text pattern, struct regex **out, struct regex_error *error);
void regex_free(struct regex **regex);

/* Whether it matches the whole text. Its groups are kept for regex_template_expand until the next
 * match. */
bool regex_match(struct regex *regex, struct text text);
/* Texts that were too hard and too large, of all patterns. */
uint64_t regex_given_up(void);

/* "$1-${name}-$$" for the groups of one regex. A group that there is not, or that took no part in
 * the match, is empty; a name is as long as letters, digits and _ go on. */
struct regex_template;

/* Borrows the regex, copies the text. 0 or -ENOMEM. */
int regex_template_new(const struct regex *regex, struct text text, struct regex_template **out);
void regex_template_free(struct regex_template **template);
/* Appends, after regex_match() gave true for this text. 0, -ENOMEM or -E2BIG. */
int regex_template_expand(const struct regex_template *template, struct text matched,
                          struct buffer *out);

#endif
