/// FAILURE WINDOW: connects and failures of the last five minutes, in slices (B5, C7).
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace dunlin {

class failure_window {
public:
  using time = std::chrono::milliseconds;
  static constexpr time slice{10'000};
  static constexpr std::size_t slices = 30;

  void add(time now, bool failed) {
    auto& one = at_[static_cast<std::size_t>(now / slice) % slices];
    if (one.number != now / slice) one = {now / slice, 0, 0};
    ++(failed ? one.failed : one.fine);
  }

  /// Part of the connects that failed; none without one.
  double failed_part(time now) const {
    std::uint64_t fine = 0;
    std::uint64_t failed = 0;
    for (const auto& one : at_) {
      const auto age = now / slice - one.number;
      if (age < 0 || age >= static_cast<std::int64_t>(slices)) continue;
      fine += one.fine;
      failed += one.failed;
    }
    return failed == 0 ? 0 : static_cast<double>(failed) / static_cast<double>(fine + failed);
  }

private:
  struct part {
    std::int64_t number = -static_cast<std::int64_t>(slices);
    std::uint64_t fine = 0;
    std::uint64_t failed = 0;
  };
  std::array<part, slices> at_{};
};

}  // namespace dunlin
