// node_links over real threads, sockets and TLS: what virtual time cannot show.
#include "messages/error.hpp"
#include "messages/partition.hpp"
#include "runtime/crypto/random.hpp"
#include "runtime/links/links.hpp"
#include "runtime/links/tls_wire.hpp"
#include "tests/support/soon.hpp"
#include "tests/unit/links/two_nodes.hpp"

#include <gtest/gtest.h>
#include <caf/all.hpp>

#include <algorithm>

namespace dunlin::links {
namespace {

using namespace dunlin::tests;
using namespace std::chrono_literals;

partition_actor::behavior_type echo(partition_actor::pointer) {
  return {
      [](const v1::PartitionCommand&) -> caf::result<v1::CommandReply> {
        return make_error(ec::not_leader, "n9");
      },
      [](const v1::PartitionQuery& query) {
        v1::QueryReply reply;
        reply.set_tick(query.partition());
        return reply;
      },
      [](const v1::RaftMessage&) {},
      [](const v1::GetReplicaStatus&) { return v1::ReplicaStatus{}; },
  };
}

struct sharing_config : caf::actor_system_config {
  sharing_config() {
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", 2u);
  }
};

class RealLinks : public TwoNodes {
protected:
  struct node {
    crypto::system_random random;
    std::unique_ptr<tls_wire_port> port;
    std::shared_ptr<identity> key;
    sharing_config config;
    std::unique_ptr<caf::actor_system> system;
    std::unique_ptr<node_links> links;
    partition_actor role;
  };

  void start(node& one, const node_id& self, const node_id& peer, std::uint16_t peer_port) {
    const auto bundle = of(self);
    one.port = make_tls_wire({.self = self,
                              .listen = local(),
                              .peers = {{self, local()}, {peer, local(peer_port)}},
                              .identity = bundle},
                             counts)
                   .value();
    one.key = crypto::make_identity(bundle).value();
    one.system = std::make_unique<caf::actor_system>(one.config);
    one.links = std::make_unique<node_links>(*one.system, link_options{"c", self, {peer}},
                                             *one.port, *one.key, one.random, counts);
    one.role = one.system->spawn(echo);
    one.links->serve("partition", 1, one.role);
    ASSERT_TRUE(one.links->start());
  }

  void stop(node& one) {
    one.links->stop();
    one.port->stop();
    caf::anon_send_exit(one.role, caf::exit_reason::user_shutdown);
    one.role = nullptr;
    one.links.reset();
    one.system.reset();  // waits for every actor
  }

