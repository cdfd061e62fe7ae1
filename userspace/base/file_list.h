/* SPDX-License-Identifier: Apache-2.0 */
/* The files that a pattern stands for, as Go's filepath.Glob: a leading dot is no special case. */
#ifndef EDGEMETER_BASE_FILE_LIST_H
#define EDGEMETER_BASE_FILE_LIST_H

#include <glob.h>

/* 0, also where there is none, and so where a folder is not there; or a negative errno where a
 * folder cannot be read. `out` is zeroed before and freed with globfree() after, also then. */
int file_list(const char *pattern, glob_t *out);

#define autoglob __attribute__((cleanup(globfree)))

#endif
