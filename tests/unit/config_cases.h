/* SPDX-License-Identifier: Apache-2.0 */
/* Files that must be refused, and files that must be taken, with everything that is said about
 * them. The file's name is "f". */
#ifndef EDGEMETER_TESTS_UNIT_CONFIG_CASES_H
#define EDGEMETER_TESTS_UNIT_CONFIG_CASES_H

struct config_case {
    const char *yaml;
    const char *problems; /* as problems_print writes them */
};

/* What most cases begin with. */
#define SCRAPE "scrape_configs:\n- job_name: a\n  "
#define REMOTE "remote_write:\n- url: http://x/\n  "
#define METRICS "http_metrics:\n  "

/* What many messages end with. */
#define NOT_A_DURATION                                                                           \
    " is not a duration; write whole numbers with units, such as 15s or 1h30m (y w d h m s ms, " \
    "in this order)\n"
#define NOT_A_SIZE \
    " is not a size; write a number with its unit, such as 512MB or 1GiB (B KB MB GB TB PB EB)\n"
#define NOT_A_BOUND " is not a positive number of seconds (+Inf is added by itself)\n"
#define NOT_PATH " must end before the query and the fragment: ? and # are not part of a path\n"
#define NOT_PRINTED \
    " has a space or a control character in it; write it as a request has it (%20)\n"
#define NOT_PORTLESS " must be a host name or an IPv4 address, without scheme and port\n"
#define NOT_A_HOST " is not a host name; letters, digits, - . and _ are allowed\n"
#define BYTES_64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define A_TAG \
    "a YAML tag, which is not supported; write the value without it, or in quotes if it is a text " \
    "that begins with !\n"
#define NOT_A_LABEL "a label's name must be UTF-8 and not empty\n"
#define UNBUILT " is not supported by this version of edgemeter (a Prometheus key); "
#define NO_DISCOVERY                                                                             \
    "list the targets in static_configs, or write them into a file of file_sd_configs, or have " \
    "them answered to http_sd_configs\n"
#define NOT_A_PATTERN                                                                            \
    " is not a path for file discovery; it must end in .json, .yml or .yaml, and only its last " \
    "part may hold a *\n"
#define PROTOCOLS                                                                          \
    "PrometheusProto, OpenMetricsText1.0.0, OpenMetricsText0.0.1, PrometheusText1.0.0 or " \
    "PrometheusText0.0.4\n"
#define UNBUILT_OURS " is not supported by this version of edgemeter; "

