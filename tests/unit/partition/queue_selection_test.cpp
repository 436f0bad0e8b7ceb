/// Which queue a change goes to (Q7).
#include "actors/partition/queue_selection.hpp"

#include "tests/support/sources.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

using namespace dunlin;
using namespace std::chrono_literals;

namespace {

using seeded = support::seeded_random;

struct QueueSelection : testing::Test {
  std::string chosen(queue_selection& by, const std::vector<node_id>& from,
                     const std::string& item = {}) {
    return from.at(by.choose(from, item));
  }
  seeded random{7};
  const std::vector<node_id> three{"q1", "q2", "q3"};
};

TEST_F(QueueSelection, ByChanceComesToEveryQueueAboutAsOften) {
  const auto by = select_queues(queue_choice::random, "n1", random);
  std::map<std::string, int> times;
  for (int i = 0; i < 3000; ++i)
    ++times[chosen(*by, three)];
  for (const auto& queue : three)
    EXPECT_NEAR(times[queue], 1000, 150);
}

TEST_F(QueueSelection, RoundRobinGoesOnWhereAQueueIsMissing) {
  const auto by = select_queues(queue_choice::round_robin, "n1", random);
  EXPECT_EQ(chosen(*by, three), "q1");
  EXPECT_EQ(chosen(*by, three), "q2");
  EXPECT_EQ(chosen(*by, {"q1", "q2"}), "q1");
  EXPECT_EQ(chosen(*by, {"q3"}), "q3");
  EXPECT_EQ(chosen(*by, three), "q1");
}

TEST_F(QueueSelection, RendezvousMovesOnlyTheItemsOfAQueueThatIsGone) {
  const auto by = select_queues(queue_choice::rendezvous, "n1", random);
  EXPECT_TRUE(by->by_item());
  std::set<std::string> used;
  for (int i = 0; i < 200; ++i) {
    const auto item = "object" + std::to_string(i);
    const auto before = chosen(*by, three, item);
    used.insert(before);
    if (before != "q2") {
      EXPECT_EQ(chosen(*by, {"q1", "q3"}, item), before);
    }
  }
  EXPECT_EQ(used.size(), 3u);
}

TEST_F(QueueSelection, TheNearestIsOnTheOwnNodeElseTheOneThatAnswersFastest) {
  const auto own = select_queues(queue_choice::nearest, "q2", random);
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(chosen(*own, three), "q2");
  const auto other = select_queues(queue_choice::nearest, "n1", random);
  other->observe("q1", 20ms);
  other->observe("q2", 5ms);
  other->observe("q3", 50ms);
  int near = 0;
  for (int i = 0; i < 640; ++i)
    near += chosen(*other, three) == "q2" ? 1 : 0;
  EXPECT_GT(near, 600);
  EXPECT_LT(near, 640);  // a look around now and then
  for (int i = 0; i < 40; ++i)
    other->observe("q2", 1000ms);
  near = 0;
  for (int i = 0; i < 640; ++i)
    near += chosen(*other, three) == "q1" ? 1 : 0;
  EXPECT_GT(near, 600);
}

}  // namespace
