#include "actors/coherence/staleness_figures.hpp"

#include <algorithm>
#include <bit>

namespace dunlin {

// Values below 4 have a place each; above, each power of two is cut into four.
std::size_t staleness_figures::place_of(time value) {
  const auto us = static_cast<std::uint64_t>(std::max(value.count(), time::rep{0}));
  if (us < 4) return us;
  const auto power = static_cast<std::size_t>(std::bit_width(us)) - 1;
  const auto quarter = us >> (power - 2) & 3;
  return std::min(4 * (power - 1) + quarter, quarters - 1);
}

staleness_figures::time staleness_figures::top_of(std::size_t place) {
  if (place < 4) return time{static_cast<time::rep>(place)};
  const auto power = place / 4 + 1, quarter = place % 4;
  return time{static_cast<time::rep>(((5 + quarter) << (power - 2)) - 1)};
}

void staleness_figures::note(time lower, time upper) {
  ++counts_[place_of(upper)];
  ++noted_;
  max = std::max(max, upper);
  surely_max = std::max(surely_max, lower);
}

staleness_figures::time staleness_figures::percentile(std::uint64_t percent) const {
  const auto wanted = (noted_ * percent + 99) / 100;
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < quarters && noted_ > 0; ++i) {
    seen += counts_[i];
    if (seen >= wanted) return i + 1 < quarters ? std::min(top_of(i), max) : max;
  }
  return time{0};
}

}  // namespace dunlin
