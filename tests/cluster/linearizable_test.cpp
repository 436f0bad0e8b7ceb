// The checker that judges the virtual clusters' histories must itself see right from wrong.

#include "apps/testkit/linearizable.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

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
  for (int i = 0; i < 12; ++i) {
    history.push_back(put(std::to_string(i), 1, 100));
    history.push_back(get(std::to_string(i), 1, 100));
  }
  history.push_back(get("nobody's", 101, 102));
  EXPECT_EQ(dunlin::testkit::judge(history, 50), dunlin::testkit::judgement::undecided);
}

namespace {

using history = std::vector<register_operation>;

/// The definition itself: tries every order of everything, with and without what had no answer.
bool explained_by_some_order(const history& left, const value& held) {
  const auto all_known = std::none_of(left.begin(), left.end(),
                                      [](const auto& one) { return one.answered.has_value(); });
  if (all_known) return true;
  for (std::size_t i = 0; i < left.size(); ++i) {
    const auto& one = left[i];
    const auto too_late = std::any_of(left.begin(), left.end(), [&](const auto& other) {
      return other.answered && *other.answered < one.called;
    });
    if (too_late || !one.fits(held)) continue;
    auto rest = left;
    rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(i));
    if (explained_by_some_order(rest, one.writes ? one.value : held)) return true;
  }
  return false;
}

history draw_history(std::mt19937_64& random) {
  const value values[] = {{}, "a", "b", "c"};
  const auto any = [&] { return values[random() % 4]; };
  history drawn;
  for (auto left = 2 + random() % 5; left > 0; --left) {
    const auto from = 1 + static_cast<int>(random() % 12);
    const auto writes = random() % 2 == 0;
    const auto open = writes && random() % 2 == 0;
    auto one = make(writes, any(), from, open ? 0 : from + static_cast<int>(random() % 8));
    if (random() % 4 == 0)
      one = only_if(one, {any()});
    else if (random() % 4 == 0)
      one = unless(one, {any()});
    drawn.push_back(one);
  }
  return drawn;
}

}  // namespace

TEST(Linearizable, TheSearchLeavesOutNothingThatTheDefinitionAllows) {
  std::mt19937_64 random{20261122};
  int explained = 0;
  for (int i = 0; i < 20'000; ++i) {
    const auto drawn = draw_history(random);
    const auto expected = explained_by_some_order(drawn, {});
    ASSERT_EQ(linearizable(drawn), expected) << "history " << i;
    explained += expected ? 1 : 0;
  }
  EXPECT_GT(explained, 2000);
  EXPECT_LT(explained, 18'000);
}

TEST(Linearizable, ManyWritesThatNobodySawAndManyDeletesAreNoSearch) {
  history many;
  for (int i = 0; i < 30; ++i) {
    many.push_back(put(std::to_string(i), 1 + i, 100 + i));
    many.push_back(put({}, 1 + i, 100 + i));
    many.push_back(get({}, 40 + i, 42 + i));
  }
  EXPECT_EQ(dunlin::testkit::judge(many, 1000), dunlin::testkit::judgement::explained);
  many.push_back(get("nobody's", 200, 201));
  EXPECT_EQ(dunlin::testkit::judge(many, 20'000), dunlin::testkit::judgement::wrong);
}

TEST(Linearizable, ManyWritesWithoutAnAnswerAreNoSearch) {
  history many;
  for (int i = 0; i < 40; ++i)
    many.push_back(put(std::to_string(i), 1 + i));
  for (int i = 0; i < 20; ++i)
    many.push_back(unless(get({}, 50 + 2 * i, 51 + 2 * i), {{}}));
  for (int i = 0; i < 10; ++i)
    many.push_back(put({}, 1 + i));
  many.push_back(get("nobody's", 200, 201));
  EXPECT_EQ(dunlin::testkit::judge(many, 20'000), dunlin::testkit::judgement::wrong);
}
