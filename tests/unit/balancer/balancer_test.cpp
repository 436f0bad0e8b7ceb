#include "actors/balancer/balancer.hpp"

#include "messages/error.hpp"
#include "runtime/crypto/random.hpp"
#include "runtime/proxy/proxy_header.hpp"
#include "tests/support/virtual_system.hpp"
#include "tests/unit/proxy/line_fixture.hpp"

#include <caf/scoped_actor.hpp>

#include <deque>

namespace dunlin {
namespace {

using namespace std::chrono_literals;
using proxy::answer;
using proxy::get;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

/// An access node's admission as a test wants it.
struct desk {
  std::deque<v1::OfferReply> replies;  ///< those that come next; then acceptance
  std::vector<v1::OfferConnection> asked;
  std::uint64_t connections = 0;
  bool mute = false;
};

struct desk_state {
  desk* at = nullptr;
  std::vector<caf::typed_response_promise<v1::OfferReply>> unanswered;
};

admission_actor::behavior_type admission(admission_actor::stateful_pointer<desk_state> self,
                                         desk* at) {
  self->state.at = at;
  return {
      [self](const v1::OfferConnection& wish) -> caf::result<v1::OfferReply> {
        auto& desk = *self->state.at;
        desk.asked.push_back(wish);
        if (desk.mute) {
          self->state.unanswered.push_back(self->make_response_promise<v1::OfferReply>());
          return self->state.unanswered.back();
        }
        v1::OfferReply reply;
        reply.set_accepted(true);
        if (!desk.replies.empty()) {
          reply = desk.replies.front();
          desk.replies.pop_front();
        }
        reply.set_connection(++desk.connections);
        reply.set_token(std::string(16, 't'));
        return reply;
      },
      [](const v1::PeerIndicators&) {},
      [](const v1::GetAdmissionStatus&) { return v1::AdmissionStatus{}; },
  };
}

class Balancer : public proxy::line_fixture {
protected:
  Balancer() {
    for (const auto* node : {"x", "y"}) {
      desks[node];
      admissions[node] = virtual_time.system.spawn(admission, &desks[node]);
    }
    // The fixture's own events are replaced by the actor's.
    options.node = "p";
    options.access_nodes = {{"x", {"x", 9}, "east"}, {"y", {"y", 9}, "west"}};
    options.settings.choose.by_attempt = {balance::pick::round_robin};
    options.lines = std::shared_ptr<proxy::line_listener>(std::move(lines));
    options.find = [this](const node_id& node) {
      const auto found = admissions.find(node);
      return found == admissions.end() ? admission_actor{} : found->second;
    };
    options.client_key = "secret";
    options.random = &random;
    options.counts = &counts;
  }
  ~Balancer() override {
    caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
    for (const auto& [node, one] : admissions)
      caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
    virtual_time.run();
  }
  void start() {
    actor = spawn_balancer(virtual_time.system, options);
    virtual_time.run();
  }
  void go(std::chrono::milliseconds span) {
    for (auto done = 0ms; done < span; done += 1ms) {
      loop.run_until(loop.now() + 1ms);
      virtual_time.advance(1ms, 1ms);
    }
  }
  proxy::talker_ptr client(const std::string& says, const node_id& who = "c") {
    const auto made = call(who);
    made->say(says);
    go(100ms);
    return made;
  }
  template <class Reply, class Message>
  std::optional<result<Reply>> ask(const Message& message, std::chrono::milliseconds span = 200ms) {
    std::optional<result<Reply>> came;
    caf::scoped_actor self{virtual_time.system};
    const auto asked = self->spawn([&came, message, to = actor](caf::event_based_actor* me) {
      me->request(to, 60s, message)
          .then([&came](const Reply& reply) { came = reply; },
                [&came](const caf::error& why) { came = code_of(why); });
    });
    go(span);
    return came;
  }
  v1::BalancerStatus status() {
    return ask<v1::BalancerStatus>(v1::GetBalancerStatus{}, 5ms).value().value();
  }
  double figure(const std::string& name) { return counts.counter(name, "").value(); }
  proxy::parsed leg_header(const node_id& node) { return proxy::parse(legs.at(node)->heard); }
  std::string leg_says(const node_id& node) {
    return legs.at(node)->heard.substr(leg_header(node).size);
  }

