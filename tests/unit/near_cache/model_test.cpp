#include "tests/unit/near_cache/model.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

namespace dunlin {
namespace {

// Fixed seeds on each run; DUNLIN_SEED replays one, DUNLIN_SEEDS runs more.
struct seeds {
  std::uint64_t first = 1, count = 3000;
  seeds() {
    if (const auto* one = std::getenv("DUNLIN_SEED")) {
      first = std::strtoull(one, nullptr, 10);
      count = 1;
    } else if (const auto* more = std::getenv("DUNLIN_SEEDS")) {
      count = std::strtoull(more, nullptr, 10);
    }
  }
};

}  // namespace

TEST(NearCacheModel, NeverServesOlderThanItPromisesNorGoesBackWhateverComesInAnyOrder) {
  const seeds run;
  std::uint64_t lookups = 0, hits = 0, unchanged = 0, shared = 0, taken = 0, repeated = 0,
                hurried = 0, lies = 0, commits = 0, moves = 0, drops = 0;
  near_cache_figures sum;
  for (auto seed = run.first; seed < run.first + run.count; ++seed) {
    near_cache_model world{seed};
    const auto failure = world.run();
    ASSERT_EQ(failure, "") << "DUNLIN_SEED=" << seed;
    ASSERT_EQ(world.lookups, world.answered + world.refused) << "DUNLIN_SEED=" << seed;
    const auto figures = world.figures();
    lookups += world.lookups;
    hits += figures.hits;
    unchanged += figures.unchanged;
    shared += figures.shared;
    taken += figures.updates_taken;
    repeated += figures.repeated;
    hurried += figures.hurried;
    lies += world.lies;
    commits += world.commits;
    moves += world.moves;
    drops += world.drops;
    sum.listed += figures.listed;
    for (std::size_t i = 0; i < cache_deaths; ++i)
      sum.deaths[i] += figures.deaths[i];
    for (std::size_t i = 0; i < fill_refusals; ++i)
      sum.refused_fills[i] += figures.refused_fills[i];
  }
  std::cout << run.count << " seeds: " << lookups << " lookups, " << hits << " hits, " << unchanged
            << " confirmed, " << shared << " shared, " << taken << " values taken, " << repeated
            << " asked again, " << hurried << " hurried, " << commits << " commits, " << moves
            << " moves, " << drops << " drops, " << lies << " lies, " << sum.listed
            << " listed\ndeaths";
  for (const auto count : sum.deaths)
    std::cout << ' ' << count;
  std::cout << "; refused fills";
  for (const auto count : sum.refused_fills)
    std::cout << ' ' << count;
  std::cout << '\n';
  if (run.count < 1000) return;
  // The faults must leave room for what they are to disturb, and every race must have been run.
  EXPECT_GT(hits, lookups / 10);
  for (const auto count : {unchanged, shared, taken, repeated, hurried, lies, moves, drops})
    EXPECT_GT(count, run.count / 10);
  for (const auto count : sum.refused_fills)
    EXPECT_GT(count, run.count / 50);
  for (std::size_t i = 0; i < cache_deaths; ++i)
    if (i != static_cast<std::size_t>(cache_death::contradicted)) {
      EXPECT_GT(sum.deaths[i], run.count / 10) << i;
    }
  // Nobody was fooled: no honest leader ever contradicts what is held.
  EXPECT_EQ(sum.died(cache_death::contradicted), 0u);
}

}  // namespace dunlin
