/* SPDX-License-Identifier: Apache-2.0 */
/* Words for people: why a transfer failed, a URL without its password, and what a Retry-After
 * header asks for. */
#include "base/http/http_call.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"

static const char *url_part(CURLU *url, CURLUPart part, unsigned flags, char **out)
{
    *out = NULL;
    return url && curl_url_get(url, part, out, flags) == CURLUE_OK ? *out : "";
}

/* The "host:port" that the transfer was talking to when it failed. */
static void call_place(const struct http_call *call, char *place)
{
    char *effective = NULL, *host, *port;
    long redirects = 0;
    curl_easy_getinfo(call->easy, CURLINFO_REDIRECT_COUNT, &redirects);
    if (call->dialled && redirects == 0) {
        snprintf(place, HTTP_PLACE_MAXIMUM, "%s", call->dialled);
        return;
    }
    curl_easy_getinfo(call->easy, CURLINFO_EFFECTIVE_URL, &effective);
    CURLU *url = curl_url();
    if (url && effective)
        curl_url_set(url, CURLUPART_URL, effective, CURLU_GUESS_SCHEME);
    const char *host_text = url_part(url, CURLUPART_HOST, 0, &host);
    const char *port_text = url_part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT, &port);
    snprintf(place, HTTP_PLACE_MAXIMUM, "%s:%s", host_text, port_text);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(url);
}

void http_error_timeout(const struct http_call *call, enum http_phase phase, const char *place,
                        char *line)
{
    static const char *const words[] = {
        [HTTP_PHASE_CONNECTING] = "connecting to",
        [HTTP_PHASE_WAITING] = "waiting for a response of",
        [HTTP_PHASE_READING] = "reading the response of",
    };
    char span[32];
    if (call->timeout_ns % NS_PER_SECOND && call->timeout_ns < NS_PER_SECOND)
        snprintf(span, sizeof(span), "%.6gms", (double)call->timeout_ns / NS_PER_MS);
    else
        snprintf(span, sizeof(span), "%.6gs", (double)call->timeout_ns / NS_PER_SECOND);
    snprintf(line, HTTP_ERROR_MAXIMUM, "timed out after %s while %s %s", span, words[phase], place);
}

static void describe_timeout(const struct http_call *call, int status, const char *place,
                             char *line)
{
    curl_off_t connect_us = 0;
    curl_easy_getinfo(call->easy, CURLINFO_CONNECT_TIME_T, &connect_us);
    enum http_phase phase = status           ? HTTP_PHASE_READING
                            : connect_us > 0 ? HTTP_PHASE_WAITING
                                             : HTTP_PHASE_CONNECTING;
    http_error_timeout(call, phase, place, line);
}

void http_error_dial(struct http_call *call, int error)
{
    char place[HTTP_ADDRESS_TEXT_SIZE];
    const char *words = strerror(-error);

    http_address_text(&call->address, place);
    http_call_fail(call, error, "dial %s: %c%s", place, tolower((unsigned char)words[0]),
                   words + 1);
}

static void describe_dial(const struct http_call *call, const char *place, char *line)
{
    long number = 0;
    curl_easy_getinfo(call->easy, CURLINFO_OS_ERRNO, &number);
    const char *reason = number ? strerror((int)number) : "cannot connect";
    snprintf(line, HTTP_ERROR_MAXIMUM, "dial %s: %c%s", place, tolower((unsigned char)reason[0]),
             reason + 1);
}

/* libcurl keeps its words of an attempt before, where it has connected anew by itself. */
static const char *verification_words(const struct http_call *call, const char *words)
{
    static const struct {
        long result; /* X509_V_ERR_... */
        const char *words;
    } table[] = {
        {9, "certificate is not yet valid"},
        {10, "certificate has expired"},
        {18, "self-signed certificate"},
        {19, "self-signed certificate in certificate chain"},
        {20, "unable to get local issuer certificate"},
        {62, "hostname mismatch"},
    };
    long result = 0;
    curl_easy_getinfo(call->easy, CURLINFO_SSL_VERIFYRESULT, &result);
    for (size_t i = 0; i < ARRAY_SIZE(table) && !strstr(words, "certificate"); i++)
        if (table[i].result == result)
            return table[i].words;
    return words;
}

