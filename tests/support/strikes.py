"""What befalls the nodes of a trial, a function a fault: strikes, waits, heals, and says when and whom.

Each takes (trial, before), `before` being partition -> (term, leader), and answers {"victims", "struck", "healed",
"new_leaders"}, times in nanoseconds of CLOCK_MONOTONIC.
"""
import errno
import os
import signal
import time

from tests.support.trial import LeaderWatch

RESTART_S = 0.5  # what `dunlin up` waits before it starts a node again


def random_node(trial, before):
    del before
    return [trial.random.choice(trial.cluster.names)]


def a_leader(trial, before):
    """The leader of a partition drawn at random."""
    return [before[trial.random.choice(sorted(p for p in before if p != 0))][1]]


def two_nodes(trial, before):
    del before
    return trial.random.sample(trial.cluster.names, 2)


def all_nodes(trial, before):
    del before
    return list(trial.cluster.names)


LEAVE_S = 0.3    # until no probe waits for a victim any more


def aim(trial, victims, before):
    """Probes leave the victims alone, for what is asked of a node that is stopped tells nothing about the others; who
    else leads is watched."""
    trial.load.avoid = set(victims)
    time.sleep(LEAVE_S)
    watch = LeaderWatch(trial.cluster, victims, before)
    watch.start()
    return watch


def kill(choose):
    """kill -9, and a new start as by a supervisor."""
    def strike(trial, before):
        victims = choose(trial, before)
        watch = aim(trial, victims, before)
        struck = trial.cluster.end(victims)
        survivors = len(victims) < (len(trial.cluster.names) + 1) / 2
        # With a majority alive the others must go on without it: it stays away until they do.
        if survivors:
            trial.wait_for_writes(struck)
        time.sleep(RESTART_S)
        healed = time.monotonic_ns()
        for name in victims:
            trial.cluster.start(name)
        return {"victims": victims, "struck": struck, "healed": healed, "new_leaders": watch.end()}
    return strike


def stop(choose, shortest=2.0, longest=20.0):
    """SIGSTOP for a while: longer than an election, and often longer than it takes to miss a peer."""
    def strike(trial, before):
        victims = choose(trial, before)
        pause = shortest * (longest / shortest) ** trial.random.random()
        watch = aim(trial, victims, before)
        struck = time.monotonic_ns()
        for name in victims:
            trial.cluster.signal_node(name, signal.SIGSTOP)
        time.sleep(pause)
        healed = time.monotonic_ns()
        for name in victims:
            trial.cluster.signal_node(name, signal.SIGCONT)
        return {"victims": victims, "struck": struck, "healed": healed, "pause_s": round(pause, 1),
                "new_leaders": watch.end()}
    return strike


def loop(choose, times=5):
    """Killed again and again while it starts, 0.3 to 2 s after each start."""
    def strike(trial, before):
        victims = choose(trial, before)
        watch = aim(trial, victims, before)
        struck = trial.cluster.end(victims)
        for _ in range(times):
            for name in victims:
                trial.cluster.start(name)
            time.sleep(trial.random.uniform(0.3, 2.0))
            trial.cluster.end(victims)
        healed = time.monotonic_ns()
        for name in victims:
            trial.cluster.start(name)
        return {"victims": victims, "struck": struck, "healed": healed, "new_leaders": watch.end()}
    return strike


def pairs(one_side, other_side):
    return [(a, b) for a in one_side for b in other_side] + [(b, a) for a in one_side for b in other_side]


