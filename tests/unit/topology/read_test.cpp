#include "runtime/topology/topology.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace dunlin;
using namespace std::chrono_literals;
using ::testing::ElementsAre;

static topology::cluster read_shipped(const std::string& name) {
  auto outcome = topology::read_file(std::string(DUNLIN_SOURCE_DIR) + "/tools/topologies/" + name);
  for (const auto& mistake : outcome.mistakes)
    ADD_FAILURE() << mistake.render();
  return outcome.read.value_or(topology::cluster{});
}

TEST(Topology, LaptopIsThreeNodesThatSurviveTheLossOfOne) {
  const auto laptop = read_shipped("laptop.toml");
  EXPECT_EQ(laptop.options.name, "laptop");
  EXPECT_EQ(laptop.options.folder, std::string(DUNLIN_SOURCE_DIR) + "/.dunlin/laptop");
  EXPECT_EQ(laptop.options.partitions, 3u);
  EXPECT_EQ(laptop.options.partition_replicas, 3u);
  EXPECT_EQ(laptop.options.object_replicas, 3u);
  EXPECT_EQ(laptop.options.write_quorum, 2u);
  ASSERT_EQ(laptop.nodes.size(), 3u);
  EXPECT_EQ(laptop.nodes[1].name, "n2");
  EXPECT_EQ(laptop.nodes[1].roles.size(), 5u);
  EXPECT_EQ(laptop.nodes[1].leg->text(), "127.0.0.1:7124");
  EXPECT_EQ(laptop.nodes[1].balancer->text(), "127.0.0.1:7125");
  EXPECT_TRUE(laptop.balanced());
  EXPECT_EQ(laptop.nodes[1].s3->text(), "127.0.0.1:7120");
  EXPECT_EQ(laptop.nodes[1].folder, laptop.options.folder + "/n2");
  EXPECT_EQ(laptop.find("n3"), &laptop.nodes[2]);
  EXPECT_EQ(laptop.find("n4"), nullptr);
}

TEST(Topology, SoloIsOneNode) {
  const auto solo = read_shipped("solo.toml");
  ASSERT_EQ(solo.nodes.size(), 1u);
  EXPECT_FALSE(solo.balanced());
  EXPECT_THAT(solo.partition_nodes(0), ElementsAre("n1"));
  EXPECT_THAT(solo.replica_set_nodes(0), ElementsAre("n1"));
}

TEST(Topology, ReadsEveryKey) {
  const auto outcome = topology::read_text(R"([cluster]
name = "all-keys"
folder = "/var/lib/dunlin/"
plain_transport = true
allow_wildcard = true
[metadata]
partitions = 5
replicas = 1
heartbeat = "50ms"
election = "2s"
[wal]
segment_bytes = "8MiB"
bytes_max = 67108864
[objects]
replica_sets = 128
replicas = 1
write_quorum = 1
page_bytes = "512 KiB"
[s3]
region = "eu-central-1"
insecure = true
requests_max = 7
connections_max = 8
object_bytes_max = "2GiB"
[admin]
insecure = true
[queue]
window = "5ms"
attempts = 7
time_to_live = "2m"
news_interval = "100ms"
[cache]
shared = true
samples_per_second = 50
[cache.bucket]
mode = "bounded"
time_to_live = "10m"
staleness_max = "300ms"
items_max = 50
bytes_max = "1MiB"
values = false
mirror = true
invalidation_interval = "60s"
[cache.user]
mode = "validated"
staleness_max = "100ms"
[cache.object]
mode = "bounded"
[cache.policy]
mirror = true
[cache.cluster_map]
mirror = false
invalidation_interval = "0s"
[faults]
cache_update_loss = 0.1
[[node]]
name = "n1"
roles = ["access", "storage", "database", "queue", "balancer"]
balancer = "*:7115"
leg = "127.0.0.1:7114"
capacity = 1.5
peer_group = "left wing"
control = "[::1]:7111"
bulk = "localhost:7112"
admin = "10.1.2.3:7113"
s3 = "[::]:7110"
rack = "left"
folder = "elsewhere/n1"
)",
                                           "/etc/dunlin/t.toml");
  for (const auto& mistake : outcome.mistakes)
    ADD_FAILURE() << mistake.render();
  ASSERT_TRUE(outcome.read);
  const auto& to = outcome.read->options;
  EXPECT_EQ(to.folder, "/var/lib/dunlin");
  EXPECT_TRUE(to.plain_transport);
  EXPECT_TRUE(to.s3_insecure);
  EXPECT_EQ(to.partitions, 5u);
  EXPECT_EQ(to.heartbeat, 50ms);
  EXPECT_EQ(to.election, 2s);
  EXPECT_EQ(to.wal_segment_bytes, 8u << 20);
  EXPECT_EQ(to.wal_bytes_max, 64u << 20);
  EXPECT_EQ(to.replica_sets, 128u);
  EXPECT_EQ(to.page_bytes, 512u << 10);
  EXPECT_EQ(to.region, "eu-central-1");
  EXPECT_EQ(to.requests_max, 7u);
  EXPECT_EQ(to.connections_max, 8u);
  EXPECT_EQ(to.object_bytes_max, 2ull << 30);
  EXPECT_EQ(to.queue.window, 5ms);
  EXPECT_EQ(to.queue.attempts, 7u);
  EXPECT_EQ(to.queue.time_to_live, 120s);
  EXPECT_EQ(to.queue.news_interval, 100ms);
  EXPECT_TRUE(to.caches_shared);
  const auto& bucket = to.caches.at("bucket");
  EXPECT_FALSE(bucket.validated);
  EXPECT_EQ(bucket.time_to_live, 600s);
  EXPECT_EQ(bucket.staleness_max, 300ms);
  EXPECT_EQ(bucket.items_max, 50u);
  EXPECT_EQ(bucket.bytes_max, 1u << 20);
  EXPECT_FALSE(bucket.values);
  EXPECT_TRUE(bucket.mirror);
  EXPECT_EQ(bucket.invalidation_interval, 60s);
  EXPECT_TRUE(to.caches.at("user").validated);
  EXPECT_FALSE(to.caches.at("user").values);
  EXPECT_FALSE(to.caches.at("object").validated);
  EXPECT_TRUE(to.caches.at("policy").mirror);
  EXPECT_FALSE(to.caches.at("cluster_map").mirror);
  EXPECT_EQ(to.caches.at("cluster_map").invalidation_interval, 0s);
  EXPECT_EQ(to.faults.cache_update_loss, 0.1);
  EXPECT_EQ(to.cache_samples_a_second, 50u);
  EXPECT_THAT(outcome.read->nodes_with(topology::role::queue), ElementsAre("n1"));
  const auto& n1 = outcome.read->nodes.at(0);
  EXPECT_EQ(n1.control.text(), "[::1]:7111");
  EXPECT_TRUE(n1.control.loopback());
  EXPECT_TRUE(n1.bulk.loopback());
  EXPECT_FALSE(n1.admin.loopback());
  EXPECT_EQ(n1.rack, "left");
  EXPECT_EQ(n1.balancer->text(), "*:7115");
  EXPECT_EQ(n1.leg->text(), "127.0.0.1:7114");
  EXPECT_EQ(n1.capacity, 1.5);
  EXPECT_EQ(n1.peer_group, "left wing");
  EXPECT_EQ(n1.folder, "/etc/dunlin/elsewhere/n1");
}

