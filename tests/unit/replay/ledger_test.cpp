#include "apps/replay/ledger.hpp"

#include <gtest/gtest.h>

using namespace dunlin::replay;
using namespace std::chrono_literals;

TEST(Ledger, ALookUpIsStaleIfANewerWriteHadBeenAcknowledgedWhenItBegan) {
  ledger seen{1, 2};
  seen.acknowledged(1ms, 0, 10, false);
  seen.acknowledged(5ms, 0, 20, true);
  seen.looked_up(4ms, 6ms, 0, 1, 10, true, true);  // before
  seen.looked_up(5ms, 6ms, 0, 1, 10, true, true);  // at once
  seen.looked_up(12ms, 13ms, 0, 1, 10, true, true);
  seen.looked_up(12ms, 13ms, 0, 1, 20, false, true);
  seen.looked_up(12ms, 13ms, 0, 1, 25, true, true);  // newer than what anybody was told of
  const auto figures = seen.count();
  EXPECT_EQ(figures.lookups, 5u);
  EXPECT_EQ(figures.writes, 1u);
  EXPECT_EQ(figures.hits, 4u);
  EXPECT_EQ(figures.stale, 2u);
  EXPECT_EQ(figures.age_max, 7ms);
}

TEST(Ledger, AgeCountsFromTheFirstWriteThatOvertookWhatWasServed) {
  ledger seen{1, 1};
  seen.acknowledged(0ms, 0, 1, true);
  seen.acknowledged(10ms, 0, 2, true);
  seen.acknowledged(20ms, 0, 3, true);
  seen.looked_up(50ms, 50ms, 0, 0, 1, true, true);
  seen.looked_up(50ms, 50ms, 0, 0, 2, true, true);
  const auto figures = seen.count();
  EXPECT_EQ(figures.age_max, 40ms);
  EXPECT_EQ(figures.age_p50, 40ms);  // of 30 and 40: the upper
}

TEST(Ledger, WhatIsNotCountedIsKnownAllTheSame) {
  ledger seen{1, 1};
  seen.acknowledged(0ms, 0, 1, false);
  seen.acknowledged(1ms, 0, 2, false);
  seen.looked_up(2ms, 2ms, 0, 0, 1, true, false);
  EXPECT_EQ(seen.count().lookups, 0u);
  seen.looked_up(3ms, 3ms, 0, 0, 1, true, true);
  EXPECT_EQ(seen.count().stale, 1u);
  EXPECT_EQ(seen.count().writes, 0u);
  EXPECT_EQ(seen.newest(0), 2u);
}

TEST(Ledger, NothingIsNeitherStaleNorRight) {
  ledger seen{1, 1};
  seen.looked_up(3ms, 3ms, 0, 0, 0, false, true);
  EXPECT_EQ(seen.count().absent, 1u);
  EXPECT_EQ(seen.count().stale, 0u);
}

TEST(Ledger, ATickThatGoesBackAtANodeIsSeen) {
  ledger seen{2, 2};
  seen.looked_up(1ms, 2ms, 0, 0, 7, true, true);
  seen.looked_up(3ms, 4ms, 0, 1, 5, true, true);  // another node
  seen.looked_up(3ms, 4ms, 1, 0, 5, true, true);  // another item
  seen.looked_up(2ms, 9ms, 0, 0, 6, true, true);  // began before the first had ended
  EXPECT_EQ(seen.count().went_back, 0u);
  seen.looked_up(5ms, 6ms, 0, 0, 6, true, true);
  EXPECT_EQ(seen.count().went_back, 1u);
}

TEST(Ledger, AWriteIsDelayedUntilTheLastNodeHasHeardOfItOrOfANewerOne) {
  ledger seen{1, 2};
  seen.acknowledged(10ms, 0, 1, true);
  seen.acknowledged(11ms, 0, 2, true);
  seen.heard(9ms, 0, 0, 1);
  seen.heard(12ms, 0, 0, 2);
  seen.heard(31ms, 0, 1, 2);  // which tells of both
  seen.heard(40ms, 0, 1, 1);  // again, late
  const auto figures = seen.count();
  EXPECT_EQ(figures.unheard, 0u);
  EXPECT_EQ(figures.delay_max, 21ms);
  EXPECT_EQ(figures.delay_p50, 21ms);
}

TEST(Ledger, AWriteThatSomeNodeNeverHearsOfIsCountedApart) {
  ledger seen{1, 2};
  seen.acknowledged(10ms, 0, 1, true);
  seen.heard(9ms, 0, 0, 1);
  EXPECT_EQ(seen.count().unheard, 1u);
  seen.heard(9ms, 0, 1, 1);
  EXPECT_EQ(seen.count().unheard, 0u);
  EXPECT_EQ(seen.count().delay_p50, -1ms);
}
