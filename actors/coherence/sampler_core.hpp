/// SAMPLER CORE: how stale what near caches served was, measured from outside of them (X2), as a
/// checker that acts as one more cache. Of each sample the leader is asked how long ago it had been
/// overtaken. No clock is compared with another: what the leader names is an age on its own clock,
/// which holds for some moment between asking and hearing, so staleness comes out as an interval
/// as wide as the time of asking:
///
///   lower = age - (heard - served)        at least so stale when it was served
///   upper = age - (asked - served)        at most
///
/// upper <= 0: it was the newest. lower > 0: stale. Else it cannot be told, and is counted apart.
/// Only a lower end beyond the bound is a violation: a mistake in Dunlin, or clocks that run at
/// different rates. What the leader has forgotten, or never saw, is no sample.
#pragma once

#include "actors/coherence/staleness_figures.hpp"
#include "messages/vocabulary.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace dunlin {

class sampler_core {
public:
  using time = std::chrono::microseconds;
  using request_id = std::uint64_t;
  using place = std::pair<std::string, std::uint64_t>;  ///< type, service

  struct limits {
    std::size_t in_flight_max = 32;
    std::uint32_t a_second = 20;  ///< more are passed over
    /// Clocks of near caches count milliseconds; rates of clocks differ by less than a thousandth.
    time slack{2'000};
  };

  struct sample {
    place where;
    std::uint64_t tick = 0;
    time served_at{};
    time bound{};
  };

  /// What a leader says (ChangeAge).
  struct change_age {
    std::uint64_t next_tick = 0;  ///< 0: what was served is the newest that it remembers
    time age{};
    time remembers{};
  };

  struct judgement {
    sample what;
    std::uint64_t next_tick = 0;  ///< that had overtaken it by when the leader was asked; 0: none
    time at_least{}, at_most{};   ///< so stale when it was served
    bool violation = false;       ///< beyond its bound, surely
  };

  explicit sampler_core(limits bounds) : limits_{bounds} {}

  /// Ask the leader at once, then on_answer() or on_failed(). None: it is passed over.
  std::optional<request_id> on_sample(time now, sample what);
  /// None: it is no sample.
  std::optional<judgement> on_answer(time now, request_id request, const change_age& said);
  void on_failed(request_id request);

  const std::map<place, staleness_figures>& figures() const { return figures_; }
  std::size_t in_flight() const { return open_.size(); }

private:
  struct question {
    sample what;
    time asked_at{};
  };

  limits limits_;
  std::map<request_id, question> open_;
  request_id last_ = 0;
  time second_began_{};
  std::uint32_t this_second_ = 0;
  std::map<place, staleness_figures> figures_;
};

}  // namespace dunlin
