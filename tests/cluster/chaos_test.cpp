// Workloads under faults of one kind (U4, Q1, K2, K4); trial_test.cpp has all of them. Safety is
// checked at every step; once the faults have stopped, progress and the state that all nodes agree
// on. A failure prints its seed; docs/testing.md says how to replay it.

#include "apps/testkit/chaos.hpp"
#include "apps/testkit/object_workload.hpp"
#include "apps/testkit/quiet_checks.hpp"
#include "apps/testkit/race_workload.hpp"
#include "apps/testkit/register_workload.hpp"
#include "tests/cluster/topologies.hpp"

#include <fmt/format.h>

#include <gtest/gtest.h>

#include <cstdlib>

using namespace dunlin;
using namespace dunlin::testkit;
using namespace std::chrono_literals;

namespace {

const std::vector<fault> power = {fault::crash, fault::silent_crash, fault::crash_at_call,
                                  fault::crash_leader};
const std::vector<fault> network = {fault::isolate_leader, fault::cut_one_way, fault::cut_both,
                                    fault::break_wires,    fault::slow_node,   fault::loss};
struct scenario {
  chaos_options faults;
  std::chrono::seconds span{20};
};

void tell(const virtual_cluster& cluster, const object_workload& objects,
          const race_workload& races) {
  const auto& counts = objects.counted();
  fmt::print(
      "seed {}: slowest answer {} ms; writes {} acknowledged, {} unknown; reads {} answered, "
      "{} failed; {} races decided\n",
      cluster.seed(), cluster.longest_answer().took.count(), counts.acknowledged, counts.unknown,
      counts.reads, counts.reads_failed, races.decided());
}

void run(std::uint64_t seed, const scenario& what) {
  virtual_cluster cluster{seed, three_nodes};
  cluster.start_all();
  EXPECT_TRUE(cluster.wait_until_ready(15s));
  EXPECT_EQ(cluster.call("n1", "PUT", "/work").status, 200);
  object_workload objects{cluster, {.clients = 6, .operations = 400, .pause = 200ms}};
  race_workload races{cluster, {.rounds = 40, .pause = 300ms}};
  register_workload registers{cluster};
  chaos faults{cluster, what.faults};
  objects.begin();
  races.begin();
  registers.begin();
  faults.begin();
  cluster.time().run_for(what.span);
  faults.end();
  SCOPED_TRACE(joined(faults.story()));

  // Everybody's promises once the faults have stopped.
  EXPECT_TRUE(cluster.wait_until_ready(15s));
  EXPECT_TRUE(cluster.time().run_until(
      [&] { return objects.finished() && races.finished() && registers.finished(); }, 120s));
  cluster.time().run_for(3s);
  objects.check_all();
  races.check_all();
  EXPECT_TRUE(objects.mistakes().empty()) << joined(objects.mistakes());
  EXPECT_TRUE(races.mistakes().empty()) << joined(races.mistakes());
  const auto histories = registers.check_all();
  EXPECT_TRUE(histories.empty()) << joined(histories);
  EXPECT_LE(cluster.longest_answer().took, 30s);
  EXPECT_LE(cluster.longest_silence().took, 30s);
  EXPECT_EQ(cluster.open_requests(), 0u);
  const auto states = check_states(cluster, 10s);
  EXPECT_TRUE(states.empty()) << joined(states);
  const auto pages = check_pages(cluster, 2);
  EXPECT_TRUE(pages.empty()) << joined(pages);
  const auto violations = cluster.violations();
  EXPECT_TRUE(violations.empty()) << joined(violations);
  EXPECT_TRUE(cluster.error_lines().empty()) << joined(cluster.error_lines());
  if (std::getenv("DUNLIN_VERBOSE")) tell(cluster, objects, races);
}

void run_all(std::uint64_t count, const scenario& what) {
  for (const auto seed : seeds(count)) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    run(seed, what);
  }
}

}  // namespace

TEST(Chaos, PowerFailuresOfAnyKindLoseNothingAcknowledged) { run_all(4, {{power}}); }

TEST(Chaos, CutsLossAndSlownessLoseNothingAcknowledged) { run_all(4, {{network}}); }

TEST(Chaos, RestartsDuringElectionsLoseNothingAcknowledged) {
  run_all(4,
          {{{fault::crash, fault::crash_leader, fault::cut_one_way}, 20ms, 900ms, 50ms, 1500ms}});
}

TEST(Chaos, LeadersThatAreCutOffServeNothingStale) {
  run_all(4, {{{fault::isolate_leader}, 1500ms, 3000ms, 1500ms, 4000ms}});
}

TEST(Chaos, DamageAndAFullDiskOnOneNodeAreMended) {
  run_all(4, {{{fault::flip_bits, fault::full_disk, fault::crash}}});
}
