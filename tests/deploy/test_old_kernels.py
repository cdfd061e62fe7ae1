#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The manifests' containers on other kernels, in QEMU, each started by runc: on 5.10 the component with one
capability more, which the base's container asks for by name; with FULL=1 the privileged overlay there, and on 6.1 the
base, and what it says without each of its capabilities."""

import os
import re
import shutil
import subprocess
import tempfile

import manifests  # first: it finds the other modules
import bundle
from checks import FULL, equal, run, true
from cluster import ROOT, require_programs
from manifests import find, helm, kustomize
from test_least_privilege import NO_PODS, image, pod_of

REQUESTS = "20"  # as in vm_init


def libraries(program):
    text = subprocess.check_output(["ldd", program], text=True)
    return sorted(set(re.findall(r"(/\S+) \(0x", text)))


def copy(root, path, place=None):
    target = root + (place or path)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    shutil.copy2(path, target)


def make_root(root, cases):
    """`cases`: {name: (a pod's specification, capabilities to leave out)}."""
    for folder in ("bin", "dev", "proc", "sys", "run", "tmp", "cases"):
        os.makedirs(os.path.join(root, folder))
    copy(root, shutil.which("busybox"), "/bin/busybox")
    copy(root, os.path.join(manifests.HERE, "vm_init"), "/init")
    runc = shutil.which("runc")
    for path in (runc, *libraries(runc)):
        copy(root, path)
    image_root, defaults = image()
    shutil.copytree(image_root, f"{root}/image")
    config = find(helm(NO_PODS)[0], "ConfigMap")["data"]["edgemeter.yml"]
    for name, (pod, without) in cases.items():
        folders = {kind: f"/volumes/{name}/{kind}" for kind in ("config", "queue")}
        for folder in folders.values():
            os.makedirs(root + folder)
        with open(root + folders["config"] + "/edgemeter.yml", "w") as file:
            file.write(config)
        folders["cgroup"] = "/sys/fs/cgroup"
        bundle.write(f"{root}/cases/{name}", bundle.spec(pod, defaults, "/image", folders, without))


def boot(kernel, cases):
    """The console of a VM that runs the cases."""
    require_programs("qemu-system-x86_64", "cpio", "busybox", "runc")
    vmlinuz = subprocess.check_output([os.path.join(ROOT, "tests/vm/fetch-kernel"), kernel], text=True).strip()
    with tempfile.TemporaryDirectory() as folder:
        root, initrd = os.path.join(folder, "root"), os.path.join(folder, "initrd")
        make_root(root, cases)
        pack = f"cd {root} && find . | cpio --quiet -o -H newc -R 0:0 >{initrd}"
        subprocess.run(["sh", "-c", pack], check=True)
        argv = ["qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-smp", "1", "-m", "1024"]
        argv += ["-nodefaults", "-display", "none", "-serial", "stdio", "-no-reboot"]
        argv += ["-kernel", vmlinuz, "-initrd", initrd]
        argv += ["-append", "console=ttyS0 quiet oops=panic panic=-1"]
        console = subprocess.run(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=550
        ).stdout.decode(errors="replace")
    if "VM DONE" not in console:
        raise AssertionError(f"{kernel}: the VM ended early:\n{console[-4000:]}")
    return console.replace("\r", "")


def check_counts(console, name, capabilities):
    counted = re.search(rf"^VM COUNTED {name} (\S*) (\S+)$", console, re.M)
    if not counted:
        raise AssertionError(f"{name} did not start:\n{log_of(console, name)}")
    equal(f"{name}: requests", counted.group(1), REQUESTS)
    equal(f"{name}: capabilities", int(counted.group(2), 16), bundle.mask(capabilities))
    equal(f"{name}: status", re.search(rf"^VM STATUS {name} (\d+)$", console, re.M).group(1), "0")


def log_of(console, name):
    return "\n".join(re.findall(rf"^VM LOG {name} (.*)$", console, re.M))


def check_refused(console, name, missing):
    log = log_of(console, name)
    print(log)
    equal(f"{name}: status", re.search(rf"^VM STATUS {name} (\d+)$", console, re.M).group(1), "1")
    true(f"{name}: the message names {missing}", re.search(rf"level=error.*{missing}", log))


def least():
    return pod_of(kustomize("kubernetes/base"))


def test_5_10():
    cases = {"base": (least(), ()), "more": (pod_of(kustomize("kubernetes/overlays/linux-5.10")), ())}
    if FULL:
        cases["privileged"] = (pod_of(kustomize("kubernetes/overlays/privileged")), ())
    console = boot("5.10", cases)
    check_refused(console, "base", "SYS_RESOURCE")
    check_counts(console, "more", ["BPF", "PERFMON", "NET_ADMIN", "SYS_RESOURCE"])
    if FULL:
        check_counts(console, "privileged", bundle.NAMES)


def test_6_1():
    if not FULL:
        print("    left to FULL=1: nothing differs from this kernel's but its age")
        return
    cases = {"base": (least(), ())}
    for name in ("BPF", "PERFMON", "NET_ADMIN"):
        cases[f"without-{name.lower().replace('_', '-')}"] = (least(), (name,))
    console = boot("6.1", cases)
    check_counts(console, "base", ["BPF", "PERFMON", "NET_ADMIN"])
    for name, (_, without) in cases.items():
        for missing in without:
            check_refused(console, name, missing)


if __name__ == "__main__":
    run(test_5_10, test_6_1, metered=False)
