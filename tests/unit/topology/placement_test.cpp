#include "runtime/topology/topology.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

using namespace dunlin;
using topology::role;

static topology::cluster cluster_of(std::vector<std::string> racks, std::uint32_t replicas) {
  topology::cluster made;
  made.options.partition_replicas = made.options.object_replicas = replicas;
  for (const auto& rack : racks) {
    auto& node = made.nodes.emplace_back();
    node.name = fmt::format("n{}", made.nodes.size());
    node.roles = {role::database, role::storage};
    node.rack = rack;
  }
  return made;
}

TEST(Placement, IsTheSameWhateverBalancersAndAccessNodesThereAre) {
  const auto plain = cluster_of({"a", "b", "c", "c", "d"}, 3);
  auto more = plain;
  topology::node extra;
  extra.roles = {role::access, role::balancer};
  for (const auto where : {0, 2, 4}) {
    extra.name = fmt::format("x{}", where);
    more.nodes.insert(more.nodes.begin() + where, extra);
  }
  for (std::uint32_t id = 0; id < 32; ++id) {
    EXPECT_EQ(more.replica_set_nodes(id), plain.replica_set_nodes(id));
    EXPECT_EQ(more.partition_nodes(id), plain.partition_nodes(id));
  }
}

TEST(Placement, GivesEveryGroupDistinctNodes) {
  const auto made = cluster_of({"a", "a", "b", "c", "c"}, 3);
  for (std::uint32_t set = 0; set < 64; ++set) {
    const auto names = made.replica_set_nodes(set);
    EXPECT_EQ(std::set<node_id>(names.begin(), names.end()).size(), 3u);
  }
}

TEST(Placement, PutsTheReplicasOfAGroupInDifferentRacksWhereItCan) {
  const auto made = cluster_of({"a", "a", "a", "b", "b", "c"}, 3);
  for (std::uint32_t set = 0; set < 64; ++set) {
    std::set<std::string> racks;
    for (const auto& name : made.replica_set_nodes(set))
      racks.insert(made.find(name)->rack);
    EXPECT_EQ(racks.size(), 3u);
  }
}

TEST(Placement, BalancesReplicasAndFirstPlaces) {
  const auto made = cluster_of({"a", "b", "c", "d", "e"}, 3);
  std::map<node_id, int> held, first;
  for (std::uint32_t set = 0; set < 100; ++set) {
    const auto names = made.replica_set_nodes(set);
    ++first[names.front()];
    for (const auto& name : names)
      ++held[name];
  }
  for (const auto& [name, count] : held)
    EXPECT_EQ(count, 60) << name;
  for (const auto& node : made.nodes)
    EXPECT_NEAR(first[node.name], 20, 12) << node.name;
}

TEST(Placement, RotatesTheFirstMemberOfThePartitionsOfALaptop) {
  const auto made = cluster_of({"r1", "r2", "r3"}, 3);
  EXPECT_EQ(made.partition_nodes(0).front(), "n1");
  EXPECT_EQ(made.partition_nodes(1).front(), "n2");
  EXPECT_EQ(made.partition_nodes(2).front(), "n3");
}

TEST(Placement, UsesOnlyNodesOfTheRole) {
  auto made = cluster_of({"a", "b", "c", "d"}, 3);
  made.nodes[0].roles = {role::storage};
  made.nodes[3].roles = {role::database};
  for (std::uint32_t id = 0; id < 8; ++id) {
    EXPECT_THAT(made.partition_nodes(id), ::testing::UnorderedElementsAre("n2", "n3", "n4"));
    EXPECT_THAT(made.replica_set_nodes(id), ::testing::UnorderedElementsAre("n1", "n2", "n3"));
  }
}

TEST(Placement, IsTheSameEveryTime) {
  const auto made = cluster_of({"a", "a", "b", "b", "c"}, 3);
  for (std::uint32_t set = 0; set < 16; ++set)
    EXPECT_EQ(made.replica_set_nodes(set),
              cluster_of({"a", "a", "b", "b", "c"}, 3).replica_set_nodes(set));
}
