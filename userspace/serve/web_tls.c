/* SPDX-License-Identifier: Apache-2.0 */
/* GnuTLS, because libmicrohttpd has it. Its priorities name key exchanges and ciphers apart: a list
 * of cipher_suites allows their combinations. */
#include "serve/web_tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/file_read.h"

#define PEM_MAX (1u << 20)
#define PRIORITY_MAX 2048
#define SAN_MAX 512 /* bytes; a longer name is passed over */

struct web_tls {
    gnutls_certificate_credentials_t credentials;
    gnutls_priority_t priority;
    enum web_client_auth client_auth;
    bool trusts_system; /* its authorities are those of clients */
    struct buffer certificate, key;
    char **sans;
    size_t san_count;
    unsigned uses;
};

/* ---- priorities ---- */

static const struct {
    const char *suite, *exchange, *cipher, *mac;
} suites[] = {
    {"TLS_RSA_WITH_AES_128_CBC_SHA", "RSA", "AES-128-CBC", "SHA1"},
    {"TLS_RSA_WITH_AES_256_CBC_SHA", "RSA", "AES-256-CBC", "SHA1"},
    {"TLS_RSA_WITH_AES_128_CBC_SHA256", "RSA", "AES-128-CBC", "SHA256"},
    {"TLS_RSA_WITH_AES_128_GCM_SHA256", "RSA", "AES-128-GCM", "AEAD"},
    {"TLS_RSA_WITH_AES_256_GCM_SHA384", "RSA", "AES-256-GCM", "AEAD"},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "ECDHE-ECDSA", "AES-128-CBC", "SHA1"},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", "ECDHE-ECDSA", "AES-256-CBC", "SHA1"},
    {"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "ECDHE-RSA", "AES-128-CBC", "SHA1"},
    {"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "ECDHE-RSA", "AES-256-CBC", "SHA1"},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", "ECDHE-ECDSA", "AES-128-CBC", "SHA256"},
    {"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", "ECDHE-RSA", "AES-128-CBC", "SHA256"},
    {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA", "AES-128-GCM", "AEAD"},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA", "AES-128-GCM", "AEAD"},
    {"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA", "AES-256-GCM", "AEAD"},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA", "AES-256-GCM", "AEAD"},
    {"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA", "CHACHA20-POLY1305", "AEAD"},
    {"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA", "CHACHA20-POLY1305", "AEAD"},
    {"TLS_AES_128_GCM_SHA256", NULL, "AES-128-GCM", "AEAD"}, /* of TLS 1.3 */
    {"TLS_AES_256_GCM_SHA384", NULL, "AES-256-GCM", "AEAD"},
    {"TLS_CHACHA20_POLY1305_SHA256", NULL, "CHACHA20-POLY1305", "AEAD"},
};

static int append_suites(const struct web_list *wanted, struct buffer *out, char *problem)
{
    if (!wanted->count)
        return 0;
    buffer_append_string(out, ":-KX-ALL:-CIPHER-ALL:-MAC-ALL");
    for (size_t i = 0; i < wanted->count; i++) {
        size_t k = 0;
        while (k < ARRAY_SIZE(suites) && strcmp(suites[k].suite, wanted->items[i]))
            k++;
        if (k == ARRAY_SIZE(suites)) {
            snprintf(problem, WEB_TLS_PROBLEM_SIZE, "unknown cipher: %s", wanted->items[i]);
            return -EINVAL;
        }
        if (suites[k].exchange)
            buffer_printf(out, ":+%s", suites[k].exchange);
        buffer_printf(out, ":+%s:+%s", suites[k].cipher, suites[k].mac);
    }
    return 0;
}

/* Whether one of the listed ciphers is there in TLS 1.3, too, which has no list of its own. */
static bool has_modern_cipher(const struct web_list *wanted)
{
    for (size_t i = 0; i < wanted->count; i++)
        if (!strstr(wanted->items[i], "_CBC_"))
            return true;
    return false;
}

