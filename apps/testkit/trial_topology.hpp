/// TRIAL TOPOLOGY: the cluster of one trial, drawn from its seed (U4): mostly three nodes with all
/// roles, sometimes more of them, sometimes nodes that only store, serve S3 or vote.
#pragma once

#include <cstdint>
#include <string>

namespace dunlin::testkit {

/// The text of a topology file; the same seed gives the same text.
std::string trial_topology(std::uint64_t seed);

}  // namespace dunlin::testkit
