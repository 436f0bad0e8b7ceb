/// CLOCK and RANDOM: ports (decision 2). Timers are the actors' own (delayed_send on the system's
/// clock, virtual in simulation); this port gives the time of day only.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace dunlin {

class wall_clock {
public:
  virtual ~wall_clock() = default;
  /// Milliseconds since the epoch, UTC. May jump: nothing is ordered by it alone.
  virtual std::int64_t now_ms() const = 0;
};

/// Thread safe. Seeded in simulation; the system's entropy otherwise.
class random_source {
public:
  virtual ~random_source() = default;
  virtual std::uint64_t next() = 0;
  /// `size` random bytes, fit for secrets.
  virtual std::string bytes(std::size_t size) = 0;
};

}  // namespace dunlin
