#include "apps/replay/plan.hpp"
#include "apps/replay/twister.hpp"

#include <gtest/gtest.h>

#include <array>

using namespace dunlin::replay;

namespace {

std::vector<std::string> words(const plan& of) {
  std::vector<std::string> out;
  for (const auto& one : of.steps)
    out.push_back((one.write ? "write " : "read ") + of.items[one.item].name);
  return out;
}

}  // namespace

TEST(Twister, DrawsWhatPythonDraws) {
  twister random{5};
  EXPECT_DOUBLE_EQ(random.real(), 0.6229016948897019);
  EXPECT_DOUBLE_EQ(random.real(), 0.7417869892607294);
  EXPECT_DOUBLE_EQ(random.real(), 0.7951935655656966);
}

TEST(Plan, OfOneLookUpIsTheTraceItself) {
  const auto made = make_plan({{10, false, "100200", 4096}, {40, true, "100200", 8}},
                              {.nodes = 2, .four_lookups = false, .speed = 60});
  EXPECT_EQ(words(made), (std::vector<std::string>{"read 100200", "write 100200"}));
  EXPECT_DOUBLE_EQ(made.steps[0].due_ms, 0);
  EXPECT_DOUBLE_EQ(made.steps[1].due_ms, 0.5);
  ASSERT_EQ(made.items.size(), 1u);
  EXPECT_EQ(made.items[0].kind, item_kind::object);
  EXPECT_EQ(made.items[0].bucket, "b10");
  EXPECT_EQ(made.items[0].bytes, 512u);
}

// CRC-32 of "2:345.6" is 0x78a459a0: user 2024036768 mod 200, part (… >> 8) mod 64.
TEST(Plan, OfFourLooksUpUserBucketAndPartitionBeforeTheObject) {
  const auto made = make_plan({{0, false, "2:345.6", 300}}, {});
  EXPECT_EQ(words(made),
            (std::vector<std::string>{"read u168", "read b2", "read p25", "read 2:345.6"}));
  const auto looked_up = [&](std::size_t which) { return made.items[made.steps[which].item]; };
  EXPECT_EQ(looked_up(0).bytes, 160u);
  EXPECT_EQ(looked_up(1).bytes, 240u);
  EXPECT_EQ(looked_up(2).bytes, 96u);
  EXPECT_EQ(looked_up(3).bytes, 300u);
  EXPECT_EQ(type_of(looked_up(2).kind), "policy");
}

TEST(Plan, WritesOtherTypesNowAndThen) {
  trace rows;
  for (int i = 0; i < 20'000; ++i)
    rows.push_back({static_cast<double>(i), true, "7:1", 100});
  const auto made = make_plan(rows, {});
  std::array<int, item_kinds> writes{};
  for (const auto& one : made.steps)
    if (one.write) ++writes[static_cast<std::size_t>(made.items[one.item].kind)];
  EXPECT_EQ(writes[3], 20'000);
  EXPECT_NEAR(writes[1], 400, 60);
  EXPECT_NEAR(writes[0], 200, 45);
  EXPECT_NEAR(writes[2], 40, 20);
}

TEST(Plan, SpreadsRowsOverNodesByTheirNumbers) {
  trace rows(4, {0, false, "k", 1});
  const auto made = make_plan(rows, {.nodes = 8, .four_lookups = false});
  // (g * 2654435761) >> 13 is 0, 324027, 648055, 972083.
  std::vector<int> nodes;
  for (const auto& one : made.steps)
    nodes.push_back(one.node);
  EXPECT_EQ(nodes, (std::vector<int>{0, 3, 7, 3}));
}

TEST(Plan, CountsAfterTheFirstTenthOfTheTimeOrAll) {
  trace rows;
  for (int i = 0; i <= 10; ++i)
    rows.push_back({static_cast<double>(i), false, "k", 1});
  const auto counted = [&](double uncounted) {
    int sum = 0;
    for (const auto& one : make_plan(rows, {.four_lookups = false, .uncounted = uncounted}).steps)
      sum += one.counted ? 1 : 0;
    return sum;
  };
  EXPECT_EQ(counted(.1), 10);
  EXPECT_EQ(counted(0), 11);
}
