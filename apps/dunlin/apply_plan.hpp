/// APPLY PLAN: what a topology file says that a running cluster does not (F1). Pure.
#pragma once

#include "apps/dunlin/poll.hpp"

#include <string>
#include <vector>

namespace dunlin::commands {

struct apply_plan {
  std::vector<const topology::node*> joining;  ///< nodes of the file that some node does not know
  std::vector<std::string> later;    ///< differences that wait for a restart of nodes, for people
  std::vector<std::string> refused;  ///< differences that cannot be applied, for people
  std::vector<node_id> silent;       ///< known nodes that do not answer: they read the file anyway
  bool nobody = true;                ///< not one node answers
};

/// `answers` are in the order of `of.nodes`; `of` outlives the plan.
apply_plan plan_of(const topology::cluster& of, const std::vector<nodes_answer>& answers);

std::string to_text(const topology::cluster& of, const apply_plan& plan);

}  // namespace dunlin::commands
