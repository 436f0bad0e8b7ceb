"""COHERENCE: near caches under replayed traces, beside caches that know only a time to live, the clairvoyant bound, and Redis
(docs/replay.md says what each figure is, and which trace A and B are).

Three nodes (database, storage, queue) as processes of their own; all client nodes in the driver's process, over real links.
--trace-folder DIR: where orm_busy.csv and cloudphysics_h1.csv are; without it traces of the same shape are generated, for
which the targets of A and B do not hold. --quick: a tenth of each trace, for which they do not hold either.
--only replay,virtual,audit,gets,fanout: only these parts. A part that fails says so in its figures; the others go on."""
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

from . import fanout, gets
from .common import DUNLIN, ROOT, conditions, figure, guarded, install, show, stop

REPLAY = os.path.join(ROOT, "build/release/apps/replay/dunlin-replay")
FLOOD_TEST = os.path.join(ROOT, "build/release/tests/cluster/test_flood")
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
        self.log = open(os.path.join(self.folder, "log"), "wb")
        try:
            subprocess.run([DUNLIN, "init", self.file], check=True, stdout=subprocess.DEVNULL)
            for name in self.servers:
                self.processes.append(subprocess.Popen([DUNLIN, "node", self.file, name], stdout=self.log, stderr=self.log))
        except Exception:
            self.__exit__()
            raise
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


