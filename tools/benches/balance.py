"""How evenly long-lived connections lie, beside HAProxy on the same trace (B1 to B11). What is printed is explained in docs/testing.md."""
import json
import os
import socket
import statistics
import subprocess
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from . import through
from .common import ROOT, figure, guarded, install, show, stop
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


# All times of balancing, divided by what the trace is compressed by.
def settings(compress, literal=False):
    def time(seconds):
        return f'"{max(1, round(1000 * seconds / compress))}ms"'
    mode = 'mode = "patent"\n' if literal else ""
    return f"""[balance]
{mode}[balance.load]
declared = true
declared_rate = {UNITS}
sample_interval = {time(5)}
history = {time(900 if literal else 60)}
[balance.peers]
exchange = {time(10)}
stale_after = {time(30)}
[balance.rebalance]
interval_min = {time(600 if literal else 10)}
age_min = {time(60)}
demand_history = {time(300)}
cool_down = {time(900)}
refusal = {time(600 if literal else 120)}
"""


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


TITLES = [  # figure, key, unit, target, is it met
    ("max/mean of utilisation", "max_mean", "", "<=1.15", lambda v: v <= 1.15),
    ("max/mean, p95 over time", "max_mean_p95", "", "<=1.30", lambda v: v <= 1.30),
    ("p99 of utilisation", "p99_util", "", "<=0.97", lambda v: v <= 0.97),
    ("time of access nodes in overload", "overload", "", "<=0.006", lambda v: v <= 0.006),
    ("connects that failed", "connect_failures", "", "0", lambda v: v == 0),
    ("closes per connection-hour", "closes_per_connection_hour", "", "<=0.15", lambda v: v <= 0.15),
    ("new access node at 80 % of the mean", "add_minutes", "min", "<=10", lambda v: 0 < v <= 10),
    ("connections moved for it", "add_part", "", "<=0.03", lambda v: v <= 0.03),
    ("killed access node: clients back, p99", "return_p99_ms", "ms", "<=3000", lambda v: v <= 3000),
    ("answer across a move, p99", "move_p99_ms", "ms", "<=100", lambda v: v <= 100),
    ("clients moved twice in 15 min", "moved_twice", "", "0", lambda v: v == 0),
    ("connections lost by the kill", "lost_by_kill", "", None, None),
    ("connections lost but by the kill", "lost_otherwise", "", "0", lambda v: v == 0),
    ("mean utilisation", "mean_util", "", None, None),
    ("operations, p99", "operation_p99_ms", "ms", None, None),
]


def take(make, seeds, seconds, compress, name):
    """All seeds on fresh systems; what each gave is shown at once."""
    runs = []
    for seed in seeds:
        system = make()
        try:
            one = drive(system, seed, seconds, compress)
            one["add_part"] = one["add_closes"] / max(1, one["population"])
            one.update(inside(system))
        finally:
            system.close()
        one["seed"] = seed
        print(f"# {name}, seed {seed}{'' if valid(one) else ' (invalid)'}: {json.dumps(one)}", flush=True)
        runs.append(one)
    return runs


def inside(system):
    """What the cluster says of itself, to compare: attempts of a connect, and connections that nobody has."""
    if not getattr(system, "counted", None):
        return {}
    outside, status = system.counted
    balancers = [node["balancer"] for node in status["nodes"] if node.get("balancer")]
    admissions = [node["admission"] for node in status["nodes"] if node.get("admission")]
    histogram = Counter()
    for one in balancers:
        for attempt, times in enumerate(one["attempts"], 1):
            histogram[attempt] += times
    connects = sum(histogram.values())
    return {"attempts": sum(a * n for a, n in histogram.items()) / max(1, connects), "attempts_histogram": dict(histogram),
            "lines": sum(one["lines"] for one in balancers), "legs": sum(one["own"]["connections"] for one in admissions), "clients": outside}


