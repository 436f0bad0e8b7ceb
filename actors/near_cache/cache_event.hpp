/// What a near cache tells who watches it: each answer, what writers say, and what the sampler
/// found about its answers. For simulation.
#pragma once

#include "messages/coherence.hpp"
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

using cache_event = std::variant<cache_served, cache_begin_write, cache_written, sample_judged>;

}  // namespace dunlin
