#include "balancer_fixture.hpp"

#include <algorithm>
#include <set>

namespace dunlin::tests {
namespace {

using namespace std::chrono_literals;
using offer = balancer_core::offer;
using attach = balancer_core::attach;
using refuse = balancer_core::refuse;

class BalancerCore : public balancer_fixture {};

TEST_F(BalancerCore, AsksWithAttemptOneAndAttachesAfterAnAccept_B1_C1_C2_C3) {
  const auto asked = first();
  EXPECT_EQ(asked.attempt, 1u);
  EXPECT_FALSE(asked.last_resort);
  EXPECT_FALSE(asked.moved);
  const auto to = the<attach>(reply(asked, yes(42)));
  EXPECT_EQ(to.node, asked.node);
  EXPECT_EQ(to.connection, 42u);
  EXPECT_EQ(to.token, "token");
  core.on_attached(now, 1, to.serial, true);
  EXPECT_EQ(core.count().connects, 1u);
  EXPECT_EQ(core.count().attempts, std::vector<std::uint64_t>{1});
  EXPECT_EQ(core.lines_by_node().at(asked.node), 1u);
  EXPECT_FALSE(core.next_wake());
}

TEST_F(BalancerCore, ARefusalRaisesTheAttemptAndGoesToAnother_B5_C4) {
  const auto one = first();
  const auto two = the<offer>(reply(one, no()));
  EXPECT_EQ(two.attempt, 2u);
  EXPECT_NE(two.node, one.node);
  const auto three = the<offer>(reply(two, no()));
  EXPECT_EQ(three.attempt, 3u);
  EXPECT_TRUE(three.last_resort);
  const auto to = the<attach>(reply(three, yes()));
  core.on_attached(now, 1, to.serial, true);
  EXPECT_EQ(core.count().attempts, (std::vector<std::uint64_t>{0, 0, 1}));
  EXPECT_EQ(core.count().last_resorts, 1u);
}

TEST_F(BalancerCore, AsALastResortEachIsAskedOnceThenTheClientIsTold_B5_C4) {
  auto asked = the<offer>(reply(the<offer>(reply(first(), no())), no()));
  std::set<node_id> nodes{asked.node};
  for (std::uint32_t attempt = 4; attempt <= 6; ++attempt) {
    asked = the<offer>(reply(asked, no()));
    EXPECT_TRUE(asked.last_resort);
    EXPECT_EQ(asked.attempt, attempt);
    EXPECT_TRUE(nodes.insert(asked.node).second) << asked.node;
  }
  EXPECT_EQ(core.count().last_resorts, 4u);
  const auto told = the<refuse>(reply(asked, no()));
  EXPECT_EQ(told.line, 1u);
  EXPECT_GE(told.retry_after, 1s);
  EXPECT_LE(told.retry_after, 2s);
  EXPECT_EQ(core.count().failed, 1u);
  EXPECT_EQ(core.lines(), 0u);
}

// One that says, or of whom is said, that it is idle, and that is far from it.
TEST_F(BalancerCore, WhoRefusedByLoadIsNoBetterLastResortThanItsRefusalSays_B8) {
  core.set_nodes({{"a", {""}}, {"b", {""}}, {"c", {""}}});
  const auto says = [](double a, double b, double c) {
    auto out = no();
    for (const auto& [node, level] : std::map<node_id, double>{{"a", a}, {"b", b}, {"c", c}})
      out.digest.push_back({node, 1, level, 1, 0ms, true, 10});
    return out;
  };
  place(9, 9);
  core.on_ended(9);
  // The fleet's level is 0.35: refused at 0.37 and 0.39.
  auto asked = first();
  while (!asked.last_resort)
    asked = the<offer>(reply(asked, says(0, 0.45, 0.6)));
  const auto liar = asked.node;
  EXPECT_EQ(liar, "a");
  asked = the<offer>(reply(asked, says(0, 0.45, 0.6)));
  EXPECT_EQ(asked.node, "b");
  EXPECT_TRUE(asked.last_resort);
  EXPECT_TRUE(has<attach>(reply(asked, yes())));
  // The next client does not begin its last resort there again.
  asked = first(2);
  while (!asked.last_resort) {
    EXPECT_NE(asked.node, "a");
    asked = the<offer>(reply(asked, says(0, 0.45, 0.6)));
  }
  EXPECT_EQ(asked.node, "b");
}

TEST_F(BalancerCore, WithoutALastResortTheClientIsToldWhenTheStepsAreUsedUp) {
  settings.accept.last_resort = false;
  core.set_settings(settings);
  const auto two = the<offer>(reply(first(), no()));
  EXPECT_TRUE(has<refuse>(reply(two, no())));
}

TEST_F(BalancerCore, WhoDrainsOrIsFullIsNotAskedAsALastResort) {
  core.set_nodes({{"a", {""}}, {"b", {""}}});
  const auto one = first();
  const auto two = the<offer>(reply(one, no(refusal::draining)));
  const auto three = the<offer>(reply(two, no()));
  EXPECT_EQ(three.node, two.node);
  EXPECT_TRUE(has<refuse>(reply(three, no(refusal::full))));
}

TEST_F(BalancerCore, MoreStepsThanAccessNodesGoRoundAgain) {
  settings.accept.steps.resize(5, settings.accept.steps.back());
  core.set_settings(settings);
  core.set_nodes({{"a", {""}}, {"b", {""}}, {"c", {""}}});
  auto asked = first();
  std::multiset<node_id> nodes{asked.node};
  for (std::uint32_t attempt = 2; attempt <= 5; ++attempt) {
    asked = the<offer>(reply(asked, no()));
    EXPECT_EQ(asked.attempt, attempt);
    EXPECT_FALSE(asked.last_resort);
    nodes.insert(asked.node);
  }
  EXPECT_GE(nodes.count("a"), 1u);
  EXPECT_GE(nodes.count("b"), 1u);
  EXPECT_GE(nodes.count("c"), 1u);
}

TEST_F(BalancerCore, AsManyAttemptsAsStepsComeToTheLastResortAndToAnEnd_B5_C4) {
  settings.accept.attempts_max = static_cast<std::uint32_t>(settings.accept.steps.size());
  core.set_settings(settings);
  auto out = core.on_first_bytes(now, 1);
  int offers = 0;
  for (; offers < 20 && has<offer>(out); ++offers) {
    const auto asked = the<offer>(out);
    EXPECT_LE(asked.attempt, settings.accept.attempts_max);
    out = reply(asked, no());
  }
  EXPECT_LT(offers, 20);
  EXPECT_TRUE(has<refuse>(out));
  EXPECT_GE(core.count().last_resorts, 1u);
}

TEST_F(BalancerCore, TheUnreachableAreNoAttempts) {
  auto asked = first();
  std::set<node_id> nodes{asked.node};
  for (int i = 0; i < 3; ++i) {
    asked = the<offer>(core.on_offer_failed(now, asked.serial));
    EXPECT_EQ(asked.attempt, 1u);
    EXPECT_TRUE(nodes.insert(asked.node).second);
  }
  EXPECT_TRUE(core.on_offer_failed(now, asked.serial).empty());  // waits
  EXPECT_EQ(core.count().unreachable, 4u);
}

// ---- nobody can be asked ----

TEST_F(BalancerCore, WhereNobodyCanBeAskedItLooksAgainForAWhileThenTheClientIsTold_B5) {
  const auto fail = [&](effects out) {
    for (auto asks = support::only<offer>(out); !asks.empty(); asks = support::only<offer>(out)) {
      EXPECT_EQ(asks.front().attempt, 1u);
      out = core.on_offer_failed(now, asks.front().serial);
    }
    return out;
  };
  auto out = fail(core.on_first_bytes(now, 1));
  int looks = 0;
  for (; !has<refuse>(out) && looks < 100; ++looks) {
    now = core.next_wake().value();
    out = fail(core.on_timer(now));
  }
  EXPECT_EQ(now, 2s);
  EXPECT_GE(looks, 5);
  EXPECT_GE(the<refuse>(out).retry_after, 1s);
  EXPECT_EQ(core.count().waits, 1u);
  EXPECT_EQ(core.count().failed, 1u);
  EXPECT_EQ(core.lines(), 0u);
}

TEST_F(BalancerCore, WhoIsThereAtTheNextLookIsAttached_B5) {
  core.set_nodes({{"a", {""}}, {"b", {""}}});
  auto asked = the<offer>(reply(first(), no(refusal::draining)));
  EXPECT_TRUE(reply(asked, no(refusal::draining)).empty());
  now = core.next_wake().value();
  EXPECT_LE(now, 200ms);
  asked = the<offer>(core.on_timer(now));
  EXPECT_EQ(asked.attempt, 1u);
  EXPECT_FALSE(asked.last_resort);
  const auto to = the<attach>(reply(asked, yes()));
  core.on_attached(now, 1, to.serial, true);
  EXPECT_EQ(core.count().connects, 1u);
  EXPECT_EQ(core.count().failed, 0u);
  EXPECT_FALSE(core.next_wake());
}

TEST_F(BalancerCore, ALinkThatComesUpIsAskedAtOnceByAllWhoWait_B13) {
  core.set_nodes({{"a", {""}}});
  for (std::uint64_t line = 1; line <= 3; ++line)
    EXPECT_TRUE(core.on_offer_failed(now, first(line).serial).empty());
  EXPECT_TRUE(core.on_reachable(now, "stranger").empty());
  now += 1ms;
  const auto asked = support::only<offer>(core.on_reachable(now, "a"));
  ASSERT_EQ(asked.size(), 3u);
  EXPECT_EQ(core.on_reachable(now, "a").size(), 0u);
  for (const auto& each : asked)
    EXPECT_TRUE(has<attach>(reply(each, yes(each.line))));
}

TEST_F(BalancerCore, ALinkThatComesUpEndsItsRest_B13) {
  core.set_nodes({{"a", {""}}, {"b", {""}}});
  const auto one = first();
  the<attach>(reply(the<offer>(core.on_offer_failed(now, one.serial)), yes()));
  core.on_reachable(now, one.node);
  std::set<node_id> asked;
  for (std::uint64_t line = 2; line <= 5; ++line)
    asked.insert(first(line).node);
  EXPECT_EQ(asked.count(one.node), 1u);
}

TEST_F(BalancerCore, WhereSomebodyHasNoRoomNobodyWaits_B5) {
  for (const auto why : {refusal::over, refusal::full}) {
    core.set_nodes({{"a", {""}}, {"b", {""}}});
    auto out = core.on_offer_failed(now, first().serial);
    while (!has<refuse>(out))
      out = reply(the<offer>(out), no(why));
  }
  EXPECT_EQ(core.count().waits, 0u);
}

TEST_F(BalancerCore, WithoutPatienceTheClientIsToldAtOnce) {
  settings.choose.patience = 0ms;
  core.set_settings(settings);
  core.set_nodes({{"a", {""}}});
  EXPECT_TRUE(has<refuse>(core.on_offer_failed(now, first().serial)));
}

TEST_F(BalancerCore, WhoLeavesWhileItWaitsIsForgotten) {
  core.set_nodes({{"a", {""}}});
  core.on_offer_failed(now, first().serial);
  core.on_ended(1);
  EXPECT_TRUE(core.on_reachable(now, "a").empty());
  EXPECT_FALSE(core.next_wake());
}

TEST_F(BalancerCore, AMoveDoesNotWait_B11) {
  core.set_nodes({{"a", {""}}, {"b", {""}}});
  const auto node = place(1, 7);
  const auto asked = the<offer>(core.on_offer_move(now, {5, node, 7, true, 0}));
  EXPECT_FALSE(the<balancer_core::answer_move>(core.on_offer_failed(now, asked.serial)).ready);
  EXPECT_EQ(core.count().waits, 0u);
}

TEST_F(BalancerCore, ALegThatCannotBeDialledIsUnreachable) {
  const auto one = first();
  const auto to = the<attach>(reply(one, yes()));
  const auto two = the<offer>(core.on_attached(now, 1, to.serial, false));
  EXPECT_EQ(two.attempt, 1u);
  EXPECT_NE(two.node, one.node);
}

TEST_F(BalancerCore, WithoutAccessNodesTheClientIsToldAtOnce) {
  core.set_nodes({});
  EXPECT_TRUE(has<refuse>(core.on_first_bytes(now, 1)));
}

TEST_F(BalancerCore, FailuresAboveTheTargetCallForMoreAccessNodes_B5_C7) {
  for (std::uint64_t line = 1; line <= 100; ++line)
    place(line, line);
  EXPECT_FALSE(core.more_access_nodes_needed(now));
  core.set_nodes({});
  core.on_first_bytes(now, 200);
  EXPECT_TRUE(core.more_access_nodes_needed(now));
  EXPECT_FALSE(core.more_access_nodes_needed(now + 5min));
}

TEST_F(BalancerCore, AnAnswerThatComesTooLateChangesNothing) {
  const auto one = first();
  const auto two = the<offer>(core.on_offer_failed(now, one.serial));
  EXPECT_TRUE(reply(one, yes()).empty());
  const auto to = the<attach>(reply(two, yes()));
  EXPECT_TRUE(reply(two, yes()).empty());
  EXPECT_TRUE(core.on_attached(now, 1, one.serial, true).empty());
  core.on_attached(now, 1, to.serial, true);
  EXPECT_TRUE(core.on_attached(now, 1, to.serial, false).empty());
  EXPECT_EQ(core.count().connects, 1u);
  EXPECT_EQ(core.count().late, 4u);
}

TEST_F(BalancerCore, AnAnswerThatNeverComesIsNotWaitedFor) {
  const auto one = first();
  now = *core.next_wake();
  EXPECT_LE(now, 2s);
  const auto two = the<offer>(core.on_timer(now));
  EXPECT_NE(two.node, one.node);
  EXPECT_EQ(two.attempt, 1u);
}

TEST_F(BalancerCore, AClientThatLeavesWhileItIsPlacedIsForgotten) {
  const auto asked = first();
  core.on_ended(1);
  EXPECT_TRUE(reply(asked, yes()).empty());
  EXPECT_EQ(core.lines(), 0u);
  EXPECT_FALSE(core.next_wake());
}

// ---- an access node dies ----

TEST_F(BalancerCore, OneWholeGetIsAskedAgainElsewhere_R11) {
  const auto node = place(1, 7);
  const auto asked = the<offer>(core.on_lost(now, 1, {false, false, true, true, 3}));
  EXPECT_TRUE(asked.moved);
  EXPECT_EQ(asked.attempt, 1u);
  EXPECT_NE(asked.node, node);
  const auto to = the<attach>(reply(asked, yes(8)));
  core.on_attached(now, 1, to.serial, true);
  EXPECT_EQ(core.count().replays, 1u);
  EXPECT_EQ(core.count().resets, 0u);
  EXPECT_EQ(core.lines_by_node().count(node), 0u);
}

TEST_F(BalancerCore, TheSameRequestIsAskedAgainOnce_R11) {
  place(1, 7);
  const auto asked = the<offer>(core.on_lost(now, 1, {false, false, true, true, 3}));
  const auto to = the<attach>(reply(asked, yes(8)));
  core.on_attached(now, 1, to.serial, true);
  EXPECT_TRUE(has<balancer_core::close>(core.on_lost(now, 1, {false, false, true, true, 3})));
  EXPECT_EQ(core.count().replays, 1u);
  EXPECT_EQ(core.count().resets, 1u);
}

TEST_F(BalancerCore, TheNextRequestMayBeAskedAgainToo) {
  place(1, 7);
  auto asked = the<offer>(core.on_lost(now, 1, {false, false, true, true, 3}));
  const auto to = the<attach>(reply(asked, yes(8)));
  core.on_attached(now, 1, to.serial, true);
  EXPECT_TRUE(has<offer>(core.on_lost(now, 1, {false, false, true, true, 4})));
}

TEST_F(BalancerCore, AnythingElseEndsAndIsCounted_R11) {
  place(1, 7);
  EXPECT_TRUE(core.on_lost(now, 1, {false, false, false, true, 3}).empty());
  EXPECT_EQ(core.count().resets, 1u);
  place(2, 8);
  core.on_lost(now, 2, {true, false, false, false, 3});  // idle: nobody is cut off
  EXPECT_EQ(core.count().resets, 1u);
  EXPECT_EQ(core.lines(), 0u);
}

TEST_F(BalancerCore, AnIdleClientIsForgottenUntilItSaysMoreAndThenPlacedAsAMovedOne_R11) {
  const auto node = place(1, 7);
  balancer_core::loss died;
  died.request = 3;
  died.resting = true;
  EXPECT_TRUE(core.on_lost(now, 1, died).empty());
  EXPECT_EQ(core.count().rested, 1u);
  EXPECT_EQ(core.count().resets, 0u);
  EXPECT_EQ(core.lines(), 0u);
  EXPECT_TRUE(core.lines_by_node().empty());
  EXPECT_FALSE(core.next_wake());
  const auto asked = the<offer>(core.on_first_bytes(now, 1, true));
  EXPECT_TRUE(asked.moved);
  EXPECT_EQ(asked.attempt, 1u);
  EXPECT_NE(asked.node, node);  // it rests
  EXPECT_TRUE(has<attach>(reply(asked, yes(8))));
}

TEST_F(BalancerCore, AnIdleClientThatIsLostInMidMoveLeavesNoMoveBehind_B11_R11) {
  const auto node = place(1, 7);
  const auto asked = the<offer>(core.on_offer_move(now, {5, node, 7, false, 0}));
  balancer_core::loss died;
  died.resting = true;
  EXPECT_FALSE(the<balancer_core::answer_move>(core.on_lost(now, 1, died)).ready);
  EXPECT_EQ(core.moving(), 0u);
  const auto again = the<offer>(core.on_first_bytes(now, 1, true));
  EXPECT_TRUE(reply(asked, yes(8)).empty());  // for the move that is no more
  EXPECT_TRUE(has<attach>(reply(again, yes(9))));
}

TEST_F(BalancerCore, AnAccessNodeThatHasSpokenAndEndsInOrderIsNotUnreachable_B8) {
  const auto rests = [this] {
    const auto all = core.picks(now);
    return std::any_of(all.begin(), all.end(), [](const auto& one) { return !one.reachable; });
  };
  place(1, 7);
  core.on_lost(now, 1, {true, false, false, true, 1, false});
  EXPECT_FALSE(rests());
  place(2, 8);
  core.on_lost(now, 2, {true, false, false, true, 1, true});  // never a byte of it
  EXPECT_TRUE(rests());
}

// ---- an access node stands still ----

using doubt = balancer_core::doubt;

TEST_F(BalancerCore, WhileALinkIsDownItsLegsAreDoubtedAgainAndAgain_R11) {
  core.set_nodes({{"a", {""}}});
  place(1, 7);
  place(2, 8);
  EXPECT_TRUE(core.on_unreachable(now, "b").empty());
  const auto once = support::only<doubt>(core.on_unreachable(now, "a"));
  ASSERT_EQ(once.size(), 2u);
  EXPECT_EQ(once[0].line + once[1].line, 3u);
  EXPECT_EQ(core.next_wake(), now + settings.choose.lost_after);
  EXPECT_TRUE(core.on_unreachable(now + 1s, "a").empty());  // it is
  now += settings.choose.lost_after;
  const auto twice = support::only<doubt>(core.on_timer(now));
  ASSERT_EQ(twice.size(), 2u);
  EXPECT_EQ(twice[0].outage, once[0].outage);
  core.on_ended(1);
  core.on_ended(2);
  now += settings.choose.lost_after;
  EXPECT_TRUE(core.on_timer(now).empty());
  core.on_reachable(now, "a");
  core.on_reachable(now, "b");
  EXPECT_FALSE(core.next_wake());
}

TEST_F(BalancerCore, ALegThatComesToANodeThatIsAwayIsDoubtedAsWell_R11) {
  core.set_nodes({{"a", {""}}});
  EXPECT_TRUE(core.on_unreachable(now, "a").empty());
  place(1, 7);  // its link is slower than its leg
  now += settings.choose.lost_after;
  const auto once = the<doubt>(core.on_timer(now));
  now += settings.choose.lost_after;
  EXPECT_EQ(the<doubt>(core.on_timer(now)).outage, once.outage);
}

TEST_F(BalancerCore, ALinkThatComesBackEndsTheDoubtAndTheNextOutageIsAnother) {
  core.set_nodes({{"a", {""}}});
  place(1, 7);
  const auto once = the<doubt>(core.on_unreachable(now, "a"));
  core.on_reachable(now, "a");
  EXPECT_FALSE(core.next_wake());
  EXPECT_NE(the<doubt>(core.on_unreachable(now, "a")).outage, once.outage);
}

TEST_F(BalancerCore, WithoutLostAfterNobodyIsDoubted_B13) {
  core.set_nodes({{"a", {""}}});
  place(1, 7);
  core.on_unreachable(now, "a");
  settings.choose.lost_after = 0ms;
  core.set_settings(settings);
  core.on_timer(now + 5s);
  EXPECT_FALSE(core.next_wake());
  EXPECT_TRUE(core.on_unreachable(now, "a").empty());
}

TEST_F(BalancerCore, SettingsHoldForTheNextClient_B13) {
  settings.accept.steps = {settings.accept.steps.front()};
  core.set_settings(settings);
  const auto two = the<offer>(reply(first(), no()));
  EXPECT_TRUE(two.last_resort);
}

}  // namespace
}  // namespace dunlin::tests
