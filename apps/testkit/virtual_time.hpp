/// The actor system of a virtual cluster, the world's events, and the clock that drives both (U4).
/// Whose turn is next is drawn from the seed; time moves only when nobody can work.
#pragma once

#include "runtime/simulation/virtual_time.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

#include <cstdint>
#include <random>

namespace dunlin::testkit {

class virtual_time {
public:
  explicit virtual_time(std::uint64_t seed)
      : random_(seed), system_(config_), driver_(system_, events_, [this](std::size_t ready) {
          return static_cast<std::size_t>(random_() % ready);
        }) {}

  caf::actor_system& system() { return system_; }
  simulation::event_loop& events() { return events_; }
  std::chrono::nanoseconds now() const { return events_.now(); }

  void settle() { driver_.settle(); }
  void run_for(std::chrono::nanoseconds span) { driver_.run_for(span); }
  /// Groups of actors, and holding them up.
  simulation::virtual_time& driver() { return driver_; }
  const simulation::virtual_time& driver() const { return driver_; }

  /// Until `done` or for `limit`; answers whether it was done.
  template <class Predicate>
  bool run_until(Predicate done, std::chrono::nanoseconds limit) {
    return driver_.run_until(done, limit, std::chrono::milliseconds(5));
  }

private:
  struct testing_config : caf::actor_system_config {
    testing_config() { set("scheduler.policy", caf::atom("testing")); }
  };
  std::mt19937_64 random_;
  testing_config config_;
  simulation::event_loop events_;
  caf::actor_system system_;
  simulation::virtual_time driver_;
};

}  // namespace dunlin::testkit
