"""A few rounds of every fault that `tools/torture` knows, under S3 load: kill -9, SIGSTOP, restart loops, cuts, full
disks. Nothing acknowledged is lost, wrong or stale, no list is wrong, and the cluster works again by itself."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
sys.path.insert(0, ROOT)
from tests.support import namespaces, strikes  # noqa: E402
from tests.support.load import outcome_of  # noqa: E402
from tests.support.table import percentile  # noqa: E402
from tests.support.trial import CHECK, Trial, TrialCluster  # noqa: E402

SEED = int(os.environ.get("DUNLIN_SEED", "4711"))
RECOVERY_S = 15  # far above what is promised: other tests may have the machine at the same time


class Rounds(unittest.TestCase):
    def judge(self, report, rounds):
        self.assertEqual(report["failures"], [])
        self.assertEqual([one["kind"] for one in report["rounds"]], rounds)
        verdict = report["verdict"]
        self.assertTrue(verdict["passed"])
        self.assertGreater(verdict["acknowledged"], 50 * len(rounds), "the load was no load")
        self.assertGreater(verdict["reads"], 20 * len(rounds))
        self.assertGreater(verdict["lists"], 0)
        for one in report["rounds"]:
            self.assertLess(max([one["any_s"], *one["led_s"].values()]), RECOVERY_S + one.get("pause_s", 0), one)

    def test_kills_and_stops(self):
        plan = [("kill a leader", strikes.kill(strikes.a_leader)), ("kill two", strikes.kill(strikes.two_nodes)),
                ("kill all", strikes.kill(strikes.all_nodes)),
                ("stop a leader", strikes.stop(strikes.a_leader, 2.0, 5.0)),
                ("restart loop", strikes.loop(strikes.random_node, 2))]
        cluster = TrialCluster()
        self.addCleanup(cluster.close)
        trial = Trial(cluster.begin(), SEED)
        for kind, strike in plan:
            trial.round(kind, strike)
        report = trial.finish()
        self.judge(report, [kind for kind, _ in plan])
        self.assertEqual(report["errors"], [])
        for one in report["rounds"]:
            if one["kind"] in ("kill a leader", "stop a leader"):
                self.assertTrue(one["led_s"], "the victim led something")

    @unittest.skipIf(namespaces.refusal(), f"no namespaces of our own here: {namespaces.refusal()}")
    def test_cuts_and_full_disks(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "report.json")
            done = subprocess.run([sys.executable, os.path.join(ROOT, "tools/torture"), "--cuts", "2", "--full", "1",
                                   "--seed", str(SEED), "--json", path], capture_output=True, text=True, timeout=150,
                                  check=False)
            with open(path, encoding="utf-8") as file:
                answer = json.load(file)
        self.assertEqual(answer["skipped"], [])
        cuts, full = answer["reports"]
        self.judge(cuts, ["cut off leader", "cut one way"])
        self.judge(full, ["full disk"])
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class Checker(unittest.TestCase):
    """The program as the trials run it; its rules are tested in tests/unit/check."""

    PUT = {"op": "put", "bucket": "b", "key": "k", "start": 1, "end": 2, "outcome": "ok", "status": 200, "sha": "s",
           "etag": "e"}
    GET = {"op": "get", "bucket": "b", "key": "k", "start": 3, "end": 4, "outcome": "ok", "status": 200, "sha": "s",
           "etag": "e"}

    def judge(self, *lines):
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file:
            file.write("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
            file.flush()
            return subprocess.run([CHECK, file.name], capture_output=True, text=True, timeout=30, check=False)

    def test_tells_right_from_wrong_from_nonsense(self):
        right = self.judge(self.PUT, self.GET)
        self.assertEqual(right.returncode, 0, right.stdout)
        self.assertEqual(json.loads(right.stdout)["acknowledged"], 2)
        wrong = self.judge(self.PUT, {**self.GET, "status": 404, "sha": "", "etag": ""})
        self.assertEqual(wrong.returncode, 1)
        self.assertEqual(len(json.loads(wrong.stdout)["lost"]), 1)
        nonsense = self.judge(self.PUT, "no json")
        self.assertEqual(nonsense.returncode, 2)
        self.assertIn(":2: no operation", nonsense.stderr)

    def test_what_a_status_tells_about_an_operation(self):
        for op, status, outcome in (("put", 200, "ok"), ("delete", 204, "ok"), ("get", 404, "ok"), ("put", 412, "no"),
                                    ("put", 404, "no"), ("put", 403, "no"), ("put", 503, "unknown"),
                                    ("get", 500, "unknown"), ("put", 507, "unknown")):
            self.assertEqual(outcome_of(op, status), outcome, (op, status))


class Percentiles(unittest.TestCase):
    def test_are_the_smallest_value_that_so_many_are_not_above(self):
        self.assertEqual([percentile([4, 1, 3, 2], share) for share in (25, 50, 51, 99, 100)], [1, 2, 3, 4, 4])
        self.assertEqual([percentile(range(1, 101), share) for share in (1, 50, 99, 100)], [1, 50, 99, 100])
        self.assertEqual(percentile([7], 50), 7)


if __name__ == "__main__":
    unittest.main()
