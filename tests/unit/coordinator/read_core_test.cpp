#include "actors/coordinator/read_core.hpp"

#include "tests/support/effects.hpp"

#include <gtest/gtest.h>

namespace dunlin {

static resolved_run run(std::uint32_t set, std::uint64_t length) {
  return {set, {"a", "b", "c"}, std::string(16, '\1'), 10, length};
}

static std::vector<std::string> planned(std::vector<resolved_run> runs, std::uint64_t offset,
                                        std::uint64_t length) {
  read_plan plan(std::move(runs), offset, length);
  std::vector<std::string> parts;
  while (const auto part = plan.next())
    parts.push_back(std::to_string(part->run) + ":" + std::to_string(part->page) + "[" +
                    std::to_string(part->offset) + "+" + std::to_string(part->length) + "]");
  return parts;
}

using parts = std::vector<std::string>;

TEST(ReadPlan, WalksPagesAndRuns) {
  EXPECT_EQ(planned({run(1, 25)}, 0, 25), (parts{"0:0[0+10]", "0:1[0+10]", "0:2[0+5]"}));
  EXPECT_EQ(planned({run(1, 25)}, 9, 2), (parts{"0:0[9+1]", "0:1[0+1]"}));
  EXPECT_EQ(planned({run(1, 25)}, 24, 100), (parts{"0:2[4+1]"}));
  EXPECT_EQ(planned({run(1, 15), run(2, 15)}, 12, 6), (parts{"0:1[2+3]", "1:0[0+3]"}));
  EXPECT_EQ(planned({run(1, 10), run(2, 0), run(3, 10)}, 10, 10), (parts{"2:0[0+10]"}));
  EXPECT_EQ(planned({run(1, 25)}, 25, 1), parts{});
  EXPECT_EQ(planned({run(1, 25)}, 3, 0), parts{});
  EXPECT_EQ(planned({}, 0, 10), parts{});
}

struct ReadCore : ::testing::Test {
  read_core core = over(25);
  read_core::effects seen;

  static read_core over(std::uint64_t length) {
    return read_core(
        {}, read_plan({run(1, length)}, 0, length),
        [](const std::vector<node_id>& nodes, const std::map<node_id, std::uint32_t>& failures) {
          auto order = nodes;
          std::stable_sort(order.begin(), order.end(), [&](auto& a, auto& b) {
            return failures.contains(a) < failures.contains(b);
          });
          return order;
        });
  }
  template <class Effect>
  std::vector<Effect> all() const {
    return support::only<Effect>(seen);
  }
  void want(std::size_t size) { seen = core.on_want(size); }
  void good(std::uint64_t sequence, std::size_t size, char letter = 'x') {
    seen = core.on_fetched(sequence, std::make_shared<const std::string>(size, letter));
  }
  void bad(std::uint64_t sequence, ec why) { seen = core.on_fetched(sequence, why); }
};

TEST_F(ReadCore, ReadsOnePageAhead) {
  want(10);
  ASSERT_EQ(all<read_core::fetch>().size(), 2u);
  good(2, 10, 'b');
  EXPECT_TRUE(seen.empty());  // bytes leave in order
  good(1, 10, 'a');
  EXPECT_EQ(*all<read_core::deliver>().at(0).bytes, std::string(10, 'a'));
  EXPECT_EQ(all<read_core::fetch>().size(), 1u);
  want(10);
  EXPECT_EQ(*all<read_core::deliver>().at(0).bytes, std::string(10, 'b'));
  good(3, 5);
  want(10);
  EXPECT_EQ(all<read_core::deliver>().at(0).bytes->size(), 5u);
  want(10);
  EXPECT_TRUE(all<read_core::deliver>().at(0).bytes->empty());
}

TEST_F(ReadCore, AnswersInPartsOfTheSizeAskedFor) {
  core = over(10);
  want(4);
  good(1, 10);
  EXPECT_EQ(all<read_core::deliver>().at(0).bytes->size(), 4u);
  want(4);
  EXPECT_EQ(all<read_core::deliver>().at(0).bytes->size(), 4u);
  want(4);
  EXPECT_EQ(all<read_core::deliver>().at(0).bytes->size(), 2u);
  want(4);
  EXPECT_TRUE(all<read_core::deliver>().at(0).bytes->empty());
}

TEST_F(ReadCore, EndsAnEmptyRangeAtOnce) {
  core = over(0);
  want(4);
  EXPECT_TRUE(all<read_core::deliver>().at(0).bytes->empty());
}

TEST_F(ReadCore, FailsOverAndReportsTheReplicaThatLacksThePage) {
  want(10);
  bad(1, ec::damaged);
  EXPECT_EQ(all<read_core::fetch>().at(0).node, "b");
  bad(1, ec::not_found);
  EXPECT_EQ(all<read_core::fetch>().at(0).node, "c");
  good(1, 10);
  const auto repairs = all<read_core::repair>();
  ASSERT_EQ(repairs.size(), 2u);
  EXPECT_EQ(repairs[0].node, "a");
  EXPECT_EQ(repairs[1].node, "b");
  EXPECT_EQ(repairs[1].source, "c");
  EXPECT_EQ(all<read_core::deliver>().size(), 1u);
}

TEST_F(ReadCore, AsksANodeThatTimedOutLastForTheRest) {
  want(10);
  bad(1, ec::timed_out);
  EXPECT_EQ(all<read_core::fetch>().at(0).node, "b");
  good(1, 10);
  EXPECT_EQ(all<read_core::repair>().size(), 0u);
  EXPECT_EQ(all<read_core::fetch>().at(0).node, "b");  // page 3 no more from a
}

TEST_F(ReadCore, TreatsAShortAnswerAsDamage) {
  want(10);
  good(1, 9);
  EXPECT_EQ(all<read_core::fetch>().at(0).node, "b");
}

TEST_F(ReadCore, SaysNotFoundOnlyWhenEveryReplicaDoes) {
  want(10);
  bad(1, ec::not_found);
  bad(1, ec::not_found);
  bad(1, ec::not_found);
  EXPECT_EQ(all<read_core::failed>().at(0).why, ec::not_found);
}

TEST_F(ReadCore, SaysDamagedWhenNoReplicaHasGoodBytes) {
  want(10);
  bad(1, ec::not_found);
  bad(1, ec::damaged);
  bad(1, ec::not_found);
  EXPECT_EQ(all<read_core::failed>().at(0).why, ec::damaged);
}

TEST_F(ReadCore, SaysUnavailableWhileAReplicaIsOutOfReach) {
  want(10);
  bad(1, ec::not_found);
  bad(1, ec::peer_lost);
  bad(1, ec::damaged);
  EXPECT_EQ(all<read_core::failed>().at(0).why, ec::unavailable);
}

TEST_F(ReadCore, DeliversWhatComesBeforeThePageThatIsLost) {
  want(10);
  for (int i = 0; i < 3; ++i)
    bad(2, ec::damaged);
  EXPECT_TRUE(seen.empty());
  good(1, 10);
  EXPECT_EQ(all<read_core::deliver>().size(), 1u);
  want(10);
  EXPECT_EQ(all<read_core::failed>().at(0).why, ec::damaged);
}

TEST_F(ReadCore, IgnoresAnswersItNoLongerWaitsFor) {
  want(10);
  good(1, 10);
  good(1, 10);
  EXPECT_TRUE(seen.empty());
  bad(99, ec::damaged);
  EXPECT_TRUE(seen.empty());
}

}  // namespace dunlin
