# SPDX-License-Identifier: Apache-2.0
"""Configurations for record_config.py: (name, text), or (name, text, verdict, why) where edgemeter decides
otherwise than Prometheus 3."""

import json

REMOTE = "remote_write: [{url: 'http://a/'}]\n"
ACCEPTED, REFUSED = "accepted", "refused"

# ---- what tutorials and charts print ----

TUTORIAL_STATIC = """global:
  scrape_interval: 15s
  scrape_timeout: 15s
  evaluation_interval: 15s
  scrape_timeout: 10s

scrape_configs:
- job_name: example-api
  honor_labels: true
  honor_timestamps: true
  metrics_path: /metrics
  scheme: https
  static_configs:
  - targets:
    - example-api.test
    labels:
      env: prod
      location: us
"""

TUTORIAL_PODS = """global:
  scrape_interval: 15s
  evaluation_interval: 15s
  evaluation_interval: 15s
  scrape_timeout: 10s

scrape_configs:
  - job_name: 'example-api-pods'

    kubernetes_sd_configs:
    - role: pod
      namespaces:
        names:
        - example-api-prod
      selectors:
        - label: "application=example-api"
          role: pod

    metrics_path: /metrics

    relabel_configs:
    - source_labels: [__meta_kubernetes_pod_container_port_number]
      regex: '9443'
      action: drop
    - action: labelmap
      regex: __meta_kubernetes_pod_label_(.+)
    - source_labels: [__meta_kubernetes_namespace]
      action: replace
      target_label: kubernetes_namespace
    - source_labels: [__meta_kubernetes_pod_name]
      action: replace
      target_label: kubernetes_pod_name
"""

TUTORIAL_FEDERATE = """global:
  scrape_interval: 15s
  scrape_timeout: 15s
  evaluation_interval: 15s
scrape_configs:
- job_name: example-api-federate
  honor_labels: true
  honor_timestamps: true
  params:
    match[]:
    - '{job!=""}'
  scrape_interval: 15s
  scrape_timeout: 15s
  metrics_path: /federate
  scheme: http
  static_configs:
  - targets:
    - monitoring.example-api.test
      labels:
        env: prod
        location: us
"""

TWICE = (
    ACCEPTED,
    "a key given twice is a warning naming both lines; the last one is used. Configurations copied from "
    "tutorials have it",
)


def without_twice(text):
    """The same with each key of global once."""
    return text.replace("  scrape_timeout: 15s\n  evaluation", "  evaluation", 1).replace(
        "  evaluation_interval: 15s\n  evaluation", "  evaluation", 1
    )


PRINTED = [
    ("tutorial, static targets", TUTORIAL_STATIC, *TWICE),
    ("tutorial, static targets, each key once", without_twice(TUTORIAL_STATIC)),
    ("tutorial, pods", TUTORIAL_PODS, *TWICE),
    ("tutorial, pods, each key once", without_twice(TUTORIAL_PODS)),
    ("tutorial, federation as printed: labels under a target", TUTORIAL_FEDERATE),
    ("tutorial, federation as meant",
     TUTORIAL_FEDERATE.replace("      labels:\n        env: prod\n        location: us",
                               "    labels:\n      env: prod\n      location: us")),
    ("chart, annotated pods", """scrape_configs:
- job_name: kubernetes-pods
  honor_labels: true
  kubernetes_sd_configs: [{role: pod}]
  relabel_configs:
  - source_labels: [__meta_kubernetes_pod_annotation_prometheus_io_scrape]
    action: keep
    regex: true
  - source_labels: [__meta_kubernetes_pod_annotation_prometheus_io_scheme]
    action: replace
    regex: (https?)
    target_label: __scheme__
  - source_labels: [__meta_kubernetes_pod_annotation_prometheus_io_port, __meta_kubernetes_pod_ip]
    action: replace
    regex: (\\d+);((([0-9]+?)(\\.|$)){4})
    replacement: $2:$1
    target_label: __address__
  - action: labelmap
    regex: __meta_kubernetes_pod_annotation_prometheus_io_param_(.+)
    replacement: __param_$1
""" + REMOTE),
]

# ---- single keys: (what follows `scrape_configs:\n- job_name: a\n  `) ----


def job(line):
    return f"scrape_configs:\n- job_name: a\n  {line}\n"


def remote(line):
    return f"remote_write:\n- url: http://a/\n  {line}\n"


