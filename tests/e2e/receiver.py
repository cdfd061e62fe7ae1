# SPDX-License-Identifier: Apache-2.0
"""A remote write receiver on loopback that keeps all it takes, and fails as it is told.

Each request is answered by the next of its faults, then as a healthy receiver. A fault is a
function of (handler, request); those below make them, some without an end.
"""

import http.server
import itertools
import socket
import ssl
import struct
import threading
import time
from collections import defaultdict

import write_wire

V2 = "io.prometheus.write.v2.Request"


class Request:
    def __init__(self, headers, body):
        self.headers = headers
        self.bytes = len(body)
        self.at = time.monotonic()
        self.is_v2 = V2 in headers.get("Content-Type", "")
        self.metadata = []
        data = write_wire.unsnappy(body)
        if self.is_v2:
            self.series = write_wire.read_v2(data)
        else:
            self.series, self.metadata = write_wire.read_v1(data)
        self.samples = sum(len(s.samples) + len(s.histograms) for s in self.series)
        self.taken = False

    def forget(self):
        """Thousands of decoded requests are gigabytes."""
        self.series = self.metadata = None


# ---- faults ----


def status(code, body=b"because\n", times=1, **headers):
    """`times` answers with this status; header names with _ for -."""

    def fault(handler, _):
        handler.answer(code, body, {k.replace("_", "-"): v for k, v in headers.items()})

    return [fault] * times


def late(seconds):
    def fault(handler, request):
        time.sleep(seconds)
        handler.take(request)

    return [fault]


def over(most):
    """413 for every request of more samples than that, for ever."""

    def fault(handler, request):
        if request.samples > most:
            handler.answer(413, b"too many at once\n", {})
        else:
            handler.take(request)

    return itertools.repeat(fault)


def reset(times=1):
    """The connection is reset after the request, before an answer."""

    def fault(handler, _):
        handler.connection.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        handler.connection.close()
        handler.close_connection = True

    return [fault] * times


def taken_and_reset(times=1):
    """The samples are taken, and the sender is not told."""

    def fault(handler, request):
        handler.server.owner.keep(request)
        reset()[0](handler, request)

    return [fault] * times


def cut_answer(times=1):
    """The connection ends within the head of the answer."""

    def fault(handler, _):
        handler.wfile.write(b"HTTP/1.1 204 No Con")
        handler.close_connection = True

    return [fault] * times


def drip(seconds, times=1):
    """Something that never gets to a status comes one byte at a time, for that long."""

    def fault(handler, _):
        end = time.monotonic() + seconds
        head = b"HTTP/1.1 " + b"x" * 100000
        try:
            for byte in head:
                if time.monotonic() > end:
                    break
                handler.wfile.write(bytes([byte]))
                handler.wfile.flush()
                time.sleep(0.05)
        except OSError:
            pass  # the sender has had enough
        handler.close_connection = True

    return [fault] * times


def black_hole(seconds):
    """No answer to anything for so long; from the first request on."""
    began = []

    def fault(handler, request):
        began.append(time.monotonic())
        end = began[0] + seconds
        if time.monotonic() >= end:
            handler.take(request)
            return
        handler.server.owner.stopping.wait(end - time.monotonic())
        handler.close_connection = True

    return itertools.repeat(fault)


# ---- the server ----


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def answer(self, code, body, headers):
        self.answered = code
        try:
            self.send_response(code)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            self.close_connection = True

    def take(self, request):
        headers = {}
        if request.is_v2:
            count = lambda what: str(sum(len(getattr(s, what)) for s in request.series))
            prefix = "X-Prometheus-Remote-Write-"
            headers = {
                prefix + "Samples-Written": count("samples"),
                prefix + "Histograms-Written": count("histograms"),
                prefix + "Exemplars-Written": count("exemplars"),
            }
        self.server.owner.keep(request)
        self.answer(204, b"", headers)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        owner = self.server.owner
        request = Request(self.headers, body)
        request.body = body if owner.keep_bodies else None
        self.answered = 0
        fault = owner.next_fault(request)
        if fault:
            fault(self, request)
        else:
            self.take(request)
        request.status = self.answered
        request.forget()

    def handle(self):
        try:
            super().handle()
        except (OSError, ssl.SSLError):
            pass  # the sender went away


