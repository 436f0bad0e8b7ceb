#include "runtime/scheduling/shared_queues.hpp"

#include <gtest/gtest.h>

#include <future>

namespace dunlin::scheduling {
namespace {

/// Never run here; only its address counts.
struct fake_job final : caf::resumable {
  resume_result resume(caf::execution_unit*, std::size_t) override { return done; }
  void intrusive_ptr_add_ref_impl() override {}
  void intrusive_ptr_release_impl() override {}
};

class SharedQueues : public ::testing::Test {
protected:
  job_queues queues;
  fake_job jobs[64];
};

TEST_F(SharedQueues, AWorkerTakesUpWhatItsOwnTurnMadeRunnableBeforeTheRest) {
  queues.push(&jobs[0]);
  queues.push_own(0, &jobs[1]);
  queues.push_own(0, &jobs[2]);
  EXPECT_EQ(queues.pop(0), &jobs[1]);
  EXPECT_EQ(queues.pop(0), &jobs[2]);
  EXPECT_EQ(queues.pop(0), &jobs[0]);
}

TEST_F(SharedQueues, AWorkerWithNothingElseHelpsAnother) {
  queues.push_own(0, &jobs[0]);
  queues.push_own(0, &jobs[1]);
  EXPECT_EQ(queues.pop(1), &jobs[0]);
  EXPECT_EQ(queues.pop(0), &jobs[1]);
}

TEST_F(SharedQueues, ActorsThatKeepEachOtherBusyDoNotKeepTheRestWaiting) {
  queues.push(&jobs[0]);
  std::size_t turns = 0;
  for (queues.push_own(0, &jobs[1]); queues.pop(0) != &jobs[0]; queues.push_own(0, &jobs[1]))
    ASSERT_LE(++turns, job_queues::own_streak_max);
  EXPECT_EQ(turns, job_queues::own_streak_max);
}

TEST_F(SharedQueues, ASleepingWorkerIsWokenForWhatComesFromOutside) {
  auto sleeper = std::async(std::launch::async, [this] { return queues.pop(1); });
  queues.push(&jobs[0]);
  EXPECT_EQ(sleeper.get(), &jobs[0]);
}

TEST_F(SharedQueues, ASleepingWorkerIsWokenWhenAnothersQueueGetsLong) {
  auto sleeper = std::async(std::launch::async, [this] { return queues.pop(1); });
  for (std::size_t i = 0; i <= job_queues::own_max; ++i)
    queues.push_own(0, &jobs[i]);
  EXPECT_EQ(sleeper.get(), &jobs[0]);
}

TEST_F(SharedQueues, ALongTurnGivesAwayWhatItHasSent) {
  auto sleeper = std::async(std::launch::async, [this] { return queues.pop(1); });
  queues.push_own(0, &jobs[0]);
  queues.share(0);
  EXPECT_EQ(sleeper.get(), &jobs[0]);
}

TEST_F(SharedQueues, NoJobIsLostBetweenFourWorkers) {
  constexpr int many = 20'000;
  std::vector<std::future<int>> workers;
  fake_job end[4];
  for (std::size_t w = 0; w < 4; ++w)
    workers.push_back(std::async(std::launch::async, [this, w, &end] {
      int seen = 0;
      for (;;) {
        auto* one = queues.pop(w);
        if (one >= end && one < end + 4) return seen;
        ++seen;
        // Some beget another one, as actors do.
        if (one == &jobs[1]) queues.push_own(w, &jobs[0]);
      }
    }));
  for (int i = 0; i < many; ++i)
    queues.push(&jobs[i % 2]);
  for (auto& one : end)
    queues.push(&one);
  int seen = 0;
  for (auto& worker : workers)
    seen += worker.get();
  EXPECT_EQ(static_cast<std::size_t>(seen) + queues.drain().size(), many + many / 2);
}

}  // namespace
}  // namespace dunlin::scheduling