def glob(line):
    return f"global:\n  {line}\n{REMOTE}"


def named(what, line, make):
    return what + ": " + line.replace("\n ", ";"), make(line)


def jobs(*lines):
    return [named("job", line, job) for line in lines]


def remotes(*lines):
    return [named("remote", line, remote) for line in lines]


def globs(*lines):
    return [named("global", line, glob) for line in lines]


JOBS = jobs(
    "scrape_interval: 5s",
    "scrape_interval: 5",
    "scrape_interval: 0s",
    "scrape_interval: 1m30s",
    "scrape_interval: 30s1m",
    "scrape_interval: 1.5s",
    "scrape_interval: ''",
    "scrape_interval: -5s",
    "scrape_interval: 1y2w3d4h5m6s7ms",
    "scrape_timeout: 2m",
    "scrape_interval: 10s\n  scrape_timeout: 10s",
    "scrape_interval: 10s\n  scrape_timeout: 11s",
    "scrape_interval: 5s # below the global timeout of 10s",
    "scheme: HTTPS",
    "metrics_path: metrics",
    "metrics_path: ''",
    "honor_labels: yes",
    "honor_labels: 'true'",
    "honor_labels: 1",
    "honor_timestamps: false",
    "track_timestamps_staleness: true",
    "params: {a: b}",
    "params: {a: [b, c], 'match[]': ['{job=\"x\"}']}",
    "sample_limit: 100",
    "sample_limit: -1",
    "target_limit: 10",
    "label_limit: 1e3",
    "body_size_limit: 10MB",
    "body_size_limit: 10",
    "body_size_limit: 0",
    "body_size_limit: 1GiB",
    "body_size_limit: 10 MB",
    "keep_dropped_targets: 5",
    "static_configs: [{targets: ['a:1', 'b']}]",
    "static_configs: [{targets: ['http://a:1']}]",
    "static_configs: [{targets: ['a:1/metrics']}]",
    "static_configs: [{targets: ['']}]",
    "static_configs: [{targets: [~]}]",
    "static_configs: [{targets: a}]",
    "static_configs: {targets: [a]}",
    "static_configs: [{target: [a]}]",
    "static_configs: [~]",
    "static_configs:",
    "static_configs: [{targets: [a], labels: {b: c, d: 1, e: true}}]",
    "static_configs: [{targets: [a], labels: {1b: c}}]",
    "static_configs: [{targets: [a], labels: {'la bel': c}}]",
    "static_configs: [{targets: [a], labels: {'': c}}]",
    "static_configs: [{targets: [a], labels: [b]}]",
    "static_configs: [{targets: [a], labels: {__scheme__: gopher}}]",
    "file_sd_configs: [{files: [a.yml, 'b/*.json']}]",
    "file_sd_configs: [{files: ['a/*/b.yml']}]",
    "file_sd_configs: [{files: [a.txt]}]",
    "file_sd_configs: [{files: []}]",
    "file_sd_configs: [{files: [a.yml], interval: 5s}]",
    "http_sd_configs: [{url: 'http://a/'}]",
    "http_sd_configs: [{url: 'https://a:1/b?c=d', refresh_interval: 5m, basic_auth: {username: u, password: p}}]",
    "http_sd_configs: [{url: 'https://a/', tls_config: {ca_file: c}, follow_redirects: false, http_headers: {A: {values: [b]}}}]",
    "http_sd_configs: [{url: 'http://u:p@a/'}]",
    "http_sd_configs: [{}]",
    "http_sd_configs: [{url: ''}]",
    "http_sd_configs: [{url: 'ftp://a/'}]",
    "http_sd_configs: [{url: 'a'}]",
    "http_sd_configs: [{url: 'http:///b'}]",
    "http_sd_configs: [{url: 'http://a/', refresh_interval: x}]",
    "http_sd_configs: [{url: 'http://a/', interval: 5s}]",
    "http_sd_configs: [{url: 'http://a/', basic_auth: {username: u}, bearer_token: b}]",
    "http_sd_configs: [~]",
    "http_sd_configs: {url: 'http://a/'}",
    "kubernetes_sd_configs: [{role: pod}]",
    "kubernetes_sd_configs: [{role: pods}]",
    "kubernetes_sd_configs: [{}]",
    "kubernetes_sd_configs: [{role: pod, namespaces: {names: [a], own_namespace: true}}]",
    "kubernetes_sd_configs: [{role: pod, selectors: [{role: pod, label: 'a=b,c!=d', field: 'spec.nodeName=x'}]}]",
    "kubernetes_sd_configs: [{role: pod, selectors: [{role: service, label: a}]}]",
    "kubernetes_sd_configs: [{role: pod, selectors: [{role: pod, label: 'a in b'}]}]",
    "kubernetes_sd_configs: [{role: pod, kubeconfig_file: k, api_server: 'http://a'}]",
    "kubernetes_sd_configs: [{role: pod, basic_auth: {username: u}}]",
    "relabel_configs: [{source_labels: [a], regex: '(', target_label: b}]",
    "relabel_configs: [{action: keep}]",
    "relabel_configs: [{action: hashmod, source_labels: [a], target_label: b}]",
    "relabel_configs: [{action: eat, source_labels: [a]}]",
    "relabel_configs: [{source_labels: [a], regex: '(?!x)', target_label: b}]",
    "relabel_configs: [~]",
    "metric_relabel_configs: [{source_labels: [__name__], regex: 'go_.*', action: drop}]",
    "basic_auth: {username: u, password: p}",
    "basic_auth: {username: u, password: p, password_file: f}",
    "basic_auth: {}",
    "authorization: {credentials: x}",
    "authorization: {type: Basic, credentials: x}",
    "authorization: {credentials: x, credentials_file: f}",
    "basic_auth: {username: u}\n  authorization: {credentials: x}",
    "bearer_token: x",
    "bearer_token_file: f",
    "bearer_token: x\n  bearer_token_file: f",
    "oauth2: {client_id: i, client_secret: s, token_url: 'http://t/'}",
    "oauth2: {client_id: i, token_url: 'http://t/'}",
    "oauth2: {client_id: i, client_secret: s}",
    "tls_config: {insecure_skip_verify: true, server_name: s, min_version: TLS12}",
    "tls_config: {min_version: TLS14}",
    "tls_config: {ca: x, ca_file: f}",
    "tls_config: {cert_file: c}",
    "tls_config: {cert: c, key: k}",
    "proxy_url: http://p:1",
    "proxy_url: ':'",
    "proxy_from_environment: true",
    "proxy_url: 'http://p:1'\n  proxy_from_environment: true",
    "no_proxy: a",
    "proxy_connect_header: {A: [b]}",
    "http_headers: {X-A: {values: [b]}}",
    "http_headers: {X-A: {secrets: [b], files: [f]}}",
    "http_headers: {Host: {values: [b]}}",
    "follow_redirects: false",
    "enable_http2: false",
    "enable_compression: false",
    "scrape_protocols: [PrometheusText0.0.4]",
    "scrape_protocols: [PrometheusText0.0.5]",
    "scrape_protocols: []",
    "scrape_protocols: [PrometheusText0.0.4, PrometheusText0.0.4]",
    "fallback_scrape_protocol: PrometheusText1.0.0",
    "fallback_scrape_protocol: text",
    "always_scrape_classic_histograms: true",
    "metric_name_validation_scheme: ascii",
    "metric_name_escaping_scheme: dots",
    "unknown_key: 1",
    "Scrape_interval: 5s",
)

