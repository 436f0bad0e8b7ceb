"""Process trials: a cluster of real processes under S3 load, one fault a round, and what it cost.

A round: settle, strike, heal, wait until the cluster is whole and every partition took a write, read every key of the
round. The history of all rounds is judged by `dunlin-check` at the end. The faults are in tests/support/strikes.py.
"""
import json
import os
import random
import shutil
import subprocess
import tempfile
import threading
import time

from tests.support import namespaces
from tests.support.cluster import Cluster, dunlin
from tests.support.load import Load, Settings

CHECK = os.environ.get("DUNLIN_CHECK", "dunlin-check")
READY_S = 60        # within so long after a fault everything must work again
SETTLE_S = 0.7      # load before each fault


class TrialCluster(Cluster):
    """Nodes are children of the trial, so that their ends are seen and their starts are its own."""

    def __init__(self, **shape):
        super().__init__(**shape)
        self.children, self.ended_by_us, self.mounts = {}, set(), []

    def mount_small(self, mib):
        """Every node gets a file system of that size; only in namespaces of our own."""
        for name in self.names:
            self.mounts.append(os.path.join(self.folder, "data", name))
            namespaces.mount_small(self.mounts[-1], mib)

    def close(self):
        super().close()
        for folder in self.mounts:
            subprocess.run(["umount", folder], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def begin(self):
        done = dunlin("init", self.file)
        if done.returncode != 0:
            raise AssertionError(f"dunlin init failed:\n{done.stderr}")
        for name in self.names:
            self.start(name)
        return self

    def start(self, name):
        self.children[name] = self.start_node(name)

    def end(self, names):
        """kill -9 of some nodes at one moment; that moment."""
        children = [self.children[name] for name in names]
        self.ended_by_us.update(child.pid for child in children)
        moment = time.monotonic_ns()
        for child in children:
            child.kill()
        for child in children:
            child.wait(10)
        return moment

    def ended_alone(self):
        return [name for name, child in self.children.items()
                if child.poll() is not None and child.pid not in self.ended_by_us]

    def supervise(self, for_s):
        """Starts nodes that end again, as `dunlin up` does; how often."""
        until, restarts = time.monotonic() + for_s, 0
        while time.monotonic() < until:
            time.sleep(0.5)
            for name in self.ended_alone():
                self.start(name)
                restarts += 1
        return restarts

    def signal_node(self, name, which):
        os.kill(self.children[name].pid, which)

    def look(self, names=None, timeout=1.0):
        """name -> what the node says of itself, None if it does not."""
        return {name: self.ask_admin(name, timeout=timeout) for name in names or self.names}

    @staticmethod
    def leaders(seen):
        """partition -> (term, leader) by those who say that they lead; the highest term counts."""
        found = {}
        for name, status in seen.items():
            for replica in status["partitions"] if status else []:
                if replica["role"] == "leader":
                    found[replica["id"]] = max(found.get(replica["id"], (0, "")), (replica["term"], name))
        return found

    def whole(self, seen):
        known = all(status and status["state"] == "ready" for status in seen.values())
        return known and len(self.leaders(seen)) == self.partitions + 1

    def wait_whole(self, seconds=READY_S):
        deadline = time.monotonic() + seconds
        while True:
            seen = self.look()
            if self.whole(seen):
                return seen
            if self.ended_alone():
                raise AssertionError(f"ended by itself: {self.ended_alone()}\n{self.logs()}")
            if time.monotonic() > deadline:
                raise AssertionError(f"not whole within {seconds} s: {json.dumps(seen)[:3000]}\n{self.logs()}")
            time.sleep(0.1)

    def keep(self):
        """Copies history and logs away from the folder that close() removes; where to."""
        kept = tempfile.mkdtemp(prefix="dunlin-kept-")
        for name in ["history.jsonl", *(f"data/{node}/log" for node in self.names)]:
            if os.path.exists(os.path.join(self.folder, name)):
                shutil.copy(os.path.join(self.folder, name), os.path.join(kept, name.replace("/", "-")))
        return kept

    def error_lines(self):
        lines = []
        for name in self.names:
            with open(os.path.join(self.folder, "data", name, "log"), encoding="utf-8", errors="replace") as file:
                lines += [f"{name}: {line.strip()}" for line in file
                          if '"level":"error"' in line or not line.startswith("{")]
        return lines


def find_buckets(cluster, client_of):
    """partition -> a bucket that lives in it, told by whose log grows when objects are put."""
    def commits():
        grown = {}
        for status in cluster.look().values():
            for replica in status["partitions"]:
                grown[replica["id"]] = max(grown.get(replica["id"], 0), replica["commit"])
        return grown

    buckets, s3 = {}, client_of(cluster.names[0])
    for number in range(64):
        name = f"trial-{number}"
        s3.create_bucket(Bucket=name)
        before = commits()
        for i in range(6):
            s3.put_object(Bucket=name, Key=f"probe-{i}", Body=b"where am I")
        after = commits()
        partition = max((p for p in after if p != 0), key=lambda p: after[p] - before[p])
        if after[partition] - before[partition] >= 6:
            buckets.setdefault(partition, name)
        if len(buckets) == cluster.partitions:
            s3.close()
            return buckets
    raise AssertionError(f"buckets only in partitions {sorted(buckets)}")


class LeaderWatch(threading.Thread):
    """Notes when survivors first name a new leader of each partition that `victims` led."""

    def __init__(self, cluster, victims, before):
        super().__init__(daemon=True)
        self.cluster, self.before = cluster, before
        self.names = [name for name in cluster.names if name not in victims]
        self.wanted = {p for p, (_, leader) in before.items() if leader in victims}
        self.found, self.over = {}, threading.Event()

    def run(self):
        while self.names and set(self.found) != self.wanted and not self.over.wait(0.05):
            seen = self.cluster.leaders(self.cluster.look(self.names, 0.5))
            for partition in self.wanted - set(self.found):
                if seen.get(partition, (0, ""))[0] > self.before[partition][0]:
                    self.found[partition] = time.monotonic_ns()

    def end(self):
        self.over.set()
        self.join()
        return self.found


class Trial:
    def __init__(self, cluster, seed, settings=None):
        self.cluster, self.seed = cluster, seed
        self.random = random.Random(seed)
        self.network = None
        self.rounds, self.failures = [], []
        self.history = os.path.join(cluster.folder, "history.jsonl")
        self.all_keys = set()
        cluster.wait_whole()
        endpoints = {name: (cluster.hosts[name], cluster.ports[name]["s3"]) for name in cluster.names}
        self.load = Load(endpoints, cluster.environment(), find_buckets(cluster, cluster.s3), self.history, seed,
                         settings or Settings())
        self.load.start()

    def round(self, kind, strike):
        """One fault. `strike(trial, before)` answers {"victims", "struck", "healed"} when the fault is over."""
        number = len(self.rounds) + 1
        counts = dict(self.load.journal.counts)
        self.load.begin_round(number)
        time.sleep(SETTLE_S)
        before = self.cluster.leaders(self.cluster.wait_whole())
        record = {"round": number, "kind": kind, **strike(self, before)}
        self.load.avoid = set()
        self.measure(record, before, self.wait_for_writes(record["struck"]))
        self.cluster.wait_whole()
        record["whole_s"] = seconds(record["healed"], time.monotonic_ns())
        record["unread"] = self.load.read_all(self.load.journal.keys)
        self.all_keys |= self.load.journal.keys
        record["operations"] = {name: count - counts.get(name, 0) for name, count in self.load.journal.counts.items()}
        self.rounds.append(record)
        self.failures += [f"round {number} ({kind}): cannot be read: {key}" for key in record["unread"]]
        self.failures += self.load.died
        self.load.died = []
        return record

    def wait_for_writes(self, since):
        """partition -> when the first write begun after `since` was acknowledged."""
        deadline = time.monotonic() + READY_S
        while True:
            first = {}
            for bucket, start, end in list(self.load.journal.acked):
                if start >= since:
                    first[bucket] = min(first.get(bucket, end), end)
            if len(first) == len(self.load.buckets):
                return {partition: first[bucket] for partition, bucket in self.load.buckets.items()}
            if time.monotonic() > deadline:
                raise AssertionError(f"no write acknowledged within {READY_S} s: only {first}\n{self.cluster.logs()}")
            time.sleep(0.05)

    @staticmethod
    def measure(record, before, first):
        struck = record["struck"]
        led = {p for p in first if before[p][1] in record["victims"]}
        record["any_s"] = seconds(struck, min(first.values()))
        record["led_s"] = {p: seconds(struck, first[p]) for p in sorted(led)}
        record["others_s"] = {p: seconds(struck, first[p]) for p in sorted(set(first) - led)}
        record["leader_s"] = {p: seconds(struck, when) for p, when in record.pop("new_leaders", {}).items()}

    def finish(self):
        """Stops the load, reads everything once more at a node each, and judges; the report."""
        self.load.stop()
        self.failures += [f"at the end: cannot be read: {key}" for key in self.load.read_all(self.all_keys)]
        self.load.journal.close()
        self.failures += self.load.died
        self.failures += [f"ended by itself: {name}" for name in self.cluster.ended_alone()]
        verdict = check(self.history)
        for what in ("lost", "wrong", "stale", "order", "listings", "undecided"):
            self.failures += [f"{what}: {text}" for text in verdict[what]]
        return {"seed": self.seed, "rounds": self.rounds, "verdict": verdict, "failures": self.failures,
                "odd": self.load.journal.odd, "errors": self.cluster.error_lines()}


def check(history):
    done = subprocess.run([CHECK, history], capture_output=True, text=True, timeout=600, check=False)
    if done.returncode == 2:
        raise AssertionError(f"dunlin-check: {done.stderr}")
    return json.loads(done.stdout)


def seconds(start, end):
    return round((end - start) / 1e9, 3)

