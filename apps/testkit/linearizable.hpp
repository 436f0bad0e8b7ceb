/// LINEARIZABLE: whether a history of one register (the object under one key) can be explained by
/// some order of its operations that respects real time (Herlihy & Wing 1990; the search is Wing &
/// Gong's, with what was tried kept, as Lowe 2017 does).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace dunlin::testkit {

struct register_operation {
  using time = std::chrono::nanoseconds;
  bool writes = false;
  std::optional<std::string> value;  ///< written or read; none: deleted or not found
  time called{0};
  /// None: no answer, so a write may take effect at any later time, or never. Reads without an
  /// answer do not belong into a history.
  std::optional<time> answered;
};

/// At first the register holds nothing.
bool linearizable(std::vector<register_operation> history);

}  // namespace dunlin::testkit
