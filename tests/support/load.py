"""S3 load for process trials: threads that put, get, delete and list unique values at all access nodes, never retry,
and write down every operation with begin and end of one clock (CLOCK_MONOTONIC, one for all processes of a machine).

The history is one JSON object a line, what `dunlin-check` reads (apps/check/history.hpp):
  {"op": "put" | "get" | "delete" | "list", "bucket", "key", "node", "start", "end",   nanoseconds
   "outcome": "ok" | "no" | "unknown", "status",    "no": it certainly had no effect; 404 and 412 are such answers
   "etag", "sha",      of a put: what was sent; of a get: what came
   "if_absent": true | "if_match": ETAG,            conditions of a put
   "found": [[key, etag], …]}                       of a list, `key` being its prefix
"""
import hashlib
import json
import random
import threading
import time
import urllib.parse
import xml.etree.ElementTree

from tests.support.s3_client import NoAnswer, NotSent, S3Client

NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"
BAD_S = 1.0         # an endpoint that did not answer is left alone for so long
OWN_KEYS = 2        # a worker's and a round's, written by nobody else
SHARED_KEYS = 4     # a bucket's and a round's, written by everybody
LARGE_KEYS = 2
TRIES = 40          # of a read at the end of a round, a quarter of a second apart


class Settings:
    """How much load: about `workers / pause` operations a second."""

    def __init__(self, workers=6, pause=0.06, timeout=4.0, large_bytes=3 << 20):
        self.workers, self.pause, self.timeout, self.large_bytes = workers, pause, timeout, large_bytes


class Journal:
    """The history: a line an operation, and for recovery times the acknowledged puts of this round."""

    def __init__(self, path):
        self.file = open(path, "w", encoding="utf-8")  # pylint: disable=consider-using-with
        self.lock = threading.Lock()
        self.counts = {}
        self.odd = {}      # answers that are neither success nor a lost condition: how often
        self.acked = []    # (bucket, start, end) of puts
        self.keys = set()  # (bucket, key) of this round

    def begin_round(self):
        with self.lock:
            self.acked, self.keys = [], set()

    def add(self, line):
        text = json.dumps(line, separators=(",", ":"))
        kind = line["outcome"] if line["status"] not in (404, 412) else "refused"
        with self.lock:
            self.file.write(text + "\n")
            self.counts[kind] = self.counts.get(kind, 0) + 1
            if kind in ("no", "unknown"):
                why = f"{line['op']} {line['status'] or line.get('error', '')[:40]} {line.get('code', '')}".strip()
                self.odd[why] = self.odd.get(why, 0) + 1
            if line["op"] != "list":
                self.keys.add((line["bucket"], line["key"]))
            if line["op"] == "put" and line["outcome"] == "ok":
                self.acked.append((line["bucket"], line["start"], line["end"]))

    def close(self):
        with self.lock:
            self.file.close()


def outcome_of(op, status):
    """What an HTTP status tells about an operation. 5xx: a command may have run."""
    if status in (200, 204):
        return "ok"
    if op == "get" and status == 404:
        return "ok"
    return "unknown" if status >= 500 else "no"


