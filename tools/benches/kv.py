"""KV: puts and linearizable gets of one partition (three replicas, every log synced), driven by a separate process over
a peer link, beside a 3-node etcd on the same disk and the disk's own fdatasync rate."""
import json
import os
import shutil
import struct
import subprocess
import tempfile
import time

from .common import DUNLIN, ROOT, Cluster, conditions, fdatasync_rate, figure, install, ratio, stop

DRIVER = os.path.join(ROOT, "build/release/apps/bench/dunlin-kv")
CONCURRENCY = [1, 16, 128]
KEYS = 100_000
VALUE = 100


class Nodes:
    """Three database nodes as processes of their own; the driver is a fourth node of the file, started by run_driver."""

    def __init__(self, base_port, plain):
        self.cluster = Cluster(base_port, plain=plain, roles='["database", "storage"]',
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

    def drive(self, operation, concurrency, seconds):
        run = subprocess.run([DRIVER, self.cluster.file, "driver", "--operation", operation, "--concurrency",
                              str(concurrency), "--seconds", str(seconds), "--keys", str(KEYS), "--value", str(VALUE)],
                             capture_output=True, text=True, check=False, timeout=seconds + 120)
        if run.returncode != 0:
            return None, run.stderr.strip()[-160:]
        return json.loads(run.stdout.splitlines()[-1]), ""


def measure_dunlin(seconds, plain, base_port):
    results = {}
    with Nodes(base_port, plain) as nodes:
        for operation in ("fill", "put", "get"):
            for concurrency in [128] if operation == "fill" else CONCURRENCY:
                results[operation, concurrency] = nodes.drive(operation, concurrency, seconds)
    return results


def frame(*fields):
    """One gRPC message of length-delimited Protobuf fields (number, bytes)."""
    body = b"".join(bytes([number << 3 | 2, len(value)]) + value for number, value in fields)
    return b"\0" + struct.pack(">I", len(body)) + body


def h2load(folder, leader, path, body, concurrency, seconds):
    data = os.path.join(folder, "request.bin")
    with open(data, "wb") as out:
        out.write(body)
    log = os.path.join(folder, "h2load.log")
    if os.path.exists(log):
        os.unlink(log)
    clients = min(concurrency, 16)
    subprocess.run(["h2load", f"-c{clients}", f"-m{concurrency // clients}", "-t1", "--warm-up-time=1", f"-D{seconds}",
                    "-d", data, "-H", "content-type: application/grpc", "-H", "te: trailers", f"--log-file={log}",
                    f"http://{leader}{path}"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    times = sorted(int(line.split()[2]) / 1000 for line in open(log, encoding="ascii") if line.split()[1] == "200")
    if not times:
        return None, "no request succeeded"
    return {"ops_s": len(times) / seconds, "p50_ms": times[len(times) // 2], "p99_ms": times[len(times) * 99 // 100]}, ""


def etcd_leader(endpoints):
    environment = dict(os.environ, ETCDCTL_API="3")
    for _ in range(100):
        run = subprocess.run(["etcdctl", "--endpoints=" + ",".join(endpoints), "endpoint", "status", "-w", "json"],
                             capture_output=True, text=True, env=environment, check=False)
        try:
            for member in json.loads(run.stdout):
                if member["Status"]["leader"] == member["Status"]["header"]["member_id"]:
                    return member["Endpoint"]
        except (ValueError, KeyError):
            pass
        time.sleep(0.2)
    raise SystemExit("etcd elected no leader within 20 s")


def measure_etcd(seconds, base_port):
    folder = tempfile.mkdtemp(prefix="dunlin-bench-etcd-")
    peers = ",".join(f"e{i}=http://127.0.0.1:{base_port + 10 + i}" for i in range(3))
    endpoints = [f"127.0.0.1:{base_port + i}" for i in range(3)]
    processes = []
    try:
        for i in range(3):
            client, peer = f"http://127.0.0.1:{base_port + i}", f"http://127.0.0.1:{base_port + 10 + i}"
            processes.append(subprocess.Popen(
                ["etcd", "--name", f"e{i}", "--data-dir", os.path.join(folder, f"e{i}"), "--listen-client-urls", client,
                 "--advertise-client-urls", client, "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
                 "--initial-cluster", peers, "--initial-cluster-state", "new", "--logger", "zap", "--log-level", "error",
                 "--quota-backend-bytes", "8000000000"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        leader = etcd_leader(endpoints)
        put = frame((1, b"00000001"), (2, b"x" * VALUE))
        get = frame((1, b"00000001"))
        results = {}
        for operation, path, body in (("put", "/etcdserverpb.KV/Put", put), ("get", "/etcdserverpb.KV/Range", get)):
            for concurrency in CONCURRENCY:
                results[operation, concurrency] = h2load(folder, leader, path, body, concurrency, seconds)
        return results
    finally:
        for process in processes:
            stop(process)
        shutil.rmtree(folder, ignore_errors=True)


def run(seconds):
    install("etcd-server", "etcd-client", "nghttp2-client")
    with tempfile.TemporaryDirectory(prefix="dunlin-bench-") as folder:
        limit = fdatasync_rate(folder)
    where = conditions()
    columns = {
        "dunlin": measure_dunlin(seconds, False, 22000),
        "dunlin, plain transport": measure_dunlin(seconds, True, 22200),
        "etcd": measure_etcd(seconds, 22400),
    }
    figures = [figure("fdatasync, 512 B overwrite, one stream", limit, "/s", conditions=where)]
    for operation in ("put", "get"):
        for concurrency in CONCURRENCY:
            title = f"{operation}, {concurrency} in flight"
            for column, results in columns.items():
                value, why = results[operation, concurrency]
                note = f"p50 {value['p50_ms']:.2f} ms, p99 {value['p99_ms']:.2f} ms" if value else "not taken: " + why
                figures.append(figure(f"{title}: {column}", value and value["ops_s"], "ops/s", conditions=note))
            ours, theirs = columns["dunlin"][operation, concurrency][0], columns["etcd"][operation, concurrency][0]
            figures.append(figure(f"{title}: ratio to etcd", ratio(ours and ours["ops_s"], theirs and theirs["ops_s"]), "x",
                                  conditions=f"{KEYS} keys of {VALUE} B against one hot key in etcd; mutual TLS against plain"))
            figures.append(figure(f"{title}: ratio to fdatasync", ratio(ours and ours["ops_s"], limit), "x"))
    return figures
