/// BUCKET WORKLOAD: buckets that come and go, and come again under the same name, while clients of
/// all nodes look at them: what near caches of buckets must get right (decision 16,
/// docs/decisions/0011). Each bucket has one owner, whose operations do not overlap; a name whose
/// fate is not known is given up for a new one, since an end that is still on its way may meet a
/// beginning.
///
/// What may be said: that there is none is always confirmed, so it is linearizable. That there is
/// one may be as old as the caches' bound, in mode bounded.
#pragma once

#include "apps/testkit/linearizable.hpp"
#include "apps/testkit/virtual_cluster.hpp"

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace dunlin::testkit {

struct bucket_options {
  int owners = 2;
  int lives = 12;  ///< of all buckets together
  int readers = 2;
  std::chrono::milliseconds life_max{4000};
  std::chrono::milliseconds pause_max{1500};  ///< of a reader, and between two lives
};

class bucket_workload {
public:
  bucket_workload(virtual_cluster& cluster, bucket_options options = {});

  void begin();
  bool finished() const { return open_ == 0; }
  /// No further life begins.
  void stop() { stopped_ = true; }

  /// Looks at every bucket through every node: call when the cluster is whole.
  void read_all();
  std::vector<std::string> judge_all(std::size_t states_max) const;
  /// All that there ever were.
  std::vector<std::string> names() const;
  const std::vector<std::string>& mistakes() const { return mistakes_; }

private:
  using answer = virtual_cluster::answer;
  using on_status = std::function<void(int status)>;

  void live(int owner);
  void make(int owner);
  void use(int owner);
  void remove_object(int owner, int attempts);
  void remove(int owner);
  void give_up(int owner);
  void write(int owner, bool makes, on_status done);
  void look(const node_id& through, const std::string& name, std::function<void()> done);
  void read();
  void later(std::chrono::milliseconds most, std::function<void()> what);
  node_id any_node() { return cluster_.any_access_node(random_); }

  virtual_cluster& cluster_;
  bucket_options options_;
  std::mt19937_64 random_;
  std::map<std::string, std::vector<register_operation>> histories_;
  std::vector<std::string> names_;  // of each owner, now
  int named_ = 0;
  int lives_ = 0;
  int open_ = 0;    // owners, readers and looks at work
  int owners_ = 0;  // of these
  bool stopped_ = false;
  std::vector<std::string> mistakes_;
};

}  // namespace dunlin::testkit