def figures_of(ours, weighted, unweighted, conditions):
    middle = {name: medians(runs) for name, runs in (("Dunlin", ours), ("weighted", weighted), ("unweighted", unweighted))}
    if not middle["Dunlin"]:
        raise RuntimeError("no valid run: mean utilisation or the driver's own delay out of bounds")
    figures = []
    for title, key, unit, target, met in TITLES:
        value = middle["Dunlin"][key]
        beside = ", ".join(f"HAProxy leastconn {name} {middle[name][key]:.4g}" for name in ("weighted", "unweighted") if middle[name])
        figures.append(figure(title, float(value), unit, target, met and met(value), f"{beside}; {conditions}"))
    attempts = middle["Dunlin"]["attempts"]
    figures.append(figure("attempts of a connect", attempts, "", "<=1.3", attempts <= 1.3, str([one["attempts_histogram"] for one in ours])))
    leaks = [one["legs"] - one["clients"] for one in ours]
    figures.append(figure("connections at access nodes less the driver's", float(max(map(abs, leaks))), "", "<=5", max(map(abs, leaks)) <= 5,
                          "at the end of each seed: " + str([(one["clients"], one["lines"], one["legs"]) for one in ours])))
    if middle["weighted"]:
        excess = (middle["Dunlin"]["max_mean"] - 1) / (middle["weighted"]["max_mean"] - 1)
        figures.append(figure("excess over 1, to weighted leastconn's", excess, "x", "<=0.5", excess <= 0.5, "medians"))
    return figures


def at_once(*calls):
    """All at once; what each gave."""
    with ThreadPoolExecutor(len(calls)) as threads:
        return [each.result() for each in [threads.submit(call) for call in calls]]


def even(seconds, compress, seeds):
    ours = take(lambda: Dunlin(30000, compress), seeds, seconds, compress, "Dunlin")
    # The two before sinks use a tenth of a processor each, and share nothing.
    weighted, unweighted = at_once(
        lambda: take(lambda: Haproxy(30500, True), seeds, seconds, compress, "HAProxy leastconn, weighted"),
        lambda: take(lambda: Haproxy(30600, False), seeds, seconds, compress, "HAProxy leastconn, unweighted"))
    return figures_of(ours, weighted, unweighted, f"{len(seeds)} seeds of {seconds} s, time compressed {compress} times")


def churn(connects):
    system = Dunlin(30000, 60)
    try:
        done = subprocess.run([DRIVER, "churn", "--target", ",".join(map(str, system.ports)), "--path", system.path, *system.headers,
                               "--connects", str(connects)], capture_output=True, text=True, check=True)
        one = json.loads(done.stdout)
    finally:
        system.close()
    return [figure("connects that fail, by churn", one["failed"], f"of {connects}", "0", one["failed"] == 0, json.dumps(one))]


def literal(base, load, seconds, compress):
    """The literal numbers: every decision again from what was recorded with it."""
    system = Dunlin(base, compress, literal=True)
    try:
        one = drive(system, SEEDS[0], seconds, compress, load=load)
        recorded = [os.path.join(at, file) for at, _, files in os.walk(system.folder) for file in files if file.startswith("balance.records")]
        checked = json.loads(system.run("balance", "what-if", "--recorded", *recorded, "--json", check=False))["decisions"]
    finally:
        system.close()
    wrong = checked["mismatches"]
    good = wrong == 0 and checked["checked"] == checked["offers"] - checked["whatever_the_load"] > 0
    return figure(f"patent mode at {load:.0%}: decisions that differ", wrong, f"of {checked['checked']}", "0", good,
                  f"max/mean {one['max_mean']}, refused to clients {one['refused']} of {one['connects'] + one['refused']}; {checked}")


def patent(seconds, compress):
    return at_once(lambda: literal(30000, 0.35, seconds, compress), lambda: literal(30250, 0.7, seconds, compress))


def run(seconds, quick=False, only=None):
    install("haproxy", "wrk", "openssl", "python3-boto3")
    # A tenth of the time, of the same trace, is for seeing that everything runs: its figures are not judged by the notes' rule.
    length, compress, seeds = (60, 300, SEEDS[:1]) if quick else (300, 60, SEEDS)
    parts = {
        "even": ([(title, unit, target) for title, _, unit, target, _ in TITLES], lambda: even(length, compress, seeds)),
        "churn": ([("connects that fail, by churn", "", "0")], lambda: churn(5_000 if quick else 100_000)),
        "patent": ([("patent mode: decisions that differ", "", "0")], lambda: patent(length, compress)),
        "through": ([("GET through the balancer", "x", ">=0.7")], lambda: through.run(seconds)),
    }
    figures = []
    for name, (titles, what) in parts.items():
        if only and name not in only.split(","):
            continue
        for one in guarded(titles, what):
            show(one)
            figures.append(one)
    return figures
