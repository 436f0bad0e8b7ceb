"""COHERENCE: near caches under replayed traces, beside caches that know only a time to live, the clairvoyant bound, and Redis
(docs/replay.md says what each figure is, and which trace A and B are).

Three nodes (database, storage, queue) as processes of their own; all client nodes in the driver's process, over real links.
--trace-folder DIR: where orm_busy.csv and cloudphysics_h1.csv are; without it traces of the same shape are generated, for
which the targets of A and B do not hold. --quick: a tenth of each trace, for which they do not hold either."""
import json
import os
import shutil
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

from . import fanout
from .common import DUNLIN, ROOT, conditions, figure, install, stop

REPLAY = os.path.join(ROOT, "build/release/apps/replay/dunlin-replay")
TYPES = ("user", "bucket", "policy", "object")
A, B = "A", "B"
TRACES_NODES = {A: 8, B: 16}
TRACES = {A: ("orm_busy.csv", 200_000, "orm", 1, 4), B: ("cloudphysics_h1.csv", 55_918, "disk", 60, 1)}


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

    def cpu_seconds(self):
        return sum(fanout.cpu_ns(process.pid) for process in self.processes) / 1e9

    def replay(self, *words, timeout=900):
        """Answers what dunlin-replay prints; 'why' is set where there is no run to be judged."""
        before = self.cpu_seconds()
        try:
            run = subprocess.run([REPLAY, self.file, "--clients", ",".join(self.clients), *map(str, words)], capture_output=True,
                                 text=True, check=False, timeout=timeout)
        except subprocess.TimeoutExpired:
            return {"why": f"no end within {timeout} s"}
        if not run.stdout.strip():
            return {"why": f"dunlin-replay ended with {run.returncode}: {run.stderr.strip()[-200:]}"}
        made = json.loads(run.stdout.splitlines()[-1])
        made["why"] = made["run"]["went"]["gave_up"]
        made["servers_cpu_s"] = self.cpu_seconds() - before
        return made


