#include "apps/replay/model.hpp"

#include <gtest/gtest.h>

using namespace dunlin::replay;

namespace {

constexpr auto nothing = model::told::nothing;
constexpr auto change = model::told::that_it_changed;
constexpr auto value = model::told::what_it_is_now;

/// Steps of one item, or of those named.
plan steps_of(std::size_t nodes, std::vector<step> steps, std::size_t items = 1) {
  plan made;
  made.nodes = nodes;
  made.items.resize(items);
  made.steps = std::move(steps);
  for (auto& one : made.steps)
    one.counted = true;
  return made;
}
step read_at(double ms, int node, int item = 0) {
  return {ms, static_cast<std::uint32_t>(item), static_cast<std::uint16_t>(node), false};
}
step write_at(double ms, int node, int item = 0) {
  return {ms, static_cast<std::uint32_t>(item), static_cast<std::uint16_t>(node), true};
}

}  // namespace

TEST(Model, OfATimeToLiveServesWhatIsOldUntilItEnds) {
  const auto seen = run_model(steps_of(2, {read_at(0, 0), read_at(1, 1), write_at(10, 0),
                                           read_at(25, 1), read_at(40, 0), read_at(101, 1)}),
                              {.others = nothing, .time_to_live_ms = 100});
  EXPECT_EQ(seen.lookups, 5u);
  EXPECT_EQ(seen.writes, 1u);
  EXPECT_EQ(seen.reads, 3u);  // the first of each node, and one when the time was over
  EXPECT_EQ(seen.stale, 1u);
  EXPECT_DOUBLE_EQ(seen.age_max_ms, 15);
  EXPECT_DOUBLE_EQ(seen.reads_per_1000(), 600);
  EXPECT_DOUBLE_EQ(seen.stale_share(), .2);
}

TEST(Model, ThatIsToldOfAChangeReadsOnceMoreAtEachOtherNode) {
  const auto seen =
      run_model(steps_of(3, {read_at(0, 0), read_at(1, 1), write_at(2, 0), read_at(3, 0),
                             read_at(4, 1), read_at(5, 1), read_at(6, 2)}),
                {.others = change});
  EXPECT_EQ(seen.reads, 4u);
  EXPECT_EQ(seen.stale, 0u);
}

TEST(Model, ThatIsToldTheValueReadsOnlyTheFirstTime) {
  const auto seen = run_model(
      steps_of(2, {write_at(0, 0), read_at(1, 0), read_at(2, 1), write_at(3, 0), read_at(4, 1)}),
      {.others = value});
  EXPECT_EQ(seen.reads, 1u);
  EXPECT_EQ(seen.stale, 0u);
}

TEST(Model, ForgetsWhatWasUsedLeastRecently) {
  const auto seen = run_model(steps_of(1,
                                       {read_at(0, 0, 0), read_at(1, 0, 1), read_at(2, 0, 0),
                                        read_at(3, 0, 2), read_at(4, 0, 0), read_at(5, 0, 1)},
                                       3),
                              {.others = change, .items_max = 2});
  EXPECT_EQ(seen.reads, 4u);  // 0, 1, 2, and 1 again
}

TEST(Model, CountsOnlyWhatIsCounted) {
  auto of = steps_of(1, {read_at(0, 0), read_at(1, 0)});
  of.steps[0].counted = false;
  const auto seen = run_model(of, {});
  EXPECT_EQ(seen.lookups, 1u);
  EXPECT_EQ(seen.reads, 0u);
}
