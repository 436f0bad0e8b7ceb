// The watch over near caches must itself see right from wrong: answers made by hand (Q5, Q11, Q14).
#include "apps/testkit/lookup_watch.hpp"

#include <gtest/gtest.h>

#include <memory>

using namespace dunlin;
using namespace dunlin::testkit;
using namespace std::chrono_literals;

namespace {

class LookupWatch : public testing::Test {
protected:
  using ms = std::chrono::milliseconds;

  /// At `now` somebody who asked `waited` before is given the record of `tick`, or none as of it.
  void served(const node_id& node, std::uint64_t tick, bool present = true, ms waited = 1ms,
              std::uint64_t life = 1) {
    cache_served what{"k", {}, waited, bound};
    what.answer.tick = tick;
    what.answer.confirmed = confirmed;
    if (present) what.answer.record = std::make_shared<v1::CachedRecord>();
    watch.observe(now, {node, life, 1, "bucket"}, what);
  }
  void absent(const node_id& node, std::uint64_t tick) { served(node, tick, false); }
  void written(std::uint64_t tick, cache_outcome how = cache_outcome::changed) {
    cache_written what{1, "k", how, 0, tick};
    watch.observe(now, {"writer", 1, 1, "bucket"}, what);
  }
  /// The sampler's finding about the record of `tick`, served at `now`.
  void sampled(std::uint64_t tick, std::chrono::microseconds at_most) {
    sample_judged what{{"bucket", 1, "k", 0, tick, now, bound}, at_most > 0us ? 99u : 0u, {}, {}};
    what.at_most = at_most;
    watch.observe(now + 50ms, {"a", 1, 1, "bucket"}, what);
  }
  std::size_t sampled_wrong() const { return watch.sampled_wrong().size(); }
  std::size_t mistakes() const { return watch.mistakes().size(); }

  ms now = 10s, bound = 1s;
  bool confirmed = false;
  lookup_watch watch;
};

TEST_F(LookupWatch, TicksOfOneCacheMustNotGoBack) {
  served("a", 7);
  served("b", 5);  // another cache may lag within the bound
  EXPECT_EQ(mistakes(), 0u);
  served("a", 6);
  EXPECT_EQ(mistakes(), 1u);
  served("a", 5, true, 1ms, 2);  // a new life begins anew
  EXPECT_EQ(mistakes(), 1u);
}

TEST_F(LookupWatch, WhatWasAcknowledgedIsSeenByWhoAsksAfterTheBound) {
  served("a", 5);
  written(7);
  now += 900ms;
  served("a", 5);
  EXPECT_EQ(mistakes(), 0u);
  EXPECT_EQ(watch.oldest(), 899ms);
  now += 200ms;
  served("a", 5, true, 150ms);  // asked before it was over
  EXPECT_EQ(mistakes(), 0u);
  served("a", 5, true, 50ms);
  EXPECT_EQ(mistakes(), 1u);
}

TEST_F(LookupWatch, AConfirmedAnswerMustKnowWhatWasAcknowledgedBeforeItsQuestion) {
  written(7);
  confirmed = true;
  now += 10ms;
  served("a", 5, true, 9ms);  // asked in the moment of the acknowledgement
  EXPECT_EQ(mistakes(), 0u);
  now += 10ms;
  served("b", 5, true, 5ms);
  EXPECT_EQ(mistakes(), 1u);
}

TEST_F(LookupWatch, WhatAnybodyHasSeenIsKnown) {
  served("a", 7);
  now += 2s;
  served("b", 5);
  EXPECT_EQ(mistakes(), 1u);
}

TEST_F(LookupWatch, ARecordMustNotComeBackAfterItsEnd) {
  served("a", 5);
  absent("a", 8);
  absent("a", 7);  // older, but it says the same
  EXPECT_EQ(mistakes(), 0u);
  served("a", 6);
  EXPECT_EQ(mistakes(), 1u);
  written(9, cache_outcome::removed);
  now += 2s;
  served("b", 6);
  EXPECT_EQ(mistakes(), 2u);
}

TEST_F(LookupWatch, AnEndMustNotComeBackAfterANewBeginning) {
  absent("a", 5);
  written(6);
  now += 2s;
  absent("b", 5);
  EXPECT_EQ(mistakes(), 1u);
  absent("c", 8);
  EXPECT_EQ(mistakes(), 1u);
}

TEST_F(LookupWatch, WhatMayNotHaveHappenedIsNoFact) {
  written(7, cache_outcome::lost);
  written(8, cache_outcome::refused);
  now += 2s;
  served("a", 5);
  EXPECT_EQ(mistakes(), 0u);
}

}  // namespace

// X2: the samplers themselves are judged.
TEST_F(LookupWatch, WhatASamplerFindsIsNoFresherThanItWas) {
  written(7);
  now += 1s;
  sampled(7, 0us);  // the newest
  sampled(5, 1000ms);
  sampled(5, 3000ms);  // it may have been overtaken before it was known
  EXPECT_EQ(sampled_wrong(), 0u);
  EXPECT_EQ(watch.stale_samples(), 2u);
  sampled(5, 900ms);
  EXPECT_EQ(sampled_wrong(), 1u);
  sampled(5, 0us);
  EXPECT_EQ(sampled_wrong(), 2u);
  EXPECT_EQ(mistakes(), 0u);
}

TEST_F(LookupWatch, OfTheFirstChangeASamplerHasToKnow) {
  written(7);
  now += 1s;
  written(9);
  now += 1s;
  sampled(5, 1000ms);
  EXPECT_EQ(sampled_wrong(), 1u);
  sampled(7, 1000ms);
  EXPECT_EQ(sampled_wrong(), 1u);
}

TEST_F(LookupWatch, OfALeaderThatIsNewItIsNotExpectedToKnowWhen) {
  written(7);
  now += 1s;
  watch.leader_changed(now, 0);
  sampled(5, 10ms);
  EXPECT_EQ(sampled_wrong(), 0u);
  now += 10s;
  written(9);
  now += 1s;
  sampled(7, 10ms);
  EXPECT_EQ(sampled_wrong(), 1u);
}