SELECTORS = [
    (f"selector: {kind}: {text}",
     job("kubernetes_sd_configs: [{role: pod, selectors: [{role: pod, %s: %s}]}]" % (kind, json.dumps(text))))
    for kind, texts in (
        ("label", (
            "", " ", "a", "!a", "! a", "a=b", "a = b", "a==b", "a!=b", "a=", "a!=", "=b", "a=b,c=d", "a=b, c!=d ", "a=b,",
            ",a", "a,,b", "a in (b,c)", "a in(b)", "a notin (b)", "a in ()", "a in (,)", "a in (b,)", "a in b", "a in (b",
            "a in", "a not in (b)", "a>5", "a<5", "a > x", "a=b c", "a b", "!a=b", "a.b/c-d_e=f", "A.b/c=d", "a/b/c=d", "/a=b",
            "a/=b", "-a=b", "a-=b", "a=-b", "a=b-", "a=b/c", "a=b:c", "a=" + "b" * 63, "a=" + "b" * 64, "a" * 64, "in=b",
            "in", "in in (in)", "in (a)", "a=in", "notin", "a=ä", "a=*", "a>=5", "a>-1", "a\\=b", "'a'=b", "(a)",
        )),
        ("field", (
            "", "a=b", "a==b", "a!=b", "a", "=b", "a=", "a=b,c=d", "a=b,", ",a=b", "a=b=c", "a=b\\=c", "a=b\\,c", "a=b\\x", "a!b",
            "a = b", "spec.nodeName=x,metadata.namespace!=default", "a===b", "!=b", "a=!b",
        )),
    )
    for text in texts
]  # fmt: skip

