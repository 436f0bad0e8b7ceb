"""What a balancer costs: GETs of 4 KiB and 8 MiB through it, straight to the access node, and through HAProxy in its place, by wrk with
requests signed beforehand; without TLS (HAProxy in tcp mode) and with TLS that ends at the balancer (HAProxy ends it too)."""
import os
import shutil
import subprocess
import tempfile

from .common import figure, install, ratio, stop
from .fleet import DATABASE, Fleet, wait_for
from .s3 import wrk

SIZES = [(4 << 10, "4 KiB", 0.7), (8 << 20, "8 MiB", 0.9)]
CONNECTIONS = 16

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


def measure(base, secure, pem, seconds):
    """By size: direct, through the balancer, through HAProxy. With TLS the access node ends its own where it is asked directly."""
    nodes = [("d1", DATABASE, None), ("a1", ["access"], 1), ("b1", ["balancer"], None)]
    fleet = Fleet(base, nodes, secure=secure)
    scheme, results = "https" if secure else "http", {}
    try:
        proxy = None
        node = fleet.addresses["a1"]["s3"]
        if not secure:
            config = os.path.join(fleet.folder, "haproxy")
            with open(config, "w", encoding="utf-8") as out:
                out.write(HAPROXY.format(port=base + 90, secure=base + 91, node=node, pem=pem))
            proxy = subprocess.Popen(["haproxy", "-db", "-f", config], stderr=subprocess.DEVNULL)
            wait_for(base + 90)
        for size, name, _ in SIZES:
            path = f"/fleet/{size}"
            fleet.store(path, b"x" * size)
            ways = {"direct": (node, scheme), "balancer": (fleet.ports[0], scheme)}
            if proxy:
                ways |= {"HAProxy": (base + 90, "http"), "HAProxy, TLS": (base + 91, "https")}
            for way, (port, how) in ways.items():
                results[name, way] = rate(fleet, port, how, path, seconds)
        if proxy:
            stop(proxy)
    finally:
        fleet.close()
    return results


def run(seconds):
    install("haproxy", "wrk", "openssl", "python3-boto3")
    folder = tempfile.mkdtemp(prefix="dunlin-bench-tls-")
    try:
        paths = certificate(folder)
        plain = measure(31000, None, paths[2], seconds)
        secure = measure(31200, paths[:2], paths[2], seconds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    figures = []
    for _, name, wanted in SIZES:
        for tls, ours, peer in (("off", plain, "HAProxy"), ("on", secure, "HAProxy, TLS")):
            through, direct, theirs = ours[name, "balancer"], ours[name, "direct"], plain[name, peer]
            title = f"GET {name}, TLS {tls}: through the balancer"
            note = ", ".join(f"{way} {value[0]:.0f}/s" if value[0] else f"{way}: {value[1]}"
                             for way, value in (("balancer", through), ("direct", direct), ("HAProxy", theirs)))
            to_direct, to_peer = ratio(through[0], direct[0]), ratio(through[0], theirs[0])
            figures.append(figure(f"{title}, to direct", to_direct, "x", f">={wanted}", bool(to_direct and to_direct >= wanted),
                                  f"{CONNECTIONS} connections; {note}"))
            figures.append(figure(f"{title}, to HAProxy", to_peer, "x", ">=1", bool(to_peer and to_peer >= 1), peer))
    return figures
