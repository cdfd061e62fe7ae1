/* SPDX-License-Identifier: Apache-2.0 */
/* base/http/http_client over TLS, against `openssl s_server`: what is verified, client
 * certificates, and server_name in SNI, in verification and in the Host header. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "http_fixture.h"

static char folder[] = "/tmp/test_tls_XXXXXX";

static const char *in_folder(const char *name)
{
    static char paths[8][256];
    static unsigned next;
    char *path = paths[next++ % ARRAY_SIZE(paths)];
    snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

/* An authority, a server certificate for name.test, and a client certificate. */
static int make_certificates(void **state)
{
    static const char script[] =
        "cd %s && new='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2' && { "
        "openssl req -x509 $new -keyout ca.key -out ca.pem -subj /CN=ca &&"
        "openssl req -x509 $new -keyout other.key -out other.pem -subj /CN=other &&"
        "openssl req -x509 $new -keyout server.key -out server.pem -subj /CN=name.test "
        " -addext subjectAltName=DNS:name.test -CA ca.pem -CAkey ca.key &&"
        "openssl req -x509 $new -keyout client.key -out client.pem -subj /CN=client "
        " -CA ca.pem -CAkey ca.key && echo >empty.pem; } 2>log";
    char command[1024];
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(command, sizeof(command), script, folder);
    return system(command) == 0 ? 0 : -1;
}

static int remove_certificates(void **state)
{
    char command[64];
    (void)state;
    snprintf(command, sizeof(command), "rm -r %s", folder);
    return system(command);
}

/* ---- one connection's worth of TLS server ---- */

struct tls_server {
    struct loop *loop;
    pid_t pid;
    int input;  /* what we write goes to the client */
    int output; /* the server's messages, and what the client sent */
    int port;
    bool closes; /* has the client close, and takes a second connection */
    struct buffer seen;
};

static void on_output(void *context, int fd, uint32_t events)
{
    struct tls_server *server = context;
    const char *response =
        server->closes ? "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nok\n"
                       : "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n";
    char chunk[4096];
    (void)events;
    ssize_t length = read(fd, chunk, sizeof(chunk));
    if (length <= 0) {
        loop_unwatch(server->loop, fd);
        return;
    }
    assert_int_equal(buffer_append(&server->seen, chunk, (size_t)length), 0);
    if (strstr(server->seen.bytes, "\r\n\r\n"))
        assert_true(write(server->input, response, strlen(response)) > 0);
}

static void tls_server_start(struct tls_server *server, struct loop *loop, const char *client_ca,
                             const char *version)
{
    const char *certificate = in_folder("server.pem"), *key = in_folder("server.key");
    int input[2], output[2];
    assert_true(pipe2(input, O_CLOEXEC) == 0 && pipe2(output, O_CLOEXEC) == 0);
    server->loop = loop;
    server->pid = fork();
    if (server->pid == 0) {
        dup2(input[0], STDIN_FILENO);
        dup2(output[1], STDOUT_FILENO);
        dup2(output[1], STDERR_FILENO);
        execlp("openssl", "openssl", "s_server", "-accept", "127.0.0.1:0", "-naccept",
               server->closes ? "2" : "1", "-cert", certificate, "-key", key, "-cert2", certificate,
               "-key2", key, "-servername", "name.test", version ? version : "-no_ssl3",
               client_ca ? "-Verify" : NULL, "2", "-CAfile", client_ca, "-verify_return_error",
               NULL);
        _exit(127);
    }
    close(input[0]);
    close(output[1]);
    server->input = input[1];
    server->output = output[0];
    buffer_init(&server->seen, 1 << 20);
    const char *port = NULL;
    while (!port || !strchr(port, '\n')) {
        char chunk[256];
        ssize_t length = read(server->output, chunk, sizeof(chunk));
        assert_true(length > 0);
        assert_int_equal(buffer_append(&server->seen, chunk, (size_t)length), 0);
        port = strstr(server->seen.bytes, "ACCEPT 127.0.0.1:");
    }
    server->port = atoi(port + strlen("ACCEPT 127.0.0.1:"));
    loop_watch(loop, server->output, EPOLLIN, on_output, server);
}

