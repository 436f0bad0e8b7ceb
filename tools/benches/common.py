"""What every bench needs: peers, the disk's own limit, a cluster to measure, and the table."""
import http.client
import json
import os
import shutil
import subprocess
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DUNLIN = os.path.join(ROOT, "build/release/apps/dunlin/dunlin")


def install(*packages):
    """Installs the Debian packages that are missing; a bench without its peer is worth nothing."""
    missing = [p for p in packages if subprocess.run(["dpkg", "-s", p], capture_output=True).returncode != 0]
    if not missing:
        return
    sudo = [] if os.geteuid() == 0 else ["sudo"]
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive", RUNLEVEL="1")
    subprocess.run(sudo + ["apt-get", "update", "-qq"], check=True, env=environment)
    subprocess.run(sudo + ["apt-get", "install", "-y", "-qq", "--no-install-recommends"] + missing, check=True,
                   env=environment, stdout=subprocess.DEVNULL)


def figure(name, value, unit, target=None, met=None, conditions=""):
    return {"figure": name, "value": value, "unit": unit, "target": target, "met": met, "conditions": conditions}


def words_of(one):
    """Value and target, as the table has them."""
    value = one["value"]
    shown = "not taken" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
    return shown, "" if one["target"] is None else str(one["target"])


def show(one):
    """A line at once, for who would not wait for the table."""
    value, target = words_of(one)
    print(f"#   {one['figure']}: {value} {one['unit']}" + (f" (target {target})" if target else "")
          + (f"; {one['conditions']}" if value == "not taken" else ""), flush=True)


def report(figures, path):
    width = max(58, *(len(f["figure"]) for f in figures))
    print(f"{'figure':{width}} {'value':>12} {'unit':10} {'target':>8}  conditions")
    for f in figures:
        value, target = words_of(f)
        print(f"{f['figure']:{width}} {value:>12} {f['unit']:10} {target:>8}  {f['conditions']}", flush=True)
    if path:
        with open(path, "w", encoding="utf-8") as out:
            json.dump(figures, out, indent=1)


def fdatasync_rate(folder, seconds=2.0, size=512):
    """Single-stream overwrite + fdatasync per second in a preallocated file: the disk's own limit."""
    path = os.path.join(folder, "probe")
    block = os.urandom(size)
    span = 16 << 20
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.pwrite(handle, bytes(span), 0)
        os.fsync(handle)
        count, started = 0, time.monotonic()
        while time.monotonic() - started < seconds:
            os.pwrite(handle, block, (count * size) % span)
            os.fdatasync(handle)
            count += 1
        return count / (time.monotonic() - started)
    finally:
        os.close(handle)
        os.unlink(path)


def counted(folder, admin_port, name):
    """A metric of a running node, by its labels as they are written; of one without labels: by ''."""
    with open(os.path.join(folder, "data/admin-token"), encoding="utf-8") as file:
        token = file.read().strip()
    connection = http.client.HTTPConnection("127.0.0.1", admin_port, timeout=10)
    connection.request("GET", "/metrics", headers={"Authorization": f"Bearer {token}"})
    text = connection.getresponse().read().decode()
    connection.close()
    values = {}
    for line in text.splitlines():
        key, _, value = line.rpartition(" ")
        if key == name or key.startswith(name + "{"):
            values[key[len(name):]] = float(value)
    return values


def guarded(titles, take):
    """The figures of one part; `titles`: (name, unit, target) of what it gives. If it fails each says so, and the others go on."""
    try:
        return take()
    except Exception as error:  # whatever it is, the other parts are not to be lost by it
        why = f"could not be taken: {error!r}"[:400]
        return [figure(name, None, unit, target, None if target is None else False, why) for name, unit, target in titles]


class Cluster:
    """A Dunlin cluster of `nodes` processes on loopback, in a temporary folder, stopped on exit."""

    def __init__(self, base_port, plain=False, extra="", roles='["database", "storage", "access"]', nodes=3, driver=False):
        self.folder = tempfile.mkdtemp(prefix="dunlin-bench-")
        self.file = os.path.join(self.folder, "bench.toml")
        lines = ["[cluster]", 'name = "bench"', 'folder = "data"', f"plain_transport = {str(plain).lower()}", extra]
        for i in range(1, nodes + 1):
            lines += ["[[node]]", f'name = "n{i}"', f"roles = {roles}", f'control = "127.0.0.1:{base_port + 10 * i + 1}"',
                      f'bulk = "127.0.0.1:{base_port + 10 * i + 2}"', f'admin = "127.0.0.1:{base_port + 10 * i + 3}"']
            if "access" in roles:
                lines += [f's3 = "127.0.0.1:{base_port + 10 * i}"']
        self.endpoint = f"http://127.0.0.1:{base_port + 10}"
        self.s3_ports = [base_port + 10 * i for i in range(1, nodes + 1)]
        self.admin_ports = [port + 3 for port in self.s3_ports]
        with open(self.file, "w", encoding="utf-8") as out:
            out.write("\n".join(lines) + "\n")

    def __enter__(self):
        if not os.path.exists(DUNLIN):
            raise SystemExit("build first: tools/up builds the release binary that is measured")
        try:
            subprocess.run([DUNLIN, "up", self.file, "--detach"], check=True, stdout=subprocess.DEVNULL)
        except Exception:
            self.__exit__()
            raise
        text = subprocess.run([DUNLIN, "env", self.file], check=True, capture_output=True, text=True).stdout
        self.env = dict(word.split("=", 1) for word in text.split() if "=" in word)
        return self

    def __exit__(self, *_):
        subprocess.run([DUNLIN, "down", self.file], stdout=subprocess.DEVNULL, check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def status(self):
        text = subprocess.run([DUNLIN, "status", self.file, "--json"], capture_output=True, text=True, check=False).stdout
        return json.loads(text)


def ratio(ours, peer):
    return None if ours is None or not peer else ours / peer


def stop(process):
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def conditions():
    load = " ".join(open("/proc/loadavg", encoding="ascii").read().split()[:3])
    return f"{os.cpu_count()} cores, load {load}"
