/* SPDX-License-Identifier: Apache-2.0 */
/* Where cgroup v2 is mounted, out of the text of /proc/self/mounts. Pure. */
#ifndef EDGEMETER_COLLECT_CGROUP_MOUNT_H
#define EDGEMETER_COLLECT_CGROUP_MOUNT_H

/* The mount point of cgroup2: /sys/fs/cgroup or /sys/fs/cgroup/unified (a hybrid hierarchy) where
 * one of them is one, else the first in the table. NULL: nowhere. The caller frees. */
char *cgroup_mount_find(const char *mounts);
/* The one that `folder` lies in, or NULL. The caller frees. */
char *cgroup_mount_of(const char *mounts, const char *folder);

#endif
