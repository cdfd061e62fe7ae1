#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the agent under load, as docs/http-metering.md says: what is missing at the global
Prometheus are requests of the gap that the agent's own metrics tell of, and no other; none is counted
twice. An end by SIGTERM leaves no gap."""

import calendar
import re
import signal
import time

import load
from checks import FULL, equal, run, true
from cluster import EDGEMETER, Agent, Cluster, free_port, get, wait_until
from servers import agent_config, start_nginx

KILLS = 8 if FULL else 2
CLOCK = 0.05  # seconds: nginx tells the time once in a turn of its loop


def metric(agent, name):
    page = get(f"{agent.url}/metrics/self")
    return float(re.search(rf"^{name} (\S+)$", page, re.MULTILINE)[1])


def gap(agent):
    return (
        metric(agent, "edgemeter_http_gaps_total"),
        metric(agent, "edgemeter_http_gap_seconds_total"),
    )


def begun(agent):
    """When the agent last began to meter, as its log says."""
    text = re.findall(r'ts=(\S+)Z .*msg="metering HTTP"', agent.log_text())[-1]
    seconds, fraction = text.split(".")
    return calendar.timegm(time.strptime(seconds, "%Y-%m-%dT%H:%M:%S")) + float(f"0.{fraction}")


def total(prometheus, nginx):
    """Over the resets of the counter."""
    counted = 0
    name = f'http_requests_total{{cgroup="{nginx.cgroup_path}"}}[1h]'
    for _, samples in prometheus.query(name):
        before = 0
        for _, value in samples:
            value = float(value)
            counted += value - before if value >= before else value
            before = value
    return int(counted)


def log_times(nginx):
    with open(nginx.access_log) as log:
        return [float(line.split()[2]) for line in log]


def start_agent(cluster, prometheus):
    port = free_port()  # the same after each kill
    argv = [
        *(EDGEMETER, f"--config.file={cluster.write('agent.yml', agent_config(prometheus))}"),
        f"--storage.path={cluster.path('queue')}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    agent = cluster.start(Agent, "edgemeter", argv)
    agent.wait_up()
    return agent


def restart(agent, how, gaps):
    """Ends the agent and starts it anew; (from, to) of the gap that it tells of."""
    number, seconds = gap(agent)
    agent.stop(how)
    time.sleep(0.7)
    starts = agent.log_text().count("metering HTTP")
    agent.start()
    wait_until("metering", lambda: agent.log_text().count("metering HTTP") > starts)
    agent.wait_up()
    later, more = gap(agent)
    equal("gaps", later - number, gaps)
    return begun(agent) - (more - seconds), begun(agent)


def within(times, spans, margin):
    return sum(any(a - margin <= t <= b + margin for a, b in spans) for t in times)


def test_kill():
    with Cluster("kill") as cluster:
        prometheus = cluster.start_prometheus()
        nginx = start_nginx(cluster, log_format="$request_method $status $msec")
        agent = start_agent(cluster, prometheus)
        equal("gaps and their seconds before", gap(agent), (0, 0))
        spans = []
        with load.Clients(nginx, 2):
            for _ in range(KILLS):
                time.sleep(2.4)
                spans.append(restart(agent, signal.SIGKILL, 1))
                print(f"    a gap of {spans[-1][1] - spans[-1][0]:.1f} s", flush=True)
            time.sleep(2)
        time.sleep(1)
        times = log_times(nginx)
        # What was under way at either end of a gap is counted or not.
        most, least = within(times, spans, CLOCK), within(times, spans, -CLOCK)
        enough = len(times) - most
        wait_until("the counts", lambda: total(prometheus, nginx) >= enough)
        time.sleep(2.5)  # more of them would be too many
        lost = len(times) - total(prometheus, nginx)
        true(f"{lost} of {len(times)} lost, of {least} to {most} in the gaps", least <= lost <= most)
        said = agent.log_text().count("HTTP was not metered for a while")
        equal("how often it is said", said, KILLS)

        begin, end = restart(agent, signal.SIGTERM, 0)
        equal("seconds of a gap by SIGTERM", end - begin, 0)


if __name__ == "__main__":
    run(test_kill)
