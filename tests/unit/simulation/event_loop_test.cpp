#include "runtime/simulation/event_loop.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

using namespace dunlin::simulation;
using namespace std::chrono_literals;
using testing::ElementsAre;

TEST(EventLoop, RunsEventsInOrderOfTimeAndEqualOnesAsAskedFor) {
  event_loop loop;
  std::vector<int> order;
  loop.after(2ms, [&] { order.push_back(3); });
  loop.after(1ms, [&] { order.push_back(1); });
  loop.after(1ms, [&] { order.push_back(2); });
  loop.run_until(1ms);
  EXPECT_THAT(order, ElementsAre(1, 2));
  loop.run_until(5ms);
  EXPECT_THAT(order, ElementsAre(1, 2, 3));
  EXPECT_EQ(loop.now(), 5ms);
}

TEST(EventLoop, RunsAnEventOfThePastNow) {
  event_loop loop;
  loop.run_until(5ms);
  auto ran_at = 0ns;
  loop.at(1ms, [&] { ran_at = loop.now(); });
  EXPECT_EQ(loop.next(), 5ms);
  EXPECT_TRUE(loop.run_one());
  EXPECT_EQ(ran_at, 5ms);
  EXPECT_FALSE(loop.run_one());
}

TEST(EventLoop, LetsAnEventAskForMore) {
  event_loop loop;
  int runs = 0;
  std::function<void()> again = [&] {
    if (++runs < 10) loop.after(1ms, again);
  };
  loop.after(1ms, again);
  loop.run_until(10ms);
  EXPECT_EQ(runs, 10);
  EXPECT_EQ(loop.pending(), 0u);
}
