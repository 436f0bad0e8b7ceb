#include "tests/unit/raft/bench_of_cores.hpp"

#include <gmock/gmock.h>

namespace dunlin::raft {
namespace {

using testing::IsEmpty;
using kind = message_kind;

struct RaftTransfer : testing::Test {
  bench_of_cores bench{{"a", "b", "c"}};
  RaftTransfer() { bench.elect("a"); }
  ~RaftTransfer() override { EXPECT_THAT(bench.watch.violations(), IsEmpty()); }
};

TEST_F(RaftTransfer, MovesLeadershipWithoutATickOfWaiting) {
  ASSERT_TRUE(bench.core("a").transfer("b"));
  bench.settle();
  EXPECT_TRUE(bench.core("b").leads());
  EXPECT_EQ(bench.core("a").current_role(), role::follower);
}

TEST_F(RaftTransfer, FirstBringsTheTargetUpToDate) {
  bench.drop = [](const message& m) { return m.to == "b" && !m.entries.empty(); };
  const auto at = bench.core("a").propose(text("x")).value().index;
  bench.settle();
  ASSERT_TRUE(bench.core("a").transfer("b"));
  bench.settle();
  EXPECT_TRUE(bench.core("a").leads());
  EXPECT_EQ(bench.core("a").propose(text("y")).error(), ec::unavailable);
  bench.drop = [](const message&) { return false; };
  bench.tick("a", 2);
  EXPECT_TRUE(bench.core("b").leads());
  EXPECT_TRUE(bench.core("b").term_at(at).has_value());
}

TEST_F(RaftTransfer, GivesUpAfterAnElectionTimeout) {
  bench.cut("b");
  ASSERT_TRUE(bench.core("a").transfer("b"));
  bench.tick("a", 5);
  EXPECT_EQ(bench.core("a").transfer("c").error(), ec::unavailable);
  bench.tick("a", 6);
  EXPECT_TRUE(bench.core("a").leads());
  EXPECT_TRUE(bench.core("a").propose(text("x")));
}

TEST_F(RaftTransfer, IsRefusedToStrangersOneselfAndByFollowers) {
  EXPECT_EQ(bench.core("a").transfer("x").error(), ec::invalid_argument);
  EXPECT_EQ(bench.core("a").transfer("a").error(), ec::invalid_argument);
  EXPECT_EQ(bench.core("b").transfer("a").error(), ec::not_leader);
}

TEST_F(RaftTransfer, StepAsideChoosesTheMostAdvancedVoter) {
  bench.cut("b");
  (void)bench.core("a").propose(text("x"));
  bench.settle();
  bench.core("a").step_aside();
  EXPECT_EQ(bench.core("a").transfer_target(), "c");
}

TEST_F(RaftTransfer, StepAsideWorksForALeaderWhoseDiskTakesNothing) {
  bench.hold_storage("a");
  const auto at = bench.core("a").propose(text("x")).value().index;
  bench.settle();
  bench.core("a").step_aside();
  bench.settle();
  EXPECT_FALSE(bench.core("a").leads());
  // Its own vote for a new term waits for its disk, the other two suffice.
  EXPECT_TRUE(bench.core("b").leads());
  EXPECT_EQ(bench.core("b").commit(), at + 1);
}

TEST(RaftTransferAlone, StepAsideOfALoneVoterDoesNothing) {
  bench_of_cores bench{{"a"}};
  bench.tick("a");
  bench.core("a").step_aside();
  EXPECT_TRUE(bench.core("a").propose(text("x")));
}

}  // namespace
}  // namespace dunlin::raft
