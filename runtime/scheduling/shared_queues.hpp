/// SHARED QUEUES: which runnable actor a worker takes next, and when a sleeping worker is woken.
/// Internal to the scheduler; the scheduling policy that CAF's workers are parameterized with.
#pragma once

#include <caf/policy/unprofiled.hpp>
#include <caf/resumable.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>

#include <condition_variable>
#include <deque>
#include <mutex>

namespace dunlin::scheduling {

/// All queues of one scheduler. Thread safe; one lock, held for a few instructions.
class job_queues {
public:
  using job = caf::resumable*;

  /// More in one worker's queue, and a sleeping worker is woken.
  static constexpr std::size_t own_max = 3;
  /// From its own queue in a row, before a worker looks at what came from elsewhere.
  static constexpr std::size_t own_streak_max = 16;

  /// From a thread that is no worker, or from one that does not want it next.
  void push(job one);
  /// From `worker`'s present turn.
  void push_own(std::size_t worker, job one);
  /// Waits until there is one.
  job pop(std::size_t worker);
  /// `worker` is busy for a while: whoever sleeps takes over what waits in its queue.
  void share(std::size_t worker);
  /// All that waits, at the end.
  std::deque<job> drain();

private:
  job take(std::size_t worker);
  void wake_one(std::unique_lock<std::mutex>& held);

  std::mutex guard_;
  std::condition_variable work_;
  std::size_t sleeping_ = 0;  // and not woken yet
  std::size_t woken_ = 0;     // tokens for those that sleep: a wake-up is never spent on nobody
  std::deque<job> shared_;
  struct own_queue {
    std::deque<job> jobs;
    std::size_t streak = 0;
  };
  own_queue& of(std::size_t worker);
  std::deque<own_queue> own_;  // by worker; grows with the first turn of each
};

/// The worker's queue that others_may_go_on() is about; null: this thread is no worker.
struct present_worker {
  job_queues* queues = nullptr;
  std::size_t number = 0;
};
present_worker& of_this_thread();

/// As caf::policy::work_sharing, on job_queues.
class shared_queues : public caf::policy::unprofiled {
public:
  struct coordinator_data {
    explicit coordinator_data(caf::scheduler::abstract_coordinator*) {}
    job_queues queues;
  };
  struct worker_data {
    explicit worker_data(caf::scheduler::abstract_coordinator*) {}
  };

  template <class Coordinator>
  void central_enqueue(Coordinator* self, caf::resumable* job) {
    d(self).queues.push(job);
  }
  template <class Worker>
  void external_enqueue(Worker* self, caf::resumable* job) {
    d(self->parent()).queues.push(job);
  }
  template <class Worker>
  void internal_enqueue(Worker* self, caf::resumable* job) {
    d(self->parent()).queues.push_own(self->id(), job);
  }
  template <class Worker>
  void resume_job_later(Worker* self, caf::resumable* job) {
    d(self->parent()).queues.push(job);
  }
  template <class Worker>
  caf::resumable* dequeue(Worker* self) {
    auto& queues = d(self->parent()).queues;
    of_this_thread() = {&queues, self->id()};
    return queues.pop(self->id());
  }
  template <class Worker, class Visit>
  void foreach_resumable(Worker*, Visit) {}
  template <class Coordinator, class Visit>
  void foreach_central_resumable(Coordinator* self, Visit visit) {
    for (auto* job : d(self).queues.drain())
      visit(job);
  }
};

}  // namespace dunlin::scheduling
