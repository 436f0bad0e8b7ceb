"""kill -9 of one node of three while clients work (Q1, K3, K4): nothing acknowledged is lost, the others go on, and the
node fetches what it missed."""
import json
import os
import sys
import threading
import time
import unittest
import urllib.request

from botocore.exceptions import BotoCoreError, ClientError

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
from tests.support.cluster import ClusterTest, content, sha, wait_for  # noqa: E402

GRACE = 5.0  # seconds after a kill from which on every PUT must succeed at the first try


class Uploader(threading.Thread):
    """Puts objects one after the other through one endpoint, never twice, and keeps what was acknowledged."""

    def __init__(self, cluster, name, prefix, size):
        super().__init__(daemon=True)
        self.s3 = cluster.s3(name)
        self.prefix, self.size = prefix, size
        self.stop = threading.Event()
        self.acknowledged = {}  # key -> sha
        self.refused = []       # (when the put began, why)
        self.begun = []

    def run(self):
        number = 0
        while not self.stop.is_set():
            key = f"{self.prefix}/{number:05}"
            body = content(key, self.size)
            number += 1
            began = time.monotonic()
            self.begun.append(began)
            try:
                self.s3.put_object(Bucket="kill", Key=key, Body=body)
                self.acknowledged[key] = sha(body)
            except (ClientError, BotoCoreError) as error:
                self.refused.append((began, f"{key}: {error}"))

    def finish(self):
        self.stop.set()
        self.join(60)


class KillANode(ClusterTest):
    options = ("--no-restart",)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster.s3("n1").create_bucket(Bucket="kill")

    def read_all(self, name, expected):
        client = self.cluster.s3(name)
        for key, wanted in expected.items():
            self.assertEqual(sha(client.get_object(Bucket="kill", Key=key)["Body"].read()), wanted, f"{key} by {name}")

    def restart(self, name):
        self.cluster.start_node(name)
        self.cluster.wait_verdict("ok", 30)

    def storage_pages(self, name):
        with open(os.path.join(self.cluster.folder, "data/admin-token"), encoding="utf-8") as file:
            token = file.read().strip()
        request = urllib.request.Request(f"http://127.0.0.1:{self.cluster.ports[name]['admin']}/status",
                                         headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request, timeout=5) as answer:
            return json.load(answer)["storage"]["pages"]

    def work_through_a_kill(self, victim, endpoint, prefix):
        """Uploads through `endpoint` while `victim` is killed; returns what was acknowledged."""
        uploader = Uploader(self.cluster, endpoint, prefix, 200_000)
        uploader.start()
        try:
            wait_for("20 uploads before the kill", 30, lambda: len(uploader.acknowledged) >= 20)
            self.cluster.kill(victim)
            killed = time.monotonic()
            # Reading what is there goes on through the survivor.
            self.read_all(endpoint, dict(list(uploader.acknowledged.items())[:5]))
            wait_for("20 uploads begun after the grace", 40,
                     lambda: sum(began > killed + GRACE for began in list(uploader.begun)) >= 20)
        finally:
            uploader.finish()
        late = [why for began, why in uploader.refused if began > killed + GRACE]
        self.assertEqual(late, [], "a PUT begun 5 s after the kill succeeds at the first try")
        return uploader.acknowledged

    def test_a_node_that_is_not_the_endpoint(self):
        acknowledged = self.work_through_a_kill("n3", "n1", "a")
        self.assertEqual(self.cluster.verdict(), "degraded")
        for name in ("n1", "n2"):
            self.read_all(name, acknowledged)
        self.restart("n3")
        self.read_all("n3", acknowledged)
        wait_for("n3 fetched the pages it missed", 30, lambda: self.storage_pages("n3") >= len(acknowledged))

    def test_the_leader_of_most_partitions(self):
        leaders = [partition["leader"] for partition in self.cluster.status()["partitions"]]
        victim = max(self.cluster.names, key=leaders.count)
        others = [name for name in self.cluster.names if name != victim]
        acknowledged = self.work_through_a_kill(victim, others[0], "b")
        status = self.cluster.status()
        self.assertTrue(all(partition["leader"] in others for partition in status["partitions"]), status)
        for name in others:
            self.read_all(name, acknowledged)
        self.restart(victim)
        self.read_all(victim, acknowledged)

    def test_an_upload_in_parts_survives_a_kill_in_the_middle(self):
        client = self.cluster.s3("n1")
        upload = client.create_multipart_upload(Bucket="kill", Key="parts")["UploadId"]
        parts = [content(f"part {i}", 5 << 20) for i in range(3)]
        tags = []
        for number, body in enumerate(parts, 1):
            if number == 2:
                self.cluster.kill("n2")
                time.sleep(GRACE)  # real processes, real time: the promise begins here
            tag = client.upload_part(Bucket="kill", Key="parts", UploadId=upload, PartNumber=number, Body=body)["ETag"]
            tags.append({"PartNumber": number, "ETag": tag})
        client.complete_multipart_upload(Bucket="kill", Key="parts", UploadId=upload, MultipartUpload={"Parts": tags})
        self.restart("n2")
        for name in self.cluster.names:
            got = self.cluster.s3(name).get_object(Bucket="kill", Key="parts")["Body"].read()
            self.assertEqual(sha(got), sha(b"".join(parts)))


if __name__ == "__main__":
    unittest.main()
