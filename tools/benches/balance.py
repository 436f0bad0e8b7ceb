"""How evenly long-lived connections lie, beside HAProxy on the same trace (B1 to B11). What is printed is explained in docs/testing.md."""
import json
import os
import signal
import socket
import statistics
import subprocess
import tempfile
import time
from collections import Counter

from .common import ROOT, figure, guarded, install, stop
from .fleet import DATABASE, Fleet, wait_for

DRIVER = os.path.join(ROOT, "build/release/apps/bench/dunlin-balance")
CAPACITIES = [1, 1, 1, 1, 1.5, 1.5, 0.5, 0.5]
NAMES = [f"a{i + 1}" for i in range(len(CAPACITIES) + 1)]  # the last one, of capacity 1, is added while it runs
SEEDS = (2, 3, 6)
UNITS = 1000  # declared by the load of a unit node in a second

HAPROXY = """global
  maxconn 8000
  nbthread 1
  stats socket {socket} level admin
defaults
  mode tcp
  timeout connect 2s
  timeout client 1h
  timeout server 1h
frontend clients
  bind 127.0.0.1:{port}
  default_backend nodes
backend nodes
  balance leastconn
  option redispatch
  retries 3
{servers}
"""


class Haproxy:
    """HAProxy in tcp mode before sinks that stand in for access nodes."""

    def __init__(self, base, weighted):
        self.folder = tempfile.mkdtemp(prefix="dunlin-haproxy-")
        self.base, self.sinks, self.ports, self.path, self.headers = base, {}, [base], "/", []
        for index in range(len(NAMES)):
            self.start(index)
        lines = []
        for index, name in enumerate(NAMES):
            weight = int(100 * (CAPACITIES + [1])[index]) if weighted else 100
            lines.append(f"  server {name} 127.0.0.1:{base + 1 + index} weight {weight} check inter 1s fall 1 rise 1"
                         + (" disabled" if index == len(CAPACITIES) else ""))
        config = os.path.join(self.folder, "config")
        with open(config, "w", encoding="utf-8") as out:
            out.write(HAPROXY.format(socket=self.folder + "/socket", port=base, servers="\n".join(lines)))
        self.process = subprocess.Popen(["haproxy", "-db", "-f", config], stderr=subprocess.DEVNULL)
        wait_for(base)

    def start(self, index):
        self.sinks[index] = subprocess.Popen([DRIVER, "sink", "--port", str(self.base + 1 + index), "--name", NAMES[index]])
        wait_for(self.base + 1 + index)

    def event(self, words):
        if words[0] == "add":
            with socket.socket(socket.AF_UNIX) as admin:
                admin.connect(self.folder + "/socket")
                admin.sendall(f"set server nodes/{NAMES[-1]} state ready\n".encode())
                admin.recv(999)
        elif words[0] == "kill":
            self.sinks[0].kill()
            self.sinks[0].wait()
        elif words[0] == "back":
            self.start(0)

    def close(self):
        stop(self.process)
        for sink in self.sinks.values():
            stop(sink)


def drive(system, seed, seconds, compress, load=0.7, connections=1000):
    """The driver's figures; events are handed to the system when it says so."""
    process = subprocess.Popen(
        [DRIVER, "drive", "--target", ",".join(map(str, system.ports)), "--path", system.path, "--names", ",".join(NAMES),
         "--capacities", ",".join(map(str, CAPACITIES)), "--seconds", str(seconds), "--compress", str(compress),
         *system.headers, "--load", str(load), "--units", str(UNITS), "--seed", str(seed), "--connections", str(connections)],
        stdout=subprocess.PIPE, text=True)
    try:
        for line in process.stdout:
            if line.startswith("event "):
                system.event(line.split()[1:])
            else:
                return json.loads(line)
    finally:
        stop(process)
    raise RuntimeError("the driver said nothing")


def valid(one):
    """The notes' rule: a run at another load, or of a driver that was held up itself, says nothing."""
    return 0.67 <= one["mean_util"] <= 0.73 and one["operation_p99_ms"] <= 250


def medians(runs):
    good = [one for one in runs if valid(one)]
    if not good:
        return None
    return {key: statistics.median(one[key] for one in good) for key, value in good[0].items() if isinstance(value, (int, float))}


# All times of balancing, divided by what the trace is compressed by. A request of each connection comes every two seconds, so load is
# sampled no more often than that.
def settings(compress, literal=False):
    raise NotImplementedError


class Dunlin(Fleet):
    """Three balancers and access nodes of unequal capacity, the last one added while it runs."""

    def __init__(self, base, compress, literal=False):
        nodes = [(f"d{i + 1}", [*DATABASE, "balancer"], None) for i in range(3)]
        nodes += [(name, ["access"], capacity) for name, capacity in zip(NAMES, CAPACITIES + [1])]
        super().__init__(base, nodes, settings(compress, literal), later=NAMES[-1:])
        self.counted = None

    def event(self, words):
        if words[0] == "add":
            self.add(NAMES[-1])
        elif words[0] == "kill":
            self.kill(NAMES[0])
        elif words[0] == "back":
            self.start(NAMES[0])
        elif words[0] == "count":
            self.counted = (int(words[1]), self.balance())
