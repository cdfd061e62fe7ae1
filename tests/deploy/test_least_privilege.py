#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The image's root, started by runc exactly as the manifest says (user, capabilities, read-only root, seccomp
profile, mounts), counts real requests; without any one of its capabilities it says which is missing."""

import functools
import os
import re
import shutil
import subprocess

import manifests  # first: it finds the other modules
import bundle
import load
from checks import equal, run, settles, true
from cluster import BUILD, ROOT, Agent, Cluster, require_programs
from manifests import find, helm, kustomize
from servers import start_nginx

REQUESTS = 2000
# Nothing to ask an API server for: there is none on this node.
NO_PODS = {"scrapeConfigs": [], "httpMetrics": {"interval": "1s"}}


@functools.cache
def image():
    """The root of the image that `make image` makes, and the image's configuration."""
    done = subprocess.run(["make", "-s", "-C", ROOT, "image"], capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(f"make image: {done.stderr}")
    with open(os.path.join(ROOT, "VERSION")) as file:
        archive = os.path.join(BUILD, "image", f"edgemeter-{file.read().strip()}.tar")
    root = os.path.join(BUILD, "tests", "deploy", "image-root")
    shutil.rmtree(root, ignore_errors=True)
    return root, bundle.unpack_image(archive, root)


def pod_of(objects, kind="DaemonSet", name="edgemeter"):
    return find(objects, kind, name)["spec"]["template"]["spec"]


class Container:
    """A container of runc in the test's cluster."""

    number = 0

    def __init__(self, cluster, pod, config, without=()):
        require_programs("runc", "nsenter")
        Container.number += 1
        self.cluster = cluster
        self.name = f"agent{Container.number}"
        self.folder = cluster.path(self.name)
        self.folders = {name: os.path.join(self.folder, name) for name in ("config", "queue")}
        for folder in self.folders.values():
            os.makedirs(folder)
        with open(os.path.join(self.folders["config"], "edgemeter.yml"), "w") as file:
            file.write(config)
        root, defaults = image()
        folders = {**self.folders, "cgroup": "/sys/fs/cgroup"}
        every = bundle.every_capability()
        bundle.write(self.folder, bundle.spec(pod, defaults, root, folders, without, every))
        self.id = f"{cluster.name}-{self.name}"
        self.state = cluster.path("runc")

    def runc(self, *arguments):
        return ["runc", "--root", self.state, *arguments]

    def start(self):
        argv = self.runc("run", "--bundle", self.folder, self.id)
        self.process = self.cluster.start(Agent, self.name, argv, metered=False)
        self.process.wait_ready("its start", lambda: "msg=listening" in self.process.log_text())
        state = subprocess.check_output(self.runc("state", self.id), text=True)
        self.pid = int(re.search(r'"pid": (\d+)', state).group(1))
        self.enter("ip", "link", "set", "lo", "up")
        return self

    def enter(self, *argv):
        """Runs a program of the host in the container's network."""
        argv = ["nsenter", f"--net=/proc/{self.pid}/ns/net", *argv]
        return subprocess.check_output(argv, text=True, stderr=subprocess.STDOUT)

    def get(self, path):
        return self.enter("curl", "-sf", "--max-time", "10", f"http://127.0.0.1:9595{path}")

    def refused(self):
        """Its status and its log, where it should not start."""
        argv = self.runc("run", "--bundle", self.folder, self.id)
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr

    def status(self):
        with open(f"/proc/{self.pid}/status") as file:
            return dict(re.findall(r"^(\w+):\s+(.*)$", file.read(), re.M))

    def stop(self):
        subprocess.run(self.runc("kill", self.id, "TERM"), check=True)
        equal("its status", self.process.child.wait(60), 0)
        subprocess.run(self.runc("delete", "--force", self.id), capture_output=True)


def counts(container, server):
    text = container.get("/metrics")
    pattern = rf'^http_requests_total{{[^}}]*cgroup="{re.escape(server.cgroup_path)}"[^}}]*}} (\d+)'
    return sum(int(value) for value in re.findall(pattern, text, re.M))


def counts_real_traffic(pod, config, capabilities):
    with Cluster("deploy") as cluster:
        nginx = start_nginx(cluster)
        container = Container(cluster, pod, config).start()
        true("it is ready", container.get("/-/ready"))
        load.ab(cluster, nginx.url + "/page.html", REQUESTS)
        settles("requests counted", lambda: counts(container, nginx), nginx.log_lines(REQUESTS))
        status = container.status()
        equal("capabilities", int(status["CapEff"], 16), bundle.mask(capabilities))
        equal("user", status["Uid"].split()[0], "0")
        true("the queue is on the node", os.listdir(container.folders["queue"]))
        container.stop()
        true("nothing is left behind", not container.process.running())
        return status


def test_manifest():
    config = find(helm(NO_PODS)[0], "ConfigMap")["data"]["edgemeter.yml"]
    status = counts_real_traffic(
        pod_of(kustomize("kubernetes/base")), config, ["BPF", "PERFMON", "NET_ADMIN"]
    )
    equal("no new privileges", status["NoNewPrivs"], "1")
    equal("a seccomp filter", status["Seccomp"], "2")


def test_privileged_overlay():
    config = find(helm(NO_PODS)[0], "ConfigMap")["data"]["edgemeter.yml"]
    counts_real_traffic(pod_of(kustomize("kubernetes/overlays/privileged")), config, bundle.every_capability())


def test_one_capability_less():
    config = find(helm(NO_PODS)[0], "ConfigMap")["data"]["edgemeter.yml"]
    pod = pod_of(kustomize("kubernetes/base"))
    with Cluster("deploy") as cluster:
        for name in pod["containers"][0]["securityContext"]["capabilities"]["add"]:
            status, log = Container(cluster, pod, config, without=[name]).refused()
            problem = [line for line in log.splitlines() if "level=error" in line]
            print("\n".join(problem))
            equal(f"without {name}: status", status, 1)
            true(f"the message names {name}", any(name in line for line in problem))


def test_gateway_without_capabilities():
    """The pulled gateway's pod: another user than root, no capability."""
    config = "scrape_configs: []\n"
    pod = pod_of(kustomize("kubernetes/overlays/federate"), "Deployment", "edgemeter-gateway")
    with Cluster("deploy") as cluster:
        container = Container(cluster, pod, config).start()
        true("it serves", "edgemeter_build_info" in container.get("/metrics"))
        equal("capabilities", int(container.status()["CapEff"], 16), 0)
        equal("user", container.status()["Uid"].split()[0], "65532")
        container.stop()


if __name__ == "__main__":
    run(
        test_manifest,
        test_privileged_overlay,
        test_one_capability_less,
        test_gateway_without_capabilities,
    )
