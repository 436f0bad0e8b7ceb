"""FANOUT: from a commit to the last of many subscribers, and what an update costs the queue; beside Redis (docs/replay.md)."""
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from .common import DUNLIN, ROOT, conditions, counted, figure, guarded, install, stop

FANOUT = os.path.join(ROOT, "build/release/apps/fanout/dunlin-fanout")


def cpu_ns(pid):
    """Of all threads, from the scheduler's own account."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as about:
                total += int(about.read().split()[0])
        except OSError:
            pass
    return total


class Obedient:
    """A process that obeys lines and answers each with a line of JSON."""

    def __init__(self, *words, log=None):
        self.process = subprocess.Popen([FANOUT, *map(str, words)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                                        text=True)
        self.pid = self.process.pid

    def tell(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def hear(self):
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"dunlin-fanout ended with {self.process.wait()}")
        return json.loads(answer)

    def ask(self, line):
        self.tell(line)
        return self.hear()

    def end(self):
        stop(self.process)


class Fan:
    """One database node with a writer, one queue node, and `listeners` light nodes in processes of the sizes given."""

    def __init__(self, base_port, sizes, plain, values=True):
        self.sizes = sizes
        self.listeners = [f"s{i + 1:03}" for i in range(sum(sizes))]
        self.folder = tempfile.mkdtemp(prefix="dunlin-bench-fan-")
        self.file = os.path.join(self.folder, "fan.toml")
        lines = ["[cluster]", 'name = "fan"', 'folder = "data"', f"plain_transport = {str(plain).lower()}",
                 "[metadata]", "partitions = 3", "replicas = 1", "[objects]", "replica_sets = 1", "replicas = 1", "write_quorum = 1",
                 "[cache.bucket]", f"values = {str(values).lower()}"]
        roles = {"n1": '["database", "storage"]', "q1": '["queue"]', "r1": '["access"]'}
        access = roles["r1"]
        for i, name in enumerate(["n1", "q1", "r1"] + self.listeners):
            port = base_port + 4 * i
            lines += ["[[node]]", f'name = "{name}"', f'roles = {roles.get(name, access)}',
                      f'control = "127.0.0.1:{port}"', f'bulk = "127.0.0.1:{port + 1}"', f'admin = "127.0.0.1:{port + 2}"']
            if name not in ("n1", "q1"):
                lines.append(f's3 = "127.0.0.1:{port + 3}"')
        with open(self.file, "w", encoding="utf-8") as out:
            out.write("\n".join(lines) + "\n")
        self.groups, self.driver, self.queue, self.log = [], None, None, None
        self.queue_admin = base_port + 4 + 2

    def __enter__(self):
        try:
            self.start()
        except Exception:
            self.__exit__()
            raise
        return self

    def start(self):
        subprocess.run([DUNLIN, "init", self.file], check=True, stdout=subprocess.DEVNULL)
        self.log = open(os.path.join(self.folder, "log"), "wb")
        self.queue = subprocess.Popen([DUNLIN, "node", self.file, "q1"], stdout=self.log, stderr=self.log)
        self.driver = Obedient("drive", self.file, "n1", "r1", log=self.log)
        first = 0
        for size in self.sizes:
            self.groups.append(Obedient("listen", self.file, ",".join(self.listeners[first:first + size]), log=self.log))
            first += size
        for _ in range(300):
            if sum(group.ask("status")["subscribed"] for group in self.groups) == len(self.listeners):
                break
            time.sleep(0.1)
        else:
            raise RuntimeError("not all listeners are subscribed within 30 s")

    def __exit__(self, *_):
        for one in self.groups + ([self.driver] if self.driver else []):
            one.end()
        if self.queue:
            stop(self.queue)
        if self.log:
            self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def frames(self):
        """Batches that the queue has sent to subscribers, those sent again too; and these."""
        return [sum(counted(self.folder, self.queue_admin, f"dunlin_queue_{name}_total").values()) for name in ("frames", "resends")]

    def report(self):
        return [group.ask("report") for group in self.groups]


def percentile(values, part):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else None


def last_heard(reports, nodes):
    """By tick, when the last of all nodes heard of it; those that some have not heard of are left out."""
    heard = {}
    for report in reports:
        for tick, count, last in report["ticks"]:
            had = heard.get(tick, (0, 0))
            heard[tick] = (had[0] + count, max(had[1], last))
    return {tick: last for tick, (count, last) in heard.items() if count >= nodes}


def idle(fan, buckets, rate, seconds):
    fan.report()
    made = fan.driver.ask(f"write {buckets} {rate} {seconds}")
    time.sleep(0.5)
    last = last_heard(fan.report(), len(fan.listeners))
    writes = [one for one in made["writes"] if one[0] in last]
    spans = {"began": 1, "commit": 2, "ack": 3}
    result = {f"{name}_{word}_us": percentile([(last[one[0]] - one[at]) / 1e3 for one in writes], part)
              for name, at in spans.items() for word, part in (("p50", .5), ("p99", .99))}
    result["ack_us"] = percentile([(one[3] - one[1]) / 1e3 for one in writes], .5)
    result["writes"], result["unheard"], result["failed"] = len(made["writes"]), len(made["writes"]) - len(writes), made["failed"]
    return result


def flood(fan, rate, seconds, round_ms, value_bytes):
    for group in fan.groups:
        group.ask("count")
    fan.report()
    frames = fan.frames()
    before, began = cpu_ns(fan.queue.pid), time.monotonic()
    made = fan.driver.ask(f"flood {rate} {seconds} {round_ms} {value_bytes}")
    made["queue_cpu_us"] = (cpu_ns(fan.queue.pid) - before) / 1e3 / max(1, made["changes"])
    took = time.monotonic() - began
    made["rate"] = made["changes"] / took
    made["frames_each_s"], made["resends_each_s"] = ((now - then) / len(fan.listeners) / took
                                                     for then, now in zip(frames, fan.frames()))
    time.sleep(1)
    made["heard"] = sum(report["changes"] for report in fan.report())
    for group in fan.groups:
        group.ask("follow")
    return made


class Redis:
    """A Redis of its own without persistence, and `connections` that it tells of every change."""

    def __init__(self, port, connections):
        self.folder = tempfile.mkdtemp(prefix="dunlin-bench-redis-")
        self.port, self.connections = port, connections

    def __enter__(self):
        self.server = subprocess.Popen(["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly",
                                        "no", "--dir", self.folder], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    break
            time.sleep(0.1)
        self.driver = Obedient("redis", self.port, self.connections)
        return self

    def __exit__(self, *_):
        self.driver.end()
        stop(self.server)
        shutil.rmtree(self.folder, ignore_errors=True)

    def idle(self, rate, seconds):
        writes = self.driver.ask(f"write {rate} {seconds}")["writes"]
        return {"last_p50_us": percentile([(one[2] - one[0]) / 1e3 for one in writes], .5),
                "last_p99_us": percentile([(one[2] - one[0]) / 1e3 for one in writes], .99),
                "ack_us": percentile([(one[1] - one[0]) / 1e3 for one in writes], .5)}

    def flood(self, depth, seconds):
        before = cpu_ns(self.server.pid)
        made = self.driver.ask(f"flood {depth} {seconds}")
        made["cpu_us"] = (cpu_ns(self.server.pid) - before) / 1e3 / max(1, made["changes"])
        return made


def away(fan, seconds=5.0):
    """The last group stands still; what was written meanwhile, and when it had heard of all of it."""
    gone = fan.groups[-1]
    fan.report()
    fan.driver.tell(f"write {BUCKETS} 200 {seconds + 3}")
    time.sleep(1)
    began = time.monotonic_ns()
    os.kill(gone.pid, signal.SIGSTOP)
    time.sleep(seconds)
    back = time.monotonic_ns()
    os.kill(gone.pid, signal.SIGCONT)
    made = fan.driver.hear()
    time.sleep(3)
    heard = {tick: last for tick, _, last in gone.ask("report")["ticks"]}
    missed = [one[0] for one in made["writes"] if began < one[2] < back]
    unseen = [tick for tick in missed if tick not in heard]
    fresh = max((heard[tick] - back for tick in missed if tick in heard), default=0) / 1e6
    return {"written": len(missed), "unseen": len(unseen), "fresh_ms": fresh, "failed": made["failed"]}


WINDOW_S = 0.02
GROUPS = [33, 33, 33, 1]
BUCKETS = 2000
IDLE_RATE = 25     # one write each 40 ms, so that the window of 20 ms is over
FLOOD_RATE = 12_000
HIGH_RATE = 30_000
ROUND_MS = 2


def beside_redis(title, fan, redis, seconds, rounds):
    """Turn and turn about, so that both see the same machine."""
    ours, theirs = [], []
    for _ in range(rounds):
        theirs.append(redis.idle(IDLE_RATE, seconds))
        ours.append(idle(fan, BUCKETS, IDLE_RATE, seconds))
    best = sorted(ours, key=lambda one: one["commit_p50_us"])[rounds // 2]
    peer = sorted(one["last_p50_us"] for one in theirs)[rounds // 2]
    ratio = best["commit_p50_us"] / peer
    where = (f"p99 {best['commit_p99_us']:.0f}; from the write's beginning {best['began_p50_us']:.0f}, from its answer "
             f"{best['ack_p50_us']:.0f}; {sum(one['unheard'] for one in ours)} unheard; {conditions()}")
    plain = title == "plain"
    return [figure(f"commit to last of 100, idle, p50, {title}", best["commit_p50_us"], "us", conditions=where),
            figure(f"write to last of 100, idle, p50, Redis BCAST beside {title}", peer, "us",
                   conditions=f"p99 {min(one['last_p99_us'] for one in theirs):.0f}"),
            figure(RATIO.format(title), ratio, "x", 1.0 if plain else None, ratio <= 1.0 if plain else None,
                   "" if ratio <= 1.0 or not plain else "MISSED")]


RATIO = "commit to last of 100: ratio to Redis, {}"
UNSEEN, FRESH = "away 5 s: updates unseen", "away 5 s: fresh after"
EACH = "messages a subscriber and second in a flood, N = {}, {}"
CPU = "queue CPU an update, N = {}, {}"
ONLY_CHANGED, CARRIED = "invalidations", "values of 100 bytes"


def dense_figures(fan, seconds):
    dense = idle(fan, BUCKETS, 200, seconds)
    return [figure("commit to last of 100 at 200 writes/s, p50, plain", dense["commit_p50_us"], "us",
                   conditions="the window of 20 ms is open most of the time")]


def away_figures(fan):
    gone = away(fan)
    # Nothing written would be nothing unseen.
    seen, prompt = gone["unseen"] == 0 and gone["written"] > 0, gone["fresh_ms"] <= 100 and gone["written"] > 0
    return [figure(UNSEEN, gone["unseen"], "", 0, seen, ("" if seen else "MISSED; ") + f"of {gone['written']} written"),
            figure(FRESH, gone["fresh_ms"], "ms", 100, prompt, "" if prompt else "MISSED")]


def each_figure(made, words, listeners):
    """One queue and a window: so many messages a second are the most, whatever the rate is."""
    most = 1 / WINDOW_S
    met = made["frames_each_s"] <= most
    return figure(EACH.format(listeners, words), made["frames_each_s"], "/s", most, met,
                  ("" if met else "MISSED; ") + f"one queue, window {WINDOW_S * 1e3:.0f} ms, {made['rate']:.0f} updates/s; {made['resends_each_s']:.1f} "
                  "of these sent again to who had not acknowledged in time")


def flood_figures(fan, seconds, listeners, rate, bytes_):
    words = CARRIED if bytes_ else ONLY_CHANGED
    made = flood(fan, rate, seconds, ROUND_MS, bytes_)
    if rate == HIGH_RATE:
        words += f", {HIGH_RATE} updates/s asked for"
    judged = listeners == 100 and bytes_ == 0 and rate == FLOOD_RATE
    met = made["queue_cpu_us"] <= 15 and made["rate"] >= 10_000
    return [figure(CPU.format(listeners, words), made["queue_cpu_us"], "us", 15 if judged else None, met if judged else None,
                   ("MISSED; " if judged and not met else "") + f"{made['rate']:.0f} updates/s in {made['messages']} messages, "
                   f"{made['failed']} failed; whole process; Redis BCAST: below"),
            each_figure(made, words, listeners)]


def guarded_floods(fan, seconds, listeners, rates):
    figures = []
    for rate, bytes_ in rates:
        words = CARRIED if bytes_ else ONLY_CHANGED
        judged = listeners == 100 and bytes_ == 0 and rate == FLOOD_RATE
        figures += guarded([(CPU.format(listeners, words), "us", 15 if judged else None), (EACH.format(listeners, words), "/s", 50)],
                           lambda rate=rate, bytes_=bytes_: flood_figures(fan, seconds, listeners, rate, bytes_))
    return figures


def plain_figures(seconds, rounds):
    with Redis(26900, 100) as redis, Fan(24000, GROUPS, True) as fan:
        fan.driver.ask(f"make {BUCKETS}")
        time.sleep(2)
        figures = guarded([(RATIO.format("plain"), "x", 1.0)], lambda: beside_redis("plain", fan, redis, seconds, rounds))
        figures += guarded([("commit to last of 100 at 200 writes/s, p50, plain", "us", None)], lambda: dense_figures(fan, seconds))
        figures += guarded([(UNSEEN, "", 0), (FRESH, "ms", 100)], lambda: away_figures(fan))
        return figures + guarded_floods(fan, seconds, 100, [(FLOOD_RATE, 0), (HIGH_RATE, 0), (FLOOD_RATE, 100)])


def tls_figures(seconds, rounds):
    with Redis(26900, 100) as redis, Fan(24500, GROUPS, False) as fan:
        fan.driver.ask(f"make {BUCKETS}")
        time.sleep(2)
        return beside_redis("TLS", fan, redis, seconds, rounds)


def few_figures(seconds, count):
    with Fan(25000, [count], True) as fan:
        time.sleep(1)
        return guarded_floods(fan, seconds, count, [(FLOOD_RATE, 0), (FLOOD_RATE, 100)])


def redis_figures(count, seconds):
    with Redis(26900, count) as redis:
        made = redis.flood(64, seconds)
        return [figure(f"Redis CPU an update, N = {count}, 64 in flight", made["cpu_us"], "us",
                       conditions=f"{made['changes'] / made['seconds']:.0f} updates/s")]


def run(quick=False):
    install("redis-server")
    seconds, rounds = (2, 1) if quick else (5, 3)
    figures = guarded([(RATIO.format("plain"), "x", 1.0), (UNSEEN, "", 0), (FRESH, "ms", 100), (CPU.format(100, ONLY_CHANGED), "us", 15),
                       (EACH.format(100, ONLY_CHANGED), "/s", 50)], lambda: plain_figures(seconds, rounds))
    print(f"# fan-out, plain: {conditions()}", flush=True)
    figures += guarded([(RATIO.format("TLS"), "x", None)], lambda: tls_figures(seconds, rounds))
    print(f"# fan-out, TLS: {conditions()}", flush=True)
    for count in (1, 10):
        figures += guarded([(CPU.format(count, ONLY_CHANGED), "us", None)], lambda count=count: few_figures(seconds, count))
    for count in (1, 10, 100):
        figures += guarded([(f"Redis CPU an update, N = {count}, 64 in flight", "us", None)],
                           lambda count=count: redis_figures(count, 2 if quick else 3))
    return figures
