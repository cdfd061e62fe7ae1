#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/tutorial.md: its certificates, its overlay and its Helm values send real samples through what the global values'
Ingress does (nginx, with client certificates, the write path alone) to a real Prometheus."""

import base64
import json
import os
import re
import shutil
import subprocess

import manifests  # first: it finds the other modules
from checks import equal, run, true
from cluster import EDGEMETER, ROOT, Agent, Cluster, Process, free_port, require_programs, wait_until
from manifests import DEPLOY, configuration, fetch, find, helm, parse, read
from servers import node_job

HOST = "prometheus.example.org"
INGRESS = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port} ssl;
    server_name {host};
    ssl_certificate {folder}/{host}.crt; ssl_certificate_key {folder}/{host}.key;
    ssl_verify_client on; ssl_client_certificate {folder}/ca.crt;
    client_max_body_size {body};
    location = {path} {{ proxy_pass {prometheus}; }}
  }}
}}
"""


def blocks():
    with open(os.path.join(ROOT, "docs/tutorial.md")) as file:
        return re.findall(r"^```(\w*)\n(.*?)^```$", file.read(), re.M | re.S)


def block(beginning):
    (found,) = [text for _, text in blocks() if text.startswith(beginning)]
    return found


def instead(text, first, comment):
    """What the user does: the commented lines that begin with `comment` in the place of those that begin with `first`."""
    lines = text.splitlines()
    begin = next(i for i, line in enumerate(lines) if line.strip() == first)
    depth = len(lines[begin]) - len(lines[begin].lstrip())
    end = begin + 1
    while len(lines[end]) - len(lines[end].lstrip()) > depth:
        end += 1
    del lines[begin:end]
    at = next(i for i, line in enumerate(lines) if line.strip().startswith(f"# {comment}"))
    while at < len(lines) and lines[at].strip().startswith("#"):
        lines[at] = re.sub(r"# ", "", lines[at], count=1)
        at += 1
    return "\n".join(lines) + "\n"


def make_certificates(folder):
    require_programs("openssl", "nginx", "bash")
    subprocess.run(["bash", "-ec", block("openssl req -x509")], cwd=folder, check=True, capture_output=True)
    # The agent's OpenSSL would be content with the common name; Go and browsers are not.
    argv = ["openssl", "x509", "-noout", "-ext", "subjectAltName", "-in", f"{HOST}.crt"]
    names = subprocess.run(argv, cwd=folder, capture_output=True, text=True).stdout
    true("the Ingress' certificate has its host as subjectAltName", f"DNS:{HOST}\n" in names)


def overlay(folder):
    """The objects of the copied overlay, edited as the page says, and the Secret's files."""
    shutil.copytree(os.path.join(DEPLOY, "kubernetes"), f"{folder}/deploy/kubernetes")
    shutil.copy(os.path.join(DEPLOY, "edgemeter.yml"), f"{folder}/deploy")
    subprocess.run(["sh", "-ec", block("cp -r")], cwd=folder, check=True)
    mine = f"{folder}/deploy/kubernetes/overlays/edge-1"
    for name, first, comment in (
        ("edgemeter.yml", "basic_auth:", "tls_config:"),
        ("kustomization.yaml", "literals:", "files:"),
    ):
        with open(f"{mine}/{name}") as file:
            text = instead(file.read(), first, comment)
        with open(f"{mine}/{name}", "w") as file:
            file.write(text)
    (images,) = [text for kind, text in blocks() if kind == "yaml" and text.startswith("images:")]
    with open(f"{mine}/kustomization.yaml", "a") as file:
        file.write(images.replace("REGISTRY", "registry.example.org"))
    objects = parse(subprocess.check_output([fetch("kubectl"), "kustomize", mine], text=True))
    secret = find(objects, "Secret", "edgemeter-remote-write")["data"]
    files = {name: base64.b64decode(data).decode() for name, data in secret.items()}
    container = find(objects, "DaemonSet")["spec"]["template"]["spec"]["containers"][0]
    equal("image", container["image"], "registry.example.org/edgemeter:0.1.0")
    return configuration(objects), {f"/etc/edgemeter-remote-write/{name}": text for name, text in files.items()}


def chart(folder):
    values = parse(block("# edge-1.yaml").replace("REGISTRY", "registry.example.org"))[0]
    command = block("kubectl create namespace edgemeter")
    objects, _ = helm(values)
    container = find(objects, "DaemonSet")["spec"]["template"]["spec"]["containers"][0]
    equal("image", container["image"], "registry.example.org/edgemeter:0.1.0")
    name = re.search(r"secret generic (\S+)", command).group(1)
    files = {}
    for argument in re.findall(r"--from-file=(\S+)", command):
        key, _, file = argument.rpartition("=")
        with open(f"{folder}/{file}") as source:
            files[f"/etc/edgemeter-secrets/{name}/{key or file}"] = source.read()
    return configuration(objects), files


