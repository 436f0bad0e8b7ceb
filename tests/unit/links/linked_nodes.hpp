/// Nodes of one virtual cluster in one actor system: links over the simulated network, virtual
/// time.
#pragma once

#include "messages/error.hpp"
#include "messages/partition.hpp"
#include "messages/storage.hpp"
#include "runtime/crypto/random.hpp"
#include "runtime/links/links.hpp"
#include "runtime/simulation/sim_identity.hpp"
#include "runtime/simulation/sim_network.hpp"
#include "runtime/simulation/virtual_time.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <caf/all.hpp>

namespace dunlin::links {

struct testing_config : caf::actor_system_config {
  testing_config() { set("scheduler.policy", caf::atom("testing")); }
};

class LinkedNodes : public testing::Test {
protected:
  struct node {
    std::unique_ptr<metrics> figures = std::make_unique<metrics>();
    std::unique_ptr<simulation::sim_identity> identity;
    std::unique_ptr<node_links> links;
    std::vector<std::string> news;  ///< "up b 1", "lost b 1"
  };

  ~LinkedNodes() override {
    for (auto& [name, one] : nodes)
      if (one.links) one.links->stop();
    for (auto& role : roles)
      caf::anon_send_exit(role, caf::exit_reason::kill);
    time.settle();
  }

  link_options options(const node_id& name, std::uint64_t incarnation) {
    link_options made;
    made.cluster = "c";
    made.self = name;
    made.incarnation = incarnation;
    for (const auto* other : {"a", "b", "c"})
      if (name != other) made.peers.push_back(other);
    return made;
  }

  void start(const node_id& name, std::uint64_t incarnation = 1) {
    start(options(name, incarnation), "ca");
  }
  void start(const link_options& with, const std::string& authority) {
    auto& one = nodes[with.self];
    one = {};
    one.identity = std::make_unique<simulation::sim_identity>(authority, with.self);
    one.links = std::make_unique<node_links>(system, with, network.wires(with.self), *one.identity,
                                             random, *one.figures);
    one.links->on_peer([&one](const peer_event& event) {
      one.news.push_back((event.up ? "up " : "lost ") + event.node + " " +
                         std::to_string(event.incarnation));
    });
    EXPECT_TRUE(one.links->start());
  }
  void start_all() {
    for (const auto* name : {"a", "b", "c"})
      start(name);
    time.run_for(std::chrono::milliseconds(100));
  }

  /// The process dies; its actors hear nothing more.
  void crash(const node_id& name, bool silent = false) {
    network.crash(name, silent);
    nodes[name].links->stop();
    time.settle();
  }

  peer_status status(const node_id& at, const node_id& peer) {
    for (const auto& one : nodes[at].links->peers())
      if (one.node == peer) return one;
    return {};
  }
  bool connected(const node_id& at, const node_id& peer) { return status(at, peer).connected; }

  double figure(const node_id& at, const std::string& name, const node_id& peer) {
    return nodes[at].figures->counter(name, "", {{"peer", peer}}).value();
  }

  template <class Answer = v1::QueryReply, class Handle, class Request>
  std::shared_ptr<std::string> ask(const Handle& role, const Request& request) {
    auto heard = std::make_shared<std::string>();
    system.spawn([=](caf::event_based_actor* self) {
      self->request(role, std::chrono::seconds(60), request)
          .then([=](const Answer& answer) { *heard = std::to_string(answer.tick()); },
                [=](const caf::error& error) { *heard = render(error); });
    });
    time.settle();
    return heard;
  }

  testing_config config;
  simulation::event_loop loop;
  simulation::sim_network network{loop, 1};
  crypto::seeded_random random{1};
  std::map<node_id, node> nodes;
  caf::actor_system system{config};
  simulation::virtual_time time{system, loop};
  std::vector<caf::actor> roles;
};

}  // namespace dunlin::links
