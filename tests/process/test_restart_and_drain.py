"""The end of processes: kill -9 of all, restarts by the supervisor, SIGTERM at request boundaries (Q1, Q27)."""
import os
import signal
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
from tests.support.cluster import ClusterTest, content, dunlin, sha, start_of, wait_for  # noqa: E402


class RestartAndDrain(ClusterTest):
    def setUp(self):
        self.cluster.wait_verdict("ok", 30)
        self.bucket = "b" + sha(self.id().encode())[:12]
        self.s3 = self.cluster.s3("n1")
        self.s3.create_bucket(Bucket=self.bucket)

    def fill(self, count=25):
        bodies = {f"key/{i}": content(f"{self.bucket}{i}", 1000 * i + 7) for i in range(count)}
        bodies["large"] = content(self.bucket, 9 << 20)
        for key, body in bodies.items():
            self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)
        return bodies

    def check(self, bodies):
        for name in self.cluster.names:
            client = self.cluster.s3(name)
            for key, body in bodies.items():
                self.assertEqual(sha(client.get_object(Bucket=self.bucket, Key=key)["Body"].read()), sha(body), key)

    def test_a_killed_node_is_started_again_and_joins_by_itself(self):
        bodies = self.fill(5)
        before = self.cluster.pid("n2")
        self.cluster.kill("n2")
        wait_for("n2 is back", 30, lambda: self.cluster.pid("n2") not in (None, before))
        self.cluster.wait_verdict("ok", 30)
        self.check(bodies)

    def test_a_second_process_of_a_node_ends_at_once_and_harms_nothing(self):
        bodies = self.fill(3)
        pid = self.cluster.pid("n1")
        second = dunlin("node", self.cluster.file, "n1", timeout=10)
        self.assertEqual(second.returncode, 1)
        self.assertIn("taken_by_another_process", second.stderr)
        self.assertEqual(self.cluster.pid("n1"), pid)
        self.check(bodies)

    def test_kill_of_all_and_restart_keeps_everything_acknowledged(self):
        bodies = self.fill()
        pids = [node["pid"] for node in self.cluster.status()["nodes"]]
        supervisor = self.cluster.supervisor_pid()
        for pid in [supervisor] + pids:
            os.kill(pid, signal.SIGKILL)
        wait_for("all are gone", 10, lambda: all(start_of(pid) is None for pid in [supervisor] + pids))
        self.cluster.up()
        self.check(bodies)

    def test_down_and_up_keep_everything(self):
        bodies = self.fill(5)
        began = time.monotonic()
        self.assertEqual(self.cluster.down().returncode, 0)
        self.assertLess(time.monotonic() - began, 12)
        self.cluster.up()
        self.check(bodies)

    def test_sigterm_lets_an_open_request_end_and_exits_within_10_s(self):
        body = content("drain", 32 << 20)
        self.s3.put_object(Bucket=self.bucket, Key="slow", Body=body)
        got = []

        def read_slowly():
            stream = self.cluster.s3("n1").get_object(Bucket=self.bucket, Key="slow")["Body"]
            opened.set()
            while chunk := stream.read(1 << 20):
                got.append(chunk)
                time.sleep(0.05)  # a client slower than the node, over about 2 s

        opened = threading.Event()
        reader = threading.Thread(target=read_slowly)
        reader.start()
        self.assertTrue(opened.wait(10))
        began = time.monotonic()
        pid = self.cluster.signal("n1", signal.SIGTERM)
        wait_for("n1 ends", 10, lambda: start_of(pid) is None)
        self.assertLess(time.monotonic() - began, 10)
        reader.join(20)
        self.assertEqual(sha(b"".join(got)), sha(body), "the open request was answered whole")
        # The supervisor starts it again: a SIGTERM to one node is no `down`.
        self.cluster.wait_verdict("ok", 30)


if __name__ == "__main__":
    unittest.main()
