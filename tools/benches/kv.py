"""KV: puts and linearizable gets of one partition (three replicas, every log synced), driven by a separate process over
a peer link, beside a 3-node etcd on the same disk and the disk's own fdatasync rate. Puts once more while 8 MiB objects
are uploaded over S3.

What is compared: the same machine, disk and minute; closed loops with 1, 16 and 128 requests in flight; values of 100 B.
Dunlin speaks mutual TLS and writes random ones of 100,000 keys; etcd speaks plain HTTP/2 and writes one hot key.
Uploads come at a fixed rate, so that both see the same background. Dunlin's go through the very nodes that are measured;
those beside etcd go to three Dunlin nodes of their own, since etcd stores no objects: CPU, disk and loopback have the same
work to do, and only Dunlin's puts share processes, log and links with it.
CPU is that of the three servers, user and system, per operation: it moves less than times do on a busy machine."""
import http.client
import json
import os
import shutil
import struct
import subprocess
import tempfile
import threading
import time

from .common import DUNLIN, ROOT, Cluster, conditions, fdatasync_rate, figure, install, ratio, stop

DRIVER = os.path.join(ROOT, "build/release/apps/bench/dunlin-kv")
CONCURRENCY = [1, 16, 128]
KEYS = 100_000
VALUE = 100
TARGETS = {("put", 1): 1.0, ("put", 16): 1.5, ("put", 128): 1.5, ("get", 1): 0.85, ("get", 16): 2.0, ("get", 128): 2.4}
P99_TARGET = 1.2
UPLOAD_BYTES = 8 << 20
UPLOADS_PER_SECOND = 1.0