def trace_words(which, folder, quick):
    name, rows, shape, speed, lookups = TRACES[which]
    words = ["--trace", os.path.join(folder, name)] if folder else ["--shape", shape, "--speed", 1]
    if folder:
        words += ["--speed", speed]
    return words + ["--rows", rows // 10 if quick else rows, "--lookups", lookups]


# What is run: name, trace, client nodes, values carried, more of the topology, more words. Those of one line run at the same
# time: of two shared hosts only the reads are judged, and what is lost on purpose makes the ages of the other.
RUNS = [
    [("A invalidation", A, 8, False, "", [])],
    [("A values", A, 8, True, "", [])],
    [("A two shared hosts", A, 2, False, "[cache]\nshared = true\n", ["--uncounted", 0]),
     ("A values, 10 % loss", A, 8, True, "[faults]\ncache_update_loss = 0.1\n", [])],
    [("B values", B, 16, True, "", [])],
    [("B invalidation", B, 16, False, "", [])],
]


def replay_one(number, name, which, clients, values, extra, words, folder, quick):
    started = time.monotonic()
    try:
        with Servers(23000 + 100 * number, clients, values, extra) as servers:
            made = servers.replay(*trace_words(which, folder, quick), *words)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        made = {"why": repr(error)}
    print(f"# {name}: {time.monotonic() - started:.0f} s, servers {made.get('servers_cpu_s', 0):.0f} s CPU, {conditions()}"
          + (f"; {made['why']}" if made["why"] else ""), flush=True)
    return made


def replay_all(folder, quick):
    results = {}
    for beside in RUNS:
        with ThreadPoolExecutor() as pool:
            open_ = {one[0]: pool.submit(replay_one, number, *one, folder, quick) for number, one in enumerate(beside)}
            results |= {name: one.result() for name, one in open_.items()}
    return results


class Table:
    """Figures of runs; a run that is not there, or lagged, says so with each of them."""

    def __init__(self, results, judged):
        self.results, self.judged, self.figures = results, judged, []

    def add(self, name, title, take, unit, target=None, beside=None):
        made = self.results[name]
        where, value = made["why"], None
        if not made["why"]:
            value, run = take(made), made["run"]
            went = run["went"]
            where = beside(made) if beside else ""
            if went["lagged"]:
                where += f"; THE DRIVER LAGGED (p99 {went['late_p99_ms']:.0f} ms late): not to be judged"
            if went["failed_lookups"] + went["failed_writes"]:
                where += f"; {went['failed_lookups'] + went['failed_writes']} failed: {went['first_failure']}"
        target = target if self.judged else None
        met = None if target is None or value is None else value <= target
        if met is False:
            where = "MISSED; " + where
        self.figures.append(figure(f"{name}: {title}", value, unit, target, met, where.strip("; ")))


def reads(made):
    return made["run"]["reads"]["reads_per_1000"]


def percent(made):
    return 100 * made["run"]["reads"]["stale"]


def beside_models(made):
    m = made["models"]
    return (f"bound {m['bound_invalidation']['reads_per_1000']:.1f} / {m['bound_values']['reads_per_1000']:.1f} (values); TTL 10 s "
            f"{m['ttl_10s']['reads_per_1000']:.1f}, TTL 20 ms {m['ttl_20ms']['reads_per_1000']:.1f}; confirmations "
            f"{made['run']['reads']['confirmations_per_1000']:.2f}")


def beside_stale(made):
    m, run = made["models"], made["run"]["reads"]
    return f"{run['stale_lookups']} of {run['lookups']}; TTL 10 s {100 * m['ttl_10s']['stale']:.2f} %; ticks that went back {run['went_back']}"


def beside_age(made):
    return f"p50 {made['run']['reads']['age_p50_ms']:.1f}; TTL 10 s p99 {made['models']['ttl_10s']['age_p99_ms']:.0f} ms"


def beside_messages(made):
    m = made["run"]["messages"]
    return (f"{m['bytes_per_write']:.0f} bytes; {m['frames']} frames, {m['resends']} again, for {m['writes']} writes; gaps {m['gaps']}, "
            f"replays {m['replays']}, drops {m['drops']}")


def beside_delay(made):
    m = made["run"]["messages"]
    return f"p99 {m['delay_p99_ms']:.1f}, max {m['delay_max_ms']:.1f}; not heard of everywhere: {m['unheard']}"


def per_second(made):
    seconds = made["what"]["seconds"] - made["what"]["counted_from_s"]
    return made["run"]["messages"]["frames"] / made["what"]["nodes"] / seconds


def replay_figures(results, judged):
    table = Table(results, judged)
    limits = {"A invalidation": (100.7, .02, 25, 60), "A values": (88.5, .02, 25, 60), "A two shared hosts": (48, None, None, None),
              "A values, 10 % loss": (None, None, 150, 1200), "B values": (210, 2, 25, 60), "B invalidation": (None, .4, 25, 60)}
    for name, *_ in (one for beside in RUNS for one in beside):
        most, stale, p99, oldest = limits[name]
        table.add(name, "DB reads", reads, "/1000", most, beside_models)
        table.add(name, "stale", percent, "%", stale, beside_stale)
        table.add(name, "age p99", lambda made: made["run"]["reads"]["age_p99_ms"], "ms", p99, beside_age)
        table.add(name, "age max", lambda made: made["run"]["reads"]["age_max_ms"], "ms", oldest)
        table.add(name, "messages a write", lambda made: made["run"]["messages"]["frames_per_write"], "",
                  3.0 if name.startswith("B") else None, beside_messages)
        # Three queues, a window of 20 ms.
        table.add(name, "messages a subscriber and second", per_second, "/s", 150)
        table.add(name, "update delay p50", lambda made: made["run"]["messages"]["delay_p50_ms"], "ms", None, beside_delay)
    whole, lossy = results["A values"], results["A values, 10 % loss"]
    if not whole["why"] and not lossy["why"]:
        ratio = reads(lossy) / reads(whole)
        table.figures.append(figure("A values: DB reads at 10 % loss, ratio to none", ratio, "x", 1.02 if judged else None,
                                    ratio <= 1.02 if judged else None, "1.31 if a gap dropped the type"))
    return table.figures


def virtual_one(number, values, words):
    servers = Servers(25500 + 200 * number, TRACES_NODES[B], values)
    try:
        run = subprocess.run([REPLAY, servers.file, "--virtual", "1", *map(str, words)], capture_output=True, text=True, check=False,
                             timeout=900)
        return json.loads(run.stdout.splitlines()[-1]) | {"why": ""} if run.stdout.strip() else {"why": run.stderr.strip()[-200:]}
    except subprocess.TimeoutExpired as error:
        return {"why": repr(error)}
    finally:
        shutil.rmtree(servers.folder, ignore_errors=True)


def virtual_figures(folder, quick):
    """B on virtual time: the same nodes and driver, nothing of what the machine's load makes of it."""
    words = trace_words(B, folder, quick)
    with ThreadPoolExecutor() as pool:
        runs = {"B values, virtual time": pool.submit(virtual_one, 0, True, words),
                "B invalidation, virtual time": pool.submit(virtual_one, 1, False, words)}
        results = {name: one.result() for name, one in runs.items()}
    table = Table(results, folder is not None and not quick)
    for name, most, stale in (("B values, virtual time", 210, 2), ("B invalidation, virtual time", None, .4)):
        table.add(name, "DB reads", reads, "/1000", most, beside_models)
        table.add(name, "stale", percent, "%", stale, beside_stale)
        table.add(name, "age max", lambda made: made["run"]["reads"]["age_max_ms"], "ms", 60, beside_age)
        table.add(name, "messages a write", lambda made: made["run"]["messages"]["frames_per_write"], "", 3.0, beside_messages)
    return table.figures


# Writes at 10 % loss: what 80 s allow, or a million in a quarter of an hour.
def audit(quick, million):
    with Servers(23700, 4, True, "[faults]\ncache_update_loss = 0.1\n") as servers:
        rows = 1_667_000 if million else 20_000 if quick else 150_000
        made = servers.replay("--shape", "disk", "--speed", 2, "--rows", rows, "--lookups", 1, "--audit", timeout=3600)
    name = "writes at 10 % loss, live"
    if made["why"]:
        return [figure(name, None, "", conditions=made["why"])]
    run, seen = made["run"], made["run"]["audit"]
    where = f"{seen['held']} copies of {made['what']['items']} items at 4 nodes; simulation: 10^6 writes, tests/cluster"
    old = seen["old"] + seen["lost"] + seen["failures"]
    return [figure(name, run["messages"]["writes"], "writes", conditions=f"{run['messages']['resends']} frames again, "
                   f"{run['messages']['drops']} drops; the oldest served {run['reads']['age_max_ms']:.0f} ms"),
            figure(f"{name}: copies older than 1 s", old, "", 0, old == 0, where)]


def run(seconds, trace_folder=None, quick=False, million=False):
    install("redis-server")
    if trace_folder is None:
        print("# no --trace-folder: traces are generated; the targets of A and B do not apply")
    elif quick:
        print("# --quick: a tenth of each trace; the targets of A and B do not apply")
    print(f"# {conditions()}", flush=True)
    figures = replay_figures(replay_all(trace_folder, quick), trace_folder is not None and not quick)
    figures += virtual_figures(trace_folder, quick)
    print(f"# virtual time: {conditions()}", flush=True)
    figures += audit(quick, million)
    print(f"# audit: {conditions()}", flush=True)
    figures += fanout.run(quick)
    return figures
