# SPDX-License-Identifier: Apache-2.0
"""A node of a Kubernetes cluster: the stand-in API server, the agent's service account, and pods
whose containers are real Apaches in cgroups as the kubelet makes them. What the API server says of a
pod is what is the case, a little later, as in a cluster."""

import os
import secrets
import signal
import uuid
from collections import Counter

import cluster
from cluster import Process, connects, free_port, remove_cgroups, require_programs, wait_until
from kube_api import KubeApi
from servers import MODULES

NODE = "edge-1"
AGENT = "system:serviceaccount:monitoring:edgemeter"

# Where a container's cgroup is, from the hierarchy's root on, by kubelet and runtime.
CGROUPS = {
    "guaranteed": "kubepods.slice/kubepods-pod{u_}.slice/cri-containerd-{id}.scope",
    "burstable": "kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{u_}.slice/"
    "cri-containerd-{id}.scope",
    "besteffort": "kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod{u_}.slice/"
    "cri-containerd-{id}.scope",
    "crio": "kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{u_}.slice/"
    "crio-{id}.scope",
    "docker": "kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{u_}.slice/"
    "docker-{id}.scope",
    "cgroupfs": "kubepods/burstable/pod{u}/{id}",
    "kind": "docker/{node}/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/"
    "kubelet-kubepods-besteffort-pod{u_}.slice/cri-containerd-{id}.scope",
}

APACHE = """{modules}
ServerRoot {folder}
ServerName {ip}
DefaultRuntimeDir {folder}
PidFile {folder}/pid
{listen}
User www-data
Group www-data
StartServers 1
ServerLimit 1
ThreadsPerChild 16
MinSpareThreads 1
ErrorLog {folder}/error.log
LogFormat "%m %>s %U" counted
CustomLog {folder}/access.log counted
KeepAlive On
MaxKeepAliveRequests 0
DocumentRoot {folder}/pages
<Location />
    ForceType "text/plain; version=0.0.4"
</Location>
"""


class Container:
    """One container of a pod: an Apache that listens on the pod's address."""

    def __init__(self, pod, name, ports):
        self.pod = pod
        self.name = name
        self.ports = ports  # {name: number}; 0 takes a free one
        self.id = ""
        self.last_id = ""
        self.runs = 0
        self.process = None
        self.folder = pod.kube.cluster.path("pods", pod.uid, name)
        os.makedirs(os.path.join(self.folder, "pages"), exist_ok=True)
        os.chmod(self.folder, 0o777)
        for port in ports:
            self.ports[port] = self.ports[port] or free_port(pod.ip)
        self.write_page("page.html", "hello\n")
        self.write_page("metrics", f'shop_orders_total{{shop="{pod.name}"}} 7\n')

    def write_page(self, name, text):
        with open(os.path.join(self.folder, "pages", name), "w") as page:
            page.write(text)

    @property
    def port(self):
        return next(iter(self.ports.values()))

    @property
    def cgroup(self):
        form = CGROUPS[self.pod.form]
        u = self.pod.uid
        path = form.format(u=u, u_=u.replace("-", "_"), id=self.id, node=self.pod.kube.node_id)
        return self.pod.kube.cluster.cgroup_folder(path)

    def start(self):
        require_programs("apache2")
        self.last_id, self.id = self.id, secrets.token_hex(32)
        self.runs += 1
        os.makedirs(self.cgroup)
        modules = "".join(
            f"LoadModule {module}_module {MODULES}/mod_{module}.so\n"
            for module in ("mpm_event", "authz_core")
        )
        listen = "".join(f"Listen {self.pod.ip}:{port}\n" for port in self.ports.values())
        config = os.path.join(self.folder, "apache.conf")
        with open(config, "w") as file:
            file.write(
                APACHE.format(
                    modules=modules, folder=self.folder, ip=self.pod.ip, listen=listen
                )
            )
        self.process = Process(
            f"{self.pod.name}/{self.name}",
            ["apache2", "-f", config, "-D", "FOREGROUND"],
            os.path.join(self.folder, "output.log"),
            self.cgroup,
        )
        self.process.wait_ready("its port", lambda: connects(self.pod.ip, self.port))

    def stop(self):
        """Ends the run, and its cgroup with it."""
        if not self.process:
            return
        self.process.stop(signal.SIGTERM)
        self.process = None
        remove_cgroups(self.cgroup)

    def log_counts(self):
        """(method, status, path) of all runs."""
        with open(os.path.join(self.folder, "access.log")) as log:
            return Counter(tuple(line.split()) for line in log)

    def status(self):
        if not self.id:
            return {"name": self.name, "state": {"waiting": {}}, "lastState": {}}
        last = {"terminated": {"containerID": f"containerd://{self.last_id}"}} if self.last_id else {}
        return {
            "name": self.name,
            "state": {"running": {}},
            "lastState": last,
            "ready": self.process is not None,
            "restartCount": self.runs - 1,
            "image": "httpd:2.4",
            "imageID": "",
            "containerID": f"containerd://{self.id}",
        }


