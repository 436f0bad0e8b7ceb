/// VERDICT: what a history proves against the cluster. The order of each key's operations is judged
/// by the same search as in the simulation (apps/testkit/linearizable.hpp); where it finds none,
/// simpler rules say what went wrong.
#pragma once

#include "apps/check/history.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace dunlin::check {

struct verdict {
  std::uint64_t operations = 0, acknowledged = 0, refused = 0, unknown = 0, keys = 0;
  std::uint64_t reads = 0, lists = 0;
  /// Each names bucket, key and times.
  std::vector<std::string> lost;       ///< an acknowledged object is not there, nobody deleted it
  std::vector<std::string> wrong;      ///< bytes that nobody wrote there, or an ETag of others
  std::vector<std::string> stale;      ///< what had been replaced or deleted before the read began
  std::vector<std::string> order;      ///< no order explains the key, though none of the above
  std::vector<std::string> listings;   ///< lists what is not there, or not what is
  std::vector<std::string> undecided;  ///< the search was given up

  bool passed() const {
    return lost.empty() && wrong.empty() && stale.empty() && order.empty() && listings.empty() &&
           undecided.empty();
  }
};

struct judge_options {
  std::size_t states_max = 2'000'000;  ///< of the search, per key
};

verdict judge(const std::vector<operation>& history, const judge_options& options = {});

/// One JSON object with the members of `verdict` and "passed".
std::string to_json(const verdict& said);

}  // namespace dunlin::check
