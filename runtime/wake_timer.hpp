/// WAKE TIMER: the one timer of an actor whose core says when it next has work. CAF's timers cannot
/// be taken back, so one that an earlier one has replaced still fires; fires() tells them apart, or
/// each would arm another.
#pragma once

#include <caf/atom.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

namespace dunlin {

class wake_timer {
public:
  using time = std::chrono::milliseconds;  ///< since any fixed moment of the actor's clock

  /// (caf::tick_atom, std::int64_t) will come to `self` at `wake`, never in the same turn; none, or
  /// time::max(): nothing is due. A pending timer keeps its actor alive: one that may be ended says
  /// how long that is bearable, and is woken once for nothing after each `wait_max`.
  template <class Self>
  void arm(Self* self, time now, std::optional<time> wake, time wait_max = time::max()) {
    if (!wake || *wake == time::max()) return;
    const auto wait = std::clamp(*wake - now, time{1}, wait_max);
    if (armed_ && *armed_ <= now + wait) return;
    armed_ = now + wait;
    self->delayed_send(self, wait, caf::tick_atom::value,
                       static_cast<std::int64_t>(armed_->count()));
  }

  /// Whether the message is the timer's own; nothing is armed then.
  bool fires(std::int64_t armed_for) {
    if (armed_ != time{armed_for}) return false;
    armed_.reset();
    return true;
  }

private:
  std::optional<time> armed_;
};

}  // namespace dunlin
