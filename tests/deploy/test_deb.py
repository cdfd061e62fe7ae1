#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`make deb`: installed into a copy of this system's root that goes with the test, started by the unit's own
command line, user and capabilities, purged without a trace."""

import functools
import glob
import os
import re
import shlex
import shutil
import stat
import subprocess
import tempfile

import manifests  # first: it finds the other modules
import load
from checks import equal, run, settles, true
from cluster import BUILD, ROOT, Agent, Cluster, Unable, get, require_programs
from servers import start_nginx

REQUESTS = 1000
SYSTEMCTL = """#!/bin/sh
case $1 in enable | disable | is-enabled) exec /usr/bin/systemctl --root=/ "$@" ;; esac
"""
FILES = [
    "/etc/edgemeter/edgemeter.yml",
    "/lib/systemd/system/edgemeter.service",
    "/usr/bin/edgemeter",
    "/usr/share/bash-completion/completions/edgemeter",
    "/usr/share/fish/vendor_completions.d/edgemeter.fish",
    "/usr/share/man/man1/edgemeter.1.gz",
    "/usr/share/man/man5/edgemeter.yml.5.gz",
    "/usr/share/zsh/vendor-completions/_edgemeter",
]
# What dpkg, adduser and man-db keep for themselves; the accounts are compared by their contents.
ACCOUNTS = ["etc/passwd", "etc/group", "etc/shadow", "etc/gshadow"]
OF_OTHERS = ["var/lib/dpkg", "var/log", "var/cache", "var/lib/systemd", "run/adduser", *[f"{name}-" for name in ACCOUNTS]]


@functools.cache
def package():
    done = subprocess.run(["make", "-s", "-C", ROOT, "deb"], capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(f"make deb: {done.stderr}")
    (path,) = glob.glob(os.path.join(BUILD, "deb", "*.deb"))
    return path


class Root:
    """This system's root with a layer above it that takes every change, and goes at the end."""

    def __enter__(self):
        require_programs("chroot", "mount", "dpkg", "adduser", "setpriv")
        self.folder = tempfile.mkdtemp(prefix="edgemeter-deb-")
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", self.folder], check=True)
        self.upper, self.work, self.path = (os.path.join(self.folder, n) for n in ("upper", "work", "root"))
        for folder in (self.upper, self.work, self.path):
            os.mkdir(folder)
        options = f"lowerdir=/,upperdir={self.upper},workdir={self.work}"
        done = subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, self.path])
        if done.returncode:
            self.__exit__()
            raise Unable("no overlay over / can be mounted")
        subprocess.run(["mount", "-t", "proc", "proc", f"{self.path}/proc"], check=True)
        subprocess.run(["mount", "--rbind", "--make-rslave", "/sys", f"{self.path}/sys"], check=True)
        subprocess.run(["mount", "--bind", "/dev", f"{self.path}/dev"], check=True)
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", "--recursive", "--lazy", self.folder], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, *argv):
        done = subprocess.run(["chroot", self.path, *argv], capture_output=True, text=True)
        if done.returncode:
            raise AssertionError(f"{' '.join(argv)}: {done.stdout}{done.stderr}")
        return done.stdout

    def changes(self):
        """What is in the layer and not below it, or was deleted."""
        for folder, folders, files in os.walk(self.upper):
            for name in folders + files:
                path = os.path.relpath(os.path.join(folder, name), self.upper)
                if path.startswith(tuple(OF_OTHERS)):
                    continue
                mode = os.lstat(os.path.join(folder, name)).st_mode
                deleted = stat.S_ISCHR(mode) and os.path.lexists(f"/{path}")
                if deleted or (not stat.S_ISCHR(mode) and not os.path.lexists(f"/{path}")):
                    yield path


def unit(root):
    """The unit's settings; of a key that is given twice all values."""
    with open(f"{root.path}/lib/systemd/system/edgemeter.service") as file:
        settings = {}
        for key, value in re.findall(r"^(\w+)=(.*)$", file.read(), re.M):
            settings.setdefault(key, []).append(value)
        return settings


