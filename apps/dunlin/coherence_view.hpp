/// COHERENCE VIEW: what the nodes say of their near caches and message queues, merged. Pure.
#pragma once

#include "apps/dunlin/poll.hpp"

#include <string>
#include <vector>

namespace dunlin::commands {

/// {"cluster","nodes":[…]}: a coherence_status each, or {"name","error"} of one that did not
/// answer. `answers` are in the order of `of.nodes`.
std::string coherence_json(const topology::cluster& of,
                           const std::vector<coherence_answer>& answers);

/// Tables for people: caches, who hears, queues with the backlogs of their subscribers.
std::string coherence_text(const topology::cluster& of,
                           const std::vector<coherence_answer>& answers);

}  // namespace dunlin::commands
