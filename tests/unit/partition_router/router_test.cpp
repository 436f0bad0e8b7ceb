// The actor over fake partitions, on virtual time.
#include "actors/partition_router/partition_router.hpp"
#include "messages/error.hpp"
#include "runtime/crypto/random.hpp"

#include <gtest/gtest.h>
#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include <deque>

using namespace dunlin;
using namespace std::chrono_literals;

namespace {

struct testing_config : caf::actor_system_config {
  testing_config() { set("scheduler.policy", caf::atom("testing")); }
};

/// One node's replicas, as a script: what it was sent, and what it does with the next command.
struct fake_node {
  std::string leader;           ///< others answer not_leader with it
  std::set<std::uint64_t> ran;  ///< sequences
  int runs = 0;
  std::vector<v1::Command> heard;
  std::deque<std::string> script;  ///< "silent", "run_silent", "forget"
};

partition_actor::behavior_type fake_partition(partition_actor::pointer self, std::string name,
                                              fake_node* node, v1::ClusterMap map) {
  return {
      [=](const v1::PartitionCommand& c) {
        auto promise = self->make_response_promise<v1::CommandReply>();
        node->heard.push_back(c.command());
        if (node->leader != name) return promise.deliver(make_error(ec::not_leader, node->leader));
        v1::CommandReply reply;
        reply.set_tick(c.command().client().sequence());
        if (c.command().has_open_client()) return promise.deliver(reply);
        auto what = std::string{};
        if (!node->script.empty()) {
          what = node->script.front();
          node->script.pop_front();
        }
        if (what == "silent") return promise;
        if (what == "forget") {
          reply.set_status(v1::CommandReply::UNKNOWN_CLIENT);
          return promise.deliver(reply);
        }
        if (node->ran.insert(c.command().client().sequence()).second) ++node->runs;
        if (what == "run_silent") return promise;
        return promise.deliver(reply);
      },
      [=](const v1::PartitionQuery& q) -> caf::result<v1::QueryReply> {
        if (node->leader != name) return make_error(ec::not_leader, node->leader);
        v1::QueryReply reply;
        reply.set_tick(100 + q.partition());
        if (q.has_get_cluster_map()) *reply.mutable_cluster_map() = map;
        return reply;
      },
      [](const v1::RaftMessage&) {},
      [](const v1::GetReplicaStatus&) { return v1::ReplicaStatus{}; },
  };
}

class PartitionRouter : public testing::Test {
protected:
  PartitionRouter() {
    map.set_epoch(1);
    auto& one = *map.add_partitions();
    one.set_id(1);
    one.set_last_hash(UINT64_MAX);
    for (const auto* name : {"a", "b", "c"})
      one.add_nodes(name);
    for (const auto* name : {"a", "b", "c"}) {
      nodes[name].leader = "b";
      replicas[name] = system.spawn(fake_partition, name, &nodes[name], map);
    }
    partition_router_options options;
    options.self = "a";
    options.incarnation = 7;
    options.root_nodes = {"a", "b", "c"};
    options.find = [this](const node_id& name, partition_id) { return replicas[name]; };
    router = system.spawn(partition_router, options, &random, &figures);
  }
  ~PartitionRouter() override {
    for (auto& [name, one] : replicas)
      caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(router, caf::exit_reason::user_shutdown);
    scheduler.run();
  }

  static v1::RoutedCommand put() {
    v1::RoutedCommand wish;
    wish.mutable_route()->set_bucket_id("0123456789abcdef");
    wish.mutable_command()->mutable_put_object()->set_key("k");
    return wish;
  }
  template <class Answer, class Wish>
  void ask(const Wish& wish) {
    system.spawn([this, wish](caf::event_based_actor* self) {
      self->request(router, caf::infinite, wish)
          .then(
              [this](const Answer& answer) {
                if constexpr (!std::is_same_v<Answer, v1::ClusterMap>)
                  heard.push_back(std::to_string(answer.tick()));
                else
                  heard.push_back("epoch");
              },
              [this](const caf::error& error) {
                heard.push_back(std::string(to_string(code_of(error))));
              });
    });
    scheduler.run();
  }
  void pass(std::chrono::milliseconds time) {
    for (; time > 0ms; time -= 1ms) {
      scheduler.advance_time(1ms);
      scheduler.run();
    }
  }

