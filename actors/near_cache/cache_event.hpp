/// What a near cache tells who watches it: each answer, and what writers say. For simulation.
#pragma once

#include "messages/near_cache.hpp"

#include <chrono>
#include <string>
#include <variant>

namespace dunlin {

struct cache_served {
  std::string key;
  cache_answer answer;
  std::chrono::milliseconds waited{};  ///< since the question came
  std::chrono::milliseconds bound{};   ///< how old it may have been then; none in mode validated
};

using cache_event = std::variant<cache_served, cache_begin_write, cache_written>;

}  // namespace dunlin
