// Roles of one's own node: no wire is needed to reach them.
#include "messages/partition.hpp"
#include "messages/storage.hpp"
#include "runtime/crypto/random.hpp"
#include "runtime/links/links.hpp"

#include <gtest/gtest.h>
#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>

using namespace dunlin;
using namespace std::chrono_literals;

namespace {

struct deaf_port final : links::wire_port {
  result<void> listen(std::function<void(links::wire_ptr)>) override { return {}; }
  void dial(const node_id&, std::function<void(result<links::wire_ptr>)> done) override {
    done(ec::unavailable);
  }
  void stop() override {}
};

struct nobody final : links::identity {
  std::string certificate() const override { return "nobody"; }
  std::string sign(std::string_view) override { return "x"; }
  result<void> verify(std::string_view, const node_id&, std::string_view,
                      std::string_view) const override {
    return ec::refused;
  }
};

struct testing_config : caf::actor_system_config {
  testing_config() { set("scheduler.policy", caf::atom("testing")); }
};

partition_actor::behavior_type counting_partition(partition_actor::pointer, std::uint64_t tick) {
  return {
      [](const v1::PartitionCommand&) -> caf::result<v1::CommandReply> {
        return make_error(ec::not_leader, "n3");
      },
      [tick](const v1::PartitionQuery&) {
        v1::QueryReply reply;
        reply.set_tick(tick);
        return reply;
      },
      [](const v1::RaftMessage&) {},
      [](const v1::GetReplicaStatus&) { return v1::ReplicaStatus{}; },
  };
}

class LocalRoles : public testing::Test {
protected:
  ~LocalRoles() override {
    links.stop();
    for (auto& role : roles)
      caf::anon_send_exit(role, caf::exit_reason::user_shutdown);
    scheduler.run();
  }

  partition_actor spawn_partition(std::uint64_t tick) {
    auto role = system.spawn(counting_partition, tick);
    roles.push_back(role);
    return role;
  }

  std::string ask(const partition_actor& role) {
    std::string heard;
    system.spawn([&](caf::event_based_actor* self) {
      self->request(role, 1s, v1::PartitionQuery{})
          .then([&](const v1::QueryReply& reply) { heard = std::to_string(reply.tick()); },
                [&](const caf::error& error) { heard = render(error); });
    });
    scheduler.run();
    return heard;
  }

  testing_config config;
  caf::actor_system system{config};
  caf::scheduler::test_coordinator& scheduler =
      dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());
  deaf_port port;
  nobody identity;
  crypto::seeded_random random{1};
  metrics figures;
  links::node_links links{system, {"c", "n1", {"n2"}}, port, identity, random, figures};
  std::vector<partition_actor> roles;
};

TEST_F(LocalRoles, AreReachedWithoutAWire) {
  links.serve("partition", 1, spawn_partition(7));
  EXPECT_EQ(ask(links.at<partition_actor>("n1", "partition", 1)), "7");
}

TEST_F(LocalRoles, AreFoundByAHandleThatIsOlderThanTheRole) {
  const auto early = links.at<partition_actor>("n1", "partition", 1);
  EXPECT_EQ(ask(early), "unavailable: the role is not running");
  links.serve("partition", 1, spawn_partition(8));
  EXPECT_EQ(ask(early), "8");
  links.withdraw("partition", 1);
  EXPECT_EQ(ask(early), "unavailable: the role is not running");
}

TEST_F(LocalRoles, OfAPeerThatIsNotConnectedFailAtOnce) {
  ASSERT_TRUE(links.start());
  EXPECT_EQ(ask(links.at<partition_actor>("n2", "partition", 1)),
            "unavailable: n2: cannot connect: unavailable");
}

TEST_F(LocalRoles, OfAStrangerHaveNoHandle) {
  EXPECT_FALSE(links.at<partition_actor>("n9", "partition", 1));
}

TEST_F(LocalRoles, HaveOneStubHoweverOftenTheyAreAskedFor) {
  EXPECT_EQ(links.at<partition_actor>("n2", "partition", 1),
            links.at<partition_actor>("n2", "partition", 1));
  EXPECT_NE(links.at<partition_actor>("n2", "partition", 1),
            links.at<partition_actor>("n2", "partition", 2));
  EXPECT_TRUE(links.at<storage_node_actor>("n2", "storage_node"));
}

TEST_F(LocalRoles, HaveNoHandleAfterTheLinksStopped) {
  links.stop();
  EXPECT_FALSE(links.at<partition_actor>("n2", "partition", 1));
  EXPECT_FALSE(links.at<partition_actor>("n1", "partition", 1));
}

}  // namespace
