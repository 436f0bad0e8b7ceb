#include "actors/admission/peer_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <set>

using namespace dunlin;
using namespace std::chrono_literals;

namespace {

struct PeerTable : testing::Test {
  PeerTable() { table.set_peers({"a", "b", "c"}); }
  bool hear(const char* node, double level, std::chrono::milliseconds at = 0s, double capacity = 1,
            std::uint64_t incarnation = 1, bool willing = true) {
    return table.on_indicators({node, incarnation, level, capacity, willing, 10, at}, ++sequence);
  }
  std::uint64_t sequence = 0;
  peer_table table;
  const peer_table::own_level own{0.6, 1, 10};
};

}  // namespace

TEST_F(PeerTable, B8TheFleetsLevelIsTheMeanByCapacity) {
  EXPECT_DOUBLE_EQ(table.fleet_level(0s, own), 0.6);
  hear("a", 0.2, 0s, 3);
  hear("b", 0.8, 0s, 2);
  EXPECT_DOUBLE_EQ(table.fleet_level(0s, own), (0.6 + 0.6 + 1.6) / 6);
}

TEST_F(PeerTable, R1StaleLevelsCountAsUnwillingAndNotForTheFleet) {
  hear("a", 0.2, 0s);
  EXPECT_NEAR(table.part_willing(30s), 1.0 / 3, 1e-12);
  EXPECT_NEAR(table.part_below(30s, 0.5), 1.0 / 3, 1e-12);
  EXPECT_DOUBLE_EQ(table.fleet_level(30s, own), 0.4);
  EXPECT_EQ(table.part_willing(30001ms), 0);
  EXPECT_EQ(table.part_below(30001ms, 0.5), 0);
  EXPECT_EQ(table.digest(30s, 31, 0).size(), 1u);
  EXPECT_TRUE(table.digest(30001ms, 31, 0).empty());
  EXPECT_TRUE(table.digest(5'000'000s, 31, 0).empty());  // its age has no end
  EXPECT_DOUBLE_EQ(table.fleet_level(30001ms, own), 0.6);
}

TEST_F(PeerTable, R1AnOldWordDoesNotReplaceANewOne) {
  EXPECT_TRUE(hear("a", 0.2));
  EXPECT_FALSE(table.on_indicators({"a", 1, 0.9, 1, true, 1, 0s}, sequence));
  EXPECT_FALSE(table.on_indicators({"a", 0, 0.9, 1, true, 1, 0s}, 100));
  EXPECT_TRUE(table.on_indicators({"a", 2, 0.9, 1, true, 1, 0s}, 1));  // a new life
}

TEST_F(PeerTable, B8StrangersAreNotHeard) {
  EXPECT_FALSE(hear("mallory", 0));
  EXPECT_DOUBLE_EQ(table.fleet_level(0s, own), 0.6);
}

TEST_F(PeerTable, B8APeerThatLiesIsClamped) {
  hear("a", 1e9);
  EXPECT_DOUBLE_EQ(table.known().at(0).level, 2);
  hear("a", -5);
  EXPECT_DOUBLE_EQ(table.known().at(0).level, 0);
  hear("a", std::numeric_limits<double>::quiet_NaN());
  EXPECT_DOUBLE_EQ(table.known().at(0).level, 2);
  // An empty giant is at most sixteen of us.
  hear("a", 0, 0s, 1e12);
  EXPECT_DOUBLE_EQ(table.fleet_level(0s, own), 0.6 / 17);
  hear("a", 2, 0s, std::numeric_limits<double>::quiet_NaN());
  EXPECT_DOUBLE_EQ(table.fleet_level(0s, own), 0.6);
}

TEST_F(PeerTable, B8RefusalsSeenOverruleLevelsUntilTheNextWord) {
  hear("a", 0.2);
  hear("b", 0.2);
  EXPECT_GT(table.part_below(0s, 0.5), 0.6);
  table.on_nobody_takes();
  EXPECT_EQ(table.part_below(0s, 0.5), 0);
  // Neither the fleet's level nor what others are told is made of it.
  EXPECT_NEAR(table.fleet_level(0s, own), 1.0 / 3, 1e-12);
  EXPECT_EQ(table.digest(0s, 31, 0).at(0).level, 0.2);
  EXPECT_TRUE(table.digest(0s, 31, 0).at(0).willing);
  EXPECT_EQ(table.part_willing(0s), 0);
  hear("a", 0.2);
  EXPECT_NEAR(table.part_below(0s, 0.5), 1.0 / 3, 1e-12);
}

TEST_F(PeerTable, B8OfManyPeersADigestHasTheLeastLoadedAndTheOthersInTurn) {
  std::vector<node_id> names;
  for (int i = 100; i < 140; ++i)
    names.push_back("n" + std::to_string(i));
  table.set_peers(names);
  for (std::size_t i = 0; i < names.size(); ++i)
    hear(names[i].c_str(), i < 36 ? 0.5 : 0.1);
  EXPECT_EQ(table.digest(0s, 40, 0).size(), 40u);
  std::set<node_id> heard;
  for (std::uint64_t turn = 0; turn < 12; ++turn) {
    const auto some = table.digest(0s, 8, turn);
    ASSERT_EQ(some.size(), 8u);
    const auto low =
        std::count_if(some.begin(), some.end(), [](const auto& one) { return one.level == 0.1; });
    EXPECT_EQ(low, 4);
    for (const auto& one : some)
      heard.insert(one.node);
  }
  EXPECT_EQ(heard.size(), 40u);
}

TEST_F(PeerTable, F1PeersComeAndGo) {
  hear("a", 0.2);
  table.set_peers({"a", "d"});
  EXPECT_DOUBLE_EQ(table.part_below(0s, 0.5), 0.5);
  EXPECT_TRUE(hear("d", 0.2));
  table.set_peers({});
  EXPECT_EQ(table.part_below(0s, 0.5), 0);
  EXPECT_EQ(table.part_willing(0s), 0);
}

TEST_F(PeerTable, AConnectionIsExpectedToUseWhatOthersDo) {
  EXPECT_DOUBLE_EQ(table.mean_demand(0s, own), 0.06);
  hear("a", 1.0, 0s, 2);
  EXPECT_DOUBLE_EQ(table.mean_demand(0s, own), 2.6 / 20);
  EXPECT_EQ(peer_table{}.mean_demand(0s, {0.5, 1, 0}), 0);
}
