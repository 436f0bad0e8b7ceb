// Safeguards that matter in a moment which chance seldom meets: each test brings that moment about
// in a whole cluster, and fails when the safeguard is taken out. docs/testing.md.

#include "apps/testkit/virtual_cluster.hpp"
#include "tests/cluster/topologies.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

using namespace dunlin;
using namespace std::chrono_literals;
using testkit::joined;
using testkit::seeds;
using testkit::three_nodes;
using testkit::virtual_cluster;

namespace {

using answer = virtual_cluster::answer;

std::size_t objects_of(virtual_cluster& cluster, const node_id& name, partition_id partition) {
  std::size_t count = 0;
  if (const auto state = cluster.state(name, partition))
    state->scan(table::objects, "",
                [&](std::string_view, std::string_view) { return ++count > 0; });
  return count;
}

/// The first one that holds objects; 0: none does.
partition_id partition_in_use(virtual_cluster& cluster, const node_id& name) {
  for (partition_id id = 1; id <= cluster.topology().options.partitions; ++id)
    if (objects_of(cluster, name, id) > 0) return id;
  return 0;
}

node_id other_than(const virtual_cluster& cluster, const node_id& one) {
  const auto all = cluster.nodes();
  return *std::find_if(all.begin(), all.end(), [&](const auto& name) { return name != one; });
}

void expect_no_violations(const virtual_cluster& cluster) {
  EXPECT_TRUE(cluster.violations().empty()) << joined(cluster.violations());
  EXPECT_TRUE(cluster.error_lines().empty()) << joined(cluster.error_lines());
}

// ---- a leader that is cut off ----

/// Checks for a quorum come seldom, so that an old leader lives on while the others elect one; and
/// later than the links notice the silence, so that the others do not wait for the old one.
const std::string slow_elections = three_nodes + "\n[metadata]\nelection = \"6s\"\n";

/// As its status says: a replica steps down for want of a quorum without a step that is observed.
bool leads_both(virtual_cluster& cluster, const node_id& name, partition_id partition) {
  const auto status = cluster.status(name);
  return std::count_if(status.replicas().begin(), status.replicas().end(), [&](const auto& one) {
           return one.role() == "leader" && (one.partition() == 0 || one.partition() == partition);
         }) == 2;
}

/// The node that leads both the root and `partition`, after as many crashes as that takes.
node_id leader_of_both(virtual_cluster& cluster, partition_id partition) {
  for (int round = 0; round < 60; ++round) {
    const auto leader = cluster.leader_of(partition);
    if (leader.empty()) {
      cluster.time().run_for(1s);
      continue;
    }
    if (leads_both(cluster, leader, partition)) return leader;
    cluster.crash(leader);
    cluster.time().run_for(1s);
    cluster.start(leader);
    if (!cluster.wait_until_ready(40s)) return {};
  }
  return {};
}

/// Cuts the node off until the others have leaders of their own. False: it stepped down before.
bool outlives_its_cut(virtual_cluster& cluster, const node_id& old, partition_id partition) {
  for (const auto& name : cluster.nodes())
    if (name != old) cluster.network().cut_both(old, name);
  const auto replaced = [&](partition_id id) {
    const auto newest = cluster.leader_of(id);
    return !newest.empty() && newest != old;
  };
  while (leads_both(cluster, old, partition)) {
    if (replaced(0) && replaced(partition)) return true;
    cluster.time().run_for(50ms);
  }
  return false;
}

}  // namespace

// Decision 14: the partition keeps the answer of every command until its client has heard it.
TEST(Safeguards, ARetriedCommandIsAppliedOnceAndGetsTheAnswerOfTheFirstTime) {
  for (const auto seed : seeds(2)) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::optional<answer> heard;  // outlives the cluster, which ends what is open
    virtual_cluster cluster{seed, three_nodes};
    cluster.start_all();
    ASSERT_TRUE(cluster.wait_until_ready(20s));
    ASSERT_EQ(cluster.call("n1", "PUT", "/work").status, 200);
    ASSERT_EQ(cluster.call("n1", "PUT", "/work/first", "", "1").status, 200);
    cluster.time().run_for(1s);  // its followers have applied it, too
    const auto partition = partition_in_use(cluster, "n1");
    ASSERT_NE(partition, 0u);
    const auto leader = cluster.leader_of(partition);
    ASSERT_NE(leader, "");
    const auto access = other_than(cluster, leader);
    ASSERT_EQ(cluster.call(access, "PUT", "/work/second", "", "2").status, 200);
    ASSERT_EQ(objects_of(cluster, leader, partition), 2u);

    cluster.send(access, "PUT", "/work/once", "", "3", [&](const answer& it) { heard = it; },
                 {{"If-None-Match", "*"}});
    // Shorter than any way over the network: the reply has left, and has not arrived.
    for (int step = 0; step < 50'000 && objects_of(cluster, leader, partition) < 3; ++step)
      cluster.time().run_for(20us);
    ASSERT_EQ(objects_of(cluster, leader, partition), 3u);
    ASSERT_FALSE(heard);
    const auto retries = cluster.counted(access, "dunlin_partition_router_retries_total");
    cluster.network().break_wires(leader, access);
    ASSERT_TRUE(cluster.time().run_until([&] { return heard.has_value(); }, 30s));
    EXPECT_GT(cluster.counted(access, "dunlin_partition_router_retries_total"), retries);

    EXPECT_EQ(heard->status, 200) << heard->body;
    EXPECT_EQ(cluster.call(access, "GET", "/work/once").body, "3");
    EXPECT_EQ(cluster.call(access, "PUT", "/work/once", "", "4", {{"If-None-Match", "*"}}).status,
              412);
    expect_no_violations(cluster);
  }
}

// Q2: a leader answers a read only when a quorum has heard from it since the read came.
TEST(Safeguards, ALeaderThatIsCutOffServesNoStaleReadWhileItBelievesThatItLeads) {
  for (const auto seed : seeds(2)) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    virtual_cluster cluster{seed, slow_elections};
    cluster.start_all();
    ASSERT_TRUE(cluster.wait_until_ready(40s));
    ASSERT_EQ(cluster.call("n1", "PUT", "/work").status, 200);
    ASSERT_EQ(cluster.call("n1", "PUT", "/work/a", "", "old").status, 200);
    cluster.time().run_for(1s);  // its followers have applied it, too
    const auto partition = partition_in_use(cluster, "n1");
    ASSERT_NE(partition, 0u);

    node_id old;
    for (int round = 0; round < 20; ++round) {
      old = leader_of_both(cluster, partition);
      ASSERT_NE(old, "");
      ASSERT_EQ(cluster.call(old, "GET", "/work/a").body, "old");  // it learns whom to ask: itself
      if (outlives_its_cut(cluster, old, partition)) break;
      cluster.network().heal_all();
      ASSERT_TRUE(cluster.wait_until_ready(40s));
    }
    const auto put = cluster.call(other_than(cluster, old), "PUT", "/work/a", "", "new");
    ASSERT_EQ(put.status, 200) << put.body;
    ASSERT_TRUE(leads_both(cluster, old, partition));
    const auto stale = cluster.call(old, "GET", "/work/a");
    EXPECT_TRUE(stale.status == 0 || stale.status >= 500) << stale.status << ' ' << stale.body;

    cluster.network().heal_all();
    ASSERT_TRUE(cluster.wait_until_ready(40s));
    EXPECT_EQ(cluster.call(old, "GET", "/work/a").body, "new");
    expect_no_violations(cluster);
  }
}
