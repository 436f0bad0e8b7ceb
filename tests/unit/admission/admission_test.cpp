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

using namespace dunlin;
using namespace std::chrono_literals;

namespace {

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

balancer_actor::behavior_type fake_balancer(balancer_actor::pointer, balancer_script* of) {
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

}  // namespace

TEST_F(Admission, B2TakesWhatIsBelowTheThresholdAndTellsWhyNot) {
  options.settings.load.latest_weight = 1;
  start();
  const auto first = offer();
  EXPECT_TRUE(first.accepted());
  EXPECT_EQ(first.token().size(), 16u);
  EXPECT_EQ(legs->redeem(first.token()), first.connection());
  set_cpu(0.9);
  const auto second = offer();
  EXPECT_FALSE(second.accepted());
  EXPECT_EQ(second.reason(), v1::OfferReply::OVER_THRESHOLD);
  EXPECT_TRUE(second.token().empty());
  EXPECT_TRUE(offer(3, true).accepted());
  set_cpu(1.5);
  set_cpu(1.5);
  EXPECT_EQ(offer(3, true).reason(), v1::OfferReply::OVER_CAP);
  const auto now = status();
  EXPECT_EQ(now.accepted(), 2u);
  EXPECT_EQ(now.refused(), 2u);
  EXPECT_EQ(now.last_resorts(), 1u);
  EXPECT_EQ(now.attempts_size(), 2);
}

TEST_F(Admission, L7AbsurdAttemptsAreCounted) {
  start();
  offer(4'000'000'000u);
  EXPECT_EQ(status().absurd_attempts(), 1u);
}

TEST_F(Admission, ABurstIsSpreadBecauseAcceptedConnectionsCountAtOnce) {
  options.legs_max = 1000;
  start();
  v1::PeerIndicators said;
  hear_peer("n2", 0.5);
  int taken = 0;
  for (int i = 0; i < 100; ++i)
    taken += offer().accepted();
  EXPECT_GT(taken, 2);
  EXPECT_LT(taken, 100);
}

TEST_F(Admission, FullIsFull) {
  start();
  for (int i = 0; i < 8; ++i)
    connect();
  EXPECT_EQ(offer(1, true).reason(), v1::OfferReply::FULL);
  end(open[0].first);
  EXPECT_TRUE(offer(1, true).accepted());
}

TEST_F(Admission, B3ThoseWhoComeStraightTakePlacesUnlessTheyRest) {
  const auto direct = std::make_shared<http::client_traffic>();
  options.direct = direct;
  start();
  for (int i = 0; i < 3; ++i)
    connect();
  direct->open = 5;
  EXPECT_EQ(offer(1, true).reason(), v1::OfferReply::FULL);  // the entry would not let it in
  EXPECT_FALSE(status().own().willing());
  direct->resting = 1;  // it would give way
  EXPECT_TRUE(offer(1, true).accepted());
  EXPECT_EQ(offer(1, true).reason(), v1::OfferReply::FULL);
}

TEST_F(Admission, ConnectionsThatComeAndGoBetweenSamplesLeaveNoLoad) {
  options.legs_max = 1000;
  start();
  set_cpu(0.2);
  world.advance(300s, 5s);
  for (int i = 0; i < 300; ++i) {
    end(connect());
    open.clear();
    world.advance(100ms, 100ms);
  }
  EXPECT_NEAR(status().own().level(), 0.2 / 0.95, 0.001);
}

TEST_F(Admission, NobodyUsesMoreThanTwiceTheNodeWhateverIsClaimed) {
  options.settings.load.declared = true;
  start();
  v1::OfferConnection made;
  made.set_balancer("b1");
  made.set_attempt(1);
  made.set_moved(true);
  made.set_demand(std::numeric_limits<double>::infinity());
  const auto reply = call<v1::OfferReply>(made);
  const auto connection = *legs->redeem(reply.token());
  const auto leg = std::make_shared<support::fake_leg>();
  legs->opened(connection, leg, "192.0.2.1:1");
  set_cpu(0.1);
  leg->now.declared += 1;
  set_cpu(0.1);
  leg->now.declared += 1e300;
  set_cpu(0.1);
  set_cpu(0.1);
  EXPECT_LE(status().legs(0).demand(), 2);
  end(connection);
  set_cpu(0.1);
  EXPECT_GE(status().own().level(), 0.05);
  EXPECT_TRUE(std::isfinite(status().own().level()));
}

TEST_F(Admission, TokensThatNobodyRedeemsExpireAndTheirCreditIsTakenBack) {
  start();
  const auto before = status().own().level();
  const auto reply = offer();
  EXPECT_GT(status().own().level(), before);
  EXPECT_EQ(legs->taken(), 1u);
  world.advance(6s, 100ms);
  offer(1, false);
  EXPECT_FALSE(legs->redeem(reply.token()));
  EXPECT_EQ(status().strangers(), 1u);
  EXPECT_EQ(legs->taken(), 1u);
}

TEST_F(Admission, B8TellsPeersItsLevelAndAnswersWithWhatItKnows) {
  options.settings.load.latest_weight = 1;
  start();
  ASSERT_EQ(told.size(), 2u);  // at once
  told.clear();
  set_cpu(0.38);
  world.advance(25s, 100ms);
  EXPECT_GE(told.size(), 4u);
  EXPECT_NEAR(told.back().second.own().level(), 0.4, 1e-9);
  EXPECT_GT(told.back().second.sequence(), 2u);
  hear_peer("n3", 0.3);
  hear_peer("mallory", 0);
  world.advance(1s);
  const auto digest = offer().digest();
  ASSERT_EQ(digest.size(), 2);
  EXPECT_EQ(digest[0].node(), "n1");
  EXPECT_EQ(digest[1].node(), "n3");
  EXPECT_EQ(digest[1].age_ms(), 1000u);
}

TEST_F(Admission, B13SettingsPeersAndVersionsChangeWhileItRuns) {
  start();
  hear_peer("n2", 0.3, true, 5);
  EXPECT_EQ(later_settings, 5u);
  told.clear();
  caf::anon_send(shell, use_balance_settings{balance::patent_settings(), 5});
  caf::anon_send(shell, use_access_peers{{"n4"}});
  world.run();
  EXPECT_EQ(status().mode(), "patent");
  EXPECT_EQ(status().balance_version(), 5u);
  EXPECT_EQ(status().limits_size(), 5);
  ASSERT_FALSE(told.empty());
  EXPECT_EQ(told.back().first, "n4");
  EXPECT_EQ(told.back().second.balance_version(), 5u);
  EXPECT_EQ(status().peers_size(), 0);
}

TEST_F(Admission, B9B11GivesAConnectionAwayAndRefusesItForAWhile) {
  const auto connection = overload();
  ASSERT_EQ(script.offered.size(), 1u);
  EXPECT_EQ(script.offered[0].connection(), connection);
  EXPECT_NEAR(script.offered[0].demand(), 0.2, 0.02);
  auto& leg = *open[0].second;
  EXPECT_EQ(leg.asked, 77u);
  ASSERT_EQ(script.handed.size(), 1u);
  EXPECT_FALSE(script.handed[0].declined());
  end(connection);
  set_cpu(0);
  set_cpu(0);
  EXPECT_EQ(status().moved_away(), 1u);
  EXPECT_FALSE(leg.closed);
  // R9: neither the line nor, anew, the client.
  EXPECT_EQ(offer(1, false, {}, 1).reason(), v1::OfferReply::COOLING);
  EXPECT_EQ(offer(1, false, "client-1").reason(), v1::OfferReply::COOLING);
  EXPECT_TRUE(offer(1, false, "client-2").accepted());
  world.advance(120s, 1s);
  EXPECT_TRUE(offer(1, false, "client-1").accepted());
}

TEST_F(Admission, R9AnAddressOfManySaysNothingAboutOneOfThem) {
  const auto connection = overload();
  connect("client-1");  // the last resort takes it
  end(connection);
  set_cpu(0);
  set_cpu(0);
  EXPECT_TRUE(offer(1, false, "client-1").accepted());
  EXPECT_EQ(offer(1, false, {}, 1).reason(), v1::OfferReply::COOLING);
}

TEST_F(Admission, R3NobodyTakesItNothingChangesAndNoStormFollows) {
  script.ready = false;
  overload();
  EXPECT_EQ(script.offered.size(), 1u);
  EXPECT_EQ(status().declined(), 1u);
  EXPECT_FALSE(open[0].second->asked);
  world.advance(20s, 100ms);  // no word of the peers since
  EXPECT_EQ(script.offered.size(), 1u);
}

TEST_F(Admission, R3ABalancerThatCannotMoveItSaysNothingAboutThePeers) {
  script.ready = false;
  script.why = v1::MoveReady::OTHER;
  overload();
  EXPECT_EQ(script.offered.size(), 1u);
  world.advance(25s, 100ms);
  EXPECT_EQ(script.offered.size(), 2u);  // after a while, by what the peers have said
}

TEST_F(Admission, ALegThatCannotStopStaysAndTheBalancerIsTold) {
  overload();
  // overload() has moved it already; the second time its leg is in the middle of a request.
  const auto second = connect();
  open.back().second->unread = ec::refused;
  auto& leg = *open.back().second;
  for (int i = 0; i < 4; ++i) {
    leg.now.declared += 5 * 20;
    hear_peer("n2", 0.1);
    hear_peer("n3", 0.1);
    set_cpu(0.5);
  }
  ASSERT_GE(script.handed.size(), 2u);
  EXPECT_EQ(script.handed[1].connection(), second);
  EXPECT_TRUE(script.handed[1].declined());
  EXPECT_GE(status().declined(), 1u);
  EXPECT_FALSE(leg.closed);
}

TEST_F(Admission, ALostHandOverClosesTheLegSoThatTheBalancerFindsAnother) {
  script.lose_hand_over = true;
  overload();
  EXPECT_TRUE(open[0].second->closed);
}

TEST_F(Admission, R8WithoutRehomingItIsClosedAfterAnAnswer) {
  options.settings.rebalance.rehome = false;
  overload();
  EXPECT_TRUE(script.offered.empty());
  EXPECT_TRUE(open[0].second->asked);
  EXPECT_TRUE(script.handed.empty());
  EXPECT_EQ(status().moved_away(), 1u);
}

TEST_F(Admission, R10HeavyLegsAreThrottledWhileThereIsNoRoomElsewhere) {
  options.settings.rebalance.throttle = 0.5;
  options.settings.rebalance.peers_below = 1;
  options.settings.load.declared = true;
  options.settings.load.latest_weight = 1;
  start();
  for (int i = 0; i < 4; ++i)
    connect();
  for (int i = 0; i < 3; ++i) {
    open[0].second->now.declared += 500;
    hear_peer("n2", 0.1);
    hear_peer("n3", 0.9);
    set_cpu(0.9);
  }
  EXPECT_EQ(open[0].second->throttled, 0.5);
  options.settings.rebalance.throttle = 0.25;
  caf::anon_send(shell, use_balance_settings{options.settings, 1});
  open[0].second->now.declared += 500;
  hear_peer("n2", 0.1);
  set_cpu(0.9);
  EXPECT_EQ(open[0].second->throttled, 0.25);
  EXPECT_EQ(open[1].second->throttled, 0);
  set_cpu(0);
  EXPECT_EQ(open[0].second->throttled, 0);
}

TEST_F(Admission, ADrainingNodeHandsAllOverAndSaysWhenItIsEmpty) {
  options.drains_at_once = 2;
  start();
  for (int i = 0; i < 5; ++i) {
    connect();
    open.back().second->slow = true;
  }
  legs_drained heard{99};
  world.system.spawn([&](caf::event_based_actor* self) {
    self->request(shell, caf::infinite, drain_legs{30s}).then([&](const legs_drained& said) {
      heard = said;
    });
  });
  world.run();
  world.advance(1s);
  EXPECT_EQ(script.offered.size(), 2u);  // so many at once
  EXPECT_EQ(script.offered[0].reason(), v1::OfferMove::DRAIN);
  EXPECT_EQ(offer(1, true).reason(), v1::OfferReply::DRAINING);
  EXPECT_FALSE(told.back().second.own().willing());
  for (auto& [connection, leg] : open) {
    leg->finish();
    world.run();
    end(connection);
    world.advance(1s);
  }
  EXPECT_EQ(script.handed.size(), 5u);
  EXPECT_EQ(heard.left, 0u);
}

TEST_F(Admission, ADrainOfManyLegsTakesNoLongerThanTheyDo) {
  options.drains_at_once = 2;
  options.legs_max = 100;
  start();
  for (int i = 0; i < 60; ++i)
    connect();
  open[0].second->now.in_request = true;
  world.system.spawn([&](caf::event_based_actor* self) {
    self->request(shell, caf::infinite, drain_legs{5s}).then([](const legs_drained&) {});
  });
  world.advance(1s, 10ms);
  EXPECT_EQ(script.handed.size(), 60u);
  EXPECT_EQ(script.offered.back().connection(), open[0].first);  // the busy one last
}

TEST_F(Admission, ADrainEndsAtItsDeadlineWhateverIsLeft) {
  start();
  connect();
  script.ready = false;
  legs_drained heard{99};
  world.system.spawn([&](caf::event_based_actor* self) {
    self->request(shell, caf::infinite, drain_legs{10s}).then([&](const legs_drained& said) {
      heard = said;
    });
  });
  world.advance(9s);
  EXPECT_EQ(heard.left, 99u);
  EXPECT_GE(script.offered.size(), 5u);  // it goes on trying
  EXPECT_LE(script.offered.size(), 12u);
  world.advance(2s);
  EXPECT_EQ(heard.left, 1u);
}

TEST_F(Admission, AfterARestartItSpeaksAsANewLifeAndFindsItsLegs) {
  options.incarnation = 1;
  start();
  connect();
  caf::anon_send_exit(shell, caf::exit_reason::user_shutdown);
  world.run();
  options.incarnation = 2;
  told.clear();
  start();
  EXPECT_EQ(told.back().second.own().incarnation(), 2u);
  EXPECT_EQ(told.back().second.own().connections(), 1u);
  // What its legs do is not known before the second sample.
  EXPECT_EQ(offer().reason(), v1::OfferReply::STARTING);
  EXPECT_FALSE(status().own().willing());
  world.advance(5s, 100ms);
  EXPECT_GT(offer().connection(), open[0].first);
}

TEST_F(Admission, B13ASettingsChangeTakesNoSampleOfAMoment) {
  start();
  world.advance(1s, 100ms);
  const auto samples = load->samples;
  told.clear();
  options.settings.load.sample_interval = 3s;
  caf::anon_send(shell, use_balance_settings{options.settings, 5});
  world.run();
  EXPECT_EQ(load->samples, samples);
  world.advance(2900ms, 100ms);
  EXPECT_EQ(load->samples, samples);
  world.advance(200ms, 100ms);
  EXPECT_EQ(load->samples, samples + 1);  // sooner than by the former interval
}

TEST_F(Admission, B14ShowsItsHeaviestConnections) {
  options.settings.load.declared = true;
  start();
  connect();
  connect();
  EXPECT_TRUE(legs->honours_declared_load());
  open[1].second->now = {10, 100, 1000, 1, 0, false};
  set_cpu(0.1);
  open[1].second->now = {20, 200, 2000, 1, 500, false};
  set_cpu(0.1);
  const auto legs_shown = status().legs();
  ASSERT_EQ(legs_shown.size(), 2);
  EXPECT_EQ(legs_shown[0].connection(), open[1].first);
  EXPECT_EQ(legs_shown[0].requests(), 20u);
  EXPECT_EQ(legs_shown[0].bytes_out(), 2000u);
  EXPECT_EQ(legs_shown[0].drops(), 1u);
  EXPECT_EQ(legs_shown[0].age_ms(), 10'000u);
  EXPECT_GT(legs_shown[0].demand(), legs_shown[1].demand());
}

TEST_F(Admission, X4RecordsEveryDecisionWithItsInputs) {
  start();
  const auto connection = connect();
  set_cpu(0.9);
  offer();
  end(connection);
  set_cpu(0.9);
  int settings = 0, loads = 0, legs_ended = 0;
  std::vector<v1::OfferRecord> offers;
  for (const auto& one : recorder->all) {
    EXPECT_EQ(one.node(), "n1");
    settings += one.has_settings();
    loads += one.has_load();
    legs_ended += one.has_leg() && one.leg().ended();
    if (one.has_offer()) offers.push_back(one.offer());
  }
  EXPECT_EQ(settings, 1);
  EXPECT_EQ(loads, 3);
  EXPECT_EQ(legs_ended, 1);
  ASSERT_EQ(offers.size(), 2u);
  EXPECT_TRUE(offers[0].accepted());
  EXPECT_EQ(offers[0].connection(), connection);
  EXPECT_FALSE(offers[1].accepted());
  EXPECT_EQ(offers[1].resources_size(), 1);
}
