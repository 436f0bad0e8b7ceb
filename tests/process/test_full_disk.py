"""A full data folder: on one node of three it refuses nobody, on all it refuses writes with a clear error and goes on
reading (decision 9, checklist row 28)."""
import os
import sys
import unittest

from botocore.exceptions import ClientError

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
from tests.support.cluster import Cluster, can_mount, content, sha  # noqa: E402

SMALL_MIB = 128
OBJECT = 4 << 20
ENOUGH = SMALL_MIB * (1 << 20) * 5 // 4 // OBJECT  # objects that a small folder cannot hold, whatever is reserved


@unittest.skipUnless(can_mount(), "no small file systems here: mount namespaces are not allowed")
class FullDisk(unittest.TestCase):
    def start(self, small):
        cluster = Cluster(extra='[wal]\nsegment_bytes = "1MiB"\nbytes_max = "8MiB"')
        self.addCleanup(cluster.close)
        cluster.up(small=small, small_mib=SMALL_MIB)
        client = cluster.s3("n1", read_timeout=60)
        client.create_bucket(Bucket="full")
        return cluster, client

    def put(self, client, number):
        client.put_object(Bucket="full", Key=str(number), Body=content(number, OBJECT))

    def check(self, cluster, numbers):
        for i, number in enumerate(numbers):
            client = cluster.s3(cluster.names[i % 3])
            got = client.get_object(Bucket="full", Key=str(number))["Body"].read()
            self.assertEqual(sha(got), sha(content(number, OBJECT)))

    def test_one_full_node_of_three_refuses_nobody(self):
        cluster, client = self.start(["n3"])
        pids = [node["pid"] for node in cluster.status()["nodes"]]
        for number in range(ENOUGH):
            self.put(client, number)
        self.check(cluster, range(0, ENOUGH, 7))
        self.assertEqual([node["pid"] for node in cluster.status()["nodes"]], pids, "no process ended")

    def test_when_all_are_full_writes_are_refused_clearly_and_reads_go_on(self):
        cluster, client = self.start(["n1", "n2", "n3"])
        stored = []
        with self.assertRaises(ClientError) as refused:
            for number in range(ENOUGH):
                self.put(client, number)
                stored.append(number)
        self.assertIn("Full", refused.exception.response["Error"]["Code"])
        self.assertGreaterEqual(refused.exception.response["ResponseMetadata"]["HTTPStatusCode"], 500)
        self.assertTrue(stored)
        self.check(cluster, stored)
        self.assertEqual([node["state"] for node in cluster.status()["nodes"]], ["ready"] * 3)


if __name__ == "__main__":
    unittest.main()
