/// LOOK-UP WORKLOAD: whoever writes has lookers all around: from the moment a writer takes its
/// ticket many questions about the item go to the near caches of all nodes, some of which the
/// leader must answer. So fills are under way when changes are heard, and what is stale is looked
/// at (cache-coherence races: docs/testing.md). Now and then what the leader says to one node comes
/// late, and nobody but those who come at once asks there until what was kept is due to be found
/// out: more questions would put it right. Every answer is judged by a lookup_watch.
#pragma once

#include "apps/testkit/lookup_watch.hpp"
#include "apps/testkit/virtual_cluster.hpp"

#include <chrono>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace dunlin::testkit {

struct lookup_options {
  int bursts = 40;                       ///< of each type
  std::chrono::milliseconds pause{800};  ///< between two bursts of a type
};

class lookup_workload {
public:
  /// Listens to the cluster's near caches from now on.
  explicit lookup_workload(virtual_cluster& cluster, lookup_options options = {});
  ~lookup_workload() { *alive_ = false; }

  /// Somebody is about to change the item. Writers that take a ticket of a near cache need not say
  /// so.
  void about_to_change(const std::string& type, const std::string& key);

  const lookup_watch& watch() const { return watch_; }
  const std::vector<std::string>& mistakes() const { return watch_.mistakes(); }
  const std::vector<std::string>& sampled_wrong() const { return watch_.sampled_wrong(); }
  /// No burst begins any more.
  void stop() { options_.bursts = 0; }

private:
  using time = std::chrono::milliseconds;

  time now() const { return std::chrono::duration_cast<time>(cluster_.time().now()); }

  /// Of one type.
  struct bursts {
    int made = 0;
    std::chrono::nanoseconds next{0};
  };
  void look_often(const node_id& at, const std::string& type, const std::string& key);
  void look_at_once(const node_id& at, const std::string& type, const std::string& key);
  void look_late(const node_id& at, const std::string& type, const std::string& key);
  /// What a leader says to one node comes only after a while, and so after what queues say of a
  /// later change. Which node; none: nobody leads, or it is the leader itself.
  node_id hold_up_answers(const std::string& type);
  void look_after(time wait, const node_id& at, const std::string& type, const std::string& key,
                  bool confirmed);
  void look(const node_id& through, const std::string& type, const std::string& key,
            bool confirmed);
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  time within(time most) { return time(below(static_cast<std::uint64_t>(most.count()))); }

  virtual_cluster& cluster_;
  lookup_options options_;
  std::mt19937_64 random_;
  lookup_watch watch_;
  std::map<std::string, bursts> bursts_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace dunlin::testkit
