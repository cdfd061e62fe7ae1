# SPDX-License-Identifier: Apache-2.0
"""A cgroup of the memory controller, of either version, with what is charged to it and its limit."""

import os
import re

from cluster import Unable, remove_empty_cgroup

USAGE = ("memory.current", "memory.usage_in_bytes")
LIMIT = ("memory.max", "memory.limit_in_bytes")
PEAK = ("memory.peak", "memory.max_usage_in_bytes")
KILLS = ("memory.events", "memory.oom_control")


class MemoryCgroup:
    def __init__(self, name, limit=None):
        self.folder = self.make(name)
        if limit:
            with open(self.path(LIMIT), "w") as file:
                file.write(str(limit))

    @staticmethod
    def make(name):
        for top in ("/sys/fs/cgroup/memory", "/sys/fs/cgroup"):
            folder = os.path.join(top, name)
            if not os.path.exists(os.path.join(top, "memory.stat")) or not os.access(top, os.W_OK):
                continue
            os.makedirs(folder, exist_ok=True)
            if any(os.path.exists(os.path.join(folder, file)) for file in USAGE):
                return folder
            os.rmdir(folder)
        raise Unable("no memory controller, or no right to make a cgroup of it")

    def path(self, names):
        return next(path for path in (os.path.join(self.folder, name) for name in names) if os.path.exists(path))

    def read(self, names):
        with open(self.path(names)) as file:
            return file.read()

    def entering(self, argv):
        """A command that enters the cgroup and becomes this one."""
        return ["sh", "-c", f"echo $$ > {self.folder}/cgroup.procs; exec \"$@\"", "sh", *argv]

    def charged(self):
        """(all less the page cache, of it the kernel's) in bytes."""
        stat = {key: int(value) for key, value in re.findall(r"^(\S+) (\d+)$", self.read(("memory.stat",)), re.M)}
        # What is in memory files is in `file`, too, but does not go when something else wants it.
        cache = stat.get("file", stat.get("cache", 0)) - stat.get("shmem", 0)
        kernel = stat.get("kernel", 0)
        if not kernel and os.path.exists(f"{self.folder}/memory.kmem.usage_in_bytes"):
            kernel = int(self.read(("memory.kmem.usage_in_bytes",)))
        return int(self.read(USAGE)) - cache, kernel

    def kills(self):
        """How often the kernel ended a process for want of memory."""
        return int(re.search(r"^oom_kill (\d+)", self.read(KILLS), re.M).group(1))

    def is_empty(self):
        return not self.read(("cgroup.procs",))

    def remove(self):
        remove_empty_cgroup(self.folder)