class Client:
    """The operations; every one ends as a line of the journal."""

    def __init__(self, load, seed, careful=False):
        self.load, self.careful = load, careful
        self.random = random.Random(seed)
        self.connections = {}
        load.clients.append(self)

    def close(self):
        for connection in self.connections.values():
            connection.close()

    def pick_node(self):
        names = [name for name in self.load.endpoints if not self.careful or name not in self.load.avoid]
        now = time.monotonic()
        well = [name for name in names if self.load.bad_until.get(name, 0) < now]
        return self.random.choice(well or names or list(self.load.endpoints))

    def call(self, line, method, path, query=None, body=b"", headers=None, node=None):
        """Fills in what an operation's line lacks; the answer, or None. Sleeps a little when there is none."""
        load = self.load
        node = node or self.pick_node()
        if node not in self.connections:
            self.connections[node] = S3Client(*load.endpoints[node], load.environment, load.settings.timeout)
        answer, line["node"], line["status"] = None, node, 0
        line["start"] = time.monotonic_ns()
        try:
            answer = self.connections[node].request(method, path, query, body, headers)
            line["outcome"], line["status"] = outcome_of(line["op"], answer.status), answer.status
        except NotSent as error:
            line["outcome"], line["error"] = "no", str(error)
        except NoAnswer as error:
            line["outcome"], line["error"] = "unknown", str(error)
        line["end"] = time.monotonic_ns()
        if answer is None:
            load.bad_until[node] = time.monotonic() + BAD_S
            time.sleep(0.02)
        elif answer.status >= 400 and answer.status not in (404, 412):
            line["code"] = answer.code
            time.sleep(0.02)
        return answer

    def put(self, bucket, key, size, if_absent=False, if_match=None, node=None):
        body = self.load.value(size)
        line = {"op": "put", "bucket": bucket, "key": key, "sha": hashlib.sha256(body).hexdigest(),
                "etag": hashlib.md5(body).hexdigest()}
        headers = {}
        if if_absent:
            line["if_absent"], headers["If-None-Match"] = True, "*"
        if if_match:
            line["if_match"], headers["If-Match"] = if_match, f'"{if_match}"'
        answer = self.call(line, "PUT", f"/{bucket}/{key}", body=body, headers=headers, node=node)
        if answer and answer.status == 200 and answer.etag != line["etag"]:
            line["answered_etag"] = answer.etag
        self.load.journal.add(line)
        return answer

    def get(self, bucket, key, node=None):
        line = {"op": "get", "bucket": bucket, "key": key}
        answer = self.call(line, "GET", f"/{bucket}/{key}", node=node)
        if answer and answer.status == 200:
            line["etag"], line["sha"] = answer.etag, hashlib.sha256(answer.body).hexdigest()
        if answer and answer.status == 404 and answer.code != "NoSuchKey":
            line["outcome"] = "no"  # the bucket itself is missing: no answer about the key
        self.load.journal.add(line)
        return line

    def delete(self, bucket, key):
        line = {"op": "delete", "bucket": bucket, "key": key}
        self.call(line, "DELETE", f"/{bucket}/{key}")
        self.load.journal.add(line)

    def list(self, bucket, prefix):
        line = {"op": "list", "bucket": bucket, "key": prefix}
        answer = self.call(line, "GET", f"/{bucket}", {"list-type": "2", "prefix": prefix, "max-keys": "1000"})
        if answer and answer.status == 200:
            line["found"] = found_in(answer.body)
        self.load.journal.add(line)


def found_in(document):
    tree = xml.etree.ElementTree.fromstring(document)
    if tree.findtext(NAMESPACE + "IsTruncated") == "true":
        raise AssertionError("a listing of one round has more than 1000 keys")
    return [[urllib.parse.unquote(entry.findtext(NAMESPACE + "Key")) if tree.findtext(NAMESPACE + "EncodingType") else
             entry.findtext(NAMESPACE + "Key"), entry.findtext(NAMESPACE + "ETag").strip('"')]
            for entry in tree.iter(NAMESPACE + "Contents")]


