/// RUN NODE: the whole life of one node's process.
#pragma once

#include "messages/vocabulary.hpp"
#include "runtime/topology/topology.hpp"

namespace dunlin::assembly {

/// Runs node `name` until SIGTERM or SIGINT drains it (at most 10 s), or a role dies (decision
/// 0003). Returns the process's exit code: 0 drained, 1 failed, with the reason logged.
int run_node(const topology::cluster& of, const node_id& name);

}  // namespace dunlin::assembly
