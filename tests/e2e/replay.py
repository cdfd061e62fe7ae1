# SPDX-License-Identifier: Apache-2.0
"""A target that shows recorded pages scrape by scrape: the n-th scrape of a path gets the n-th page of
its script, whoever asks and whenever, so that two scrapers with a replay each see the same."""

import http.server
import os
import re
import threading

import cluster as clusters

PAGES = os.path.join(clusters.ROOT, "tests/recorded/pages")
TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def read(name):
    with open(os.path.join(PAGES, name + ".txt"), encoding="utf-8") as file:
        return file.read()


def changing(text, scrape):
    """A real page as it would be later: a quarter of the values are others, and from the third scrape
    on some series are missing, each time others."""
    lines, samples = [], 0
    for line in text.splitlines():
        if not line or line.startswith("#"):
            lines.append(line)
            continue
        samples += 1
        if scrape >= 2 and samples % 11 == scrape % 11:
            continue
        series, value = line.rsplit(" ", 1)
        if (samples + scrape) % 4 == 0 and value not in ("NaN", "+Inf", "-Inf"):
            line = f"{series} {float(value) + scrape!r}"
        lines.append(line)
    return "\n".join(lines) + "\n"


def filled(text, scrape, start):
    """A page of hard cases with its times and turns put in; `start` in ms."""
    now = start + scrape * 1000
    texts = {
        "{START}": str(start),
        "{BACK}": str(start - scrape * 1000),
        "{EVERY2}": '{half="x"}' if scrape % 2 else "",
        "{EVERY3}": str(scrape % 3),
        "{SCRAPE}": str(scrape),
        "{TIMES}": f"{now / 1000:.3f}",
    }
    text = text.replace('om_gauge{SCRAPE}', f'om_gauge{{scrape="{scrape % 3}"}}')
    text = re.sub(r"\{TIME([+-]\d+)?\}", lambda m: str(now + int(m.group(1) or 0)), text)
    for mark, value in texts.items():
        text = text.replace(mark, value)
    return text


class Answer:
    def __init__(self, body, status=200, content_type=TEXT, cut=False):
        self.body = body.encode()
        self.status = status
        self.content_type = content_type
        self.cut = cut  # the connection ends before the body does


class Replay:
    """`script`: path -> function of the scrape's number (from 0) that gives an Answer."""

    def __init__(self, script):
        self.script = script
        self.scrapes = {path: 0 for path in script}
        self.lock = threading.Lock()
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *_):
                pass

            def do_GET(self):
                answer = owner.next(self.path.split("?")[0])
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.content_type)
                self.send_header("Content-Length", str(len(answer.body) + answer.cut))
                self.close_connection |= answer.cut
                try:
                    self.end_headers()
                    self.wfile.write(answer.body)
                except OSError:
                    self.close_connection = True  # a scraper that goes by the head alone

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

        self.server = Server(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def next(self, path):
        with self.lock:
            scrape = self.scrapes[path]
            self.scrapes[path] += 1
        return self.script[path](scrape)

    def fewest(self):
        with self.lock:
            return min(self.scrapes.values())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
