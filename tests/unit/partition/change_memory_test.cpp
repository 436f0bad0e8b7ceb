#include "actors/partition/change_memory.hpp"

#include <gtest/gtest.h>

#include <string>

using namespace dunlin;
using namespace std::chrono_literals;

TEST(ChangeMemory, X2SaysHowLongAgoWhatIsKnownWasOvertaken) {
  change_memory memory({}, 100us);
  memory.note(1000us, "bucket", "a", 5);
  memory.note(2000us, "bucket", "b", 6);
  memory.note(3000us, "bucket", "a", 7);
  memory.note(4000us, "bucket", "a", 8);
  const auto stale = memory.age_of(10'000us, "bucket", "a", 5);
  EXPECT_EQ(stale.newest_tick, 8u);
  EXPECT_EQ(stale.next_tick, 7u);
  EXPECT_EQ(stale.since_next, 7000us);
  EXPECT_EQ(stale.remembers, 9900us);
  EXPECT_EQ(memory.age_of(10'000us, "bucket", "a", 8).next_tick, 0u);
  EXPECT_EQ(memory.age_of(10'000us, "bucket", "a", 8).newest_tick, 8u);
  // Nobody holds anything from before: then the oldest change that is remembered is the next one.
  EXPECT_EQ(memory.age_of(10'000us, "bucket", "a", 1).next_tick, 5u);
}

TEST(ChangeMemory, X2TellsItemsOfOneKeyByTheirType) {
  change_memory memory({}, 0us);
  memory.note(1000us, "bucket", "a", 5);
  EXPECT_EQ(memory.age_of(2000us, "user", "a", 1).newest_tick, 0u);
  EXPECT_EQ(memory.age_of(2000us, "bucket", "ab", 1).newest_tick, 0u);
  EXPECT_EQ(memory.age_of(2000us, "user", "a", 1).remembers, 2000us);
}

TEST(ChangeMemory, X2IsBoundedAndSaysWhatItNoLongerKnows) {
  change_memory memory({.changes_max = 3, .age_max = 60'000'000us}, 0us);
  for (std::uint64_t tick = 1; tick <= 5; ++tick)
    memory.note(std::chrono::microseconds(tick * 100), "object", "o", tick);
  EXPECT_EQ(memory.size(), 3u);
  const auto found = memory.age_of(1000us, "object", "o", 1);
  EXPECT_EQ(found.next_tick, 3u);  // 2 is forgotten, so it may be older than that …
  EXPECT_EQ(found.since_next, 700us);
  EXPECT_EQ(found.remembers, 799us);  // … and that is said
}

TEST(ChangeMemory, X2OldChangesGoWhenNewOnesCome) {
  change_memory memory({.changes_max = 100, .age_max = 1000us}, 0us);
  memory.note(100us, "user", "u", 1);
  memory.note(2000us, "user", "u", 2);
  EXPECT_EQ(memory.size(), 1u);
  EXPECT_EQ(memory.age_of(2000us, "user", "u", 0).next_tick, 2u);
  EXPECT_EQ(memory.age_of(2000us, "user", "u", 0).remembers, 1899us);
}

TEST(ChangeMemory, X2AfterALeapOfTheStateNothingBeforeIsKnown) {
  change_memory memory({}, 0us);
  memory.note(100us, "user", "u", 1);
  memory.forget(500us);
  EXPECT_EQ(memory.age_of(600us, "user", "u", 0).newest_tick, 0u);
  EXPECT_EQ(memory.age_of(600us, "user", "u", 0).remembers, 100us);
}
