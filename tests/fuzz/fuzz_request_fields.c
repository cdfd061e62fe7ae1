/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer target for single values of others: Accept and Authorization of those who ask us,
 * Content-Type of pages, paths of cgroups. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "collect/cgroup_identity.h"
#include "scrape/scrape_protocol.h"
#include "serve/basic_auth.h"
#include "serve/federate_format.h"

/* No password is ever hashed. */
int worker_submit(struct worker *worker, struct worker_job *job)
{
    (void)worker, (void)job;
    return -EAGAIN;
}

static void require(bool fine)
{
    if (!fine)
        abort();
}

static void check_accept(const char *value)
{
    struct federate_format format = federate_negotiate(value);
    struct federate_format again = federate_negotiate(format.content_type);

    require(strlen(format.content_type) < FEDERATE_CONTENT_TYPE_SIZE);
    require(format.type <= FEDERATE_OPENMETRICS);
    require(!strpbrk(format.content_type, "\r\n"));
    require(again.type <= FEDERATE_OPENMETRICS);
}

static void check_content_type(const char *value)
{
    const struct scrape_protocol_config strict = {0}, lax = {.fallback = PROMETHEUS_TEXT_0_0_4};
    char reason[SCRAPE_PROTOCOL_REASON_SIZE] = "";
    enum scrape_format format, fallback;

    int error = scrape_protocol_format(&strict, value, &format, reason);
    require(error == 0 || (error == -EINVAL && *reason));
    require(strlen(reason) < sizeof(reason));
    require(!scrape_protocol_format(&lax, value, &fallback, reason));
    require(error || format == fallback);
}

static void on_checked(void *context, bool ok)
{
    (void)context, (void)ok;
    abort();
}

static void check_authorization(const char *value)
{
    static struct web_user user = {"a", "$2b$04$abcdefghijklmnopqrstuu"};
    static const struct web_config config = {.users = &user, .user_count = 1};
    static struct basic_auth *auth;

    require(auth || !basic_auth_new(NULL, &auth));
    enum basic_auth_verdict verdict = basic_auth_check(auth, &config, value, on_checked, NULL);
    require(verdict == BASIC_AUTH_REFUSED || verdict == BASIC_AUTH_BUSY);
}

static void check_cgroup(const char *path)
{
    struct cgroup_identity identity = {0};
    const char *end = path + strlen(path);

    cgroup_identity_parse(path, &identity);
    require(strlen(identity.pod_uid) < sizeof(identity.pod_uid));
    require(!identity.container.length ||
            (identity.container.bytes >= path &&
             identity.container.bytes + identity.container.length <= end));
    require(!identity.service.length || (identity.service.bytes >= path &&
                                         identity.service.bytes + identity.service.length <= end));
    require(!identity.container.length || *identity.pod_uid);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *value = strndup((const char *)data, size);

    require(value);
    check_accept(value);
    check_content_type(value);
    check_authorization(value);
    check_cgroup(value);
    free(value);
    return 0;
}