  testing_config config;
  caf::actor_system system{config};
  caf::scheduler::test_coordinator& scheduler =
      dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());
  crypto::seeded_random random{1};
  metrics figures;
  v1::ClusterMap map;
  std::map<std::string, fake_node> nodes;
  std::map<std::string, partition_actor> replicas;
  partition_router_actor router;
  std::vector<std::string> heard;
};

TEST_F(PartitionRouter, BringsACommandToTheLeaderUnderItsStamp) {
  ask<v1::CommandReply>(put());
  EXPECT_EQ(heard, std::vector<std::string>{"1"});
  const auto& last = nodes["b"].heard.back();
  EXPECT_EQ(last.put_object().key(), "k");
  EXPECT_EQ(last.client().node(), "a");
  EXPECT_EQ(last.client().incarnation(), 7u);
  EXPECT_EQ(last.client().sequence(), 1u);
}

TEST_F(PartitionRouter, BringsAQueryToTheLeader) {
  v1::RoutedQuery wish;
  wish.mutable_route()->set_bucket_id("0123456789abcdef");
  wish.mutable_query()->mutable_get_object();
  ask<v1::QueryReply>(wish);
  EXPECT_EQ(heard, std::vector<std::string>{"101"});
}

TEST_F(PartitionRouter, AnswersTheMap) {
  ask<v1::ClusterMap>(v1::GetMap{});
  EXPECT_EQ(heard, std::vector<std::string>{"epoch"});
}

TEST_F(PartitionRouter, RunsACommandOnceThoughItsAnswerWasLost) {
  nodes["b"].script = {"run_silent"};
  ask<v1::CommandReply>(put());
  EXPECT_TRUE(heard.empty());
  pass(6s);
  EXPECT_EQ(heard, std::vector<std::string>{"1"});
  EXPECT_EQ(nodes["b"].runs, 1);
}

TEST_F(PartitionRouter, TellsWhenItCannotKnowWhetherACommandRan) {
  nodes["b"].script = {"run_silent", "forget"};
  ask<v1::CommandReply>(put());
  pass(6s);
  EXPECT_EQ(heard, std::vector<std::string>{"unknown outcome"});
}

TEST_F(PartitionRouter, OpensTheClientAgainWhenThePartitionForgotIt) {
  nodes["b"].script = {"forget"};
  ask<v1::CommandReply>(put());
  EXPECT_EQ(heard, std::vector<std::string>{"2"});
  EXPECT_EQ(nodes["b"].runs, 1);
}

TEST_F(PartitionRouter, FindsANewLeaderWhenTheOldOneDies) {
  ask<v1::CommandReply>(put());
  caf::anon_send_exit(replicas["b"], caf::exit_reason::kill);
  scheduler.run();
  ask<v1::CommandReply>(put());
  pass(1s);
  EXPECT_EQ(heard.size(), 1u);
  nodes["a"].leader = nodes["c"].leader = "c";
  pass(1s);
  ASSERT_EQ(heard.size(), 2u);
}

TEST_F(PartitionRouter, GivesUpInTimeWhenThereIsNoLeader) {
  for (auto& [name, node] : nodes)
    node.leader = "";
  auto wish = put();
  wish.set_timeout_ms(2000);
  ask<v1::CommandReply>(wish);
  pass(1990ms);
  EXPECT_TRUE(heard.empty());
  pass(20ms);
  EXPECT_EQ(heard, std::vector<std::string>{"unavailable"});
}

TEST_F(PartitionRouter, RefusesAWishWithoutARoute) {
  ask<v1::CommandReply>(v1::RoutedCommand{});
  EXPECT_EQ(heard, std::vector<std::string>{"invalid argument"});
}

TEST_F(PartitionRouter, HasNoTimerLeftWhenItHasNothingToDo) {
  ask<v1::CommandReply>(put());
  pass(20s);
  EXPECT_FALSE(scheduler.has_pending_timeout());
}

}  // namespace
