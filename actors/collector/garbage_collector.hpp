/// State of the garbage collector. Internal to the collectors.
#pragma once

#include "actors/collector/collector.hpp"
#include "actors/collector/collector_plan.hpp"
#include "actors/collector/rounds.hpp"

namespace dunlin {

struct garbage_collector_state {
  collector_options options;
  collector::rounds rounds;
  std::uint64_t round = 0;
  bool failed = false;  ///< something of this round is left for the next

  v1::ClusterMap map;
  std::vector<partition_id> todo;  ///< the last one is at work
  std::uint64_t after = 0;         ///< in its garbage
  collector::garbage_plan plan;
  std::set<node_id> freed;      ///< replicas that are done with the plan
  std::size_t outstanding = 0;  ///< replicas not heard of
};

}  // namespace dunlin
