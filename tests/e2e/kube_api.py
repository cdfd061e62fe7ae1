# SPDX-License-Identifier: Apache-2.0
"""A stand-in for the Kubernetes API server: TLS, bearer tokens that expire, RBAC, lists in pages
and watches over the objects of a kube_store.Store, and the faults that a test asks for. Its answers
follow the recordings in tests/kube/recordings; tests/e2e/test_kube_stand_in.py compares them."""

import base64
import gzip
import http.server
import json
import os
import random
import socket
import ssl
import subprocess
import threading
import time
import urllib.parse
import uuid

import kube_store
from kube_store import KINDS

REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    410: "Expired",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}
GZIP_LEAST = 128 << 10  # bytes of a list that is worth compressing
TOO_OLD_CONTINUE = (
    "The provided continue parameter is too old to display a consistent list result. You can start "
    "a new list without the continue parameter."
)


def make_certificates(folder):
    """ca.crt, and server.pem with its key for 127.0.0.1."""
    new = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
    subprocess.run(
        f"openssl req -x509 {new} -keyout ca.key -out ca.crt -subj /CN=kubernetes-ca && "
        f"openssl req -x509 {new} -keyout server.key -out server.crt -subj /CN=kube-apiserver "
        "-addext subjectAltName=DNS:kubernetes.default.svc,IP:127.0.0.1 -CA ca.crt -CAkey ca.key "
        "&& cat server.crt server.key > server.pem",
        shell=True,
        check=True,
        cwd=folder,
        stderr=subprocess.DEVNULL,
    )


class Status(Exception):
    """An answer that is no object: a Status with a code."""

    def __init__(self, code, message, headers=(), details=None, reason=None, metadata=None):
        super().__init__(message)
        self.code = code
        self.headers = dict(headers)
        self.body = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": metadata or {},
            "status": "Failure",
            "message": message,
            "reason": reason or REASONS[code],
        }
        if details:
            self.body["details"] = details
        self.body["code"] = code


class Request:
    """A request that was understood: whose, for what."""

    def __init__(self, path):
        parsed = urllib.parse.urlsplit(path)
        self.path = parsed.path
        self.query = dict(urllib.parse.parse_qsl(parsed.query, keep_blank_values=True))
        self.user = None
        self.status = None
        self.time = time.monotonic()
        parts = parsed.path.strip("/").split("/")
        if parts[:2] != ["api", "v1"]:
            raise Status(404, "the server could not find the requested resource")
        parts = parts[2:]
        self.namespace = ""
        if len(parts) > 2 and parts[0] == "namespaces":
            self.namespace, parts = parts[1], parts[2:]
        if not 1 <= len(parts) <= 2 or parts[0] not in KINDS:
            raise Status(404, "the server could not find the requested resource")
        self.resource = parts[0]
        self.name = parts[1] if len(parts) == 2 else ""
        self.watch = self.query.get("watch") in ("1", "true")

    @property
    def verb(self):
        return "get" if self.name else "watch" if self.watch else "list"

    def predicate(self):
        field = self.query.get("fieldSelector", "")
        label = self.query.get("labelSelector", "")
        try:
            fields = kube_store.field_selector(self.resource, field)
            labels = kube_store.label_selector(label)
        except kube_store.BadSelector as error:
            raise Status(400, str(error))
        namespace = self.namespace
        return lambda item: (
            (not namespace or item["metadata"].get("namespace") == namespace)
            and fields(item)
            and labels(item)
        )

    def revision(self):
        text = self.query.get("resourceVersion", "")
        if text and not text.isdigit():
            raise Status(400, f"invalid resource version {json.dumps(text)}: strconv.ParseUint")
        return text


