#include "runtime/balance/settings.hpp"

#include <gtest/gtest.h>

using namespace dunlin::balance;

TEST(BalanceSettings, B13WhatIsBuiltInIsWithoutMistakes) {
  EXPECT_TRUE(mistakes_of(settings{}).empty());
  EXPECT_TRUE(mistakes_of(patent_settings()).empty());
  EXPECT_EQ(mode_of(settings{}), "relative");
  EXPECT_EQ(mode_of(patent_settings()), "patent");
}

TEST(BalanceSettings, B13EachMistakeIsTold) {
  settings odd;
  odd.accept.steps.clear();
  odd.load.latest_weight = 2;
  odd.rebalance.trigger = 0.5;
  odd.choose.by_attempt.clear();
  odd.accept.against = scale::literal;  // and rebalance.when is missing
  EXPECT_EQ(mistakes_of(odd).size(), 5u);
}

TEST(BalanceSettings, B13NotANumberIsAMistake) {
  settings odd;
  odd.accept.ceiling = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(mistakes_of(odd).size(), 1u);
}

TEST(BalanceSettings, B3ResourcesHaveNames) {
  for (const auto one : all_resources)
    EXPECT_EQ(resource_named(to_string(one)), one);
  EXPECT_FALSE(resource_named("cpus"));
}