  shared_view view;
};

TEST_F(RealLinks, CallEachOtherAndStopAtOnce) {
  node greater, smaller;
  start(greater, "n2", "n1", 1);
  start(smaller, "n1", "n2", greater.port->port());
  ASSERT_TRUE(view.soon([&] {
    return greater.links->peers().at(0).connected && smaller.links->peers().at(0).connected;
  })) << smaller.links->peers().at(0).last_error;
  const auto remote = greater.links->at<partition_actor>("n1", "partition", 1);
  int answers = 0;
  {
    caf::scoped_actor self{*greater.system};
    for (std::uint32_t i = 1; i <= 1000; ++i) {
      v1::PartitionQuery query;
      query.set_partition(i);
      self->request(remote, 5s, query)
          .receive([&](const v1::QueryReply& reply) { answers += reply.tick() == i; },
                   [](const caf::error& error) { ADD_FAILURE() << render(error); });
    }
  }
  EXPECT_EQ(answers, 1000);
  const auto before = std::chrono::steady_clock::now();
  stop(greater);
  EXPECT_TRUE(view.soon([&] { return !smaller.links->peers().at(0).connected; }));
  stop(smaller);
  // No timer of a link may hold the actor system's end.
  EXPECT_LT(std::chrono::steady_clock::now() - before, 2s);
}

TEST_F(RealLinks, ShortTurnsAreTakenWhereANoteIsRead) {
  node greater, smaller;
  std::map<std::uint64_t, std::map<std::thread::id, int>> threads;  // by term, how often
  int seen = 0;
  start(greater, "n2", "n1", 1);
  const auto noted = [&](partition_actor::pointer) -> partition_actor::behavior_type {
    return {[](const v1::PartitionCommand&) { return v1::CommandReply{}; },
            [](const v1::PartitionQuery&) { return v1::QueryReply{}; },
            [&](const v1::RaftMessage& said) {
              view.change([&] {
                ++threads[said.term()][std::this_thread::get_id()];
                ++seen;
              });
            },
            [](const v1::GetReplicaStatus&) { return v1::ReplicaStatus{}; }};
  };
  const auto here = greater.system->spawn(noted), there = greater.system->spawn(noted);
  greater.links->serve("partition", 2, here, {here.id()});
  greater.links->serve("partition", 3, there);
  start(smaller, "n1", "n2", greater.port->port());
  ASSERT_TRUE(view.soon([&] { return smaller.links->peers().at(0).connected; }));
  const auto tell = [&](std::uint64_t term, partition_id to, std::size_t size) {
    v1::RaftMessage message;
    message.set_term(term);
    if (size > 0) message.add_entries()->set_data(std::string(size, 'x'));
    smaller.links->tell<partition_actor>("n2", "partition", to, message);
  };
  // Small ones of both roles, then one that is too large to be handled where it is read.
  for (int round = 1; round <= 25; ++round) {
    tell(1, 2, 0);
    tell(2, 3, 0);
    tell(3, 2, 0);
    ASSERT_TRUE(view.soon([&] { return seen == 3 * round; }));
  }
  tell(4, 2, 100'000);
  ASSERT_TRUE(view.soon([&] { return seen == 76; }));
  // As a rule: who has a turn elsewhere that has not quite ended, such as its first, goes on there.
  const auto here_as_a_rule = [&](std::uint64_t term) {
    const auto more = [](const auto& a, const auto& b) { return a.second < b.second; };
    return std::max_element(threads[term].begin(), threads[term].end(), more)->first;
  };
  EXPECT_EQ(here_as_a_rule(1), here_as_a_rule(3));
  EXPECT_EQ(threads[2].count(here_as_a_rule(1)), 0u);
  EXPECT_EQ(threads[4].count(here_as_a_rule(1)), 0u);
  caf::anon_send_exit(here, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(there, caf::exit_reason::user_shutdown);
  stop(greater);
  stop(smaller);
}

TEST_F(RealLinks, NothingOvertakesALargeOneThatIsReadElsewhere) {
  node greater, smaller;
  std::vector<std::uint64_t> terms;
  start(greater, "n2", "n1", 1);
  const auto noted =
      greater.system->spawn([&](partition_actor::pointer) -> partition_actor::behavior_type {
        return {[](const v1::PartitionCommand&) { return v1::CommandReply{}; },
                [](const v1::PartitionQuery&) { return v1::QueryReply{}; },
                [&](const v1::RaftMessage& said) {
                  view.change([&] { terms.push_back(said.term()); });
                },
                [](const v1::GetReplicaStatus&) { return v1::ReplicaStatus{}; }};
      });
  greater.links->serve("partition", 2, noted, {noted.id()});
  start(smaller, "n1", "n2", greater.port->port());
  ASSERT_TRUE(view.soon([&] { return smaller.links->peers().at(0).connected; }));
  constexpr std::uint64_t messages = 500;
  for (std::uint64_t term = 1; term <= messages; ++term) {
    v1::RaftMessage message;
    message.set_term(term);
    if (term % 5 == 0) message.add_entries()->set_data(std::string(40'000, 'x'));
    smaller.links->tell<partition_actor>("n2", "partition", 2, message);
  }
  ASSERT_TRUE(view.soon([&] { return terms.size() == messages; }));
  EXPECT_TRUE(std::is_sorted(terms.begin(), terms.end()));
  caf::anon_send_exit(noted, caf::exit_reason::user_shutdown);
  stop(greater);
  stop(smaller);
}

}  // namespace
}  // namespace dunlin::links
