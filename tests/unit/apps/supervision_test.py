"""`dunlin up`, `status`, `env` and `down` over nodes that only answer /status (fake_dunlin.cpp)."""
import json
import os
import signal
import socket
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../.."))
from tests.support.cluster import BINARY, Cluster, dunlin, start_of, wait_for  # noqa: E402


class Supervision(unittest.TestCase):
    def setUp(self):
        self.cluster = Cluster()
        self.addCleanup(self.cluster.close)

    def folder(self, *parts):
        return os.path.join(self.cluster.folder, "data", *parts)

    def mark(self, name, file):
        os.makedirs(self.folder(name), exist_ok=True)
        open(self.folder(name, file), "w").close()

    def test_up_prints_a_card_and_down_stops_everything(self):
        card = self.cluster.up()
        for part in ("Cluster 'test' is up: 3 nodes", self.cluster.url("n2"), "credentials", "--endpoint-url", " env "):
            self.assertIn(part, card)
        status = self.cluster.status()
        pids = [node["pid"] for node in status["nodes"]] + [self.cluster.supervisor_pid()]
        self.assertEqual([node["name"] for node in status["nodes"]], ["n1", "n2", "n3"])
        self.assertEqual(status["health"]["verdict"], "ok")
        done = self.cluster.down()
        self.assertEqual((done.returncode, done.stdout), (0, "cluster 'test' is down\n"))
        self.assertEqual([start_of(pid) for pid in pids], [None] * 4)
        self.assertEqual(self.cluster.down().stdout, "cluster 'test' is not up\n")

    def test_a_killed_node_comes_back_by_itself(self):
        self.cluster.up()
        before = self.cluster.pid("n2")
        self.cluster.kill("n2")
        wait_for("n2 is back", 10, lambda: self.cluster.verdict() == "ok" and self.cluster.pid("n2") != before)

    def test_without_restart_it_stays_away_and_status_says_so(self):
        self.cluster.up("--no-restart")
        self.cluster.kill("n3")
        status = self.cluster.status()
        self.assertEqual(status["nodes"][2]["state"], "down")
        self.assertIsNone(status["nodes"][2]["pid"])
        self.assertNotEqual(status["health"]["verdict"], "ok")
        self.assertIn("down: n3", status["health"]["reason"])
        self.cluster.start_node("n3")
        self.cluster.wait_verdict("ok", 10)

    def test_up_refuses_a_cluster_that_is_up(self):
        self.cluster.up()
        again = dunlin("up", self.cluster.file, "--detach")
        self.assertEqual(again.returncode, 1)
        self.assertIn("already up", again.stderr)
        self.assertEqual(self.cluster.verdict(), "ok")

    def test_up_starts_what_does_not_run_yet_and_leaves_the_rest_alone(self):
        self.cluster.up()
        pids = {node["name"]: node["pid"] for node in self.cluster.status()["nodes"]}
        supervisor = self.cluster.supervisor_pid()
        self.cluster.add_to_file("n4", '["access"]')
        card = self.cluster.up()
        self.assertIn("starting 1 node", card)
        after = {node["name"]: node["pid"] for node in self.cluster.status()["nodes"]}
        self.assertIsNotNone(after.pop("n4"))
        self.assertEqual((after, self.cluster.supervisor_pid()), (pids, supervisor))
        self.cluster.kill("n4")
        wait_for("n4 is back: the supervisor knows it", 10, lambda: self.cluster.verdict() == "ok")
        self.assertIn("already up", dunlin("up", self.cluster.file, "--detach").stderr)

    def test_up_starts_again_what_was_left_ended(self):
        self.cluster.up("--no-restart")
        self.cluster.kill("n3")
        self.assertIn("starting 1 node", self.cluster.up())
        self.assertEqual(self.cluster.verdict(), "ok")

    def test_nodes_outlive_a_killed_supervisor_and_down_finds_them(self):
        self.cluster.up()
        pids = [node["pid"] for node in self.cluster.status()["nodes"]]
        os.kill(self.cluster.supervisor_pid(), signal.SIGKILL)
        self.assertEqual(self.cluster.verdict(), "ok")
        self.assertIn("already up", dunlin("up", self.cluster.file, "--detach").stderr)
        self.assertEqual(self.cluster.down().returncode, 0)
        self.assertEqual([start_of(pid) for pid in pids], [None] * 3)
        self.cluster.up()

    def test_down_kills_who_does_not_hear(self):
        self.mark("n1", "stubborn")
        self.cluster.up()
        pid = self.cluster.pid("n1")
        self.assertEqual(self.cluster.down().returncode, 0)
        self.assertIsNone(start_of(pid))

    def test_a_node_that_does_not_start_is_shown_with_its_last_words(self):
        self.mark("n2", "refuse")
        done = dunlin("up", self.cluster.file, "--detach", "--wait", "3")
        self.assertEqual(done.returncode, 1)
        self.assertIn("down: n2", done.stderr)
        self.assertIn("refused to start", done.stderr)

    def test_a_taken_port_is_named_before_anything_starts(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", self.cluster.ports["n2"]["bulk"]))
            taken.listen()
            done = dunlin("up", self.cluster.file, "--detach")
        self.assertEqual(done.returncode, 1)
        self.assertIn("(bulk of node n2): another process listens there", done.stderr)
        self.assertFalse(os.path.exists(self.folder("run", "supervisor.pid")))

    def test_in_the_foreground_sigterm_stops_all(self):
        child = subprocess.Popen([BINARY, "up", self.cluster.file], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(child.stdout.close)
        self.addCleanup(child.wait, 20)
        for line in child.stdout:
            if "Stop it" in line:
                break
        pids = [node["pid"] for node in self.cluster.status()["nodes"]]
        child.send_signal(signal.SIGTERM)
        self.assertEqual(child.wait(20), 0)
        self.assertEqual([start_of(pid) for pid in pids], [None] * 3)

    def test_env_names_the_first_endpoint_and_keys_stay_the_same(self):
        self.assertEqual(dunlin("env", self.cluster.file).returncode, 1)
        self.assertEqual(dunlin("init", self.cluster.file).returncode, 0)
        env = self.cluster.environment()
        self.assertEqual(env["AWS_ENDPOINT_URL"], self.cluster.url("n1"))
        self.assertEqual(env["AWS_DEFAULT_REGION"], "us-east-1")
        self.assertEqual((len(env["AWS_ACCESS_KEY_ID"]), len(env["AWS_SECRET_ACCESS_KEY"])), (20, 40))
        self.assertIn("nothing to make", dunlin("init", self.cluster.file).stdout)
        self.cluster.up()
        self.assertEqual(self.cluster.environment(), env)
        self.assertEqual(os.stat(self.folder("credentials")).st_mode & 0o777, 0o600)

    def test_status_before_the_first_up_says_what_to_do(self):
        done = dunlin("status", self.cluster.file)
        self.assertEqual(done.returncode, 1)
        self.assertIn("run: dunlin up", done.stderr)

    def test_status_of_a_stopped_cluster_is_down(self):
        dunlin("init", self.cluster.file)
        done = dunlin("status", self.cluster.file, "--json")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(json.loads(done.stdout)["health"]["verdict"], "down")


class CommandLine(unittest.TestCase):
    def test_mistakes_of_the_call_exit_with_2(self):
        for words in ([], ["fly"], ["up"], ["status", "x.toml", "--xml"], ["up", "/no/such/file.toml"]):
            self.assertEqual(dunlin(*words).returncode, 2, words)

    def test_help_names_every_subcommand(self):
        done = dunlin("--help")
        self.assertEqual(done.returncode, 0)
        words = ("init", "up", "down", "node", "check", "status", "env", "balance", "admin", "apply")
        for word in (*words, "topology"):
            self.assertIn(word, done.stdout)
        for word in words:
            self.assertEqual(dunlin(word, "--help").returncode, 0)

    def test_mistakes_of_the_file_are_all_told_and_exit_with_2(self):
        cluster = Cluster(extra="colour = 1")
        self.addCleanup(cluster.close)
        with open(cluster.file, "a", encoding="utf-8") as file:
            file.write('rack = 7\n')
        for command in ("check", "up", "status", "env", "down", "init"):
            done = dunlin(command, cluster.file)
            self.assertEqual(done.returncode, 2, command)
            self.assertRegex(done.stderr, r"test\.toml:\d+:1: unknown key 'objects\.colour'")
            self.assertRegex(done.stderr, r"test\.toml:\d+:8: node\.rack is a whole number; give text in quotes")
            self.assertIn("2 mistakes", done.stderr)

    def test_an_unknown_node_is_answered_with_the_known_ones(self):
        cluster = Cluster()
        self.addCleanup(cluster.close)
        done = dunlin("node", cluster.file, "m1")
        self.assertEqual(done.returncode, 2)
        self.assertIn("has no node 'm1'; did you mean 'n1'?", done.stderr)


if __name__ == "__main__":
    unittest.main()
