"""A Dunlin cluster of many processes for the balance bench. Nodes are started one by one, so that some can be killed and stay dead, and
others come later."""
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from .common import DUNLIN, stop
from .s3 import signed_headers


def wait_for(port, seconds=30):
    for _ in range(int(seconds * 20)):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"nobody listens at port {port}")


DATABASE = ["database", "storage", "queue"]


class Fleet:
    """`nodes`: (name, roles, capacity or None) of each; those of `later` are started by hand. `extra`: more of the topology file."""

    def __init__(self, base, nodes, extra="", later=(), secure=None, object_bytes=64):
        self.folder = tempfile.mkdtemp(prefix="dunlin-fleet-")
        self.file = os.path.join(self.folder, "fleet.toml")
        self.base, self.nodes, self.extra, self.secure = base, list(nodes), extra, secure
        self.processes, self.addresses, self.path = {}, {}, "/fleet/object"
        try:
            self.write([name for name, _, _ in self.nodes if name not in later])
            self.run("init", self.file)
            for name in list(self.addresses):
                self.start(name)
            for name in self.addresses:
                self.wait_ready(name)
            self.ports = [place["balancer"] for place in self.addresses.values() if "balancer" in place]
            self.credentials = self.read_credentials()
            self.store("/fleet")
            self.store(self.path, b"x" * object_bytes)
            self.headers = ["--headers", self.sign(self.path)]
        except Exception:
            self.close()
            raise

    def write(self, names):
        """The topology file with these nodes; the others keep their ports."""
        replicas = sum("database" in roles for _, roles, _ in self.nodes)
        lines = ["[cluster]", 'name = "fleet"', 'folder = "data"', "[metadata]", f"replicas = {replicas}", "[objects]", f"replicas = {replicas}"]
        if self.secure:
            lines += ["[s3]", f'certificate = "{self.secure[0]}"', f'key = "{self.secure[1]}"']
        lines += [self.extra]
        for index, (name, roles, capacity) in enumerate(self.nodes):
            if name not in names:
                continue
            keys = ["control", "bulk", "admin"] + (["leg", "s3"] if "access" in roles else []) + (["balancer"] if "balancer" in roles else [])
            place = {key: self.base + 10 * index + offset for offset, key in enumerate(keys)}
            self.addresses[name] = place
            lines += ["[[node]]", f'name = "{name}"', f"roles = {json.dumps(roles)}"]
            lines += [f"{key} = \"127.0.0.1:{at}\"" for key, at in place.items()]
            lines += [f"capacity = {capacity}"] if capacity else []
        with open(self.file, "w", encoding="utf-8") as out:
            out.write("\n".join(lines) + "\n")

    def run(self, *words, check=True):
        done = subprocess.run([DUNLIN, *words], capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise RuntimeError(f"dunlin {' '.join(words)}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def start(self, name):
        with open(os.path.join(self.folder, f"{name}.log"), "ab") as log:
            self.processes[name] = subprocess.Popen([DUNLIN, "node", self.file, name], stdout=log, stderr=log)

    def wait_ready(self, name, seconds=60):
        import http.client
        for _ in range(seconds * 10):
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.addresses[name]["admin"], timeout=5)
                connection.request("GET", "/health/ready")
                if connection.getresponse().status == 200:
                    return
            except OSError:
                pass
            if self.processes[name].poll() is not None:
                raise RuntimeError(f"{name} ended: " + open(os.path.join(self.folder, f"{name}.log"), encoding="utf-8").read()[-500:])
            time.sleep(0.1)
        raise RuntimeError(f"{name} is not ready")

    def read_credentials(self):
        text = self.run("env", self.file)
        return dict(word.split("=", 1) for word in text.split() if "=" in word)

    def scheme(self):
        return "https" if self.secure else "http"

    def signed(self, method, path, body=b""):
        port = self.ports[0]
        return signed_headers(self.credentials, method, f"{self.scheme()}://127.0.0.1:{port}{path}", body)

    def sign(self, path):
        file = os.path.join(self.folder, "headers")
        headers = self.signed("GET", path)
        headers["Host"] = f"127.0.0.1:{self.ports[0]}"
        with open(file, "w", encoding="utf-8") as out:
            out.write("\n".join(f"{key}: {value}" for key, value in headers.items()) + "\n")
        return file

    def store(self, path, body=b""):
        import http.client
        import ssl
        where = ("127.0.0.1", self.ports[0])
        for attempt in range(40):
            if self.secure:
                connection = http.client.HTTPSConnection(*where, timeout=30, context=ssl._create_unverified_context())
            else:
                connection = http.client.HTTPConnection(*where, timeout=30)
            connection.request("PUT", path, body=body, headers=self.signed("PUT", path, body))
            answer = connection.getresponse()
            said = answer.read()
            if answer.status == 200:
                return
            time.sleep(0.5)
        raise RuntimeError(f"PUT {path}: {answer.status} {said[:200]}")

    def balance(self):
        return json.loads(self.run("balance", self.file, "--json"))

    def kill(self, name):
        self.processes[name].send_signal(signal.SIGKILL)
        self.processes[name].wait()

    def add(self, name):
        """A node that no running one has heard of."""
        self.write([*self.addresses, name])
        self.run("apply", self.file)
        self.start(name)

    def close(self):
        for process in self.processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
        for process in self.processes.values():
            stop(process)
        shutil.rmtree(self.folder, ignore_errors=True)
