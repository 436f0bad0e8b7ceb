/// MONOTONIC: time since some start, for plain programs (the supervisor, the command line). Actors
/// use their system's clock instead, which simulation can turn.
#pragma once

#include <chrono>

namespace dunlin {

inline std::chrono::milliseconds monotonic_now() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace dunlin
