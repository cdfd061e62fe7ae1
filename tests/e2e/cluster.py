# SPDX-License-Identifier: Apache-2.0
"""A small edge cluster and its global Prometheus on loopback, out of real programs.

Every program runs in a cgroup of its own below /edgemeter-NAME-PID and writes only into the work
folder; leaving the `with` block ends all of them and removes both. What is asserted about them is
the tests' business.
"""

import ctypes
import errno
import http.client
import json
import os
import platform
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, os.environ.get("BUILD") or "build")
EDGEMETER = os.path.join(BUILD, "edgemeter")
_ports = set()

os.umask(0o022)  # servers and agents of other users read what is written here
os.environ.pop("NODE_NAME", None)  # an agent would keep to that node
# What is asked here answers here, whatever proxy the environment names for what is elsewhere.
for name in ("no_proxy", "NO_PROXY"):
    os.environ[name] = ",".join(filter(None, (os.environ.get(name), "localhost,127.0.0.1,::1,[::1]")))


class Unable(Exception):
    """This host cannot run the cluster; the text says why."""


def require_programs(*names):
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    missing = [name for name in names if not shutil.which(name)]
    if missing:
        raise Unable(f"not installed: {', '.join(missing)} (run: tools/install-deps)")


def require_metering():
    """Root, cgroup v2 that can be written, and a kernel that loads a cgroup_skb program."""
    if os.geteuid() != 0:
        raise Unable("not root")
    if not os.access(cgroup2_mount(), os.W_OK):
        raise Unable(f"cgroup v2 at {cgroup2_mount()} cannot be written")
    number = {"x86_64": 321, "aarch64": 280}.get(platform.machine())
    if number is None:
        raise Unable(f"no bpf system call number known for {platform.machine()}")
    instructions = (ctypes.c_uint64 * 2)(0x1000000B7, 0x95)  # r0 = 1; exit
    license_text = ctypes.c_char_p(b"GPL")
    attributes = (ctypes.c_uint64 * 16)(
        8 | 2 << 32,  # BPF_PROG_TYPE_CGROUP_SKB, two instructions
        ctypes.addressof(instructions),
        ctypes.cast(license_text, ctypes.c_void_p).value,
    )
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.syscall(number, 5, attributes, ctypes.sizeof(attributes))  # BPF_PROG_LOAD
    if fd < 0:
        raise Unable(f"no BPF: {os.strerror(ctypes.get_errno())}")
    os.close(fd)


def cgroup2_mount():
    with open("/proc/self/mounts") as mounts:
        for line in mounts:
            fields = line.split()
            if fields[2] == "cgroup2":
                return fields[1].replace("\\040", " ")
    raise Unable("no cgroup v2 hierarchy is mounted")


def require_open_folder(folder):
    """The servers' own user must reach the pages in it."""
    while folder != "/":
        if not os.stat(folder).st_mode & 0o001:
            raise Unable(f"{folder} is closed to other users: set TMPDIR to a folder that is not")
        folder = os.path.dirname(os.path.abspath(folder))


def free_port(host="127.0.0.1"):
    """Not one that was given out before: nobody may listen on that yet."""
    while True:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.bind((host, 0))
            port = probe.getsockname()[1]
        if port not in _ports:
            _ports.add(port)
            return port


def wait_until(what, condition, timeout=60, pause=0.1):
    """What `condition` gives once that is true; TimeoutError naming `what` when it stays false."""
    end = time.monotonic() + timeout
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise TimeoutError(f"waited {timeout} s for {what}")
        time.sleep(pause)


def connects(host, port):
    try:
        socket.create_connection((host, port), timeout=1).close()
        return True
    except OSError:
        return False


def get(url, timeout=10):
    with urllib.request.urlopen(url, timeout=timeout) as response:
        return response.read().decode()


def answers(url):
    try:
        return bool(get(url, timeout=2))
    except (OSError, http.client.HTTPException):
        return False