class Load:
    """`buckets`: partition -> bucket that lives in it. `avoid`: endpoints that probers leave alone now."""

    def __init__(self, endpoints, environment, buckets, path, seed, settings=None):
        self.endpoints, self.environment, self.buckets = endpoints, environment, buckets
        self.settings = settings or Settings()
        self.journal = Journal(path)
        self.seed = seed
        self.avoid, self.bad_until = set(), {}
        self.round = 0
        self.number, self.number_lock = 0, threading.Lock()
        self.stopping = threading.Event()
        self.threads, self.clients, self.died = [], [], []

    def value(self, size):
        """Bytes nobody wrote before."""
        with self.number_lock:
            self.number += 1
            text = f"value {self.number} of {self.seed} "
        return (text * (size // len(text) + 1))[:max(size, len(text))].encode()

    def start(self):
        jobs = [(self.worker, i) for i in range(self.settings.workers)]
        jobs += [(self.prober, partition) for partition in self.buckets]
        jobs += [(self.mover, 0)] if self.settings.large_bytes else []
        for job, argument in jobs:
            thread = threading.Thread(target=self.guard, args=(job, argument), daemon=True)
            thread.start()
            self.threads.append(thread)

    def guard(self, job, argument):
        """A thread that dies silently would make a trial of nothing."""
        try:
            job(argument)
        except BaseException as error:  # pylint: disable=broad-except
            self.died.append(f"{job.__name__} {argument}: {type(error).__name__}: {error}")
            raise

    def begin_round(self, number):
        self.round = number
        self.journal.begin_round()

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(self.settings.timeout + 10)
        for client in self.clients:
            client.close()

    def rest(self, client, pause):
        self.stopping.wait(pause * (0.5 + client.random.random()))

    def prefix(self):
        return f"r{self.round:04}/"

    def prober(self, partition):
        """Puts to one partition without pause for thought: what tells when it works again."""
        client = Client(self, f"{self.seed} prober {partition}", careful=True)
        count = 0
        while not self.stopping.is_set():
            count += 1
            client.put(self.buckets[partition], f"{self.prefix()}probe-{count % 8}", 100)
            self.rest(client, self.settings.pause)

    def mover(self, _):
        """Moves large objects, one after the other."""
        client = Client(self, f"{self.seed} mover")
        while not self.stopping.is_set():
            bucket = client.random.choice(list(self.buckets.values()))
            key = f"{self.prefix()}large-{client.random.randrange(LARGE_KEYS)}"
            if client.random.random() < 0.5:
                client.put(bucket, key, self.settings.large_bytes)
            else:
                client.get(bucket, key)
            self.rest(client, 15 * self.settings.pause)

    def worker(self, number):
        client = Client(self, f"{self.seed} worker {number}")
        while not self.stopping.is_set():
            bucket = client.random.choice(list(self.buckets.values()))
            if client.random.random() < 0.5:
                self.step_alone(client, bucket, f"{self.prefix()}own-{number}-{client.random.randrange(OWN_KEYS)}")
            else:
                self.step_among_others(client, bucket,
                                       f"{self.prefix()}shared-{client.random.randrange(SHARED_KEYS)}")
            self.rest(client, self.settings.pause)

    def step_alone(self, client, bucket, key):
        dice = client.random.random()
        if dice < 0.5:
            client.put(bucket, key, self.size(client))
        elif dice < 0.9:
            client.get(bucket, key)
        else:
            client.delete(bucket, key)

    def step_among_others(self, client, bucket, key):
        dice = client.random.random()
        if dice < 0.2:
            client.put(bucket, key, self.size(client))
        elif dice < 0.35:
            client.put(bucket, key, self.size(client), if_absent=True)
        elif dice < 0.55:
            seen = client.get(bucket, key)
            if seen["outcome"] == "ok" and seen["status"] == 200:
                client.put(bucket, key, self.size(client), if_match=seen["etag"])
        elif dice < 0.8:
            client.get(bucket, key)
        elif dice < 0.9:
            client.delete(bucket, key)
        else:
            client.list(bucket, self.prefix())

    @staticmethod
    def size(client):
        return client.random.choice((50, 300, 1500, 5000, 70_000))

    def read_all(self, keys, every_node=False):
        """Reads keys at one node each, or at all; what could not be read. Every attempt is part of the history."""
        work, unread = sorted(keys), []

        def read(share):
            client = Client(self, f"{self.seed} reader {self.round} {share}")
            for i in range(share, len(work), 4):
                nodes = list(self.endpoints) if every_node else [client.pick_node()]
                for node in nodes:
                    if not self.read_once(client, *work[i], node):
                        unread.append(f"{'/'.join(work[i])} at {node}")
            client.close()

        threads = [threading.Thread(target=read, args=(share,), daemon=True) for share in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return unread

    @staticmethod
    def read_once(client, bucket, key, node):
        for _ in range(TRIES):
            if client.get(bucket, key, node)["outcome"] == "ok":
                return True
            time.sleep(0.25)
        return False
