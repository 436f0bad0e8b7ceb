#include "runtime/links/link_core.hpp"

#include "runtime/crypto/random.hpp"
#include "runtime/simulation/sim_identity.hpp"
#include "tests/support/effects.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace dunlin;
using namespace dunlin::links;
using namespace std::chrono_literals;
using core = link_core;
using support::only;

namespace {

template <class Effect>
bool has(const core::effects& all) {
  return !only<Effect>(all).empty();
}

/// "a" dials "b"; both ends are here, and the test carries their words.
class LinkCore : public testing::Test {
protected:
  static link_options named(const node_id& self, std::uint64_t incarnation = 1) {
    link_options options;
    options.cluster = "c";
    options.self = self;
    options.incarnation = incarnation;
    return options;
  }

  static constexpr core::wire_id at_a = 1, at_b = 2;

  greeting hello_of_a() {
    const auto dialed = only<core::dial>(a.start(now));
    return only<core::send_hello>(a.on_dialed(now, dialed.at(0).attempt, at_a, "")).at(0).words;
  }

  void connect() {
    const auto theirs = b.on_greeted(now, at_b, "", hello_of_a());
    a.on_hello(now, at_a, only<core::send_hello>(theirs).at(0).words);
    const auto mine = a.on_proof(now, at_a, only<core::send_proof>(theirs).at(0).signature);
    EXPECT_TRUE(has<core::up>(mine));
    EXPECT_TRUE(has<core::up>(b.on_proof(now, at_b, only<core::send_proof>(mine).at(0).signature)));
  }

