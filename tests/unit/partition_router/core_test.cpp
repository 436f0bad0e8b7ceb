#include "actors/partition_router/partition_router_core.hpp"
#include "runtime/crypto/random.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace dunlin;
using namespace std::chrono_literals;
using core = partition_router_core;

namespace {

class PartitionRouterCore : public testing::Test {
protected:
  using time = core::time;

  /// Takes the effects and answers the newest send, if there is one.
  std::optional<core::send> sent(core::effects effects) {
    std::optional<core::send> newest;
    for (auto& one : effects) {
      if (auto* out = std::get_if<core::send>(&one))
        newest = *out;
      else if (auto* done = std::get_if<core::deliver>(&one))
        delivered.push_back(done->task);
      else
        failed.push_back(std::get<core::fail>(one));
    }
    return newest;
  }

  /// Opens the client of partition 1 by the way, when a command needs it.
  core::send command(core::task_id id) {
    auto out = sent(router.on_wish(now, id, core::kind::command, core::to_partition{1}, 15s));
    if (out->what == core::kind::open_client) out = reply(*out);
    EXPECT_EQ(out->what, core::kind::command);
    EXPECT_EQ(out->task, id);
    return *out;
  }
  std::optional<core::send> reply(const core::send& to, core::verdict said = core::verdict::done) {
    return sent(router.on_reply(now, to.task, to.attempt, said));
  }
  std::optional<core::send> error(const core::send& to, ec reason, const std::string& detail = {}) {
    return sent(router.on_error(now, to.task, to.attempt, reason, detail));
  }
  /// Time passes until something is sent again.
  std::optional<core::send> wait() {
    for (int i = 0; i < 100 && router.next_wake(); ++i) {
      now = std::max(now, *router.next_wake());
      if (auto out = sent(router.on_timer(now))) return out;
    }
    return std::nullopt;
  }
  void take_map(std::uint64_t epoch, std::vector<partition_place> places) {
    const auto asked = sent(router.on_get_map(now, 1'000'000, epoch));
    sent(router.on_map(now, asked->task, asked->attempt, epoch, std::move(places)));
    delivered.clear();
  }
  static std::vector<partition_place> two_halves() {
    return {{1, 0, 99, {"a", "b", "c"}}, {2, 100, UINT64_MAX, {"b", "c", "d"}}};
  }

