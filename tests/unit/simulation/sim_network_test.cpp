#include "runtime/simulation/sim_network.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

using namespace dunlin;
using namespace dunlin::simulation;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

/// One end of a wire that writes down what it hears.
struct listener {
  links::wire_ptr wire;
  std::vector<std::string> heard;
  std::vector<ec> closed;

  void take(links::wire_ptr made) {
    wire = std::move(made);
    wire->start({[this](std::string frame) { heard.push_back(std::move(frame)); },
                 [this](ec reason) { closed.push_back(reason); }});
  }
  bool say(std::string text) {
    return wire->send(std::make_shared<const std::string>(std::move(text)));
  }
};

class SimNetwork : public testing::Test {
protected:
  /// Wires a to b; fills `a` and `b`.
  void connect() {
    ASSERT_TRUE(
        network.wires("b").listen([this](links::wire_ptr made) { b.take(std::move(made)); }));
    network.wires("a").dial("b", [this](result<links::wire_ptr> made) {
      dialed.push_back(made ? ec{} : made.error());
      if (made) a.take(*made);
    });
    loop.run_until(loop.now() + 10ms);
    ASSERT_TRUE(a.wire && b.wire);
  }
  void pass(event_loop::time span) { loop.run_until(loop.now() + span); }

  event_loop loop;
  sim_network network{loop, 7};
  listener a, b;
  std::vector<ec> dialed;
};

TEST_F(SimNetwork, CarriesFramesBothWaysInOrder) {
  connect();
  for (int i = 0; i < 5; ++i)
    a.say(std::to_string(i));
  b.say("back");
  EXPECT_THAT(b.heard, IsEmpty());  // never from inside a call
  pass(10ms);
  EXPECT_THAT(b.heard, ElementsAre("0", "1", "2", "3", "4"));
  EXPECT_THAT(a.heard, ElementsAre("back"));
}

TEST_F(SimNetwork, TellsTheOtherEndWhenOneCloses) {
  connect();
  a.say("last");
  a.wire->close();
  EXPECT_FALSE(a.say("too late"));
  pass(10ms);
  EXPECT_THAT(b.heard, ElementsAre("last"));
  EXPECT_THAT(b.closed, ElementsAre(ec::closed));
  EXPECT_FALSE(b.say("nobody listens"));
  EXPECT_EQ(network.open_wires(), 0u);
}

TEST_F(SimNetwork, ClosesAWireThatNobodyHolds) {
  connect();
  a.wire.reset();
  pass(10ms);
  EXPECT_THAT(b.closed, ElementsAre(ec::closed));
}

TEST_F(SimNetwork, RefusesADialThatNobodyListensTo) {
  network.wires("a").dial("b",
                          [this](result<links::wire_ptr> made) { dialed.push_back(made.error()); });
  pass(10ms);
  EXPECT_THAT(dialed, ElementsAre(ec::unavailable));
}

TEST_F(SimNetwork, HoldsFramesBackInOneDirectionOfACutAndBringsThemWhenItHeals) {
  connect();
  network.cut("a", "b");
  a.say("1");
  a.say("2");
  b.say("the other way");
  pass(1s);
  EXPECT_THAT(b.heard, IsEmpty());
  EXPECT_THAT(a.heard, ElementsAre("the other way"));
  network.heal("a", "b");
  a.say("3");
  pass(10ms);
  EXPECT_THAT(b.heard, ElementsAre("1", "2", "3"));
}

TEST_F(SimNetwork, LetsADialTimeOutAcrossASplit) {
  network.split({"a"}, {"b", "c"});
  network.wires("a").dial("b",
                          [this](result<links::wire_ptr> made) { dialed.push_back(made.error()); });
  pass(2s);
  EXPECT_THAT(dialed, IsEmpty());
  pass(2s);
  EXPECT_THAT(dialed, ElementsAre(ec::timed_out));
}

TEST_F(SimNetwork, ResetsTheWiresOfANodeThatCrashes) {
  connect();
  network.crash("b");
  a.say("to nobody");
  pass(10ms);
  EXPECT_THAT(a.closed, ElementsAre(ec::peer_lost));
  EXPECT_THAT(b.heard, IsEmpty());
  EXPECT_THAT(b.closed, IsEmpty());
  EXPECT_FALSE(b.say("from the dead"));
}

TEST_F(SimNetwork, SaysNothingOfANodeThatLosesItsPower) {
  connect();
  network.crash("b", true);
  EXPECT_TRUE(a.say("to nobody"));
  pass(60s);
  EXPECT_THAT(a.closed, IsEmpty());
  EXPECT_THAT(b.heard, IsEmpty());
}

TEST_F(SimNetwork, BreaksTheWiresOfAPairOnDemand) {
  connect();
  network.break_wires("b", "a");
  pass(10ms);
  EXPECT_THAT(a.closed, ElementsAre(ec::peer_lost));
  EXPECT_THAT(b.closed, ElementsAre(ec::peer_lost));
}

TEST_F(SimNetwork, RefusesFramesAtTheBoundOnUnsentBytes) {
  connect();
  network.cut("a", "b");
  const auto frame = std::make_shared<const std::string>(8u << 20, 'x');
  int taken = 0;
  while (a.wire->send(frame))
    ++taken;
  EXPECT_EQ(taken, 8);
  network.heal("a", "b");
  pass(10ms);
  EXPECT_TRUE(a.wire->send(frame));
  EXPECT_FALSE(a.say(std::string(links::frame_bytes_max + 1, 'x')));
}

