/* SPDX-License-Identifier: Apache-2.0 */
/* Tells when something happens to files, by inotify on their folders: a file written and closed,
 * created, removed, renamed over, and a folder or a symbolic link to one put in the place of
 * another (as Kubernetes changes a mounted ConfigMap). Says that something happened, not what. */
#ifndef EDGEMETER_BASE_FILE_WATCH_H
#define EDGEMETER_BASE_FILE_WATCH_H

#include "base/loop.h"
#include "base/text.h"

struct file_watch;

/* `fn` is called from the loop, once for a burst of events: a tenth of a second after its first.
 * 0 or a negative errno (inotify's limits). */
int file_watch_new(struct loop *loop, void (*fn)(void *context), void *context,
                   struct file_watch **out);
void file_watch_free(struct file_watch **watch);

/* Watches the folder of `path`, and the folder that this one is in, for this one's own coming and
 * going. Again for the same path renews what has gone meanwhile. 0, or a negative errno where the
 * folder is not there or cannot be watched; its coming is seen all the same if its own folder is
 * there. */
int file_watch_add(struct file_watch *watch, const char *path);

#endif
