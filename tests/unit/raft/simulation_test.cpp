#include "tests/unit/raft/simulation.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

namespace dunlin::raft {
namespace {

// Fixed seeds on each run; DUNLIN_SEED replays one, DUNLIN_SEEDS runs more.
void run_seeds(int nodes, std::uint64_t first, std::uint64_t count) {
  if (const auto* one = std::getenv("DUNLIN_SEED")) {
    first = std::strtoull(one, nullptr, 10);
    count = 1;
  } else if (const auto* more = std::getenv("DUNLIN_SEEDS")) {
    count = std::strtoull(more, nullptr, 10);
  }
  std::uint64_t reads = 0, writes = 0, elections = 0, installed = 0;
  for (auto seed = first; seed < first + count; ++seed) {
    simulation world{seed, nodes};
    const auto failure = world.run();
    ASSERT_EQ(failure, "") << nodes << " nodes, DUNLIN_SEED=" << seed;
    reads += world.reads_served;
    writes += world.acknowledged;
    elections += world.elections;
    installed += world.installed;
  }
  // The faults must leave room for what they are to disturb.
  EXPECT_GT(writes, 20 * count);
  EXPECT_GT(reads, 20 * count);
  EXPECT_GE(elections, static_cast<std::uint64_t>(nodes - 1) * count);
  if (nodes > 1) {
    EXPECT_GT(installed, count / 2);
  }
  std::cout << nodes << " nodes: " << writes << " writes, " << reads << " reads, " << elections
            << " vote requests, " << installed << " snapshots installed in " << count << " seeds\n";
}

TEST(RaftSimulation, ThreeReplicasStaySafeUnderFaultsAndRecover) { run_seeds(3, 1, 150); }

TEST(RaftSimulation, FiveReplicasStaySafeUnderFaultsAndRecover) { run_seeds(5, 10001, 80); }

TEST(RaftSimulation, ALoneReplicaKeepsWhatItAcknowledged) { run_seeds(1, 20001, 20); }

}  // namespace
}  // namespace dunlin::raft
