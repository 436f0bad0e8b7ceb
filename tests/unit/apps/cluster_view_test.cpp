#include "apps/dunlin/cluster_view.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <boost/json.hpp>

using namespace dunlin;
using commands::verdict;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

namespace {

topology::cluster three() {
  topology::cluster made;
  made.options.name = "test";
  made.options.partitions = 1;
  for (const auto* name : {"n1", "n2", "n3"}) {
    auto& node = made.nodes.emplace_back();
    node.name = name;
    node.roles = {topology::role::database, topology::role::storage, topology::role::access};
    node.s3 = topology::endpoint{"127.0.0.1", static_cast<std::uint16_t>(7000 + made.nodes.size())};
  }
  return made;
}

assembly::replica_status replica(partition_id id, const node_id& self, const node_id& leader,
                                 std::uint64_t term = 3) {
  assembly::replica_status said;
  said.id = id;
  said.role = self == leader ? "leader" : "follower";
  said.leader = leader;
  said.term = term;
  said.members = {"n1", "n2", "n3"};
  if (id != 0) said.first_hash = "0x0000000000000000", said.last_hash = "0xffffffffffffffff";
  return said;
}

commands::node_answer well(const node_id& name, const node_id& leader = "n1") {
  assembly::node_status status;
  status.name = name;
  status.pid = 100;
  status.roles = {"database", "storage", "access"};
  status.state = "ready";
  status.s3 = "http://127.0.0.1:7001";
  status.partitions = {replica(0, name, leader), replica(1, name, leader)};
  return {status, {}};
}

const commands::node_answer gone{{}, "unavailable"};

}  // namespace

TEST(ClusterView, IsOkWhenEveryNodeIsReadyAndEveryPartitionLed) {
  const auto view = commands::view_of(three(), {well("n1"), well("n2"), well("n3")});
  EXPECT_EQ(view.health, verdict::ok);
  ASSERT_EQ(view.partitions.size(), 2u);
  EXPECT_EQ(view.partitions[0].range, "root");
  EXPECT_EQ(view.partitions[1].range, "0x0000000000000000-0xffffffffffffffff");
  EXPECT_EQ(view.partitions[1].leader, "n1");
  EXPECT_THAT(view.partitions[1].replicas, ElementsAre("n1", "n2", "n3"));
}

TEST(ClusterView, IsDegradedWhenANodeIsDownButTheRestLeads) {
  const auto view = commands::view_of(three(), {well("n1", "n2"), well("n2", "n2"), gone});
  EXPECT_EQ(view.health, verdict::degraded);
  EXPECT_EQ(view.reason, "down: n3");
  EXPECT_EQ(view.nodes[2].state, "down");
  EXPECT_FALSE(view.nodes[2].pid);
  EXPECT_EQ(view.nodes[2].s3, "http://127.0.0.1:7003");
  EXPECT_THAT(view.nodes[2].roles, ElementsAre("database", "storage", "access"));
}

TEST(ClusterView, IsDownWhileFollowersStillNameADeadLeader) {
  const auto view = commands::view_of(three(), {well("n1", "n3"), well("n2", "n3"), gone});
  EXPECT_EQ(view.health, verdict::down);
  EXPECT_FALSE(view.partitions[0].leader);
  EXPECT_THAT(view.reason, HasSubstr("no leader: partition 0, 1"));
}

TEST(ClusterView, BelievesTheHighestTerm) {
  auto old = well("n1", "n1");
  auto fresh = well("n2", "n2");
  for (auto& said : fresh.status->partitions)
    said.term = 4;
  EXPECT_EQ(commands::view_of(three(), {old, fresh, well("n3", "n1")}).partitions[0].leader, "n2");
  EXPECT_EQ(commands::view_of(three(), {old, fresh, well("n3", "n1")}).partitions[0].term, 4u);
}

TEST(ClusterView, BelievesTheLeaderBeforeItsFollowersInOneTerm) {
  auto unknowing = well("n2", "");
  EXPECT_EQ(
      commands::view_of(three(), {unknowing, well("n1"), well("n3", "")}).partitions[0].leader,
      "n1");
}

TEST(ClusterView, IsNotOkWhileANodeStarts) {
  auto starting = well("n2");
  starting.status->state = "starting";
  const auto view = commands::view_of(three(), {well("n1"), starting, well("n3")});
  EXPECT_EQ(view.health, verdict::degraded);
  EXPECT_EQ(view.reason, "not ready: n2 (starting)");
}

TEST(ClusterView, ShowsTheSeededPlacesWhenNobodyAnswers) {
  const auto view = commands::view_of(three(), {gone, gone, gone});
  EXPECT_EQ(view.health, verdict::down);
  ASSERT_EQ(view.partitions.size(), 2u);
  EXPECT_EQ(view.partitions[0].replicas.size(), 3u);
}

TEST(ClusterView, HasTheJsonThatScriptsReadFor) {
  const auto json =
      boost::json::parse(to_json(commands::view_of(three(), {well("n1"), well("n2"), gone})))
          .as_object();
  EXPECT_EQ(json.at("health").as_object().at("verdict"), "degraded");
  EXPECT_EQ(json.at("health").as_object().at("reason"), "down: n3");
  const auto& nodes = json.at("nodes").as_array();
  EXPECT_EQ(nodes[0].as_object().at("name"), "n1");
  EXPECT_EQ(nodes[0].as_object().at("pid"), 100);
  EXPECT_TRUE(nodes[2].as_object().at("pid").is_null());
  EXPECT_EQ(nodes[2].as_object().at("state"), "down");
  const auto& partition = json.at("partitions").as_array()[0].as_object();
  for (const auto* key : {"id", "range", "leader", "term", "replicas"})
    EXPECT_TRUE(partition.contains(key)) << key;
}

TEST(ClusterView, HasATableForPeople) {
  const auto text = to_text(commands::view_of(three(), {well("n1"), well("n2"), gone}));
  EXPECT_THAT(text, HasSubstr("cluster test: degraded (down: n3)"));
  EXPECT_THAT(text, HasSubstr("unavailable"));
}

TEST(ClusterView, ABalancerAndAnAccessNodeServeWithoutADirectEndpoint) {
  auto cluster = three();
  std::vector<commands::node_answer> said;
  for (auto& node : cluster.nodes) {
    node.s3.reset();
    said.push_back(well(node.name));
    said.back().status->s3.reset();
  }
  EXPECT_EQ(commands::view_of(cluster, said).health, verdict::down);
  said[2].status->balancer = "http://127.0.0.1:7105";
  const auto view = commands::view_of(cluster, said);
  EXPECT_EQ(view.health, verdict::ok);
  EXPECT_THAT(commands::to_text(view), HasSubstr("http://127.0.0.1:7105"));
  EXPECT_THAT(commands::to_json(view), HasSubstr("\"balancer\":\"http://127.0.0.1:7105\""));
}
