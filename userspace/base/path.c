/* SPDX-License-Identifier: Apache-2.0 */
/* Joins part by part into a buffer of the size of both. */
#include "base/path.h"

#include <stdlib.h>

struct joined {
    char *bytes;
    size_t length;
    size_t fixed; /* what ".." cannot take away: the root, or the ".."s before */
};

static void add_part(struct joined *joined, struct text part)
{
    bool up = text_equal(part, TEXT(".."));

    if (!part.length || text_equal(part, TEXT(".")))
        return;
    if (up && joined->length > joined->fixed) {
        do
            joined->length--;
        while (joined->length > joined->fixed && joined->bytes[joined->length] != '/');
        return;
    }
    bool is_root = joined->length == 1 && joined->bytes[0] == '/';
    if (up && is_root)
        return;
    if (joined->length && !is_root)
        joined->bytes[joined->length++] = '/';
    memcpy(joined->bytes + joined->length, part.bytes, part.length);
    joined->length += part.length;
    if (up)
        joined->fixed = joined->length;
}

static void add_parts(struct joined *joined, struct text path)
{
    while (path.length) {
        const char *slash = memchr(path.bytes, '/', path.length);
        size_t length = slash ? (size_t)(slash - path.bytes) : path.length;
        add_part(joined, (struct text){path.bytes, length});
        path = text_behind(path, slash ? length + 1 : length);
    }
}

char *path_join(struct text folder, struct text path)
{
    if (path.length && path.bytes[0] == '/')
        return strndup(path.bytes, path.length);
    struct joined joined = {.bytes = malloc(folder.length + path.length + 3)};
    if (!joined.bytes)
        return NULL;
    if (folder.length && folder.bytes[0] == '/') {
        joined.bytes[joined.length++] = '/';
        joined.fixed = 1;
    }
    add_parts(&joined, folder);
    add_parts(&joined, path);
    if (!joined.length)
        joined.bytes[joined.length++] = '.';
    joined.bytes[joined.length] = '\0';
    return joined.bytes;
}

struct text path_folder(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        return TEXT(".");
    return (struct text){path, slash == path ? 1 : (size_t)(slash - path)};
}
