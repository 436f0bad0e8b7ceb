/// What a line tells its owner, and what bounds it.
#pragma once

#include "messages/vocabulary.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace dunlin::proxy {

/// Of one client's connection; never reused in the life of its listener.
using line_number = std::uint64_t;

struct line_client {
  std::string address;  ///< "address:port"
  bool secure = false;
  bool again = false;  ///< it had a leg, which was lost while nothing was open
};

/// A leg that was attached has ended.
struct leg_loss {
  bool in_order = false;  ///< its sending ended; else it broke
  bool stopped = false;   ///< while reading was stopped: the line waits for switch_over() or stay()
  bool replayable = false;  ///< attach() anew asks the one open request again; else the line ends
  bool unanswered = false;  ///< something the client asked has no whole answer
  std::uint64_t request =
      0;                ///< how many the client has begun: the replayable one, if there is one
  bool silent = false;  ///< no byte ever came of that leg
  /// Nothing was open, or nothing of it had left for the leg: the line waits until its client says
  /// more, and tells its first_bytes then.
  bool resting = false;
};

/// Called on threads of the line, each only after the one before has returned; must not block.
struct line_events {
  std::function<void(line_number, const line_client&)> first_bytes;
  std::function<void(line_number, const leg_loss&)> leg_lost;
  std::function<void(line_number)> ended;  ///< the last of each line
};

struct line_counts {
  std::uint64_t from_client = 0;  ///< bytes
  std::uint64_t to_client = 0;
};

/// Changeable while lines run.
struct line_limits {
  std::atomic<std::uint32_t> lines_max{10'000};
  std::atomic<std::int64_t> first_byte_ms{10'000};  ///< handshake included
  std::atomic<std::int64_t> idle_ms{75'000};        ///< without a byte either way
  std::atomic<std::int64_t> dial_ms{2'000};
  /// A leg that ends in order between two requests does not end its client.
  std::atomic<bool> outlives_legs{true};
};

}  // namespace dunlin::proxy
