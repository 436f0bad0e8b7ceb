#include "actors/storage_node/repair_core.hpp"

#include "actors/storage_node/compare_core.hpp"
#include "messages/page_id.hpp"

#include <gtest/gtest.h>

namespace dunlin {

using namespace std::chrono_literals;

static std::string id(std::uint64_t n) { return page_at(std::string(16, '\0'), n); }

TEST(RepairCore, WalksARangeWithAFewPagesAtATime) {
  repair_core core;
  ASSERT_TRUE(core.add(1, id(5), 3, "b"));
  const auto first = core.next(0s);
  ASSERT_EQ(first.size(), 2u);
  EXPECT_EQ(first[0].page, id(5));
  EXPECT_EQ(first[0].source, "b");
  EXPECT_TRUE(core.next(0s).empty());
  core.on_done(first[0], true, 1s);
  const auto then = core.next(1s);
  ASSERT_EQ(then.size(), 1u);
  EXPECT_EQ(then[0].page, id(7));
  core.on_done(first[1], true, 1s);
  core.on_done(then[0], true, 1s);
  EXPECT_EQ(core.waiting(), 0u);
}

TEST(RepairCore, RetriesWithBackOffAndGivesUp) {
  repair_core core;
  ASSERT_TRUE(core.add(1, id(5), 1, "b"));
  auto now = repair_core::time(0);
  std::vector<std::int64_t> waits;
  for (int attempts = 0; core.waiting() > 0; ++attempts) {
    const auto begun = core.next(now);
    ASSERT_EQ(begun.size(), 1u);
    EXPECT_EQ(begun[0].attempt, static_cast<std::uint32_t>(attempts));
    core.on_done(begun[0], false, now);
    if (const auto wake = core.wake_at()) {
      waits.push_back(std::chrono::duration_cast<std::chrono::seconds>(*wake - now).count());
      EXPECT_TRUE(core.next(now).empty());
      now = *wake;
    }
  }
  EXPECT_EQ(waits, (std::vector<std::int64_t>{1, 2, 4, 8, 16}));
}

TEST(RepairCore, TakesAReportOnceAndIsBounded) {
  repair_core::limits limits;
  limits.ranges_max = 2;
  limits.in_flight_max = 1;
  repair_core core(limits);
  EXPECT_TRUE(core.add(1, id(5), 1, "b"));
  EXPECT_TRUE(core.add(1, id(5), 1, "c"));
  EXPECT_TRUE(core.add(1, id(6), 1, "c"));
  EXPECT_FALSE(core.add(1, id(7), 1, "c"));
  ASSERT_EQ(core.next(0s).size(), 1u);
  EXPECT_TRUE(core.add(1, id(5), 1, "b"));  // under way already
  EXPECT_EQ(core.waiting(), 2u);
}

TEST(CompareCore, SeesPeersThatCameAndThoseThatCameAgain) {
  compare_core core;
  EXPECT_EQ(core.on_peers({{"b", 1}}), std::vector<node_id>{"b"});
  EXPECT_TRUE(core.on_peers({{"b", 1}}).empty());
  EXPECT_EQ(core.on_peers({{"b", 2}, {"c", 1}}), (std::vector<node_id>{"b", "c"}));
  EXPECT_TRUE(core.on_peers({{"c", 1}}).empty());
  EXPECT_EQ(core.on_peers({{"b", 2}, {"c", 1}}), std::vector<node_id>{"b"});
}

TEST(CompareCore, WalksEachSetListByList) {
  compare_core core;
  core.begin("b", {1, 2}, 0s);
  EXPECT_FALSE(core.next(1s));
  auto asked = core.next(2s);
  ASSERT_TRUE(asked);
  EXPECT_EQ(asked->replica_set, 1u);
  EXPECT_FALSE(core.next(2s));
  core.on_listed(id(9), 2s);
  asked = core.next(3s);
  EXPECT_EQ(asked->after, id(9));
  core.on_listed({}, 3s);
  asked = core.next(3s);
  EXPECT_EQ(asked->replica_set, 2u);
  core.on_listed({}, 3s);
  EXPECT_TRUE(core.idle());
}

TEST(CompareCore, BacksOffFromAPeerThatFailsAndGoesOnWithOthers) {
  compare_core core;
  core.begin("b", {1}, 0s);
  core.begin("c", {1}, 0s);
  EXPECT_EQ(core.next(2s)->peer, "b");
  core.on_failed(2s);
  EXPECT_EQ(core.next(2s)->peer, "c");
  core.on_listed({}, 2s);
  EXPECT_FALSE(core.next(4s));
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(core.next(1000s * (i + 1)));
    core.on_failed(1000s * (i + 1));
  }
  EXPECT_TRUE(core.idle());
}

TEST(CompareCore, StartsOverForAPeerThatComesAgain) {
  compare_core core;
  core.begin("b", {1, 2}, 0s);
  ASSERT_TRUE(core.next(2s));
  core.begin("b", {1, 2}, 2s);
  core.on_listed(id(3), 2s);
  EXPECT_EQ(core.next(3s)->after, id(3));
  core.on_listed({}, 3s);
  EXPECT_EQ(core.next(4s)->after, "");
}

}  // namespace dunlin
