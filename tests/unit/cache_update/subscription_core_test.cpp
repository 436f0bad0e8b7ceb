// One subscriber's account of what it has heard (Q8, Q9, Q14, Q26; decision 0011).
#include "actors/cache_update/subscription_core.hpp"

#include "runtime/crypto/random.hpp"
#include "tests/support/effects.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dunlin {
namespace {

using namespace std::chrono_literals;
using core = subscription_core;
using support::only;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class SubscriptionCore : public testing::Test {
protected:
  core::effects begin() {
    auto out = s.start(now);
    for (const auto& wish : only<core::subscribe>(out))
      s.on_subscribed(now, wish.queue, wish.attempt, {7, 101, false});
    now += 200ms;
    return out;
  }

  static cache_update::type_changes part(std::uint64_t first, std::uint64_t last,
                                         std::uint64_t tick, const std::string& type = "bucket") {
    return {type, 1, {{first, last}}, {{tick, "k" + std::to_string(tick), "value", false, 0}}, 0};
  }
  core::effects batch(std::uint64_t after, std::uint64_t sequence,
                      std::vector<cache_update::type_changes> parts, std::uint64_t life = 7) {
    return s.on_batch(now, {"q0", life, after, sequence, std::move(parts)});
  }
  core::effects ordinals(std::uint64_t first, std::uint64_t last, std::uint64_t tick) {
    ++row;
    return batch(row - 1, row, {part(first, last, tick)});
  }
  core::effects news(std::uint64_t ordinal, std::uint64_t tick, core::time stamp,
                     std::uint32_t age = 10, const node_id& queue = "q0") {
    cache_update::news words{queue, 7, row, 0, row, static_cast<std::uint64_t>(stamp.count()), {}};
    words.partitions.push_back({1, tick, age, {{"bucket", ordinal}}});
    return s.on_news(now, words);
  }
  core::effects pass(core::time how_long) {
    core::effects all;
    for (const auto end = now + how_long; now < end;) {
      now = std::min(end, std::max(now + 1ms, s.next_wake()));
      for (auto& one : s.on_timer(now))
        all.push_back(std::move(one));
    }
    return all;
  }

  crypto::seeded_random random{1};
  core::time now{10000};
  std::uint64_t row = 100;
  core s{{}, {"bucket"}, {"q0", "q1"}, now, random};
};

TEST_F(SubscriptionCore, SubscribesWithEveryQueue) {  // Q9
  const auto wishes = only<core::subscribe>(s.start(now));
  ASSERT_THAT(wishes, SizeIs(2));
  EXPECT_EQ(wishes[0].queue, "q0");
  EXPECT_EQ(wishes[0].queue_incarnation, 0u);
}

TEST_F(SubscriptionCore, AsksAgainWithGrowingPausesUntilItIsAnswered) {
  s.start(now);
  const auto asked = only<core::subscribe>(pass(60s)).size();
  EXPECT_GT(asked, 16u);  // two queues
  EXPECT_LT(asked, 60u);
}

TEST_F(SubscriptionCore, ProvesNothingBeforeTheFirstNews) {  // Q26
  begin();
  EXPECT_THAT(only<core::proven>(ordinals(1, 3, 30)), IsEmpty());
  EXPECT_THAT(only<core::proven>(pass(500ms)), IsEmpty());
}

TEST_F(SubscriptionCore, TheFirstNewsAreTheBase) {  // Q26
  begin();
  const auto out = news(5, 50, now);
  ASSERT_THAT(only<core::drop>(out), SizeIs(1));
  EXPECT_EQ(only<core::drop>(out)[0].base_tick, 50u);
  EXPECT_EQ(only<core::drop>(out)[0].why, core::reason::base);
  ASSERT_THAT(only<core::proven>(out), SizeIs(1));
  EXPECT_EQ(only<core::proven>(out)[0].at, now - 10ms);
  EXPECT_EQ(only<core::proven>(out)[0].base_tick, 50u);
}

TEST_F(SubscriptionCore, WhatWasHeardBeforeTheBaseCountsBehindIt) {  // Q26
  begin();
  ordinals(6, 7, 70);
  news(5, 50, now);
  EXPECT_THAT(only<core::proven>(news(7, 70, now + 0ms)), IsEmpty());  // same time: nothing new
  now += 100ms;
  EXPECT_EQ(only<core::proven>(news(7, 70, now)).at(0).at, now - 10ms);
  EXPECT_EQ(s.count().drops, 0u);
}

TEST_F(SubscriptionCore, ProvesOnlyWhenItHasEverything) {
  begin();
  news(5, 50, now);
  now += 100ms;
  const auto stamp = now;
  EXPECT_THAT(only<core::proven>(news(7, 70, stamp)), IsEmpty());
  now += 5ms;
  EXPECT_THAT(only<core::proven>(ordinals(6, 6, 60)), IsEmpty());
  now += 5ms;
  const auto out = ordinals(7, 7, 70);
  ASSERT_THAT(only<core::proven>(out), SizeIs(1));
  EXPECT_EQ(only<core::proven>(out)[0].at, stamp - 10ms);
  EXPECT_TRUE(std::holds_alternative<core::apply>(out.front()));  // before what stands on it
}

TEST_F(SubscriptionCore, NewsThatWereHeldUpProveAnOldTimeOnly) {
  begin();
  const auto stamp = now;
  now += 30s;
  EXPECT_EQ(only<core::proven>(news(5, 50, stamp)).at(0).at, stamp - 10ms);
}

TEST_F(SubscriptionCore, StampsThatAreNotItsOwnProveNothing) {
  begin();
  EXPECT_THAT(only<core::proven>(news(5, 50, now + 1s)), IsEmpty());
  EXPECT_THAT(only<core::proven>(news(5, 50, 9999ms)), IsEmpty());  // before it was born
  EXPECT_THAT(only<core::proven>(news(5, 50, 0ms)), IsEmpty());
  EXPECT_THAT(only<core::proven>(news(5, 50, now)), SizeIs(1));
}

TEST_F(SubscriptionCore, AHoleThatStaysDropsTheTypeAndTakesTheNewestNewsAsBase) {  // Q14
  begin();
  news(5, 50, now);
  now += 10ms;
  ordinals(7, 7, 70);
  news(8, 80, now);
  EXPECT_THAT(only<core::drop>(pass(290ms)), IsEmpty());
  const auto out = pass(20ms);
  ASSERT_THAT(only<core::drop>(out), SizeIs(1));
  EXPECT_EQ(only<core::drop>(out)[0].base_tick, 80u);
  EXPECT_EQ(only<core::drop>(out)[0].why, core::reason::hole);
  EXPECT_THAT(only<core::proven>(out), SizeIs(1));
  EXPECT_EQ(s.holes(), 0u);
}

TEST_F(SubscriptionCore, AHoleThatClosesInTimeDropsNothing) {  // Q14
  begin();
  news(5, 50, now);
  ordinals(7, 7, 70);
  now += 10ms;
  news(7, 70, now);
  pass(200ms);
  EXPECT_THAT(only<core::proven>(ordinals(6, 6, 60)), SizeIs(1));
  EXPECT_THAT(only<core::drop>(pass(1s)), IsEmpty());
}

TEST_F(SubscriptionCore, AHoleThatNoNewsReachYetWaitsForThem) {  // Q14
  begin();
  news(5, 50, now);
  ordinals(7, 7, 70);
  EXPECT_THAT(only<core::drop>(pass(900ms)), IsEmpty());
  auto out = news(7, 70, now);
  for (auto& one : pass(1ms))
    out.push_back(std::move(one));
  EXPECT_EQ(only<core::drop>(out).at(0).base_tick, 70u);
}

TEST_F(SubscriptionCore, ChangesFromBeforeTheBaseAreNotApplied) {  // Q11, Q14
  begin();
  news(5, 50, now);
  EXPECT_THAT(only<core::apply>(ordinals(4, 4, 40)), IsEmpty());
  EXPECT_EQ(s.count().old_changes, 1u);
  auto mixed = part(5, 6, 60);
  mixed.changes.push_back({45, "old", "value", false, 0});
  const auto out = only<core::apply>(batch(row, row + 1, {mixed}));
  ASSERT_THAT(out, SizeIs(1));
  EXPECT_THAT(out[0].changes, SizeIs(1));
}

TEST_F(SubscriptionCore, AWholeChangeDropsTheTypeUpToItsTick) {  // Q7
  begin();
  news(5, 50, now);
  auto collapsed = part(6, 400, 61);
  collapsed.whole_tick = 60;
  const auto out = batch(row, row + 1, {collapsed});
  EXPECT_EQ(only<core::drop>(out).at(0).base_tick, 60u);
  EXPECT_EQ(only<core::drop>(out).at(0).why, core::reason::whole);
  EXPECT_THAT(only<core::apply>(out).at(0).changes, SizeIs(1));
  now += 10ms;
  EXPECT_THAT(only<core::proven>(news(400, 61, now)), SizeIs(1));
}

TEST_F(SubscriptionCore, AppliesWhatComesTwiceOnce) {
  begin();
  EXPECT_THAT(only<core::apply>(batch(100, 101, {part(6, 6, 60)})), SizeIs(1));
  EXPECT_THAT(only<core::apply>(batch(100, 101, {part(6, 6, 60)})), IsEmpty());
  EXPECT_EQ(s.count().duplicates, 1u);
}

TEST_F(SubscriptionCore, AcknowledgesAfterAnIntervalAndAtOnceWhenSomethingIsMissing) {
  begin();
  pass(40ms);
  EXPECT_THAT(only<core::acknowledge>(batch(100, 101, {part(1, 1, 10)})), IsEmpty());
  const auto acks = only<core::acknowledge>(pass(30ms));
  ASSERT_FALSE(acks.empty());
  EXPECT_EQ(acks.back().received_through, 101u);
  pass(20ms);
  const auto hole = only<core::acknowledge>(batch(102, 103, {part(3, 3, 30)}));
  ASSERT_THAT(hole, SizeIs(1));
  EXPECT_EQ(hole[0].received_through, 101u);
  EXPECT_THAT(hole[0].beyond, ElementsAre(ordinal_run{103, 103}));
  EXPECT_EQ(s.count().gaps, 1u);
  batch(101, 102, {part(2, 2, 20)});
  EXPECT_EQ(s.count().replays, 1u);
  EXPECT_EQ(only<core::acknowledge>(pass(30ms)).back().received_through, 103u);
}

TEST_F(SubscriptionCore, NewsOfABatchThatDidNotComeAreAnsweredAtOnce) {
  begin();
  pass(20ms);
  cache_update::news words{"q0", 7, 105, 0, 105, 0, {}};
  EXPECT_EQ(only<core::acknowledge>(s.on_news(now, words)).at(0).received_through, 100u);
}

TEST_F(SubscriptionCore, SendsItsStampTwicePerNewsInterval) {
  begin();
  std::size_t stamps = 0;
  for (int step = 0; step < 20; ++step) {
    stamps += only<core::acknowledge>(pass(50ms)).size();
    for (const auto* queue : {"q0", "q1"})
      s.on_news(now, {queue, 7, 100, 0, 100, 0, {}});
  }
  EXPECT_GE(stamps, 14u);  // a second, two queues
  EXPECT_LE(stamps, 18u);
}

TEST_F(SubscriptionCore, WhatTheQueueNoLongerHasIsNotWaitedFor) {  // Q14
  begin();
  batch(105, 106, {part(3, 3, 30)});
  s.on_news(now, {"q0", 7, 106, 106, 106, 0, {}});
  EXPECT_EQ(s.count().missed, 1u);
  EXPECT_EQ(only<core::acknowledge>(pass(200ms)).at(0).received_through, 106u);
}

TEST_F(SubscriptionCore, SubscribesAnewWhenTheQueueLivesAgainAndGoesOnByNumber) {  // Q13
  begin();
  batch(100, 101, {part(1, 1, 10)});
  const auto out = batch(101, 500, {part(2, 2, 20)}, 8);
  EXPECT_THAT(only<core::apply>(out), SizeIs(1));  // ordinals say that it is new
  const auto wish = only<core::subscribe>(out).at(0);
  EXPECT_EQ(wish.received_through, 101u);
  EXPECT_EQ(wish.queue_incarnation, 7u);
  s.on_subscribed(now, "q0", wish.attempt, {8, 102, false});
  batch(101, 500, {part(2, 2, 20)}, 8);
  const auto acks = only<core::acknowledge>(pass(30ms));
  EXPECT_EQ(acks.back().received_through, 500u);
  EXPECT_EQ(acks.back().queue_incarnation, 8u);
}

TEST_F(SubscriptionCore, SubscribesAnewAfterTheLossOfAPeerAndAfterSilence) {
  begin();
  s.on_peer_lost(now, "q0");
  EXPECT_EQ(s.subscribed_queues(), 1u);
  EXPECT_THAT(only<core::subscribe>(pass(150ms)), SizeIs(1));
  EXPECT_THAT(only<core::subscribe>(s.on_peer_up(now, "q0")), SizeIs(1));
  pass(800ms);
  EXPECT_GE(only<core::subscribe>(pass(500ms)).size(), 1u);  // q1 is silent
}

TEST_F(SubscriptionCore, AnOldAnswerToASubscriptionIsNotHeard) {
  const auto first = only<core::subscribe>(s.start(now)).at(0);
  pass(1500ms);
  s.on_subscribed(now, "q0", first.attempt, {7, 50, false});
  EXPECT_EQ(s.subscribed_queues(), 0u);
}

TEST_F(SubscriptionCore, NonsenseIsCountedAndNothingElse) {  // Q8
  begin();
  news(5, 50, now);
  constexpr auto huge = std::uint64_t{0} - 1;
  auto strange = part(6, 6, 60, "user");
  auto reversed = part(9, 6, 60);
  auto absurd = part(6, huge, 60);
  auto wide = part(6, 1ull << 50, 60);
  auto none = part(6, 6, 60);
  none.covered.clear();
  EXPECT_THAT(only<core::apply>(batch(100, 101, {strange, reversed, absurd, wide, none})),
              IsEmpty());
  EXPECT_EQ(s.count().refused, 5u);
  s.on_batch(now, {"stranger", 7, 1, 2, {part(6, 6, 60)}});
  batch(9, 3, {part(6, 6, 60)});
  batch(9, huge, {part(6, 6, 60)});
  EXPECT_EQ(s.count().refused, 8u);
  news(huge, 60, now);
  news(6, huge, now);
  EXPECT_EQ(s.count().refused, 10u);
  EXPECT_EQ(s.holes(), 0u);
  EXPECT_THAT(only<core::apply>(ordinals(6, 6, 60)), SizeIs(1));
}

TEST_F(SubscriptionCore, MemoryIsBoundedWhateverComes) {
  cache_update::options limits;
  limits.tracked_max = 10;
  core small{limits, {"bucket"}, {"q0"}, now, random};
  for (partition_id partition = 0; partition < 100; ++partition) {
    auto one = part(1, 1, 10);
    one.partition = partition;
    small.on_batch(now, {"q0", 7, partition, partition + 1u, {one}});
  }
  EXPECT_EQ(small.tracked(), 10u);
  std::size_t runs = 0;
  begin();
  for (std::uint64_t ordinal = 1; ordinal < 2000; ordinal += 2) {
    const auto out = batch(100 + ordinal, 101 + ordinal, {part(ordinal, ordinal, ordinal)});
    for (const auto& ack : only<core::acknowledge>(out))
      runs = std::max(runs, ack.beyond.size());
    now += 20ms;
  }
  EXPECT_EQ(runs, 64u);
}

// Q11, Q14: the ordinal of a change that cannot be understood is not heard, so nothing is proved.
TEST_F(SubscriptionCore, AnAbsurdTickLeavesAHoleAndIsNotTakenForHeard) {
  begin();
  news(5, 50, now);
  ++row;
  EXPECT_THAT(only<core::apply>(batch(row - 1, row, {part(6, 6, ordinal_limit + 1)})), IsEmpty());
  now += 100ms;
  EXPECT_THAT(only<core::proven>(news(6, 60, now)), IsEmpty());
  EXPECT_EQ(s.holes(), 1u);
  const auto out = pass(400ms);
  ASSERT_THAT(only<core::drop>(out), SizeIs(1));
  EXPECT_EQ(only<core::drop>(out)[0].base_tick, 60u);
}

}  // namespace
}  // namespace dunlin
