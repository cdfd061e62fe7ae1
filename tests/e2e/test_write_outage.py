#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Three hours of black hole at 15 s, in as many scrapes at a shorter interval, with a kill -9 in the
middle: all of it arrives, in order, and every sample is accounted for."""

from agent_metrics import adds_up
from checks import FULL, equal, run, true
from cluster import Cluster
from outage import Outage

TARGETS, SERIES, INTERVAL = (100, 523, "250ms") if FULL else (10, 50, "40ms")
SCRAPES = 3 * 3600 // 15


def test_three_hours():
    with Cluster("hole") as cluster:
        outage = Outage(cluster, TARGETS, SERIES, SCRAPES, INTERVAL)
        outage.ride_out()
        report, account = outage.report, outage.account
        print(f"    {report}")
        print(f"    {outage.found} samples in {outage.seconds:.1f} s, "
              f"{outage.times_as_fast():.0f} times as fast as they were made")
        equal("exit status", outage.exit_status, 0)
        true("three hours of samples were there", outage.found > 0.9 * outage.samples)
        for fault in ("missing", "part", "disordered", "unknown"):
            equal(fault, report[fault], 0)
        account["in"] += outage.found
        true(f"it adds up: {account}", adds_up(account))
        for loss in ("failed", "dropped"):
            equal(loss, account[loss], 0)


if __name__ == "__main__":
    run(test_three_hours, metered=False)
