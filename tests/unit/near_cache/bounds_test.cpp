#include "tests/unit/near_cache/cache_fixture.hpp"

namespace dunlin {

struct SmallNearCache : NearCache {
  static near_cache_parameters small() {
    auto it = defaults();
    it.items_max = 4;
    return it;
  }
  SmallNearCache() : NearCache(small()) {}
};

TEST_F(SmallNearCache, Q15TheLeastRecentlyUsedEntryLeavesAtTheBoundOfItems) {
  for (const auto* key : {"a", "b", "c", "d"})
    fill(key, 7, key);
  at_once("a");
  fill("e", 8, "e");
  EXPECT_EQ(core.figures().items, 4u);
  EXPECT_EQ(core.figures().died(cache_death::eviction), 1u);
  EXPECT_EQ(at_once("b"), "asks");
  EXPECT_EQ(at_once("a"), "a");
}

TEST_F(SmallNearCache, Q15EntriesLeaveAtTheBoundOfBytes) {
  auto other = defaults();
  other.bytes_max = 8 * (entry_store::overhead_bytes + 1 + 100);
  now(core.set_parameters(clock, other));
  for (char key = 'a'; key < 'a' + 9; ++key)
    fill(std::string(1, key), 7, "x");
  EXPECT_EQ(core.figures().items, 8u);
  EXPECT_EQ(core.figures().bytes, other.bytes_max);
  EXPECT_EQ(at_once("a"), "asks");
}

TEST_F(SmallNearCache, Q15SmallerBoundsAreObeyedAtOnce) {
  for (const auto* key : {"a", "b", "c", "d"})
    fill(key, 7, key);
  auto other = small();
  other.items_max = 1;
  now(core.set_parameters(clock, other));
  EXPECT_EQ(core.figures().items, 1u);
  EXPECT_EQ(at_once("d"), "d");
  other.items_max = 0;
  now(core.set_parameters(clock, other));
  fill("d", 7, "d");
  EXPECT_EQ(core.figures().items, 0u);
}

TEST_F(SmallNearCache, NegativeEntriesPushOutNoMoreThanAQuarter) {
  for (const auto* key : {"a", "b", "c"})
    fill(key, 7, key);
  for (int i = 0; i < 10; ++i)
    fill_absent("no such " + std::to_string(i), 7);
  for (const auto* key : {"a", "b", "c"})
    EXPECT_EQ(at_once(key), key);
  EXPECT_EQ(at_once("no such 9"), "nothing");
}

TEST_F(SmallNearCache, AValueTooLargeIsGivenButNotKeptNorIsWhatItReplaces) {
  auto other = defaults();
  other.bytes_max = 8'000;
  now(core.set_parameters(clock, other));
  const auto large = text("large", 1'000);
  look("a");
  answer(ticket(), found{1, 7, 7, large});
  EXPECT_EQ(got(), "large");
  EXPECT_EQ(core.figures().refused(fill_refusal::too_large), 1u);
  fill("a", 7, "small");
  update("a", 8, large);
  EXPECT_EQ(at_once("a"), "asks");
  fill("a", 8, "small");
  now(core.on_written(clock, core.begin_write(clock, "a"), "a", 1, 9, large));
  EXPECT_EQ(at_once("a"), "asks");
}

TEST_F(SmallNearCache, RefusesClearlyWhoWouldBeOneTooManyToWait) {
  auto other = defaults();
  other.key_readers_max = 2;
  other.readers_max = 3;
  now(core.set_parameters(clock, other));
  look("a");
  const auto first = ticket();
  look("a");
  look("a");
  ASSERT_EQ(failed.size(), 1u);
  EXPECT_EQ(failed[0].why, ec::overloaded);
  look("b");
  const auto second = ticket();
  look("c");
  EXPECT_EQ(failed.size(), 1u);
  EXPECT_EQ(core.figures().overloads, 2u);
  EXPECT_EQ(core.waiting(), 3u);
  answer(first, found{1, 7, 7, text("a")});
  EXPECT_EQ(served.size(), 2u);
  answer(second, found{1, 7, 7, text("b")});
  EXPECT_EQ(core.waiting(), 0u);
}

TEST_F(SmallNearCache, RefusesClearlyWhenTooManyRequestsAreUnderWay) {
  auto other = defaults();
  other.tickets_max = 1;
  now(core.set_parameters(clock, other));
  look("a");
  const auto first = ticket();
  look("a", wants::confirmed);
  look("b");
  ASSERT_EQ(failed.size(), 1u);
  answer(first, found{1, 7, 7, text("a")});
  EXPECT_EQ(served.size(), 1u);
  EXPECT_EQ(asked.size(), 1u);  // who waits for the next one has the place of the first
  answer(ticket(), unchanged{1, 7});
  EXPECT_EQ(served.size(), 1u);
}

TEST_F(SmallNearCache, ForgetsAKeyOfWhichNothingIsLeft) {
  for (int i = 0; i < 100; ++i) {
    look("no answer " + std::to_string(i));
    answer(ticket(), ec::timed_out);
  }
  EXPECT_EQ(core.tickets(), 0u);
  entry_store store;
  store.release(store.find_or_add("a"));
  EXPECT_EQ(store.slots(), 0u);
}

TEST_F(SmallNearCache, TheSweepOfExpiredEntriesIsBoundedAndGoesOn) {
  auto other = defaults();
  other.time_to_live = 10s;
  now(core.set_parameters(clock, other));
  for (int i = 0; i < 300; ++i)
    fill(std::to_string(i), 7, "x");
  clock += 10s;
  now(core.on_timer(clock));
  EXPECT_EQ(core.figures().items, 300u - 256u);
  EXPECT_LE(core.next_wake().value(), clock);
  now(core.on_timer(clock));
  EXPECT_EQ(core.figures().items, 0u);
}

}  // namespace dunlin
