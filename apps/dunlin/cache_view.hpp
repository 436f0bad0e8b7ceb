/// CACHE VIEW: what `dunlin cache` prints. Pure.
#pragma once

#include "apps/dunlin/poll.hpp"

#include <string>
#include <vector>

namespace dunlin::commands {

/// How each near cache is set; what is not as the file says has a star.
std::string parameters_text(const topology::cluster& of,
                            const std::vector<coherence_answer>& answers);

/// A line for each near cache that an instruction concerned, and for each node without one.
std::string changes_text(const topology::cluster& of,
                         const std::vector<cache_change_answer>& answers, const std::string& done);

/// Every node has answered, some near cache was concerned, and none refused.
bool all_changed(const std::vector<cache_change_answer>& answers);

}  // namespace dunlin::commands
