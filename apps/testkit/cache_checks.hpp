/// CACHE CHECKS: what must hold of near caches and message queues in a virtual cluster once all
/// nodes run and nobody changes anything (Q5, Q7 to Q15, docs/decisions/0011): caches say what the
/// leaders say, everybody has heard everything, and what can be proved is served without asking.
#pragma once

#include "apps/testkit/virtual_cluster.hpp"

#include <string>
#include <vector>

namespace dunlin::testkit {

/// Names that caches may hold though there is no such thing any more.
struct former_names {
  std::vector<std::string> buckets, access_keys, policies;
};

/// Lets as much time pass as caches may be stale. Of objects some of each partition are looked at.
/// What is wrong; empty is what a test wants.
std::vector<std::string> check_caches(virtual_cluster& cluster, const former_names& known);

/// Lets at most `limit` pass until every service hears every queue and lacks nothing.
std::vector<std::string> check_hearing(virtual_cluster& cluster, std::chrono::seconds limit);

/// What the nodes' samplers have found to be staler than its bound (X2). Each is an error line,
/// too.
std::vector<std::string> check_staleness(virtual_cluster& cluster);

}  // namespace dunlin::testkit
