/// LINEARIZABLE: whether a history of one register (the object under one key) can be explained by
/// some order of its operations that respects real time (Herlihy & Wing 1990; the search is Wing &
/// Gong's, with what was tried kept, as Lowe 2017 does).
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace dunlin::testkit {

struct register_operation {
  using time = std::chrono::nanoseconds;
  /// What the value just before must be, for a conditional write that took place, and for one that
  /// its condition refused (which writes nothing, and whose `value` means nothing).
  enum class condition { none, one_of, none_of };

  bool writes = false;
  std::optional<std::string> value;  ///< written or read; none: deleted or not found
  time called{0};
  /// None: no answer, so a write may take effect at any later time, or never. Reads without an
  /// answer do not belong into a history.
  std::optional<time> answered;

  condition when = condition::none;
  std::vector<std::optional<std::string>> before;  ///< what `when` speaks of

  /// Whether it can take place when the register holds `current`.
  bool fits(const std::optional<std::string>& current) const;
};

enum class judgement { explained, wrong, undecided };

/// At first the register holds nothing. Undecided: more than `states_max` had to be looked at.
judgement judge(std::vector<register_operation> history, std::size_t states_max);

/// The same without a bound.
bool linearizable(std::vector<register_operation> history);

}  // namespace dunlin::testkit