def cpu_seconds(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat", encoding="ascii") as about:
            fields = about.read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


class Nodes:
    """Three nodes as processes of their own; the driver is a fourth node of the file, started by drive()."""

    def __init__(self, base_port, plain=False, access=False):
        self.cluster = Cluster(base_port, plain=plain,
                               roles='["database", "storage", "access"]' if access else '["database", "storage"]',
                               extra="[metadata]\npartitions = 1\n[objects]\nreplica_sets = 1\n")
        with open(self.cluster.file, "a", encoding="utf-8") as out:
            out.write(f'[[node]]\nname = "driver"\nroles = ["access"]\ncontrol = "127.0.0.1:{base_port + 91}"\n'
                      f'bulk = "127.0.0.1:{base_port + 92}"\nadmin = "127.0.0.1:{base_port + 93}"\n'
                      f's3 = "127.0.0.1:{base_port + 90}"\n')
        self.processes = []

    def __enter__(self):
        subprocess.run([DUNLIN, "init", self.cluster.file], check=True, stdout=subprocess.DEVNULL)
        for name in ("n1", "n2", "n3"):
            self.processes.append(subprocess.Popen([DUNLIN, "node", self.cluster.file, name],
                                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        return self

    def __exit__(self, *_):
        for process in self.processes:
            stop(process)
        shutil.rmtree(self.cluster.folder, ignore_errors=True)

    def pids(self):
        return [process.pid for process in self.processes]

    def environment(self):
        text = subprocess.run([DUNLIN, "env", self.cluster.file], check=True, capture_output=True, text=True).stdout
        return dict(word.split("=", 1) for word in text.split() if "=" in word)

    def drive(self, operation, concurrency, seconds):
        before = cpu_seconds(self.pids())
        run = subprocess.run([DRIVER, self.cluster.file, "driver", "--operation", operation, "--concurrency",
                              str(concurrency), "--seconds", str(seconds), "--keys", str(KEYS), "--value", str(VALUE)],
                             capture_output=True, text=True, check=False, timeout=seconds + 120)
        if run.returncode != 0:
            return None, run.stderr.strip()[-160:]
        result = json.loads(run.stdout.splitlines()[-1])
        result["cpu_us"] = 1e6 * (cpu_seconds(self.pids()) - before) / (result["ops_s"] * seconds)
        return result, ""


class Uploads:
    """Puts objects of 8 MiB at a fixed rate while it is open; counts those that were stored."""

    def __init__(self, nodes):
        from .s3 import signed_headers
        environment = nodes.environment()
        self.endpoint = nodes.cluster.endpoint
        body = os.urandom(UPLOAD_BYTES)
        self.create = ("PUT", "/background", b"", signed_headers(environment, "PUT", self.endpoint + "/background", b""))
        # A few keys, so that replaced pages become garbage and the disk does not fill.
        self.requests = []
        for i in range(4):
            path = f"/background/{i}"
            self.requests.append(("PUT", path, body, signed_headers(environment, "PUT", self.endpoint + path, body)))
        self.stored = self.failed = 0
        self.closing = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self):
        for _ in range(100):
            if self.send(self.create) in (200, 409):
                break
            time.sleep(0.2)
        else:
            raise SystemExit("no bucket for the uploads within 20 s")
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.closing.set()
        self.thread.join()

    def send(self, request):
        method, path, body, headers = request
        connection = http.client.HTTPConnection(self.endpoint.removeprefix("http://"), timeout=30)
        try:
            connection.request(method, path, body, headers)
            return connection.getresponse().status
        except OSError:
            return 0
        finally:
            connection.close()

    def run(self):
        due = time.monotonic()
        while not self.closing.wait(max(0, due - time.monotonic())):
            due += 1 / UPLOADS_PER_SECOND
            if self.send(self.requests[(self.stored + self.failed) % len(self.requests)]) == 200:
                self.stored += 1
            else:
                self.failed += 1


def measure_dunlin(seconds, plain, base_port):
    results = {}
    with Nodes(base_port, plain) as nodes:
        for operation in ("fill", "put", "get"):
            for concurrency in [128] if operation == "fill" else CONCURRENCY:
                results[operation, concurrency] = nodes.drive(operation, concurrency, seconds)
    return results


def measure_dunlin_beside_uploads(seconds, base_port):
    results = {}
    with Nodes(base_port, access=True) as nodes:
        nodes.drive("fill", 128, seconds)
        with Uploads(nodes) as uploads:
            for concurrency in CONCURRENCY:
                results["put", concurrency] = nodes.drive("put", concurrency, seconds)
    return results, uploads


def frame(*fields):
    """One gRPC message of length-delimited Protobuf fields (number, bytes)."""
    body = b"".join(bytes([number << 3 | 2, len(value)]) + value for number, value in fields)
    return b"\0" + struct.pack(">I", len(body)) + body


class Etcd:
    """Three etcd servers as processes of their own."""
    PUT = ("/etcdserverpb.KV/Put", frame((1, b"00000001"), (2, b"x" * VALUE)))
    GET = ("/etcdserverpb.KV/Range", frame((1, b"00000001")))

    def __init__(self, base_port):
        self.base_port = base_port
        self.folder = tempfile.mkdtemp(prefix="dunlin-bench-etcd-")
        self.processes = []

    def __enter__(self):
        peers = ",".join(f"e{i}=http://127.0.0.1:{self.base_port + 10 + i}" for i in range(3))
        for i in range(3):
            client, peer = f"http://127.0.0.1:{self.base_port + i}", f"http://127.0.0.1:{self.base_port + 10 + i}"
            self.processes.append(subprocess.Popen(
                ["etcd", "--name", f"e{i}", "--data-dir", os.path.join(self.folder, f"e{i}"), "--listen-client-urls", client,
                 "--advertise-client-urls", client, "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
                 "--initial-cluster", peers, "--initial-cluster-state", "new", "--logger", "zap", "--log-level", "error",
                 "--quota-backend-bytes", "8000000000"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        self.leader = self.find_leader()
        return self

    def __exit__(self, *_):
        for process in self.processes:
            stop(process)
        shutil.rmtree(self.folder, ignore_errors=True)

    def find_leader(self):
        endpoints = ",".join(f"127.0.0.1:{self.base_port + i}" for i in range(3))
        environment = dict(os.environ, ETCDCTL_API="3")
        for _ in range(100):
            run = subprocess.run(["etcdctl", "--endpoints=" + endpoints, "endpoint", "status", "-w", "json"],
                                 capture_output=True, text=True, env=environment, check=False)
            try:
                for member in json.loads(run.stdout):
                    if member["Status"]["leader"] == member["Status"]["header"]["member_id"]:
                        return member["Endpoint"]
            except (ValueError, KeyError):
                pass
            time.sleep(0.2)
        raise SystemExit("etcd elected no leader within 20 s")

    def drive(self, request, concurrency, seconds):
        path, body = request
        data, log = os.path.join(self.folder, "request.bin"), os.path.join(self.folder, "h2load.log")
        with open(data, "wb") as out:
            out.write(body)
        if os.path.exists(log):
            os.unlink(log)
        clients = min(concurrency, 16)
        before = cpu_seconds(process.pid for process in self.processes)
        subprocess.run(["h2load", f"-c{clients}", f"-m{concurrency // clients}", "-t1", "--warm-up-time=1", f"-D{seconds}",
                        "-d", data, "-H", "content-type: application/grpc", "-H", "te: trailers", f"--log-file={log}",
                        f"http://{self.leader}{path}"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        used = cpu_seconds(process.pid for process in self.processes) - before
        with open(log, encoding="ascii") as lines:
            times = sorted(int(line.split()[2]) / 1000 for line in lines if line.split()[1] == "200")
        if not times:
            return None, "no request succeeded"
        # The log leaves out the second of warming up; the CPU does not.
        return {"ops_s": len(times) / seconds, "p50_ms": times[len(times) // 2], "p99_ms": times[len(times) * 99 // 100],
                "cpu_us": 1e6 * used / (len(times) * (seconds + 1) / seconds)}, ""


def measure_etcd(seconds, base_port):
    results = {}
    with Etcd(base_port) as etcd:
        for operation, request in (("put", Etcd.PUT), ("get", Etcd.GET)):
            for concurrency in CONCURRENCY:
                results[operation, concurrency] = etcd.drive(request, concurrency, seconds)
    return results


def measure_etcd_beside_uploads(seconds, base_port):
    results = {}
    with Nodes(base_port + 100, access=True) as nodes, Etcd(base_port) as etcd, Uploads(nodes) as uploads:
        for concurrency in CONCURRENCY:
            results["put", concurrency] = etcd.drive(Etcd.PUT, concurrency, seconds)
    return results, uploads


def note_of(value, why):
    if not value:
        return "not taken: " + why
    return f"p50 {value['p50_ms']:.2f} ms, p99 {value['p99_ms']:.2f} ms, CPU {value['cpu_us']:.0f} us an operation"


def compare(figures, title, operation, concurrency, columns, limit):
    """A line for each column, then how Dunlin stands to etcd."""
    for column, results in columns.items():
        value, why = results[operation, concurrency]
        figures.append(figure(f"{title}: {column}", value and value["ops_s"], "ops/s", conditions=note_of(value, why)))
    ours, theirs = columns["dunlin"][operation, concurrency][0], columns["etcd"][operation, concurrency][0]
    rate = ratio(ours and ours["ops_s"], theirs and theirs["ops_s"])
    target = TARGETS[operation, concurrency]
    figures.append(figure(f"{title}: ratio to etcd", rate, "x", target=target, met=rate is not None and rate >= target))
    if operation == "put":
        tail = ratio(ours and ours["p99_ms"], theirs and theirs["p99_ms"])
        figures.append(figure(f"{title}: p99, ratio to etcd", tail, "x", target=P99_TARGET,
                              met=tail is not None and tail <= P99_TARGET))
    figures.append(figure(f"{title}: ratio to fdatasync", ratio(ours and ours["ops_s"], limit), "x"))


def run(seconds):
    install("etcd-server", "etcd-client", "nghttp2-client")
    with tempfile.TemporaryDirectory(prefix="dunlin-bench-") as folder:
        limit = fdatasync_rate(folder)
    figures = [figure("fdatasync, 512 B overwrite, one stream", limit, "/s", conditions=conditions())]
    columns = {
        "dunlin": measure_dunlin(seconds, False, 22000),
        "dunlin, plain transport": measure_dunlin(seconds, True, 22200),
        "etcd": measure_etcd(seconds, 22400),
    }
    for operation in ("put", "get"):
        for concurrency in CONCURRENCY:
            compare(figures, f"{operation}, {concurrency} in flight", operation, concurrency, columns, limit)
    ours, our_uploads = measure_dunlin_beside_uploads(seconds, 22600)
    theirs, their_uploads = measure_etcd_beside_uploads(seconds, 22800)
    for concurrency in CONCURRENCY:
        compare(figures, f"put beside uploads, {concurrency} in flight", "put", concurrency,
                {"dunlin": ours, "etcd": theirs}, limit)
    for name, uploads in (("dunlin", our_uploads), ("etcd", their_uploads)):
        figures.append(figure(f"8 MiB uploads beside {name}", uploads.stored, "stored",
                              conditions=f"{uploads.failed} failed, wanted {UPLOADS_PER_SECOND:g}/s"))
    return figures