static int append_curves(const struct web_list *wanted, struct buffer *out, char *problem)
{
    static const char *const curves[][2] = {
        {"CurveP256", "SECP256R1"},
        {"CurveP384", "SECP384R1"},
        {"CurveP521", "SECP521R1"},
        {"X25519", "X25519"},
    };
    if (!wanted->count)
        return 0;
    buffer_append_string(out, ":-GROUP-ALL");
    for (size_t i = 0; i < wanted->count; i++) {
        size_t k = 0;
        while (k < ARRAY_SIZE(curves) && strcmp(curves[k][0], wanted->items[i]))
            k++;
        if (k == ARRAY_SIZE(curves)) {
            snprintf(problem, WEB_TLS_PROBLEM_SIZE, "unknown curve: %s", wanted->items[i]);
            return -EINVAL;
        }
        buffer_printf(out, ":+GROUP-%s", curves[k][1]);
    }
    return 0;
}

static int make_priority(const struct web_tls_config *config, struct web_tls *tls, char *problem)
{
    static const char *const versions[] = {[HTTP_TLS_1_0] = "1.0",
                                           [HTTP_TLS_1_1] = "1.1",
                                           [HTTP_TLS_1_2] = "1.2",
                                           [HTTP_TLS_1_3] = "1.3"};
    autobuffer struct buffer text;
    size_t newest = config->max_version;

    /* Else a client that knows 1.3 is given it, and finds no cipher. */
    if (newest == HTTP_TLS_1_3 && config->cipher_suites.count &&
        !has_modern_cipher(&config->cipher_suites))
        newest = HTTP_TLS_1_2;
    buffer_init(&text, PRIORITY_MAX);
    buffer_append_string(&text, "NORMAL:-VERS-ALL");
    for (size_t i = newest; i >= config->min_version && i >= HTTP_TLS_1_0; i--)
        buffer_printf(&text, ":+VERS-TLS%s", versions[i]);
    int error = append_suites(&config->cipher_suites, &text, problem);
    if (!error)
        error = append_curves(&config->curves, &text, problem);
    if (error)
        return error;
    if (config->prefer_server_ciphers)
        buffer_append_string(&text, ":%SERVER_PRECEDENCE");
    if (text.failed)
        return -ENOMEM;
    int failed = gnutls_priority_init(&tls->priority, text.bytes, NULL);
    if (failed) {
        snprintf(problem, WEB_TLS_PROBLEM_SIZE, "these versions and ciphers do not go together: %s",
                 gnutls_strerror(failed));
        return -EINVAL;
    }
    return 0;
}

/* ---- certificates ---- */

static int read_pem(const char *text, const char *path, struct buffer *out, char *problem)
{
    int error = path ? file_read(path, out) : buffer_append_string(out, text);

    if (error && error != -ENOMEM) {
        snprintf(problem, WEB_TLS_PROBLEM_SIZE, "%s: %s", path ? path : "the text",
                 strerror(-error));
        return -EINVAL;
    }
    return error;
}

static gnutls_datum_t datum_of(const struct buffer *buffer)
{
    return (gnutls_datum_t){(unsigned char *)buffer->bytes, (unsigned)buffer->length};
}

static int load_pair(const struct web_tls_config *config, struct web_tls *tls, char *problem)
{
    int error = read_pem(config->cert, config->cert_file, &tls->certificate, problem);
    if (!error)
        error = read_pem(config->key, config->key_file, &tls->key, problem);
    if (error)
        return error;
    gnutls_datum_t certificate = datum_of(&tls->certificate), key = datum_of(&tls->key);
    int failed = gnutls_certificate_set_x509_key_mem(tls->credentials, &certificate, &key,
                                                     GNUTLS_X509_FMT_PEM);
    if (failed < 0) {
        snprintf(problem, WEB_TLS_PROBLEM_SIZE, "certificate %s and key %s: %s",
                 config->cert_file ? config->cert_file : "(given as text)",
                 config->key_file ? config->key_file : "(given as text)", gnutls_strerror(failed));
        return -EINVAL;
    }
    return 0;
}

