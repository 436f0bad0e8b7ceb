/// State of the orphan sweeper. Internal to the collectors.
#pragma once

#include "actors/collector/collector.hpp"
#include "actors/collector/collector_plan.hpp"
#include "actors/collector/rounds.hpp"

namespace dunlin {

struct orphan_sweeper_state {
  collector_options options;
  collector::rounds rounds;
  bool failed = false;
  std::uint64_t freed = 0;  ///< pages, in this sweep

  bool sweeping = false;
  std::vector<std::uint32_t> sets;          ///< the last one is at work
  std::string after;                        ///< in its pages
  bool more = false;                        ///< pages follow this batch
  std::vector<collector::held_item> items;  ///< of this batch; the last one is at work
  std::uint32_t parts_after = 0;            ///< in the parts of its upload
};

}  // namespace dunlin
