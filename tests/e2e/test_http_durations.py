#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Durations of unsaturated responses of 1 ms to 5 s are those of Apache's log: at every bucket's
edge the count lies between the log's counts at the edge less and plus 5 % or 1 ms, whichever is more;
the sums are within 5 %. A busy machine may hold up the server between the packet and the start of its
own clock: one request in twenty may be beyond; none with FULL=1, for a machine of one's own."""

import functools
import os

from checks import FULL, run, true
from cluster import Cluster, wait_until
from exact import log_lines, read, start_meter
from exact_servers import start_backend, start_exact_apache
from scenarios import in_threads
from traffic import Connection, Tally

EDGES = [0.001, 0.002, 0.004, 0.0075, 0.015, 0.03, 0.06, 0.1, 0.2, 0.4, 0.75, 1.5, 2.5, 4, 6, 10]
# Milliseconds, and how often: about the same time each.
DELAYS = (
    *((1, 400), (3, 300), (10, 150), (25, 80), (80, 30)),
    *((250, 12), (1100, 3), (3000, 1), (5000, 1)),
)


def client(server, tally, delay, times):
    with Connection(server.ipv4, tally) as connection:
        for _ in range(times):
            assert connection.exchange("GET", f"/app/sleep/{delay}") == 200


def run_first():
    """Before whatever else this machine does: the server's log begins to count only once it runs.
    What is started from here on inherits it."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except OSError:
        os.setpriority(os.PRIO_PROCESS, 0, -20)


def slack(edge):
    return max(0.05 * edge, 0.001)


def test_durations_are_the_logs():
    factor = 10 if FULL else 1
    run_first()
    with Cluster("durations") as cluster:
        backend = start_backend(cluster)
        apache = start_exact_apache(cluster, "event", backend_port=backend.port)
        agent = start_meter(cluster, cluster.cgroup_folder("apache"), buckets=EDGES)
        tally = Tally()
        calls = [
            functools.partial(client, apache, delay=delay, times=times * factor)
            for delay, times in DELAYS
        ]
        # Two at a time, long ones beside short ones: the machine is never busy.
        while calls:
            in_threads(tally, calls.pop(0), *calls[-1:])
            calls = calls[:-1]
        wait_until("every line in the log", lambda: len(list(log_lines(apache))) >= tally.heads)
        logged = sorted(line.time / 1e6 for line in log_lines(apache))
        row = read(agent).rows("server", apache.cgroup_path)["GET", "200"]
    failed = []
    held_up = 0 if FULL else len(logged) // 20
    for edge in EDGES:
        least = sum(1 for time in logged if time <= edge - slack(edge))
        most = sum(1 for time in logged if time <= edge + slack(edge))
        got = row.buckets[edge]
        print(f"    at or under {edge:6} s: {got:5}; the log: {least:5} to {most:5}", flush=True)
        if not least - held_up <= got <= most + held_up:
            failed.append(edge)
    difference = row.seconds / sum(logged) - 1
    print(f"    sum {row.seconds:.6f} s, the log's {sum(logged):.6f} s: {100 * difference:+.2f} %")
    true("the counts are the log's", row.count == len(logged) == row.buckets[float("inf")])
    true(f"edges out of bounds: {failed}", not failed)
    true("the sums are within 5 %", abs(difference) <= 0.05)


if __name__ == "__main__":
    run(test_durations_are_the_logs)
