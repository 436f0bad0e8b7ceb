/// OBJECT WORKLOAD: virtual S3 clients that put, get, list and delete objects of their own keys,
/// and a checker that knows which answers are possible: nothing acknowledged is lost, nothing is
/// made up.
#pragma once

#include "apps/testkit/virtual_cluster.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace dunlin::testkit {

struct workload_options {
  std::string bucket = "work";
  int clients = 3;
  int keys_per_client = 4;
  int operations = 200;                 ///< of all clients
  std::chrono::milliseconds pause{50};  ///< of a client, between two operations
  std::size_t bytes_max = 40'000;       ///< of most objects
  std::size_t large_bytes = 2'500'000;  ///< of one object in 16: several pages
};

class object_workload {
public:
  /// Creates the bucket when run.
  object_workload(virtual_cluster& cluster, workload_options options = {});

  /// Starts the clients; they go on in virtual time until all operations are through.
  void begin();
  bool finished() const { return open_ == 0 && started_ >= options_.operations; }

  /// Reads every key through every running node, and lists: call when the cluster is whole again.
  void check_all();

  /// What is wrong, in the order in which it was found; empty is what a test wants.
  const std::vector<std::string>& mistakes() const { return mistakes_; }

  struct counts {
    std::uint64_t acknowledged = 0;  ///< writes
    std::uint64_t unknown = 0;       ///< writes without an answer, or with a 5xx
    std::uint64_t reads = 0;
    std::uint64_t reads_failed = 0;
  };
  const counts& counted() const { return counts_; }

private:
  /// What a read of the key may answer; none: not found.
  struct key_state {
    std::set<std::optional<std::string>> possible{std::nullopt};
    std::string etag;  ///< of the one that is possible, if it is known
  };
  void next(int client);
  void put(int client, const std::string& key);
  std::vector<http::header> condition(const std::string& key);
  void get(int client, const std::string& key);
  void remove(int client, const std::string& key);
  void finish(int client);
  node_id any_node();
  std::string make_value(const std::string& key);
  void check_read(const std::string& where, const std::string& key,
                  const virtual_cluster::answer& seen);
  void check_list(const node_id& through);
  std::string path(const std::string& key) const { return "/" + options_.bucket + "/" + key; }

  virtual_cluster& cluster_;
  workload_options options_;
  std::mt19937_64 random_;
  std::map<std::string, key_state> keys_;
  int started_ = 0;
  int open_ = 0;
  std::uint64_t values_ = 0;
  counts counts_;
  std::vector<std::string> mistakes_;
};

}  // namespace dunlin::testkit