  crypto::seeded_random random{1};
  core router{{}, {"a", {"a", "b", "c"}}, random};
  time now{1000};
  std::vector<core::task_id> delivered;
  std::vector<core::fail> failed;
};

class RouterWithMap : public PartitionRouterCore {
protected:
  RouterWithMap() { take_map(1, two_halves()); }
};

TEST_F(PartitionRouterCore, FetchesTheMapBeforeItAsksForABucket) {
  auto out = sent(router.on_wish(now, 1, core::kind::query, core::to_bucket{150}, 0ms));
  ASSERT_TRUE(out);
  EXPECT_EQ(out->what, core::kind::fetch_map);
  EXPECT_EQ(out->partition, 0u);
  EXPECT_EQ(out->node, "a");
  out = sent(router.on_map(now, out->task, out->attempt, 1, two_halves()));
  ASSERT_TRUE(out);
  EXPECT_EQ(out->what, core::kind::query);
  EXPECT_EQ(out->partition, 2u);
  EXPECT_FALSE(out->client);
}

TEST_F(PartitionRouterCore, AsksAgainForAMapThatIsNotThereYet) {
  auto out = sent(router.on_wish(now, 1, core::kind::query, core::to_bucket{1}, 1s));
  EXPECT_FALSE(reply(*out, core::verdict::no_map));
  out = wait();
  ASSERT_TRUE(out);
  EXPECT_EQ(out->what, core::kind::fetch_map);
}

TEST_F(PartitionRouterCore, NeedsNoMapForTheRootPartition) {
  const auto out = sent(router.on_wish(now, 1, core::kind::query, core::to_partition{0}, 1s));
  ASSERT_TRUE(out);
  EXPECT_EQ(out->what, core::kind::query);
  reply(*out);
  EXPECT_THAT(delivered, testing::ElementsAre(1));
}

TEST_F(RouterWithMap, AnswersAMapThatIsNewEnoughFromItsCopy) {
  EXPECT_FALSE(sent(router.on_get_map(now, 1, 1)));
  EXPECT_THAT(delivered, testing::ElementsAre(1));
  const auto out = sent(router.on_get_map(now, 2, 2));
  ASSERT_TRUE(out);
  EXPECT_EQ(out->what, core::kind::fetch_map);
  sent(router.on_map(now, out->task, out->attempt, 2, two_halves()));
  EXPECT_THAT(delivered, testing::ElementsAre(1, 2));
}

TEST_F(RouterWithMap, OpensTheClientOnceForManyCommands) {
  const auto opening = sent(router.on_wish(now, 1, core::kind::command, core::to_partition{1}, 1s));
  ASSERT_EQ(opening->what, core::kind::open_client);
  EXPECT_EQ(opening->client->sequence, 0u);
  EXPECT_FALSE(sent(router.on_wish(now, 2, core::kind::command, core::to_partition{1}, 1s)));
  const auto out = router.on_reply(now, opening->task, opening->attempt, core::verdict::done);
  ASSERT_EQ(out.size(), 2u);
  EXPECT_EQ(std::get<core::send>(out[0]).client->sequence, 1u);
  EXPECT_EQ(std::get<core::send>(out[1]).client->sequence, 2u);
  EXPECT_EQ(std::get<core::send>(out[1]).client->lowest_unanswered, 1u);
}

TEST_F(RouterWithMap, FollowsAHintAtOnceAndRemembersTheLeader) {
  auto out = command(1);
  EXPECT_EQ(out.node, "a");
  const auto again = error(out, ec::not_leader, "c");
  ASSERT_TRUE(again);
  EXPECT_EQ(again->node, "c");
  EXPECT_EQ(again->client->sequence, out.client->sequence);
  reply(*again);
  EXPECT_EQ(command(2).node, "c");
}

TEST_F(RouterWithMap, AsksANewLeaderAtOnceWithoutWaitingForASilentOne) {
  const auto first = command(1);
  EXPECT_EQ(first.node, "a");
  now += 1s;  // no answer
  const auto again = sent(router.on_leader(now, 1, "b", 7));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->node, "b");
  EXPECT_EQ(again->client->sequence, first.client->sequence);
  reply(*again);
  EXPECT_THAT(delivered, testing::ElementsAre(1));
  EXPECT_EQ(command(2).node, "b");
}

TEST_F(RouterWithMap, AsksANewLeaderAtOnceWithoutWaitingForABackOff) {
  auto out = std::optional(command(1));
  for (int i = 0; i < 3; ++i)
    out = error(*out, ec::not_leader);
  EXPECT_FALSE(out);
  out = sent(router.on_leader(now, 1, "c", 7));
  ASSERT_TRUE(out);
  EXPECT_EQ(out->node, "c");
}

TEST_F(RouterWithMap, LeavesAloneWhoWaitsForTheLeaderItself) {
  command(1);
  EXPECT_FALSE(sent(router.on_leader(now, 1, "a", 7)));
  EXPECT_FALSE(sent(router.on_leader(now, 2, "b", 7)));
}

TEST_F(RouterWithMap, DoesNotGoBackToALeaderOfAnOlderTerm) {
  sent(router.on_leader(now, 1, "b", 7));
  sent(router.on_leader(now, 1, "a", 6));
  EXPECT_EQ(command(1).node, "b");
}

TEST_F(RouterWithMap, KeepsInMindThatASilentLeaderMayHaveRunTheCommand) {
  const auto first = command(1);
  const auto again = sent(router.on_leader(now, 1, "b", 7));
  reply(*again, core::verdict::unknown_client);
  ASSERT_EQ(failed.size(), 1u);
  EXPECT_EQ(failed[0].reason, ec::unknown_outcome);
}

TEST_F(RouterWithMap, DoesNotBelieveAHintOutsideThePartition) {
  const auto again = error(command(1), ec::not_leader, "mallory");
  ASSERT_TRUE(again);
  EXPECT_EQ(again->node, "b");
}

TEST_F(RouterWithMap, BacksOffWhenHintsRunInACircle) {
  auto out = error(command(1), ec::not_leader, "b");
  EXPECT_EQ(out->node, "b");
  EXPECT_FALSE(error(*out, ec::not_leader, "a"));
  const auto before = now;
  out = wait();
  ASSERT_TRUE(out);
  EXPECT_EQ(out->node, "a");
  EXPECT_GE(now - before, 10ms);
  EXPECT_LE(now - before, 20ms);
}

