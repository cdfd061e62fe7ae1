#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Records as which format a real Prometheus reads a page of each Content-Type: content_types.txt.

The page is one that the three formats read differently: classic text takes it, OpenMetrics misses its
# EOF, protobuf is short of bytes.
"""

import os
import shutil
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE]

from record_exposition import Pages, Prometheus  # noqa: E402
from remote_write import Receiver  # noqa: E402

PAGE = b"a 1\n"
TYPES = """
text/plain
TEXT/Plain
text/plain;
text/plain; ;
text/plain;;
text/plain; charset=utf-8
text/plain;charset=utf-8
text/plain ; charset=utf-8
text/plain; version=0.0.4
text/plain; version=1.0.0; escaping=allow-utf-8
text/plain; version=9
text/plain; charset
text/plain; charset=
text/plain; =utf-8
text/plain; charset="utf-8"
text/plain; charset="utf-8
text/plain; charset="a\\"b"
text/plain; charset=a b
text/plain; charset = utf-8
text/plain; a=1; a=1
text/plain; a=1; a=2
text/plain; a=1; A=2
text/plain charset=utf-8
text/plain, text/html
text/plain; charset=utf-8, x
text/plain/x
text/
text
/plain
;
; charset=utf-8
*/*
application/openmetrics-text
application/openmetrics-text; version=1.0.0; charset=utf-8
application/openmetrics-text; version=0.0.1
Application/OpenMetrics-Text;version=7
application/vnd.google.protobuf
application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited
application/vnd.google.protobuf; proto=other; encoding=text
application/json
text/html
text/html; charset=utf-8
application/octet-stream
text/plain-x
xtext/plain
"""


def main():
    types = [""] + TYPES.strip("\n").split("\n")
    work = tempfile.mkdtemp(prefix="edgemeter-record-")
    receiver = Receiver()
    pages = Pages([PAGE] * len(types), types)
    prometheus = Prometheus(work, receiver, pages, len(types), {})
    try:
        outcomes = prometheus.outcomes()
    finally:
        prometheus.stop()
    with open(os.path.join(HERE, "content_types.txt"), "w") as file:
        file.write(
            f"# Recorded from Prometheus {prometheus.version} by tests/recorded/"
            "record_content_types.py: a Content-Type, a tab,\n# and the format as which a page is read,"
            " or the error. Not edited by hand.\n"
        )
        for i, content_type in enumerate(types):
            error = outcomes[i]
            if error is None:
                outcome = "text"
            elif "# EOF" in error:
                outcome = "openmetrics"
            elif "clientpb" in error or "proto" in error.split("Content-Type")[0]:
                outcome = "protobuf"
            else:
                outcome = error.replace("\n", "\\n")
            file.write(f"{content_type}\t{outcome}\n")
    shutil.rmtree(work)


if __name__ == "__main__":
    main()
