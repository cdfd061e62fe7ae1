/* SPDX-License-Identifier: Apache-2.0 */
/* Configurations that are accepted, and the warnings that they get. */
#ifndef EDGEMETER_TESTS_CONFIG_ACCEPTED_CASES_H
#define EDGEMETER_TESTS_CONFIG_ACCEPTED_CASES_H

#include "config_cases.h"

static const struct config_case accepted_cases[] = {
    {"{}",
     "f:1:1: warning: there is nothing to do: neither http_metrics nor scrape_configs is given\n"},
    {"global:\n",
     "f:1:1: warning: there is nothing to do: neither http_metrics nor scrape_configs is given\n"},
    {"rule_files:\n"
     "alerting:\n"
     "remote_read: []\n"
     "http_metrics:\n",
     ""},
    {"http_metrics: {}", ""},
    {"scrape_configs:\n",
     "f:1:1: warning: there is nothing to do: neither http_metrics nor scrape_configs is given\n"},
    {"scrape_configs: []",
     "f:1:1: warning: there is nothing to do: neither http_metrics nor scrape_configs is given\n"},
    {"http_metrics:\n"
     "scrape_config_files: []\n",
     ""},
    {"http_metrics:\n"
     "otlp: {promote_resource_attributes: [a]}\n"
     "storage: {tsdb: {out_of_order_time_window: 30m}}",
     "f:2:1: warning: \"otlp\" has no effect: edgemeter receives no OTLP\n"
     "f:3:1: warning: \"storage\" has no effect: edgemeter keeps no database, and \"queue\" bounds "
     "what waits to be sent\n"},
    {"http_metrics:\n"
     "global: {evaluation_interval: 1m}",
     "f:2:10: warning: \"evaluation_interval\" has no effect: an agent evaluates no rules\n"},
    {"http_metrics:\n"
     "global: {rule_query_offset: 0s, query_log_file: x}",
     "f:2:10: warning: \"rule_query_offset\" has no effect: an agent evaluates no rules\n"
     "f:2:33: warning: \"query_log_file\" has no effect: an agent answers no queries\n"},
    {"http_metrics:\n"
     "runtime: {gogc: 75}",
     "f:2:1: warning: \"runtime\" has no effect: it tunes the Go runtime, which edgemeter has "
     "not\n"},
    {"http_metrics:\n"
     "global:\n"
     "  scrape_timeout: 1s\n"
     "  scrape_interval: 15s\n"
     "  scrape_timeout: 2s\n",
     "f:5:3: warning: \"scrape_timeout\" is given twice, in line 3 and in line 5; the one in line "
     "5 is used\n"},
    {"http_metrics:\n"
     "global:\n"
     "  scrape_interval: 1\n"
     "  scrape_interval: 15s\n",
     "f:4:3: warning: \"scrape_interval\" is given twice, in line 3 and in line 4; the one in line "
     "4 is used\n"},
    {"http_metrics:\n"
     "global: {scrape_interval: 0s, scrape_timeout: 0}",
     ""},
    {SCRAPE "scrape_interval: 0s\n"
            "  scrape_timeout: 1m",
     ""},
    {METRICS "native_histograms:",
     "f:2:21: warning: http_metrics.native_histograms: has no value, which is taken as false\n"},
    {SCRAPE "honor_timestamps:",
     "f:3:20: warning: scrape_configs[0].honor_timestamps: has no value, which is taken as "
     "false\n"},
    {"http_metrics:\n"
     "global: {external_labels: {__name__: c, a.b: c, 9a: b}}",
     "f:2:28: warning: global.external_labels.__name__: has no effect: every series has a name of "
     "its own\n"},
    {METRICS "max_rows: 1048576", ""},
    {SCRAPE "static_configs: [{labels: {9a: b, a-b: c}}]", ""},
    {SCRAPE "label_limit: 1e3\n"
            "  sample_limit: 0x10\n"
            "  target_limit: 1_000\n"
            "  scheme: HTTPS",
     ""},
    {SCRAPE "enable_http2: false", ""},
    {SCRAPE "static_configs: [{labels: {__scheme__: https, __metrics_path__: /a, __param_b: c, "
            "__scrape_interval__: 5s, __scrape_timeout__: 2s}}]",
     ""},
    {SCRAPE "enable_http2: true\n"
            "  enable_compression: yes\n"
            "  params: {}\n"
            "  relabel_configs: []\n"
            "  metric_relabel_configs:\n"
            "  file_sd_configs: []\n"
            "  sample_limit: 0\n"
            "  body_size_limit: 0\n",
     ""},
    {SCRAPE "authorization: {}",
     "f:3:18: warning: scrape_configs[0].authorization: neither credentials nor credentials_file "
     "is given: no Authorization header is sent\n"},
    {SCRAPE "basic_auth: {}", ""},
    {SCRAPE "basic_auth:", ""},
    {SCRAPE "honor_labels: Yes", ""},
    {SCRAPE "scrape_interval: 1h30m", ""},
    {SCRAPE "scrape_interval: 3s", ""},
    {SCRAPE "tls_config: {insecure_skip_verify: on}", ""},
    {SCRAPE "tls_config: {min_version: TLS10, max_version: TLS11}", ""},
    {SCRAPE "static_configs: [{targets: }, {}]", ""},
    {"scrape_configs:\n"
     "- &a {job_name: a, honor_labels: true}\n"
     "- <<: *a\n"
     "  job_name: b\n",
     ""},
    {REMOTE "queue_config: {min_backoff: 10s}\n"
            "http_metrics:",
     "f:3:17: warning: remote_write[0].queue_config: min_backoff is above max_backoff; both are "
     "taken as 10s\n"},
    {REMOTE "queue_config: {capacity: 10000, max_shards: 50, min_shards: 1, sample_age_limit: 0}\n"
            "  metadata_config: {send: false}\n"
            "  protobuf_message: prometheus.WriteRequest\n"
            "  send_exemplars: no\n"
            "http_metrics:",
     ""},
    {"remote_write: [{url: 'HTTPS://u:p@[::1]:443/x?y=@z#f'}, {url: http://a.b}]\n"
     "http_metrics:",
     ""},
    {"http_metrics: {native_histograms: false, routes: [], hosts: [], relabel_configs: []}\n"
     "queue: {max_age: 0s, max_bytes: 1GB, sync_interval: 1s}",
     ""},
    {METRICS "routes:\n  hosts:\n", ""},
    {METRICS "native_histograms: yes\n"
             "  routes: [/, /a/, /a%20b, '/b\303\274cher', '/a*{}\"\\']\n"
             "  hosts: [a, A.b-c_d.Example, 127.0.0.1]\n",
     ""},
    {"\357\273\277http_metrics:\n", ""},
    {"http_metrics: !!map {job_name: !!str 5}", ""},
    {"http_metrics:\r\n"
     "  interval: 5s\r\n",
     ""},
    {"http_metrics:\n"
     "global: {external_labels: {a: $EDGEMETER_UNSET}}",
     "f:2:31: warning: global.external_labels.a: the environment variable \"EDGEMETER_UNSET\" is "
     "not set or empty; nothing is put in its place\n"},
};

#endif
