/// When the next round of a collector comes. Internal to the collectors.
#pragma once

#include "runtime/clock.hpp"

#include <algorithm>
#include <chrono>

namespace dunlin::collector {

/// Rounds come an interval apart, up to a quarter later, so that nodes which started together part;
/// after failed ones twice, four and at most sixteen times as far.
class rounds {
public:
  rounds() = default;
  rounds(std::chrono::milliseconds interval, random_source& random)
      : interval_(interval), random_(&random) {}

  std::chrono::milliseconds next(bool failed) {
    factor_ = failed ? std::min(factor_ * 2, 16) : 1;
    const auto spread = static_cast<std::uint64_t>(interval_.count()) / 4 + 1;
    return interval_ * factor_ + std::chrono::milliseconds(random_->next() % spread);
  }

private:
  std::chrono::milliseconds interval_{};
  random_source* random_ = nullptr;
  int factor_ = 1;
};

}  // namespace dunlin::collector
