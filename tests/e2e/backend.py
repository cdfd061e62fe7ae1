#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What stands behind a reverse proxy in the tests: GET /sleep/MS answers after that many
milliseconds, GET /chunked/COUNT with so many chunks, POST and PUT with the length of the body."""

import http.server
import sys
import time


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        self.wfile = self.connection.makefile("wb", 65536)

    def log_message(self, *_):
        pass

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        _, kind, number = self.path.split("/")
        if kind == "sleep":
            time.sleep(int(number) / 1000)
            self.answer(b"x" * 100)
            return
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for size in range(1, int(number) + 1):
            self.wfile.write(b"%x\r\n%s\r\n" % (size, b"x" * size))
            if size % 4 == 0:
                self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    def body_chunked(self):
        total = 0
        while size := int(self.rfile.readline().split(b";")[0], 16):
            total += len(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return total

    def do_POST(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            length = self.body_chunked()
        else:
            length = len(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        self.answer(b"%d\n" % length)

    do_PUT = do_POST


if __name__ == "__main__":
    http.server.ThreadingHTTPServer.request_queue_size = 128
    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