REMOTES = remotes(
    "name: x",
    "remote_timeout: 5s",
    "headers: {X-Scope-OrgID: a}",
    "headers: {Authorization: a}",
    "headers: {Content-Type: a}",
    "queue_config: {capacity: 5, max_shards: 2, min_shards: 1, max_samples_per_send: 3}",
    "queue_config: {min_shards: 5, max_shards: 2}",
    "queue_config: {min_backoff: 5s, max_backoff: 1s}",
    "queue_config: {min_backoff: 10s}",
    "queue_config: {retry_on_http_429: true, sample_age_limit: 1h}",
    "metadata_config: {send: false, send_interval: 5m, max_samples_per_send: 10}",
    "send_exemplars: true",
    "send_native_histograms: true",
    "protobuf_message: io.prometheus.write.v2.Request",
    "protobuf_message: io.prometheus.write.v3.Request",
    "write_relabel_configs: [{source_labels: [a], action: keep}]",
    "write_relabel_configs: [~]",
    "basic_auth: {username: u}\n  authorization: {credentials: x}",
    "tls_config: {insecure_skip_verify: true}",
    "round_robin_dns: false",
)

GLOBALS = globs(
    "scrape_interval: 10s",
    "scrape_interval: 10",
    "scrape_interval: 0s",
    "scrape_timeout: 2m",
    "scrape_interval: 5s",
    "scrape_interval: 5s\n  scrape_timeout: 6s",
    "evaluation_interval: 30s",
    "evaluation_interval: 30 s",
    "query_log_file: q",
    "external_labels: {a: b, c: 1}",
    "external_labels: {a: '$HOME and ${HOME} and $$'}",
    "external_labels: {'1a': b}",
    "external_labels: {'': b}",
    "external_labels: {__name__: b}",
    "external_labels: [a]",
    "external_labels: {a: {b: c}}",
    "body_size_limit: 10MB",
    "sample_limit: 5",
    "keep_dropped_targets: 5",
    "scrape_protocols: [OpenMetricsText1.0.0]",
    "metric_name_validation_scheme: legacy",
    "unknown: 1",
)

# Where we decide otherwise than promtool 3.5.
OTHERWISE = [
    (*named("job", "scheme: ftp", job), REFUSED,
     "every scrape would fail"),
    (*named("job", "params: {a: [1, true, ~]}", job), REFUSED,
     "an empty list item says nothing"),
    (*named("job", "file_sd_configs: [{files: [a.yml], refresh_interval: 0s}]", job), REFUSED,
     "Prometheus ends with it"),
    (*named("job", "tls_config: {min_version: TLS13, max_version: TLS12}", job), REFUSED,
     "no connection could be made"),
    (*named("job", "scrape_native_histograms: true", job), ACCEPTED,
     "a key of newer versions than the one recorded"),
    (*named("job", "metric_name_validation_scheme: legacy", job), ACCEPTED,
     "names are escaped with underscores then, as newer versions decide"),
    (*named("remote", "remote_timeout: 0s", remote), REFUSED,
     "every request would fail at once"),
    (*named("remote", "headers: {'x y': a}", remote), REFUSED,
     "every request would fail"),
    (*named("remote", "queue_config: {max_samples_per_send: 0}", remote), REFUSED,
     "Prometheus ends with it"),
]

# ---- the whole file ----

