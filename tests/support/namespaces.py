"""A network and small file systems of our own, without touching those of the machine: everything lives in namespaces
that end with the process that was started by `inside`. Each node has a network namespace; a bridge joins them and us.

A cut is an address that leads nowhere: the sender's neighbour table names a card that nobody has, so packets vanish
without an answer, in one direction, and connections that exist feel it too.
"""
import os
import subprocess

MARK = "DUNLIN_INSIDE"
NOBODY = "02:77:00:00:ff:ff"
PROBE = ("mount -t tmpfs tmpfs /run && mkdir /run/netns && ip netns add probe && ip link add b0 type bridge && "
         "ip link add v0 type veth peer name eth0 netns probe && ip -n probe link set eth0 up")


def run(*words):
    subprocess.run(words, check=True, capture_output=True, text=True)


def refusal():
    """Why this machine does not let us; empty if it does."""
    try:
        done = subprocess.run(["unshare", "-rmn", "sh", "-c", PROBE], capture_output=True, text=True, check=False)
    except OSError as error:
        return str(error)
    return (done.stderr.strip().splitlines() or ["refused"])[-1] if done.returncode else ""


def inside(words):
    """The command line that runs `words` in fresh namespaces."""
    return ["unshare", "-rmn", "env", f"{MARK}=1", *words]


def is_inside():
    return os.environ.get(MARK) == "1"


class Network:
    def __init__(self, names):
        assert is_inside(), "only in namespaces of our own"
        self.names = list(names)
        self.hosts = {name: f"10.77.0.{i + 1}" for i, name in enumerate(self.names)}
        self.cards = {name: f"02:77:00:00:00:{i + 1:02x}" for i, name in enumerate(self.names)}
        run("mount", "-t", "tmpfs", "tmpfs", "/run")
        os.makedirs("/run/netns")
        run("ip", "link", "set", "lo", "up")
        run("ip", "link", "add", "br0", "type", "bridge")
        run("ip", "addr", "add", "10.77.0.254/24", "dev", "br0")
        run("ip", "link", "set", "br0", "up")
        for name in self.names:
            self.add(name)

    def add(self, name):
        run("ip", "netns", "add", name)
        run("ip", "link", "add", f"v-{name}", "type", "veth", "peer", "name", "eth0", "address", self.cards[name],
            "netns", name)
        run("ip", "link", "set", f"v-{name}", "master", "br0", "up")
        run("ip", "-n", name, "addr", "add", f"{self.hosts[name]}/24", "dev", "eth0")
        for device in ("lo", "eth0"):
            run("ip", "-n", name, "link", "set", device, "up")

    def wrap(self, name):
        return ["ip", "netns", "exec", name]

    def cut(self, sender, receiver):
        """Nothing that `sender` sends to `receiver` arrives."""
        self.point(sender, receiver, NOBODY)

    def heal(self, sender, receiver):
        self.point(sender, receiver, self.cards[receiver])

    def point(self, sender, receiver, card):
        run("ip", "-n", sender, "neigh", "replace", self.hosts[receiver], "lladdr", card, "dev", "eth0",
            "nud", "permanent")


def mount_small(folder, mib):
    """A file system of that size on `folder`, which is made."""
    os.makedirs(folder, exist_ok=True)
    run("mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", folder)
