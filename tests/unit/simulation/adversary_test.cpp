// Single frames and exchanges dropped, repeated and overtaken; nodes that stand still; little
// bandwidth (U4).
#include "runtime/simulation/sim_network.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

using namespace dunlin;
using namespace dunlin::simulation;
using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

class Adversary : public testing::Test {
protected:
  Adversary() {
    EXPECT_TRUE(network.wires("b").listen([this](links::wire_ptr made) {
      b = std::move(made);
      b->start({[this](std::string frame) { heard.push_back(std::move(frame)); },
                [this](ec reason) { closed.push_back(reason); }});
    }));
    EXPECT_TRUE(network.bulk("b").serve([this](const node_id&, links::bulk_message request,
                                               std::function<void(links::bulk_message)> answer) {
      served.push_back(request.head);
      answer({"re: " + request.head, nullptr});
    }));
  }

  void dial() {
    network.wires("a").dial("b", [this](result<links::wire_ptr> made) {
      dialed.push_back(made ? ec{} : made.error());
      if (!made) return;
      a = *made;
      a->start({[](std::string) {}, [](ec) {}});
    });
    loop.run_until(loop.now() + 10ms);
  }

  void say(const std::string& text) { a->send(std::make_shared<const std::string>(text)); }
  void greet() {
    say("hello");
    say("proof");
  }
  void ask(const std::string& text, std::chrono::milliseconds timeout = 5s) {
    network.bulk("a").exchange(
        "b", {text, nullptr}, timeout, [this](result<links::bulk_message> answer) {
          answers.push_back(answer ? answer->head : std::string(to_string(answer.error())));
        });
  }
  void pass(event_loop::time span) { loop.run_until(loop.now() + span); }

  event_loop loop;
  sim_network network{loop, 7};
  links::wire_ptr a, b;
  std::vector<ec> dialed, closed;
  std::vector<std::string> heard, served, answers;
};

}  // namespace

TEST_F(Adversary, DropsSingleFramesOfAWireThatStands) {
  dial();
  greet();
  network.set_faults({.dropped_per_million = 500'000});
  for (int i = 0; i < 100; ++i)
    say(std::to_string(i));
  pass(1s);
  EXPECT_GT(network.counts().dropped, 30u);
  EXPECT_EQ(heard.size(), 102 - network.counts().dropped);
  EXPECT_THAT(closed, IsEmpty());
}

TEST_F(Adversary, DeliversSomeFramesTwice) {
  dial();
  greet();
  network.set_faults({.repeated_per_million = 300'000});
  for (int i = 0; i < 100; ++i)
    say(std::to_string(i));
  pass(1s);
  EXPECT_GT(network.counts().repeated, 10u);
  EXPECT_EQ(heard.size(), 102 + network.counts().repeated);
  EXPECT_EQ(std::set<std::string>(heard.begin(), heard.end()).size(), 102u);  // nothing lost
}

TEST_F(Adversary, LetsFramesOvertakeOthers) {
  dial();
  greet();
  network.set_faults({.overtaken_per_million = 200'000});
  std::vector<std::string> said{"hello", "proof"};
  for (int i = 0; i < 100; ++i)
    say(said.emplace_back(std::to_string(i)));
  pass(1s);
  EXPECT_GT(network.counts().overtaken, 10u);
  EXPECT_NE(heard, said);
  EXPECT_TRUE(std::is_permutation(heard.begin(), heard.end(), said.begin(), said.end()));
}

TEST_F(Adversary, LeavesHelloAndProofAlone) {
  network.set_faults({.dropped_per_million = 1'000'000});
  dial();
  greet();
  say("dropped");
  pass(1s);
  EXPECT_THAT(heard, ElementsAre("hello", "proof"));
}

TEST_F(Adversary, ServesARepeatedExchangeTwiceAndAnswersItOnce) {
  network.set_faults({.repeated_per_million = 1'000'000});
  ask("page");
  pass(1s);
  EXPECT_THAT(served, ElementsAre("page", "page"));
  EXPECT_THAT(answers, ElementsAre("re: page"));
}

TEST_F(Adversary, LosesRequestsAndAnswersOfExchanges) {
  network.set_faults({.dropped_per_million = 500'000});
  for (int i = 0; i < 40; ++i)
    ask(std::to_string(i));
  pass(6s);
  EXPECT_EQ(answers.size(), 40u);
  EXPECT_THAT(answers, Contains(std::string(to_string(ec::timed_out))));
  // Of some, only the answer was lost: they were served all the same.
  const auto good = std::count_if(answers.begin(), answers.end(),
                                  [](const auto& text) { return text.starts_with("re: "); });
  EXPECT_GT(served.size(), static_cast<std::size_t>(good));
  EXPECT_LT(served.size(), 40u);
}

TEST_F(Adversary, AnAnswerMayComeWhenNobodyWaitsForIt) {
  network.set_faults({.overtaken_per_million = 1'000'000, .overtake_max = 3000ms});
  for (int i = 0; i < 20; ++i)
    ask("late", 200ms);
  pass(10s);
  EXPECT_EQ(answers.size(), 20u);  // each told once
  EXPECT_EQ(served.size(), 20u);
  EXPECT_THAT(answers, Contains(std::string(to_string(ec::timed_out))));
}

TEST_F(Adversary, LittleBandwidthStretchesTransfers) {
  network.set_faults({.bytes_per_second = 1'000'000});
  network.bulk("a").exchange(
      "b", {"page", std::make_shared<const std::string>(1'000'000, 'x')}, 5s,
      [this](result<links::bulk_message> answer) { answers.push_back(answer->head); });
  pass(900ms);
  EXPECT_THAT(served, IsEmpty());
  pass(200ms);
  EXPECT_THAT(served, ElementsAre("page"));
}

TEST_F(Adversary, WhatIsSentToANodeThatStandsStillWaitsUntilItGoesOn) {
  dial();
  greet();
  pass(10ms);
  network.pause("b");
  say("frame");
  ask("page");
  pass(2s);
  EXPECT_THAT(heard, ElementsAre("hello", "proof"));
  EXPECT_THAT(served, IsEmpty());
  network.resume("b");
  pass(10ms);
  EXPECT_THAT(heard, ElementsAre("hello", "proof", "frame"));
  EXPECT_THAT(answers, ElementsAre("re: page"));
}

TEST_F(Adversary, ANodeThatStandsStillCannotBeDialledAndHearsOfItsTimersLate) {
  network.pause("b");
  dial();
  pass(5s);
  EXPECT_THAT(dialed, ElementsAre(ec::timed_out));
  network.pause("a");
  ask("page", 100ms);
  pass(1s);
  EXPECT_THAT(answers, IsEmpty());
  network.resume("a");
  pass(10ms);
  EXPECT_THAT(answers, ElementsAre(std::string(to_string(ec::timed_out))));
}