static const struct config_case rejected_cases[] = {
    {"", "f:1:1: the file is empty\n"},
    {"# only a comment\n", "f:1:1: the file is empty\n"},
    {"---\n", "f:1:1: the file is empty\n"},
    {"[]", "f:1:1: the top level must be a mapping of blocks such as global: and scrape_configs:, "
           "not a list\n"},
    {"text", "f:1:1: the top level must be a mapping of blocks such as global: and "
             "scrape_configs:, not a single value\n"},
    {"global: {}\n"
     "---\n"
     "global: {}\n",
     "f:2:1: a second YAML document begins here; a file is one\n"},
    {"global:\n"
     "\tscrape_interval: 15s\n",
     "f:2:1: found a tab in the indentation; YAML needs spaces there\n"},
    {"global:\n"
     "  scrape_interval: 15s\n"
     "\tscrape_timeout: 10s\n",
     "f:3:1: found a tab in the indentation; YAML needs spaces there\n"},
    {"global:\n"
     "  scrape_interval: 15s\n"
     "  \tscrape_timeout: 10s\n",
     "f:3:3: found a tab in the indentation; YAML needs spaces there\n"},
    {"\tglobal:\n", "f:1:1: found a tab in the indentation; YAML needs spaces there\n"},
    {"a: [1", "f:2:1: not valid YAML: did not find expected ',' or ']' while parsing a flow "
              "sequence begun in line 1\n"},
    {"a: {b: c", "f:2:1: not valid YAML: did not find expected ',' or '}' while parsing a flow "
                 "mapping begun in line 1\n"},
    {"global:\n"
     "  x: \"y\n",
     "f:3:1: not valid YAML: found unexpected end of stream while scanning a quoted scalar begun "
     "in line 2; a quote or a bracket is not closed\n"},
    {"a: b: c", "f:1:5: not valid YAML: mapping values are not allowed in this context; check the "
                "indentation of this line, and put a value that holds \": \" in quotes\n"},
    {"- a\n"
     "b: c",
     "f:2:1: not valid YAML: did not find expected '-' indicator while parsing a block collection "
     "begun in line 1; check the indentation of this line\n"},
    {"a: @x", "f:1:4: not valid YAML: found character that cannot start any token while scanning "
              "for the next token; put a value that begins with this character in quotes\n"},
    {"global:\n"
     "  scrape_interval: 15s\n"
     " scrape_timeout: 1s\n",
     "f:3:2: not valid YAML: did not find expected key while parsing a block mapping begun in line "
     "1; check the indentation of this line and the quotes before it\n"},
    {SCRAPE "static_configs:\n"
            "  - targets:\n"
            "    - x.example\n"
            "      labels:\n"
            "        env: prod\n",
     "f:6:13: not valid YAML: mapping values are not allowed in this context; check the "
     "indentation of this line, and put a value that holds \": \" in quotes\n"},
    {"a: *x", "f:1:4: an alias without its anchor: nothing above it is marked with that name; a "
              "text that begins with * needs quotes\n"},
    {"a: &x [*x]", "f:1:8: an alias that refers to itself\n"},
    {"a: !vault x", "f:1:4: " A_TAG},
    {"a: !!binary eA==", "f:1:4: " A_TAG},
    {"? [a]\n"
     ": b",
     "f:1:3: a key must be plain text, not a list\n"},
    {"? {a: b}\n"
     ": b",
     "f:1:3: a key must be plain text, not a mapping\n"},
    {"<<: 1", "f:1:5: the merge key << needs a mapping or a list of mappings\n"},
    {"a: &a {x: y}\n"
     "b:\n"
     "  <<: *a\n"
     "  <<: *a\n",
     "f:4:3: the merge key << is given twice; give it one list of mappings\n"},
    {"\377", "f:1:1: the file is not plain UTF-8 text: invalid leading UTF-8 octet\n"},
    {"global: {}\n"
     "a: \001",
     "f:2:4: the file is not plain UTF-8 text: control characters are not allowed\n"},
    {"a: \"\\0\"", "f:1:4: a value must not hold a NUL character\n"},
    {"scrape_configs:\n"
     "- jobname: a\n"
     "global: {scrape_interval: 1}\n", /* global is decoded first, and listed by its place */
     "f:2:3: unknown key \"jobname\" in scrape_configs[0]; did you mean \"job_name\"?\n"
     "f:2:3: scrape_configs[0]: job_name is missing; every job needs one\n"
     "f:3:27: global.scrape_interval: \"1\"" NOT_A_DURATION},
    {"globl: {}", "f:1:1: unknown key \"globl\" at the top level; did you mean \"global\"?\n"},
    {"zzz: 1", "f:1:1: unknown key \"zzz\" at the top level\n"},
    {"global: {scrape_intervall: 1s}",
     "f:1:10: unknown key \"scrape_intervall\" in global; did you mean \"scrape_interval\"?\n"},
    {"scrape_config: []",
     "f:1:1: unknown key \"scrape_config\" at the top level; did you mean \"scrape_configs\"?\n"},
    {SCRAPE "scrape_intervall: 10s", "f:3:3: unknown key \"scrape_intervall\" in "
                                     "scrape_configs[0]; did you mean \"scrape_interval\"?\n"},
    {SCRAPE "static_config: []", "f:3:3: unknown key \"static_config\" in scrape_configs[0]; did "
                                 "you mean \"static_configs\"?\n"},
    {SCRAPE "static_configs: [{lables: {}}]",
     "f:3:21: unknown key \"lables\" in scrape_configs[0].static_configs[0]; did you mean "
     "\"labels\"?\n"},
    {REMOTE "basicauth: {}",
     "f:3:3: unknown key \"basicauth\" in remote_write[0]; did you mean \"basic_auth\"?\n"},
    {METRICS "bucket: [1]",
     "f:2:3: unknown key \"bucket\" in http_metrics; did you mean \"buckets\"?\n"},
    {"queue: {maxbytes: 1GB}",
     "f:1:9: unknown key \"maxbytes\" in queue; did you mean \"max_bytes\"?\n"},
    {"global: {hgfdsaqwertz: 1}", "f:1:10: unknown key \"hgfdsaqwertz\" in global\n"},
    {REMOTE "basic_auth: {pasword: hunter2}",
     "f:3:16: unknown key \"pasword\" in remote_write[0].basic_auth; did you mean \"password\"?\n"},
    {"global: []", "f:1:9: global: must be a mapping, not a list\n"},
    {"global: x", "f:1:9: global: must be a mapping, not a single value\n"},
    {"scrape_configs: {}", "f:1:17: scrape_configs: must be a list, not a mapping\n"},
    {"scrape_configs: x", "f:1:17: scrape_configs: must be a list, not a single value\n"},
    {"remote_write: x", "f:1:15: remote_write: must be a list, not a single value\n"},
    {"queue: 5", "f:1:8: queue: must be a mapping, not a single value\n"},
    {"http_metrics: true", "f:1:15: http_metrics: must be a mapping, not a single value\n"},
    {"scrape_configs: [x]", "f:1:18: scrape_configs[0]: must be a mapping, not a single value\n"},
    {SCRAPE "honor_labels: \"true\"", "f:3:17: scrape_configs[0].honor_labels: \"true\" in quotes "
                                      "is text; write true or false without\n"},
    {SCRAPE "honor_labels: maybe",
     "f:3:17: scrape_configs[0].honor_labels: \"maybe\" is neither true nor false\n"},
    {SCRAPE "honor_labels: [true]",
     "f:3:17: scrape_configs[0].honor_labels: must be a single value, not a list\n"},
    {SCRAPE "metrics_path: [x]",
     "f:3:17: scrape_configs[0].metrics_path: must be a single value, not a list\n"},
    {SCRAPE "scheme: {a: b}",
     "f:3:11: scrape_configs[0].scheme: must be a single value, not a mapping\n"},
    {SCRAPE "basic_auth: x",
     "f:3:15: scrape_configs[0].basic_auth: must be a mapping, not a single value\n"},
    {SCRAPE "tls_config: []",
     "f:3:15: scrape_configs[0].tls_config: must be a mapping, not a list\n"},
    {SCRAPE "static_configs: {}",
     "f:3:19: scrape_configs[0].static_configs: must be a list, not a mapping\n"},
    {SCRAPE "static_configs: [{targets: x}]",
     "f:3:30: scrape_configs[0].static_configs[0].targets: must be a list, not a single value\n"},
    {SCRAPE "static_configs: [{labels: []}]",
     "f:3:29: scrape_configs[0].static_configs[0].labels: must be a mapping, not a list\n"},
    {"global: {external_labels: [a]}",
     "f:1:27: global.external_labels: must be a mapping, not a list\n"},
    {"global: {external_labels: {a: [b]}}",
     "f:1:31: global.external_labels.a: must be a single value, not a list\n"},
    {REMOTE "headers: []", "f:3:12: remote_write[0].headers: must be a mapping, not a list\n"},
    {REMOTE "headers: {X-A: [secret]}",
     "f:3:18: remote_write[0].headers.X-A: must be a single value, not a list\n"},
    {"global: {scrape_interval: 15}", "f:1:27: global.scrape_interval: \"15\"" NOT_A_DURATION},
    {"global: {scrape_interval: 1.5s}", "f:1:27: global.scrape_interval: \"1.5s\"" NOT_A_DURATION},
    {"global: {scrape_interval: -5s}", "f:1:27: global.scrape_interval: \"-5s\"" NOT_A_DURATION},
    {"global: {scrape_interval: ''}", "f:1:27: global.scrape_interval: \"\"" NOT_A_DURATION},
    {"global: {scrape_interval: 1s1m}", "f:1:27: global.scrape_interval: \"1s1m\"" NOT_A_DURATION},
    {"global: {scrape_interval: 5s5s}", "f:1:27: global.scrape_interval: \"5s5s\"" NOT_A_DURATION},
    {"global: {scrape_interval: 300y}",
     "f:1:27: global.scrape_interval: \"300y\" is too long a duration\n"},
    {"global: {scrape_interval: [1s]}",
     "f:1:27: global.scrape_interval: must be a single value, not a list\n"},
    {"global: {evaluation_interval: soon}",
     "f:1:10: warning: \"evaluation_interval\" has no effect: an agent evaluates no rules\n"
     "f:1:31: global.evaluation_interval: \"soon\"" NOT_A_DURATION},
    {SCRAPE "scrape_interval: 0s\n"
            "  scrape_timeout: 2m",
     "f:4:19: scrape_configs[0].scrape_timeout: 2m is longer than the scrape_interval of 1m\n"},
    {SCRAPE "scrape_timeout: 5 s",
     "f:3:19: scrape_configs[0].scrape_timeout: \"5 s\"" NOT_A_DURATION},
    {REMOTE "remote_timeout: 0s", "f:3:19: remote_write[0].remote_timeout: must be more than 0\n"},
    {REMOTE "queue_config: {min_backoff: 1}",
     "f:3:31: remote_write[0].queue_config.min_backoff: \"1\"" NOT_A_DURATION},
    {METRICS "interval: 0s", "f:2:13: http_metrics.interval: must be more than 0\n"},
    {"queue: {max_bytes: 1000}", "f:1:20: queue.max_bytes: \"1000\"" NOT_A_SIZE},
    {"queue: {max_bytes: 1 GB}", "f:1:20: queue.max_bytes: \"1 GB\"" NOT_A_SIZE},
    {"queue: {max_bytes: 1gb}", "f:1:20: queue.max_bytes: \"1gb\"" NOT_A_SIZE},
    {"queue: {max_bytes: 16EB}", "f:1:20: queue.max_bytes: \"16EB\" is too large a size\n"},
    {"queue: {max_bytes: 100B}",
     "f:1:20: queue.max_bytes: 100B is too small; the least is 1024 bytes\n"},
    {"queue: {max_bytes: -1GB}", "f:1:20: queue.max_bytes: \"-1GB\"" NOT_A_SIZE},
    {REMOTE "queue_config: {max_samples_per_send: 0}",
     "f:3:40: remote_write[0].queue_config.max_samples_per_send: \"0\" is not a whole number from "
     "1 to 1000000\n"},
    {REMOTE "queue_config: {max_samples_per_send: '5'}",
     "f:3:40: remote_write[0].queue_config.max_samples_per_send: \"5\" is not a whole number from "
     "1 to 1000000 (quotes make it text)\n"},
    {REMOTE "queue_config: {max_samples_per_send: many}",
     "f:3:40: remote_write[0].queue_config.max_samples_per_send: \"many\" is not a whole number "
     "from 1 to 1000000\n"},
    {METRICS "max_rows: 15",
     "f:2:13: http_metrics.max_rows: \"15\" is not a whole number from 16 to 1048576\n"},
    {METRICS "max_rows: 1048577",
     "f:2:13: http_metrics.max_rows: \"1048577\" is not a whole number from 16 to 1048576\n"},
    {"scrape_configs: [{}]",
     "f:1:18: scrape_configs[0]: job_name is missing; every job needs one\n"},
    {"scrape_configs:\n"
     "-\n",
     "f:2:2: scrape_configs[0]: an empty list item; remove it\n"},
    {"scrape_configs: [{job_name: }]", "f:1:29: scrape_configs[0]: job_name is empty\n"},
    {"scrape_configs: [{job_name: ''}]", "f:1:29: scrape_configs[0]: job_name is empty\n"},
    {"scrape_configs:\n"
     "- job_name: a\n"
     "- job_name: b\n"
     "- job_name: a\n",
     "f:4:13: scrape_configs[2].job_name: \"a\" is already the job_name of scrape_configs[0] in "
     "line 2; give each its own\n"},
    {SCRAPE "scrape_interval: 5s\n"
            "  scrape_timeout: 10s",
     "f:4:19: scrape_configs[0].scrape_timeout: 10s is longer than the scrape_interval of 5s\n"},
    {"global: {scrape_interval: 5s, scrape_timeout: 10s}",
     "f:1:47: global.scrape_timeout: 10s is longer than the scrape_interval of 5s\n"},
    {"global: {scrape_timeout: 2m}",
     "f:1:26: global.scrape_timeout: 2m is longer than the scrape_interval of 1m\n"},
    {SCRAPE "scrape_timeout: 2m",
     "f:3:19: scrape_configs[0].scrape_timeout: 2m is longer than the scrape_interval of 1m\n"},
    {SCRAPE "scheme: ftp", "f:3:11: scrape_configs[0].scheme: \"ftp\" is neither http nor https\n"},
    {SCRAPE "static_configs: [{targets: ['http://x:1/metrics']}]",
     "f:3:31: scrape_configs[0].static_configs[0].targets[0]: \"http://x:1/metrics\" is not a "
     "valid hostname; write host:port here, and put http or https into scheme and the path into "
     "metrics_path\n"},
    {SCRAPE "static_configs: [{targets: ['']}]",
     "f:3:31: scrape_configs[0].static_configs[0].targets[0]: an empty target; write host:port, or "
     "remove it\n"},
    {SCRAPE "static_configs: [{targets: [a, null]}]",
     "f:3:34: scrape_configs[0].static_configs[0].targets[1]: an empty list item; remove it\n"},
    {SCRAPE "static_configs: [null]",
     "f:3:20: scrape_configs[0].static_configs[0]: an empty list item; remove it\n"},
    {SCRAPE "static_configs: [{targets: [[a]]}]",
     "f:3:31: scrape_configs[0].static_configs[0].targets[0]: must be a single value, not a "
     "list\n"},
    {SCRAPE "static_configs: [{labels: {'': c}}]",
     "f:3:30: scrape_configs[0].static_configs[0].labels.: " NOT_A_LABEL},
    {"global: {external_labels: {'': c}}", "f:1:28: global.external_labels.: " NOT_A_LABEL},
    {SCRAPE "basic_auth: {username: u, password: hunter2, password_file: f}",
     "f:3:15: scrape_configs[0].basic_auth: password and password_file exclude each other\n"},
    {SCRAPE "basic_auth: {username: u, username_file: f}",
     "f:3:15: scrape_configs[0].basic_auth: username and username_file exclude each other\n"},
    {SCRAPE "basic_auth: {username: u}\n"
            "  authorization: {credentials: hunter2}",
     "f:4:18: scrape_configs[0].authorization: excludes basic_auth; keep one of them\n"},
    {SCRAPE "authorization: {type: Basic, credentials: hunter2}",
     "f:3:18: scrape_configs[0].authorization: type cannot be \"Basic\"; use basic_auth instead\n"},
    {SCRAPE "authorization: {type: ' basic ', credentials: hunter2}",
     "f:3:18: scrape_configs[0].authorization: type cannot be \"Basic\"; use basic_auth instead\n"},
    {SCRAPE "authorization: {credentials: hunter2, credentials_file: f}",
     "f:3:18: scrape_configs[0].authorization: credentials and credentials_file exclude each "
     "other\n"},
    {SCRAPE "bearer_token: hunter2\n"
            "  bearer_token_file: f",
     "f:4:22: scrape_configs[0].bearer_token_file: excludes bearer_token; keep one of them\n"},
    {SCRAPE "bearer_token: hunter2\n"
            "  basic_auth: {username: u}",
     "f:3:17: scrape_configs[0].bearer_token: excludes basic_auth; keep one of them\n"},
    {SCRAPE "tls_config: {cert_file: c}", "f:3:15: scrape_configs[0].tls_config: cert_file needs "
                                          "key_file: a client certificate is a pair of both\n"},
    {SCRAPE "tls_config: {key_file: c}", "f:3:15: scrape_configs[0].tls_config: key_file needs "
                                         "cert_file: a client certificate is a pair of both\n"},
    {SCRAPE "tls_config: {ca: hunter2, ca_file: c}",
     "f:3:15: scrape_configs[0].tls_config: ca and ca_file exclude each other\n"},
    {SCRAPE "tls_config: {cert: a, cert_file: b, key: hunter2, key_file: d}",
     "f:3:15: scrape_configs[0].tls_config: cert and cert_file exclude each other\n"
     "f:3:15: scrape_configs[0].tls_config: key and key_file exclude each other\n"},
    {SCRAPE "tls_config: {min_version: TLS14}",
     "f:3:29: scrape_configs[0].tls_config.min_version: must be TLS10, TLS11, TLS12 or TLS13\n"},
    {SCRAPE "tls_config: {min_version: TLS13, max_version: TLS12}",
     "f:3:15: scrape_configs[0].tls_config: max_version is below min_version\n"},
    {SCRAPE "tls_config: {ca_ref: a}",
     "f:3:16: \"ca_ref\" in scrape_configs[0].tls_config" UNBUILT "remove it\n"},
    {SCRAPE "enable_http2: perhaps",
     "f:3:17: scrape_configs[0].enable_http2: \"perhaps\" is neither true nor false\n"},
    {SCRAPE "consul_sd_configs: [{server: a}]",
     "f:3:3: \"consul_sd_configs\" in scrape_configs[0]" UNBUILT NO_DISCOVERY},
    {SCRAPE "file_sd_configs: {files: [a.yml]}",
     "f:3:20: scrape_configs[0].file_sd_configs: must be a list, not a mapping\n"},
    {SCRAPE "file_sd_configs: [null]",
     "f:3:21: scrape_configs[0].file_sd_configs[0]: an empty list item; remove it\n"},
    {SCRAPE "file_sd_configs: [{}]",
     "f:3:21: scrape_configs[0].file_sd_configs[0]: files must name at least one path\n"},
    {SCRAPE "file_sd_configs: [{files: []}]",
     "f:3:21: scrape_configs[0].file_sd_configs[0]: files must name at least one path\n"},
    {SCRAPE "file_sd_configs: [{files: [a.yml], refresh_interval: 0s}]",
     "f:3:56: scrape_configs[0].file_sd_configs[0].refresh_interval: must be more than 0\n"},
    {SCRAPE "file_sd_configs: [{files: [a]}]",
     "f:3:30: scrape_configs[0].file_sd_configs[0].files[0]: \"a\"" NOT_A_PATTERN},
    {SCRAPE "file_sd_configs: [{files: [a.YaML]}]",
     "f:3:30: scrape_configs[0].file_sd_configs[0].files[0]: \"a.YaML\"" NOT_A_PATTERN},
    {SCRAPE "file_sd_configs: [{files: [a/*/b.yml]}]",
     "f:3:30: scrape_configs[0].file_sd_configs[0].files[0]: \"a/*/b.yml\"" NOT_A_PATTERN},
    {SCRAPE "file_sd_configs: [{file: [a.yml], files: [b.json]}]",
     "f:3:22: unknown key \"file\" in scrape_configs[0].file_sd_configs[0]; did you mean "
     "\"files\"?\n"},
    {SCRAPE "params: [a]", "f:3:11: scrape_configs[0].params: must be a mapping, not a list\n"},
    {SCRAPE "params: {a: b}",
     "f:3:15: scrape_configs[0].params.a: must be a list, not a single value\n"},
    {SCRAPE "params: {a: [b, [c]]}",
     "f:3:19: scrape_configs[0].params.a[1]: must be a single value, not a list\n"},
    {SCRAPE "sample_limit: -5",
     "f:3:17: scrape_configs[0].sample_limit: \"-5\" is not a whole number from 0 to 4294967295\n"},
    {SCRAPE "label_limit: 1.5",
     "f:3:16: scrape_configs[0].label_limit: \"1.5\" is not a whole number from 0 to 4294967295\n"},
    {SCRAPE "body_size_limit: 100",
     "f:3:20: scrape_configs[0].body_size_limit: \"100\"" NOT_A_SIZE},
    {SCRAPE "track_timestamps_staleness: 1",
     "f:3:31: scrape_configs[0].track_timestamps_staleness: \"1\" is neither true nor false\n"},
    {SCRAPE "scrape_protocols: []",
     "f:3:21: scrape_configs[0].scrape_protocols: is empty: name a protocol, or leave the key "
     "out\n"},
    {SCRAPE "scrape_protocols: [PrometheusText0.0.4, x, PrometheusText0.0.4]",
     "f:3:43: scrape_configs[0].scrape_protocols[1]: \"x\" is not " PROTOCOLS
     "f:3:46: scrape_configs[0].scrape_protocols[2]: \"PrometheusText0.0.4\" is there twice\n"},
    {SCRAPE "fallback_scrape_protocol: text",
     "f:3:29: scrape_configs[0].fallback_scrape_protocol: \"text\" is not " PROTOCOLS},
    {SCRAPE "metric_name_escaping_scheme: x",
     "f:3:32: scrape_configs[0].metric_name_escaping_scheme: \"x\" is not allow-utf-8, "
     "underscores, dots or values\n"},
    {SCRAPE "metric_name_validation_scheme: legacy\n  metric_name_escaping_scheme: allow-utf-8",
     "f:4:32: scrape_configs[0].metric_name_escaping_scheme: allow-utf-8 goes with the validation "
     "scheme utf8, not with legacy\n"},
    {SCRAPE "oauth2: {client_secret: hunter2}",
     "f:3:11: scrape_configs[0].oauth2: client_id is missing\n"
     "f:3:11: scrape_configs[0].oauth2: token_url is missing\n"},
    {SCRAPE "oauth2: {client_id: a, client_secret: hunter2, client_secret_file: b, "
            "token_url: ftp://x}",
     "f:3:11: scrape_configs[0].oauth2: client_secret and client_secret_file exclude each other\n"
     "f:3:84: scrape_configs[0].oauth2.token_url: must begin with http:// or https://\n"},
    {SCRAPE "oauth2: {client_id: a, token_url: 'http://x', tls_config: {key: hunter2}}",
     "f:3:61: scrape_configs[0].oauth2.tls_config: key_file needs cert_file: a client certificate "
     "is a pair of both\n"},
    {SCRAPE "basic_auth: {username: a}\n"
            "  oauth2: {client_id: a, token_url: 'http://x'}\n",
     "f:4:11: scrape_configs[0].oauth2: excludes basic_auth; keep one of them\n"},
    {SCRAPE "proxy_url: ftp://hunter2@x",
     "f:3:14: scrape_configs[0].proxy_url: must begin with http:// or https://\n"},
    {SCRAPE "no_proxy: a", "f:2:3: scrape_configs[0]: no_proxy needs proxy_url\n"},
    {SCRAPE "proxy_from_environment: true\n"
            "  proxy_url: http://hunter2@x\n",
     "f:2:3: scrape_configs[0]: proxy_from_environment and proxy_url exclude each other\n"},
    {SCRAPE "proxy_connect_header: {A: [hunter2]}",
     "f:2:3: scrape_configs[0]: proxy_connect_header needs proxy_url or "
     "proxy_from_environment\n"},
    {SCRAPE "proxy_connect_header: {A: hunter2}",
     "f:3:29: scrape_configs[0].proxy_connect_header.A: must be a list, not a single value\n"},
    {SCRAPE "http_headers: {'A b': {values: [x]}}",
     "f:3:18: scrape_configs[0].http_headers.A b: \"A b\" is not a valid header name\n"},
    {SCRAPE "http_headers: {authorization: {secrets: [hunter2]}}",
     "f:3:18: scrape_configs[0].http_headers.authorization: authorization is set by edgemeter "
     "itself; it cannot be given here\n"},
    {SCRAPE "http_headers: {A: {values: [\"hunter2\\n\"]}}",
     "f:3:31: scrape_configs[0].http_headers.A.values[0]: a header's value is one line without "
     "control characters\n"},
    {SCRAPE "http_headers: {A: b}",
     "f:3:21: scrape_configs[0].http_headers.A: must be a mapping, not a single value\n"},
    {REMOTE "sigv4: {region: r, access_key: hunter2}",
     "f:3:10: remote_write[0].sigv4: access_key and secret_key go together; give both\n"},
    {REMOTE "sigv4: {access_key: a, secret_key: hunter2}",
     "f:3:10: remote_write[0].sigv4: region is missing, and AWS_REGION is not in the "
     "environment\n"},
    {REMOTE "sigv4: {region: r}",
     "f:3:10: remote_write[0].sigv4: access_key and secret_key are missing, and AWS_ACCESS_KEY_ID "
     "and AWS_SECRET_ACCESS_KEY are not in the environment\n"},
    {REMOTE "sigv4: {region: r, access_key: a, secret_key: hunter2, role_arn: b}",
     "f:3:58: \"role_arn\" in remote_write[0].sigv4" UNBUILT
     "give access_key and secret_key, or a proxy that signs\n"},
    {REMOTE "sigv4: {region: r, access_key: a, secret_key: hunter2, profile: b}",
     "f:3:58: \"profile\" in remote_write[0].sigv4" UNBUILT
     "give access_key and secret_key, or a proxy that signs\n"},
    {REMOTE "sigv4: {region: r, access_key: a, secret_key: hunter2}\n  bearer_token: b",
     "f:3:10: remote_write[0].sigv4: excludes bearer_token; keep one of them\n"},
    {REMOTE "protobuf_message: prometheus.writerequest",
     "f:3:21: remote_write[0].protobuf_message: must be prometheus.WriteRequest or "
     "io.prometheus.write.v2.Request\n"},
    {REMOTE "queue_config: {max_shards: 1025}",
     "f:3:30: remote_write[0].queue_config.max_shards: \"1025\" is not a whole number from 1 to "
     "1024\n"},
    {REMOTE "queue_config: {sample_age_limit: -1s}",
     "f:3:36: remote_write[0].queue_config.sample_age_limit: \"-1s\"" NOT_A_DURATION},
    {REMOTE "metadata_config: {send_interval: 0s}",
     "f:3:36: remote_write[0].metadata_config.send_interval: must be more than 0\n"},
    {REMOTE "max_bytes_per_second: 5 MB",
     "f:3:25: remote_write[0].max_bytes_per_second: \"5 MB\"" NOT_A_SIZE},
    {"scrape_config_files: a.yml",
     "f:1:22: scrape_config_files: must be a list, not a single value\n"},
    {"scrape_config_files: [a/*/b.yml, ~]",
     "f:1:23: scrape_config_files[0]: \"a/*/b.yml\" is not a path for files; only its last part "
     "may "
     "hold a *\n"
     "f:1:34: scrape_config_files[1]: must be a single value, not empty\n"},
    {"global: {scrape_protocols: [x]}",
     "f:1:29: global.scrape_protocols[0]: \"x\" is not " PROTOCOLS},
    {"global: {fallback_scrape_protocol: PrometheusProto}",
     "f:1:10: unknown key \"fallback_scrape_protocol\" in global\n"},
    {"global: {sample_limit: x}",
     "f:1:24: global.sample_limit: \"x\" is not a whole number from 0 to 4294967295\n"},
    {"queue: {max_age: 60}", "f:1:18: queue.max_age: \"60\"" NOT_A_DURATION},
    {"queue: {sync_interval: 0s}", "f:1:24: queue.sync_interval: must be more than 0\n"},
    {METRICS "native_histograms: 1",
     "f:2:22: http_metrics.native_histograms: \"1\" is neither true nor false\n"},
    {METRICS "routes: /a", "f:2:11: http_metrics.routes: must be a list, not a single value\n"},
    {METRICS "routes: [[/a]]",
     "f:2:12: http_metrics.routes[0]: must be a single value, not a list\n"},
    {METRICS "routes: [null]",
     "f:2:12: http_metrics.routes[0]: must be a single value, not empty\n"},
    {METRICS "routes: [/ok, a, '']", "f:2:17: http_metrics.routes[1]: \"a\" must begin with /\n"
                                     "f:2:20: http_metrics.routes[2]: \"\" must begin with /\n"},
    {METRICS "routes: ['/a?b']", "f:2:12: http_metrics.routes[0]: \"/a?b\"" NOT_PATH},
    {METRICS "routes: ['/a#b']", "f:2:12: http_metrics.routes[0]: \"/a#b\"" NOT_PATH},
    {METRICS "routes: ['/a b']", "f:2:12: http_metrics.routes[0]: \"/a b\"" NOT_PRINTED},
    {METRICS "routes: [\"/a\\tb\"]", "f:2:12: http_metrics.routes[0]: \"/a\tb\"" NOT_PRINTED},
    {METRICS "routes: [\"/a\\x7f\"]", "f:2:12: http_metrics.routes[0]: \"/a\x7f\"" NOT_PRINTED},
    {METRICS "routes: [/a, /b, /a]", "f:2:20: http_metrics.routes[2]: \"/a\" is given twice\n"},
    {METRICS "routes: [/" BYTES_64 BYTES_64 "]",
     "f:2:12: http_metrics.routes[0]: \"/" BYTES_64 BYTES_64 "\" is longer than 128 bytes\n"},
    {METRICS "hosts: a", "f:2:10: http_metrics.hosts: must be a list, not a single value\n"},
    {METRICS "hosts: ['']", "f:2:11: http_metrics.hosts[0]: \"\" is empty\n"},
    {METRICS "hosts: ['a:80']", "f:2:11: http_metrics.hosts[0]: \"a:80\"" NOT_PORTLESS},
    {METRICS "hosts: ['http://a']", "f:2:11: http_metrics.hosts[0]: \"http://a\"" NOT_PORTLESS},
    {METRICS "hosts: ['::1']", "f:2:11: http_metrics.hosts[0]: \"::1\"" NOT_PORTLESS},
    {METRICS "hosts: ['[::1]:80']", "f:2:11: http_metrics.hosts[0]: \"[::1]:80\"" NOT_A_HOST},
    {METRICS "hosts: ['*.example']", "f:2:11: http_metrics.hosts[0]: \"*.example\"" NOT_A_HOST},
    {METRICS "hosts: [a/b]", "f:2:11: http_metrics.hosts[0]: \"a/b\"" NOT_A_HOST},
    {METRICS "hosts: [b\303\274cher]", "f:2:11: http_metrics.hosts[0]: \"b\303\274cher\" is not "
                                       "ASCII; write the form that requests have (xn--...)\n"},
    {METRICS "hosts: [a.example, A.Example]",
     "f:2:22: http_metrics.hosts[1]: \"a.example\" is given twice\n"},
    {METRICS "hosts: [" BYTES_64 "]",
     "f:2:11: http_metrics.hosts[0]: \"" BYTES_64 "\" is longer than 63 bytes\n"},
    {"rule_files: [a.yml]",
     "f:1:1: \"rule_files\" belongs to a Prometheus server, not to an agent; remove it, and "
     "evaluate the rules where the samples are sent to\n"},
    {"alerting: {alertmanagers: []}",
     "f:1:1: \"alerting\" belongs to a Prometheus server, not to an agent; remove it, and alert "
     "where the samples are sent to\n"},
    {"remote_read: [{url: http://x}]",
     "f:1:1: \"remote_read\" belongs to a Prometheus server, not to an agent; remove it, and query "
     "the Prometheus that the samples are sent to\n"},
    {"tracing: {endpoint: x}", "f:1:1: \"tracing\" belongs to a Prometheus server, not to an "
                               "agent; remove it; edgemeter sends no traces\n"},
    {"remote_write: [{}]", "f:1:16: remote_write[0]: url is missing; every remote needs one\n"},
    {"remote_write: [null]", "f:1:16: remote_write[0]: an empty list item; remove it\n"},
    {"remote_write: [{url: ''}]", "f:1:22: remote_write[0].url: is empty\n"},
    {"remote_write: [{url: x}]",
     "f:1:22: remote_write[0].url: must begin with http:// or https://\n"},
    {"remote_write: [{url: 'ftp://u:hunter2@x'}]",
     "f:1:22: remote_write[0].url: must begin with http:// or https://\n"},
    {"remote_write: [{url: 'http://u:hunter2@'}]",
     "f:1:22: remote_write[0].url: has no host name\n"},
    {"remote_write: [{url: 'http://'}]", "f:1:22: remote_write[0].url: has no host name\n"},
    {"remote_write: [{url: 'http://:9090/'}]", "f:1:22: remote_write[0].url: has no host name\n"},
    {"remote_write: [{url: 'http://x:hunter2/'}]",
     "f:1:22: remote_write[0].url: has a port that is no number from 0 to 65535\n"},
    {"remote_write: [{url: 'http://x/ y'}]",
     "f:1:22: remote_write[0].url: has a space or a control character in it\n"},
    {"remote_write: [{url: [x]}]",
     "f:1:22: remote_write[0].url: must be a single value, not a list\n"},
    {"remote_write: [{url: 'http://[::1/'}]",
     "f:1:22: remote_write[0].url: has a broken IPv6 address; write http://[::1]:9090/...\n"},
    {"remote_write: [{url: 'http://x', name: n}, {url: 'http://y', name: n}]",
     "f:1:68: remote_write[1].name: \"n\" is already the name of remote_write[0] in line 1; give "
     "each its own\n"},
    {REMOTE "headers: {Content-Encoding: hunter2}",
     "f:3:13: remote_write[0].headers: \"Content-Encoding\" is a reserved header and must not be "
     "changed; remove it\n"},
    {REMOTE "headers: {content-type: x}", "f:3:13: remote_write[0].headers: \"content-type\" is a "
                                          "reserved header and must not be changed; remove it\n"},
    {REMOTE "headers: {X-Prometheus-Remote-Write-Version: 1}",
     "f:3:13: remote_write[0].headers: \"X-Prometheus-Remote-Write-Version\" is a reserved header "
     "and must not be changed; remove it\n"},
    {REMOTE "headers: {Host: x}", "f:3:13: remote_write[0].headers: \"Host\" is a reserved header "
                                  "and must not be changed; remove it\n"},
    {REMOTE "headers: {authorization: hunter2}",
     "f:3:13: remote_write[0].headers: \"authorization\" is set by basic_auth or authorization; "
     "use one of these\n"},
    {REMOTE "headers: {'a b': hunter2}",
     "f:3:13: remote_write[0].headers: \"a b\" is not a valid header name\n"},
    {REMOTE "headers: {X-A: \"hunter2\\r\\nX: y\"}",
     "f:3:13: remote_write[0].headers: \"X-A\" has a line break or a control character in its "
     "value\n"},
    {REMOTE "headers: {'': x}",
     "f:3:13: remote_write[0].headers: \"\" is not a valid header name\n"},
    {METRICS "roles: []", "f:2:10: http_metrics.roles: must hold server, client or both; remove "
                          "the http_metrics block to meter nothing\n"},
    {METRICS "roles: [proxy]", "f:2:11: http_metrics.roles[0]: must be server or client\n"},
    {METRICS "roles: [server, server]", "f:2:19: http_metrics.roles[1]: server is given twice\n"},
    {METRICS "roles: server", "f:2:10: http_metrics.roles: must be a list, not a single value\n"},
    {METRICS "buckets: []",
     "f:2:12: http_metrics.buckets: needs 1 to 31 upper bounds, and has 0\n"},
    {METRICS "buckets: [1, 1]",
     "f:2:16: http_metrics.buckets[1]: 1 is not above the bound before it, 1\n"},
    {METRICS "buckets: [2, 1]",
     "f:2:16: http_metrics.buckets[1]: 1 is not above the bound before it, 2\n"},
    {METRICS "buckets: [0]", "f:2:13: http_metrics.buckets[0]: \"0\"" NOT_A_BOUND},
    {METRICS "buckets: [-1]", "f:2:13: http_metrics.buckets[0]: \"-1\"" NOT_A_BOUND},
    {METRICS "buckets: [.inf]", "f:2:13: http_metrics.buckets[0]: \".inf\"" NOT_A_BOUND},
    {METRICS "buckets: [1e999]", "f:2:13: http_metrics.buckets[0]: \"1e999\"" NOT_A_BOUND},
    {METRICS "buckets: ['1']", "f:2:13: http_metrics.buckets[0]: \"1\"" NOT_A_BOUND},
    {METRICS "buckets: [[1]]",
     "f:2:13: http_metrics.buckets[0]: must be a single value, not a list\n"},
    {METRICS "buckets: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, "
             "22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32]",
     "f:2:12: http_metrics.buckets: needs 1 to 31 upper bounds, and has 32\n"},
    {METRICS "cgroup_root: sys/fs",
     "f:2:16: http_metrics.cgroup_root: \"sys/fs\" is not an absolute path\n"},
    {METRICS "job_name: ''", "f:2:13: http_metrics.job_name: is empty\n"},
    {"global:\n"
     "  scrape_interval: 1\n"
     "  evaluation_interval: 1m\n"
     "scrape_configs:\n"
     "- jobname: a\n"
     "remote_write:\n"
     "- {}\n",
     "f:2:20: global.scrape_interval: \"1\"" NOT_A_DURATION ""
     "f:3:3: warning: \"evaluation_interval\" has no effect: an agent evaluates no rules\n"
     "f:5:3: unknown key \"jobname\" in scrape_configs[0]; did you mean \"job_name\"?\n"
     "f:5:3: scrape_configs[0]: job_name is missing; every job needs one\n"
     "f:7:3: remote_write[0]: url is missing; every remote needs one\n"},
};

#endif