class KubeApi:
    """Runs in threads of the test. `tokens` maps a token to (user, monotonic end or None); `grants`
    holds (user, verb, resource, namespace or "" for all)."""

    def __init__(self, folder, store=None):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        make_certificates(folder)
        self.store = store or kube_store.Store()
        self.tokens = {}
        self.grants = set()
        self.requests = []
        self.faults = []  # functions of (handler, request); the first that gives true has answered
        self.watch_list = True  # the feature gate WatchList
        self.bookmark_seconds = 60
        self.gone_as_status = False  # a watch that is too old: HTTP 410 in place of an event
        self.continue_anew = False  # a stale continue token gives another list, as was recorded
        self.piece_bytes = 0  # streams are written in pieces of so many bytes
        self.after_lists = []  # called after a page of a list, before the next
        self.stall_bytes = None  # streams write so many bytes more, and then nothing
        self.watchers = 0
        self.compressed = 0  # lists
        self.port = 0
        self.server = None
        self.connections = set()
        self.generation = 0  # watches of another generation end without a last word
        self.lock = threading.Lock()

    # --- running ---

    def start(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(os.path.join(self.folder, "server.pem"))
        context.set_alpn_protocols(["http/1.1"])
        self.server = Server(("127.0.0.1", self.port), Handler)
        self.server.api = self
        self.port = self.server.server_address[1]
        self.server.socket = context.wrap_socket(
            self.server.socket, server_side=True, do_handshake_on_connect=False
        )
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    @property
    def ca_file(self):
        return os.path.join(self.folder, "ca.crt")

    def stop(self):
        """Nothing listens any more, and every connection is cut."""
        if not self.server:
            return
        self.server.shutdown()
        self.server.server_close()
        self.server = None
        self.cut()

    def cut(self):
        """Cuts every connection where it is."""
        with self.lock:
            connections, self.generation = list(self.connections), self.generation + 1
            self.stall_bytes = None
        for connection in connections:
            try:
                # The raw socket: no TLS goodbye.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
            except OSError:
                pass
        with self.store.changed:
            self.store.changed.notify_all()

    # --- users ---

    def add_user(self, user, *grants):
        """A service account with these (verb, resource, namespace) and its first token."""
        for verb, resource, namespace in grants:
            self.grants.add((user, verb, resource, namespace))
        return self.new_token(user)

    def new_token(self, user, seconds=None):
        token = "token-" + uuid.uuid4().hex
        self.tokens[token] = (user, time.monotonic() + seconds if seconds else None)
        return token

    def expire_tokens(self, user):
        for token, (owner, _) in list(self.tokens.items()):
            if owner == user:
                self.tokens[token] = (user, time.monotonic())

    def authenticate(self, header):
        scheme, _, token = (header or "").partition(" ")
        user, end = self.tokens.get(token, (None, None))
        if scheme != "Bearer" or not user or (end is not None and time.monotonic() >= end):
            raise Status(401, "Unauthorized")
        return user

    def authorize(self, request):
        for namespace in ("", request.namespace):
            if (request.user, request.verb, request.resource, namespace) in self.grants:
                return
        where = "at the cluster scope"
        if request.namespace:
            where = f'in the namespace "{request.namespace}"'
        raise Status(
            403,
            f'{request.resource} is forbidden: User "{request.user}" cannot {request.verb} '
            f'resource "{request.resource}" in API group "" {where}',
            details={"kind": request.resource},
        )

    # --- faults ---

    def fail(self, code, message="made by the test", times=None, headers=(), verb=None):
        """Answers every request (or the next `times`, or those of one verb) with a Status."""
        left = [times]

        def fault(handler, request):
            if verb not in (None, request.verb) or left[0] == 0:
                return False
            left[0] = left[0] - 1 if left[0] else left[0]
            raise Status(code, message, headers)

        self.faults.append(fault)

    def garble(self, body, times=1, code=200, content_type="application/json"):
        """Answers with these bytes, whatever was asked."""
        left = [times]

        def fault(handler, request):
            if left[0] == 0:
                return False
            left[0] -= 1
            handler.write_whole(code, body, {"Content-Type": content_type})
            return True

        self.faults.append(fault)

    def stall_after(self, count):
        """The streams of now write no more than so many bytes; then they are to be cut."""
        self.stall_bytes = count

    def heal(self):
        self.faults.clear()

    # --- lists ---

    def check_list_options(self, request):
        query = request.query
        if query.get("continue") and query.get("resourceVersion", "") not in ("", "0"):
            raise Status(400, "specifying resource version is not allowed when using continue")
        if query.get("resourceVersionMatch") and not query.get("resourceVersion"):
            raise Status(
                422,
                'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: '
                "resourceVersionMatch is forbidden unless resourceVersion is provided",
            )
        if "sendInitialEvents" in query:
            raise Status(
                422,
                'ListOptions.meta.k8s.io "" is invalid: sendInitialEvents: Forbidden: '
                "sendInitialEvents is forbidden for list",
            )

    def check_not_future(self, revision):
        current = self.store.revision
        if revision.isdigit() and int(revision) > current:
            raise Status(
                504,
                f"Timeout: Too large resource version: {revision}, current: {current}",
                {"Retry-After": "1"},
                details={
                    "causes": [
                        {
                            "reason": "ResourceVersionTooLarge",
                            "message": "Too large resource version",
                        }
                    ],
                    "retryAfterSeconds": 1,
                },
            )

    def list_page(self, request):
        self.check_list_options(request)
        self.check_not_future(request.revision())
        predicate = request.predicate()
        items, revision = self.store.select(request.resource, predicate)
        token = request.query.get("continue")
        if token:
            items, revision = self.continue_list(token, items, revision)
        limit = int(request.query.get("limit") or 0)
        metadata = {"resourceVersion": str(revision)}
        if limit and len(items) > limit:
            metadata["continue"] = encode_continue(revision, items[limit - 1])
            if not request.query.get("fieldSelector") and not request.query.get("labelSelector"):
                metadata["remainingItemCount"] = len(items) - limit
            items = items[:limit]
        kind = KINDS[request.resource]
        return {"kind": kind + "List", "apiVersion": "v1", "metadata": metadata, "items": items}

    def continue_list(self, token, items, revision):
        """What follows the token. The pages of one list are taken from the present, which is
        consistent only as long as nothing changes; tests that need more compact first."""
        try:
            place = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        except ValueError:
            raise Status(400, "continue key is not valid: illegal base64 data")
        if place["rv"] < self.store.compacted:
            if self.continue_anew:
                return [], 1
            raise Status(410, TOO_OLD_CONTINUE)
        start = place["start"].rstrip("\0")
        return [item for item in items if path_of(item) > start], place["rv"]

    # --- watches ---

    def check_watch_options(self, request):
        query, forbidden = request.query, None
        match = query.get("resourceVersionMatch")
        if "sendInitialEvents" in query and match != "NotOlderThan":
            forbidden = (
                "resourceVersionMatch: Forbidden: sendInitialEvents requires setting "
                "resourceVersionMatch to NotOlderThan"
            )
        elif "sendInitialEvents" in query and not self.watch_list:
            forbidden = (
                "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch unless the "
                "WatchList feature gate is enabled"
            )
        elif match and "sendInitialEvents" not in query:
            forbidden = (
                "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch "
                "unless sendInitialEvents is provided"
            )
        if forbidden:
            raise Status(422, f'ListOptions.meta.k8s.io "" is invalid: {forbidden}')

    def bookmark(self, resource, revision, annotations=None):
        metadata = {"resourceVersion": str(revision)}
        if annotations:
            metadata["annotations"] = annotations
        kind = {"kind": KINDS[resource], "apiVersion": "v1", "metadata": metadata}
        spec = {"containers": None} if resource == "pods" else {}
        return "BOOKMARK", {**kind, "spec": spec, "status": {}}

    def watch(self, request, send):
        """Calls send(events) until the watch ends; (type, object) each."""
        self.check_watch_options(request)
        query, resource = request.query, request.resource
        predicate = request.predicate()
        text = request.revision()
        initial = query.get("sendInitialEvents") == "true"
        bookmarks = query.get("allowWatchBookmarks") in ("1", "true")
        seconds = float(query.get("timeoutSeconds") or random.uniform(1800, 3600))
        end = time.monotonic() + seconds
        generation = self.generation
        revision = int(text or 0)
        if initial:
            self.check_not_future(text)
        elif revision and revision < self.store.compacted:
            gone = Status(410, f"too old resource version: {revision} ({self.store.compacted})")
            if self.gone_as_status:
                raise gone
            send([("ERROR", gone.body)])
            return
        send([])
        if initial or not revision:
            items, revision = self.store.select(resource, predicate)
            send([("ADDED", item) for item in items])
            if initial and bookmarks:
                send([self.bookmark(resource, revision, {"k8s.io/initial-events-end": "true"})])
        self.follow(request, predicate, revision, bookmarks, end, generation, send)

    def follow(self, request, predicate, revision, bookmarks, end, generation, send):
        store, resource = self.store, request.resource
        next_bookmark = time.monotonic() + self.bookmark_seconds
        with self.lock:
            self.watchers += 1
        try:
            while True:
                with store.changed:
                    events = store.events_after(resource, revision, predicate)
                    if not events:
                        store.changed.wait(min(0.2, max(0.0, end - time.monotonic())))
                        events = store.events_after(resource, revision, predicate)
                    revision = max(revision, store.revision)
                if self.generation != generation:
                    raise ConnectionAbortedError
                now = time.monotonic()
                if bookmarks and now >= next_bookmark:
                    events.append(self.bookmark(resource, revision))
                    next_bookmark = now + self.bookmark_seconds
                if events:
                    send(events)
                if now >= end:
                    return
        finally:
            with self.lock:
                self.watchers -= 1

    # --- what tests ask ---

    def count(self, verb=None, resource=None, status=None):
        return sum(
            verb in (None, r.verb) and resource in (None, r.resource) and status in (None, r.status)
            for r in list(self.requests)
        )


def path_of(item):
    return "/".join(["", *filter(None, kube_store.key_of(item))])


def encode_continue(revision, item):
    place = {"v": "meta.k8s.io/v1", "rv": revision, "start": path_of(item) + "\0"}
    text = json.dumps(place, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        pass  # a client that went away, or a connection that the test cut


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60

    def setup(self):
        super().setup()
        with self.server.api.lock:
            self.server.api.connections.add(self.connection)

    def finish(self):
        with self.server.api.lock:
            self.server.api.connections.discard(self.connection)
        super().finish()

    def log_message(self, *_):
        pass

    def version_string(self):
        return "kube-apiserver"

    # --- writing ---

    def send_head(self, code, headers):
        self.send_response_only(code)
        self.send_header("Audit-Id", str(uuid.uuid4()))
        self.send_header("Cache-Control", "no-cache, private")
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Date", self.date_time_string())
        self.end_headers()

    def write_whole(self, code, body, headers):
        if isinstance(body, str):
            body = body.encode()
        length = {"Content-Length": str(len(body))}
        self.send_head(code, {**headers, **length})
        self.wfile.write(body)

    def write_chunked(self, body):
        size = self.server.api.piece_bytes or len(body)
        for at in range(0, len(body), size):
            piece = self.stall(body[at : at + size])
            if piece:
                self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")

    def stall(self, piece):
        api = self.server.api
        if api.stall_bytes is not None:
            piece = piece[: api.stall_bytes]
            api.stall_bytes -= len(piece)
        return piece

    def write_json(self, code, value, headers=None):
        # Pretty for people, as the real server does it.
        pretty = (self.headers.get("User-Agent") or "").startswith(("curl/", "Mozilla/"))
        text = json.dumps(value, **({"indent": 2} if pretty else {"separators": (",", ":")}))
        body = text.encode()
        headers = {"Content-Type": "application/json", **(headers or {})}
        if len(body) > GZIP_LEAST and "gzip" in self.headers.get("Accept-Encoding", ""):
            body = gzip.compress(body, 1)
            headers = {**headers, "Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
            self.server.api.compressed += 1
        if code < 400 and len(text) > 2048:
            self.send_head(code, {**headers, "Transfer-Encoding": "chunked"})
            self.write_chunked(body)
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.write_whole(code, body, headers)

    # --- answering ---

    def do_GET(self):
        api = self.server.api
        request = None
        self.began = False
        flow = {}
        try:
            request = Request(self.path)
            request.status = 0
            api.requests.append(request)
            self.run_faults(request)
            if self.began:
                return
            request.user = api.authenticate(self.headers.get("Authorization"))
            flow = {
                "X-Kubernetes-Pf-Flowschema-Uid": "7c42f901-a03e-4341-b62f-848294135171",
                "X-Kubernetes-Pf-Prioritylevel-Uid": "9ad519c4-5fff-443f-a84b-24079738b8f0",
            }
            api.authorize(request)
            self.answer(request, flow)
        except Status as status:
            if request:
                request.status = status.code
            if self.began:
                self.close_connection = True
                return
            extra = {"X-Content-Type-Options": "nosniff"} if status.code == 403 else {}
            self.write_json(status.code, status.body, {**flow, **extra, **status.headers})
        except (OSError, ssl.SSLError):
            self.close_connection = True

    def run_faults(self, request):
        for fault in list(self.server.api.faults):
            if fault(self, request):
                self.began = True
                return

    def answer(self, request, flow):
        api = self.server.api
        if request.name:
            item = api.store.get(request.resource, request.namespace, request.name)
            if not item:
                raise Status(404, f'{request.resource} "{request.name}" not found')
            request.status = 200
            kind = {"kind": KINDS[request.resource], "apiVersion": "v1"}
            self.write_json(200, {**kind, **item}, flow)
        elif request.watch:
            self.answer_watch(request, flow)
        else:
            page = api.list_page(request)
            request.status = 200
            for after in api.after_lists:
                after()
            api.after_lists = []
            self.write_json(200, page, flow)

    def answer_watch(self, request, flow):
        kind = {"kind": KINDS[request.resource], "apiVersion": "v1"}

        def send(events):
            if not self.began:
                self.began = True
                request.status = 200
                head = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
                self.send_head(200, {**head, **flow})
            for event, item in events:
                whole = item if event in ("ERROR", "BOOKMARK") else {**kind, **item}
                line = json.dumps({"type": event, "object": whole}, separators=(",", ":")) + "\n"
                self.write_chunked(line.encode())

        try:
            self.server.api.watch(request, send)
        except ConnectionAbortedError:
            self.close_connection = True
            return
        self.wfile.write(b"0\r\n\r\n")

    def refuse(self):
        self.write_json(405, Status(405, "the server does not allow this method").body)

    do_POST = do_PUT = do_DELETE = do_PATCH = refuse
