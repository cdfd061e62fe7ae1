#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""edgemeter top in a terminal (a pty), as text and as JSON, beside the API of the agent that it reads;
and on its own, with an access log to count against."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import termios
import time

import load
from checks import equal, run, true
from cluster import EDGEMETER, Cluster, free_port, get, wait_until
from servers import start_apache, start_nginx

REQUESTS = 600
ESCAPE = "\033"


def config(cluster):
    """Rows of this cluster alone, named as pods; Apache's name would change the terminal's title."""
    return f"""
http_metrics:
  relabel_configs:
    - {{source_labels: [cgroup], regex: '/{cluster.name}/.*', action: keep}}
    - {{source_labels: [cgroup], regex: '.*/(.*)', target_label: pod}}
    - {{source_labels: [pod], regex: apache, target_label: pod, replacement: "evil\\e]0;x\\a\\u202e"}}
    - {{target_label: namespace, replacement: shop}}
    - {{regex: 'cgroup|service', action: labeldrop}}
"""


def api_counts(agent, role="server"):
    """name -> (requests, errors), as the API has it now."""
    counts = {}
    for entry in json.loads(get(f"{agent.url}/api/v1/edgemeter/http"))["data"]["requests"]:
        if entry["role"] != role:
            continue
        name = f"{entry['labels']['namespace']}/{entry['labels']['pod']}"
        requests, errors = counts.get(name, (0, 0))
        is_error = entry["status"].isdigit() and int(entry["status"]) >= 500
        counts[name] = (requests + entry["count"], errors + entry["count"] * is_error)
    return counts


def top(*flags, check=True, timeout=60):
    result = subprocess.run([EDGEMETER, "top", *flags], capture_output=True, text=True, timeout=timeout)
    if check and (result.returncode or result.stderr):
        raise AssertionError(f"top {flags}: status {result.returncode}: {result.stderr}")
    return result


class Terminal:
    """A program on a pty; what stands on its screen."""

    def __init__(self, *argv, lines=24, columns=110):
        self.controller, terminal = pty.openpty()
        self.terminal = terminal
        self.resize(lines, columns, tell=False)
        self.before = termios.tcgetattr(terminal)
        environment = {**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8"}
        self.output = b""

        def take_terminal():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.child = subprocess.Popen(
            argv, stdin=terminal, stdout=terminal, stderr=terminal, env=environment, preexec_fn=take_terminal
        )

    def resize(self, lines, columns, tell=True):
        self.lines, self.columns = lines, columns
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        if tell:
            self.child.send_signal(signal.SIGWINCH)

    def read(self):
        while select.select([self.controller], [], [], 0.05)[0]:
            self.output += os.read(self.controller, 65536)

    def type(self, keys):
        os.write(self.controller, keys.encode())

    def screen(self):
        """The lines of the last whole frame, without colours."""
        self.read()
        frames = re.findall(rb"\x1b\[H(.*?)\x1b\[J", self.output, re.S)
        if not frames:
            return []
        text = frames[-1].decode()
        return [line.rstrip() for line in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).split("\r\n")]

    def wait(self, what, condition):
        def check():
            if self.child.poll() is not None:
                raise AssertionError(f"it ended with {self.child.returncode}: {self.output!r}")
            return condition(self.screen())

        try:
            result = wait_until(what, check, 40)
        except TimeoutError:
            print("\n".join(self.screen()))
            raise
        print(f"    {what}")
        return result

    def end(self, how):
        how()
        wait_until("the end", lambda: (self.read(), self.child.poll() is not None)[1], 20)
        self.read()
        equal("exit status", self.child.returncode, 0)
        equal("terminal settings", termios.tcgetattr(self.terminal), self.before)
        true("own screen, cursor and wrapping are back", self.output.endswith(b"\x1b[?7h\x1b[?25h\x1b[?1049l"))
        os.close(self.controller)
        os.close(self.terminal)


def send(cluster, *servers):
    for server in servers:
        load.ab(cluster, server.url + "/page.html", REQUESTS, connections=4)
        connection = load.connect(server)
        for _ in range(30):
            load.request(connection, "GET", "/broken")
        connection.close()


