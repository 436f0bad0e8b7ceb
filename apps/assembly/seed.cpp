#include "apps/assembly/seed.hpp"

#include <limits>

namespace dunlin::assembly {

hash_range range_of(partition_id id, std::uint32_t partitions) {
  DUNLIN_ASSERT(id >= 1 && id <= partitions);
  const auto all = std::numeric_limits<std::uint64_t>::max();
  const auto width = all / partitions;
  hash_range range;
  range.first = (id - 1) * width + (id > 1 ? 1 : 0);
  range.last = id == partitions ? all : id * width;
  return range;
}

v1::SeedCluster make_seed(const topology::cluster& of, const credentials& root) {
  v1::SeedCluster seed;
  auto& map = *seed.mutable_map();
  map.set_epoch(1);
  map.set_cluster(of.options.name);
  map.set_region(of.options.region);
  map.set_object_replicas(of.options.object_replicas);
  map.set_write_quorum(of.options.write_quorum);
  for (partition_id id = 1; id <= of.options.partitions; ++id) {
    auto& partition = *map.add_partitions();
    const auto range = range_of(id, of.options.partitions);
    partition.set_id(id);
    partition.set_first_hash(range.first);
    partition.set_last_hash(range.last);
    for (const auto& node : of.partition_nodes(id))
      partition.add_nodes(node);
  }
  for (std::uint32_t id = 0; id < of.options.replica_sets; ++id) {
    auto& set = *map.add_replica_sets();
    set.set_id(id);
    for (const auto& node : of.replica_set_nodes(id))
      set.add_nodes(node);
  }
  seed.mutable_root_user()->set_name("root");
  seed.mutable_root_user()->set_display_name("root");
  seed.mutable_root_user()->set_root(true);
  seed.mutable_root_key()->set_access_key(root.access_key);
  seed.mutable_root_key()->set_secret(root.secret_key);
  seed.mutable_root_key()->set_user("root");
  return seed;
}

}  // namespace dunlin::assembly
