/* SPDX-License-Identifier: Apache-2.0 */
/* What is remembered is a SHA-256 of a random secret, the name, the configured hash and the
 * password, so that a new hash makes the old password wrong. */
#include "serve/basic_auth.h"

#include <crypt.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/queue.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "base/text.h"

#define CREDENTIALS_MAX 1024 /* bytes of name and password */
#define HASH_MAX 64

struct check {
    struct worker_job job;   /* first */
    struct basic_auth *auth; /* NULL: it has gone */
    void (*done)(void *context, bool ok);
    void *context;
    bool known, matches;
    unsigned char key[SHA256_DIGEST_LENGTH];
    char password[CREDENTIALS_MAX], hash[HASH_MAX];
    struct crypt_data scratch;
    LIST_ENTRY(check) link;
};

struct basic_auth {
    struct worker *worker;
    unsigned char secret[32];
    unsigned char remembered[BASIC_AUTH_REMEMBERED][SHA256_DIGEST_LENGTH];
    size_t remembered_count, next;
    LIST_HEAD(, check) checks;
    unsigned check_count;
};

int basic_auth_new(struct worker *worker, struct basic_auth **out)
{
    struct basic_auth *auth = calloc(1, sizeof(*auth));
    if (!auth)
        return -ENOMEM;
    auth->worker = worker;
    LIST_INIT(&auth->checks);
    if (getrandom(auth->secret, sizeof(auth->secret), 0) != sizeof(auth->secret)) {
        free(auth);
        return -EIO;
    }
    *out = auth;
    return 0;
}

void basic_auth_free(struct basic_auth **out)
{
    struct basic_auth *auth = TAKE_PTR(*out);
    struct check *check;
    if (!auth)
        return;
    LIST_FOREACH(check, &auth->checks, link)
    {
        check->auth = NULL;
        check->done(check->context, false);
    }
    free(auth);
}

/* ---- reading ---- */

static int sextet(char c)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *found = c ? strchr(letters, c) : NULL;
    return found ? (int)(found - letters) : -1;
}

/* Base64 with its padding; false where it is none, or too long. */
static bool decode(const char *text, char out[CREDENTIALS_MAX])
{
    size_t length = strlen(text), size = 0;
    uint32_t bits = 0;

    while (length && text[length - 1] == '=')
        length--;
    if (length / 4 * 3 + 3 >= CREDENTIALS_MAX)
        return false;
    for (size_t i = 0; i < length; i++) {
        int value = sextet(text[i]);
        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
        if (i % 4)
            out[size++] = (char)(bits >> (6 - 2 * (i % 4)));
    }
    out[size] = '\0';
    return strlen(out) == size; /* crypt() knows no NUL */
}

/* "Basic bmFtZTpwYXNz" -> name and password, both in `out`. */
static bool read_credentials(const char *authorization, char out[CREDENTIALS_MAX], char **password)
{
    if (!authorization || strncasecmp(authorization, "basic ", 6))
        return false;
    authorization += 6;
    authorization += strspn(authorization, " ");
    if (!decode(authorization, out))
        return false;
    char *colon = strchr(out, ':');
    if (!colon)
        return false;
    *colon = '\0';
    *password = colon + 1;
    return true;
}

static const struct web_user *find_user(const struct web_config *config, const char *name)
{
    const struct web_user *found = NULL;
    for (size_t i = 0; i < config->user_count; i++)
        if (!strcmp(config->users[i].name, name))
            found = &config->users[i];
    return found;
}

/* ---- what is remembered ---- */

static void make_key(const struct basic_auth *auth, const char *name, const char *hash,
                     const char *password, unsigned char out[SHA256_DIGEST_LENGTH])
{
    const struct text parts[] = {{(const char *)auth->secret, sizeof(auth->secret)},
                                 {name, strlen(name) + 1},
                                 {hash, strlen(hash) + 1},
                                 {password, strlen(password) + 1}};
    unsigned char all[sizeof(auth->secret) + 2 * CREDENTIALS_MAX + HASH_MAX];
    size_t length = 0;

    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        memcpy(all + length, parts[i].bytes, parts[i].length);
        length += parts[i].length;
    }
    SHA256(all, length, out);
    OPENSSL_cleanse(all, sizeof(all));
}

static bool is_remembered(const struct basic_auth *auth,
                          const unsigned char key[SHA256_DIGEST_LENGTH])
{
    bool found = false;
    for (size_t i = 0; i < auth->remembered_count; i++)
        found |= !CRYPTO_memcmp(auth->remembered[i], key, SHA256_DIGEST_LENGTH);
    return found;
}

static void remember(struct basic_auth *auth, const unsigned char key[SHA256_DIGEST_LENGTH])
{
    if (is_remembered(auth, key))
        return;
    memcpy(auth->remembered[auth->next], key, SHA256_DIGEST_LENGTH);
    auth->next = (auth->next + 1) % BASIC_AUTH_REMEMBERED;
    if (auth->remembered_count < BASIC_AUTH_REMEMBERED)
        auth->remembered_count++;
}

/* ---- checks ---- */

static void run_check(struct worker_job *job)
{
    struct check *check = (struct check *)job;
    const char *made = crypt_r(check->password, check->hash, &check->scratch);
    size_t length = strlen(check->hash);

    check->matches = made && strlen(made) == length && !CRYPTO_memcmp(made, check->hash, length);
}

static void end_check(struct worker_job *job)
{
    struct check *check = (struct check *)job;
    struct basic_auth *auth = check->auth;
    bool ok = check->known && check->matches;

    if (auth) {
        LIST_REMOVE(check, link);
        auth->check_count--;
        if (ok)
            remember(auth, check->key);
        check->done(check->context, ok);
    }
    OPENSSL_cleanse(check, sizeof(*check));
    free(check);
}

enum basic_auth_verdict basic_auth_check(struct basic_auth *auth, const struct web_config *config,
                                         const char *authorization,
                                         void (*done)(void *context, bool ok), void *context)
{
    char credentials[CREDENTIALS_MAX], *password;

    if (!read_credentials(authorization, credentials, &password))
        return BASIC_AUTH_REFUSED;
    const struct web_user *user = find_user(config, credentials);
    /* Of somebody who is not there the first one's hash is tried: that takes as long. */
    const char *hash = user ? user->hash : config->users[0].hash;
    unsigned char key[SHA256_DIGEST_LENGTH];
    make_key(auth, credentials, hash, password, key);
    if (user && is_remembered(auth, key))
        return BASIC_AUTH_OK;
    struct check *check =
        auth->check_count < BASIC_AUTH_MAX_CHECKS ? calloc(1, sizeof(*check)) : NULL;
    if (!check)
        return BASIC_AUTH_BUSY;
    check->job = (struct worker_job){.run = run_check, .done = end_check};
    check->auth = auth;
    check->done = done;
    check->context = context;
    check->known = user != NULL;
    memcpy(check->key, key, sizeof(key));
    snprintf(check->password, sizeof(check->password), "%s", password);
    snprintf(check->hash, sizeof(check->hash), "%s", hash);
    OPENSSL_cleanse(credentials, sizeof(credentials));
    if (worker_submit(auth->worker, &check->job)) {
        free(check);
        return BASIC_AUTH_BUSY;
    }
    LIST_INSERT_HEAD(&auth->checks, check, link);
    auth->check_count++;
    return BASIC_AUTH_PENDING;
}
