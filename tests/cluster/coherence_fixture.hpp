/// A cluster of three nodes with queues, ready and subscribed, for tests of its near caches.
#pragma once

#include "apps/testkit/virtual_cluster.hpp"
#include "messages/cache_types.hpp"
#include "tests/cluster/topologies.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace dunlin::testkit {

inline const std::string bucket(cached::bucket);
inline const std::string objects_bounded = "[cache.object]\nmode = \"bounded\"\n";

/// `queues` of the three nodes, the last ones, have the role; what is held is proved for so long
/// that nothing goes by age.
inline std::string with_queues(int queues, const std::string& mode = "bounded") {
  auto text = three_nodes;
  for (int i = 0; i < queues; ++i) {
    const auto name = "name = \"n" + std::to_string(3 - i) + "\"";
    const auto roles = text.find("roles = [", text.find(name));
    text.insert(roles + 9, "\"queue\", ");
  }
  return text + "\n[metadata]\npartitions = 1\n[cache.bucket]\nmode = \"" + mode +
         "\"\nstaleness_max = \"30s\"\n";
}

struct Coherence {
  explicit Coherence(const std::string& topology) : cluster{seeds(1).front(), topology} {
    cluster.start_all();
    EXPECT_TRUE(cluster.wait_until_ready(std::chrono::seconds(20)));
    cluster.time().run_for(std::chrono::seconds(2));
  }
  ~Coherence() { EXPECT_TRUE(cluster.error_lines().empty()) << joined(cluster.error_lines()); }
  int call(const node_id& through, const std::string& method, const std::string& path) {
    return cluster.call(through, method, path).status;
  }
  bool holds(const node_id& name, const std::string& key) {
    const auto said = cluster.look_up(name, bucket, key);
    return said && said->record;
  }
  /// What leaders were asked for of the types that near caches hold, by type.
  std::map<std::string, double> lookups() {
    return asked({"user", "bucket", "policy", "object", "cluster_map"});
  }
  /// … and of the part rows of uploads and objects.
  std::map<std::string, double> leader_reads() {
    return asked({"user", "bucket", "policy", "object", "cluster_map", "upload"});
  }
  std::map<std::string, double> asked(const std::vector<std::string>& types) {
    std::map<std::string, double> all;
    for (const auto& type : types)
      for (const auto& name : cluster.nodes())
        all[type] += cluster.counted(name, "dunlin_partition_lookups_total", {{"type", type}});
    return all;
  }
  /// What requests that came to the node needed of the database.
  std::map<std::string, double> queries(const node_id& name) {
    std::map<std::string, double> all;
    for (const auto* type : {"user", "bucket", "policy", "object", "cluster_map"})
      all[type] = cluster.counted(name, "dunlin_s3_database_queries_total", {{"type", type}});
    return all;
  }
  bool asks(const node_id& name, const std::string& key) {
    const auto said = cluster.look_up(name, bucket, key);
    return !said || !said->from_cache;
  }
  virtual_cluster cluster;
};

}  // namespace dunlin::testkit
