"""Ten times more requests than the nodes can serve, at a constant rate, whatever comes back: the excess hears 503 SlowDown
and when to come again, what is admitted is stored, nobody loses a leadership over it, and memory stays where it was. The
bounds are loose, since other work may share the machine; `tools/bench overload` has the tight ones."""
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools"))
from benches import overload  # noqa: E402
from tests.support.cluster import ClusterTest  # noqa: E402

DRIVER = os.environ.get("DUNLIN_OVERLOAD", overload.DRIVER)
BOUND = 8


class Overload(ClusterTest):
    extra = f"[s3]\nrequests_max = {BOUND}\n"

    def setUp(self):
        self.cluster.s3("n1").create_bucket(Bucket="bench")
        self.folder = tempfile.TemporaryDirectory(prefix="dunlin-overload-")
        self.addCleanup(self.folder.cleanup)
        self.load = os.path.join(self.folder.name, "load")
        urls = [self.cluster.url(name) for name in self.cluster.names]
        overload.prepare(self.load, urls, self.cluster.environment(), keys=120)

    def drive(self, seconds, **options):
        return overload.drive(self.load, seconds, driver=DRIVER, **options)

    def test_the_excess_is_told_to_slow_down_and_the_rest_goes_on(self):
        bound = 3 * BOUND
        usual = {"in_flight": bound // 2, "connections": bound}
        self.drive(2, **usual)
        pids = [node["pid"] for node in self.cluster.status()["nodes"]]
        with overload.Memory(pids) as steady:
            peak = overload.goodput(overload.whole(self.drive(4, **usual), 1))
        terms = overload.terms_of(self.cluster.status())
        with overload.Memory(pids) as loaded:
            flood = self.drive(6, rate=10 * peak, connections=10 * bound)
        after = overload.goodput(overload.whole(self.drive(7, **usual), 4))
        story = f"peak {peak:.0f}/s, after {after:.0f}/s, flood {flood}"

        total = {name: sum(one[name] for one in flood["seconds"]) for name in flood["seconds"][0]}
        self.assertGreater(total["slow_down"], total["stored"], story)
        self.assertEqual(total["without_retry_after"], 0, story)
        self.assertEqual(total["other"], 0, story)
        self.assertEqual(flood["unanswered"], 0, story)
        self.assertEqual(overload.terms_of(self.cluster.status()), terms, "a leadership was lost\n" + story)
        self.assertGreater(overload.goodput(overload.whole(flood, 1)), 0.3 * peak, story)
        self.assertGreater(after, 0.6 * peak, story)
        for pid in pids:
            self.assertLess(loaded.peaks[pid], 1.5 * steady.peaks[pid] + (16 << 20), story)


if __name__ == "__main__":
    unittest.main()
