/* SPDX-License-Identifier: Apache-2.0 */
/* Contents of small files that are asked for again and again, certificates and passwords say: read
 * anew when the file has changed, else kept. */
#ifndef EDGEMETER_BASE_FILE_CACHE_H
#define EDGEMETER_BASE_FILE_CACHE_H

#include "base/text.h"

#define FILE_CACHE_MAX_FILES 256 /* beyond it, what was asked for least recently is forgotten */
#define FILE_CACHE_MAX_BYTES (1u << 20) /* of one file */

struct file_cache;

int file_cache_new(struct file_cache **out);
/* Overwrites what it held. */
void file_cache_free(struct file_cache **cache);

/* The contents, followed by a NUL, valid until the next call. 0, -E2BIG (more than
 * FILE_CACHE_MAX_BYTES), or a negative errno of opening and reading. */
int file_cache_read(struct file_cache *cache, const char *path, struct text *out);

#endif
