#include "actors/balancer/selection.hpp"

#include "runtime/crypto/random.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace dunlin {
namespace {

using namespace std::chrono_literals;
using balance::pick;
using testing::AnyOf;
using testing::ElementsAre;

struct Selection : testing::Test {
  Selection() {
    use(pick::digest);
    choice.set_nodes({{"a", {"east"}}, {"b", {"east"}}, {"c", {"west"}}, {"d", {"west"}}});
  }
  void use(pick rule, bool rack_first = false) {
    settings.choose.by_attempt = {rule};
    settings.choose.rack_first = rack_first;
    choice.set_settings(settings);
  }
  static level_report says(node_id node, double level, selection::time age = 0ms,
                           bool willing = true) {
    return {std::move(node), 1, level, 1, age, willing, 100};
  }
  void hear_all(selection::time now, double a, double b, double c, double d) {
    choice.heard(now, {says("a", a), says("b", b), says("c", c), says("d", d)});
  }
  node_id picked(selection::time now, std::uint32_t attempt = 1, std::set<node_id> without = {},
                 bool last_resort = false) {
    const auto found =
        last_resort ? choice.pick_last(now, without, {}) : choice.pick(now, attempt, without);
    return found.value_or("nobody");
  }
  std::set<node_id> seen(selection::time now, int times = 200) {
    std::set<node_id> all;
    for (int i = 0; i < times; ++i)
      all.insert(picked(now));
    return all;
  }
  crypto::seeded_random random{7};
  balance::settings settings;
  selection choice{"west", random};
};

TEST_F(Selection, AsksTheLeastLoadedOfThoseThatAreWilling_B6_C6) {
  hear_all(0ms, 0.7, 0.3, 0.5, 0.6);
  EXPECT_EQ(picked(1s), "b");
  EXPECT_EQ(picked(1s, 1, {"b"}), "c");
  choice.heard(1s, {says("b", 0.3, 0ms, false)});
  EXPECT_EQ(picked(1s), "c");
}

TEST_F(Selection, AHeavyConnectionGoesWhereItWeighsLeast_B6) {
  auto small = says("a", 0.6);
  small.capacity = 0.5;
  auto large = says("b", 0.7);
  large.capacity = 2;
  choice.heard(0ms, {small, large, says("c", 0.9), says("d", 0.9)});
  EXPECT_EQ(choice.pick(1s, 1, {}), "a");
  EXPECT_EQ(choice.pick(1s, 1, {}, 0.01), "a");
  EXPECT_EQ(choice.pick(1s, 1, {}, 0.2), "b");  // 0.8 in place of 1.0
}

TEST_F(Selection, ABurstWithoutAnyNewsGoesToAll) {
  hear_all(0ms, 0.2, 0.5, 0.5, 0.5);
  for (const auto* node : {"a", "a", "b", "b", "b", "c", "c", "d"})
    for (int i = 0; i < 5; ++i) {
      choice.offered(node);
      choice.accepted(0ms, node, 0);
    }
  std::map<node_id, int> asked;
  for (int i = 0; i < 40; ++i) {
    const auto node = picked(1h);
    choice.offered(node);
    ++asked[node];
  }
  EXPECT_EQ(asked.size(), 4u);
  for (const auto& [node, times] : asked)
    EXPECT_LE(times, 20) << node;
}

TEST_F(Selection, WithoutAnyWordItAsksAtRandom) { EXPECT_EQ(seen(0ms).size(), 4u); }

TEST_F(Selection, NobodyIsLeftWhenAllAreExcluded) {
  EXPECT_EQ(picked(0ms, 1, {"a", "b", "c", "d"}), "nobody");
  choice.set_nodes({});
  EXPECT_EQ(picked(0ms), "nobody");
}

TEST_F(Selection, LevelsThatAreOldCountAsUnwilling_B8) {
  choice.heard(40s, {says("a", 0.1, 31s), says("b", 0.6), says("c", 0.7), says("d", 0.8)});
  EXPECT_EQ(picked(40s), "b");
  EXPECT_EQ(picked(40s, 1, {"b", "c", "d"}), "a");
}

TEST_F(Selection, AGroupThatNobodyHasHeardOfIsAskedOnceInThatTime_B8_R1) {
  choice.set_nodes(
      {{"a", {"", "left"}}, {"b", {"", "left"}}, {"c", {"", "right"}}, {"d", {"", "right"}}});
  hear_all(0ms, 0.5, 0.5, 0.1, 0.1);
  const auto ask = [&](selection::time now, std::set<node_id> without = {}) {
    choice.heard(now, {says("a", 0.5), says("b", 0.6)});
    return picked(now, 1, std::move(without));
  };
  EXPECT_THAT(ask(29s), AnyOf("c", "d"));
  const auto first = ask(31s);
  EXPECT_THAT(first, AnyOf("c", "d"));
  for (auto now = 32s; now < 61s; ++now)
    EXPECT_EQ(ask(now), "a");
  const auto second = ask(61s);
  EXPECT_THAT(second, AnyOf("c", "d"));
  EXPECT_NE(second, first);  // one may be dead
  EXPECT_EQ(ask(62s), "a");
  choice.heard(63s, {says("c", 0.2), says("d", 0.3)});
  EXPECT_EQ(ask(64s), "c");
}

TEST_F(Selection, WhoIsAloneInItsGroupIsAskedAgainThoughItHasRefused_B8_R1) {
  choice.set_nodes({{"a", {"", "left"}}, {"b", {"", "left"}}, {"c", {"", "right"}}});
  choice.offered("c");
  choice.heard(1s, {says("c", 0.1)});
  choice.refused(1s, "c", 1);
  choice.heard(32s, {says("a", 0.5), says("b", 0.6)});
  EXPECT_EQ(picked(32s), "c");
}

TEST_F(Selection, OneOfWhomItsPeersHaveNotHeardForLongIsAskedNowAndThen_B8) {
  hear_all(0ms, 0.5, 0.5, 0.5, 0.1);
  const auto ask = [&](selection::time now) {
    choice.heard(now, {says("a", 0.1), says("b", 0.5), says("c", 0.5)});
    return picked(now);
  };
  EXPECT_EQ(ask(31s), "a");  // digests of large fleets tell of some at a time
  EXPECT_EQ(ask(301s), "d");
  EXPECT_EQ(ask(302s), "a");
  EXPECT_EQ(ask(331s), "d");
}

TEST_F(Selection, WhoCannotBeReachedIsNotAskedThoughNobodyHasHeardOfIt) {
  hear_all(0ms, 0.5, 0.5, 0.5, 0.1);
  for (int i = 0; i < 8; ++i)
    choice.unreachable(30s, "d");
  choice.heard(31s, {says("a", 0.1), says("b", 0.5), says("c", 0.5)});
  EXPECT_EQ(picked(31s), "a");
}

TEST_F(Selection, KnowsWhoIsOfAnotherGroup_R1) {
  choice.set_nodes({{"a", {"", "left"}}, {"b", {"", "left"}}, {"c", {"", "right"}}});
  EXPECT_EQ(choice.outside_group_of("a"), std::set<node_id>{"c"});
  EXPECT_EQ(choice.outside_group_of("c"), (std::set<node_id>{"a", "b"}));
  EXPECT_TRUE(choice.outside_group_of("stranger").empty());
}

TEST_F(Selection, InALargeFleetTheBetterOfAFewIsAskedMoreOftenWhereThereIsRoom_B6_C6) {
  selection::nodes many;
  std::vector<level_report> digest;
  for (int i = 0; i < 40; ++i) {
    const auto name = "n" + std::to_string(10 + i);
    many[name] = {};
    digest.push_back(says(name, i < 10 ? 0.4 + i * 1e-4 : i < 30 ? 0.5 : 0.9));
  }
  choice.set_nodes(many);
  choice.heard(0ms, digest);
  std::map<node_id, int> times;
  for (int i = 0; i < 4000; ++i)
    ++times[picked(1s)];
  for (int i = 0; i < 40; ++i) {
    const auto found = times["n" + std::to_string(10 + i)];
    EXPECT_LT(found, 1000) << i;  // the lowest has not all of them
    EXPECT_GT(found, i < 10 ? 80 : -1) << i;
    EXPECT_LT(found, i < 30 ? 1000 : 1) << i;  // nobody beyond what would be taken
  }
}

TEST_F(Selection, OlderWordsDoNotReplaceNewerOnes_B8) {
  choice.heard(10s, {says("a", 0.9, 0ms), says("b", 0.5)});
  choice.heard(10s, {says("a", 0.1, 5s)});
  EXPECT_EQ(picked(10s, 1, {"c", "d"}), "b");
  // Another life of it.
  choice.heard(10s, {{"a", 2, 0.1, 1, 5s, true, 0}}, "a");
  EXPECT_EQ(picked(10s, 1, {"c", "d"}), "a");
  choice.heard(11s, {says("a", 0.9)});
  EXPECT_EQ(picked(11s, 1, {"c", "d"}), "a");
}

TEST_F(Selection, WhatOthersSayOfANodesNextLifeDoesNotSilenceIt_B8) {
  hear_all(0ms, 0.1, 0.5, 0.6, 0.7);
  choice.heard(1s, {{"a", ~0ull, 1.9, 1, 0ms, false, 0}}, "b");
  EXPECT_EQ(picked(1s), "b");
  choice.heard(2s, {says("a", 0.1)}, "c");
  EXPECT_EQ(picked(2s), "a");
  // Nor does it silence itself, should it have begun anew with a lesser number.
  choice.heard(3s, {{"a", 9, 0.9, 1, 0ms, true, 0}}, "a");
  EXPECT_EQ(picked(3s), "b");
  choice.heard(4s, {says("a", 0.1)}, "a");
  EXPECT_EQ(picked(4s), "a");
}

// R: a peer that lies.
TEST_F(Selection, AbsurdLevelsAreClampedAndNeverWilling) {
  const auto nan = std::numeric_limits<double>::quiet_NaN();
  const auto huge = std::numeric_limits<double>::infinity();
  choice.heard(0ms,
               {says("a", nan), says("b", -1), {"c", 1, 0.1, huge, 0ms, true, 1}, says("d", 0.9)});
  EXPECT_EQ(picked(0ms), "d");
  choice.heard(1s, {says("a", 1e9), says("stranger", 0)});
  for (const auto& each : choice.all(1s)) {
    EXPECT_LE(each.level, 2);
    EXPECT_NE(each.node, "stranger");
  }
  EXPECT_EQ(picked(1s, 1, {"b", "c", "d"}), "a");
}

TEST_F(Selection, ARefusalOverrulesALowLevelUntilTheNextWord_B8) {
  hear_all(0ms, 0.1, 0.5, 0.6, 0.7);
  choice.offered("a");
  choice.heard(1s, {says("a", 0.1)});
  choice.refused(1s, "a", 1);
  EXPECT_EQ(picked(1s), "b");
  EXPECT_EQ(picked(10s), "b");
  choice.heard(10s, {says("a", 0.1)});
  EXPECT_EQ(picked(10s), "a");
}

TEST_F(Selection, OneWhoLiesAboutAPeerCannotLiftItsRefusalAtOnce) {
  hear_all(0ms, 0.1, 0.5, 0.6, 0.7);
  choice.offered("a");
  choice.refused(1s, "a", 1);
  choice.heard(1001ms, {says("a", 0)});
  EXPECT_EQ(picked(1001ms), "b");
}

TEST_F(Selection, CountsWhatItHasSentThereSince) {
  hear_all(0ms, 0.500, 0.509, 2, 2);
  EXPECT_EQ(picked(0ms), "a");
  choice.offered("a");
  choice.accepted(1ms, "a", 0.05);
  EXPECT_EQ(picked(1ms), "b");
  choice.heard(2ms, {says("a", 0.505)});
  EXPECT_EQ(picked(2ms), "a");
}

TEST_F(Selection, ManyOffersAtOnceDoNotHerd) {
  hear_all(0ms, 0.50, 0.51, 0.52, 0.53);
  std::map<node_id, int> asked;
  for (int i = 0; i < 100; ++i) {
    const auto node = picked(0ms);
    choice.offered(node);
    ++asked[node];
  }
  for (const auto& [node, times] : asked)
    EXPECT_GT(times, 15) << node;
}

TEST_F(Selection, TheLastResortIsTheLowestWhetherWillingOrNot) {
  hear_all(0ms, 0.9, 1.2, 1.1, 1.3);
  choice.offered("a");
  choice.heard(1s, {says("a", 0.9, 0ms, false)});
  choice.refused(1s, "a", 2);
  EXPECT_EQ(picked(1s, 3, {}, true), "a");
  EXPECT_EQ(picked(1s, 3, {"a"}, true), "c");
}

TEST_F(Selection, TheLastResortIsJudgedByWhatItRefusedToo_B8) {
  hear_all(0ms, 0, 0.5, 0.6, 0.7);
  EXPECT_EQ(choice.pick_last(0ms, {}, {}), "a");
  EXPECT_EQ(choice.pick_last(0ms, {}, {{"a", 0.55}}), "b");
  EXPECT_EQ(choice.pick_last(0ms, {"b"}, {{"a", 0.55}, {"c", 0.1}}), "a");
  EXPECT_EQ(choice.pick_last(0ms, {"a", "b", "c", "d"}, {}), std::nullopt);
  choice.offered("a");
  choice.refused(0ms, "a", 3, true);
  EXPECT_EQ(choice.pick_last(1s, {"b", "c"}, {}), "d");
}

TEST_F(Selection, TheSameRackComesFirstWhereItTakesAny_B6_C5) {
  use(pick::digest, true);
  hear_all(0ms, 0.1, 0.2, 0.6, 0.5);
  EXPECT_EQ(picked(0ms), "d");
  choice.heard(1s, {says("c", 0.9, 0ms, false), says("d", 0.9, 0ms, false)});
  EXPECT_EQ(picked(1s), "a");
  use(pick::random, true);
  EXPECT_THAT(seen(1s), ElementsAre("c", "d"));
  EXPECT_THAT(picked(1s, 1, {"c", "d"}), AnyOf("a", "b"));
}

TEST_F(Selection, RoundRobinTakesTurns_B6_C5) {
  use(pick::round_robin);
  std::string order;
  for (int i = 0; i < 8; ++i)
    order += picked(0ms);
  EXPECT_EQ(order, "abcdabcd");
  EXPECT_EQ(picked(0ms, 1, {"a"}), "b");
}

TEST_F(Selection, TheCycleGoesFromRackToRackAndBeginsAtHome_B6_C5) {
  use(pick::cycle);
  std::string order;
  for (int i = 0; i < 8; ++i)
    order += picked(0ms);
  EXPECT_EQ(order, "cadbcadb");
  EXPECT_EQ(picked(0ms, 2, {"c", "a"}), "d");
}

TEST_F(Selection, SuccessPrefersThoseThatUsuallyTakeClients_B6_C6) {
  use(pick::success);
  for (const auto* node : {"a", "b", "c", "d"})
    for (int i = 0; i < 5; ++i) {
      choice.offered(node);
      if (node == std::string("c"))
        choice.accepted(0ms, node, 0);
      else
        choice.refused(0ms, node, 1);
    }
  EXPECT_THAT(seen(0ms), ElementsAre("c"));
  // Times change.
  for (int i = 0; i < 40; ++i) {
    choice.offered("c");
    choice.refused(1s, "c", 1);
    choice.offered("a");
    choice.accepted(1s, "a", 0);
  }
  EXPECT_THAT(seen(1s), ElementsAre("a"));
}

TEST_F(Selection, TheRuleMayChangeWithTheAttempt_B6_C6) {
  settings.choose.by_attempt = {pick::round_robin, pick::digest};
  choice.set_settings(settings);
  hear_all(0ms, 0.7, 0.6, 0.5, 0.1);
  EXPECT_EQ(picked(0ms, 1), "a");
  EXPECT_EQ(picked(0ms, 2, {"a"}), "d");
  EXPECT_EQ(picked(0ms, 9, {"a"}), "d");
  EXPECT_EQ(picked(0ms, 1), "b");
}

TEST_F(Selection, TheUnreachableRestLongerEachTimeAndAreFoundAgain_B13) {
  hear_all(0ms, 0.1, 0.5, 0.6, 0.7);
  selection::time last{0};
  for (int i = 0; i < 4; ++i) {
    choice.unreachable(0ms, "a");
    auto now = 0ms;
    while (picked(now) != "a" && now < 60s)
      now += 10ms;
    EXPECT_GE(now, 200ms * (1 << i));
    EXPECT_LE(now, 250ms * (1 << i) + 10ms);
    EXPECT_GT(now, last);
    last = now;
  }
  choice.unreachable(0ms, "a");
  EXPECT_NE(picked(1'100ms), "a");
  // Others have heard of it since: at most a second.
  hear_all(1'000ms, 0.1, 0.5, 0.6, 0.7);
  EXPECT_EQ(picked(1'100ms), "a");
}

TEST_F(Selection, NoRestIsLongerThanTenSecondsAndAQuarter) {
  for (int i = 0; i < 50; ++i)
    choice.unreachable(0ms, "a");
  EXPECT_NE(picked(9s), "a");
  choice.heard(1ms, {});
  EXPECT_EQ(seen(12'501ms).count("a"), 1u);
}

TEST_F(Selection, WhereAllRestTheyAreAskedAllTheSame) {
  for (const auto* node : {"a", "b", "c", "d"})
    choice.unreachable(0ms, node);
  EXPECT_NE(picked(1ms), "nobody");
}

TEST_F(Selection, ANewAccessNodeIsUsedAtOnce_B13) {
  hear_all(0ms, 0.7, 0.7, 0.7, 0.7);
  choice.set_nodes(
      {{"a", {"east"}}, {"b", {"east"}}, {"c", {"west"}}, {"d", {"west"}}, {"e", {"new"}}});
  EXPECT_EQ(picked(0ms), "e");
  use(pick::cycle);
  EXPECT_EQ(seen(0ms).size(), 5u);
  // And one that is taken away no more.
  choice.set_nodes({{"a", {"east"}}, {"b", {"east"}}});
  EXPECT_THAT(seen(0ms), ElementsAre("a", "b"));
  use(pick::digest);
  EXPECT_THAT(picked(0ms), AnyOf("a", "b"));
}

TEST_F(Selection, AnAnswerOfANodeThatIsGoneIsForgotten) {
  choice.offered("a");
  choice.set_nodes({{"b", {"east"}}});
  choice.accepted(0ms, "a", 0);
  choice.refused(0ms, "a", 1);
  choice.dropped("a");
  choice.unreachable(0ms, "a");
  EXPECT_EQ(picked(0ms), "b");
}

}  // namespace
}  // namespace dunlin
