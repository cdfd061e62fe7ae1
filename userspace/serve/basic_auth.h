/* SPDX-License-Identifier: Apache-2.0 */
/* Users with bcrypt passwords. A check takes a tenth of a second and runs in the worker; what was
 * right once is remembered by a hash. Few checks at once: who tries many waits, and holds up
 * nobody. */
#ifndef EDGEMETER_SERVE_BASIC_AUTH_H
#define EDGEMETER_SERVE_BASIC_AUTH_H

#include "base/worker.h"
#include "serve/web_config.h"

#define BASIC_AUTH_MAX_CHECKS 4 /* at once; one more is told to try again */
#define BASIC_AUTH_REMEMBERED 64

enum basic_auth_verdict {
    BASIC_AUTH_OK,
    BASIC_AUTH_REFUSED,
    BASIC_AUTH_PENDING, /* `done` will be told */
    BASIC_AUTH_BUSY,
};

struct basic_auth;

int basic_auth_new(struct worker *worker, struct basic_auth **out);
/* Checks under way are told that they failed. */
void basic_auth_free(struct basic_auth **auth);

/* `authorization` is the request's field, or NULL. A user that is not there costs the same time as
 * a wrong password. */
enum basic_auth_verdict basic_auth_check(struct basic_auth *auth, const struct web_config *config,
                                         const char *authorization,
                                         void (*done)(void *context, bool ok), void *context);

#endif
