# SPDX-License-Identifier: Apache-2.0
"""Programs that are not installed here: tests/peers/fetch downloads them into the cache."""

import os
import subprocess

from cluster import ROOT, Unable


def fetch(program):
    """The path of prometheus-3, victoria-metrics, ...; Unable where it cannot be had."""
    script = os.path.join(ROOT, "tests/peers/fetch")
    try:
        run = subprocess.run([script, program], capture_output=True, text=True, timeout=300)
    except subprocess.TimeoutExpired:
        raise Unable(f"{program}: not downloaded within 300 s")
    if run.returncode:
        raise Unable(f"{program}: {run.stderr.strip().splitlines()[-1]}")
    return run.stdout.strip()
