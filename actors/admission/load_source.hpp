/// LOAD SOURCE: what a node's resources do now (B3). Real: process_load. Simulated: declared units,
/// or whatever the trial likes.
#pragma once

#include "actors/admission/leg_table.hpp"
#include "runtime/balance/load_meter.hpp"

#include <chrono>
#include <vector>

namespace dunlin {

class load_source {
public:
  virtual ~load_source() = default;
  /// Rates are of the time `since` the last call; zero at the first, which then knows no rates.
  /// `legs`: all that the legs of this node have done so far. Called in the actor's turns: quick.
  virtual std::vector<balance::resource_sample> sample(std::chrono::milliseconds since,
                                                       const leg_table::totals& legs,
                                                       const balance::load& settings) = 0;
};

}  // namespace dunlin
