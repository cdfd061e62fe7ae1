# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests share: run the test functions of a file, compare counts, report as
cmocka does, so that tests/run counts all alike."""

import os
import signal
import sys
import time
import traceback

import cluster

FULL = bool(os.environ.get("FULL"))
SKIPPED = 77


def equal(what, got, wanted):
    if got != wanted:
        raise AssertionError(f"{what}: got {got!r}, wanted {wanted!r}")
    print(f"    {what}: {got!r}", flush=True)


def true(what, condition):
    if not condition:
        raise AssertionError(what)
    print(f"    {what}", flush=True)


def settles(what, measure, wanted, timeout=60, quiet=2.5):
    """Waits until `measure()` is `wanted`, and that it stays so: a count may also be too high."""
    end = time.monotonic() + timeout
    while measure() != wanted and time.monotonic() < end:
        time.sleep(0.25)
    if measure() == wanted:
        time.sleep(quiet)
    equal(what, measure(), wanted)


def run(*tests, metered=True):
    """Runs every function; the process's exit status says how it went."""
    if not os.access(cluster.EDGEMETER, os.X_OK):
        sys.exit(f"{cluster.EDGEMETER} is not there: run `make` first")
    try:
        if metered:
            cluster.require_metering()
    except cluster.Unable as reason:
        print(f"SKIP: {reason}")
        sys.exit(SKIPPED)
    # A test that is told to end still leaves its `with` blocks.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    results = {"passed": [], "failed": [], "skipped": []}
    print(f"[==========] Running {len(tests)} test(s).")
    for test in tests:
        results[_run_one(test)].append(test.__name__)
    print(f"[  PASSED  ] {len(results['passed'])} test(s).")
    for outcome, tag in (("skipped", "SKIPPED "), ("failed", "FAILED  ")):
        if results[outcome]:
            print(f"[  {tag}] {len(results[outcome])} test(s): {', '.join(results[outcome])}")
    if results["failed"]:
        sys.exit(1)
    sys.exit(0 if results["passed"] else SKIPPED)


def _run_one(test):
    name = test.__name__
    print(f"[ RUN      ] {name}", flush=True)
    try:
        test()
        print(f"[       OK ] {name}", flush=True)
        return "passed"
    except cluster.Unable as reason:
        print(f"SKIP: {reason}\n[  SKIPPED ] {name}", flush=True)
        return "skipped"
    except Exception:
        traceback.print_exc(file=sys.stdout)
        print(f"[  FAILED  ] {name}", flush=True)
        return "failed"
