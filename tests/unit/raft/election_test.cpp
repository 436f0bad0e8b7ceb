#include "tests/unit/raft/bench_of_cores.hpp"

#include <gmock/gmock.h>

namespace dunlin::raft {
namespace {

using testing::ElementsAre;
using kind = message_kind;

struct RaftElection : testing::Test {
  bench_of_cores bench{{"a", "b", "c"}};
  ~RaftElection() override { EXPECT_THAT(bench.watch.violations(), ElementsAre()); }
};

TEST_F(RaftElection, GoesThroughPreVoteVoteAndNoop) {
  bench.core("a").tick();
  for (auto ticks = 0; ticks < 8; ++ticks)
    bench.core("a").tick();
  bench.settle();
  EXPECT_TRUE(bench.passed.empty());
  bench.tick("a");
  EXPECT_THAT(
      show(bench.passed),
      ElementsAre("pre_vote a>b t1 0/0", "pre_vote a>c t1 0/0", "pre_vote_reply b>a t1 0/0",
                  "pre_vote_reply c>a t1 0/0", "vote a>b t1 0/0", "vote a>c t1 0/0",
                  "vote_reply b>a t1 0/0", "vote_reply c>a t1 0/0", "append a>b t1 0/0 +1",
                  "append a>c t1 0/0 +1", "append_reply b>a t1 1/0", "append_reply c>a t1 1/0"));
  EXPECT_TRUE(bench.core("a").leads());
  EXPECT_EQ(bench.core("a").commit(), 1u);
}

TEST_F(RaftElection, TwoThatAskAtOnceDoNotSplitTheVotes) {
  bench.elect("c");
  bench.cut("c");
  for (auto ticks = 0; ticks < 10; ++ticks)
    for (const auto* name : {"a", "b"})
      bench.core(name).tick();
  EXPECT_EQ(bench.core("a").current_role(), role::pre_candidate);
  EXPECT_EQ(bench.core("b").current_role(), role::pre_candidate);
  bench.settle();
  EXPECT_TRUE(bench.core("a").leads());
  EXPECT_EQ(bench.core("b").leader(), "a");
  EXPECT_EQ(bench.core("a").term(), 2u);
}

TEST_F(RaftElection, OfTwoThatAskAtOnceTheLongerLogGoesOn) {
  bench.elect("c");
  bench.drop = [](const message& m) { return m.to == "a"; };
  ASSERT_TRUE(bench.core("c").propose(text("only b has it")));
  bench.settle();
  bench.drop = [](const message&) { return false; };
  bench.cut("c");
  for (auto ticks = 0; ticks < 10; ++ticks)
    for (const auto* name : {"a", "b"})
      bench.core(name).tick();
  bench.settle();
  EXPECT_TRUE(bench.core("b").leads());
  EXPECT_EQ(bench.core("b").term(), 2u);
}

TEST_F(RaftElection, OneThatWasNotAnsweredAsksAgainWithTheNextHeartbeat) {
  bench.at("b").random = [] { return std::uint64_t{9}; };
  bench.at("b").crash();
  bench.at("b").restart();
  bench.elect("c");
  bench.cut("c");
  bench.tick("b", 9);
  bench.tick("a", 10);  // b has heard the leader a tick too recently
  EXPECT_EQ(bench.core("a").current_role(), role::pre_candidate);
  bench.tick("b");
  bench.tick("a");
  EXPECT_TRUE(bench.core("a").leads());
}

TEST_F(RaftElection, OneWithALongerLogThanWhoAsksDoesNotWaitForItsOwnTimeout) {
  bench.at("b").random = [] { return std::uint64_t{9}; };
  bench.at("b").crash();
  bench.at("b").restart();
  bench.elect("c");
  bench.drop = [](const message& m) { return m.to == "a"; };
  ASSERT_TRUE(bench.core("c").propose(text("only b has it")));
  bench.settle();
  bench.drop = [](const message&) { return false; };
  bench.cut("c");
  bench.tick("b", 10);  // of the 19 that it would wait
  bench.tick("a", 10);
  EXPECT_FALSE(bench.core("b").leads());
  bench.tick("b");
  EXPECT_TRUE(bench.core("b").leads());
}

TEST_F(RaftElection, PreVoteOfACutOffNodeLeavesTheTermAlone) {
  bench.elect("a");
  bench.cut("c");
  bench.tick("c", 100);
  EXPECT_EQ(bench.core("c").term(), 1u);
  EXPECT_EQ(bench.core("c").current_role(), role::pre_candidate);
  bench.heal("c");
  bench.tick_all(2);
  EXPECT_EQ(bench.core("c").leader(), "a");
  EXPECT_EQ(bench.core("a").term(), 1u);
}

TEST_F(RaftElection, ALeaderWithoutAQuorumStepsDown) {
  bench.elect("a");
  bench.cut("a");
  bench.tick("a", 20);
  EXPECT_EQ(bench.core("a").current_role(), role::follower);
  EXPECT_EQ(bench.core("a").leader(), "");
}

TEST_F(RaftElection, WhoHearsALeaderDoesNotVoteUnlessLeadershipIsHandedOver) {
  bench.elect("a");
  message ask = letter{kind::vote, "c", "b", 9}.log(5, 5);
  bench.core("b").step(ask);
  EXPECT_EQ(bench.core("b").term(), 1u);
  ask.transfer = true;
  bench.core("b").step(ask);
  EXPECT_EQ(bench.core("b").term(), 9u);
  EXPECT_EQ(bench.core("b").vote(), "c");
}

TEST_F(RaftElection, AVoteLeavesOnlyWhenItIsStored) {
  bench.hold_storage("b");
  bench.core("b").step(letter{kind::vote, "a", "b", 3}.log(0, 0));
  bench.settle();
  EXPECT_TRUE(bench.passed.empty());
  bench.free_storage("b");
  EXPECT_THAT(show(bench.passed), ElementsAre("vote_reply b>a t3 0/0"));
}

TEST_F(RaftElection, ACandidateAsksAndCountsItselfOnlyWhenItsOwnVoteIsStored) {
  bench.hold_storage("a");
  bench.tick("a", 10);
  EXPECT_EQ(bench.core("a").current_role(), role::candidate);
  for (const auto& m : bench.passed)
    EXPECT_NE(m.kind, kind::vote);
  bench.free_storage("a");
  EXPECT_TRUE(bench.core("a").leads());
}

TEST_F(RaftElection, APromiseOfAnOlderTermIsNotSentLate) {
  bench.hold_storage("b");
  bench.core("b").step(letter{kind::vote, "a", "b", 3}.log(0, 0));
  bench.settle();
  bench.core("b").step(letter{kind::vote, "c", "b", 4}.log(0, 0));
  bench.settle();
  bench.free_storage("b");
  EXPECT_THAT(show(bench.passed), ElementsAre("vote_reply b>c t4 0/0"));
}

TEST_F(RaftElection, AVoterKeepsItsVoteAcrossACrash) {
  bench.core("b").step(letter{kind::vote, "a", "b", 3}.log(0, 0));
  bench.settle();
  bench.at("b").crash();
  bench.at("b").restart();
  bench.passed.clear();
  bench.core("b").step(letter{kind::vote, "c", "b", 3}.log(9, 2));
  bench.settle();
  EXPECT_THAT(show(bench.passed), ElementsAre("vote_reply b>c t3 0/0 no"));
}

TEST_F(RaftElection, ANodeOfAnOlderTermIsToldTheNewOne) {
  bench.elect("a");
  bench.tick_all(2);
  bench.core("c").step(letter{kind::vote, "b", "c", 7});  // in lease: ignored
  bench.at("c").restart();
  bench.core("c").step(letter{kind::vote, "b", "c", 7}.log(9, 1));
  bench.settle();
  EXPECT_EQ(bench.core("c").term(), 7u);
  // The leader of term 1 hears of term 7 when its heartbeat is refused, and a new election heals
  // all.
  bench.tick_all(40);
  const auto leaders = bench.core("a").leads() + bench.core("b").leads() + bench.core("c").leads();
  EXPECT_EQ(leaders, 1);
  EXPECT_GT(bench.core("a").term(), 7u);
}

TEST_F(RaftElection, ALoneVoterLeadsAfterOneTick) {
  bench_of_cores solo{{"a"}};
  solo.tick("a");
  EXPECT_TRUE(solo.core("a").leads());
  EXPECT_EQ(solo.core("a").commit(), 1u);
}

struct vote_case {
  const char* name;
  index_t index;
  term_t term;
  bool granted;
};
struct RaftVote : testing::TestWithParam<vote_case> {};

TEST_P(RaftVote, IsGivenToLogsThatLackNothing) {
  bench_of_cores bench{{"a", "b", "c"}};
  // b holds 1/1 2/2 3/2.
  bench.core("b").step(
      letter{kind::append, "c", "b", 2}.log(0, 0).add(1, "x").add(2, "y").add(2, "z"));
  bench.settle();
  bench.at("b").crash();
  bench.at("b").restart();  // forgets the lease
  bench.passed.clear();
  bench.core("b").step(letter{kind::vote, "a", "b", 5}.log(GetParam().index, GetParam().term));
  bench.settle();
  ASSERT_EQ(bench.passed.size(), 1u);
  EXPECT_EQ(!bench.passed.front().reject, GetParam().granted);
}

INSTANTIATE_TEST_SUITE_P(
    Logs, RaftVote,
    testing::Values(vote_case{"Equal", 3, 2, true}, vote_case{"Longer", 4, 2, true},
                    vote_case{"Shorter", 2, 2, false}, vote_case{"ShorterOfANewerTerm", 1, 3, true},
                    vote_case{"LongerOfAnOlderTerm", 9, 1, false}, vote_case{"Empty", 0, 0, false}),
    [](const auto& info) { return info.param.name; });

TEST(RaftElectionTimeout, IsDrawnBetweenOneAndTwoElectionTimes) {
  for (std::uint64_t draw = 0; draw < 10; ++draw) {
    options config{"a", {"a", "b", "c"}};
    raft_core core{config, [draw] { return draw; }, {}};
    auto ticks = std::uint64_t{0};
    while (core.current_role() == role::follower && ticks < 100) {
      core.tick();
      ++ticks;
    }
    EXPECT_EQ(ticks, 10 + draw);
  }
}

}  // namespace
}  // namespace dunlin::raft
