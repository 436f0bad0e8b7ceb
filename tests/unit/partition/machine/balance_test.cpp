/// Settings of balancing that are changed while the cluster runs (B13, docs/decisions/0015).
#include "tests/unit/partition/machine/root_fixture.hpp"

using namespace dunlin;
using namespace dunlin::testing_machine;

namespace {

v1::Command set_balance(const std::string& balance, std::uint64_t expected) {
  v1::Command command;
  command.mutable_set_balance()->set_balance(balance);
  command.mutable_set_balance()->set_expected_version(expected);
  return command;
}

v1::ClusterMap map_of(machine_test& at) {
  v1::PartitionQuery query;
  query.mutable_get_cluster_map();
  return at.ask(query).cluster_map();
}

struct BalanceSettings : seeded_root {};

TEST_F(BalanceSettings, B13EveryChangeHasTheNextVersionAndANewEpochOfTheMap) {
  EXPECT_EQ(map_of(*this).balance_version(), 0u);
  EXPECT_EQ(status_of(set_balance("trigger = 1.1", 0)), status::OK);
  EXPECT_EQ(status_of(set_balance("trigger = 1.2", 1)), status::OK);
  const auto map = map_of(*this);
  EXPECT_EQ(map.balance(), "trigger = 1.2");
  EXPECT_EQ(map.balance_version(), 2u);
  EXPECT_EQ(map.epoch(), 3u);
  EXPECT_EQ(map.tick(), machine->tick());
  EXPECT_EQ(map.partitions_size(), 1);
}

TEST_F(BalanceSettings, B13TwoOperatorsCannotOverwriteEachOtherUnseen) {
  EXPECT_EQ(status_of(set_balance("first = 1", 0)), status::OK);
  news();
  EXPECT_EQ(status_of(set_balance("second = 1", 0)), status::PRECONDITION_FAILED);
  EXPECT_EQ(status_of(set_balance("second = 1", 2)), status::PRECONDITION_FAILED);
  EXPECT_EQ(map_of(*this).balance(), "first = 1");
  EXPECT_EQ(map_of(*this).epoch(), 2u);
  EXPECT_TRUE(news().empty());
}

TEST_F(BalanceSettings, B13AChangeIsAnnouncedAsTheClusterMapAndSurvivesARestart) {
  news();
  run(set_balance("trigger = 1.1", 0));
  EXPECT_EQ(news(),
            (announced{{std::string(cached::cluster_map), std::string(cached::cluster_map_key)}}));
  restart();
  EXPECT_EQ(map_of(*this).balance(), "trigger = 1.1");
  EXPECT_EQ(status_of(set_balance("", 1)), status::OK);
  EXPECT_EQ(map_of(*this).balance(), "");
  EXPECT_EQ(map_of(*this).balance_version(), 2u);
}

TEST_F(BalanceSettings, WhatIsTooLongIsRefusedAndChangesNothing) {
  EXPECT_EQ(status_of(set_balance(std::string((8 << 10) + 1, '#'), 0)), status::INVALID);
  EXPECT_EQ(map_of(*this).balance_version(), 0u);
  EXPECT_EQ(status_of(set_balance(std::string(8 << 10, '#'), 0)), status::OK);
}

struct BalanceOfNobody : machine_test {
  explicit BalanceOfNobody(partition_id id = 0) : machine_test(id) {}
};
struct BalanceOfAPartition : BalanceOfNobody {
  BalanceOfAPartition() : BalanceOfNobody(1) {}
};

TEST_F(BalanceOfNobody, WhereThereIsNoClusterYetNothingCanBeSet) {
  EXPECT_EQ(run(set_balance("trigger = 1.1", 0)).status(), status::PRECONDITION_FAILED);
}

TEST_F(BalanceOfAPartition, OnlyTheRootKnowsTheMap) {
  EXPECT_EQ(run(set_balance("trigger = 1.1", 0)).status(), status::WRONG_PARTITION);
}

}  // namespace
