/// Asks every node's admin plane for its status.
#pragma once

#include "apps/assembly/node_status.hpp"
#include "runtime/topology/topology.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace dunlin::commands {

struct node_answer {
  std::optional<assembly::node_status> status;
  std::string error;  ///< why there is none
};

/// In file order, all nodes at the same time; blocks for at most about `timeout`.
std::vector<node_answer> ask_nodes(const topology::cluster& of, const std::string& token,
                                   std::chrono::milliseconds timeout);

}  // namespace dunlin::commands
