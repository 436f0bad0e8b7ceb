/// State of the deletion resumer. Internal to the collectors.
#pragma once

#include "actors/collector/collector.hpp"
#include "actors/collector/collector_plan.hpp"
#include "actors/collector/rounds.hpp"

namespace dunlin {

struct deletion_resumer_state {
  collector_options options;
  collector::rounds rounds;
  std::uint64_t round = 0;
  bool failed = false;
  std::string after;  ///< in the buckets' names
  bool more = false;
  std::vector<v1::BucketRecord> buckets;  ///< the last one is at work
  int seals = 0;                          ///< asked for it
};

}  // namespace dunlin
