# SPDX-License-Identifier: Apache-2.0
"""Apache and nginx as the exactness tests need them. Both answer the same paths:

/page.html and /big.bin from files, /empty 204, /missing 404, /upload any body up to 1 MB,
/limited a body up to 1,000 bytes (413), /app/... from the backend (backend.py).

They listen on IPv4, on IPv6 where there is any, and on a port with timeouts of one second. A line
of their log is METHOD|STATUS|BODY|SENT|RECEIVED|TIME (Apache: microseconds; nginx:
seconds).
"""

import os
import socket
import sys

from checks import FULL
from cluster import Process, connects, free_port, require_programs
from servers import MODULES, _start

BIG = 2_000_000
LINE = "%m|%>s|%B|%O|%I|%D"
CGI = """#!/bin/sh
# With the body: its length. Without: an answer in pieces, which Apache sends chunked.
printf 'Content-Type: text/plain\\r\\n\\r\\n'
case $QUERY_STRING in
pieces) for size in 1 20 300; do head -c $size /dev/zero; sleep 0.01; done ;;
*) wc -c ;;
esac
"""


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


def start_backend(cluster):
    port = free_port()
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "backend.py")
    backend = cluster.start(Process, "backend", [sys.executable, script, str(port)])
    backend.wait_ready("its port", lambda: connects("127.0.0.1", port))
    backend.port = port
    return backend


def write_pages(cluster):
    with open(cluster.path("pages/big.bin"), "wb") as page:
        page.write(os.urandom(1000) * (BIG // 1000))
    with open(cluster.path("pages/huge.bin"), "wb") as page:
        page.truncate(200_000_000 if FULL else 20_000_000)
    os.makedirs(cluster.path("cgi"), exist_ok=True)
    cluster.write("cgi/cgi", CGI)
    os.chmod(cluster.path("cgi/cgi"), 0o755)


def _endpoints(server, port6, impatient):
    server.ipv4 = ("127.0.0.1", server.port)
    server.ipv6 = ("::1", port6) if port6 else None
    server.impatient = ("127.0.0.1", impatient)
    return server


def start_exact_apache(cluster, mpm, proxies="", name="apache", backend_port=9):
    """proxies: ProxyPass lines."""
    require_programs("apache2")
    write_pages(cluster)
    port, impatient, port6 = free_port(), free_port(), has_ipv6() and free_port("::1")
    cgi = "cgi" if mpm == "prefork" else "cgid"
    modules = "".join(
        f"LoadModule {module}_module {MODULES}/mod_{module}.so\n"
        for module in (f"mpm_{mpm} {cgi} authz_core alias reqtimeout proxy proxy_http").split()
    )
    # mod_cgi ends a script that it has just forked, and all children's accept mutex with it.
    limited = (
        f"ScriptAlias /limited {cluster.path('cgi/cgi')}"
        if cgi == "cgid"
        else f"ProxyPass /limited http://127.0.0.1:{backend_port}/limited"
    )
    config = cluster.write(
        name + ".conf",
        f"""{modules}
ServerRoot {cluster.folder}
ServerName 127.0.0.1
DefaultRuntimeDir {cluster.folder}
PidFile {cluster.path(name + '.pid')}
{"" if cgi == "cgi" else "ScriptSock " + cluster.path(name + "-cgid")}
Listen 127.0.0.1:{port}
{f"Listen [::1]:{port6}" if port6 else ""}
Listen 127.0.0.1:{impatient}
User www-data
Group www-data
ErrorLog {cluster.path(name + '-error.log')}
LogFormat "{LINE}" counted
CustomLog {cluster.path(name + '-access.log')} counted
Mutex pthread default
KeepAlive On
KeepAliveTimeout 30
MaxKeepAliveRequests 0
StartServers {8 if mpm == "prefork" else 1}
MaxRequestWorkers {64 if mpm == "prefork" else 100}
# None is one too many: Apache ends such by an OPTIONS of its own, at a time of its own.
{"MaxSpareServers 64" if mpm == "prefork" else ""}
RequestReadTimeout header=0 body=0
DocumentRoot {cluster.path('pages')}
Redirect 204 /empty
ScriptAlias /upload {cluster.path('cgi/cgi')}
ScriptAlias /cgi {cluster.path('cgi/cgi')}
{limited}
<Location /limited>
LimitRequestBody 1000
</Location>
{proxies or f"ProxyPass /app/ http://127.0.0.1:{backend_port}/"}
<VirtualHost 127.0.0.1:{impatient}>
RequestReadTimeout header=1 body=1
KeepAliveTimeout 2
</VirtualHost>
""",
    )
    argv = ["apache2", "-f", config, "-D", "FOREGROUND"]
    return _endpoints(_start(cluster, name, argv, "127.0.0.1", port), port6, impatient)


def start_exact_nginx(cluster, backend_port=9):
    require_programs("nginx")
    write_pages(cluster)
    port, impatient, port6 = free_port(), free_port(), has_ipv6() and free_port("::1")
    temporary = "".join(
        f"    {kind}_temp_path {cluster.path('nginx-' + kind)};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    listen6 = f"listen [::1]:{port6};" if port6 else ""
    unix = cluster.path("nginx.socket")
    paths = f"""
        log_not_found off;
        root {cluster.path('pages')};
        location = /empty {{ return 204; }}
        location = /upload {{ {_pass(backend_port, '/upload')} }}
        location = /limited {{ client_max_body_size 1000; {_pass(backend_port, '/limited')} }}
        location /app/ {{ {_pass(backend_port, '/')} }}"""
    config = cluster.write(
        "nginx.conf",
        f"""daemon off;
user www-data;
worker_processes 2;
pid {cluster.path('nginx.pid')};
events {{ worker_connections 1024; }}
http {{
{temporary}    log_format counted '$request_method|$status|$body_bytes_sent|$bytes_sent|'
        '$request_length|$request_time';
    access_log {cluster.path('nginx-access.log')} counted;
    keepalive_requests 1000000;
    keepalive_timeout 300;
    sendfile on;
    server {{
        listen 127.0.0.1:{port};
        {listen6}
        listen unix:{unix};{paths}
    }}
    server {{
        listen 127.0.0.1:{impatient};
        client_header_timeout 1s;
        client_body_timeout 1s;{paths}
    }}
}}
""",
    )
    errors = cluster.path("nginx-error.log")
    argv = ["nginx", "-e", errors, "-c", config]
    nginx = _endpoints(_start(cluster, "nginx", argv, "127.0.0.1", port), port6, impatient)
    nginx.unix = unix
    return nginx


def _pass(port, path):
    return f"proxy_pass http://127.0.0.1:{port}{path}; proxy_http_version 1.1;"
