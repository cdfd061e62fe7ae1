/* SPDX-License-Identifier: Apache-2.0 */
/* The cgroup v2 hierarchy: which folder a cgroup id belongs to, and whether it is still there. An
 * id is the inode of the cgroup's folder, so it is found by walking and stat; no file handles are
 * opened. */
#ifndef EDGEMETER_COLLECT_CGROUP_TREE_H
#define EDGEMETER_COLLECT_CGROUP_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "collect/cgroup_mount.h"

#define CGROUP_TREE_MAX 65536     /* folders that are remembered */
#define CGROUP_TREE_GONE_MAX 4096 /* of them such as are gone: those that went last */

struct cgroup_tree;

/* Walks the hierarchy mounted at `mount`. 0 or a negative errno. */
int cgroup_tree_new(const char *mount, struct cgroup_tree **out);
void cgroup_tree_free(struct cgroup_tree **tree);
/* Learns of folders as they come and go from now on, by inotify, so that one that does not live
 * from one walk to the next is known too. 0, or the negative errno of what could not be watched
 * (inotify's limits): that part is known by walking alone. */
int cgroup_tree_follow(struct cgroup_tree *tree, struct loop *loop);
/* Walks again. 0, or a negative errno with what was found known all the same. Folders past
 * CGROUP_TREE_MAX and such as may not be read are left out, which is no error. */
int cgroup_tree_refresh(struct cgroup_tree *tree);
/* The path from the hierarchy's root, "/" for the root itself; NULL: not known. Valid until the
 * next refresh, and until the loop goes on. */
const char *cgroup_tree_path(const struct cgroup_tree *tree, uint64_t id);
/* Whether the folder is certainly gone: its path is known and leads nowhere or to another folder by
 * now, or the last walk saw everything but it. */
bool cgroup_tree_is_gone(const struct cgroup_tree *tree, uint64_t id);

#endif
