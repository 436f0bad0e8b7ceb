#include "messages/run_set.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

namespace dunlin {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(RunSet, MeltsNeighboursAndOverlaps) {
  run_set set;
  EXPECT_TRUE(set.add({5, 6}));
  EXPECT_TRUE(set.add({1, 2}));
  EXPECT_TRUE(set.add({9, 9}));
  EXPECT_TRUE(set.add({3, 4}));
  EXPECT_THAT(set.runs(), ElementsAre(ordinal_run{1, 6}, ordinal_run{9, 9}));
  EXPECT_FALSE(set.add({2, 5}));
  EXPECT_TRUE(set.add({4, 20}));
  EXPECT_THAT(set.runs(), ElementsAre(ordinal_run{1, 20}));
}

TEST(RunSet, TakesNothingThatIsNoRun) {
  run_set set;
  EXPECT_FALSE(set.add({0, 4}));
  EXPECT_FALSE(set.add({4, 3}));
  EXPECT_FALSE(set.add({1, ordinal_limit + 1}));
  EXPECT_FALSE(set.add({std::uint64_t{0} - 1, std::uint64_t{0} - 1}));
  EXPECT_THAT(set.runs(), IsEmpty());
}

TEST(RunSet, WellFormedRunsAscendWithGapsBetween) {
  EXPECT_TRUE(well_formed({}));
  EXPECT_TRUE(well_formed({{1, 2}, {4, 4}}));
  EXPECT_FALSE(well_formed({{1, 2}, {3, 4}}));
  EXPECT_FALSE(well_formed({{4, 4}, {1, 2}}));
  EXPECT_FALSE(well_formed({{0, 2}}));
  EXPECT_FALSE(well_formed({{3, 2}}));
  EXPECT_FALSE(well_formed({{1, std::uint64_t{0} - 1}}));
}

TEST(RunProgress, RaisesThroughWhenTheHoleCloses) {
  run_progress progress{10};
  EXPECT_FALSE(progress.add({3, 10}));
  EXPECT_TRUE(progress.add({13, 14}));
  EXPECT_EQ(progress.through(), 10u);
  EXPECT_EQ(progress.highest(), 14u);
  EXPECT_FALSE(progress.contains({10, 13}));
  EXPECT_TRUE(progress.add({9, 12}));
  EXPECT_EQ(progress.through(), 14u);
  EXPECT_THAT(progress.beyond(), IsEmpty());
  EXPECT_TRUE(progress.contains({1, 14}));
}

TEST(RunProgress, ForgetsTheHighestRunBeyondItsBound) {
  run_progress progress{0, 2};
  progress.add({3, 3});
  progress.add({5, 5});
  progress.add({7, 7});
  EXPECT_THAT(progress.beyond(), ElementsAre(ordinal_run{3, 3}, ordinal_run{5, 5}));
  progress.raise(2);
  EXPECT_EQ(progress.through(), 3u);
}

TEST(RunProgress, AgreesWithASetOfNumbers) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    std::mt19937_64 random{seed};
    run_progress progress{0, 1000};
    std::set<std::uint64_t> model;
    for (int step = 0; step < 60; ++step) {
      const auto first = 1 + random() % 80, last = first + random() % 6;
      bool fresh = false;
      for (auto number = first; number <= last; ++number)
        fresh |= model.insert(number).second;
      ASSERT_EQ(progress.add({first, last}), fresh) << "seed " << seed;
      if (random() % 10 == 0) {
        const auto through = random() % 40;
        progress.raise(through);
        for (std::uint64_t number = 1; number <= through; ++number)
          model.insert(number);
      }
      std::uint64_t through = 0;
      while (model.contains(through + 1))
        ++through;
      ASSERT_EQ(progress.through(), through) << "seed " << seed;
      ASSERT_TRUE(well_formed(progress.beyond()));
      ASSERT_EQ(numbers_in(progress.beyond()) + through, model.size()) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace dunlin
