# SPDX-License-Identifier: Apache-2.0
"""What the kernel tells of loaded BPF programs: sizes, run counts and run time. Reads only."""

import contextlib
import ctypes
import os
import platform
import re
import struct
from collections import namedtuple

# Commands of the bpf system call, and offsets in its struct bpf_prog_info (part of the kernel's ABI).
PROG_GET_FD_BY_ID, OBJ_GET_INFO_BY_FD, ENABLE_STATS = 13, 15, 32
INFO_BYTES = 224
INFO_JITED, INFO_XLATED, INFO_NAME, INFO_RUN_TIME, INFO_RUN_COUNT, INFO_VERIFIED = (
    16, 20, 64, 192, 200, 216,
)  # fmt: skip

Program = namedtuple("Program", "id name jited_bytes xlated_bytes verified_insns run_ns runs")

_libc = ctypes.CDLL(None, use_errno=True)


def _bpf(command, attributes):
    number = {"x86_64": 321, "aarch64": 280}[platform.machine()]
    result = _libc.syscall(number, command, attributes, len(attributes))
    if result < 0:
        raise OSError(ctypes.get_errno(), f"bpf command {command}")
    return result


@contextlib.contextmanager
def stats_enabled():
    """Run times are measured inside, for all programs; off again by itself however this ends."""
    fd = _bpf(ENABLE_STATS, struct.pack("=IIQ", 0, 0, 0))
    try:
        yield
    finally:
        os.close(fd)


def program(number):
    fd = _bpf(PROG_GET_FD_BY_ID, struct.pack("=IIQ", number, 0, 0))
    try:
        info = ctypes.create_string_buffer(INFO_BYTES)
        _bpf(OBJ_GET_INFO_BY_FD, struct.pack("=IIQ", fd, INFO_BYTES, ctypes.addressof(info)))
    finally:
        os.close(fd)

    def u32(offset):
        return struct.unpack_from("=I", info.raw, offset)[0]

    def u64(offset):
        return struct.unpack_from("=Q", info.raw, offset)[0]

    name = info.raw[INFO_NAME : INFO_NAME + 16].split(b"\0")[0].decode()
    return Program(
        number,
        name,
        u32(INFO_JITED),
        u32(INFO_XLATED),
        u32(INFO_VERIFIED),
        u64(INFO_RUN_TIME),
        u64(INFO_RUN_COUNT),
    )


def programs_of_process(pid):
    """The ids of the programs that the process holds."""
    ids = set()
    for entry in os.listdir(f"/proc/{pid}/fdinfo"):
        with contextlib.suppress(FileNotFoundError):
            with open(f"/proc/{pid}/fdinfo/{entry}") as info:
                ids.update(int(n) for n in re.findall(r"^prog_id:\s+(\d+)", info.read(), re.M))
    return sorted(ids)