static int load_client_ca(const struct web_tls_config *config, struct web_tls *tls, char *problem)
{
    autobuffer struct buffer pem;

    buffer_init(&pem, PEM_MAX);
    if (!config->client_ca && !config->client_ca_file) { /* as Go does; without any, none is good */
        tls->trusts_system = config->client_auth >= WEB_VERIFY_CLIENT_CERT_IF_GIVEN;
        if (tls->trusts_system)
            gnutls_certificate_set_x509_system_trust(tls->credentials);
        return 0;
    }
    int error = read_pem(config->client_ca, config->client_ca_file, &pem, problem);
    if (error)
        return error;
    gnutls_datum_t datum = datum_of(&pem);
    int count =
        gnutls_certificate_set_x509_trust_mem(tls->credentials, &datum, GNUTLS_X509_FMT_PEM);
    if (count <= 0) {
        snprintf(problem, WEB_TLS_PROBLEM_SIZE, "no certificate in %s",
                 config->client_ca_file ? config->client_ca_file : "client_ca");
        return -EINVAL;
    }
    return 0;
}

static int copy_sans(const struct web_list *list, struct web_tls *tls)
{
    tls->sans = calloc(list->count + 1, sizeof(*tls->sans));
    for (size_t i = 0; tls->sans && i < list->count; i++) {
        tls->sans[i] = strdup(list->items[i]);
        if (!tls->sans[i])
            return -ENOMEM;
        tls->san_count++;
    }
    return tls->sans ? 0 : -ENOMEM;
}

/* ---- clients ---- */

static bool is_listed(const struct web_tls *tls, struct text name)
{
    for (size_t i = 0; i < tls->san_count; i++)
        if (text_equal(name, text_of(tls->sans[i])))
            return true;
    return false;
}

/* Addresses as they are written; names of other kinds than these four cannot be listed. */
static bool is_allowed(const struct web_tls *tls, gnutls_x509_crt_t certificate)
{
    char name[SAN_MAX], address[INET6_ADDRSTRLEN];

    for (unsigned i = 0;; i++) {
        size_t size = sizeof(name);
        int type = gnutls_x509_crt_get_subject_alt_name(certificate, i, name, &size, NULL);
        struct text text = {name, size};
        if (type == GNUTLS_E_SHORT_MEMORY_BUFFER)
            continue;
        if (type < 0)
            return false;
        if (type == GNUTLS_SAN_IPADDRESS && (size == 4 || size == 16))
            text =
                text_of(inet_ntop(size == 4 ? AF_INET : AF_INET6, name, address, sizeof(address)));
        else if (type != GNUTLS_SAN_DNSNAME && type != GNUTLS_SAN_RFC822NAME &&
                 type != GNUTLS_SAN_URI)
            continue;
        if (is_listed(tls, text))
            return true;
    }
}

static bool names_are_allowed(const struct web_tls *tls, gnutls_session_t session)
{
    unsigned count = 0;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &count);
    gnutls_x509_crt_t certificate;

    if (!tls->san_count)
        return true;
    if (!count || gnutls_x509_crt_init(&certificate))
        return false;
    bool allowed = !gnutls_x509_crt_import(certificate, &chain[0], GNUTLS_X509_FMT_DER) &&
                   is_allowed(tls, certificate);
    gnutls_x509_crt_deinit(certificate);
    return allowed;
}

