#include "apps/assembly/seed.hpp"

#include <gtest/gtest.h>

#include <limits>

using namespace dunlin;

TEST(Seed, CoversEveryHashOnceWhateverTheNumberOfPartitions) {
  for (std::uint32_t partitions : {1u, 2u, 3u, 7u, 64u}) {
    std::uint64_t expected = 0;
    for (partition_id id = 1; id <= partitions; ++id) {
      const auto range = assembly::range_of(id, partitions);
      EXPECT_EQ(range.first, expected) << id << " of " << partitions;
      EXPECT_GT(range.last, range.first);
      expected = range.last + 1;
    }
    EXPECT_EQ(expected, 0u) << "the last partition ends at the last hash";
  }
}

TEST(Seed, NamesPartitionsSetsAndTheRootUser) {
  topology::cluster of;
  of.options.name = "test";
  of.options.partitions = 2;
  of.options.replica_sets = 4;
  for (const auto* name : {"n1", "n2", "n3"}) {
    topology::node node;
    node.name = name;
    node.roles = {topology::role::database, topology::role::storage, topology::role::access};
    of.nodes.push_back(node);
  }
  const auto seed = assembly::make_seed(of, {"KEY", "secret"});
  EXPECT_EQ(seed.map().partitions_size(), 2);
  EXPECT_EQ(seed.map().partitions(0).nodes_size(), 3);
  EXPECT_EQ(seed.map().replica_sets_size(), 4);
  EXPECT_EQ(seed.map().epoch(), 1u);
  EXPECT_TRUE(seed.root_user().root());
  EXPECT_EQ(seed.root_key().user(), seed.root_user().name());
}
