/// SEED: what an empty cluster starts with, made from its topology file (decision 21).
#pragma once

#include "apps/assembly/cluster_files.hpp"
#include "messages/v1.hpp"
#include "runtime/topology/topology.hpp"

#include <string>

namespace dunlin::assembly {

/// Partitions of equal hash ranges, replica sets, and the root user with one access key.
v1::SeedCluster make_seed(const topology::cluster& of, const credentials& root);

/// The range of partition `id` (1 to `partitions`): both ends inclusive, no gap, no overlap.
struct hash_range {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
};
hash_range range_of(partition_id id, std::uint32_t partitions);

}  // namespace dunlin::assembly
