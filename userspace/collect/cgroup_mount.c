/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the mount table's lines "device folder type options 0 0", in whose words white space and
 * backslashes are octal escapes. Opens nothing. */
#include "collect/cgroup_mount.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/text.h"

/* The word at *at, which goes on behind it; empty at the line's end. */
static struct text word_next(const char **at)
{
    *at += strspn(*at, " \t");
    struct text word = {*at, strcspn(*at, " \t\n")};
    *at += word.length;
    return word;
}

/* Three digits; what ends the word is none. */
static bool is_octal(const char *at)
{
    return at[0] >= '0' && at[0] <= '3' && at[1] >= '0' && at[1] <= '7' && at[2] >= '0' &&
           at[2] <= '7';
}

/* A copy with \040 and its like decoded. */
static char *word_decode(struct text word)
{
    char *decoded = malloc(word.length + 1), *to = decoded;

    for (size_t i = 0; decoded && i < word.length; i++) {
        const char *at = word.bytes + i;
        if (*at == '\\' && is_octal(at + 1)) {
            *to++ = (char)((at[1] - '0') << 6 | (at[2] - '0') << 3 | (at[3] - '0'));
            i += 3;
        } else {
            *to++ = *at;
        }
    }
    if (decoded)
        *to = '\0';
    return decoded;
}

/* The mount point of the next line that has cgroup2, decoded; NULL at the end. */
static char *mount_next(const char **at)
{
    while (**at) {
        word_next(at);
        struct text folder = word_next(at), type = word_next(at);
        *at += strcspn(*at, "\n");
        *at += **at == '\n';
        if (text_equal(type, TEXT("cgroup2")))
            return word_decode(folder);
    }
    return NULL;
}

/* How far a mount is preferred; the greatest wins, of equals the first. */
typedef size_t (*mount_rank_fn)(const char *mount, const char *folder);

static size_t rank_usual(const char *mount, const char *folder)
{
    (void)folder;
    return strcmp(mount, "/sys/fs/cgroup") == 0 || strcmp(mount, "/sys/fs/cgroup/unified") == 0 ? 2
                                                                                                : 1;
}

/* 0 where the folder does not lie in the mount; else the nearest mount wins. */
static size_t rank_nearest(const char *mount, const char *folder)
{
    size_t length = strlen(mount);

    if (length && mount[length - 1] == '/')
        length--;
    if (strncmp(mount, folder, length) != 0 || (folder[length] != '/' && folder[length] != '\0'))
        return 0;
    return length + 1;
}

static char *mount_best(const char *mounts, mount_rank_fn rank_of, const char *folder)
{
    char *best = NULL, *mount;
    size_t best_rank = 0;

    while ((mount = mount_next(&mounts))) {
        size_t rank = rank_of(mount, folder);
        if (rank > best_rank) {
            char *worse = best;
            best = mount;
            best_rank = rank;
            mount = worse;
        }
        free(mount);
    }
    return best;
}

char *cgroup_mount_find(const char *mounts)
{
    return mount_best(mounts, rank_usual, NULL);
}

char *cgroup_mount_of(const char *mounts, const char *folder)
{
    return mount_best(mounts, rank_nearest, folder);
}