def cut(choose, shortest=1.0, longest=7.0, one_way=False):
    """The victims hear the others no more, and are heard no more; clients still reach everybody. One way: they are not
    heard, but hear."""
    def strike(trial, before):
        victims = choose(trial, before)
        others = [name for name in trial.cluster.names if name not in victims]
        ways = [(a, b) for a in victims for b in others] if one_way else pairs(victims, others)
        watch = aim(trial, victims, before)
        pause = trial.random.uniform(shortest, longest)
        for way in ways:
            trial.network.cut(*way)
        struck = time.monotonic_ns()  # the last word that crossed was said before
        time.sleep(pause)
        healed = time.monotonic_ns()
        for way in ways:
            trial.network.heal(*way)
        return {"victims": victims, "struck": struck, "healed": healed, "pause_s": round(pause, 1),
                "new_leaders": watch.end()}
    return strike


def bridge(trial, before):
    """Two nodes do not hear each other; the third hears both."""
    del before
    one, other = trial.random.sample(trial.cluster.names, 2)
    pause = trial.random.uniform(2.0, 7.0)
    for way in pairs([one], [other]):
        trial.network.cut(*way)
    struck = time.monotonic_ns()
    time.sleep(pause)
    healed = time.monotonic_ns()
    for way in pairs([one], [other]):
        trial.network.heal(*way)
    return {"victims": [], "struck": struck, "healed": healed, "pause_s": round(pause, 1)}


def flap(choose, times=8):
    """Cut and healed again and again."""
    def strike(trial, before):
        victims = choose(trial, before)
        ways = pairs(victims, [name for name in trial.cluster.names if name not in victims])
        watch = aim(trial, victims, before)
        struck = time.monotonic_ns()
        for _ in range(times):
            for way in ways:
                trial.network.cut(*way)
            time.sleep(trial.random.uniform(0.05, 1.0))
            for way in ways:
                trial.network.heal(*way)
            time.sleep(trial.random.uniform(0.05, 0.5))
        return {"victims": victims, "struck": struck, "healed": time.monotonic_ns(), "new_leaders": watch.end()}
    return strike


def fill(choose, pause=4.0):
    """Somebody else fills the disk under the victims' folders to the last byte, and frees it again. A node that ends of
    it (decision 0003) is started again, as `dunlin up` does."""
    def strike(trial, before):
        victims = choose(trial, before)
        strangers = [os.path.join(trial.cluster.folder, "data", name, "stranger") for name in victims]
        struck = time.monotonic_ns()
        for path in strangers:
            take_all(path)
        restarts = trial.cluster.supervise(pause)
        healed = time.monotonic_ns()
        for path in strangers:
            os.unlink(path)
        restarts += trial.cluster.supervise(1.0)
        return {"victims": victims, "struck": struck, "healed": healed, "restarts": restarts}
    return strike


def take_all(path):
    with open(path, "wb", buffering=0) as file:
        block = bytes(1 << 20)
        try:
            while True:
                file.write(block)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise


KILLS = [("kill -9 leader", kill(a_leader)), ("kill -9 node", kill(random_node)), ("kill -9 leader", kill(a_leader)),
         ("kill -9 two", kill(two_nodes)), ("kill -9 leader", kill(a_leader)), ("kill -9 node", kill(random_node)),
         ("kill -9 all", kill(all_nodes))]
STOPS = [("stop leader", stop(a_leader)), ("stop node", stop(random_node)), ("stop leader", stop(a_leader)),
         ("stop two", stop(two_nodes, 2.0, 8.0)), ("stop leader", stop(a_leader)),
         ("stop all", stop(all_nodes, 2.0, 8.0))]
LOOPS = [("restart loop", loop(random_node)), ("restart loop, leader", loop(a_leader)),
         ("restart loop, two", loop(two_nodes)), ("restart loop, all", loop(all_nodes))]
CUTS = [("cut off leader", cut(a_leader)), ("cut one way", cut(a_leader, one_way=True)), ("bridge", bridge),
        ("flapping", flap(a_leader)), ("all cut", cut(two_nodes))]
FULL = [("full disk", fill(random_node)), ("full disk, leader", fill(a_leader)), ("full disks, all", fill(all_nodes))]


def draw(menu, count):
    return [menu[i % len(menu)] for i in range(count)]