class Process:
    """A child with its log file; in its cgroup from its first instruction on."""

    def __init__(self, name, argv, log, cgroup=None):
        self.name = name
        self.argv = argv
        self.log = log
        self.cgroup = cgroup
        self.child = None
        self.start()

    def start(self):
        def enter_cgroup():
            with open(os.path.join(self.cgroup, "cgroup.procs"), "w") as procs:
                procs.write("0")

        with open(self.log, "ab") as log:
            # A session of its own: Ctrl-C reaches only the one who then stops all in order.
            self.child = subprocess.Popen(
                self.argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=enter_cgroup if self.cgroup else None,
            )

    @property
    def pid(self):
        return self.child.pid

    def running(self):
        return self.child.poll() is None

    def wait_ready(self, what, condition, timeout=60):
        def check():
            if not self.running():
                raise RuntimeError(
                    f"{self.name} ended with status {self.child.returncode}:\n{self.log_text()}"
                )
            return condition()

        return wait_until(f"{self.name}: {what}", check, timeout)

    def stop(self, number=signal.SIGTERM, timeout=30):
        """Ends the process and gives its exit status; SIGKILL when it does not end by itself."""
        if self.running():
            self.child.send_signal(number)
        try:
            return self.child.wait(timeout)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            raise TimeoutError(f"{self.name} did not end within {timeout} s after {number!r}")

    def log_text(self):
        with open(self.log, errors="replace") as log:
            return log.read()


class Server(Process):
    """A counted web server: its port, its cgroup's path, its access log ("METHOD STATUS")."""

    port = 0
    cgroup_path = ""
    access_log = ""

    def log_counts(self):
        with open(self.access_log) as log:
            return Counter(tuple(line.lower().split()) for line in log)

    def log_lines(self, expected=0):
        """How many lines; a server writes the line after the response, so waits for `expected`."""
        try:
            wait_until("log lines", lambda: sum(self.log_counts().values()) >= expected, 10)
        except TimeoutError:
            pass  # fewer lines are for the caller to judge
        return sum(self.log_counts().values())


class Prometheus(Process):
    url = ""

    def wait_up(self):
        self.wait_ready("/-/ready", lambda: answers(self.url + "/-/ready"))

    def query(self, expression):
        """An instant query at now: a list of (labels, value)."""
        query = urllib.parse.urlencode({"query": expression})
        answer = json.loads(get(f"{self.url}/api/v1/query?{query}"))
        return [
            (entry["metric"], float(entry["value"][1]) if "value" in entry else entry["values"])
            for entry in answer["data"]["result"]
        ]

    def value(self, expression):
        """The value of an expression with one result; 0 where there is none."""
        result = self.query(expression)
        if len(result) > 1:
            raise ValueError(f"{expression} has {len(result)} results")
        return result[0][1] if result else 0

    def http_counts(self, cgroup_path, **labels):
        matchers = [f'cgroup="{cgroup_path}"'] + [f'{k}="{v}"' for k, v in labels.items()]
        expression = f"sum by (method, code) (http_requests_total{{{','.join(matchers)}}})"
        # A row that was announced with its 0 and never counted is no row.
        return Counter(
            {(m.get("method", ""), m.get("code", "")): int(v) for m, v in self.query(expression) if v}
        )


class Agent(Process):
    url = ""

    def wait_up(self, timeout=60):
        def logged():
            found = re.search(r'msg=listening address="?([^\s"]+)', self.log_text())
            return found and found.group(1)

        self.url = "http://" + self.wait_ready("its address in the log", logged, timeout)
        self.wait_ready("/-/ready", lambda: answers(self.url + "/-/ready"), timeout)

    def bpf_links(self):
        """The ids of the BPF links that the process holds."""
        ids = []
        for entry in os.listdir(f"/proc/{self.pid}/fdinfo"):
            try:
                with open(f"/proc/{self.pid}/fdinfo/{entry}") as info:
                    ids += re.findall(r"^link_id:\s+(\d+)", info.read(), re.MULTILINE)
            except FileNotFoundError:
                pass  # a connection that has just been closed
        return sorted(ids)


