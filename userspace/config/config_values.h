/* SPDX-License-Identifier: Apache-2.0 */
/* Prometheus' notations for single values: pure parsers over whole texts. No I/O but the
 * environment in config_expand_variables. */
#ifndef EDGEMETER_CONFIG_CONFIG_VALUES_H
#define EDGEMETER_CONFIG_CONFIG_VALUES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

/* B KB MB GB TB PB EB and KiB ... EiB, all of them powers of 1024, runs such as 1GB512MB,
 * fractions, or 0. -EINVAL, -ERANGE. */
int config_size_parse(struct text text, uint64_t *out_bytes);

/* YAML 1.1's words: true/false, yes/no, on/off, y/n, in lower case, capitals or capitalized. */
int config_bool_parse(struct text text, bool *out);

/* Decimal digits. -EINVAL, -ERANGE. */
int config_uint_parse(struct text text, uint64_t *out);

/* A YAML number that is whole and not negative, as Prometheus reads it: 1_000, 0x10, 010 (which is
 * 8), 1e3. -EINVAL, -ERANGE. */
int config_count_parse(struct text text, uint64_t *out);

/* A finite decimal number. -EINVAL, -ERANGE. */
int config_float_parse(struct text text, double *out);

/* NULL, or what is wrong with it as an http or https URL with a host; never holds a part of it,
 * which may be a password. */
const char *config_url_fault(struct text text);

/* A header field name, and a value that does not break out of its line (RFC 9110). */
bool config_header_name_is_legal(struct text text);
bool config_header_value_is_legal(struct text text);

/* How many insertions, deletions, changes and swaps of neighbours lead from `a` to `b`, or `limit`
 * where it is that many or more. */
unsigned config_edit_distance(const char *a, const char *b, unsigned limit);

/* `$NAME` and `${NAME}` replaced from the environment, `$$` by `$`, the way Go's os.Expand does it.
 * `on_empty` is told of each name that is unset or empty. NULL without memory; the caller frees. */
char *config_expand_variables(const char *value, void (*on_empty)(void *context, struct text name),
                              void *context);

#endif
