// Changes in great number while one in ten cache updates and acknowledgements is lost (Q9, Q11,
// Q13, Q14). DUNLIN_WRITES=1000000 runs as many; DUNLIN_SEED=N another seed.
#include "tests/cluster/flood_world.hpp"
#include "tests/cluster/topologies.hpp"

#include <gtest/gtest.h>

#include <ctime>
#include <iostream>

using namespace dunlin;
using namespace dunlin::testkit;
using namespace std::chrono_literals;

TEST(Flood, AtTenPercentLossNoCopyIsOlderThanASecond) {
  const char* wish = std::getenv("DUNLIN_WRITES");
  flood_plan plan;
  if (wish) plan.writes = std::strtoull(wish, nullptr, 10);
  for (const auto seed : seeds(1)) {
    flood_world world{seed, plan};
    world.flood();
    EXPECT_EQ(world.count_old(), 0u) << "DUNLIN_SEED=" << seed;
    const auto& watch = world.watch();
    EXPECT_TRUE(watch.mistakes().empty())
        << watch.mistakes().size() << " mistakes, the first: " << joined({watch.mistakes().front()})
        << "\nDUNLIN_SEED=" << seed;
    EXPECT_LE(watch.oldest(), 1s);
    // Bounded because changes come, not because everything is asked for.
    EXPECT_GT(watch.hits(), watch.answers() * 8 / 10);
    std::cout << world.written() << " writes, " << world.lost() << " messages lost; "
              << watch.answers() << " answers, " << watch.hits() << " of them held, the oldest "
              << watch.oldest().count() << " ms; " << world.figure("confirmations_total")
              << " confirmations, " << world.figure("updates_taken_total") << " values taken, "
              << world.figure("updates_late_total") << " came too late; CPU "
              << std::clock() / CLOCKS_PER_SEC << " s\n";
  }
}