TEST_F(SimNetwork, MakesASlowNodeSlow) {
  connect();
  network.slow("b", 1s);
  a.say("1");
  pass(900ms);
  EXPECT_THAT(b.heard, IsEmpty());
  pass(200ms);
  EXPECT_THAT(b.heard, ElementsAre("1"));
}

TEST_F(SimNetwork, ShowsTheCertificateOfTheOtherEnd) {
  network.set_certificate("a", "A");
  connect();
  EXPECT_EQ(b.wire->peer_certificate(), "A");
  EXPECT_EQ(a.wire->peer_certificate(), "");
}

/// A chatter of frames and exchanges under all faults; its history depends on the seed only.
std::vector<std::string> history(std::uint64_t seed) {
  event_loop loop;
  sim_network network{loop, seed};
  network.set_faults({100us, 5ms, 50'000, 200ms, 20'000});
  std::vector<std::string> log;
  const auto note = [&](const std::string& text) {
    log.push_back(std::to_string(loop.now().count()) + " " + text);
  };
  std::vector<links::wire_ptr> wires;
  std::ignore = network.wires("b").listen([&](links::wire_ptr made) {
    made->start({[&](std::string frame) { note("b " + frame); },
                 [&](ec why) { note("b closed " + std::string(to_string(why))); }});
    wires.push_back(made);
  });
  std::ignore = network.bulk("b").serve(
      [&](const node_id&, links::bulk_message in, links::bulk_port::answer out) {
        note("bulk " + in.head);
        out({in.head, in.body});
      });
  for (int i = 0; i < 200; ++i)
    loop.after(i * 3ms, [&, i] {
      network.wires("a").dial("b", [&, i](result<links::wire_ptr> made) {
        if (!made) return note("dial failed");
        (*made)->start({[](std::string) {}, [&](ec) { note("a closed"); }});
        for (int f = 0; f < 3; ++f)
          (*made)->send(
              std::make_shared<const std::string>(std::to_string(i) + "." + std::to_string(f)));
        wires.push_back(*made);
      });
      network.bulk("a").exchange(
          "b", {std::to_string(i), nullptr}, 1s,
          [&](result<links::bulk_message> got) { note(got ? "ok " + got->head : "failed"); });
    });
  loop.after(200ms, [&] { network.cut("a", "b"); });
  loop.after(300ms, [&] { network.heal_all(); });
  loop.run_until(3s);
  const auto& n = network.counts();
  note(std::to_string(n.packets_lost) + " " + std::to_string(n.wires_broken));
  EXPECT_GT(n.packets_lost, 0u);
  EXPECT_GT(n.wires_broken, 0u);
  return log;
}

TEST(SimNetworkHistory, IsTheSameForOneSeedAndAnotherForAnother) {
  const auto first = history(4711);
  EXPECT_GT(first.size(), 500u);
  EXPECT_EQ(first, history(4711));
  EXPECT_NE(first, history(4712));
}

// ---- bulk ----

class SimBulk : public SimNetwork {
protected:
  SimBulk() {
    std::ignore = network.bulk("b").serve(
        [this](const node_id& peer, links::bulk_message request, links::bulk_port::answer reply) {
          seen.push_back(peer + ":" + request.head);
          if (answers) reply({"re " + request.head, request.body});
        });
  }
  void ask(const std::string& head, std::chrono::milliseconds timeout = 1s) {
    network.bulk("a").exchange(
        "b", {head, nullptr}, timeout, [this](result<links::bulk_message> got) {
          outcomes.push_back(got ? got->head : std::string(to_string(got.error())));
        });
  }
  bool answers = true;
  std::vector<std::string> seen, outcomes;
};

TEST_F(SimBulk, BringsARequestAndItsAnswer) {
  ask("1");
  EXPECT_THAT(outcomes, IsEmpty());
  pass(10ms);
  EXPECT_THAT(seen, ElementsAre("a:1"));
  EXPECT_THAT(outcomes, ElementsAre("re 1"));
  pass(2s);  // its time-out finds nothing to end
  EXPECT_EQ(outcomes.size(), 1u);
}

TEST_F(SimBulk, TimesOutAcrossACutAndWhenNobodyAnswers) {
  network.cut("b", "a");
  ask("answer lost");
  pass(2s);
  network.heal_all();
  answers = false;
  ask("never answered");
  pass(2s);
  EXPECT_EQ(seen.size(), 2u);
  EXPECT_THAT(outcomes, ElementsAre("timed out", "timed out"));
}

TEST_F(SimBulk, LosesExchangesWithANodeThatCrashes) {
  answers = false;
  ask("1");
  pass(10ms);
  network.crash("b");
  EXPECT_THAT(outcomes, ElementsAre("peer lost"));
  ask("2");
  pass(10ms);
  EXPECT_THAT(outcomes, ElementsAre("peer lost", "unavailable"));
}

TEST_F(SimBulk, TellsACrashedNodeNothing) {
  ask("1");
  network.crash("a");
  pass(2s);
  EXPECT_THAT(outcomes, IsEmpty());
}

TEST_F(SimBulk, IsBoundedInOpenExchanges) {
  answers = false;
  for (int i = 0; i < 300; ++i)
    ask(std::to_string(i));
  pass(10ms);
  EXPECT_EQ(seen.size(), 256u);
  EXPECT_EQ(std::count(outcomes.begin(), outcomes.end(), "overloaded"), 44);
}

TEST_F(SimBulk, RefusesAHeadThatNoPeerWouldTake) {
  ask(std::string(links::bulk_head_bytes_max + 1, 'x'));
  pass(10ms);
  EXPECT_THAT(outcomes, ElementsAre("invalid argument"));
}

}  // namespace
