#include "tests/unit/raft/bench_of_cores.hpp"

#include <gmock/gmock.h>

namespace dunlin::raft {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using kind = message_kind;

struct RaftReplication : testing::Test {
  explicit RaftReplication(const std::function<void(options&)>& adjust = [](options&) {})
      : bench{{"a", "b", "c"}, adjust} {}
  ~RaftReplication() override { EXPECT_THAT(bench.watch.violations(), IsEmpty()); }
  index_t write(const std::string& bytes) {
    return bench.core("a").propose(text(bytes)).value().index;
  }
  bench_of_cores bench;
};

TEST_F(RaftReplication, CommitsAndAppliesEverywhere) {
  bench.elect("a");
  const auto at = write("x");
  bench.settle();
  EXPECT_EQ(bench.core("a").commit(), at);
  EXPECT_TRUE(bench.at("a").applied.contains(at));
  bench.tick_all();  // followers hear of the commit with the next append
  EXPECT_TRUE(bench.at("b").applied.contains(at));
  EXPECT_EQ(*bench.at("c").applied.at(at).data, "x");
}

TEST_F(RaftReplication, ManyProposalsOfOneTurnLeaveAsOneAppend) {
  bench.elect("a");
  bench.passed.clear();
  write("x");
  write("y");
  write("z");
  bench.settle();
  EXPECT_THAT(show(bench.passed),
              ElementsAre("append a>b t1 1/1 +3 c1", "append a>c t1 1/1 +3 c1",
                          "append_reply b>a t1 4/0", "append_reply c>a t1 4/0"));
}

TEST_F(RaftReplication, AppendsLeaveBeforeTheLeadersOwnWriteIsDurableButItsVoteDoesNotCount) {
  bench.elect("a");
  bench.cut("c");
  bench.hold_storage("a");
  const auto at = write("x");
  bench.settle();
  EXPECT_EQ(bench.core("a").match_of("b"), at);
  EXPECT_LT(bench.core("a").commit(), at);
  bench.free_storage("a");
  EXPECT_EQ(bench.core("a").commit(), at);
}

TEST_F(RaftReplication, ANewTermIsOnDiskBeforeItsLeaderIsAnswered) {
  raft_core b{{"b", {"a", "b", "c"}}, [] { return std::uint64_t{0}; }, {}};
  b.step(letter{kind::append, "a", "b", 1}.log(0, 0));
  const auto work = b.take_ready();
  EXPECT_THAT(work.messages, IsEmpty());
  // The next heartbeat, with a read, shares the write.
  auto beat = letter{kind::append, "a", "b", 1}.log(0, 0);
  beat.m.read_context = 7;
  b.step(beat);
  b.on_stored(work.token);
  const auto said = b.take_ready().messages;
  EXPECT_THAT(show(said), ElementsAre("append_reply b>a t1 0/0 r7"));
}

TEST_F(RaftReplication, FollowersCommitWithoutTheLeadersDiskButItAppliesOnlyWhatItStored) {
  bench.elect("a");
  bench.hold_storage("a");
  const auto at = write("x");
  bench.settle();
  EXPECT_EQ(bench.core("a").commit(), at);
  EXPECT_FALSE(bench.at("a").applied.contains(at));
  bench.free_storage("a");
  EXPECT_TRUE(bench.at("a").applied.contains(at));
}

// raft-notes trap A, figure 8 of the paper: an old entry on a majority is not yet committed.
TEST_F(RaftReplication, AnEntryOfAnOldTermIsNotCommittedByCounting) {
  bench.elect("a");
  bench.cut("b");
  bench.cut("c");
  const auto old = write("old");
  bench.settle();
  bench.tick("a", 10);  // heard the others within its first window
  bench.tick("a", 10);  // steps down
  bench.tick("b", 10);
  bench.heal("b");
  // The no-op of the new term is lost on its way, the old entry is not.
  bench.drop = [&](const message& m) {
    return m.kind == kind::append && !m.entries.empty() && m.entries.back().term > 1;
  };
  bench.elect("a");
  ASSERT_TRUE(bench.core("a").leads());
  const auto term = bench.core("a").term();
  bench.core("a").step(letter{kind::append_reply, "b", "a", term}.log(old, 0));
  bench.settle();
  EXPECT_LT(bench.core("a").commit(), old);
  bench.drop = [](const message&) { return false; };
  bench.core("b").step(letter{kind::append, "a", "b", term}.log(1, 1).add(1, "old"));
  bench.core("a").step(letter{kind::append_reply, "b", "a", term}.log(old, 0));
  bench.tick("a", 3);
  EXPECT_EQ(bench.core("a").commit(), old + 1);
}

// raft-notes trap B: storage finishes under another leader than the one who is owed the answer.
TEST_F(RaftReplication, AnAppendStoredAfterALeaderChangeIsNotReportedToTheNewLeader) {
  bench.hold_storage("c");
  bench.core("c").step(letter{kind::append, "a", "c", 1}.log(0, 0).add(1, "x").add(1, "y"));
  bench.settle();
  bench.core("c").step(letter{kind::append, "b", "c", 2}.log(0, 0).add(2, "z"));
  bench.settle();
  EXPECT_THAT(bench.passed, IsEmpty());
  bench.free_storage("c");
  EXPECT_THAT(show(bench.passed), ElementsAre("append_reply c>b t2 1/0"));
}

TEST_F(RaftReplication, AWriteThatWasCutBeforeItWasStoredProvesNothing) {
  auto& c = bench.core("c");
  c.step(letter{kind::append, "a", "c", 1}.log(0, 0).add(1, "x").add(1, "y"));
  const auto first = c.take_ready();
  c.step(letter{kind::append, "b", "c", 2}.log(0, 0).add(2, "z").add(2, "w"));
  const auto second = c.take_ready();
  EXPECT_EQ(second.entries.front().index, 1u);
  c.on_stored(first.token);
  EXPECT_EQ(c.stored_index(), 0u);
  c.on_stored(second.token);
  EXPECT_EQ(c.stored_index(), 2u);
}

// raft-notes trap S: commits must move while a follower is an entry behind a busy leader.
TEST_F(RaftReplication, PipelinedWritesCommitWhileTheFollowersLagOneBehind) {
  bench.elect("a");
  auto lag = 0;
  bench.drop = [&](const message& m) {
    return m.kind == kind::append_reply && m.log_index == bench.core("a").last_index() &&
           lag++ >= 0;
  };
  auto commits = 0;
  for (auto i = 0; i < 50; ++i) {
    const auto before = bench.core("a").commit();
    write("x");
    bench.settle();
    commits += bench.core("a").commit() > before ? 1 : 0;
    bench.drop = [](const message&) { return false; };
  }
  EXPECT_GE(commits, 49);
}

TEST_F(RaftReplication, RepairsADivergedLogInFewSteps) {
  // b was a leader of term 2 and 3 that nobody heard: 1/1, then many entries of 2 and 3.
  letter lonely{kind::append, "c", "b", 3};
  lonely.log(0, 0).add(1, "x");
  for (auto i = 0; i < 100; ++i)
    lonely.add(2 + static_cast<term_t>(i) / 50, "lost");
  bench.core("b").step(lonely);
  letter shared{kind::append, "b", "a", 4};
  shared.log(0, 0).add(1, "x");
  for (auto i = 0; i < 120; ++i)
    shared.add(4, "kept");
  bench.core("a").step(shared);
  bench.core("c").step([&] {
    message m = shared;
    m.to = "c";
    return m;
  }());
  bench.settle();
  for (const auto& name : {"a", "b", "c"}) {
    bench.at(name).crash();
    bench.at(name).restart();
  }
  bench.elect("a");
  ASSERT_TRUE(bench.core("a").leads());
  bench.passed.clear();
  bench.tick("a", 3);
  EXPECT_EQ(bench.core("a").match_of("b"), bench.core("a").last_index());
  EXPECT_EQ(bench.core("b").term_at(60), 4u);
  EXPECT_LT(bench.passed.size(), 24u);
}

TEST_F(RaftReplication, LostAppendsAreNoticedByTheNextHeartbeatAndSentAgain) {
  bench.elect("a");
  bench.drop = [](const message& m) { return m.to == "b" && !m.entries.empty(); };
  const auto at = write("x");
  bench.settle();
  EXPECT_LT(bench.core("a").match_of("b"), at);
  bench.drop = [](const message&) { return false; };
  bench.tick("a");
  EXPECT_EQ(bench.core("a").match_of("b"), at);
}

struct RaftLimits : RaftReplication {
  RaftLimits()
      : RaftReplication{[](options& o) {
          o.append_bytes_max = 1000;
          o.inflight_bytes_max = 2000;
          o.inflight_messages_max = 3;
          o.uncommitted_bytes_max = 4000;
        }} {}
};

TEST_F(RaftLimits, AppendsAreCutAndOnlySoManyAreInFlight) {
  bench.elect("a");
  bench.hold_storage("b");
  bench.passed.clear();
  for (auto i = 0; i < 9; ++i)
    write(std::string(368, 'x'));  // 400 with what an entry counts for itself
  bench.settle();
  std::vector<std::size_t> sizes;
  for (const auto& m : bench.passed)
    if (m.to == "b") sizes.push_back(m.entries.size());
  EXPECT_THAT(sizes, ElementsAre(2, 2, 2));
  bench.free_storage("b");
  EXPECT_EQ(bench.core("a").match_of("b"), bench.core("a").last_index());
}

TEST_F(RaftLimits, ProposalsAreRefusedWhenTooMuchWaitsForItsCommit) {
  bench.elect("a");
  bench.cut("b");
  bench.cut("c");
  auto taken = 0;
  result<position> last = ec::unavailable;
  while ((last = bench.core("a").propose(text(std::string(368, 'x')))) && taken < 100)
    ++taken;
  EXPECT_EQ(taken, 10);
  EXPECT_EQ(last.error(), ec::overloaded);
  bench.heal("b");
  bench.tick("a", 2);
  EXPECT_TRUE(bench.core("a").propose(text("y")));
}

TEST_F(RaftReplication, OnlyALeaderTakesProposals) {
  EXPECT_EQ(bench.core("b").propose(text("x")).error(), ec::not_leader);
}

TEST_F(RaftReplication, ACrashBeforeStoringLosesTheEntryButNoPromise) {
  bench.elect("a");
  bench.hold_storage("b");
  const auto at = write("x");
  bench.settle();
  bench.at("b").crash();
  bench.at("b").restart();
  EXPECT_LT(bench.core("b").last_index(), at);
  bench.free_storage("b");
  bench.tick("a", 3);
  EXPECT_EQ(bench.core("a").match_of("b"), at);
}

TEST_F(RaftReplication, ReportsAFollowerThatNeedsWhatTheLogHasForgotten) {
  bench.elect("a");
  bench.cut("b");
  for (auto i = 0; i < 5; ++i)
    write("x");
  bench.settle();
  bench.at("a").compact(5);
  EXPECT_EQ(bench.core("a").first_index(), 6u);
  EXPECT_EQ(bench.core("a").term_at(5), 1u);
  EXPECT_FALSE(bench.core("a").term_at(4).has_value());
  bench.at("b").crash();
  bench.at("b").restart();
  bench.heal("b");
  bench.tick("a", 3);
  EXPECT_TRUE(bench.core("a").needs_snapshot("b"));
  EXPECT_EQ(bench.core("b").leader(), "a");
  // It arrives there by other means: replication goes on by itself.
  letter rest{kind::append, "a", "b", 1};
  rest.log(1, 1);
  for (auto i = 0; i < 5; ++i)
    rest.add(1, "x");
  bench.core("b").step(rest);
  bench.tick("a", 2);
  EXPECT_FALSE(bench.core("a").needs_snapshot("b"));
  EXPECT_EQ(bench.core("a").match_of("b"), bench.core("a").last_index());
}

TEST_F(RaftReplication, OnlyWhatEveryVoterHasOnDiskIsSettled) {
  bench.elect("a");
  bench.tick_all(2);
  bench.hold_storage("c");
  write("x");
  bench.settle();
  bench.tick_all(2);
  EXPECT_EQ(bench.core("a").commit(), 2u);
  EXPECT_EQ(bench.core("a").settled(), 1u);
  bench.free_storage("c");
  bench.tick_all(2);
  EXPECT_EQ(bench.core("a").settled(), 2u);
  EXPECT_EQ(bench.core("b").settled(), 2u);
}

TEST_F(RaftReplication, AnAppendThatBeginsBelowTheLogIsTakenFromWhereTheLogBegins) {
  bench.elect("a");
  for (auto i = 0; i < 4; ++i)
    write("x");
  bench.tick_all(2);
  bench.at("b").compact(4);
  bench.passed.clear();
  letter again{kind::append, "a", "b", 1};
  again.log(1, 1).add(1, "x").add(1, "x").add(1, "x").add(1, "x").add(1, "y");
  bench.core("b").step(again);
  bench.at("b").work([&](message m) { bench.passed.push_back(std::move(m)); });
  bench.at("b").store();
  EXPECT_EQ(bench.core("b").last_index(), 6u);
}

struct bad_case {
  const char* name;
  message m;
};
struct RaftBadMessage : testing::TestWithParam<bad_case> {};

TEST_P(RaftBadMessage, IsIgnored) {
  bench_of_cores bench{{"a", "b", "c"}};
  bench.elect("a");
  (void)bench.core("a").propose(text("x"));
  bench.settle();
  bench.tick_all(2);
  auto& core = bench.core(GetParam().m.to == "a" ? "a" : "b");
  const auto term = core.term(), last = core.last_index(), commit = core.commit();
  core.step(GetParam().m);
  bench.settle();
  EXPECT_EQ(core.term(), term);
  EXPECT_EQ(core.last_index(), last);
  EXPECT_EQ(core.commit(), commit);
  EXPECT_TRUE(bench.core("a").leads());
  EXPECT_THAT(bench.watch.violations(), IsEmpty());
}

message with(message m, const std::function<void(message&)>& change) {
  change(m);
  return m;
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, RaftBadMessage,
    testing::Values(
        bad_case{"FromAStranger", letter{kind::append, "x", "b", 9}},
        bad_case{"ForAnother", letter{kind::append, "a", "c", 9}},
        bad_case{"FromOneself", letter{kind::vote, "a", "a", 9}},
        bad_case{"WithoutATerm", letter{kind::append, "a", "b", 0}},
        bad_case{"OfAnAbsurdTerm", letter{kind::append, "a", "b", ~term_t{0}}},
        bad_case{"WithAGap", with(letter{kind::append, "a", "b", 1}.log(2, 1).add(1, "y"),
                                  [](message& m) { m.entries[0].index = 9; })},
        bad_case{"WithFallingTerms", with(letter{kind::append, "a", "b", 1}.log(2, 1).add(1, "y"),
                                          [](message& m) { m.entries[0].term = 0; })},
        bad_case{"WithEntriesOfTheFuture", letter{kind::append, "a", "b", 1}.log(2, 1).add(7, "y")},
        bad_case{"WithoutData", with(letter{kind::append, "a", "b", 1}.log(2, 1).add(1, "y"),
                                     [](message& m) { m.entries[0].data = nullptr; })},
        bad_case{"FromASecondLeader", letter{kind::append, "c", "b", 1}.log(2, 1).add(1, "y")},
        bad_case{"LeaderToLeader", letter{kind::append, "c", "a", 1}.log(2, 1).add(1, "y")},
        bad_case{"ContradictingACommit", letter{kind::append, "a", "b", 1}.log(1, 0).add(1, "y")},
        bad_case{"MatchBeyondTheLog", letter{kind::append_reply, "b", "a", 1}.log(99, 1)},
        bad_case{"RejectBelowTheMatch", with(letter{kind::append_reply, "b", "a", 1}.log(1, 1),
                                             [](message& m) { m.reject = true; })},
        bad_case{"TimeoutNowFromAFollower", letter{kind::timeout_now, "c", "b", 1}},
        bad_case{"BallotNobodyAskedFor", letter{kind::vote_reply, "c", "b", 1}},
        bad_case{"Snapshot", letter{kind::snapshot, "a", "b", 1}}),
    [](const auto& info) { return info.param.name; });

TEST(RaftRestore, RefusesToStartFromADiskThatContradictsItself) {
  options config{"a", {"a", "b", "c"}};
  auto random = [] { return std::uint64_t{0}; };
  restored gap{{1, ""}, 0, 0, 0, {{1, 2, entry_kind::noop, nullptr}}};
  EXPECT_DEATH(raft_core(config, random, gap), "broken invariant");
  restored ahead{{1, ""}, 0, 0, 5, {{1, 1, entry_kind::noop, nullptr}}};
  EXPECT_DEATH(raft_core(config, random, ahead), "broken invariant");
  restored older{{0, ""}, 0, 0, 0, {{1, 1, entry_kind::noop, nullptr}}};
  EXPECT_DEATH(raft_core(config, random, older), "broken invariant");
}

}  // namespace
}  // namespace dunlin::raft
