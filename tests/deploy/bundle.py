# SPDX-License-Identifier: Apache-2.0
"""What a kubelet and its runtime make of a container of a manifest: a bundle for runc, with the image's
root, the manifest's user, capabilities, seccomp profile and mounts. Runs nothing."""

import gzip
import io
import json
import os
import re
import tarfile

from manifests import fetch

# What a runtime mounts into every container, and hides of it unless it is privileged.
MOUNTS = [
    ("/proc", "proc", "proc", ["nosuid", "noexec", "nodev"]),
    ("/dev", "tmpfs", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
    ("/dev/shm", "tmpfs", "shm", ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]),
    ("/sys", "sysfs", "sysfs", ["nosuid", "noexec", "nodev", "ro"]),
]
MASKED = [
    "/proc/acpi",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/sched_debug",
    "/sys/firmware",
]
READ_ONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
NAMES = (
    "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE "
    "NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT "
    "SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE "
    "AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ "
    "PERFMON BPF CHECKPOINT_RESTORE"
).split()


def unpack_image(archive, folder):
    """The root of the first image in an OCI archive; its configuration."""
    with tarfile.open(archive) as layout:

        def blob(descriptor):
            return layout.extractfile("blobs/" + descriptor["digest"].replace(":", "/")).read()

        index = json.load(layout.extractfile("index.json"))
        manifest = json.loads(blob(index["manifests"][0]))
        while "manifests" in manifest:
            manifest = json.loads(blob(manifest["manifests"][0]))
        for layer in manifest["layers"]:
            with tarfile.open(fileobj=io.BytesIO(gzip.decompress(blob(layer)))) as files:
                files.extractall(folder)
        return json.loads(blob(manifest["config"]))["config"]


def default_seccomp(capabilities):
    """RuntimeDefault for a container with these capabilities, in the form that runc takes."""
    with open(fetch("seccomp.json")) as file:
        profile = json.load(file)
    names = {"CAP_" + name for name in capabilities}

    def applies(rule):
        includes, excludes = rule.get("includes") or {}, rule.get("excludes") or {}
        return (
            set(includes.get("caps") or []) <= names
            and (not includes.get("arches") or "amd64" in includes["arches"])
            and not set(excludes.get("caps") or []) & names
            and "amd64" not in (excludes.get("arches") or [])
        )

    keys = ("names", "action", "errnoRet", "args")
    return {
        "defaultAction": profile["defaultAction"],
        "defaultErrnoRet": profile["defaultErrnoRet"],
        "architectures": ["SCMP_ARCH_X86_64"],
        "syscalls": [
            {key: rule[key] for key in keys if key in rule} for rule in profile["syscalls"] if applies(rule)
        ],
    }


def every_capability():
    """All that this machine has to give."""
    with open("/proc/self/status") as file:
        bounding = int(re.search(r"^CapBnd:\s+(\w+)$", file.read(), re.M).group(1), 16)
    return [name for number, name in enumerate(NAMES) if bounding & 1 << number]


def mask(names):
    return sum(1 << NAMES.index(name) for name in names)


def mount_of(volume, mount, folders):
    """`folders`: what stands for the volume's source on this machine, by its name."""
    source = folders[volume["name"]]
    options = ["rbind", "rprivate", "ro" if mount.get("readOnly") else "rw"]
    return {"destination": mount["mountPath"], "type": "bind", "source": source, "options": options}


def spec(pod, image, root, folders, without=(), every=NAMES):
    """runc's config.json for the only container of a pod's specification; `every`: what a privileged one gets."""
    (container,) = pod["containers"]
    context = {**pod.get("securityContext", {}), **container.get("securityContext", {})}
    privileged = context.get("privileged", False)
    if privileged:
        names = every
    else:
        assert context["capabilities"]["drop"] == ["ALL"]
        names = [name for name in context["capabilities"].get("add", []) if name not in without]
    capabilities = ["CAP_" + name for name in names]
    user, group = image["User"].split(":")
    user, group = int(context.get("runAsUser", user)), int(context.get("runAsGroup", group))
    # A user other than root gets none of them: Kubernetes knows no ambient capabilities.
    held = capabilities if user == 0 else []
    volumes = {volume["name"]: volume for volume in pod.get("volumes", [])}
    environment = [f"{e['name']}={e.get('value', 'edge-1')}" for e in container.get("env", [])]
    out = {
        "ociVersion": "1.0.2",
        "process": {
            "terminal": False,
            "user": {"uid": user, "gid": group},
            "args": [*image["Entrypoint"], *container["args"]],
            "env": ["PATH=/usr/bin:/bin", *environment],
            "cwd": "/",
            "capabilities": {
                "bounding": capabilities,
                "permitted": held,
                "effective": held,
                "inheritable": [],
                "ambient": [],
            },
            "noNewPrivileges": not context.get("allowPrivilegeEscalation", True),
        },
        "root": {"path": root, "readonly": context.get("readOnlyRootFilesystem", False)},
        "hostname": "edgemeter",
        "mounts": [
            {"destination": place, "type": kind, "source": source, "options": options}
            for place, kind, source, options in MOUNTS
        ]
        + [mount_of(volumes[mount["name"]], mount, folders) for mount in container.get("volumeMounts", [])],
        "linux": {
            "namespaces": [{"type": kind} for kind in ("pid", "ipc", "uts", "mount", "network")],
            "resources": {"devices": [{"allow": privileged, "access": "rwm"}]},
        },
    }
    if not privileged:
        out["linux"] |= {"maskedPaths": MASKED, "readonlyPaths": READ_ONLY}
    if context.get("seccompProfile", {}).get("type") == "RuntimeDefault":
        out["linux"]["seccomp"] = default_seccomp(names)
    return out


def write(folder, config):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "config.json"), "w") as file:
        json.dump(config, file)
