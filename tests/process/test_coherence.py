"""Near caches of a live cluster: what operators see of them and change (Q6, Q16, Q23, X2)."""
import json
import os
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
from tests.support.cluster import BINARY, ClusterTest, dunlin, wait_for  # noqa: E402

ALL = '["database", "storage", "access", "queue"]'


class Coherence(ClusterTest):
    roles = ALL

    def run_dunlin(self, *words):
        done = dunlin(*words)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_updates_are_lost_on_purpose_and_buckets_are_right_all_the_same(self):
        self.assertEqual(self.run_dunlin("faults", self.cluster.file).count("cache-update loss 0;"), 3)
        said = self.run_dunlin("faults", self.cluster.file, "--cache-update-loss", "0.5")
        self.assertEqual(said.count("cache-update loss 0.5;"), 3)
        self.assertIn("until the node ends", said)
        self.assertEqual(self.run_dunlin("status", self.cluster.file).count("lost ON PURPOSE"), 3)
        clients = [self.cluster.s3(name) for name in self.cluster.names]
        for i in range(12):
            clients[i % 3].create_bucket(Bucket="comes-and-goes")
            for client in clients:
                client.head_bucket(Bucket="comes-and-goes")
            clients[(i + 1) % 3].delete_bucket(Bucket="comes-and-goes")
            for client in clients:
                with self.assertRaises(client.exceptions.ClientError):
                    client.get_object(Bucket="comes-and-goes", Key="x")
            time.sleep(0.2)
        lost = sum(self.cluster.ask_admin(name, "/faults")["dropped"]["cache_batch"] for name in self.cluster.names)
        self.assertGreater(lost, 0)
        self.run_dunlin("faults", self.cluster.file, "--cache-update-loss", "0", "--node", "n2")
        self.assertEqual(self.cluster.ask_admin("n1", "/faults")["cache_update_loss"], 0.5)
        self.assertEqual(self.cluster.ask_admin("n2", "/faults")["cache_update_loss"], 0)
        self.run_dunlin("faults", self.cluster.file, "--cache-update-loss", "0")
        self.assertNotIn("ON PURPOSE", self.run_dunlin("status", self.cluster.file))

    def cache_of(self, name, type, service=1):
        """What the node says of one of its near caches."""
        return next(one for one in self.cluster.ask_admin(name, "/coherence")["caches"]
                    if one["type"] == type and one["service"] == service)

    def figure(self, name, type, figure, label=None):
        value = self.cache_of(name, type)["figures"][figure]
        return value[label] if label else value

    def test_q6_q16_caches_are_set_and_dropped_while_nodes_run(self):
        s3 = self.cluster.s3("n1")
        s3.create_bucket(Bucket="warm")
        for _ in range(3):
            s3.head_bucket(Bucket="warm")
        hits = self.figure("n1", "bucket", "hits_total")
        s3.head_bucket(Bucket="warm")
        self.assertGreater(self.figure("n1", "bucket", "hits_total"), hits)
        self.assertNotIn("*", self.run_dunlin("cache", "show", self.cluster.file))

        said = self.run_dunlin("cache", "set", self.cluster.file, "bucket", "mode=validated", "time_to_live=20s")
        for name in self.cluster.names:  # every service of every node, by name
            for service in ("s3", "management"):
                self.assertRegex(said, rf"{name} +{service} +bucket +set: mode=validated time_to_live=20s")
        self.assertIn("until a node starts again", said)
        self.assertEqual(self.cache_of("n1", "bucket")["mode"], "validated")
        hits = self.figure("n1", "bucket", "hits_total")
        s3.head_bucket(Bucket="warm")
        self.assertEqual(self.figure("n1", "bucket", "hits_total"), hits)
        shown = self.run_dunlin("cache", "show", self.cluster.file, "--node", "n1")
        self.assertIn("validated*", shown)
        self.assertIn("20s*", shown)
        self.assertNotIn("n2", shown)

        self.run_dunlin("cache", "set", self.cluster.file, "bucket", "mode=bounded", "--node", "n1", "--service", "s3")
        self.assertEqual(self.cache_of("n1", "bucket")["mode"], "bounded")
        self.assertEqual(self.cache_of("n1", "bucket", 2)["mode"], "validated")
        self.assertEqual(self.cache_of("n2", "bucket")["mode"], "validated")

        s3.head_bucket(Bucket="warm")
        before = self.figure("n1", "bucket", "deaths_total", "command")
        self.assertIn("dropped", self.run_dunlin("cache", "drop", self.cluster.file, "all"))
        self.assertGreater(self.figure("n1", "bucket", "deaths_total", "command"), before)
        self.assertEqual(self.figure("n1", "bucket", "items"), 0)
        s3.head_bucket(Bucket="warm")

        self.cluster.kill("n1")  # when it starts again the file rules
        self.cluster.wait_verdict("ok", 30)
        wait_for("n1 is as the file says", 20, lambda: "*" not in self.run_dunlin(
            "cache", "show", self.cluster.file, "--node", "n1"))

    def test_q23_a_cache_is_dropped_periodically(self):
        s3 = self.cluster.s3("n3")
        self.run_dunlin("cache", "set", self.cluster.file, "user", "invalidation_interval=1s", "--node", "n3")
        before = self.figure("n3", "user", "deaths_total", "command")

        def dropped_twice():
            s3.list_buckets()
            return self.figure("n3", "user", "deaths_total", "command") >= before + 2
        wait_for("two invalidations", 10, dropped_twice, every=0.3)
        self.run_dunlin("cache", "set", self.cluster.file, "user", "invalidation_interval=0s", "--node", "n3")

    def test_x2_the_report_says_how_stale_answers_were_and_what_it_costs(self):
        clients = [self.cluster.s3(name) for name in self.cluster.names]
        for i in range(30):
            clients[0].create_bucket(Bucket="measured")
            for client in clients:
                client.head_bucket(Bucket="measured")
                client.head_bucket(Bucket="measured")
            clients[1].delete_bucket(Bucket="measured")
        text = self.run_dunlin("coherence", self.cluster.file)
        for part in ("caches on", "died of", "sampled on", "beyond the bound", "heard on", "queues on", "leaders on",
                     "messages to caches a write"):
            self.assertIn(part, text)
        nodes = json.loads(self.run_dunlin("coherence", self.cluster.file, "--json"))["nodes"]
        samples = [one["figures"] for node in nodes for one in node["caches"]
                   if "samples_total" in one["figures"]]
        self.assertGreater(sum(one["samples_total"] for one in samples), 5)
        self.assertEqual(sum(one["bound_exceeded_total"] for one in samples), 0)
        announced = sum(node["announcer"]["announced_total"] for node in nodes)
        self.assertGreaterEqual(announced, 60)
        self.assertGreater(sum(node["queue"]["figures"]["frames_total"] for node in nodes), 0)

    def test_x2_watching_looks_again_every_two_seconds(self):
        watch = subprocess.Popen([BINARY, "coherence", self.cluster.file, "--watch"], stdout=subprocess.PIPE, text=True)
        try:
            heads = 0
            for line in watch.stdout:
                heads += line.startswith("caches on")
                self.assertNotIn("\x1b", line)  # no terminal, no escapes
                if heads == 3:
                    break
            self.assertEqual(heads, 3)
        finally:
            watch.kill()
            watch.communicate()

    def test_what_no_file_may_say_no_operator_may(self):
        for words, why in ((["bucket", "staleness_max=1ms"], "give 100ms to 60s"),
                           (["bucket", "staleness_max=400ms"], "less than two news intervals"),
                           (["buckets", "values=true"], "did you mean 'bucket'?"),
                           (["bucket", "items=3"], "unknown key 'cache.bucket.items'"),
                           (["bucket", "items_max"], "'items_max' is not KEY=VALUE"),
                           (["bucket", "values=true", "--service", "s4"], "no service 's4'")):
            done = dunlin("cache", "set", self.cluster.file, *words)
            self.assertEqual(done.returncode, 2, words)
            self.assertIn(why, done.stderr)

    def test_nonsense_is_refused(self):
        for words in (["faults", self.cluster.file, "--cache-update-loss", "1"],
                      ["faults", self.cluster.file, "--cache-update-loss", "10%"],
                      ["faults", self.cluster.file, "--node", "n9"]):
            self.assertEqual(dunlin(*words).returncode, 2, words)


if __name__ == "__main__":
    unittest.main()
