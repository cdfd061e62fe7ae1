/* SPDX-License-Identifier: Apache-2.0 */
/* One token for each set of settings. The client authenticates in the Authorization header, and if
 * the server refuses that, in the form: Go's oauth2 package tries both too, and in this order. */
#include "base/http/http_oauth2.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define EARLY_NS (10 * NS_PER_SECOND) /* a token is renewed so long before it expires */
#define SECRET_MAXIMUM (64 << 10)
#define FORM_MAXIMUM (256 << 10)
#define FORM_TYPE "application/x-www-form-urlencoded"

enum token_style { STYLE_UNKNOWN, STYLE_HEADER, STYLE_FORM };

struct http_token {
    XXH128_hash_t key; /* of all settings, the secret among them */
    struct http_client *client;
    TAILQ_HEAD(, http_call) waiting;
    struct http_call *fetch; /* NULL: no request is under way */
    struct loop_timer *deadline;
    enum token_style style, tried;
    char *authorization; /* "Bearer ..."; NULL: there is none */
    uint64_t expires_ns; /* monotonic */
    uint64_t used;       /* number of the authorization */
    struct buffer form;
};

struct http_tokens {
    struct http_client *client;
    struct loop *loop;
    struct http_token *list[HTTP_OAUTH2_MAX_TOKENS];
    size_t count;
    uint64_t uses;
};

static void fetch_token(struct http_token *token);

/* ---- the table ---- */

int http_tokens_new(struct http_client *client, struct loop *loop, struct http_tokens **out)
{
    struct http_tokens *tokens = calloc(1, sizeof(*tokens));
    if (!tokens)
        return -ENOMEM;
    tokens->client = client;
    tokens->loop = loop;
    *out = tokens;
    return 0;
}

static void token_drop(struct http_token *token)
{
    if (token->authorization)
        explicit_bzero(token->authorization, strlen(token->authorization));
    free(TAKE_PTR(token->authorization));
}

static void token_free(struct http_token *token)
{
    http_call_cancel(&token->fetch);
    loop_timer_free(&token->deadline);
    http_secret_free(&token->form);
    token_drop(token);
    free(token);
}

void http_tokens_free(struct http_tokens **tokens)
{
    if (!*tokens)
        return;
    for (size_t i = 0; i < (*tokens)->count; i++)
        token_free((*tokens)->list[i]);
    free(*tokens);
    *tokens = NULL;
}

struct http_call *http_tokens_waiting(const struct http_tokens *tokens)
{
    for (size_t i = 0; i < tokens->count; i++)
        if (!TAILQ_EMPTY(&tokens->list[i]->waiting))
            return TAILQ_FIRST(&tokens->list[i]->waiting);
    return NULL;
}

/* ---- which token ---- */

static void hash_string(XXH3_state_t *state, const char *string)
{
    string = string ? string : "";
    XXH3_128bits_update(state, string, strlen(string) + 1);
}

static int settings_key(struct http_call *call, const struct http_oauth2_config *config,
                        XXH128_hash_t *out)
{
    struct buffer secret;
    XXH3_state_t state;

    buffer_init(&secret, SECRET_MAXIMUM);
    int error = http_call_read_secret(call, "oauth2 client_secret_file", config->client_secret,
                                      config->client_secret_file, &secret);
    if (!error) {
        XXH3_128bits_reset(&state);
        hash_string(&state, config->token_url);
        hash_string(&state, config->client_id);
        hash_string(&state, secret.bytes);
        for (size_t i = 0; i < config->scope_count; i++)
            hash_string(&state, config->scopes[i]);
        hash_string(&state, ""); /* no scope is empty */
        for (size_t i = 0; i < config->endpoint_param_count; i++) {
            hash_string(&state, config->endpoint_params[i].name);
            hash_string(&state, config->endpoint_params[i].value);
        }
        *out = XXH3_128bits_digest(&state);
    }
    http_secret_free(&secret);
    return error;
}

static void fail_late_calls(void *context);

