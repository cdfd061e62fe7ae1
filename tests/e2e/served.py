# SPDX-License-Identifier: Apache-2.0
"""What servers of the tests have in common: a free port of loopback, a thread for each connection, and
answers with their length over connections that are kept."""

import http.server
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def answer(self, body, content_type, status=200, cut=False):
        """`cut`: the connection ends before the body does."""
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body) + cut))
        self.close_connection |= cut
        try:
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            self.close_connection = True  # a client that goes by the head alone


class Served:
    """Hands each GET to `get(handler)`, which answers it; `stop`, or leave it as a context."""

    def __init__(self, get):
        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

        class GetHandler(Handler):
            def do_GET(handler):
                get(handler)

        self.server = Server(("127.0.0.1", 0), GetHandler)
        self.address = f"127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
