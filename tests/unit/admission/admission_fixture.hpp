/// An admission actor, and the test as its balancers, peers, resources and clients.
#pragma once

#include "actors/admission/admission.hpp"

#include "messages/error.hpp"
#include "runtime/crypto/random.hpp"
#include "runtime/topology/balance_change.hpp"
#include "tests/support/fake_leg.hpp"
#include "tests/support/virtual_system.hpp"

#include <gtest/gtest.h>

#include <caf/all.hpp>
#include <cmath>
#include <limits>

namespace dunlin::tests {

using namespace std::chrono_literals;

/// Says what the test says.
struct fake_load final : load_source {
  int samples = 0;
  std::vector<balance::resource_sample> now{{balance::resource::cpu, 0, 1}};
  std::vector<balance::resource_sample> sample(std::chrono::milliseconds, const leg_table::totals&,
                                               const balance::load&) override {
    ++samples;
    return now;
  }
};

struct fake_recorder final : balance_recorder {
  std::vector<v1::BalanceRecord> all;
  void record(const v1::BalanceRecord& what) override { all.push_back(what); }
};

struct fake_wall final : wall_clock {
  std::int64_t now_ms() const override { return 1'700'000'000'000; }
};

struct balancer_script {
  std::vector<v1::OfferMove> offered;
  std::vector<v1::HandOver> handed;
  bool ready = true;
  v1::MoveReady::Reason why = v1::MoveReady::ALL_REFUSED;
  bool lose_hand_over = false;
};

inline balancer_actor::behavior_type fake_balancer(balancer_actor::pointer, balancer_script* of) {
  return {
      [of](const v1::OfferMove& offer) {
        of->offered.push_back(offer);
        v1::MoveReady ready;
        ready.set_ready(of->ready);
        if (!of->ready) ready.set_reason(of->why);
        ready.set_forwarded(77);
        return ready;
      },
      [of](const v1::HandOver& over) -> caf::result<v1::HandOverReply> {
        of->handed.push_back(over);
        if (of->lose_hand_over) return make_error(ec::peer_lost);
        return v1::HandOverReply{};
      },
      [](const v1::GetBalancerStatus&) { return v1::BalancerStatus{}; },
  };
}

struct Admission : testing::Test {
  support::virtual_system world;
  std::shared_ptr<fake_load> load = std::make_shared<fake_load>();
  std::shared_ptr<leg_table> legs = std::make_shared<leg_table>();
  std::shared_ptr<fake_recorder> recorder = std::make_shared<fake_recorder>();
  crypto::seeded_random random{4711};
  fake_wall wall;
  metrics figures;
  balancer_script script;
  balancer_actor balancer = world.system.spawn(fake_balancer, &script);
  std::vector<std::pair<node_id, v1::PeerIndicators>> told;
  std::uint64_t later_settings = 0;
  admission_options options;
  admission_shell shell;
  std::uint64_t lines = 0;
  std::vector<std::pair<std::uint64_t, std::shared_ptr<support::fake_leg>>> open;

  Admission() {
    options.self = "n1";
    options.peers = {"n2", "n3"};
    options.load = load;
    options.legs = legs;
    options.recorder = recorder;
    options.random = &random;
    options.wall = &wall;
    options.metrics = &figures;
    options.tell_peer = [this](const node_id& peer, const v1::PeerIndicators& said) {
      told.emplace_back(peer, said);
    };
    options.find_balancer = [this](const node_id& name) {
      return name == "b1" ? balancer : balancer_actor{};
    };
    options.on_later_settings = [this](std::uint64_t version) { later_settings = version; };
    options.legs_max = 8;
  }

  void start() {
    shell = spawn_admission(world.system, options);
    world.run();
  }
  ~Admission() override {
    caf::anon_send_exit(shell, caf::exit_reason::user_shutdown);
    world.run();
  }

  template <class Reply, class Request>
  Reply call(const Request& request) {
    Reply heard;
    world.system.spawn([&](caf::event_based_actor* self) {
      self->request(shell, caf::infinite, request).then([&](const Reply& said) { heard = said; });
    });
    world.run();
    return heard;
  }
  v1::OfferReply offer(std::uint32_t attempt = 1, bool last_resort = false,
                       const std::string& client = {}, std::uint64_t line = 0) {
    v1::OfferConnection made;
    made.set_balancer("b1");
    made.set_line(line ? line : ++lines);
    made.set_attempt(attempt);
    made.set_last_resort(last_resort);
    made.set_client(client);
    return call<v1::OfferReply>(made);
  }
  /// A client that has come, and whose leg is open.
  std::uint64_t connect(const std::string& client = {}) {
    const auto reply = offer(1, true, client);
    EXPECT_TRUE(reply.accepted());
    const auto connection = *legs->redeem(reply.token());
    open.emplace_back(connection, std::make_shared<support::fake_leg>());
    legs->opened(connection, open.back().second, "192.0.2.1:1");
    return connection;
  }
  void end(std::uint64_t connection) { legs->closed(connection, {}); }
  void hear_peer(const char* node, double level, bool willing = true, std::uint64_t version = 0) {
    v1::PeerIndicators said;
    said.mutable_own()->set_node(node);
    said.mutable_own()->set_incarnation(1);
    said.mutable_own()->set_level(level);
    said.mutable_own()->set_capacity(0.95);
    said.mutable_own()->set_connections(10);
    said.mutable_own()->set_willing(willing);
    said.set_sequence(++sequence);
    said.set_balance_version(version);
    caf::anon_send(shell, said);
    world.run();
  }
  v1::AdmissionStatus status() { return call<v1::AdmissionStatus>(v1::GetAdmissionStatus{}); }
  void set_cpu(double part) {
    load->now = {{balance::resource::cpu, part, 1}};
    world.advance(5s, 100ms);
  }
  /// Much too busy, beside two idle peers, with one connection whose demand fits.
  std::uint64_t overload() {
    options.settings.load.declared = true;
    options.settings.load.latest_weight = 1;
    options.settings.rebalance.age_min = 0ms;
    start();
    const auto connection = connect("client-1");
    auto& leg = *open.back().second;
    for (int i = 0; i < 20; ++i) {
      leg.now.declared += 5 * 20;
      world.advance(5s, 100ms);
    }
    hear_peer("n2", 0.1);
    hear_peer("n3", 0.1);
    leg.now.declared += 5 * 20;
    set_cpu(0.5);
    return connection;
  }
  std::uint64_t sequence = 0;
};

}  // namespace dunlin::tests
