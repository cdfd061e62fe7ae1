#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`make image`: an OCI archive that has all that the program needs and no more, and is the same each time.
test_least_privilege runs it."""

import functools
import hashlib
import json
import os
import shutil
import subprocess
import tarfile
import tempfile

import manifests  # first: it finds the other modules
import bundle
from checks import equal, run, true
from cluster import BUILD, EDGEMETER, ROOT

BUILDER = os.path.join(ROOT, "deploy/image/build")


def build(folder):
    path = os.path.join(folder, "image.tar")
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}
    subprocess.run([BUILDER, path, "1.2.3", EDGEMETER], env=environment, cwd=ROOT, check=True)
    return path


@functools.cache
def image():
    folder = os.path.join(BUILD, "tests", "deploy")
    os.makedirs(folder, exist_ok=True)
    return build(folder)


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def test_layout():
    path = image()
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(path) as layout:
            names = layout.getnames()
            for name in names:
                if name.startswith("blobs/sha256/"):
                    content = layout.extractfile(name).read()
                    equal("a blob's name", os.path.basename(name), hashlib.sha256(content).hexdigest())
            equal("oci-layout", json.load(layout.extractfile("oci-layout")), {"imageLayoutVersion": "1.0.0"})
            (entry,) = json.load(layout.extractfile("index.json"))["manifests"]
            true("its manifest is there", "blobs/" + entry["digest"].replace(":", "/") in names)
            (docker,) = json.load(layout.extractfile("manifest.json"))
            true("docker's are too", {docker["Config"], *docker["Layers"]} <= set(names))
            equal("tag", docker["RepoTags"], ["edgemeter:1.2.3"])
        config = bundle.unpack_image(path, os.path.join(folder, "root"))
        equal("user", config["User"], "65532:65532")
        equal("entry point", config["Entrypoint"], ["/usr/bin/edgemeter"])
        equal("version", config["Labels"]["org.opencontainers.image.version"], "1.2.3")


def test_root():
    with tempfile.TemporaryDirectory() as folder:
        root, path = os.path.join(folder, "root"), image()
        bundle.unpack_image(path, root)
        files = [os.path.join(f, n) for f, _, names in os.walk(root) for n in names]
        size = sum(os.path.getsize(f) for f in files)
        print(f"    {len(files)} files, {size / 1e6:.1f} MB, {os.path.getsize(path) / 1e6:.1f} MB packed")
        true("it is small", size < 40e6)
        equal("files that give rights", [f for f in files if os.stat(f).st_mode & 0o6022], [])
        for program in ("sh", "bash", "busybox"):
            true(f"no {program}", not any(os.path.basename(f) == program for f in files))
        if os.geteuid() == 0:
            done = subprocess.run(["chroot", root, "/usr/bin/edgemeter", "--version"], capture_output=True, text=True)
            equal("--version in it", (done.returncode, done.stderr), (0, ""))
        licences = os.listdir(os.path.join(root, "usr/share/doc"))
        true(f"licences of {len(licences)} packages", {"edgemeter", "libcurl4", "libc6"} <= set(licences))


def test_same_bytes():
    with tempfile.TemporaryDirectory() as folder:
        equal("built again", digest(build(folder)), digest(image()))


def test_same_program_from_another_folder():
    """The program itself does not depend on where it is built."""
    if not os.environ.get("FULL"):
        print("    the program alone: FULL=1 builds it in another folder")
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = os.path.join(folder, "copy")
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns("build", ".git"))
        subprocess.run(["make", "-s", "-C", copy, "build"], check=True)
        stripped = []
        for program in (EDGEMETER, os.path.join(copy, "build/edgemeter")):
            out = os.path.join(folder, "stripped")
            subprocess.run(["strip", "--remove-section=.note.gnu.build-id", "-o", out, program], check=True)
            stripped.append(digest(out))
        equal("the program", stripped[1], stripped[0])


if __name__ == "__main__":
    run(test_layout, test_root, test_same_bytes, test_same_program_from_another_folder, metered=False)