def line_of(screen, name):
    return next((line.split() for line in screen if line.startswith(name)), None)


def test_in_a_terminal():
    with Cluster("top") as cluster:
        nginx, apache = start_nginx(cluster), start_apache(cluster)
        agent = cluster.start_edgemeter(config(cluster))
        terminal = Terminal(EDGEMETER, "top", f"--url={agent.url}", "--interval=500ms")
        terminal.wait("the first screen", lambda screen: len(screen) == terminal.lines)
        send(cluster, nginx, apache)

        wanted = api_counts(agent)["shop/nginx"]
        equal("requests and errors of nginx in the API", wanted, (REQUESTS + 30, 30))
        terminal.wait("the same number", lambda s: (line_of(s, "shop/nginx") or [0] * 9)[8] == str(wanted[0]))
        terminal.wait("a harmless name", lambda s: line_of(s, "shop/evil\ufffd]0;x\ufffd\ufffd"))
        true("nothing changes the terminal's title", b"\x1b]0;" not in terminal.output)

        with load.Clients(nginx, count=1):
            terminal.wait("rates", lambda s: re.match(r"[0-9.]+k?$", line_of(s, "shop/nginx")[1]) and line_of(s, "shop/nginx")[1] != "0")
        terminal.wait("rest again", lambda s: line_of(s, "shop/nginx")[1] == "0")

        terminal.type("/nobody\r")
        terminal.wait("no name fits the filter", lambda s: line_of(s, "shop/nginx") is None and "filter" in s[1])
        terminal.type(ESCAPE)
        terminal.wait("all again", lambda s: line_of(s, "shop/nginx"))
        terminal.type("b" * 4)
        terminal.wait("by method and status", lambda s: line_of(s, "GET 500"))
        terminal.type("b")
        terminal.type("c")
        terminal.wait("what was sent out", lambda s: line_of(s, "shop/ab"))
        terminal.type("c\033[D\033[D")
        terminal.wait("sorted by the last column, around the corner", lambda s: "NOANSWERv" in s[2])
        terminal.type("?")
        terminal.wait("help", lambda s: any("turn the order round" in line for line in s))
        terminal.type("?")

        for lines, columns in ((12, 60), (40, 150), (5, 20)):
            terminal.resize(lines, columns)
            terminal.wait(f"{lines} lines", lambda s: len(s) == lines and max(map(len, s)) <= columns)
        terminal.end(lambda: terminal.type("q"))


def test_ctrl_c_and_ctrl_z():
    with Cluster("top") as cluster:
        agent = cluster.start_edgemeter(config(cluster))
        terminal = Terminal(EDGEMETER, "top", f"--url={agent.url}", "--interval=200ms")
        terminal.wait("a screen", lambda screen: len(screen) == 24)
        terminal.type("\x1a")
        wait_until("it to be stopped", lambda: stopped(terminal.child.pid))
        equal("terminal settings while stopped", termios.tcgetattr(terminal.terminal), terminal.before)
        terminal.read()
        terminal.output = b""
        terminal.child.send_signal(signal.SIGCONT)
        terminal.wait("the screen again", lambda screen: len(screen) == 24)
        terminal.end(lambda: terminal.type("\x03"))


def stopped(pid):
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rsplit(")", 1)[1].split()[0] == "T"


def test_agent_goes_away():
    with Cluster("top") as cluster:
        agent = cluster.start_edgemeter(config(cluster))
        terminal = Terminal(EDGEMETER, "top", f"--url={agent.url}", "--interval=200ms")
        terminal.wait("a screen", lambda screen: len(screen) == 24)
        agent.stop()
        terminal.wait("why there is no news", lambda screen: "refused" in screen[1])
        terminal.end(lambda: terminal.type("q"))


