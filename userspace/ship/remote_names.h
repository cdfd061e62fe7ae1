/* SPDX-License-Identifier: Apache-2.0 */
/* What remotes are called in the log, the metrics and the queue, and so where in the queue they go
 * on: as configured, or made of the url. Several without a name may have one url; they are told
 * apart by the configuration that each place of the queue was read with last. */
#ifndef EDGEMETER_SHIP_REMOTE_NAMES_H
#define EDGEMETER_SHIP_REMOTE_NAMES_H

#include "ship/queue.h"

struct remote_names {
    const struct queue *queue;
    /* Whether a remote that runs has that name. */
    bool (*is_taken)(void *context, const char *name);
    void *context;
};

/* One name for each config; the caller frees them, also after an error. Two may be equal where two
 * configs have one `name`. 0 or -ENOMEM. */
int remote_names_choose(const struct remote_names *names,
                        struct remote_write_config *const *configs, size_t count, char **out);

#endif
