/// VIRTUAL TIME: actors of a system with the "testing" scheduler and an event loop on one clock.
#pragma once

#include "runtime/simulation/event_loop.hpp"

#include <caf/actor_system.hpp>
#include <caf/scheduler/test_coordinator.hpp>

namespace dunlin::simulation {

class virtual_time {
public:
  /// `pick`, if given, is asked which of n ready actors has the next turn: the seed decides.
  using picker = std::function<std::size_t(std::size_t ready)>;

  virtual_time(caf::actor_system& system, event_loop& loop, picker pick = {})
      : scheduler_{dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler())},
        loop_{loop},
        pick_{std::move(pick)} {}

  /// Runs what is ready at this instant: all turns of actors, all events due now.
  void settle() {
    do {
      while (scheduler_.has_job())
        turn();
    } while (loop_.run_one() || scheduler_.has_job());
  }

  /// Lets `span` pass, stopping at every event and every actor's timer.
  void run_for(event_loop::time span) {
    const auto end = loop_.now() + span;
    settle();
    while (loop_.now() < end) {
      auto stop = end;
      if (const auto event = loop_.next()) stop = std::min(stop, *event);
      if (const auto timer = next_timer()) stop = std::min(stop, *timer);
      scheduler_.advance_time(stop - loop_.now());
      loop_.advance_to(stop);
      settle();
    }
  }

  /// Lets time pass until `done` holds; false if it does not within `limit`.
  template <class Predicate>
  bool run_until(Predicate done, event_loop::time limit,
                 event_loop::time step = std::chrono::milliseconds(1)) {
    const auto end = loop_.now() + limit;
    settle();
    while (!done()) {
      if (loop_.now() >= end) return false;
      run_for(step);
    }
    return true;
  }

  event_loop::time now() const { return loop_.now(); }

private:
  /// CAF keeps its timers to itself; a derived class may look.
  struct open_clock : caf::detail::test_actor_clock {
    static const auto& timers(const caf::detail::test_actor_clock& clock) {
      return clock.*(&open_clock::schedule_);
    }
  };

  void turn() {
    if (pick_ && scheduler_.jobs.size() > 1) {
      const auto chosen = pick_(scheduler_.jobs.size());
      std::rotate(scheduler_.jobs.begin(),
                  scheduler_.jobs.begin() + static_cast<std::ptrdiff_t>(chosen),
                  scheduler_.jobs.begin() + static_cast<std::ptrdiff_t>(chosen) + 1);
    }
    scheduler_.run_once();
  }

  std::optional<event_loop::time> next_timer() {
    const auto& clock = scheduler_.clock();
    const auto& timers = open_clock::timers(clock);
    if (timers.empty()) return std::nullopt;
    // A timer that is overdue fires with the next step, however small.
    const auto wait = std::max(timers.begin()->first - clock.now(), event_loop::time{1});
    return loop_.now() + wait;
  }

  caf::scheduler::test_coordinator& scheduler_;
  event_loop& loop_;
  picker pick_;
};

}  // namespace dunlin::simulation