/* In the handshake, when the client could show a certificate. */
static int verify_client(gnutls_session_t session)
{
    gnutls_typed_vdata_st purpose = {.type = GNUTLS_DT_KEY_PURPOSE_OID,
                                     .data = (unsigned char *)GNUTLS_KP_TLS_WWW_CLIENT};
    const struct web_tls *tls = gnutls_session_get_ptr(session);
    unsigned status = 0, count = 0;

    if (tls->client_auth < WEB_VERIFY_CLIENT_CERT_IF_GIVEN)
        return 0;
    if (!gnutls_certificate_get_peers(session, &count) &&
        tls->client_auth == WEB_VERIFY_CLIENT_CERT_IF_GIVEN)
        return 0;
    if (gnutls_certificate_verify_peers(session, &purpose, 1, &status) || status)
        return GNUTLS_E_CERTIFICATE_ERROR;
    return names_are_allowed(tls, session) ? 0 : GNUTLS_E_CERTIFICATE_ERROR;
}

void web_tls_enter(struct web_tls *tls, gnutls_session_t session)
{
    static const gnutls_certificate_request_t requests[WEB_CLIENT_AUTHS] = {
        [WEB_NO_CLIENT_CERT] = GNUTLS_CERT_IGNORE,
        [WEB_REQUEST_CLIENT_CERT] = GNUTLS_CERT_REQUEST,
        [WEB_REQUIRE_ANY_CLIENT_CERT] = GNUTLS_CERT_REQUIRE,
        [WEB_VERIFY_CLIENT_CERT_IF_GIVEN] = GNUTLS_CERT_REQUEST,
        [WEB_REQUIRE_AND_VERIFY_CLIENT_CERT] = GNUTLS_CERT_REQUIRE,
    };
    tls->uses++;
    gnutls_priority_set(session, tls->priority);
    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, tls->credentials);
    gnutls_certificate_server_set_request(session, requests[tls->client_auth]);
    if (tls->trusts_system) /* a hundred names that nobody asked for */
        gnutls_certificate_send_x509_rdn_sequence(session, 1);
    gnutls_session_set_ptr(session, tls);
    gnutls_session_set_verify_function(session, verify_client);
}

void web_tls_leave(struct web_tls *tls)
{
    if (tls)
        tls->uses--;
}

unsigned web_tls_uses(const struct web_tls *tls)
{
    return tls->uses;
}

const char *web_tls_certificate(const struct web_tls *tls)
{
    return tls->certificate.bytes;
}

const char *web_tls_key(const struct web_tls *tls)
{
    return tls->key.bytes;
}

/* ---- life ---- */

static int fill(const struct web_tls_config *config, struct web_tls *tls, char *problem)
{
    if (gnutls_certificate_allocate_credentials(&tls->credentials))
        return -ENOMEM;
    int error = load_pair(config, tls, problem);
    if (!error)
        error = load_client_ca(config, tls, problem);
    if (!error)
        error = make_priority(config, tls, problem);
    return error ? error : copy_sans(&config->client_sans, tls);
}

int web_tls_new(const struct web_tls_config *config, struct web_tls **out,
                char problem[WEB_TLS_PROBLEM_SIZE])
{
    struct web_tls *tls = calloc(1, sizeof(*tls));
    if (!tls)
        return -ENOMEM;
    tls->client_auth = config->client_auth;
    buffer_init(&tls->certificate, PEM_MAX);
    buffer_init(&tls->key, PEM_MAX);
    int error = fill(config, tls, problem);
    if (error)
        web_tls_free(&tls);
    else
        *out = tls;
    return error;
}

void web_tls_free(struct web_tls **out)
{
    struct web_tls *tls = TAKE_PTR(*out);
    if (!tls)
        return;
    if (tls->credentials)
        gnutls_certificate_free_credentials(tls->credentials);
    if (tls->priority)
        gnutls_priority_deinit(tls->priority);
    for (size_t i = 0; i < tls->san_count; i++)
        free(tls->sans[i]);
    free(tls->sans);
    buffer_free(&tls->certificate);
    if (tls->key.bytes)
        explicit_bzero(tls->key.bytes, tls->key.length);
    buffer_free(&tls->key);
    free(tls);
}