static int token_new(struct http_tokens *tokens, XXH128_hash_t key, struct http_token **out)
{
    struct http_token *token = calloc(1, sizeof(*token));
    if (!token)
        return -ENOMEM;
    token->key = key;
    token->client = tokens->client;
    TAILQ_INIT(&token->waiting);
    buffer_init(&token->form, FORM_MAXIMUM);
    int error = loop_timer_new(tokens->loop, fail_late_calls, token, &token->deadline);
    if (error)
        free(token);
    else
        *out = token;
    return error;
}

/* Where a new token goes: behind the others, or in the place of the one used least recently. */
static struct http_token **free_place(struct http_tokens *tokens)
{
    struct http_token **oldest = NULL;

    if (tokens->count < HTTP_OAUTH2_MAX_TOKENS)
        return &tokens->list[tokens->count];
    for (size_t i = 0; i < tokens->count; i++) {
        struct http_token **place = &tokens->list[i];
        if (TAILQ_EMPTY(&(*place)->waiting) && (!oldest || (*place)->used < (*oldest)->used))
            oldest = place;
    }
    return oldest;
}

static int find_token(struct http_tokens *tokens, XXH128_hash_t key, struct http_token **out)
{
    for (size_t i = 0; i < tokens->count; i++) {
        if (XXH128_isEqual(tokens->list[i]->key, key)) {
            *out = tokens->list[i];
            return 0;
        }
    }
    struct http_token **place = free_place(tokens), *added;
    if (!place)
        return -EBUSY;
    int error = token_new(tokens, key, &added);
    if (error)
        return error;
    if (place == &tokens->list[tokens->count])
        tokens->count++;
    else
        token_free(*place);
    *out = *place = added;
    return 0;
}

/* ---- the request ---- */

static void append_pair(struct buffer *form, const char *name, const char *value)
{
    char *escaped_name = curl_easy_escape(NULL, name, 0);
    char *escaped_value = curl_easy_escape(NULL, value, 0);

    if (escaped_name && escaped_value)
        buffer_printf(form, "%s%s=%s", form->length ? "&" : "", escaped_name, escaped_value);
    else
        form->failed = true;
    curl_free(escaped_name);
    curl_free(escaped_value);
}

static int build_form(struct http_token *token, const struct http_oauth2_config *config,
                      const char *secret)
{
    autobuffer struct buffer scopes;
    struct buffer *form = &token->form;

    buffer_init(&scopes, FORM_MAXIMUM);
    buffer_clear(form);
    append_pair(form, "grant_type", "client_credentials");
    for (size_t i = 0; i < config->scope_count; i++)
        buffer_printf(&scopes, "%s%s", i ? " " : "", config->scopes[i]);
    if (scopes.length)
        append_pair(form, "scope", scopes.bytes);
    for (size_t i = 0; i < config->endpoint_param_count; i++)
        append_pair(form, config->endpoint_params[i].name, config->endpoint_params[i].value);
    if (token->tried == STYLE_FORM) {
        append_pair(form, "client_id", config->client_id);
        if (*secret)
            append_pair(form, "client_secret", secret);
    }
    return form->failed || scopes.failed ? -ENOMEM : 0;
}

static void on_response(void *context, const struct http_response *response);

/* `http` has the settings of the request; its strings are others'. */
static int start_request(struct http_token *token, const struct http_call *waiting,
                         const struct http_config *http)
{
    struct http_header headers[] = {{"Content-Type", FORM_TYPE}};
    struct http_request request = {
        .method = "POST",
        .url = waiting->config->oauth2->token_url,
        .config = http,
        .headers = headers,
        .header_count = ARRAY_SIZE(headers),
        .body = token->form.bytes,
        .body_length = token->form.length,
        .timeout_ns = waiting->timeout_ns,
        .max_response_bytes = HTTP_OAUTH2_MAX_RESPONSE,
        .on_done = on_response,
        .context = token,
    };
    return http_client_start(token->client, &request, &token->fetch);
}