def test_text_and_json():
    with Cluster("top") as cluster:
        nginx = start_nginx(cluster)
        agent = cluster.start_edgemeter(config(cluster))
        send(cluster, nginx)
        url = f"--url={agent.url}"
        answer = json.loads(top(url, "--once", "--json", "--interval=300ms").stdout)
        found = {line["name"]: (line["requests"], line["errors"]) for line in answer["lines"]}
        equal("requests and errors", found["shop/nginx"], api_counts(agent)["shop/nginx"])
        true("an interval", 0.2 < answer["seconds"] < 30 and answer["role"] == "server")
        line = next(line for line in answer["lines"] if line["name"] == "shop/nginx")
        equal("quantiles of nothing", (line["p50"], line["errorShare"]), (None, None))
        equal("sent out", json.loads(top(url, "--once", "--json", "--role=client", "--interval=300ms", "--filter=AB").stdout)["lines"][0]["name"], "shop/ab")

        with load.Clients(nginx, count=1):
            line = json.loads(top(url, "--once", "--json", "--filter=nginx", "--interval=1s").stdout)["lines"][0]
        true(f"{line['requestsPerSecond']:.0f} requests/s", line["requestsPerSecond"] > 0)
        true("quantiles in order", 0 < line["p50"] <= line["p90"] <= line["p99"])

        table = top(url, "--once", "--interval=300ms", "--by=method,status", "--sort=name").stdout.splitlines()
        equal("titles", table[0].split()[:4], ["NAME", "REQ/S", "ERRORS", "P50"])
        true("no sequence for a terminal", "\033" not in "".join(table))
        names = [" ".join(line.split()[:2]) for line in table[1:]]
        equal("sorted by name", names, sorted(names))
        true("by method and status", "GET 500" in names)

        with subprocess.Popen([EDGEMETER, "top", url, "--interval=200ms"], stdout=subprocess.PIPE, text=True) as child:
            titles = 0
            for line in child.stdout:
                titles += line.startswith("NAME")
                if titles == 3:
                    break
            child.terminate()
            equal("exit status of a table that goes on", child.wait(20), 0)


def test_metering_by_itself():
    with Cluster("top") as cluster:
        nginx = start_nginx(cluster)
        argv = [EDGEMETER, "top", "--meter", "--json", "--interval=300ms", f"--filter={nginx.cgroup_path}"]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as child:
            child.stdout.readline()  # attached
            send(cluster, nginx)
            deadline = time.monotonic() + 60
            counted = (0, 0)
            for text in child.stdout:
                for line in json.loads(text)["lines"]:
                    counted = (line["requests"], line["errors"])
                if counted[0] >= REQUESTS + 30 or time.monotonic() > deadline:
                    break
            child.send_signal(signal.SIGINT)
            equal("exit status", child.wait(30), 0)
        equal("requests and errors", counted, (REQUESTS + 30, 30))
        equal("lines of the access log", nginx.log_lines(REQUESTS + 30), REQUESTS + 30)


def test_refusals():
    with Cluster("top") as cluster:
        nginx = start_nginx(cluster)
        nobody = f"127.0.0.1:{free_port()}"
        scraper = cluster.start_edgemeter("scrape_configs: []\n", metered=False)
        for flags, status, message in (
            ([f"--url={nobody}"], 1, "connection refused; is the agent running"),
            ([f"--url={nginx.url}"], 1, "404 for /api/v1/edgemeter/http"),
            ([f"--url={scraper.url}"], 1, "its configuration has no http_metrics"),
            (["--http.config.file=/nonexistent"], 2, "cannot read it"),
            (["--sort=size"], 2, "is not name, rate"),
        ):
            result = top(*flags, "--once", check=False)
            equal(" ".join(flags), result.returncode, status)
            true(message, message in result.stderr and not result.stdout)

        with socket.create_server(("127.0.0.1", 0)) as listener:
            asking = subprocess.Popen(
                [EDGEMETER, "top", "--once", f"--url=127.0.0.1:{listener.getsockname()[1]}"],
                stderr=subprocess.PIPE, text=True,
            )
            with listener.accept()[0] as server:
                server.recv(4096)
                server.sendall(b"HTTP/1.1 500 \x1b]0;evil\x07\r\nContent-Length: 0\r\n\r\n")
                said = asking.communicate(timeout=20)[1]
        true(f"no escape gets through: {said!r}", "evil" in said and ESCAPE not in said)


if __name__ == "__main__":
    run(
        test_in_a_terminal,
        test_ctrl_c_and_ctrl_z,
        test_agent_goes_away,
        test_text_and_json,
        test_metering_by_itself,
        test_refusals,
    )
