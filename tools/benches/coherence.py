"""COHERENCE: near caches under a replayed trace, beside caches with a time to live and the clairvoyant bound (docs/replay.md).

Three nodes (database, storage, queue) as processes of their own; all client nodes in the driver's process, over real links."""
import json
import os
import shutil
import subprocess
import tempfile

from .common import DUNLIN, ROOT, stop

REPLAY = os.path.join(ROOT, "build/release/apps/replay/dunlin-replay")
TYPES = ("user", "bucket", "policy", "object")


class Servers:
    """n1 to n3 run; clients c1, c2 … are in the file, for a driver to run."""

    def __init__(self, base_port, clients, values, extra="", plain=False, servers=3):
        self.folder = tempfile.mkdtemp(prefix="dunlin-bench-")
        self.file = os.path.join(self.folder, "bench.toml")
        self.servers = [f"n{i + 1}" for i in range(servers)]
        self.clients = [f"c{i + 1}" for i in range(clients)]
        lines = ["[cluster]", 'name = "bench"', 'folder = "data"', f"plain_transport = {str(plain).lower()}",
                 "[objects]", "replica_sets = 1", f"replicas = {servers}", f"write_quorum = {servers // 2 + 1}",
                 "[metadata]", f"replicas = {servers}"]
        for name in TYPES:
            lines += [f"[cache.{name}]", 'mode = "bounded"', f"values = {str(values).lower()}"]
        lines.append(extra)
        for i, name in enumerate(self.servers + self.clients):
            roles = '["database", "storage", "queue"]' if name in self.servers else '["access"]'
            port = base_port + 4 * i
            lines += ["[[node]]", f'name = "{name}"', f"roles = {roles}", f'control = "127.0.0.1:{port}"',
                      f'bulk = "127.0.0.1:{port + 1}"', f'admin = "127.0.0.1:{port + 2}"']
            if name in self.clients:
                lines.append(f's3 = "127.0.0.1:{port + 3}"')
        with open(self.file, "w", encoding="utf-8") as out:
            out.write("\n".join(lines) + "\n")
        self.processes = []

    def __enter__(self):
        subprocess.run([DUNLIN, "init", self.file], check=True, stdout=subprocess.DEVNULL)
        self.log = open(os.path.join(self.folder, "log"), "wb")
        for name in self.servers:
            self.processes.append(subprocess.Popen([DUNLIN, "node", self.file, name], stdout=self.log, stderr=self.log))
        return self

    def __exit__(self, *_):
        for process in self.processes:
            stop(process)
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def replay(self, *words, timeout=600):
        run = subprocess.run([REPLAY, self.file, "--clients", ",".join(self.clients), *map(str, words)], capture_output=True,
                             text=True, check=False, timeout=timeout)
        if not run.stdout:
            return None, run.stderr.strip()[-300:]
        made = json.loads(run.stdout.splitlines()[-1])
        return made, made["run"]["went"]["gave_up"] if made["run"] else ""
