"""Each role in processes of its own: databases, storage, a message queue, access nodes (Q21)."""
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
from tests.support.cluster import ClusterTest, wait_for  # noqa: E402


class Roles(ClusterTest):
    nodes = 6
    roles = {"n1": '["database"]', "n2": '["database", "storage"]', "n3": '["database", "storage"]', "n4": '["storage", "queue"]',
             "n5": '["access"]', "n6": '["access"]'}

    def frames(self):
        return self.cluster.ask_admin("n4", "/coherence")["queue"]["figures"]["frames_total"]

    def gone(self, client, bucket):
        try:
            client.get_object(Bucket=bucket, Key="x")
        except client.exceptions.NoSuchBucket:
            return True
        except client.exceptions.NoSuchKey:
            return False
        return False

    def comes_and_goes(self, bucket, makes, sees):
        """Made through one node, used through the other, deleted through the first; seconds until the other knew."""
        makes.create_bucket(Bucket=bucket)
        sees.put_object(Bucket=bucket, Key="x", Body=b"some bytes")
        self.assertEqual(makes.get_object(Bucket=bucket, Key="x")["Body"].read(), b"some bytes")
        makes.delete_object(Bucket=bucket, Key="x")
        makes.delete_bucket(Bucket=bucket)
        began = time.monotonic()
        wait_for(f"{bucket} is known to be gone", 5, lambda: self.gone(sees, bucket), every=0.01)
        return time.monotonic() - began

    def test_q21_changes_pass_between_access_nodes_by_a_queue_of_its_own(self):
        one, other = self.cluster.s3("n5"), self.cluster.s3("n6")
        before = self.frames()
        for i in range(5):
            self.assertLess(self.comes_and_goes(f"first-{i}", one, other), 1.2)
            self.assertLess(self.comes_and_goes(f"second-{i}", other, one), 1.2)
        self.assertGreater(self.frames(), before)
        # Nodes without near caches of buckets subscribe to nothing of them.
        self.assertEqual([name for name in self.cluster.names
                          if any(cache["type"] == "bucket" for cache in self.cluster.ask_admin(name, "/coherence")["caches"])],
                         ["n5", "n6"])

    def test_q21_without_the_queue_answers_are_as_old_as_the_bound_allows(self):
        one, other = self.cluster.s3("n5"), self.cluster.s3("n6")
        self.comes_and_goes("warm", one, other)
        self.cluster.kill("n4")
        # The bound, and what a request takes on a busy machine. Bytes are written with what storage nodes are left.
        self.assertLess(self.comes_and_goes("meanwhile", one, other), 3)
        self.cluster.wait_verdict("ok", 30)
        before = self.frames()
        self.assertLess(self.comes_and_goes("afterwards", other, one), 3)
        wait_for("the queue tells again", 10, lambda: self.frames() > before)


if __name__ == "__main__":
    unittest.main()