TEST_F(RouterWithMap, AsksEveryReplicaBeforeItBacksOff) {
  std::vector<node_id> asked;
  auto out = std::optional{command(1)};
  while (out) {
    asked.push_back(out->node);
    out = error(*out, ec::unavailable);
  }
  EXPECT_THAT(asked, testing::ElementsAre("a", "b", "c"));
}

TEST_F(RouterWithMap, BacksOffLongerEachTimeUpToItsBound) {
  auto out = std::optional{command(1)};
  time longest{0};
  for (int round = 0; round < 10; ++round) {
    for (auto next = out; next; next = error(*next, ec::unavailable)) {}
    const auto before = now;
    out = wait();
    if (!out) break;
    if (out->what == core::kind::fetch_map) out = wait();
    longest = std::max(longest, now - before);
    ASSERT_TRUE(out);
  }
  EXPECT_GT(longest, 200ms);
  EXPECT_LE(longest, 502ms);
}

TEST_F(RouterWithMap, RetriesALostAnswerUnderTheSameStamp) {
  const auto out = command(1);
  const auto again = error(out, ec::peer_lost);
  ASSERT_TRUE(again);
  EXPECT_NE(again->node, out.node);
  EXPECT_EQ(again->client->sequence, out.client->sequence);
  reply(*again);
  EXPECT_THAT(delivered, testing::ElementsAre(1));
  EXPECT_EQ(command(2).client->lowest_unanswered, 2u);
}

TEST_F(RouterWithMap, NeverRunsAnewWhatMayHaveRunBeforeThePartitionForgotTheClient) {
  const auto again = error(command(1), ec::timed_out);
  reply(*again, core::verdict::unknown_client);
  ASSERT_EQ(failed.size(), 1u);
  EXPECT_EQ(failed[0].reason, ec::unknown_outcome);
}

TEST_F(RouterWithMap, OpensTheClientAgainForACommandThatWasNotSentBefore) {
  const auto first = command(1);
  reply(first);
  const auto out = command(2);
  const auto hinted = error(out, ec::not_leader, "b");  // it certainly did not run at a
  const auto opening = reply(*hinted, core::verdict::unknown_client);
  ASSERT_TRUE(opening);
  EXPECT_EQ(opening->what, core::kind::open_client);
  EXPECT_EQ(opening->client->sequence, 2u);  // numbers up to it never run
  const auto again = reply(*opening);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->task, 2u);
  EXPECT_EQ(again->client->sequence, 3u);
}

TEST_F(RouterWithMap, FailsAllCommandsOfALifeThatANewerOneReplaced) {
  const auto opening = sent(router.on_wish(now, 1, core::kind::command, core::to_partition{1}, 1s));
  sent(router.on_wish(now, 2, core::kind::command, core::to_partition{1}, 1s));
  reply(*opening, core::verdict::unknown_client);
  ASSERT_EQ(failed.size(), 2u);
  EXPECT_EQ(failed[0].reason, ec::stale);
  EXPECT_EQ(router.tasks(), 0u);
}

TEST_F(RouterWithMap, HoldsAtMostAThousandCommandsOpenAtOnePartition) {
  command(1);
  for (core::task_id id = 2; id <= 1024; ++id)
    command(id);
  EXPECT_TRUE(failed.empty());
  EXPECT_FALSE(sent(router.on_wish(now, 1025, core::kind::command, core::to_partition{1}, 1s)));
  ASSERT_EQ(failed.size(), 1u);
  EXPECT_EQ(failed[0].reason, ec::overloaded);
}

TEST_F(RouterWithMap, FetchesTheMapWhenAPartitionDoesNotOwnTheBucket) {
  const auto out = sent(router.on_wish(now, 1, core::kind::query, core::to_bucket{5}, 1s));
  EXPECT_EQ(out->partition, 1u);
  const auto fetch = reply(*out, core::verdict::wrong_partition);
  ASSERT_TRUE(fetch);
  EXPECT_EQ(fetch->what, core::kind::fetch_map);
  const auto again = sent(
      router.on_map(now, fetch->task, fetch->attempt, 2, {{1, 50, 99, {"a"}}, {2, 0, 49, {"b"}}}));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->partition, 2u);
  EXPECT_EQ(again->node, "b");
}

