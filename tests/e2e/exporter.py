# SPDX-License-Identifier: Apache-2.0
"""Scrape targets in this process, whose every page can be told from the one before."""

import http.server
import threading


class Exporter:
    """`series` gauges test_value{n="0"}, ...: each has the number of the scrape as its value. Paths
    are targets of their own: /0, /1, ..."""

    def __init__(self, series=100, fixed=None):
        """`fixed`: the bytes of every page instead."""
        self.series = series
        self.fixed = fixed
        self.scrapes = {}  # path -> how many
        self.lock = threading.Lock()
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *_):
                pass

            def do_GET(self):
                body = owner.page(self.path)
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = f"127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def page(self, path):
        with self.lock:
            number = self.scrapes[path] = self.scrapes.get(path, 0) + 1
        if self.fixed:
            return self.fixed
        lines = ["# HELP test_value The number of the scrape.", "# TYPE test_value gauge"]
        lines += [f'test_value{{n="{i}"}} {number}' for i in range(self.series)]
        return ("\n".join(lines) + "\n").encode()

    def jobs(self, count=1, interval="1s"):
        """Scrape jobs of the configuration, one for each of the paths."""
        return "".join(
            f"  - job_name: test{i}\n    scrape_interval: {interval}\n    metrics_path: /{i}\n"
            f'    static_configs: [{{targets: ["{self.address}"]}}]\n'
            for i in range(count)
        )

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