/* In the header id and secret are escaped as in a form (RFC 6749, 2.3.1). */
static int start_fetch(struct http_token *token, struct http_call *waiting)
{
    const struct http_oauth2_config *config = waiting->config->oauth2;
    struct http_config http;
    struct buffer secret;

    http_config_init(&http);
    http.tls = config->tls;
    http.proxy = config->proxy;
    buffer_init(&secret, SECRET_MAXIMUM);
    int error = http_call_read_secret(waiting, "oauth2 client_secret_file", config->client_secret,
                                      config->client_secret_file, &secret);
    if (!error)
        error = build_form(token, config, secret.bytes);
    if (!error && token->tried == STYLE_HEADER) {
        http.basic_auth.username = curl_easy_escape(NULL, config->client_id, 0);
        http.basic_auth.password = curl_easy_escape(NULL, secret.bytes, 0);
        if (!http.basic_auth.username || !http.basic_auth.password)
            error = -ENOMEM;
    }
    if (!error)
        error = start_request(token, waiting, &http);
    curl_free(http.basic_auth.username);
    if (http.basic_auth.password)
        explicit_bzero(http.basic_auth.password, strlen(http.basic_auth.password));
    curl_free(http.basic_auth.password);
    http_secret_free(&secret);
    return error;
}

/* ---- waiting calls ---- */

static struct http_call *take_waiting(struct http_token *token, struct http_call *call)
{
    TAILQ_REMOVE(&token->waiting, call, link);
    call->token = NULL;
    return call;
}

/* All that wait now go on; what they do may bring others. */
static void resume_all(struct http_token *token, const char *failure)
{
    size_t count = 0;
    struct http_call *call;

    TAILQ_FOREACH(call, &token->waiting, link) count++;
    loop_timer_disarm(token->deadline);
    for (; count && (call = TAILQ_FIRST(&token->waiting)); count--) {
        take_waiting(token, call);
        int error = 0;
        if (failure)
            http_call_fail(call, -EACCES, "oauth2: %.400s", failure);
        else
            error = http_call_add_header(call, "Authorization", token->authorization);
        if (!failure && !error)
            error = http_call_apply_headers(call);
        if (error && !call->failure[0])
            http_call_fail(call, error, "oauth2: %s", strerror(-error));
        http_call_resume(call);
    }
}

static uint64_t call_deadline(const struct http_call *call)
{
    return call->started_ns + call->timeout_ns;
}

static void arm_deadline(struct http_token *token)
{
    const struct http_call *call;
    uint64_t first = UINT64_MAX;

    TAILQ_FOREACH(call, &token->waiting, link)
    if (call_deadline(call) < first)
        first = call_deadline(call);
    if (first == UINT64_MAX)
        loop_timer_disarm(token->deadline);
    else
        loop_timer_at(token->deadline, first);
}

static void fail_late_calls(void *context)
{
    struct http_token *token = context;
    struct http_call *call, *next;
    uint64_t now = clock_monotonic_ns();

    for (call = TAILQ_FIRST(&token->waiting); call; call = next) {
        next = TAILQ_NEXT(call, link);
        if (call_deadline(call) > now)
            continue;
        take_waiting(token, call);
        http_call_fail(call, -ETIMEDOUT, "timed out after %.6gs while waiting for an oauth2 token",
                       (double)call->timeout_ns / NS_PER_SECOND);
        http_call_resume(call);
    }
    arm_deadline(token);
}

/* ---- the answer ---- */

static const char *scheme_of(const char *token_type)
{
    static const char *const known[] = {"Bearer", "MAC", "Basic"};

    if (!token_type || !*token_type)
        return "Bearer";
    for (size_t i = 0; i < ARRAY_SIZE(known); i++)
        if (!strcasecmp(token_type, known[i]))
            return known[i];
    return token_type;
}

