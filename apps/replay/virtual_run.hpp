/// A run on a virtual cluster: the same driver, on one thread and virtual time, from a seed. What a
/// machine's load makes of clock figures is not in it.
#pragma once

#include "apps/replay/driver.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace dunlin::replay {

struct virtual_outcome {
  run_figures figures;
  std::uint64_t history = 0;             ///< of all that happened: equal for equal runs
  std::vector<std::string> error_lines;  ///< that nodes have logged
};

/// `topology`: the text of a file; its access nodes are the clients, one for each node of the plan.
virtual_outcome replay_virtually(std::uint64_t seed, const std::string& topology,
                                 const std::shared_ptr<const plan>& what, bool audit);

}  // namespace dunlin::replay
