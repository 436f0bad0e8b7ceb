#include "actors/node_manager/node_manager.hpp"

#include "messages/error.hpp"
#include "tests/support/virtual_system.hpp"

#include <gtest/gtest.h>
#include <caf/all.hpp>

using namespace dunlin;
using namespace std::chrono_literals;

namespace {

struct fake_cluster {
  bool has_leader = false;
  bool map_known = false;
  int seeds = 0;
};

partition_router_actor::behavior_type fake_router(partition_router_actor::pointer,
                                                  fake_cluster* cluster) {
  return {
      [cluster](const v1::RoutedCommand& wish) -> caf::result<v1::CommandReply> {
        if (wish.command().has_seed_cluster()) {
          ++cluster->seeds;
          cluster->map_known = true;
        }
        return v1::CommandReply{};
      },
      [cluster](const v1::RoutedQuery&) -> caf::result<v1::QueryReply> {
        if (!cluster->has_leader) return make_error(ec::unavailable);
        v1::QueryReply reply;
        if (cluster->map_known) reply.mutable_cluster_map()->set_epoch(1);
        return reply;
      },
      [](const v1::GetMap&) { return v1::ClusterMap{}; },
  };
}

partition_actor::behavior_type fake_replica(partition_actor::pointer, fake_cluster* cluster) {
  return {
      [](const v1::PartitionCommand&) { return v1::CommandReply{}; },
      [](const v1::PartitionQuery&) { return v1::QueryReply{}; },
      [](const v1::RaftMessage&) {},
      [cluster](const v1::GetReplicaStatus&) {
        v1::ReplicaStatus status;
        if (cluster->has_leader) status.set_leader("n1");
        return status;
      },
  };
}

/// Does what it is told if it is meant, and fails where a test wants it to.
managed_cache_actor::behavior_type fake_cache(managed_cache_actor::pointer, std::uint64_t service,
                                              std::string type, std::string error) {
  return {
      [](const v1::GetCacheStatus&) { return v1::CacheStatus{}; },
      [=](const change_caches& wish) {
        caches_changed done;
        if (wish.concerns(type, service)) done.all.push_back({service, type, error});
        return done;
      },
  };
}

struct NodeManager : testing::Test {
  support::virtual_system world;
  fake_cluster cluster;
  std::string fatal;
  partition_actor replica = world.system.spawn(fake_replica, &cluster);
  node_manager_shell manager;

  NodeManager() {
    node_manager_options options;
    options.self = "n1";
    options.incarnation = 3;
    options.on_fatal = [this](const std::string& role, const std::string&) { fatal = role; };
    options.seed = v1::SeedCluster{};
    node_roles roles;
    roles.router = world.system.spawn(fake_router, &cluster);
    roles.replicas[0] = replica;
    roles.caches = {world.system.spawn(fake_cache, 1, "user", ""),
                    world.system.spawn(fake_cache, 1, "bucket", ""),
                    world.system.spawn(fake_cache, 2, "user", "invalid_argument")};
    roles.watched = {{"partition 0", replica.address()}};
    manager = world.system.spawn(node_manager, options, roles);
    world.run();
  }
  ~NodeManager() override {
    caf::anon_send_exit(manager, caf::exit_reason::kill);
    caf::anon_send_exit(replica, caf::exit_reason::kill);
    world.run();
  }

  v1::NodeStatus status() {
    v1::NodeStatus heard;
    world.system.spawn([&](caf::event_based_actor* self) {
      self->request(manager, 5s, v1::GetNodeStatus{})
          .then([&](const v1::NodeStatus& s) { heard = s; }, [](const caf::error&) {});
    });
    world.advance(100ms);
    return heard;
  }

  /// "1 user: " a line.
  std::string instruct(const change_caches& wish) {
    std::string heard = "no answer";
    world.system.spawn([&](caf::event_based_actor* self) {
      self->request(manager, 5s, wish).then([&](const caches_changed& said) {
        heard.clear();
        for (const auto& one : said.all)
          heard += std::to_string(one.service) + " " + one.type + ":" + one.error + "\n";
      });
    });
    world.advance(100ms);
    return heard;
  }
};

}  // namespace

TEST_F(NodeManager, IsStartingWhileThereIsNoLeader) {
  world.advance(3s);
  EXPECT_EQ(status().state(), v1::NodeStatus::STARTING);
  EXPECT_EQ(cluster.seeds, 0);
}

TEST_F(NodeManager, SeedsAnEmptyRootOnceAndIsReadyThen) {
  cluster.has_leader = true;
  world.advance(5s);
  EXPECT_EQ(cluster.seeds, 1);
  EXPECT_EQ(status().state(), v1::NodeStatus::READY);
}

TEST_F(NodeManager, NeverSeedsAClusterThatHasAMap) {
  cluster.has_leader = cluster.map_known = true;
  world.advance(5s);
  EXPECT_EQ(cluster.seeds, 0);
}

TEST_F(NodeManager, GathersTheStateOfItsReplicas) {
  cluster.has_leader = true;
  const auto heard = status();
  EXPECT_EQ(heard.name(), "n1");
  EXPECT_EQ(heard.incarnation(), 3u);
  ASSERT_EQ(heard.replicas_size(), 1);
  EXPECT_EQ(heard.replicas(0).leader(), "n1");
}

TEST_F(NodeManager, StopsTheNodeWhenARoleDies) {
  caf::anon_send_exit(replica, caf::exit_reason::kill);
  world.run();
  EXPECT_EQ(fatal, "partition 0");
}

TEST_F(NodeManager, WarnsOfARoleThatDoesNotAnswer) {
  caf::anon_send_exit(replica, caf::exit_reason::kill);
  world.run();
  const auto heard = status();
  ASSERT_EQ(heard.warnings_size(), 1);
  EXPECT_NE(heard.warnings(0).find("partition 0"), std::string::npos);
}

TEST_F(NodeManager, Q16InstructionsReachEveryServiceAndTheirStatusComesBack) {
  EXPECT_EQ(instruct({}), "1 user:\n1 bucket:\n2 user:invalid_argument\n");
  EXPECT_EQ(instruct({"user", std::nullopt, set_cache{}}), "1 user:\n2 user:invalid_argument\n");
  EXPECT_EQ(instruct({"user", 1, std::nullopt}), "1 user:\n");
  EXPECT_EQ(instruct({"object", std::nullopt, std::nullopt}), "");
}

TEST_F(NodeManager, SaysThatItDrains) {
  caf::anon_send(manager, v1::BeginDrain{});
  EXPECT_EQ(status().state(), v1::NodeStatus::DRAINING);
}

// Found by chaos: all nodes lost their power in the instant in which one was started.
TEST_F(NodeManager, OutlivesARoleThatWasGoneBeforeItsOwnFirstTurn) {
  auto gone = world.system.spawn(fake_replica, &cluster);
  node_roles roles;
  roles.watched = {{"partition 1", gone.address()}};
  caf::anon_send_exit(gone, caf::exit_reason::kill);
  gone = nullptr;
  world.run();
  const auto other = world.system.spawn(node_manager, node_manager_options{}, roles);
  world.run();
  caf::anon_send_exit(other, caf::exit_reason::kill);
  world.run();
}
