/* SPDX-License-Identifier: Apache-2.0 */
/* Looks for the cgroup's folder, and reads the limits from there up to the mount. A container often
 * sees its own cgroup as "/", and at /sys/fs/cgroup the node's whole tree: then only the list of
 * processes in a folder says that it is the right one. */
#include "base/memory_limit.h"

#include <fts.h>
#include <limits.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/file_read.h"

#define FILE_MAX_BYTES (4 << 20)
#define FOLDERS_MAX 65536 /* that are looked into */

struct hierarchy {
    const char *type;       /* of the file system */
    const char *controller; /* its mount option, and its name in /proc/self/cgroup */
    const char *file;
};

static const struct hierarchy hierarchies[] = {
    {"cgroup2", "", "memory.max"},
    {"cgroup", "memory", "memory.limit_in_bytes"},
};

/* All of folder/name, or NULL; the caller frees. */
static char *read_file(const char *folder, const char *name)
{
    char path[PATH_MAX];
    autobuffer struct buffer bytes;
    buffer_init(&bytes, FILE_MAX_BYTES);
    if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path) ||
        file_read(path, &bytes))
        return NULL;
    return TAKE_PTR(bytes.bytes);
}

/* Whether `list`, words with commas between, has the word. */
static bool has_word(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (;; list++) {
        size_t next = strcspn(list, ",");
        if (next == length && memcmp(list, word, length) == 0)
            return true;
        list += next;
        if (!*list)
            return false;
    }
}

/* ---- which folder ---- */

static bool holds_us(const char *folder)
{
    autofree char *processes = read_file(folder, "cgroup.procs");
    char *rest = NULL;
    for (char *line = processes ? strtok_r(processes, "\n", &rest) : NULL; line;
         line = strtok_r(NULL, "\n", &rest))
        if (strtol(line, NULL, 10) == getpid())
            return true;
    return false;
}

/* The folder below `mount` that has this process in it, or "". */
static void search(const char *mount, char folder[PATH_MAX])
{
    char *roots[] = {(char *)mount, NULL};
    FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV | FTS_NOSTAT, NULL);
    unsigned seen = 0;
    *folder = '\0';
    for (FTSENT *entry; tree && !*folder && seen < FOLDERS_MAX && (entry = fts_read(tree));) {
        if (entry->fts_info != FTS_D)
            continue;
        seen++;
        if (entry->fts_pathlen < PATH_MAX && holds_us(entry->fts_path))
            strcpy(folder, entry->fts_path);
    }
    if (tree)
        fts_close(tree);
}

/* Its path in /proc/self/cgroup, of lines "number:controllers:path"; the end of `text`: none. */
static const char *path_of(char *text, const struct hierarchy *hierarchy)
{
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        char *controllers = strchr(line, ':'), *path = controllers ? strchr(++controllers, ':') : 0;
        if (!path)
            continue;
        *path++ = '\0';
        if (has_word(controllers, hierarchy->controller))
            return path;
    }
    return "";
}

static void find_folder(const char *proc, const char *mount, const struct hierarchy *hierarchy,
                        char folder[PATH_MAX])
{
    autofree char *cgroups = read_file(proc, "cgroup");
    const char *path = cgroups ? path_of(cgroups, hierarchy) : "";
    int length = snprintf(folder, PATH_MAX, "%s%s", mount, path);
    if (length >= PATH_MAX || !holds_us(folder))
        search(mount, folder);
}

/* ---- its limit ---- */

static uint64_t limit_of(const char *folder, const char *file)
{
    autofree char *text = read_file(folder, file);
    char *end;
    if (!text)
        return UINT64_MAX;
    uint64_t bytes = strtoull(text, &end, 10);
    return end == text ? UINT64_MAX : bytes; /* "max" */
}

/* The least from the folder up to the mount. */
static uint64_t least_limit(char *folder, const char *mount, const char *file)
{
    uint64_t least = UINT64_MAX;
    while (strlen(folder) >= strlen(mount)) {
        uint64_t limit = limit_of(folder, file);
        least = limit < least ? limit : least;
        char *slash = strrchr(folder, '/');
        if (!slash)
            break;
        *slash = '\0';
    }
    return least;
}

uint64_t memory_limit_find(const char *proc)
{
    char mount[1024], type[32], options[1024], folder[PATH_MAX], *rest = NULL;
    uint64_t least = UINT64_MAX;
    autofree char *mounts = read_file(proc, "mounts");
    for (char *line = mounts ? strtok_r(mounts, "\n", &rest) : NULL; line;
         line = strtok_r(NULL, "\n", &rest)) {
        if (sscanf(line, "%*s %1023s %31s %1023s", mount, type, options) != 3)
            continue;
        for (size_t i = 0; i < ARRAY_SIZE(hierarchies); i++) {
            const struct hierarchy *hierarchy = &hierarchies[i];
            bool is_it = strcmp(type, hierarchy->type) == 0 &&
                         (!*hierarchy->controller || has_word(options, hierarchy->controller));
            if (!is_it)
                continue;
            find_folder(proc, mount, hierarchy, folder);
            uint64_t limit = least_limit(folder, mount, hierarchy->file);
            least = limit < least ? limit : least;
        }
    }
    return least;
}

uint64_t memory_anonymous(void)
{
    autofree char *status = read_file("/proc/self", "status");
    const char *line = status ? strstr(status, "\nRssAnon:") : NULL;
    return line ? strtoull(line + strlen("\nRssAnon:"), NULL, 10) << 10 : 0;
}
