#include "actors/partition/raft_log.hpp"

#include <gmock/gmock.h>

namespace dunlin::raft {
namespace {

// 4/1 5/2 6/2 7/5 above a snapshot at 3/1.
raft_log sample() {
  restored from;
  from.snapshot_index = 3;
  from.snapshot_term = 1;
  for (const auto term : {1, 2, 2, 5})
    from.entries.push_back(
        {static_cast<term_t>(term), 4 + from.entries.size(), entry_kind::noop, nullptr});
  return raft_log{from};
}

TEST(RaftLog, KnowsTheTermOfItsSnapshotButNothingBelow) {
  const auto log = sample();
  EXPECT_FALSE(log.term_at(2).has_value());
  EXPECT_EQ(log.term_at(3), 1u);
  EXPECT_EQ(log.term_at(7), 5u);
  EXPECT_FALSE(log.term_at(8).has_value());
}

struct hint_case {
  index_t index;
  term_t term;
  index_t expected;
};
struct RaftLogHint : testing::TestWithParam<hint_case> {};
TEST_P(RaftLogHint, SkipsWholeTerms) {
  EXPECT_EQ(sample().last_possible_match(GetParam().index, GetParam().term), GetParam().expected);
}
INSTANTIATE_TEST_SUITE_P(Places, RaftLogHint,
                         testing::Values(hint_case{7, 5, 7}, hint_case{7, 4, 6}, hint_case{7, 1, 4},
                                         hint_case{99, 9, 7}, hint_case{5, 9, 5},
                                         hint_case{7, 0, 2}, hint_case{3, 1, 3},
                                         hint_case{2, 9, 2}));

TEST(RaftLog, SlicesByBytesButNeverNothing) {
  const auto log = sample();
  EXPECT_EQ(log.slice(4, 7, 1).size(), 1u);
  EXPECT_EQ(log.slice(4, 7, 64).size(), 2u);
  EXPECT_EQ(log.slice(4, 7, 1000).size(), 4u);
}

TEST(RaftLog, HandsOutOnlyWhatIsNewAndAgainWhatReplacedIt) {
  auto log = sample();
  EXPECT_FALSE(log.has_unhanded());
  log.append({5, 8, entry_kind::noop, nullptr});
  EXPECT_EQ(log.hand_out(1).size(), 1u);
  log.truncate_from(6);
  log.append({6, 6, entry_kind::noop, nullptr});
  const auto fresh = log.hand_out(2);
  ASSERT_EQ(fresh.size(), 1u);
  EXPECT_EQ(fresh[0].index, 6u);
  log.on_stored(1);
  EXPECT_EQ(log.stored(), 5u);
  log.on_stored(2);
  EXPECT_EQ(log.stored(), 6u);
}

TEST(RaftLog, ForgetsFromTheFrontAndKeepsTheTermOfTheCut) {
  auto log = sample();
  log.compact(6);
  EXPECT_EQ(log.first_index(), 7u);
  EXPECT_EQ(log.term_at(6), 2u);
  log.compact(5);
  EXPECT_EQ(log.first_index(), 7u);
  log.compact(7);
  EXPECT_EQ(log.last_index(), 7u);
  EXPECT_EQ(log.last_term(), 5u);
}

}  // namespace
}  // namespace dunlin::raft