  support::virtual_system virtual_time;
  crypto::seeded_random random{5};
  metrics counts;
  std::map<node_id, desk> desks;
  std::map<node_id, admission_actor> admissions;
  balancer_options options;
  balancer_shell actor;
};

v1::OfferReply refusal(v1::OfferReply::Reason why = v1::OfferReply::OVER_THRESHOLD) {
  v1::OfferReply reply;
  reply.set_reason(why);
  return reply;
}

TEST_F(Balancer, AClientThatComesBeforeTheActorsFirstTurnIsPlacedToo_B1) {
  actor = spawn_balancer(virtual_time.system, options);
  const auto one = call("c");
  one->say(get);
  loop.run_until(loop.now() + 20ms);
  virtual_time.run();
  go(100ms);
  EXPECT_THAT(desks["x"].asked, SizeIs(1));
  EXPECT_EQ(leg_says("x"), get);
}

TEST_F(Balancer, PlacesAClientWithItsAddressAndItsToken_B1_B7_C1_C2_C3) {
  streams.set_address("c", "192.0.2.9");
  start();
  const auto one = client(get);
  ASSERT_THAT(desks["x"].asked, SizeIs(1));
  const auto& asked = desks["x"].asked[0];
  EXPECT_EQ(asked.balancer(), "p");
  EXPECT_EQ(asked.attempt(), 1u);
  EXPECT_EQ(asked.client().size(), 8u);
  const auto header = leg_header("x");
  ASSERT_EQ(header.is, proxy::parsed::state::whole);
  EXPECT_THAT(header.what.source, testing::StartsWith("192.0.2.9:"));
  EXPECT_EQ(header.what.token, std::string(16, 't'));
  EXPECT_EQ(header.what.connection, 1u);
  EXPECT_EQ(leg_says("x"), get);
  legs["x"]->say(answer("hello"));
  go(50ms);
  EXPECT_EQ(one->heard, answer("hello"));
}

TEST_F(Balancer, GoesOnToTheNextWithTheAttemptRaised_B5_C4) {
  start();
  desks["x"].replies = {refusal()};
  client(get);
  ASSERT_THAT(desks["y"].asked, SizeIs(1));
  EXPECT_EQ(desks["y"].asked[0].attempt(), 2u);
  EXPECT_EQ(leg_says("y"), get);
  EXPECT_THAT(status().attempts(), ElementsAre(0u, 1u));
}

TEST_F(Balancer, TellsTheClientWhenNobodyTakesItAndWarns_B5_C4_C7) {
  start();
  for (auto& [node, desk] : desks)
    desk.replies.assign(9, refusal(v1::OfferReply::FULL));
  const auto one = client(get);
  EXPECT_THAT(one->heard, HasSubstr("HTTP/1.1 503 "));
  EXPECT_THAT(one->heard, HasSubstr("Retry-After: 2"));
  go(2s);
  EXPECT_EQ(status().failed(), 1u);
  EXPECT_TRUE(status().more_access_nodes_needed());
  EXPECT_EQ(figure("dunlin_balancer_failed_total"), 1);
  EXPECT_EQ(counts.gauge("dunlin_balancer_more_access_nodes_needed", "").value(), 1);
}

TEST_F(Balancer, AnAccessNodeWithoutALinkOrAnAnswerIsPassedOver) {
  admissions.erase("x");
  start();
  client(get);
  ASSERT_THAT(desks["y"].asked, SizeIs(1));
  EXPECT_EQ(desks["y"].asked[0].attempt(), 1u);
  admissions["x"] = virtual_time.system.spawn(admission, &desks["x"]);
  desks["x"].mute = true;
  go(1s);
  client(get, "c2");
  go(1500ms);
  EXPECT_THAT(desks["x"].asked, SizeIs(1));
  EXPECT_THAT(desks["y"].asked, SizeIs(2));
}

TEST_F(Balancer, WaitsForALinkToComeUp_B5_B13) {
  const auto kept = std::exchange(admissions, {});
  start();
  const auto one = client(get);
  go(150ms);
  EXPECT_EQ(one->heard, "");
  admissions = kept;
  caf::anon_send(actor, balancer_link_up{"y"});
  go(20ms);
  EXPECT_EQ(leg_says("y"), get);
  EXPECT_EQ(status().failed(), 0u);
}

TEST_F(Balancer, ANewAccessNodeAndNewSettingsAreUsedWithoutARestart_B13) {
  options.access_nodes.pop_back();
  start();
  client(get);
  auto all = options.access_nodes;
  all.push_back({"y", {"y", 9}, "west"});
  caf::anon_send(actor, balancer_places{all});
  virtual_time.run();
  client(get, "c2");
  EXPECT_THAT(desks["y"].asked, SizeIs(1));
  auto settings = options.settings;
  settings.accept.steps.clear();
  caf::anon_send(actor, balancer_settings{settings, 7});
  virtual_time.run();
  client(get, "c3");
  EXPECT_TRUE(desks["x"].asked.back().last_resort() || desks["y"].asked.back().last_resort());
  EXPECT_EQ(status().balance_version(), 7u);
  settings.accept.steps = options.settings.accept.steps;
  caf::anon_send(actor, balancer_settings{settings, 6});  // older
  virtual_time.run();
  EXPECT_EQ(status().balance_version(), 7u);
}

TEST_F(Balancer, MovesAConnectionWithoutTheClientNoticing_B11_R11) {
  start();
  const auto one = client(get);
  legs["x"]->say(answer("1"));
  v1::OfferMove wish;
  wish.set_access_node("x");
  wish.set_connection(1);
  wish.set_demand(0.02);
  const auto ready = ask<v1::MoveReady>(wish);
  ASSERT_TRUE(ready && *ready);
  EXPECT_TRUE((*ready)->ready());
  EXPECT_EQ((*ready)->forwarded(), get.size());
  ASSERT_THAT(desks["y"].asked, SizeIs(1));
  EXPECT_TRUE(desks["y"].asked[0].moved());
  EXPECT_EQ(desks["y"].asked[0].demand(), 0.02);
  EXPECT_EQ(desks["y"].asked[0].client(), desks["x"].asked[0].client());
  one->say(get);
  legs["x"]->stream->shutdown_send();
  v1::HandOver over;
  over.set_access_node("x");
  over.set_connection(1);
  const auto taken = ask<v1::HandOverReply>(over);
  ASSERT_TRUE(taken && *taken);
  EXPECT_EQ(leg_says("y"), get);
  legs["y"]->say(answer("2"));
  go(50ms);
  EXPECT_EQ(one->heard, answer("1") + answer("2"));
  EXPECT_EQ(status().moves(), 1u);
  // Said again, it is too late for it.
  const auto again = ask<v1::HandOverReply>(over);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->error(), ec::stale);
}

TEST_F(Balancer, AsksAGetAgainWhenItsAccessNodeDies_R11) {
  start();
  const auto one = client(get);
  network.crash("x");
  go(200ms);
  ASSERT_THAT(desks["y"].asked, SizeIs(1));
  EXPECT_EQ(leg_says("y"), get);
  legs["y"]->say(answer("again"));
  go(50ms);
  EXPECT_EQ(one->heard, answer("again"));
  EXPECT_EQ(status().replays(), 1u);
}

TEST_F(Balancer, KnowsWhichLinesAreWhereAndForgetsThoseThatEnd) {
  start();
  const auto one = client(get);
  const auto two = client(get, "c2");
  auto said = status();
  EXPECT_EQ(said.lines(), 2u);
  ASSERT_EQ(said.picks_size(), 2);
  EXPECT_EQ(said.picks(0).lines(), 1u);
  EXPECT_EQ(said.picks(1).lines(), 1u);
  one->stream->close();
  go(20ms);
  legs["x"]->stream->close();
  go(100ms);
  EXPECT_EQ(status().lines(), 1u);
  EXPECT_EQ(status().picks(0).lines(), 0u);
}

TEST_F(Balancer, ClosesIdleLines) {
  options.settings.choose.idle_timeout = 5s;
  start();
  const auto one = client(get);
  go(4s);
  EXPECT_FALSE(one->ended);
  go(3s);
  EXPECT_TRUE(one->ended);
}

// A client that was closed comes back with another port, one that is moved does not.
TEST_F(Balancer, KnowsAClientByItsConnectionOrWhereNothingIsMovedByItsAddress_B10) {
  start();
  client(get);
  client(get);
  EXPECT_NE(desks["x"].asked[0].client(), desks["y"].asked[0].client());
  options.settings.rebalance.rehome = false;
  caf::anon_send(actor, balancer_settings{options.settings, 1});
  client(get);
  client(get);
  EXPECT_EQ(desks["x"].asked[1].client(), desks["y"].asked[1].client());
}

}  // namespace
}  // namespace dunlin
