/* SPDX-License-Identifier: Apache-2.0 */
/* Paths as text: no file is looked at. */
#ifndef EDGEMETER_BASE_PATH_H
#define EDGEMETER_BASE_PATH_H

#include "base/text.h"

/* `path` as seen from `folder`, an absolute one as it is; empty parts, "." and ".." resolved as far
 * as that goes without looking (Go's filepath.Join). NULL without memory; the caller frees. */
char *path_join(struct text folder, struct text path);

/* The folder of a file: "a/b" -> "a", "/b" -> "/", "b" -> ".". */
struct text path_folder(const char *path);

#endif
