#include "actors/coherence/staleness_figures.hpp"

#include <gtest/gtest.h>

using namespace dunlin;
using namespace std::chrono_literals;
using time_type = staleness_figures::time;

TEST(StalenessFigures, X2PercentilesAreWithinAQuarterAndNeverTooLow) {
  for (const std::int64_t value :
       {0, 1, 3, 4, 5, 7, 8, 9, 100, 999, 1000, 4096, 123'456, 99'999'999}) {
    staleness_figures figures;
    figures.note(0us, time_type{value});
    figures.note(0us, 1'000'000'000us);  // so that the greatest does not stand in for it
    const auto said = figures.percentile(50).count();
    EXPECT_GE(said, value);
    EXPECT_LE(said, value + value / 4);
  }
}

TEST(StalenessFigures, X2KnowsTheGreatestExactly) {
  staleness_figures figures;
  for (int i = 1; i <= 1000; ++i)
    figures.note(time_type{i / 2}, time_type{i});
  EXPECT_EQ(figures.max, 1000us);
  EXPECT_EQ(figures.surely_max, 500us);
  EXPECT_EQ(figures.percentile(100), 1000us);
  EXPECT_GE(figures.percentile(99), 990us);
  EXPECT_GE(figures.percentile(50), 500us);
  EXPECT_LE(figures.percentile(50), 640us);
}

TEST(StalenessFigures, X2OfNothingIsNothing) {
  EXPECT_EQ(staleness_figures{}.percentile(99), 0us);
  staleness_figures figures;
  figures.note(0us, time_type::max());
  EXPECT_EQ(figures.percentile(99), time_type::max());
}
