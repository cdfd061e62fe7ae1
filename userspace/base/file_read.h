/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files into buffers. */
#ifndef EDGEMETER_BASE_FILE_READ_H
#define EDGEMETER_BASE_FILE_READ_H

#include "base/buffer.h"

/* Appends what is in the file. 0, -ENOMEM, -E2BIG (past the buffer's maximum), or the errno of
 * opening or reading. */
int file_read(const char *path, struct buffer *out);

#endif
