/// QUIET CHECKS: what must hold in a virtual cluster once all nodes run and nobody asks for
/// anything (Q1, K2): equal logs have made equal states, and no object lacks pages.
#pragma once

#include "apps/testkit/virtual_cluster.hpp"

#include <string>
#include <vector>

namespace dunlin::testkit {

/// Lets the replicas catch up for at most `limit`. What is wrong; empty is what a test wants.
std::vector<std::string> check_states(virtual_cluster& cluster, std::chrono::seconds limit);

/// Every page that a partition names is whole at `quorum` nodes of its set, or at more.
std::vector<std::string> check_pages(virtual_cluster& cluster, std::size_t quorum);

}  // namespace dunlin::testkit
