// A node that was away for long takes a snapshot while the others serve (Q1, decision 9,
// docs/decisions/0009), whatever fails meanwhile. A failure prints its seed; DUNLIN_SEED=N replays
// it alone.

#include "apps/testkit/quiet_checks.hpp"
#include "apps/testkit/virtual_cluster.hpp"
#include "runtime/observe/reached.hpp"
#include "tests/cluster/topologies.hpp"

#include <gtest/gtest.h>

using namespace dunlin;
using namespace std::chrono_literals;
using testkit::joined;
using testkit::seeds;
using testkit::three_nodes;
using testkit::virtual_cluster;

namespace {

/// Logs and pieces so small that some hundred objects are a long absence.
testkit::knobs small_logs() {
  testkit::knobs shape;
  shape.topology = three_nodes + "\n[metadata]\npartitions = 1\n";
  shape.checkpoint_bytes = 4u << 10;
  shape.tuning.laggard_bytes_max = 8u << 10;
  shape.tuning.snapshot_piece_bytes = 2u << 10;
  return shape;
}

std::uint64_t times(const std::string& place) {
  const auto all = reached_places();
  const auto found = all.find(place);
  return found == all.end() ? 0 : found->second;
}

struct Snapshot : testing::Test {
  explicit Snapshot(std::uint64_t seed = 1) : cluster{seed, small_logs()} {
    cluster.start_all();
    EXPECT_TRUE(cluster.wait_until_ready(20s));
    EXPECT_EQ(cluster.call("n1", "PUT", "/work").status, 200);
  }

  void write(int count) {
    for (; count > 0; --count) {
      const auto name = "k" + std::to_string(++written);
      const auto done = cluster.call("n1", "PUT", "/work/" + name, "", name);
      if (done.status == 200) acknowledged.push_back(name);
    }
  }
  /// n3 misses more than the others keep.
  void leave_n3_behind() {
    cluster.crash("n3");
    cluster.time().run_for(3s);
    write(150);
    ASSERT_GT(acknowledged.size(), 140u);
    cluster.time().run_for(2s);
  }
  /// Whether n3 has applied what the others have, within `limit`.
  bool catches_up(std::chrono::seconds limit) {
    return cluster.wait_until_ready(limit) && testkit::check_states(cluster, limit).empty();
  }
  void expect_all_well() {
    const auto wrong = testkit::check_states(cluster, 30s);
    EXPECT_TRUE(wrong.empty()) << joined(wrong);
    EXPECT_TRUE(cluster.violations().empty()) << joined(cluster.violations());
    EXPECT_TRUE(cluster.error_lines().empty()) << joined(cluster.error_lines());
    for (const auto& name : acknowledged)
      EXPECT_EQ(cluster.call("n3", "GET", "/work/" + name).body, name);
    for (const auto& name : cluster.nodes())
      EXPECT_TRUE(leftovers(name).empty()) << name;
  }
  std::map<std::string, std::uint64_t> leftovers(const node_id& name) {
    cluster.time().run_for(2s);
    return cluster.disk(name).durable_files("snapshots");
  }

  virtual_cluster cluster;
  int written = 0;
  std::vector<std::string> acknowledged;
};

}  // namespace

TEST_F(Snapshot, BringsBackANodeThatWasAwayForLongWhileClientsWrite) {
  const auto before = times("partition.snapshot_installed");
  leave_n3_behind();
  EXPECT_GT(times("partition.log_cut_past_a_laggard"), 0u);
  cluster.start("n3");
  write(30);
  EXPECT_TRUE(catches_up(30s));
  EXPECT_GT(times("partition.snapshot_installed"), before);
  expect_all_well();
}

TEST_F(Snapshot, GoesOnWhereACutEndedItsStream) {
  leave_n3_behind();
  cluster.start("n3");
  const auto resumed = times("partition.snapshot_fetch_resumed");
  const auto streams = [&] {
    return cluster.disk("n3").exists("snapshots/in-0").value() ||
           cluster.disk("n3").exists("snapshots/in-1").value();
  };
  for (auto waited = 0; waited < 10'000 && !streams(); ++waited)
    cluster.time().run_for(1ms);
  ASSERT_TRUE(streams());
  cluster.time().run_for(4ms);
  for (const auto& other : {"n1", "n2"})
    cluster.network().cut_both("n3", other);
  cluster.time().run_for(8s);
  cluster.network().heal_all();
  EXPECT_TRUE(catches_up(60s));
  EXPECT_GT(times("partition.snapshot_fetch_resumed"), resumed);
  expect_all_well();
}

TEST_F(Snapshot, ComesFromAnotherLeaderWhenItsOwnCrashes) {
  leave_n3_behind();
  for (auto round = 0; round < 4; ++round) {
    cluster.start_all();
    cluster.time().run_for(std::chrono::milliseconds{300 + 150 * round});
    const auto leader = cluster.leader_of(1);
    if (leader.empty() || leader == "n3") continue;
    cluster.crash(leader);
    cluster.time().run_for(2s);
  }
  cluster.start_all();
  EXPECT_TRUE(catches_up(60s));
  expect_all_well();
}

TEST_F(Snapshot, IsRefusedByAFullDiskAndTakenLater) {
  leave_n3_behind();
  const auto refused = times("partition.snapshot_not_fetched");
  cluster.start("n3");
  cluster.fill_disk("n3", 96u << 20);  // less than what is kept free besides
  cluster.time().run_for(40s);
  EXPECT_TRUE(cluster.runs("n3"));
  if (times("partition.snapshot_not_fetched") == refused) cluster.fill_disk("n3", 48u << 20);
  cluster.empty_disk("n3");
  EXPECT_TRUE(catches_up(60s));
  expect_all_well();
}

/// The power fails at the k-th disk call of a node that takes a snapshot, for every k that comes
/// before it is there; it starts again, and again.
TEST(SnapshotCrash, AtAnyDiskCallOfTheReceiverLeavesOneThatStarts) {
  for (std::uint64_t call = 3; call < 230; call += 4) {
    SCOPED_TRACE("disk call " + std::to_string(call));
    struct world : Snapshot {
      world(std::uint64_t seed) : Snapshot{seed} {}
      void TestBody() override {}
    } one{call};
    one.leave_n3_behind();
    ASSERT_TRUE(one.cluster.start("n3"));
    one.cluster.time().run_for(std::chrono::milliseconds{1000});
    one.cluster.crash_at_call("n3", call);
    one.cluster.time().run_for(8s);
    one.cluster.start_all();
    ASSERT_TRUE(one.catches_up(60s));
    one.expect_all_well();
    if (testing::Test::HasFailure()) return;
  }
}