void http_error_describe(const struct http_call *call, CURLcode code, int status, char *line)
{
    char place[HTTP_PLACE_MAXIMUM];
    const char *words = call->curl_error[0] ? call->curl_error : curl_easy_strerror(code);
    call_place(call, place);
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        describe_timeout(call, status, place, line);
        break;
    case CURLE_COULDNT_CONNECT:
        describe_dial(call, place, line);
        break;
    case CURLE_COULDNT_RESOLVE_HOST:
        snprintf(line, HTTP_ERROR_MAXIMUM, "dial %s: no such host", place);
        break;
    case CURLE_GOT_NOTHING:
        snprintf(line, HTTP_ERROR_MAXIMUM, "%s closed the connection without a response", place);
        break;
    case CURLE_PARTIAL_FILE:
        snprintf(line, HTTP_ERROR_MAXIMUM, "%s closed the connection within the response", place);
        break;
    case CURLE_TOO_MANY_REDIRECTS:
        snprintf(line, HTTP_ERROR_MAXIMUM, "stopped after %d redirects", HTTP_REDIRECTS_MAXIMUM);
        break;
    case CURLE_UNSUPPORTED_PROTOCOL:
        snprintf(line, HTTP_ERROR_MAXIMUM, "the URL's scheme must be http or https");
        break;
    case CURLE_URL_MALFORMAT:
        snprintf(line, HTTP_ERROR_MAXIMUM, "malformed URL: %s", words);
        break;
    case CURLE_PEER_FAILED_VERIFICATION:
        snprintf(line, HTTP_ERROR_MAXIMUM, "%s: certificate not accepted: %s", place,
                 verification_words(call, words));
        break;
    default:
        snprintf(line, HTTP_ERROR_MAXIMUM, "%s: %s", place, words);
    }
    line[strcspn(line, "\r\n")] = '\0';
}

int64_t http_retry_after_ms(const char *value)
{
    static const int64_t most_seconds = INT64_MAX / 1000;
    if (isdigit((unsigned char)value[0])) {
        char *end;
        errno = 0;
        long long seconds = strtoll(value, &end, 10);
        if (*end == '\0')
            return errno || seconds > most_seconds ? most_seconds * 1000 : seconds * 1000;
    }
    time_t moment = curl_getdate(value, NULL);
    if (moment < 0)
        return -1;
    int64_t wait = (int64_t)moment * 1000 - clock_wall_ms();
    return wait > 0 ? wait : 0;
}

/* The copy from libcurl's allocator into ours. */
static char *take_curl_string(char *string)
{
    char *copy = string ? strdup(string) : NULL;
    curl_free(string);
    return copy;
}

char *http_url_redacted(const char *url)
{
    CURLU *parsed = curl_url();
    char *password = NULL, *redacted = NULL;
    if (!parsed)
        return NULL;
    CURLUcode code = curl_url_set(parsed, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME);
    if (!code)
        code = curl_url_get(parsed, CURLUPART_PASSWORD, &password, 0);
    if (code == CURLUE_NO_PASSWORD) {
        redacted = strdup(url);
    } else if (code == CURLUE_OK) {
        if (!curl_url_set(parsed, CURLUPART_PASSWORD, "xxxxx", 0) &&
            !curl_url_get(parsed, CURLUPART_URL, &redacted, 0))
            redacted = take_curl_string(redacted);
    } else {
        /* What nobody can read may hold a password anywhere before its last @. */
        redacted = strdup(strchr(url, '@') ? "<malformed URL>" : url);
    }
    curl_free(password);
    curl_url_cleanup(parsed);
    return redacted;
}
