/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of TLS stay until the last connection that was made with them has gone. */
#include "serve/server_gate.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"

const struct server_field server_gate_refused_fields[] = {{"WWW-Authenticate", "Basic"},
                                                          {NULL, NULL}};
const struct server_field server_gate_busy_fields[] = {{"Retry-After", "1"}, {NULL, NULL}};

/* Where there is room for them, or they are in nobody's use. */
static int put_aside(struct server_gate *gate)
{
    size_t free_place = SERVER_GATE_OLD_MAX;

    for (size_t i = 0; i < SERVER_GATE_OLD_MAX; i++) {
        if (gate->old[i] && !web_tls_uses(gate->old[i]))
            web_tls_free(&gate->old[i]);
        if (!gate->old[i])
            free_place = i;
    }
    if (free_place == SERVER_GATE_OLD_MAX)
        return -EBUSY;
    gate->old[free_place] = TAKE_PTR(gate->tls);
    return 0;
}

static int make_tls(const struct web_config *config, struct web_tls **out)
{
    char problem[WEB_TLS_PROBLEM_SIZE] = "out of memory";

    if (!config->tls.given)
        return 0;
    int error = web_tls_new(&config->tls, out, problem);
    if (error)
        log_error("serve", "TLS cannot be set up from --web.config.file", LOG_STR("err", problem));
    return error;
}

int server_gate_configure(struct server_gate *gate, struct web_config **config)
{
    struct web_tls *tls = NULL;
    int error = make_tls(*config, &tls);

    if (!error && !tls != !gate->tls) {
        log_error("serve", "--web.config.file turns TLS on or off: that takes a restart");
        error = -EINVAL;
    }
    if (!error && tls)
        error = put_aside(gate);
    if (error) {
        web_tls_free(&tls);
        return error;
    }
    gate->tls = tls;
    web_config_free(&gate->config);
    gate->config = TAKE_PTR(*config);
    return 0;
}

int server_gate_init(struct server_gate *gate, const struct server_access *access,
                     struct web_config **config)
{
    if (access)
        gate->access = *access;
    if (!config || !*config)
        return 0;
    int error = make_tls(*config, &gate->tls);
    if (!error)
        error = basic_auth_new(gate->access.worker, &gate->auth);
    if (!error)
        gate->config = TAKE_PTR(*config);
    return error;
}

void server_gate_close(struct server_gate *gate)
{
    basic_auth_free(&gate->auth);
}

void server_gate_free(struct server_gate *gate)
{
    web_tls_free(&gate->tls);
    for (size_t i = 0; i < SERVER_GATE_OLD_MAX; i++)
        web_tls_free(&gate->old[i]);
    web_config_free(&gate->config);
}

void server_gate_refresh(struct server_gate *gate)
{
    uint64_t now = clock_monotonic_ns();

    if (!gate->access.refresh || now - gate->refreshed_ns < NS_PER_SECOND)
        return;
    gate->refreshed_ns = now;
    gate->access.refresh(gate->access.context);
}

enum server_access_state server_gate_check(struct server_gate *gate, const char *authorization,
                                           void (*done)(void *context, bool ok), void *context)
{
    static const enum server_access_state states[] = {
        [BASIC_AUTH_OK] = ACCESS_GRANTED,
        [BASIC_AUTH_REFUSED] = ACCESS_REFUSED,
        [BASIC_AUTH_PENDING] = ACCESS_PENDING,
        [BASIC_AUTH_BUSY] = ACCESS_BUSY,
    };
    if (!gate->config || !gate->config->user_count)
        return ACCESS_GRANTED;
    return states[basic_auth_check(gate->auth, gate->config, authorization, done, context)];
}
