// The queue's core and the subscriber's core against each other: leaders, queues and subscribers on
// virtual time, with crashes, cuts, losses (Q7 to Q10, Q12 to Q14, Q25, Q26). DUNLIN_SEED=4711
// replays one seed, DUNLIN_SEEDS=1000 runs so many.
#include "tests/unit/cache_update/grid_world.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

namespace dunlin::grid {
namespace {

using namespace std::chrono_literals;

plan drawn(std::uint64_t seed) {
  std::mt19937_64 random{seed ^ 0x9e3779b97f4a7c15};
  static const std::vector<std::vector<std::string>> sets{
      {"bucket"}, {"bucket", "object"}, {"bucket", "object", "user"}, {"object"}, {"user"}};
  plan out;
  out.partitions = 1 + random() % 4;
  out.queues = 1 + random() % 4;
  for (auto left = 2 + random() % 4; left > 0; --left)
    out.subscribers.push_back(sets[random() % sets.size()]);
  out.commit_pause = ms{static_cast<std::int64_t>(3 + random() % 40)};
  if (random() % 3 == 0) {  // tight: rings and spools that do not reach back
    out.queue_limits.ring_bytes_max = 4000;
    out.queue_limits.ring_batches_max = 30;
    out.queue_limits.spool_bytes_max = 30000;
    out.queue_limits.batch_bytes_max = 8000;
    out.queue_limits.in_flight_max = 4;
  }
  if (random() % 3 == 0) {  // messages that die soon
    out.queue_limits.time_to_live = 2000ms;
    out.queue_limits.silence_max = 3000ms;
  }
  if (random() % 4 == 0) out.subscriber_limits.runs_max = 3;
  return out;
}

struct sums {
  std::uint64_t commits = 0, applied = 0, proofs = 0, drops = 0, replays = 0, missed = 0;
  std::map<std::string, std::uint64_t> faults;
};

std::string run_seed(std::uint64_t seed, sums& sum) {
  grid_world world{seed, drawn(seed)};
  world.rage(30s);
  world.calm();
  world.run(8s);  // the longest back-off, and what is left to be dropped
  world.stop_commits();
  world.run(1500ms);
  for (const auto& leader : world.leaders)
    for (const auto& [type, all] : leader->history())
      sum.commits += all.size();
  for (const auto& one : world.subscribers) {
    sum.applied += one->applied;
    sum.proofs += one->proofs;
    sum.drops += one->core().count().drops;
    sum.replays += one->core().count().replays;
    sum.missed += one->core().count().missed;
  }
  for (const auto& [what, count] : world.faults)
    sum.faults[what] += count;
  return world.judge(600ms);
}

TEST(Grid, EveryChangeIsHeardOrDroppedAndNoProofIsEverWrongUnderFaults) {
  std::uint64_t first = 1, count = 25;
  if (const auto* one = std::getenv("DUNLIN_SEED")) {
    first = std::strtoull(one, nullptr, 10);
    count = 1;
  } else if (const auto* more = std::getenv("DUNLIN_SEEDS")) {
    count = std::strtoull(more, nullptr, 10);
  }
  sums sum;
  for (auto seed = first; seed < first + count; ++seed)
    ASSERT_EQ(run_seed(seed, sum), "") << "DUNLIN_SEED=" << seed;
  if (count > 1) {  // seeds differ in size
    EXPECT_GT(sum.proofs, 1000 * count);
    EXPECT_GT(sum.applied, 1000 * count);
  }
  std::cout << count << " seeds: " << sum.commits << " commits, " << sum.applied << " applied, "
            << sum.proofs << " proofs, " << sum.drops << " drops, " << sum.replays << " replays, "
            << sum.missed << " missed\n";
  for (const auto& [what, times] : sum.faults)
    std::cout << "  " << what << ": " << times << "\n";
}

}  // namespace
}  // namespace dunlin::grid
