#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace dunlin::replay {

/// The value below which the share `part` of them is; 1: the greatest. 0 if there are none. Puts
/// them in another order.
template <class Value>
Value percentile(std::vector<Value>& of, double part) {
  if (of.empty()) return {};
  const auto at =
      std::min(of.size() - 1, static_cast<std::size_t>(part * static_cast<double>(of.size())));
  std::nth_element(of.begin(), of.begin() + static_cast<std::ptrdiff_t>(at), of.end());
  return of[at];
}

}  // namespace dunlin::replay
