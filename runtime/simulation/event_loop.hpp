/// EVENT LOOP: what happens when, in virtual time. One thread; equal times run in the order in
/// which they were asked for, so that one seed gives one history.
#pragma once

#include "messages/vocabulary.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <utility>

namespace dunlin::simulation {

class event_loop {
public:
  using time = std::chrono::nanoseconds;  ///< since the simulation began
  using event = std::function<void()>;

  time now() const { return now_; }

  /// Never before now().
  void at(time when, event what) {
    events_.emplace(std::pair{std::max(when, now_), ++asked_}, std::move(what));
  }
  void after(time delay, event what) { at(now_ + delay, std::move(what)); }

  /// When the next event is due.
  std::optional<time> next() const {
    if (events_.empty()) return std::nullopt;
    return events_.begin()->first.first;
  }

  /// Moves time forward without running anything; not past an event.
  void advance_to(time when) {
    DUNLIN_ASSERT(when >= now_ && (events_.empty() || next() >= when));
    now_ = when;
  }

  /// Runs a piece of work that is no event and ready at once (handlers of an executor); false if
  /// there is none. Time does not move while there is.
  using ready_work = std::function<bool()>;
  void set_ready_work(ready_work runs_one) { ready_work_ = std::move(runs_one); }

  /// Runs one event that is due now, or what is ready; false if there is none.
  bool run_one() {
    if (ready_work_ && ready_work_()) return true;
    if (events_.empty() || next() > now_) return false;
    auto due = events_.extract(events_.begin());
    due.mapped()();
    return true;
  }

  /// Without actors: runs all events up to `when`, which is the time afterwards.
  void run_until(time when) {
    while (run_one()) {}
    while (next() && *next() <= when) {
      advance_to(*next());
      while (run_one()) {}
    }
    advance_to(when);
  }

  std::size_t pending() const { return events_.size(); }

private:
  time now_{0};
  std::uint64_t asked_ = 0;
  std::map<std::pair<time, std::uint64_t>, event> events_;
  ready_work ready_work_;
};

}  // namespace dunlin::simulation
