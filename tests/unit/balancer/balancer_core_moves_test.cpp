#include "balancer_fixture.hpp"

namespace dunlin::tests {
namespace {

using namespace std::chrono_literals;
using offer = balancer_core::offer;
using answer_move = balancer_core::answer_move;
using stay = balancer_core::stay;
using prepare = balancer_core::prepare;
using stop_reading = balancer_core::stop_reading;
using switch_over = balancer_core::switch_over;

class BalancerMoves : public balancer_fixture {
protected:
  effects wish(std::uint64_t ticket, const node_id& node, std::uint64_t connection,
               bool draining = false) {
    return core.on_offer_move(now, {ticket, node, connection, draining, 0.02});
  }
  /// Line 1 on `from` with connection 7, whose move has come to handing.
  void begin() {
    from = place(1, 7);
    const auto asked = the<offer>(wish(1, from, 7));
    EXPECT_TRUE(asked.moved);
    EXPECT_NE(asked.node, from);
    EXPECT_EQ(asked.demand, 0.02);
    to = asked.node;
    const auto made = the<prepare>(reply(asked, yes(9)));
    EXPECT_EQ(made.node, to);
    const auto stop = the<stop_reading>(core.on_prepared(now, 1, made.serial, true));
    const auto ready = the<answer_move>(core.on_stopped(now, 1, stop.serial, true, 1234));
    EXPECT_TRUE(ready.ready);
    EXPECT_EQ(ready.forwarded, 1234u);
    EXPECT_EQ(ready.ticket, 1u);
  }
  node_id from;
  node_id to;
};

TEST_F(BalancerMoves, AConnectionChangesItsAccessNode_B11_R11) {
  begin();
  const auto [out, taken] = core.on_hand_over(now, from, 7, false, "unread");
  EXPECT_TRUE(taken);
  const auto over = the<switch_over>(out);
  EXPECT_EQ(over.unread, "unread");
  EXPECT_TRUE(core.on_switched(now, 1, over.serial, true).empty());
  EXPECT_EQ(core.count().moves, 1u);
  EXPECT_EQ(core.moving(), 0u);
  EXPECT_EQ(core.lines_by_node(), (std::map<node_id, std::uint64_t>{{to, 1}}));
  // It may be moved on from there, and no more from where it was.
  EXPECT_FALSE(the<answer_move>(wish(2, from, 7)).ready);
  EXPECT_FALSE(the<answer_move>(wish(2, from, 7)).all_refused);  // says nothing about the others
  EXPECT_TRUE(has<offer>(wish(3, to, 9)));
  core.on_ended(1);
}

TEST_F(BalancerMoves, AClientIsNotHeldUpForAnAccessNodeThatWaitsNoLonger_R8) {
  from = place(1, 7);
  auto asked = the<offer>(wish(1, from, 7));
  now += 7s;  // answers were lost, and legs could not be dialled
  auto made = the<prepare>(reply(asked, yes(9)));
  now += 1s;
  const auto out = core.on_prepared(now, 1, made.serial, true);
  EXPECT_FALSE(has<stop_reading>(out));
  EXPECT_TRUE(has<stay>(out));
  EXPECT_FALSE(the<answer_move>(out).ready);
  // One that is asked for again counts from then on.
  asked = the<offer>(wish(2, from, 7));
  now += 7s;
  wish(3, from, 7);
  now += 7s;
  made = the<prepare>(reply(asked, yes(10)));
  EXPECT_TRUE(has<stop_reading>(core.on_prepared(now, 1, made.serial, true)));
  now += 1s;
  EXPECT_TRUE(has<stay>(core.on_timer(now)));
  EXPECT_EQ(core.count().moves_stayed, 2u);
}

TEST_F(BalancerMoves, ADeclinedMoveStays_R8) {
  begin();
  const auto [out, taken] = core.on_hand_over(now, from, 7, true, {});
  EXPECT_TRUE(taken);
  EXPECT_TRUE(has<stay>(out));
  EXPECT_EQ(core.count().moves_stayed, 1u);
  EXPECT_EQ(core.lines_by_node().at(from), 1u);
}

TEST_F(BalancerMoves, ALineThatDoesNotChangeItsLegIsToldToReadOn_R8) {
  begin();
  const auto over = the<switch_over>(core.on_hand_over(now, from, 7, false, {}).first);
  EXPECT_TRUE(has<stay>(core.on_switched(now, 1, over.serial, false)));
  EXPECT_EQ(core.count().moves_stayed, 1u);
  EXPECT_EQ(core.lines_by_node().at(from), 1u);
}

TEST_F(BalancerMoves, WithoutAHandOverItReadsOnAfterTwelveSeconds) {
  begin();
  now += 11'999ms;
  EXPECT_TRUE(core.on_timer(now).empty());
  now += 1ms;
  EXPECT_TRUE(has<stay>(core.on_timer(now)));
  // Too late: the access node closes its leg, and the line's loss decides.
  EXPECT_FALSE(core.on_hand_over(now, from, 7, false, {}).second);
}

TEST_F(BalancerMoves, ALegThatEndedIsGivenASecondForItsHandOver) {
  begin();
  EXPECT_TRUE(core.on_lost(now, 1, {true, true, false, false, 1}).empty());
  now += 1s;
  EXPECT_TRUE(has<stay>(core.on_timer(now)));
  EXPECT_TRUE(has<offer>(core.on_lost(now, 1, {true, false, true, true, 1})));
}

TEST_F(BalancerMoves, ALegThatEndedBeforeItsHandOverIsNoLoss) {
  begin();
  core.on_lost(now, 1, {true, true, false, false, 1});
  const auto [out, taken] = core.on_hand_over(now, from, 7, false, {});
  EXPECT_TRUE(taken);
  core.on_switched(now, 1, the<switch_over>(out).serial, true);
  EXPECT_EQ(core.count().moves, 1u);
}

TEST_F(BalancerMoves, ALegThatBrokeWhileItMovesIsLostAtOnce) {
  begin();
  EXPECT_TRUE(has<stay>(core.on_lost(now, 1, {false, true, true, true, 1})));
  EXPECT_TRUE(has<offer>(core.on_lost(now, 1, {false, false, true, true, 1})));
}

TEST_F(BalancerMoves, NobodyTakesIt) {
  from = place(1, 7);
  const auto two = the<offer>(reply(the<offer>(wish(1, from, 7)), no()));
  EXPECT_EQ(two.attempt, 2u);
  const auto out = reply(two, no());
  EXPECT_FALSE(the<answer_move>(out).ready);
  EXPECT_TRUE(the<answer_move>(out).all_refused);
  EXPECT_FALSE(has<offer>(out));  // never as a last resort to rebalance
  EXPECT_EQ(core.count().moves_refused, 1u);
  EXPECT_EQ(core.moving(), 0u);
}

TEST_F(BalancerMoves, ADrainMayBeALastResort) {
  from = place(1, 7);
  const auto two = the<offer>(reply(the<offer>(wish(1, from, 7, true)), no()));
  const auto three = the<offer>(reply(two, no()));
  EXPECT_TRUE(three.last_resort);
  EXPECT_NE(three.node, from);
  EXPECT_TRUE(has<prepare>(reply(three, yes())));
  core.on_ended(1);
}

TEST_F(BalancerMoves, ASecondLegThatCannotBeDialledIsLookedForElsewhere) {
  from = place(1, 7);
  const auto asked = the<offer>(wish(1, from, 7));
  const auto made = the<prepare>(reply(asked, yes()));
  const auto next = the<offer>(core.on_prepared(now, 1, made.serial, false));
  EXPECT_EQ(next.attempt, 1u);
  EXPECT_NE(next.node, asked.node);
  EXPECT_NE(next.node, from);
  core.on_ended(1);
}

TEST_F(BalancerMoves, UnknownConnectionsAndThoseNotAttachedAreNotReady) {
  EXPECT_FALSE(the<answer_move>(wish(1, "a", 99)).ready);
  EXPECT_TRUE(core.on_hand_over(now, "a", 99, true, {}).second);
  EXPECT_FALSE(core.on_hand_over(now, "a", 99, false, {}).second);
}

TEST_F(BalancerMoves, AWishSaidTwiceIsAnsweredTwice) {
  from = place(1, 7);
  const auto asked = the<offer>(wish(1, from, 7));
  const auto again = the<answer_move>(wish(2, from, 7));
  EXPECT_EQ(again.ticket, 1u);
  EXPECT_FALSE(again.ready);
  const auto made = the<prepare>(reply(asked, yes(9)));
  const auto stop = the<stop_reading>(core.on_prepared(now, 1, made.serial, true));
  EXPECT_EQ(the<answer_move>(core.on_stopped(now, 1, stop.serial, true, 5)).ticket, 2u);
  const auto third = the<answer_move>(wish(3, from, 7));
  EXPECT_EQ(third.ticket, 3u);
  EXPECT_TRUE(third.ready);
  EXPECT_EQ(third.forwarded, 5u);
}

TEST_F(BalancerMoves, ALossBeforeTheStopAnswersTheMoveToo) {
  from = place(1, 7);
  const auto made = the<prepare>(reply(the<offer>(wish(1, from, 7)), yes(9)));
  const auto out = core.on_lost(now, 1, {false, false, true, true, 1});
  EXPECT_FALSE(the<answer_move>(out).ready);
  EXPECT_TRUE(has<offer>(out));
  EXPECT_TRUE(core.on_prepared(now, 1, made.serial, true).empty());
}

TEST_F(BalancerMoves, AClientThatLeavesAnswersTheMove) {
  from = place(1, 7);
  wish(1, from, 7);
  EXPECT_FALSE(the<answer_move>(core.on_ended(1)).ready);
  EXPECT_EQ(core.moving(), 0u);
}

TEST_F(BalancerMoves, NotMoreThanSoManyAtOnce) {
  const auto most = balancer_core::options{}.moves_max;
  for (std::uint64_t line = 1; line <= most + 1; ++line) {
    const auto node = place(line, line);
    const auto out = wish(line, node, line);
    EXPECT_EQ(has<offer>(out), line <= most);
  }
  EXPECT_EQ(core.moving(), most);
}

TEST_F(BalancerMoves, StayWithinThePeerGroupOfTheirAccessNode_R1) {
  core.set_nodes({{"a", {"", "left"}}, {"b", {"", "left"}}, {"c", {"", "right"}}});
  now = 1s;
  for (std::uint64_t line = 1; line <= 20; ++line) {
    const auto node = place(line, line);
    auto out = wish(line, node, line);
    if (node == "c") {
      EXPECT_FALSE(the<answer_move>(out).ready);
      continue;
    }
    for (int asked = 0; has<offer>(out); ++asked) {
      EXPECT_LT(asked, 3);
      EXPECT_EQ(the<offer>(out).node, node == "a" ? "b" : "a");
      out = reply(the<offer>(out), no());
    }
    EXPECT_TRUE(the<answer_move>(out).all_refused);
  }
}

TEST_F(BalancerMoves, OnlyADrainGoesBeyondItsPeerGroupAndLast_R1) {
  core.set_nodes({{"a", {"", "left"}}});
  const auto node = place(1, 7);
  core.set_nodes({{"a", {"", "left"}}, {"b", {"", "left"}}, {"c", {"", "right"}}});
  auto out = wish(1, node, 7, true);
  std::vector<node_id> asked;
  while (has<offer>(out)) {
    asked.push_back(the<offer>(out).node);
    EXPECT_EQ(the<offer>(out).last_resort, asked.size() > 2);
    out = reply(the<offer>(out), no());
  }
  EXPECT_EQ(asked, (std::vector<node_id>{"b", "b", "b", "c"}));
}

TEST_F(BalancerMoves, ADrainWhoseGroupHasNobodyElseGoesToAnotherOne_R1) {
  core.set_nodes({{"a", {"", "left"}}});
  place(1, 7);
  core.set_nodes({{"a", {"", "left"}}, {"c", {"", "right"}}});
  const auto asked = the<offer>(wish(1, "a", 7, true));
  EXPECT_EQ(asked.node, "c");
  EXPECT_TRUE(asked.last_resort);
  core.on_ended(1);
}

TEST_F(BalancerMoves, ARestartedAccessNodeMayUseItsNumbersAgain) {
  core.set_nodes({{"a", {""}}});
  place(1, 7);
  place(2, 7);
  core.on_lost(now, 1, {false, false, false, false, 0});
  core.set_nodes({{"a", {""}}, {"b", {""}}});
  const auto asked = the<offer>(wish(1, "a", 7));
  EXPECT_EQ(asked.line, 2u);
  core.on_ended(2);
}

TEST_F(BalancerMoves, ASwitchThatFailsIsFollowedByItsLoss) {
  begin();
  const auto [out, taken] = core.on_hand_over(now, from, 7, false, {});
  core.on_switched(now, 1, the<switch_over>(out).serial, false);
  EXPECT_EQ(core.moving(), 0u);
  EXPECT_TRUE(has<offer>(core.on_lost(now, 1, {false, false, true, true, 1})));
}

// A restarted access node may give another connection the same number.
TEST_F(BalancerMoves, WordsOfAnotherLifeOfTheAccessNodeFindNothing_B11) {
  core.set_nodes({{"a", {""}}, {"b", {""}}});
  const auto asked = first();
  auto taken = yes(7);
  taken.digest.push_back({asked.node, 5, 0.1, 1, 0ms, true, 1});
  const auto to = the<balancer_core::attach>(reply(asked, taken));
  core.on_attached(now, 1, to.serial, true);
  const auto former = core.on_offer_move(now, {1, asked.node, 7, false, 0, 4});
  EXPECT_FALSE(the<balancer_core::answer_move>(former).ready);
  EXPECT_EQ(core.moving(), 0u);
  EXPECT_TRUE(has<balancer_core::offer>(core.on_offer_move(now, {2, asked.node, 7, false, 0, 5})));
  // A declined one of the former life ends nothing.
  core.on_hand_over(now, asked.node, 7, true, {}, 4);
  EXPECT_EQ(core.moving(), 1u);
  core.on_hand_over(now, asked.node, 7, true, {}, 5);
  EXPECT_EQ(core.moving(), 0u);
}

}  // namespace
}  // namespace dunlin::tests
