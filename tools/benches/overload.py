"""OVERLOAD: three nodes with a bridge of 32 requests each get signed PUTs of 4 KiB, first as many in flight as fit (their
peak), then ten times the peak's rate from ten times as many connections, whatever comes back, then as before.

The generator runs on the same machine, so what it takes is missing to the cluster; requests are signed beforehand. Peak
is a closed loop with half of the bridges full. Goodput is stored objects a second. A leader has changed when a term has."""
import json
import os
import struct
import subprocess
import tempfile
import threading
import time

from .common import DUNLIN, ROOT, Cluster, conditions, figure, ratio
from .s3 import signed_headers

DRIVER = os.path.join(ROOT, "build/release/apps/bench/dunlin-overload")
BRIDGE = 32
NODES = 3
BYTES = 4096
KEYS = 600
# What is overwritten is collected from the fifth second on, which takes its share of the machine from then on: the peak
# is of a store that does all of its work (without overload the third eight seconds store 0.84 of the first).
WARM_SECONDS = 12


def raw_request(method, url, path, headers, body):
    lines = [f"{method} {path} HTTP/1.1", f"Host: {url.removeprefix('http://')}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items() if name.lower() not in ("host", "content-length")]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def prepare(file, endpoints, environment, keys=KEYS, size=BYTES):
    """PUTs of keys spread over the endpoints, as the driver reads them."""
    with open(file, "wb") as out:
        for i in range(keys):
            url = endpoints[i % len(endpoints)]
            path, body = f"/bench/overload-{i}", os.urandom(size)
            raw = raw_request("PUT", url, path, signed_headers(environment, "PUT", url + path, body), body)
            out.write(struct.pack("<II", int(url.rsplit(":", 1)[1]), len(raw)) + raw)


def drive(file, seconds, driver=DRIVER, **options):
    words = [word for name, value in options.items() for word in ("--" + name.replace("_", "-"), str(value))]
    run = subprocess.run([driver, file, "--seconds", str(seconds), *words], capture_output=True, text=True, check=False,
                         timeout=seconds + 60)
    if run.returncode != 0:
        raise SystemExit(run.stderr)
    return json.loads(run.stdout)


def whole(outcome, first=0):
    """The seconds in which requests were sent, from the `first` on; the last may be a part of one."""
    sent = [one for one in outcome["seconds"] if one["sent"] > 0]
    return sent[first:-1] if len(sent) > first + 1 else sent[first:]


def goodput(seconds):
    return sum(one["stored"] for one in seconds) / len(seconds) if seconds else 0


class Memory:
    """The most resident memory of each process while it is open, in bytes."""

    def __init__(self, pids):
        self.peaks = dict.fromkeys(pids, 0)
        self.closing = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.closing.set()
        self.thread.join()

    def look(self):
        for pid in self.peaks:
            with open(f"/proc/{pid}/statm", encoding="ascii") as about:
                resident = int(about.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
            self.peaks[pid] = max(self.peaks[pid], resident)

    def run(self):
        self.look()
        while not self.closing.wait(0.1):
            self.look()


def terms_of(status):
    return {one["id"]: one["term"] for one in status["partitions"]}


def run(seconds):
    seconds = max(seconds, 8)
    extra = f"[s3]\nrequests_max = {BRIDGE}\n[metadata]\npartitions = 3\n[objects]\nreplica_sets = 8\n"
    with Cluster(23000, extra=extra) as cluster, tempfile.TemporaryDirectory(prefix="dunlin-bench-") as folder:
        endpoints = [cluster.endpoint.rsplit(":", 1)[0] + f":{23000 + 10 * (i + 1)}" for i in range(NODES)]
        setup, load = os.path.join(folder, "setup"), os.path.join(folder, "load")
        make = "/bench"
        raw = raw_request("PUT", endpoints[0], make, signed_headers(cluster.env, "PUT", endpoints[0] + make, b""), b"")
        with open(setup, "wb") as out:
            out.write(struct.pack("<II", int(endpoints[0].rsplit(":", 1)[1]), len(raw)) + raw)
        drive(setup, 1, in_flight=1)
        prepare(load, endpoints, cluster.env)
        pids = [node["pid"] for node in cluster.status()["nodes"]]
        usual = {"in_flight": NODES * BRIDGE // 2, "connections": NODES * BRIDGE}
        drive(load, WARM_SECONDS, **usual)
        with Memory(pids) as steady:
            before = drive(load, seconds, **usual)
        peak = goodput(whole(before, 1))
        terms = terms_of(cluster.status())
        with Memory(pids) as loaded:
            during = drive(load, seconds, rate=10 * peak, connections=10 * NODES * BRIDGE)
        after = drive(load, 8, **usual)
        changed = terms_of(cluster.status()) != terms
    return figures_of(seconds, peak, steady, loaded, during, after, changed)


def figures_of(seconds, peak, steady, loaded, during, after, changed):
    flood = whole(during, 1)
    total = {name: sum(one[name] for one in during["seconds"])
             for name in ("sent", "stored", "slow_down", "other", "broken", "no_connection", "without_retry_after")}
    good = ratio(goodput(flood), peak)
    # Within five seconds: the mean of the seconds that are left of eight.
    again = ratio(goodput(whole(after, 5)), peak)
    grown = max(loaded.peaks[pid] / steady.peaks[pid] for pid in steady.peaks)
    latest = max((one["refused_p99_ms"] for one in flood), default=0)
    stored = max((one["stored_p99_ms"] for one in flood), default=0)
    return [
        figure("peak goodput", peak, "stored/s", conditions=f"{NODES * BRIDGE // 2} in flight; {conditions()}"),
        figure("offered in overload", (total["sent"] + total["no_connection"]) / seconds, "/s",
               conditions=f"10 x peak; {total['no_connection']} found no free connection of {10 * NODES * BRIDGE}"),
        figure("goodput in overload, ratio to peak", good, "x", target=0.7, met=good >= 0.7),
        figure("goodput five seconds after, ratio to peak", again, "x", target=0.95, met=again >= 0.95),
        figure("resident memory in overload, ratio to steady", grown, "x", target=1.5, met=grown <= 1.5,
               conditions="worst node; steady " + ", ".join(f"{peak >> 20} MiB" for peak in steady.peaks.values())),
        figure("leader changes", int(changed), "", target=0, met=not changed),
        figure("refused with 503 SlowDown", total["slow_down"], "", conditions=f"{total['without_retry_after']} without Retry-After"),
        figure("refused, p99 of the worst second", latest, "ms"),
        figure("stored, p99 of the worst second", stored, "ms"),
        figure("other answers", total["other"], "", target=0, met=total["other"] == 0, conditions=during["first_other"]),
        figure("connections broken", total["broken"], "", conditions=f"{during['unanswered']} unanswered in the end"),
    ]
