// Three nodes of the production assembly on virtual time (U4, Q1, K4). A failure prints its seed;
// DUNLIN_SEED=N replays it alone.

#include "apps/testkit/virtual_cluster.hpp"
#include "apps/testkit/client_workload.hpp"
#include "apps/testkit/object_workload.hpp"
#include "apps/testkit/quiet_checks.hpp"
#include "tests/cluster/topologies.hpp"

#include <gtest/gtest.h>

using namespace dunlin;
using namespace std::chrono_literals;
using testkit::joined;
using testkit::object_workload;
using testkit::seeds;
using testkit::three_nodes;
using testkit::virtual_cluster;

namespace {

void create_bucket(virtual_cluster& cluster) {
  ASSERT_EQ(cluster.call("n1", "PUT", "/work").status, 200);
}

void expect_all_well(virtual_cluster& cluster, const object_workload& work) {
  EXPECT_TRUE(work.mistakes().empty()) << joined(work.mistakes());
  EXPECT_TRUE(cluster.violations().empty()) << joined(cluster.violations());
  EXPECT_TRUE(cluster.error_lines().empty()) << joined(cluster.error_lines());
}

}  // namespace

TEST(VirtualCluster, ElectsLeadersSeedsItselfAndIsReady) {
  virtual_cluster cluster{1, three_nodes};
  cluster.start_all();
  ASSERT_TRUE(cluster.wait_until_ready(20s));
  for (partition_id id = 0; id <= 3; ++id)
    EXPECT_NE(cluster.leader_of(id), "") << id;
  EXPECT_TRUE(cluster.violations().empty()) << joined(cluster.violations());
}

TEST(VirtualCluster, StoresAnObjectThroughOneNodeAndServesItThroughAnother) {
  virtual_cluster cluster{2, three_nodes};
  cluster.start_all();
  ASSERT_TRUE(cluster.wait_until_ready(20s));
  create_bucket(cluster);
  const std::string large(3'000'000, 'x');
  EXPECT_EQ(cluster.call("n1", "PUT", "/work/a", "", "hello").status, 200);
  EXPECT_EQ(cluster.call("n2", "PUT", "/work/b", "", large).status, 200);
  EXPECT_EQ(cluster.call("n3", "GET", "/work/a").body, "hello");
  EXPECT_EQ(cluster.call("n3", "GET", "/work/b").body, large);
  EXPECT_NE(cluster.call("n2", "GET", "/work", "list-type=2").body.find("<Key>a</Key>"),
            std::string::npos);
  EXPECT_EQ(cluster.call("n2", "DELETE", "/work/a").status, 204);
  EXPECT_EQ(cluster.call("n1", "GET", "/work/a").status, 404);
}

TEST(VirtualCluster, HeadsAndMarksBelongToTheHistoryOfTheirKey) {
  virtual_cluster cluster{3, three_nodes};
  cluster.start_all();
  ASSERT_TRUE(cluster.wait_until_ready(20s));
  create_bucket(cluster);
  testkit::s3_history history{cluster};
  int answers = 0;
  const auto answered = [&](const virtual_cluster::answer&) { ++answers; };
  const auto wait = [&] {
    const auto before = answers;
    cluster.time().run_until([&] { return answers > before; }, 20s);
  };
  history.put("n1", "/work/a", "hello", testkit::write_condition::none, answered);
  wait();
  history.head("n2", "/work/a", answered);
  wait();
  history.put_mark("n3", "/work/a", answered);
  wait();
  history.head("n1", "/work/a", answered);
  wait();
  history.get("n2", "/work/a", answered);
  wait();
  history.remove("n1", "/work/a", answered);
  wait();
  history.head("n3", "/work/a", answered);
  wait();
  EXPECT_TRUE(history.mistakes().empty()) << joined(history.mistakes());
  EXPECT_TRUE(history.judge_all(1000).empty());
  const auto& seen = history.histories().at("/work/a");
  ASSERT_EQ(seen.size(), 7u);
  EXPECT_EQ(seen[1].value, seen[0].value);
  EXPECT_EQ(seen[3].value, "mark 1");
  EXPECT_EQ(seen[4].value, "mark 1");
  EXPECT_TRUE(seen[6].answered && !seen[6].value);
}

