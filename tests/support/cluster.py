"""A cluster of real processes for tests: topology with free ports in a folder of its own, `dunlin up --detach`,
status by polling with deadlines, kill and restart by pid, logs shown on failure, nothing left behind.

DUNLIN_BINARY names the program.
"""
import hashlib
import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

BINARY = os.environ.get("DUNLIN_BINARY", "dunlin")
ROLES = '["database", "storage", "access"]'


def free_ports(count):
    """Ports nobody listens on, below those the kernel gives to outgoing connections."""
    held, ports = [], []
    while len(ports) < count:
        port = random.randrange(15000, 30000)
        probe = socket.socket()
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            probe.close()
            continue
        held.append(probe)
        ports.append(port)
    for probe in held:
        probe.close()
    return ports


def dunlin(*words, timeout=90):
    """Runs one subcommand; the caller looks at returncode, stdout and stderr."""
    return subprocess.run([BINARY, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout)


def can_mount():
    """Whether this machine lets us have small file systems of our own."""
    return subprocess.run(["unshare", "-rm", "sh", "-c", "mount -t tmpfs -o size=1m tmpfs /tmp"], capture_output=True,
                          check=False).returncode == 0


def start_of(pid):
    """When the process that has this pid started; None if there is none, or only its corpse."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            fields = file.read().rpartition(")")[2].split()
        return None if fields[0] in "ZX" else fields[19]
    except OSError:
        return None


def wait_for(what, seconds, look, every=0.1):
    """The first true value of look(); fails when the deadline passes."""
    deadline = time.monotonic() + seconds
    while True:
        value = look()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(every)


class Cluster:
    """`hosts`: the address of each node where it is not loopback; `wrap`: words before each node's command line; `roles`: of all
    nodes, or by name."""

    def __init__(self, nodes=3, partitions=3, extra="", hosts=None, wrap=None, roles=ROLES):
        self.folder = tempfile.mkdtemp(prefix="dunlin-cluster-")
        self.partitions = partitions
        self.file = os.path.join(self.folder, "test.toml")
        self.names = [f"n{i + 1}" for i in range(nodes)]
        self.hosts = dict(zip(self.names, hosts or ["127.0.0.1"] * nodes))
        self.wrap = wrap or (lambda name: [])
        self.ports = {}
        self.started = []
        self.admin_token = None
        replicas = 3 if nodes >= 3 else 1
        text = [f'[cluster]\nname = "test"\nfolder = "data"\n[metadata]\npartitions = {partitions}\n'
                f"replicas = {replicas}\n[objects]\nreplica_sets = 8\nreplicas = {replicas}\n{extra}\n"]
        if hosts:
            text.append("[s3]\ninsecure = true\n[admin]\ninsecure = true\n")
        self.balanced = "balancer" in str(roles)
        ports = iter(free_ports(6 * nodes))
        for name in self.names:
            text.append(self.node_text(name, roles[name] if isinstance(roles, dict) else roles, ports))
        with open(self.file, "w", encoding="utf-8") as file:
            file.write("".join(text))

    def node_text(self, name, roles, ports, extra=""):
        """The [[node]] of a topology file; its ports are known afterwards."""
        mine = {plane: next(ports) for plane in ("control", "bulk", "admin", "s3", "leg", "balancer")}
        self.ports[name] = mine
        needs = {"s3": "access" in roles, "leg": "access" in roles and self.balanced, "balancer": "balancer" in roles}
        addresses = "".join(f'{plane} = "{self.hosts[name]}:{port}"\n' for plane, port in mine.items() if needs.get(plane, True))
        return f'[[node]]\nname = "{name}"\nroles = {roles}\n{addresses}{extra}'

    def add_to_file(self, name, roles, extra=""):
        """A node more in the file; nobody knows of it yet."""
        self.names.append(name)
        self.hosts[name] = "127.0.0.1"
        with open(self.file, "a", encoding="utf-8") as file:
            file.write(self.node_text(name, roles, iter(free_ports(6)), extra))

    def balance(self):
        """What `dunlin balance` tells programs."""
        return json.loads(dunlin("balance", self.file, "--json").stdout)

    def admission(self, name):
        """What one access node says of its connections; None while it does not answer."""
        said = self.ask_admin(name, "/balance")
        return said and said["admission"]

    def up(self, *options, small=(), small_mib=128):
        """Starts it; nodes in `small` keep their data on file systems of that size, in a namespace of their own."""
        words = [BINARY, "up", self.file, "--detach", *options]
        if small:
            mounts = ""
            for name in small:
                os.makedirs(os.path.join(self.folder, "data", name))
                mounts += f"mount -t tmpfs -o size={small_mib}m tmpfs '{self.folder}/data/{name}' && "
            words = ["unshare", "-rm", "sh", "-c", mounts + 'exec "$@"', "sh", *words]
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90)
        if done.returncode != 0:
            raise AssertionError(f"dunlin up failed ({done.returncode}):\n{done.stdout}\n{done.stderr}\n{self.logs()}")
        return done.stdout

    def down(self):
        return dunlin("down", self.file)

    def status(self):
        done = dunlin("status", self.file, "--json")
        return json.loads(done.stdout)

    def verdict(self):
        return self.status()["health"]["verdict"]

    def wait_verdict(self, verdict, seconds=45):
        return wait_for(f"verdict {verdict}", seconds, lambda: self.verdict() == verdict)

    def pid(self, name):
        return next(node["pid"] for node in self.status()["nodes"] if node["name"] == name)

    def supervisor_pid(self):
        with open(os.path.join(self.folder, "data/run/supervisor.pid"), encoding="utf-8") as file:
            return int(file.read().split()[0])

    def signal(self, name, which):
        """Signals a node and returns its pid."""
        pid = self.pid(name)
        os.kill(pid, which)
        return pid

    def kill(self, name):
        pid = self.signal(name, signal.SIGKILL)
        wait_for(f"{name} is gone", 5, lambda: start_of(pid) is None)

    def start_node(self, name):
        """Runs `dunlin node` as a child of the test, its output in the node's log."""
        folder = os.path.join(self.folder, "data", name)
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "log"), "a", encoding="utf-8") as log:
            child = subprocess.Popen([*self.wrap(name), BINARY, "node", self.file, name], stdin=subprocess.DEVNULL,
                                     stdout=log, stderr=log, start_new_session=True)
        self.started.append(child)
        return child

    def ask_admin(self, name, path="/status", timeout=2.0):
        """What a node's admin listener answers, as JSON; None if it does not."""
        if self.admin_token is None:
            with open(os.path.join(self.folder, "data/admin-token"), encoding="utf-8") as file:
                self.admin_token = file.read().strip()
        connection = http.client.HTTPConnection(self.hosts[name], self.ports[name]["admin"], timeout=timeout)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {self.admin_token}"})
            answer = connection.getresponse()
            return json.loads(answer.read()) if answer.status == 200 else None
        except (OSError, ValueError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def environment(self):
        """What `dunlin env` exports."""
        line = dunlin("env", self.file).stdout.strip()
        assert line.startswith("export "), line
        return dict(word.split("=", 1) for word in line[len("export "):].split())

    def url(self, name):
        return f"http://{self.hosts[name]}:{self.ports[name]['s3']}"

    def s3(self, name, read_timeout=20):
        """A client of one node's endpoint that tries once and no more."""
        import boto3
        from botocore.config import Config
        env = self.environment()
        config = Config(signature_version="s3v4", s3={"addressing_style": "path"}, retries={"total_max_attempts": 1},
                        connect_timeout=5, read_timeout=read_timeout)
        return boto3.session.Session().client(
            "s3", endpoint_url=self.url(name), region_name=env["AWS_DEFAULT_REGION"], config=config,
            aws_access_key_id=env["AWS_ACCESS_KEY_ID"], aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"])

    def aws(self, *words, name="n1", timeout=120, key=None, url=None):
        """Runs the AWS command line against one node, or `url`; `key`: (access key, secret) of another user than the root user."""
        env = {"PATH": os.environ["PATH"], "HOME": self.folder, **self.environment()}
        if key:
            env.update(AWS_ACCESS_KEY_ID=key[0], AWS_SECRET_ACCESS_KEY=key[1])
        done = subprocess.run(["/usr/bin/aws", "--endpoint-url", url or self.url(name), *words], env=env, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout)
        if done.returncode != 0:
            raise AssertionError(f"aws {' '.join(words)} failed ({done.returncode}):\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def logs(self, lines=40):
        text = []
        for name in ["run/supervisor.log"] + [f"{node}/log" for node in self.names]:
            try:
                with open(os.path.join(self.folder, "data", name), encoding="utf-8", errors="replace") as file:
                    text.append(f"--- {name}\n" + "".join(file.readlines()[-lines:]))
            except OSError as error:
                text.append(f"--- {name}: {error}\n")
        return "".join(text)

    def close(self):
        """Ends everything, the hard way where it must, and removes the folder."""
        try:
            self.down()
        finally:
            for child in self.started:
                if child.poll() is None:
                    child.kill()
                child.wait(10)
            self.kill_recorded()
            shutil.rmtree(self.folder, ignore_errors=True)

    def kill_recorded(self):
        """What `down` left although it should not: only processes whose start time is the recorded one."""
        run = os.path.join(self.folder, "data/run")
        for name in os.listdir(run) if os.path.isdir(run) else []:
            if not name.endswith(".pid"):
                continue
            with open(os.path.join(run, name), encoding="utf-8") as file:
                pid, start = file.read().split()
            if start_of(pid) == start:
                os.kill(int(pid), signal.SIGKILL)


class ClusterTest(unittest.TestCase):
    """One cluster for all tests of a class; its logs are shown when a test fails."""
    nodes = 3
    options = ()
    extra = ""
    roles = ROLES

    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(nodes=cls.nodes, extra=cls.extra, roles=cls.roles)
        cls.addClassCleanup(cls.cluster.close)
        cls.card = cls.cluster.up(*cls.options)

    def run(self, result=None):
        before = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > before:
            print(self.cluster.logs(), flush=True)


def content(seed, size):
    """Bytes that follow from a seed, different at every offset."""
    return random.Random(seed).randbytes(size)


def sha(data):
    return hashlib.sha256(data).hexdigest()
