/// REGISTER WORKLOAD: virtual S3 clients that put, get and delete the same few keys at the same
/// time through different nodes. Their answers are a history that must be linearizable (decision
/// 16: reads are strongly consistent).
#pragma once

#include "apps/testkit/linearizable.hpp"
#include "apps/testkit/virtual_cluster.hpp"

#include <map>
#include <random>
#include <string>
#include <vector>

namespace dunlin::testkit {

struct register_options {
  std::string bucket = "work";  ///< exists
  int clients = 6;
  int keys = 3;
  int operations = 600;  ///< of all clients
  std::chrono::milliseconds pause_max{300};
};

class register_workload {
public:
  register_workload(virtual_cluster& cluster, register_options options = {});

  void begin();
  bool finished() const { return open_ == 0; }

  /// Keys whose history no order explains; empty is what a test wants. Reads each key once more.
  std::vector<std::string> check_all();

private:
  void next();
  void record(const std::string& key, std::size_t at, const virtual_cluster::answer& seen);
  node_id any_node();
  std::string path(const std::string& key) const { return "/" + options_.bucket + "/" + key; }

  virtual_cluster& cluster_;
  register_options options_;
  std::mt19937_64 random_;
  std::map<std::string, std::vector<register_operation>> histories_;
  int started_ = 0;
  int open_ = 0;
};

}  // namespace dunlin::testkit