static void tls_server_stop(struct tls_server *server)
{
    kill(server->pid, SIGTERM);
    waitpid(server->pid, NULL, 0);
    loop_unwatch(server->loop, server->output);
    close(server->input);
    close(server->output);
    buffer_free(&server->seen);
}

/* ---- the cases ---- */

struct tls_case {
    const char *ca_file;
    const char *server_name;
    bool skip_verify;
    const char *client;    /* its certificate and key; NULL: none */
    const char *client_ca; /* the server demands a certificate of this authority */
    const char *error;     /* NULL: answered with 200 */
    bool literal;          /* certificates stand in the settings, not in files */
    enum http_tls_version least, most;
    const char *version; /* the only one of the server, as openssl names it */
};

static char *copy_in_folder(const char *name, const char *suffix)
{
    char *path = NULL;
    return name && asprintf(&path, "%s/%s%s", folder, name, suffix) > 0 ? path : NULL;
}

/* What is in the file, instead of its name. */
static void take_literal(char **file, char **literal)
{
    char text[8192];
    FILE *stream = *file ? fopen(*file, "r") : NULL;
    if (!stream)
        return;
    text[fread(text, 1, sizeof(text) - 1, stream)] = '\0';
    fclose(stream);
    free(*file);
    *file = NULL;
    *literal = strdup(text);
}

static void config_set(struct http_config *config, const struct tls_case *tls)
{
    http_config_free(config);
    config->tls.ca_file = copy_in_folder(tls->ca_file, ".pem");
    config->tls.cert_file = copy_in_folder(tls->client, ".pem");
    config->tls.key_file = copy_in_folder(tls->client, ".key");
    if (tls->literal) {
        take_literal(&config->tls.ca_file, &config->tls.ca);
        take_literal(&config->tls.cert_file, &config->tls.cert);
        take_literal(&config->tls.key_file, &config->tls.key);
    }
    config->tls.min_version = tls->least;
    config->tls.max_version = tls->most;
    config->tls.server_name = tls->server_name ? strdup(tls->server_name) : NULL;
    config->tls.insecure_skip_verify = tls->skip_verify;
}

static void check(struct fixture *fixture, const struct tls_case *tls)
{
    struct tls_server server = {0};
    char host[64];
    struct http_request request = request_for(fixture, "/");
    config_set(&fixture->config, tls);
    tls_server_start(&server, fixture->loop, tls->client_ca ? in_folder(tls->client_ca) : NULL,
                     tls->version);
    snprintf(fixture->url, sizeof(fixture->url), "https://127.0.0.1:%d/x", server.port);
    fetch(fixture, &request);
    if (tls->error) {
        if (!strstr(fixture->error, tls->error))
            fail_msg("\"%s\" and not \"%s\"", fixture->error, tls->error);
        assert_int_equal(fixture->status, 0);
    } else {
        assert_string_equal(fixture->error, "");
        assert_int_equal(fixture->status, 200);
        assert_body(fixture, "ok\n");
        snprintf(host, sizeof(host), "\r\nHost: 127.0.0.1:%d\r\n", server.port);
        assert_non_null(strstr(server.seen.bytes, host));
        assert_int_equal(strstr(server.seen.bytes, "TLS extension: \"name.test\"") != NULL,
                         tls->server_name && strcmp(tls->server_name, "name.test") == 0);
    }
    tls_server_stop(&server);
}