TEST(Topology, FoldersStartAtTheFilesFolder) {
  const auto outcome = topology::read_text(R"([cluster]
name = "small"
[metadata]
replicas = 1
[objects]
replicas = 1
write_quorum = 1
[[node]]
name = "n1"
roles = ["access", "storage", "database"]
control = "127.0.0.1:1"
bulk = "127.0.0.1:2"
admin = "127.0.0.1:3"
s3 = "127.0.0.1:4"
)",
                                           "/etc/dunlin/t.toml");
  ASSERT_TRUE(outcome.read);
  EXPECT_EQ(outcome.read->options.folder, "/etc/dunlin/.dunlin/small");
  EXPECT_EQ(outcome.read->nodes[0].folder, "/etc/dunlin/.dunlin/small/n1");
  EXPECT_EQ(outcome.read->options.region, "us-east-1");
}

TEST(Topology, AccessNodesOfBalancersNeedNoS3AndBalancersNoneOfTheOtherRoles) {
  const auto outcome = topology::read_text(R"([cluster]
name = "small"
[metadata]
replicas = 1
[objects]
replicas = 1
write_quorum = 1
[[node]]
name = "n1"
roles = ["access", "storage", "database"]
control = "127.0.0.1:1"
bulk = "127.0.0.1:2"
admin = "127.0.0.1:3"
leg = "127.0.0.1:4"
capacity = 2
[[node]]
name = "b1"
roles = ["balancer"]
control = "127.0.0.1:11"
bulk = "127.0.0.1:12"
admin = "127.0.0.1:13"
balancer = "127.0.0.1:14"
)",
                                           "/etc/dunlin/t.toml");
  for (const auto& mistake : outcome.mistakes)
    ADD_FAILURE() << mistake.render();
  ASSERT_TRUE(outcome.read);
  EXPECT_FALSE(outcome.read->nodes[0].s3);
  EXPECT_EQ(outcome.read->nodes[0].capacity, 2);
  EXPECT_EQ(outcome.read->nodes[0].peer_group, "default");
  EXPECT_THAT(outcome.read->nodes_with(topology::role::balancer), ElementsAre("b1"));
}

TEST(Topology, Q6EveryTypeHasParametersOfItsOwnAndDefaults) {
  const topology::settings to;
  std::vector<std::string> types;
  for (const auto& [type, cache] : to.caches)
    types.push_back(type);
  EXPECT_THAT(types, ElementsAre("bucket", "cluster_map", "object", "policy", "user"));
  EXPECT_FALSE(to.caches_shared);
  for (const auto& [type, cache] : to.caches) {
    EXPECT_EQ(cache.validated, type == "object") << type;
    EXPECT_EQ(cache.values, type != "user") << type;
    EXPECT_EQ(cache.mirror, type == "cluster_map") << type;
    EXPECT_EQ(cache.invalidation_interval, 0s) << type;
  }
}
