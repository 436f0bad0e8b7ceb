// The checker must cry when something is wrong, or the simulation proves nothing.
#include "tests/unit/raft/bench_of_cores.hpp"

#include <gmock/gmock.h>

namespace dunlin::raft {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using kind = message_kind;

struct RaftInvariants : testing::Test {
  raft_invariants watch;
  raft_core make(const node_id& self, restored from = {}) {
    return raft_core{{self, {"a", "b", "c"}}, [] { return std::uint64_t{0}; }, std::move(from)};
  }
  std::string first() const { return watch.violations().empty() ? "" : watch.violations()[0]; }
};

raft_core& make_leader(raft_core& core, const node_id& self) {
  for (auto i = 0; i < 10; ++i)
    core.tick();
  core.step(letter{kind::pre_vote_reply, "c", self, core.term() + 1});
  core.on_stored(core.take_ready().token);
  core.step(letter{kind::vote_reply, "c", self, core.term()});
  return core;
}

TEST_F(RaftInvariants, SeesTwoLeadersOfOneTerm) {
  auto a = make("a"), b = make("b");
  watch.observe("a", make_leader(a, "a"));
  EXPECT_THAT(watch.violations(), IsEmpty());
  watch.observe("b", make_leader(b, "b"));
  EXPECT_THAT(first(), HasSubstr("both lead"));
}

TEST_F(RaftInvariants, SeesTwoEntriesAtOneIndexAndTerm) {
  auto a = make("a"), b = make("b");
  a.step(letter{kind::append, "c", "a", 1}.log(0, 0).add(1, "x"));
  b.step(letter{kind::append, "c", "b", 1}.log(0, 0).add(1, "y"));
  watch.observe("a", a);
  watch.observe("b", b);
  EXPECT_THAT(first(), HasSubstr("two entries"));
}

TEST_F(RaftInvariants, SeesLogsThatAgreeAboveADifference) {
  auto a = make("a"), b = make("b");
  a.step(letter{kind::append, "c", "a", 3}.log(0, 0).add(1, "x").add(3, "z"));
  b.step(letter{kind::append, "c", "b", 3}.log(0, 0).add(2, "x").add(3, "z"));
  watch.observe("a", a);
  watch.observe("b", b);
  EXPECT_THAT(first(), HasSubstr("differ before it"));
}

TEST_F(RaftInvariants, SeesDifferentCommits) {
  auto a = make("a"), b = make("b");
  a.step(letter{kind::append, "c", "a", 1}.log(0, 0).add(1, "x").commit(1));
  b.step(letter{kind::append, "c", "b", 2}.log(0, 0).add(2, "y").commit(1));
  watch.observe("a", a);
  watch.observe("b", b);
  EXPECT_THAT(first(), HasSubstr("two entries committed"));
}

TEST_F(RaftInvariants, SeesALeaderThatLacksACommittedEntry) {
  auto a = make("a"), b = make("b");
  a.step(letter{kind::append, "c", "a", 1}.log(0, 0).add(1, "x").commit(1));
  watch.observe("a", a);
  b.step(letter{kind::vote, "c", "b", 1});
  (void)b.take_ready();
  raft_core late = make("b", {{4, ""}, 0, 0, 0, {}});
  watch.observe("b", make_leader(late, "b"));
  EXPECT_THAT(first(), HasSubstr("lacks a committed entry"));
}

TEST_F(RaftInvariants, SeesTermAndCommitGoBackUnlessTheNodeDied) {
  auto before = make("a", {{5, ""}, 0, 0, 1, {{1, 1, entry_kind::noop, nullptr}}});
  auto after = make("a", {{4, ""}, 0, 0, 0, {{1, 1, entry_kind::noop, nullptr}}});
  watch.observe("a", before);
  watch.restarted("a", 0);
  watch.observe("a", after);
  EXPECT_THAT(watch.violations(), IsEmpty());
  watch.observe("a", before);
  watch.observe("a", after);
  EXPECT_THAT(watch.violations(),
              testing::ElementsAre(HasSubstr("term went back"), HasSubstr("commit went back")));
}

TEST_F(RaftInvariants, SeesASecondVoteEvenAfterACrash) {
  watch.sent(letter{kind::vote_reply, "a", "b", 3});
  watch.restarted("a", 0);
  watch.sent(letter{kind::vote_reply, "a", "b", 3});
  EXPECT_THAT(watch.violations(), IsEmpty());
  watch.sent(letter{kind::vote_reply, "a", "c", 3});
  EXPECT_THAT(first(), HasSubstr("voted for two"));
}

TEST_F(RaftInvariants, SeesALeaderThatCommitsAnOlderTermsEntryByCounting) {
  const auto leader_of_term_2 = [&](index_t commit) {
    auto core = make("a", {{1, ""}, 0, 0, commit, {{1, 1, entry_kind::noop, nullptr}}});
    make_leader(core, "a");
    return core;
  };
  auto right = leader_of_term_2(0);
  watch.observe("a", right);
  right.on_stored(right.take_ready().token);
  right.step(letter{kind::append_reply, "c", "a", 2}.log(2, 0));
  ASSERT_EQ(right.commit(), 2u);
  watch.observe("a", right);  // with an entry of its own
  EXPECT_THAT(watch.violations(), IsEmpty());

  watch.restarted("a", 0);
  watch.observe("a", leader_of_term_2(0));
  watch.observe("a", leader_of_term_2(1));
  EXPECT_THAT(first(), HasSubstr("by counting"));
}

TEST_F(RaftInvariants, SeesEntriesThatWereAcknowledgedAndLost) {
  auto a = make("a", {{3, ""}, 0, 0, 0, {{1, 1, entry_kind::noop, nullptr}}});
  watch.sent(letter{kind::append_reply, "a", "b", 3}.log(1, 0));
  watch.observe("a", a);
  EXPECT_THAT(watch.violations(), IsEmpty());
  auto later = make("a", {{4, ""}, 0, 0, 0, {}});
  watch.restarted("a", 0);
  watch.observe("a", later);  // the leader of the next term may cut them
  EXPECT_THAT(watch.violations(), IsEmpty());
  watch.sent(letter{kind::append_reply, "a", "b", 4}.log(2, 0));
  watch.observe("a", later);
  EXPECT_THAT(first(), HasSubstr("has lost entries"));
}

TEST_F(RaftInvariants, SeesAVoteThatWasForgotten) {
  watch.sent(letter{kind::vote_reply, "a", "b", 3});
  watch.restarted("a", 0);
  watch.observe("a", make("a", {{3, "b"}, 0, 0, 0, {}}));
  EXPECT_THAT(watch.violations(), IsEmpty());
  watch.restarted("a", 0);
  watch.observe("a", make("a", {{3, ""}, 0, 0, 0, {}}));
  EXPECT_THAT(first(), HasSubstr("forgotten its vote"));
}

TEST_F(RaftInvariants, SeesATermThatWasForgottenAfterAPromise) {
  watch.sent(letter{kind::append_reply, "a", "b", 3}.log(0, 0));
  watch.restarted("a", 0);
  watch.observe("a", make("a", {{2, ""}, 0, 0, 0, {}}));
  EXPECT_THAT(first(), HasSubstr("forgotten a term"));
}

TEST_F(RaftInvariants, SeesStateMachinesThatDiffer) {
  watch.applied("a", {1, 1, entry_kind::command, text("x")});
  watch.applied("b", {1, 1, entry_kind::command, text("y")});
  EXPECT_THAT(first(), HasSubstr("applied another entry"));
  watch.applied("a", {1, 3, entry_kind::command, text("z")});
  EXPECT_THAT(watch.violations().back(), HasSubstr("out of order"));
}

}  // namespace
}  // namespace dunlin::raft