static void test_tls(void **state)
{
    static const struct tls_case cases[] = {
        {.error = "certificate not accepted"},
        {.ca_file = "ca", .error = "certificate not accepted"}, /* 127.0.0.1 is not its name */
        {.ca_file = "ca", .server_name = "name.test"},
        {.ca_file = "ca", .server_name = "other.test", .error = "certificate not accepted"},
        {.ca_file = "other", .server_name = "name.test", .error = "certificate not accepted"},
        {.ca_file = "absent", .error = "absent.pem"},
        {.skip_verify = true},
        {.skip_verify = true, .server_name = "name.test"},
        {.ca_file = "ca", .server_name = "name.test", .client = "client", .client_ca = "ca.pem"},
        {.ca_file = "ca",
         .server_name = "name.test",
         .client = "other",
         .client_ca = "ca.pem",
         .error = "alert"},
        {.ca_file = "ca", .server_name = "name.test", .client_ca = "ca.pem", .error = "alert"},
        {.ca_file = "ca", .server_name = "name.test", .client = "absent", .error = "absent"},
        {.ca_file = "ca",
         .server_name = "name.test",
         .client = "client",
         .client_ca = "ca.pem",
         .literal = true},
        {.ca_file = "server.key", .error = "server.key.pem: No such file"},
        {.ca_file = "empty", .error = "empty.pem: holds no PEM block"},
        {.skip_verify = true, .version = "-tls1_2"},
        {.skip_verify = true, .version = "-tls1_2", .least = HTTP_TLS_1_2, .most = HTTP_TLS_1_2},
        {.skip_verify = true, .version = "-tls1_2", .least = HTTP_TLS_1_3, .error = "alert"},
        {.skip_verify = true, .version = "-tls1_3", .most = HTTP_TLS_1_2, .error = "alert"},
        {.skip_verify = true, .version = "-tls1_3", .least = HTTP_TLS_1_3},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        check(fixture, &cases[i]);
}

/* A connection made without verification is not reused by a call that verifies. */
static void test_verified_calls_do_not_reuse_others_connections(void **state)
{
    struct fixture *fixture = *state;
    struct tls_server server = {0};
    struct http_request request = request_for(fixture, "/");
    config_set(&fixture->config, &(struct tls_case){.skip_verify = true});
    tls_server_start(&server, fixture->loop, NULL, NULL);
    snprintf(fixture->url, sizeof(fixture->url), "https://127.0.0.1:%d/x", server.port);
    fetch(fixture, &request);
    assert_int_equal(fixture->status, 200);
    config_set(&fixture->config, &(struct tls_case){.ca_file = "ca"});
    request.timeout_ns = NS_PER_SECOND;
    fetch(fixture, &request); /* the server takes no second connection */
    assert_int_equal(fixture->status, 0);
    tls_server_stop(&server);
}

/* Each connection is verified, and shows the certificate of its time. */
static void test_no_session_is_resumed(void **state)
{
    struct fixture *fixture = *state;
    struct tls_server server = {.closes = true};
    struct http_request request = request_for(fixture, "/");
    config_set(&fixture->config, &(struct tls_case){.skip_verify = true});
    tls_server_start(&server, fixture->loop, NULL, NULL);
    snprintf(fixture->url, sizeof(fixture->url), "https://127.0.0.1:%d/x", server.port);
    for (int i = 0; i < 2; i++) {
        buffer_clear(&server.seen);
        fetch(fixture, &request);
        assert_int_equal(fixture->status, 200);
        assert_null(strstr(server.seen.bytes, "Reused session-id"));
    }
    tls_server_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HTTP_TEST(test_tls),
        HTTP_TEST(test_verified_calls_do_not_reuse_others_connections),
        HTTP_TEST(test_no_session_is_resumed),
    };
    if (system("openssl version >/dev/null 2>&1") != 0) {
        fprintf(stderr, "%s: no openssl command to make certificates with\n",
                getenv("REQUIRE") ? "failed" : "skipped");
        return getenv("REQUIRE") ? 1 : 0;
    }
    return cmocka_run_group_tests(tests, make_certificates, remove_certificates);
}