class Receiver:
    def __init__(self, faults=(), tls=None, host="127.0.0.1"):
        """`tls` is an ssl.SSLContext, used anew for each connection."""
        self.faults = iter(faults)
        self.requests = []
        self.taken = defaultdict(list)  # labels -> [(timestamp, value)] in the order of arrival
        self.metadata = {}
        self.exemplars = 0
        self.keep_bodies = False  # each request's, as it came
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self.tls = tls

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128
            address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

            def get_request(server):
                connection, address = server.socket.accept()
                return connection, address

            def process_request_thread(server, request, address):
                if self.tls:
                    try:
                        request.settimeout(30)
                        request = self.tls.wrap_socket(request, server_side=True)
                    except (OSError, ssl.SSLError):
                        request.close()
                        return
                super().process_request_thread(request, address)

            def handle_error(server, *_):
                pass

        self.server = Server((host, 0), _Handler)
        self.server.owner = self
        self.port = self.server.server_address[1]
        name = f"[{host}]" if ":" in host else host
        self.url = f"{'https' if tls else 'http'}://{name}:{self.port}/api/v1/write"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def stop(self):
        self.stopping.set()
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def next_fault(self, request):
        with self.lock:
            self.requests.append(request)
            return next(self.faults, None)

    def keep(self, request):
        with self.lock:
            request.taken = True
            for series in request.series:
                self.taken[series.labels] += series.samples + series.histograms
                self.exemplars += len(series.exemplars)
                if series.metadata:
                    self.metadata[dict(series.labels)["__name__"]] = series.metadata
            for kind, family, text, unit in request.metadata:
                self.metadata[family] = (kind, text, unit)

    def count(self):
        with self.lock:
            return sum(len(samples) for samples in self.taken.values())

    def count_untaken(self):
        """Samples in the requests that were not taken."""
        with self.lock:
            return sum(request.samples for request in self.requests if not request.taken)

    def times_per_series(self):
        """label set -> the distinct timestamps taken, sorted."""
        with self.lock:
            return {labels: sorted({t for t, _ in s}) for labels, s in self.taken.items()}

    def series_out_of_order(self):
        """Label sets whose new samples did not come oldest first (a repeated one is none)."""
        wrong = []
        with self.lock:
            for labels, samples in self.taken.items():
                newest, seen = -1, set()
                for timestamp, _ in samples:
                    if timestamp not in seen and timestamp < newest:
                        wrong.append(labels)
                        break
                    seen.add(timestamp)
                    newest = max(newest, timestamp)
        return wrong

    def scrapes(self):
        """job -> how many scrapes of its one target have come."""
        duration = ("__name__", "scrape_duration_seconds")
        with self.lock:
            return {
                dict(labels)["job"]: len({timestamp for timestamp, _ in samples})
                for labels, samples in self.taken.items()
                if duration in labels
            }

    def missing_scrapes(self, name):
        """Label sets of that name that lack more values between 1 and their highest than scrapes of their
        target have failed (a busy machine is late at times): an exporter.Exporter numbers its scrapes."""
        missing, failed = [], self.failed_scrapes()
        with self.lock:
            for labels, samples in self.taken.items():
                if dict(labels)["__name__"] != name:
                    continue
                values = {int(value) for _, value in samples if value == value}
                lacking = set(range(1, max(values, default=0) + 1)) - values
                if len(lacking) > failed[target_of(labels)]:
                    missing.append(labels)
        return missing

    def failed_scrapes(self):
        """target_of its series -> how often it was scraped in vain, as `up` says."""
        failed = defaultdict(int)
        with self.lock:
            for labels, samples in self.taken.items():
                if dict(labels)["__name__"] == "up":
                    failed[target_of(labels)] = [value for _, value in set(samples)].count(0)
        return failed


def target_of(labels):
    """What a series of an exporter.Exporter has in common with its target's `up`."""
    return frozenset((name, value) for name, value in labels if name not in ("__name__", "n"))
