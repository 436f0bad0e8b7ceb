"""Connections through a balancer, with the AWS command line as it comes: placed, moved when access nodes drain, taken
elsewhere when they die, given to nodes that join (B1, B7, B11, B13, B14, F1)."""
import filecmp
import http.client
import json
import os
import signal
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
from tests.support.cluster import ClusterTest, content, dunlin, start_of, wait_for  # noqa: E402

DATA = '["database", "storage"]'


class Balance(ClusterTest):
    nodes = 5
    roles = {"n1": '["database", "storage", "queue", "balancer"]', "n2": DATA, "n3": DATA, "n4": '["access"]', "n5": '["access"]'}
    # Files of one sync, and the bytes of the large one; the torture variant sets more.
    files = int(os.environ.get("DUNLIN_SYNC_FILES", "60"))
    large = int(os.environ.get("DUNLIN_SYNC_LARGE_MIB", "24")) << 20
    patience = int(os.environ.get("DUNLIN_SYNC_SECONDS", "150"))

    def setUp(self):
        self.cluster.wait_verdict("ok", 30)
        self.url = self.cluster.environment()["AWS_ENDPOINT_URL"]

    def through(self, *words):
        return self.cluster.aws(*words, url=self.url, timeout=self.patience)

    def pids(self):
        return {node["name"]: node["pid"] for node in self.cluster.status()["nodes"]}

    # ---- the way of a connection ----

    def test_b1_env_names_the_balancer_and_access_nodes_take_what_it_brings(self):
        self.assertEqual(self.url, f"http://127.0.0.1:{self.cluster.ports['n1']['balancer']}")
        self.assertIn(self.url, self.card)
        before = self.cluster.balance()
        self.through("s3", "mb", "s3://placed")
        for i in range(4):
            self.through("s3", "ls")
        after = self.cluster.balance()
        self.assertTrue({"n4", "n5"} <= set(after["access_nodes"]))  # and what another test lets join
        self.assertEqual(after["balancers"], ["n1"])
        nodes = {node["name"]: node for node in after["nodes"]}
        placed = nodes["n1"]["balancer"]["connects"] - before["nodes"][0]["balancer"]["connects"]
        self.assertGreaterEqual(placed, 5)
        self.assertEqual(nodes["n1"]["balancer"]["failed"], 0)
        self.assertEqual(sum(nodes["n1"]["balancer"]["attempts"]), nodes["n1"]["balancer"]["connects"])
        self.assertEqual(nodes["n5"]["admission"]["strangers"], 0)  # another test is one at n4
        self.assertIsNone(nodes["n2"]["admission"])
        text = dunlin("balance", self.cluster.file).stdout
        self.assertIn("limits by attempt", text)

    def test_b1_whoever_comes_to_a_leg_without_a_token_is_closed_without_a_word(self):
        import socket
        before = self.cluster.admission("n4")
        with socket.create_connection(("127.0.0.1", self.cluster.ports["n4"]["leg"]), timeout=10) as stranger:
            stranger.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertEqual(stranger.recv(100), b"")
        after = self.cluster.admission("n4")
        self.assertEqual(after["own"]["connections"], before["own"]["connections"])
        self.assertEqual(after["strangers"], before["strangers"] + 1)

    # ---- settings ----

    def test_b13_settings_change_on_every_node_while_they_run_and_survive_restarts(self):
        pids = self.pids()
        done = dunlin("admin", "balance", "set", self.cluster.file, "rebalance.trigger=1.25", "choose.idle_timeout=33s", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        told = json.loads(done.stdout)
        self.assertTrue(told["in_use_everywhere"])
        version = told["version"]
        for name in ("n4", "n5"):
            self.assertEqual(self.cluster.admission(name)["balance_version"], version)
        again = dunlin("admin", "balance", "set", self.cluster.file, "rebalance.trigger=1.3", "--expected-version", str(version - 1))
        self.assertEqual(again.returncode, 1)
        self.assertIn(f"version {version}", again.stderr)
        wrong = dunlin("admin", "balance", "set", self.cluster.file, "rebalance.triger=1.3")
        self.assertEqual(wrong.returncode, 1)
        self.assertIn("did you mean 'trigger'", wrong.stderr)
        self.assertEqual(self.pids(), pids)
        self.cluster.kill("n4")
        wait_for("n4 works with them again", 30,
                 lambda: (self.cluster.admission("n4") or {}).get("balance_version") == version)
        shown = json.loads(dunlin("admin", "balance", "show", self.cluster.file, "--json").stdout)
        self.assertIn("rebalance.trigger = 1.25\n", shown["in_use"])
        self.assertIn('choose.idle_timeout = "33s"\n', shown["in_use"])
        self.assertEqual(dunlin("admin", "balance", "reset", self.cluster.file).returncode, 0)
        shown = json.loads(dunlin("admin", "balance", "show", self.cluster.file, "--json").stdout)
        self.assertEqual((shown["version"], shown["changes"]), (version + 1, ""))
        self.assertIn("rebalance.trigger = 1.06\n", shown["in_use"])

    # ---- access nodes come and go under load ----

    def write_files(self, folder):
        os.makedirs(folder)
        for i in range(self.files):
            with open(os.path.join(folder, f"file-{i:04}"), "wb") as file:
                file.write(content(f"sync{i}", 97 * i + 1))
        with open(os.path.join(folder, "large"), "wb") as file:
            for i in range(self.large >> 20):
                file.write(content(f"large{i}", 1 << 20))

    def wait_until_used(self, name):
        """The balancer's node is linked with it, and it takes first attempts: only then may the next one go."""
        def ready():
            said, balancer = self.cluster.admission(name), self.cluster.ask_admin("n1")
            return said and balancer and said["own"]["willing"] and any(
                peer["node"] == name and peer["connected"] for peer in balancer["peers"])
        wait_for(f"{name} is used", 30, ready)

    def drain(self, name):
        """As an operator does before maintenance; the supervisor starts it again."""
        pid = self.cluster.signal(name, signal.SIGTERM)
        wait_for(f"{name} ends", 15, lambda: start_of(pid) is None)
        self.wait_until_used(name)

    def lose(self, name):
        self.cluster.kill(name)
        self.wait_until_used(name)

    def join(self, name, roles='["access"]', extra="capacity = 2\n"):
        self.cluster.add_to_file(name, roles, extra)
        shown = dunlin("apply", self.cluster.file, "--plan")
        self.assertIn(f"+ node {name}", shown.stdout)
        applied = dunlin("apply", self.cluster.file)
        self.assertEqual(applied.returncode, 0, applied.stdout + applied.stderr)
        started = dunlin("up", self.cluster.file, "--detach")
        self.assertEqual(started.returncode, 0, started.stdout + started.stderr)

    def test_b11_f1_a_sync_and_a_large_upload_notice_nothing_of_drains_deaths_and_joins(self):
        source = os.path.join(self.cluster.folder, "source")
        self.write_files(source)
        steady = {name: pid for name, pid in self.pids().items() if name in ("n1", "n2", "n3")}
        trouble = []

        def disturb():
            try:
                time.sleep(1)
                self.drain("n4")
                self.lose("n5")
                self.join("n6")
                self.wait_until_used("n6")
                self.drain("n5")
                self.lose("n4")
            except Exception as error:  # told by the test below
                trouble.append(error)

        self.through("s3", "mb", "s3://sync")
        disturbing = threading.Thread(target=disturb)
        disturbing.start()
        rounds = 0
        try:
            while disturbing.is_alive() or rounds < 2:
                self.through("s3", "sync", "--only-show-errors", source, f"s3://sync/{rounds}/")
                back = os.path.join(self.cluster.folder, f"back{rounds}")
                self.through("s3", "sync", "--only-show-errors", f"s3://sync/{rounds}/", back)
                compared = filecmp.cmpfiles(source, back, sorted(os.listdir(source)), shallow=False)
                self.assertEqual((len(compared[0]), compared[1], compared[2]), (self.files + 1, [], []))
                rounds += 1
        finally:
            disturbing.join(90)
        self.assertEqual(trouble, [])
        # The new node takes what comes now; nothing else was started again for it.
        wait_for("n6 takes connections", 20, lambda: self.through("s3", "ls", "s3://sync/") and self.cluster.admission("n6")["accepted"] > 0)
        self.assertEqual({name: pid for name, pid in self.pids().items() if name in steady}, steady)
        balancer = next(node for node in self.cluster.balance()["nodes"] if node["name"] == "n1")["balancer"]
        print(f"\n{rounds} rounds of {self.files + 1} files; connects {balancer['connects']}, failed {balancer['failed']}, "
              f"moves {balancer['moves']}, refused {balancer['moves_refused']}, replays {balancer['replays']}, resets {balancer['resets']}")
        self.assertEqual(balancer["failed"], 0)
        self.assertEqual(dunlin("apply", self.cluster.file).stdout, "the cluster works with what the file says\n")
        self.replay_decisions()

    def replay_decisions(self):
        """X4: what access nodes recorded follows from its inputs, and can be decided by other thresholds."""
        records = [os.path.join(self.cluster.folder, "data", name, "balance.records") for name in ("n4", "n5", "n6")]
        done = dunlin("balance", "what-if", "--recorded", *records, "--thresholds", "rebalance.trigger=1.2", "--json")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        decisions = json.loads(done.stdout)["decisions"]
        self.assertGreater(decisions["checked"], 0)
        self.assertEqual(decisions["mismatches"], 0)

    def ask(self, client):
        """On the connection that it has: who answers."""
        client.request("GET", "/")
        answer = client.getresponse()
        answer.read()
        return answer.getheader("x-amz-id-2")

    def test_r11_clients_stay_connected_though_their_access_node_dies_or_stands_still(self):
        for name in ("n4", "n5"):
            self.wait_until_used(name)
        clients = [http.client.HTTPConnection("127.0.0.1", self.cluster.ports["n1"]["balancer"], timeout=30) for _ in range(12)]
        at = [self.ask(client) for client in clients]
        sockets = [client.sock for client in clients]
        self.assertNotIn(None, sockets)
        dead = at[0]
        self.cluster.kill(dead)
        began = time.monotonic()
        at = [self.ask(client) for client in clients]
        self.assertLess(time.monotonic() - began, 3)
        self.assertNotIn(dead, at)
        self.wait_until_used(dead)
        # Nobody resets the legs of the other one; it is found out by its silence.
        still = at[0]
        pid = self.cluster.signal(still, signal.SIGSTOP)
        try:
            began = time.monotonic()
            self.assertNotEqual(self.ask(clients[0]), still)
            waited = time.monotonic() - began
            at = [self.ask(client) for client in clients]
            self.assertNotIn(still, at)
        finally:
            os.kill(pid, signal.SIGCONT)
        self.assertEqual([client.sock for client in clients], sockets)
        print(f"\na GET at a node that stands still was answered after {waited:.1f} s")
        self.assertLess(waited, 15)
        for client in clients:
            client.close()

    def test_f1_a_balancer_joins_and_serves(self):
        pids = self.pids()
        self.join("n9", '["balancer"]', "")
        url = f"http://127.0.0.1:{self.cluster.ports['n9']['balancer']}"
        self.cluster.aws("s3", "ls", url=url)
        said = self.cluster.ask_admin("n9", "/balance")
        self.assertGreaterEqual(said["balancer"]["connects"], 1)
        self.assertIsNone(said["admission"])
        self.assertEqual({name: pid for name, pid in self.pids().items() if name != "n9"}, pids)

    def test_f1_nodes_that_hold_data_are_not_let_in(self):
        with open(self.cluster.file, encoding="utf-8") as file:
            before = file.read()
        other = self.cluster.file + ".more.toml"
        with open(other, "w", encoding="utf-8") as file:
            file.write(before + '[[node]]\nname = "s9"\nroles = ["storage"]\ncontrol = "127.0.0.1:1"\nbulk = "127.0.0.1:2"\nadmin = "127.0.0.1:3"\n')
        done = dunlin("apply", other)
        self.assertEqual(done.returncode, 1)
        self.assertIn("node s9 has other roles than access and balancer", done.stdout)
        self.assertIn("nothing was applied", done.stderr)


if __name__ == "__main__":
    unittest.main()
