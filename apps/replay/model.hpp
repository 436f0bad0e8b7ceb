/// MODEL: what near caches of some other kind would have done with the same plan: caches that know
/// nothing but a time to live, and caches that are told everything at once (the clairvoyant bound).
/// A look-up and a fill take no time. One cache of all types for each node, LRU. Pure.
#pragma once

#include "apps/replay/plan.hpp"

#include <cstddef>
#include <cstdint>

namespace dunlin::replay {

struct model {
  enum class told { nothing, that_it_changed, what_it_is_now };
  told others = told::nothing;  ///< of a write through another node, at once
  double time_to_live_ms = 1e15;
  std::size_t items_max = 20'000;
};

struct model_figures {
  std::uint64_t lookups = 0, writes = 0;
  std::uint64_t reads = 0;  ///< of the database
  std::uint64_t stale = 0;
  double age_p50_ms = 0, age_p99_ms = 0, age_max_ms = 0;
  double reads_per_1000() const;
  double stale_share() const;
};

/// Of the steps that are counted.
model_figures run_model(const plan& of, const model& what);

}  // namespace dunlin::replay
