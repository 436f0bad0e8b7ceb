/// LOOK-UP WORKLOAD: whoever writes has lookers all around: from the moment a writer takes its
/// ticket many questions about the item go to the near caches of all nodes, some of which the
/// leader must answer. So fills are under way when changes are heard, and what is stale is looked
/// at (cache-coherence races: docs/testing.md). Every answer is judged by a lookup_watch.
#pragma once

#include "apps/testkit/lookup_watch.hpp"
#include "apps/testkit/virtual_cluster.hpp"

#include <chrono>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace dunlin::testkit {

struct lookup_options {
  int bursts = 80;
  std::chrono::milliseconds pause{500};  ///< between two bursts
};

class lookup_workload {
public:
  /// Listens to the cluster's near caches from now on.
  explicit lookup_workload(virtual_cluster& cluster, lookup_options options = {});
  ~lookup_workload() { *alive_ = false; }

  const lookup_watch& watch() const { return watch_; }
  const std::vector<std::string>& mistakes() const { return watch_.mistakes(); }
  /// No burst begins any more.
  void stop() { options_.bursts = 0; }

private:
  void burst(const std::string& type, const std::string& key);
  /// What the root partition's leader says to one node comes only after a while, and so after what
  /// queues say of a later change.
  void hold_up_answers();
  void look(const node_id& through, const std::string& type, const std::string& key,
            bool confirmed);

  virtual_cluster& cluster_;
  lookup_options options_;
  std::mt19937_64 random_;
  lookup_watch watch_;
  std::chrono::nanoseconds next_burst_{0};
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace dunlin::testkit
