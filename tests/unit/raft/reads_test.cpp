#include "tests/unit/raft/bench_of_cores.hpp"

#include <gmock/gmock.h>

namespace dunlin::raft {
namespace {

using testing::IsEmpty;
using testing::SizeIs;
using kind = message_kind;

struct RaftReads : testing::Test {
  bench_of_cores bench{{"a", "b", "c"}};
  ~RaftReads() override { EXPECT_THAT(bench.watch.violations(), IsEmpty()); }
};

TEST_F(RaftReads, AreServedAtTheCommitOfTheirBeginning) {
  bench.elect("a");
  (void)bench.core("a").propose(text("x"));
  bench.settle();
  const auto id = bench.core("a").read().value();
  bench.settle();
  ASSERT_THAT(bench.at("a").reads, SizeIs(1));
  EXPECT_EQ(bench.at("a").reads[0].id, id);
  EXPECT_EQ(bench.at("a").reads[0].index, 2u);
}

TEST_F(RaftReads, ThatWaitTogetherShareOneRound) {
  bench.elect("a");
  bench.passed.clear();
  for (auto i = 0; i < 100; ++i)
    (void)bench.core("a").read();
  bench.settle();
  EXPECT_THAT(bench.at("a").reads, SizeIs(100));
  EXPECT_THAT(bench.passed, SizeIs(4));  // two heartbeats and their answers
}

TEST_F(RaftReads, ThatComeDuringARoundWaitForTheNext) {
  bench.elect("a");
  bench.cut("b");
  bench.cut("c");
  (void)bench.core("a").read();
  bench.settle();
  const auto late = bench.core("a").read().value();
  bench.heal("b");
  bench.tick("a");  // sends the first round again
  ASSERT_THAT(bench.at("a").reads, SizeIs(2));
  EXPECT_EQ(bench.at("a").reads[1].id, late);
}

TEST_F(RaftReads, WaitForTheNoopOfTheTerm) {
  bench.drop = [](const message& m) { return m.kind == kind::append && !m.entries.empty(); };
  bench.elect("a");
  ASSERT_TRUE(bench.core("a").leads());
  (void)bench.core("a").read();
  bench.settle();
  EXPECT_THAT(bench.at("a").reads, IsEmpty());
  bench.drop = [](const message&) { return false; };
  bench.tick("a", 2);
  ASSERT_THAT(bench.at("a").reads, SizeIs(1));
  EXPECT_EQ(bench.at("a").reads[0].index, 1u);
}

TEST_F(RaftReads, AreNotHeldUpByAFollowersDisk) {
  bench.elect("a");
  bench.hold_storage("b");
  bench.hold_storage("c");
  (void)bench.core("a").propose(text("x"));
  (void)bench.core("a").read();
  bench.settle();
  EXPECT_THAT(bench.at("a").reads, SizeIs(1));
}

TEST_F(RaftReads, OfADeposedLeaderFail) {
  bench.elect("a");
  bench.cut("a");
  const auto id = bench.core("a").read().value();
  bench.settle();
  bench.tick("c", 10);
  bench.tick("b", 11);
  ASSERT_TRUE(bench.core("b").leads());
  EXPECT_THAT(bench.at("a").reads, IsEmpty());
  bench.tick("a", 20);
  EXPECT_THAT(bench.at("a").reads_failed, testing::ElementsAre(id));
  EXPECT_EQ(bench.core("a").read().error(), ec::not_leader);
}

TEST_F(RaftReads, AreNotConfirmedByAnswersToOlderRounds) {
  bench.elect("a");
  (void)bench.core("a").read();
  bench.settle();
  bench.cut("b");
  bench.cut("c");
  (void)bench.core("a").read();
  bench.settle();
  message old = letter{kind::append_reply, "b", "a", 1}.log(1, 0);
  old.read_context = 1;
  bench.core("a").step(old);
  bench.settle();
  EXPECT_THAT(bench.at("a").reads, SizeIs(1));
}

TEST(RaftReadLimits, RefuseMoreThanFit) {
  bench_of_cores bench{{"a", "b", "c"}, [](options& o) { o.reads_max = 2; }};
  bench.elect("a");
  bench.cut("b");
  bench.cut("c");
  EXPECT_TRUE(bench.core("a").read());
  EXPECT_TRUE(bench.core("a").read());
  EXPECT_EQ(bench.core("a").read().error(), ec::overloaded);
}

TEST(RaftReadsAlone, NeedNobody) {
  bench_of_cores bench{{"a"}};
  bench.tick("a");
  (void)bench.core("a").read();
  bench.settle();
  EXPECT_THAT(bench.at("a").reads, SizeIs(1));
}

}  // namespace
}  // namespace dunlin::raft