def trace_words(which, folder, quick, words=()):
    name, rows, shape, speed, lookups = TRACES[which]
    source = ["--trace", os.path.join(folder, name)] if folder else ["--shape", shape]
    if "--speed" not in words:
        source += ["--speed", speed if folder else 1]
    return source + ["--rows", rows // 10 if quick else rows, "--lookups", lookups]


# What is run: name, trace, client nodes, values carried, more of the topology, more words. Those of one line run at the same
# time: A takes less than half a core.
LOSS = "[faults]\ncache_update_loss = 0.1\n"
RUNS = [
    [("A invalidation", A, 8, False, "", []), ("A values", A, 8, True, "", [])],
    [("A two shared hosts", A, 2, False, "[cache]\nshared = true\n", ["--uncounted", 0]),
     ("A values, 10 % loss", A, 8, True, LOSS, [])],
    [("B values", B, 16, True, "", [])],
    [("B invalidation", B, 16, False, "", [])],
]
# Where the driver lagged at the full rate, B is run once more at half of it: no target speaks of that rate.
SLOWER = {name: (f"{name}, 30 times instead of 60", which, clients, values, extra, ["--speed", 30])
          for name, which, clients, values, extra, _ in (RUNS[2][0], RUNS[3][0])}


def replay_one(number, name, which, clients, values, extra, words, folder, quick):
    started = time.monotonic()
    try:
        with Servers(23000 + 100 * number, clients, values, extra) as servers:
            made = servers.replay(*trace_words(which, folder, quick, words), *words)
    except Exception as error:  # of this run; the others go on
        made = {"why": f"could not be taken: {error!r}"[:400]}
    print(f"# {name}: {time.monotonic() - started:.0f} s, servers {made.get('servers_cpu_s', 0):.0f} s CPU, {conditions()}"
          + (f"; {made['why']}" if made["why"] else ""), flush=True)
    return made


def replay_all(folder, quick):
    results = run_all(RUNS, folder, quick)
    if folder and not quick:
        results |= run_all([[slower for name, slower in SLOWER.items() if lagged(results[name])]], folder, quick)
    return results


def run_all(lines, folder, quick):
    results = {}
    for beside in filter(None, lines):
        with ThreadPoolExecutor() as pool:
            open_ = {one[0]: pool.submit(replay_one, number, *one, folder, quick) for number, one in enumerate(beside)}
            results |= {name: one.result() for name, one in open_.items()}
    return results


def lagged(made):
    return not made["why"] and made["run"]["went"]["lagged"]


class Table:
    """Figures of runs; a run that is not there, or lagged, says so with each of them."""

    def __init__(self, results, judged):
        self.results, self.judged, self.figures = results, judged, []

    def add(self, name, title, take, unit, target=None, beside=None):
        made, target = self.results[name], target if self.judged else None
        taken = guarded([(f"{name}: {title}", unit, target)],
                        lambda: [self.figure_of(made, f"{name}: {title}", take, unit, target, beside)])
        self.figures += taken

    def figure_of(self, made, title, take, unit, target, beside):
        if made["why"]:
            return figure(title, None, unit, target, None if target is None else False, made["why"])
        value, went = take(made), made["run"]["went"]
        where = beside(made) if beside else ""
        if went["failed_lookups"] + went["failed_writes"]:
            where += f"; {went['failed_lookups'] + went['failed_writes']} failed: {went['first_failure']}"
        if went["lagged"]:
            where = f"NOT TO BE JUDGED: the driver lagged, p99 {went['late_p99_ms']:.0f} ms late; {where}"
            return figure(title, value, unit, target, None, where.strip("; "))
        met = None if target is None else value <= target
        return figure(title, value, unit, target, met, (("MISSED; " if met is False else "") + where).strip("; "))


def reads(made):
    return made["run"]["reads"]["reads_per_1000"]


def percent(made):
    return 100 * made["run"]["reads"]["stale"]


def beside_models(made):
    m = made["models"]
    # The rule of four look-ups reads one of 64 partitions; Dunlin's map is one record (docs/replay.md).
    stand_ins = "64 items of type policy stand for partitions; " if made["what"]["lookups_a_row"] == 4 else ""
    return (f"{stand_ins}bound {m['bound_invalidation']['reads_per_1000']:.1f} / {m['bound_values']['reads_per_1000']:.1f} (values); TTL 10 s "
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


LIMITS = {"A invalidation": (100.7, .02, 25, 60), "A values": (88.5, .02, 25, 60), "A two shared hosts": (48, None, None, None),
          "A values, 10 % loss": (None, None, 150, 1200), "B values": (210, 2, 25, 60), "B invalidation": (None, .4, 25, 60)}


NOT_JUDGED = (None, None, None, None)


def add_all(table, name, limits, flushes_max=150):
    most, stale, p99, oldest = limits
    table.add(name, "DB reads", reads, "/1000", most, beside_models)
    table.add(name, "stale", percent, "%", stale, beside_stale)
    table.add(name, "age p99", lambda made: made["run"]["reads"]["age_p99_ms"], "ms", p99, beside_age)
    table.add(name, "age max", lambda made: made["run"]["reads"]["age_max_ms"], "ms", oldest)
    table.add(name, "messages a write", lambda made: made["run"]["messages"]["frames_per_write"], "",
              3.0 if name.startswith("B") and limits != NOT_JUDGED else None, beside_messages)
    # Three queues, a window of 20 ms.
    table.add(name, "messages a subscriber and second", per_second, "/s", flushes_max)
    table.add(name, "update delay p50", lambda made: made["run"]["messages"]["delay_p50_ms"], "ms", None, beside_delay)


def add_ratio(table, title, whole, lossy):
    def take():
        if table.results[whole]["why"] or table.results[lossy]["why"]:
            raise RuntimeError("one of the two runs is not there")
        ratio = reads(table.results[lossy]) / reads(table.results[whole])
        return [figure(title, ratio, "x", 1.02 if table.judged else None, ratio <= 1.02 if table.judged else None,
                       ("MISSED; " if table.judged and ratio > 1.02 else "") + "1.31 if a gap dropped the type")]
    table.figures += guarded([(title, "x", 1.02 if table.judged else None)], take)


def replay_figures(folder, quick):
    results = replay_all(folder, quick)
    table = Table(results, folder is not None and not quick)
    for name, limits in LIMITS.items():
        add_all(table, name, limits)
    for slower in SLOWER.values():
        if slower[0] in results:
            add_all(table, slower[0], NOT_JUDGED, None)
    add_ratio(table, "A values: DB reads at 10 % loss, ratio to none", "A values", "A values, 10 % loss")
    return table.figures


# Name, trace, values carried, more of the topology.
VIRTUAL = [("B values, virtual time", B, True, ""), ("B invalidation, virtual time", B, False, ""),
           ("A values, virtual time", A, True, ""), ("A values, 10 % loss, virtual time", A, True, LOSS)]


def virtual_one(number, name, which, values, extra, folder, quick):
    servers = Servers(25500 + 200 * number, TRACES_NODES[which], values, extra)
    try:
        run = subprocess.run([REPLAY, servers.file, "--virtual", "1", *map(str, trace_words(which, folder, quick))],
                             capture_output=True, text=True, check=False, timeout=900)
        if not run.stdout.strip():
            return {"why": f"dunlin-replay ended with {run.returncode}: {run.stderr.strip()[-200:]}"}
        made = json.loads(run.stdout.splitlines()[-1])
        return made | {"why": made["run"]["went"]["gave_up"]}
    except Exception as error:  # of this run; the others go on
        return {"why": f"could not be taken: {error!r}"[:400]}
    finally:
        shutil.rmtree(servers.folder, ignore_errors=True)
        print(f"# {name}: {conditions()}", flush=True)


def simulated_flood(writes):
    """A million changes through announcers, queues, subscribers and near caches on virtual time, a tenth of the messages lost."""
    name = f"{writes} writes at 10 % loss, simulation: copies older than 1 s"

    def take():
        if not os.path.exists(FLOOD_TEST):
            raise RuntimeError("build it first: cmake --build --preset release --target test_flood")
        run = subprocess.run([FLOOD_TEST], env=dict(os.environ, DUNLIN_WRITES=str(writes)), capture_output=True, text=True, check=False,
                             timeout=900)
        said = re.search(r"(\d+) writes, (\d+) messages lost; (\d+) answers, .* the oldest (\d+) ms", run.stdout)
        if not said or int(said[1]) < writes:
            raise RuntimeError((run.stdout + run.stderr).strip()[-300:])
        right = run.returncode == 0
        # The test itself counts copies that are old in the end, and answers older than a second or gone back; it names what it finds.
        where = f"{said[1]} writes, {said[2]} messages lost, {said[3]} answers judged, the oldest {said[4]} ms"
        return [figure(name, 0 if right else None, "", 0, right, where if right else f"MISSED; {where}; {run.stdout.strip()[-200:]}")]

    made = guarded([(name, "", 0)], take)
    print(f"# simulated flood: {conditions()}", flush=True)
    return made


def virtual_figures(folder, quick):
    """The same nodes and driver on virtual time, nothing of what the machine's load makes of it; and the flood of the tests."""
    with ThreadPoolExecutor(2) as pool:
        runs = {one[0]: pool.submit(virtual_one, number, *one, folder, quick) for number, one in enumerate(VIRTUAL)}
        flood = pool.submit(simulated_flood, 100_000 if quick else 1_000_000)
        table = Table({name: one.result() for name, one in runs.items()}, folder is not None and not quick)
    for name, *_ in VIRTUAL:
        add_all(table, name, LIMITS[name.removesuffix(", virtual time")])
    add_ratio(table, "A values: DB reads at 10 % loss, ratio to none, virtual time", "A values, virtual time",
              "A values, 10 % loss, virtual time")
    return table.figures + flood.result()


# Writes at 10 % loss: what 55 s allow, or a million in a quarter of an hour.
def audit(quick, million):
    name = "writes at 10 % loss, live"
    titles = [(name, "writes", None), (f"{name}: copies older than 1 s", "", 0)]
    with Servers(23700, 4, True, LOSS) as servers:
        rows = 1_667_000 if million else 20_000 if quick else 100_000
        made = servers.replay("--shape", "disk", "--speed", 2, "--rows", rows, "--lookups", 1, "--audit", timeout=3600)
    if made["why"]:
        return [figure(title, None, unit, target, None if target is None else False, made["why"]) for title, unit, target in titles]
    run, seen = made["run"], made["run"]["audit"]
    old = seen["old"] + seen["lost"] + seen["failures"]
    where = (f"{seen['held']} copies of {made['what']['items']} items at 4 nodes, looked at 3 s after the last write: {seen['old']} old, "
             f"{seen['lost']} writes unknown to leaders, {seen['failures']} not answered"
             + ("" if million else "; not 10^6 writes: --million; those in simulation are above"))
    return [figure(name, run["messages"]["writes"], "writes", conditions=f"{run['messages']['resends']} frames again, "
                   f"{run['messages']['drops']} drops; the oldest served {run['reads']['age_max_ms']:.0f} ms"),
            figure(f"{name}: copies older than 1 s", old, "", 0, old == 0, ("" if old == 0 else "MISSED; ") + where)]


PARTS = ("replay", "virtual", "audit", "gets", "fanout")


def run(seconds, trace_folder=None, quick=False, million=False, only=None):
    parts = PARTS if only is None else only.split(",")
    if unknown := set(parts) - set(PARTS):
        raise SystemExit(f"no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    if trace_folder is None:
        print("# no --trace-folder: traces are generated; the targets of A and B do not apply")
    elif quick:
        print("# --quick: a tenth of each trace; the targets of A and B do not apply")
    print(f"# {conditions()}", flush=True)
    takes = {"replay": lambda: replay_figures(trace_folder, quick), "virtual": lambda: virtual_figures(trace_folder, quick),
             "audit": lambda: audit(quick, million), "gets": lambda: gets.run(quick), "fanout": lambda: fanout.run(quick)}
    titles = {"audit": [("writes at 10 % loss, live: copies older than 1 s", "", 0)], "gets": [(gets.LIMIT, "", 0)]}
    figures, began = [], time.monotonic()
    for part in PARTS:
        if part not in parts:
            continue
        made = guarded(titles.get(part, [(part, "", None)]), takes[part])
        for one in made:
            show(one)
        figures += made
        print(f"# {part}: done after {time.monotonic() - began:.0f} s in all; {conditions()}", flush=True)
    return figures