TEST_F(RouterWithMap, HandsOverWrongPartitionWhenTheNewestMapSaysTheSame) {
  const auto out = sent(router.on_wish(now, 1, core::kind::query, core::to_bucket{5}, 1s));
  const auto fetch = reply(*out, core::verdict::wrong_partition);
  const auto again = sent(router.on_map(now, fetch->task, fetch->attempt, 1, two_halves()));
  EXPECT_FALSE(reply(*again, core::verdict::wrong_partition));
  EXPECT_THAT(delivered, testing::ElementsAre(1));
}

TEST_F(RouterWithMap, ReportsAnUnknownOutcomeWhenTimeIsUpInMidFlight) {
  command(1);
  now += 15s;
  sent(router.on_timer(now));
  ASSERT_EQ(failed.size(), 1u);
  EXPECT_EQ(failed[0].reason, ec::timed_out);
  EXPECT_FALSE(router.next_wake());
}

TEST_F(RouterWithMap, ReportsUnavailableWhenNobodyTookTheCommand) {
  for (auto out = std::optional{command(1)}; out; out = wait())
    for (auto next = out; next; next = error(*next, ec::unavailable)) {}
  ASSERT_EQ(failed.size(), 1u);
  EXPECT_EQ(failed[0].reason, ec::unavailable);
}

TEST_F(RouterWithMap, TriesElsewhereOnceWhenADiskIsFull) {
  const auto again = error(command(1), ec::disk_full);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->node, "b");
  error(*again, ec::disk_full);
  ASSERT_EQ(failed.size(), 1u);
  EXPECT_EQ(failed[0].reason, ec::disk_full);
}

// Found by a trial: a delete that had run was answered as one that surely had not.
TEST_F(RouterWithMap, ARefusalDoesNotDenyAnEarlierAttempt) {
  for (const auto reason : {ec::disk_full, ec::overloaded}) {
    failed.clear();
    auto out = error(command(1), ec::peer_lost);
    for (int i = 0; i < 40 && failed.empty(); ++i) {
      if (out && out->what == core::kind::fetch_map) out = wait();
      out = out ? error(*out, reason) : wait();
    }
    ASSERT_EQ(failed.size(), 1u);
    EXPECT_EQ(failed[0].reason, ec::unknown_outcome) << to_string(reason);
  }
}

TEST_F(RouterWithMap, GivesUpOnALeaderThatStaysFull) {
  auto out = std::optional{command(1)};
  for (int i = 0; i < 40 && failed.empty(); ++i) {
    if (out->what == core::kind::fetch_map) out = wait();
    out = out->node == "a" ? error(*out, ec::disk_full) : error(*out, ec::not_leader, "a");
    if (!out && failed.empty()) out = wait();
    ASSERT_TRUE(out || !failed.empty());
  }
  ASSERT_EQ(failed.size(), 1u);
  EXPECT_EQ(failed[0].reason, ec::disk_full);
  EXPECT_LT(now, 4s);
}

TEST_F(RouterWithMap, PassesOverloadOnAfterAFewTries) {
  auto out = std::optional{command(1)};
  int tries = 0;
  while (failed.empty()) {
    ++tries;
    EXPECT_FALSE(error(*out, ec::overloaded));
    if (failed.empty()) out = wait();
  }
  EXPECT_EQ(tries, 4);
  EXPECT_EQ(failed[0].reason, ec::overloaded);
}

TEST_F(RouterWithMap, PassesOnAtOnceWhatNoReplicaWouldTake) {
  error(command(1), ec::invalid_argument, "no");
  ASSERT_EQ(failed.size(), 1u);
  EXPECT_EQ(failed[0].reason, ec::invalid_argument);
}

TEST_F(RouterWithMap, IgnoresTheAnswerOfAnOlderAttempt) {
  const auto out = command(1);
  const auto again = error(out, ec::timed_out);
  EXPECT_FALSE(error(out, ec::invalid_argument));
  reply(*again);
  EXPECT_THAT(delivered, testing::ElementsAre(1));
}

}  // namespace