def start_ingress(cluster, prometheus, folder):
    """What ingress-nginx makes of the Ingress in the values."""
    values = parse(read("global/values-kube-prometheus-stack.yaml"))[0]["prometheus"]
    true("the receiver is on", values["prometheusSpec"]["enableRemoteWriteReceiver"])
    ingress = values["ingress"]
    equal("host", (ingress["hosts"], ingress["tls"][0]["hosts"]), ([HOST], [HOST]))
    annotations = {key.rpartition("/")[2]: value for key, value in ingress["annotations"].items()}
    equal("client certificates", annotations["auth-tls-verify-client"], "on")
    commands = block("kubectl create namespace monitoring")
    for secret in (ingress["tls"][0]["secretName"], annotations["auth-tls-secret"].split("/")[1]):
        true(f"the page makes the Secret {secret}", f" {secret} " in commands)
    port = free_port()
    (path,) = ingress["paths"]
    settings = {"body": annotations["proxy-body-size"], "path": path, "prometheus": prometheus.url}
    config = cluster.write("nginx.conf", INGRESS.format(folder=folder, port=port, host=HOST, **settings))
    nginx = cluster.start(Process, "ingress", ["nginx", "-p", folder, "-e", "stderr", "-c", config], metered=False)
    nginx.wait_ready("its pid", lambda: os.path.exists(f"{folder}/nginx.pid"))
    return port


def start_agent(cluster, name, config, files, port):
    """As the pod would, but for the host's address, the pods to scrape and the folder of the Secret."""
    exporter = cluster.start_exporter()
    config = {**config, "scrape_configs": parse(node_job(exporter, "1s"))[0]}
    config.pop("http_metrics")
    (remote,) = config["remote_write"]
    equal("url", remote["url"], f"https://{HOST}/api/v1/write")
    remote["url"] = f"https://127.0.0.1:{port}/api/v1/write"
    remote["tls_config"]["server_name"] = HOST
    text = json.dumps(config)
    for path, content in files.items():
        true(f"{path} is used", path in text)
        text = text.replace(path, cluster.write(f"{name}-{os.path.basename(path)}", content))
    flags = [f"--config.file={cluster.write(name + '.yml', text)}", "--web.listen-address=127.0.0.1:0"]
    agent = cluster.start(Agent, name, [EDGEMETER, *flags], metered=False)
    agent.wait_up()
    return agent


def arrives(name, render):
    with Cluster(name) as cluster:
        folder = cluster.path("tutorial")
        os.makedirs(folder)
        make_certificates(folder)
        prometheus = cluster.start_prometheus()
        port = start_ingress(cluster, prometheus, folder)
        config, files = render(folder)
        start_agent(cluster, name, config, files, port)
        wait_until("its samples", lambda: prometheus.query('up{cluster="edge-1",job="node"} == 1'), 60)
        for what, path in (("no certificate", "/api/v1/write"), ("another path", "/graph")):
            true(f"{what}: refused", refused(folder, port, path, path == "/graph"))


def refused(folder, port, path, with_certificate):
    """The Ingress' answer is an error."""
    argv = ["curl", "-s", "-o", os.devnull, "-w", "%{http_code}", "--cacert", f"{folder}/ca.crt"]
    argv += ["--resolve", f"{HOST}:{port}:127.0.0.1", f"https://{HOST}:{port}{path}"]
    if with_certificate:
        argv += ["--cert", f"{folder}/edge-1.crt", "--key", f"{folder}/edge-1.key"]
    return subprocess.run(argv, capture_output=True, text=True).stdout in ("400", "404")


def test_kustomize():
    arrives("tutorial-kustomize", overlay)


def test_helm():
    arrives("tutorial-helm", chart)


def test_files_are_there():
    """What the page names of this repository exists."""
    with open(os.path.join(ROOT, "docs/tutorial.md")) as file:
        text = file.read()
    for path in re.findall(r"(?<![\w/.-])((?:deploy|tools)/[\w./-]*\w)", text):
        made = path.startswith(("deploy/kubernetes/overlays/edge-1",))
        true(path, made or os.path.exists(os.path.join(ROOT, path)))


if __name__ == "__main__":
    run(test_kustomize, test_helm, test_files_are_there, metered=False)
