/* SPDX-License-Identifier: Apache-2.0 */
/* The cgroup v2 hierarchy: where it is mounted, and which folder a cgroup id belongs to. An id is the
 * inode of the cgroup's folder, so it is found by walking and stat; no file handles are opened. */
#ifndef EDGEMETER_COLLECT_CGROUP_TREE_H
#define EDGEMETER_COLLECT_CGROUP_TREE_H

#include <stdint.h>

#define CGROUP_TREE_MAX 65536 /* folders that are remembered */

struct cgroup_tree;

/* Where `mounts` (the text of /proc/self/mounts) has a cgroup2 file system; the caller frees. NULL:
 * nowhere. The first mount wins. */
char *cgroup_mount_find(const char *mounts);

/* Walks the hierarchy mounted at `mount`. 0 or a negative errno. */
int cgroup_tree_new(const char *mount, struct cgroup_tree **out);
void cgroup_tree_free(struct cgroup_tree **tree);
/* Walks again; folders that are gone stay known until CGROUP_TREE_MAX is reached. */
int cgroup_tree_refresh(struct cgroup_tree *tree);
/* The path from the hierarchy's root, "/" for the root itself; NULL: not known. */
const char *cgroup_tree_path(const struct cgroup_tree *tree, uint64_t id);

#endif
