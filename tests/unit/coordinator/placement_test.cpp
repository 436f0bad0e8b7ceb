#include "actors/coordinator/placement.hpp"

#include <gtest/gtest.h>

namespace dunlin {

static const std::vector<replica_set> sets{
    {0, {"a", "b", "c"}}, {1, {"b", "c", "d"}}, {2, {"a", "c", "d"}}, {3, {}}};

TEST(Placement, PrefersSetsWhoseNodesAreAllUp) {
  for (std::uint64_t random = 0; random < 50; ++random) {
    EXPECT_EQ(choose_set(sets, {"b", "c", "d"}, {}, random)->id, 1u);
    EXPECT_NE(choose_set(sets, {"a", "b", "c", "d"}, {}, random)->id, 3u);
  }
}

TEST(Placement, SpreadsOverEquallyGoodSets) {
  std::set<std::uint32_t> chosen;
  for (std::uint64_t random = 0; random < 50; ++random)
    chosen.insert(choose_set(sets, {"a", "b", "c", "d"}, {}, random)->id);
  EXPECT_EQ(chosen, (std::set<std::uint32_t>{0, 1, 2}));
}

TEST(Placement, NeverTakesAnExcludedSetAndSaysWhenNoneIsLeft) {
  EXPECT_EQ(choose_set(sets, {}, {0, 2}, 7)->id, 1u);
  EXPECT_FALSE(choose_set(sets, {"a"}, {0, 1, 2}, 7));
  EXPECT_FALSE(choose_set({}, {"a"}, {}, 7));
}

TEST(ReadingOrder, StartsHereThenConnectedOnesThenTheRest) {
  for (std::uint64_t random = 0; random < 9; ++random) {
    EXPECT_EQ(reading_order({"a", "b", "c"}, "b", {"b", "c"}, {}, random),
              (std::vector<node_id>{"b", "c", "a"}));
  }
}

TEST(ReadingOrder, AsksThoseThatFailedLast) {
  EXPECT_EQ(reading_order({"a", "b", "c"}, "b", {"a", "b", "c"}, {{"b", 1}, {"a", 2}}, 0),
            (std::vector<node_id>{"c", "b", "a"}));
}

TEST(ReadingOrder, RotatesEquals) {
  std::set<node_id> first;
  for (std::uint64_t random = 0; random < 9; ++random)
    first.insert(reading_order({"a", "b", "c"}, "x", {"a", "b", "c"}, {}, random).front());
  EXPECT_EQ(first.size(), 3u);
  EXPECT_TRUE(reading_order({}, "x", {}, {}, 1).empty());
}

}  // namespace dunlin
