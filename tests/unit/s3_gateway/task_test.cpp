#include "actors/s3_gateway/task.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace dunlin::s3::test {

namespace {

struct answers {
  std::vector<async<int>::resume> waiting;
  async<int> next() {
    return async<int>{[this](async<int>::resume done) { waiting.push_back(std::move(done)); }};
  }
};

task<int> plus_one(answers& from) {
  const int value = co_await from.next();
  co_return value + 1;
}

task<int> sum_of(answers& from, int count) {
  int sum = 0;
  for (int i = 0; i < count; ++i) {
    const int value = co_await plus_one(from);
    sum += value;
  }
  co_return sum;
}

task<int> ready_sum(int count) {
  int sum = 0;
  for (int i = 0; i < count; ++i) {
    const int value = co_await ready(1);
    sum += value;
  }
  co_return sum;
}

task<int> nested_ready_sum(int count) {
  int sum = 0;
  for (int i = 0; i < count; ++i) {
    const int value = co_await ready_sum(1);
    sum += value;
  }
  co_return sum;
}

task<void> throws_after(answers& from) {
  co_await from.next();
  throw std::runtime_error("no");
}

task<std::string> catches(answers& from) {
  std::string heard;
  try {
    co_await throws_after(from);
  } catch (const std::runtime_error& error) {
    heard = error.what();
  }
  co_return heard;
}

struct witness {
  bool& gone;
  ~witness() { gone = true; }
};

task<void> waits_with(witness* given, answers& from) {
  const std::unique_ptr<witness> mine(given);
  co_await from.next();
}

}  // namespace

TEST(Task, RunsOnWithEachAnswer) {
  answers from;
  auto running = sum_of(from, 2);
  running.start();
  ASSERT_EQ(from.waiting.size(), 1u);
  from.waiting[0](10);
  ASSERT_EQ(from.waiting.size(), 2u);
  EXPECT_FALSE(running.done());
  from.waiting[1](20);
  ASSERT_TRUE(running.done());
  EXPECT_EQ(running.take(), 32);
}

TEST(Task, ManyAnswersAtOnceDoNotGrowTheStack) {
  auto flat = ready_sum(300'000);
  flat.start();
  EXPECT_EQ(flat.take(), 300'000);
  auto nested = nested_ready_sum(300'000);
  nested.start();
  EXPECT_EQ(nested.take(), 300'000);
}

TEST(Task, AnExceptionReachesWhoAwaits) {
  answers from;
  auto running = catches(from);
  running.start();
  from.waiting[0](1);
  EXPECT_EQ(running.take(), "no");
}

TEST(Task, DestroyingItDestroysItsFramesAndDropsTheAnswer) {
  answers from;
  bool gone = false;
  {
    auto running = waits_with(new witness{gone}, from);
    running.start();
    EXPECT_FALSE(gone);
  }
  EXPECT_TRUE(gone);
  from.waiting[0](1);
}

TEST(Task, ASecondAnswerIsIgnored) {
  answers from;
  auto running = sum_of(from, 1);
  running.start();
  auto answer = from.waiting[0];
  answer(1);
  answer(5);
  EXPECT_EQ(running.take(), 2);
}

}  // namespace dunlin::s3::test
