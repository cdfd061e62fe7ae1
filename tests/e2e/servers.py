# SPDX-License-Identifier: Apache-2.0
"""Apache and nginx as counted servers: their configuration files, in the cluster's work folder.

Both answer the same paths: /page.html 200, /moved 301, /broken 500, anything else 404, and log one
line "METHOD STATUS" for each request.
"""

from cluster import Process, Server, connects, free_port, require_programs

MODULES = "/usr/lib/apache2/modules"


def _start(cluster, name, argv, host, port):
    server = cluster.start(Server, name, argv)
    server.host = host
    server.port = port
    server.access_log = cluster.path(f"{name}-access.log")
    server.url = f"http://{'[' + host + ']' if ':' in host else host}:{port}"
    # A connection without a request: nothing to count, nothing to log.
    server.wait_ready("its port", lambda: connects(host, port))
    return server


def start_apache(cluster):
    """The event MPM as Debian sets it up: TCP_DEFER_ACCEPT on, keep-alive on."""
    require_programs("apache2")
    port = free_port()
    modules = "".join(
        f"LoadModule {name}_module {MODULES}/mod_{name}.so\n"
        for name in ("mpm_event", "authz_core", "alias")
    )
    config = cluster.write(
        "apache.conf",
        f"""{modules}
ServerRoot {cluster.folder}
ServerName 127.0.0.1
DefaultRuntimeDir {cluster.folder}
PidFile {cluster.path('apache.pid')}
Listen 127.0.0.1:{port}
User www-data
Group www-data
ErrorLog {cluster.path('apache-error.log')}
LogFormat "%m %>s" counted
CustomLog {cluster.path('apache-access.log')} counted
KeepAlive On
MaxKeepAliveRequests 0
DocumentRoot {cluster.path('pages')}
Redirect 301 /moved /page.html
Redirect 500 /broken
""",
    )
    argv = ["apache2", "-f", config, "-D", "FOREGROUND"]
    return _start(cluster, "apache", argv, "127.0.0.1", port)


def _nginx_temporary(cluster):
    """Where nginx puts what it cannot keep in memory: lines of its http block."""
    return "".join(
        f"    {kind}_temp_path {cluster.path('nginx-' + kind)};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )


def start_nginx(cluster, host="127.0.0.1", log_format="$request_method $status"):
    require_programs("nginx")
    port = free_port(host)
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    temporary = _nginx_temporary(cluster)
    config = cluster.write(
        "nginx.conf",
        f"""daemon off;
user www-data;
worker_processes 2;
pid {cluster.path('nginx.pid')};
events {{ worker_connections 1024; }}
http {{
{temporary}    log_format counted '{log_format}';
    access_log {cluster.path('nginx-access.log')} counted;
    keepalive_requests 1000000;
    server {{
        listen {address};
        log_not_found off;
        root {cluster.path('pages')};
        location = /moved {{ return 301 /page.html; }}
        location = /broken {{ return 500; }}
    }}
}}
""",
    )
    errors = cluster.path("nginx-error.log")
    return _start(cluster, "nginx", ["nginx", "-e", errors, "-c", config], host, port)


def nginx_workers(server):
    """The pids of the workers: the master's children."""
    with open(f"/proc/{server.pid}/task/{server.pid}/children") as children:
        return [int(pid) for pid in children.read().split()]


def agent_config(prometheus, interval="1s", external_labels="cluster: test", jobs=""):
    """The agent's file: host metering, jobs (YAML list items, may be ""), remote write."""
    metering = f"http_metrics:\n  interval: {interval}\n" if interval else ""
    scrapes = f"scrape_configs:\n{jobs}" if jobs else ""
    return f"""global:
  external_labels: {{{external_labels}}}
{metering}{scrapes}remote_write:
  - url: {prometheus.url}/api/v1/write
    queue_config:
      batch_send_deadline: 1s
"""


def node_job(exporter, interval="2s"):
    return f"""  - job_name: node
    scrape_interval: {interval}
    static_configs:
      - targets: ["{exporter.address}"]
"""


def start_http2_proxy(cluster, files, upstream):
    """nginx that speaks HTTP/2 with the certificate and key in `files`, before a server. The protocol and
    status of what was answered are in protocols.txt; at a SIGHUP it sends GOAWAY and goes on anew."""
    require_programs("nginx")
    port = free_port()
    folders = _nginx_temporary(cluster)
    config = cluster.write(
        "nginx.conf",
        f"""daemon off;
pid {cluster.path('nginx.pid')};
events {{ worker_connections 256; }}
http {{
    {folders}
    log_format protocol '$server_protocol $status';
    access_log {cluster.path('protocols.txt')} protocol;
    server {{
        listen 127.0.0.1:{port} ssl http2;
        ssl_certificate {files[0]};
        ssl_certificate_key {files[1]};
        location / {{
            proxy_pass {upstream};
            proxy_http_version 1.1;
            proxy_buffering off;
        }}
    }}
}}
""",
    )
    argv = ["nginx", "-e", cluster.path("nginx-error.log"), "-c", config]
    proxy = cluster.start(Process, "nginx", argv, metered=False)
    proxy.port = port
    proxy.wait_ready("its port", lambda: connects("127.0.0.1", port))
    return proxy