/* A number, or a text that holds one; 0: the token does not expire. */
static double lifetime_seconds(const json_t *expires_in)
{
    double seconds = json_is_string(expires_in) ? atof(json_string_value(expires_in))
                                                : json_number_value(expires_in);
    return seconds > 0 && seconds < 1e9 ? seconds : 0;
}

/* NULL, or what is wrong. */
static const char *take_token(struct http_token *token, struct text body)
{
    json_t *root = json_loadb(body.bytes, body.length, 0, NULL);
    const char *access = json_string_value(json_object_get(root, "access_token"));
    const char *scheme = scheme_of(json_string_value(json_object_get(root, "token_type")));
    double seconds = lifetime_seconds(json_object_get(root, "expires_in"));
    const char *fault = !root                 ? "the response is not JSON"
                        : !access || !*access ? "the response has no access_token"
                                              : NULL;

    token_drop(token);
    if (!fault && asprintf(&token->authorization, "%s %s", scheme, access) < 0) {
        token->authorization = NULL;
        fault = "no memory";
    }
    uint64_t life = (uint64_t)(seconds * NS_PER_SECOND);
    token->expires_ns = !life             ? UINT64_MAX
                        : life > EARLY_NS ? clock_monotonic_ns() + life - EARLY_NS
                                          : 0;
    json_decref(root);
    return fault;
}

static void on_response(void *context, const struct http_response *response)
{
    struct http_token *token = context;
    char reason[HTTP_ERROR_MAXIMUM] = "";
    const char *fault = NULL;

    token->fetch = NULL;
    if (response->error)
        snprintf(reason, sizeof(reason), "token_url: %.500s", response->error);
    else if (response->status / 100 != 2)
        snprintf(reason, sizeof(reason), "token_url: server returned HTTP status %s",
                 response->status_text);
    else if ((fault = take_token(token, response->body)))
        snprintf(reason, sizeof(reason), "token_url: %s", fault);
    if (!*reason) {
        token->style = token->tried;
        resume_all(token, NULL);
    } else if (response->status && token->style == STYLE_UNKNOWN && token->tried == STYLE_HEADER) {
        token->tried = STYLE_FORM;
        fetch_token(token);
    } else {
        resume_all(token, reason);
    }
}

static void fetch_token(struct http_token *token)
{
    struct http_call *waiting = TAILQ_FIRST(&token->waiting);

    if (!waiting)
        return; /* nobody wants it any more */
    int error = start_fetch(token, waiting);
    if (!error)
        return;
    char reason[HTTP_ERROR_MAXIMUM];
    snprintf(reason, sizeof(reason), "%s",
             waiting->failure[0] ? waiting->failure : strerror(-error));
    resume_all(token, reason);
}

/* ---- the interface ---- */

static int authorize_now(struct http_call *call, const struct http_token *token)
{
    int error = http_call_add_header(call, "Authorization", token->authorization);
    return error ? error : http_call_apply_headers(call);
}

int http_tokens_authorize(struct http_tokens *tokens, struct http_call *call)
{
    struct http_token *token;
    XXH128_hash_t key;

    int error = settings_key(call, call->config->oauth2, &key);
    if (!error)
        error = find_token(tokens, key, &token);
    if (error == -EBUSY)
        return http_call_fail(call, error, "oauth2: more than %d tokens are being fetched",
                              HTTP_OAUTH2_MAX_TOKENS);
    if (error)
        return error;
    token->used = ++tokens->uses;
    if (token->authorization && clock_monotonic_ns() < token->expires_ns)
        return authorize_now(call, token);

    call->state = HTTP_CALL_AUTHORIZING;
    call->token = token;
    TAILQ_INSERT_TAIL(&token->waiting, call, link);
    arm_deadline(token);
    if (!token->fetch) {
        token->tried = token->style == STYLE_UNKNOWN ? STYLE_HEADER : token->style;
        fetch_token(token);
    }
    return -EINPROGRESS;
}

void http_tokens_forget(struct http_call *call)
{
    struct http_token *token = call->token;
    take_waiting(token, call);
    arm_deadline(token);
}
