#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""More targets than the descriptors that a service or a container may have open by default: with a hard limit
above them all are kept connected; with one below, all are scraped all the same, and the agent answers."""

import asyncio
import json
import resource
import threading

from checks import equal, run, settles, true
from cluster import Cluster, get, require_programs

TARGETS = 500
PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\na 1\n"


class Targets:
    """Each an address of loopback of its own."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        started = threading.Event()

        async def start():
            server = await asyncio.start_server(self.serve, "0.0.0.0", 0, backlog=TARGETS)
            self.port = server.sockets[0].getsockname()[1]
            started.set()

        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        asyncio.run_coroutine_threadsafe(start(), self.loop)
        true("the targets listen", started.wait(10))

    async def serve(self, reader, writer):
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(PAGE)
        except (asyncio.IncompleteReadError, OSError):
            writer.close()

    def job(self):
        addresses = [f'"127.{1 + i // 250}.1.{1 + i % 250}:{self.port}"' for i in range(TARGETS)]
        return f"""global: {{scrape_interval: 2s}}
scrape_configs:
  - job_name: many
    static_configs: [{{targets: [{", ".join(addresses)}]}}]
"""


def scrape(soft, hard):
    """The agent's own limit, and how many connections it keeps."""
    require_programs("prlimit")
    with Cluster("many") as cluster:
        agent = cluster.start_edgemeter(
            Targets().job(), prefix=["prlimit", f"--nofile={soft}:{hard}"], metered=False
        )

        def health():
            targets = json.loads(get(agent.url + "/api/v1/targets"))["data"]["activeTargets"]
            return sum(target["health"] == "up" for target in targets)

        settles("targets up", health, TARGETS, quiet=5, timeout=30)
        equal("/-/healthy", "Healthy" in get(agent.url + "/-/healthy"), True)
        said = dict(
            line.split() for line in get(agent.url + "/metrics/self").splitlines() if line.startswith("process_")
        )
        equal("exit status", agent.stop(), 0)
        return float(said["process_max_fds"]), float(said["process_open_fds"])


def test_soft_limit():
    limit, kept = scrape(256, 4000)
    equal("the limit", limit, 4000)
    true(f"{kept:g} descriptors", kept > TARGETS)


def test_hard_limit():
    limit, kept = scrape(256, 256)
    equal("the limit", limit, 256)
    true(f"{kept:g} descriptors", 128 <= kept < 256)


if __name__ == "__main__":
    # one for each connection here
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    run(test_soft_limit, test_hard_limit, metered=False)
