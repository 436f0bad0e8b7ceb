/// NEAR CACHE STATUS: what a near cache says of itself (X2).
#pragma once

#include "actors/near_cache/near_cache_core.hpp"
#include "messages/dunlin/v1/cache.pb.h"

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstdint>
#include <string_view>

namespace dunlin {

/// How old what was served without asking may have been.
struct cache_ages {
  std::array<std::uint64_t, 16> below{};  ///< the n-th: less than 2^n ms; the last: any greater
  std::chrono::milliseconds greatest{};

  void note(std::chrono::milliseconds age) {
    const auto bits = std::bit_width(static_cast<std::uint64_t>(age.count()));
    ++below[std::min<std::size_t>(bits, below.size() - 1)];
    greatest = std::max(greatest, age);
  }
  /// A bound of the age of `percent` of all, in ms.
  std::uint64_t percentile(std::uint64_t percent) const;
};

v1::CacheStatus near_cache_status(const near_cache_core& core, std::string_view type,
                                  std::uint64_t service, const cache_ages& ages);

}  // namespace dunlin
