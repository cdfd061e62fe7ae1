/* SPDX-License-Identifier: Apache-2.0 */
/* tls_config as libcurl options. Certificates and keys are handed over as bytes, not as file names:
 * a connection is reused only while the bytes are the same, so that a rotated certificate gets new
 * connections at once. */
#include "base/http/http_call.h"

#include <errno.h>

#define CA_CACHE_SECONDS 60L /* how soon a change of the system's authorities is taken */

static long libcurl_versions(const struct http_tls_config *tls)
{
    static const long least[] = {
        [HTTP_TLS_DEFAULT] = CURL_SSLVERSION_TLSv1_2, [HTTP_TLS_1_0] = CURL_SSLVERSION_TLSv1_0,
        [HTTP_TLS_1_1] = CURL_SSLVERSION_TLSv1_1,     [HTTP_TLS_1_2] = CURL_SSLVERSION_TLSv1_2,
        [HTTP_TLS_1_3] = CURL_SSLVERSION_TLSv1_3,
    };
    static const long most[] = {
        [HTTP_TLS_DEFAULT] = CURL_SSLVERSION_MAX_DEFAULT,
        [HTTP_TLS_1_0] = CURL_SSLVERSION_MAX_TLSv1_0,
        [HTTP_TLS_1_1] = CURL_SSLVERSION_MAX_TLSv1_1,
        [HTTP_TLS_1_2] = CURL_SSLVERSION_MAX_TLSv1_2,
        [HTTP_TLS_1_3] = CURL_SSLVERSION_MAX_TLSv1_3,
    };
    return least[tls->min_version] | most[tls->max_version];
}

/* What the literal or the file has, with its name for messages; an empty text where neither is
 * given. Valid until the next file is read. */
static int read_pem(struct http_call *call, const char *what, const char *literal, const char *path,
                    struct text *out)
{
    *out = text_of(literal);
    if (literal || !path)
        return 0;
    int error = file_cache_read(http_client_files(call->client), path, out);
    if (error)
        return http_call_fail(call, error, "tls_config %s %s: %s", what, path,
                              error == -E2BIG ? "too large" : strerror(-error));
    if (!memmem(out->bytes, out->length, "-----BEGIN", 10))
        return http_call_fail(call, -EINVAL, "tls_config %s %s: holds no PEM block", what, path);
    return 0;
}

static int set_blob(struct http_call *call, CURLoption option, struct text bytes)
{
    struct curl_blob blob = {
        .data = (void *)bytes.bytes, .len = bytes.length, .flags = CURL_BLOB_COPY};
    return curl_easy_setopt(call->easy, option, &blob) == CURLE_OK ? 0 : -ENOMEM;
}

/* The given authorities stand instead of the system's, not beside them. */
static int set_authorities(struct http_call *call, const struct http_tls_config *tls)
{
    struct text ca;
    int error = read_pem(call, "ca_file", tls->ca, tls->ca_file, &ca);
    if (error || !ca.length)
        return error;
    error = set_blob(call, CURLOPT_CAINFO_BLOB, ca);
    if (!error)
        error = set_blob(call, CURLOPT_PROXY_CAINFO_BLOB, ca);
    if (!error)
        error = http_call_set_string(call, CURLOPT_CAPATH, NULL);
    return error ? error : http_call_set_string(call, CURLOPT_PROXY_CAPATH, NULL);
}

static int set_client_certificate(struct http_call *call, const struct http_tls_config *tls)
{
    struct text pem;
    int error = read_pem(call, "cert_file", tls->cert, tls->cert_file, &pem);
    if (error || !pem.length)
        return error;
    error = set_blob(call, CURLOPT_SSLCERT_BLOB, pem);
    if (!error)
        error = read_pem(call, "key_file", tls->key, tls->key_file, &pem);
    return error || !pem.length ? error : set_blob(call, CURLOPT_SSLKEY_BLOB, pem);
}

int http_call_set_tls(struct http_call *call, const struct http_tls_config *tls)
{
    long peer = tls->insecure_skip_verify ? 0 : 1, host = tls->insecure_skip_verify ? 0 : 2;
    curl_easy_setopt(call->easy, CURLOPT_SSLVERSION, libcurl_versions(tls));
    /* A resumed session would not be verified again: an expired certificate would go unnoticed, and
     * a rotated one of ours unused. Connections are kept, so handshakes are few. */
    curl_easy_setopt(call->easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
    curl_easy_setopt(call->easy, CURLOPT_CA_CACHE_TIMEOUT, CA_CACHE_SECONDS);
    curl_easy_setopt(call->easy, CURLOPT_SSL_VERIFYPEER, peer);
    curl_easy_setopt(call->easy, CURLOPT_SSL_VERIFYHOST, host);
    curl_easy_setopt(call->easy, CURLOPT_PROXY_SSL_VERIFYPEER, peer);
    curl_easy_setopt(call->easy, CURLOPT_PROXY_SSL_VERIFYHOST, host);
    int error = set_authorities(call, tls);
    return error ? error : set_client_certificate(call, tls);
}
