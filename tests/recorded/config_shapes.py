# SPDX-License-Identifier: Apache-2.0
"""Every key of an agent with values of every shape, for record_config.py: which of them Prometheus
takes for that key. A template holds @ where the value goes.

OURS: where we decide otherwise on purpose, as (pattern of keys, values, verdict, why)."""

VALUES = [
    "~", "''", "text", "'5'", "5", "0", "-1", "1.5", "1e2", "0x10", "010", "1_000", "true", "'true'", "yes",
    "[]", "{}", "[a]", "[~]", "[[a]]", "[{}]", "{a: b}", "{a: [b]}", "{1: 2}", "5s", "0s", "1h5m", "1KB", "0.5KiB",
    "http://a/", "a/b.yml",
]  # fmt: skip

JOB = "scrape_configs: [{job_name: j, %s}]"
REMOTE = "remote_write: [{url: 'http://a/', %s}]"
HTTP = {
    "basic_auth": "@",
    "basic_auth.username": "{username: @}",
    "basic_auth.username_file": "{username_file: @}",
    "basic_auth.password": "{username: u, password: @}",
    "basic_auth.password_file": "{username: u, password_file: @}",
    "authorization": "@",
    "authorization.type": "{type: @, credentials: c}",
    "authorization.credentials": "{credentials: @}",
    "authorization.credentials_file": "{credentials_file: @}",
    "bearer_token": "@",
    "bearer_token_file": "@",
    "oauth2": "@",
    "oauth2.client_id": "{client_id: @, client_secret: s, token_url: 'http://t/'}",
    "oauth2.client_secret": "{client_id: i, client_secret: @, token_url: 'http://t/'}",
    "oauth2.client_secret_file": "{client_id: i, client_secret_file: @, token_url: 'http://t/'}",
    "oauth2.token_url": "{client_id: i, client_secret: s, token_url: @}",
    "oauth2.scopes": "{client_id: i, client_secret: s, token_url: 'http://t/', scopes: @}",
    "oauth2.endpoint_params": "{client_id: i, client_secret: s, token_url: 'http://t/', endpoint_params: @}",
    "oauth2.tls_config": "{client_id: i, client_secret: s, token_url: 'http://t/', tls_config: @}",
    "oauth2.proxy_url": "{client_id: i, client_secret: s, token_url: 'http://t/', proxy_url: @}",
    "tls_config": "@",
    "tls_config.ca": "{ca: @}",
    "tls_config.ca_file": "{ca_file: @}",
    "tls_config.cert": "{cert: @, key: k}",
    "tls_config.cert_file": "{cert_file: @, key_file: k}",
    "tls_config.key": "{cert: c, key: @}",
    "tls_config.key_file": "{cert_file: c, key_file: @}",
    "tls_config.server_name": "{server_name: @}",
    "tls_config.insecure_skip_verify": "{insecure_skip_verify: @}",
    "tls_config.min_version": "{min_version: @}",
    "tls_config.max_version": "{max_version: @}",
    "proxy_url": "@",
    "no_proxy": "@, proxy_url: 'http://p/'",
    "proxy_from_environment": "@",
    "proxy_connect_header": "@, proxy_url: 'http://p/'",
    "follow_redirects": "@",
    "enable_http2": "@",
    "http_headers": "@",
    "http_headers.A": "{A: @}",
    "http_headers.A.values": "{A: {values: @}}",
    "http_headers.A.secrets": "{A: {secrets: @}}",
    "http_headers.A.files": "{A: {files: @}}",
}
RULE = {
    "": "@",
    "[0]": "[@]",
    "[0].source_labels": "[{source_labels: @, target_label: t}]",
    "[0].separator": "[{separator: @, target_label: t}]",
    "[0].regex": "[{regex: @, target_label: t}]",
    "[0].modulus": "[{modulus: @, source_labels: [a], target_label: t, action: hashmod}]",
    "[0].target_label": "[{target_label: @}]",
    "[0].replacement": "[{target_label: t, replacement: @}]",
    "[0].action": "[{target_label: t, action: @}]",
}
KUBERNETES = {
    "": "@",
    "[0]": "[@]",
    "[0].role": "[{role: @}]",
    "[0].api_server": "[{role: pod, api_server: @}]",
    "[0].namespaces": "[{role: pod, namespaces: @}]",
    "[0].namespaces.own_namespace": "[{role: pod, namespaces: {own_namespace: @}}]",
    "[0].namespaces.names": "[{role: pod, namespaces: {names: @}}]",
    "[0].selectors": "[{role: pod, selectors: @}]",
    "[0].selectors[0]": "[{role: pod, selectors: [@]}]",
    "[0].selectors[0].role": "[{role: pod, selectors: [{role: @}]}]",
    "[0].selectors[0].label": "[{role: pod, selectors: [{role: pod, label: @}]}]",
    "[0].selectors[0].field": "[{role: pod, selectors: [{role: pod, field: @}]}]",
    "[0].attach_metadata": "[{role: pod, attach_metadata: @}]",
    "[0].attach_metadata.node": "[{role: pod, attach_metadata: {node: @}}]",
}


def below(key, templates):
    return {key + name: f"{key}: {template}" for name, template in templates.items()}


def plain(*keys):
    return {key: f"{key}: @" for key in keys}


def http():
    return {name: f"{name.split('.')[0]}: {template}" for name, template in HTTP.items()}


