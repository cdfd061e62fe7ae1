/* SPDX-License-Identifier: Apache-2.0 */
/* Text for a terminal: in columns, and harmless whatever bytes it comes from. */
#ifndef EDGEMETER_TOP_TOP_TEXT_H
#define EDGEMETER_TOP_TOP_TEXT_H

#include "base/buffer.h"

/* Reads the character set of the terminal from the environment; without it only ASCII is drawn. */
void top_text_setup(void);

/* Columns that the text takes. Control characters, what draws nothing (joiners, marks, changes of
 * direction) and what is no character take one: they are drawn as a replacement. */
size_t top_text_width(struct text text);

/* Appends the text, cut to `width` columns with a mark where it is longer, and spaces up to
 * `width`. */
void top_text_put(struct buffer *out, struct text text, size_t width);

/* Numbers in at most six columns: "1.2k", "350ms", "12.5%", "1.5M"; "-" for NaN. */
#define TOP_NUMBER_SIZE 16
void top_text_count(double value, char out[TOP_NUMBER_SIZE]);
void top_text_share(double value, char out[TOP_NUMBER_SIZE]);
void top_text_bytes(double value, char out[TOP_NUMBER_SIZE]);
/* `most`: the last bound of the histogram, beyond which nothing is known. */
void top_text_seconds(double value, double most, char out[TOP_NUMBER_SIZE]);

#endif
