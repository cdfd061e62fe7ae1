/* SPDX-License-Identifier: Apache-2.0 */
/* The pod that we run in, if any: its API server, its service account, its namespace. */
#ifndef EDGEMETER_DISCOVER_KUBERNETES_ACCOUNT_H
#define EDGEMETER_DISCOVER_KUBERNETES_ACCOUNT_H

#include "base/http/http_config.h"

struct kubernetes_account {
    char *server;            /* NULL: not in a cluster */
    struct http_config http; /* token and authority in files, which are rotated */
};

/* `folder` is where the files are. 0 or -ENOMEM. */
int kubernetes_account_init(struct kubernetes_account *account, const char *folder);
void kubernetes_account_free(struct kubernetes_account *account);

/* The namespace, which the caller frees; NULL where it cannot be read. */
char *kubernetes_account_namespace(const char *folder);

#endif