JOBS = {
    **plain(
        "scrape_interval", "scrape_timeout", "metrics_path", "scheme", "honor_labels", "honor_timestamps",
        "track_timestamps_staleness", "enable_compression", "params", "body_size_limit", "sample_limit",
        "target_limit", "keep_dropped_targets", "label_limit", "label_name_length_limit",
        "label_value_length_limit", "scrape_protocols", "fallback_scrape_protocol",
        "always_scrape_classic_histograms", "metric_name_validation_scheme", "metric_name_escaping_scheme",
        "native_histogram_bucket_limit", "native_histogram_min_bucket_factor", "scrape_failure_log_file",
        "convert_classic_histograms_to_nhcb",
    ),
    "params.a": "params: {a: @}",
    **http(),
    **below("relabel_configs", RULE),
    **below("metric_relabel_configs", {"": "@", "[0]": "[@]"}),
    **below("static_configs", {
        "": "@", "[0]": "[@]", "[0].targets": "[{targets: @}]", "[0].targets[0]": "[{targets: [@]}]",
        "[0].labels": "[{targets: [a], labels: @}]", "[0].labels.a": "[{targets: [a], labels: {a: @}}]",
    }),
    **below("file_sd_configs", {
        "": "@", "[0]": "[@]", "[0].files": "[{files: @}]", "[0].files[0]": "[{files: [@]}]",
        "[0].refresh_interval": "[{files: [a.yml], refresh_interval: @}]",
    }),
    **below("kubernetes_sd_configs", KUBERNETES),
}  # fmt: skip

REMOTES = {
    **plain(
        "name", "remote_timeout", "headers", "protobuf_message", "send_exemplars", "send_native_histograms",
        "queue_config", "metadata_config", "round_robin_dns",
    ),
    "headers.A": "headers: {A: @}",
    **below("write_relabel_configs", {"": "@", "[0]": "[@]"}),
    **{
        f"queue_config.{key}": f"queue_config: {{{key}: @}}"
        for key in ("capacity", "max_shards", "min_shards", "max_samples_per_send", "batch_send_deadline",
                    "min_backoff", "max_backoff", "retry_on_http_429", "sample_age_limit")
    },
    **{
        f"metadata_config.{key}": f"metadata_config: {{{key}: @}}"
        for key in ("send", "send_interval", "max_samples_per_send")
    },
    **{name: template for name, template in http().items() if "." not in name},
}  # fmt: skip

GLOBALS = {
    **plain(
        "scrape_interval", "scrape_timeout", "evaluation_interval", "rule_query_offset", "query_log_file",
        "external_labels", "body_size_limit", "sample_limit", "target_limit", "label_limit",
        "label_name_length_limit", "label_value_length_limit", "keep_dropped_targets", "scrape_protocols",
        "always_scrape_classic_histograms", "metric_name_validation_scheme", "metric_name_escaping_scheme",
        "convert_classic_histograms_to_nhcb", "scrape_failure_log_file",
    ),
    "external_labels.a": "external_labels: {a: @}",
}  # fmt: skip

WHOLE = {
    "global": "global: @",
    "scrape_configs": "scrape_configs: @",
    "scrape_configs[0]": "scrape_configs: [@]",
    "scrape_configs[0].job_name": "scrape_configs: [{job_name: @}]",
    "scrape_config_files": "scrape_config_files: @",
    "remote_write": "remote_write: @",
    "remote_write[0]": "remote_write: [@]",
    "remote_write[0].url": "remote_write: [{url: @}]",
    "rule_files": "rule_files: @",
    "alerting": "alerting: @",
    "remote_read": "remote_read: @",
}

SHAPES = {
    **WHOLE,
    **{f"global.{key}": f"global: {{{template}}}" for key, template in GLOBALS.items()},
    **{f"scrape_configs[0].{key}": JOB % template for key, template in JOBS.items()},
    **{f"remote_write[0].{key}": REMOTE % template for key, template in REMOTES.items()},
}

REFUSED, ACCEPTED = "refused", "accepted"
URLS = ["~", "''", "http://a/"]
NOTHING = ["~", "''", "0"]


def but(values):
    return [value for value in VALUES if value not in values]


OURS = [
    (r".*\.(\w+_url|api_server)", but(URLS), REFUSED, "not http://HOST or https://HOST: every request would fail"),
    (r".*\.url", but(["http://a/"]), REFUSED, "not http://HOST or https://HOST: every request would fail"),
    (r".*\.scheme", but(["~"]), REFUSED, "neither http nor https: every scrape would fail"),
    (r"global\.metric_name_\w+_scheme", but(NOTHING[:2]), REFUSED, "Prometheus looks at it only where a job is given"),
    (r".*\.(\w+_limit|keep_dropped_targets|modulus|queue_config\.\w+|\w+_per_send)", ["1.5"], REFUSED,
     "not a whole number; Prometheus drops the fraction"),
    (r".*\.(queue|metadata)_config\.(?!sample_age)\w+", ["0", "-1", "0s"], REFUSED,
     "nothing would be sent, or without a pause, or Prometheus ends"),
    (r".*\.remote_timeout", ["0", "0s"], REFUSED, "every request would fail at once"),
    (r".*\.refresh_interval", ["0", "0s"], REFUSED, "Prometheus ends with it"),
    (r".*", ["[~]"], REFUSED, "an empty list item says nothing"),
    (r".*\.protobuf_message", ["~"], ACCEPTED, "as if the key were not there, like any other"),
]  # fmt: skip