WHOLE = [
    ("nothing", "", REFUSED, "an empty file is a mistake more often than a wish"),
    ("a comment alone", "# nothing\n", REFUSED, "as above"),
    ("an empty mapping", "{}\n"),
    ("a list", "[]\n"),
    ("a text", "global\n"),
    ("two documents", "global: {}\n---\nglobal: {}\n", REFUSED,
     "what stands in the second document would be ignored in silence"),
    ("a tab", "global:\n\tscrape_interval: 5s\n"),
    ("a key twice in a job", "scrape_configs: [{job_name: a, job_name: b}]\n", *TWICE),
    ("a block twice", "scrape_configs: [{job_name: a}]\nscrape_configs: [{job_name: b}]\n", *TWICE),
    ("anchors", "x: &x {a: b}\n" + REMOTE),
    ("anchors in use",
     "global: &g {scrape_interval: 5s}\nscrape_configs: [{job_name: a, static_configs: &s [{targets: [b]}]}, "
     "{job_name: b, static_configs: *s}]\n"),
    ("merge keys",
     "scrape_configs:\n- &a {job_name: a, scheme: https}\n- {<<: *a, job_name: b}\n"),
    ("two jobs of one name", "scrape_configs: [{job_name: a}, {job_name: a}]\n"),
    ("a job without a name", "scrape_configs: [{scheme: http}]\n"),
    ("an empty name", "scrape_configs: [{job_name: ''}]\n"),
    ("a job that is null", "scrape_configs: [~]\n"),
    ("scrape_configs that is null", "scrape_configs:\n"),
    ("scrape_configs that is a mapping", "scrape_configs: {job_name: a}\n"),
    ("a remote without url", "remote_write: [{name: a}]\n"),
    ("a remote with an empty url", "remote_write: [{url: ''}]\n", REFUSED, "every request would fail"),
    ("a remote that is null", "remote_write: [~]\n"),
    ("a url without a scheme", "remote_write: [{url: 'a:9090/api/v1/write'}]\n", REFUSED,
     "Prometheus takes `a` for the scheme and fails with every request"),
    ("a url of another scheme", "remote_write: [{url: 'ftp://a/'}]\n", REFUSED,
     "Prometheus fails with every request"),
    ("a url that is none", "remote_write: [{url: 'http://a b/'}]\n"),
    ("a url without a host", "remote_write: [{url: 'http:///x'}]\n", REFUSED,
     "Prometheus fails with every request"),
    ("two remotes of one name", "remote_write: [{url: 'http://a/', name: x}, {url: 'http://b/', name: x}]\n"),
    ("two remotes of one url", "remote_write: [{url: 'http://a/'}, {url: 'http://a/'}]\n"),
    ("alerting", "alerting: {alertmanagers: [{static_configs: [{targets: [a]}]}]}\n" + REMOTE),
    ("rule_files", "rule_files: [a.yml]\n" + REMOTE),
    ("rule_files, empty", "rule_files: []\n" + REMOTE),
    ("alerting, empty", "alerting: {}\n" + REMOTE),
    ("remote_read", "remote_read: [{url: 'http://a/'}]\n" + REMOTE),
    ("tracing", "tracing: {endpoint: 'a:1'}\n" + REMOTE, REFUSED,
     "edgemeter sends no traces, and says so rather than ignoring the block"),
    ("storage", "storage: {tsdb: {out_of_order_time_window: 5m}}\n" + REMOTE),
    ("runtime", "runtime: {gogc: 75}\n" + REMOTE),
    ("otlp", "otlp: {promote_resource_attributes: [a]}\n" + REMOTE),
    ("scrape_config_files", "scrape_config_files: [none/*.yml]\n" + REMOTE),
    ("scrape_config_files, two stars", "scrape_config_files: ['none/*/a*.yml']\n" + REMOTE),
    ("an unknown block", "scrape_config: []\n" + REMOTE),
    ("http_metrics", "http_metrics: {}\n", ACCEPTED, "edgemeter's own block"),
    ("queue", "queue: {max_bytes: 1GiB}\n" + REMOTE, ACCEPTED, "edgemeter's own block"),
    ("max_bytes_per_second", remote("max_bytes_per_second: 5MB"), ACCEPTED, "edgemeter's own key"),
] + [
    (f"discovery by {kind}", job(f"{kind}_sd_configs: [{settings}]"), REFUSED,
     "edgemeter does not find targets that way, and says so")
    for kind, settings in (
        ("consul", "{server: a}"), ("dns", "{names: [a]}"), ("ec2", "{region: a}"),
        ("docker", "{host: 'tcp://a:1'}"), ("gce", "{project: a, zone: b}"), ("nomad", "{}"),
    )
]

CASES = PRINTED + JOBS + OTHERWISE + SELECTORS + REMOTES + GLOBALS + WHOLE
