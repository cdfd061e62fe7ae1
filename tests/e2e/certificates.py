# SPDX-License-Identifier: Apache-2.0
"""A certificate authority for one test, with certificates whose last second is chosen. Needs the
openssl program."""

import datetime
import os
import shutil
import subprocess
import time

from cluster import require_programs

CONFIG = """[ca]
default_ca = this
[this]
database = {folder}/index
new_certs_dir = {folder}
serial = {folder}/serial
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
"""


class Authority:
    def __init__(self, folder):
        require_programs("openssl")
        self.folder = folder
        os.makedirs(folder)
        self.certificate = self._path("ca.pem")
        self._write("config", CONFIG.format(folder=folder))
        self._write("index", "")
        self._write("serial", "01\n")
        self._openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test",
                      "-keyout", self._path("ca.key"), "-out", self.certificate, "-days", "2")

    def _path(self, name):
        return os.path.join(self.folder, name)

    def _write(self, name, text):
        with open(self._path(name), "w") as file:
            file.write(text)

    def _openssl(self, *arguments):
        done = subprocess.run(["openssl", *arguments], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"openssl {' '.join(arguments)}: {done.stderr}")

    def issue(self, name, seconds=3600, names="DNS:localhost,IP:127.0.0.1,IP:::1", usage=None):
        """NAME.pem and NAME.key, good for these names, for so long from now and for that usage (None:
        any); replaces those of before at once. Their paths."""
        moment = datetime.datetime.fromtimestamp(time.time() + seconds, datetime.timezone.utc)
        new = self._path("new")
        self._openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}",
                      "-addext", "subjectAltName=" + names,
                      *(("-addext", "extendedKeyUsage=" + usage) if usage else ()),
                      "-keyout", new + ".key", "-out", new + ".csr")
        self._openssl("ca", "-batch", "-notext", "-config", self._path("config"),
                      "-cert", self.certificate, "-keyfile", self._path("ca.key"),
                      "-startdate", "20200101000000Z",
                      "-enddate", moment.strftime("%Y%m%d%H%M%SZ"),
                      "-in", new + ".csr", "-out", new + ".pem")
        for kind in (".key", ".pem"):
            shutil.move(new + kind, self._path(name + kind))
        return self._path(name + ".pem"), self._path(name + ".key")