class Pod:
    def __init__(self, kube, name, containers, annotations, labels, form, owner, ip):
        self.kube = kube
        self.name = name
        self.namespace = "shop"
        self.uid = str(uuid.uuid4())
        self.ip = ip or kube.next_address()
        self.form = form
        self.annotations = annotations
        self.labels = labels
        self.owner = owner
        self.containers = [Container(self, *container) for container in containers]

    @property
    def container(self):
        return self.containers[0]

    def object(self, phase="Running", deleted=False):
        metadata = {
            "name": self.name,
            "namespace": self.namespace,
            "uid": self.uid,
            "labels": self.labels,
            "annotations": self.annotations,
        }
        if deleted:
            metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
        if self.owner:
            metadata["ownerReferences"] = [
                {"apiVersion": "apps/v1", "controller": True, "uid": "u", **self.owner}
            ]
        spec = {
            "nodeName": NODE,
            "containers": [
                {
                    "name": container.name,
                    "image": "httpd:2.4",
                    "ports": [
                        {"name": name, "containerPort": port, "protocol": "TCP"}
                        for name, port in container.ports.items()
                    ],
                }
                for container in self.containers
            ],
        }
        status = {"phase": phase, "hostIP": "127.0.0.1"}
        if phase == "Running":
            status["podIP"] = self.ip
            status["conditions"] = [{"type": "Ready", "status": "True"}]
            status["containerStatuses"] = [c.status() for c in self.containers]
        return {"metadata": metadata, "spec": spec, "status": status}

    def tell(self, **state):
        self.kube.api.store.put("pods", self.object(**state))

    def start(self):
        """As in a cluster: the pod is known, then it runs, then that is known."""
        self.tell(phase="Pending")
        for container in self.containers:
            container.start()
        self.tell()
        return self

    def restart(self, container):
        container.stop()
        container.start()
        self.tell()

    def delete(self):
        self.tell(deleted=True)
        for container in self.containers:
            container.stop()
        self.remove_cgroups()
        self.kube.api.store.delete("pods", self.namespace, self.name)

    def remove_cgroups(self):
        remove_cgroups(os.path.dirname(self.container.cgroup))


class Kube:
    def __init__(self, cluster):
        self.cluster = cluster
        self.node_id = secrets.token_hex(32)
        self.addresses = 0
        self.pods = []
        self.api = KubeApi(cluster.path("api"))
        verbs = [(verb, r, "") for verb in ("list", "watch") for r in ("pods", "nodes")]
        token = self.api.add_user(AGENT, *verbs)
        os.makedirs(cluster.path("account"))
        for name, text in (("token", token), ("namespace", "monitoring")):
            self.write_account(name, text)
        with open(self.api.ca_file) as file:
            self.write_account("ca.crt", file.read())

    def __enter__(self):
        self.api.start()
        return self

    def __exit__(self, *_):
        self.api.stop()
        for pod in self.pods:
            for container in pod.containers:
                if container.process:
                    container.process.stop(signal.SIGKILL)

    def write_account(self, name, text):
        path = self.cluster.path("account", name)
        with open(path + ".new", "w") as file:
            file.write(text)
        os.rename(path + ".new", path)

    def next_address(self):
        self.addresses += 1
        return f"127.1.{self.addresses // 250}.{self.addresses % 250 + 1}"

    def pod(
        self, name, containers, annotations=None, labels=None, form="burstable", owner=None, ip=None
    ):
        pod = Pod(self, name, containers, annotations or {}, labels or {}, form, owner, ip)
        self.pods.append(pod)
        return pod

    def start_agent(self, config, environment=(), **more):
        """As a pod of the node: in the cluster, with its service account where pods have it."""
        variables = {
            "NODE_NAME": NODE,
            "KUBERNETES_SERVICE_HOST": "127.0.0.1",
            "KUBERNETES_SERVICE_PORT": str(self.api.port),
            **dict(environment),
        }
        script = (
            "mount -t tmpfs tmpfs /run && mkdir -p /run/secrets/kubernetes.io/serviceaccount && "
            f"mount --bind {self.cluster.path('account')} "
            '/run/secrets/kubernetes.io/serviceaccount && exec "$@"'
        )
        values = [f"{name}={value}" for name, value in variables.items()]
        prefix = ["env", *values, "unshare", "--mount", "sh", "-c", script, "sh"]
        return self.cluster.start_edgemeter(config, prefix=prefix, **more)


def shipped_config(prometheus, interval="1s", http_metrics=""):
    """deploy/edgemeter.yml as it is, with a remote and shorter intervals. `http_metrics`: more keys
    of that block."""
    with open(os.path.join(cluster.ROOT, "deploy/edgemeter.yml")) as file:
        text = file.read()
    text = text.replace("scrape_interval: 15s", f"scrape_interval: {interval}")
    text = text.replace("http_metrics:\n", f"http_metrics:\n  interval: {interval}\n{http_metrics}")
    return (
        text
        + f"""
remote_write:
  - url: {prometheus.url}/api/v1/write
    queue_config:
      batch_send_deadline: 1s
"""
    )


def scraped_pods(prometheus, metric="shop_orders_total"):
    """The pods that a scraped series has samples of at present."""
    return sorted(labels["pod"] for labels, _ in prometheus.query(metric))


__all__ = ["Kube", "shipped_config", "scraped_pods", "wait_until", "NODE", "AGENT"]
