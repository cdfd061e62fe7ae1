/* SPDX-License-Identifier: Apache-2.0 */
/* remote_write and queue: what the structs hold after a file with nothing, and one with every key.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "config_fixture.h"

#define S NS_PER_SECOND

static void test_defaults(void **state)
{
    (void)state;
    struct config *config = parse_good("f", "remote_write: [{url: 'http://x/'}]");
    const struct remote_write_config *remote = config->remotes[0];
    assert_int_equal(config->remote_count, 1);
    assert_null(remote->name);
    assert_int_equal(remote->remote_timeout_ns, 30 * S);
    assert_int_equal(remote->protocol, REMOTE_WRITE_V1);
    assert_false(remote->send_exemplars || remote->send_native_histograms);
    assert_int_equal(remote->max_bytes_per_second, 0);
    assert_int_equal(remote->queue.capacity, 10000);
    assert_int_equal(remote->queue.max_shards, 50);
    assert_int_equal(remote->queue.min_shards, 1);
    assert_int_equal(remote->queue.max_samples_per_send, 2000);
    assert_int_equal(remote->queue.batch_send_deadline_ns, 5 * S);
    assert_int_equal(remote->queue.min_backoff_ns, 30 * NS_PER_MS);
    assert_int_equal(remote->queue.max_backoff_ns, 5 * S);
    assert_true(remote->queue.retry_on_http_429);
    assert_int_equal(remote->queue.sample_age_limit_ns, 0);
    assert_true(remote->metadata.send);
    assert_int_equal(remote->metadata.send_interval_ns, 60 * S);
    assert_int_equal(remote->metadata.max_samples_per_send, 2000);
    assert_int_equal(config->queue.max_bytes, UINT64_C(1) << 30);
    config_free(&config);
}

static void test_every_key(void **state)
{
    (void)state;
    struct config *config = parse_good("f", "remote_write:\n"
                                            "- url: https://u:p@x/y\n"
                                            "  name: n\n"
                                            "  remote_timeout: 1m\n"
                                            "  headers: {X-Scope-OrgID: edge, X-Empty: }\n"
                                            "  queue_config:\n"
                                            "    max_samples_per_send: 500\n"
                                            "    batch_send_deadline: 1s\n"
                                            "    min_backoff: 1s\n"
                                            "    max_backoff: 10s\n"
                                            "    capacity: 20000\n"
                                            "    max_shards: 7\n"
                                            "    min_shards: 3\n"
                                            "    retry_on_http_429: false\n"
                                            "    sample_age_limit: 2h\n"
                                            "  metadata_config:\n"
                                            "    send: false\n"
                                            "    send_interval: 5m\n"
                                            "    max_samples_per_send: 10\n"
                                            "  protobuf_message: io.prometheus.write.v2.Request\n"
                                            "  send_exemplars: true\n"
                                            "  send_native_histograms: true\n"
                                            "  max_bytes_per_second: 64KB\n"
                                            "queue: {max_bytes: 64KB, max_age: 1d, "
                                            "sync_interval: 500ms}\n");
    const struct remote_write_config *remote = config->remotes[0];
    assert_string_equal(remote->url, "https://u:p@x/y");
    assert_string_equal(remote->name, "n");
    assert_int_equal(remote->remote_timeout_ns, 60 * S);
    assert_int_equal(remote->http.header_count, 2);
    assert_string_equal(remote->http.headers[0].name, "X-Scope-OrgID");
    assert_string_equal(remote->http.headers[0].value, "edge");
    assert_string_equal(remote->http.headers[1].value, "");
    assert_int_equal(remote->queue.max_samples_per_send, 500);
    assert_int_equal(remote->queue.batch_send_deadline_ns, S);
    assert_int_equal(remote->queue.min_backoff_ns, S);
    assert_int_equal(remote->queue.max_backoff_ns, 10 * S);
    assert_int_equal(remote->queue.capacity, 20000);
    assert_int_equal(remote->queue.max_shards, 7);
    assert_int_equal(remote->queue.min_shards, 3);
    assert_false(remote->queue.retry_on_http_429);
    assert_int_equal(remote->queue.sample_age_limit_ns, 7200 * S);
    assert_false(remote->metadata.send);
    assert_int_equal(remote->metadata.send_interval_ns, 300 * S);
    assert_int_equal(remote->metadata.max_samples_per_send, 10);
    assert_int_equal(remote->protocol, REMOTE_WRITE_V2);
    assert_true(remote->send_exemplars && remote->send_native_histograms);
    assert_int_equal(remote->max_bytes_per_second, 65536);
    assert_int_equal(config->queue.max_bytes, 65536);
    assert_int_equal(config->queue.max_age_ns, 86400 * S);
    assert_int_equal(config->queue.sync_interval_ns, 500 * NS_PER_MS);
    assert_false(config->http_metrics_given);
    config_free(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_every_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
