#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Receivers that fail, each in its own way, all at one agent at the same time: what every fault does
to the samples, in counts that add up; and no remote holds another."""

import email.utils
import re
import signal
import time

import receiver as faults
from agent_metrics import adds_up, page_of
from checks import FULL, equal, run, true
from cluster import Cluster, wait_until
from exporter import Exporter
from receiver import Receiver

TARGETS = 3
SERIES = 150
TIMEOUT = 2  # remote_timeout, where the fault is to take longer; a busy machine is to be no fault
HOLE, INTERVAL = (600, "5s") if FULL else (7, "1s")


class Case:
    """One remote: what its receiver does first, its settings, and how it must end: every sample
    taken (lost == {}), or those of one batch refused with a code each."""

    def __init__(self, name, script, lost=(), settings="", protocol=1, timeout=30, **how):
        self.name = name
        self.receiver = Receiver(script)
        self.lost = set(lost)
        self.settings = settings
        self.protocol = protocol
        self.timeout = timeout
        self.stuck = how.get("stuck")  # takes nothing for as long as the test runs
        self.again = how.get("again")  # takes some samples twice

    def backlog(self, page):
        return page.account(self.name)["pending"] > TARGETS * SERIES * 3

    def config(self):
        message = "protobuf_message: io.prometheus.write.v2.Request" if self.protocol == 2 else ""
        return f"""  - name: {self.name}
    url: {self.receiver.url}
    remote_timeout: {self.timeout}s
    {message}
    metadata_config: {{send: false}}
    queue_config: {{batch_send_deadline: 500ms, max_samples_per_send: 200, max_backoff: 1s{self.settings}}}
"""


def http_date(seconds):
    return email.utils.formatdate(time.time() + seconds, usegmt=True)


def cases():
    no_429 = ", retry_on_http_429: false"
    return [
        Case("healthy", []),
        Case("healthy_v2", [], protocol=2),
        Case("late_200", faults.late(1) * 5),
        Case("s400", faults.status(400), lost=["400"]),
        Case("s400_v2", faults.status(400), lost=["400"], protocol=2),
        Case("s401", faults.status(401), lost=["401"]),
        Case("s404", faults.status(404), lost=["404"]),
        Case("s409", faults.status(409), lost=["409"]),
        Case("s413", faults.over(60)),
        Case("s413_v2", faults.over(60), protocol=2),
        Case("s415", faults.status(415), lost=["415"]),
        Case("s415_v2", faults.status(415), protocol=2),
        Case("s429", faults.status(429, times=3)),
        Case("s429_seconds", faults.status(429, Retry_After="2")),
        Case("s429_date", faults.status(429, Retry_After=http_date(5))),
        Case("s429_zero", faults.status(429, times=3, Retry_After="0")),
        Case("s429_nonsense", faults.status(429, times=3, Retry_After="tomorrow")),
        Case("s429_absurd", faults.status(429, times=9, Retry_After="99999999999999999999"), stuck=True),
        Case("s429_absurd_date", faults.status(429, times=9, Retry_After=http_date(1e9)), stuck=True),
        Case("s429_final", faults.status(429), lost=["429"], settings=no_429),
        Case("s500", faults.status(500, times=4)),
        Case("s503", faults.status(503, times=2, Retry_After="1")),
        Case("reset", faults.reset(4)),
        Case("taken_and_reset", faults.taken_and_reset(3), again=True),
        Case("cut_answer", faults.cut_answer(4)),
        Case("drip", faults.drip(TIMEOUT + 2), timeout=TIMEOUT),
        Case("black_hole", faults.black_hole(HOLE), timeout=TIMEOUT),
        Case("huge_400", faults.status(400, b"no, no, no! " * (4 << 20)), lost=["400"]),
        Case("huge_500", faults.status(500, b"no, no, no! " * (4 << 20))),
    ]


def check_account(page, case):
    account = page.account(case.name)
    true(f"{case.name}: {account}", adds_up(account))
    return account


def check_end(case, account, page):
    taken, receiver = case.receiver.count(), case.receiver
    if case.stuck:
        equal(f"{case.name}: taken", taken, 0)
        equal(f"{case.name}: pending", account["pending"], account["in"])
        return
    refused = page.refused(case.name)
    lost = sum(refused.values())
    equal(f"{case.name}: pending", account["pending"], 0)
    equal(f"{case.name}: refused with", set(refused), case.lost)
    equal(f"{case.name}: failed", account["failed"], lost)
    if case.lost:
        first = receiver.requests[0]
        equal(f"{case.name}: lost, the batch that was refused", lost, first.samples)
    equal(f"{case.name}: acknowledged", account["acknowledged"], account["in"] - lost)
    check_repeated(case, taken - account["acknowledged"], page)
    distinct = sum(len(times) for times in receiver.times_per_series().values())
    equal(f"{case.name}: distinct samples", distinct, account["in"] - lost)
    equal(f"{case.name}: series out of order", receiver.series_out_of_order(), [])
    if not case.lost:
        equal(f"{case.name}: series that miss a scrape", receiver.missing_scrapes("test_value"), [])


def check_repeated(case, repeated, page):
    """What came again is what the sender could not know to be taken."""
    retried = int(page.sum("prometheus_remote_storage_samples_retried_total", remote_name=case.name))
    if case.again:
        equal(f"{case.name}: taken again", repeated, retried)
    elif case.timeout == TIMEOUT:
        unknown = retried - case.receiver.count_untaken()
        true(f"{case.name}: taken again {repeated}, of {unknown} answered too late", repeated <= unknown)
    else:
        equal(f"{case.name}: taken again", repeated, 0)


def check_log(text, all_cases, minutes):
    """Each trouble is said once a minute at most; the receiver's words are passed on, cut; a pause is bounded."""
    for case in all_cases:
        lines = [line for line in text.splitlines() if f"remote_name={case.name} " in line]
        refusals = [line for line in lines if "its samples are lost" in line]
        equal(f"{case.name}: refusals in the log", len(refusals), len(case.lost))
        for line in refusals:
            true(f"{case.name}: the receiver's words, at most 1024 bytes of them",
                 ("because" in line or "no, no, no!" in line) and len(line) < 1600)
        retries = [line for line in lines if "will be sent again" in line]
        errors = [re.search(r" status=.* retry_in", line).group() for line in retries]
        again = len(errors) - len(set(errors))
        true(f"{case.name}: each error said once a minute", again <= minutes)
        for line in retries:
            pause = float(re.search(r"retry_in_seconds=(\S+)", line).group(1))
            true(f"{case.name}: a pause of {pause} s", pause <= 330)
            if case.stuck:
                true(f"{case.name}: is the longest allowed", pause >= 300)
        if case.name in ("s415_v2",):
            true(f"{case.name}: falls back to 1.0", any("sending 1.0" in line for line in lines))


