"""What a balancer costs: GETs of 4 KiB and 8 MiB through it, straight to the access node, and through HAProxy in its place, by wrk with
requests signed beforehand; without TLS (HAProxy in tcp mode) and with TLS that ends at the balancer (HAProxy ends it too)."""
import itertools
import os
import shutil
import statistics
import subprocess
import tempfile

from .common import figure, install, stop
from .fleet import DATABASE, Fleet, wait_for
from .s3 import wrk

SIZES = [(4 << 10, "4 KiB", 0.7), (8 << 20, "8 MiB", 0.9)]
CONNECTIONS = 16
ROUNDS = 2 * list(itertools.permutations(range(3)))

HAPROXY = """global
  maxconn 8000
  nbthread 1
defaults
  mode tcp
  timeout connect 2s
  timeout client 1h
  timeout server 1h
listen plain
  bind 127.0.0.1:{port}
  server node 127.0.0.1:{node}
listen secure
  bind 127.0.0.1:{secure} ssl crt {pem}
  server node 127.0.0.1:{node}
"""


def certificate(folder):
    paths = [os.path.join(folder, name) for name in ("certificate.pem", "key.pem", "both.pem")]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-keyout", paths[1],
                    "-out", paths[0]], check=True, capture_output=True)
    with open(paths[2], "w", encoding="utf-8") as both:
        for path in paths[:2]:
            with open(path, encoding="utf-8") as part:
                both.write(part.read())
    return paths


def rate(fleet, port, scheme, path, seconds):
    """Requests a second, or why there are none."""
    got, why = wrk(f"{scheme}://127.0.0.1:{port}", "GET", 1, 0, CONNECTIONS, seconds, fleet.credentials, fleet.folder, paths=[path])
    return (got and got[0]), why


class Ways:
    """Two clusters, without TLS and with it, and an HAProxy before the access node of the first one."""

    def __init__(self, base, paths):
        nodes = [("d1", DATABASE, None), ("a1", ["access"], 1), ("b1", ["balancer"], None)]
        self.fleets, self.proxy = [], None
        try:
            for at, secure in ((base, None), (base + 200, paths[:2])):
                self.fleets.append(Fleet(at, nodes, secure=secure))
            plain, secure = self.fleets
            node = plain.addresses["a1"]["s3"]
            config = os.path.join(plain.folder, "haproxy")
            with open(config, "w", encoding="utf-8") as out:
                out.write(HAPROXY.format(port=base + 90, secure=base + 91, node=node, pem=paths[2]))
            self.proxy = subprocess.Popen(["haproxy", "-db", "-f", config], stderr=subprocess.DEVNULL)
            wait_for(base + 90)
        except Exception:
            self.close()
            raise
        # By TLS, in the order in which they are compared: through the balancer, direct, through HAProxy.
        self.all = {"off": [(plain, plain.ports[0], "http"), (plain, node, "http"), (plain, base + 90, "http")],
                    "on": [(secure, secure.ports[0], "https"), (secure, secure.addresses["a1"]["s3"], "https"), (plain, base + 91, "https")]}

    def close(self):
        if self.proxy:
            stop(self.proxy)
        for fleet in self.fleets:
            fleet.close()


def measure(ways, path, seconds):
    """By TLS, a list of rounds: requests a second of each way, one after the other, in every order: a machine that was idle is faster at
    first, some by a fifth. Or why there are none."""
    results = {tls: [] for tls in ways.all}
    for order in ROUNDS:
        for tls, each in ways.all.items():
            got = {}
            for at in order:
                fleet, port, scheme = each[at]
                got[at], why = rate(fleet, port, scheme, path, seconds)
                if not got[at]:
                    return None, why
            results[tls].append([got[at] for at in range(len(each))])
    return results, None


def run(seconds):
    install("haproxy", "wrk", "openssl", "python3-boto3")
    folder = tempfile.mkdtemp(prefix="dunlin-bench-tls-")
    figures, ways = [], None
    try:
        ways = Ways(31000, certificate(folder))
        for size, name, wanted in SIZES:
            path = f"/fleet/{size}"
            for fleet in ways.fleets:
                fleet.store(path, b"x" * size)
            results, why = measure(ways, path, max(3, int(seconds) // 2))
            for tls in ways.all:
                title = f"GET {name}, TLS {tls}: through the balancer"
                rounds = results[tls] if results else []
                middle = [statistics.median(each) for each in zip(*rounds)]
                note = ", ".join(f"{way} {value:.0f}/s" for way, value in zip(("balancer", "direct", "HAProxy"), middle)) or why
                for at, (other, least) in enumerate((("direct", wanted), ("HAProxy", 1)), 1):
                    each = sorted(one[0] / one[at] for one in rounds)
                    value = statistics.median(each) if each else None
                    spread = f"; {each[0]:.3f} to {each[-1]:.3f}" if each else ""
                    figures.append(figure(f"{title}, to {other}", value, "x", f">={least}", bool(value and value >= least),
                                          f"median of {len(ROUNDS)}{spread}; {CONNECTIONS} connections; {note}"))
    finally:
        if ways:
            ways.close()
        shutil.rmtree(folder, ignore_errors=True)
    return figures