  simulation::sim_identity key_a{"ca", "a"}, key_b{"ca", "b"};
  crypto::seeded_random random{1};
  core a{named("a"), "b", key_a, random};
  core b{named("b"), "a", key_b, random};
  core::time now{1000};
};

TEST_F(LinkCore, DialsFromTheSmallerNameOnly) {
  EXPECT_TRUE(has<core::dial>(a.start(now)));
  EXPECT_TRUE(b.start(now).empty());
  now += 60s;
  EXPECT_FALSE(has<core::dial>(b.on_tick(now)));
}

TEST_F(LinkCore, IsUpWhenBothHaveProvedThemselves) {
  connect();
  EXPECT_EQ(a.live(), at_a);
  EXPECT_EQ(b.live(), at_b);
  EXPECT_EQ(a.incarnation(), 1u);
}

TEST_F(LinkCore, RefusesADialFromTheGreaterName) {
  const auto out = a.on_greeted(now, 9, "", {"c", "b", 1, 1, 1, std::string(32, 'n'), ""});
  EXPECT_EQ(only<core::refused>(out).at(0).reason, ec::refused);
}

struct lie {
  std::string name;
  std::function<void(greeting&)> tell;
  ec reason;
};
class LiarsHello : public LinkCore, public testing::WithParamInterface<lie> {};

TEST_P(LiarsHello, IsRefusedAndTheWireClosed) {
  auto hello = hello_of_a();
  GetParam().tell(hello);
  const auto out = b.on_greeted(now, at_b, key_a.certificate(), hello);
  ASSERT_EQ(only<core::refused>(out).size(), 1u);
  EXPECT_EQ(only<core::refused>(out)[0].reason, GetParam().reason);
  EXPECT_EQ(only<core::send_goodbye>(out).at(0).reason, GetParam().reason);
  EXPECT_EQ(only<core::close>(out).at(0).wire, at_b);
  EXPECT_FALSE(has<core::send_proof>(out));
}

INSTANTIATE_TEST_SUITE_P(
    All, LiarsHello,
    testing::Values(
        lie{"Cluster", [](greeting& g) { g.cluster = "other"; }, ec::refused},
        lie{"Name", [](greeting& g) { g.node = "z"; }, ec::refused},
        lie{"Certificate", [](greeting& g) { g.certificate = "other"; }, ec::refused},
        lie{"NewerWire", [](greeting& g) { g.wire_min = g.wire_max = 99; }, ec::unsupported},
        lie{"OlderWire", [](greeting& g) { g.wire_min = g.wire_max = 0; }, ec::unsupported},
        lie{"Nonce", [](greeting& g) { g.nonce = "short"; }, ec::bad_message}),
    [](const auto& info) { return info.param.name; });

TEST_F(LinkCore, RefusesAProofOfAnotherKey) {
  const auto hello = hello_of_a();
  const auto theirs = only<core::send_hello>(b.on_greeted(now, at_b, "", hello)).at(0).words;
  simulation::sim_identity stranger{"another ca", "a"};
  const auto out = b.on_proof(now, at_b, stranger.sign(proof_text(true, hello, theirs)));
  EXPECT_EQ(only<core::refused>(out).at(0).reason, ec::refused);
  EXPECT_FALSE(b.live());
}

TEST_F(LinkCore, RefusesAProofThatIsItsOwnSentBack) {
  const auto hello = hello_of_a();
  const auto out = b.on_greeted(now, at_b, "", hello);
  const auto own = only<core::send_proof>(out).at(0).signature;
  EXPECT_FALSE(has<core::up>(b.on_proof(now, at_b, own)));
}

TEST_F(LinkCore, BindsAProofToBothNoncesNamesAndLives) {
  const auto mine = greeting{"c", "a", 1, 1, 1, "n1", ""};
  const auto theirs = greeting{"c", "b", 2, 1, 1, "n2", ""};
  const auto text = proof_text(true, mine, theirs);
  EXPECT_NE(text, proof_text(false, mine, theirs));
  EXPECT_NE(text, proof_text(true, theirs, mine));
  for (auto change :
       {+[](greeting& g) { g.nonce = "x"; }, +[](greeting& g) { g.cluster = "x"; },
        +[](greeting& g) { g.node = "x"; }, +[](greeting& g) { g.incarnation = 9; }}) {
    auto other = mine;
    change(other);
    EXPECT_NE(text, proof_text(true, other, theirs));
  }
}

TEST_F(LinkCore, ClosesAWireThatDoesNotFinishItsGreeting) {
  b.on_greeted(now, at_b, "", hello_of_a());
  now += 4900ms;
  EXPECT_FALSE(has<core::close>(b.on_tick(now)));
  now += 100ms;
  EXPECT_EQ(only<core::close>(b.on_tick(now)).at(0).wire, at_b);
}

TEST_F(LinkCore, RefusesAnOlderLifeAndIsReplacedByANewerOne) {
  connect();
  core older{named("a", 0), "b", key_a, random};
  core newer{named("a", 2), "b", key_a, random};
  const auto greet = [&](core& one, core::wire_id wire) {
    const auto dialed = only<core::dial>(one.start(now));
    const auto hello = only<core::send_hello>(one.on_dialed(now, dialed.at(0).attempt, 1, ""));
    return b.on_greeted(now, wire, "", hello.at(0).words);
  };
  EXPECT_EQ(only<core::refused>(greet(older, 7)).at(0).reason, ec::stale);
  ASSERT_TRUE(b.open_call(now));
  const auto theirs = greet(newer, 8);
  newer.on_hello(now, 1, only<core::send_hello>(theirs).at(0).words);
  const auto mine = newer.on_proof(now, 1, only<core::send_proof>(theirs).at(0).signature);
  const auto out = b.on_proof(now, 8, only<core::send_proof>(mine).at(0).signature);
  EXPECT_EQ(only<core::close>(out).at(0).wire, at_b);
  EXPECT_EQ(only<core::fail_call>(out).at(0).reason, ec::peer_lost);
  EXPECT_EQ(only<core::lost>(out).at(0).incarnation, 1u);
  EXPECT_EQ(only<core::up>(out).at(0).incarnation, 2u);
}

TEST_F(LinkCore, PingsWhenItIsSilentAndGivesUpAPeerThatIs) {
  connect();
  now += 250ms;
  EXPECT_TRUE(a.on_tick(now).empty());
  now += 250ms;
  EXPECT_TRUE(has<core::send_ping>(a.on_tick(now)));
  now += 2400ms;
  a.on_received(now, at_a);
  now += 2900ms;
  EXPECT_FALSE(has<core::lost>(a.on_tick(now)));
  now += 100ms;
  const auto out = a.on_tick(now);
  EXPECT_TRUE(has<core::lost>(out));
  EXPECT_EQ(only<core::close>(out).at(0).wire, at_a);
}

TEST_F(LinkCore, BacksOffBetweenDialsWithJitterUpToItsBound) {
  auto out = a.start(now);
  core::time waited{};
  for (int round = 0; round < 12; ++round) {
    const auto dialed = only<core::dial>(out);
    ASSERT_EQ(dialed.size(), 1u);
    a.on_dial_failed(now, dialed[0].attempt, ec::unavailable);
    const auto before = now;
    do {
      now += 10ms;
      out = a.on_tick(now);
    } while (out.empty());
    waited = now - before;
    EXPECT_GE(waited, 50ms);
    EXPECT_LE(waited, 1010ms);
  }
  EXPECT_GE(waited, 500ms);
}

TEST_F(LinkCore, FailsTheCallsOfALostWireAndDialsAgain) {
  connect();
  const auto call = a.open_call(now);
  now += 2s;
  const auto out = a.on_closed(now, at_a, ec::closed);
  EXPECT_EQ(only<core::fail_call>(out).at(0).call, *call);
  EXPECT_EQ(only<core::fail_call>(out).at(0).reason, ec::peer_lost);
  EXPECT_FALSE(a.close_call(*call));  // its answer comes too late
  now += 200ms;
  EXPECT_TRUE(has<core::dial>(a.on_tick(now)));
}

TEST_F(LinkCore, EndsACallAtItsDeadline) {
  connect();
  const auto call = a.open_call(now);
  now += 29s;
  a.on_received(now, at_a);
  EXPECT_FALSE(has<core::fail_call>(a.on_tick(now)));
  now += 1s;
  const auto out = a.on_tick(now);
  EXPECT_EQ(only<core::fail_call>(out).at(0).call, *call);
  EXPECT_EQ(only<core::fail_call>(out).at(0).reason, ec::timed_out);
}

TEST_F(LinkCore, BoundsTheCallsInFlightBothWays) {
  EXPECT_EQ(a.open_call(now).error(), ec::unavailable);
  connect();
  for (int i = 0; i < 4096; ++i)
    ASSERT_TRUE(a.open_call(now));
  EXPECT_EQ(a.open_call(now).error(), ec::overloaded);
  for (int i = 0; i < 4096; ++i)
    ASSERT_TRUE(a.open_served());
  EXPECT_FALSE(a.open_served());
  a.close_served();
  EXPECT_TRUE(a.open_served());
}

TEST_F(LinkCore, KeepsFewUngreetedWires) {
  const auto hello = hello_of_a();
  std::size_t closed = 0;
  for (core::wire_id wire = 10; wire < 30; ++wire)
    closed += only<core::close>(b.on_greeted(now, wire, "", hello)).size();
  EXPECT_EQ(closed, 16u);
}

TEST_F(LinkCore, DialsAgainWhenAPortNeverEndsADial) {
  a.start(now);
  now += 29s;
  EXPECT_FALSE(has<core::dial>(a.on_tick(now)));
  now += 1s;
  const auto again = only<core::dial>(a.on_tick(now));
  ASSERT_EQ(again.size(), 1u);
  EXPECT_TRUE(has<core::close>(a.on_dialed(now, again[0].attempt - 1, 77, "")));
}

TEST_F(LinkCore, SaysGoodbyeWhenItStopsAndDialsNoMore) {
  connect();
  const auto out = a.stop();
  EXPECT_EQ(only<core::send_goodbye>(out).at(0).reason, ec::stopping);
  now += 60s;
  EXPECT_FALSE(has<core::dial>(a.on_tick(now)));
}

}  // namespace
