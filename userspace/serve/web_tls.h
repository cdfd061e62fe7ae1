/* SPDX-License-Identifier: Apache-2.0 */
/* The server's side of TLS: certificates and what is asked of clients, given to each new session,
 * so that the next one can have others. */
#ifndef EDGEMETER_SERVE_WEB_TLS_H
#define EDGEMETER_SERVE_WEB_TLS_H

#include <gnutls/gnutls.h>

#include "base/buffer.h"
#include "serve/web_config.h"

#define WEB_TLS_PROBLEM_SIZE 512

struct web_tls;

/* Reads the files that the config names. 0, -ENOMEM, or -EINVAL with what is wrong in `problem`. */
int web_tls_new(const struct web_tls_config *config, struct web_tls **out,
                char problem[WEB_TLS_PROBLEM_SIZE]);
void web_tls_free(struct web_tls **tls);

/* Before its handshake. The session holds `tls` until web_tls_leave(). */
void web_tls_enter(struct web_tls *tls, gnutls_session_t session);
void web_tls_leave(struct web_tls *tls);
unsigned web_tls_uses(const struct web_tls *tls);

/* PEM, for the daemon, which asks for them at its start. */
const char *web_tls_certificate(const struct web_tls *tls);
const char *web_tls_key(const struct web_tls *tls);

#endif