class Cluster:
    def __init__(self, name):
        require_open_folder(tempfile.gettempdir())
        self.name = f"edgemeter-{name}-{os.getpid()}"
        self.folder = tempfile.mkdtemp(prefix=self.name + "-")
        os.chmod(self.folder, 0o755)  # servers read their pages as another user
        os.makedirs(self.path("pages"))
        with open(self.path("pages/page.html"), "w") as page:
            page.write("hello from the edge\n")
        self.processes = []
        self.kept = False

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind and kind is not Unable:
            self.print_logs()
        failures = [] if self.kept else self.close()
        if failures and not kind:
            raise RuntimeError("\n".join(failures))

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def cgroup_path(self, name):
        """The path from the hierarchy's root: what the label `cgroup` says."""
        return f"/{self.name}/{name}"

    def cgroup_folder(self, name=""):
        return os.path.join(cgroup2_mount(), self.name, name)

    def start(self, kind, name, argv, metered=True):
        """Starts `argv`; metered: in the cgroup /edgemeter-NAME-PID/name."""
        folder = None
        if metered and os.geteuid() == 0:
            folder = self.cgroup_folder(name)
            os.makedirs(folder, exist_ok=True)
        process = kind(name, argv, self.path(name + ".log"), folder)
        process.cgroup_path = self.cgroup_path(name)
        self.processes.append(process)
        return process

    def run(self, name, argv, timeout=300):
        """Runs a program to its end in the cgroup `name`; its output, or RuntimeError."""
        process = self.start(Process, name, argv)
        status = process.child.wait(timeout)
        if status:
            raise RuntimeError(f"{' '.join(argv)}: exit {status}\n{process.log_text()}")
        return process.log_text()

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)
        return self.path(name)

    def start_prometheus(
        self, config="global: {scrape_interval: 1h}\n", program="prometheus", name="prometheus", metered=True
    ):
        """The global cluster, or with a `config` (text) a peer that has it."""
        if program == "prometheus":
            require_programs("prometheus")
        port = free_port()
        prometheus = self.start(
            Prometheus,
            name,
            [
                program,
                "--log.level=warn",
                f"--config.file={self.write(name + '.yml', config)}",
                f"--storage.tsdb.path={self.path(name + '-data')}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--web.enable-remote-write-receiver",
            ],
            metered,
        )
        prometheus.url = f"http://127.0.0.1:{port}"
        prometheus.wait_up()
        return prometheus

    def start_exporter(self):
        require_programs("prometheus-node-exporter")
        port = free_port()
        exporter = self.start(
            Process,
            "node-exporter",
            [
                "prometheus-node-exporter",
                "--log.level=warn",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
        )
        exporter.address = f"127.0.0.1:{port}"
        exporter.wait_ready("its page", lambda: answers(f"http://{exporter.address}/metrics"))
        return exporter

    def start_edgemeter(
        self, config, name="edgemeter", prefix=(), metered=True, listen="127.0.0.1:0"
    ):
        """`config` is the text of the file; `prefix` a command to run the agent under."""
        file = self.write(name + ".yml", config)
        agent = self.start(
            Agent,
            name,
            [*prefix, EDGEMETER, f"--config.file={file}", f"--web.listen-address={listen}"],
            metered,
        )
        agent.wait_up()
        return agent

    def print_logs(self, lines=30):
        for name in sorted(os.listdir(self.folder)):
            if name.endswith(".log") and not name.endswith("access.log"):
                with open(self.path(name), errors="replace") as log:
                    text = log.readlines()[-lines:]
                print(f"--- the end of {name}\n{''.join(text)}", end="", flush=True)

    def close(self):
        """Ends every process by its pid, the agents first, and removes the cgroups and the folder.
        What was wrong: a process that had to be killed, an agent that did not end with status 0."""
        failures = []
        interrupts = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        handlers = [(number, signal.signal(number, signal.SIG_IGN)) for number in interrupts]
        try:
            for process in sorted(self.processes, key=lambda p: not isinstance(p, Agent)):
                try:
                    status = process.stop(timeout=60)
                    if status and isinstance(process, Agent):
                        failures.append(
                            f"{process.name} ended with status {status}:\n{process.log_text()}"
                        )
                except TimeoutError as error:
                    failures.append(str(error))
            remove_cgroups(self.cgroup_folder())
            shutil.rmtree(self.folder, ignore_errors=True)
        finally:
            for number, handler in handlers:
                signal.signal(number, handler)
        return failures


def remove_cgroups(top):
    """Removes a cgroup and those below it; ends first what is still in them (a killed server's
    workers)."""
    for folder, _, files in os.walk(top, topdown=False):

        def empty():
            with open(os.path.join(folder, "cgroup.procs")) as procs:
                pids = [int(pid) for pid in procs.read().split()]
            for pid in pids:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            return not pids

        if "cgroup.procs" in files:
            wait_until(f"{folder} to be empty", empty)
            remove_empty_cgroup(folder)


def remove_empty_cgroup(folder):
    def removed():
        try:
            os.rmdir(folder)
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
            return False  # the last threads of a process are still in it for a moment
        return True

    wait_until(f"{folder} to be removed", removed, pause=0.01)
