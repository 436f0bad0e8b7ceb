"""Near caches of a live cluster: what operators see of them and change (Q6, Q16, Q23, X2)."""
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
from tests.support.cluster import ClusterTest, dunlin  # noqa: E402

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

    def test_nonsense_is_refused(self):
        for words in (["faults", self.cluster.file, "--cache-update-loss", "1"],
                      ["faults", self.cluster.file, "--cache-update-loss", "10%"],
                      ["faults", self.cluster.file, "--node", "n9"]):
            self.assertEqual(dunlin(*words).returncode, 2, words)


if __name__ == "__main__":
    unittest.main()