def command(root):
    """What systemd would start: the command under the unit's user and capabilities."""
    settings = unit(root)
    (line,) = settings["ExecStart"]
    argv = shlex.split(line.replace("$ARGS", "--web.listen-address=127.0.0.1:0"))
    capabilities = settings["AmbientCapabilities"][0].lower().split()
    names = ",".join(["-all", *[f"+{name.removeprefix('cap_')}" for name in capabilities]])
    wrapper = ["setpriv", f"--reuid={settings['User'][0]}", f"--regid={settings['Group'][0]}", "--init-groups"]
    wrapper += [f"--inh-caps={names}", f"--ambient-caps={names}", f"--bounding-set={names}", "--no-new-privs"]
    return ["chroot", root.path, *wrapper, *argv]


def test_install_run_purge():
    path = package()
    with Root() as root, Cluster("deb") as cluster:
        before = {name: open(f"/{name}").read() for name in ACCOUNTS if os.path.exists(f"/{name}")}
        shutil.copy(path, f"{root.path}/edgemeter.deb")
        root.run("dpkg", "-i", "/edgemeter.deb")
        os.unlink(f"{root.path}/edgemeter.deb")
        files = root.run("dpkg", "-L", "edgemeter").split()
        for wanted in FILES:
            true(wanted, wanted in files)
        root.run("edgemeter", "check-config", "/etc/edgemeter/edgemeter.yml")

        nginx = start_nginx(cluster)
        agent = cluster.start(Agent, "agent", command(root), metered=False)
        agent.wait_up()
        load.ab(cluster, nginx.url + "/page.html", REQUESTS)
        name = re.escape(nginx.cgroup_path)

        def counted():
            page = get(agent.url + "/metrics")
            values = re.findall(rf'^http_requests_total{{[^}}]*cgroup="{name}"[^}}]*}} (\d+)', page, re.M)
            return sum(map(int, values))

        settles("requests counted", counted, REQUESTS)
        equal("its status", agent.stop(), 0)
        true("the queue is there", os.listdir(f"{root.path}/var/lib/edgemeter"))

        root.run("dpkg", "--remove", "edgemeter")
        true("its configuration stays", os.path.exists(f"{root.path}/etc/edgemeter/edgemeter.yml"))
        root.run("dpkg", "--purge", "edgemeter")
        equal("left behind", list(root.changes()), [])
        after = {name: open(f"{root.path}/{name}").read() for name in before}
        equal("accounts that changed", [name for name in before if after[name] != before[name]], [])


def test_service():
    """Installed it begins with the system, also after a removal; whoever switched it off finds it so."""
    require_programs("systemctl", "deb-systemd-invoke")
    path = package()
    with Root() as root:
        os.makedirs(f"{root.path}/run/systemd/system")  # as where systemd runs: but none does
        with open(f"{root.path}/usr/local/bin/systemctl", "x") as file:
            file.write(SYSTEMCTL)
            os.fchmod(file.fileno(), 0o755)
        shutil.copy(path, f"{root.path}/run/edgemeter.deb")

        def begins_after(what, *argv):
            root.run(*argv)
            link = f"{root.path}/etc/systemd/system/multi-user.target.wants/edgemeter.service"
            return what, os.path.islink(link)

        dpkg = ("dpkg", "--no-triggers")
        install = (*dpkg, "-i", "/run/edgemeter.deb")
        found = [begins_after("the install", *install)]
        root.run(*dpkg, "--remove", "edgemeter")
        found += [begins_after("a removal and install", *install)]
        found += [begins_after("switching it off", "systemctl", "disable", "edgemeter.service")]
        found += [begins_after("an upgrade", *install)]
        wanted = [("the install", True), ("a removal and install", True)]
        wanted += [("switching it off", False), ("an upgrade", False)]
        equal("begins with the system after", found, wanted)
        root.run("systemctl", "enable", "edgemeter.service")
        root.run(*dpkg, "--purge", "edgemeter")
        ours = ("run/", "usr/local/bin/systemctl")
        left = [path for path in root.changes() if not path.startswith(ours)]
        equal("left behind", left, [])


def test_unit():
    """systemd itself finds nothing wrong with it."""
    require_programs("systemd-analyze")
    with Root() as root:
        folder = f"{root.path}/lib/systemd/system"
        shutil.copy(os.path.join(ROOT, "deploy/systemd/edgemeter.service"), folder)
        shutil.copy("/bin/true", f"{root.path}/usr/bin/edgemeter")
        output = root.run("systemd-analyze", "verify", "--man=no", "/lib/systemd/system/edgemeter.service")
        equal("systemd-analyze verify", output, "")


if __name__ == "__main__":
    run(test_install_run_purge, test_service, test_unit)
