"""S3: signed PUT and GET of 4 KiB, 64 KiB and 8 MiB at 1 and 16 connections, beside nginx (WebDAV PUT, static GET),
without and with fsync before its rename. Driven by wrk with requests signed beforehand."""
import os
import shutil
import subprocess
import tempfile

from .common import Cluster, conditions, figure, install, ratio, stop

SIZES = [(4 << 10, "4 KiB", 256), (64 << 10, "64 KiB", 64), (8 << 20, "8 MiB", 2)]
CONNECTIONS = [1, 16]

NGINX = """daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{ access_log off; client_body_temp_path {folder}/body; sendfile on; client_max_body_size 0;
 client_body_buffer_size 64k; keepalive_requests 1000000;
 server {{ listen 127.0.0.1:{port}; root {folder}/files; location / {{ dav_methods PUT DELETE; create_full_put_path on; }} }} }}
"""

# nginx has no way to sync what it stores; this makes its rename wait for the disk, as a store must.
SYNC_SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>
int rename(const char* from, const char* to) {
  int (*next)(const char*, const char*) = (int (*)(const char*, const char*))dlsym(RTLD_NEXT, "rename");
  int fd = open(from, O_RDONLY);
  if (fd >= 0) { fdatasync(fd); close(fd); }
  return next(from, to);
}
"""

# Every thread walks through requests that were made before the clock started.
LUA = """
local requests, at = {{}}, 0
local body = {body}
function init(args)
{adds}
end
function request()
  at = at % #requests + 1
  return requests[at]
end
function done(summary, latency, _)
  io.write(string.format("RESULT %d %d %d %d %d %d\\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
"""


def signed_headers(env, method, url, payload):
    from botocore.auth import S3SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials
    request = AWSRequest(method=method, url=url, data=payload)
    credentials = Credentials(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"])
    S3SigV4Auth(credentials, "s3", env["AWS_DEFAULT_REGION"]).add_auth(request)
    return dict(request.headers.items())


def wrk(url, method, keys, size, connections, seconds, env, folder, paths=None):
    """Answers (requests/s, p50 ms, p99 ms), or None with the reason when requests failed. `paths`: instead of the bench's keys."""
    payload = ("x" * size).encode() if method == "PUT" else b""
    adds = []
    for i, path in enumerate(paths or [f"/bench/{size}-{i}" for i in range(keys)]):
        headers = signed_headers(env, method, url + path, payload) if env else {}
        listed = ", ".join(f'["{name}"]={value!r}' for name, value in headers.items() if name.lower() != "content-length")
        adds.append(f'  requests[{i + 1}] = wrk.format("{method}", "{path}", {{{listed}}}, body)')
    body = f'string.rep("x", {size})' if method == "PUT" else "nil"
    script = os.path.join(folder, "load.lua")
    with open(script, "w", encoding="utf-8") as out:
        out.write(LUA.format(body=body, adds="\n".join(adds)))
    run = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", script, url],
                         capture_output=True, text=True, check=False)
    for line in run.stdout.splitlines():
        if line.startswith("RESULT"):
            requests, duration, p50, p99, bad, broken = map(int, line.split()[1:])
            if bad or broken or not requests:
                return None, f"{requests} requests, {bad} refused, {broken} broken"
            return (requests / (duration / 1e6), p50 / 1e3, p99 / 1e3), ""
    return None, (run.stderr or run.stdout).strip()[-120:]


def load(url, env, seconds, folder):
    """All sizes: PUTs first, then GETs of what they left."""
    results = {}
    for size, name, keys in SIZES:
        for method in ("PUT", "GET"):
            for connections in CONNECTIONS:
                results[method, name, connections] = wrk(url, method, keys, size, connections, seconds, env, folder)
    return results


def nginx(folder, port, sync):
    os.makedirs(os.path.join(folder, "files/bench"), exist_ok=True)
    os.makedirs(os.path.join(folder, "body"), exist_ok=True)
    config = os.path.join(folder, "nginx.conf")
    with open(config, "w", encoding="utf-8") as out:
        out.write(NGINX.format(folder=folder, port=port))
    environment = dict(os.environ)
    if sync:
        source = os.path.join(folder, "sync.c")
        with open(source, "w", encoding="utf-8") as out:
            out.write(SYNC_SHIM)
        subprocess.run(["gcc", "-shared", "-fPIC", "-O2", "-o", source + ".so", source, "-ldl"], check=True)
        environment["LD_PRELOAD"] = source + ".so"
    os.chmod(folder, 0o755)
    with open(config, "a", encoding="utf-8") as out:
        out.write("user root;\n" if os.geteuid() == 0 else "")
    return subprocess.Popen(["/usr/sbin/nginx", "-c", config, "-p", folder], env=environment,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def measure_nginx(seconds, sync, port):
    folder = tempfile.mkdtemp(prefix="dunlin-bench-nginx-")
    server = nginx(folder, port, sync)
    try:
        subprocess.run(["curl", "-s", "--retry", "30", "--retry-connrefused", "--retry-delay", "1", "-o", "/dev/null",
                        f"http://127.0.0.1:{port}/"], check=True)
        return load(f"http://127.0.0.1:{port}", None, seconds, folder)
    finally:
        stop(server)
        shutil.rmtree(folder, ignore_errors=True)


def measure_dunlin(seconds, plain, base_port):
    with Cluster(base_port, plain=plain) as cluster:
        import boto3
        from botocore.config import Config
        client = boto3.client("s3", endpoint_url=cluster.endpoint, region_name=cluster.env["AWS_DEFAULT_REGION"],
                              aws_access_key_id=cluster.env["AWS_ACCESS_KEY_ID"],
                              aws_secret_access_key=cluster.env["AWS_SECRET_ACCESS_KEY"],
                              config=Config(s3={"addressing_style": "path"}))
        client.create_bucket(Bucket="bench")
        return load(cluster.endpoint, cluster.env, seconds, cluster.folder)


def run(seconds):
    install("nginx-light", "wrk", "gcc", "libc6-dev", "curl", "python3-boto3")
    where = conditions()
    columns = {
        "dunlin": measure_dunlin(seconds, False, 21000),
        "dunlin, plain transport": measure_dunlin(seconds, True, 21100),
        "nginx": measure_nginx(seconds, False, 21200),
        "nginx, fsync": measure_nginx(seconds, True, 21201),
    }
    figures = []
    for key in columns["dunlin"]:
        method, size, connections = key
        title = f"{method} {size}, {connections} conn"
        for column, results in columns.items():
            value, why = results[key]
            note = f"p50 {value[1]:.2f} ms, p99 {value[2]:.2f} ms; {where}" if value else "not taken: " + why
            figures.append(figure(f"{title}: {column}", value and value[0], "req/s", conditions=note))
        peer = "nginx, fsync" if method == "PUT" else "nginx"
        ours, theirs = columns["dunlin"][key][0], columns[peer][key][0]
        figures.append(figure(f"{title}: ratio to {peer}", ratio(ours and ours[0], theirs and theirs[0]), "x",
                              conditions="3 replicas, TLS between nodes, signatures checked; nginx: one copy, none"))
    return figures
