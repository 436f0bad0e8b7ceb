/// CACHE CHANGE: what an operator wants of near caches while they run, in the words, bounds and
/// mistakes of the topology file (Q6).
#pragma once

#include "runtime/topology/topology.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace dunlin::topology {

/// Only what was given is changed.
struct cache_change {
  std::optional<bool> validated, values;
  std::optional<std::chrono::milliseconds> time_to_live, staleness_max, invalidation_interval;
  std::optional<std::uint32_t> items_max;
  std::optional<std::uint64_t> bytes_max;
};

struct cache_change_outcome {
  std::optional<cache_change> read;  ///< set if there is no mistake
  std::vector<mistake> mistakes;     ///< without places
};

/// `words`: key and value, as in [cache.TYPE] but for quotes, which may be left out. What the file
/// says together with the words must be what a file may say.
cache_change_outcome read_cache_change(const cluster& of, const std::string& type,
                                       const std::map<std::string, std::string>& words);

}  // namespace dunlin::topology
