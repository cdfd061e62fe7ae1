/* SPDX-License-Identifier: Apache-2.0 */
/* A pattern as a program of our own, with RE2's guarantee: a match takes time in proportion to
 * program and text, and its groups are RE2's to the letter. Slower than PCRE2, so it runs only
 * where that gives up, does not take the pattern, or would fill groups otherwise. For regex.c
 * alone. */
#ifndef EDGEMETER_MODEL_REGEX_PROGRAM_H
#define EDGEMETER_MODEL_REGEX_PROGRAM_H

#include "model/regex/regex_tree.h"

#define REGEX_PROGRAM_MAX 100000              /* instructions */
#define REGEX_PROGRAM_MAX_STATES (128u << 20) /* instructions times places in the text */
#define REGEX_PROGRAM_MAX_VISITS (8u << 20)   /* of states in one run; some 50 ms */
#define REGEX_UNSET SIZE_MAX

struct regex_program;

/* The tree is not needed any more then. 0, -ENOMEM, or -E2BIG (the program is too large). */
int regex_program_new(const struct regex_tree *tree, struct regex_program **out);
void regex_program_free(struct regex_program **program);

/* 1 with the offsets of begin and end of each group, REGEX_UNSET where it took no part; 0: no
 * match; -ENOMEM or -E2BIG (the text is too large, or too hard). The text is UTF-8. */
int regex_program_run(struct regex_program *program, struct text text, size_t *offsets);

#endif
