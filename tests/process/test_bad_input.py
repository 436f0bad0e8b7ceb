"""What nobody should send: garbage to every port, bad topology files (checklist rows 12, 14, 25, 27). Every process
lives on, and the next request works."""
import os
import random
import socket
import struct
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
from tests.support.cluster import BINARY, Cluster, ClusterTest, dunlin  # noqa: E402

CLOSE_S = 35  # the longest deadline of any listener for a peer that says too little

HTTP_GARBAGE = {
    "no HTTP": b"\x00\xff" * 500 + b"\r\n\r\n",
    "two lengths": b"PUT /b/k HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "length and chunks": b"PUT /b/k HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "unknown coding": b"PUT /b/k HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "folded header": b"GET / HTTP/1.1\r\nHost: x\r\nX-A: 1\r\n 2\r\n\r\n",
    "huge header": b"GET / HTTP/1.1\r\nHost: x\r\nX-A: " + b"a" * 40000 + b"\r\n\r\n",
}


def link_garbage():
    noise = random.Random(4711)
    yield b""
    yield b"\x16\x03\x01"  # a TLS record that does not go on
    yield b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    yield noise.randbytes(32)
    yield noise.randbytes(70000)
    yield struct.pack(">I", 0xFFFFFFFF) + b"x" * 64
    yield struct.pack("<I", 0xFFFFFFFF) + b"x" * 64
    yield b"\x16\x03\x01\xff\xff" + noise.randbytes(400)


def closed_after(port, data):
    """Sends `data`; the answer up to the close, or None if the connection stays open."""
    with socket.create_connection(("127.0.0.1", port), timeout=CLOSE_S) as client:
        answer = b""
        try:
            client.sendall(data)
            while part := client.recv(65536):
                answer += part
        except (ConnectionError, BrokenPipeError):
            pass
        except TimeoutError:
            return None
        return answer


class Garbage(ClusterTest):
    def setUp(self):
        self.pids = [node["pid"] for node in self.cluster.status()["nodes"]]

    def assert_alive(self):
        status = self.cluster.status()
        self.assertEqual([node["pid"] for node in status["nodes"]], self.pids, "no process ended")
        self.assertEqual(status["health"]["verdict"], "ok", status["health"])
        client = self.cluster.s3("n1")
        bucket = f"after-{self.id().rpartition('.')[2][-20:].replace('_', '-').strip('-')}"
        client.create_bucket(Bucket=bucket)
        client.put_object(Bucket=bucket, Key="k", Body=b"still here")
        self.assertEqual(self.cluster.s3("n2").get_object(Bucket=bucket, Key="k")["Body"].read(), b"still here")

    def test_at_the_ports_between_nodes(self):
        open_ones = []

        def one(port, data):
            if closed_after(port, data) is None:
                open_ones.append((port, data[:20]))

        threads = [threading.Thread(target=one, args=(self.cluster.ports[name][plane], data))
                   for name in self.cluster.names for plane in ("control", "bulk") for data in link_garbage()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(CLOSE_S + 5)
        self.assertEqual(open_ones, [], "closed within the deadline")
        self.assert_alive()

    def test_at_the_s3_port(self):
        for what, data in HTTP_GARBAGE.items():
            with self.subTest(what):
                answer = closed_after(self.cluster.ports["n1"]["s3"], data)
                self.assertIsNotNone(answer, "the connection is closed")
                self.assertRegex(answer[:12].decode("latin-1"), r"^(HTTP/1\.[01] 4\d\d)?$")
        self.assert_alive()

    def test_at_the_admin_port(self):
        port = self.cluster.ports["n1"]["admin"]
        for what, data in HTTP_GARBAGE.items():
            with self.subTest(what):
                answer = closed_after(port, data)
                self.assertIsNotNone(answer, "the connection is closed")
                self.assertRegex(answer[:12].decode("latin-1"), r"^(HTTP/1\.[01] 4\d\d)?$")
        for token in ("", "Authorization: Bearer wrong\r\n"):
            answer = closed_after(port, f"GET /status HTTP/1.1\r\nHost: x\r\n{token}Connection: close\r\n\r\n".encode())
            self.assertRegex(answer[:12].decode("latin-1"), r"^HTTP/1\.[01] 40[13]$")
        self.assert_alive()

    def test_requests_without_credentials_are_refused(self):
        for line in ("GET / HTTP/1.1", "GET /bucket HTTP/1.1", "PUT /bucket HTTP/1.1", "DELETE /bucket/key HTTP/1.1"):
            answer = closed_after(self.cluster.ports["n1"]["s3"],
                                  f"{line}\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
            self.assertTrue(answer.startswith(b"HTTP/1.1 403"), answer[:200])
            self.assertIn(b"<Code>AccessDenied</Code>", answer)


class BadTopology(unittest.TestCase):
    def test_every_mistake_is_told_and_nothing_starts(self):
        cluster = Cluster(extra="write_quorum = 9\ncolour = 1")
        self.addCleanup(cluster.close)
        with open(cluster.file, encoding="utf-8") as file:
            text = file.read().replace('"database", "storage"', '"databse", "storage"', 1)
        with open(cluster.file, "w", encoding="utf-8") as file:
            file.write(text)
        for command in ("check", "up"):
            done = dunlin(command, cluster.file)
            self.assertEqual(done.returncode, 2)
            self.assertRegex(done.stderr, r":\d+:\d+: unknown role 'databse'; did you mean 'database'\?")
            self.assertRegex(done.stderr, r":\d+:\d+: objects\.write_quorum is 9 of only 3 replicas")
            self.assertRegex(done.stderr, r":\d+:\d+: unknown key 'objects\.colour'")
        self.assertFalse(os.path.exists(os.path.join(cluster.folder, "data")))

    def test_a_good_file_is_summed_up(self):
        cluster = Cluster()
        self.addCleanup(cluster.close)
        done = dunlin("check", cluster.file)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("3 nodes, root + 3 partitions x 3", done.stdout)

    def test_the_binary_is_there(self):
        self.assertTrue(os.access(BINARY, os.X_OK), BINARY)


if __name__ == "__main__":
    unittest.main()
