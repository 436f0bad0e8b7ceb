"""GETS: what leaders are asked for by GETs of warm objects whose metadata near caches hold in bounded mode: real requests to three
processes, signed, each node asked in turn; the leaders' own counter, from the metrics of all nodes."""
import http.client
import threading
import time

from .common import Cluster, conditions, counted, figure
from .s3 import signed_headers

OBJECTS, NODES = 100, 3
TYPES = ("user", "bucket", "policy", "object")
SETTINGS = "".join(f'[cache.{name}]\nmode = "bounded"\n' for name in TYPES)
LOOKUPS = "dunlin_partition_lookups_total"
LIMIT = f"look-ups at leaders by GETs of {OBJECTS} warm objects, bounded"


class Client:
    """One connection to a node; every request is signed once, and sent as often as one likes."""

    def __init__(self, env, port):
        self.env, self.host = env, f"127.0.0.1:{port}"
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.signed = {}

    def ask(self, method, path, body=b"", wanted=200):
        headers = self.signed.get((method, path))
        if headers is None:
            headers = signed_headers(self.env, method, f"http://{self.host}{path}", body)
            self.signed[method, path] = headers
        self.connection.request(method, path, body=body or None, headers=headers)
        answer = self.connection.getresponse()
        got = answer.read()
        if answer.status != wanted:
            raise RuntimeError(f"{method} {path}: {answer.status} {got[:200]}")
        return got


def get_all(client, count, failures):
    try:
        for i in range(count):
            client.ask("GET", f"/warm/o{i % OBJECTS}")
    except (OSError, RuntimeError, http.client.HTTPException) as error:
        failures.append(repr(error))


def all_at_once(clients, count):
    failures = []
    threads = [threading.Thread(target=get_all, args=(client, count, failures)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise RuntimeError(failures[0])


def lookups(cluster):
    sums = {}
    for port in cluster.admin_ports:
        for labels, value in counted(cluster.folder, port, LOOKUPS).items():
            sums[labels] = sums.get(labels, 0) + value
    return sums


def run(quick=False):
    count = 3_000 if quick else 10_002  # of all nodes
    roles = '["database", "storage", "access", "queue"]'
    with Cluster(28000, extra=SETTINGS, roles=roles, nodes=NODES) as cluster:
        clients = [Client(cluster.env, port) for port in cluster.s3_ports]
        clients[0].ask("PUT", "/warm")
        for i in range(OBJECTS):
            clients[i % NODES].ask("PUT", f"/warm/o{i}", b"x" * 1000)
        # Until what was written is proved by news everywhere.
        for _ in range(3):
            all_at_once(clients, OBJECTS)
            time.sleep(1)
        before, began = lookups(cluster), time.monotonic()
        all_at_once(clients, count // NODES)
        took, after = time.monotonic() - began, lookups(cluster)
    grown = {labels: value - before.get(labels, 0) for labels, value in after.items() if value != before.get(labels, 0)}
    asked = int(sum(grown.values()))
    # Zero that nobody counted would prove nothing.
    if sum(after.values()) == 0:
        raise RuntimeError(f"{LOOKUPS} is not counted")
    where = (f"{count} GETs through {NODES} nodes, {count / took:.0f}/s; counted {int(sum(before.values()))} before, to warm up; "
             f"{grown if grown else 'none grew'}; {conditions()}")
    return [figure(LIMIT, asked, "", 0, asked == 0, ("" if asked == 0 else "MISSED; ") + where)]
