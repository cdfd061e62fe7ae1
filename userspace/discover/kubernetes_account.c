/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what the kubelet puts into a pod's environment and file system. */
#include "discover/kubernetes_account.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_NAMESPACE 256

static int join(const char *folder, const char *name, char **out)
{
    if (asprintf(out, "%s/%s", folder, name) >= 0)
        return 0;
    *out = NULL;
    return -ENOMEM;
}

int kubernetes_account_init(struct kubernetes_account *account, const char *folder)
{
    const char *host = getenv("KUBERNETES_SERVICE_HOST");
    const char *port = getenv("KUBERNETES_SERVICE_PORT");

    *account = (struct kubernetes_account){0};
    http_config_init(&account->http);
    if (!host || !*host || !port || !*port)
        return 0;
    const char *form = strchr(host, ':') ? "https://[%s]:%s" : "https://%s:%s";
    if (asprintf(&account->server, form, host, port) < 0) {
        account->server = NULL;
        return -ENOMEM;
    }
    int error = join(folder, "token", &account->http.authorization.credentials_file);
    if (!error)
        error = join(folder, "ca.crt", &account->http.tls.ca_file);
    account->http.authorization.type = strdup("Bearer");
    return account->http.authorization.type ? error : -ENOMEM;
}

void kubernetes_account_free(struct kubernetes_account *account)
{
    free(account->server);
    http_config_free(&account->http);
    *account = (struct kubernetes_account){0};
}

char *kubernetes_account_namespace(const char *folder)
{
    char namespace[MAX_NAMESPACE] = "", *path;

    if (join(folder, "namespace", &path))
        return NULL;
    FILE *file = fopen(path, "re");
    free(path);
    if (!file)
        return NULL;
    namespace[fread(namespace, 1, sizeof(namespace) - 1, file)] = '\0';
    fclose(file);
    namespace[strcspn(namespace, " \t\r\n")] = '\0';
    return *namespace ? strdup(namespace) : NULL;
}
