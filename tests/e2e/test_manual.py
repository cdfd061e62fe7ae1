#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""--help of each command, the manual pages and the completions of three shells have the same flags;
edgemeter.yml(5) has every key that the configuration takes."""

import glob
import os
import re
import subprocess

import cluster as clusters
from checks import equal, run, true
from cluster import require_programs

ROOT = clusters.ROOT
COMMANDS = ("", "check-config", "queue", "top")
PAGES = ("share/man/edgemeter.1", "share/man/edgemeter.yml.5")
# Keys of tables that no file of ours has: kubeconfig's, and what stands for others.
FOREIGN_FILES = ("config_kubeconfig.c", "config_print.c")
FOREIGN_KINDS = ("CONFIG_FOREIGN", "CONFIG_UNBUILT")


def output(*argv, env=None):
    environment = {**os.environ, "LC_ALL": "C.UTF-8", **(env or {})}  # bash says when it lacks a locale
    result = subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    if result.returncode or result.stderr:
        raise AssertionError(f"{' '.join(argv)}: status {result.returncode}\n{result.stdout}{result.stderr}")
    return result.stdout


def read(path):
    with open(os.path.join(ROOT, path)) as file:
        return file.read()


def flags_of(command):
    text = output(clusters.EDGEMETER, *([command] if command else []), "--help")
    flags = set(re.findall(r"^  (?:-h, )?(--[a-z.-]+)", text, re.MULTILINE))
    true(f"--help of edgemeter {command}: {len(flags)} flags", "--help" in flags and len(flags) > 1)
    return flags


def test_flags_are_known_everywhere():
    require_programs("mandoc")
    page = re.sub(r".\x08", "", output("mandoc", "-T", "ascii", PAGES[0]))
    for command in COMMANDS:
        for flag in sorted(flags_of(command)):
            true(f"edgemeter(1) has {flag}", re.search(rf"(?<![\w.-]){re.escape(flag)}(?![\w-])", page))


def bash_offers(*words):
    script = (
        ". share/completions/edgemeter.bash; COMP_WORDS=(edgemeter \"$@\"); COMP_CWORD=$#; _edgemeter;"
        ' printf "%s\\n" "${COMPREPLY[@]}"'
    )
    lines = output("bash", "-c", script, "bash", *words).split()
    return {line.rstrip("=") for line in lines}


def test_bash():
    for command in COMMANDS:
        words = [command] if command else []
        equal(f"after edgemeter {command}", bash_offers(*words, "--"), flags_of(command))
    equal("commands", bash_offers("") & set(COMMANDS), set(COMMANDS[1:]))
    equal("values", bash_offers("--log.level", "=", "w"), {"warn"})
    equal("values of top", bash_offers("top", "--role", "="), {"server", "client"})


def test_fish():
    require_programs("fish")
    script = "share/completions/edgemeter.fish"

    def offers(line):
        found = output("fish", "--no-config", "-c", f"source {script}; complete -C '{line}'", env={"HOME": "/tmp"})
        return {entry.split("\t")[0].rstrip("=") for entry in found.splitlines()}

    for command in COMMANDS:
        line = f"edgemeter {command} --".replace("  ", " ")
        equal(f"after {line}", offers(line), flags_of(command))
    equal("values", offers("edgemeter --log.level="), {f"--log.level={v}" for v in ("debug", "info", "warn", "error")})


def test_zsh():
    require_programs("zsh")
    path = "share/completions/edgemeter.zsh"
    output("zsh", "-n", path)
    text = read(path)
    sections = dict(re.findall(r"^(check-config|queue|top|\*)\)\n(.*?)^    ;;", text, re.MULTILINE | re.DOTALL))
    for command in COMMANDS:
        found = set(re.findall(r"'(--[a-z.-]+)", sections[command or "*"]))
        equal(f"for edgemeter {command}", found, flags_of(command))


def test_manual_pages_are_clean():
    require_programs("mandoc")
    for page in PAGES:
        lint = subprocess.run(["mandoc", "-T", "lint", "-W", "style", page], cwd=ROOT, capture_output=True, text=True)
        # Whether other pages are installed is not this page's business.
        told = [line for line in (lint.stdout + lint.stderr).splitlines() if "referenced manual" not in line and "mandoc.db" not in line]
        equal(f"mandoc of {page}", told, [])


def test_every_key_is_in_the_manual():
    require_programs("mandoc")
    page = re.sub(r".\x08", "", output("mandoc", "-T", "ascii", PAGES[1]))
    keys = set()
    for path in glob.glob(os.path.join(ROOT, "userspace/config/*.c")):
        if os.path.basename(path) in FOREIGN_FILES:
            continue
        with open(path) as file:
            for key, kind in re.findall(r'\{\s*"([a-z_0-9]+)",\s*(CONFIG_[A-Z0-9]+)', file.read()):
                if kind not in FOREIGN_KINDS:
                    keys.add(key)
    true(f"{len(keys)} keys in the tables", len(keys) > 100)
    missing = sorted(key for key in keys if not re.search(rf"(?<![\w]){key}(?!\w)", page))
    equal("keys that edgemeter.yml(5) does not have", missing, [])


def test_install():
    with clusters.Cluster("manual") as cluster:
        subprocess.run(
            ["make", "-s", "install", f"BUILD={os.environ.get('BUILD') or 'build'}", "-o", "build", f"DESTDIR={cluster.path('root')}", "PREFIX=/usr"],
            cwd=ROOT, check=True, timeout=120,
        )
        for path in (
            "bin/edgemeter",
            "share/man/man1/edgemeter.1",
            "share/man/man5/edgemeter.yml.5",
            "share/bash-completion/completions/edgemeter",
            "share/zsh/site-functions/_edgemeter",
            "share/fish/vendor_completions.d/edgemeter.fish",
        ):
            true(f"installed: {path}", os.path.getsize(cluster.path("root/usr", path)) > 100)


if __name__ == "__main__":
    run(
        test_flags_are_known_everywhere,
        test_bash,
        test_fish,
        test_zsh,
        test_manual_pages_are_clean,
        test_every_key_is_in_the_manual,
        test_install,
        metered=False,
    )
