#include "runtime/scheduling/shared_queues.hpp"

#include "runtime/scheduling/long_turn.hpp"

#include <algorithm>
#include <utility>

namespace dunlin::scheduling {

present_worker& of_this_thread() {
  thread_local present_worker present;
  return present;
}

void others_may_go_on() {
  const auto& [queues, number] = of_this_thread();
  if (queues != nullptr) queues->share(number);
}

job_queues::own_queue& job_queues::of(std::size_t worker) {
  while (own_.size() <= worker)
    own_.emplace_back();
  return own_[worker];
}

/// Gives up the lock. Whoever is awake looks at all queues before it sleeps, so this is needed only
/// to have more workers at work.
void job_queues::wake_one(std::unique_lock<std::mutex>& held) {
  if (sleeping_ == 0) return;
  --sleeping_;
  ++woken_;
  held.unlock();
  work_.notify_one();
}

void job_queues::push(job one) {
  auto lock = std::unique_lock{guard_};
  shared_.push_back(one);
  wake_one(lock);
}

void job_queues::push_own(std::size_t worker, job one) {
  auto lock = std::unique_lock{guard_};
  auto& own = of(worker);
  own.jobs.push_back(one);
  if (own.jobs.size() > own_max) wake_one(lock);
}

void job_queues::share(std::size_t worker) {
  auto lock = std::unique_lock{guard_};
  if (!of(worker).jobs.empty()) wake_one(lock);
}

job_queues::job job_queues::take(std::size_t worker) {
  const auto first_of = [](std::deque<job>& jobs) {
    auto* one = jobs.front();
    jobs.pop_front();
    return one;
  };
  auto& own = of(worker);
  // Two actors that keep each other busy must not keep the rest waiting.
  if (!own.jobs.empty() && (own.streak < own_streak_max || shared_.empty())) {
    ++own.streak;
    return first_of(own.jobs);
  }
  own.streak = 0;
  if (!shared_.empty()) return first_of(shared_);
  const auto longest = std::max_element(
      own_.begin(), own_.end(),
      [](const own_queue& a, const own_queue& b) { return a.jobs.size() < b.jobs.size(); });
  return longest->jobs.empty() ? nullptr : first_of(longest->jobs);
}

job_queues::job job_queues::pop(std::size_t worker) {
  auto lock = std::unique_lock{guard_};
  for (;;) {
    if (auto* one = take(worker)) return one;
    ++sleeping_;
    work_.wait(lock, [this] { return woken_ > 0; });
    --woken_;
  }
}

std::deque<job_queues::job> job_queues::drain() {
  const auto lock = std::scoped_lock{guard_};
  auto all = std::exchange(shared_, {});
  for (auto& own : own_)
    for (auto* one : std::exchange(own.jobs, {}))
      all.push_back(one);
  return all;
}

}  // namespace dunlin::scheduling
