#include "runtime/balance/acceptance.hpp"

#include <gtest/gtest.h>

using namespace dunlin::balance;
using kind = condition::kind;

namespace {

uses levels(double cpu, double net = 0, double mem = 0) {
  return {{resource::cpu, cpu, 1}, {resource::net, net, 1}, {resource::mem, mem, 1}};
}

offer at(std::uint32_t attempt, uses loads, double fleet = 0.5) {
  offer made;
  made.attempt = attempt;
  made.loads = std::move(loads);
  made.fleet_level = fleet;
  return made;
}

condition below(resource of) { return {kind::below, of, {}, {}}; }

}  // namespace

TEST(Acceptance, L4TheLiteralTableOfOneResource) {
  const auto by = patent_settings().accept;
  const double thresholds[] = {0.50, 0.55, 0.60, 0.75, 0.85};
  for (std::uint32_t attempt = 1; attempt <= 5; ++attempt) {
    const auto limit = thresholds[attempt - 1];
    EXPECT_TRUE(decide(by, at(attempt, levels(limit))).accepted) << attempt;
    EXPECT_FALSE(decide(by, at(attempt, levels(limit + 1e-9))).accepted) << attempt;
    // Literal: the fleet's level does not matter.
    EXPECT_FALSE(decide(by, at(attempt, levels(limit + 1e-9), 2)).accepted) << attempt;
  }
}

TEST(Acceptance, L5EachRowLooksAtItsOwnResources) {
  const auto by = patent_settings().accept;
  EXPECT_FALSE(decide(by, at(2, levels(0.1, 0.1, 0.9))).accepted);  // cpu, net, mem
  EXPECT_TRUE(decide(by, at(4, levels(0.1, 0.1, 0.9))).accepted);   // cpu and net
  EXPECT_FALSE(decide(by, at(4, levels(0.1, 0.9, 0.1))).accepted);
  EXPECT_TRUE(decide(by, at(5, levels(0.1, 0.9, 0.9))).accepted);  // cpu only
  EXPECT_FALSE(decide(by, at(5, levels(0.9, 0.1, 0.1))).accepted);
}

TEST(Acceptance, B3L6AnyBooleanFormDecides) {
  acceptance by;
  by.against = scale::literal;
  by.steps = {{0.5, {kind::any, {}, {}, {below(resource::cpu), below(resource::net)}}}};
  EXPECT_TRUE(decide(by, at(1, levels(0.9, 0.1))).accepted);  // cpu below OR net below
  EXPECT_FALSE(decide(by, at(1, levels(0.9, 0.9))).accepted);
  const condition mixed{kind::all,
                        {},
                        {},
                        {{kind::any, {}, {}, {below(resource::cpu), below(resource::net)}},
                         {kind::below, resource::mem, 0.2, {}}}};
  by.steps = {{0.5, mixed}};
  EXPECT_TRUE(decide(by, at(1, levels(0.9, 0.1, 0.2))).accepted);
  EXPECT_FALSE(decide(by, at(1, levels(0.1, 0.1, 0.3))).accepted);
}

TEST(Acceptance, B3ByDefaultTheScarcestResourceDecides) {
  const acceptance by;
  EXPECT_TRUE(decide(by, at(1, levels(0.5, 0.5, 0.5))).accepted);
  EXPECT_FALSE(decide(by, at(1, levels(0.1, 0.1, 0.54))).accepted);
  EXPECT_TRUE(decide(by, at(1, {})).accepted);  // nothing is measured: nothing refuses
}

TEST(Acceptance, B2ThresholdsAreRelativeToTheFleetWithFloorAndCeiling) {
  const acceptance by;
  EXPECT_DOUBLE_EQ(decide(by, at(1, levels(0), 0.5)).limit, 0.53);
  EXPECT_DOUBLE_EQ(decide(by, at(2, levels(0), 0.5)).limit, 0.56);
  EXPECT_DOUBLE_EQ(decide(by, at(1, levels(0), 0.0)).limit, 0.3 * 1.06);  // an idle fleet
  EXPECT_DOUBLE_EQ(decide(by, at(2, levels(0), 0.95)).limit, 0.97);       // a busy one
}

TEST(Acceptance, B4TheLastRowHoldsForAllAttemptsAboveIt) {
  const acceptance by;
  EXPECT_EQ(decide(by, at(3, levels(0))).limit, decide(by, at(2, levels(0))).limit);
  EXPECT_EQ(decide(by, at(64, levels(0))).limit, decide(by, at(2, levels(0))).limit);
}

TEST(Acceptance, B4L7TighteningAndEqualRowsWork) {
  acceptance by;
  by.against = scale::literal;
  by.steps = {{0.85, {}}, {0.6, {}}, {0.6, {}}, {0.5, {}}};
  EXPECT_TRUE(decide(by, at(1, levels(0.8))).accepted);
  EXPECT_FALSE(decide(by, at(2, levels(0.8))).accepted);
  EXPECT_TRUE(decide(by, at(3, levels(0.6))).accepted);
  EXPECT_FALSE(decide(by, at(4, levels(0.6))).accepted);
}

TEST(Acceptance, L7AbsurdAttemptsAreClampedAndTold) {
  const acceptance by;
  EXPECT_FALSE(decide(by, at(64, levels(0))).absurd);
  EXPECT_TRUE(decide(by, at(65, levels(0))).absurd);
  EXPECT_TRUE(decide(by, at(4'000'000'000u, levels(0))).absurd);
  EXPECT_TRUE(decide(by, at(4'000'000'000u, levels(0.1))).accepted);
  // C2: counting from 0 is a variant.
  EXPECT_FALSE(decide(by, at(0, levels(0))).absurd);
  EXPECT_EQ(decide(by, at(0, levels(0))).limit, decide(by, at(1, levels(0))).limit);
}

TEST(Acceptance, L8TheLastResortTakesUpToTheCap) {
  acceptance by;
  auto last = at(3, levels(1.2));
  last.last_resort = true;
  EXPECT_TRUE(decide(by, last).accepted);
  last.loads = levels(1.3);
  EXPECT_EQ(decide(by, last).why, refusal::over_cap);
  by.last_resort = false;  // strict: the flag means nothing
  last.loads = levels(0.6);
  EXPECT_EQ(decide(by, last).why, refusal::over_threshold);
}

TEST(Acceptance, B10CoolingYieldsToTheLastResortOnly) {
  const acceptance by;
  auto what = at(1, levels(0));
  what.cooling = true;
  EXPECT_EQ(decide(by, what).why, refusal::cooling);
  what.last_resort = true;
  EXPECT_TRUE(decide(by, what).accepted);
}

TEST(Acceptance, DrainingAndFullRefuseWhateverTheLoad) {
  const acceptance by;
  auto what = at(1, levels(0));
  what.last_resort = true;
  what.full = true;
  EXPECT_EQ(decide(by, what).why, refusal::full);
  what.draining = true;
  EXPECT_EQ(decide(by, what).why, refusal::draining);
}

TEST(Acceptance, ShowsWhatEachAttemptMayMeet) {
  acceptance by;
  const auto limits = limits_of(by, 0.5);
  ASSERT_EQ(limits.size(), 3u);
  EXPECT_DOUBLE_EQ(limits[0], 0.53);
  EXPECT_DOUBLE_EQ(limits[2], 1.25);
  by.last_resort = false;
  EXPECT_EQ(limits_of(by, 0.5).size(), 2u);
}
