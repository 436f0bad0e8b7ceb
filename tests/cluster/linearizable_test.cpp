// The checker that judges the virtual clusters' histories must itself see right from wrong.

#include "apps/testkit/linearizable.hpp"

#include <gtest/gtest.h>

using dunlin::testkit::linearizable;
using dunlin::testkit::register_operation;

namespace {

using value = std::optional<std::string>;

register_operation make(bool writes, value what, int from, int to) {
  register_operation one{writes, std::move(what), std::chrono::nanoseconds(from), {}};
  if (to > 0) one.answered = std::chrono::nanoseconds(to);
  return one;
}

register_operation only_if(register_operation one, std::vector<value> before) {
  one.when = register_operation::condition::one_of;
  one.before = std::move(before);
  return one;
}
register_operation unless(register_operation one, std::vector<value> before) {
  one.when = register_operation::condition::none_of;
  one.before = std::move(before);
  return one;
}
register_operation put(value what, int from, int to = 0) { return make(true, what, from, to); }
register_operation get(value what, int from, int to) { return make(false, what, from, to); }

}  // namespace

TEST(Linearizable, AnEmptyRegisterReadsNothing) {
  EXPECT_TRUE(linearizable({get({}, 1, 2)}));
  EXPECT_FALSE(linearizable({get("a", 1, 2)}));
}

TEST(Linearizable, AReadAfterAnAnsweredWriteMustSeeIt) {
  EXPECT_TRUE(linearizable({put("a", 1, 2), get("a", 3, 4)}));
  EXPECT_FALSE(linearizable({put("a", 1, 2), get({}, 3, 4)}));
  EXPECT_FALSE(linearizable({put("a", 1, 2), put("b", 3, 4), get("a", 5, 6)}));
  EXPECT_FALSE(linearizable({put("a", 1, 2), put({}, 3, 4), get("a", 5, 6)}));
}

TEST(Linearizable, WhatOverlapsMayComeInAnyOrder) {
  EXPECT_TRUE(linearizable({put("a", 1, 10), get({}, 2, 3), get("a", 4, 5)}));
  EXPECT_TRUE(linearizable({put("a", 1, 10), put("b", 1, 10), get("a", 11, 12)}));
  EXPECT_TRUE(linearizable({put("a", 1, 10), put("b", 1, 10), get("b", 11, 12)}));
}

TEST(Linearizable, NoReadGoesBackBehindAnEarlierOne) {
  EXPECT_FALSE(linearizable({put("a", 1, 10), get("a", 2, 3), get({}, 4, 5)}));
  EXPECT_FALSE(linearizable(
      {put("a", 1, 10), put("b", 1, 10), get("a", 11, 12), get("b", 13, 14), get("a", 15, 16)}));
}

TEST(Linearizable, AWriteWithoutAnAnswerMayTakeEffectLateOrNever) {
  EXPECT_TRUE(linearizable({put("a", 1), get({}, 5, 6), get({}, 7, 8)}));
  EXPECT_TRUE(linearizable({put("a", 1), get({}, 5, 6), get("a", 7, 8)}));
  EXPECT_FALSE(linearizable({put("a", 1), get("a", 5, 6), get({}, 7, 8)}));
  EXPECT_FALSE(linearizable({put("a", 9), get("a", 5, 6)}));
  // It takes effect once: not again after another write.
  EXPECT_FALSE(linearizable(
      {put("a", 1), get("a", 5, 6), put("b", 7, 8), get("b", 9, 10), get("a", 11, 12)}));
}

TEST(Linearizable, OfConditionalCreationsOneWinsUntilADelete) {
  const auto create = [](value what, int from, int to) {
    return only_if(put(what, from, to), {{}});
  };
  EXPECT_TRUE(linearizable({create("a", 1, 5)}));
  EXPECT_FALSE(linearizable({create("a", 1, 5), create("b", 2, 6)}));
  EXPECT_TRUE(linearizable({create("a", 1, 5), put({}, 2, 6), create("b", 3, 7)}));
  EXPECT_FALSE(linearizable({put("z", 1, 2), create("a", 3, 5)}));
  // Without an answer it may have won, but only if it could.
  EXPECT_TRUE(linearizable({create("a", 1, 0), create("b", 2, 6)}));
  EXPECT_FALSE(linearizable({create("b", 2, 6), create("a", 7, 0), get("a", 8, 9)}));
}

TEST(Linearizable, AReplacementTakesPlaceOnlyOfWhatItNames) {
  EXPECT_TRUE(linearizable({put("a", 1, 2), only_if(put("b", 3, 4), {"a"}), get("b", 5, 6)}));
  EXPECT_FALSE(linearizable({put("a", 1, 2), put("c", 3, 4), only_if(put("b", 5, 6), {"a"})}));
  EXPECT_FALSE(linearizable(
      {put("a", 1, 2), only_if(put("b", 3, 9), {"a"}), only_if(put("c", 3, 9), {"a"})}));
}

TEST(Linearizable, ARefusalNeedsItsReason) {
  EXPECT_FALSE(linearizable({unless(get({}, 1, 2), {{}})}));
  EXPECT_TRUE(linearizable({put("a", 1, 2), unless(get({}, 3, 4), {{}})}));
  // A write without an answer is a reason too.
  EXPECT_TRUE(linearizable({put("a", 1, 0), unless(get({}, 3, 4), {{}})}));
  EXPECT_FALSE(linearizable({put("a", 1, 2), unless(get({}, 3, 4), {{}, "a"})}));
}

TEST(Linearizable, ASearchBeyondItsBoundIsUndecided) {
  std::vector<register_operation> history;
  for (int i = 0; i < 12; ++i)
    history.push_back(put(std::to_string(i), 1, 100));
  history.push_back(get("nobody's", 101, 102));
  EXPECT_EQ(dunlin::testkit::judge(history, 50), dunlin::testkit::judgement::undecided);
}
