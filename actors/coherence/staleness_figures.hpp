/// STALENESS FIGURES: what was found about the samples of one type and service. Percentiles within
/// a quarter of their value, in constant memory.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

namespace dunlin {

class staleness_figures {
public:
  using time = std::chrono::microseconds;

  /// One that was, or may have been, stale for at most `upper` and at least `lower`.
  void note(time lower, time upper);

  std::uint64_t samples = 0, unanswered = 0, stale = 0, unsure = 0, violations = 0;
  time surely_max{};
  time max{};

  /// Of those noted: `percent` of them were stale for at most so long. 0: none.
  time percentile(std::uint64_t percent) const;

private:
  static constexpr std::size_t quarters = 4 * 40;  // up to 2^40 µs
  static std::size_t place_of(time value);
  static time top_of(std::size_t place);

  std::array<std::uint64_t, quarters> counts_{};
  std::uint64_t noted_ = 0;
};

}  // namespace dunlin