def stop_scraping(agent, settled, timeout=25):
    """SIGTERM: the scraper stops, the remotes send what there is; the account of that moment."""
    agent.child.send_signal(signal.SIGTERM)
    page = wait_until("the remotes to have sent all", lambda: settled(page_of(agent)), timeout)
    agent.child.kill()  # stuck remotes would hold it for half a minute
    agent.child.wait()
    return page


def test_every_fault():
    with Cluster("write-faults") as cluster, Exporter(SERIES) as exporter:
        all_cases = cases()
        moving = [case for case in all_cases if not case.stuck]
        config = "scrape_configs:\n" + exporter.jobs(TARGETS, INTERVAL)
        config += "remote_write:\n" + "".join(case.config() for case in all_cases)
        began = time.monotonic()
        agent = cluster.start_edgemeter(config, metered=False)
        cluster.processes.remove(agent)  # ends in a way of its own
        try:
            wait_until(
                "every fault to be over",
                lambda: all(c.receiver.count() > 5 * 200 for c in moving),
                timeout=HOLE + 120,
            )
            wait_until(
                "the backlog to be sent",
                lambda: not any(c.backlog(page_of(agent)) for c in moving),
                timeout=120 + HOLE / 2,
                pause=1,
            )
            page = page_of(agent)
            for case in all_cases:
                check_account(page, case)

            def settled(page):
                return not any(page.account(c.name)["pending"] for c in moving) and page

            page = stop_scraping(agent, settled)
        finally:
            if agent.running():
                agent.child.kill()
                agent.child.wait()
        for case in all_cases:
            check_end(case, check_account(page, case), page)
        check_log(agent.log_text(), all_cases, (time.monotonic() - began) // 60)


if __name__ == "__main__":
    run(test_every_fault, metered=False)