TEST(VirtualCluster, ACrowdMeetsAtOneNewKeyAndNoneWaitsForAnother) {
  virtual_cluster cluster{4, three_nodes};
  cluster.start_all();
  ASSERT_TRUE(cluster.wait_until_ready(20s));
  create_bucket(cluster);
  testkit::client_workload clients{cluster, {.operations = 0}};
  clients.begin();
  const auto before = cluster.requests();
  clients.hurry(1s);
  cluster.time().run_for(2s);
  clients.stop();
  EXPECT_TRUE(clients.finished());
  EXPECT_GT(cluster.requests(), before + 20);
  EXPECT_EQ(clients.history().histories().size(), 1u);
  EXPECT_TRUE(clients.history().mistakes().empty()) << joined(clients.history().mistakes());
  EXPECT_TRUE(clients.history().judge_all(50'000).empty());
  EXPECT_EQ(clients.history().undecided(), 0u);
}

TEST(VirtualCluster, GoesOnWhenTheLeaderCrashesAndLosesNothingAcknowledged) {
  for (const auto seed : seeds(6)) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    virtual_cluster cluster{seed, three_nodes};
    cluster.start_all();
    ASSERT_TRUE(cluster.wait_until_ready(20s));
    create_bucket(cluster);
    object_workload work{cluster, {.operations = 120}};
    work.begin();
    for (int round = 0; round < 3; ++round) {
      cluster.time().run_for(1500ms);
      const auto victim = cluster.leader_of(static_cast<partition_id>(1 + (seed + round) % 3));
      if (victim.empty()) continue;
      cluster.crash(victim);
      cluster.time().run_for(4s);
      cluster.start(victim);
    }
    EXPECT_TRUE(cluster.time().run_until([&] { return work.finished(); }, 240s));
    ASSERT_TRUE(cluster.wait_until_ready(30s));
    work.check_all();
    expect_all_well(cluster, work);
    EXPECT_GT(work.counted().acknowledged, 20u);
  }
}

TEST(VirtualCluster, ASilentLeaderHoldsRequestsUpNoLongerThanAnElection) {
  for (const auto seed : seeds(4)) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    virtual_cluster cluster{seed, three_nodes};
    cluster.start_all();
    ASSERT_TRUE(cluster.wait_until_ready(20s));
    create_bucket(cluster);
    // Every request asks the root partition for its bucket.
    const auto victim = cluster.leader_of(0);
    const node_id through = victim == "n1" ? "n2" : "n1";
    ASSERT_EQ(cluster.call(through, "PUT", "/work/before", "", "a").status, 200);
    cluster.pause(victim);
    const auto began = cluster.time().now();
    EXPECT_EQ(cluster.call(through, "PUT", "/work/after", "", "b").status, 200);
    // Two election timeouts at most, and the link still believes in the silent peer for a second.
    EXPECT_LE(cluster.time().now() - began, 2500ms);
    cluster.resume(victim);
    EXPECT_TRUE(cluster.violations().empty()) << joined(cluster.violations());
  }
}

TEST(VirtualCluster, KeepsItsPromisesUnderLossDelayAndBrokenConnections) {
  for (const auto seed : seeds(6)) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    virtual_cluster cluster{seed, three_nodes};
    cluster.start_all();
    ASSERT_TRUE(cluster.wait_until_ready(20s));
    create_bucket(cluster);
    simulation::network_faults faults;
    faults.delay_max = 20ms;
    faults.lost_per_million = 20'000;
    faults.broken_per_million = 1'000;
    cluster.network().set_faults(faults);
    object_workload work{cluster, {.operations = 120}};
    work.begin();
    cluster.time().run_for(3s);
    cluster.network().cut_both("n1", "n2");
    cluster.time().run_for(5s);
    cluster.network().heal_all();
    EXPECT_TRUE(cluster.time().run_until([&] { return work.finished(); }, 240s));
    cluster.network().set_faults({});
    cluster.time().run_for(5s);
    work.check_all();
    expect_all_well(cluster, work);
  }
}

TEST(VirtualCluster, KeepsEverythingWhenAllNodesLosePowerAtOnce) {
  for (const auto seed : seeds(4)) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    virtual_cluster cluster{seed, three_nodes};
    cluster.start_all();
    ASSERT_TRUE(cluster.wait_until_ready(20s));
    create_bucket(cluster);
    object_workload work{cluster, {.operations = 60}};
    work.begin();
    cluster.time().run_for(2s);
    for (const auto& name : cluster.nodes())
      cluster.crash(name);
    cluster.time().run_for(1s);
    cluster.start_all();
    EXPECT_TRUE(cluster.time().run_until([&] { return work.finished(); }, 240s));
    ASSERT_TRUE(cluster.wait_until_ready(30s));
    work.check_all();
    expect_all_well(cluster, work);
  }
}

TEST(VirtualCluster, ReadsAroundFlippedBitsAndMendsThem) {
  for (const auto seed : seeds(3)) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    virtual_cluster cluster{seed, three_nodes};
    cluster.start_all();
    ASSERT_TRUE(cluster.wait_until_ready(15s));
    create_bucket(cluster);
    object_workload work{cluster, {.operations = 60}};
    work.begin();
    ASSERT_TRUE(cluster.time().run_until([&] { return work.finished(); }, 60s));
    cluster.time().run_for(5s);  // all three hold every page
    ASSERT_TRUE(testkit::check_pages(cluster, 3).empty());
    auto& disk = cluster.disk("n1");
    for (const auto& [path, size] : disk.durable_files("extents"))
      for (std::uint64_t offset = seed * 131; offset < size; offset += 77'777)
        disk.flip_bit(path, offset, static_cast<int>(offset % 8));
    EXPECT_FALSE(testkit::check_pages(cluster, 3).empty());
    work.check_all();
    cluster.time().run_for(10s);
    expect_all_well(cluster, work);
    const auto damaged = testkit::check_pages(cluster, 3);
    EXPECT_TRUE(damaged.empty()) << joined(damaged);
  }
}

TEST(VirtualCluster, AFullDiskOnOneNodeRefusesNothing) {
  for (const auto seed : seeds(3)) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    virtual_cluster cluster{seed, three_nodes};
    cluster.start_all();
    ASSERT_TRUE(cluster.wait_until_ready(15s));
    create_bucket(cluster);
    auto& disk = cluster.disk(cluster.nodes()[seed % 3]);
    disk.leave_free(48u << 20);  // within the reserve
    object_workload work{cluster, {.operations = 90}};
    work.begin();
    EXPECT_TRUE(cluster.time().run_until([&] { return work.finished(); }, 60s));
    EXPECT_EQ(work.counted().unknown, 0u);
    disk.give_back();
    cluster.time().run_for(5s);
    work.check_all();
    expect_all_well(cluster, work);
  }
}
